//! The threads that send through the outage, and the phase they are in.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use cluster::LaunchError;
use cluster::process::wait_for;
use rocketmq_producer::{
    CompletionQueue, Destination, Error, Event, Message, Producer, Receipt, Report, Tag,
};

use crate::scene::{PATIENCE, QUEUES};

/// Between two turns, while nothing depends on speed.
const PACE: Duration = Duration::from_millis(10);
/// Asynchronous sends of one turn; in the rush, those that are kept in flight.
const FEW: usize = 4;
const WINDOW: usize = 128;

/// When a message was sent. They follow each other in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Before,
    /// As fast as can be: the broker is killed with requests under way.
    Rush,
    Down,
    Back,
    Over,
}

/// What became of one message.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) body: String,
    pub(crate) phase: Phase,
    /// The victim's queue it was meant for; else any queue of any broker.
    pub(crate) pinned: Option<i32>,
    /// Why it was not accepted; then there must be no outcome.
    pub(crate) refused: Option<Error>,
    /// Exactly one if all is well.
    pub(crate) outcomes: Vec<Result<Receipt, Error>>,
}

/// What the conductor and the threads tell each other.
pub(crate) struct Stage {
    phase: Mutex<Phase>,
    changed: Condvar,
    pub(crate) topic: &'static str,
    pub(crate) victim: String,
}

/// What one thread has met since the phase began.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) outcomes: AtomicUsize,
    /// Failed, or stored at a further attempt.
    pub(crate) troubled: AtomicUsize,
    pub(crate) at_victim: AtomicUsize,
    pub(crate) elsewhere: AtomicUsize,
}

/// One thread's share.
pub(crate) struct Worker {
    pub(crate) name: &'static str,
    pub(crate) producer: Producer,
    pub(crate) stage: Arc<Stage>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) sent: Vec<Sent>,
}

impl Stage {
    pub(crate) fn new(topic: &'static str, victim: String) -> Stage {
        Stage { phase: Mutex::new(Phase::Before), changed: Condvar::new(), topic, victim }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
        self.changed.notify_all();
    }

    /// The phase now, after a breath unless there is a rush or an end.
    fn next_turn(&self) -> Phase {
        let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner);
        let calm = |phase: &mut Phase| !matches!(phase, Phase::Rush | Phase::Over);
        let waited = self.changed.wait_timeout_while(phase, PACE, calm);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Tally {
    fn count(&self, victim: &str, outcome: &Result<Receipt, Error>) {
        let add = |counter: &AtomicUsize| counter.fetch_add(1, Ordering::Relaxed);
        add(&self.outcomes);
        match outcome {
            Ok(receipt) => {
                add(if receipt.broker_name() == victim { &self.at_victim } else { &self.elsewhere });
                if receipt.attempts() > 1 {
                    add(&self.troubled);
                }
            }
            Err(_) => {
                add(&self.troubled);
            }
        }
    }

    pub(crate) fn clear(&self) {
        for counter in [&self.outcomes, &self.troubled, &self.at_victim, &self.elsewhere] {
            counter.store(0, Ordering::Relaxed);
        }
    }

    /// Waits until each thread has counted so many.
    pub(crate) fn wait(
        tallies: &[Arc<Tally>],
        what: &str,
        limit: Duration,
        count: usize,
        of: impl Fn(&Tally) -> &AtomicUsize,
    ) -> Result<(), LaunchError> {
        wait_for(what, limit, || {
            let seen: Vec<_> = tallies.iter().map(|tally| of(tally).load(Ordering::Relaxed)).collect();
            let enough = seen.iter().all(|seen| *seen >= count);
            Ok(if enough { Ok(()) } else { Err(format!("{seen:?} by thread, {count} wanted of each")) })
        })
    }
}

impl Worker {
    /// Sends and waits, one message after the other.
    pub(crate) fn send_blocking(mut self) -> Vec<Sent> {
        loop {
            let phase = self.stage.next_turn();
            if phase == Phase::Over {
                return self.sent;
            }
            let serial = self.plan(phase);
            let outcome = self.producer.send(&self.message(serial), None);
            self.complete(serial, outcome);
        }
    }

    /// Sends with the outcomes coming to a queue. Ends when each accepted message has one.
    pub(crate) fn send_queued(mut self, queue: &CompletionQueue) -> Vec<Sent> {
        let mut in_flight = 0;
        loop {
            let phase = self.stage.next_turn();
            let wanted = match phase {
                Phase::Over => break,
                Phase::Rush => WINDOW,
                Phase::Before | Phase::Down | Phase::Back => FEW,
            };
            while in_flight < wanted {
                let serial = self.plan(phase);
                match self.producer.send_queued(&self.message(serial), None, queue, Tag(serial, 0)) {
                    Ok(()) => in_flight += 1,
                    Err(refusal) => {
                        self.sent[serial].refused = Some(refusal);
                        break;
                    }
                }
            }
            // A report too many is found later, by message.
            in_flight = in_flight.saturating_sub(self.take_reports(queue, PACE));
        }
        while in_flight > 0 {
            match self.take_reports(queue, PATIENCE) {
                // So is one too few.
                0 => break,
                taken => in_flight = in_flight.saturating_sub(taken),
            }
        }
        self.sent
    }

    /// Every fourth message is for one of the victim's queues, in turn; no other broker can take its place.
    fn plan(&mut self, phase: Phase) -> usize {
        let serial = self.sent.len();
        let pinned = serial.is_multiple_of(4).then_some((serial / 4) as i32 % QUEUES);
        let body = format!("{} {serial}", self.name);
        self.sent.push(Sent { body, phase, pinned, refused: None, outcomes: Vec::new() });
        serial
    }

    fn message(&self, serial: usize) -> Message<'_> {
        let sent = &self.sent[serial];
        let destination = match sent.pinned {
            Some(queue_id) => Destination::Queue { broker: &self.stage.victim, queue_id },
            None => Destination::Any,
        };
        Message { destination, ..Message::new(self.stage.topic, sent.body.as_bytes()) }
    }

    fn take_reports(&mut self, queue: &CompletionQueue, patience: Duration) -> usize {
        let (mut events, mut count) = (Vec::new(), 0);
        // Room again is an event too.
        while count == 0 && queue.poll(&mut events, usize::MAX, patience) > 0 {
            for Report { tag, result, .. } in events.drain(..).filter_map(Event::into_report) {
                self.complete(tag.0, result);
                count += 1;
            }
        }
        count
    }

    fn complete(&mut self, serial: usize, outcome: Result<Receipt, Error>) {
        self.tally.count(&self.stage.victim, &outcome);
        self.sent[serial].outcomes.push(outcome);
    }
}
