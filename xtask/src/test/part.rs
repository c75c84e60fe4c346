//! One part of the tests: steps that are run, timed, counted and told of.

use std::io::{self, IsTerminal, Write};
use std::process::Command;
use std::time::{Duration, Instant};

use super::tally::Tally;
use crate::workspace::Workspace;
use crate::{Failure, command};

/// No step takes this long: what is not at its end by then hangs.
const LIMIT: Duration = Duration::from_secs(60 * 60);

/// The steps run so far.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    pub(crate) workspace: &'a Workspace,
    tally: Tally,
}

impl<'a> Part<'a> {
    pub(crate) fn new(workspace: &'a Workspace) -> Part<'a> {
        Part { workspace, tally: Tally::default() }
    }

    /// Steps that must succeed, one after the other, before the next ones make sense; a test only if one fails.
    pub(crate) fn prepare(&mut self, steps: Vec<(&str, Command)>) -> Result<(), Failure> {
        for (what, mut command) in steps {
            let start = Instant::now();
            announce(what);
            let ended = command::captured(&mut command, LIMIT);
            tell(if ended.success { "ready" } else { "FAILED" }, what, start);
            if !ended.success {
                return Err(format!("{what}: `{}`\n{}", command::shown(&command), ended.text).into());
            }
        }
        Ok(())
    }

    /// A program that is one test: its exit status tells.
    pub(crate) fn check(&mut self, what: &str, command: &mut Command) {
        self.suite(what, command, |_| Tally::PASSED);
    }

    /// A program that runs many tests, counted from what it prints. One that ends badly without a failed test has
    /// failed itself, and so has one that ran no test.
    pub(crate) fn suite(&mut self, what: &str, command: &mut Command, count: impl FnOnce(&str) -> Tally) {
        let start = Instant::now();
        announce(what);
        let ended = command::captured(command, LIMIT);
        let mut tally = if ended.success { count(&ended.text) } else { of_failed(count(&ended.text)) };
        if ended.success && tally.passed + tally.failed == 0 {
            tally.failed = 1;
        }
        self.end_step(what, start, tally, || format!("`{}`\n{}", command::shown(command), ended.text));
    }

    /// A test in this process.
    pub(crate) fn verify(&mut self, what: &str, test: impl FnOnce() -> Result<(), Failure>) {
        let start = Instant::now();
        announce(what);
        let result = test();
        let tally = if result.is_ok() { Tally::PASSED } else { Tally::FAILED };
        self.end_step(what, start, tally, || {
            result.err().map_or_else(String::new, |failure| failure.to_string())
        });
    }

    /// Counts a failure and shows its text whole.
    pub(crate) fn failed(&mut self, what: &str, text: &str) {
        self.tally.add(&Tally::FAILED);
        show(what, text);
    }

    /// The count of all steps. A part that ran no test has failed.
    pub(crate) fn end(mut self) -> Tally {
        if self.tally.passed + self.tally.failed == 0 {
            self.failed("this part", "it ran no test");
        }
        self.tally
    }

    fn end_step(&mut self, what: &str, start: Instant, tally: Tally, text: impl FnOnce() -> String) {
        let good = tally.is_good();
        let counts = if tally == Tally::PASSED { String::new() } else { format!(" ({tally})") };
        tell(if good { "ok" } else { "FAILED" }, &format!("{what}{counts}"), start);
        if !good {
            show(what, &text());
        }
        self.tally.add(&tally);
    }
}

/// The count of a program that ended badly: whatever it printed, something failed.
fn of_failed(mut tally: Tally) -> Tally {
    if tally == Tally::PASSED {
        return Tally::FAILED;
    }
    tally.failed = tally.failed.max(1);
    tally
}

/// Shows on a terminal what runs; the step's end writes over it.
fn announce(what: &str) {
    let mut out = io::stdout();
    if out.is_terminal() {
        // A terminal that is gone must not end the tests.
        let _ = write!(out, "   …      {what}\r").and_then(|()| out.flush());
    }
}

fn tell(outcome: &str, what: &str, start: Instant) {
    println!("   {outcome:6} {what}, {:.1} s", start.elapsed().as_secs_f64());
}

fn show(what: &str, text: &str) {
    println!("---- {what}\n{}\n----", text.trim_end());
}

#[cfg(test)]
mod tests {
    use super::super::tally;
    use super::*;

    fn counted(script: &str, count: fn(&str) -> Tally) -> Tally {
        let workspace = Workspace { root: "/".into(), target: "/".into() };
        let mut part = Part::new(&workspace);
        part.suite("suite", Command::new("sh").args(["-c", script]), count);
        part.end()
    }

    #[test]
    fn a_suite_counts_what_it_printed() {
        let script = "echo 'test result: ok. 4 passed; 0 failed; 0 ignored'";
        assert_eq!(counted(script, tally::of_cargo), Tally { passed: 4, failed: 0, skipped: 0 });
    }

    #[test]
    fn a_suite_that_fails_is_never_good() {
        let failing = "echo 'test result: FAILED. 4 passed; 2 failed; 0 ignored'; exit 101";
        assert_eq!(counted(failing, tally::of_cargo), Tally { passed: 4, failed: 2, skipped: 0 });
        let crashed = "echo 'test result: ok. 4 passed; 0 failed; 0 ignored'; kill -SEGV $$";
        assert_eq!(counted(crashed, tally::of_cargo), Tally { passed: 4, failed: 1, skipped: 0 });
        assert_eq!(counted("exit 101", tally::of_cargo), Tally::FAILED);
        assert_eq!(counted("echo 1 failed in 0.1s", tally::of_pytest), Tally::FAILED, "whatever its status");
    }

    #[test]
    fn a_suite_without_tests_has_failed() {
        assert_eq!(counted("echo 'no tests ran in 0.01s'", tally::of_pytest), Tally::FAILED);
        assert_eq!(counted("true", tally::of_cargo), Tally::FAILED);
    }

    #[test]
    fn a_check_is_one_test() {
        let workspace = Workspace { root: "/".into(), target: "/".into() };
        let mut part = Part::new(&workspace);
        part.check("good", &mut Command::new("true"));
        part.check("bad", &mut Command::new("false"));
        assert!(part.prepare(vec![("bad", Command::new("false"))]).is_err());
        assert_eq!(part.end(), Tally { passed: 1, failed: 1, skipped: 0 });
    }
}
