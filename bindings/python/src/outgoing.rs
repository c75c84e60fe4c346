//! A message on its way to the core.

use pyo3::prelude::*;
use rocketmq_producer as rmq;

use crate::destination::Destination;
use crate::message::Message;

/// A message and what came of asking its selector.
pub(crate) struct Outgoing {
    message: Py<Message>,
    /// The queue that its selector chose, if it has one; an error if the queues could not be had.
    chosen: PyResult<Option<Destination>>,
}

impl Outgoing {
    /// A message without a selector.
    pub(crate) fn plain(message: Py<Message>) -> Self {
        Self { message, chosen: Ok(None) }
    }

    pub(crate) fn chosen(message: Py<Message>, chosen: PyResult<Option<Destination>>) -> Self {
        Self { message, chosen }
    }

    /// The object that hooks see.
    pub(crate) fn message(&self) -> &Py<Message> {
        &self.message
    }

    /// Why its selector could not be asked.
    pub(crate) fn failure(&self, py: Python<'_>) -> Option<PyErr> {
        self.chosen.as_ref().err().map(|error| error.clone_ref(py))
    }

    pub(crate) fn has_selector(&self, selector: &Bound<'_, PyAny>) -> bool {
        self.message
            .get()
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
        let message = self.message.get();
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
        .map(|outgoing| (outgoing.message.get().keys(), outgoing.message.get().properties()))
        .collect();
    let views: Vec<_> = messages
        .zip(&parts)
        .map(|(outgoing, (keys, properties))| {
            outgoing.message.get().view(keys, properties, outgoing.destination())
        })
        .collect();
    with(&views)
}
