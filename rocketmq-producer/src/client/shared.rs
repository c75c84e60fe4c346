//! What all client instances of a process share.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Weak};

use super::ClientInstance;
use crate::remoting::{InboundBudget, Resolver};
use crate::sync::Mutex;
use crate::sys::PerFork;

/// A forked child has its own, and leaves that of its parent alone.
static SHARED: PerFork<Shared> = PerFork::new();

#[derive(Default)]
pub(super) struct Shared {
    /// Instances by their client ids.
    pub(super) instances: Mutex<HashMap<String, Weak<ClientInstance>>>,
    pub(super) resolver: Arc<Resolver>,
    /// What all connections may hold of unfinished frames.
    pub(super) inbound: Arc<InboundBudget>,
}

impl Shared {
    pub(super) fn of_this_process() -> &'static Self {
        match SHARED.get_or_try_init(|_| Ok::<_, Infallible>(Self::default())) {
            Ok(shared) => shared,
            Err(never) => match never {},
        }
    }
}
