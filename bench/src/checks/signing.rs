//! What signatures cost: asynchronous sends of a producer with credentials beside those of one without, in turn.

use rocketmq_producer::Producer;

use super::finding::Finding;
use super::producer::{self, TIMEOUT};
use crate::Failure;
use crate::arguments::positive;
use crate::measure::Stopwatch;
use crate::null_broker::{BrokerProcess, Options};
use crate::rust;
use crate::workload::{Mode, TOPIC, USUAL_BODY, Workload};

const MESSAGES: u64 = 300_000;
const ROUNDS: usize = 5;
const IN_FLIGHT: usize = 1_024;
/// How much CPU time the signed ones may take: a signature for each message, and one for many.
const BUDGETS: [(&str, f64); 2] = [("off", 2.0), ("pressure", 1.3)];

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    #[arg(long, value_name = "N", default_value_t = MESSAGES, value_parser = positive::<u64>)]
    count: u64,
}

/// CPU time of this process per message, by whether it is signed: the median of the rounds, and of their ratios.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    let broker = BrokerProcess::start(&Options::default())?;
    let mut findings = Vec::new();
    for (batching, budget) in BUDGETS {
        let work = Workload {
            name_server: broker.name_server().to_owned(),
            topic: TOPIC.to_owned(),
            mode: Mode::Async,
            count: wanted.count,
            warm_up: wanted.count / 10,
            window: IN_FLIGHT,
            body: USUAL_BODY,
            batching: batching.to_owned(),
            batch: 1,
            threads: 1,
        };
        let [plain, signed] =
            [start(&work, &[])?, start(&work, &[("access.key", "key"), ("secret.key", "secret")])?];
        let (mut costs, mut ratios) = ([Vec::new(), Vec::new()], Vec::new());
        for _ in 0..ROUNDS {
            let cost = [cost(&plain, &work)?, cost(&signed, &work)?];
            ratios.push(cost[1] / cost[0]);
            costs.iter_mut().zip(cost).for_each(|(costs, cost)| costs.push(cost));
        }
        let what = |what| format!("{what}, {IN_FLIGHT} in flight, 256 B, `batch.auto={batching}`");
        let [plain, signed] = costs.map(median);
        findings.push(Finding::new(what("CPU of unsigned messages"), plain, "µs", None));
        findings.push(Finding::new(what("CPU of signed messages"), signed, "µs", None));
        findings.push(Finding::new(what("signed to unsigned"), median(ratios), "", Some(budget)));
    }
    Ok(findings)
}

fn start(work: &Workload, credentials: &[(&str, &str)]) -> Result<Producer, Failure> {
    let window = work.window.to_string();
    let settings =
        [("batch.auto", &*work.batching), ("in.flight.max.messages", &window), ("in.flight.full", "wait")];
    let producer = producer::start(&work.name_server, &[&settings, credentials].concat())?;
    producer.wait_ready(TIMEOUT)?;
    rust::asynchronous(&producer, work, work.warm_up)?;
    Ok(producer)
}

/// Microseconds of CPU per message.
fn cost(producer: &Producer, work: &Workload) -> Result<f64, Failure> {
    let watch = Stopwatch::start()?;
    let tally = rust::asynchronous(producer, work, work.count)?;
    let (_, cpu) = watch.stop()?;
    if tally.succeeded != work.count {
        return Err(format!("{} of {} messages were stored", tally.succeeded, work.count).into());
    }
    Ok(cpu.total().as_secs_f64() * 1e6 / work.count as f64)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
