//! One name server and any number of brokers of one Apache version, on loopback ports of our choice.

use std::fs;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::route::{MASTER_ID, TopicRoute};
use rocketmq_protocol::topics;

use crate::artifacts::{self, Artifacts};
use crate::ports::PortBlock;
use crate::process::{JavaServer, wait_for, write_quiet_logging};
use crate::wire::{Connection, Request};
use crate::{LaunchError, Version, access, disk};

/// A loaded machine needs up to 60 s; a process that ends or prints an error is noticed at once.
const START_LIMIT: Duration = Duration::from_secs(90);

/// Zone of every broker. Clients notice it only when they ask for a zone, and 4.9.7 knows none.
pub const ZONE: &str = "zone-a";

/// What to start.
#[derive(Debug, Clone)]
pub struct Options {
    /// Apache version.
    pub version: Version,
    /// Number of brokers, all masters of their own broker name (`broker-0`, `broker-1`, …).
    pub brokers: usize,
    /// Number of further brokers, counted on after those, that are synchronous masters with one slave each: a send is
    /// held back until the slave has it, and says so when it has not.
    pub replicated_brokers: usize,
    /// Whether brokers serve only the users of [`access`].
    pub access_control: bool,
    /// Lines added to every `broker.conf`.
    pub extra_broker_conf: Vec<(String, String)>,
}

impl Options {
    /// One broker with the ordinary configuration.
    #[must_use]
    pub fn new(version: Version) -> Options {
        Options {
            version,
            brokers: 1,
            replicated_brokers: 0,
            access_control: false,
            extra_broker_conf: Vec::new(),
        }
    }
}

/// A running cluster. Dropping it kills every process it started and removes their files.
#[derive(Debug)]
pub struct RealCluster {
    // Brokers first: fields are dropped in this order, and a name server that is gone first makes brokers complain.
    slaves: Vec<Broker>,
    brokers: Vec<Broker>,
    name_server: NameServer,
    artifacts: Artifacts,
    version: Version,
}

#[derive(Debug)]
struct NameServer {
    process: JavaServer,
    ports: PortBlock,
}

#[derive(Debug)]
struct Broker {
    process: Option<JavaServer>,
    name: String,
    role: Role,
    ports: PortBlock,
}

/// A broker's part among those of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Master,
    SynchronousMaster,
    Slave,
}

impl Role {
    fn broker_id(self) -> i64 {
        if self == Role::Slave { 1 } else { MASTER_ID }
    }

    fn conf(self, version: Version) -> &'static [(&'static str, &'static str)] {
        match self {
            Role::Master => &[],
            Role::Slave => &[("brokerRole", "SLAVE")],
            Role::SynchronousMaster if version == Version::V4_9_7 => &[("brokerRole", "SYNC_MASTER")],
            // 5.x waits for no slave unless told that two shall have each message.
            Role::SynchronousMaster => {
                &[("brokerRole", "SYNC_MASTER"), ("inSyncReplicas", "2"), ("minInSyncReplicas", "1")]
            }
        }
    }
}

impl RealCluster {
    /// Starts the cluster and waits until the name server shows every broker and slave in the route of a topic they all
    /// have.
    ///
    /// # Errors
    /// Java or Maven is missing; no ports; a process ends or is not ready in time, with the end of its output.
    pub fn start(options: &Options) -> Result<RealCluster, LaunchError> {
        let artifacts = artifacts::resolve(options.version)?;
        let name_server = NameServer::start(&artifacts)?;
        disk::check(&name_server.ports.folder)?;
        let mut cluster = RealCluster {
            slaves: Vec::new(),
            brokers: Vec::new(),
            name_server,
            artifacts,
            version: options.version,
        };
        for index in 0..options.brokers {
            cluster.add_broker(index, Role::Master, options)?;
        }
        for index in options.brokers..options.brokers + options.replicated_brokers {
            cluster.add_broker(index, Role::SynchronousMaster, options)?;
            cluster.add_broker(index, Role::Slave, options)?;
        }
        cluster.wait_for_route()?;
        if options.access_control && options.version != Version::V4_9_7 {
            for broker in &cluster.brokers {
                access::make_limited(&address(&broker.ports))?;
            }
        }
        Ok(cluster)
    }

    /// Version that runs.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// `host:port` of the name server.
    #[must_use]
    pub fn name_server(&self) -> String {
        address(&self.name_server.ports)
    }

    /// `host:port` of a broker, 0 the first.
    #[must_use]
    pub fn broker_address(&self, index: usize) -> Option<String> {
        self.brokers.get(index).map(|broker| address(&broker.ports))
    }

    /// Process ids of all servers that run.
    #[must_use]
    pub fn process_ids(&self) -> Vec<u32> {
        let brokers = self.brokers.iter().chain(&self.slaves).filter_map(|b| b.process.as_ref());
        std::iter::once(&self.name_server.process).chain(brokers).map(JavaServer::id).collect()
    }

    /// Kills a broker (SIGKILL) and returns when it has ended. Its store stays.
    pub fn kill_broker(&mut self, index: usize) {
        if let Some(broker) = self.brokers.get_mut(index) {
            broker.process = None;
        }
    }

    /// Kills the slave of a broker (SIGKILL), if it has one, and returns when it has ended.
    pub fn kill_slave(&mut self, index: usize) {
        let Some(master) = self.brokers.get(index) else { return };
        for slave in self.slaves.iter_mut().filter(|slave| slave.name == master.name) {
            slave.process = None;
        }
    }

    /// Starts a killed broker again, on the same port and store, and waits for its route.
    ///
    /// # Errors
    /// As for [`RealCluster::start`].
    pub fn start_broker(&mut self, index: usize) -> Result<(), LaunchError> {
        if let Some(broker) = self.brokers.get_mut(index) {
            broker.spawn(&self.artifacts)?;
        }
        self.wait_for_route()
    }

    /// Gives the limited user another secret, on all brokers.
    ///
    /// # Errors
    /// A file cannot be written, or a broker refuses.
    pub fn change_limited_secret(&self, secret: &str) -> Result<(), LaunchError> {
        for broker in &self.brokers {
            match self.version {
                Version::V4_9_7 => access::write_accounts(&broker.ports.folder, secret)?,
                Version::V5_3_3 | Version::V5_5_0 => access::change_limited(&address(&broker.ports), secret)?,
            }
        }
        Ok(())
    }

    fn add_broker(&mut self, index: usize, role: Role, options: &Options) -> Result<(), LaunchError> {
        let name = format!("broker-{index}");
        let ports = PortBlock::reserve()?;
        write_quiet_logging(&ports.folder)?;
        let mut broker = Broker { process: None, name, role, ports };
        if options.access_control {
            access::write_accounts(&broker.ports.folder, access::LIMITED.1)?;
        }
        let file = broker.conf_file();
        let text = broker_conf(&broker, &self.name_server(), options);
        fs::write(&file, text).map_err(LaunchError::path("write", &file))?;
        broker.spawn(&self.artifacts)?;
        let group = if role == Role::Slave { &mut self.slaves } else { &mut self.brokers };
        group.push(broker);
        Ok(())
    }

    /// A broker's own line «boot success» comes up to 10 s before its route.
    fn wait_for_route(&mut self) -> Result<(), LaunchError> {
        let name_server = self.name_server();
        let route_request = Request::new(request::GET_ROUTEINFO_BY_TOPIC)
            .field("topic", topics::SELF_TEST)
            .field("acceptStandardJsonOnly", true);
        let mut connection = Connection::open(&name_server)?;
        wait_for("route of every broker", START_LIMIT, || {
            let brokers = self.brokers.iter_mut().chain(&mut self.slaves);
            for process in brokers.filter_map(|b| b.process.as_mut()) {
                process.check_running()?;
            }
            let answer = connection.call(&route_request)?;
            let mut known = Vec::new();
            if answer.code == response::SUCCESS {
                let route = TopicRoute::parse(&answer.body).map_err(LaunchError::wire("parse a route"))?;
                known.extend(route.broker_datas);
            }
            // The name server takes a moment to notice a kill: what it knows may be the broker that was.
            let is_there = |broker: &Broker| {
                let (name, id) = (&broker.name, broker.role.broker_id());
                known.iter().any(|data| data.broker_name == *name && data.broker_addrs.contains_key(&id))
                    && TcpStream::connect(address(&broker.ports)).is_ok()
            };
            let expected = self.brokers.iter().chain(&self.slaves).filter(|b| b.process.is_some());
            let missing: Vec<_> = expected.filter(|b| !is_there(b)).collect();
            if missing.is_empty() {
                return Ok(Ok(()));
            }
            let tails = missing.iter().filter_map(|b| b.process.as_ref()).map(JavaServer::output_tail);
            Ok(Err(tails.collect::<Vec<_>>().join("\n")))
        })
    }
}

impl Broker {
    fn conf_file(&self) -> PathBuf {
        self.ports.folder.join("broker.conf")
    }

    /// Starts its process unless that runs.
    fn spawn(&mut self, artifacts: &Artifacts) -> Result<(), LaunchError> {
        if self.process.is_none() {
            self.process = Some(JavaServer::start(
                &self.name,
                artifacts,
                &["-Xmx256m", "-XX:MaxDirectMemorySize=128m", &format!("-Drocketmq.zone={ZONE}")],
                "org.apache.rocketmq.broker.BrokerStartup",
                &self.conf_file(),
            )?);
        }
        Ok(())
    }
}

impl NameServer {
    fn start(artifacts: &Artifacts) -> Result<NameServer, LaunchError> {
        let ports = PortBlock::reserve()?;
        write_quiet_logging(&ports.folder)?;
        let config = ports.folder.join("namesrv.conf");
        fs::write(&config, format!("listenPort={}\n", ports.port))
            .map_err(LaunchError::path("write", &config))?;
        let mut process = JavaServer::start(
            "name server",
            artifacts,
            &["-Xmx64m"],
            "org.apache.rocketmq.namesrv.NamesrvStartup",
            &config,
        )?;
        let address = address(&ports);
        wait_for("open name server port", START_LIMIT, || {
            process.check_running()?;
            Ok(TcpStream::connect(&address).map(drop).map_err(|e| format!("{e}\n{}", process.output_tail())))
        })?;
        Ok(NameServer { process, ports })
    }
}

fn address(ports: &PortBlock) -> String {
    format!("127.0.0.1:{}", ports.port)
}

/// Small files, and a queue limit far above the default 200 ms, which a busy machine passes with a single request.
fn broker_conf(broker: &Broker, name_server: &str, options: &Options) -> String {
    let store = broker.ports.folder.join("store");
    let mut lines = vec![
        "brokerClusterName=DefaultCluster".to_owned(),
        format!("brokerName={}", broker.name),
        format!("brokerId={}", broker.role.broker_id()),
        "brokerIP1=127.0.0.1".to_owned(),
        // Where slaves reach their master.
        "brokerIP2=127.0.0.1".to_owned(),
        format!("listenPort={}", broker.ports.port),
        format!("namesrvAddr={name_server}"),
        format!("storePathRootDir={}", store.display()),
        format!("storePathCommitLog={}", store.join("commitlog").display()),
        "mappedFileSizeCommitLog=16777216".to_owned(),
        "mappedFileSizeConsumeQueue=60000".to_owned(),
        "maxIndexNum=20000".to_owned(),
        "maxHashSlotNum=5000".to_owned(),
        "waitTimeMillsInSendQueue=5000".to_owned(),
        "osPageCacheBusyTimeOutMills=5000".to_owned(),
    ];
    lines.extend(broker.role.conf(options.version).iter().map(|(key, value)| format!("{key}={value}")));
    if options.access_control {
        lines
            .extend(access::broker_conf(options.version).iter().map(|(key, value)| format!("{key}={value}")));
    }
    lines.extend(options.extra_broker_conf.iter().map(|(key, value)| format!("{key}={value}")));
    lines.push(String::new());
    lines.join("\n")
}
