//! Memory of messages beyond the smallest, by size: a message gets what one of its size had.
//!
//! Sizes are cut into classes, four to each power of two, so that a reused buffer is at most a quarter larger than what goes
//! into it. When more is kept than is wanted, the class that has the most gives it up: a program that turned from large
//! messages to small ones has the memory of its large ones back soon.

/// The smallest size that is kept here; what is smaller stays with its send.
pub(crate) const SMALLEST: usize = 1 << SMALLEST_BITS;
const SMALLEST_BITS: u32 = 10;

/// The power of two below which sizes are kept, beyond which nearly no message is.
const LARGEST_BITS: u32 = 23;

/// Each power of two is cut into four classes, so that little of a reused buffer stays empty.
const CLASSES: usize = (LARGEST_BITS - SMALLEST_BITS) as usize * 4;

/// Empty buffers.
pub(crate) struct SizeClasses {
    classes: [Vec<Vec<u8>>; CLASSES],
    bytes: usize,
}

impl SizeClasses {
    pub(crate) const fn new() -> Self {
        Self { classes: [const { Vec::new() }; CLASSES], bytes: 0 }
    }

    /// A buffer with room for so many bytes, and not for many more.
    pub(crate) fn take(&mut self, len: usize) -> Option<Vec<u8>> {
        let class = class_of(len)?;
        // Buffers of its own class may be smaller, those of the next one are not.
        let fitting = self.classes[class..].iter_mut().take(2);
        let mut fitting = fitting.filter_map(|class| class.pop_if(|buffer| buffer.capacity() >= len));
        let buffer = fitting.next()?;
        self.bytes -= buffer.capacity();
        Some(buffer)
    }

    pub(crate) fn keep(&mut self, buffer: Vec<u8>) {
        if let Some(class) = class_of(buffer.capacity()) {
            self.bytes += buffer.capacity();
            self.classes[class].push(buffer);
        }
    }

    /// Takes out what is more than so many bytes, always of the class that has the most: what a program sent before does not
    /// keep out what it sends now.
    pub(crate) fn shrink(&mut self, bytes: usize) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        while self.bytes > bytes {
            let share = |class: &&mut Vec<Vec<u8>>| class.len() * class.last().map_or(0, Vec::capacity);
            let Some(buffer) = self.classes.iter_mut().max_by_key(share).and_then(Vec::pop) else { break };
            self.bytes -= buffer.capacity();
            taken.push(buffer);
        }
        taken
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// `None`: nothing of this size is kept.
fn class_of(size: usize) -> Option<usize> {
    if !(SMALLEST..1 << LARGEST_BITS).contains(&size) {
        return None;
    }
    let bits = size.ilog2();
    let quarter = size >> (bits - 2) & 3;
    Some((bits - SMALLEST_BITS) as usize * 4 + quarter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_each_other_up_to_the_largest() {
        let mut last = 0;
        for size in SMALLEST..1 << LARGEST_BITS {
            let class = class_of(size).expect("a class");
            assert!(class == last || class == last + 1, "{size}");
            last = class;
        }
        assert_eq!(last, CLASSES - 1);
        assert_eq!((class_of(SMALLEST - 1), class_of(1 << LARGEST_BITS)), (None, None));
    }

    #[test]
    fn a_message_gets_what_one_of_its_size_had() {
        let mut bodies = SizeClasses::new();
        for capacity in [5_120, 5_000, 70_000] {
            bodies.keep(Vec::with_capacity(capacity));
        }
        assert_eq!(bodies.take(5_100).map(|buffer| buffer.capacity()), Some(5_120), "of the next class");
        assert!(bodies.take(5_001).is_none(), "too small for it, or far too large");
        assert_eq!(bodies.take(5_000).map(|buffer| buffer.capacity()), Some(5_000));
        assert_eq!(bodies.bytes(), 70_000);
    }

    #[test]
    fn what_was_sent_before_leaves_first() {
        let mut bodies = SizeClasses::new();
        for _ in 0..200 {
            bodies.keep(Vec::with_capacity(2_000));
        }
        bodies.keep(Vec::with_capacity(70_000));
        let taken = bodies.shrink(300_000);
        assert_eq!(taken.iter().map(Vec::capacity).collect::<Vec<_>>(), [2_000; 85]);
        assert_eq!(bodies.bytes(), 300_000);
        assert!(bodies.take(70_000).is_some());
    }
}
