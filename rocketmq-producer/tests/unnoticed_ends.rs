//! Connections that end while nobody looks, because the program is stopped or its hooks take their time: nothing that it sends
//! then is lost without a word.

#![allow(clippy::expect_used, reason = "a test that cannot be set up has failed")]

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use common::{PATIENCE, becomes_true, config, send, with_topic};
use rocketmq_mock::MockCluster;
use rocketmq_producer::hooks::{RpcHook, RpcRequest, RpcResponse};
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

/// Passes bytes between a producer and a server, and can close its connections in good order, as real servers do.
struct Relay {
    address: String,
    clients: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    /// `told`: what the server says of an address, and what the producer is told instead.
    fn start(server: String, told: Option<(String, String)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let clients = Arc::<Mutex<Vec<TcpStream>>>::default();
        let known = Arc::clone(&clients);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.expect("a client");
                let server = TcpStream::connect(&server).expect("the server");
                known.lock().expect("no panic").push(client.try_clone().expect("a handle"));
                let ends = [(&client, &server, None), (&server, &client, told.clone())];
                for (from, to, told) in ends {
                    let (from, to) = (from.try_clone().expect("a handle"), to.try_clone().expect("a handle"));
                    std::thread::spawn(move || pass(from, to, told));
                }
            }
        });
        Self { address, clients }
    }

    fn close_all(&self) {
        for client in self.clients.lock().expect("no panic").drain(..) {
            // It may have closed before.
            let _ = client.shutdown(Shutdown::Both);
        }
    }
}

fn pass(mut from: TcpStream, mut to: TcpStream, told: Option<(String, String)>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let bytes = &mut bytes[..count];
        if let Some((said, told)) = &told {
            for at in 0..bytes.len().saturating_sub(said.len() - 1) {
                if bytes[at..].starts_with(said.as_bytes()) {
                    bytes[at..at + said.len()].copy_from_slice(told.as_bytes());
                }
            }
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// A cluster behind two relays: of its name server and of its broker.
fn behind_relays() -> (MockCluster, Relay, Relay) {
    let cluster = with_topic(1, 1);
    let broker = cluster.broker_address("broker-0").expect("an address");
    // The frame keeps its length.
    let to_broker = std::iter::repeat_with(|| Relay::start(broker.clone(), None))
        .find(|relay| relay.address.len() == broker.len())
        .expect("a port with as many digits");
    let told = (broker, to_broker.address.clone());
    let to_names = Relay::start(cluster.name_server(), Some(told));
    (cluster, to_names, to_broker)
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
    let (cluster, to_names, to_broker) = behind_relays();
    let mut program = Stoppable::start(&to_names.address);
    let mut sent = 0;
    for _ in 0..20 {
        program.begin_send();
        let failed = program.failed();
        sent += 1;
        assert!(becomes_true(|| cluster.stored_count("T") + failed == sent), "message {sent} is on its way");
        program.stop();
        to_broker.close_all();
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
    fn before_request(&self, _: &mut RpcRequest<'_>) -> Result<(), String> {
        Ok(())
    }

    fn after_response(&self, response: &RpcResponse<'_, '_>) {
        if response.request_code() == 310 {
            self.reached.send(()).expect("the test listens");
            self.opened.lock().expect("no panic").recv().expect("opened");
        }
    }
}

#[test]
fn a_one_way_message_is_not_written_to_a_connection_that_ended_meanwhile() {
    let (cluster, to_names, to_broker) = behind_relays();
    let mut config = config(&to_names.address, &[]);
    let (reached, at_gate) = channel();
    let (open, opened) = channel();
    config.add_rpc_hook(Arc::new(Gate { reached, opened: Mutex::new(opened) }));
    let producer = Arc::new(Producer::new(&config).expect("a producer"));
    let first = std::thread::spawn({
        let producer = Arc::clone(&producer);
        move || send(&producer, "T").map(|_| ())
    });
    at_gate.recv_timeout(PATIENCE).expect("the answer to the first");
    to_broker.close_all();
    producer.send_oneway(&Message::new("T", b"x"), Some(PATIENCE)).expect("accepted");
    open.send(()).expect("it waits");
    first.join().expect("no panic").expect("stored");
    producer.flush(PATIENCE).expect("flushed");
    assert!(becomes_true(|| cluster.stored_count("T") == 2), "{} are stored", cluster.stored_count("T"));
}
