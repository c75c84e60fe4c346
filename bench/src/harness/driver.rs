//! The programs that send.

use std::fmt;

/// Which producer, in which language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Driver {
    /// No producer: the limits.
    Raw,
    Rust,
    C,
    /// The blocking producer.
    Python,
    /// The producer for asyncio.
    Asyncio,
}

impl fmt::Display for Driver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Driver::Raw => "raw",
            Driver::Rust => "rust",
            Driver::C => "c",
            Driver::Python => "python",
            Driver::Asyncio => "asyncio",
        })
    }
}
