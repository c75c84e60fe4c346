//! Counts of tests, and how to read them from what test programs print.

use std::fmt;

/// How many tests passed, failed and were left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    pub(crate) skipped: usize,
}

impl Tally {
    pub(crate) const PASSED: Tally = Tally { passed: 1, failed: 0, skipped: 0 };
    pub(crate) const FAILED: Tally = Tally { passed: 0, failed: 1, skipped: 0 };

    pub(crate) fn add(&mut self, other: &Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Something was tested and nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.skipped > 0 {
            write!(f, "{} skipped, ", self.skipped)?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Sums the lines `test result: ok. 3 passed; 0 failed; 1 ignored; …` of cargo's test programs.
pub(crate) fn of_cargo(text: &str) -> Tally {
    let mut tally = Tally::default();
    for line in text.lines().filter_map(|line| line.strip_prefix("test result: ")) {
        let counts = line.split_once(". ").map_or(line, |(_, counts)| counts);
        tally.add(&counted(counts, ';'));
    }
    tally
}

/// The last summary of pytest: `2 failed, 3 passed, 1 skipped in 0.10s`, between `=` or alone.
pub(crate) fn of_pytest(text: &str) -> Tally {
    let summary = text.lines().rev().find_map(|line| {
        let (counts, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
        (time.starts_with(|c: char| c.is_ascii_digit()) && !counted(counts, ',').is_empty()).then_some(counts)
    });
    summary.map_or_else(Tally::default, |counts| counted(counts, ','))
}

impl Tally {
    fn is_empty(&self) -> bool {
        *self == Tally::default()
    }
}

/// Reads `3 passed; 0 failed; …`; words that are no outcome of a test are passed over.
fn counted(counts: &str, separator: char) -> Tally {
    let mut tally = Tally::default();
    for item in counts.split(separator) {
        let Some((number, word)) = item.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        match word.trim() {
            "passed" => tally.passed += number,
            "failed" | "error" | "errors" | "xpassed" => tally.failed += number,
            "ignored" | "skipped" | "xfailed" => tally.skipped += number,
            _ => {}
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(passed: usize, failed: usize, skipped: usize) -> Tally {
        Tally { passed, failed, skipped }
    }

    #[test]
    fn all_result_lines_of_cargo_are_summed() {
        let text = "running 2 tests\ntest a ... ok\n\n\
            test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\
            test b ... FAILED\n\
            test result: FAILED. 5 passed; 3 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s\n";
        assert_eq!(of_cargo(text), tally(7, 3, 1));
        assert_eq!(of_cargo("error: could not compile"), tally(0, 0, 0));
    }

    #[test]
    fn pytest_ends_with_its_summary() {
        assert_eq!(of_pytest("12 passed in 0.30s\n"), tally(12, 0, 0));
        let long =
            "tests/x.py ..F\n====== 1 failed, 11 passed, 2 skipped, 3 errors in 61.20s (0:01:01) ======\n";
        assert_eq!(of_pytest(long), tally(11, 4, 2));
        assert_eq!(of_pytest("no tests ran in 0.01s\n"), tally(0, 0, 0));
        assert_eq!(of_pytest("ImportError while loading conftest\n"), tally(0, 0, 0));
    }

    #[test]
    fn nothing_tested_is_not_good() {
        assert!(!tally(0, 0, 0).is_good());
        assert!(!tally(0, 0, 4).is_good());
        assert!(!tally(9, 1, 0).is_good());
        assert!(tally(1, 0, 0).is_good());
        assert_eq!(tally(3, 1, 0).to_string(), "3 passed, 1 failed");
    }
}
