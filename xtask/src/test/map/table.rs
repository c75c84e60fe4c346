//! The floors, from the top down.

use super::rooms::House;

/// What is built on what. What only tests need is left out.
pub(super) const CRATES: &[&[&str]] = &[
    &["xtask", "rmq-bench"],
    &["rmq-cluster-tests", "rmq", "rmq-python"],
    &["rocketmq-producer", "rocketmq-mock"],
    &["rocketmq-protocol"],
];

pub(super) const HOUSES: &[&House] = &[&CORE, &PROTOCOL, &C_LIBRARY, &MOCK, &PYTHON];

#[rustfmt::skip]
pub(super) const CORE: House = House {
    name: "rocketmq-producer",
    root: "rocketmq-producer/src/lib.rs",
    floors: &[
        &[("lib", "the public nouns", &["lib.rs"])],
        &[("producer", "what users hold", &["producer.rs", "producer/"])],
        &[("engine", "accepts sends, lives and closes, asks the I/O thread", &["engine.rs", "engine/"])],
        &[("send", "one request's messages from acceptance to outcome: the attempt loop", &["send.rs", "send/"])],
        // Below sends, of which it knows only that they wait.
        &[("lanes", "who waits for a busy broker, and leaves together", &["lanes.rs", "lanes/"])],
        &[("client", "what producers of one client id share: groups, jobs by the clock, requests of brokers", &["client.rs", "client/"])],
        &[("routing", "where a message can go", &["routing.rs", "routing/"])],
        &[("remoting", "bytes to and from one address", &["remoting.rs", "remoting/"])],
        &[("completion", "how outcomes and events reach the caller", &["completion.rs", "completion/"])],
        &[("deferred", "what is due once no lock is held", &["deferred.rs", "deferred/"])],
        &[("memory", "memory of finished sends, by size", &["memory.rs", "memory/"])],
        &[
            ("flow", "how much is in flight, and who waits for room", &["flow.rs", "flow/"]),
            ("config", "the keys and settings, and the traits of the program's own code", &["hooks.rs", "hooks/", "config.rs", "config/"]),
        ],
        &[("auth", "who this client is to the cluster: credentials, their provider, signatures", &["auth.rs", "auth/"])],
        &[("process", "once per process: the I/O thread; tasks; counters; log lines; locks", &["runtime.rs", "task.rs", "alarm.rs", "stats.rs", "stats/", "log.rs", "sync.rs", "watch.rs"])],
        &[("nouns", "messages, receipts, errors; system calls", &["message.rs", "broker_address.rs", "receipt.rs", "error.rs", "error/", "producer_id.rs", "text.rs", "sys.rs", "sys/"])],
    ],
    known: &[],
    circles: &[],
};

const PROTOCOL: House = House {
    name: "rocketmq-protocol",
    root: "rocketmq-protocol/src/lib.rs",
    floors: &[],
    known: &[],
    circles: &[],
};

const C_LIBRARY: House =
    House { name: "rmq", root: "rocketmq-ffi/lib.rs", floors: &[], known: &[], circles: &[2, 2] };

const MOCK: House =
    House { name: "rocketmq-mock", root: "rocketmq-mock/src/lib.rs", floors: &[], known: &[], circles: &[] };

const PYTHON: House =
    House { name: "rmq-python", root: "bindings/python/src/lib.rs", floors: &[], known: &[], circles: &[] };
