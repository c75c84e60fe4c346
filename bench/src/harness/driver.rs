//! The programs that send.

use std::fmt;

use crate::peers::Peer;
use crate::workload::Mode;

/// Which producer, in which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// No producer: the limits.
    Raw,
    Rust,
    C,
    /// The blocking producer.
    Python,
    /// The producer for asyncio.
    Asyncio,
    /// Another client.
    Peer(Peer),
}

impl Driver {
    /// Ours that a peer is held against: in C, or in the peer's language if that is much slower.
    pub(super) fn ours(self, mode: Mode) -> Option<Driver> {
        match self {
            Driver::Peer(Peer::Java | Peer::Go | Peer::Rust | Peer::Cpp) => Some(Driver::C),
            Driver::Peer(Peer::ConfluentAio) => Some(Driver::Asyncio),
            // The blocking producer in Python has no asynchronous sends of single messages.
            Driver::Peer(Peer::CppPython | Peer::Confluent) if mode == Mode::Async => Some(Driver::Asyncio),
            Driver::Peer(Peer::CppPython | Peer::Confluent) => Some(Driver::Python),
            _ => None,
        }
    }

    /// Whether `batch.auto` means something to it.
    pub(super) fn has_batching(self) -> bool {
        match self {
            Driver::Peer(peer) => matches!(peer, Peer::Java | Peer::Rust),
            _ => true,
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Driver::Raw => "raw",
            Driver::Rust => "rust",
            Driver::C => "c",
            Driver::Python => "python",
            Driver::Asyncio => "asyncio",
            Driver::Peer(peer) => return write!(out, "{} client", peer.name()),
        })
    }
}
