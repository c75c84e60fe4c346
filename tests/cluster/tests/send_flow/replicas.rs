//! A synchronous master without its slave stores what it is sent and says that it is not replicated.

use cluster::Version;
use cluster::process::wait_for;
use cluster::reader::Wanted;
use rocketmq_producer::{Message, Producer, Receipt, SendStatus};

use crate::scene::{PATIENCE, QUEUES, REPLICATED, SURVIVOR, Scene};
use crate::stored::{Stored, of_receipt};

/// On the replicated broker only; and on another one too, which a repeated send can go to.
const ALONE: &str = "Replicated";
const BESIDE: &str = "ReplicatedOrNot";

struct Sent {
    topic: &'static str,
    body: String,
    receipt: Receipt,
}

pub(crate) struct Replicas {
    sent: Vec<Sent>,
    failures: Vec<String>,
}

/// Until the master counts on its slave each send to it takes seconds, so this comes first.
pub(crate) fn with_slave(scene: &Scene) -> Replicas {
    scene.create_topic(ALONE, &[REPLICATED]);
    scene.create_topic(BESIDE, &[REPLICATED, SURVIVOR]);
    let mut replicas = Replicas { sent: Vec::new(), failures: Vec::new() };
    let found = replicas.send_until(&scene.producer(&[]), "with its slave", SendStatus::SendOk);
    replicas.failures.extend(found.err());
    replicas
}

impl Replicas {
    pub(crate) fn without_slave(&mut self, scene: &mut Scene) {
        scene.cluster.kill_slave(REPLICATED);
        let found = self.send_all(scene);
        self.failures.extend(found.err());
    }

    fn send_all(&mut self, scene: &Scene) -> Result<(), String> {
        let gone = match scene.version() {
            Version::V4_9_7 => SendStatus::SlaveNotAvailable,
            Version::V5_3_3 | Version::V5_5_0 => SendStatus::FlushSlaveTimeout,
        };
        self.send_until(&scene.producer(&[]), "without its slave", gone)?;
        let eager =
            scene.producer(&[("retry.another.broker.when.not.store.ok", "true"), ("retry.times", "1")]);
        let receipt = self.send(&eager, ALONE)?;
        if (receipt.status(), receipt.attempts()) != (gone, 2) {
            return Err(format!("with no better broker: not {gone:?} after 2 attempts, but {receipt:?}"));
        }
        self.send_beside(&eager)
    }

    /// Sends until one begins at the replicated broker: round and round, that must come.
    fn send_beside(&mut self, eager: &Producer) -> Result<(), String> {
        let mut receipts = Vec::new();
        for _ in 0..2 * QUEUES {
            let receipt = self.send(eager, BESIDE)?;
            if receipt.status() != SendStatus::SendOk {
                return Err(format!("with a better broker: {receipt:?}"));
            }
            receipts.push(receipt);
            if receipts.iter().any(|receipt| receipt.attempts() == 2) {
                return Ok(());
            }
        }
        Err(format!("none was sent on from the broker without its slave: {receipts:?}"))
    }

    fn send(&mut self, producer: &Producer, topic: &'static str) -> Result<Receipt, String> {
        let body = format!("message {}", self.sent.len());
        let receipt = producer
            .send(&Message::new(topic, body.as_bytes()), None)
            .map_err(|error| format!("topic {topic}: {error}"))?;
        self.sent.push(Sent { topic, body, receipt: receipt.clone() });
        Ok(receipt)
    }

    fn send_until(&mut self, producer: &Producer, when: &str, status: SendStatus) -> Result<(), String> {
        let what = format!("receipt with status {} from the broker {when}", status.name());
        let mut failure = None;
        let waited = wait_for(&what, PATIENCE, || {
            Ok(match self.send(producer, ALONE) {
                Ok(receipt) if receipt.status() == status => Ok(()),
                Ok(receipt) => Err(format!("{receipt:?}")),
                Err(problem) => {
                    failure = Some(problem);
                    Ok(())
                }
            })
        });
        failure.map_or_else(|| waited.map_err(|error| error.to_string()), Err)
    }

    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let count = |topic: &str| {
            self.sent.iter().filter(|sent| sent.topic == topic).map(Sent::copies).sum::<usize>()
        };
        [ALONE, BESIDE].map(|topic| Wanted { topic: topic.to_owned(), count: count(topic) }).to_vec()
    }

    pub(crate) fn failures(mut self, stored: &Stored) -> Vec<String> {
        for sent in &self.sent {
            let copies = stored.by_body(sent.topic).remove(sent.body.as_bytes()).unwrap_or_default();
            let problem = if copies.len() == sent.copies() {
                of_receipt(&sent.receipt, &copies).err()
            } else {
                Some(format!("stored {} times; {:?}", copies.len(), sent.receipt))
            };
            self.failures
                .extend(problem.map(|problem| format!("{} in {}: {problem}", sent.body, sent.topic)));
        }
        self.failures
    }
}

impl Sent {
    /// Here every attempt is stored.
    fn copies(&self) -> usize {
        self.receipt.attempts() as usize
    }
}
