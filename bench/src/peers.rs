//! Other producers: each is installed from its registry and sends through a driver of ours in `bench/peers/`.

mod alone;
mod cpp;
mod go;
mod java;
mod python;
mod rust;
mod workshop;

use std::path::{Path, PathBuf};

use crate::Failure;
pub(crate) use alone::run as alone;

/// Modes of the clients that offer every kind of send.
const ALL_MODES: &[&str] = &["lone", "threads", "async", "oneway", "batch"];

/// A producer that ours is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    Java,
    Go,
    Rust,
    Cpp,
    CppPython,
    Confluent,
    ConfluentAio,
}

/// How a peer's driver is started; the words of the work follow `words`.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) executable: PathBuf,
    pub(crate) words: Vec<String>,
    pub(crate) environment: Vec<(String, String)>,
    /// Package and version of the client, for a report.
    pub(crate) version: String,
}

impl Peer {
    pub(crate) const ALL: [Peer; 7] =
        [Peer::Java, Peer::Go, Peer::Rust, Peer::Cpp, Peer::CppPython, Peer::Confluent, Peer::ConfluentAio];

    pub(crate) fn from_name(name: &str) -> Option<Peer> {
        Peer::ALL.into_iter().find(|peer| peer.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Java => "java",
            Peer::Go => "go",
            Peer::Rust => "rust",
            Peer::Cpp => "cpp",
            Peer::CppPython => "cpp-python",
            Peer::Confluent => "confluent",
            Peer::ConfluentAio => "confluent-aio",
        }
    }

    /// What `--mode` may be; `bench/peers/README.md` says why others are missing.
    pub(crate) fn modes(self) -> &'static [&'static str] {
        match self {
            Peer::Java | Peer::Go | Peer::Rust => ALL_MODES,
            Peer::Cpp | Peer::CppPython => &["lone", "threads", "async", "oneway"],
            Peer::Confluent | Peer::ConfluentAio => &["lone", "async"],
        }
    }

    /// Installs and builds it below `target/bench-peers/`; at once when that has been done before.
    pub(crate) fn prepare(self, target: &Path) -> Result<Launch, Failure> {
        let prepared = match self {
            Peer::Java => java::prepare(target),
            Peer::Go => go::prepare(target),
            Peer::Rust => rust::prepare(target),
            Peer::Cpp => cpp::prepare(target),
            Peer::CppPython => python::prepare(target, "rocketmq", "cpp.py"),
            Peer::Confluent => python::prepare(target, "confluent-kafka", "confluent.py"),
            Peer::ConfluentAio => python::prepare(target, "confluent-kafka", "confluent_aio.py"),
        };
        prepared.map_err(|failure| format!("{}: {failure}", self.name()).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_peers() {
        for peer in Peer::ALL {
            assert_eq!(Peer::from_name(peer.name()), Some(peer));
        }
        assert_eq!(Peer::from_name("kafka"), None);
    }
}
