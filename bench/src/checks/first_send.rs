//! How long a new process needs for its first message.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rocketmq_producer::Message;

use super::finding::Finding;
use super::producer::{self, TIMEOUT};
use crate::Failure;
use crate::arguments::positive;
use crate::measure::Latencies;
use crate::null_broker::{BrokerProcess, Options};

const PROCESSES: u64 = 100;
/// Milliseconds.
const BUDGET: f64 = 10.0;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    #[arg(long, value_name = "HOST:PORT")]
    name_server: Option<String>,
    #[arg(long, value_name = "N", default_value_t = PROCESSES, value_parser = positive::<u64>)]
    processes: u64,
}

/// From before the producer is made to the receipt. With `--name-server` once, in this process; without it in many
/// processes, against a null broker of their own.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    if let Some(name_server) = &wanted.name_server {
        let milliseconds = once(name_server)?.as_secs_f64() * 1e3;
        return Ok(vec![Finding::new("first send, this process", milliseconds, "ms", Some(BUDGET))]);
    }
    let processes = wanted.processes;
    let broker = BrokerProcess::start(&Options::default())?;
    let mut times = Latencies::new()?;
    for _ in 0..processes {
        let output = Command::new(std::env::current_exe()?)
            .args(["first-send", "--name-server", broker.name_server()])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()?;
        if !output.status.success() {
            return Err(format!("first-send in a new process: {}", output.status).into());
        }
        let finding: Finding = serde_json::from_slice(&output.stdout)?;
        times.record(Duration::from_secs_f64(finding.value / 1e3));
    }
    let times = times.summary().ok_or("no process has sent")?;
    let finding = |which, microseconds: f64, budget| {
        Finding::new(
            format!("first send of {processes} new processes: {which}"),
            microseconds / 1e3,
            "ms",
            budget,
        )
    };
    Ok(vec![finding("median", times.p50_us, Some(BUDGET)), finding("p99", times.p99_us, Some(BUDGET))])
}

fn once(name_server: &str) -> Result<Duration, Failure> {
    let body = [b'x'; 256];
    let start = Instant::now();
    let producer = producer::start(name_server, &[])?;
    producer.send(&Message::new("bench", &body), Some(TIMEOUT))?;
    let elapsed = start.elapsed();
    producer.close(TIMEOUT)?;
    Ok(elapsed)
}
