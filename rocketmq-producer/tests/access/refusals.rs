//! What brokers refuse: an error of its own, once, with its cause and what to do.

use rocketmq_mock::{Account, Fault, FaultRule, NAME_SERVER, Profile};
use rocketmq_producer::{CompletionQueue, ErrorCode, Message, Persistence, Producer};

use crate::common::{Lines, PATIENCE, PRESSURE, config, enqueue, in_order, on_sends, producer, send};
use crate::support::{guarded, signing};

#[test]
fn a_refusal_is_told_once_with_its_cause_and_not_tried_elsewhere() {
    for (profile, code) in [(Profile::V4_9, 1), (Profile::V5, 16)] {
        for (keys, remark, advice) in [
            (&[][..], ["No accessKey", "username cannot be null"], "set access.key"),
            (
                &[("access.key", "nobody"), ("secret.key", "x")],
                ["No acl config", "not found"],
                "no such access key",
            ),
            (&[("access.key", "orders"), ("secret.key", "x")], ["ignature failed"; 2], "the secret key"),
        ] {
            let cluster = guarded(profile, 3);
            let producer = producer(&cluster, keys);
            let error = send(&producer, "T").expect_err("refused");
            assert_eq!((error.code(), error.broker_code()), (ErrorCode::AccessDenied, Some(code)), "{error}");
            assert_eq!((error.attempts(), cluster.request_count(310)), (1, 1), "{error}");
            assert_eq!(error.persistence(), Persistence::NotPersisted);
            assert!(!error.is_retriable());
            let remark = remark[usize::from(code == 16)];
            assert!(error.remark().is_some_and(|told| told.contains(remark)), "{error:?}");
            assert!(error.message().contains(advice) && error.message().contains("broker-"), "{error}");
        }
    }
}

#[test]
fn a_topic_that_is_not_permitted_is_refused_and_the_others_go_on() {
    for profile in [Profile::V4_9, Profile::V5] {
        let cluster = guarded(profile, 1);
        cluster.create_topic("U", 4, 4, 6, None);
        cluster.set_account(&Account {
            topics: Some(vec!["T".to_owned()]),
            ..crate::support::account("hunter2")
        });
        let producer = signing(&cluster, &[]);
        send(&producer, "T").expect("stored");
        let error = send(&producer, "U").expect_err("refused");
        assert_eq!(error.code(), ErrorCode::AccessDenied);
        assert!(error.message().contains("does not permit") && error.message().contains("U"), "{error}");
        send(&producer, "T").expect("stored");
    }
}

#[test]
fn a_refused_batch_is_not_sent_message_by_message() {
    let cluster = guarded(Profile::V5, 1);
    let producer = signing(&cluster, &[PRESSURE]);
    send(&producer, "T").expect("stored");
    let held = cluster.inject(on_sends(None, None, Fault::Hold));
    let queue = CompletionQueue::new();
    for index in 0..200 {
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(310) > 1));
    let singles = cluster.request_count(310);
    cluster.remove_account("orders");
    cluster.remove_fault(held);
    let outcomes = in_order(&queue, 200);
    let denied = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(denied.clone().all(|error| error.code() == ErrorCode::AccessDenied && error.attempts() == 1));
    assert!(denied.count() > 100);
    assert!(cluster.request_count(310) <= singles + 4, "{}", cluster.request_count(310));
}

#[test]
fn what_is_closed_for_all_is_no_refusal_and_tried_elsewhere() {
    let cluster = guarded(Profile::V5, 2);
    let fault =
        Fault::Code { code: 16, remark: Some("the broker[b] sending message is forbidden".to_owned()) };
    cluster.inject(on_sends(None, Some(1), fault));
    let receipt = send(&signing(&cluster, &[]), "T").expect("stored by the other");
    assert_eq!(receipt.attempts(), 2);
}

#[test]
fn the_log_has_each_cause_once() {
    let cluster = guarded(Profile::V5, 1);
    let mut config = config(&cluster.name_server(), &[("access.key", "orders"), ("secret.key", "wrong")]);
    config.set("heartbeat.interval.ms", "10").expect("set");
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    for _ in 0..20 {
        send(&producer, "T").expect_err("refused");
    }
    assert!(cluster.wait_until(PATIENCE, |cluster| cluster.request_count(34) > 3));
    producer.close(PATIENCE).expect("closed");
    assert_eq!((lines.count("heartbeat refused"), lines.count("check signature failed")), (1, 2));
}

#[test]
fn a_proxy_that_refuses_the_look_up_is_told_as_that() {
    let cluster = guarded(Profile::V5, 1);
    let fault = Fault::Code { code: 16, remark: Some("check signature failed.".to_owned()) };
    cluster.inject(FaultRule { broker: Some(NAME_SERVER.to_owned()), ..FaultRule::new(fault) });
    let error = send(&signing(&cluster, &[]), "T").expect_err("refused");
    assert_eq!(error.code(), ErrorCode::AccessDenied, "{error}");
    assert!(!error.is_retriable() && error.message().contains("the secret key"), "{error}");
}
