//! One function for each mode.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use rocketmq_client_rust::{ClientResult, DefaultMQProducer};
use rocketmq_model::common::message::message_single::Message;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::section::Section;
use crate::work::Work;

type Failure = Box<dyn Error>;

/// A started producer and its work.
pub struct Peer {
    pub producer: DefaultMQProducer,
    pub body: Vec<u8>,
    pub work: Work,
}

impl Peer {
    /// Sends `count` messages and gives the outcome.
    pub async fn run(this: &Arc<Peer>, count: usize) -> Result<Value, Failure> {
        match this.work.mode.as_str() {
            "lone" => Peer::tasks(this, count, 1).await,
            "threads" => Peer::threads(this, count).await,
            "async" => Peer::tasks(this, count, this.work.window).await,
            "oneway" => Peer::oneway(this, count).await,
            "batch" => Peer::batch(this, count).await,
            mode => Err(format!("no mode {mode:?}").into()),
        }
    }

    fn message(&self) -> Message {
        Message::builder().topic(self.work.topic.as_str()).body_slice(&self.body).build_unchecked()
    }

    async fn send(&self, section: &Section, number: usize) {
        let message = self.message();
        let sent_at = Instant::now();
        section.report(number, 1, sent_at, &self.producer.send(message).await);
    }

    /// One task for each message in flight; a single one sends lone messages. The client's callbacks are no way to a
    /// full window: it fails what does not fit into its queue of 1,024.
    async fn tasks(this: &Arc<Peer>, count: usize, tasks: usize) -> Result<Value, Failure> {
        let section = Arc::new(Section::start(count)?);
        let next = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for _ in 0..tasks {
            let (this, section, next) = (Arc::clone(this), Arc::clone(&section), Arc::clone(&next));
            running.spawn(async move {
                while let Some(number) = take(&next, count) {
                    this.send(&section, number).await;
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            ended?;
        }
        section.outcome(&this.work, None)
    }

    /// Threads of the system that block for each send.
    async fn threads(this: &Arc<Peer>, count: usize) -> Result<Value, Failure> {
        let section = Arc::new(Section::start(count)?);
        let next = Arc::new(AtomicUsize::new(0));
        let mut threads = Vec::new();
        for _ in 0..this.work.threads {
            let (this, section, next) = (Arc::clone(this), Arc::clone(&section), Arc::clone(&next));
            let executor = Handle::current();
            threads.push(std::thread::spawn(move || {
                let mut share = 0;
                while let Some(number) = take(&next, count) {
                    executor.block_on(this.send(&section, number));
                    share += 1;
                }
                share
            }));
        }
        let mut least = count;
        for thread in threads {
            let share = thread.join().map_err(|_| "a thread has panicked")?;
            least = least.min(share);
        }
        let slowest = (least * this.work.threads) as f64 / count.max(1) as f64;
        section.outcome(&this.work, Some(slowest))
    }

    /// The last message is a blocking one: its answer says that the connection has carried all before it.
    async fn oneway(this: &Arc<Peer>, count: usize) -> Result<Value, Failure> {
        let this = Arc::clone(this);
        let sending = tokio::spawn(async move {
            let section = Section::start(count).map_err(|error| error.to_string())?;
            for number in 0..count {
                let message = this.message();
                if number + 1 < count {
                    section.count(number, 1, &this.producer.send_oneway(message).await);
                } else {
                    section.count(number, 1, &this.producer.send(message).await);
                }
            }
            section.outcome(&this.work, None).map_err(|error| error.to_string())
        });
        Ok(sending.await??)
    }

    /// As many batches at once as the window has room for, at least one: a task for each.
    async fn batch(this: &Arc<Peer>, count: usize) -> Result<Value, Failure> {
        let batch = this.work.batch;
        let sends = count.div_ceil(batch);
        let section = Arc::new(Section::start(sends)?);
        let next = Arc::new(AtomicUsize::new(0));
        let mut running = JoinSet::new();
        for _ in 0..(this.work.window / batch).max(1) {
            let (this, section, next) = (Arc::clone(this), Arc::clone(&section), Arc::clone(&next));
            running.spawn(async move {
                while let Some(number) = take(&next, sends) {
                    let size = batch.min(count - number * batch);
                    let messages: Vec<Message> = (0..size).map(|_| this.message()).collect();
                    let sent_at = Instant::now();
                    let result: ClientResult<_> = this.producer.send_batch(messages).await;
                    section.report(number, size, sent_at, &result);
                }
            });
        }
        while let Some(ended) = running.join_next().await {
            ended?;
        }
        section.outcome(&this.work, None)
    }
}

/// The number of the next send, while there is one.
fn take(next: &AtomicUsize, count: usize) -> Option<usize> {
    Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&number| number < count)
}
