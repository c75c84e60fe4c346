//! The two clients, and what each sends to a cluster that records.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster::{JavaSender, Version};
use rocketmq_mock::{MockCluster, MockOptions, Profile, RecordedRequest};
use rocketmq_producer::{Config, Producer};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::properties::{self, name};

use crate::cases::{Mode, Outgoing};

pub(crate) const GROUP: &str = "frames_group";
pub(crate) const TOPIC: &str = "Frames";
pub(crate) const DEFAULT_TOPIC: &str = "TBW102";
const LIMIT: Duration = Duration::from_secs(10);

/// What both clients meet.
pub(crate) struct Scene<'a> {
    pub(crate) brokers: usize,
    /// Prepares the cluster before a client comes.
    pub(crate) prepare: &'a dyn Fn(&MockCluster),
    pub(crate) compress_type: &'a str,
}

/// What arrived of one client, and the clock before and after it sent, in ms since the epoch.
pub(crate) struct Traffic {
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) time: (i64, i64),
}

impl Traffic {
    /// The sends, in order of arrival.
    pub(crate) fn sends(&self) -> Vec<&RecordedRequest> {
        self.of_code(request::SEND_MESSAGE_V2).collect()
    }

    /// The requests for routes, in order of arrival.
    pub(crate) fn route_requests(&self) -> Vec<&RecordedRequest> {
        self.of_code(request::GET_ROUTEINFO_BY_TOPIC).collect()
    }

    fn of_code(&self, code: i32) -> impl Iterator<Item = &RecordedRequest> {
        self.requests.iter().filter(move |request| request.code == code)
    }

    /// The sends by message, each with its attempts, in order of arrival.
    pub(crate) fn attempts(&self) -> Vec<Vec<&RecordedRequest>> {
        let mut messages: Vec<(&str, Vec<&RecordedRequest>)> = Vec::new();
        for send in self.of_code(request::SEND_MESSAGE_V2) {
            let unique_id = send.field("i").and_then(|text| properties::get(text, name::UNIQ_KEY));
            let unique_id = unique_id.unwrap_or_default();
            match messages.iter_mut().find(|(known, _)| *known == unique_id) {
                Some((_, attempts)) => attempts.push(send),
                None => messages.push((unique_id, vec![send])),
            }
        }
        messages.into_iter().map(|(_, attempts)| attempts).collect()
    }
}

/// A Java process and the settings under which librmq does as it does.
pub(crate) struct Clients {
    java: JavaSender,
    version: Version,
    encoding: HeaderEncoding,
}

impl Clients {
    pub(crate) fn start(version: Version, encoding: HeaderEncoding) -> Clients {
        let java = JavaSender::start(version, encoding).unwrap_or_else(|e| panic!("{e}"));
        Clients { java, version, encoding }
    }

    /// What Java's producer and librmq's send for these messages, each to a new cluster.
    pub(crate) fn send(
        &mut self,
        scene: &Scene<'_>,
        messages: &[Outgoing],
    ) -> Result<(Traffic, Traffic), String> {
        let java = self.send_by_java(scene, messages).map_err(|e| format!("Java: {e}"))?;
        let ours = self.send_by_librmq(scene, messages).map_err(|e| format!("librmq: {e}"))?;
        Ok((java, ours))
    }

    fn send_by_java(&mut self, scene: &Scene<'_>, messages: &[Outgoing]) -> Result<Traffic, String> {
        let cluster = self.cluster(scene);
        let compress_type = scene.compress_type.to_uppercase();
        let name_server = cluster.name_server();
        let settings = [("group", GROUP), ("name_server", &name_server), ("compress_type", &compress_type)];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.java.obey("open", &settings).map_err(|e| e.to_string())?;
        let traffic = record(&cluster, messages, |message| {
            self.java.obey("send", &message.arguments(TOPIC)).map_err(|e| e.to_string())
        });
        self.java.obey("close", &[]).map_err(|e| e.to_string())?;
        traffic
    }

    fn send_by_librmq(&self, scene: &Scene<'_>, messages: &[Outgoing]) -> Result<Traffic, String> {
        let cluster = self.cluster(scene);
        let mut config = Config::new();
        let settings = [
            ("producer.group", GROUP),
            ("name.server", &cluster.name_server()),
            ("header.encoding", self.encoding.name()),
            ("compress.type", scene.compress_type),
        ];
        for (key, value) in settings {
            config.set(key, value).map_err(|e| e.to_string())?;
        }
        let producer = Producer::new(&config).map_err(|e| e.to_string())?;
        let traffic = record(&cluster, messages, |outgoing| {
            let message = outgoing.message(TOPIC);
            let done = match outgoing.mode {
                Mode::Sync => producer.send(&message, Some(LIMIT)).map(drop),
                Mode::Async => block_on(producer.send_async(&message, Some(LIMIT))).map(drop),
                Mode::Oneway => producer.send_oneway(&message, Some(LIMIT)),
            };
            done.map_err(|e| e.to_string())
        });
        producer.close(LIMIT).map_err(|e| e.to_string())?;
        traffic
    }

    fn cluster(&self, scene: &Scene<'_>) -> MockCluster {
        let profile = if self.version == Version::V4_9_7 { Profile::V4_9 } else { Profile::V5 };
        let options = MockOptions { brokers: scene.brokers, profile, ..MockOptions::default() };
        let cluster = MockCluster::start(options).expect("a mock cluster on loopback");
        (scene.prepare)(&cluster);
        cluster.set_recording(true);
        cluster
    }
}

/// Records from the first message on, until the last has arrived: nothing else tells when a oneway message has.
fn record(
    cluster: &MockCluster,
    messages: &[Outgoing],
    mut send: impl FnMut(&Outgoing) -> Result<(), String>,
) -> Result<Traffic, String> {
    cluster.set_recording(true);
    let start = now();
    for message in messages {
        send(message)?;
    }
    let of_oneway = messages.iter().any(|message| message.mode == Mode::Oneway);
    if of_oneway && !cluster.wait_until(LIMIT, |cluster| distinct_bodies(cluster) == messages.len()) {
        return Err("a oneway message did not arrive".to_owned());
    }
    Ok(Traffic { requests: cluster.requests(), time: (start, now()) })
}

fn distinct_bodies(cluster: &MockCluster) -> usize {
    let requests = cluster.requests();
    let sends = requests.iter().filter(|request| request.code == request::SEND_MESSAGE_V2);
    sends.map(|request| &request.body).collect::<HashSet<_>>().len()
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970");
    i64::try_from(since.as_millis()).expect("a clock before the year 292 million")
}

/// Runs a future on this thread, which is parked while there is nothing to do.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
