//! Memory that outlives the value in it.

use std::mem::MaybeUninit;

/// Moves the value out and keeps the memory it was in, for [`Box::write`].
pub(crate) fn take_out<T>(full: Box<T>) -> (T, Box<MaybeUninit<T>>) {
    let place = Box::into_raw(full);
    // SAFETY: the pointer comes from a box, so it is valid for a read, and for a box of a type of the same layout. Nothing
    // drops the value a second time: a `MaybeUninit` drops nothing.
    unsafe { (place.read(), Box::from_raw(place.cast())) }
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
        let (value, empty) = take_out(full);
        assert_eq!((*value, Arc::strong_count(&shared)), (7, 2));
        let again = Box::write(empty, Arc::clone(&shared));
        assert_eq!(&raw const *again, place);
        drop((value, again));
        assert_eq!(Arc::strong_count(&shared), 1);
    }
}
