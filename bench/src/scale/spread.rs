//! The sending process: messages to many topics in turn, from several threads, with one window for all.

use std::time::Instant;

use rocketmq_producer::{CompletionQueue, Error, Message, Producer};

use crate::Failure;
use crate::arguments::positive;
use crate::measure::Tally;
use crate::rust::collector::{collect, tag};
use crate::rust::measured;
use crate::workload::{self, Mode, Workload};

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Spread {
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = positive::<usize>)]
    topics: usize,
    #[command(flatten)]
    work: workload::Wanted,
}

/// Prints the outcome of the measured section.
pub(crate) fn run(wanted: &Spread) -> Result<(), Failure> {
    let name_server = wanted.work.name_server.clone().ok_or("spread needs --name-server")?;
    let work = Workload::new(&wanted.work, name_server, Mode::Async);
    let topics: Vec<String> = (0..wanted.topics).map(|number| format!("{}-{number}", work.topic)).collect();
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
