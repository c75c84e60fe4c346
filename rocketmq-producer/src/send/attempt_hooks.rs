//! The hooks around the attempts of a send.

use rocketmq_protocol::properties;

use super::accepted::AcceptedSend;
use super::context::Mode;
use super::prepared::MAX_PROPERTIES;
use super::request::Request;
use super::validate::check_text;
use crate::error::{Error, ErrorCode};
use crate::hooks::{SendAttempt, SendMode, SendOutcome, guarded};
use crate::log::LogTarget;

impl AcceptedSend {
    /// Before an attempt; an error if a hook forbids it.
    #[inline]
    pub(super) fn before_hooks(&mut self, request: &Request) -> Result<(), Error> {
        match request.context.settings.send_hooks.is_empty() {
            true => Ok(()),
            false => self.call_before_hooks(request),
        }
    }

    fn call_before_hooks(&mut self, request: &Request) -> Result<(), Error> {
        let context = &request.context;
        let (hooks, log) = (&context.settings.send_hooks, &context.client.log);
        let attempt = self.shown(request);
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
    #[inline]
    pub(super) fn after_hooks(&mut self, request: &Request, outcome: SendOutcome<'_>) {
        if std::mem::take(&mut self.told_begin) {
            self.call_after_hooks(request, outcome);
        }
    }

    fn call_after_hooks(&self, request: &Request, outcome: SendOutcome<'_>) {
        let attempt = self.shown(request);
        for hook in &request.context.settings.send_hooks.messages {
            guarded(&request.context.client.log, "send", || hook.after(&attempt, outcome));
        }
    }

    fn shown<'a>(&'a self, request: &'a Request) -> SendAttempt<'a> {
        let (broker_name, broker_address) = match request.address() {
            Some(broker) => (&*broker.name, &*broker.address),
            None => ("", ""),
        };
        SendAttempt {
            group: &request.context.settings.group,
            topic: &request.topic.name,
            message_id: self.prepared.unique_id(),
            broker_name,
            broker_address,
            queue_id: request.queue_id(),
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
