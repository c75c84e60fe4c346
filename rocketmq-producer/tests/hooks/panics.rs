//! Code of the program that panics is logged and loses no outcome.

#![expect(clippy::disallowed_types, reason = "no test forks here")]

use std::sync::{Arc, Once};

use rocketmq_mock::Fault;
use rocketmq_producer::hooks::{
    CheckForbiddenHook, RpcHook, RpcRequest, RpcResponse, SendAttempt, SendMessageHook, SendOutcome,
};
use rocketmq_producer::{
    CompletionQueue, Config, Destination, ErrorCode, Message, Producer, QueueRef, QueueSelector,
};

use crate::common::{Lines, PATIENCE, config, enqueue, in_order, on_batches, on_sends, with_topic};

/// The default hook of panics writes to the standard error stream; those of these tests need not.
fn keep_boom_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let default = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if info.payload().downcast_ref::<&str>() != Some(&"boom") {
                default(info);
            }
        }));
    });
}

/// Panics wherever it is called.
struct Boom;

impl CheckForbiddenHook for Boom {
    fn check(&self, _: &SendAttempt<'_>) -> Result<(), String> {
        panic!("boom")
    }
}

impl SendMessageHook for Boom {
    fn before(&self, _: &SendAttempt<'_>, added: &mut Vec<(String, String)>) {
        added.push(("begun".to_owned(), "1".to_owned()));
        panic!("boom")
    }

    fn after(&self, _: &SendAttempt<'_>, _: SendOutcome<'_>) {
        panic!("boom")
    }
}

impl RpcHook for Boom {
    fn before_request(&self, _: &mut RpcRequest<'_>) -> Result<(), String> {
        panic!("boom")
    }

    fn after_response(&self, _: &RpcResponse<'_, '_>) {
        panic!("boom")
    }
}

impl QueueSelector for Boom {
    fn select(&self, _: &[QueueRef<'_>]) -> Option<usize> {
        panic!("boom")
    }
}

#[test]
fn hooks_that_panic_are_logged_and_lose_no_outcome() {
    keep_boom_quiet();
    type Add = fn(&mut Config);
    let kinds: [(&str, Add); 3] = [
        ("check-forbidden", |config| config.add_check_forbidden_hook(Arc::new(Boom))),
        ("send", |config| config.add_send_message_hook(Arc::new(Boom))),
        ("RPC", |config| config.add_rpc_hook(Arc::new(Boom))),
    ];
    for (kind, add) in kinds {
        for batching in ["off", "pressure", "linger"] {
            let cluster = with_topic(2, 2);
            let mut config = config(&cluster.name_server(), &[("batch.auto", batching)]);
            let lines = Lines::of(&mut config);
            add(&mut config);
            let producer = Producer::new(&config).expect("a producer");
            cluster.inject(on_sends(None, Some(2), Fault::Code { code: 14, remark: None }));
            cluster.inject(on_batches(None, Some(1), Fault::Code { code: 14, remark: None }));
            let message = Message::new("T", b"body");
            let queue = CompletionQueue::new();
            for index in 0..100 {
                enqueue(&producer, &message, &queue, index);
            }
            for outcome in in_order(&queue, 100) {
                outcome.expect("stored");
            }
            for _ in 0..3 {
                producer.send(&message, None).expect("stored");
            }
            producer.send_batch(&[message, message], None).expect("stored");
            producer.send_oneway(&message, None).expect("accepted");
            producer.flush(PATIENCE).expect("over");
            assert!(cluster.wait_until(PATIENCE, |cluster| cluster.stored_count("T") == 106));
            let line = format!("the {kind} hook panicked and is ignored: boom");
            assert!(lines.count(&line) > 0, "{kind}, {batching}");
            if kind == "send" {
                let begun =
                    cluster.stored("T").iter().filter(|stored| stored.property("begun").is_some()).count();
                assert_eq!(begun, 106, "what it had added before is kept");
            }
            producer.close(PATIENCE).expect("closed");
        }
    }
}

#[test]
fn a_selector_that_panics_fails_its_message_alone() {
    keep_boom_quiet();
    let cluster = with_topic(1, 2);
    for batching in ["off", "pressure"] {
        let mut config = config(&cluster.name_server(), &[("batch.auto", batching)]);
        let lines = Lines::of(&mut config);
        let producer = Producer::new(&config).expect("a producer");
        let boom: Arc<dyn QueueSelector> = Arc::new(Boom);
        let queue = CompletionQueue::new();
        for index in 0..20 {
            let destination = if index % 2 == 0 { Destination::Selector(&boom) } else { Destination::Any };
            enqueue(&producer, &Message { destination, ..Message::new("T", b"body") }, &queue, index);
        }
        for (index, outcome) in in_order(&queue, 20).into_iter().enumerate() {
            match outcome {
                Ok(_) => assert_eq!(index % 2, 1),
                Err(error) => assert_eq!((index % 2, error.code()), (0, ErrorCode::Forbidden)),
            }
        }
        assert_eq!(lines.count("the queue selector hook panicked and is ignored: boom"), 10);
    }
}
