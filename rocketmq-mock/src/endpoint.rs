//! The servers of a cluster: which there are, where they are, and who is connected.

use std::collections::HashMap;
use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

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

/// Ends a connection: dropping `kill` resets it, `task` is then soon over.
#[derive(Debug)]
pub(crate) struct ConnectionHandle {
    pub(crate) kill: oneshot::Sender<()>,
    /// Frames that the server sends by itself.
    pub(crate) pushes: mpsc::UnboundedSender<Vec<u8>>,
    pub(crate) task: JoinHandle<()>,
}
