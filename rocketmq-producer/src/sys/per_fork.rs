//! A value that every forked child makes for itself.

#![expect(clippy::disallowed_types, reason = "each process has a cell of its own")]

use std::mem;

use once_cell::race::OnceBox;
use once_cell::sync::OnceCell;

use super::{fork_generation, is_forked};

/// A value that each process has for itself, made when it is asked for: a forked child finds none, makes its own, and
/// leaves those of its ancestors alone, whose threads it does not have and whose locks may be held for ever.
///
/// ```text
/// first ─▶ parent's value ─▶ child's value ─▶ its child's value
/// ```
///
/// Nothing here waits for what a fork could have left unfinished: each process waits at its own link only.
pub struct PerFork<T> {
    first: OnceBox<Link<T>>,
}

struct Link<T> {
    generation: u64,
    value: OnceCell<T>,
    next: OnceBox<Link<T>>,
}

impl<T> PerFork<T> {
    /// A cell without a value.
    pub const fn new() -> Self {
        Self { first: OnceBox::new() }
    }

    /// The value of this process, if it has one.
    pub fn get(&self) -> Option<&T> {
        let now = fork_generation();
        let mut place = &self.first;
        while let Some(link) = place.get() {
            if link.generation == now {
                return link.value.get();
            }
            place = &link.next;
        }
        None
    }

    /// The value of this process. If it has none, `make` makes it, and sees the last one of an ancestor. Of several
    /// threads one makes it while the others wait.
    ///
    /// # Errors
    ///
    /// Errors of `make`; the next call tries again.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce(Option<&T>) -> Result<T, E>) -> Result<&T, E> {
        let now = fork_generation();
        let (mut place, mut ancestor) = (&self.first, None);
        loop {
            let link = place.get_or_init(|| Box::new(Link::new(now)));
            if link.generation == now {
                return link.value.get_or_try_init(|| make(ancestor));
            }
            ancestor = link.value.get().or(ancestor);
            place = &link.next;
        }
    }
}

impl<T> Default for PerFork<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Link<T> {
    const fn new(generation: u64) -> Self {
        Self { generation, value: OnceCell::new(), next: OnceBox::new() }
    }
}

impl<T> Drop for Link<T> {
    fn drop(&mut self) {
        if is_forked(self.generation) {
            mem::forget(self.value.take());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;

    use super::*;

    fn make<T>(value: T) -> Result<T, Infallible> {
        Ok(value)
    }

    #[test]
    fn it_is_made_once_and_again_after_an_error() {
        let values = PerFork::new();
        assert_eq!((values.get(), values.get_or_try_init(|_| Err("no"))), (None, Err("no")));
        assert_eq!(values.get_or_try_init(|ancestor| make(ancestor.is_none())), Ok(&true));
        assert_eq!((values.get_or_try_init(|_| make(false)), values.get()), (Ok(&true), Some(&true)));
    }

    #[test]
    fn those_of_ancestors_are_seen_by_the_maker_and_never_dropped() {
        let values = PerFork::new();
        let (old, new) = (Arc::new(1), Arc::new(2));
        // As if this process were a child of a child, of which only the first has made a value.
        for (generation, value) in [(u64::MAX - 1, Some(&old)), (u64::MAX, None)] {
            let mut place = &values.first;
            while let Some(link) = place.get() {
                place = &link.next;
            }
            let link = place.get_or_init(|| Box::new(Link::new(generation)));
            if let Some(value) = value {
                assert!(link.value.set(Arc::clone(value)).is_ok());
            }
        }
        assert!(values.get().is_none());
        let made = values.get_or_try_init(|ancestor| {
            assert!(ancestor.is_some_and(|ancestor| Arc::ptr_eq(ancestor, &old)));
            make(Arc::clone(&new))
        });
        assert!(made.is_ok_and(|made| Arc::ptr_eq(made, &new)));
        drop(values);
        assert_eq!((Arc::strong_count(&old), Arc::strong_count(&new)), (2, 1));
    }
}
