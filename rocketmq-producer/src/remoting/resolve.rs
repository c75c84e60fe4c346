//! Host names to addresses. The system's resolver blocks, so each name is looked up on a thread of its own: a name whose
//! servers are silent holds up those who need it and nobody else. All who ask for a name meanwhile share one look-up.
//!
//! Threads have a bound, so names stand in two lines: those that are found quickly or not known yet, and those that are slow. Names
//! that hang fill the second line only, and the first one goes on:
//!
//! ```text
//!            first time, or quick the last time                 slow the last time
//!                         │                                             │
//!                         ▼                                             ▼
//!              line of quick names ── no answer for 2 s, ──▶ line of slow names
//!                         │        if there is room there               │
//!                         ▼                                             ▼
//!                       found: quick if that took less than 2 s, else slow
//! ```

use std::collections::{HashMap, HashSet, VecDeque};
use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::sync::Mutex;
use crate::sys;
use crate::sys::Moment;
use crate::task;

/// Names of each line that are looked up at once; others wait until one is done. Each takes a thread, and programs know a few
/// dozen brokers by name.
const MOST_THREADS: usize = 64;

/// A look-up that takes longer than this is slow: the system asks a server that is silent again only after five seconds.
const QUICK: Duration = Duration::from_secs(2);

/// Names that are remembered as slow.
const MOST_SLOW: usize = 4096;

/// Longer than any name that the DNS can hold.
const LONGEST_NAME: usize = 255;

/// What a look-up gave: addresses with port 0.
type Found = Result<Arc<[SocketAddr]>, Shared>;

#[derive(Default)]
pub(crate) struct Resolver(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Names that are or will be looked up.
    asked: HashMap<Arc<str>, Asked>,
    quick: Line,
    slow: Line,
    /// Names whose last look-up was slow.
    known_as_slow: HashSet<Arc<str>>,
}

/// A name that somebody asked for.
struct Asked {
    waiting: Vec<oneshot::Sender<Found>>,
    is_slow: bool,
    /// When its look-up began; none while it waits for a thread.
    begun: Option<Moment>,
}

/// Names of one kind.
#[derive(Default)]
struct Line {
    /// Those that wait for a thread.
    queued: VecDeque<Arc<str>>,
    threads: usize,
}

impl Resolver {
    /// The addresses of a host: a name, or an IP address, with IPv6 in brackets or not and perhaps with a scope
    /// (`fe80::1%eth0`). At least one. Takes as long as the system's resolver does.
    ///
    /// # Errors
    /// What the resolver says, or the operating system that refuses a thread; `InvalidInput` for what is no host.
    pub(crate) async fn resolve(self: &Arc<Self>, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(mut address) = literal(host)? {
            address.set_port(port);
            return Ok(vec![address]);
        }
        if host.is_empty() || host.len() > LONGEST_NAME {
            let text = format!("a host name has 1 to {LONGEST_NAME} characters, not {}", host.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let mut found = self.ask(host);
        let found = loop {
            match timeout(QUICK, &mut found).await {
                Ok(found) => break found,
                Err(_) => self.make_way(),
            }
        };
        let found = found.map_err(|_| io::Error::other("the look-up has ended without a result"))?;
        let addresses = found.map_err(|error| io::Error::new(error.0.kind(), error))?;
        let with_port = |mut address: SocketAddr| {
            address.set_port(port);
            address
        };
        Ok(addresses.iter().copied().map(with_port).collect())
    }

    fn ask(self: &Arc<Self>, host: &str) -> oneshot::Receiver<Found> {
        let (sender, receiver) = oneshot::channel();
        let mut table = self.0.lock();
        if let Some(asked) = table.asked.get_mut(host) {
            asked.waiting.retain(|sender| !sender.is_closed());
            asked.waiting.push(sender);
            return receiver;
        }
        let host: Arc<str> = host.into();
        let is_slow = table.known_as_slow.contains(&host);
        let asked = Asked { waiting: vec![sender], is_slow, begun: None };
        table.asked.insert(Arc::clone(&host), asked);
        table.line(is_slow).queued.push_back(host);
        drop(table);
        self.make_way();
        receiver
    }

    /// Lets the names go on that wait for a thread, if there is one or one that hangs makes way for them.
    fn make_way(self: &Arc<Self>) {
        let next = {
            let mut table = self.0.lock();
            table.set_slow_aside(Moment::now());
            table.take_next()
        };
        for host in next {
            self.look_up(host);
        }
    }

    /// Looks this name up, and after it those that wait.
    fn look_up(self: &Arc<Self>, host: Arc<str>) {
        let (asked, name, resolver) = (Arc::clone(&host), Arc::clone(&host), Arc::clone(self));
        let begun = task::thread(
            "rmq-resolver",
            move || ask_the_system(&asked),
            move |outcome| {
                let found = outcome.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
                resolver.told(&name, found);
                resolver.make_way();
            },
        );
        if let Err(refused) = begun {
            let text = format!("no thread to look the name up: {refused}");
            self.told(&host, Err(io::Error::new(refused.kind(), Because { text, cause: refused })));
        }
    }

    /// A look-up has ended.
    fn told(&self, host: &str, found: io::Result<Vec<SocketAddr>>) {
        let found: Found = match found {
            Ok(addresses) => Ok(addresses.into()),
            Err(error) => Err(Shared(Arc::new(error))),
        };
        let waiting = self.0.lock().ended(host, Moment::now());
        for sender in waiting {
            // Whoever does not wait any more wants nothing.
            let _ = sender.send(found.clone());
        }
    }
}

impl Table {
    fn line(&mut self, is_slow: bool) -> &mut Line {
        if is_slow { &mut self.slow } else { &mut self.quick }
    }

    /// Quick names wait, and some before them hang: those go over to the slow ones, as far as there is room.
    fn set_slow_aside(&mut self, now: Moment) {
        if self.quick.threads < MOST_THREADS || self.quick.queued.is_empty() {
            return;
        }
        for (host, asked) in &mut self.asked {
            let hangs = !asked.is_slow && asked.begun.is_some_and(|begun| now.since(begun) > QUICK);
            if hangs && self.slow.threads < MOST_THREADS {
                asked.is_slow = true;
                self.quick.threads -= 1;
                self.slow.threads += 1;
                remember(&mut self.known_as_slow, host);
            }
        }
    }

    /// The names that have a thread now. Those that nobody waits for any more are forgotten.
    fn take_next(&mut self) -> Vec<Arc<str>> {
        let mut next = Vec::new();
        for line in [&mut self.quick, &mut self.slow] {
            while line.threads < MOST_THREADS
                && let Some(host) = line.queued.pop_front()
            {
                match self.asked.get_mut(&host) {
                    Some(asked) if asked.waiting.iter().any(|one| !one.is_closed()) => {
                        asked.begun = Some(Moment::now());
                        line.threads += 1;
                        next.push(host);
                    }
                    _ => drop(self.asked.remove(&host)),
                }
            }
        }
        next
    }

    /// The look-up of this name has ended. Gives who waits for it.
    fn ended(&mut self, host: &str, now: Moment) -> Vec<oneshot::Sender<Found>> {
        let Some((host, asked)) = self.asked.remove_entry(host) else { return Vec::new() };
        self.line(asked.is_slow).threads -= 1;
        match asked.begun {
            Some(begun) if now.since(begun) > QUICK => remember(&mut self.known_as_slow, &host),
            _ => drop(self.known_as_slow.remove(&host)),
        }
        asked.waiting
    }
}

/// Remembers a slow name; with too many of them, all others are new again.
fn remember(known_as_slow: &mut HashSet<Arc<str>>, host: &Arc<str>) {
    if known_as_slow.len() >= MOST_SLOW {
        known_as_slow.clear();
    }
    known_as_slow.insert(Arc::clone(host));
}

/// Blocks as long as the system's resolver does.
fn ask_the_system(host: &str) -> io::Result<Vec<SocketAddr>> {
    let found = (host, 0).to_socket_addrs().and_then(|addresses| {
        let mut distinct = Vec::new();
        for address in addresses {
            if !distinct.contains(&address) {
                distinct.push(address);
            }
        }
        match distinct.is_empty() {
            true => Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address")),
            false => Ok(distinct),
        }
    });
    // Out of descriptors, the resolver says that the name is not known.
    found.map_err(|error| File::open("/dev/null").err().unwrap_or(error))
}

/// The address that a host is, if it is no name; with port 0.
pub(super) fn literal(host: &str) -> io::Result<Option<SocketAddr>> {
    let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Ok(address) = inner.unwrap_or(host).parse::<IpAddr>() {
        return Ok(Some(SocketAddr::new(address, 0)));
    }
    let scoped = inner.unwrap_or(host).split_once('%');
    let scoped = scoped.and_then(|(address, scope)| Some((address.parse::<Ipv6Addr>().ok()?, scope)));
    match scoped {
        Some((address, scope)) => {
            // An index, or the name of an interface.
            let index = match scope.parse() {
                Ok(index) => index,
                Err(_) => sys::interface_index(scope)?,
            };
            Ok(Some(SocketAddrV6::new(address, 0, 0, index).into()))
        }
        None => Ok(None),
    }
}

/// An error that several are told.
#[derive(Clone, Debug)]
struct Shared(Arc<io::Error>);

impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Shared {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

/// An error with more said about it.
#[derive(Debug)]
pub(super) struct Because {
    pub(super) text: String,
    pub(super) cause: io::Error,
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl StdError for Because {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.cause)
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
