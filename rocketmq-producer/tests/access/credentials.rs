//! Every request is signed, with the credentials that are set.

use rocketmq_mock::Profile;
use rocketmq_producer::{CompletionQueue, Config, Credentials, ErrorCode, Message, Producer};

use crate::common::{PATIENCE, PRESSURE, config, enqueue, in_order, requests, send};
use crate::support::{account, guarded, guarded_5, signing};

#[test]
fn every_kind_of_request_is_signed() {
    for profile in [Profile::V4_9, Profile::V5] {
        for encoding in ["json", "rocketmq"] {
            let cluster = guarded(profile, 2);
            cluster.set_recording(true);
            let settings =
                [PRESSURE, ("header.encoding", encoding), ("namespace.v2", "shop"), ("zone.name", "z")];
            let producer = signing(&cluster, &settings);
            send(&producer, "T").expect("stored");
            let queue = CompletionQueue::new();
            for index in 0..500 {
                enqueue(&producer, &Message::new("T", b"body"), &queue, index);
            }
            in_order(&queue, 500).into_iter().for_each(|outcome| drop(outcome.expect("stored")));
            let batch = [Message::new("T", b"a"), Message::new("T", b"b")];
            producer.send_batch(&batch, None).expect("stored");
            producer.send_oneway(&Message::new("T", b"c"), None).expect("accepted");
            assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("T") == 504));
            assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().len() == 2));
            producer.close(PATIENCE).expect("closed");
            assert!(cluster.wait_until(PATIENCE, |cluster| cluster.registrations().is_empty()));
            for request in cluster.requests() {
                let signed =
                    request.fields.iter().any(|(name, value)| name == "Signature" && value.len() == 28);
                assert!(signed, "{request:?}");
            }
            for code in [34, 35, 105, 310, 320] {
                assert!(!requests(&cluster, code).is_empty(), "{code}");
            }
        }
    }
}

#[test]
fn v1_headers_and_large_bodies_are_signed() {
    let cluster = guarded_5();
    let producer = signing(&cluster, &[("send.smart.msg", "false"), ("compress.threshold.bytes", "0")]);
    let body = vec![7; 1 << 20];
    producer.send(&Message::new("T", &body), None).expect("stored");
    assert_eq!((cluster.request_count(10), cluster.stored("T")[0].body.len()), (1, 1 << 20));
}

#[test]
fn credentials_change_while_messages_are_sent() {
    let cluster = guarded(Profile::V5, 2);
    let producer = signing(&cluster, &[]);
    send(&producer, "T").expect("stored");
    // Both are accepted for a while, as with real servers: here under two names.
    cluster.set_account(&rocketmq_mock::Account::new("next", "secret"));
    let queue = CompletionQueue::new();
    for index in 0..1000 {
        if index == 500 {
            producer.set_credentials(Credentials::new("next", "secret").expect("some")).expect("set");
        }
        enqueue(&producer, &Message::new("T", b"body"), &queue, index);
    }
    in_order(&queue, 1000).into_iter().for_each(|outcome| drop(outcome.expect("stored")));
    cluster.remove_account("orders");
    send(&producer, "T").expect("stored");
}

#[test]
fn a_producer_without_credentials_can_be_given_some() {
    let cluster = guarded_5();
    let producer = crate::common::producer(&cluster, &[]);
    assert_eq!(send(&producer, "T").expect_err("unsigned").code(), ErrorCode::AccessDenied);
    producer.set_credentials(Credentials::new("orders", "hunter2").expect("some")).expect("set");
    send(&producer, "T").expect("stored");
}

#[test]
fn a_security_token_is_carried_and_signed() {
    let cluster = guarded_5();
    cluster.set_recording(true);
    let producer = signing(&cluster, &[("security.token", "a token")]);
    send(&producer, "T").expect("stored");
    let sends = requests(&cluster, 310);
    let token = sends[0].fields.iter().find(|(name, _)| name == "SecurityToken");
    assert_eq!(token.map(|(_, value)| value.as_str()), Some("a token"));
}

#[test]
fn producers_with_other_credentials_share_no_client_instance() {
    let cluster = guarded_5();
    let named = |group: &str, secret: &str| {
        let settings = [("producer.group", group), ("instance.name", "same"), ("access.key", "orders")];
        Producer::new(&config(&cluster.name_server(), &[&settings[..], &[("secret.key", secret)]].concat()))
    };
    let first = named("first", "hunter2").expect("a producer");
    let second = named("second", "hunter2").expect("the same credentials");
    assert_eq!(first.client_id(), second.client_id());
    let error = named("third", "hunter3").expect_err("others");
    assert_eq!(error.code(), ErrorCode::InvalidValue);
    assert!(error.message().contains("other credentials"), "{error}");
    let unsigned = [("producer.group", "fourth"), ("instance.name", "same")];
    let error = Producer::new(&config(&cluster.name_server(), &unsigned)).expect_err("none");
    assert_eq!(error.code(), ErrorCode::InvalidValue);
    // What one of them is given counts for both.
    cluster.set_account(&account("hunter3"));
    first.set_credentials(Credentials::new("orders", "hunter3").expect("some")).expect("set");
    send(&second, "T").expect("stored");
}

#[test]
fn half_of_the_keys_are_refused_by_name() {
    for (set, missing) in [
        (&[("access.key", "a")][..], "secret.key"),
        (&[("secret.key", "s")][..], "access.key"),
        (&[("security.token", "t")][..], "access.key"),
    ] {
        let error = Producer::new(&config("127.0.0.1:1", set)).expect_err("half");
        assert_eq!(error.code(), ErrorCode::InvalidValue);
        assert!(error.message().contains(set[0].0) && error.message().contains(missing), "{error}");
    }
    let error = Config::new().set("secret.key", "with a \u{7} bell").expect_err("a control character");
    assert!(error.message().contains("secret.key") && !error.message().contains("bell"), "{error}");
    for (access_key, secret_key, name) in [("", "s", "access key"), ("a", "", "secret key")] {
        let error = Credentials::new(access_key, secret_key).expect_err("empty");
        assert_eq!(error.code(), ErrorCode::InvalidArgument);
        assert!(error.message().contains(name), "{error}");
    }
}
