//! Statistics: counters that the send path writes, and the snapshot that users read.
//!
//! [`Recorder`] counts, without locks and mostly without shared cache lines. [`Stats`] is what it and the engine
//! know at one moment. Everything that is said about a metric (its name, kind, unit, text, and how it is read
//! from a snapshot) is said once, in [`table::TABLE`]: JSON text, Prometheus text, values by path and the manual
//! are printed from there.

mod brokers;
mod counters;
mod histogram;
mod json;
mod manual;
mod metric;
mod prometheus;
mod recorder;
mod snapshot;
mod table;

pub(crate) use brokers::BrokerId;
pub use counters::CodeCounts;
pub use histogram::LatencyStats;
pub use manual::manual;
pub use prometheus::prometheus;
pub(crate) use recorder::Recorder;
pub(crate) use snapshot::{BrokerState, Surroundings, TopicState};
pub use snapshot::{BrokerStats, Stats, TopicStats};
