//! Outcomes that are told to the bounds together.

use std::sync::Arc;

use super::Bounds;

/// Outcomes of one producer that its bounds have not heard of yet.
#[derive(Default)]
pub(crate) struct Settled {
    bounds: Option<Arc<Bounds>>,
    messages: usize,
}

/// What a producer has in flight.
#[derive(Clone, Copy, Default)]
pub(crate) struct Load {
    pub(crate) messages: usize,
    pub(crate) bytes: usize,
}

impl Settled {
    pub(crate) fn is_empty(&self) -> bool {
        self.bounds.is_none()
    }

    /// One more outcome.
    pub(crate) fn add(&mut self, bounds: &Arc<Bounds>) {
        if !self.bounds.as_ref().is_some_and(|known| Arc::ptr_eq(known, bounds)) {
            self.tell();
            self.bounds = Some(Arc::clone(bounds));
        }
        self.messages += 1;
    }

    /// Those who wait for outcomes look again. Tells what is left of the producer that had the last outcome.
    pub(crate) fn tell(&mut self) -> Load {
        let messages = std::mem::take(&mut self.messages);
        self.bounds.take().map_or_else(Load::default, |bounds| bounds.settled(messages))
    }
}
