//! Many topics at once.

use rocketmq_producer::{CompletionQueue, Event, Producer, Tag};

use crate::common::{PATIENCE, becomes_true, cluster, config, ms};
use crate::name_server::{NameServer, route};

const TOPICS: usize = 300;

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
    assert!(becomes_true(|| server.asked_in_all() == AT_ONCE));
    // Nor is one asked that comes last, and gives up soon.
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
