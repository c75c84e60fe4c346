//! What a mock cluster is started with.

use rocketmq_protocol::codes::response;
use rocketmq_protocol::version;

/// How a [`MockCluster`](crate::MockCluster) is built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockOptions {
    /// Number of master brokers, 1 to 100; they are called `broker-0`, `broker-1`, ….
    pub brokers: usize,
    /// The server version whose answers are given.
    pub profile: Profile,
    /// How many of the received messages stay readable.
    pub keep: Keep,
    /// `autoCreateTopicEnable` of every broker: whether `TBW102` is there to create topics from.
    pub auto_create: bool,
    /// Port of the name server on 127.0.0.1; 0 lets the system choose one.
    pub name_server_port: u16,
}

impl Default for MockOptions {
    fn default() -> MockOptions {
        MockOptions {
            brokers: 1,
            profile: Profile::V5,
            keep: Keep::All,
            auto_create: true,
            name_server_port: 0,
        }
    }
}

/// The server version a cluster answers as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// 4.9.7: answers in the request's header encoding on the normal path, stores empty bodies, ignores timers.
    V4_9,
    /// 5.5.0: answers in JSON always, refuses empty bodies, parks timer messages.
    V5,
}

impl Profile {
    /// Protocol version ordinal of its answers.
    pub(crate) fn version(self) -> i32 {
        match self {
            Profile::V4_9 => version::V4_9_7,
            Profile::V5 => version::V5_5_0,
        }
    }

    pub(crate) fn is_v5(self) -> bool {
        self == Profile::V5
    }

    /// Where brokers and name servers send those whose topic is unknown.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Profile::V4_9 => "\nSee http://rocketmq.apache.org/docs/faq/ for further details.",
            Profile::V5 => "\nSee https://rocketmq.apache.org/docs/bestPractice/06FAQ for further details.",
        }
    }

    /// The code for a request that breaks a rule of its fields: 4.9 has no `INVALID_PARAMETER` (protocol 14.2).
    pub(crate) fn invalid_parameter(self) -> i32 {
        match self {
            Profile::V4_9 => response::SYSTEM_ERROR,
            Profile::V5 => response::INVALID_PARAMETER,
        }
    }
}

/// How many records a broker keeps for reading back. Counts and offsets are right in every case, and half messages
/// stay known to END_TRANSACTION.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Every record.
    All,
    /// The last so many records of each broker.
    Last(usize),
    /// None: nothing is copied, which is what benchmarks want.
    CountOnly,
}
