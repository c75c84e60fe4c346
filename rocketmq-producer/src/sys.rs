//! The few system calls without a safe wrapper that fits, and the reuse of memory: the core's only `unsafe`.
#![allow(unsafe_code)]

mod calendar;
mod clock;
#[cfg_attr(target_os = "linux", path = "sys/event_fd_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sys/event_fd_pipe.rs")]
mod event_fd;
#[cfg_attr(target_os = "linux", path = "sys/exit_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sys/exit_other.rs")]
mod exit;
mod fork;
mod interfaces;
#[cfg_attr(target_os = "linux", path = "sys/parking_linux.rs")]
#[cfg_attr(not(target_os = "linux"), path = "sys/parking_other.rs")]
mod parking;
#[cfg(test)]
mod parking_tests;
mod per_fork;
mod random;
mod reuse;
mod thread;

pub(crate) use calendar::month_start_ms;
pub use clock::Moment;
pub use event_fd::EventFd;
pub use exit::{guard_thread, host_ends};
#[cfg(test)]
pub(crate) use fork::exit_status_of;
pub use fork::{fork_generation, is_forked};
pub(crate) use interfaces::{interface_index, local_ip};
pub(crate) use parking::{HAS_WATCH, Parker, Unparks, keep_watch};
pub use per_fork::PerFork;
pub(crate) use random::{chance, chance_of, random};
pub(crate) use reuse::Block;
pub(crate) use thread::spawn_quiet;
pub use thread::with_signals_blocked;
