//! The servers of a cluster: which there are, where they are, and who is connected.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::fault::FaultId;

/// Which server of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerId {
    NameServer,
    Broker(usize),
}

/// A server's address and who is connected to it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    /// Whether its port is open.
    pub(crate) running: bool,
    pub(crate) connections: HashMap<u64, ConnectionHandle>,
}

impl Endpoint {
    pub(crate) fn new(name: String, address: SocketAddr) -> Endpoint {
        Endpoint { name, address, running: false, connections: HashMap::new() }
    }
}

/// What a connection is told by others than its client.
#[derive(Debug)]
pub(crate) enum Order {
    /// Sends a frame that answers nothing.
    Push(Vec<u8>),
    /// Sends the answers that a rule holds, or that any holds.
    Release(Option<FaultId>),
}

/// Ends a connection: dropping `kill` resets it, `task` is then soon over.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) kill: oneshot::Sender<()>,
    pub(crate) orders: mpsc::UnboundedSender<Order>,
    pub(crate) task: JoinHandle<()>,
}
