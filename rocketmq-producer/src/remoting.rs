//! Connections: one channel per address, one I/O task per open connection.
//!
//! A caller appends its frame to the channel's buffer under a short lock and registers what waits for the
//! answer; a large body stays where it is until it is written. The channel's task writes all that is there, joined but
//! for large bodies, reads all that came, and hands each answer to what waits for it. Nothing here knows of topics or messages.

mod body;
mod call;
mod channel;
mod connection;
mod dial;
mod exchange;
mod frame_writer;
mod in_flight;
mod inbound;
mod limits;
mod outbound;
mod prepare;
mod reach;
mod resolve;
mod state;
mod stream;
#[cfg(test)]
mod testing;
mod turn;
mod writing;

pub(crate) use body::{Body, SHARED_BODY};
pub(crate) use call::{Answer, call};
pub(crate) use channel::Channel;
pub(crate) use exchange::{Exchange, Failure, FailureKind, Reply};
pub(crate) use frame_writer::FrameWriter;
pub(crate) use inbound::InboundBudget;
pub(crate) use limits::{HEADER, OFFSET_ID};
pub(crate) use prepare::{ExtraFields, Preparation};
pub(crate) use resolve::Resolver;
pub(crate) use turn::Turn;

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::sync::Mutex;
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::header::Header;
use rocketmq_protocol::language::Language;
use tokio::runtime::Handle;

use crate::auth::Signing;
use crate::config::SocketOptions;
use crate::hooks::RpcHooks;
use crate::log::Log;
use crate::producer_id::ProducerId;

/// What every connection of a client instance is made with.
pub(crate) struct RemotingOptions {
    pub(crate) runtime: Handle,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) encoding: HeaderEncoding,
    pub(crate) language: Language,
    pub(crate) connect_timeout: Duration,
    pub(crate) socket: SocketOptions,
    /// Bytes that may wait to be written on one connection.
    pub(crate) max_backlog: usize,
    /// What all connections of the process may hold of unfinished frames.
    pub(crate) inbound: Arc<InboundBudget>,
    pub(crate) rpc: RpcHooks,
    pub(crate) signing: Arc<Signing>,
    pub(crate) log: Log,
}

impl RemotingOptions {
    /// Whether requests are to be prepared: else they have no fields but their own and the common ones.
    #[inline]
    fn has_preparation(&self) -> bool {
        !self.rpc.hooks.is_empty() || self.signing.is_on()
    }
}

#[cfg(test)]
impl RemotingOptions {
    pub(crate) fn for_tests(runtime: Handle) -> Self {
        let log = Log::new(crate::log::LogLevel::Off, None);
        Self {
            runtime,
            resolver: Arc::default(),
            encoding: HeaderEncoding::Rocketmq,
            language: Language::Rust,
            connect_timeout: Duration::from_secs(3),
            socket: SocketOptions::default(),
            max_backlog: usize::MAX,
            inbound: Arc::default(),
            rpc: RpcHooks::default(),
            signing: Arc::new(Signing::new(None, None, log.clone())),
            log,
        }
    }
}

/// What the owner of the connections is told by them.
pub(crate) trait Events: Send + Sync {
    /// A connection was made. Called on the I/O thread.
    fn opened(&self, channel: &Arc<Channel>);

    /// A peer sent a request (protocol 1.8). The reply is sent unless the request is one-way.
    fn requested(&self, channel: &Arc<Channel>, header: &Header<'_>, body: &[u8]) -> Option<Reply>;
}

/// All channels of a client instance.
pub(crate) struct Remoting {
    options: Arc<RemotingOptions>,
    events: std::sync::Weak<dyn Events>,
    channels: Mutex<Channels>,
}

#[derive(Default)]
struct Channels {
    by_address: HashMap<Arc<str>, Arc<Channel>>,
    /// Nobody would end the channels that are made from now on.
    ended: bool,
}

impl Remoting {
    pub(crate) fn new(options: RemotingOptions, events: std::sync::Weak<dyn Events>) -> Self {
        Self { options: Arc::new(options), events, channels: Mutex::default() }
    }

    /// One whose events nobody hears.
    #[cfg(test)]
    pub(crate) fn for_tests(runtime: Handle) -> Arc<Self> {
        Arc::new(Self::new(RemotingOptions::for_tests(runtime), testing::Nobody::weak()))
    }

    /// The channel of this address; connects when the first request needs it.
    pub(crate) fn channel(&self, address: &str) -> Arc<Channel> {
        self.channel_through(address, address)
    }

    /// The channel to who has registered an address and is reached at another one, or at the same. After the end it connects
    /// no more.
    pub(crate) fn channel_through(&self, registered: &str, used: &str) -> Arc<Channel> {
        let shown: Cow<'_, str> = match registered == used {
            true => used.into(),
            false => format!("{registered} → {used}").into(),
        };
        let mut channels = self.channels.lock();
        if let Some(channel) = channels.by_address.get(&*shown) {
            return Arc::clone(channel);
        }
        let (options, events) = (Arc::clone(&self.options), self.events.clone());
        let channel = Arc::new(Channel::new((*shown).into(), used.into(), options, events));
        if channels.ended {
            channel.forget();
        } else {
            channels.by_address.insert(Arc::clone(channel.address()), Arc::clone(&channel));
        }
        channel
    }

    /// How requests are signed.
    pub(crate) fn signing(&self) -> &Arc<Signing> {
        &self.options.signing
    }

    /// All addresses of `host:port`.
    pub(crate) async fn resolve(&self, address: &str) -> std::io::Result<Vec<std::net::SocketAddr>> {
        let (host, port) = dial::split(address)?;
        self.options.resolver.resolve(host, port).await
    }

    pub(crate) fn channels(&self) -> Vec<Arc<Channel>> {
        self.channels.lock().by_address.values().cloned().collect()
    }

    /// Takes out the channels that are `unwanted`, which are then to be forgotten, but none with requests in flight: they would
    /// be sent again elsewhere, though their answers are under way.
    pub(crate) fn take(&self, unwanted: impl Fn(&Channel) -> bool) -> Vec<Arc<Channel>> {
        let mut channels = self.channels.lock();
        let taken = channels.by_address.extract_if(|_, channel| unwanted(channel) && !channel.is_busy());
        taken.map(|(_, channel)| channel).collect()
    }

    /// Closes and forgets all, and those that somebody still asks for.
    pub(crate) fn end(&self) {
        let ended = Channels { ended: true, ..Channels::default() };
        let channels = std::mem::replace(&mut *self.channels.lock(), ended);
        for channel in channels.by_address.into_values() {
            channel.forget();
        }
    }

    /// Writes what is gathered, on every channel.
    pub(crate) fn send_now(&self) {
        for channel in self.channels() {
            channel.send_now();
        }
    }

    /// Fails what the producer still has in flight, on every channel.
    pub(crate) fn abort(&self, producer: ProducerId) {
        for channel in self.channels() {
            channel.abort(producer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::testing::{TestRequest, Told, runtime, submit};
    use super::*;

    #[test]
    fn a_channel_that_is_made_after_the_end_connects_no_more() {
        let runtime = runtime();
        let remoting = Remoting::for_tests(runtime.handle().clone());
        let before = remoting.channel("127.0.0.1:1");
        remoting.end();
        let (told, outcomes) = mpsc::channel();
        for channel in [before, remoting.channel("127.0.0.1:1"), remoting.channel("127.0.0.1:2")] {
            submit(&channel, TestRequest::telling(&told), false);
            assert!(
                matches!(outcomes.try_recv(), Ok(Told::Failed(failure)) if failure.kind == FailureKind::Lost)
            );
        }
        assert!(remoting.channels().is_empty());
    }
}
