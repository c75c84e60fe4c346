//! What a producer that sends little feels of one in the same process that sends all it can.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rocketmq_producer::{DeliveryThread, Error, ErrorCode, Event, Message, Producer, Tag};

use super::finding::Finding;
use super::producer::{self, TIMEOUT};
use crate::Failure;
use crate::arguments::positive;
use crate::measure::Latencies;
use crate::null_broker::{BrokerProcess, Options};
use crate::workload::{TOPIC, USUAL_BODY};

/// Sends of the quiet producer, alone and again beside the loud one.
const SENDS: u64 = 2_000;
/// From an outcome to the next send: a producer that is always busy would not be quiet.
const PAUSE: Duration = Duration::from_millis(2);
/// Time limit of each of its sends.
const LIMIT: Duration = Duration::from_millis(200);
/// How much later than its limit a send may end, whatever others do.
const TOLERANCE: Duration = Duration::from_millis(50);
/// Bound of the loud producer, which always has the next message at hand.
const IN_FLIGHT: u64 = 30_000;

/// What is asked for on the command line.
#[derive(clap::Args)]
pub(crate) struct Wanted {
    #[arg(long, value_name = "N", default_value_t = SENDS, value_parser = positive::<u64>)]
    count: u64,
    #[arg(long, value_name = "N", default_value_t = IN_FLIGHT, value_parser = positive::<u64>)]
    window: u64,
}

/// Lone sends, first alone and then beside a producer of another client instance with a full window. They share the
/// I/O thread and the broker's process, each with a connection of its own.
pub(super) fn run(wanted: &Wanted) -> Result<Vec<Finding>, Failure> {
    let Wanted { count: sends, window } = *wanted;
    let broker = BrokerProcess::start(&Options::default())?;
    let quiet = producer::start(broker.name_server(), &[])?;
    quiet.send(&Message::new(TOPIC, b"x"), Some(TIMEOUT))?;
    let alone = Sends::of(&quiet, sends)?;
    let loud = Loud::start(broker.name_server(), window)?;
    let (beside, loud_rate) = loud.meanwhile(|| Sends::of(&quiet, sends))?;
    quiet.close(TIMEOUT)?;

    let name = |when| format!("{sends} lone sends, limit {} ms, {when}", LIMIT.as_millis());
    let mut findings = alone.findings(&name("alone"), None)?;
    findings.extend(beside.findings(&name("beside a loud producer"), Some(LIMIT + TOLERANCE))?);
    findings.push(Finding::new(
        format!("the loud producer meanwhile, up to {window} in flight, `batch.auto=off`"),
        loud_rate,
        "/s",
        None,
    ));
    Ok(findings)
}

/// What became of the quiet producer's sends.
struct Sends {
    latencies: Latencies,
    /// Of those that had no receipt, or had it too late.
    missed: u64,
}

impl Sends {
    fn of(producer: &Producer, count: u64) -> Result<Sends, Failure> {
        let body = [b'x'; USUAL_BODY];
        let message = Message::new(TOPIC, &body);
        let mut sends = Sends { latencies: Latencies::new()?, missed: 0 };
        for _ in 0..count {
            thread::sleep(PAUSE);
            let start = Instant::now();
            let result = producer.send(&message, Some(LIMIT));
            sends.take(start.elapsed(), result.map(drop))?;
        }
        Ok(sends)
    }

    /// A time-out is a result of this check, any other error its end.
    fn take(&mut self, elapsed: Duration, result: Result<(), Error>) -> Result<(), Error> {
        let timed_out = match result {
            Ok(()) => false,
            Err(error) if error.code() == ErrorCode::Timeout => true,
            Err(error) => return Err(error),
        };
        self.latencies.record(elapsed);
        self.missed += u64::from(timed_out || elapsed > LIMIT);
        Ok(())
    }

    /// With `longest` the slowest has a budget, and none may miss its limit.
    fn findings(&self, what: &str, longest: Option<Duration>) -> Result<Vec<Finding>, Failure> {
        let latency = self.latencies.summary().ok_or("nothing was sent")?;
        let milliseconds = |which: &str, microseconds: f64, budget: Option<Duration>| {
            let budget = budget.map(|budget| budget.as_millis() as f64);
            Finding::new(format!("{what}: {which}"), microseconds / 1e3, "ms", budget)
        };
        Ok(vec![
            milliseconds("median", latency.p50_us, None),
            milliseconds("p99", latency.p99_us, None),
            milliseconds("slowest", latency.max_us, longest),
            Finding::new(format!("{what}: missed their limit"), self.missed as f64, "", longest.map(|_| 0.0)),
        ])
    }
}

/// A producer whose window is kept full.
struct Loud {
    producer: Producer,
    delivery: DeliveryThread,
    succeeded: Arc<AtomicU64>,
    window: u64,
}

impl Loud {
    fn start(name_server: &str, window: u64) -> Result<Loud, Failure> {
        let (bound, timeout) = (window.to_string(), TIMEOUT.as_millis().to_string());
        let settings = [
            ("batch.auto", "off"),
            ("in.flight.max.messages", bound.as_str()),
            ("in.flight.full", "wait"),
            ("send.timeout.ms", &timeout),
        ];
        let producer = producer::start(name_server, &settings)?;
        producer.queues(TOPIC, TIMEOUT)?;
        let succeeded = Arc::new(AtomicU64::new(0));
        let delivery = DeliveryThread::start("rmq-bench", {
            let succeeded = Arc::clone(&succeeded);
            move |event| {
                if let Event::Outcome(report) = event {
                    succeeded.fetch_add(u64::from(report.result.is_ok()), Ordering::Relaxed);
                }
            }
        })?;
        Ok(Loud { producer, delivery, succeeded, window })
    }

    /// Does `work` while this one sends, and says how many messages each second had their receipts then. That it was
    /// not loud, because a send failed, is an error.
    fn meanwhile<T>(self, work: impl FnOnce() -> Result<T, Failure>) -> Result<(T, f64), Failure> {
        let stop = AtomicBool::new(false);
        let (sent, done) = thread::scope(|scope| {
            let sender = scope.spawn(|| self.send_until(&stop));
            let done = self.warm(|| sender.is_finished()).and_then(|()| {
                let (start, before) = (Instant::now(), self.succeeded.load(Ordering::Relaxed));
                let value = work()?;
                let succeeded = self.succeeded.load(Ordering::Relaxed) - before;
                Ok((value, succeeded as f64 / start.elapsed().as_secs_f64()))
            });
            stop.store(true, Ordering::Relaxed);
            (sender.join(), done)
        });
        let sent = sent.map_err(|_| "the loud producer's thread panicked")??;
        let done = done?;
        self.producer.close(TIMEOUT)?;
        self.delivery.stop(TIMEOUT);
        match self.succeeded.load(Ordering::Relaxed) {
            all if all == sent => Ok(done),
            some => Err(format!("of {sent} messages of the loud producer {some} have a receipt").into()),
        }
    }

    fn send_until(&self, stop: &AtomicBool) -> Result<u64, Error> {
        let body = [b'x'; USUAL_BODY];
        let message = Message::new(TOPIC, &body);
        let mut sent = 0;
        while !stop.load(Ordering::Relaxed) {
            self.producer.send_queued(&message, None, self.delivery.queue(), Tag(0, 0))?;
            sent += 1;
        }
        Ok(sent)
    }

    /// Waits until it has filled its window once, and has had the receipts.
    fn warm(&self, has_ended: impl Fn() -> bool) -> Result<(), Failure> {
        let start = Instant::now();
        while self.succeeded.load(Ordering::Relaxed) < self.window {
            if has_ended() || start.elapsed() > TIMEOUT {
                return Err("the loud producer does not send".into());
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_misses_its_limit_by_a_time_out_or_by_its_length() {
        let mut sends = Sends { latencies: Latencies::new().unwrap(), missed: 0 };
        let failed = |code| Err(Error::new(code, "for a test"));
        sends.take(LIMIT, Ok(())).unwrap();
        assert_eq!(sends.missed, 0);
        sends.take(LIMIT + Duration::from_nanos(1), Ok(())).unwrap();
        sends.take(LIMIT, failed(ErrorCode::Timeout)).unwrap();
        assert_eq!(sends.missed, 2);
        assert!(sends.take(LIMIT, failed(ErrorCode::Connect)).is_err());

        let findings = sends.findings("x", Some(LIMIT + TOLERANCE)).unwrap();
        let budgets: Vec<_> = findings.iter().map(|finding| finding.budget).collect();
        assert_eq!(budgets, [None, None, Some(250.0), Some(0.0)]);
        assert_eq!((findings[3].what.as_str(), findings[3].value), ("x: missed their limit", 2.0));
        let unpromised = sends.findings("x", None).unwrap();
        assert!(unpromised.iter().all(|finding| finding.budget.is_none()));
    }
}
