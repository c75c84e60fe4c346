//! Many topics at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocketmq_producer::{CompletionQueue, Event, Producer, Tag};

use crate::common::{PATIENCE, cluster, config, ms};
use crate::name_server::{NameServer, route};

const TOPICS: usize = 2000;

/// As many questions as lie at a name server that answers none.
const AT_ONCE: usize = 64;

#[test]
fn a_name_server_is_asked_a_bounded_number_of_questions_at_once() {
    let cluster = cluster(1);
    let server = NameServer::start();
    let address = cluster.broker_address("broker-0").expect("an address");
    for number in 0..TOPICS {
        server.set(&format!("T{number}"), &route(&[("broker-0", &address)]));
    }
    server.set_silent(true);
    let producer =
        Producer::new(&config(&server.address(), &[("api.timeout.ms", "60000")])).expect("a producer");
    let queue = CompletionQueue::new();
    for number in 0..TOPICS {
        producer.look_up(&format!("T{number}"), PATIENCE, &queue, Tag(number, 0)).expect("asked");
    }
    // One that is asked last and gives up soon: by then all others that were to be asked are.
    producer.queues("Soon", ms(500)).expect_err("nobody answers");
    assert_eq!(server.asked_in_all(), AT_ONCE);
    // Those who wait for their turn end in time all the same, and the others go on when it answers.
    server.answer_all();
    let mut events = Vec::new();
    while events.len() < TOPICS {
        assert!(queue.poll(&mut events, TOPICS, PATIENCE) > 0, "{} of {TOPICS}", events.len());
    }
    let found = |event: &Event| matches!(event, Event::Routed(routed) if routed.result.is_ok());
    assert!(events.iter().all(found));
}

/// Whoever only asks overtakes nobody, and waits for no send to go on.
#[test]
fn who_asks_for_queues_has_an_answer_while_others_send_without_end() {
    let cluster = cluster(1);
    let server = NameServer::start();
    let address = cluster.broker_address("broker-0").expect("an address");
    cluster.create_topic("T", 4, 4, 6, None);
    server.set("T", &route(&[("broker-0", &address)]));
    let producer = Arc::new(Producer::new(&config(&server.address(), &[])).expect("a producer"));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let queue = CompletionQueue::new();
                let message = rocketmq_producer::Message::new("T", b"x");
                while !is_over.load(Ordering::Relaxed) {
                    let _ = producer.send_queued(&message, None, &queue, Tag(0, 0));
                    queue.poll(&mut Vec::new(), usize::MAX, ms(0));
                }
            });
        }
        for _ in 0..20 {
            assert_eq!(producer.queues("T", PATIENCE).expect("queues").len(), 4);
        }
        is_over.store(true, Ordering::Relaxed);
    });
}
