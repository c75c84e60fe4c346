//! Memory that outlives the value in it.

use std::alloc::{Layout, dealloc};
use std::ptr::NonNull;

/// The memory of a box whose value has left, for another of the same size.
pub(crate) struct Block {
    memory: NonNull<u8>,
    layout: Layout,
}

// SAFETY: a block is memory with nothing in it, and the only handle of it.
unsafe impl Send for Block {}

impl Block {
    /// Drops the value, and keeps the memory it was in; `None` for values that take none.
    pub(crate) fn emptied<T>(full: Box<T>) -> Option<Self> {
        let layout = Layout::new::<T>();
        if layout.size() == 0 {
            return None;
        }
        let place = NonNull::from(Box::leak(full));
        // SAFETY: the pointer comes from a box, so it is valid and nobody else has it. Nothing drops the value a second time:
        // the memory is bytes from here on.
        unsafe { place.drop_in_place() };
        Some(Self { memory: place.cast(), layout })
    }

    /// Moves a value in; into memory of its own if it does not fit.
    pub(crate) fn fill<T>(self, value: T) -> Box<T> {
        if self.layout != Layout::new::<T>() {
            return Box::new(value);
        }
        let place = self.memory.cast::<T>();
        // The box has the memory from here on.
        std::mem::forget(self);
        // SAFETY: the memory was allocated for a box of this layout, nothing is in it, and nobody else has it.
        unsafe {
            place.write(value);
            Box::from_raw(place.as_ptr())
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the memory was allocated by a box for a value of this layout, which is not empty, and has nothing in it.
        unsafe { dealloc(self.memory.as_ptr(), self.layout) }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn the_value_leaves_and_another_moves_in() {
        let shared = Arc::new(7);
        let full = Box::new(Arc::clone(&shared));
        let place: *const Arc<i32> = &raw const *full;
        let block = Block::emptied(full);
        assert_eq!(Arc::strong_count(&shared), 1);
        let again = block.expect("memory").fill(Arc::clone(&shared));
        assert_eq!(&raw const *again, place);
        drop(again);
        assert_eq!(Arc::strong_count(&shared), 1);
    }

    #[test]
    fn a_value_of_another_size_gets_memory_of_its_own() {
        let block = Block::emptied(Box::new(7_u64));
        let other = block.expect("memory").fill([1_u8; 100]);
        assert_eq!(*other, [1; 100]);
        let none = Block::emptied(Box::new(()));
        assert!(none.is_none());
    }
}
