//! What the tests of this room begin with.

use std::sync::Arc;
use std::time::Duration;

use rocketmq_protocol::route::{BrokerData, QueueData, TopicRoute};
use tokio::runtime::Handle;

use super::asking::GivenRoute;
use super::{BrokerPaths, BrokerTable, NameServers, RouteOptions, RouteTable};
use crate::log::{Log, LogLevel};
use crate::remoting::Remoting;

/// A table without a name server, which forgets topics as soon as nobody uses them.
pub(super) fn table(runtime: &Handle) -> Arc<RouteTable> {
    table_with(runtime, BrokerPaths::default())
}

/// The same with these paths.
pub(super) fn table_with(runtime: &Handle, paths: BrokerPaths) -> Arc<RouteTable> {
    let log = Log::new(LogLevel::Off, None);
    let remoting = Remoting::for_tests(runtime.clone());
    let options = RouteOptions {
        default_topic: "TBW102".to_owned(),
        default_topic_queue_nums: 4,
        namespace: None,
        timeout: Duration::from_secs(1),
        expiry: Some(Duration::ZERO),
    };
    let name_servers = Arc::new(NameServers::new(Arc::clone(&remoting), log.clone(), &[], 0));
    let brokers = Arc::new(BrokerTable::new(remoting, paths));
    RouteTable::new(runtime.clone(), options, name_servers, brokers, log)
}

/// A route with so many queues of one broker.
pub(super) fn route(queues: i32) -> GivenRoute {
    let route = TopicRoute {
        queue_datas: vec![QueueData {
            broker_name: "b".to_owned(),
            read_queue_nums: queues,
            write_queue_nums: queues,
            perm: 6,
            topic_sys_flag: 0,
        }],
        broker_datas: vec![BrokerData {
            broker_name: "b".to_owned(),
            broker_addrs: [(0, "h:1".to_owned())].into(),
            ..BrokerData::default()
        }],
        ..TopicRoute::default()
    };
    GivenRoute { route, name_server: "n:1".into() }
}
