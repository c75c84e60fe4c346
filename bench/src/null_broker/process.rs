//! The null broker as a child process.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::{Encoding, Options, Received};
use crate::Failure;

/// A running null broker; it ends with this value.
pub(crate) struct BrokerProcess {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    name_server: String,
}

impl BrokerProcess {
    pub(crate) fn start(options: &Options) -> Result<BrokerProcess, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("null-broker")
            .args(options.to_words())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err("the null broker has no pipes".into());
        };
        let mut broker =
            BrokerProcess { child, input, output: BufReader::new(output), name_server: String::new() };
        let line = broker.line()?;
        let address = line.strip_prefix("name server ");
        broker.name_server = address.ok_or_else(|| format!("the null broker said {line:?}"))?.to_owned();
        for _ in 0..options.brokers {
            broker.line()?;
        }
        Ok(broker)
    }

    /// `host:port` of its name server.
    pub(crate) fn name_server(&self) -> &str {
        &self.name_server
    }

    /// What it has received so far.
    pub(crate) fn received(&mut self) -> Result<Received, Failure> {
        self.input.write_all(b"\n")?;
        let line = self.line()?;
        Ok(serde_json::from_str(&line)?)
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        if self.output.read_line(&mut line)? == 0 {
            return Err("the null broker has ended".into());
        }
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for BrokerProcess {
    fn drop(&mut self) {
        // A failure means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One for each way to answer.
pub(crate) struct Brokers {
    json: BrokerProcess,
    binary: BrokerProcess,
}

impl Brokers {
    pub(crate) fn start() -> Result<Brokers, Failure> {
        let start = |answers| BrokerProcess::start(&Options { answers, ..Options::default() });
        Ok(Brokers { json: start(Encoding::Json)?, binary: start(Encoding::Binary)? })
    }

    pub(crate) fn answering(&mut self, answers: Encoding) -> &mut BrokerProcess {
        match answers {
            Encoding::Json => &mut self.json,
            Encoding::Binary => &mut self.binary,
        }
    }
}
