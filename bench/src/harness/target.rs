//! Whom the programs send to.

mod mock;
mod stored;

use std::fmt;
use std::process::{Command, Stdio};
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use cluster::{RealCluster, Version};

use super::plan::{Batching, Row};
use crate::Failure;
use crate::measure::Cpu;
use crate::null_broker::{BrokerProcess, Options};
use crate::workload::{Mode, TOPIC};
use mock::MockProcess;
use stored::Stored;

/// What can be sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Ours that only answers.
    Null,
    /// Our mock.
    Mock,
    /// Apache's name server and broker.
    Real(Version),
}

impl Kind {
    /// The most messages a run of this row should send, so that it takes some seconds: a broker's pauses are tens of
    /// milliseconds, and a shorter run may have none or many.
    pub(super) fn most_messages(self, row: Row) -> u64 {
        let in_batches = row.batching == Batching::Pressure || matches!(row.mode, Mode::Batch | Mode::Many);
        let bytes_stored = 512 << 20;
        match self {
            Kind::Null | Kind::Mock => u64::MAX,
            // A broker drops one-way messages that its queue of 10,000 has no place for.
            Kind::Real(_) if row.mode == Mode::Oneway => 8_000,
            Kind::Real(_) if in_batches => 800_000,
            Kind::Real(_) => 100_000.min(bytes_stored / row.body.max(1) as u64),
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Kind, String> {
        match text.split_once(':').unwrap_or((text, "")) {
            ("null", "") => Ok(Kind::Null),
            ("mock", "") => Ok(Kind::Mock),
            ("real", "") => Ok(Kind::Real(Version::V5_5_0)),
            ("real", version) => version.parse().map(Kind::Real).map_err(|error| format!("{error}")),
            _ => Err("null, mock, real or real:VERSION".to_owned()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Null => out.write_str("null broker"),
            Kind::Mock => out.write_str("mock"),
            Kind::Real(version) => write!(out, "Apache RocketMQ {version}"),
        }
    }
}

/// A running one; it ends with this value.
pub(super) enum Target {
    Null(BrokerProcess),
    Mock(MockProcess, Stored),
    Real(RealCluster, Stored),
}

/// What it has seen since it began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) messages: u64,
    pub(super) send_bytes: Option<u64>,
    pub(super) reads: Option<u64>,
    pub(super) cpu_seconds: f64,
}

impl Target {
    /// Starts it with the topic of the benchmark.
    pub(super) fn start(kind: Kind) -> Result<Target, Failure> {
        match kind {
            Kind::Null => Ok(Target::Null(BrokerProcess::start(&Options::default())?)),
            Kind::Mock => {
                let process = MockProcess::start()?;
                create_topic(process.name_server())?;
                let stored = Stored::new(process.name_server())?;
                Ok(Target::Mock(process, stored))
            }
            Kind::Real(version) => {
                let mut options = cluster::Options::new(version);
                options.extra_broker_conf = ordinary_files();
                let cluster = RealCluster::start(&options)?;
                create_topic(&cluster.name_server())?;
                warm_up(&cluster.name_server())?;
                let stored = Stored::new(&cluster.name_server())?;
                Ok(Target::Real(cluster, stored))
            }
        }
    }

    pub(super) fn name_server(&self) -> String {
        match self {
            Target::Null(process) => process.name_server().to_owned(),
            Target::Mock(process, _) => process.name_server().to_owned(),
            Target::Real(cluster, _) => cluster.name_server(),
        }
    }

    pub(super) fn seen(&mut self) -> Result<Seen, Failure> {
        let (stored, processes) = match self {
            Target::Null(process) => {
                let received = process.received()?;
                return Ok(Seen {
                    messages: received.sends,
                    send_bytes: Some(received.send_bytes),
                    reads: Some(received.reads),
                    cpu_seconds: received.cpu_seconds,
                });
            }
            Target::Mock(process, stored) => (stored, vec![process.id()]),
            Target::Real(cluster, stored) => (stored, cluster.process_ids()),
        };
        let mut cpu_seconds = 0.0;
        for id in processes {
            cpu_seconds += Cpu::of_other(id)?.total().as_secs_f64();
        }
        Ok(Seen { messages: stored.messages()?, send_bytes: None, reads: None, cpu_seconds })
    }

    /// As [`Target::seen`], when `messages` have arrived, or none has for a while: one-way messages may arrive after
    /// their sender has ended, and a real broker counts what it stored a moment later.
    pub(super) fn seen_after(&mut self, messages: u64) -> Result<Seen, Failure> {
        const PATIENCE: Duration = Duration::from_secs(2);
        let mut seen = self.seen()?;
        let mut last_arrival = Instant::now();
        while seen.messages < messages && last_arrival.elapsed() < PATIENCE {
            sleep(Duration::from_millis(20));
            let now = self.seen()?;
            if now.messages > seen.messages {
                last_arrival = Instant::now();
            }
            seen = now;
        }
        Ok(seen)
    }
}

/// The broker's own defaults, in place of the small files that tests have: at these rates it would begin many a second.
fn ordinary_files() -> Vec<(String, String)> {
    let sizes = [
        ("mappedFileSizeCommitLog", "1073741824"),
        ("mappedFileSizeConsumeQueue", "6000000"),
        ("maxHashSlotNum", "5000000"),
        ("maxIndexNum", "20000000"),
    ];
    sizes.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec()
}

/// Raw clients need the topic there: a first message makes it.
fn create_topic(name_server: &str) -> Result<(), Failure> {
    send(name_server, "rust-lone", 1)
}

/// A virtual machine compiles while it runs; without this it would still do so below the limits, which come first.
fn warm_up(name_server: &str) -> Result<(), Failure> {
    send(name_server, "rust-async", 200_000)?;
    send(name_server, "rust-batch", 500_000)?;
    send(name_server, "rust-lone", 20_000)
}

fn send(name_server: &str, program: &str, count: u64) -> Result<(), Failure> {
    let status = Command::new(std::env::current_exe()?)
        .args([program, "--name-server", name_server, "--topic", TOPIC])
        .args(["--count", &count.to_string(), "--warm-up", "0"])
        .stdout(Stdio::null())
        .status()?;
    if status.success() { Ok(()) } else { Err(format!("{program} to {name_server}: {status}").into()) }
}
