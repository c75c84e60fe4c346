//! Check-forbidden hooks refuse attempts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::hooks::SendAttempt;
use rocketmq_producer::{
    CompletionQueue, Destination, Error, ErrorCode, Event, Message, Persistence, Producer, Tag,
};

use crate::common::{
    Lines, PATIENCE, PRESSURE, cluster, config, enqueue, in_order, ms, on_sends, send, with_topic,
};
use crate::support::Check;

fn forbidding(
    cluster: &MockCluster,
    settings: &[(&str, &str)],
    check: impl Fn(&SendAttempt<'_>) -> Result<(), String> + Send + Sync + 'static,
) -> (Producer, Arc<Lines>) {
    let mut config = config(&cluster.name_server(), settings);
    config.add_check_forbidden_hook(Arc::new(Check(check)));
    let lines = Lines::of(&mut config);
    (Producer::new(&config).expect("a producer"), lines)
}

#[test]
fn a_refused_attempt_goes_to_another_broker_or_queue() {
    let cluster = with_topic(2, 2);
    let (producer, _) = forbidding(&cluster, &[], |attempt| match attempt.broker_name {
        "broker-0" => Err("not there".to_owned()),
        _ => Ok(()),
    });
    let attempts: BTreeSet<u32> = (0..8)
        .map(|_| {
            let receipt = send(&producer, "T").expect("stored");
            assert_eq!(receipt.broker_name(), "broker-1");
            receipt.attempts()
        })
        .collect();
    assert_eq!(attempts, BTreeSet::from([1, 2]), "some began with the refused broker");
    assert_eq!(cluster.request_count(310), 8, "nothing of a refused attempt is sent");

    let one_broker = with_topic(1, 2);
    let (producer, _) = forbidding(&one_broker, &[], |attempt| match attempt.queue_id {
        0 => Err("not into this queue".to_owned()),
        _ => Ok(()),
    });
    for _ in 0..8 {
        assert_eq!(send(&producer, "T").expect("stored").queue_id(), 1);
    }
}

#[test]
fn what_every_attempt_is_refused_fails_as_forbidden_with_the_reason() {
    let cluster = with_topic(2, 1);
    for setting in [("batch.auto", "off"), PRESSURE] {
        let (producer, lines) =
            forbidding(&cluster, &[setting], |attempt| Err(format!("closed at {}", attempt.broker_name)));
        let message = Message::new("T", b"body");
        let queue = CompletionQueue::new();
        for index in 0..10 {
            enqueue(&producer, &message, &queue, index);
        }
        let mut errors: Vec<Error> =
            in_order(&queue, 10).into_iter().map(|outcome| outcome.expect_err("refused")).collect();
        errors.push(producer.send(&message, None).expect_err("refused"));
        errors.push(producer.send_batch(&[message, message], None).expect_err("refused").error);
        for error in errors {
            assert_eq!(
                (error.code(), error.persistence(), error.attempts()),
                (ErrorCode::Forbidden, Persistence::NotPersisted, 3)
            );
            assert!(error.message().contains("closed at broker-"), "{error}");
            let brokers: Vec<_> = error.history().iter().map(|attempt| &*attempt.broker_name).collect();
            assert_eq!(brokers.len(), 3);
            assert!(brokers[0] != brokers[1] && brokers[1] != brokers[2], "{brokers:?}");
            assert!(error.history().iter().all(|attempt| attempt.code == ErrorCode::Forbidden));
        }
        producer.send_oneway(&message, None).expect("accepted");
        producer.flush(PATIENCE).expect("over");
        assert_eq!(lines.count("one-way message to T lost: FORBIDDEN"), 1);
        let failed = producer.stats().expect("statistics").failed;
        assert_eq!((failed.get(ErrorCode::Forbidden), failed.total()), (14, 14));
    }
    assert_eq!((cluster.request_count(310), cluster.request_count(320)), (0, 0));
}

#[test]
fn a_batch_goes_on_without_the_members_that_are_refused() {
    let cluster = with_topic(1, 1);
    let (producer, _) = forbidding(&cluster, &[("retry.times", "0")], |attempt| match attempt.body {
        b"bad" => Err("this body".to_owned()),
        _ => Ok(()),
    });
    let messages = [b"one".as_slice(), b"bad", b"two"].map(|body| Message::new("T", body));
    let error = producer.send_batch(&messages, None).expect_err("one is refused");
    assert_eq!(error.error.code(), ErrorCode::Forbidden);
    let offsets: Vec<_> = error.receipts.iter().map(rocketmq_producer::Receipt::queue_offset).collect();
    assert_eq!(offsets, [0, 1]);
    let bodies: Vec<_> = cluster.stored("T").iter().map(|message| message.body.to_vec()).collect();
    assert_eq!(bodies, [b"one".to_vec(), b"two".to_vec()]);
}

#[test]
fn a_message_of_one_queue_that_is_forbidden_at_first_keeps_its_place_in_a_batch() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let mut config = config(&cluster.name_server(), &[PRESSURE]);
    config.add_check_forbidden_hook(Arc::new(Check(|attempt: &SendAttempt<'_>| {
        if attempt.body == b"7" && attempt.number == 1 { Err("not yet".into()) } else { Ok(()) }
    })));
    let producer = Producer::new(&config).expect("a producer");
    // What waits for a route goes out as the I/O thread gets to it.
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
    let queue = CompletionQueue::new();
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    for index in 0..20_usize {
        let body = index.to_string();
        let message = Message { destination, ..Message::new("T", body.as_bytes()) };
        enqueue(&producer, &message, &queue, index);
    }
    cluster.remove_fault(held);
    let receipts: Vec<_> = in_order(&queue, 20).into_iter().map(|outcome| outcome.expect("stored")).collect();
    assert!(receipts.iter().map(|receipt| receipt.queue_offset()).eq(0..20), "{receipts:?}");
    assert_eq!((receipts[7].attempts(), cluster.request_count(320)), (2, 1));
}

/// A hook on the I/O thread that sends would wait for room that nobody makes.
#[test]
fn a_send_on_the_io_thread_does_not_wait_for_room() {
    let cluster = cluster(1);
    let settings = [("in.flight.max.messages", "1"), ("in.flight.full", "wait")];
    let mut config = config(&cluster.name_server(), &settings);
    let sender = Arc::<Mutex<Option<Producer>>>::default();
    let refusals = Arc::<Mutex<Vec<ErrorCode>>>::default();
    config.add_check_forbidden_hook(Arc::new(Check({
        let (sender, refusals) = (Arc::clone(&sender), Arc::clone(&refusals));
        move |attempt: &SendAttempt<'_>| {
            if let (2.., Some(producer)) = (attempt.number, &*sender.lock().expect("no panic")) {
                let queue = CompletionQueue::new();
                let refused = producer.send_queued(&Message::new("T", b"trace"), None, &queue, Tag(0, 0));
                refusals.lock().expect("no panic").extend(refused.err().map(|error| error.code()));
            }
            Ok(())
        }
    })));
    let producer = Producer::new(&config).expect("a producer");
    *sender.lock().expect("no panic") = Some(producer.clone());
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 2, remark: None }));
    let queue = CompletionQueue::new();
    enqueue(&producer, &Message::new("T", b"x"), &queue, 0);
    in_order(&queue, 1).remove(0).expect("stored, as nothing held up the I/O thread");
    assert_eq!(*refusals.lock().expect("no panic"), [ErrorCode::QueueFull]);
    sender.lock().expect("no panic").take();
}

#[test]
fn what_ends_at_the_end_of_its_burst_leaves_its_place_to_others() {
    let cluster = with_topic(1, 2);
    let settings = [PRESSURE, ("send.timeout.ms", "60000"), ("retry.times.async", "0")];
    let (producer, _) = forbidding(&cluster, &settings, |attempt| match attempt.body {
        b"no" => Err("not that".to_owned()),
        _ => Ok(()),
    });
    let queue = CompletionQueue::new();
    let to_one_queue =
        |body| Message { destination: Destination::ShardingKey("k"), ..Message::new("T", body) };
    send(&producer, "T").expect("stored");
    for _ in 0..3 {
        let refused = [to_one_queue(b"no"), to_one_queue(b"no")];
        let mut results = [Ok(()), Ok(())];
        let sent = producer.send_many(&refused, None, &queue, &[Tag(0, 0), Tag(1, 0)], &mut results);
        assert_eq!(sent.expect("as many of each"), 2);
        assert!(in_order(&queue, 2).iter().all(Result::is_err));
        enqueue(&producer, &to_one_queue(b"yes"), &queue, 0);
        in_order(&queue, 1)[0].as_ref().expect("stored");
    }
}

/// The hook of a later message of the call may take its time, and here it waits for just that.
#[test]
fn an_outcome_within_a_call_for_many_is_told_before_the_next_message() {
    let cluster = with_topic(1, 1);
    let (polled, polls) = mpsc::channel();
    let polls = Mutex::new(polls);
    let (polling, polls_now) = mpsc::channel();
    let settings = [("batch.auto", "off"), ("retry.times.async", "0")];
    let (producer, _) = forbidding(&cluster, &settings, move |attempt| match attempt.body {
        b"waits" => {
            let told = polls.lock().expect("no panic").recv_timeout(PATIENCE / 2);
            told.map_err(|_| "nobody was told".to_owned())
        }
        _ => Err("not that".to_owned()),
    });
    let queue = CompletionQueue::new();
    producer.queues("T", PATIENCE).expect("a route");
    let outcomes = thread::scope(|scope| {
        let outcomes = scope.spawn(|| {
            polling.send(()).expect("the test listens");
            let mut events = Vec::new();
            while events.len() < 2 {
                assert!(queue.poll(&mut events, 1, PATIENCE) > 0);
                polled.send(()).expect("the hook is there");
            }
            events.into_iter().filter_map(Event::into_report).map(|report| report.result).collect::<Vec<_>>()
        });
        polls_now.recv().expect("no panic");
        // By now the other thread sleeps, as a rule; where it does not, it needs nobody to wake it.
        thread::sleep(ms(50));
        let messages = [Message::new("T", b"refused"), Message::new("T", b"waits")];
        let mut results = [Ok(()), Ok(())];
        let sent = producer.send_many(&messages, None, &queue, &[Tag(0, 0), Tag(1, 0)], &mut results);
        assert_eq!(sent.expect("as many of each"), 2);
        outcomes.join().expect("no panic")
    });
    assert_eq!(outcomes[0].as_ref().expect_err("refused").code(), ErrorCode::Forbidden);
    outcomes[1].as_ref().expect("stored, as the first one's outcome was told");
}

#[test]
fn what_a_burst_must_send_elsewhere_does_not_wait_there() {
    let cluster = with_topic(2, 1);
    let settings = [PRESSURE, ("send.timeout.ms", "60000")];
    let (producer, _) = forbidding(&cluster, &settings, |attempt| match attempt.broker_name {
        "broker-0" => Err("not there".to_owned()),
        _ => Ok(()),
    });
    let queue = CompletionQueue::new();
    for _ in 0..4 {
        let messages = [Message::new("T", b"x"); 5];
        let tags: Vec<Tag> = (0..5).map(|index| Tag(index, 0)).collect();
        let mut results = vec![Ok(()); 5];
        producer.send_many(&messages, None, &queue, &tags, &mut results).expect("as many of each");
        assert!(in_order(&queue, 5).iter().all(Result::is_ok));
    }
    let longest = producer.stats().expect("not forked").latency.max;
    assert!(longest.as_secs() < 10, "nobody waited until its patience ended: {longest:?}");
}
