//! The producer as its users hold it.
//!
//! `sends.rs` has the ways to send one message, `batches.rs` those for wire batches; `calls.rs` has what a program waits for,
//! each call in two forms: one that waits, and one whose end comes to a queue; `closing.rs` has a close in two steps.

mod batches;
mod calls;
mod closing;
mod sends;

pub use batches::BatchError;
pub use closing::Closing;

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwapOption;

use crate::auth::Credentials;
use crate::config::{Config, Settings, parse_addresses};
use crate::engine::Engine;
use crate::error::{Error, ErrorCode};
use crate::stats::Stats;

/// A producer of one group. Clones are handles of the same producer; any thread may use any of them.
///
/// The last handle's drop closes it without waiting; [`Producer::close`] waits. In a child made by `fork` every
/// call answers `FORKED` and the drop does nothing; [`Producer::renewed`] makes the one that works there.
#[derive(Clone)]
pub struct Producer(Arc<CloseOnDrop>);

struct CloseOnDrop {
    engine: Arc<Engine>,
    /// Given at run time, for [`Producer::renewed`].
    name_servers: ArcSwapOption<Vec<String>>,
    credentials: ArcSwapOption<Credentials>,
}

impl Producer {
    /// Makes and starts a producer. Never waits for the network: name servers and brokers are reached when the
    /// first send needs them (see [`Producer::wait_ready`]).
    ///
    /// # Errors
    /// `INVALID_VALUE` (no or bad `producer.group`), `NO_NAME_SERVER` (nothing says where the cluster is),
    /// `GROUP_CONFLICT` (with `instance.name`: the group has a producer there), `SYSTEM` (no thread).
    pub fn new(config: &Config) -> Result<Self, Error> {
        Self::start(Settings::read(config)?)
    }

    fn start(settings: Settings) -> Result<Self, Error> {
        Ok(Self(Arc::new(CloseOnDrop {
            engine: Engine::start(settings)?,
            name_servers: ArcSwapOption::empty(),
            credentials: ArcSwapOption::empty(),
        })))
    }

    /// Whether the key `after.fork` says `renew`: the program expects [`Producer::renewed`] in the place of this one
    /// in a forked child. That is for the one who holds it to do, who has queues and listeners to renew too.
    pub fn renews_after_fork(&self) -> bool {
        self.engine().sends.settings.renew_after_fork
    }

    /// For a forked child: another producer with the settings, hooks and log of this one, and with its name servers and
    /// credentials as they were set last, and its tag. Nothing of the parent is touched: its connections and sends go on there, and nothing
    /// is heard of them here. Its queues and whoever [hears of room](Self::hear_of_room) stay there.
    ///
    /// # Errors
    /// `CLOSED` if this one was closed before the fork; `SYSTEM` (no thread); `GROUP_CONFLICT` and `INVALID_VALUE` as
    /// [`Producer::new`], above all if this process is not a child.
    pub fn renewed(&self) -> Result<Self, Error> {
        if self.is_closed() {
            return Err(Error::closed());
        }
        let mut settings = self.engine().sends.settings.clone();
        let name_servers = self.0.name_servers.load_full();
        if let Some(name_servers) = &name_servers {
            settings.name_servers = Vec::clone(name_servers);
        }
        let credentials = self.0.credentials.load_full();
        if let Some(credentials) = &credentials {
            settings.credentials = Some(Credentials::clone(credentials));
        }
        let renewed = Self::start(settings)?;
        renewed.set_tag(self.engine().sends.bounds.producer());
        renewed.0.name_servers.store(name_servers);
        renewed.0.credentials.store(credentials);
        Ok(renewed)
    }

    fn engine(&self) -> &Arc<Engine> {
        &self.0.engine
    }

    /// Takes other name servers, `host:port` with `;` or `,` between; requests under way go on. Producers with the same
    /// client id take them too.
    ///
    /// # Errors
    /// `INVALID_VALUE` names what is no address; `CLOSED`, `FORKED`.
    pub fn set_name_servers(&self, addresses: &str) -> Result<(), Error> {
        self.engine().check_open()?;
        let refuse = |why| Error::new(ErrorCode::InvalidValue, format!("name servers: {why}"));
        let addresses = parse_addresses(addresses).map_err(refuse)?;
        if addresses.is_empty() {
            return Err(refuse("no address is given".to_owned()));
        }
        self.engine().sends.client.name_servers.set(&addresses);
        self.0.name_servers.store(Some(Arc::new(addresses)));
        Ok(())
    }

    /// Signs requests with these from now on; those on their way stay as they are. Producers with the same client id speak for the
    /// same user, and take them too.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` if a provider gives the credentials; `CLOSED`, `FORKED`.
    pub fn set_credentials(&self, credentials: Credentials) -> Result<(), Error> {
        self.engine().check_open()?;
        self.engine().sends.client.remoting.signing().set(credentials.clone())?;
        self.0.credentials.store(Some(Arc::new(credentials)));
        Ok(())
    }

    /// Sets the word by which events name this producer ([`Event::producer`]), for queues of several producers.
    pub fn set_tag(&self, tag: usize) {
        self.engine().sends.bounds.set_producer(tag);
    }

    /// What this producer has done since it was made, and how it stands. Works until it is gone, also after the close.
    ///
    /// # Errors
    /// `FORKED`.
    pub fn stats(&self) -> Result<Stats, Error> {
        self.engine().check_fork()?;
        Ok(self.engine().stats())
    }

    /// Messages that count against `in.flight.max.messages` now.
    pub fn in_flight(&self) -> usize {
        self.engine().sends.bounds.messages()
    }

    /// Whether a close has begun.
    pub fn is_closed(&self) -> bool {
        self.engine().is_closing()
    }

    /// The client id that brokers see: `address@instance`.
    pub fn client_id(&self) -> &str {
        &self.engine().sends.client.client_id
    }

    /// The producer group.
    pub fn group(&self) -> &str {
        &self.engine().sends.settings.group
    }
}

impl fmt::Debug for Producer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("group", &self.group())
            .field("client_id", &self.client_id())
            .field("in_flight", &self.in_flight())
            .finish()
    }
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        if self.engine.is_forked() {
            // In a forked child the engine belongs to threads that are not there: it is left as it is.
            std::mem::forget(Arc::clone(&self.engine));
        } else {
            self.engine.end_in_background();
        }
    }
}
