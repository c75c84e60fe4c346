//! Some messages' part of the bounds, and how a thread that ends many gives theirs back.

use std::fmt;
use std::sync::Arc;

use super::bounds::{Bounds, Cost, ProducerTag};

/// Some messages' part of the bounds, given back when dropped.
pub(crate) struct InFlightShare {
    bounds: Arc<Bounds>,
    cost: Cost,
}

impl InFlightShare {
    pub(super) fn new(bounds: Arc<Bounds>, cost: Cost) -> Self {
        Self { bounds, cost }
    }

    /// One message's part of this share.
    pub(crate) fn split_off(&mut self, bytes: usize) -> Self {
        let cost = Cost::of(1, bytes);
        self.cost = self.cost - cost;
        Self { bounds: Arc::clone(&self.bounds), cost }
    }

    /// Whose it is.
    pub(crate) fn producer(&self) -> ProducerTag {
        self.bounds.producer()
    }
}

impl Drop for InFlightShare {
    fn drop(&mut self) {
        if self.cost != Cost::NOTHING {
            self.bounds.give_back(self.cost);
            self.bounds.tell_of_room();
        }
    }
}

impl fmt::Debug for InFlightShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InFlightShare").field("bytes", &self.cost.bytes()).finish_non_exhaustive()
    }
}

/// Room that one thread makes, outcome by outcome, with the program's code between them: a lot. Each share is room at once, and
/// whoever waits for it is told before that code runs again, as it may wait for them in turn; but who comes to wait meanwhile
/// lets some room gather first (see `falling.rs`). The lot ends when this is dropped.
pub(crate) struct GivenBack {
    /// Whose lot is under way.
    bounds: Option<Arc<Bounds>>,
}

impl GivenBack {
    pub(crate) fn new() -> Self {
        Self { bounds: None }
    }

    /// The share of an outcome that was handled.
    pub(crate) fn add(&mut self, mut share: InFlightShare) {
        if !self.bounds.as_ref().is_some_and(|known| Arc::ptr_eq(known, &share.bounds)) {
            self.end_lot();
            share.bounds.begin_lot();
            self.bounds = Some(Arc::clone(&share.bounds));
        }
        share.bounds.give_back(std::mem::replace(&mut share.cost, Cost::NOTHING));
        share.bounds.tell_of_room_in_lot();
    }

    fn end_lot(&mut self) {
        if let Some(bounds) = self.bounds.take() {
            bounds.end_lot();
        }
    }
}

impl Drop for GivenBack {
    fn drop(&mut self) {
        self.end_lot();
    }
}
