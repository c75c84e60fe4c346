//! The sending process: messages to many topics in turn, from several threads, with one window for all.

use std::sync::Arc;
use std::time::Instant;

use rocketmq_producer::{CompletionQueue, DeliveryThread, Error, Event, Message, Producer};

use crate::Failure;
use crate::arguments::Arguments;
use crate::measure::{Outcome, Stopwatch, Tally};
use crate::rust::collector::{Collector, Finish, tag};
use crate::rust::{TIMEOUT, producer};
use crate::workload::{Mode, Workload};

/// Prints the outcome of the measured section.
pub(crate) fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let name_server = arguments.text("name-server").ok_or("spread needs --name-server")?;
    let topics: usize = arguments.number("topics")?.unwrap_or(1).max(1);
    let work = Workload::from_arguments(arguments, name_server, Mode::Async)?;
    arguments.end()?;
    let topics: Vec<String> = (0..topics).map(|number| format!("{}-{number}", work.topic)).collect();
    let producer = producer(&work)?;
    section(&producer, &work, &topics, work.warm_up)?;
    let watch = Stopwatch::start()?;
    let tally = section(&producer, &work, &topics, work.count)?;
    println!("{}", serde_json::to_string(&Outcome::new(&work, &watch, tally)?)?);
    Ok(producer.close(TIMEOUT)?)
}

/// Sends `count` messages and waits for all of their reports.
fn section(producer: &Producer, work: &Workload, topics: &[String], count: u64) -> Result<Tally, Failure> {
    let finish = Arc::new(Finish::default());
    let epoch = Instant::now();
    let mut collector = Collector::new(count, epoch, Arc::clone(&finish))?;
    let delivery = DeliveryThread::start("rmq-bench", move |event| {
        if let Event::Outcome(report) = event {
            collector.take(&report);
        }
    })?;
    let body = vec![b'x'; work.body];
    let (threads, queue) = (work.threads as u64, delivery.queue());
    std::thread::scope(|scope| -> Result<(), Failure> {
        let share = |first| send(producer, topics, &body, queue, (first..count).step_by(work.threads), epoch);
        let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || share(first))).collect();
        share(0)?;
        for thread in others {
            thread.join().map_err(|_| "a sending thread panicked")??;
        }
        Ok(())
    })?;
    let tally = finish
        .wait(2 * TIMEOUT)
        .ok_or_else(|| format!("{} of {count} messages are still in flight", producer.in_flight()))?;
    delivery.stop(TIMEOUT);
    Ok(tally)
}

/// Sends the messages with these numbers; the number says the topic.
fn send(
    producer: &Producer,
    topics: &[String],
    body: &[u8],
    queue: &CompletionQueue,
    numbers: impl Iterator<Item = u64>,
    epoch: Instant,
) -> Result<(), Error> {
    for number in numbers {
        let topic = &topics[number as usize % topics.len()];
        producer.send_queued(&Message::new(topic, body), None, queue, tag(number, epoch))?;
    }
    Ok(())
}
