//! The hooks around the attempts of a send.

use rocketmq_protocol::properties;

use super::context::Mode;
use super::operation::SendOperation;
use super::prepared::MAX_PROPERTIES;
use super::validate::check_text;
use crate::error::{Error, ErrorCode};
use crate::hooks::{SendAttempt, SendMode, SendOutcome, guarded};
use crate::log::LogTarget;

impl SendOperation {
    /// Before an attempt; an error if a hook forbids it.
    pub(crate) fn before_hooks(&mut self) -> Result<(), Error> {
        if self.context.settings.send_hooks.is_empty() {
            return Ok(());
        }
        let context = std::sync::Arc::clone(&self.context);
        let (hooks, log) = (&context.settings.send_hooks, &context.client.log);
        let attempt = self.shown();
        for hook in &hooks.forbidden {
            if let Some(Err(reason)) = guarded(log, "check-forbidden", || hook.check(&attempt)) {
                return Err(Error::new(ErrorCode::Forbidden, format!("forbidden by a hook: {reason}")));
            }
        }
        let mut added = Vec::new();
        for hook in &hooks.messages {
            guarded(log, "send", || hook.before(&attempt, &mut added));
        }
        let mut text = String::new();
        for (name, value) in &added {
            match check_text("property name of a hook", name).and_then(|()| check_text(name, value)) {
                Ok(()) => properties::push(&mut text, name, value),
                Err(error) => {
                    log.warn(LogTarget::Producer, || format!("a send hook's property is left out: {error}"))
                }
            }
        }
        if self.prepared.properties().len() + text.len() > MAX_PROPERTIES {
            log.warn(LogTarget::Producer, || {
                format!("the {} bytes of send hooks' properties are left out: too long", text.len())
            });
            text.clear();
        }
        self.told_begin = true;
        if !text.is_empty() {
            self.rare().added = Some(text.into_boxed_str());
        } else if let Some(rare) = &mut self.rare {
            rare.added = None;
        }
        Ok(())
    }

    /// After an attempt, if the hooks heard of its begin: what was forbidden before that was none.
    pub(crate) fn after_hooks(&mut self, outcome: SendOutcome<'_>) {
        if !std::mem::take(&mut self.told_begin) {
            return;
        }
        let attempt = self.shown();
        for hook in &self.context.settings.send_hooks.messages {
            guarded(&self.context.client.log, "send", || hook.after(&attempt, outcome));
        }
    }

    fn shown(&self) -> SendAttempt<'_> {
        let (broker_name, broker_address) = match &self.target {
            Some(target) => (&*target.address.name, &*target.address.address),
            None => ("", ""),
        };
        SendAttempt {
            group: &self.context.settings.group,
            topic: &self.topic.name,
            message_id: self.prepared.unique_id(),
            broker_name,
            broker_address,
            queue_id: self.queue_id,
            mode: match self.mode {
                Mode::Sync => SendMode::Sync,
                Mode::Async => SendMode::Async,
                Mode::Oneway => SendMode::Oneway,
            },
            number: self.attempts,
            properties: self.prepared.properties(),
            body: self.prepared.body(),
        }
    }
}
