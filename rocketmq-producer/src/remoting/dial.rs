//! Making one connection: the look-up of the name, then its addresses in the manner of RFC 8305, the next one a moment
//! after the one before or when that has failed. The first that connects wins.

#![expect(clippy::disallowed_types, reason = "a socket is made here")]

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::RemotingOptions;
use super::resolve::Because;
use super::stream::Stream;

/// The time from the beginning of one try to that of the next address, if there is time for it.
const STAGGER: Duration = Duration::from_millis(250);

/// The most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 16;

/// The most addresses that an error tells of.
const MOST_TOLD: usize = 4;

/// Connects to `host:port` (IPv6 in brackets, perhaps with a scope) within `connect.timeout.ms`, all steps together. `last` is
/// where the last connection went: other addresses of the name come before it.
///
/// # Errors
/// Why no address could be reached: of a single one what the system says, of several what it says of each.
pub(super) async fn dial(
    options: &RemotingOptions,
    address: &str,
    last: Option<SocketAddr>,
) -> io::Result<Stream> {
    let (host, port) = split(address)?;
    let limit = options.connect_timeout;
    let deadline = Instant::now() + limit;
    let found = timeout_at(deadline, options.resolver.resolve(host, port)).await;
    let found = found.unwrap_or_else(|_| {
        let text = format!("the name was not looked up within {} ms", limit.as_millis());
        Err(io::Error::new(io::ErrorKind::TimedOut, text))
    })?;
    let mut race = Race::new(in_order(found, last), deadline);
    let connected = match timeout_at(deadline, race.run()).await {
        Ok(outcome) => outcome?,
        Err(_) => return Err(race.too_late(limit)),
    };
    Stream::plain(connected, &options.socket)
}

/// The parts of `host:port`.
pub(crate) fn split(address: &str) -> io::Result<(&str, u16)> {
    let parts = address.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    parts.filter(|(_, port)| *port > 0).ok_or_else(|| {
        let start: String = address.chars().take(100).collect();
        io::Error::new(io::ErrorKind::InvalidInput, format!("{start:?} is not host:port"))
    })
}

/// The two families in turn, as the resolver orders them, and the last one used at the end.
fn in_order(addresses: Vec<SocketAddr>, last: Option<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (one, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv6() == first_is_v6);
    let mut ordered = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    loop {
        let before = ordered.len();
        ordered.extend(one.next());
        ordered.extend(other.next());
        if ordered.len() == before {
            break;
        }
    }
    if let Some(index) = ordered.iter().position(|address| Some(*address) == last) {
        let used = ordered.remove(index);
        ordered.truncate(MOST_ADDRESSES - 1);
        ordered.push(used);
    }
    ordered.truncate(MOST_ADDRESSES);
    ordered
}

type Attempt = Pin<Box<dyn Future<Output = (SocketAddr, io::Result<TcpStream>)> + Send>>;

/// The addresses of a name, each untried, under way or failed.
struct Race {
    untried: std::vec::IntoIter<SocketAddr>,
    under_way: Vec<Attempt>,
    failed: Vec<(SocketAddr, io::Error)>,
    count: usize,
    stagger: Duration,
}

impl Race {
    fn new(addresses: Vec<SocketAddr>, deadline: Instant) -> Self {
        let count = addresses.len();
        let left = deadline.saturating_duration_since(Instant::now());
        Self {
            untried: addresses.into_iter(),
            under_way: Vec::new(),
            failed: Vec::new(),
            count,
            stagger: STAGGER.min(left / (count as u32 + 1)),
        }
    }

    async fn run(&mut self) -> io::Result<TcpStream> {
        let mut next = Instant::now();
        loop {
            if (self.under_way.is_empty() || next <= Instant::now())
                && let Some(address) = self.untried.next()
            {
                self.under_way.push(Box::pin(async move { (address, connect(address).await) }));
                next = Instant::now() + self.stagger;
            }
            if self.under_way.is_empty() {
                return Err(self.all_failed());
            }
            let has_more = self.untried.len() > 0;
            let under_way = &mut self.under_way;
            tokio::select! {
                (address, outcome) = poll_fn(|context| first_of(under_way, context)) => match outcome {
                    Ok(stream) => return Ok(stream),
                    Err(error) => {
                        self.failed.push((address, error));
                        // Its place is free.
                        next = Instant::now();
                    }
                },
                () = sleep_until(next), if has_more => {}
            }
        }
    }

    fn all_failed(&mut self) -> io::Error {
        if self.count == 1 {
            return self.failed.pop().map_or_else(no_address, |(_, error)| error);
        }
        let text = self.told();
        match self.failed.drain(..).next() {
            Some((_, cause)) => io::Error::new(cause.kind(), Because { text, cause }),
            None => no_address(),
        }
    }

    fn too_late(&mut self, limit: Duration) -> io::Error {
        let mut text = format!("not connected within {} ms", limit.as_millis());
        if self.count > 1 {
            let silent = self.count - self.failed.len();
            text = format!("{text} to any of {} addresses, of which {silent} are silent", self.count);
        }
        if !self.failed.is_empty() {
            text = format!("{text} ({})", self.told());
        }
        io::Error::new(io::ErrorKind::TimedOut, text)
    }

    /// What came of each address that failed.
    fn told(&self) -> String {
        let shown = self.failed.iter().take(MOST_TOLD).map(|(address, error)| format!("{address}: {error}"));
        let mut text = shown.collect::<Vec<_>>().join("; ");
        if let Some(more) = self.failed.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            text = format!("{text}; and {more} more");
        }
        text
    }
}

/// The first attempt that is over.
fn first_of(
    under_way: &mut Vec<Attempt>,
    context: &mut Context<'_>,
) -> Poll<(SocketAddr, io::Result<TcpStream>)> {
    for index in 0..under_way.len() {
        if let Poll::Ready(outcome) = under_way[index].as_mut().poll(context) {
            drop(under_way.swap_remove(index));
            return Poll::Ready(outcome);
        }
    }
    Poll::Pending
}

async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    checked(TcpStream::connect(address).await?)
}

/// Where nothing listens on a port that the system gives to clients, a socket may connect to itself (simultaneous open).
/// It would answer its own requests, and keep the port from the server.
fn checked(stream: TcpStream) -> io::Result<TcpStream> {
    if stream.local_addr()? != stream.peer_addr()? {
        return Ok(stream);
    }
    // Without a trace: waiting for late packets would hold the port.
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
    let text = "nothing listens there: the connection came back to itself";
    Err(io::Error::new(io::ErrorKind::ConnectionRefused, text))
}

fn no_address() -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, "the name has no address")
}

#[cfg(test)]
#[path = "dial_tests.rs"]
mod tests;
