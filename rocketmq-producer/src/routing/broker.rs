//! Brokers by name, and the address each is written at.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::BuildHasher;
use std::sync::Arc;

use crate::sync::Mutex;
use arc_swap::ArcSwapOption;
use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::route::BrokerData;

use super::marks::Marks;
use crate::remoting::{Channel, Remoting};

/// The id of a master among the addresses of a broker name.
const MASTER_ID: i64 = 0;

/// A broker name. It stays the same object while its master moves.
pub(crate) struct Broker {
    pub(crate) name: Arc<str>,
    name_hash: u64,
    master: ArcSwapOption<BrokerTarget>,
}

/// A broker name at the address it had when it was chosen.
pub(crate) struct BrokerTarget {
    pub(crate) broker_name: Arc<str>,
    pub(crate) channel: Arc<Channel>,
    /// Where sends go: `channel`, or the broker's VIP channel.
    pub(crate) send_channel: Arc<Channel>,
    cluster: String,
    marks: Marks,
}

impl BrokerTarget {
    /// It has stored a message and answered so.
    pub(crate) fn learn(&self, broker_version: i32, answer: &SendAnswer<'_>) {
        self.marks.learn(&self.cluster, broker_version, answer);
    }

    pub(crate) fn marks(&self) -> &Marks {
        &self.marks
    }
}

impl Broker {
    pub(super) fn without_master(name: &str) -> Self {
        let name_hash = foldhash::fast::FixedState::default().hash_one(name);
        Self { name: name.into(), name_hash, master: ArcSwapOption::empty() }
    }

    pub(crate) fn is_named_as(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other) || self.name == other.name
    }

    /// Equal for equal names.
    pub(crate) fn name_hash(&self) -> u64 {
        self.name_hash
    }

    /// The master, if a route names one.
    pub(crate) fn master(&self) -> Option<Arc<BrokerTarget>> {
        self.master.load_full()
    }
}

/// Broker name → addresses, shared by all topics of a client instance (protocol 3.2).
pub(crate) struct BrokerTable {
    remoting: Arc<Remoting>,
    vip: bool,
    brokers: Mutex<HashMap<Arc<str>, Entry>>,
}

struct Entry {
    broker: Arc<Broker>,
    addresses: BTreeMap<i64, String>,
}

impl BrokerTable {
    pub(crate) fn new(remoting: Arc<Remoting>, vip: bool) -> Self {
        Self { remoting, vip, brokers: Mutex::default() }
    }

    /// The broker of this name; without a master until a route names one.
    pub(crate) fn broker(&self, name: &str) -> Arc<Broker> {
        Arc::clone(&self.brokers.lock().entry(name.into()).or_insert_with_key(Entry::new).broker)
    }

    /// A route told the addresses of a broker: they replace what was known.
    pub(crate) fn update(&self, data: &BrokerData) {
        let mut brokers = self.brokers.lock();
        let entry = brokers.entry(data.broker_name.as_str().into()).or_insert_with_key(Entry::new);
        if entry.addresses == data.broker_addrs {
            return;
        }
        entry.addresses.clone_from(&data.broker_addrs);
        let master = data.broker_addrs.get(&MASTER_ID).map(|address| {
            let vip = if self.vip { vip_address(address) } else { None };
            Arc::new(BrokerTarget {
                broker_name: Arc::clone(&entry.broker.name),
                channel: self.remoting.channel(address),
                send_channel: self.remoting.channel(vip.as_deref().unwrap_or(address)),
                cluster: data.cluster.clone(),
                marks: Marks::default(),
            })
        });
        entry.broker.master.store(master);
    }

    /// Drops the brokers that no route names any more.
    pub(crate) fn retain(&self, named: &HashSet<String>) {
        self.brokers.lock().retain(|name, entry| {
            let kept = named.contains(name.as_ref());
            if !kept {
                entry.broker.master.store(None);
            }
            kept
        });
    }

    /// All masters.
    pub(crate) fn masters(&self) -> Vec<Arc<BrokerTarget>> {
        self.brokers.lock().values().filter_map(|entry| entry.broker.master()).collect()
    }

    /// Whether this is the address of a known master.
    pub(crate) fn is_master(&self, address: &str) -> bool {
        self.masters().iter().any(|master| master.channel.address().as_ref() == address)
    }
}

/// The address of a broker's VIP channel: two ports below (protocol 3.6).
fn vip_address(address: &str) -> Option<String> {
    let (host, port) = address.rsplit_once(':')?;
    let vip = port.parse::<u16>().ok()?.checked_sub(2).filter(|port| *port > 0)?;
    Some(format!("{host}:{vip}"))
}

impl Entry {
    fn new(name: &Arc<str>) -> Self {
        Self { broker: Arc::new(Broker::without_master(name)), addresses: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vip_channel_is_two_ports_below() {
        assert_eq!(vip_address("10.0.0.1:10911").as_deref(), Some("10.0.0.1:10909"));
        assert_eq!(vip_address("[::1]:3").as_deref(), Some("[::1]:1"));
        assert_eq!(vip_address("h:2"), None);
        assert_eq!(vip_address("h"), None);
    }
}
