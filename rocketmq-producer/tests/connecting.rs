//! Making connections to what is not there, or is not what it should be.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use common::{Lines, becomes_true, config, ms, producer, send, with_topic};
use rocketmq_producer::{ErrorCode, Producer};

/// A server that closes each connection at once, and how many there were.
fn closing_server() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let count = Arc::<AtomicUsize>::default();
    let accepted = Arc::clone(&count);
    // It ends with the test.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            accepted.fetch_add(1, Ordering::SeqCst);
            drop(stream);
        }
    });
    (address, count)
}

#[test]
fn connects_to_one_address_follow_each_other_ever_more_slowly_and_are_told_once() {
    let (address, connects) = closing_server();
    let mut config = config(&address, &[("log.level", "info")]);
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    let (began, mut sends) = (Instant::now(), 0);
    while began.elapsed() < ms(1000) {
        let error = send(&producer, "T").expect_err("no name server");
        assert_eq!(error.code(), ErrorCode::NameServer, "{error}");
        sends += 1;
    }
    let connects = connects.load(Ordering::SeqCst);
    // 0, 50, 100, 200, 400, … ms with a quarter by chance; as many as sends, and thousands, without pauses.
    assert!(connects <= 8, "{connects} connects for {sends} sends");
    // It may be closed in the midst of the connect, of the write or of the read, and each change of that is told.
    let told = lines.count(&format!("connection to {address}"));
    assert!((1..=connects).contains(&told), "{told} lines of {connects} connects");
}

#[test]
fn a_dead_broker_costs_no_time_while_another_is_there() {
    let cluster = with_topic(2, 2);
    let producer = producer(&cluster, &[("log.level", "off")]);
    send(&producer, "T").expect("stored");
    cluster.stop_broker("broker-0").expect("stopped");
    let began = Instant::now();
    const SENDS: u32 = 200;
    for _ in 0..SENDS {
        send(&producer, "T").expect("the other broker");
    }
    // Waiting for a pause of up to 2 s even in some of them would take more.
    assert!(began.elapsed() < ms(100) * SENDS / 2, "{:?}", began.elapsed());
}

#[test]
fn a_send_that_has_only_one_broker_waits_for_the_next_try() {
    let cluster = with_topic(1, 1);
    let settings = [("retry.times", "30"), ("retry.backoff.ms", "0"), ("log.level", "off")];
    let producer = producer(&cluster, &settings);
    send(&producer, "T").expect("stored");
    cluster.stop_broker("broker-0").expect("stopped");
    std::thread::scope(|scope| {
        let sent =
            scope.spawn(|| producer.send(&rocketmq_producer::Message::new("T", b"late"), Some(ms(30_000))));
        // The first attempt fails with the connection, the others at the connect.
        let failed = || producer.stats().expect("statistics").brokers[0].failed;
        assert!(becomes_true(|| failed() >= 3));
        cluster.start_broker("broker-0").expect("started");
        let receipt = sent.join().expect("no panic").expect("stored when it is there again");
        // Without pauses all of them would be made at once.
        assert!(receipt.attempts() < 20, "{} attempts", receipt.attempts());
    });
}
