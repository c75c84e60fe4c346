//! What time alone changes in lanes: who waits too long, whose linger or burst is over, which lanes nobody uses.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::lane::{Found, Lane};
use super::waiting::Waiting;
use super::{Lanes, SWEEP_INTERVAL};
use crate::alarm::Alarm;
use crate::config::Batching;
use crate::deferred::Deferred;
use crate::error::{Error, ErrorCode};
use crate::remoting::Turn;
use crate::sync::Mutex;
use crate::sys::Moment;

/// Messages whose deadline has passed that end one after the other before others have the I/O thread.
const ENDED_AT_ONCE: usize = 256;

/// Looks at the lanes when time alone changes something in them.
pub(super) struct Watch<W> {
    pub(super) batching: Batching,
    agenda: Mutex<Agenda<W>>,
    /// Rung when there is an earlier time to look, and at the end.
    alarm: Alarm,
}

/// What is to be done next.
struct Agenda<W> {
    /// When the first of `lanes` is to be looked at.
    look: Option<Moment>,
    lanes: Vec<Arc<Lane<W>>>,
    /// Lanes that hold a burst which ends by itself, in the order in which it does.
    bursts: VecDeque<(Moment, Arc<Lane<W>>)>,
    /// When lanes that nobody uses are looked for; `None`: there are no lanes.
    sweep: Option<Moment>,
    ended: bool,
}

impl<W: Waiting> Lanes<W> {
    /// Ends what waits beyond its deadline, sends off what waited long enough, and forgets lanes, until the end.
    pub(crate) async fn watch(self: Arc<Self>) {
        // One that panicked before may have lost some of its lanes. Added, and not put in the place of the others: a lane that
        // was made meanwhile has announced itself.
        let all = self.all();
        self.watch.agenda.lock().lanes.extend(all);
        self.watch.look_by(Moment::now(), None);
        loop {
            let now = Moment::now();
            let (due, bursts) = {
                let mut agenda = self.watch.agenda.lock();
                if agenda.ended {
                    return;
                }
                (agenda.take_due(now), agenda.take_bursts(now))
            };
            if !bursts.is_empty() {
                let mut deferred = Deferred::default();
                bursts.into_iter().for_each(|lane| lane.end_burst_by(now, &mut deferred));
            }
            look_at(due, now).await;
            let next = {
                let mut agenda = self.watch.agenda.lock();
                if agenda.sweep.take_if(|sweep| *sweep <= now).is_some() {
                    drop(agenda);
                    self.sweep_and_plan();
                    agenda = self.watch.agenda.lock();
                }
                agenda.next()
            };
            self.watch.alarm.wait(next).await;
        }
    }

    fn sweep_and_plan(&self) {
        if self.sweep() {
            self.watch.sweep_after(SWEEP_INTERVAL);
        }
    }
}

/// Does what is due in these lanes, in turns.
async fn look_at<W: Waiting>(lanes: Vec<Arc<Lane<W>>>, now: Moment) {
    let mut turn = Turn::default();
    for lane in lanes {
        let Found { mut over, departures } = lane.look(now);
        while !over.is_empty() {
            let mut deferred = Deferred::default();
            for waiting in over.drain(..over.len().min(ENDED_AT_ONCE)) {
                let text = "earlier messages for the same broker had no answer in time";
                waiting.give_up(&Error::new(ErrorCode::Timeout, text), &mut deferred);
            }
            drop(deferred);
            turn.give_way(Moment::now()).await;
        }
        for departure in departures {
            departure.begin(Moment::now(), &mut Deferred::default());
            turn.give_way(Moment::now()).await;
        }
        turn.give_way(Moment::now()).await;
    }
}

impl<W> Agenda<W> {
    /// The next moment at which there is something to do.
    fn next(&self) -> Option<Moment> {
        let burst = self.bursts.front().map(|(by, _)| *by);
        self.look.into_iter().chain(burst).chain(self.sweep).min()
    }

    /// Takes out the lanes if it is time to look at them: who arrives meanwhile announces itself anew.
    fn take_due(&mut self, now: Moment) -> Vec<Arc<Lane<W>>> {
        match self.look.take_if(|look| *look <= now) {
            Some(_) => std::mem::take(&mut self.lanes),
            None => Vec::new(),
        }
    }

    /// Takes out the lanes whose burst is over.
    fn take_bursts(&mut self, now: Moment) -> Vec<Arc<Lane<W>>> {
        let over = std::iter::from_fn(|| self.bursts.pop_front_if(|(by, _)| *by <= now));
        over.map(|(_, lane)| lane).collect()
    }
}

impl<W> Watch<W> {
    pub(super) fn new(batching: Batching) -> Self {
        let agenda =
            Agenda { look: None, lanes: Vec::new(), bursts: VecDeque::new(), sweep: None, ended: false };
        Self { batching, agenda: Mutex::new(agenda), alarm: Alarm::default() }
    }

    /// Nobody needs the watch any more.
    pub(super) fn end(&self) {
        let mut agenda = self.agenda.lock();
        agenda.ended = true;
        // The lanes have this watch, too.
        let lanes = (std::mem::take(&mut agenda.lanes), std::mem::take(&mut agenda.bursts));
        drop(agenda);
        drop(lanes);
        self.alarm.ring();
    }

    /// Makes sure that the burst in this lane ends then.
    pub(super) fn end_burst_by(&self, moment: Moment, lane: &Arc<Lane<W>>) {
        self.plan(|agenda| agenda.bursts.push_back((moment, Arc::clone(lane))));
    }

    /// Makes sure that the lanes are looked at by then; `lane`: one that is to be among them from now on.
    pub(super) fn look_by(&self, moment: Moment, lane: Option<Arc<Lane<W>>>) {
        self.plan(|agenda| {
            agenda.lanes.extend(lane);
            agenda.look = agenda.look.into_iter().chain([moment]).min();
        });
    }

    /// Makes sure that lanes which nobody uses are forgotten.
    pub(super) fn sweep_after(&self, time: Duration) {
        self.plan(|agenda| {
            agenda.sweep.get_or_insert_with(|| Moment::now() + time);
        });
    }

    /// Changes the agenda; the watch hears of it if there is something to do earlier than before.
    fn plan(&self, change: impl FnOnce(&mut Agenda<W>)) {
        let mut agenda = self.agenda.lock();
        if agenda.ended {
            return;
        }
        let before = agenda.next();
        change(&mut agenda);
        let is_earlier = agenda.next().is_some_and(|next| before.is_none_or(|before| next < before));
        drop(agenda);
        if is_earlier {
            self.alarm.ring();
        }
    }
}
