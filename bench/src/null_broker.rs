//! A name server and a broker that do nothing but answer.
//!
//! Every send gets the bytes with which a 5.5.0 broker answers it (or a 4.9.7 one); nothing is checked or stored. One thread
//! per connection, one write for all answers to what one read brought: the fastest peer that plain blocking
//! sockets allow, so that a client is measured against the loopback and not against a broker.

mod answers;
mod connection;
mod options;
mod process;
mod request;
mod route;
mod template;

use std::io::{BufRead, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::Failure;
use crate::measure::Cpu;
use answers::Answers;
pub(crate) use options::Options;
pub(crate) use process::{BrokerProcess, Brokers};
pub(crate) use route::BROKER_NAME;
pub(crate) use template::Encoding;

/// What this broker has received since it began; the harness reads it before and after a program.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Received {
    /// Send requests, one-way ones included.
    pub(crate) sends: u64,
    pub(crate) oneway_sends: u64,
    /// Bytes of the send requests' frames.
    pub(crate) send_bytes: u64,
    /// `read` calls that brought something.
    pub(crate) reads: u64,
    pub(crate) cpu_seconds: f64,
}

/// Counters shared by the connections; each adds once per read, and before it answers.
#[derive(Debug, Default)]
struct Counters {
    sends: AtomicU64,
    oneway_sends: AtomicU64,
    send_bytes: AtomicU64,
    reads: AtomicU64,
}

impl Counters {
    fn received(&self) -> std::io::Result<Received> {
        Ok(Received {
            sends: self.sends.load(Ordering::Acquire),
            oneway_sends: self.oneway_sends.load(Ordering::Acquire),
            send_bytes: self.send_bytes.load(Ordering::Acquire),
            reads: self.reads.load(Ordering::Acquire),
            cpu_seconds: Cpu::of_process()?.total().as_secs_f64(),
        })
    }
}

/// Serves until the standard input ends; each line of input is answered with [`Received`] as a JSON line.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let mut brokers = Vec::new();
    for _ in 0..options.brokers {
        brokers.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?);
    }
    let name_server = TcpListener::bind((Ipv4Addr::LOCALHOST, options.name_server_port))?;
    let name_server_address = name_server.local_addr()?;
    let addresses = brokers.iter().map(TcpListener::local_addr).collect::<std::io::Result<Vec<_>>>()?;
    let answers = Answers::new(options, &addresses);
    let counters = Arc::new(Counters::default());
    for broker in brokers {
        accept("broker", broker, answers.clone(), &counters)?;
    }
    accept("name-server", name_server, answers, &counters)?;
    announce(name_server_address, &addresses)?;

    for line in std::io::stdin().lock().lines() {
        line?;
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &counters.received()?)?;
        writeln!(out)?;
        out.flush()?;
    }
    Ok(())
}

fn announce(name_server: SocketAddr, brokers: &[SocketAddr]) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "name server {name_server}")?;
    for (number, broker) in brokers.iter().enumerate() {
        writeln!(out, "broker {} {broker}", route::broker_name(number))?;
    }
    out.flush()
}

fn accept(
    name: &str,
    listener: TcpListener,
    answers: Answers,
    counters: &Arc<Counters>,
) -> std::io::Result<()> {
    let counters = Arc::clone(counters);
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        for stream in listener.incoming() {
            let (mut answers, counters) = (answers.clone(), Arc::clone(&counters));
            let served = stream.and_then(|stream| {
                std::thread::Builder::new().name("connection".to_owned()).spawn(move || {
                    if let Err(error) = connection::serve(stream, &mut answers, &counters) {
                        eprintln!("null broker: {error}");
                    }
                })
            });
            if let Err(error) = served {
                eprintln!("null broker: {error}");
            }
        }
    })?;
    Ok(())
}
