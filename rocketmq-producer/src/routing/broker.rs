//! Brokers by name, and the address each is written at.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use crate::broker_address::BrokerAddress;
use crate::sync::Mutex;
use arc_swap::ArcSwapOption;
use once_cell::race::OnceBox;
use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::route::{BrokerData, MASTER_ID, TopicRoute};

use super::bounds::MAX_CLIENT_BROKERS;
use super::broker_paths::BrokerPaths;
use super::broker_properties::BrokerProperties;
use crate::error::{Error, ErrorCode};
use crate::remoting::{Channel, Remoting};
use crate::stats::BrokerId;

/// The key of this process: nobody who names brokers can choose names of equal hashes.
static KEY: OnceBox<RandomState> = OnceBox::new();

/// A broker name. It stays the same object while its master moves.
pub(crate) struct Broker {
    pub(crate) name: Arc<str>,
    name_hash: u64,
    id: BrokerId,
    master: ArcSwapOption<Master>,
}

/// The master of a broker name, at the address that it had when it was chosen.
pub(crate) struct Master {
    pub(crate) address: Arc<BrokerAddress>,
    pub(crate) id: BrokerId,
    pub(crate) channel: Arc<Channel>,
    /// Where sends go: `channel`, or the broker's VIP channel.
    pub(crate) send_channel: Arc<Channel>,
    cluster: String,
    properties: BrokerProperties,
}

impl Master {
    /// The broker has stored a message and answered so.
    pub(crate) fn learn(&self, broker_version: i32, answer: &SendAnswer<'_>) {
        self.properties.learn(&self.cluster, broker_version, answer);
    }

    /// There is news of the broker: it is worth a try at once.
    fn end_pause(&self) {
        self.channel.end_pause();
        self.send_channel.end_pause();
    }

    pub(crate) fn properties(&self) -> &BrokerProperties {
        &self.properties
    }
}

impl Broker {
    pub(crate) fn without_master(name: &str) -> Self {
        let name_hash = KEY.get_or_init(Box::default).hash_one(name);
        Self { name: name.into(), name_hash, id: BrokerId::new(), master: ArcSwapOption::empty() }
    }

    pub(crate) fn is_named_as(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || self.name == other.name
    }

    /// A hash of the name, equal for equal names.
    pub(crate) fn name_hash(&self) -> u64 {
        self.name_hash
    }

    /// Whether the broker is known to be out of reach just now: it has no master, or a connect failed a moment ago.
    pub(crate) fn is_out_of_reach(&self) -> bool {
        self.master.load().as_ref().is_none_or(|master| master.send_channel.is_resting())
    }

    /// Where the master of this name is, if a route names one.
    pub(crate) fn master(&self) -> Option<Arc<Master>> {
        self.master.load_full()
    }
}

/// Broker name → addresses, shared by all topics of a client instance (protocol 3.2).
pub(crate) struct BrokerTable {
    remoting: Arc<Remoting>,
    paths: BrokerPaths,
    brokers: Mutex<Brokers>,
}

#[derive(Default)]
struct Brokers {
    by_name: HashMap<Arc<str>, Arc<Broker>>,
    /// Addresses of masters, each with how many broker names have it.
    masters: HashMap<Arc<str>, usize>,
}

impl BrokerTable {
    pub(crate) fn new(remoting: Arc<Remoting>, paths: BrokerPaths) -> Self {
        Self { remoting, paths, brokers: Mutex::default() }
    }

    /// The broker of this name; without a master until a route names one.
    pub(crate) fn broker(&self, name: &str) -> Arc<Broker> {
        Arc::clone(self.brokers.lock().broker(name))
    }

    /// The host of this name server, if brokers of its routes are reached there.
    pub(super) fn name_server_host<'a>(&self, name_server: &'a str) -> Option<&'a str> {
        self.paths.name_server_host(name_server)
    }

    /// A route that is news told the addresses of brokers: they replace what was known. `host` is that of the name server that gave
    /// it. An error if there would be too many, and then all stays as it was.
    pub(super) fn update(&self, route: &TopicRoute, host: Option<&str>) -> Result<(), Error> {
        let mut brokers = self.brokers.lock();
        let named = route.broker_datas.iter().map(|data| data.broker_name.as_str());
        let named = named.chain(route.order().map(|(name, _)| name));
        let new: HashSet<_> = named.filter(|name| !brokers.by_name.contains_key(*name)).collect();
        let count = brokers.by_name.len() + new.len();
        if count > MAX_CLIENT_BROKERS {
            let text =
                format!("routes name {count} brokers, more than a client knows ({MAX_CLIENT_BROKERS})");
            return Err(Error::new(ErrorCode::Protocol, text));
        }
        for data in &route.broker_datas {
            self.update_one(&mut brokers, data, host);
        }
        Ok(())
    }

    fn update_one(&self, brokers: &mut Brokers, data: &BrokerData, host: Option<&str>) {
        let broker = Arc::clone(brokers.broker(&data.broker_name));
        let known = broker.master();
        let registered = data.broker_addrs.get(&MASTER_ID);
        let channels = registered.map(|address| self.paths.channels(&self.remoting, address, host));
        let known_at = known.as_ref().map(|master| (&master.channel, &master.send_channel));
        let is_same = match (known_at, &channels) {
            (Some(known), Some(now)) => Arc::ptr_eq(known.0, &now.0) && Arc::ptr_eq(known.1, &now.1),
            (known, now) => known.is_none() && now.is_none(),
        };
        if is_same && known.as_ref().is_none_or(|known| known.cluster == data.cluster) {
            // It may have come back to where it was.
            if let Some(master) = known {
                master.end_pause();
            }
            return;
        }
        let master = channels.map(|(channel, send_channel)| {
            Arc::new(Master {
                address: Arc::new(BrokerAddress {
                    name: Arc::clone(&broker.name),
                    address: Arc::clone(channel.address()),
                }),
                id: broker.id,
                channel,
                send_channel,
                cluster: data.cluster.clone(),
                properties: BrokerProperties::default(),
            })
        });
        brokers.count_master(known.as_deref(), master.as_deref());
        if let Some(master) = &master {
            master.end_pause();
        }
        broker.master.store(master);
    }

    /// Drops the brokers that no route names any more.
    pub(crate) fn retain(&self, named: &HashSet<String>) {
        let mut brokers = self.brokers.lock();
        let gone: Vec<_> = brokers.by_name.extract_if(|name, _| !named.contains(name.as_ref())).collect();
        for (_, broker) in gone {
            brokers.count_master(broker.master.swap(None).as_deref(), None);
        }
    }

    /// All masters.
    pub(crate) fn masters(&self) -> Vec<Arc<Master>> {
        self.brokers.lock().by_name.values().filter_map(|broker| broker.master()).collect()
    }

    /// Whether this is the address of a known master.
    pub(crate) fn is_master(&self, address: &str) -> bool {
        self.brokers.lock().masters.contains_key(address)
    }
}

impl Brokers {
    fn broker(&mut self, name: &str) -> &Arc<Broker> {
        self.by_name.entry(name.into()).or_insert_with_key(|name| Arc::new(Broker::without_master(name)))
    }

    /// A broker name has another master than before.
    fn count_master(&mut self, before: Option<&Master>, now: Option<&Master>) {
        if let Some(before) = before.map(|master| master.channel.address())
            && let Some(count) = self.masters.get_mut(before)
        {
            *count -= 1;
            if *count == 0 {
                self.masters.remove(before);
            }
        }
        if let Some(now) = now {
            *self.masters.entry(Arc::clone(now.channel.address())).or_default() += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With nothing that connects.
    fn table() -> BrokerTable {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        BrokerTable::new(Remoting::for_tests(runtime.handle().clone()), BrokerPaths::default())
    }

    fn route(brokers: impl IntoIterator<Item = (String, &'static str)>) -> TopicRoute {
        let data = |(broker_name, address): (String, &str)| BrokerData {
            broker_name,
            broker_addrs: [(MASTER_ID, address.to_owned())].into(),
            ..BrokerData::default()
        };
        TopicRoute { broker_datas: brokers.into_iter().map(data).collect(), ..TopicRoute::default() }
    }

    #[test]
    fn a_master_is_known_by_its_address_as_long_as_a_broker_has_it() {
        let table = table();
        let [a, b] = ["a", "b"].map(str::to_owned);
        table.update(&route([(a.clone(), "h:1"), (b.clone(), "h:1")]), None).expect("few");
        assert!(table.is_master("h:1") && !table.is_master("h:2"));
        table.update(&route([(a.clone(), "h:2")]), None).expect("few");
        assert!(table.is_master("h:1") && table.is_master("h:2"));
        table.update(&route([(b, "h:2")]), None).expect("few");
        assert!(!table.is_master("h:1") && table.is_master("h:2"));
        table.retain(&HashSet::from([a]));
        assert!(table.is_master("h:2"));
        table.retain(&HashSet::new());
        assert!(!table.is_master("h:2") && table.masters().is_empty());
    }

    #[test]
    fn a_client_knows_so_many_brokers_and_forgets_those_that_left() {
        let table = table();
        let brokers = |count: usize, of: usize| (0..count).map(move |n| (format!("{of}-{n}"), "h:1"));
        table.update(&route(brokers(MAX_CLIENT_BROKERS - 1, 1)), None).expect("few enough");
        let mut ordered = route(brokers(1, 2));
        ordered.order_topic_conf = Some("3-0:4".to_owned());
        let error = table.update(&ordered, None).expect_err("too many");
        assert_eq!(error.code(), ErrorCode::Protocol);
        assert!(error.message().contains("16385") && error.message().contains("16384"), "{error}");
        assert_eq!(table.masters().len(), MAX_CLIENT_BROKERS - 1, "as it was");
        table.retain(&HashSet::from(["1-0".to_owned()]));
        table.update(&ordered, None).expect("few");
        assert_eq!(table.masters().len(), 2);
    }
}
