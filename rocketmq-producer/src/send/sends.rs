//! The messages of one request.

use super::accepted::AcceptedSend;
use super::batch::Batch;

/// A single message lies in its shipment, so that it costs one piece of memory.
#[derive(Default)]
pub(super) enum Sends {
    /// The messages are in another shipment now.
    #[default]
    Gone,
    One(AcceptedSend),
    Batch(Box<Batch>),
}

impl Sends {
    pub(super) fn as_slice(&self) -> &[AcceptedSend] {
        match self {
            Self::Gone => &[],
            Self::One(send) => std::slice::from_ref(send),
            Self::Batch(batch) => &batch.sends,
        }
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [AcceptedSend] {
        match self {
            Self::Gone => &mut [],
            Self::One(send) => std::slice::from_mut(send),
            Self::Batch(batch) => &mut batch.sends,
        }
    }

    pub(super) fn first(&self) -> Option<&AcceptedSend> {
        self.as_slice().first()
    }

    /// Whether they may go to one queue only.
    pub(super) fn are_bound(&self) -> bool {
        self.first().is_some_and(|first| !first.prepared.choice.is_any())
    }

    /// Takes the message out if it is a single one.
    pub(super) fn take_one(&mut self) -> Option<AcceptedSend> {
        match std::mem::take(self) {
            Self::One(send) => Some(send),
            others => {
                *self = others;
                None
            }
        }
    }

    /// Takes the batch out if it is one whose messages met in a lane, and may part again.
    pub(super) fn take_lane_batch(&mut self) -> Option<Box<Batch>> {
        match std::mem::take(self) {
            Self::Batch(batch) if !batch.is_programs => Some(batch),
            others => {
                *self = others;
                None
            }
        }
    }

    /// Whether they met in a lane.
    pub(super) fn are_lane_batch(&self) -> bool {
        matches!(self, Self::Batch(batch) if !batch.is_programs)
    }
}
