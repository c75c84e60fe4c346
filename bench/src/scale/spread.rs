//! The sending process: messages to many topics in turn, from several threads, with one window for all.

use std::time::Instant;

use rocketmq_producer::{CompletionQueue, Error, Message, Producer};

use crate::Failure;
use crate::arguments::Arguments;
use crate::measure::Tally;
use crate::rust::collector::{collect, tag};
use crate::rust::measured;
use crate::workload::{Mode, Workload};

/// Prints the outcome of the measured section.
pub(crate) fn run(arguments: &mut Arguments) -> Result<(), Failure> {
    let name_server = arguments.text("name-server").ok_or("spread needs --name-server")?;
    let topics: usize = arguments.number("topics")?.unwrap_or(1).max(1);
    let work = Workload::from_arguments(arguments, name_server, Mode::Async)?;
    arguments.end()?;
    let topics: Vec<String> = (0..topics).map(|number| format!("{}-{number}", work.topic)).collect();
    let outcome = measured(&work, |producer, count| section(producer, &work, &topics, count))?;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// Sends `count` messages and waits for all of their reports.
fn section(producer: &Producer, work: &Workload, topics: &[String], count: u64) -> Result<Tally, Failure> {
    let body = vec![b'x'; work.body];
    let (threads, step) = (work.threads as u64, work.threads);
    collect(producer, count, |queue, epoch| {
        std::thread::scope(|scope| {
            let share = |first| send(producer, topics, &body, queue, (first..count).step_by(step), epoch);
            let others: Vec<_> = (1..threads).map(|first| scope.spawn(move || share(first))).collect();
            share(0)?;
            for thread in others {
                thread.join().map_err(|_| "a sending thread panicked")??;
            }
            Ok(())
        })
    })
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
