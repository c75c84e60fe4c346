//! The list of name servers: their names, the addresses that stand behind them, and which one answered last. `asking.rs` asks them.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::name_server::NameServer;
use super::server_names::ServerNames;
use crate::error::{Error, ErrorCode};
use crate::log::{Log, LogTarget};
use crate::remoting::Remoting;
use crate::sync::Mutex;
use crate::sys::Moment;

/// The least time between two look-ups of the servers' names, which are looked up again when no server answers.
const LOOK_UP_PAUSE: Duration = Duration::from_secs(1);

pub(crate) struct NameServers {
    pub(super) remoting: Arc<Remoting>,
    pub(super) log: Log,
    names: Mutex<ServerNames>,
    /// The servers that stand behind the names.
    pub(super) servers: ArcSwap<Vec<Arc<NameServer>>>,
    /// Tells the look-up of the names that it is wanted.
    wanted: Notify,
    /// When the names were last looked up.
    looked_up: Mutex<Option<Moment>>,
    /// The place of the server that knew something last; it is asked first until it fails.
    pub(super) chosen: AtomicUsize,
    /// Whether any server has answered yet.
    answered: AtomicBool,
    /// Tells those who wait for addresses that there are some.
    known: Notify,
    /// Why no address is known yet.
    unknown_because: Mutex<Option<String>>,
    ended: AtomicBool,
}

impl NameServers {
    pub(crate) fn new(remoting: Arc<Remoting>, log: Log, addresses: &[String], start: usize) -> Self {
        let servers = Self {
            remoting,
            log,
            names: Mutex::default(),
            servers: ArcSwap::default(),
            wanted: Notify::new(),
            looked_up: Mutex::default(),
            chosen: AtomicUsize::new(start),
            answered: AtomicBool::new(false),
            known: Notify::new(),
            unknown_because: Mutex::default(),
            ended: AtomicBool::new(false),
        };
        servers.set(addresses);
        servers
    }

    /// Takes a new list of servers; requests under way go on.
    pub(crate) fn set(&self, given: &[String]) {
        self.change(|names| names.set(given));
        self.wanted.notify_one();
    }

    /// The servers as the program gave them.
    pub(crate) fn given(&self) -> Vec<String> {
        self.names.lock().given().to_vec()
    }

    /// Looks up all names at once, and takes over each answer when it comes. May be dropped and begun anew: look-ups of the
    /// same name are one.
    pub(crate) async fn look_up_names(&self) {
        *self.looked_up.lock() = Some(Moment::now());
        let mut asked = JoinSet::new();
        for name in self.names.lock().to_look_up() {
            let remoting = Arc::clone(&self.remoting);
            asked.spawn(async move {
                let found = remoting.resolve(&name).await;
                (name, found)
            });
        }
        while let Some(answer) = asked.join_next().await {
            let Ok((name, found)) = answer else { continue };
            if let Err(error) = &found {
                self.log
                    .warn(LogTarget::Routing, || format!("name server {name} was not looked up: {error}"));
            }
            self.change(|names| names.looked_up(&name, found));
        }
    }

    /// Until somebody wants the names looked up before their time.
    pub(crate) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Changes the names, and what is asked accordingly.
    fn change(&self, change: impl FnOnce(&mut ServerNames)) {
        let addresses = {
            let mut names = self.names.lock();
            change(&mut names);
            let addresses = names.addresses();
            let known = self.servers.load_full();
            if known.iter().map(|server| &**server.address()).eq(addresses.iter().map(String::as_str)) {
                return;
            }
            self.replace(&known, &addresses);
            addresses
        };
        self.known.notify_waiters();
        self.log.info(LogTarget::Routing, || format!("the name servers are {}", addresses.join(", ")));
    }

    fn replace(&self, known: &[Arc<NameServer>], addresses: &[String]) {
        let server = |address: &String| {
            let known = known.iter().find(|server| **server.address() == **address);
            known.cloned().unwrap_or_else(|| Arc::new(NameServer::new(self.remoting.channel(address))))
        };
        // The chosen one stays so if it is still there.
        let chosen = self.chosen.load(Ordering::Relaxed).checked_rem(known.len()).map(|at| &known[at]);
        let chosen = chosen.and_then(|chosen| addresses.iter().position(|at| **at == **chosen.address()));
        if let Some(chosen) = chosen {
            self.chosen.store(chosen, Ordering::Relaxed);
        }
        self.servers.store(Arc::new(addresses.iter().map(server).collect()));
    }

    /// Closes the connections to addresses that are neither of this list nor in `named`, which has those of all brokers.
    pub(crate) fn drop_other_channels(&self, mut named: HashSet<Arc<str>>) {
        let dropped = {
            // The list stays as it is meanwhile: a server that came into it now would keep a channel that is closed for good.
            let _names = self.names.lock();
            named.extend(self.addresses());
            self.remoting.take(|channel| !named.contains(channel.address()))
        };
        for channel in dropped {
            channel.forget();
        }
    }

    pub(crate) fn addresses(&self) -> Vec<Arc<str>> {
        self.servers.load().iter().map(|server| Arc::clone(server.address())).collect()
    }

    /// Whether any server has answered yet.
    pub(super) fn have_answered(&self) -> bool {
        self.answered.load(Ordering::Relaxed)
    }

    /// The server has answered: it is asked first from now on, if it is still in the list.
    pub(super) fn choose(&self, server: &Arc<NameServer>) {
        if let Some(place) = self.servers.load().iter().position(|known| Arc::ptr_eq(known, server)) {
            self.chosen.store(place, Ordering::Relaxed);
        }
        self.answered.store(true, Ordering::Relaxed);
    }

    /// No server has answered: their names may lead elsewhere now, and are looked up again if that is not just done.
    pub(super) fn want_looked_up(&self) {
        if self.looked_up.lock().is_some_and(|last| last.elapsed() >= LOOK_UP_PAUSE) {
            self.wanted.notify_one();
        }
    }

    /// A look-up of the addresses has given none.
    pub(crate) fn remain_unknown(&self, why: String) {
        *self.unknown_because.lock() = Some(why);
    }

    /// The client instance is gone.
    pub(super) fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
        self.known.notify_waiters();
    }

    /// Waits for addresses, or for the end.
    pub(super) async fn wait_known(&self) {
        loop {
            let known = self.known.notified();
            tokio::pin!(known);
            // Before the look, so that nothing between the two is missed.
            known.as_mut().enable();
            if !self.servers.load().is_empty() || self.ended.load(Ordering::SeqCst) {
                return;
            }
            known.await;
        }
    }

    /// Why those who wait for the route of a topic have none when their time is over.
    pub(super) fn silence(&self, shown: &str) -> Error {
        if let Some(error) = self.remoting.signing().missing() {
            return error;
        }
        let addresses = self.addresses().join(", ");
        if addresses.is_empty() {
            return self.unknown();
        }
        let text = format!("no answer from the name server ({addresses}) about topic {shown} in time");
        Error::new(ErrorCode::NameServer, text).at(addresses.into())
    }

    pub(super) fn unknown(&self) -> Error {
        let names = self.names.lock().given().join(", ");
        if !names.is_empty() {
            let text = format!("the addresses of the name servers ({names}) are still being looked up");
            return Error::new(ErrorCode::NameServer, text).at(names.into());
        }
        let why = self.unknown_because.lock().clone();
        let why = why.unwrap_or_else(|| "the look-up at name.server.url is not done".to_owned());
        Error::new(ErrorCode::NoNameServer, format!("no name server address is known yet: {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogLevel;

    #[test]
    fn a_server_that_comes_into_the_list_keeps_its_channel() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let remoting = Remoting::for_tests(runtime.handle().clone());
        let servers = NameServers::new(remoting, Log::new(LogLevel::Off, None), &[], 0);
        let (rounds, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(Ordering::SeqCst) {
                    servers.drop_other_channels(HashSet::new());
                    rounds.fetch_add(1, Ordering::SeqCst);
                }
            });
            let lost = (0..500).find(|number| {
                servers.set(&[format!("127.0.0.1:{}", 1 + number % 2)]);
                // One round may be under way.
                let end = rounds.load(Ordering::SeqCst) + 2;
                while rounds.load(Ordering::SeqCst) < end {
                    std::thread::yield_now();
                }
                servers.servers.load()[0].is_forgotten()
            });
            is_over.store(true, Ordering::SeqCst);
            assert_eq!(lost, None, "this server can never be asked again");
        });
    }
}
