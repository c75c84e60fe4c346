//! One client instance: connections, routes, brokers, registered groups, scheduled jobs.
//!
//! Producers with the same client id join one instance; each has another group. It lives as long as one of them holds it:
//!
//! ```text
//!   join: no instance of this id ──▶ started, group taken ◀──┐ join: the same cluster and namespace,
//!                                          │                 │ and the group is free
//!                                          ├─────────────────┘
//!                                          │ the last producer lets go of it
//!                                          ▼
//!                              jobs, look-ups and connections end
//! ```
//!
//! A producer that has left has freed its group, and other producers go on. The jobs hold the instance only while they work.
//! In a forked child the instance of the parent is left as it is.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::encode::NoFields;
use rocketmq_protocol::header::Header;
use rocketmq_protocol::heartbeat::HeartbeatData;
use rocketmq_protocol::requests::UnregisterClientRequest;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use super::groups::{GroupMember, Groups};
use super::shared::Shared;
use super::{jobs, peer_requests};
use crate::config::{AddressMap, Settings};
use crate::error::{Error, ErrorCode};
use crate::log::{Log, LogTarget};
use crate::remoting::{Channel, Events, Remoting, RemotingOptions, Reply, call};
use crate::routing::{
    BrokerPaths, BrokerTable, MAX_HEARTBEAT_CONNECTIONS, NameServers, RouteOptions, RouteTable,
};
use crate::runtime::ProcessHandle;
use crate::sys;
use crate::task;

/// Numbers the client ids of one process.
static INSTANCES: AtomicU64 = AtomicU64::new(0);

pub(crate) struct ClientInstance {
    pub(crate) client_id: String,
    pub(crate) process: ProcessHandle,
    pub(crate) remoting: Arc<Remoting>,
    pub(crate) brokers: Arc<BrokerTable>,
    pub(crate) routes: Arc<RouteTable>,
    pub(crate) name_servers: Arc<NameServers>,
    pub(crate) log: Log,
    namespace: Option<String>,
    common_fields: Vec<(&'static str, String)>,
    broker_addresses: AddressMap,
    api_timeout: Duration,
    pub(super) groups: Groups,
    myself: Weak<Self>,
    /// Given when the last producer is gone.
    pub(super) ended: Arc<Notify>,
}

impl ClientInstance {
    /// The instance of the configured client id, made if there is none, with the group registered in it.
    pub(crate) fn join(settings: &Settings) -> Result<Arc<Self>, Error> {
        let process = ProcessHandle::get()?;
        let client_id = client_id(settings, process.process().random);
        let mut instances = Shared::of_this_process().instances.lock();
        instances.retain(|_, instance| instance.strong_count() > 0);
        if let Some(instance) = instances.get(&client_id).and_then(Weak::upgrade) {
            instance.check_name_servers(settings)?;
            instance.check_common_fields(settings)?;
            instance.register(settings)?;
            // Its brokers know of the other groups only.
            instance.in_background("a heartbeat round", Arc::clone(&instance).heartbeat_round());
            return Ok(instance);
        }
        let instance = Self::start(client_id.clone(), process.clone(), settings);
        instance.register(settings)?;
        instances.insert(client_id, Arc::downgrade(&instance));
        Ok(instance)
    }

    fn start(client_id: String, process: ProcessHandle, settings: &Settings) -> Arc<Self> {
        let log = settings.log.clone();
        let runtime = process.process().io.clone();
        let shared = Shared::of_this_process();
        let instance = Arc::new_cyclic(|myself: &Weak<Self>| {
            let events: Weak<dyn Events> = myself.clone();
            let options = RemotingOptions {
                runtime: runtime.clone(),
                resolver: Arc::clone(&shared.resolver),
                encoding: settings.header_encoding,
                language: settings.language,
                connect_timeout: settings.connect_timeout,
                socket: settings.socket,
                max_backlog: settings.in_flight_max_bytes,
                inbound: Arc::clone(&shared.inbound),
                rpc: settings.rpc.clone(),
                log: log.clone(),
            };
            let remoting = Arc::new(Remoting::new(options, events));
            let start = process.process().random as usize;
            let name_servers =
                Arc::new(NameServers::new(Arc::clone(&remoting), log.clone(), &settings.name_servers, start));
            let paths = BrokerPaths { vip: settings.vip_channel, map: settings.broker_addresses.clone() };
            let brokers = Arc::new(BrokerTable::new(Arc::clone(&remoting), paths));
            let options = RouteOptions {
                default_topic: settings.create_topic_key.clone(),
                default_topic_queue_nums: settings.default_topic_queue_nums,
                namespace: settings.namespace.clone(),
                timeout: settings.api_timeout,
                expiry: settings.topic_expiry,
            };
            let routes = RouteTable::new(
                runtime.clone(),
                options,
                Arc::clone(&name_servers),
                Arc::clone(&brokers),
                log.clone(),
            );
            Self {
                client_id,
                process,
                remoting,
                brokers,
                routes,
                name_servers,
                log: log.clone(),
                namespace: settings.namespace.clone(),
                common_fields: settings.rpc.fields.clone(),
                broker_addresses: settings.broker_addresses.clone(),
                api_timeout: settings.api_timeout,
                groups: Groups::default(),
                myself: myself.clone(),
                ended: Arc::new(Notify::new()),
            }
        });
        let (jobs_of, schedule) = (Arc::downgrade(&instance), Arc::new(jobs::Schedule::of(settings)));
        task::keep(&runtime, instance.log.clone(), "scheduled jobs", move || {
            jobs::run(Weak::clone(&jobs_of), Arc::clone(&schedule))
        });
        instance
    }

    /// Does something that nobody waits for.
    pub(super) fn in_background(
        &self,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> JoinHandle<()> {
        let log = self.log.clone();
        task::spawn(&self.process.process().io, work, move |outcome| {
            if let Err(stopped) = outcome {
                log.error(LogTarget::Client, || format!("{name}: {stopped}"));
            }
        })
    }

    /// Two producers that share connections must mean the same cluster.
    fn check_name_servers(&self, settings: &Settings) -> Result<(), Error> {
        let known: BTreeSet<_> = self.name_servers.given().into_iter().collect();
        let wanted: BTreeSet<_> = settings.name_servers.iter().cloned().collect();
        if settings.name_server_url.is_some() || known == wanted {
            return Ok(());
        }
        let text = format!(
            "client id {} is in use with other name servers ({}): give this producer another instance.name",
            self.client_id,
            known.into_iter().collect::<Vec<_>>().join(";"),
        );
        Err(Error::new(ErrorCode::InvalidValue, text))
    }

    /// Two producers that share connections cannot speak for two namespaces, units or zones: topics and connections carry those.
    fn check_common_fields(&self, settings: &Settings) -> Result<(), Error> {
        let speaks_alike = self.namespace == settings.namespace && self.common_fields == settings.rpc.fields;
        if speaks_alike && self.broker_addresses == settings.broker_addresses {
            return Ok(());
        }
        let text = format!(
            "client id {} is in use with another namespace, zone, stream type or broker.address.map: give this producer another \
             instance.name",
            self.client_id
        );
        Err(Error::new(ErrorCode::InvalidValue, text))
    }

    fn register(&self, settings: &Settings) -> Result<(), Error> {
        if self.groups.take(&settings.wire_group) {
            return Ok(());
        }
        let text = format!(
            "group {} already has a producer with client id {}: one producer per group and client id",
            settings.group, self.client_id
        );
        Err(Error::new(ErrorCode::GroupConflict, text))
    }

    /// Requests of brokers that name the group, which was registered in `join`, reach this producer.
    pub(crate) fn attach(&self, group: &str, member: Weak<dyn GroupMember>) {
        self.groups.attach(group, member);
    }

    /// The counterpart of the registration in `join`. The group is free from then on.
    pub(crate) fn deregister(&self, group: &str) {
        self.groups.free(group);
    }

    /// Tells the brokers that the group is gone, each within the timeout, all at the same time.
    pub(crate) async fn tell_unregistered(&self, group: &str, timeout: Duration) {
        let mut told = JoinSet::new();
        for broker in self.brokers.masters() {
            if !broker.channel.is_open() {
                continue;
            }
            let fields = UnregisterClientRequest {
                client_id: self.client_id.clone().into(),
                producer_group: Some(group.to_owned().into()),
                consumer_group: None,
            };
            let timeout = timeout.min(self.api_timeout);
            told.spawn(async move {
                call(&broker.channel, request::UNREGISTER_CLIENT, fields, Vec::new(), timeout).await
            });
        }
        while let Some(answer) = told.join_next().await {
            if let Ok(Err(failure)) = answer {
                self.log.debug(LogTarget::Client, || format!("unregister {group}: {:?}", failure.kind));
            }
        }
    }

    /// Tells a broker which groups are here. Brokers ask them about transactions and forget them after 120 s.
    pub(super) async fn heartbeat(&self, channel: &Arc<Channel>) {
        let groups = self.groups.names();
        if groups.is_empty() {
            return;
        }
        let body = HeartbeatData { client_id: self.client_id.clone(), producer_groups: groups }.to_json();
        match call(channel, request::HEART_BEAT, NoFields, body, self.api_timeout).await {
            Ok(answer) if answer.code == response::SUCCESS => {}
            Ok(answer) => self.log.warn(LogTarget::Client, || {
                let remark = answer.remark.as_deref().unwrap_or_default();
                format!("heartbeat refused by {}: code {} {remark}", channel.address(), answer.code)
            }),
            Err(failure) => {
                self.log.info(LogTarget::Client, || {
                    format!("heartbeat to {} failed: {:?}", channel.address(), failure.kind)
                });
            }
        }
    }

    /// Sends heartbeats to all masters at once, so that a silent one delays nobody. No more connections are opened for them than
    /// a program has descriptors for: masters that get messages come first.
    pub(super) async fn heartbeat_round(self: Arc<Self>) {
        let mut round = JoinSet::new();
        let (connected, others): (Vec<_>, Vec<_>) =
            self.brokers.masters().into_iter().partition(|broker| broker.channel.is_open());
        let more = MAX_HEARTBEAT_CONNECTIONS.saturating_sub(connected.len());
        for broker in connected.into_iter().chain(others.into_iter().take(more)) {
            let instance = Arc::clone(&self);
            round.spawn(async move { instance.heartbeat(&broker.channel).await });
        }
        while round.join_next().await.is_some() {}
    }

    /// Closes the connections to addresses that neither a route nor the name-server list names.
    pub(super) fn drop_offline_brokers(&self) {
        self.routes.drop_offline_brokers();
        let masters = self.brokers.masters();
        let channels = masters.iter().flat_map(|broker| [&broker.channel, &broker.send_channel]);
        let named: HashSet<_> = channels.map(|channel| Arc::clone(channel.address())).collect();
        self.name_servers.drop_other_channels(named);
    }
}

impl Events for ClientInstance {
    fn opened(&self, channel: &Arc<Channel>) {
        if !self.brokers.is_master(channel.address()) {
            return;
        }
        if let Some(instance) = self.myself.upgrade() {
            let channel = Arc::clone(channel);
            self.in_background("a heartbeat", async move { instance.heartbeat(&channel).await });
        }
    }

    fn requested(&self, channel: &Arc<Channel>, header: &Header<'_>, body: &[u8]) -> Option<Reply> {
        if header.code == request::CHECK_TRANSACTION_STATE {
            peer_requests::transaction_check(self, channel, body);
            return None;
        }
        peer_requests::reply(header)
    }
}

impl Drop for ClientInstance {
    fn drop(&mut self) {
        if sys::fork_generation() != self.process.generation() {
            return;
        }
        self.ended.notify_one();
        self.routes.end();
        self.remoting.end();
    }
}

/// `address@instance[@unit][@STREAM]` (protocol 4.3), unique unless `instance.name` says otherwise.
fn client_id(settings: &Settings, random: u64) -> String {
    let ip = settings.client_ip.clone().unwrap_or_else(|| in_client_id(sys::local_ip()));
    let instance = settings.instance_name.clone().unwrap_or_else(|| {
        let number = INSTANCES.fetch_add(1, Ordering::Relaxed);
        format!("{}#{random}#{number}", std::process::id())
    });
    let mut id = format!("{ip}@{instance}");
    if let Some(unit) = &settings.unit_name {
        id = format!("{id}@{unit}");
    }
    if settings.stream {
        id.push_str("@STREAM");
    }
    id
}

/// As the Java client writes it: IPv6 in brackets.
fn in_client_id(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("[{v6}]"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn client_ids_have_ipv6_addresses_in_brackets() {
        let shown = |text: &str| in_client_id(text.parse().unwrap());
        assert_eq!(shown("192.0.2.7"), "192.0.2.7");
        assert_eq!(shown("2001:db8::7"), "[2001:db8::7]");
    }
}
