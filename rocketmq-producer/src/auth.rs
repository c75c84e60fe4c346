//! Who this client is to the cluster: credentials, where they come from, and the signatures made with them (protocol 10).
//!
//! One [`Signing`] belongs to a client instance, so all of its requests are signed alike. Credentials are those of the
//! configuration until others are set, or they come from a program's [`CredentialsProvider`]:
//!
//! ```text
//!            the first look-up            its answer
//!   none ─────────────────────▶ asked ──────────────────▶ known ──▶ signs requests
//!    ▲                           ▲ │                        │
//!    │ a second later            │ │ it fails               │ their time is nearly over, or a broker refused them
//!    └─── failed ◀───────────────┼─┘                        │
//!                                └──────────────────────────┘ (what is known signs meanwhile)
//! ```
//!
//! Route look-ups wait while there are none, or none that were not refused, and so does whoever waits for a route.

mod credentials;
mod provider;
mod refusal;
mod signer;
mod signing;

pub use credentials::Credentials;
pub use provider::CredentialsProvider;
pub(crate) use refusal::Refusal;
pub(crate) use signer::SignatureFields;
use signer::Signer;
pub(crate) use signing::Signing;
