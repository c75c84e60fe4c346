//! A RocketMQ cluster in memory: one name server and brokers on 127.0.0.1, served by one thread of this process.
//!
//! It answers as real servers of 4.9.7 or 5.5.0 answer, both header encodings included, makes topics from TBW102, and
//! runs the send processor's checks in their real order. What it stored is open to inspection, and faults can be asked
//! for: codes, delays, answers held back, silence, resets, broken frames, servers that go and come back, routes that change.
//!
//! It is for tests, benchmarks and demonstrations. It has accounts if it is told so, speaks plain text only, stores in memory,
//! knows no slaves and no consumers, and never asks back for the state of a half message.
//!
//! ```
//! use rocketmq_mock::{MockCluster, MockOptions};
//!
//! let cluster = MockCluster::start(MockOptions { brokers: 3, ..MockOptions::default() })?;
//! cluster.create_topic("Orders", 8, 8, 6, None);
//! println!("name server {}", cluster.name_server());
//! assert_eq!(cluster.broker_names(), ["broker-0", "broker-1", "broker-2"]);
//! assert_eq!(cluster.stored_count("Orders"), 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod accounts;
mod answer;
mod broker;
mod cluster;
mod connection;
mod delivery;
mod dispatch;
mod endpoint;
mod fault;
mod ids;
mod inspection;
mod listener;
mod locks;
mod name_server;
mod options;
mod output;
mod parked;
mod request;
mod request_log;
mod server;
mod state;
mod store;
mod topic;

pub use accounts::Account;
pub use cluster::MockCluster;
pub use fault::{Fault, FaultId, FaultRule, NAME_SERVER};
pub use inspection::{Registration, StoredMessage};
pub use options::{Keep, MockOptions, Profile};
pub use request_log::RecordedRequest;
