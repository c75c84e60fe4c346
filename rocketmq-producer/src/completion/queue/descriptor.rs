//! The descriptor of a queue, for programs that wait by `poll(2)` and its like.

use std::os::fd::{AsRawFd, RawFd};

use super::{CompletionQueue, State};
use crate::error::{Error, ErrorCode};
use crate::sys::EventFd;

/// The descriptor and whether it is readable now.
pub(super) struct Descriptor {
    event: EventFd,
    pub(super) signalled: bool,
}

impl CompletionQueue {
    /// A descriptor that is readable while events wait in the queue (level-triggered; a batch of events
    /// makes it readable once). It belongs to the queue: wait on it, never read or close it.
    ///
    /// # Errors
    /// `SYSTEM` when the process is out of descriptors; `CLOSED` after [`Self::close`] or [`Self::end`].
    pub fn fd(&self) -> Result<RawFd, Error> {
        let mut state = self.0.state.lock();
        if let Some(descriptor) = &state.descriptor {
            return Ok(descriptor.event.as_raw_fd());
        }
        if state.closed {
            return Err(Error::closed());
        }
        let event = EventFd::new().map_err(|cause| {
            Error::new(ErrorCode::System, format!("no descriptor for the completion queue: {cause}"))
                .with_source(cause)
        })?;
        let fd = event.as_raw_fd();
        state.descriptor = Some(Descriptor { event, signalled: false });
        state.settle_descriptor();
        Ok(fd)
    }
}

impl State {
    /// Makes the descriptor readable exactly when a poll would not wait.
    pub(super) fn settle_descriptor(&mut self) {
        let wanted = !self.events.is_empty() || self.rung;
        if let Some(descriptor) = &mut self.descriptor
            && descriptor.signalled != wanted
        {
            if wanted {
                descriptor.event.signal();
            } else {
                descriptor.event.clear();
            }
            descriptor.signalled = wanted;
        }
    }
}
