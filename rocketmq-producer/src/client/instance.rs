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
use std::sync::{Arc, Weak};
use std::time::Duration;

use rocketmq_protocol::codes::request;
use rocketmq_protocol::header::Header;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::client_id::client_id;
use super::groups::{GroupMember, Groups};
use super::shared::Shared;
use super::{jobs, peer_requests};
use crate::auth::Signing;
use crate::config::{AddressMap, Settings};
use crate::error::{Error, ErrorCode};
use crate::log::{Log, LogTarget};
use crate::remoting::{Channel, Events, Remoting, RemotingOptions, Reply};
use crate::routing::{BrokerPaths, BrokerTable, NameServers, RouteOptions, RouteTable};
use crate::runtime::ProcessHandle;
use crate::sys;
use crate::task;

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
    pub(super) api_timeout: Duration,
    pub(super) groups: Groups,
    pub(super) myself: Weak<Self>,
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
            instance.check_credentials(settings)?;
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
        let instance = Arc::new_cyclic(|myself: &Weak<Self>| {
            let events: Weak<dyn Events> = myself.clone();
            let remoting = Arc::new(Remoting::new(remoting_options(settings, runtime.clone()), events));
            let start = process.process().random as usize;
            let name_servers =
                Arc::new(NameServers::new(Arc::clone(&remoting), log.clone(), &settings.name_servers, start));
            let paths = BrokerPaths { vip: settings.vip_channel, map: settings.broker_addresses.clone() };
            let brokers = Arc::new(BrokerTable::new(Arc::clone(&remoting), paths));
            let routes = RouteTable::new(
                runtime.clone(),
                route_options(settings),
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

    /// Two producers that share connections speak for one user.
    fn check_credentials(&self, settings: &Settings) -> Result<(), Error> {
        let (credentials, provider) = (&settings.credentials, &settings.credentials_provider);
        if self.remoting.signing().is_alike(credentials.as_ref(), provider.as_ref()) {
            return Ok(());
        }
        let text = format!(
            "client id {} is in use with other credentials: give this producer another instance.name",
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

fn remoting_options(settings: &Settings, runtime: Handle) -> RemotingOptions {
    let shared = Shared::of_this_process();
    RemotingOptions {
        runtime,
        resolver: Arc::clone(&shared.resolver),
        encoding: settings.header_encoding,
        language: settings.language,
        connect_timeout: settings.connect_timeout,
        socket: settings.socket,
        max_backlog: settings.in_flight_max_bytes,
        inbound: Arc::clone(&shared.inbound),
        rpc: settings.rpc.clone(),
        signing: Arc::new(Signing::new(
            settings.credentials.clone(),
            settings.credentials_provider.clone(),
            settings.log.clone(),
        )),
        log: settings.log.clone(),
    }
}

fn route_options(settings: &Settings) -> RouteOptions {
    RouteOptions {
        default_topic: settings.create_topic_key.clone(),
        default_topic_queue_nums: settings.default_topic_queue_nums,
        namespace: settings.namespace.clone(),
        timeout: settings.api_timeout,
        expiry: settings.topic_expiry,
    }
}
