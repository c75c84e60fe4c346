//! The two that are compared.

use crate::Failure;

/// What belongs to each side; or what was measured of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sides<T> {
    /// A: the revision that was asked for.
    pub(super) old: T,
    /// B: this tree.
    pub(super) new: T,
}

impl<T> Sides<T> {
    /// Does the same with both. Which comes first changes from round to round, or what drifts would favour one.
    pub(super) fn in_turn<U>(
        &self,
        round: u32,
        mut measure: impl FnMut(&T) -> Result<U, Failure>,
    ) -> Result<Sides<U>, Failure> {
        if round % 2 == 1 {
            Ok(Sides { old: measure(&self.old)?, new: measure(&self.new)? })
        } else {
            let new = measure(&self.new)?;
            Ok(Sides { old: measure(&self.old)?, new })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_changes_and_each_keeps_its_place() {
        for (round, expected) in [(1, "AB"), (2, "BA"), (3, "AB")] {
            let mut order = String::new();
            let sides = Sides { old: 'A', new: 'B' };
            let same = sides.in_turn(round, |side| {
                order.push(*side);
                Ok(*side)
            });
            let same = same.unwrap();
            assert_eq!((order.as_str(), same.old, same.new), (expected, 'A', 'B'));
        }
    }
}
