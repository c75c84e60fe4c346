//! What is counted in runs of their own, because counting takes time.

use serde::{Deserialize, Serialize};

/// Counts for one message of a program, or why there are none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cost {
    pub(crate) program: String,
    pub(crate) allocations: Result<f64, String>,
    pub(crate) system_calls: Result<f64, String>,
}
