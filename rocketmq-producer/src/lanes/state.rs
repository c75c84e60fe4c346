//! What a lane keeps under its lock: who waits, how many requests are on their way, and who leaves when.

use std::collections::VecDeque;
use std::time::Duration;

use super::waiting::{Waiting, answer_limit, company_end, next_check};
use crate::config::Batching;
use crate::deferred::Burst;
use crate::sys::Moment;

/// The watch looks at a lane no more often than this, and later by [`LOOK_COST`] for each that waits there: its look takes
/// a small part of the I/O thread however many they are.
const CHECK_INTERVAL: Duration = Duration::from_millis(1);
const LOOK_COST: Duration = Duration::from_micros(1);

pub(super) struct LaneState<W> {
    /// Requests without an answer: as many as there are permits.
    pub(super) outstanding: usize,
    pub(super) waiting: VecDeque<W>,
    bytes: usize,
    /// With a linger: when the first of those who wait wants to leave, at the earliest.
    company_end: Option<Moment>,
    /// Whoever waits here may not linger.
    pub(super) sends_now: bool,
    /// A burst brings messages one after the other: only full batches leave before its end, or before this moment.
    pub(super) gathered_by: Option<Moment>,
    /// When the watch looks here next, at the latest; `None`: it does not have this lane.
    pub(super) next_check: Option<Moment>,
    /// Somebody came since the last sweep.
    pub(super) used: bool,
    /// Nobody finds it any more.
    pub(super) closed: bool,
}

/// What the watch finds in a lane.
pub(super) struct Survey {
    /// Some wait for others' answers no longer.
    pub(super) has_impatient: bool,
    /// When it must look again.
    pub(super) next_check: Option<Moment>,
}

/// Those who leave in one request.
pub(super) struct Run<W> {
    pub(super) first: W,
    pub(super) others: Vec<W>,
}

impl<W> Default for LaneState<W> {
    fn default() -> Self {
        Self {
            outstanding: 0,
            waiting: VecDeque::new(),
            bytes: 0,
            company_end: None,
            sends_now: false,
            gathered_by: None,
            next_check: None,
            used: false,
            closed: false,
        }
    }
}

impl<W: Waiting> LaneState<W> {
    /// Lines up behind all others.
    pub(super) fn push(&mut self, arriving: W, linger: Option<Duration>) {
        self.bytes += arriving.bytes();
        if let Some(linger) = linger {
            self.company_end = self.company_end.into_iter().chain([company_end(&arriving, linger)]).min();
        }
        self.waiting.push_back(arriving);
    }

    /// Lines them up before all others. They have waited for company once.
    pub(super) fn put_back(&mut self, returning: Vec<W>) {
        for waiting in returning.into_iter().rev() {
            self.bytes += waiting.bytes();
            self.waiting.push_front(waiting);
        }
        self.sends_now = true;
    }

    /// Takes out whoever leaves now, if somebody does: to be asked while places of the window are free.
    pub(super) fn take_due(&mut self, batching: &Batching, window: usize, now: Moment) -> Option<Run<W>> {
        let is_due = self.outstanding < window && self.is_due(batching, now);
        let run = if is_due { take_run(&mut self.waiting, batching) } else { None };
        if let Some(run) = &run {
            self.bytes -= run.bytes();
            if let Some(linger) = batching.linger {
                self.company_end = self.waiting.iter().map(|waiting| company_end(waiting, linger)).min();
            }
        }
        if self.waiting.is_empty() {
            self.sends_now = false;
        }
        run
    }

    fn is_due(&self, batching: &Batching, now: Moment) -> bool {
        let Some(first) = self.waiting.front() else { return false };
        let is_full = self.bytes >= batching.max_bytes || self.waiting.len() >= batching.max_messages;
        if self.sends_now || is_full || !first.may_share() {
            return true;
        }
        match batching.linger {
            Some(_) => self.company_end.is_some_and(|end| end <= now),
            // Bursts may follow each other; nobody waits for more than one.
            None => self.gathered_by.is_none_or(|by| by <= now || first.arrived() + Burst::TIME <= now),
        }
    }

    /// Takes out those whose deadline has passed, and looks at the others, in one pass.
    pub(super) fn survey(&mut self, batching: &Batching, now: Moment, over: &mut Vec<W>) -> Survey {
        let mut survey = Survey { has_impatient: false, next_check: None };
        self.extract(over, |waiting| {
            let is_over = waiting.deadline() <= now;
            if !is_over {
                survey.has_impatient |= is_impatient(waiting, now);
                let check = next_check(waiting, batching, now);
                survey.next_check = survey.next_check.into_iter().chain([check]).min();
            }
            is_over
        });
        let interval = CHECK_INTERVAL + LOOK_COST * u32::try_from(self.waiting.len()).unwrap_or(u32::MAX);
        survey.next_check = survey.next_check.map(|check| check.max(now + interval));
        survey
    }

    /// Takes out those who wait for others' answers no longer, wherever they stand: each has its own time.
    pub(super) fn take_impatient(&mut self, batching: &Batching, now: Moment) -> Vec<Run<W>> {
        let mut impatient = Vec::new();
        self.extract(&mut impatient, |waiting| is_impatient(waiting, now));
        let mut impatient = VecDeque::from(impatient);
        std::iter::from_fn(|| take_run(&mut impatient, batching)).collect()
    }

    /// Takes out all who wait.
    pub(super) fn take_all(&mut self) -> VecDeque<W> {
        self.bytes = 0;
        std::mem::take(&mut self.waiting)
    }

    /// Moves those that `gone` names to `taken`; the others keep their order.
    fn extract(&mut self, taken: &mut Vec<W>, mut gone: impl FnMut(&W) -> bool) {
        for _ in 0..self.waiting.len() {
            let Some(waiting) = self.waiting.pop_front() else { break };
            if gone(&waiting) {
                self.bytes -= waiting.bytes();
                taken.push(waiting);
            } else {
                self.waiting.push_back(waiting);
            }
        }
    }
}

impl<W: Waiting> Run<W> {
    fn bytes(&self) -> usize {
        self.first.bytes() + self.others.iter().map(Waiting::bytes).sum::<usize>()
    }
}

fn is_impatient(waiting: &impl Waiting, now: Moment) -> bool {
    answer_limit(waiting).is_some_and(|end| end <= now)
}

/// Takes the first one, and those behind it that may travel with it.
fn take_run<W: Waiting>(waiting: &mut VecDeque<W>, batching: &Batching) -> Option<Run<W>> {
    let first = waiting.pop_front()?;
    let mut bytes = first.bytes();
    let mut others: Vec<W> = Vec::new();
    while let Some(next) = waiting.pop_front_if(|next| {
        let fits = others.len() + 1 < batching.max_messages && bytes + next.bytes() <= batching.max_bytes;
        fits && next.may_join(&first)
    }) {
        bytes += next.bytes();
        others.push(next);
    }
    Some(Run { first, others })
}
