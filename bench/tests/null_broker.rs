//! The null broker's ways to answer, as our producer sees them.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, Stdio};

const BENCH: &str = env!("CARGO_BIN_EXE_rmq-bench");

struct NullBroker {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl NullBroker {
    fn start(words: &[&str]) -> NullBroker {
        let mut command = Command::new(BENCH);
        command.arg("null-broker").args(words).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        NullBroker { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn sends(&mut self) -> u64 {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
        let received: serde_json::Value = serde_json::from_str(&self.line()).unwrap();
        received["sends"].as_u64().unwrap()
    }
}

impl Drop for NullBroker {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Runs a program that sends 5,000 messages after 100.
fn outcome(words: &[&str]) -> serde_json::Value {
    let output = Command::new(BENCH)
        .args(words)
        .args(["--count", "5000", "--warm-up", "100", "--window", "64"])
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn producers_understand_every_kind_of_answer() {
    for (words, brokers) in [
        (&["--answers", "json"][..], 1),
        (&["--answers", "binary"], 1),
        (&["--answers", "binary", "--brokers", "3", "--queues", "5"], 3),
    ] {
        let mut broker = NullBroker::start(words);
        let name_server = broker.line().strip_prefix("name server ").unwrap().to_owned();
        for number in 0..brokers {
            let name = if number == 0 { "null-broker".to_owned() } else { format!("null-broker-{number}") };
            let line = broker.line();
            assert!(line.starts_with(&format!("broker {name} 127.0.0.1:")), "{line}");
        }
        for batching in ["off", "pressure"] {
            let before = broker.sends();
            let outcome = outcome(&["rust-async", "--name-server", &name_server, "--batch-auto", batching]);
            assert_eq!(outcome["succeeded"], 5000, "{words:?} {batching}");
            assert_eq!(broker.sends() - before, 5100, "{words:?} {batching}");
        }
    }
}

#[test]
fn messages_to_many_topics_from_many_threads_complete_once() {
    let mut broker = NullBroker::start(&["--brokers", "2"]);
    let name_server = broker.line().strip_prefix("name server ").unwrap().to_owned();
    for _ in 0..2 {
        assert!(broker.line().starts_with("broker "));
    }
    for threads in ["1", "3"] {
        let before = broker.sends();
        let words = ["spread", "--name-server", &name_server, "--topics", "30", "--threads", threads];
        let outcome = outcome(&words);
        assert_eq!(
            (&outcome["succeeded"], &outcome["doubled"]),
            (&5000.into(), &0.into()),
            "{threads} threads"
        );
        assert_eq!(broker.sends() - before, 5100, "{threads} threads");
    }
}
