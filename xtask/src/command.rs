//! Running other programs.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::Failure;

/// How a program ended, and all that it printed.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Whether its exit status was zero.
    pub(crate) success: bool,
    /// Standard output and standard error in the order they were written, and why it ended if not well.
    pub(crate) text: String,
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// Runs a command with our own terminal.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus, Failure> {
    command.status().map_err(|cause| cannot_run(command, &cause))
}

/// Runs a command with our own terminal; anything but success is a failure.
pub(crate) fn must(command: &mut Command) -> Result<(), Failure> {
    let status = run(command)?;
    if status.success() { Ok(()) } else { Err(format!("`{}` ended with {status}", shown(command)).into()) }
}

/// Runs a command and returns its standard output; anything but success is a failure that holds its errors.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let output = command.stdin(Stdio::null()).output().map_err(|cause| cannot_run(command, &cause))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("`{}` ended with {}\n{errors}", shown(command), output.status).into())
}

/// Runs a command to its end, or to the limit, when it and all processes below it are killed.
pub(crate) fn captured(command: &mut Command, limit: Duration) -> Ended {
    match start_captured(command) {
        Ok((child, chunks)) => wait_captured(child, &chunks, limit),
        Err(cause) => Ended { success: false, text: cannot_run(command, &cause).to_string() },
    }
}

fn cannot_run(command: &Command, cause: &io::Error) -> Failure {
    format!("cannot run `{}`: {cause}", shown(command)).into()
}

fn start_captured(command: &mut Command) -> io::Result<(Child, mpsc::Receiver<Vec<u8>>)> {
    let (mut reader, writer) = io::pipe()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let child = command.spawn();
    // The command holds the writing ends; the reader's end comes only when they are gone.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let child = child?;
    let (sender, chunks) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = reader.read(&mut buffer) {
            if sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    Ok((child, chunks))
}

fn wait_captured(mut child: Child, chunks: &mpsc::Receiver<Vec<u8>>, limit: Duration) -> Ended {
    let deadline = Instant::now() + limit;
    let mut bytes = Vec::new();
    let open = loop {
        match chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(chunk) => bytes.extend(chunk),
            Err(mpsc::RecvTimeoutError::Disconnected) => break false,
            Err(mpsc::RecvTimeoutError::Timeout) => break true,
        }
    };
    if open {
        kill_tree(&mut child);
    }
    let status = child.wait();
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    let success = !open && status.as_ref().is_ok_and(ExitStatus::success);
    if !success {
        let why = match status {
            _ if open => format!("killed: not at its end after {} s", limit.as_secs()),
            Ok(status) => status.to_string(),
            Err(cause) => format!("waiting for its end: {cause}"),
        };
        // Writing to a String cannot fail.
        let _ = write!(text, "\n[{why}]");
    }
    Ended { success, text }
}

/// Kills a child and everything it started. Parents go last, so that none of them starts another meanwhile unseen.
fn kill_tree(child: &mut Child) {
    let mut tree = vec![child.id()];
    let parents = parents();
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(parents.iter().filter(|(_, of)| **of == parent).map(|(id, _)| *id));
        next += 1;
    }
    let ids = tree.iter().skip(1).rev().map(u32::to_string);
    // What has ended by itself meanwhile needs no kill; the child itself is ours to end in any case.
    let mut kill = Command::new("sh");
    kill.args(["-c", "kill -KILL \"$@\"", "kill"]).args(ids).stderr(Stdio::null());
    let _ = kill.status();
    let _ = child.kill();
}

/// The parent of every process there is.
fn parents() -> HashMap<u32, u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return HashMap::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.filter_map(|id| Some((id, parent(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)?))).collect()
}

/// The parent's id in a line of `/proc/ID/stat`: `ID (name) state parent …`, where the name may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn output_and_errors_come_in_the_order_written() {
        let ended = captured(&mut shell("echo one; echo two >&2; echo three"), Duration::from_secs(60));
        assert!(ended.success);
        assert_eq!(ended.text, "one\ntwo\nthree\n");
    }

    #[test]
    fn a_failure_tells_the_status() {
        let ended = captured(&mut shell("echo last words; exit 7"), Duration::from_secs(60));
        assert!(!ended.success);
        assert!(ended.text.starts_with("last words\n"), "{}", ended.text);
        assert!(ended.text.contains("exit status: 7"), "{}", ended.text);
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let ended = captured(&mut Command::new("/no/such/program"), Duration::from_secs(60));
        assert!(!ended.success && ended.text.contains("`/no/such/program`"), "{}", ended.text);
    }

    #[test]
    fn at_the_limit_the_whole_tree_ends() {
        let start = Instant::now();
        let script = "sleep 1000 & echo $!; wait";
        let ended = captured(&mut shell(script), Duration::from_millis(300));
        assert!(start.elapsed() < Duration::from_secs(30));
        assert!(!ended.success && ended.text.contains("killed"), "{}", ended.text);
        let grandchild = ended.text.lines().next().unwrap();
        // A signal takes effect a moment after it is sent; a zombie waits for its new parent only.
        let alive = || {
            let stat = fs::read_to_string(format!("/proc/{grandchild}/stat"));
            stat.is_ok_and(|stat| !stat.contains(") Z "))
        };
        while alive() {
            assert!(start.elapsed() < Duration::from_secs(30), "process {grandchild} lives");
            std::thread::yield_now();
        }
    }

    #[test]
    fn the_parent_is_found_behind_any_name() {
        assert_eq!(parent("12 (a) b (c) S 7 12 12 0"), Some(7));
        assert_eq!(parent("12 (a"), None);
    }
}
