//! Some messages' part of the bounds, and how a thread that ends many gives theirs back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::bounds::{Bounds, Cost, ProducerTag};
use crate::sys::Moment;

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

/// After so many shares those who wait are told, if the shares took their time.
const SHARES: u32 = 4;
const PATIENCE: Duration = Duration::from_micros(100);

/// Room that one thread makes, outcome by outcome: there at once for who asks, and told of in lots, so that who waits for it
/// is woken once for many, and not to find room for one. The rest is told of when this is dropped.
pub(crate) struct GivenBack {
    /// Whose room is not told of yet.
    bounds: Option<Arc<Bounds>>,
    shares: u32,
    begun: Moment,
}

impl GivenBack {
    pub(crate) fn new() -> Self {
        Self { bounds: None, shares: 0, begun: Moment::now() }
    }

    /// The share of an outcome that was handled.
    pub(crate) fn add(&mut self, mut share: InFlightShare) {
        share.bounds.give_back(std::mem::replace(&mut share.cost, Cost::NOTHING));
        if !self.bounds.as_ref().is_some_and(|known| Arc::ptr_eq(known, &share.bounds)) {
            self.tell();
            self.bounds = Some(Arc::clone(&share.bounds));
        }
        self.shares += 1;
        if self.shares.is_multiple_of(SHARES) && self.begun.elapsed() >= PATIENCE {
            self.begun = Moment::now();
            self.tell();
        }
    }

    fn tell(&mut self) {
        if let Some(bounds) = self.bounds.take() {
            bounds.tell_of_room();
        }
    }
}

impl Drop for GivenBack {
    fn drop(&mut self) {
        self.tell();
    }
}
