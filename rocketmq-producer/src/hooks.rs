//! Hooks: a program's own code at fixed points of a send (protocol 13).
//!
//! A hook that panics is told to the log and otherwise ignored: no hook can lose the outcome of a message.

mod guard;
mod rpc;
mod send;

pub(crate) use guard::guarded;
pub use rpc::{RpcHook, RpcRequest, RpcResponse};
pub use send::{CheckForbiddenHook, SendAttempt, SendMessageHook, SendMode, SendOutcome};

use std::sync::Arc;

/// The hooks around the sends of one producer, in the order they were added.
#[derive(Clone, Default)]
pub(crate) struct SendHooks {
    pub(crate) forbidden: Vec<Arc<dyn CheckForbiddenHook>>,
    pub(crate) messages: Vec<Arc<dyn SendMessageHook>>,
}

impl SendHooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.forbidden.is_empty() && self.messages.is_empty()
    }
}

/// The hooks around the requests of one client instance, and the ext fields that every request carries.
#[derive(Clone, Default)]
pub(crate) struct RpcHooks {
    pub(crate) hooks: Vec<Arc<dyn RpcHook>>,
    /// Added before the hooks see a request, so that a hook may sign them.
    pub(crate) fields: Vec<(&'static str, String)>,
}
