//! Callgrind, which is a tool of valgrind.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::Failure;

/// Why nothing can be counted here, if so.
pub(crate) fn why_none() -> Result<Option<String>, Failure> {
    let tried = Command::new("valgrind").arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
    match tried {
        Ok(status) if status.success() => Ok(None),
        Ok(status) => Ok(Some(format!("valgrind: {status}"))),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Ok(Some("valgrind is not installed (Debian package valgrind)".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

/// `program` with its words, below callgrind; more words may follow.
pub(super) fn around(program: &Command, profile: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    // Threads take turns in the order in which they ask: what waits for whom, and with it how many messages a batch has,
    // is then the same from run to run.
    valgrind.args(["--quiet", "--tool=callgrind", "--fair-sched=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}", profile.display()));
    // Dictionaries of Python have the same order in each run.
    valgrind.env("PYTHONHASHSEED", "0");
    valgrind.arg(program.get_program()).args(program.get_args());
    valgrind
}

/// What a profile adds up to.
pub(super) fn total(profile: &Path) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(profile).map_err(|error| format!("{}: {error}", profile.display()))?;
    total_in(&text).ok_or_else(|| format!("{} has no totals", profile.display()).into())
}

fn total_in(profile: &str) -> Option<u64> {
    profile.lines().find_map(|line| line.strip_prefix("totals: "))?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total_in;

    #[test]
    fn the_total_is_found_in_a_profile() {
        assert_eq!(
            total_in("# callgrind format\nevents: Ir\n\nfn=(1) main\n5 7\n\ntotals: 620622267\n"),
            Some(620_622_267)
        );
        assert_eq!(total_in("events: Ir\n"), None);
    }
}
