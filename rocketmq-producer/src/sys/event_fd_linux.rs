//! A descriptor that is readable while something waits: Linux's own kind.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// A descriptor that is readable from [`EventFd::signal`] to [`EventFd::clear`]. It never blocks and is closed
/// on `exec`. A forked child shares it with its parent.
pub struct EventFd(File);

impl EventFd {
    /// A descriptor that is not readable yet.
    ///
    /// # Errors
    ///
    /// The error of the operating system when it has no descriptor left.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let descriptor = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made, and nobody else knows it.
        let owned = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Self(File::from(owned)))
    }

    /// Makes it readable, if it is not yet.
    pub fn signal(&self) {
        // The call fails only when the counter is full: it is readable then.
        let _ = (&self.0).write(&1u64.to_ne_bytes());
    }

    /// Makes it unreadable, if it is not yet.
    pub fn clear(&self) {
        // The call fails only when the counter is 0: it is not readable then.
        let _ = (&self.0).read(&mut [0; 8]);
    }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(test)]
#[path = "event_fd_tests.rs"]
mod tests;
