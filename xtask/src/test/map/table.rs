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
const CORE: House = House {
    name: "rocketmq-producer",
    root: "rocketmq-producer/src/lib.rs",
    floors: &[
        // The public nouns.
        &[("lib", &["lib.rs"])],
        // What users hold.
        &[("producer", &["producer.rs"])],
        // Accept, live and close, ask.
        &[("engine", &["engine.rs", "engine/"])],
        &[
            // One request's messages from acceptance to outcome.
            ("send", &["send.rs", "send/"]),
            // Who waits for a busy broker and leaves together.
            ("lanes", &["lanes.rs", "lanes/"]),
        ],
        // What producers of one client id share.
        &[("client", &["client.rs", "client/"])],
        // Where a message can go.
        &[("routing", &["routing.rs", "routing/"])],
        // Bytes to and from one address.
        &[("remoting", &["remoting.rs", "remoting/"])],
        // How events reach the caller.
        &[("completion", &["completion.rs", "completion/"])],
        // What is due once no lock is held.
        &[("deferred", &["deferred.rs", "deferred/"])],
        // Memory of finished sends, by size.
        &[("memory", &["memory.rs", "memory/"])],
        &[
            // How much is in flight, and who waits for room.
            ("flow", &["flow.rs", "flow/"]),
            // The program's own code, keys and settings.
            ("config", &["hooks.rs", "hooks/", "config.rs", "config/"]),
        ],
        // Once per process; counters; lines; locks.
        &[("process", &["runtime.rs", "task.rs", "stats.rs", "stats/", "log.rs", "sync.rs"])],
        // Nouns; system calls.
        &[("nouns", &["message.rs", "broker_address.rs", "receipt.rs", "error.rs", "error/", "producer_id.rs", "text.rs", "sys.rs", "sys/"])],
    ],
    known: &[
        ("flow", "config", 1),
        ("lanes", "send", 3),
        ("process", "client", 1),
        ("process", "remoting", 2),
        ("send", "lanes", 7),
    ],
    circles: &[8, 5],
};

const PROTOCOL: House = House {
    name: "rocketmq-protocol",
    root: "rocketmq-protocol/src/lib.rs",
    floors: &[],
    known: &[],
    circles: &[10, 3],
};

const C_LIBRARY: House =
    House { name: "rmq", root: "rocketmq-ffi/lib.rs", floors: &[], known: &[], circles: &[6, 2, 2] };

const MOCK: House = House {
    name: "rocketmq-mock",
    root: "rocketmq-mock/src/lib.rs",
    floors: &[],
    known: &[],
    circles: &[16],
};

const PYTHON: House =
    House { name: "rmq-python", root: "bindings/python/src/lib.rs", floors: &[], known: &[], circles: &[2] };
