//! `rocketmq-mock` as a child process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::Failure;

/// A running mock that keeps no messages; it ends with this value.
pub(in crate::harness) struct MockProcess {
    child: Child,
    name_server: String,
}

impl MockProcess {
    /// The program is expected beside this executable.
    pub(super) fn start() -> Result<MockProcess, Failure> {
        let program = std::env::current_exe()?.with_file_name("rocketmq-mock");
        let mut child = Command::new(&program)
            .args(["--keep", "none"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let output = child.stdout.take();
        let mut mock = MockProcess { child, name_server: String::new() };
        let mut output = BufReader::new(output.ok_or("the mock has no output")?);
        let (mut first, mut broker) = (String::new(), String::new());
        output.read_line(&mut first)?;
        let address = first.trim_end().strip_prefix("name server ");
        mock.name_server = address.ok_or_else(|| format!("the mock said {first:?}"))?.to_owned();
        // It must have said all it says before its output is closed.
        output.read_line(&mut broker)?;
        Ok(mock)
    }

    /// `host:port` of its name server.
    pub(super) fn name_server(&self) -> &str {
        &self.name_server
    }

    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for MockProcess {
    fn drop(&mut self) {
        // A failure means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
