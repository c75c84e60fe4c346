//! The memory of finished sends, used for new ones: what one thread allocates and another frees is what allocators are
//! slowest at.

use std::mem::MaybeUninit;

use super::operation::{Operation, SendOperation};
use crate::sync::Mutex;
use crate::sys;

/// So much is kept, for the whole process.
const KEPT: usize = 2048;

/// Memory of a larger message is given back to the system.
const KEPT_BYTES: usize = 1024;

static SPARE: Mutex<Vec<Room>> = Mutex::new(Vec::new());

/// Room for a send.
#[derive(Default)]
pub(crate) struct Room {
    operation: Option<Box<MaybeUninit<SendOperation>>>,
    bytes: Vec<u8>,
}

impl Room {
    /// That of a finished send, if there is one to be had at once. (A lock that a fork left locked for ever only makes
    /// every room a new one.)
    pub(super) fn take() -> Self {
        SPARE.try_lock().and_then(|mut spare| spare.pop()).unwrap_or_default()
    }

    /// Memory for properties and body.
    pub(super) fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Moves the operation in.
    pub(super) fn fill(self, operation: SendOperation) -> Operation {
        match self.operation {
            Some(place) => Box::write(place, operation),
            None => Box::new(operation),
        }
    }

    /// Takes the operation out; its bytes are still to be given with [`Self::with_bytes`].
    pub(super) fn empty(full: Operation) -> (SendOperation, Self) {
        let (operation, place) = sys::take_out(full);
        (operation, Self { operation: Some(place), bytes: Vec::new() })
    }

    pub(super) fn with_bytes(mut self, mut bytes: Vec<u8>) -> Self {
        if bytes.capacity() <= KEPT_BYTES {
            bytes.clear();
            self.bytes = bytes;
        }
        self
    }

    /// Gives rooms back, all at once.
    pub(crate) fn give_back(rooms: &mut Vec<Self>) {
        if rooms.is_empty() {
            return;
        }
        if let Some(mut spare) = SPARE.try_lock() {
            let free = KEPT.saturating_sub(spare.len());
            spare.extend(rooms.drain(..rooms.len().min(free)));
        }
        rooms.clear();
    }
}
