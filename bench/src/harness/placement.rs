//! Which cores the broker and the clients run on.

use std::fmt;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

use crate::Failure;

/// Where processes are started.
///
/// On one core a socket exchange is a mere switch; between two it wakes the other core, which takes several
/// times as long. A scheduler that is left free changes between the two within one run, and no ratio of
/// two programs means anything then. A broker elsewhere never shares the client's core, so apart is the
/// default.
#[derive(Clone, Debug)]
pub(crate) enum Placement {
    /// The broker has one core to itself, clients have the others.
    Apart { broker: usize, clients: Vec<usize> },
    /// The scheduler decides.
    Free,
}

impl Placement {
    /// Reads `apart` or `free`; apart needs two cores.
    pub(crate) fn from_text(text: &str) -> Result<Placement, Failure> {
        match text {
            "free" => Ok(Placement::Free),
            "apart" => Placement::apart(),
            other => Err(format!("--placement {other:?}: apart or free").into()),
        }
    }

    fn apart() -> Result<Placement, Failure> {
        let allowed = sched_getaffinity(THIS_THREAD)?;
        let mut cores = Vec::new();
        for core in 0..CpuSet::count() {
            if allowed.is_set(core)? {
                cores.push(core);
            }
        }
        match cores.pop() {
            Some(broker) if !cores.is_empty() => Ok(Placement::Apart { broker, clients: cores }),
            _ => Err("--placement apart needs two cores; use --placement free".into()),
        }
    }

    /// Processes that this thread starts from now on are brokers.
    pub(crate) fn before_broker(&self) -> Result<(), Failure> {
        match self {
            Placement::Apart { broker, .. } => confine(&[*broker]),
            Placement::Free => Ok(()),
        }
    }

    /// Processes that this thread starts from now on are clients.
    pub(crate) fn before_clients(&self) -> Result<(), Failure> {
        match self {
            Placement::Apart { clients, .. } => confine(clients),
            Placement::Free => Ok(()),
        }
    }
}

fn confine(cores: &[usize]) -> Result<(), Failure> {
    let mut set = CpuSet::new();
    for &core in cores {
        set.set(core)?;
    }
    Ok(sched_setaffinity(THIS_THREAD, &set)?)
}

const THIS_THREAD: Pid = Pid::from_raw(0);

impl fmt::Display for Placement {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Placement::Apart { broker, .. } => {
                write!(out, "apart: broker alone on core {broker}, clients on the others")
            }
            Placement::Free => out.write_str("free: the scheduler places broker and clients"),
        }
    }
}
