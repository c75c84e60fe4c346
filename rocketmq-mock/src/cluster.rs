//! The handle of a running cluster.

use std::io;
use std::sync::Arc;

use crate::accounts::Account;
use crate::broker::{Broker, attributes};
use crate::endpoint::{Order, ServerId};
use crate::fault::{FaultId, FaultRule};
use crate::locks::Mutex;
use crate::options::MockOptions;
use crate::server::{Command, ServingThread};
use crate::state::Shared;
use crate::topic::TopicConfig;

/// A name server and brokers on 127.0.0.1, served by one thread of this process named `rmq-mock`.
///
/// All methods may be called from any thread; none calls back. What they change holds for every request read after
/// they return. Dropping the handle stops everything.
#[derive(Debug)]
pub struct MockCluster {
    pub(crate) shared: Arc<Shared>,
    thread: Mutex<Option<ServingThread>>,
}

impl MockCluster {
    /// Starts a cluster; all its ports are open when this returns.
    ///
    /// # Errors
    /// `InvalidInput` if `options.brokers` is not in 1..=100; else what the system says about ports or the thread.
    pub fn start(options: MockOptions) -> io::Result<MockCluster> {
        if !(1..=100).contains(&options.brokers) {
            let problem = format!("a mock cluster has 1 to 100 brokers, not {}", options.brokers);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let (thread, shared) = ServingThread::start(&options)?;
        Ok(MockCluster { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Stops all servers: connections end, ports are free, the thread is gone. What was stored stays readable.
    /// Further calls do nothing.
    pub fn stop(&self) {
        if let Some(thread) = self.thread.lock().take() {
            thread.stop();
        }
    }

    /// The name server's address, `127.0.0.1:PORT`.
    pub fn name_server(&self) -> String {
        self.shared.state.lock().name_server.address.to_string()
    }

    /// Names of the brokers in order: `broker-0`, `broker-1`, ….
    pub fn broker_names(&self) -> Vec<String> {
        self.shared.state.lock().brokers.iter().map(|broker| broker.endpoint.name.clone()).collect()
    }

    /// A broker's address, `127.0.0.1:PORT`; it keeps it over stop and start. Its VIP port is PORT - 2, as with real
    /// brokers; no route names it.
    pub fn broker_address(&self, broker: &str) -> Option<String> {
        let state = self.shared.state.lock();
        let known = state.brokers.iter().find(|known| known.endpoint.name == broker)?;
        Some(known.endpoint.address.to_string())
    }

    /// Creates a topic or changes it, on the brokers named or on all: routes show it at once. `perm` has the bits of
    /// protocol 3.2. A topic keeps its attributes, brokers that are not named keep what they have; names of no broker
    /// are ignored.
    pub fn create_topic(
        &self,
        topic: &str,
        read_queues: i32,
        write_queues: i32,
        perm: i32,
        brokers: Option<&[&str]>,
    ) {
        let mut state = self.shared.state.lock();
        for broker in &mut state.brokers {
            if brokers.is_none_or(|named| named.contains(&broker.endpoint.name.as_str())) {
                let known = broker.topics.get(topic);
                let attributes = known.map(|known| known.attributes.clone()).unwrap_or_default();
                let config = TopicConfig::new(read_queues, write_queues, perm);
                broker.topics.set(topic, TopicConfig { attributes, ..config });
            }
        }
        drop(state);
        self.shared.note_change();
    }

    /// Gives a topic the attributes a request to create it would, `+key=value,+key=value`, on the brokers that have it:
    /// `+queue.type=BatchCQ` makes it one that stores a batch as one record. 4.9 knows no attributes.
    ///
    /// # Errors
    /// `InvalidInput` with what a broker says to attributes it does not take.
    pub fn set_topic_attributes(&self, topic: &str, attributes: &str) -> io::Result<()> {
        let refused = |remark| io::Error::new(io::ErrorKind::InvalidInput, remark);
        let attributes = attributes::change(None, attributes).map_err(refused)?;
        let mut state = self.shared.state.lock();
        for broker in state.brokers.iter_mut().filter(|broker| broker.profile.is_v5()) {
            if let Some(config) = broker.topics.get(topic) {
                let attributes = attributes.clone();
                broker.topics.set(topic, TopicConfig { attributes, ..config.clone() });
            }
        }
        Ok(())
    }

    /// Deletes a topic everywhere, with its messages and counts.
    pub fn delete_topic(&self, topic: &str) {
        let mut state = self.shared.state.lock();
        for broker in &mut state.brokers {
            broker.topics.remove(topic);
            broker.store.remove_topic(topic);
        }
        drop(state);
        self.shared.note_change();
    }

    /// Switches `autoCreateTopicEnable` of all brokers: TBW102 enters or leaves the routes, and sends may or may not
    /// create topics from it.
    pub fn set_auto_create(&self, auto_create: bool) {
        let mut state = self.shared.state.lock();
        for broker in &mut state.brokers {
            broker.topics.set_auto_create(auto_create);
        }
        drop(state);
        self.shared.note_change();
    }

    /// Makes an account, or changes it. From the first one on brokers serve only signed requests of accounts they know, as
    /// ACL 1 of 4.9 and ACL 2 of 5.x do; name servers serve everybody.
    pub fn set_account(&self, account: &Account) {
        self.shared.state.lock().accounts.set(account);
    }

    /// Takes an account away. Without any, nobody is served.
    pub fn remove_account(&self, access_key: &str) {
        self.shared.state.lock().accounts.remove(access_key);
    }

    /// Adds a fault behind those already there.
    pub fn inject(&self, fault: FaultRule) -> FaultId {
        self.shared.state.lock().faults.inject(fault)
    }

    /// Takes one fault back. The answers that it holds are sent; else nothing happens if it is used up.
    pub fn remove_fault(&self, fault: FaultId) {
        let mut state = self.shared.state.lock();
        state.faults.remove(fault);
        state.release(Some(fault));
    }

    /// Takes all faults back. Answers that are held are sent; those already delayed still come.
    pub fn clear_faults(&self) {
        let mut state = self.shared.state.lock();
        state.faults.clear();
        state.release(None);
    }

    /// Sends a frame to one connection of every broker that has registered the producer group, as brokers ask one producer
    /// of a group about its transactions (protocol 1.8). Says how many brokers sent it.
    pub fn push(&self, group: &str, frame: &[u8]) -> usize {
        let state = self.shared.state.lock();
        let sent = state.brokers.iter().filter(|broker| {
            let mut registered = broker.clients.connections_of(group);
            registered.any(|connection| {
                let handle = broker.endpoint.connections.get(&connection);
                handle.is_some_and(|handle| handle.orders.send(Order::Push(frame.to_vec())).is_ok())
            })
        });
        sent.count()
    }

    /// Stops a broker as an administrator does: it leaves the routes, its port refuses, its connections are reset,
    /// in this order. What it stored stays.
    ///
    /// # Errors
    /// `NotFound` for an unknown name; `NotConnected` after [`stop`](MockCluster::stop).
    pub fn stop_broker(&self, broker: &str) -> io::Result<()> {
        let server = self.broker_id(broker)?;
        self.show_in_routes(broker, false)?;
        self.command(server, Command::Stop)
    }

    /// Stops a broker before any name server has noticed: like [`stop_broker`](MockCluster::stop_broker), but routes
    /// go on naming it.
    ///
    /// # Errors
    /// As for [`stop_broker`](MockCluster::stop_broker).
    pub fn crash_broker(&self, broker: &str) -> io::Result<()> {
        let server = self.broker_id(broker)?;
        self.command(server, Command::Stop)
    }

    /// Starts a stopped broker on its old port; when this returns it accepts and is in the routes.
    ///
    /// # Errors
    /// As for [`stop_broker`](MockCluster::stop_broker), or what the system says about the port.
    pub fn start_broker(&self, broker: &str) -> io::Result<()> {
        let server = self.broker_id(broker)?;
        self.command(server, Command::Start)?;
        self.show_in_routes(broker, true)
    }

    /// Puts a broker into the routes or takes it out, whether it runs or not.
    ///
    /// # Errors
    /// `NotFound` for an unknown name.
    pub fn show_in_routes(&self, broker: &str, shown: bool) -> io::Result<()> {
        self.change_broker(broker, |broker| broker.in_routes = shown)
    }

    /// Puts a broker into a zone, or into none as at the start. A client in zone mode is shown only the brokers of its
    /// own zone; 4.9 knows no zones.
    ///
    /// # Errors
    /// `NotFound` for an unknown name.
    pub fn set_zone(&self, broker: &str, zone: Option<&str>) -> io::Result<()> {
        self.change_broker(broker, |broker| broker.zone = zone.map(str::to_owned))
    }

    /// Stops the name server: its port refuses, its connections are reset.
    ///
    /// # Errors
    /// `NotConnected` after [`stop`](MockCluster::stop).
    pub fn stop_name_server(&self) -> io::Result<()> {
        self.command(ServerId::NameServer, Command::Stop)
    }

    /// Starts the stopped name server on its old port.
    ///
    /// # Errors
    /// `NotConnected` after [`stop`](MockCluster::stop), or what the system says about the port.
    pub fn start_name_server(&self) -> io::Result<()> {
        self.command(ServerId::NameServer, Command::Start)
    }

    fn change_broker(&self, broker: &str, change: impl FnOnce(&mut Broker)) -> io::Result<()> {
        let mut state = self.shared.state.lock();
        let known = state.brokers.iter_mut().find(|known| known.endpoint.name == broker);
        change(known.ok_or_else(|| unknown_broker(broker))?);
        drop(state);
        self.shared.note_change();
        Ok(())
    }

    fn broker_id(&self, broker: &str) -> io::Result<ServerId> {
        let state = self.shared.state.lock();
        let server = state.server_named(broker).filter(|server| *server != ServerId::NameServer);
        server.ok_or_else(|| unknown_broker(broker))
    }

    fn command(&self, server: ServerId, command: Command) -> io::Result<()> {
        match &*self.thread.lock() {
            Some(thread) => thread.command(server, command),
            None => Err(io::Error::new(io::ErrorKind::NotConnected, "the mock cluster is stopped")),
        }
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        self.stop();
    }
}

fn unknown_broker(broker: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("the mock cluster has no broker {broker:?}"))
}
