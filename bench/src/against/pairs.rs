//! Figures of both sides, measured next to each other, and what they say.

use super::sides::Sides;
use crate::results::median;

/// Which way is an improvement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Better {
    More,
    Less,
}

/// With fewer pairs it is too often chance that all of them agree.
const ENOUGH: usize = 3;

/// One figure of both sides, from each round.
#[derive(Debug, Default)]
pub(super) struct Pairs(Vec<Sides<f64>>);

/// What the pairs have in common.
#[derive(Debug, PartialEq)]
pub(super) struct Summary {
    pairs: usize,
    pub(super) old: f64,
    pub(super) new: f64,
    /// New to old: the median of the pairs' ratios, the smallest and the largest.
    pub(super) ratio: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Pairs {
    pub(super) fn add(&mut self, pair: Sides<f64>) {
        self.0.push(pair);
    }

    /// `None` without a pair.
    pub(super) fn summary(&self) -> Option<Summary> {
        let ratios: Vec<f64> = self.0.iter().map(|pair| pair.new / pair.old).collect();
        Some(Summary {
            pairs: self.0.len(),
            old: median(self.0.iter().map(|pair| pair.old).collect())?,
            new: median(self.0.iter().map(|pair| pair.new).collect())?,
            least: ratios.iter().copied().reduce(f64::min)?,
            most: ratios.iter().copied().reduce(f64::max)?,
            ratio: median(ratios)?,
        })
    }
}

impl Summary {
    /// A side is better only when every pair says so, and the median by a `noticeable` part.
    pub(super) fn verdict(&self, better: Better, noticeable: f64) -> String {
        let (more, less) = match better {
            Better::More => ('B', 'A'),
            Better::Less => ('A', 'B'),
        };
        let percent = (self.ratio - 1.0) * 100.0;
        if self.pairs < ENOUGH {
            "too few pairs".to_owned()
        } else if self.least > 1.0 && self.ratio >= 1.0 + noticeable {
            format!("{more} better ({percent:+.1} %)")
        } else if self.most < 1.0 && self.ratio <= 1.0 - noticeable {
            format!("{less} better ({percent:+.1} %)")
        } else {
            "no difference".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(pairs: &[(f64, f64)]) -> Summary {
        Pairs(pairs.iter().map(|&(old, new)| Sides { old, new }).collect()).summary().unwrap()
    }

    #[test]
    fn ratios_are_of_one_pair() {
        let summary = summary(&[(1.0, 2.0), (10.0, 30.0), (100.0, 400.0)]);
        let expected = Summary { pairs: 3, old: 10.0, new: 30.0, ratio: 3.0, least: 2.0, most: 4.0 };
        assert_eq!(summary, expected);
        assert_eq!(Pairs::default().summary(), None);
    }

    #[test]
    fn a_side_wins_when_every_pair_says_so() {
        let (up, down) =
            (summary(&[(100.0, 110.0), (100.0, 120.0), (100.0, 115.0)]), summary(&[(100.0, 90.0); 3]));
        assert_eq!(up.verdict(Better::More, 0.005), "B better (+15.0 %)");
        assert_eq!(up.verdict(Better::Less, 0.005), "A better (+15.0 %)");
        assert_eq!(down.verdict(Better::More, 0.005), "A better (-10.0 %)");
        assert_eq!(down.verdict(Better::Less, 0.005), "B better (-10.0 %)");
        for undecided in [[(100.0, 120.0), (100.0, 99.0), (100.0, 130.0)], [(1_000.0, 1_001.0); 3]] {
            assert_eq!(summary(&undecided).verdict(Better::More, 0.005), "no difference");
        }
        assert_eq!(summary(&[(100.0, 200.0); 2]).verdict(Better::More, 0.005), "too few pairs");
    }
}
