//! The rounds of an open connection.
//!
//! ```text
//!        ┌──▶ write ──▶ settle ──▶ look at what has its time ──▶ give way, if the turn is over ──┬───────────┐
//!        │                                                                                      ▼           ▼
//!        │                                                        whole frames are left: take them         wait
//!        │                                                                                      │           │
//!        └◀─────────────────────────────────────────────────────────────────────────────────────┴◀──────────┤
//!             readable: read, and take whole frames · writable again · attention · time of the next look ───┘
//! ```
//!
//! What it knows from one round to the next: whether the socket takes no more (`is_blocked`), and whether whole frames are left of
//! the last read (`has_unread`). Each step may end the connection with a [`Failure`].

use std::convert::Infallible;
use std::io;
use std::time::Duration;

use tokio::time::sleep_until;

use super::{Connection, check_deadlines, lost};
use crate::remoting::exchange::{Failure, FailureKind};
use crate::remoting::limits;
use crate::remoting::stream::closed_by_peer;
use crate::remoting::turn::Turn;
use crate::remoting::writing::Written;
use crate::sys::Moment;

/// A connection ends when a request times out on it, and for this long before that nothing came though answers were due.
const SILENCE_LIMIT: Duration = Duration::from_secs(3);

/// What a round found to have its time.
struct Look {
    /// When to look again.
    next: Option<Moment>,
    /// There is something to do at once.
    is_due: bool,
}

/// What ends the wait of a round.
enum Event {
    Readable,
    Writable,
    /// Something for the next round to find.
    Other,
}

impl Connection {
    /// Round after round, to the end of the connection.
    pub(super) async fn serve(&mut self) -> Result<Infallible, Failure> {
        let timer = sleep_until(tokio::time::Instant::now());
        tokio::pin!(timer);
        // When the timer ends, if it is set.
        let mut armed = None;
        let mut turn = Turn::default();
        loop {
            // First, so that what goes next is in the same write.
            self.deferred.free_places();
            let has_more = self.write().map_err(lost)?;
            self.deferred.settle();
            let now = Moment::now();
            let look = self.look(now)?;
            turn.give_way(now).await;
            if self.has_unread {
                self.has_unread = self.take_frames()?;
                continue;
            }
            if look.next != armed {
                armed = look.next;
                if let Some(next) = look.next {
                    timer.as_mut().reset(next.into());
                }
            }
            let event = turn.wait(async {
                tokio::select! {
                    biased;
                    ready = self.stream.readable() => ready.map(|()| Event::Readable),
                    () = self.channel.attention.notified() => Ok(Event::Other),
                    ready = self.stream.writable(), if self.is_blocked => ready.map(|()| Event::Writable),
                    () = timer.as_mut(), if armed.is_some() => Ok(Event::Other),
                    () = std::future::ready(()), if has_more || look.is_due => Ok(Event::Other),
                }
            });
            match event.await.map_err(lost)? {
                Event::Readable => self.has_unread = self.read()?,
                Event::Writable => {
                    self.is_blocked = false;
                    self.alive = Moment::now();
                }
                Event::Other => {}
            }
        }
    }

    /// Does what has its time. (Before the wait, which may find something to read for ever.)
    fn look(&mut self, now: Moment) -> Result<Look, Failure> {
        let (check, gathered, has_failed) = {
            let mut state = self.channel.state.lock();
            if !state.is_current(self.epoch) {
                return Err(Failure::new(FailureKind::Aborted));
            }
            if std::mem::take(&mut self.heard) {
                state.oneways_in_doubt = 0;
            }
            let gathered = state.end_gathering(now);
            let by = if gathered { Some(now) } else { state.gathered_by };
            (state.next_check, by, state.has_failed())
        };
        let unfinished =
            self.inbound.check(now).map_err(|error| Failure::because(FailureKind::Silent, error))?;
        let is_due = |moment: Option<Moment>| moment.is_some_and(|moment| moment <= now);
        if is_due(check) {
            self.expire(now)?;
        }
        if has_failed {
            self.channel.tell_failed(&mut self.deferred);
        }
        Ok(Look {
            next: check.into_iter().chain(gathered).chain(unfinished).min(),
            is_due: is_due(check) || is_due(gathered) || has_failed,
        })
    }

    /// Fails what is over its deadline; an error when too much of that was never answered.
    fn expire(&mut self, now: Moment) -> Result<(), Failure> {
        let Some(asked) = check_deadlines(&self.channel) else { return Ok(()) };
        let since = *self.silent_since.get_or_insert(asked.max(self.alive));
        let abandoned = self.channel.state.lock().in_flight.abandoned();
        if now.since(since) >= SILENCE_LIMIT || abandoned > limits::ABANDONED {
            let cause = io::Error::new(io::ErrorKind::TimedOut, "the peer answers no more");
            return Err(Failure::because(FailureKind::Silent, cause));
        }
        Ok(())
    }

    /// Writes what is there, if that is this task's part, or plenty of it; `true`: more can be written at once.
    fn write(&mut self) -> io::Result<bool> {
        if self.is_blocked {
            return Ok(false);
        }
        let more = self.channel.admit_waiting(&self.stream);
        let mine = self.channel.state.lock().begin_writing();
        let was_read = std::mem::take(&mut self.was_read);
        let written = if mine { self.channel.write_out(&self.stream, was_read)? } else { Written::All };
        self.waits_for_read = matches!(written, Written::Unread);
        self.is_blocked = matches!(written, Written::Blocked);
        Ok(match written {
            Written::All => more,
            Written::Plenty => true,
            // What is to be read ends the wait.
            Written::Unread | Written::Blocked => false,
        })
    }

    /// One read, and the frames that it completed; `true`: some of them are left.
    fn read(&mut self) -> Result<bool, Failure> {
        match self.inbound.read(&self.stream) {
            Ok(0) => Err(lost(closed_by_peer())),
            Ok(_) => {
                self.alive = Moment::now();
                self.heard = true;
                // Not before: the runtime may hear of what is there later than a look at the socket does.
                self.was_read = std::mem::take(&mut self.waits_for_read);
                self.take_frames()
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
            Err(error) => Err(lost(error)),
        }
    }
}
