//! A topic is made by its first message, with the queues and permission the producer and the broker agree on.

use cluster::reader::Wanted;
use rocketmq_producer::{Message, Receipt};
use rocketmq_protocol::perm;

use crate::scene::Scene;
use crate::stored::{Stored, of_receipt};

/// What `default.topic.queue.nums` asks for, and what brokers make of it: TBW102 has 8 queues, the upper bound.
const CASES: [(&str, &str, i32); 2] = [("FirstSendOf3", "3", 3), ("FirstSendOf16", "16", 8)];
/// By a producer that comes after the topic is there: one for each queue, round and round.
const LATER_SENDS: i32 = 16;

pub(crate) struct FirstSends {
    sent: Vec<(String, String, Receipt)>,
    failures: Vec<String>,
}

pub(crate) fn run(scene: &Scene) -> FirstSends {
    let mut first_sends = FirstSends { sent: Vec::new(), failures: Vec::new() };
    for (topic, asked, expected) in CASES {
        if let Err(problem) = first_sends.run(scene, topic, asked, expected) {
            first_sends.failures.push(format!("{topic}: {problem}"));
        }
    }
    first_sends
}

impl FirstSends {
    fn run(&mut self, scene: &Scene, topic: &str, asked: &str, expected: i32) -> Result<(), String> {
        if let Some(route) = scene.route(topic).map_err(|e| e.to_string())? {
            return Err(format!("is there before its first message: {route:?}"));
        }
        let creator = scene.producer(&[("default.topic.queue.nums", asked)]);
        let first = creator.send(&Message::new(topic, b"first"), None).map_err(|e| e.to_string())?;
        let broker = first.broker_name().to_owned();
        self.sent.push((topic.to_owned(), "first".to_owned(), first));

        let route = scene.wait_for_route(topic, |route| !route.queue_datas.is_empty());
        for data in &route.queue_datas {
            let found = (data.broker_name.as_str(), data.read_queue_nums, data.write_queue_nums, data.perm);
            let wanted = (broker.as_str(), expected, expected, perm::READ | perm::WRITE);
            if found != wanted {
                return Err(format!(
                    "(broker, read queues, write queues, permission) {found:?}, not {wanted:?}"
                ));
            }
        }
        let later = scene.producer(&[]);
        let mut queues = vec![0; expected as usize];
        for serial in 0..LATER_SENDS {
            let body = format!("later-{serial}");
            let receipt =
                later.send(&Message::new(topic, body.as_bytes()), None).map_err(|e| e.to_string())?;
            if receipt.broker_name() != broker {
                return Err(format!("went to {} though only {broker} has the topic", receipt.broker_name()));
            }
            match usize::try_from(receipt.queue_id()).ok().and_then(|queue| queues.get_mut(queue)) {
                Some(count) => *count += 1,
                None => return Err(format!("went to a queue that is not there: {receipt:?}")),
            }
            self.sent.push((topic.to_owned(), body, receipt));
        }
        if queues.contains(&0) {
            return Err(format!("of its queues some got nothing: {queues:?}"));
        }
        Ok(())
    }

    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let count = |topic: &str| self.sent.iter().filter(|(sent_to, ..)| sent_to == topic).count();
        CASES
            .iter()
            .map(|(topic, ..)| Wanted { topic: (*topic).to_owned(), count: count(topic) })
            .filter(|wanted| wanted.count > 0)
            .collect()
    }

    pub(crate) fn failures(mut self, stored: &Stored) -> Vec<String> {
        for (topic, body, receipt) in &self.sent {
            let copies = stored.by_body(topic).remove(body.as_bytes()).unwrap_or_default();
            if copies.len() != 1 {
                self.failures.push(format!("{topic}: message {body} is stored {} times", copies.len()));
            } else if let Err(problem) = of_receipt(receipt, &copies) {
                self.failures.push(format!("{topic}: message {body}: {problem}"));
            }
        }
        self.failures
    }
}
