//! Events beside outcomes: room again after a refusal, and the end of a look-up.

mod common;

use std::sync::mpsc;
use std::thread;

use common::{PATIENCE, becomes_true, cluster, config, enqueue, ms, on_sends, poll, producer, with_topic};
use rocketmq_mock::{Fault, FaultRule, MockCluster, NAME_SERVER};
use rocketmq_producer::{CompletionQueue, DeliveryThread, ErrorCode, Event, Message, Producer, Routed, Tag};

/// All events that lie in the queue: the outcomes are let go, and the tags of producers that have room are told.
fn room_told(queue: &CompletionQueue) -> Vec<usize> {
    let mut events = Vec::new();
    queue.poll(&mut events, usize::MAX, ms(0));
    let mut told = Vec::new();
    for event in &events {
        match event {
            Event::Writable { producer } => told.push(*producer),
            Event::Outcome(report) => assert!(report.result.is_ok()),
            Event::Routed(_) | Event::Done(_) => panic!("{event:?}"),
        }
    }
    told
}

fn fill(producer: &Producer, queue: &CompletionQueue) {
    let message = Message::new("T", b"body");
    let mut index = 0;
    while producer.send_queued(&message, None, queue, Tag(index, 0)).is_ok() {
        index += 1;
    }
    assert!(producer.flush(PATIENCE).is_ok());
}

#[test]
fn room_again_is_told_once_to_each_queue_that_was_refused() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "2")]);
    producer.set_tag(77);
    let message = Message::new("T", b"body");
    let [holds, refused, never] = [(); 3].map(|()| CompletionQueue::new());
    enqueue(&producer, &message, &holds, 0);
    assert!(room_told(&holds).is_empty(), "nobody was refused");
    fill(&producer, &holds);
    for _ in 0..3 {
        let error = producer.send_queued(&message, None, &refused, Tag(9, 0)).expect_err("full");
        assert_eq!(error.code(), ErrorCode::QueueFull);
    }
    let batch = [message, message];
    producer.send_batch_queued(&batch, None, &refused, &[Tag(8, 0), Tag(9, 0)]).expect_err("full");
    producer.send_oneway(&message, None).expect_err("full");
    assert!(refused.is_empty() && never.is_empty(), "there is no room yet");
    assert!(room_told(&holds).is_empty(), "its outcomes are what makes the room");
    assert_eq!((room_told(&holds), room_told(&refused)), (vec![77], vec![77]), "once for all refusals");
    enqueue(&producer, &message, &refused, 0);
    producer.flush(PATIENCE).expect("answered");
    assert!(room_told(&refused).is_empty() && room_told(&refused).is_empty() && never.is_empty());
}

#[test]
fn a_queue_that_listens_hears_of_room_whoever_was_refused() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "1")]);
    let [holds, listening] = [(); 2].map(|()| CompletionQueue::new());
    producer.hear_of_room(&listening).expect("no child");
    enqueue(&producer, &Message::new("T", b"body"), &holds, 0);
    producer.flush(PATIENCE).expect("answered");
    producer.send_oneway(&Message::new("T", b"body"), None).expect_err("full");
    assert!(listening.is_empty());
    assert!(room_told(&holds).is_empty());
    assert_eq!(room_told(&listening), [0]);
    producer.when_writable(&holds).expect("no child");
    assert_eq!((room_told(&holds), room_told(&listening).len()), (vec![0], 1), "there is room already");
}

/// A sender that goes on at each event and never by the clock sends all: no event is lost. The bound is in bytes, and
/// messages differ.
#[test]
fn who_sends_on_when_there_is_room_sends_all() {
    const MESSAGES: usize = 400;
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[("in.flight.max.bytes", "5000")]);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let queue = CompletionQueue::new();
                let (mut next, mut outcomes, mut events) = (0, 0, Vec::new());
                while outcomes < MESSAGES {
                    while next < MESSAGES {
                        let body = vec![b'x'; 1 + (next * 37) % 3000];
                        let message = Message::new("T", &body);
                        match producer.send_queued(&message, None, &queue, Tag(next, 0)) {
                            Ok(()) => next += 1,
                            Err(error) => {
                                assert_eq!(error.code(), ErrorCode::QueueFull);
                                break;
                            }
                        }
                    }
                    assert!(queue.poll(&mut events, 64, PATIENCE) > 0, "{outcomes} outcomes, {next} sent");
                    for report in events.drain(..).filter_map(Event::into_report) {
                        report.result.expect("stored");
                        outcomes += 1;
                    }
                }
            });
        }
    });
    assert_eq!(cluster.stored_count("T"), 3 * MESSAGES as u64);
}

#[test]
fn a_delivery_thread_lends_every_kind_and_can_be_waited_for() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "2")]);
    let (sender, receiver) = mpsc::channel();
    let delivery = DeliveryThread::start("rmq-test", move |event| {
        let kind = match event {
            Event::Outcome(_) => "outcome",
            Event::Writable { .. } => "writable",
            Event::Routed(_) => "routed",
            Event::Done(_) => "done",
        };
        sender.send(kind).expect("the test listens");
    })
    .expect("a thread");
    let message = Message::new("T", b"body");
    let held = cluster.inject(on_sends(None, Some(2), Fault::Hold));
    (0..2).for_each(|index| enqueue(&producer, &message, delivery.queue(), index));
    producer.send_queued(&message, None, delivery.queue(), Tag(2, 0)).expect_err("full");
    cluster.remove_fault(held);
    producer.flush(PATIENCE).expect("answered");
    assert!(delivery.wait_handled(PATIENCE));
    assert_eq!(producer.in_flight(), 0, "what was handled counts no longer");
    assert!(delivery.wait_handled(PATIENCE));
    // Room is told of after the outcomes that make it.
    let mut kinds = [(); 3].map(|()| receiver.recv_timeout(PATIENCE).expect("three events"));
    kinds.sort_unstable();
    assert_eq!(kinds, ["outcome", "outcome", "writable"]);
}

/// The room of a callback that has returned is there for others, though the next callback waits for them.
#[test]
fn a_callback_may_wait_for_a_sender_that_waits_for_room() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "3"), ("in.flight.full", "wait")]);
    let (begins, begun) = mpsc::channel();
    let (accepted, waits) = mpsc::channel();
    let (tells, told) = mpsc::channel();
    let delivery = DeliveryThread::start("rmq-test", move |event| {
        let Event::Outcome(report) = event else { panic!("{event:?}") };
        match report.tag.0 {
            // The next two come to lie together meanwhile.
            0 => begun.recv().expect("the test goes on"),
            index @ 1..3 => {
                tells.send(waits.recv_timeout(PATIENCE / 2).is_ok()).expect("the test listens");
                // The sender comes to wait for the room of this callback before it ends, as a rule.
                thread::sleep(ms(if index == 1 { 50 } else { 0 }));
            }
            _ => {}
        }
    })
    .expect("a thread");
    let message = Message::new("T", b"body");
    let send = |index| enqueue(&producer, &message, delivery.queue(), index);
    (0..3).for_each(send);
    producer.flush(PATIENCE).expect("answered");
    thread::scope(|scope| {
        scope.spawn(|| {
            for index in 3..5 {
                send(index);
                accepted.send(()).expect("the callback waits");
            }
        });
        begins.send(()).expect("the callback waits");
        for _ in 0..2 {
            assert!(told.recv().expect("an end"), "the sender has the room of the callback before");
        }
    });
    producer.flush(PATIENCE).expect("answered");
    assert!(delivery.wait_handled(PATIENCE));
}

fn routed(queue: &CompletionQueue) -> Routed {
    let mut events = Vec::new();
    assert_eq!(queue.poll(&mut events, 2, PATIENCE), 1);
    match events.pop() {
        Some(Event::Routed(routed)) => routed,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_end_of_a_look_up_is_an_event() {
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[]);
    producer.set_tag(5);
    let queue = CompletionQueue::new();
    for tag in [Tag(1, 2), Tag(3, 4)] {
        producer.look_up("T", PATIENCE, &queue, tag).expect("a good name");
        let found = routed(&queue);
        assert_eq!((found.tag, &*found.topic), (tag, "T"));
        assert_eq!(found.result.expect("queues"), producer.queues("T", PATIENCE).expect("the same"));
    }
    producer.look_up("T", PATIENCE, &queue, Tag(0, 0)).expect("a good name");
    let mut events = Vec::new();
    assert_eq!(queue.poll(&mut events, 1, ms(0)), 1, "at once: the topic is known");
    assert_eq!(events[0].producer(), 5);
    let error = producer.look_up("bad topic", PATIENCE, &queue, Tag(0, 0)).expect_err("a blank");
    assert_eq!(error.code(), ErrorCode::MessageIllegal);
    assert!(queue.is_empty());
}

fn silent_name_server() -> MockCluster {
    let cluster = cluster(1);
    cluster.inject(FaultRule {
        request_code: Some(105),
        broker: Some(NAME_SERVER.to_owned()),
        ..FaultRule::new(Fault::NoAnswer)
    });
    cluster
}

#[test]
fn a_look_up_ends_by_its_deadline_and_with_its_producer() {
    let cluster = silent_name_server();
    let producer = Producer::new(&config(&cluster.name_server(), &[])).expect("a producer");
    let queue = CompletionQueue::new();
    producer.look_up("T", ms(50), &queue, Tag(1, 0)).expect("a good name");
    let ended = routed(&queue);
    assert_eq!((ended.tag, ended.result.is_err()), (Tag(1, 0), true));
    producer.look_up("T", PATIENCE * 100, &queue, Tag(2, 0)).expect("a good name");
    producer.close(PATIENCE).expect("closed");
    assert_eq!(routed(&queue).result.expect_err("closed").code(), ErrorCode::Closed);
    let error = producer.look_up("T", PATIENCE, &queue, Tag(3, 0)).expect_err("closed");
    assert_eq!(error.code(), ErrorCode::Closed);
}

#[test]
fn a_queue_that_is_gone_takes_its_wish_for_room_with_it() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "1")]);
    let queue = CompletionQueue::new();
    fill(&producer, &queue);
    assert!(producer.in_flight() == 1, "its outcome lies there");
    // The last handle: the outcome goes with the queue, though the producer knows of its refusal.
    drop(queue);
    assert!(becomes_true(|| producer.in_flight() == 0));
    let mut reports = Vec::new();
    let another = CompletionQueue::new();
    enqueue(&producer, &Message::new("T", b"body"), &another, 0);
    assert_eq!(poll(&another, &mut reports, 1, PATIENCE), 1);
}
