//! From the wish for a connection to the open socket.
//!
//! ```text
//! pause after a failed try ──▶ dial, within connect.timeout.ms ──▶ open
//!        └───────────────────────────┴── meanwhile requests whose deadline passes fail
//! ```

use std::io;
use std::sync::Arc;

use super::{check_deadlines, until};
use crate::deferred::Deferred;
use crate::remoting::channel::Channel;
use crate::remoting::dial::dial;
use crate::remoting::state::State;
use crate::remoting::stream::Stream;
use crate::sys::Moment;

/// Connects within `connect.timeout.ms`, after the pause that is due, and meanwhile fails the requests whose deadline
/// passes.
pub(super) async fn connect(channel: &Arc<Channel>, epoch: u64) -> io::Result<Stream> {
    let last = loop {
        let (check, pause_end) = {
            let mut state = channel.state.lock();
            let (check, now) = (current_check(&state, epoch)?, Moment::now());
            let pause_end = state.reach.pause_end(now);
            if pause_end.is_none() {
                break state.reach.begin(now);
            }
            (check, pause_end)
        };
        tokio::select! {
            () = until(pause_end) => {}
            () = until(check) => {
                check_deadlines(channel);
                channel.tell_failed(&mut Deferred::default());
            }
            () = channel.attention.notified() => {}
        }
    };
    let attempt = dial(&channel.options, &channel.dialed, last);
    tokio::pin!(attempt);
    loop {
        let check = current_check(&channel.state.lock(), epoch)?;
        tokio::select! {
            result = &mut attempt => return result,
            () = until(check) => {
                check_deadlines(channel);
                channel.tell_failed(&mut Deferred::default());
            }
            () = channel.attention.notified() => {}
        }
    }
}

/// When the deadlines are to be looked at next, if the connection is still wanted.
fn current_check(state: &State, epoch: u64) -> io::Result<Option<Moment>> {
    match state.is_current(epoch) {
        true => Ok(state.next_check),
        false => Err(io::Error::other("closed while connecting")),
    }
}
