//! Where credentials come from that a program does not know beforehand.

use std::error::Error;

use super::Credentials;

/// Gives credentials that have an end, or that change: of a metadata service, a vault, a file.
///
/// It is asked before the first request, again when a fifth of their time is left, and when a broker has refused them; by one thread
/// at a time, which is made for it and may wait. Sends that need the answer wait for it within their own deadline.
pub trait CredentialsProvider: Send + Sync {
    /// The credentials to use from now on.
    ///
    /// # Errors
    /// Why there are none: its text comes to the errors of sends, and into the log. It is asked again a second later at the
    /// earliest. A panic counts as an error.
    fn credentials(&self) -> Result<Credentials, Box<dyn Error + Send + Sync>>;
}
