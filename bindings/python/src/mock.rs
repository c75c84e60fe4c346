//! `rmq.testing`: the mock cluster.

mod cluster;
mod fault;
mod inspection;

pub(crate) use cluster::MockCluster;
pub(crate) use fault::{Fault, FaultId};
pub(crate) use inspection::{Registration, StoredMessage};
