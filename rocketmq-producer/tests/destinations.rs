//! Where messages go: queues by chance, by hash, by name and by the program's choice; queues and name servers that
//! change; room for more.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use common::{
    PATIENCE, PRESSURE, becomes_true, cluster, config, enqueue, in_order, ms, on_sends, producer, requests,
    send, with_topic,
};
use rocketmq_mock::{Fault, FaultRule, MockCluster, NAME_SERVER};
use rocketmq_producer::hooks::{CheckForbiddenHook, SendAttempt};
use rocketmq_producer::{
    CompletionQueue, Destination, Error, ErrorCode, Message, Persistence, Producer, QueueRef, QueueSelector,
    Receipt,
};

fn to<'m>(topic: &'m str, destination: Destination<'m>) -> Message<'m> {
    Message { destination, ..Message::new(topic, b"body") }
}

/// A function as a selector, with what it was offered.
struct Choice<F> {
    choose: F,
    offered: Mutex<Vec<Vec<(String, i32)>>>,
}

impl<F: Fn(usize) -> Option<usize> + Send + Sync + 'static> Choice<F> {
    /// `choose` gets the number of queues.
    fn new(choose: F) -> Arc<Self> {
        Arc::new(Self { choose, offered: Mutex::default() })
    }

    fn offered(&self) -> Vec<Vec<(String, i32)>> {
        std::mem::take(&mut *self.offered.lock().expect("no panic"))
    }
}

impl<F: Fn(usize) -> Option<usize> + Send + Sync> QueueSelector for Choice<F> {
    fn select(&self, queues: &[QueueRef<'_>]) -> Option<usize> {
        let owned = queues.iter().map(|queue| (queue.broker_name.to_owned(), queue.queue_id)).collect();
        self.offered.lock().expect("no panic").push(owned);
        (self.choose)(queues.len())
    }
}

fn names(queues: &[(&str, i32)]) -> Vec<(String, i32)> {
    queues.iter().map(|(broker, queue_id)| ((*broker).to_owned(), *queue_id)).collect()
}

#[test]
fn by_chance_every_queue_is_reached() {
    let cluster = with_topic(2, 4);
    let producer = producer(&cluster, &[]);
    for _ in 0..400 {
        producer.send(&to("T", Destination::Random), None).expect("stored");
    }
    let counts: Vec<u64> = cluster.queue_counts("T").into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts.len(), 8);
    assert!(counts.iter().all(|count| (15..=100).contains(count)), "50 each on the average: {counts:?}");
    assert!(counts.iter().any(|count| *count != 50), "by chance, not in turn");
}

#[test]
fn a_message_bound_to_a_queue_stays_there_in_every_attempt() {
    let cluster = with_topic(2, 4);
    let fifth: Arc<dyn QueueSelector> = Choice::new(|_| Some(5));
    let destinations = [
        Destination::Random,
        Destination::Queue { broker: "broker-1", queue_id: 3 },
        Destination::ShardingKey("order-1"),
        Destination::ShardingNumber(-7),
        Destination::Selector(&fifth),
    ];
    for setting in [("batch.auto", "off"), PRESSURE] {
        let producer = producer(&cluster, &[setting]);
        for destination in destinations {
            cluster.set_recording(true);
            cluster.inject(on_sends(None, Some(6), Fault::Code { code: 14, remark: None }));
            let error = producer.send(&to("T", destination), None).expect_err("refused");
            assert_eq!((error.attempts(), error.broker_code()), (3, Some(14)));
            let queue = CompletionQueue::new();
            enqueue(&producer, &to("T", destination), &queue, 0);
            in_order(&queue, 1).remove(0).expect_err("refused");
            let places: Vec<_> = requests(&cluster, 310)
                .into_iter()
                .map(|sent| (sent.server.clone(), sent.field("e").map(str::to_owned)))
                .collect();
            assert_eq!(places.len(), 6);
            for attempts in places.chunks(3) {
                assert!(attempts.iter().all(|place| *place == attempts[0]), "{destination:?}: {places:?}");
            }
        }
    }
}

#[test]
fn a_selector_sees_the_queues_in_javas_order_and_its_choice_is_kept() {
    let cluster = with_topic(2, 2);
    let java = names(&[("broker-0", 0), ("broker-0", 1), ("broker-1", 0), ("broker-1", 1)]);
    for setting in [("batch.auto", "off"), PRESSURE] {
        let producer = producer(&cluster, &[setting]);
        assert_eq!(producer.queues("T", PATIENCE).expect("queues"), java);
        for (index, (broker, queue_id)) in java.iter().enumerate() {
            let choice = Choice::new(move |_| Some(index));
            let selector: Arc<dyn QueueSelector> = Arc::clone(&choice) as _;
            let message = to("T", Destination::Selector(&selector));
            let here = |receipt: &Receipt| (receipt.broker_name(), receipt.queue_id()) == (broker, *queue_id);
            assert!(here(&producer.send(&message, None).expect("stored")));
            let queue = CompletionQueue::new();
            enqueue(&producer, &message, &queue, 0);
            assert!(here(in_order(&queue, 1)[0].as_ref().expect("stored")));
            let receipts = producer.send_batch(&[message; 3], None).expect("stored");
            assert!(receipts.len() == 3 && receipts.iter().all(here), "{receipts:?}");
            let place = (broker.clone(), *queue_id);
            let stored = || cluster.queue_counts("T").into_iter().find(|(queue, _)| *queue == place);
            let before = stored().expect("a count").1;
            producer.send_oneway(&message, None).expect("accepted");
            assert!(cluster.wait_until(PATIENCE, |_| stored().is_some_and(|(_, count)| count == before + 1)));
            assert_eq!(choice.offered(), vec![java.clone(); 4], "once per call: sync, async, batch, one-way");
        }
    }
}

#[test]
fn a_selector_is_asked_once_whatever_fails_afterwards() {
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[]);
    let choice = Choice::new(|_| Some(1));
    let selector: Arc<dyn QueueSelector> = Arc::clone(&choice) as _;
    cluster.inject(on_sends(None, Some(2), Fault::Code { code: 14, remark: None }));
    let receipt = producer.send(&to("T", Destination::Selector(&selector)), None).expect("stored");
    assert_eq!((receipt.attempts(), receipt.queue_id(), choice.offered().len()), (3, 1, 1));
}

#[test]
fn a_selector_for_an_unknown_topic_is_asked_when_the_route_is_there() {
    let cluster = cluster(1);
    for (number, setting) in [("batch.auto", "off"), PRESSURE].into_iter().enumerate() {
        let producer = producer(&cluster, &[setting]);
        let choice = Choice::new(|count| count.checked_sub(1));
        let selector: Arc<dyn QueueSelector> = Arc::clone(&choice) as _;
        let new = |kind: &str| format!("{kind}{number}");
        let (sync, queued, batch) = (new("Sync"), new("Async"), new("Batch"));
        let receipt = producer.send(&to(&sync, Destination::Selector(&selector)), None).expect("stored");
        assert_eq!(receipt.queue_id(), 3);
        let queue = CompletionQueue::new();
        enqueue(&producer, &to(&queued, Destination::Selector(&selector)), &queue, 0);
        assert_eq!(in_order(&queue, 1)[0].as_ref().expect("stored").queue_id(), 3);
        let messages = [to(&batch, Destination::Selector(&selector)); 2];
        let receipts = producer.send_batch(&messages, None).expect("stored");
        assert!(receipts.iter().all(|receipt| receipt.queue_id() == 3), "{receipts:?}");
        let four = names(&[("broker-0", 0), ("broker-0", 1), ("broker-0", 2), ("broker-0", 3)]);
        assert_eq!(choice.offered(), vec![four; 3]);
    }
}

#[test]
fn a_choice_that_is_none_fails_as_forbidden_in_every_mode() {
    let cluster = with_topic(1, 4);
    type Choose = fn(usize) -> Option<usize>;
    let choices: [(Choose, &str); 3] = [
        (|_| None, "chose none of 4 queues"),
        (|count| Some(count), "chose 4 of 4 queues"),
        (|_| Some(usize::MAX), "of 4 queues"),
    ];
    for setting in [("batch.auto", "off"), PRESSURE] {
        let producer = producer(&cluster, &[setting]);
        for (choose, text) in choices {
            let selector: Arc<dyn QueueSelector> = Choice::new(choose);
            let message = to("T", Destination::Selector(&selector));
            let mut errors = vec![producer.send(&message, None).expect_err("no queue")];
            let queue = CompletionQueue::new();
            enqueue(&producer, &message, &queue, 0);
            errors.extend(in_order(&queue, 1).into_iter().map(|outcome| outcome.expect_err("no queue")));
            errors.push(producer.send_batch(&[message; 2], None).expect_err("no queue").error);
            for error in errors {
                assert_eq!(
                    (error.code(), error.persistence(), error.attempts()),
                    (ErrorCode::Forbidden, Persistence::NotPersisted, 0)
                );
                assert!(error.message().contains(text), "{error}");
            }
            producer.send_oneway(&message, None).expect("accepted, and lost");
        }
        producer.flush(PATIENCE).expect("nothing is left");
        assert_eq!(producer.stats().expect("statistics").failed.get(ErrorCode::Forbidden), 3 * 5);
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (0, 0));
}

/// Holds the first attempt of a message until the test lets it go on, then refuses it.
struct Gate {
    begun: SyncSender<()>,
    go_on: Mutex<Receiver<()>>,
}

impl CheckForbiddenHook for Gate {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        if attempt.number > 1 {
            return Ok(());
        }
        self.begun.send(()).expect("the test waits");
        self.go_on.lock().expect("no panic").recv().expect("the test goes on");
        Err("another attempt, please".to_owned())
    }
}

/// Sends once; the topic gets `queues` queues between the first attempt and the second.
fn send_while_queues_change(
    queues: i32,
    destination: Destination<'_>,
) -> (Result<Receipt, Error>, MockCluster, Producer) {
    let cluster = with_topic(1, 4);
    let (begun, told) = sync_channel(1);
    let (sender, go_on) = sync_channel(1);
    let mut config = config(&cluster.name_server(), &[("route.refresh.interval.ms", "10")]);
    config.add_check_forbidden_hook(Arc::new(Gate { begun, go_on: Mutex::new(go_on) }));
    let producer = Producer::new(&config).expect("a producer");
    // With a known route the attempt begins on the thread that sends, which may wait in a hook.
    assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 4);
    let outcome = thread::scope(|scope| {
        let sending = scope.spawn(|| producer.send(&to("T", destination), None));
        told.recv().expect("the first attempt");
        cluster.create_topic("T", queues, queues, 6, None);
        let has_changed = || producer.queues("T", PATIENCE).is_ok_and(|known| known.len() == queues as usize);
        assert!(becomes_true(has_changed), "the route is fetched again");
        sender.send(()).expect("the hook waits");
        sending.join().expect("no panic")
    });
    (outcome, cluster, producer)
}

#[test]
fn a_bound_message_whose_queue_is_gone_goes_nowhere_else() {
    let last: Arc<dyn QueueSelector> = Choice::new(|count| count.checked_sub(1));
    let destinations = [
        Destination::Queue { broker: "broker-0", queue_id: 3 },
        Destination::ShardingNumber(3),
        // Its hash is 98: 2 of 4 queues, and 0 of 2.
        Destination::ShardingKey("b"),
        Destination::Selector(&last),
    ];
    for destination in destinations {
        let (outcome, cluster, producer) = send_while_queues_change(2, destination);
        let error = outcome.expect_err("its queue is gone");
        assert_eq!((error.code(), error.attempts()), (ErrorCode::NoRoute, 1), "{destination:?}: {error}");
        assert!(error.message().contains("has no queue"), "{error}");
        assert_eq!(error.history().len(), 1, "of the attempt that was made");
        assert_eq!(producer.stats().expect("statistics").retries, 0, "there was no other");
        assert_eq!(cluster.stored_count("T"), 0);
    }
}

#[test]
fn a_bound_message_stays_though_its_hash_would_lead_elsewhere_now() {
    let last: Arc<dyn QueueSelector> = Choice::new(|count| count.checked_sub(1));
    let destinations = [
        (Destination::ShardingNumber(7), 3),
        // Its hash is 97: 1 of 4 queues, and 7 of 10.
        (Destination::ShardingKey("a"), 1),
        (Destination::Selector(&last), 3),
    ];
    for (destination, queue_id) in destinations {
        let (outcome, ..) = send_while_queues_change(10, destination);
        let receipt = outcome.expect("stored");
        assert_eq!((receipt.attempts(), receipt.queue_id()), (2, queue_id), "{destination:?}");
    }
    let (outcome, ..) = send_while_queues_change(2, Destination::Any);
    assert_eq!(outcome.expect("any other will do").attempts(), 2);
}

#[test]
fn the_queues_of_a_topic_can_be_asked() {
    let cluster = cluster(2);
    cluster.create_topic("T", 1, 2, 6, Some(&["broker-1"]));
    cluster.create_topic("T", 9, 1, 2, Some(&["broker-0"]));
    cluster.create_topic("ReadOnly", 4, 4, 4, None);
    let producer = producer(&cluster, &[]);
    let queues = |topic| producer.queues(topic, PATIENCE);
    assert_eq!(queues("T").expect("queues"), names(&[("broker-0", 0), ("broker-1", 0), ("broker-1", 1)]));
    assert_eq!(queues("ReadOnly").expect("a route"), []);
    assert_eq!(queues("New").expect("as a first message would find them").len(), 8);
    let error = queues("not a topic").expect_err("a bad name");
    assert_eq!(error.code(), ErrorCode::MessageIllegal);
    cluster.set_auto_create(false);
    assert_eq!(queues("Missing").expect_err("no such topic").code(), ErrorCode::NoRoute);
    cluster.inject(FaultRule { broker: Some(NAME_SERVER.into()), ..FaultRule::new(Fault::NoAnswer) });
    let error = producer.queues("Silent", ms(50)).expect_err("no answer");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert_eq!(queues("T").expect("known already").len(), 3);
    producer.close(PATIENCE).expect("closed");
    assert_eq!(queues("T").expect_err("closed").code(), ErrorCode::Closed);
}

#[test]
fn topics_that_are_named_are_known_before_their_first_message() {
    let cluster = cluster(1);
    cluster.create_topic("A", 1, 1, 6, None);
    cluster.create_topic("B", 2, 2, 6, None);
    cluster.set_auto_create(false);
    let producer = producer(&cluster, &[("topics", "A;Missing,B"), ("log.level", "off")]);
    let known = || {
        let topics = producer.stats().expect("statistics").topics;
        topics.iter().map(|topic| topic.writable_queues).sum::<u64>() == 3
    };
    assert!(becomes_true(known), "both routes were fetched without a send");
    cluster.stop_name_server().expect("stopped");
    for topic in ["A", "B"] {
        assert_eq!(send(&producer, topic).expect("no look-up is needed").attempts(), 1);
    }
    send(&producer, "C").expect_err("this one would need it");
}

#[test]
fn other_name_servers_can_be_set_at_run_time() {
    let (first, second) = (cluster(1), cluster(1));
    let producer = producer(&first, &[("route.refresh.interval.ms", "10")]);
    send(&producer, "T").expect("stored");
    for bad in ["", " ; ", "nonsense", "host:0"] {
        let error = producer.set_name_servers(bad).expect_err("no address");
        assert_eq!(error.code(), ErrorCode::InvalidValue, "{bad:?}");
    }
    assert_eq!(first.stored_count("T"), 1);
    first.stop_name_server().expect("stopped");
    send(&producer, "T").expect("what is known stays");
    assert_eq!(send(&producer, "New").expect_err("nobody to ask").code(), ErrorCode::NameServer);

    let both = format!("{}, {}", first.name_server(), second.name_server());
    producer.set_name_servers(&both).expect("addresses");
    send(&producer, "New").expect("the second one answers");
    assert_eq!((first.stored_count("New"), second.stored_count("New")), (0, 1));
    second.create_topic("T", 4, 4, 6, None);
    let moved = || {
        send(&producer, "T").expect("stored");
        second.stored_count("T") > 0
    };
    assert!(becomes_true(moved), "known topics follow with the next refresh");
    producer.close(PATIENCE).expect("closed");
    let error = producer.set_name_servers(&both).expect_err("closed");
    assert_eq!(error.code(), ErrorCode::Closed);
}

#[test]
fn a_thread_can_wait_for_room() {
    let cluster = with_topic(1, 1);
    for bound in [("in.flight.max.messages", "1"), ("in.flight.max.bytes", "4")] {
        let producer = producer(&cluster, &[bound]);
        producer.wait_writable(ms(0)).expect("there is room");
        let queue = CompletionQueue::new();
        for _ in 0..3 {
            let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
            enqueue(&producer, &Message::new("T", b"body"), &queue, 0);
            let error = producer.wait_writable(ms(1)).expect_err("full");
            assert_eq!(error.code(), ErrorCode::QueueFull);
            let started = Instant::now();
            thread::scope(|scope| {
                // Whether the waiting has begun before the answer comes is all the same.
                let waiting = scope.spawn(|| producer.wait_writable(PATIENCE));
                cluster.remove_fault(held);
                in_order(&queue, 1).remove(0).expect("stored");
                waiting.join().expect("no panic").expect("the report was taken");
            });
            assert!(started.elapsed() < PATIENCE, "woken, not timed out");
        }
        enqueue(&producer, &Message::new("T", b"body"), &queue, 0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| producer.wait_writable(PATIENCE));
            producer.close(PATIENCE).expect("closed");
            assert_eq!(waiting.join().expect("no panic").expect_err("closed").code(), ErrorCode::Closed);
        });
    }
}

#[test]
fn hashes_spread_over_all_queues_and_equal_ones_meet() {
    let cluster = with_topic(2, 4);
    let producer = producer(&cluster, &[]);
    let mut places = BTreeSet::new();
    for number in 0..64_i64 {
        let key = format!("order-{number}");
        let [first, again] = [(); 2].map(|()| {
            let receipt = producer.send(&to("T", Destination::ShardingKey(&key)), None).expect("stored");
            (receipt.broker_name().to_owned(), receipt.queue_id())
        });
        assert_eq!(first, again, "{key}");
        places.insert(first);
        let receipt = producer.send(&to("T", Destination::ShardingNumber(number)), None).expect("stored");
        let place = (receipt.broker_name(), receipt.queue_id());
        let index = number % 8;
        assert_eq!(place, (if index < 4 { "broker-0" } else { "broker-1" }, (index % 4) as i32));
    }
    assert_eq!(places.len(), 8);
}
