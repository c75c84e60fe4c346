//! Which broker, and where.

use std::sync::Arc;

/// A broker's name and the address of its master. Receipts and failed attempts share it, and hold no connection by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BrokerAddress {
    pub(crate) name: Arc<str>,
    /// `host:port`, or `registered → used` where the two differ.
    pub(crate) address: Arc<str>,
}
