//! One of two brokers is killed and comes back while four threads send, two of them blocking and two asynchronously.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time::Duration;

use cluster::LaunchError;
use cluster::reader::Wanted;
use rocketmq_producer::{CompletionQueue, Event, Producer};

use crate::ledger;
use crate::scene::{PATIENCE, SURVIVOR, Scene, VICTIM};
use crate::stored::Stored;
use crate::worker::{Phase, Sent, Stage, Tally, Worker};

const TOPIC: &str = "Outage";
const BLOCKING: [&str; 2] = ["blocking a", "blocking b"];
const QUEUED: [&str; 2] = ["queued a", "queued b"];
/// What each thread must have met before the next phase.
const ENOUGH: usize = 20;
/// A rush fills the stores: it takes milliseconds, and must not last when something is wrong.
const RUSH: Duration = Duration::from_secs(10);

pub(crate) struct Outage {
    sent: Vec<Sent>,
    victim: Victim,
    failures: Vec<String>,
}

/// The broker that is killed.
pub(crate) struct Victim {
    pub(crate) name: String,
    pub(crate) address: String,
}

pub(crate) fn run(scene: &mut Scene) -> Outage {
    scene.create_topic(TOPIC, &[SURVIVOR, VICTIM]);
    let victim = Victim { name: format!("broker-{VICTIM}"), address: scene.address(VICTIM) };
    // A route is fetched often enough to lose the dead broker and to find it again within the test.
    let producer = scene.producer(&[("route.refresh.interval.ms", "1000")]);
    let stage = Arc::new(Stage::new(TOPIC, victim.name.clone()));
    let tallies: Vec<_> = (0..BLOCKING.len() + QUEUED.len()).map(|_| Arc::new(Tally::default())).collect();
    let queues = QUEUED.map(|_| CompletionQueue::new());

    let (mut sent, conducted) = thread::scope(|scope| {
        let worker = |name, tally: &Arc<Tally>| Worker {
            name,
            producer: producer.clone(),
            stage: Arc::clone(&stage),
            tally: Arc::clone(tally),
            sent: Vec::new(),
        };
        let (of_blocking, of_queued) = tallies.split_at(BLOCKING.len());
        let mut threads = Vec::new();
        for (name, tally) in BLOCKING.into_iter().zip(of_blocking) {
            let worker = worker(name, tally);
            threads.push(scope.spawn(move || worker.send_blocking()));
        }
        for ((name, tally), queue) in QUEUED.into_iter().zip(of_queued).zip(&queues) {
            let worker = worker(name, tally);
            threads.push(scope.spawn(move || worker.send_queued(queue)));
        }
        let conducted = conduct(scene, &stage, &tallies);
        stage.enter(Phase::Over);
        let sent = threads.into_iter().map(|thread| thread.join().expect("a sending thread"));
        (sent.collect::<Vec<_>>(), conducted)
    });
    let mut failures: Vec<_> = conducted.err().map(|error| error.to_string()).into_iter().collect();
    failures.extend(settle(&producer));
    for (sent, queue) in sent.iter_mut().skip(BLOCKING.len()).zip(&queues) {
        take_the_rest(queue, sent);
    }
    Outage { sent: sent.into_iter().flatten().collect(), victim, failures }
}

/// Leads through the phases; each lasts until every thread has met what it is for.
fn conduct(scene: &mut Scene, stage: &Stage, tallies: &[Arc<Tally>]) -> Result<(), LaunchError> {
    let wait =
        |what: &str, limit, of: fn(&Tally) -> &AtomicUsize| Tally::wait(tallies, what, limit, ENOUGH, of);
    let both = |when: &str| {
        wait(&format!("receipts of the victim {when}"), PATIENCE, |tally| &tally.at_victim)?;
        wait(&format!("receipts of the survivor {when}"), PATIENCE, |tally| &tally.elsewhere)
    };
    let enter = |phase| {
        stage.enter(phase);
        tallies.iter().for_each(|tally| tally.clear());
    };
    both("before the kill")?;
    enter(Phase::Rush);
    wait("outcomes in the rush", RUSH, |tally| &tally.outcomes)?;
    scene.cluster.kill_broker(VICTIM);
    wait("failed or repeated sends after the kill", RUSH, |tally| &tally.troubled)?;
    enter(Phase::Down);
    scene.cluster.start_broker(VICTIM)?;
    enter(Phase::Back);
    both("after the restart")
}

/// After a close nothing can be under way: what has no outcome now never gets one.
fn settle(producer: &Producer) -> Option<String> {
    producer.close(PATIENCE).err().map(|error| format!("close: {error}"))
}

fn take_the_rest(queue: &CompletionQueue, sent: &mut [Sent]) {
    let mut events = Vec::new();
    queue.poll(&mut events, usize::MAX, Duration::ZERO);
    for report in events.into_iter().filter_map(Event::into_report) {
        sent[report.tag.0].outcomes.push(report.result);
    }
}

impl Outage {
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let count = self.sent.iter().filter(|sent| matches!(sent.outcomes.as_slice(), [Ok(_)])).count();
        vec![Wanted { topic: TOPIC.to_owned(), count }]
    }

    pub(crate) fn failures(mut self, stored: &Stored) -> Vec<String> {
        self.failures.extend(ledger::failures(&self.sent, &self.victim, TOPIC, stored));
        self.failures
    }
}
