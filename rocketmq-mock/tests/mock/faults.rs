//! Every kind of fault.

use std::io::{ErrorKind, Read};
use std::time::{Duration, Instant};

use rocketmq_mock::{Fault, FaultRule, MockCluster, NAME_SERVER, Profile};
use rocketmq_protocol::batch;
use rocketmq_protocol::codes::{request, response};

use crate::support::{Json, Rocketmq, Send, Wire, broker, broker_of, pairs};

fn once(fault: Fault) -> FaultRule {
    FaultRule { times: Some(1), ..FaultRule::new(fault) }
}

/// Asks for one fault and sends one message into it.
fn meet(cluster: &MockCluster, wire: &mut Wire, fault: Fault) -> i32 {
    cluster.inject(once(fault));
    let send = Send::to("Orders");
    let fields = send.fields();
    wire.ask(send.code, &pairs(&fields), send.body)
}

fn stored(cluster: &MockCluster) -> u64 {
    cluster.stored_count("Orders")
}

#[test]
fn a_code_comes_before_the_processor() {
    let (cluster, mut wire) = broker_of(Profile::V4_9);
    wire.encoding = Rocketmq;
    let remark = Some("[OVERLOAD]system busy, start flow control for a while".to_owned());
    let opaque = meet(&cluster, &mut wire, Fault::Code { code: 2, remark: remark.clone() });
    let reply = wire.reply().unwrap();
    assert_eq!((reply.code, reply.opaque, reply.encoding), (2, opaque, Json));
    assert_eq!((reply.remark, reply.fields.len()), (remark, 0));
    assert_eq!(stored(&cluster), 0);
    assert_eq!(wire.send(&Send::to("Orders")).code, 0);
}

#[test]
fn a_stored_message_may_be_answered_with_another_code() {
    let (cluster, mut wire) = broker();
    for code in [10, 11, 12] {
        meet(&cluster, &mut wire, Fault::StoredButCode { code });
        let reply = wire.reply().unwrap();
        assert_eq!((reply.code, &reply.remark), (code, &None));
        let last = cluster.stored("Orders").pop().unwrap();
        assert_eq!(reply.field("msgId"), Some(last.message_id.as_str()));
        assert_eq!(reply.number("queueOffset"), last.queue_offset);
    }
    cluster.inject(once(Fault::StoredButCode { code: 10 }));
    assert_eq!(wire.send(&Send::to("SELF_TEST_TOPIC")).code, 16);
}

#[test]
fn what_a_store_may_say_has_its_fault() {
    let refused = |code, remark: &str| Fault::Code { code, remark: Some(remark.to_owned()) };
    let stored_but = |code| Fault::StoredButCode { code };
    for (fault, code, is_stored) in [
        (stored_but(response::FLUSH_DISK_TIMEOUT), 10, true),
        (stored_but(response::SLAVE_NOT_AVAILABLE), 11, true),
        (stored_but(response::FLUSH_SLAVE_TIMEOUT), 12, true),
        (refused(response::SYSTEM_BUSY, "[PC_SYNCHRONIZED]broker busy"), 2, false),
        (refused(response::SYSTEM_ERROR, "[PC_SYNCHRONIZED]broker busy"), 1, false),
        (refused(response::FLOW_CONTROL, "flow control"), 215, false),
        (refused(response::NOT_LEADER_FOR_QUEUE, "not the leader"), 501, false),
    ] {
        let (cluster, mut wire) = broker();
        for send in [
            Send::to("Orders"),
            Send { batch: true, code: request::SEND_BATCH_MESSAGE, ..Send::to("Orders") },
        ] {
            let mut item = Vec::new();
            batch::push(&mut item, 0, &[], b"x").unwrap();
            let body = if send.batch { &item[..] } else { send.body };
            cluster.inject(once(fault.clone()));
            let before = stored(&cluster);
            let reply = wire.send(&Send { body, ..send });
            assert_eq!((reply.code, reply.field("msgId").is_some()), (code, is_stored));
            assert_eq!(stored(&cluster) - before, u64::from(is_stored));
        }
    }
}

#[test]
fn a_delayed_answer_holds_nobody_up() {
    let (cluster, mut wire) = broker();
    let begin = Instant::now();
    let late = meet(&cluster, &mut wire, Fault::Delay(Duration::from_secs(3)));
    let later = meet(&cluster, &mut wire, Fault::Delay(Duration::from_millis(3500)));
    let fast = wire.send(&Send::to("Orders"));
    assert_eq!(fast.number("queueOffset"), 2);
    assert!(begin.elapsed() < Duration::from_secs(3));
    assert_eq!(stored(&cluster), 3);
    let reply = wire.reply().unwrap();
    assert_eq!((reply.opaque, reply.number("queueOffset")), (late, 0));
    assert!(begin.elapsed() >= Duration::from_secs(3));
    assert_eq!(wire.reply().unwrap().opaque, later);
    assert!(begin.elapsed() >= Duration::from_millis(3500));
}

#[test]
fn a_held_answer_comes_when_its_rule_is_taken_back() {
    let (cluster, mut wire) = broker();
    let mut ask = |rule| {
        let rule = cluster.inject(rule);
        let send = Send::to("Orders");
        (rule, wire.ask(send.code, &pairs(&send.fields()), send.body))
    };
    // A rule that has met all its requests holds their answers all the same.
    let (first, held) = ask(once(Fault::Hold));
    let (_, other) = ask(once(Fault::Hold));
    assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), 2, "nobody else is held up");
    assert_eq!(stored(&cluster), 3);
    assert!(wire.is_silent());
    cluster.remove_fault(first);
    let reply = wire.reply().unwrap();
    assert_eq!((reply.opaque, reply.number("queueOffset")), (held, 0));
    assert!(wire.is_silent(), "another rule holds the other");
    cluster.clear_faults();
    assert_eq!(wire.reply().unwrap().opaque, other);
}

#[test]
fn silence_with_and_without_storing() {
    let (cluster, mut wire) = broker();
    meet(&cluster, &mut wire, Fault::NoAnswer);
    assert!(wire.is_silent());
    assert_eq!(stored(&cluster), 0);
    meet(&cluster, &mut wire, Fault::StoreThenNoAnswer);
    assert!(wire.is_silent());
    assert_eq!(stored(&cluster), 1);
    assert_eq!(wire.send(&Send::to("Orders")).number("queueOffset"), 1);
}

#[test]
fn resets_with_and_without_storing() {
    for (fault, count) in [(Fault::Reset, 0), (Fault::StoreThenReset, 1)] {
        let (cluster, mut wire) = broker();
        meet(&cluster, &mut wire, fault);
        assert_eq!(wire.end(), ErrorKind::ConnectionReset);
        assert_eq!(stored(&cluster), count);
        let mut again = Wire::to_broker(&cluster, "broker-0");
        assert_eq!(again.send(&Send::to("Orders")).code, 0);
    }
}

#[test]
fn a_partial_frame_ends_in_a_reset() {
    for bytes in [0, 3, 8, 60] {
        let (cluster, mut wire) = broker();
        meet(&cluster, &mut wire, Fault::PartialFrame { bytes });
        let mut got = Vec::new();
        let error = wire.stream.read_to_end(&mut got).unwrap_err();
        assert_eq!((error.kind(), got.len()), (ErrorKind::ConnectionReset, bytes));
        assert_eq!(stored(&cluster), 1);
    }
    let (cluster, mut wire) = broker();
    meet(&cluster, &mut wire, Fault::PartialFrame { bytes: usize::MAX });
    assert_eq!(wire.reply().unwrap().code, 0);
    assert_eq!(wire.end(), ErrorKind::ConnectionReset);
}

#[test]
fn the_other_encoding() {
    for (profile, asked, expected) in
        [(Profile::V5, Rocketmq, Rocketmq), (Profile::V5, Json, Rocketmq), (Profile::V4_9, Rocketmq, Json)]
    {
        let (cluster, mut wire) = broker_of(profile);
        wire.encoding = asked;
        meet(&cluster, &mut wire, Fault::OtherEncoding);
        let reply = wire.reply().unwrap();
        assert_eq!((reply.code, reply.encoding), (0, expected));
        assert_eq!(reply.number("queueOffset"), 0);
    }
}

#[test]
fn garbage_is_a_whole_frame_without_a_header() {
    let (cluster, mut wire) = broker();
    meet(&cluster, &mut wire, Fault::Garbage);
    assert_eq!(wire.reply().unwrap_err().kind(), ErrorKind::Other);
    assert_eq!(stored(&cluster), 1);
}

#[test]
fn a_wrong_opaque() {
    let (cluster, mut wire) = broker();
    let opaque = meet(&cluster, &mut wire, Fault::WrongOpaque);
    assert_ne!(wire.reply().unwrap().opaque, opaque);
}

#[test]
fn rules_choose_by_broker_code_topic_and_times() {
    let (cluster, mut wire) = broker();
    let refuse = |code| Fault::Code { code, remark: None };
    cluster.inject(FaultRule { broker: Some("broker-9".into()), ..FaultRule::new(refuse(1)) });
    cluster.inject(FaultRule { request_code: Some(request::HEART_BEAT), ..FaultRule::new(refuse(2)) });
    let by_topic =
        cluster.inject(FaultRule { topic: Some("Bad".into()), times: Some(2), ..FaultRule::new(refuse(14)) });
    let name_server = FaultRule { broker: Some(NAME_SERVER.into()), ..FaultRule::new(refuse(1)) };
    cluster.inject(name_server);

    assert_eq!(wire.send(&Send::to("Good")).code, 0);
    assert_eq!(wire.call(request::HEART_BEAT, &[], b"{}").code, 2);
    assert_eq!(wire.send(&Send::to("Bad")).code, 14);
    assert_eq!(wire.send(&Send { code: request::SEND_MESSAGE, ..Send::to("Bad") }).code, 14);
    assert_eq!(wire.send(&Send::to("Bad")).code, 0);
    let mut names = Wire::to_name_server(&cluster);
    assert_eq!(names.call(request::GET_BROKER_CLUSTER_INFO, &[], b"").code, 1);
    cluster.remove_fault(by_topic);
    cluster.clear_faults();
    assert_eq!(names.call(request::GET_BROKER_CLUSTER_INFO, &[], b"").code, 0);
}

#[test]
fn answers_before_a_reset_still_come() {
    use std::io::Write;
    let (cluster, mut wire) = broker();
    cluster.inject(FaultRule { topic: Some("Bad".into()), ..FaultRule::new(Fault::Reset) });
    let mut bytes = Vec::new();
    for topic in ["Good", "Good", "Bad", "Good"] {
        let fields = Send::to(topic).fields();
        bytes.extend(wire.frame(request::SEND_MESSAGE_V2, 0, &pairs(&fields), b"x").0);
    }
    wire.stream.write_all(&bytes).unwrap();
    assert_eq!(wire.reply().unwrap().code, 0);
    assert_eq!(wire.reply().unwrap().code, 0);
    assert_eq!(wire.end(), ErrorKind::ConnectionReset);
    assert_eq!(cluster.stored_count("Good"), 2);
}

#[test]
fn oneway_requests_meet_faults_without_an_answer() {
    let (cluster, mut wire) = broker();
    let fields = Send::to("Orders").fields();
    for (fault, count) in
        [(Fault::Code { code: 2, remark: None }, 0), (Fault::WrongOpaque, 1), (Fault::Garbage, 2)]
    {
        cluster.inject(once(fault));
        wire.oneway(request::SEND_MESSAGE_V2, &pairs(&fields), b"x");
        assert_eq!(wire.send(&Send::to("Other")).code, 0);
        assert_eq!(stored(&cluster), count);
    }
}

#[test]
fn requests_are_recorded_while_asked_for() {
    let (cluster, mut wire) = broker();
    wire.send(&Send::to("Before"));
    cluster.set_recording(true);
    cluster.inject(once(Fault::NoAnswer));
    let fields = Send::to("Orders").fields();
    wire.encoding = Rocketmq;
    let opaque = wire.ask(request::SEND_MESSAGE_V2, &pairs(&fields), b"body");
    wire.send(&Send::to("Orders"));
    cluster.set_recording(true);
    wire.send(&Send::to("Orders"));
    assert_eq!(cluster.requests().len(), 1);
    cluster.set_recording(true);
    wire.oneway(request::SEND_MESSAGE_V2, &pairs(&fields), b"body");
    assert!(cluster.wait_until(crate::support::PATIENCE, |cluster| !cluster.requests().is_empty()));
    let request = cluster.requests().remove(0);
    assert_eq!((request.server.as_str(), request.code, request.flag), ("broker-0", 310, 2));
    assert_eq!((request.encoding, request.version, request.language), (Rocketmq, 473, 12));
    assert_eq!((request.field("b"), &request.body[..]), (Some("Orders"), &b"body"[..]));
    assert!(request.opaque > opaque);
}
