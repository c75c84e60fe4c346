//! Other programs that keep all cores busy while tests run: no test may wait for a machine to be fast.

use std::process::{Child, Command, Stdio};

use crate::Failure;

/// A test's thread then has a third of a core, when it wants one.
const PROGRAMS_PER_CORE: usize = 2;

/// Counts for as long as the process whose number it is given lives, so that it ends with it however that ends.
const PROGRAM: &str =
    "while kill -0 \"$1\" 2>/dev/null; do i=0; while [ \"$i\" -lt 20000 ]; do i=$((i + 1)); done; done";

/// The running programs; they end with this value.
#[derive(Debug)]
pub(crate) struct Load(Vec<Child>);

impl Load {
    /// Starts them.
    pub(crate) fn start() -> Result<Load, Failure> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut load = Load(Vec::new());
        for _ in 0..cores * PROGRAMS_PER_CORE {
            load.0.push(program(std::process::id())?);
        }
        println!("\n== under load: {} other programs keep {cores} cores busy", load.0.len());
        Ok(load)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        for program in &mut self.0 {
            // A failure means that it has ended already.
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

fn program(watched: u32) -> Result<Child, Failure> {
    let mut shell = Command::new("sh");
    shell.args(["-c", PROGRAM, "load", &watched.to_string()]);
    let started = shell.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    started.map_err(|cause| format!("a program that makes load: {cause}").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_ends_with_the_process_that_it_watches() {
        let mut watched = Command::new("sleep").arg("1000").spawn().unwrap();
        let mut program = program(watched.id()).unwrap();
        assert!(program.try_wait().unwrap().is_none());
        watched.kill().unwrap();
        watched.wait().unwrap();
        assert!(program.wait().unwrap().success(), "it ended by itself");
    }

    #[test]
    fn programs_end_with_their_value() {
        let load = Load::start().unwrap();
        let ids: Vec<_> = load.0.iter().map(Child::id).collect();
        assert!(ids.iter().all(|id| std::path::Path::new(&format!("/proc/{id}")).exists()));
        drop(load);
        assert!(ids.iter().all(|id| !std::path::Path::new(&format!("/proc/{id}")).exists()));
    }
}
