//! Hooks: what they see, what they may change and refuse, and that none of them loses an outcome.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Once};

use common::{
    Lines, PATIENCE, PRESSURE, cluster, config, enqueue, in_order, ms, on_batches, on_sends, send, with_topic,
};
use rocketmq_mock::{Fault, FaultRule, MockCluster, NAME_SERVER};
use rocketmq_producer::hooks::{
    CheckForbiddenHook, RpcHook, RpcRequest, RpcResponse, SendAttempt, SendMessageHook, SendMode, SendOutcome,
};
use rocketmq_producer::{
    CompletionQueue, Config, Destination, Error, ErrorCode, Message, Persistence, Producer, QueueRef,
    QueueSelector, Tag,
};

/// A function as a check-forbidden hook.
struct Check<F>(F);

impl<F: Fn(&SendAttempt<'_>) -> Result<(), String> + Send + Sync> CheckForbiddenHook for Check<F> {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        self.0(attempt)
    }
}

/// A function as a send hook that adds properties.
struct Adds<F>(F);

impl<F: Fn(&SendAttempt<'_>, &mut Vec<(String, String)>) + Send + Sync> SendMessageHook for Adds<F> {
    fn before(&self, attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>) {
        self.0(attempt, added);
    }

    fn after(&self, _: &SendAttempt<'_>, _: SendOutcome<'_>) {}
}

/// A function as an RPC hook.
struct Rpc<F>(F);

impl<F: Fn(&mut RpcRequest<'_>) -> Result<(), String> + Send + Sync> RpcHook for Rpc<F> {
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String> {
        self.0(request)
    }
}

/// What a hook was shown of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    group: String,
    topic: String,
    message_id: String,
    broker: String,
    address: String,
    queue_id: i32,
    mode: SendMode,
    number: u32,
    body: Vec<u8>,
}

impl Seen {
    fn of(attempt: &SendAttempt<'_>) -> Self {
        let unique_id = format!("UNIQ_KEY\u{1}{}", attempt.message_id);
        assert!(attempt.properties.contains(&unique_id), "{:?}", attempt.properties);
        Self {
            group: attempt.group.to_owned(),
            topic: attempt.topic.to_owned(),
            message_id: attempt.message_id.to_owned(),
            broker: attempt.broker_name.to_owned(),
            address: attempt.broker_address.to_owned(),
            queue_id: attempt.queue_id,
            mode: attempt.mode,
            number: attempt.number,
            body: attempt.body.to_vec(),
        }
    }
}

/// What a witness heard of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Checked(Seen),
    Before(Seen),
    /// With a stored message's broker and queue, or a failure's name.
    After(Seen, String),
}

/// Keeps all that hooks of all three kinds of calls are told.
#[derive(Default)]
struct Witness(Mutex<Vec<Heard>>);

impl Witness {
    fn of(config: &mut Config) -> Arc<Self> {
        let witness = Arc::<Self>::default();
        config.add_check_forbidden_hook(Arc::clone(&witness) as Arc<dyn CheckForbiddenHook>);
        config.add_send_message_hook(Arc::clone(&witness) as Arc<dyn SendMessageHook>);
        witness
    }

    fn hear(&self, heard: Heard) {
        self.0.lock().expect("no panic").push(heard);
    }

    /// What was heard since the last call.
    fn take(&self) -> Vec<Heard> {
        std::mem::take(&mut *self.0.lock().expect("no panic"))
    }

    /// The outcomes since the last call. Each attempt was checked, then begun, then ended, nothing between.
    fn outcomes(&self) -> Vec<(Seen, String)> {
        let heard = self.take();
        let outcome = |attempt: &[Heard]| match attempt {
            [Heard::Checked(checked), Heard::Before(before), Heard::After(after, outcome)]
                if checked == before && before == after =>
            {
                (after.clone(), outcome.clone())
            }
            other => panic!("not one attempt: {other:?}"),
        };
        heard.chunks(3).map(outcome).collect()
    }
}

impl CheckForbiddenHook for Witness {
    fn check(&self, attempt: &SendAttempt<'_>) -> Result<(), String> {
        self.hear(Heard::Checked(Seen::of(attempt)));
        Ok(())
    }
}

impl SendMessageHook for Witness {
    fn before(&self, attempt: &SendAttempt<'_>, _: &mut Vec<(String, String)>) {
        self.hear(Heard::Before(Seen::of(attempt)));
    }

    fn after(&self, attempt: &SendAttempt<'_>, outcome: SendOutcome<'_>) {
        let outcome = match outcome {
            SendOutcome::Stored(receipt) => {
                assert_eq!(receipt.message_id(), attempt.message_id);
                format!("stored by {} in {}", receipt.broker_name(), receipt.queue_id())
            }
            SendOutcome::Failed(error) => {
                let code = error.broker_code().map_or(String::new(), |code| format!(" {code}"));
                format!("{}{code}", error.name())
            }
            SendOutcome::Written => "written".to_owned(),
        };
        self.hear(Heard::After(Seen::of(attempt), outcome));
    }
}

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
    let settings = [("send.max.timeout.per.request.ms", "50"), ("retry.times", "1")];
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

#[test]
fn added_properties_arrive_with_the_attempt_they_were_added_to() {
    let cluster = with_topic(2, 1);
    let mut config = config(&cluster.name_server(), &[]);
    config.add_send_message_hook(Arc::new(Adds(
        |attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
            added.push(("attempt".to_owned(), attempt.number.to_string()));
            added.push(("of".to_owned(), attempt.message_id.to_owned()));
            if attempt.number == 1 {
                added.push(("only-first".to_owned(), "1".to_owned()));
            }
        },
    )));
    config.add_send_message_hook(Arc::new(Adds(|_: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
        assert_eq!(added[0].0, "attempt", "what earlier hooks added is shown");
        added.push(("second-hook".to_owned(), "grün".to_owned()));
    })));
    let producer = Producer::new(&config).expect("a producer");
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    let tagged = Message { tags: Some("TagA"), ..Message::new("T", b"body") };
    let receipt = producer.send(&tagged, None).expect("stored");
    let stored = cluster.stored("T").remove(0);
    assert_eq!((stored.property("attempt"), stored.property("of")), (Some("2"), Some(receipt.message_id())));
    assert_eq!((stored.property("only-first"), stored.property("second-hook")), (None, Some("grün")));
    assert_eq!(
        (stored.property("TAGS"), stored.property("UNIQ_KEY")),
        (Some("TagA"), Some(receipt.message_id()))
    );

    cluster.create_topic("First", 1, 1, 6, None);
    let mut only_first = common::config(&cluster.name_server(), &[]);
    only_first.add_send_message_hook(Arc::new(Adds(
        |attempt: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
            if attempt.number == 1 {
                added.push(("only-first".to_owned(), "1".to_owned()));
            }
        },
    )));
    let only_first = Producer::new(&only_first).expect("a producer");
    cluster.inject(on_sends(None, Some(1), Fault::Code { code: 14, remark: None }));
    assert_eq!(send(&only_first, "First").expect("stored").attempts(), 2);
    assert_eq!(cluster.stored("First")[0].property("only-first"), None);

    cluster.create_topic("B", 1, 1, 6, None);
    let messages = [Message::new("B", b"a"), Message::new("B", b"b"), Message::new("B", b"c")];
    cluster.inject(on_batches(None, Some(1), Fault::Code { code: 14, remark: None }));
    let receipts = producer.send_batch(&messages, None).expect("stored");
    let stored = cluster.stored("B");
    assert_eq!(stored.len(), 3);
    for (receipt, stored) in receipts.iter().zip(&stored) {
        assert_eq!(
            (stored.property("attempt"), stored.property("of")),
            (Some("2"), Some(receipt.message_id()))
        );
    }
}

#[test]
fn properties_that_would_break_the_others_are_left_out_and_logged() {
    let cluster = with_topic(1, 1);
    let mut config = config(&cluster.name_server(), &[]);
    let lines = Lines::of(&mut config);
    config.add_send_message_hook(Arc::new(Adds(|_: &SendAttempt<'_>, added: &mut Vec<(String, String)>| {
        let bad = [("a\u{1}b", "x"), ("named", "x\u{2}KEYS\u{1}y"), ("", "x"), ("blank", "  ")];
        added.push(("first".to_owned(), "1".to_owned()));
        added.extend(bad.map(|(name, value)| (name.to_owned(), value.to_owned())));
        added.push(("last".to_owned(), "2".to_owned()));
    })));
    send(&Producer::new(&config).expect("a producer"), "T").expect("stored");
    let stored = cluster.stored("T").remove(0);
    assert_eq!((stored.property("first"), stored.property("last")), (Some("1"), Some("2")));
    for left_out in ["a", "named", "", "blank", "KEYS"] {
        assert_eq!(stored.property(left_out), None, "{left_out:?}");
    }
    assert_eq!(lines.count("a send hook's property is left out"), 4);
    assert_eq!(lines.count("named contains U+0001 or U+0002"), 1);
}

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
    cluster.inject(on_sends(None, Some(4), Fault::Delay(ms(30))));
    for index in 0..50 {
        enqueue(&producer, &message, &queue, index);
    }
    let (stored, refused): (Vec<_>, Vec<_>) = in_order(&queue, 50).into_iter().partition(Result::is_ok);
    assert!(stored.len() >= 4 && refused.len() >= 2, "{} stored, {} refused", stored.len(), refused.len());
    refused.into_iter().for_each(|outcome| is_refused(&outcome.expect_err("refused")));

    let (producer, _) = refusing(105, ("batch.auto", "off"));
    let error = send(&producer, "T").expect_err("no route");
    assert_eq!((error.code(), error.attempts()), (ErrorCode::NameServer, 0));
    assert!(error.message().contains("refused by a hook (no key for "), "{error}");
}

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

#[test]
fn a_message_of_one_queue_that_is_forbidden_at_first_keeps_its_place_in_a_batch() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let mut config = config(&cluster.name_server(), &[PRESSURE]);
    config.add_check_forbidden_hook(Arc::new(Check(|attempt: &SendAttempt<'_>| {
        if attempt.body == b"7" && attempt.number == 1 { Err("not yet".into()) } else { Ok(()) }
    })));
    let producer = Producer::new(&config).expect("a producer");
    cluster.inject(on_sends(None, Some(1), Fault::Delay(ms(50))));
    let queue = CompletionQueue::new();
    let destination = Destination::Queue { broker: "broker-0", queue_id: 0 };
    for index in 0..20_usize {
        let body = index.to_string();
        let message = Message { destination, ..Message::new("T", body.as_bytes()) };
        enqueue(&producer, &message, &queue, index);
    }
    let receipts: Vec<_> = in_order(&queue, 20).into_iter().map(|outcome| outcome.expect("stored")).collect();
    assert!(receipts.iter().map(|receipt| receipt.queue_offset()).eq(0..20), "{receipts:?}");
    assert_eq!((receipts[7].attempts(), cluster.request_count(320)), (2, 1));
}

/// The listener is told in the midst of an outcome.
#[test]
fn a_writable_listener_that_panics_loses_no_outcome() {
    keep_boom_quiet();
    let cluster = cluster(1);
    let mut config = config(&cluster.name_server(), &[("in.flight.max.messages", "1")]);
    config.set_writable(Some(Arc::new(|| panic!("boom"))));
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    let send = || producer.send_async(&Message::new("T", b"x"), None);
    cluster.inject(on_sends(None, Some(1), Fault::Delay(ms(50))));
    let (sent, refused) = (send(), send());
    drop(sent);
    drop(refused);
    producer.close(PATIENCE).expect("every send has its outcome");
    assert_eq!((cluster.stored_count("T"), lines.count("writable")), (1, 1));
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
