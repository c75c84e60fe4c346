//! RPC hooks see requests and answers, sign what is sent, and refuse.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rocketmq_mock::{Fault, FaultRule, NAME_SERVER};
use rocketmq_producer::hooks::{RpcHook, RpcRequest, RpcResponse, SendAttempt};
use rocketmq_producer::{CompletionQueue, Error, ErrorCode, Message, Persistence, Producer};

use crate::common::{
    Lines, PATIENCE, PRESSURE, cluster, config, enqueue, in_order, on_sends, send, with_topic,
};
use crate::support::{Check, Rpc};

/// An RPC hook that signs requests and keeps what it saw.
#[derive(Default)]
struct Signer {
    asked: Mutex<Vec<(i32, String)>>,
    answered: Mutex<Vec<(i32, i32, Option<String>)>>,
}

impl RpcHook for Signer {
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String> {
        let fields = request.fields().count();
        let len: usize = request.body().map(<[u8]>::len).sum();
        request.add_field("X-Seen", format!("{} {fields} {len}", request.code()));
        self.asked.lock().expect("no panic").push((request.code(), request.address().to_owned()));
        Ok(())
    }

    fn after_response(&self, response: &RpcResponse<'_, '_>) {
        let remark = response.remark().map(str::to_owned);
        let answer = (response.request_code(), response.code(), remark);
        self.answered.lock().expect("no panic").push(answer);
    }
}

#[test]
fn rpc_hooks_see_every_request_and_what_they_add_arrives() {
    for encoding in ["rocketmq", "json"] {
        let cluster = with_topic(1, 1);
        cluster.set_recording(true);
        let settings = [("header.encoding", encoding), ("heartbeat.interval.ms", "10")];
        let mut config = config(&cluster.name_server(), &settings);
        let signer = Arc::new(Signer::default());
        config.add_rpc_hook(Arc::clone(&signer) as Arc<dyn RpcHook>);
        let producer = Producer::new(&config).expect("a producer");
        cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: Some("later".into()) }));
        let message = Message { tags: Some("TagA"), ..Message::new("T", b"12345") };
        producer.send(&message, None).expect("stored");
        producer.send_batch(&[message, message], None).expect("stored");
        producer.send_oneway(&message, None).expect("accepted");
        assert!(cluster.wait_until(PATIENCE, |cluster| {
            !cluster.registrations().is_empty() && cluster.request_count(310) == 3
        }));
        producer.close(PATIENCE).expect("closed");
        let requests = cluster.requests();
        let codes: BTreeSet<i32> = requests.iter().map(|request| request.code).collect();
        assert_eq!(codes, BTreeSet::from([34, 35, 105, 310, 320]), "{encoding}");
        for request in &requests {
            let seen = format!("{} {} {}", request.code, request.fields.len() - 1, request.body.len());
            assert_eq!(request.field("X-Seen"), Some(seen.as_str()), "{encoding}: {request:?}");
        }
        let asked = signer.asked.lock().expect("no panic").clone();
        assert_eq!(asked.len(), requests.len());
        let broker = cluster.broker_address("broker-0").expect("an address");
        for (code, address) in asked {
            assert_eq!(address, if code == 105 { cluster.name_server() } else { broker.clone() });
        }
        let answered = signer.answered.lock().expect("no panic").clone();
        assert!(answered.contains(&(310, 14, Some("later".to_owned()))), "{answered:?}");
        let count = |request, code| {
            answered.iter().filter(|(asked, answer, _)| (*asked, *answer) == (request, code)).count()
        };
        assert_eq!((count(105, 0), count(310, 0), count(320, 0), count(35, 0)), (1, 1, 1, 1));
        assert!(count(34, 0) >= 1);
    }
}

#[test]
fn rpc_hooks_that_refuse_stop_sends_and_look_ups() {
    let cluster = with_topic(2, 1);
    let refusing = |refused: i32, setting| {
        let mut config = config(&cluster.name_server(), &[setting]);
        let lines = Lines::of(&mut config);
        config.add_rpc_hook(Arc::new(Rpc(move |request: &mut RpcRequest<'_>| match request.code() {
            code if code == refused => Err(format!("no key for {}", request.address())),
            _ => Ok(()),
        })));
        (Producer::new(&config).expect("a producer"), lines)
    };
    let is_refused = |error: &Error| {
        let whole = error.code() == ErrorCode::Forbidden
            && error.message().contains("no key for 127.0.0.1:")
            && (error.attempts(), error.history().len()) == (3, 3);
        assert!(whole && error.persistence() == Persistence::NotPersisted, "{error:?}");
    };
    let message = Message::new("T", b"body");
    let (producer, lines) = refusing(310, ("batch.auto", "off"));
    is_refused(&producer.send(&message, None).expect_err("refused"));
    let queue = CompletionQueue::new();
    enqueue(&producer, &message, &queue, 0);
    is_refused(&in_order(&queue, 1).remove(0).expect_err("refused"));
    producer.send_oneway(&message, None).expect("accepted");
    producer.flush(PATIENCE).expect("over");
    assert_eq!(lines.count("one-way message to T lost: FORBIDDEN"), 1);
    producer.send_batch(&[message, message], None).expect("batches are not refused");

    let (producer, _) = refusing(320, PRESSURE);
    is_refused(&producer.send_batch(&[message, message], None).expect_err("refused").error);
    producer.queues("T", PATIENCE).expect("a route");
    let held = cluster.inject(on_sends(None, Some(4), Fault::Hold));
    for index in 0..50 {
        enqueue(&producer, &message, &queue, index);
    }
    cluster.remove_fault(held);
    let (stored, refused): (Vec<_>, Vec<_>) = in_order(&queue, 50).into_iter().partition(Result::is_ok);
    assert!(stored.len() >= 4 && refused.len() >= 2, "{} stored, {} refused", stored.len(), refused.len());
    refused.into_iter().for_each(|outcome| is_refused(&outcome.expect_err("refused")));

    let (producer, _) = refusing(105, ("batch.auto", "off"));
    let error = send(&producer, "T").expect_err("no route");
    assert_eq!((error.code(), error.attempts()), (ErrorCode::NameServer, 0));
    assert!(error.message().contains("refused by a hook (no key for "), "{error}");
}

#[test]
fn hooks_are_those_of_their_own_producer_and_rpc_hooks_those_of_the_first() {
    let cluster = with_topic(1, 1);
    cluster.set_recording(true);
    let shared = ("instance.name", "shared");
    let mut first = config(&cluster.name_server(), &[shared]);
    first.add_rpc_hook(Arc::new(Rpc(|request: &mut RpcRequest<'_>| {
        request.add_field("X-By", "first");
        Ok(())
    })));
    let first = Producer::new(&first).expect("a producer");
    let mut second = config(&cluster.name_server(), &[shared, ("producer.group", "second")]);
    second.add_check_forbidden_hook(Arc::new(Check(|_: &SendAttempt<'_>| Err("never".to_owned()))));
    second.add_rpc_hook(Arc::new(Rpc(|request: &mut RpcRequest<'_>| {
        request.add_field("X-By", "second");
        Ok(())
    })));
    let second = Producer::new(&second).expect("a producer");
    send(&first, "T").expect("the other's hook is not asked");
    assert_eq!(send(&second, "T").expect_err("refused").code(), ErrorCode::Forbidden);
    let by: BTreeSet<_> =
        cluster.requests().iter().map(|request| request.field("X-By").map(str::to_owned)).collect();
    assert_eq!(by, BTreeSet::from([Some("first".to_owned())]));
}

#[test]
fn a_name_server_that_refuses_is_seen_with_its_remark() {
    let cluster = cluster(1);
    let mut config = config(&cluster.name_server(), &[]);
    let signer = Arc::new(Signer::default());
    config.add_rpc_hook(Arc::clone(&signer) as Arc<dyn RpcHook>);
    let fault = Fault::Code { code: 1, remark: Some("starting".into()) };
    cluster.inject(FaultRule { broker: Some(NAME_SERVER.into()), times: Some(1), ..FaultRule::new(fault) });
    send(&Producer::new(&config).expect("a producer"), "T").expect_err("not ready");
    let answered = signer.answered.lock().expect("no panic").clone();
    assert_eq!(answered, [(105, 1, Some("starting".to_owned()))]);
}
