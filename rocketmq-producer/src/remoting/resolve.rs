//! Host names to addresses. The system's resolver blocks, so each name is looked up on a thread of its own: a name whose
//! servers are silent holds up those who need it and nobody else. All who ask for a name meanwhile share one look-up.

use std::collections::{HashMap, VecDeque};
use std::error::Error as StdError;
use std::fmt;
use std::fs::File;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::sync::Mutex;
use crate::sys;
use crate::task;

/// So many names are looked up at once; others wait until one is done. Each takes a thread, and programs know a few
/// dozen brokers by name.
const MOST_THREADS: usize = 64;

/// Longer than any name that the DNS can hold.
const LONGEST_NAME: usize = 255;

/// What a look-up gave: addresses with port 0.
type Found = Result<Arc<[SocketAddr]>, Shared>;

#[derive(Default)]
pub(crate) struct Resolver(Mutex<Table>);

#[derive(Default)]
struct Table {
    /// Names that are or will be looked up, and who waits for each.
    asked: HashMap<Arc<str>, Vec<oneshot::Sender<Found>>>,
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
        let found = self.ask(host).await;
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
        if let Some(waiting) = table.asked.get_mut(host) {
            waiting.retain(|sender| !sender.is_closed());
            waiting.push(sender);
            return receiver;
        }
        let host: Arc<str> = host.into();
        table.asked.insert(Arc::clone(&host), vec![sender]);
        if table.threads == MOST_THREADS {
            table.queued.push_back(host);
            return receiver;
        }
        table.threads += 1;
        drop(table);
        self.look_up(host);
        receiver
    }

    /// Looks this name up, and after it those that wait, as long as there are threads.
    fn look_up(self: &Arc<Self>, host: Arc<str>) {
        let mut next = Some(host);
        while let Some(host) = next {
            let (asked, name, resolver) = (Arc::clone(&host), Arc::clone(&host), Arc::clone(self));
            let begun = task::thread(
                "rmq-resolver",
                move || ask_the_system(&asked),
                move |outcome| {
                    let found = outcome.unwrap_or_else(|stopped| Err(io::Error::other(stopped)));
                    if let Some(next) = resolver.told(&name, found) {
                        resolver.look_up(next);
                    }
                },
            );
            next = match begun {
                Ok(_) => None,
                Err(refused) => {
                    let text = format!("no thread to look the name up: {refused}");
                    self.told(&host, Err(io::Error::new(refused.kind(), Because { text, cause: refused })))
                }
            };
        }
    }

    /// A look-up has ended. Gives the name that may be looked up instead.
    fn told(&self, host: &str, found: io::Result<Vec<SocketAddr>>) -> Option<Arc<str>> {
        let found: Found = match found {
            Ok(addresses) => Ok(addresses.into()),
            Err(error) => Err(Shared(Arc::new(error))),
        };
        let mut table = self.0.lock();
        let waiting = table.asked.remove(host).unwrap_or_default();
        let next = table.next_wanted();
        if next.is_none() {
            table.threads -= 1;
        }
        drop(table);
        for sender in waiting {
            // Whoever does not wait any more wants nothing.
            let _ = sender.send(found.clone());
        }
        next
    }
}

impl Table {
    /// The next name of the queue that somebody still waits for.
    fn next_wanted(&mut self) -> Option<Arc<str>> {
        while let Some(host) = self.queued.pop_front() {
            let is_wanted =
                |waiting: &Vec<oneshot::Sender<Found>>| waiting.iter().any(|one| !one.is_closed());
            if self.asked.get(&host).is_some_and(is_wanted) {
                return Some(host);
            }
            self.asked.remove(&host);
        }
        None
    }
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
mod tests {
    use super::*;

    fn resolved(host: &str) -> io::Result<Vec<SocketAddr>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(Arc::<Resolver>::default().resolve(host, 9))
    }

    #[test]
    fn addresses_need_no_look_up() {
        for (host, shown) in [
            ("127.0.0.1", "127.0.0.1:9"),
            ("::1", "[::1]:9"),
            ("[2001:db8::7]", "[2001:db8::7]:9"),
            ("[fe80::1%lo]", "[fe80::1%1]:9"),
            ("fe80::1%7", "[fe80::1%7]:9"),
        ] {
            let address = literal(host).expect(host).expect(host);
            assert_eq!(address.port(), 0);
            let all = resolved(host).expect(host);
            assert_eq!(all.iter().map(ToString::to_string).collect::<Vec<_>>(), [shown]);
        }
        let error = resolved("fe80::1%nothing0").unwrap_err();
        assert!(error.to_string().contains("nothing0"), "{error}");
        for name in ["localhost", "a.example", "1.2.3", "[1.2.3", "a%lo"] {
            assert!(literal(name).expect(name).is_none(), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_none_is_an_error() {
        for name in ["", &"n".repeat(256), "a\0b"] {
            assert_eq!(resolved(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name:?}");
        }
    }

    #[test]
    fn those_who_ask_for_one_name_share_its_look_up() {
        let resolver = Arc::new(Resolver::default());
        // As if a thread were at it.
        let (first, mut found) = oneshot::channel();
        resolver.0.lock().asked.insert("slow".into(), vec![first]);
        resolver.0.lock().threads = 1;
        let mut second = resolver.ask("slow");
        drop(resolver.ask("slow"));
        assert_eq!(resolver.0.lock().asked["slow"].len(), 3);
        let third = resolver.ask("slow");
        assert_eq!(resolver.0.lock().asked["slow"].len(), 3, "whoever left is forgotten");
        drop(third);
        assert_eq!(resolver.0.lock().threads, 1);
        assert!(resolver.told("slow", Err(io::ErrorKind::PermissionDenied.into())).is_none());
        for waiting in [&mut found, &mut second] {
            let error = waiting.try_recv().expect("told").unwrap_err();
            assert_eq!(error.0.kind(), io::ErrorKind::PermissionDenied);
        }
        assert_eq!(resolver.0.lock().threads, 0);
        assert!(resolver.0.lock().asked.is_empty());
    }

    #[test]
    fn more_names_than_threads_wait_in_turn_and_those_nobody_wants_are_left_out() {
        let resolver = Arc::new(Resolver::default());
        resolver.0.lock().threads = MOST_THREADS;
        let kept = resolver.ask("first");
        drop(resolver.ask("unwanted"));
        let later = resolver.ask("second");
        assert_eq!(resolver.told("sick", Ok(Vec::new())).as_deref(), Some("first"));
        assert_eq!(resolver.told("sick too", Ok(Vec::new())).as_deref(), Some("second"));
        assert_eq!(resolver.0.lock().threads, MOST_THREADS, "they have the threads of the sick ones");
        assert!(resolver.0.lock().queued.is_empty());
        drop((kept, later));
    }
}
