//! What a connection does with the frames that it has read: answers go to who waits for them, requests to the client instance.

use std::io;
use std::sync::Arc;

use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame;
use rocketmq_protocol::header::{Header, flag};

use super::Connection;
use crate::log::LogTarget;
use crate::remoting::body::{Body, SHARED_BODY};
use crate::remoting::channel::Channel;
use crate::remoting::exchange::{Failure, FailureKind};
use crate::remoting::frame_writer::PROTOCOL_VERSION;
use crate::remoting::limits;
use crate::remoting::turn::TURN;
use crate::sys::Moment;

/// The clock is read after this many frames, so that a read full of them takes no longer than a turn.
const FRAMES_AT_ONCE: usize = 16;

/// The bytes of a buffer for replies that are kept for the next ones.
const KEPT_REPLIES: usize = 64 * 1024;

impl Connection {
    /// Takes the whole frames that were read, for the time of a turn; `true`: more of them are there.
    pub(super) fn take_frames(&mut self) -> Result<bool, Failure> {
        let garbage = |error| Failure::because(FailureKind::Garbage, error);
        let now = Moment::now();
        let (mut consumed, mut frames, mut more) = (0, 0, false);
        loop {
            let large;
            let bytes = &self.inbound.bytes()[consumed..];
            check_header(&self.channel, bytes)?;
            let Some((mut frame, len)) = frame::split(bytes).map_err(garbage)? else { break };
            frames += 1;
            if frames % FRAMES_AT_ONCE == 0 && now.elapsed() >= TURN {
                more = true;
                break;
            }
            let mut body = Body::Copied(frame.body);
            if frame.body.len() < SHARED_BODY {
                consumed += len;
            } else {
                large = self.inbound.take(std::mem::take(&mut consumed), len);
                let Some((again, _)) = frame::split(&large).map_err(garbage)? else { break };
                (frame, body) = (again, Body::Shared(large.slice_ref(again.body)));
            }
            let header = self.headers.decode(frame.encoding, frame.header).map_err(garbage)?;
            if header.is_response() {
                self.silent_since = None;
                self.has_answered = true;
                let pending = self.channel.state.lock().in_flight.answer(header.opaque);
                if let Some(pending) = pending {
                    self.channel.show_response(pending.exchange.code(), &header);
                    pending.exchange.answered(&header, body, now, &mut self.deferred);
                }
            } else {
                requested(&self.channel, &header, frame.body, &mut self.replies);
            }
        }
        self.inbound.consume(consumed, now).map_err(|error| Failure::because(FailureKind::Garbage, error))?;
        if !self.replies.is_empty() {
            self.channel.reply(&self.replies)?;
            self.replies.clear();
            self.replies.shrink_to(KEPT_REPLIES);
        }
        Ok(more)
    }
}

/// Fails if the first header of these bytes is longer than that of any answer which is waited for.
fn check_header(channel: &Channel, bytes: &[u8]) -> Result<(), Failure> {
    let Some(len) = frame::header_len(bytes).filter(|len| *len > limits::HEADER) else { return Ok(()) };
    let longest = channel.state.lock().in_flight.longest_header();
    if len <= longest {
        return Ok(());
    }
    let text = format!("a header of {len} bytes, where none is longer than {longest}");
    Err(Failure::because(FailureKind::Garbage, io::Error::new(io::ErrorKind::InvalidData, text)))
}

/// A request of the peer's: lets the client instance answer it, and adds the answer to `replies`.
fn requested(channel: &Arc<Channel>, header: &Header<'_>, body: &[u8], replies: &mut Vec<u8>) {
    let Some(events) = channel.events.upgrade() else { return };
    let Some(reply) = events.requested(channel, header, body) else { return };
    if header.is_oneway() {
        return;
    }
    let preamble = Preamble {
        code: reply.code,
        language: channel.options.language,
        version: PROTOCOL_VERSION,
        opaque: header.opaque,
        flag: flag::RESPONSE,
        remark: reply.remark.as_deref(),
    };
    let written = encode_frame(replies, channel.options.encoding, &preamble, &NoFields, &[&reply.body]);
    if let Err(error) = written {
        let text = || format!("no reply to {}: {error}", channel.address());
        channel.options.log.warn(LogTarget::Remoting, text);
    }
}
