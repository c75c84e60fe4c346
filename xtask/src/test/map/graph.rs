//! Circles in a graph.

use std::collections::{BTreeMap, BTreeSet};

/// The circles, each with all its members, the largest first: nodes that reach each other.
pub(super) fn circles(edges: &BTreeSet<(String, String)>) -> Vec<BTreeSet<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(from).or_default().insert(to);
    }
    let reach: BTreeMap<&str, BTreeSet<&str>> =
        next.keys().map(|start| (*start, reachable(start, &next))).collect();
    let mut circles: BTreeSet<BTreeSet<String>> = BTreeSet::new();
    for (start, reached) in reach.iter().filter(|(start, reached)| reached.contains(*start)) {
        let back = reached.iter().filter(|node| reach.get(*node).is_some_and(|from| from.contains(start)));
        circles.insert(back.map(|node| (*node).to_owned()).collect());
    }
    let mut circles: Vec<_> = circles.into_iter().collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    circles
}

/// What can be reached from a node by at least one step.
fn reachable<'a>(start: &str, next: &BTreeMap<&str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = vec![start];
    while let Some(node) = open.pop() {
        for to in next.get(node).into_iter().flatten() {
            if reached.insert(*to) {
                open.push(to);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_has_those_that_reach_each_other() {
        let edges = ["a b", "b c", "c a", "c d", "d e", "e d", "e f"];
        let edges =
            edges.map(|edge| edge.split_once(' ').unwrap()).map(|(a, b)| (a.to_owned(), b.to_owned()));
        let circles = circles(&edges.into_iter().collect());
        let shown: Vec<_> = circles.iter().map(|circle| Vec::from_iter(circle.clone()).concat()).collect();
        assert_eq!(shown, ["abc", "de"]);
    }
}
