//! Producers that come and go, name servers that fail in part, and what must not be left behind.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::future::Future;
use std::net::TcpListener;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll};
use std::time::Instant;

use common::{LATE, PATIENCE, becomes_true, cluster, config, ms, on_sends, poll, producer, send};
use rocketmq_mock::{Fault, FaultRule, NAME_SERVER};
use rocketmq_producer::{
    CompletionQueue, ErrorCode, Event, LogLevel, LogSink, Message, Persistence, Producer, Tag,
};

/// A fault of the name server's answers about one topic, or all.
fn on_routes(topic: Option<&str>, fault: Fault) -> FaultRule {
    FaultRule {
        broker: Some(NAME_SERVER.into()),
        request_code: Some(105),
        times: None,
        topic: topic.map(str::to_owned),
        fault,
    }
}

#[test]
fn one_bad_topic_does_not_stop_the_refresh_of_the_others() {
    let cluster = cluster(2);
    let good: Vec<String> = (0..20).map(|number| format!("Good{number}")).collect();
    cluster.create_topic("Bad", 1, 1, 6, None);
    for topic in &good {
        cluster.create_topic(topic, 1, 1, 6, Some(&["broker-0"]));
    }
    let producer = producer(&cluster, &[("route.refresh.interval.ms", "100"), ("log.level", "off")]);
    send(&producer, "Bad").expect("stored");
    for topic in &good {
        send(&producer, topic).expect("stored");
    }
    cluster.inject(on_routes(Some("Bad"), Fault::Code { code: 1, remark: None }));
    for topic in &good {
        cluster.delete_topic(topic);
        cluster.create_topic(topic, 1, 1, 6, Some(&["broker-1"]));
    }
    for topic in &good {
        let moved = || send(&producer, topic).is_ok_and(|receipt| receipt.broker_name() == "broker-1");
        assert!(becomes_true(moved), "{topic} was never refreshed");
    }
}

#[test]
fn slow_name_servers_delay_no_heartbeat_and_no_end() {
    let cluster = cluster(1);
    let intervals = [("route.refresh.interval.ms", "1000"), ("heartbeat.interval.ms", "1000")];
    let producer = producer(&cluster, &intervals);
    for number in 0..40 {
        send(&producer, &format!("T{number}")).expect("stored");
    }
    cluster.inject(on_routes(None, Fault::Delay(PATIENCE)));
    let beats = cluster.request_count(34);
    let started = Instant::now();
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(34) >= beats + 4));
    assert!(started.elapsed() < PATIENCE * 2 / 3, "four heartbeats took {:?}", started.elapsed());
    drop(producer);
    let started = Instant::now();
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.connection_count("broker-0") == 0));
    assert!(started.elapsed() < LATE, "the connection stayed open for {:?}", started.elapsed());
}

#[test]
fn closed_producers_leave_no_descriptor_behind() {
    let silent: Vec<TcpListener> =
        (0..2).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let addresses: Vec<String> =
        silent.iter().map(|server| server.local_addr().expect("an address").to_string()).collect();
    // Connections of this process to the silent servers, as the kernel lists them.
    let ports: Vec<String> =
        silent.iter().map(|server| format!(":{:04X}", server.local_addr().expect("one").port())).collect();
    let open = || {
        let table = std::fs::read_to_string("/proc/self/net/tcp").expect("the table of sockets");
        let established = |line: &&str| {
            let mut columns = line.split_whitespace().skip(2);
            let peer = columns.next().unwrap_or_default();
            ports.iter().any(|port| peer.ends_with(port.as_str())) && columns.next() == Some("01")
        };
        table.lines().filter(established).count()
    };
    for _ in 0..10 {
        let producer = Producer::new(&config(&addresses.join(";"), &[])).expect("a producer");
        let error = producer.send(&Message::new("T", b"x"), Some(ms(20))).expect_err("silent");
        assert_eq!(error.code(), ErrorCode::NameServer);
    }
    assert!(becomes_true(|| open() == 0), "{} connections are still open", open());
}

#[test]
fn a_group_is_free_as_soon_as_its_producer_is_closed_or_dropped() {
    let cluster = cluster(1);
    let named = [("instance.name", "same")];
    for _ in 0..100 {
        let closed = producer(&cluster, &named);
        closed.close(ms(0)).expect("nothing in flight");
        drop(producer(&cluster, &named));
    }
}

#[test]
fn close_wakes_a_sender_that_waits_for_room() {
    let cluster = cluster(1);
    let bound = [("in.flight.full", "wait"), ("in.flight.max.messages", "1")];
    let producer = producer(&cluster, &bound);
    let queue = CompletionQueue::new();
    let message = Message::new("T", b"x");
    producer.send_queued(&message, None, &queue, Tag(0, 0)).expect("room");
    let waiting = std::thread::spawn({
        let (producer, queue) = (producer.clone(), queue.clone());
        move || producer.send_queued(&message, Some(PATIENCE), &queue, Tag(1, 0))
    });
    producer.close(PATIENCE).expect("answered");
    assert_eq!(waiting.join().expect("no panic").expect_err("closed").code(), ErrorCode::Closed);
}

#[test]
fn a_second_close_waits_for_the_first() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("warm");
    let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
    let queue = CompletionQueue::new();
    producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(0, 0)).expect("accepted");
    let close = || {
        producer.close(PATIENCE).expect("answered");
        queue.len()
    };
    std::thread::scope(|scope| {
        let closes = [scope.spawn(close), scope.spawn(close)];
        assert!(becomes_true(|| producer.is_closed()));
        assert_eq!(producer.in_flight(), 1);
        cluster.remove_fault(held);
        let there = closes.map(|close| close.join().expect("no panic"));
        assert_eq!(there, [1, 1], "the outcome is there when any close returns");
    });
}

#[test]
fn of_several_closes_the_one_whose_time_is_over_first_ends_the_sends() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("warm");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let queue = CompletionQueue::new();
    producer.send_queued(&Message::new("T", b"x"), Some(4 * PATIENCE), &queue, Tag(0, 0)).expect("accepted");
    let ends = CompletionQueue::new();
    producer.close_queued(3 * PATIENCE, &ends, Tag(1, 0)).expect("asked");
    let first = std::thread::spawn({
        let producer = producer.clone();
        move || producer.close(3 * PATIENCE)
    });
    let started = Instant::now();
    let error = producer.close(ms(0)).expect_err("the send has no outcome");
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert_eq!(queue.len(), 1, "the send has ended");
    // Whether the thread had begun to close before the sends were cut off is chance; that it returns is not.
    let _ = first.join().expect("no panic");
    let mut events = Vec::new();
    assert_eq!(ends.poll(&mut events, 1, PATIENCE), 1);
    let Some(Event::Done(done)) = events.pop() else { panic!("no end of a close") };
    assert_eq!(done.result.expect_err("sends were cut off").code(), ErrorCode::Timeout);
    assert!(started.elapsed() < 2 * PATIENCE, "nobody waited for its own time");
    producer.close(PATIENCE).expect("closed already");
}

#[test]
fn many_pollers_share_one_queue_and_lose_nothing() {
    let cluster = cluster(2);
    let producer = producer(&cluster, &[]);
    let queue = CompletionQueue::new();
    let pollers: Vec<_> = (0..4)
        .map(|_| {
            let queue = queue.clone();
            std::thread::spawn(move || {
                let (mut seen, mut reports) = (Vec::new(), Vec::new());
                while poll(&queue, &mut reports, 7, PATIENCE) > 0 {
                    seen.extend(reports.drain(..).map(|report| report.tag.0));
                }
                seen
            })
        })
        .collect();
    for index in 0..5000 {
        producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(index, 0)).expect("accepted");
    }
    producer.flush(PATIENCE).expect("answered");
    queue.close();
    let mut seen: Vec<usize> =
        pollers.into_iter().flat_map(|poller| poller.join().expect("no panic")).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..5000));
}

#[test]
fn closing_from_one_thread_while_others_send_completes_every_accepted_send() {
    let cluster = cluster(2);
    for _ in 0..10 {
        let producer = producer(&cluster, &[]);
        let queue = CompletionQueue::new();
        let senders: Vec<_> = (0..3)
            .map(|_| {
                let (producer, queue) = (producer.clone(), queue.clone());
                std::thread::spawn(move || {
                    let message = Message::new("T", b"x");
                    let mut accepted = 0;
                    while producer.send_queued(&message, None, &queue, Tag(0, 0)).is_ok() {
                        accepted += 1;
                    }
                    accepted
                })
            })
            .collect();
        assert!(becomes_true(|| queue.len() > 100));
        // Whether all were answered in time is chance; that all have an outcome is not.
        let _ = producer.close(ms(1));
        let accepted: usize = senders.into_iter().map(|sender| sender.join().expect("no panic")).sum();
        producer.flush(PATIENCE).expect("all have an outcome");
        assert_eq!(queue.len(), accepted);
    }
}

#[test]
fn a_stored_message_is_never_called_not_persisted() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let producer = producer(&cluster, &[("retry.times", "0")]);
    for _ in 0..300 {
        send(&producer, "T").expect("a connection");
        let before = cluster.stored_count("T");
        cluster.inject(on_sends(None, Some(1), Fault::StoreThenReset));
        let error = send(&producer, "T").expect_err("reset");
        if cluster.stored_count("T") > before {
            assert_eq!(error.persistence(), Persistence::PossiblyPersisted, "{error}");
        }
        cluster.clear_faults();
    }
}

#[test]
fn close_ends_a_wait_for_readiness() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let producer = Producer::new(&config(&address, &[])).expect("a producer");
    let waiting = std::thread::spawn({
        let producer = producer.clone();
        move || producer.wait_ready(PATIENCE)
    });
    // The connection says that the wait has begun.
    let _asked = silent.accept().expect("the question");
    producer.close(ms(0)).expect("nothing in flight");
    let error = waiting.join().expect("no panic").expect_err("closed");
    assert_eq!(error.code(), ErrorCode::Closed);
}

#[test]
fn an_ended_queue_gives_everything_back_at_once() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("warm");
    let queue = CompletionQueue::new();
    queue.fd().expect("a descriptor");
    producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(0, 0)).expect("accepted");
    producer.flush(PATIENCE).expect("answered");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(1, 0)).expect("accepted");
    assert_eq!(producer.in_flight(), 2);
    queue.end();
    assert_eq!(producer.in_flight(), 1, "the report was dropped, the other send goes on");
    assert_eq!(queue.fd().expect_err("no descriptor any more").code(), ErrorCode::Closed);
    assert_eq!(queue.poll(&mut Vec::new(), 1, PATIENCE), 0);
}

#[derive(Default)]
struct Lines(Mutex<Vec<(LogLevel, String)>>);

impl LogSink for Lines {
    fn log(&self, level: LogLevel, _: &str, text: &str) {
        self.0.lock().expect("no panic").push((level, text.to_owned()));
    }
}

#[test]
fn a_close_during_a_route_refresh_warns_of_nothing() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let lines = Arc::new(Lines::default());
    let mut config = config(&cluster.name_server(), &[("route.refresh.interval.ms", "10")]);
    config.set_log(Some(lines.clone()));
    let producer = Producer::new(&config).expect("a producer");
    send(&producer, "T").expect("stored");
    cluster.inject(FaultRule {
        request_code: Some(105),
        broker: Some(NAME_SERVER.to_owned()),
        ..FaultRule::new(Fault::Delay(PATIENCE))
    });
    cluster.set_recording(true);
    assert!(
        cluster.wait_until(PATIENCE, |cluster| cluster.requests().iter().any(|request| request.code == 105))
    );
    producer.close(PATIENCE).expect("closed");
    drop(producer);
    // The connection's own line comes after those of the requests it failed.
    let ended = format!("connection to {} ", cluster.name_server());
    let has_ended = |lines: &[(LogLevel, String)]| lines.iter().any(|(_, text)| text.starts_with(&ended));
    assert!(becomes_true(|| has_ended(&lines.0.lock().expect("no panic"))));
    let lines = lines.0.lock().expect("no panic");
    assert!(lines.iter().all(|(level, _)| *level > LogLevel::Warn), "{lines:?}");
}

#[test]
fn a_close_ends_the_look_ups_of_other_threads() {
    let cluster = cluster(1);
    cluster.inject(on_routes(None, Fault::NoAnswer));
    let producer = Producer::new(&config(&cluster.name_server(), &[])).expect("a producer");
    cluster.set_recording(true);
    let asking = std::thread::spawn({
        let producer = producer.clone();
        move || producer.queues("T", PATIENCE).expect_err("no answer").code()
    });
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(105) > 0));
    let started = Instant::now();
    producer.close(PATIENCE).expect("nothing is under way");
    assert_eq!(asking.join().expect("no panic"), ErrorCode::Closed);
    assert!(started.elapsed() < PATIENCE, "it was not waited for");
}

/// Wakes whoever waits for an outcome, and holds up the thread that told it.
struct Holds(mpsc::Sender<()>);

impl std::task::Wake for Holds {
    fn wake(self: Arc<Self>) {
        self.0.send(()).expect("the test listens");
        std::thread::sleep(ms(200));
    }
}

/// As long as the thread that told the outcome is held up, the producer has not counted it.
#[test]
fn whoever_has_all_outcomes_finds_nothing_outstanding() {
    let cluster = cluster(1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("stored");
    for end in [Producer::flush, Producer::close] {
        let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
        let (wakes, woken) = mpsc::channel();
        let waker = Arc::new(Holds(wakes)).into();
        let mut context = Context::from_waker(&waker);
        let mut outcome = pin!(producer.send_async(&Message::new("T", b"body"), None));
        assert!(outcome.as_mut().poll(&mut context).is_pending());
        let refused = producer.flush(ms(0)).expect_err("it has none yet");
        assert_eq!(refused.code(), ErrorCode::Timeout);
        cluster.remove_fault(held);
        woken.recv_timeout(PATIENCE).expect("an outcome");
        assert!(matches!(outcome.as_mut().poll(&mut context), Poll::Ready(Ok(_))));
        end(&producer, ms(0)).expect("all have their outcomes");
    }
}
