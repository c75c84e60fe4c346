//! What a program of a benchmark is.

use serde::{Deserialize, Serialize};

use crate::workload::Mode;

/// A program with its settings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Unique in a benchmark.
    pub(crate) program: String,
    /// The client, or `raw`.
    pub(crate) driver: String,
    pub(crate) mode: Mode,
    pub(crate) window: usize,
    /// Bytes of a body.
    pub(crate) body: usize,
    /// The program that its ratio is taken from; none for a limit.
    pub(crate) limit: Option<String>,
    /// Of a peer: those of ours that it is held against.
    pub(crate) ours: Vec<String>,
    /// Of a peer: its package and version.
    pub(crate) version: Option<String>,
}
