//! The Apache versions that are tested.

use std::fmt;
use std::str::FromStr;

/// A version of Apache RocketMQ whose name server, broker and tools are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// 4.9.7: the last 4.x whose parts are all published.
    V4_9_7,
    /// 5.3.3.
    V5_3_3,
    /// 5.5.0.
    V5_5_0,
}

impl Version {
    /// All of them, oldest first.
    pub const ALL: [Version; 3] = [Version::V4_9_7, Version::V5_3_3, Version::V5_5_0];

    /// The version as Maven spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Version::V4_9_7 => "4.9.7",
            Version::V5_3_3 => "5.3.3",
            Version::V5_5_0 => "5.5.0",
        }
    }

    /// Protocol version ordinal that its servers write into their answers.
    #[must_use]
    pub fn ordinal(self) -> i32 {
        match self {
            Version::V4_9_7 => 407,
            Version::V5_3_3 => 479,
            Version::V5_5_0 => 513,
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Version::ALL.into_iter().find(|v| v.name() == text).ok_or_else(|| UnknownVersion(text.to_owned()))
    }
}

/// A version that is not among [`Version::ALL`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownVersion(
    /// The text that was given.
    pub String,
);

impl fmt::Display for UnknownVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known: Vec<_> = Version::ALL.iter().map(|v| v.name()).collect();
        write!(f, "unknown RocketMQ version `{}`; known are {}", self.0, known.join(", "))
    }
}

impl std::error::Error for UnknownVersion {}
