//! Sends with Apache's own producer (`java/Sender.java`), so that its requests can be held against ours.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use rocketmq_protocol::frame::HeaderEncoding;

use crate::ports::PortBlock;
use crate::process::{java, no_java, tail, write_quiet_logging};
use crate::{LaunchError, Version, artifacts};

/// A Java process that obeys commands, one at a time. It ends with this value, or with our process.
#[derive(Debug)]
pub struct JavaSender {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    output: PathBuf,
    /// Keeps the process' folder.
    _place: PortBlock,
}

impl JavaSender {
    /// Starts it; its requests have headers of this encoding (`rocketmq.serialize.type`), and its sends short field
    /// names or not (`org.apache.rocketmq.client.sendSmartMsg`): Java reads both only once.
    ///
    /// # Errors
    /// Java is missing, the jars cannot be had, or its folder cannot be written.
    pub fn start(
        version: Version,
        encoding: HeaderEncoding,
        short_names: bool,
    ) -> Result<JavaSender, LaunchError> {
        let artifacts = artifacts::resolve(version)?;
        let place = PortBlock::reserve()?;
        write_quiet_logging(&place.folder)?;
        let output = place.folder.join("output.log");
        let errors = File::create(&output).map_err(LaunchError::path("create", &output))?;
        let mut command = java(&artifacts, &place.folder);
        command.arg(match encoding {
            HeaderEncoding::Json => "-Drocketmq.serialize.type=JSON",
            HeaderEncoding::Rocketmq => "-Drocketmq.serialize.type=ROCKETMQ",
        });
        command.arg(format!("-Dorg.apache.rocketmq.client.sendSmartMsg={short_names}"));
        command.args(["-Xmx256m", "Sender"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().map_err(no_java)?;
        let (Some(commands), Some(answers)) = (child.stdin.take(), child.stdout.take()) else {
            // Both were asked for two lines above.
            return Err(LaunchError::io("connecting to the sender")(std::io::ErrorKind::BrokenPipe.into()));
        };
        Ok(JavaSender { child, commands, answers: BufReader::new(answers), output, _place: place })
    }

    /// Has it obey `verb` with these arguments, and waits until it has. Tabs and line ends are not for arguments.
    ///
    /// # Errors
    /// It could not: the error says why. It has ended: with the end of its output.
    pub fn obey(&mut self, verb: &str, arguments: &[(String, String)]) -> Result<(), LaunchError> {
        let mut line = verb.to_owned();
        for (name, value) in arguments {
            line.extend(["\t", name, "=", value]);
        }
        line.push('\n');
        let what = format!("having Java {verb}");
        let written = self.commands.write_all(line.as_bytes()).and_then(|()| self.commands.flush());
        let mut answer = String::new();
        let read = written.and_then(|()| self.answers.read_line(&mut answer));
        match read {
            Ok(0) => Err(self.ended()),
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(self.ended()),
            Err(error) => Err(LaunchError::io(what)(error)),
            Ok(_) if answer.trim_end() == "ok" => Ok(()),
            Ok(_) => Err(LaunchError::wire(&what)(answer.trim_end().to_owned())),
        }
    }

    fn ended(&mut self) -> LaunchError {
        match self.child.wait() {
            Ok(status) => {
                let text = fs::read(&self.output)
                    .map_or_else(|e| e.to_string(), |b| String::from_utf8_lossy(&b).into_owned());
                LaunchError::Failed { what: "the Java sender".to_owned(), status, tail: tail(&text) }
            }
            Err(error) => LaunchError::io("waiting for the Java sender")(error),
        }
    }
}

impl Drop for JavaSender {
    fn drop(&mut self) {
        // Both fail only when the process has ended and been waited for already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
