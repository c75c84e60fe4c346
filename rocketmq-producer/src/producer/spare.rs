//! The memory of finished sends, used for new ones: what one thread allocates and another frees is what allocators are
//! slowest at.

use std::mem::MaybeUninit;

use super::operation::{Operation, SendOperation};
use crate::remoting::SHARED_BODY;
use crate::sync::Mutex;
use crate::sys;

/// So many are kept, for the whole process, with so many bytes of messages at most.
const KEPT: usize = 2048;
const KEPT_BYTES: usize = 1024;

/// So many bytes of large messages are kept.
const KEPT_LARGE: usize = 8 << 20;

static SPARE: Mutex<Spare> = Mutex::new(Spare { rooms: Vec::new(), large: Vec::new(), large_bytes: 0 });

struct Spare {
    rooms: Vec<Room>,
    large: Vec<Vec<u8>>,
    large_bytes: usize,
}

/// Room for a send.
#[derive(Default)]
pub(crate) struct Room {
    operation: Option<Box<MaybeUninit<SendOperation>>>,
    bytes: Vec<u8>,
}

impl Room {
    /// That of a finished send, if there is one to be had at once. (A lock that a fork left locked for ever only makes
    /// every room a new one.)
    pub(super) fn take(body_len: usize) -> Self {
        let Some(mut spare) = SPARE.try_lock() else { return Self::default() };
        let mut room = spare.rooms.pop().unwrap_or_default();
        if body_len >= SHARED_BODY
            && let Some(large) = spare.large.pop()
        {
            spare.large_bytes -= large.capacity();
            room.bytes = large;
        }
        room
    }

    /// Rooms for so many small messages.
    pub(super) fn take_many(count: usize) -> Vec<Self> {
        let mut rooms = match SPARE.try_lock() {
            Some(mut spare) => {
                let kept = spare.rooms.len().saturating_sub(count);
                spare.rooms.split_off(kept)
            }
            None => Vec::new(),
        };
        rooms.resize_with(count, Self::default);
        rooms
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
        bytes.clear();
        self.bytes = bytes;
        self
    }

    /// Gives rooms back, all at once.
    pub(crate) fn give_back(rooms: &mut Vec<Self>) {
        if rooms.is_empty() {
            return;
        }
        if let Some(mut spare) = SPARE.try_lock() {
            rooms.drain(..).for_each(|room| spare.keep(room));
        }
        rooms.clear();
    }
}

impl Spare {
    fn keep(&mut self, mut room: Room) {
        if room.bytes.capacity() > KEPT_BYTES {
            let large = room.take_bytes();
            if large.capacity() >= SHARED_BODY && self.large_bytes + large.capacity() <= KEPT_LARGE {
                self.large_bytes += large.capacity();
                self.large.push(large);
            }
        }
        if self.rooms.len() < KEPT {
            self.rooms.push(room);
        }
    }
}
