//! The cluster, its topics and the producers on it.

use std::time::Duration;

use cluster::process::wait_for;
use cluster::wire::{Connection, Request};
use cluster::{LaunchError, Options, RealCluster, Version};
use rocketmq_producer::{Config, Producer};
use rocketmq_protocol::codes::{request, response};
use rocketmq_protocol::perm;
use rocketmq_protocol::route::TopicRoute;

/// One ordinary broker stays, one is killed; the third, a synchronous master, loses its slave.
pub(crate) const SURVIVOR: usize = 0;
pub(crate) const VICTIM: usize = 1;
pub(crate) const REPLICATED: usize = 2;

pub(crate) const QUEUES: i32 = 4;

/// For whatever must come some time, on a machine however busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Scene {
    pub(crate) cluster: RealCluster,
}

impl Scene {
    pub(crate) fn start(version: Version) -> Scene {
        let options = Options {
            brokers: 2,
            replicated_brokers: 1,
            // Timers that are due within a tenth of a second; 4.x has no such key and minds none.
            extra_broker_conf: vec![("timerPrecisionMs".to_owned(), "100".to_owned())],
            ..Options::new(version)
        };
        Scene { cluster: RealCluster::start(&options).unwrap_or_else(|e| panic!("{e}")) }
    }

    pub(crate) fn version(&self) -> Version {
        self.cluster.version()
    }

    /// A producer whose sends have time enough unless something is wrong.
    pub(crate) fn producer(&self, settings: &[(&str, &str)]) -> Producer {
        let mut config = Config::new();
        let name_server = self.cluster.name_server();
        let own =
            [("producer.group", "send_flow"), ("name.server", &name_server), ("send.timeout.ms", "30000")];
        for (key, value) in own.iter().chain(settings) {
            config.set(key, value).unwrap_or_else(|e| panic!("{key}: {e}"));
        }
        Producer::new(&config).unwrap_or_else(|e| panic!("{e}"))
    }

    pub(crate) fn address(&self, broker: usize) -> String {
        self.cluster.broker_address(broker).expect("a broker that was started")
    }

    /// Makes a topic on these brokers and waits until the name server knows of all.
    pub(crate) fn create_topic(&self, topic: &str, brokers: &[usize]) {
        let create = Request::new(request::UPDATE_AND_CREATE_TOPIC)
            .field("topic", topic)
            .field("defaultTopic", "TBW102")
            .field("readQueueNums", QUEUES)
            .field("writeQueueNums", QUEUES)
            .field("perm", perm::READ | perm::WRITE)
            .field("topicFilterType", "SINGLE_TAG")
            .field("topicSysFlag", 0)
            .field("order", false);
        for broker in brokers {
            let answer = Connection::open(&self.address(*broker)).and_then(|mut c| c.call(&create));
            let answer = answer.unwrap_or_else(|e| panic!("creating topic {topic}: {e}"));
            assert_eq!(answer.code, response::SUCCESS, "creating topic {topic}: {:?}", answer.remark);
        }
        self.wait_for_route(topic, |route| route.queue_datas.len() == brokers.len());
    }

    /// The topic's route as the name server has it now.
    pub(crate) fn route(&self, topic: &str) -> Result<Option<TopicRoute>, LaunchError> {
        let request = Request::new(request::GET_ROUTEINFO_BY_TOPIC)
            .field("topic", topic)
            .field("acceptStandardJsonOnly", true);
        let answer = Connection::open(&self.cluster.name_server())?.call(&request)?;
        match answer.code {
            response::SUCCESS => TopicRoute::parse(&answer.body).map(Some).map_err(|e| LaunchError::Wire {
                what: format!("parse the route of {topic}"),
                source: e.into(),
            }),
            _ => Ok(None),
        }
    }

    /// Waits for a route that is as wanted.
    pub(crate) fn wait_for_route(&self, topic: &str, wanted: impl Fn(&TopicRoute) -> bool) -> TopicRoute {
        wait_for(&format!("route of {topic} as expected"), PATIENCE, || {
            let route = self.route(topic)?;
            Ok(match route {
                Some(route) if wanted(&route) => Ok(route),
                other => Err(format!("{other:?}")),
            })
        })
        .unwrap_or_else(|e| panic!("{e}"))
    }
}
