//! What a peer may make of us: every size on a connection that the other side drives has its bound here.
//!
//! (Frames are at most [`MAX_FRAME`](rocketmq_protocol::frame::MAX_FRAME) long. What a header's reader remembers is bounded
//! where it is kept, in the protocol crate.)

use std::time::Duration;

/// The most bytes of one read; a connection may hold as many without a share of the bound of the process.
pub(super) const READ_SPACE: usize = 64 * 1024;

/// The longest header of a frame. That of an answer to a send has some 300 bytes, and a remark may be a stack trace of some
/// thousands. Only the answer to a batch has an id for each message; see `Exchange::longest_header`.
pub(crate) const HEADER: usize = 64 * 1024;

/// The longest that the id of one message can be in the answer to a batch: IPv6 address, port and offset as 56 hexadecimal
/// digits, and a comma.
pub(crate) const OFFSET_ID: usize = 57;

/// The bytes of unfinished frames that all connections of a process may hold, beyond [`READ_SPACE`] each. The longest
/// legitimate frame is a route of 16 MiB, and a name server is asked for few at a time; the answer to a send is read at
/// once. (Their buffers may take twice as much.)
pub(super) const INBOUND: usize = 128 << 20;

/// The bytes of an unfinished frame that a connection may hold whatever the others hold: only who holds more than this is
/// refused for the sum. All answers but the largest routes are shorter.
pub(super) const FAIR_INBOUND: usize = INBOUND / 16;

/// How long a frame may take from its first byte to its last. The longest one needs 280 KB a second, and the deadlines of
/// those who wait for it are mostly shorter. What is held beyond [`INBOUND`] is held no longer than this.
pub(super) const UNFINISHED: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 60 });

/// A buffer that held more than this is given back to the system when it is empty: few frames are so large.
pub(super) const KEPT_INBOUND: usize = 1 << 20;

/// The bytes of replies to a peer's requests that may wait for the peer to read them. A broker asks a producer some times a
/// second and a reply has some 100 bytes, so this is the work of hours for which nothing was read.
pub(super) const REPLIES: usize = 1 << 20;

/// The most requests one connection can have in flight; an opaque has so many bits for its slot.
pub(super) const SLOT_BITS: u32 = 20;
pub(super) const SLOTS: usize = 1 << SLOT_BITS;

/// The requests of one connection that may stay without an answer for good, as their slots are not used again; then the
/// connection is given up.
pub(super) const ABANDONED: usize = 1 << 16;
