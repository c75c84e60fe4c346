//! `cargo xtask demo`: what a C program and a Python program reach, from nothing but the sources.

mod outcome;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use cluster::{RealCluster, Version};
use outcome::Outcome;

use crate::python::Environment;
use crate::workspace::Workspace;
use crate::{Failure, command, tools};

const MOCK_BROKERS: &str = "3";
const REAL_BROKERS: usize = 1;
const C_MESSAGES: u64 = 200_000;
const PYTHON_MESSAGES: u64 = 50_000;
const BODY_BYTES: &str = "256";

#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// A cluster that runs
    #[arg(long, value_name = "HOST:PORT")]
    name_server: Option<String>,
    /// Starts Apache RocketMQ, 5.5.0 if no other version is named
    #[arg(long, value_name = "VERSION", num_args = 0..=1, default_missing_value = "5.5.0", conflicts_with = "name_server")]
    real: Option<Version>,
    #[arg(long, default_value = "RmqDemo")]
    topic: String,
    /// Messages of each program
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
}

pub(crate) fn run(workspace: &Workspace, wanted: &Wanted) -> Result<ExitCode, Failure> {
    let mut needed = vec![tools::C, tools::PYTHON];
    if wanted.real.is_some() {
        needed.push(tools::JAVA);
    }
    tools::require(&needed)?;

    println!("== building the C library, in release");
    command::must(&mut workspace.build_library())?;
    let c_program = compile_c_example(workspace)?;
    println!("== building and installing the Python package");
    let python = Environment::new(workspace);
    for (_, mut step) in python.install()? {
        command::must(&mut step)?;
    }

    // The cluster ends when this value goes, at the end of the demo.
    let started = wanted.real.map(start_cluster).transpose()?;
    let target: Vec<String> = match (&started, &wanted.name_server) {
        (Some(cluster), _) => vec!["--name-server".to_owned(), cluster.name_server()],
        (None, Some(address)) => vec!["--name-server".to_owned(), address.clone()],
        (None, None) => vec!["--mock".to_owned(), MOCK_BROKERS.to_owned()],
    };
    let shape = |command: &mut Command, messages: u64| {
        let messages = wanted.count.unwrap_or(messages);
        command.args(&target).args(["--topic", &wanted.topic, "--size", BODY_BYTES]);
        command.arg("--count").arg(messages.to_string());
        messages
    };

    println!("\n== C: examples/c/async_send.c, one callback per message");
    let mut c = workspace.command(c_program);
    let c_messages = shape(&mut c, C_MESSAGES);
    let c_outcome = send(&mut c);
    println!("\n== Python: examples/python/async_send.py, asyncio");
    let mut script = python.command();
    script.arg(workspace.root.join("examples").join("python").join("async_send.py"));
    let python_messages = shape(&mut script, PYTHON_MESSAGES);
    let python_outcome = send(&mut script);
    drop(started);

    println!("\n== together, on {}", target.join(" ").trim_start_matches('-'));
    let c_good = verdict("C", c_outcome, c_messages);
    let python_good = verdict("Python", python_outcome, python_messages);
    Ok(if c_good && python_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn start_cluster(version: Version) -> Result<RealCluster, Failure> {
    println!("== starting Apache RocketMQ {version} (the first time, Maven fetches it)");
    let mut options = cluster::Options::new(version);
    options.brokers = REAL_BROKERS;
    Ok(RealCluster::start(&options)?)
}

/// Compiles the example with nothing but the headers and the shared library, as a user does.
fn compile_c_example(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let folder = workspace.target.join("demo");
    fs::create_dir_all(&folder).map_err(|cause| format!("{}: {cause}", folder.display()))?;
    let program = folder.join("async_send");
    let library = workspace.release();
    let mut cc = workspace.command("cc");
    cc.arg("-O2").arg("-o").arg(&program).arg("examples/c/async_send.c").arg("-Iinclude");
    cc.arg("-L").arg(&library).arg("-lrmq").arg(format!("-Wl,-rpath,{}", library.display())).arg("-pthread");
    println!("== {}", command::shown(&cc));
    command::must(&mut cc)?;
    Ok(program)
}

/// Runs a sending program: its words go on to the terminal, its result comes back.
fn send(program: &mut Command) -> Result<Outcome, Failure> {
    let mut child = program
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|cause| format!("cannot run `{}`: {cause}", command::shown(program)))?;
    let mut outcome = None;
    if let Some(stdout) = child.stdout.take() {
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            match line.strip_prefix("RESULT ") {
                Some(json) => outcome = Some(Outcome::read(json)?),
                None => println!("{line}"),
            }
        }
    }
    let status = child.wait()?;
    match outcome {
        Some(outcome) if status.success() => Ok(outcome),
        Some(outcome) => Err(format!("it ended with {status}: {outcome}").into()),
        None => Err(format!("it ended with {status} and told no result").into()),
    }
}

/// Prints what became of a program's messages, and whether it is what must become of them.
fn verdict(name: &str, outcome: Result<Outcome, Failure>, messages: u64) -> bool {
    match outcome.and_then(|outcome| outcome.check(messages).map(|()| outcome)) {
        Ok(outcome) => {
            println!("{name:<7} {outcome}");
            true
        }
        Err(failure) => {
            println!("{name:<7} FAILED: {failure}");
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<Outcome, Failure> {
        send(Command::new("sh").args(["-c", script]))
    }

    const RESULT: &str = r#"echo 'RESULT {"accepted":5,"succeeded":5,"failed":0,"messages_per_second":10}'"#;

    #[test]
    fn a_program_is_believed_only_with_result_and_status() {
        assert!(verdict("x", shell(RESULT), 5));
        assert!(!verdict("x", shell(RESULT), 6), "fewer messages than asked for");
        assert!(!verdict("x", shell(&format!("{RESULT}; exit 1")), 5));
        assert!(!verdict("x", shell("echo done"), 5));
        assert!(!verdict("x", shell("echo RESULT nonsense"), 5));
        assert!(!verdict("x", shell(&RESULT.replace("\"failed\":0", "\"failed\":1")), 5));
    }
}
