//! Randomness of two kinds: the system's, and chance that costs next to nothing.

use std::hash::{BuildHasher, RandomState};

use super::Moment;

/// A number of the system's, which a forked child does not share with its parent or with its siblings. The standard library's
/// randomness will not do: a thread has it once, and forked children go on where their parent stood.
pub(crate) fn random() -> u64 {
    // A very old system may have none: then it is of what else differs between processes.
    getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one((std::process::id(), Moment::now())))
}

/// A number by chance, to spread load with: another one each time, and of no other use. Forked children may have their
/// parent's.
pub(crate) fn chance() -> u32 {
    RandomState::new().hash_one(()) as u32
}

/// A part of this by chance, from nothing to all of it.
pub(crate) fn chance_of(whole: f64) -> f64 {
    whole * f64::from(chance()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn numbers_differ() {
        assert_eq!((0..1000).map(|_| random()).collect::<HashSet<_>>().len(), 1000);
        assert!((0..1000).map(|_| chance()).collect::<HashSet<_>>().len() > 990);
        assert!((0..1000).map(|_| chance_of(2.0)).all(|part| (0.0..=2.0).contains(&part)));
    }
}
