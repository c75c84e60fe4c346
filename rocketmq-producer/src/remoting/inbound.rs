//! What was read of a connection and is not yet understood, and how much of that a process holds.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::{Buf, Bytes, BytesMut};

use super::limits::{INBOUND, KEPT_INBOUND, READ_SPACE};
use super::stream::Stream;

/// The bytes of unfinished frames that the connections of a process hold.
#[derive(Default)]
pub(crate) struct InboundBudget {
    taken: AtomicUsize,
}

/// The read buffer of one connection.
pub(super) struct Inbound {
    budget: Arc<InboundBudget>,
    bytes: BytesMut,
    /// Its part of the budget.
    share: usize,
    /// The most it held since it was made.
    peak: usize,
}

impl Inbound {
    pub(super) fn new(budget: Arc<InboundBudget>) -> Self {
        Self { budget, bytes: BytesMut::new(), share: 0, peak: 0 }
    }

    /// What there is.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads once; 0: the peer has closed.
    pub(super) fn read(&mut self, stream: &Stream) -> io::Result<usize> {
        self.bytes.reserve(READ_SPACE);
        let count = stream.read(&mut self.bytes)?;
        self.peak = self.peak.max(self.bytes.len());
        Ok(count)
    }

    /// Takes out the whole frame of this length that begins there. The bytes before it were whole frames too.
    pub(super) fn take(&mut self, start: usize, len: usize) -> Bytes {
        self.bytes.advance(start);
        self.bytes.split_to(len).freeze()
    }

    /// So many bytes were whole frames, and the rest waits for more. An error if the process holds too much already.
    pub(super) fn consume(&mut self, count: usize) -> Result<(), TooMuch> {
        self.bytes.advance(count);
        if self.bytes.is_empty() && self.peak > KEPT_INBOUND {
            (self.bytes, self.peak) = (BytesMut::new(), 0);
        }
        let share = self.bytes.len().saturating_sub(READ_SPACE);
        if share != self.share {
            let others = self.budget.taken.fetch_add(share, Relaxed) - self.share;
            self.budget.taken.fetch_sub(self.share, Relaxed);
            self.share = share;
            if share > 0 && others + share > INBOUND {
                return Err(TooMuch { here: self.bytes.len(), others });
            }
        }
        Ok(())
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.share, Relaxed);
    }
}

/// Too many bytes of unfinished frames.
#[derive(Debug)]
pub(super) struct TooMuch {
    here: usize,
    others: usize,
}

impl std::error::Error for TooMuch {}

impl std::fmt::Display for TooMuch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} bytes of an unfinished frame, and {} of other peers, are more than the {INBOUND} that a process holds",
            self.here, self.others
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(budget: &Arc<InboundBudget>, len: usize) -> (Inbound, Result<(), TooMuch>) {
        let mut inbound = Inbound::new(Arc::clone(budget));
        inbound.bytes.resize(len, 0);
        inbound.peak = len;
        let held = inbound.consume(0);
        (inbound, held)
    }

    #[test]
    fn unfinished_frames_of_all_connections_are_counted_together() {
        let budget = Arc::<InboundBudget>::default();
        let (mut half, held) = filled(&budget, INBOUND / 2 + READ_SPACE);
        assert!(held.is_ok());
        let (small, held) = filled(&budget, READ_SPACE);
        assert!(held.is_ok());
        assert_eq!(budget.taken.load(Relaxed), INBOUND / 2);
        let (over, held) = filled(&budget, INBOUND / 2 + READ_SPACE + 1);
        let error = held.expect_err("too much").to_string();
        for size in [INBOUND / 2 + READ_SPACE + 1, INBOUND / 2, INBOUND] {
            assert!(error.contains(&size.to_string()), "{error} names {size}");
        }
        drop(over);
        assert!(half.consume(INBOUND / 2 + READ_SPACE).is_ok());
        assert_eq!((budget.taken.load(Relaxed), half.bytes.capacity()), (0, 0), "given back");
        let (_whole, held) = filled(&budget, INBOUND + READ_SPACE);
        assert!(held.is_ok());
        let (_small, held) = filled(&budget, READ_SPACE);
        assert!(held.is_ok(), "a small frame needs nothing of it");
        drop(small);
    }
}
