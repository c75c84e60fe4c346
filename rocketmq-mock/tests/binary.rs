//! The program `rocketmq-mock`.

#![allow(clippy::unwrap_used, reason = "a helper of tests fails as a test does")]

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};

/// Killed when a test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rocketmq-mock"));
    command.args(arguments);
    command
}

fn output(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

#[test]
fn it_prints_where_its_servers_are() {
    let arguments = ["--brokers", "2", "--profile", "4.9.7", "--keep", "10", "--no-auto-create"];
    let mut running =
        Running(program(&arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap());
    let lines = BufReader::new(running.0.stdout.take().unwrap()).lines();
    let lines: Vec<String> = lines.take(3).map(Result::unwrap).collect();
    for (line, name) in lines.iter().zip(["name server ", "broker-0 ", "broker-1 "]) {
        let address = line.strip_prefix(name).unwrap();
        assert!(address.starts_with("127.0.0.1:"), "{line}");
        assert!(TcpStream::connect(address).is_ok(), "{line}");
    }
    assert!(running.0.try_wait().unwrap().is_none());
}

#[test]
fn it_tells_what_is_wrong_with_its_arguments() {
    for (arguments, problem) in [
        (&["--brokers", "0"][..], "1 to 100"),
        (&["--brokers", "many"], "many"),
        (&["--brokers"], "a value is required"),
        (&["--profile", "3.2"], "3.2"),
        (&["--keep", "-1"], "-1"),
        (&["--colour"], "--colour"),
    ] {
        let output = output(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text.contains(problem) && text.contains("Usage:"), "{text}");
    }
    let help = output(&["--help"]);
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("Usage:"));
}

#[test]
fn a_port_in_use_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = output(&["--name-server-port", &port]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("rocketmq-mock: "));
}
