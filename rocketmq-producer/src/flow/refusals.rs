//! Who was refused a place, and hears of it when there is one.

use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};

use super::bounds::{Cost, ProducerTag};
use crate::sync::Mutex;
use crate::sys;

/// Who can be told that there is room again.
pub(crate) trait HearsOfRoom: Send + Sync {
    /// What was refused last has room. Called on whichever thread made the room, with no lock of this room held.
    fn has_room(&self, producer: ProducerTag);
}

/// Those who were refused since they heard of room last, each once, with what it was that they wanted.
///
/// No wake-up is lost between a refusal and the room: who is refused enters the list, and looks for room again; who makes
/// room does so, and looks at `least`. One of the two sees the other, as all of these are in one order.
pub(super) struct Refusals {
    /// The fewest messages that one of them wants, and the fewest bytes, which may be those of another: with less than this none
    /// has room, and with this one may have. [`NOBODY`] if the list is empty. So an outcome costs one load when nobody was
    /// refused, and no lock while either is short.
    least: AtomicU64,
    list: Mutex<Vec<Refused>>,
    generation: u64,
}

/// No share costs so much.
const NOBODY: u64 = u64::MAX;

struct Refused {
    /// Whoever is gone needs no room. A strong one would keep a queue alive whose outcomes hold the bounds.
    who: Weak<dyn HearsOfRoom>,
    /// What it was refused. What needs no less than something else that it was refused is left out.
    cost: Cost,
}

impl Refused {
    fn is_of(&self, who: *const dyn HearsOfRoom) -> bool {
        std::ptr::addr_eq(self.who.as_ptr(), who)
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { least: AtomicU64::new(NOBODY), list: Mutex::default(), generation: sys::fork_generation() }
    }
}

impl Refusals {
    /// This one wanted so much. Whoever calls this tells of room afterwards, if there is some.
    pub(super) fn note(&self, who: &Arc<dyn HearsOfRoom>, cost: Cost) {
        let mut list = self.list.lock();
        let is_of_it = |refused: &Refused| refused.is_of(Arc::as_ptr(who));
        if list.iter().any(|refused| is_of_it(refused) && refused.cost.is_within(cost)) {
            return;
        }
        list.retain(|refused| !(is_of_it(refused) && cost.is_within(refused.cost)));
        list.push(Refused { who: Arc::downgrade(who), cost });
        self.set_least(&list);
    }

    /// What all of them want at least; `None` if nobody was refused.
    pub(super) fn least(&self) -> Option<Cost> {
        match self.least.load(SeqCst) {
            NOBODY => None,
            least => Some(Cost(least)),
        }
    }

    /// Takes those out of the list of whom something fits, and tells each once. Not in a forked child: these are its parent's,
    /// whose locks may have been copied while they were held.
    #[cold]
    pub(super) fn tell(&self, fits: impl Fn(Cost) -> bool, producer: ProducerTag) {
        if sys::is_forked(self.generation) {
            return;
        }
        let mut list = self.list.lock();
        let mut told: Vec<Weak<dyn HearsOfRoom>> = Vec::new();
        while let Some(refused) = list.iter().find(|refused| fits(refused.cost)) {
            let who = Weak::clone(&refused.who);
            list.retain(|refused| !refused.is_of(who.as_ptr()));
            told.push(who);
        }
        self.set_least(&list);
        drop(list);
        for who in told.iter().filter_map(Weak::upgrade) {
            who.has_room(producer);
        }
    }

    #[cfg(test)]
    pub(super) fn with_lock_held<T>(&self, body: impl FnOnce() -> T) -> T {
        let _guard = self.list.lock();
        body()
    }

    fn set_least(&self, list: &[Refused]) {
        let least = list.iter().map(|refused| refused.cost).reduce(Cost::least_of_both);
        self.least.store(least.map_or(NOBODY, |least| least.0), SeqCst);
    }
}
