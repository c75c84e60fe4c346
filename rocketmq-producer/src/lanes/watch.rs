//! What time alone changes in lanes: who waits too long, whose linger or gathering is over.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::Lanes;
use super::lane::Lane;
use crate::config::Batching;
use crate::deferred::{Deferred, Gathered};
use crate::error::{Error, ErrorCode};
use crate::remoting::Turn;
use crate::sync::Mutex;
use crate::sys::Moment;

/// So many messages of a lane that are over end before others have the I/O thread.
const ENDED_AT_ONCE: usize = 256;

/// Looks at the lanes when time alone changes something in them.
pub(super) struct Watch {
    pub(super) batching: Batching,
    next: Mutex<NextCheck>,
    /// Tells the watch: there is an earlier time to look, or the end.
    attention: Notify,
}

#[derive(Default)]
struct NextCheck {
    moment: Option<Moment>,
    /// Lanes whose gathering ends by itself, in the order in which it does.
    gathering: VecDeque<(Moment, Arc<Lane>)>,
    ended: bool,
}

impl Lanes {
    /// Ends what waits beyond its deadline, and lets go what waited long enough, until the end.
    pub(crate) async fn watch(self: Arc<Self>) {
        let attention = &self.watch.attention;
        loop {
            let now = Moment::now();
            let (check, gathered) = {
                let mut next = self.watch.next.lock();
                if next.ended {
                    return;
                }
                (next.moment, next.take_gathered(now))
            };
            if !gathered.is_empty() {
                let mut deferred = Deferred::default();
                gathered.iter().for_each(|lane| Arc::clone(lane).end_burst(&mut deferred));
            }
            if check.is_some_and(|check| check <= now) {
                self.look(now).await;
            }
            let Some(next) = self.watch.next.lock().moment() else {
                attention.notified().await;
                continue;
            };
            tokio::select! {
                () = sleep_until(next.into()) => {}
                () = attention.notified() => {}
            }
        }
    }

    async fn look(&self, now: Moment) {
        // First: who arrives meanwhile announces itself anew.
        self.watch.next.lock().moment = None;
        let mut turn = Turn::default();
        for lane in self.all() {
            while look_at(&lane, now) {
                turn.give_way(Moment::now()).await;
            }
            turn.give_way(Moment::now()).await;
        }
    }
}

/// Ends some of what waits beyond its deadline, and lets some go that waited long enough; `true`: there is more of it.
fn look_at(lane: &Arc<Lane>, now: Moment) -> bool {
    let mut deferred = Deferred::default();
    let over = lane.take_gone(ENDED_AT_ONCE, |passenger| passenger.deadline() <= now);
    let more = over.len() == ENDED_AT_ONCE;
    for passenger in over {
        let text = "earlier messages for the same broker had no answer in time";
        passenger.give_up(&Error::new(ErrorCode::Timeout, text), &mut deferred);
    }
    more || lane.look(now, &mut deferred)
}

impl NextCheck {
    /// The next moment at which there is something to do.
    fn moment(&self) -> Option<Moment> {
        let gathered = self.gathering.front().map(|(by, _)| *by);
        self.moment.into_iter().chain(gathered).min()
    }

    /// Takes out the lanes whose gathering is over.
    fn take_gathered(&mut self, now: Moment) -> Vec<Arc<Lane>> {
        let over = std::iter::from_fn(|| self.gathering.pop_front_if(|(by, _)| *by <= now));
        over.map(|(_, lane)| lane).collect()
    }
}

impl Watch {
    pub(super) fn new(batching: Batching) -> Self {
        Self { batching, next: Mutex::default(), attention: Notify::new() }
    }

    /// Nobody needs it any more.
    pub(super) fn end(&self) {
        let mut next = self.next.lock();
        next.ended = true;
        // The lanes have this watch, too.
        let gathering = std::mem::take(&mut next.gathering);
        drop(next);
        drop(gathering);
        self.attention.notify_one();
    }

    /// Makes sure that the gathering of this lane ends then.
    pub(super) fn end_gathering_by(&self, moment: Moment, lane: &Arc<Lane>) {
        let mut next = self.next.lock();
        if next.ended {
            return;
        }
        let is_first = next.gathering.is_empty();
        next.gathering.push_back((moment, Arc::clone(lane)));
        drop(next);
        if is_first {
            self.attention.notify_one();
        }
    }

    /// Makes sure that the lanes are looked at by then.
    pub(super) fn look_by(&self, moment: Moment) {
        let mut next = self.next.lock();
        if next.moment.is_none_or(|check| moment < check) {
            next.moment = Some(moment);
            drop(next);
            self.attention.notify_one();
        }
    }
}
