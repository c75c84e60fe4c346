//! A message on its way to the core.

use pyo3::prelude::*;
use rocketmq_producer as rmq;

use crate::destination::Destination;
use crate::message::Message;

/// A message and what came of asking its selector.
pub(crate) struct Outgoing {
    message: Form,
    /// The queue that its selector chose, if it has one; an error if the queues could not be had.
    chosen: PyResult<Option<Destination>>,
}

enum Form {
    /// What Python sees or may see.
    Object(Py<Message>),
    /// Of a call, with no hook and no selector to see it: an object would only cost time.
    Unseen(Box<Message>),
}

impl Outgoing {
    /// A message without a selector.
    pub(crate) fn plain(message: Py<Message>) -> Self {
        Self { message: Form::Object(message), chosen: Ok(None) }
    }

    /// A message without a selector that no hook is told of.
    pub(crate) fn unseen(message: Message) -> Self {
        Self { message: Form::Unseen(Box::new(message)), chosen: Ok(None) }
    }

    pub(crate) fn chosen(message: Py<Message>, chosen: PyResult<Option<Destination>>) -> Self {
        Self { message: Form::Object(message), chosen }
    }

    /// The object that hooks see, if any may.
    pub(crate) fn object(&self) -> Option<&Py<Message>> {
        match &self.message {
            Form::Object(message) => Some(message),
            Form::Unseen(_) => None,
        }
    }

    fn message(&self) -> &Message {
        match &self.message {
            Form::Object(message) => message.get(),
            Form::Unseen(message) => message,
        }
    }

    /// Why its selector could not be asked.
    pub(crate) fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        self.chosen.as_ref().err().map(|error| error.clone_ref(py))
    }

    pub(crate) fn has_selector(&self, selector: &Bound<'_, PyAny>) -> bool {
        self.message()
            .queue_selector()
            .is_some_and(|own| own.is(selector) || own.bind(selector.py()).eq(selector).unwrap_or(false))
    }

    /// The same choice for another message.
    pub(crate) fn choice(&self, py: Python<'_>) -> PyResult<Option<Destination>> {
        match &self.chosen {
            Ok(Some(Destination::Queue(broker, queue_id))) => {
                Ok(Some(Destination::Queue(broker.clone_ref(py), *queue_id)))
            }
            Ok(_) => Ok(None),
            Err(error) => Err(error.clone_ref(py)),
        }
    }

    /// Lends the message to `with` as the core's view of it.
    pub(crate) fn lend<R>(&self, with: impl FnOnce(&rmq::Message<'_>) -> R) -> R {
        let message = self.message();
        with(&message.view(&message.keys(), &message.properties(), self.destination()))
    }

    /// The queue that was chosen instead of the message's own destination.
    fn destination(&self) -> Option<&Destination> {
        self.chosen.as_ref().ok().and_then(Option::as_ref)
    }
}

/// Lends messages to `with` as the core's views of them.
pub(crate) fn with_views<'o, R>(
    messages: impl IntoIterator<Item = &'o Outgoing, IntoIter: Clone>,
    with: impl FnOnce(&[rmq::Message<'_>]) -> R,
) -> R {
    let messages = messages.into_iter();
    let parts: Vec<_> = messages
        .clone()
        .map(|outgoing| (outgoing.message().keys(), outgoing.message().properties()))
        .collect();
    let views: Vec<_> = messages
        .zip(&parts)
        .map(|(outgoing, (keys, properties))| {
            outgoing.message().view(keys, properties, outgoing.destination())
        })
        .collect();
    with(&views)
}
