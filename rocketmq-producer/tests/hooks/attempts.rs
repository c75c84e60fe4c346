//! What hooks are told of an attempt, from its check to its outcome.

use std::sync::Arc;

use rocketmq_mock::Fault;
use rocketmq_producer::hooks::{RpcRequest, SendAttempt, SendMode};
use rocketmq_producer::{CompletionQueue, Destination, ErrorCode, Message, Producer};

use crate::common::{PATIENCE, PRESSURE, config, enqueue, in_order, on_batches, on_sends, send, with_topic};
use crate::support::{Check, Rpc};
use crate::witness::{Heard, Seen, Witness};

#[test]
fn hooks_see_where_and_how_a_message_goes_by_the_programs_names() {
    let cluster = with_topic(1, 4);
    cluster.create_topic("NS%T", 4, 4, 6, None);
    let mut config = config(&cluster.name_server(), &[("namespace", "NS")]);
    let witness = Witness::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    let destination = Destination::Queue { broker: "broker-0", queue_id: 2 };
    let message = Message { destination, ..Message::new("T", b"body") };
    let receipt = producer.send(&message, None).expect("stored");
    let seen = |mode, id: &str| Seen {
        group: "test-group".to_owned(),
        topic: "T".to_owned(),
        message_id: id.to_owned(),
        broker: "broker-0".to_owned(),
        address: cluster.broker_address("broker-0").expect("an address"),
        queue_id: 2,
        mode,
        number: 1,
        body: b"body".to_vec(),
    };
    let stored = "stored by broker-0 in 2".to_owned();
    assert_eq!(witness.outcomes(), [(seen(SendMode::Sync, receipt.message_id()), stored.clone())]);

    let queue = CompletionQueue::new();
    enqueue(&producer, &message, &queue, 0);
    let receipt = in_order(&queue, 1).remove(0).expect("stored");
    assert_eq!(witness.outcomes(), [(seen(SendMode::Async, receipt.message_id()), stored.clone())]);

    producer.send_oneway(&message, None).expect("accepted");
    producer.flush(PATIENCE).expect("written");
    let outcomes = witness.outcomes();
    let [(attempt, outcome)] = outcomes.as_slice() else { panic!("one attempt: {outcomes:?}") };
    assert_eq!((attempt, outcome.as_str()), (&seen(SendMode::Oneway, &attempt.message_id), "written"));

    let receipts = producer.send_batch(&[message, message], None).expect("stored");
    let heard = witness.take();
    for receipt in &receipts {
        let seen = seen(SendMode::Sync, receipt.message_id());
        let own =
            [Heard::Checked(seen.clone()), Heard::Before(seen.clone()), Heard::After(seen, stored.clone())];
        let of_message: Vec<_> = heard.iter().filter(|heard| own.contains(heard)).collect();
        assert_eq!(of_message, own.iter().collect::<Vec<_>>());
    }
    assert_eq!(heard.len(), 6);
}

#[test]
fn every_attempt_has_its_own_outcome() {
    let cluster = with_topic(2, 1);
    let settings = [("send.max.timeout.per.request.ms", "1000"), ("retry.times", "1")];
    let mut config = config(&cluster.name_server(), &settings);
    let witness = Witness::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    let told =
        || witness.outcomes().into_iter().map(|(seen, outcome)| (seen.number, outcome)).collect::<Vec<_>>();

    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    let receipt = send(&producer, "T").expect("the other broker");
    let stored = format!("stored by {} in 0", receipt.broker_name());
    assert_eq!(told(), [(1, "BROKER 14".to_owned()), (2, stored)]);

    cluster.inject(on_sends(None, Some(1), Fault::NoAnswer));
    let receipt = send(&producer, "T").expect("the other broker");
    let stored = format!("stored by {} in 0", receipt.broker_name());
    assert_eq!(told(), [(1, "TIMEOUT".to_owned()), (2, stored)]);

    cluster.inject(on_sends(None, Some(1), Fault::Reset));
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 13, remark: None }));
    send(&producer, "T").expect_err("refused at last");
    assert_eq!(told(), [(1, "CONNECTION_LOST".to_owned()), (2, "BROKER 13".to_owned())]);

    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 14, remark: None }));
    let receipts = producer.send_batch(&[Message::new("T", b"a"), Message::new("T", b"b")], None);
    let stored = format!("stored by {} in 0", receipts.expect("stored")[0].broker_name());
    let mut outcomes: Vec<_> = witness
        .take()
        .into_iter()
        .filter_map(|heard| match heard {
            Heard::After(seen, outcome) => Some((seen.body, seen.number, outcome)),
            Heard::Checked(_) | Heard::Before(_) => None,
        })
        .collect();
    outcomes.sort();
    let of = |body: &[u8]| [(body.to_vec(), 1, "BROKER 14".to_owned()), (body.to_vec(), 2, stored.clone())];
    assert_eq!(outcomes, [of(b"a"), of(b"b")].concat());
}

#[test]
fn after_a_refusal_by_a_hook_nothing_more_is_heard_of_the_attempt() {
    let cluster = with_topic(1, 1);
    let mut config = config(&cluster.name_server(), &[("retry.times", "1")]);
    let witness = Witness::of(&mut config);
    config.add_check_forbidden_hook(Arc::new(Check(|attempt: &SendAttempt<'_>| match attempt.number {
        1 => Err("once".to_owned()),
        _ => Ok(()),
    })));
    config.add_check_forbidden_hook(Arc::new(Check(|attempt: &SendAttempt<'_>| {
        assert_ne!(attempt.number, 1, "asked although another hook has refused");
        Ok(())
    })));
    send(&Producer::new(&config).expect("a producer"), "T").expect("stored");
    let heard: Vec<_> = witness
        .take()
        .into_iter()
        .map(|heard| match heard {
            Heard::Checked(seen) => ("checked", seen.number),
            Heard::Before(seen) => ("before", seen.number),
            Heard::After(seen, _) => ("after", seen.number),
        })
        .collect();
    assert_eq!(heard, [("checked", 1), ("checked", 2), ("before", 2), ("after", 2)]);
}

/// What a send hook saw begin it sees end.
#[test]
fn an_attempt_whose_request_is_refused_has_an_outcome_too() {
    let cluster = with_topic(1, 1);
    for setting in [("batch.auto", "off"), PRESSURE] {
        let mut config = config(&cluster.name_server(), &[("retry.times", "1"), setting]);
        let witness = Witness::of(&mut config);
        config.add_rpc_hook(Arc::new(Rpc(|request: &mut RpcRequest<'_>| match request.code() {
            310 | 320 => Err("not signed".to_owned()),
            _ => Ok(()),
        })));
        let producer = Producer::new(&config).expect("a producer");
        let error = send(&producer, "T").expect_err("refused");
        assert_eq!((error.code(), error.attempts()), (ErrorCode::Forbidden, 2));
        let outcomes = witness.outcomes();
        let told: Vec<_> = outcomes.iter().map(|(seen, outcome)| (seen.number, outcome.as_str())).collect();
        assert_eq!(told, [(1, "FORBIDDEN"), (2, "FORBIDDEN")]);
        producer.send_batch(&[Message::new("T", b"a")], None).expect_err("refused");
        let told: Vec<_> =
            witness.outcomes().into_iter().map(|(seen, outcome)| (seen.number, outcome)).collect();
        assert_eq!(told, [(1, "FORBIDDEN".to_owned()), (2, "FORBIDDEN".to_owned())]);
    }
}
