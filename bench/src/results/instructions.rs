//! Instructions of a message, in runs of their own, because counting them makes a program fifty times slower.

use serde::{Deserialize, Serialize};

/// A count, or why there is none.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instructions {
    pub(crate) program: String,
    pub(crate) per_message: Result<f64, String>,
}
