//! Functions as hooks.

use rocketmq_producer::hooks::{CheckForbiddenHook, RpcHook, RpcRequest, SendAttempt};

/// A function as a check-forbidden hook.
pub(crate) struct Check<F>(pub(crate) F);

impl<F: Fn(&SendAttempt<'_>) -> Result<(), String> + Send + Sync> CheckForbiddenHook for Check<F> {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        self.0(attempt)
    }
}

/// A function as an RPC hook.
pub(crate) struct Rpc<F>(pub(crate) F);

impl<F: Fn(&mut RpcRequest<'_>) -> Result<(), String> + Send + Sync> RpcHook for Rpc<F> {
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String> {
        self.0(request)
    }
}
