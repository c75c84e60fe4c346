//! Randomness that a forked child does not share with its parent or with its siblings.

use std::hash::{BuildHasher, RandomState};

use super::Moment;

/// A number of the system's. The standard library's randomness will not do: a thread has it once, and forked children
/// go on where their parent stood.
pub(crate) fn random() -> u64 {
    let mut bytes = [0; 8];
    // SAFETY: as many bytes as the array has are writable.
    let written = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), libc::GRND_NONBLOCK) };
    match usize::try_from(written) {
        Ok(8) => u64::from_ne_bytes(bytes),
        // A very old system, or one that has just started: of what else differs between processes.
        _ => RandomState::new().hash_one((std::process::id(), Moment::now())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_differ() {
        let numbers: std::collections::HashSet<u64> = (0..1000).map(|_| random()).collect();
        assert_eq!(numbers.len(), 1000);
    }
}
