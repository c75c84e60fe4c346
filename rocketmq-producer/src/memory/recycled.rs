//! The memory of finished sends, used for new ones: what one thread allocates and another frees is what allocators are
//! slowest at.

use std::collections::TryReserveError;

use super::size_classes::{self, SizeClasses};
use crate::flow::Load;
use crate::sync::Mutex;
use crate::sys::Block;

/// Memory of sends kept for those that come, even when fewer are in flight; for the whole process.
const KEPT: usize = 2048;

/// Bytes of messages that are not small, kept even when fewer are in flight.
const KEPT_BYTES: usize = 8 << 20;

static SPARE: Mutex<Spare> =
    Mutex::new(Spare { blocks: Vec::new(), small: Vec::new(), bodies: SizeClasses::new() });

/// What lies here does not belong together: messages leave their blocks when they become a batch.
struct Spare {
    blocks: Vec<Block>,
    /// Bytes of small messages.
    small: Vec<Vec<u8>>,
    bodies: SizeClasses,
}

/// Memory for a send.
#[derive(Default)]
pub(crate) struct Memory {
    block: Option<Block>,
    bytes: Vec<u8>,
}

impl Memory {
    /// Memory of a finished send, with room for so many bytes, if there is one to be had at once. (A lock that a fork left
    /// locked for ever only makes the memory new.)
    pub(crate) fn take(bytes: usize) -> Self {
        let Some(mut spare) = SPARE.try_lock() else { return Self::default() };
        let bytes = spare.bodies.take(bytes).or_else(|| spare.small.pop()).unwrap_or_default();
        Self { block: spare.blocks.pop(), bytes }
    }

    /// Memory for a request whose messages have their bytes.
    pub(crate) fn take_block() -> Self {
        let block = SPARE.try_lock().and_then(|mut spare| spare.blocks.pop());
        Self { block, bytes: Vec::new() }
    }

    /// Memory for the bytes of so many small messages.
    pub(crate) fn take_bytes_of(count: usize) -> Result<Vec<Vec<u8>>, TryReserveError> {
        let mut bytes = match SPARE.try_lock() {
            Some(mut spare) => {
                let kept = spare.small.len().saturating_sub(count);
                spare.small.split_off(kept)
            }
            None => Vec::new(),
        };
        bytes.try_reserve_exact(count - bytes.len())?;
        bytes.resize_with(count, Vec::new);
        Ok(bytes)
    }

    /// Bytes whose message was in a batch.
    pub(crate) fn of_bytes(bytes: Vec<u8>) -> Self {
        Self::default().with_bytes(bytes)
    }

    /// Memory for properties and body.
    pub(crate) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Moves the send in.
    pub(crate) fn fill<T>(self, send: T) -> Box<T> {
        match self.block {
            Some(block) => block.fill(send),
            None => Box::new(send),
        }
    }

    /// Drops the send; its bytes are to be given with [`Self::with_bytes`].
    pub(crate) fn emptied<T>(full: Box<T>) -> Self {
        Self { block: Block::emptied(full), bytes: Vec::new() }
    }

    pub(crate) fn with_bytes(mut self, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        self.bytes = bytes;
        self
    }

    /// Gives memory back, all at once. Kept is as much as is in flight still: a full window goes on for ever in the same
    /// memory, and an ebbing one leaves little.
    pub(crate) fn give_back(memory: &mut Vec<Self>, in_flight: Load) {
        if memory.is_empty() {
            return;
        }
        let mut too_much = (Vec::new(), Vec::new(), Vec::new());
        if let Some(mut spare) = SPARE.try_lock() {
            memory.drain(..).for_each(|memory| spare.keep(memory));
            let kept = in_flight.messages.max(KEPT);
            if spare.blocks.len() > kept {
                too_much.0 = spare.blocks.split_off(kept);
            }
            if spare.small.len() > kept {
                too_much.1 = spare.small.split_off(kept);
            }
            let kept = in_flight.bytes.max(KEPT_BYTES);
            if spare.bodies.bytes() > kept {
                too_much.2 = spare.bodies.shrink(kept);
            }
        }
        // Outside the lock.
        drop(too_much);
        memory.clear();
    }
}

impl Spare {
    fn keep(&mut self, Memory { block, bytes }: Memory) {
        if let Some(block) = block {
            self.blocks.push(block);
        }
        match bytes.capacity() {
            0 => {}
            1..size_classes::SMALLEST => self.small.push(bytes),
            _ => self.bodies.keep(bytes),
        }
    }
}
