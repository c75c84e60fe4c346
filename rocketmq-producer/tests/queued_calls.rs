//! Calls whose end comes to a queue: the same answers as the calls that wait, once each, and no thread that waits.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::{PATIENCE, cluster, config, enqueue, ms, on_sends, producer, send, with_topic};
use rocketmq_mock::{Fault, MockCluster};
use rocketmq_producer::hooks::{SendAttempt, SendMessageHook, SendOutcome};
use rocketmq_producer::{CompletionQueue, Done, Error, ErrorCode, Event, Message, Producer, Tag};

/// The end of the call with this tag; outcomes of sends on the way are counted.
fn done(queue: &CompletionQueue, tag: Tag, outcomes: &mut usize) -> Result<(), Error> {
    let mut events = Vec::new();
    loop {
        assert!(queue.poll(&mut events, 1, PATIENCE) > 0, "no event");
        match events.pop() {
            Some(Event::Done(Done { tag: told, result, .. })) => {
                assert_eq!(told, tag);
                return result;
            }
            Some(Event::Outcome(_)) => *outcomes += 1,
            other => panic!("{other:?}"),
        }
    }
}

fn code(result: Result<(), Error>) -> ErrorCode {
    result.expect_err("an error").code()
}

/// A cluster that holds answers back until it is told not to, and a producer with a message in flight there.
fn held(queue: &CompletionQueue) -> (MockCluster, Producer) {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("stored");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    enqueue(&producer, &Message::new("T", b"body"), queue, 0);
    (cluster, producer)
}

#[test]
fn the_end_of_a_flush_comes_behind_the_outcomes() {
    let cluster = with_topic(1, 1);
    let (producer, queue, mut outcomes) = (producer(&cluster, &[]), CompletionQueue::new(), 0);
    producer.set_tag(5);
    producer.flush_queued(PATIENCE, &queue, Tag(1, 2)).expect("asked");
    done(&queue, Tag(1, 2), &mut outcomes).expect("nothing in flight");
    for index in 0..100 {
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    producer.flush_queued(PATIENCE, &queue, Tag(3, 4)).expect("asked");
    done(&queue, Tag(3, 4), &mut outcomes).expect("answered");
    assert_eq!(outcomes, 100);
}

#[test]
fn a_flush_whose_time_is_over_says_so_and_loses_nothing() {
    let (queue, mut outcomes) = (CompletionQueue::new(), 0);
    let (_cluster, producer) = held(&queue);
    producer.flush_queued(ms(1), &queue, Tag(1, 0)).expect("asked");
    assert_eq!(code(done(&queue, Tag(1, 0), &mut outcomes)), ErrorCode::Timeout);
    assert_eq!((outcomes, producer.in_flight()), (0, 1));
}

#[test]
fn a_producer_is_ready_or_says_why_it_is_not() {
    let cluster = cluster(1);
    let (ready, queue, mut outcomes) = (producer(&cluster, &[]), CompletionQueue::new(), 0);
    ready.wait_ready_queued(PATIENCE, &queue, Tag(1, 0)).expect("asked");
    done(&queue, Tag(1, 0), &mut outcomes).expect("a name server answers");
    let lost = Producer::new(&config("127.0.0.1:1", &[])).expect("a producer");
    lost.wait_ready_queued(ms(10), &queue, Tag(2, 0)).expect("asked");
    assert_eq!(code(done(&queue, Tag(2, 0), &mut outcomes)), ErrorCode::NameServer);
    // A close ends the wait.
    lost.wait_ready_queued(PATIENCE, &queue, Tag(3, 0)).expect("asked");
    lost.close(ms(0)).expect("nothing in flight");
    assert_eq!(code(done(&queue, Tag(3, 0), &mut outcomes)), ErrorCode::Closed);
    assert_eq!(code(lost.wait_ready_queued(ms(1), &queue, Tag(4, 0))), ErrorCode::Closed);
    assert!(queue.is_empty());
}

#[test]
fn a_close_refuses_sends_at_once_and_ends_what_is_left() {
    let (queue, mut outcomes) = (CompletionQueue::new(), 0);
    let (cluster, producer) = held(&queue);
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == 1));
    producer.close_queued(ms(10), &queue, Tag(1, 0)).expect("asked");
    assert_eq!(send(&producer, "T").expect_err("closed").code(), ErrorCode::Closed);
    assert_eq!(code(done(&queue, Tag(1, 0), &mut outcomes)), ErrorCode::Timeout);
    assert_eq!(outcomes, 1, "the outcome is there before the end of the close");
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().is_empty()));
    producer.close_queued(PATIENCE, &queue, Tag(2, 0)).expect("asked");
    done(&queue, Tag(2, 0), &mut outcomes).expect("closed already");
}

/// A hook that tells when it is called after an attempt, and returns when it is let.
struct HoldsUp {
    called: Mutex<Sender<()>>,
    held: Arc<Mutex<()>>,
}

impl SendMessageHook for HoldsUp {
    fn before(&self, _: &SendAttempt<'_>, _: &mut Vec<(String, String)>) {}

    fn after(&self, _: &SendAttempt<'_>, _: SendOutcome<'_>) {
        let _ = self.called.lock().expect("no panic").send(());
        drop(self.held.lock());
    }
}

#[test]
fn a_close_ends_though_a_hook_holds_a_send_up() {
    let cluster = with_topic(1, 1);
    let (called, calls) = channel();
    let held = Arc::new(Mutex::new(()));
    let mut config = config(&cluster.name_server(), &[]);
    config.add_send_message_hook(Arc::new(HoldsUp { called: Mutex::new(called), held: Arc::clone(&held) }));
    let producer = Producer::new(&config).expect("a producer");
    let queue = CompletionQueue::new();
    let guard = held.lock().expect("no panic");
    enqueue(&producer, &Message::new("T", b"body"), &queue, 0);
    calls.recv_timeout(PATIENCE).expect("the hook is called on the I/O thread");
    let begun = Instant::now();
    let error = producer.close(ms(0)).expect_err("a send is held up");
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(error.message().contains("a hook of the program holds them up"), "{error}");
    assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    assert!(queue.is_empty());
    drop(guard);
    let mut events = Vec::new();
    assert_eq!(queue.poll(&mut events, 1, PATIENCE), 1, "the outcome comes when the hook returns");
    assert!(producer.flush(Duration::ZERO).is_ok());
}
