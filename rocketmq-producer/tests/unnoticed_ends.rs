//! Connections that end while nobody looks, because the program is stopped or its hooks take their time: nothing that it sends
//! then is lost without a word.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use common::{PATIENCE, becomes_true, config, send, with_topic};
use rocketmq_producer::hooks::{RpcHook, RpcResponse};
use rocketmq_producer::{Message, Producer};

/// With it this test binary is the program that is stopped, and sends there.
const NAME_SERVER: &str = "STOPPED_PROCESS_NAME_SERVER";

/// Not a test of its own: the program, which the test below starts. It sends one message for each line it reads, and
/// says how many have failed.
#[test]
fn program() {
    let Ok(name_server) = std::env::var(NAME_SERVER) else { return };
    let settings = [("heartbeat.interval.ms", "100000"), ("log.level", "off")];
    let producer = Producer::new(&config(&name_server, &settings)).expect("a producer");
    let mut line = String::new();
    while std::io::stdin().read_line(&mut line).expect("a line") > 0 {
        producer.send_oneway(&Message::new("T", b"x"), Some(PATIENCE)).expect("accepted");
        producer.flush(PATIENCE).expect("flushed");
        println!("failed {}", producer.stats().expect("statistics").failed.total());
    }
}

struct Stoppable {
    process: Child,
    lines: ChildStdin,
    answers: Box<dyn Iterator<Item = String>>,
}

impl Stoppable {
    fn start(name_server: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "program", "--nocapture"])
            .env(NAME_SERVER, name_server)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program");
        let lines = process.stdin.take().expect("its input");
        let answers = BufReader::new(process.stdout.take().expect("its output")).lines();
        let answers = answers.map(|line| line.expect("a line")).filter(|line| line.contains("failed "));
        Self { process, lines, answers: Box::new(answers) }
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().expect("kill").success());
    }

    fn stop(&self) {
        self.signal("-STOP");
        let state = format!("/proc/{}/stat", self.process.id());
        assert!(becomes_true(|| std::fs::read_to_string(&state).is_ok_and(|stat| stat.contains(") T "))));
    }

    fn begin_send(&mut self) {
        writeln!(self.lines, "send").expect("written");
    }

    /// How many of its messages have failed until the send just begun was over.
    fn failed(&mut self) -> u64 {
        let line = self.answers.next().expect("an answer");
        line.rsplit(' ').next().and_then(|count| count.parse().ok()).expect("a count")
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_one_way_message_after_the_stop_is_stored_or_failed() {
    let cluster = with_topic(1, 1);
    let mut program = Stoppable::start(&cluster.name_server());
    let mut sent = 0;
    for _ in 0..20 {
        program.begin_send();
        let failed = program.failed();
        sent += 1;
        assert!(becomes_true(|| cluster.stored_count("T") + failed == sent), "message {sent} is on its way");
        program.stop();
        cluster.stop_broker("broker-0").expect("stopped");
        cluster.start_broker("broker-0").expect("it is there again");
        program.begin_send();
        program.signal("-CONT");
        let failed = program.failed();
        sent += 1;
        let is_told = || cluster.stored_count("T") + failed == sent;
        assert!(
            becomes_true(is_told),
            "of {sent} messages {} are stored and {failed} failed",
            cluster.stored_count("T")
        );
    }
}

/// Holds the I/O thread at the answer to a send, until it is told to go on.
struct Gate {
    reached: Sender<()>,
    opened: Mutex<Receiver<()>>,
}

impl RpcHook for Gate {
    fn after_response(&self, response: &RpcResponse<'_, '_>) {
        if response.request_code() == 310 {
            self.reached.send(()).expect("the test listens");
            self.opened.lock().expect("no panic").recv().expect("opened");
        }
    }
}

#[test]
fn a_one_way_message_is_not_written_to_a_connection_that_ended_meanwhile() {
    let cluster = with_topic(1, 1);
    let mut config = config(&cluster.name_server(), &[]);
    let (reached, at_gate) = channel();
    let (open, opened) = channel();
    config.add_rpc_hook(Arc::new(Gate { reached, opened: Mutex::new(opened) }));
    let producer = Arc::new(Producer::new(&config).expect("a producer"));
    let first = std::thread::spawn({
        let producer = Arc::clone(&producer);
        move || send(&producer, "T").map(|_| ())
    });
    at_gate.recv_timeout(PATIENCE).expect("the answer to the first");
    cluster.stop_broker("broker-0").expect("stopped");
    cluster.start_broker("broker-0").expect("it is there again");
    producer.send_oneway(&Message::new("T", b"x"), Some(PATIENCE)).expect("accepted");
    open.send(()).expect("it waits");
    first.join().expect("no panic").expect("stored");
    producer.flush(PATIENCE).expect("flushed");
    assert!(becomes_true(|| cluster.stored_count("T") == 2), "{} are stored", cluster.stored_count("T"));
}
