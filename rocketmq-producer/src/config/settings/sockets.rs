//! Sockets: the keys `socket.*`.

use std::time::Duration;

use super::reader::Reader;
use crate::error::Error;

/// How sockets are set up; `None` leaves the choice to the operating system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SocketOptions {
    pub(crate) send_buffer: Option<usize>,
    pub(crate) receive_buffer: Option<usize>,
    /// The system asks the peer's whether it is still there after this time without traffic.
    pub(crate) keepalive: Option<Duration>,
    /// How long the peer's system may leave what was written without acknowledgement.
    pub(crate) user_timeout: Option<Duration>,
}

impl SocketOptions {
    pub(super) fn read(reader: &Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            send_buffer: reader.optional_size("socket.send.buffer.bytes")?,
            receive_buffer: reader.optional_size("socket.receive.buffer.bytes")?,
            keepalive: reader.optional_duration("socket.keepalive.ms")?,
            user_timeout: reader.optional_duration("socket.user.timeout.ms")?,
        })
    }
}
