//! Name servers whose addresses come by HTTP.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rocketmq_producer::{ErrorCode, Message, Producer};

use crate::common::{PATIENCE, becomes_true, config, ms, requests, send, with_topic};

/// Answers with the status and body that are set; without any it is silent.
struct Page {
    url: String,
    state: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    answer: Option<(&'static str, String)>,
    asked: usize,
    /// How many wait for an answer.
    hanging: usize,
}

impl Page {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}/nsaddr", listener.local_addr().expect("an address"));
        let page = Self { url, state: Arc::default() };
        let state = Arc::clone(&page.state);
        thread::spawn(move || {
            while let Ok((socket, _)) = listener.accept() {
                let state = Arc::clone(&state);
                thread::spawn(move || serve(socket, &state));
            }
        });
        page
    }

    fn set(&self, answer: Option<(&'static str, String)>) {
        self.state.state.lock().expect("no panic").answer = answer;
        self.state.changed.notify_all();
    }

    fn asked(&self) -> usize {
        self.state.state.lock().expect("no panic").asked
    }

    fn hanging(&self) -> usize {
        self.state.state.lock().expect("no panic").hanging
    }

    fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        let mut settings =
            config("127.0.0.1:1", &[&[("name.server.url", self.url.as_str())], settings].concat());
        settings.set("name.server", "").expect("unset");
        Producer::new(&settings).expect("a producer")
    }
}

fn serve(mut socket: TcpStream, shared: &Shared) {
    let _ = socket.read(&mut [0; 1024]);
    let mut state = shared.state.lock().expect("no panic");
    state.asked += 1;
    state.hanging += 1;
    let mut state = shared.changed.wait_while(state, |state| state.answer.is_none()).expect("no panic");
    state.hanging -= 1;
    if let Some((status, body)) = &state.answer {
        let head =
            format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // The client may have gone.
        let _ = socket.write_all(format!("{head}{body}").as_bytes());
    }
}

#[test]
fn the_first_send_waits_for_the_look_up() {
    let cluster = with_topic(1, 4);
    let page = Page::start();
    page.set(Some(("503 Later", String::new())));
    let producer = page.producer(&[]);
    thread::scope(|scope| {
        let sent = scope.spawn(|| producer.send(&Message::new("T", b"x"), Some(PATIENCE)));
        assert!(becomes_true(|| page.asked() >= 2), "asked again after a failure");
        page.set(Some(("200 OK", cluster.name_server())));
        sent.join().expect("no panic").expect("stored");
    });
    send(&producer, "T").expect("stored");
}

#[test]
fn a_send_that_waited_in_vain_says_why() {
    let page = Page::start();
    page.set(Some(("404 Not Found", String::new())));
    let producer = page.producer(&[]);
    assert!(becomes_true(|| page.asked() >= 2));
    let error = producer.send(&Message::new("T", b"x"), Some(ms(200))).expect_err("nowhere to ask");
    assert_eq!(error.code(), ErrorCode::NoNameServer);
    assert!(error.message().contains("HTTP 404") && error.message().contains(&page.url), "{error}");
}

#[test]
fn a_look_up_that_hangs_delays_no_other_job() {
    let cluster = with_topic(1, 4);
    let page = Page::start();
    page.set(Some(("200 OK", cluster.name_server())));
    let producer = page.producer(&[
        ("name.server.refresh.interval.ms", "10"),
        ("heartbeat.interval.ms", "50"),
        ("route.refresh.interval.ms", "50"),
        ("api.timeout.ms", "3600000"),
    ]);
    send(&producer, "T").expect("stored");
    page.set(None);
    assert!(becomes_true(|| page.hanging() > 0));
    cluster.set_recording(true);
    assert!(becomes_true(|| [34, 105].iter().all(|code| requests(&cluster, *code).len() >= 10)));
}
