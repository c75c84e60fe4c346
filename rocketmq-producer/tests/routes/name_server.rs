//! A name server that says what a test wants.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rocketmq_protocol::codes::response;
use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame;
use rocketmq_protocol::header::{Header, flag};
use rocketmq_protocol::language::Language;
use rocketmq_protocol::route::{BrokerData, QueueData, TopicRoute};

/// Every request is answered with the text for its topic; without one it knows no such topic.
#[derive(Clone)]
pub(crate) struct NameServer {
    address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    routes: Mutex<HashMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
    silent: AtomicBool,
    /// Answers that were kept back, each with where it goes.
    kept: Mutex<Vec<(TcpStream, Vec<u8>)>>,
}

impl NameServer {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let server =
            Self { address: listener.local_addr().expect("an address"), state: Arc::<State>::default() };
        let state = Arc::clone(&server.state);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = Arc::clone(&state);
                // It ends with the connection.
                thread::spawn(move || serve(stream, &state));
            }
        });
        server
    }

    pub(crate) fn address(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn set(&self, topic: &str, route: &TopicRoute) {
        self.set_text(topic, &String::from_utf8_lossy(&route.to_json(true)));
    }

    pub(crate) fn set_text(&self, topic: &str, route: &str) {
        self.state.routes.lock().expect("no panic").insert(topic.to_owned(), route.as_bytes().to_vec());
    }

    pub(crate) fn forget(&self, topic: &str) {
        self.state.routes.lock().expect("no panic").remove(topic);
    }

    /// How often it was asked for the topic.
    pub(crate) fn asked(&self, topic: &str) -> usize {
        self.state.asked.lock().expect("no panic").iter().filter(|asked| *asked == topic).count()
    }

    /// How often it was asked.
    pub(crate) fn asked_in_all(&self) -> usize {
        self.state.asked.lock().expect("no panic").len()
    }

    /// Answers from now on, and what it did not answer.
    pub(crate) fn answer_all(&self) {
        let mut kept = self.state.kept.lock().expect("no panic");
        self.state.silent.store(false, Ordering::SeqCst);
        for (mut stream, answer) in kept.drain(..) {
            stream.write_all(&answer).expect("the client reads");
        }
    }

    /// Whether it keeps its answers to itself.
    pub(crate) fn set_silent(&self, silent: bool) {
        self.state.silent.store(silent, Ordering::SeqCst);
    }
}

fn serve(mut stream: TcpStream, state: &State) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&buffer[..count]);
        let mut consumed = 0;
        while let Some((frame, len)) = frame::split(&bytes[consumed..]).map_err(io::Error::other)? {
            let header = Header::decode(frame.encoding, frame.header).map_err(io::Error::other)?;
            consumed += len;
            let topic = header.fields.get("topic").unwrap_or_default();
            state.asked.lock().expect("no panic").push(topic.to_owned());
            let route = state.routes.lock().expect("no panic").get(topic).cloned();
            let preamble = Preamble {
                code: if route.is_some() { response::SUCCESS } else { response::TOPIC_NOT_EXIST },
                language: Language::Java,
                version: 400,
                opaque: header.opaque,
                flag: flag::RESPONSE,
                remark: None,
            };
            let mut out = Vec::new();
            let body = route.unwrap_or_default();
            encode_frame(&mut out, frame.encoding, &preamble, &NoFields, &[&body])
                .map_err(io::Error::other)?;
            let mut kept = state.kept.lock().expect("no panic");
            match state.silent.load(Ordering::SeqCst) {
                true => kept.push((stream.try_clone()?, out)),
                false => stream.write_all(&out)?,
            }
        }
        bytes.drain(..consumed);
    }
}

/// Brokers of four queues each, with their masters' addresses.
pub(crate) fn route(brokers: &[(&str, &str)]) -> TopicRoute {
    let queues = |(name, _): &(&str, &str)| QueueData {
        broker_name: (*name).to_owned(),
        read_queue_nums: 4,
        write_queue_nums: 4,
        perm: 6,
        topic_sys_flag: 0,
    };
    let data = |(name, address): &(&str, &str)| BrokerData {
        broker_name: (*name).to_owned(),
        cluster: "c".to_owned(),
        broker_addrs: [(0, (*address).to_owned())].into(),
        ..BrokerData::default()
    };
    TopicRoute {
        queue_datas: brokers.iter().map(queues).collect(),
        broker_datas: brokers.iter().map(data).collect(),
        ..TopicRoute::default()
    }
}
