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

static SPARE: Mutex<Spare> = Mutex::new(Spare { memory: Vec::new(), bodies: SizeClasses::new() });

struct Spare {
    /// Memory of sends, each with the bytes of a small message.
    memory: Vec<Memory>,
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
        let mut memory = spare.memory.pop().unwrap_or_default();
        let small = match spare.bodies.take(bytes) {
            Some(bytes) => std::mem::replace(&mut memory.bytes, bytes),
            None => Vec::new(),
        };
        drop(spare);
        // Outside the lock.
        drop(small);
        memory
    }

    /// Memory for so many small messages.
    pub(crate) fn take_many(count: usize) -> Result<Vec<Self>, TryReserveError> {
        let mut memory = match SPARE.try_lock() {
            Some(mut spare) => {
                let kept = spare.memory.len().saturating_sub(count);
                spare.memory.split_off(kept)
            }
            None => Vec::new(),
        };
        memory.try_reserve_exact(count - memory.len())?;
        memory.resize_with(count, Self::default);
        Ok(memory)
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

    /// Takes the send out; its bytes are still to be given with [`Self::with_bytes`].
    pub(crate) fn empty<T>(full: Box<T>) -> (T, Self) {
        let (send, block) = Block::take_out(full);
        (send, Self { block, bytes: Vec::new() })
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
        let mut too_much = (Vec::new(), Vec::new());
        if let Some(mut spare) = SPARE.try_lock() {
            memory.drain(..).for_each(|memory| spare.keep(memory));
            let kept = in_flight.messages.max(KEPT);
            if spare.memory.len() > kept {
                too_much.0 = spare.memory.split_off(kept);
            }
            let kept = in_flight.bytes.max(KEPT_BYTES);
            if spare.bodies.bytes() > kept {
                too_much.1 = spare.bodies.shrink(kept);
            }
        }
        // Outside the lock.
        drop(too_much);
        memory.clear();
    }
}

impl Spare {
    fn keep(&mut self, mut memory: Memory) {
        if memory.bytes.capacity() >= size_classes::SMALLEST {
            self.bodies.keep(memory.take_bytes());
        }
        self.memory.push(memory);
    }
}
