//! The two clients, and what each sends to a cluster that records.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cluster::{JavaSender, Version};
use rocketmq_mock::{MockCluster, MockOptions, Profile, RecordedRequest};
use rocketmq_producer::{CompletionQueue, Config, Event, Message, Producer, Tag};
use rocketmq_protocol::codes::request;
use rocketmq_protocol::frame::HeaderEncoding;

use crate::compare::is_send;
use crate::outgoing::{Mode, Outgoing, last_queue};
use crate::traffic::Traffic;

pub(crate) const GROUP: &str = "frames_group";
pub(crate) const TOPIC: &str = "Frames";
pub(crate) const DEFAULT_TOPIC: &str = "TBW102";
const LIMIT: Duration = Duration::from_secs(10);

/// Numbers the scenes of all tests: what runs at the same time needs client ids of its own.
static SCENES: AtomicUsize = AtomicUsize::new(0);

/// What both clients are set up with, meet, and do.
pub(crate) struct Scene<'a> {
    pub(crate) brokers: usize,
    /// Prepares the cluster before a client comes.
    pub(crate) prepare: &'a dyn Fn(&MockCluster),
    /// As the program names it.
    pub(crate) topic: &'a str,
    /// By their keys of librmq.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// So many messages at a time go as one wire batch.
    pub(crate) batches_of: Option<usize>,
    /// No send will succeed.
    pub(crate) in_vain: bool,
    /// Both have the client id that they are told, not one of their own.
    pub(crate) is_named: bool,
    /// Each broker gets a heartbeat before the client closes.
    pub(crate) with_heartbeats: bool,
}

impl<'a> Scene<'a> {
    pub(crate) fn new(brokers: usize, prepare: &'a dyn Fn(&MockCluster)) -> Scene<'a> {
        Scene {
            brokers,
            prepare,
            topic: TOPIC,
            settings: &[],
            batches_of: None,
            in_vain: false,
            is_named: true,
            with_heartbeats: false,
        }
    }
}

/// A Java process and the settings under which librmq does as it does.
pub(crate) struct Clients {
    java: JavaSender,
    version: Version,
    encoding: HeaderEncoding,
    short_names: bool,
}

impl Clients {
    pub(crate) fn start(version: Version, encoding: HeaderEncoding, short_names: bool) -> Clients {
        let java = JavaSender::start(version, encoding, short_names).unwrap_or_else(|e| panic!("{e}"));
        Clients { java, version, encoding, short_names }
    }

    /// What Java's producer and librmq's send for these messages, each to a new cluster.
    pub(crate) fn send(
        &mut self,
        scene: &Scene<'_>,
        messages: &[Outgoing],
    ) -> Result<(Traffic, Traffic), String> {
        let instance = format!("scene-{}", SCENES.fetch_add(1, Ordering::Relaxed));
        let java = self.send_by_java(scene, &instance, messages).map_err(|e| format!("Java: {e}"))?;
        let ours = self.send_by_librmq(scene, &instance, messages).map_err(|e| format!("librmq: {e}"))?;
        Ok((java, ours))
    }

    fn send_by_java(
        &mut self,
        scene: &Scene<'_>,
        instance: &str,
        messages: &[Outgoing],
    ) -> Result<Traffic, String> {
        let cluster = self.cluster(scene);
        let settings = settings(scene, instance, &cluster);
        let java = &mut self.java;
        let mut obey = |verb: &str, arguments: &[_]| java.obey(verb, arguments).map_err(|e| e.to_string());
        obey("open", &settings)?;
        let sent = send_all(&cluster, scene, messages, |together| match together {
            [message] if scene.batches_of.is_none() => obey("send", &message.arguments(scene.topic)),
            batch => {
                for member in batch {
                    obey("add", &member.arguments(scene.topic))?;
                }
                obey("send_batch", &batch[0].arguments(scene.topic))
            }
        });
        obey("close", &[])?;
        sent.map(|time| Traffic { requests: cluster.requests(), time })
    }

    fn send_by_librmq(
        &self,
        scene: &Scene<'_>,
        instance: &str,
        messages: &[Outgoing],
    ) -> Result<Traffic, String> {
        let cluster = self.cluster(scene);
        let mut config = Config::new();
        for (key, value) in settings(scene, instance, &cluster) {
            config.set(&key, &value).map_err(|e| e.to_string())?;
        }
        for (key, value) in
            [("header.encoding", self.encoding.name()), ("send.smart.msg", &self.short_names.to_string())]
        {
            config.set(key, value).map_err(|e| e.to_string())?;
        }
        let producer = Producer::new(&config).map_err(|e| e.to_string())?;
        let selector = last_queue();
        let sent = send_all(&cluster, scene, messages, |together| {
            let mode = together[0].mode;
            let messages: Vec<_> =
                together.iter().map(|outgoing| outgoing.message(scene.topic, &selector)).collect();
            let done = match (mode, messages.as_slice()) {
                (Mode::Async, batch) if scene.batches_of.is_some() => {
                    return send_batch_queued(&producer, batch);
                }
                (_, batch) if scene.batches_of.is_some() => {
                    producer.send_batch(batch, Some(LIMIT)).map(drop).map_err(|e| e.error)
                }
                (Mode::Sync, [message, ..]) => producer.send(message, Some(LIMIT)).map(drop),
                (Mode::Async, [message, ..]) => block_on(producer.send_async(message, Some(LIMIT))).map(drop),
                (Mode::Oneway, [message, ..]) => producer.send_oneway(message, Some(LIMIT)),
                (_, []) => Ok(()),
            };
            done.map_err(|e| e.to_string())
        });
        producer.close(LIMIT).map_err(|e| e.to_string())?;
        sent.map(|time| Traffic { requests: cluster.requests(), time })
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

/// What both are told.
fn settings(scene: &Scene<'_>, instance: &str, cluster: &MockCluster) -> Vec<(String, String)> {
    let own = [("producer.group", GROUP.to_owned()), ("name.server", cluster.name_server())];
    let name = [("client.ip", "192.0.2.7".to_owned()), ("instance.name", instance.to_owned())];
    let name = name.into_iter().filter(|_| scene.is_named);
    let of_scene = scene.settings.iter().map(|(key, value)| (*key, (*value).to_owned()));
    own.into_iter().chain(name).chain(of_scene).map(|(key, value)| (key.to_owned(), value)).collect()
}

/// Sends one by one, or batch by batch, and says when. Waits for each oneway message to arrive, as nothing else tells
/// when it has, and for the heartbeats if they are asked for.
fn send_all(
    cluster: &MockCluster,
    scene: &Scene<'_>,
    messages: &[Outgoing],
    mut send: impl FnMut(&[Outgoing]) -> Result<(), String>,
) -> Result<(i64, i64), String> {
    let start = now();
    for (index, together) in messages.chunks(scene.batches_of.unwrap_or(1)).enumerate() {
        match send(together) {
            Ok(()) if scene.in_vain => return Err("a send succeeded".to_owned()),
            Err(problem) if !scene.in_vain => return Err(problem),
            _ => {}
        }
        let count = |cluster: &MockCluster| cluster.requests().iter().filter(|r| is_send(r)).count();
        if together[0].mode == Mode::Oneway && !cluster.wait_until(LIMIT, |cluster| count(cluster) > index) {
            return Err("a oneway message did not arrive".to_owned());
        }
    }
    let time = (start, now());
    if scene.with_heartbeats && !cluster.wait_until(LIMIT, have_heartbeats) {
        return Err("a broker got no heartbeat".to_owned());
    }
    Ok(time)
}

fn have_heartbeats(cluster: &MockCluster) -> bool {
    let requests = cluster.requests();
    let is_of = |request: &RecordedRequest, broker: &str| {
        request.code == request::HEART_BEAT && request.server == broker
    };
    cluster.broker_names().iter().all(|broker| requests.iter().any(|request| is_of(request, broker)))
}

fn send_batch_queued(producer: &Producer, batch: &[Message<'_>]) -> Result<(), String> {
    let queue = CompletionQueue::new();
    let tags: Vec<_> = (0..batch.len()).map(|index| Tag(index, 0)).collect();
    producer.send_batch_queued(batch, Some(LIMIT), &queue, &tags).map_err(|e| e.to_string())?;
    let mut events = Vec::new();
    while events.len() < batch.len() && queue.poll(&mut events, batch.len(), LIMIT) > 0 {}
    let reports: Vec<_> = events.into_iter().filter_map(Event::into_report).collect();
    match reports.iter().find_map(|report| report.result.as_ref().err()) {
        Some(error) => Err(error.to_string()),
        None if reports.len() < batch.len() => Err("a member of a batch had no outcome".to_owned()),
        None => Ok(()),
    }
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
