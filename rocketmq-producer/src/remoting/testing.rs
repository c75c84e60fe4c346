//! What the tests of connections share.

use std::net::TcpListener;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Weak};
use std::time::Duration;

use rocketmq_protocol::encode::NoFields;
use rocketmq_protocol::header::Header;
use tokio::runtime::{Builder, Runtime};

use super::channel::Channel;
use super::{Body, Events, Exchange, ExtraFields, Failure, FrameWriter, Preparation, RemotingOptions, Reply};
use crate::deferred::Deferred;
use crate::producer_id::ProducerId;
use crate::sys::Moment;

/// An upper limit of what a test waits for.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The owner of connections of which nobody wants to hear.
pub(crate) enum Nobody {}

impl Nobody {
    pub(crate) fn weak() -> Weak<dyn Events> {
        Weak::<Self>::new()
    }
}

impl Events for Nobody {
    fn opened(&self, _: &Arc<Channel>) {
        match *self {}
    }

    fn requested(&self, _: &Arc<Channel>, _: &Header<'_>, _: &[u8]) -> Option<Reply> {
        match *self {}
    }
}

/// What a [`TestRequest`] was told.
pub(super) enum Told {
    Answered(Body<'static>),
    Written,
    Failed(Failure),
}

type Action = Box<dyn FnMut() + Send>;

/// A request that does something when it is called, and tells its outcome.
pub(super) struct TestRequest {
    pub(super) producer: ProducerId,
    /// Its frame; `None`: a real one without fields and body.
    pub(super) bytes: Option<&'static [u8]>,
    pub(super) on_prepare: Action,
    /// Called after the frame was written.
    pub(super) on_append: Action,
    pub(super) on_written: Action,
    /// When its deadline has passed it goes on for others.
    pub(super) splits: bool,
    pub(super) told: Option<Sender<Told>>,
}

impl Default for TestRequest {
    fn default() -> Self {
        Self {
            producer: ProducerId::NONE,
            bytes: None,
            on_prepare: Box::new(|| {}),
            on_append: Box::new(|| {}),
            on_written: Box::new(|| {}),
            splits: false,
            told: None,
        }
    }
}

impl TestRequest {
    /// One that tells its outcome there.
    pub(super) fn telling(told: &Sender<Told>) -> Self {
        Self { told: Some(told.clone()), ..Self::default() }
    }

    fn tell(&self, outcome: Told) {
        if let Some(told) = &self.told {
            told.send(outcome).expect("the test waits");
        }
    }
}

impl Exchange for TestRequest {
    fn code(&self) -> i32 {
        0
    }

    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure> {
        (self.on_prepare)();
        preparation.extra_fields(0, &NoFields, &[])
    }

    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure> {
        match self.bytes {
            Some(bytes) => frame.out.append(bytes),
            None => frame.write(0, 0, &NoFields, Body::Copied(&[]))?,
        }
        (self.on_append)();
        Ok(())
    }

    fn begun(&self) -> Moment {
        Moment::now()
    }

    fn answered(self: Box<Self>, _: &Header<'_>, body: Body<'_>, _: Moment, _: &mut Deferred) {
        let body = match body {
            Body::Copied(bytes) => Body::Copied(bytes.to_vec().leak()),
            Body::Shared(bytes) => Body::Shared(bytes),
        };
        self.tell(Told::Answered(body));
    }

    fn written(mut self: Box<Self>, _: &mut Deferred) {
        (self.on_written)();
        self.tell(Told::Written);
    }

    fn split_expired(&mut self, now: Moment) -> Option<(Box<dyn Exchange>, Moment)> {
        self.splits.then(|| (Box::<Self>::default() as _, now + PATIENCE))
    }

    fn failed(self: Box<Self>, failure: Failure, _: &mut Deferred) {
        self.tell(Told::Failed(failure));
    }

    fn producer(&self) -> ProducerId {
        self.producer
    }
}

pub(super) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A peer of the test's, and a channel to it.
pub(super) fn peer(options: RemotingOptions) -> (TcpListener, Arc<Channel>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let channel = Channel::new((*address).into(), (*address).into(), Arc::new(options), Nobody::weak());
    (listener, Arc::new(channel))
}

/// Gives the request to the channel.
pub(super) fn submit(channel: &Arc<Channel>, request: TestRequest, oneway: bool) {
    channel.submit(Box::new(request), Moment::now() + PATIENCE, oneway, &mut Deferred::default());
}
