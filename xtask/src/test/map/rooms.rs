//! Whether the imports of a crate keep to its rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::circles;
use super::imports::Edges;
use crate::Failure;

/// A crate with its rooms.
#[derive(Clone, Copy, Debug)]
pub(super) struct House {
    pub(super) name: &'static str,
    /// The crate's root file.
    pub(super) root: &'static str,
    /// From the top floor down; none: the crate is one room, and only its circles of files count.
    pub(super) floors: &'static [&'static [Room]],
    /// What breaks the rule for now: so many imports from one room to another that is not below it.
    pub(super) known: &'static [Known],
    /// The sizes of the circles of files that are there for now, the largest first: of those that span rooms, and where there
    /// are no rooms of all.
    pub(super) circles: &'static [usize],
}

/// Imports that the rule forbids: from a room, to a room, how many.
pub(super) type Known = (&'static str, &'static str, usize);

/// A room: its name, its one job, and the files and folders (ending with `/`) it consists of, below the root file's folder.
pub(super) type Room = (&'static str, &'static str, &'static [&'static str]);

/// Fails on what is not in the table, and on what the table has and the crate has no longer: counts only go down.
pub(super) fn check(house: &House, edges: &Edges) -> Result<(), Failure> {
    let mut faults = String::new();
    let mut wrong: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut spanning = BTreeSet::new();
    let mut homeless = BTreeSet::new();
    for (from, to) in edges {
        let (Some(upper), Some(lower)) = (house.room_of(from), house.room_of(to)) else {
            let file = if house.room_of(from).is_none() { from } else { to };
            homeless.insert(file.clone());
            continue;
        };
        if upper.name != lower.name && upper.floor >= lower.floor {
            wrong.entry((upper.name, lower.name)).or_default().push(format!("{from} -> {to}"));
        }
        spanning.insert((from.clone(), to.clone()));
    }
    for file in homeless {
        faults.push_str(&format!("{file} is in no room of the table\n"));
    }
    let mut pairs: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for &(from, to, count) in house.known {
        pairs.insert((from, to), count);
    }
    for (pair, imports) in &wrong {
        let known = pairs.remove(pair).unwrap_or(0);
        faults.push_str(&judged(*pair, known, imports));
    }
    for (pair, known) in pairs {
        faults.push_str(&judged(pair, known, &[]));
    }
    let found: Vec<_> = circles(&spanning)
        .into_iter()
        .filter(|circle| {
            let rooms: BTreeSet<_> =
                circle.iter().filter_map(|file| house.room_of(file)).map(|room| room.name).collect();
            house.floors.is_empty() || rooms.len() > 1
        })
        .collect();
    let sizes: Vec<_> = found.iter().map(BTreeSet::len).collect();
    if sizes != house.circles {
        faults.push_str(&format!("circles of {sizes:?} files, the table has {:?}:\n", house.circles));
        for circle in found {
            faults.push_str(&format!("  {}\n", Vec::from_iter(circle).join(" ")));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(format!("see xtask/src/test/map/table.rs\n{faults}").into()) }
}

fn judged((from, to): (&str, &str), known: usize, imports: &[String]) -> String {
    if imports.len() == known {
        return String::new();
    }
    let advice = if imports.len() < known { ": lower the number" } else { "" };
    let mut text = format!("{} imports from {from} to {to}, {known} known{advice}\n", imports.len());
    for import in imports {
        text.push_str(&format!("  {import}\n"));
    }
    text
}

/// Where a file is: the room, and its floor counted from the top.
struct Place {
    name: &'static str,
    floor: usize,
}

impl House {
    fn room_of(&self, file: &str) -> Option<Place> {
        if self.floors.is_empty() {
            return Some(Place { name: self.name, floor: 0 });
        }
        self.floors.iter().enumerate().find_map(|(floor, rooms)| {
            let (name, ..) = rooms.iter().find(|(_, _, parts)| {
                parts.iter().any(|part| *part == file || (part.ends_with('/') && file.starts_with(part)))
            })?;
            Some(Place { name, floor })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUSE: House = House {
        name: "house",
        root: "lib.rs",
        floors: &[
            &[("roof", "", &["roof.rs"])],
            &[("left", "", &["left/"]), ("right", "", &["right.rs", "right/"])],
            &[("cellar", "", &["c.rs"])],
        ],
        known: &[],
        circles: &[],
    };

    fn judged(house: &House, edges: &[&str]) -> Result<(), String> {
        let edges = edges.iter().map(|edge| edge.split_once(' ').unwrap());
        let edges = edges.map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
        check(house, &edges).map_err(|failure| failure.to_string())
    }

    #[test]
    fn downward_and_within_a_room_is_fine() {
        judged(
            &HOUSE,
            &["roof.rs left/a.rs", "left/a.rs left/b.rs", "left/b.rs left/a.rs", "right/x.rs c.rs"],
        )
        .unwrap();
    }

    #[test]
    fn a_planted_import_upward_or_beside_is_told() {
        let failure = judged(&HOUSE, &["c.rs right.rs"]).unwrap_err();
        assert!(failure.contains("1 imports from cellar to right, 0 known\n  c.rs -> right.rs"), "{failure}");
        assert!(judged(&HOUSE, &["left/a.rs right.rs"]).unwrap_err().contains("from left to right"));
        assert!(judged(&HOUSE, &["roof.rs attic.rs"]).unwrap_err().contains("attic.rs is in no room"));
    }

    #[test]
    fn a_planted_circle_that_spans_rooms_is_told() {
        let failure = judged(&HOUSE, &["roof.rs c.rs", "c.rs roof.rs"]).unwrap_err();
        assert!(failure.contains("circles of [2] files, the table has []:\n  c.rs roof.rs"), "{failure}");
        let one_room = House { floors: &[], ..HOUSE };
        assert!(judged(&one_room, &["a.rs b.rs", "b.rs a.rs"]).unwrap_err().contains("circles of [2]"));
        judged(&House { circles: &[2], ..one_room }, &["a.rs b.rs", "b.rs a.rs"]).unwrap();
    }

    #[test]
    fn what_is_known_may_neither_grow_nor_stay_in_the_table_when_it_is_gone() {
        let house = House { known: &[("cellar", "roof", 1)], ..HOUSE };
        judged(&house, &["c.rs roof.rs"]).unwrap();
        let failure = judged(&house, &["roof.rs c.rs"]).unwrap_err();
        assert!(failure.contains("0 imports from cellar to roof, 1 known: lower the number"), "{failure}");
    }
}
