//! What was read of a connection and is not yet understood, how much of that a process holds, and for how long.
//!
//! | the connection holds | all of the process hold | |
//! | --- | --- | --- |
//! | up to its fair share | whatever | is held, up to the time limit of a frame |
//! | more | up to the bound | is held, up to the time limit of a frame |
//! | more | more | ends this connection when it grows; what holds less than before is held |

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::limits::{FAIR_INBOUND, INBOUND, KEPT_INBOUND, READ_SPACE, UNFINISHED};
use super::stream::Stream;
use crate::sys::Moment;

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
    /// When the frame that is not finished began to come, about.
    unfinished_since: Option<Moment>,
    /// When that is looked at next.
    next_check: Option<Moment>,
}

impl Inbound {
    pub(super) fn new(budget: Arc<InboundBudget>) -> Self {
        Self { budget, bytes: BytesMut::new(), share: 0, peak: 0, unfinished_since: None, next_check: None }
    }

    /// What there is.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Reads once; 0: the peer has closed.
    pub(super) fn read(&mut self, stream: &Stream) -> io::Result<usize> {
        self.bytes.reserve(READ_SPACE);
        // A buffer that grows has more room than was asked for.
        let count = stream.read(&mut (&mut self.bytes).limit(READ_SPACE))?;
        self.peak = self.peak.max(self.bytes.len());
        Ok(count)
    }

    /// Takes out the whole frame of this length that begins there. The bytes before it were whole frames too.
    pub(super) fn take(&mut self, start: usize, len: usize) -> Bytes {
        self.bytes.advance(start);
        self.unfinished_since = None;
        self.bytes.split_to(len).freeze()
    }

    /// The first `count` bytes were whole frames, and the rest waits for more. An error if that is too much.
    pub(super) fn consume(&mut self, count: usize, now: Moment) -> Result<(), Unfinished> {
        self.bytes.advance(count);
        if self.bytes.is_empty() {
            self.unfinished_since = None;
            if self.peak > KEPT_INBOUND {
                (self.bytes, self.peak) = (BytesMut::new(), 0);
            }
        } else if count > 0 || self.unfinished_since.is_none() {
            self.unfinished_since = Some(now);
        }
        self.take_share(self.bytes.len().saturating_sub(READ_SPACE))
    }

    /// Takes as much of the budget as is held now. Only who takes more of it can be refused: what others hold is no fault of
    /// one that gives some back.
    fn take_share(&mut self, share: usize) -> Result<(), Unfinished> {
        let before = std::mem::replace(&mut self.share, share);
        if share <= before {
            self.budget.taken.fetch_sub(before - share, Relaxed);
            return Ok(());
        }
        // Nobody sees both the share before and this one counted.
        let others = self.budget.taken.fetch_add(share - before, Relaxed) - before;
        match share > FAIR_INBOUND && others + share > INBOUND {
            true => Err(Unfinished::TooMuch { here: self.bytes.len(), others }),
            false => Ok(()),
        }
    }

    /// Fails if a frame is unfinished for too long. Tells when to look again. (The frame that is unfinished then may be
    /// another one: the timer is not set anew for each.)
    pub(super) fn check(&mut self, now: Moment) -> Result<Option<Moment>, Unfinished> {
        let end = || self.unfinished_since.map(|since| since + UNFINISHED);
        match self.next_check {
            Some(check) if check > now => {}
            Some(_) if end().is_some_and(|end| end <= now) => {
                return Err(Unfinished::TooLong { here: self.bytes.len() });
            }
            _ => self.next_check = end(),
        }
        Ok(self.next_check)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.budget.taken.fetch_sub(self.share, Relaxed);
    }
}

/// A frame that is not waited for any longer.
#[derive(Debug)]
pub(super) enum Unfinished {
    /// It is large, and so are those of others.
    TooMuch { here: usize, others: usize },
    /// It does not come to its end.
    TooLong { here: usize },
}

impl std::error::Error for Unfinished {}

impl std::fmt::Display for Unfinished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooMuch { here, others } => write!(
                f,
                "{here} bytes of an unfinished frame, and {others} of other peers, are more than the {INBOUND} that a process holds"
            ),
            Self::TooLong { here } => {
                write!(f, "{here} bytes of a frame that is still unfinished after {} s", UNFINISHED.as_secs())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(budget: &Arc<InboundBudget>, len: usize) -> (Inbound, Result<(), Unfinished>) {
        let mut inbound = Inbound::new(Arc::clone(budget));
        inbound.bytes.resize(len, 0);
        inbound.peak = len;
        let held = inbound.consume(0, Moment::now());
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
        assert!(half.consume(INBOUND / 2 + READ_SPACE, Moment::now()).is_ok());
        assert_eq!((budget.taken.load(Relaxed), half.bytes.capacity()), (0, 0), "given back");
        let (_whole, held) = filled(&budget, INBOUND + READ_SPACE);
        assert!(held.is_ok());
        let (_small, held) = filled(&budget, READ_SPACE);
        assert!(held.is_ok(), "a small frame needs nothing of it");
        drop(small);
    }

    #[test]
    fn who_holds_little_is_not_refused_for_those_who_hold_much() {
        let budget = Arc::<InboundBudget>::default();
        let (mut greedy, held) = filled(&budget, INBOUND + READ_SPACE);
        assert!(held.is_ok());
        let (modest, held) = filled(&budget, FAIR_INBOUND + READ_SPACE);
        assert!(held.is_ok(), "its fair share");
        greedy.bytes.extend_from_slice(b"x");
        assert!(greedy.consume(0, Moment::now()).is_err(), "who holds most goes first");
        drop((greedy, modest));
        assert_eq!(budget.taken.load(Relaxed), 0);
    }

    #[test]
    fn who_holds_less_than_before_goes_on_whatever_the_others_hold() {
        let budget = Arc::<InboundBudget>::default();
        let (mut greedy, held) = filled(&budget, INBOUND + READ_SPACE);
        assert!(held.is_ok());
        let (mut other, held) = filled(&budget, FAIR_INBOUND + READ_SPACE);
        assert!(held.is_ok(), "its fair share, beyond the bound");
        for count in [1, INBOUND / 2] {
            assert!(
                greedy.consume(count, Moment::now()).is_ok(),
                "a frame was whole, and the next is partly there"
            );
        }
        other.bytes.extend_from_slice(&[0; FAIR_INBOUND]);
        assert!(other.consume(0, Moment::now()).is_ok(), "what was given back is there for others");
        drop((greedy, other));
        assert_eq!(budget.taken.load(Relaxed), 0);
    }

    #[test]
    fn a_frame_has_its_time_and_the_next_one_has_it_again() {
        let begun = Moment::now();
        let mut inbound = Inbound::new(Arc::default());
        assert!(matches!(inbound.check(begun), Ok(None)), "there is none");
        inbound.bytes.extend_from_slice(b"half");
        assert!(inbound.consume(0, begun).is_ok());
        let end = begun + UNFINISHED;
        assert!(matches!(inbound.check(begun), Ok(Some(check)) if check == end));
        assert!(
            inbound.consume(2, begun + UNFINISHED / 2).is_ok(),
            "the first frame is whole, the second is not"
        );
        let end = end + UNFINISHED / 2;
        assert!(matches!(inbound.check(begun + UNFINISHED), Ok(Some(check)) if check == end));
        inbound.bytes.extend_from_slice(b"more");
        assert!(inbound.consume(0, begun + UNFINISHED).is_ok(), "that is no other frame");
        assert!(matches!(inbound.check(end), Err(Unfinished::TooLong { here: 6 })));
        assert!(inbound.consume(6, end).is_ok());
        assert!(matches!(inbound.check(end), Ok(None)));
    }
}
