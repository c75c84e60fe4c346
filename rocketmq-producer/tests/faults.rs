//! What goes wrong on the way, and what the caller is told.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::net::TcpListener;
use std::time::Instant;

use common::{
    LATE, Lines, PATIENCE, becomes_true, cluster, config, ms, on_batches, on_sends, poll, producer, send,
    with_topic,
};
use rocketmq_mock::{Fault, FaultRule, MockCluster, MockOptions, NAME_SERVER};
use rocketmq_producer::{CompletionQueue, Error, ErrorCode, Message, Persistence, Producer, SendStatus, Tag};

fn refused(code: i32) -> Fault {
    Fault::Code { code, remark: Some("because".into()) }
}

#[test]
fn a_broker_error_carries_code_remark_address_and_story() {
    let cluster = with_topic(1, 1);
    cluster.inject(on_sends(None, None, refused(13)));
    let error = send(&producer(&cluster, &[]), "T").expect_err("refused");
    assert_eq!(
        (error.code(), error.broker_code(), error.remark()),
        (ErrorCode::Broker, Some(13), Some("because"))
    );
    assert_eq!(error.broker_address(), cluster.broker_address("broker-0").as_deref());
    assert_eq!((error.attempts(), error.persistence()), (1, Persistence::NotPersisted));
    assert!(!error.is_retriable());
    for part in ["topic T", "1 attempt", "MESSAGE_ILLEGAL", "because", "broker-0"] {
        assert!(error.message().contains(part), "{error} should name {part}");
    }
}

#[test]
fn retriable_codes_go_to_another_broker_with_the_same_unique_id() {
    let cluster = with_topic(2, 1);
    cluster.set_recording(true);
    cluster.inject(on_sends(None, Some(1), refused(2)));
    let receipt = send(&producer(&cluster, &[]), "T").expect("the second broker takes it");
    assert_eq!(receipt.attempts(), 2);
    let requests: Vec<_> = cluster.requests().into_iter().filter(|request| request.code == 310).collect();
    assert_eq!(requests.len(), 2);
    assert_ne!(requests[0].server, requests[1].server);
    assert_eq!(cluster.stored_count("T"), 1);
}

#[test]
fn async_sends_are_retried_by_their_own_count() {
    for (times, stored) in [("0", false), ("1", true)] {
        let cluster = with_topic(1, 1);
        cluster.inject(on_sends(None, Some(1), refused(14)));
        let producer = producer(&cluster, &[("retry.times", "0"), ("retry.times.async", times)]);
        let queue = CompletionQueue::new();
        producer.send_queued(&Message::new("T", b"x"), None, &queue, Tag(0, 0)).expect("accepted");
        let mut reports = Vec::new();
        assert_eq!(poll(&queue, &mut reports, 1, PATIENCE), 1);
        assert_eq!(reports[0].result.is_ok(), stored);
    }
}

#[test]
fn stored_with_a_warning_is_a_receipt_not_a_failure() {
    let statuses = [
        (10, SendStatus::FlushDiskTimeout),
        (12, SendStatus::FlushSlaveTimeout),
        (11, SendStatus::SlaveNotAvailable),
    ];
    for (code, status) in statuses {
        let cluster = with_topic(2, 1);
        cluster.inject(on_sends(None, None, Fault::StoredButCode { code }));
        assert_eq!(send(&producer(&cluster, &[]), "T").expect("stored").status(), status);
        assert_eq!(cluster.stored_count("T"), 1, "once, not again");
        let asked =
            producer(&cluster, &[("retry.another.broker.when.not.store.ok", "true"), ("retry.times", "1")]);
        let receipt = send(&asked, "T").expect("stored");
        assert_eq!(receipt.status(), status, "the earlier receipt if nothing better comes");
        assert_eq!(cluster.stored_count("T"), 3, "another broker was asked as well");
    }
}

#[test]
fn one_silent_broker_of_two_never_takes_longer_than_the_timeout() {
    for batching in ["off", "pressure"] {
        one_silent_broker_of_two(batching);
    }
}

fn one_silent_broker_of_two(batching: &str) {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[("batch.auto", batching)]);
    for _ in 0..4 {
        send(&producer, "T").expect("warm");
    }
    for fault in [on_sends, on_batches] {
        cluster.inject(fault(Some("broker-0"), None, Fault::NoAnswer));
    }
    let queue = CompletionQueue::new();
    let started = Instant::now();
    for index in 0..20 {
        producer
            .send_queued(&Message::new("T", b"x"), Some(ms(3000)), &queue, Tag(index, 0))
            .expect("accepted");
    }
    let mut reports = Vec::new();
    while reports.len() < 20 {
        assert!(poll(&queue, &mut reports, 20, PATIENCE) > 0);
    }
    assert!(started.elapsed() <= ms(3000) + LATE, "{:?}", started.elapsed());
    let failed: Vec<&Error> = reports.iter().filter_map(|report| report.result.as_ref().err()).collect();
    assert_eq!(failed.len(), 10, "the other broker answered its half");
    let sent = failed.iter().filter(|error| error.persistence() == Persistence::PossiblyPersisted).count();
    assert_eq!(sent, 10, "those behind the first four were not held back to the end");
    for error in failed {
        assert_eq!(error.code(), ErrorCode::Timeout);
        if error.persistence() == Persistence::PossiblyPersisted {
            assert_eq!(error.broker_address(), cluster.broker_address("broker-0").as_deref());
        }
        assert!(error.elapsed() >= ms(2990) && error.elapsed() <= ms(3000) + LATE, "{:?}", error.elapsed());
    }
}

#[test]
fn a_late_answer_is_nobodys() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("warm");
    let held = cluster.inject(on_sends(None, Some(1), Fault::Hold));
    let error = producer.send(&Message::new("T", b"late"), Some(ms(50))).expect_err("too late");
    assert_eq!(error.code(), ErrorCode::Timeout);
    cluster.remove_fault(held);
    for index in 1..200 {
        let receipt = send(&producer, "T").expect("stored");
        assert_eq!(receipt.attempts(), 1, "send {index}");
    }
    assert_eq!(cluster.stored_count("T"), 201);
}

#[test]
fn a_reset_in_mid_frame_is_retried_on_the_other_broker() {
    for fault in [Fault::PartialFrame { bytes: 7 }, Fault::Reset, Fault::StoreThenReset, Fault::Garbage] {
        let cluster = with_topic(2, 1);
        cluster.inject(on_sends(None, Some(1), fault.clone()));
        let receipt = send(&producer(&cluster, &[]), "T").expect("the other broker");
        assert_eq!(receipt.attempts(), 2, "{fault:?}");
    }
}

#[test]
fn a_lost_connection_says_that_the_message_may_be_stored() {
    let cluster = with_topic(1, 1);
    cluster.inject(on_sends(None, None, Fault::StoreThenReset));
    let producer = producer(&cluster, &[("retry.times", "0")]);
    let error = send(&producer, "T").expect_err("reset");
    assert_eq!(
        (error.code(), error.persistence()),
        (ErrorCode::ConnectionLost, Persistence::PossiblyPersisted)
    );
    assert_eq!(cluster.stored_count("T"), 1);
    cluster.clear_faults();
    send(&producer, "T").expect("a new connection");
}

#[test]
fn a_broker_that_is_gone_and_comes_back() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("stored");
    cluster.stop_broker("broker-0").expect("stopped");
    let error = send(&producer, "T").expect_err("nobody there");
    assert!(matches!(error.code(), ErrorCode::Connect | ErrorCode::ConnectionLost), "{error}");
    assert_eq!(error.persistence(), Persistence::NotPersisted);
    cluster.start_broker("broker-0").expect("started");
    send(&producer, "T").expect("stored again");
}

#[test]
fn no_route_name_server_down_refused_and_denied_are_four_errors() {
    let cluster = cluster(1);
    cluster.set_auto_create(false);
    let error = send(&producer(&cluster, &[]), "Unknown").expect_err("no topic");
    assert_eq!(error.code(), ErrorCode::NoRoute);
    assert!(error.message().contains("Unknown"), "{error}");
    assert_eq!(error.attempts(), 0);

    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let unreachable = Producer::new(&config(&free.to_string(), &[])).expect("starts all the same");
    let error = send(&unreachable, "T").expect_err("nobody there");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains(&free.to_string()), "{error}");
    assert_eq!(error.persistence(), Persistence::NotPersisted);
    let error = unreachable.wait_ready(ms(100)).expect_err("nobody there");
    assert!(error.message().contains(&free.to_string()), "{error}");

    cluster.create_topic("T", 1, 1, 6, None);
    for (code, kind) in [(13, ErrorCode::Broker), (16, ErrorCode::AccessDenied)] {
        let fault = cluster.inject(on_sends(None, None, refused(code)));
        assert_eq!(send(&producer(&cluster, &[]), "T").expect_err("refused").code(), kind);
        cluster.remove_fault(fault);
    }
}

#[test]
fn a_silent_name_server_costs_no_more_than_the_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let patient = [("api.timeout.ms", "60000"), ("connect.timeout.ms", "60000")];
    let producer = Producer::new(&config(&address, &patient)).expect("a producer");
    let started = Instant::now();
    let error = producer.send(&Message::new("T", b"x"), Some(ms(300))).expect_err("silent");
    assert!(started.elapsed() >= ms(290) && started.elapsed() <= LATE, "{:?}", started.elapsed());
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains(&address), "{error}");
}

#[test]
fn a_wrong_port_is_told_from_a_name_server() {
    let web = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = web.local_addr().expect("an address").to_string();
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut socket, _) = web.accept().expect("a caller");
        socket.read_exact(&mut [0; 4]).expect("a request");
        socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").expect("answered");
    });
    let producer = Producer::new(&config(&address, &[])).expect("a producer");
    let error = send(&producer, "T").expect_err("not a name server");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains("not a RocketMQ name server"), "{error}");
    server.join().expect("served");

    let cluster = cluster(1);
    let broker = cluster.broker_address("broker-0").expect("an address");
    let producer = Producer::new(&config(&broker, &[])).expect("a producer");
    let error = send(&producer, "T").expect_err("a broker is not one either");
    assert_eq!((error.code(), error.broker_code()), (ErrorCode::NameServer, Some(3)));
}

#[test]
fn host_names_are_resolved_and_unknown_ones_are_named() {
    let cluster = cluster(1);
    let port = cluster.name_server().rsplit(':').next().map(str::to_owned).expect("a port");
    let producer = Producer::new(&config(&format!("localhost:{port}"), &[])).expect("a producer");
    send(&producer, "T").expect("stored");
    let nowhere = Producer::new(&config("no-such-host.invalid:9876", &[])).expect("a producer");
    let error = send(&nowhere, "T").expect_err("no such host");
    assert_eq!(error.code(), ErrorCode::NameServer);
    assert!(error.message().contains("no-such-host.invalid:9876"), "{error}");
}

#[test]
fn the_next_name_server_is_asked_when_one_fails() {
    let cluster = cluster(1);
    let free = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let list = format!("{free};{}", cluster.name_server());
    for _ in 0..4 {
        let producer = Producer::new(&config(&list, &[])).expect("a producer");
        producer.wait_ready(PATIENCE).expect("one answers");
        send(&producer, "T").expect("stored");
    }
}

#[test]
fn a_name_server_that_dies_takes_nothing_known_with_it() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("route.refresh.interval.ms", "100")]);
    send(&producer, "T").expect("stored");
    cluster.stop_name_server().expect("stopped");
    let started = Instant::now();
    while started.elapsed() < ms(500) {
        send(&producer, "T").expect("the route is still known");
    }
}

#[test]
fn addresses_come_by_http_when_none_are_configured() {
    let cluster = cluster(1);
    let page = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/rocketmq/nsaddr", page.local_addr().expect("an address"));
    let body = format!(" {}\nignored", cluster.name_server());
    let server = std::thread::spawn(move || {
        use std::io::{Read, Write};
        let (mut socket, _) = page.accept().expect("a caller");
        let mut request = [0; 1024];
        let read = socket.read(&mut request).expect("a request");
        write!(
            socket,
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .expect("answered");
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let mut settings = config("127.0.0.1:1", &[("name.server.url", &url)]);
    settings.set("name.server", "").expect("unset");
    let producer = Producer::new(&settings).expect("a producer");
    producer.wait_ready(PATIENCE).expect("found");
    send(&producer, "T").expect("stored");
    assert!(server.join().expect("served").starts_with("GET /rocketmq/nsaddr "));
}

#[test]
fn without_any_name_server_there_is_no_producer() {
    let mut settings = config("127.0.0.1:1", &[]);
    settings.set("name.server", "").expect("unset");
    assert_eq!(Producer::new(&settings).expect_err("nowhere").code(), ErrorCode::NoNameServer);
}

#[test]
fn read_only_topics_have_no_route_to_write() {
    let cluster = cluster(1);
    cluster.create_topic("ReadOnly", 4, 4, 4, None);
    let error = send(&producer(&cluster, &[]), "ReadOnly").expect_err("read-only");
    assert_eq!(error.code(), ErrorCode::NoRoute);
}

#[test]
fn close_completes_ten_thousand_sends_on_a_silent_broker_once_each() {
    for batching in ["off", "pressure"] {
        close_with_ten_thousand_in_flight(batching);
    }
}

fn close_with_ten_thousand_in_flight(batching: &str) {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("batch.auto", batching)]);
    send(&producer, "T").expect("warm");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let queue = CompletionQueue::new();
    for index in 0..10_000 {
        let message = Message::new("T", b"x");
        producer.send_queued(&message, Some(PATIENCE), &queue, Tag(index, 0)).expect("accepted");
    }
    let started = Instant::now();
    let error = producer.close(ms(200)).expect_err("not all were answered");
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    let mut reports = Vec::new();
    poll(&queue, &mut reports, usize::MAX, ms(0));
    let mut seen = vec![false; 10_000];
    let mut sent = 0;
    for report in &reports {
        assert!(!std::mem::replace(&mut seen[report.tag.0], true), "twice");
        let error = report.result.as_ref().expect_err("never answered");
        assert_eq!(error.code(), ErrorCode::Closed);
        sent += usize::from(error.persistence() == Persistence::PossiblyPersisted);
    }
    assert_eq!(sent, if batching == "off" { 10_000 } else { 4 }, "the others were never written");
    assert_eq!(reports.len(), 10_000);
    drop(reports);
    assert_eq!(producer.in_flight(), 0);
    producer.close(ms(0)).expect("closing again does nothing");
    assert_eq!(send(&producer, "T").expect_err("closed").code(), ErrorCode::Closed);
}

#[test]
fn dropping_the_producer_completes_what_is_in_flight() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[]);
    send(&producer, "T").expect("warm");
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let queue = CompletionQueue::new();
    producer.send_queued(&Message::new("T", b"x"), Some(PATIENCE), &queue, Tag(7, 0)).expect("accepted");
    drop(producer);
    let mut reports = Vec::new();
    assert_eq!(poll(&queue, &mut reports, 1, PATIENCE), 1);
    assert_eq!(reports[0].result.as_ref().expect_err("closed").code(), ErrorCode::Closed);
}

#[test]
fn over_the_bound_a_send_fails_at_once_or_waits() {
    let cluster = with_topic(1, 1);
    cluster.inject(on_sends(None, None, Fault::NoAnswer));
    let bounds = [("in.flight.max.messages", "2"), ("in.flight.max.bytes", "1000")];
    let failing = producer(&cluster, &bounds);
    let queue = CompletionQueue::new();
    let message = Message::new("T", b"x");
    for index in 0..2 {
        failing.send_queued(&message, Some(PATIENCE), &queue, Tag(index, 0)).expect("room");
    }
    let error = failing.send_queued(&message, None, &queue, Tag(2, 0)).expect_err("full");
    assert!(error.code() == ErrorCode::QueueFull && error.is_static());
    let waiting = producer(&cluster, &[bounds[0], bounds[1], ("in.flight.full", "wait")]);
    for index in 0..2 {
        waiting.send_queued(&message, Some(PATIENCE), &queue, Tag(index, 0)).expect("room");
    }
    let started = Instant::now();
    let error = waiting.send_queued(&message, Some(ms(100)), &queue, Tag(2, 0)).expect_err("still full");
    assert!(error.code() == ErrorCode::QueueFull && started.elapsed() >= ms(100));
    assert_eq!(failing.in_flight(), 2);
}

#[test]
fn a_report_counts_until_it_is_taken() {
    let cluster = with_topic(1, 1);
    let producer = producer(&cluster, &[("in.flight.max.messages", "1")]);
    let queue = CompletionQueue::new();
    let message = Message::new("T", b"x");
    producer.send_queued(&message, None, &queue, Tag(0, 0)).expect("room");
    producer.flush(PATIENCE).expect("answered");
    assert!(producer.send_queued(&message, None, &queue, Tag(1, 0)).is_err(), "the report still lies there");
    let mut reports = Vec::new();
    assert_eq!(poll(&queue, &mut reports, 1, PATIENCE), 1);
    reports.clear();
    producer.send_queued(&message, None, &queue, Tag(1, 0)).expect("room again");
}

#[test]
fn a_name_server_fault_is_named() {
    let cluster = cluster(1);
    cluster.inject(FaultRule {
        broker: Some("namesrv".into()),
        request_code: Some(105),
        times: None,
        topic: None,
        fault: Fault::Code { code: 1, remark: Some("name server not ready".into()) },
    });
    let error = send(&producer(&cluster, &[]), "T").expect_err("not ready");
    assert_eq!((error.code(), error.broker_code()), (ErrorCode::NameServer, Some(1)));
    assert!(error.message().contains("name server not ready"), "{error}");
}

#[test]
fn a_409_broker_is_understood_too() {
    let options = MockOptions { profile: rocketmq_mock::Profile::V4_9, ..MockOptions::default() };
    let cluster = MockCluster::start(options).expect("a mock cluster");
    for encoding in ["rocketmq", "json"] {
        send(&producer(&cluster, &[("header.encoding", encoding)]), "T").expect(encoding);
    }
    cluster.inject(on_sends(None, Some(1), Fault::OtherEncoding));
    send(&producer(&cluster, &[]), "T").expect("the other encoding");
}

#[test]
fn the_codes_that_are_retried_are_the_programs_choice() {
    let cluster = with_topic(2, 1);
    cluster.inject(on_sends(None, Some(1), refused(2)));
    let strict = producer(&cluster, &[("retry.response.codes", "14,16")]);
    assert_eq!(send(&strict, "T").expect_err("2 is not in the list").attempts(), 1);
    cluster.inject(on_sends(None, Some(1), refused(13)));
    let lenient = producer(&cluster, &[("retry.response.codes", "13")]);
    assert_eq!(send(&lenient, "T").expect("13 is in the list").attempts(), 2);
}

#[test]
fn a_limit_per_attempt_leaves_time_for_another_broker() {
    let cluster = with_topic(2, 1);
    let producer = producer(&cluster, &[("send.max.timeout.per.request.ms", "1000")]);
    cluster.inject(on_sends(Some("broker-0"), None, Fault::NoAnswer));
    for _ in 0..2 {
        let receipt = send(&producer, "T").expect("the other broker");
        assert_eq!(receipt.broker_name(), "broker-1");
        assert!(receipt.elapsed() < PATIENCE / 2, "{:?}", receipt.elapsed());
    }
}

/// A look-up that fails while a refresh succeeds takes nothing away.
#[test]
fn a_known_route_is_used_though_a_look_up_fails() {
    let cluster = cluster(1);
    cluster.create_topic("T", 1, 1, 6, None);
    let asked = |times| FaultRule {
        request_code: Some(105),
        broker: Some(NAME_SERVER.to_owned()),
        times,
        ..FaultRule::new(Fault::NoAnswer)
    };
    cluster.inject(asked(Some(1)));
    let settings = [("route.refresh.interval.ms", "100"), ("api.timeout.ms", "1000")];
    let producer = producer(&cluster, &settings);
    send(&producer, "T").expect("stored: the refresh has the route");
    cluster.inject(asked(None));
    send(&producer, "T").expect("stored: the route is known");
}

#[test]
fn a_silent_connection_is_given_up_with_the_first_time_out() {
    let cluster = with_topic(1, 1);
    // Between the first heartbeats and the next ones there is nothing else that could time out.
    let mut config = config(&cluster.name_server(), &[("heartbeat.interval.ms", "100000")]);
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    for _ in 0..10 {
        send(&producer, "T").expect("stored");
    }
    cluster.inject(FaultRule { broker: Some("broker-0".into()), ..FaultRule::new(Fault::NoAnswer) });
    let error = producer.send(&Message::new("T", b"x"), Some(ms(3100))).expect_err("no answer");
    cluster.clear_faults();
    assert_eq!(error.code(), ErrorCode::Timeout);
    assert!(becomes_true(|| lines.count("the peer answers no more") == 1), "silent for three seconds");
    send(&producer, "T").expect("on a new connection");
}

#[test]
fn a_slow_answer_on_a_connection_that_lives_ends_nothing() {
    let cluster = with_topic(1, 1);
    let mut config = config(&cluster.name_server(), &[]);
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    send(&producer, "T").expect("stored");
    cluster.inject(on_sends(None, Some(1), Fault::NoAnswer));
    let queue = CompletionQueue::new();
    producer.send_queued(&Message::new("T", b"x"), Some(ms(3500)), &queue, Tag(0, 0)).expect("accepted");
    assert!(becomes_true(|| cluster.request_count(310) == 2));
    while queue.is_empty() {
        send(&producer, "T").expect("stored");
    }
    assert_eq!(lines.count("the peer answers no more"), 0);
}
