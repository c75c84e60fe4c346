//! What was said of each message, held against its copies in the store.

use std::collections::BTreeSet;

use cluster::ReadMessage;
use rocketmq_producer::{Error, Persistence, Receipt, SendStatus};

use crate::outage::Victim;
use crate::stored::{Stored, of_receipt};
use crate::worker::{Phase, Sent};

pub(crate) fn failures(sent: &[Sent], victim: &Victim, topic: &str, stored: &Stored) -> Vec<String> {
    let mut by_body = stored.by_body(topic);
    let mut failures = Vec::new();
    let mut counts = Counts::default();
    for message in sent {
        let copies = by_body.remove(message.body.as_bytes()).unwrap_or_default();
        counts.add(message, &copies);
        let problems = [outcome_problem(message, &copies), copies_problem(message, &copies, victim)];
        let of_message = problems.into_iter().flatten();
        failures.extend(of_message.map(|problem| {
            format!("message `{}`, sent in phase {:?}: {problem}", message.body, message.phase)
        }));
    }
    failures.extend(by_body.keys().map(|body| format!("`{}` was never sent", String::from_utf8_lossy(body))));
    println!("{topic}: {counts:?}");
    // What makes all else worthless comes first.
    [counts.emptiness(), unseen_brokers(sent, &victim.name), stored.doubled_ids(topic), failures].concat()
}

/// Whether the one outcome is true.
fn outcome_problem(message: &Sent, copies: &[&ReadMessage]) -> Option<String> {
    match (&message.refused, message.outcomes.as_slice()) {
        (Some(refusal), []) => (refusal.persistence() != Persistence::NotPersisted || !copies.is_empty())
            .then(|| format!("was refused ({refusal}) and is stored {} times", copies.len())),
        (None, [Ok(receipt)]) => receipt_problem(receipt, copies),
        (None, [Err(error)]) => error_problem(error, copies.len()),
        (refused, outcomes) => Some(format!(
            "has {} outcomes, {} refused at once: {outcomes:?}",
            outcomes.len(),
            if refused.is_some() { "and was" } else { "and was not" }
        )),
    }
}

fn receipt_problem(receipt: &Receipt, copies: &[&ReadMessage]) -> Option<String> {
    if let Err(problem) = of_receipt(receipt, copies) {
        return Some(problem);
    }
    if receipt.status() != SendStatus::SendOk {
        return Some(format!("a broker that waits for nobody gave {receipt:?}"));
    }
    // Each attempt may have been stored, those without an answer too.
    (copies.len() > receipt.attempts() as usize)
        .then(|| format!("is stored {} times after {} attempts", copies.len(), receipt.attempts()))
}

fn error_problem(error: &Error, copies: usize) -> Option<String> {
    let most = match error.persistence() {
        Persistence::NotPersisted => 0,
        Persistence::PossiblyPersisted | Persistence::Persisted => error.attempts() as usize,
    };
    let least = usize::from(error.persistence() == Persistence::Persisted);
    (!(least..=most).contains(&copies)).then(|| format!("is stored {copies} times, but says {error:?}"))
}

/// Copies of one message have one unique id, and stay in the queue they were meant for.
fn copies_problem(message: &Sent, copies: &[&ReadMessage], victim: &Victim) -> Option<String> {
    let ids: BTreeSet<_> = copies.iter().map(|copy| &copy.unique_id).collect();
    if ids.len() > 1 {
        return Some(format!("its copies have the unique ids {ids:?}"));
    }
    let pinned = message.pinned?;
    let is_there = |copy: &ReadMessage| copy.queue_id == pinned && copy.store_host == victim.address;
    let strayed = copies.iter().find(|copy| !is_there(copy))?;
    let (queue, host) = (strayed.queue_id, &strayed.store_host);
    Some(format!("was sent to queue {pinned} of {} and is in queue {queue} of {host}", victim.address))
}

/// How often the kill showed, and how.
#[derive(Debug, Default)]
struct Counts {
    messages: usize,
    copies: usize,
    /// Receipts of a further attempt.
    repeated: usize,
    /// Of those, also stored by an attempt whose answer was lost.
    doubled: usize,
    not_persisted: usize,
    possibly_persisted: usize,
    /// Of those, stored in fact.
    persisted_unanswered: usize,
}

impl Counts {
    fn add(&mut self, message: &Sent, copies: &[&ReadMessage]) {
        self.messages += 1;
        self.copies += copies.len();
        match message.outcomes.first() {
            Some(Ok(receipt)) if receipt.attempts() > 1 => {
                self.repeated += 1;
                self.doubled += usize::from(copies.len() > 1);
            }
            Some(Err(error)) => match error.persistence() {
                Persistence::NotPersisted => self.not_persisted += 1,
                Persistence::PossiblyPersisted | Persistence::Persisted => {
                    self.possibly_persisted += 1;
                    self.persisted_unanswered += usize::from(!copies.is_empty());
                }
            },
            Some(Ok(_)) | None => {}
        }
    }

    /// A kill that no send noticed proves nothing.
    fn emptiness(&self) -> Vec<String> {
        let seen = [
            ("was repeated at another broker", self.repeated),
            ("failed before anything was written", self.not_persisted),
            ("was under way when the broker died", self.possibly_persisted),
        ];
        seen.iter()
            .filter(|(_, count)| *count == 0)
            .map(|(what, _)| format!("no message {what}: the kill was not felt; {self:?}"))
            .collect()
    }
}

/// Sends must have been stored at both brokers before the kill and after the restart.
fn unseen_brokers(sent: &[Sent], victim: &str) -> Vec<String> {
    let mut missing = Vec::new();
    for phase in [Phase::Before, Phase::Back] {
        for at_victim in [true, false] {
            let seen = sent.iter().filter(|message| message.phase == phase).any(|message| {
                matches!(message.outcomes.as_slice(), [Ok(r)] if (r.broker_name() == victim) == at_victim)
            });
            if !seen {
                let which = if at_victim { "the victim" } else { "the survivor" };
                missing.push(format!("no message of phase {phase:?} was stored at {which}"));
            }
        }
    }
    missing
}
