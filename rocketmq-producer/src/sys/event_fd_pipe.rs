//! A descriptor that is readable while something waits: a pipe to oneself.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A descriptor that is readable from [`EventFd::signal`] to [`EventFd::clear`]. It never blocks and is closed
/// on `exec`. A forked child shares it with its parent.
pub struct EventFd {
    reader: PipeReader,
    writer: PipeWriter,
}

impl EventFd {
    /// A descriptor that is not readable yet.
    ///
    /// # Errors
    ///
    /// The error of the operating system when it has no descriptor left.
    pub fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        never_block(reader.as_fd())?;
        never_block(writer.as_fd())?;
        Ok(Self { reader, writer })
    }

    /// Makes it readable, if it is not yet.
    pub fn signal(&self) {
        // The call fails only when the pipe is full: it is readable then.
        let _ = (&self.writer).write(&[1]);
    }

    /// Makes it unreadable, if it is not yet.
    pub fn clear(&self) {
        let mut bytes = [0; 512];
        // A read that does not fill its buffer, or finds nothing, has emptied the pipe.
        while (&self.reader).read(&mut bytes).is_ok_and(|count| count == bytes.len()) {}
    }
}

fn never_block(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let descriptor = descriptor.as_raw_fd();
    // SAFETY: reads and sets the flags of a descriptor that is open; takes no pointers.
    let outcome = unsafe {
        match libc::fcntl(descriptor, libc::F_GETFL) {
            flags if flags < 0 => flags,
            flags => libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK),
        }
    };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

impl AsFd for EventFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}

#[cfg(test)]
#[path = "event_fd_tests.rs"]
mod tests;
