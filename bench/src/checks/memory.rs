//! What a message in flight keeps beside its payload.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocketmq_producer::{DeliveryThread, Event, Message, Tag};

use super::finding::Finding;
use super::held::{Held, counted};
use super::producer::{self, TIMEOUT};
use crate::Failure;
use crate::arguments::positive;
use crate::null_broker::{BrokerProcess, Options};

const MESSAGES: u64 = 100_000;
const BODY: usize = 256;
const TOPIC: &str = "bench";
/// A broker that receives nothing for so long has all that the producer will send it.
const QUIET: Duration = Duration::from_millis(500);

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    /// off or pressure
    #[arg(long, value_name = "HOW", default_value = "off")]
    batch_auto: String,
    #[arg(long, value_name = "N", default_value_t = MESSAGES, value_parser = positive::<u64>)]
    count: u64,
    /// Where the bytes that the process holds are counted: of a check that has started itself again
    #[arg(long, value_name = "FILE", hide = true)]
    held: Option<PathBuf>,
}

/// Puts messages in flight to a broker that holds them, and divides the bytes that the process holds more than before.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    let Wanted { batch_auto: batching, count: messages, held } = wanted;
    let messages = *messages;
    let Some(held) = held.as_deref().map(Held::of_file) else {
        return counted(&["memory", "--count", &messages.to_string(), "--batch-auto", batching]);
    };
    let mut broker = BrokerProcess::start(&Options { hold: true, ..Options::default() })?;
    let bound = messages.to_string();
    let timeout = TIMEOUT.as_millis().to_string();
    let settings = [
        ("batch.auto", batching.as_str()),
        ("in.flight.max.messages", &bound),
        ("send.timeout.ms", &timeout),
    ];
    let producer = producer::start(broker.name_server(), &settings)?;
    producer.queues(TOPIC, TIMEOUT)?;
    let completed = Arc::new(AtomicU64::new(0));
    let delivery = DeliveryThread::start("rmq-bench", {
        let completed = Arc::clone(&completed);
        move |event| {
            if let Event::Outcome(_) = event {
                completed.fetch_add(1, Ordering::Release);
            }
        }
    })?;

    let body = [b'x'; BODY];
    let message = Message::new(TOPIC, &body);
    let before = held.bytes()?;
    for number in 0..messages {
        producer.send_queued(&message, None, delivery.queue(), Tag(number as usize, 0))?;
    }
    let mut sent = 0;
    loop {
        std::thread::sleep(QUIET);
        match broker.received()?.sends {
            now if now == sent => break,
            now => sent = now,
        }
    }
    let grown = held.bytes()? - before;
    let in_flight = producer.in_flight() as u64;

    // The broker answers none of them: that the close ends in time cannot be.
    let _ = producer.close(Duration::ZERO);
    delivery.stop(TIMEOUT);
    let completed = completed.load(Ordering::Acquire);
    if (in_flight, completed) != (messages, messages) {
        return Err(
            format!("of {messages} messages {in_flight} were in flight, {completed} completed").into()
        );
    }
    let each = grown as f64 / messages as f64 - (BODY + TOPIC.len()) as f64;
    let what = format!(
        "memory in flight, {messages} messages, `batch.auto={batching}` ({sent} written): bytes of each beside body \
         and topic"
    );
    Ok(vec![Finding::new(what, each, "B", Some(300.0))])
}
