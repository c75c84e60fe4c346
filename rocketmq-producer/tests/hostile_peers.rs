//! Peers that send without end have the I/O thread in turn with everybody else, and what they send takes bounded memory.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Instant;

use common::{Lines, PATIENCE, becomes_true, config, ms, on_batches, on_sends, producer, with_topic};
use rocketmq_mock::Fault;
use rocketmq_producer::{CompletionQueue, Destination, Message, Producer, Tag};
use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::header::flag;
use rocketmq_protocol::language::Language;

/// A server that writes the same bytes to its first client until the client or the test ends, and reads if it is asked to.
struct Loud {
    address: String,
    written: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Loud {
    fn start(bytes: Vec<u8>, reads: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let (written, over) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let shared = (Arc::clone(&written), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let (written, over) = shared;
            let (mut client, _) = listener.accept().expect("a client");
            if reads {
                let client = client.try_clone().expect("a second handle");
                std::thread::spawn(move || drain(client));
            }
            client.set_write_timeout(Some(ms(50))).expect("a time limit");
            let mut at = 0;
            while !over.load(SeqCst) {
                match client.write(&bytes[at..]) {
                    Ok(count) => {
                        at = (at + count) % bytes.len();
                        written.fetch_add(count as u64, SeqCst);
                    }
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => return,
                }
            }
        });
        Self { address, written, over, thread: Some(thread) }
    }
}

impl Drop for Loud {
    fn drop(&mut self) {
        self.over.store(true, SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = TcpStream::connect(&self.address);
            assert!(thread.join().is_ok());
        }
    }
}

fn drain(mut client: TcpStream) {
    let mut bytes = vec![0; 1 << 16];
    while client.read(&mut bytes).is_ok_and(|count| count > 0) {}
}

fn frames(flag: i32, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for opaque in 0..count {
        let preamble = Preamble {
            code: 307,
            language: Language::Java,
            version: 0,
            opaque: 0x4000_0000 + opaque as i32,
            flag,
            remark: None,
        };
        encode_frame(&mut bytes, HeaderEncoding::Rocketmq, &preamble, &NoFields, &[]).expect("a frame");
    }
    bytes
}

/// While the peer of one producer is loud, another producer of the process sends to a healthy broker.
fn others_go_on_beside(bytes: Vec<u8>, reads: bool) {
    let loud = Loud::start(bytes, reads);
    let deaf = Producer::new(&config(&loud.address, &[("producer.group", "deaf")])).expect("a producer");
    let healthy = with_topic(1, 4);
    let producer = producer(&healthy, &[]);
    let queue = CompletionQueue::new();
    // The first thing that producer asks is a route, from the loud one.
    deaf.send_queued(&Message::new("T", b"x"), Some(ms(600_000)), &queue, Tag(0, 0)).expect("accepted");
    assert!(becomes_true(|| loud.written.load(SeqCst) > 1 << 20), "the loud one is read");
    let (told, ended) = channel();
    std::thread::spawn(move || {
        for _ in 0..20 {
            let outcome = producer.send(&Message::new("T", b"quiet"), Some(ms(1000)));
            if told.send(outcome.map(|_| ())).is_err() {
                return;
            }
        }
    });
    let before = loud.written.load(SeqCst);
    let mut stored = 0;
    for number in 0..20 {
        let outcome = ended.recv_timeout(PATIENCE);
        let outcome = outcome.unwrap_or_else(|_| panic!("send {number} with 1 s hangs"));
        stored += u32::from(outcome.is_ok());
    }
    // A machine that is slow may miss a deadline; an I/O thread that is taken misses them all.
    assert!(stored > 0, "the I/O thread is taken");
    assert!(becomes_true(|| loud.written.load(SeqCst) > before), "and the loud one goes on");
}

#[test]
fn answers_that_nobody_waits_for() {
    others_go_on_beside(frames(flag::RESPONSE, 1000), false);
}

#[test]
fn requests_that_are_not_answered() {
    others_go_on_beside(frames(flag::ONEWAY, 1000), false);
}

#[test]
fn requests_whose_answers_are_read() {
    others_go_on_beside(frames(0, 1000), true);
}

/// What the log says at the end of a connection to a server that sends this.
fn ends_with(bytes: Vec<u8>, reason: &str) {
    let loud = Loud::start(bytes, false);
    let mut config = config(&loud.address, &[]);
    let lines = Lines::of(&mut config);
    let producer = Producer::new(&config).expect("a producer");
    let queue = CompletionQueue::new();
    producer.send_queued(&Message::new("T", b"x"), Some(PATIENCE), &queue, Tag(0, 0)).expect("accepted");
    assert!(becomes_true(|| lines.count(reason) > 0), "the log says: {reason}");
    assert!(loud.written.load(SeqCst) < 64 << 20, "{} bytes were taken", loud.written.load(SeqCst));
}

#[test]
fn a_peer_that_asks_and_does_not_read_is_left() {
    ends_with(frames(0, 1000), "the peer asks and does not read");
}

#[test]
fn a_header_that_no_request_asked_for_is_not_waited_for() {
    let announced = [0_u8, 0xff, 0xff, 0, 1, 0x10, 0, 0];
    let bytes = [&announced[..], &[b'x'; 1 << 16]].concat();
    ends_with(bytes, "a header of 1048576 bytes, where none is longer than 65536");
}

#[test]
fn unfinished_frames_of_all_peers_are_bounded_together() {
    // A frame of 16 MiB of which a little is never sent.
    let mut frame = vec![0; (16 << 20) - 4096];
    frame[..8].copy_from_slice(&[0, 0xff, 0xff, 0xfc, 1, 0, 0, 21]);
    let parts = |_| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let mut config = config(&address, &[("instance.name", &address)]);
        let lines = Lines::of(&mut config);
        let producer = Producer::new(&config).expect("a producer");
        let queue = CompletionQueue::new();
        producer.send_queued(&Message::new("T", b"x"), Some(PATIENCE), &queue, Tag(0, 0)).expect("accepted");
        let (mut client, _) = listener.accept().expect("the client");
        // The client may close in the midst of it.
        let _ = client.write_all(&frame);
        (producer, client, lines)
    };
    let peers: Vec<_> = (0..9).map(parts).collect();
    let refused =
        || peers.iter().filter(|(.., lines)| lines.count("of an unfinished frame, and") > 0).count();
    assert!(becomes_true(|| refused() > 0), "8 frames are the most");
    assert_eq!(refused(), 1);
}

/// Thousands of sends to a silent broker end together. Meanwhile a whole send of another producer takes place.
fn many_ends_leave_room_for_others(batching: &str) {
    const MANY: usize = 20_000;
    let (silent, healthy) = (with_topic(1, 1), with_topic(1, 1));
    let settings = [("batch.auto", batching), ("retry.times.async", "0"), ("producer.group", "many")];
    let many = producer(&silent, &settings);
    let quiet = producer(&healthy, &[]);
    for producer in [&many, &quiet] {
        common::send(producer, "T").expect("warm");
    }
    for fault in [on_sends, on_batches] {
        silent.inject(fault(None, None, Fault::NoAnswer));
    }
    let queue = CompletionQueue::new();
    let message = Message {
        destination: Destination::Queue { broker: "broker-0", queue_id: 0 },
        ..Message::new("T", b"x")
    };
    let over = Instant::now() + ms(2000);
    for index in 0..MANY {
        // All at the same moment.
        let left = over.saturating_duration_since(Instant::now()).max(ms(1));
        many.send_queued(&message, Some(left), &queue, Tag(index, 0)).expect("accepted");
    }
    let mut in_between = 0;
    while queue.len() < MANY {
        let has_begun = !queue.is_empty();
        quiet.send(&Message::new("T", b"quiet"), Some(PATIENCE)).expect("stored");
        if has_begun && queue.len() < MANY {
            in_between += 1;
        }
    }
    assert!(in_between > 0, "with {batching} nobody came in between");
}

#[test]
fn many_sends_that_time_out_at_once() {
    for batching in ["off", "pressure"] {
        many_ends_leave_room_for_others(batching);
    }
}
