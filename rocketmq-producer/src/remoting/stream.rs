//! The socket of a connection: all that is read, written or looked at goes through here. What lies between the protocol and
//! TCP is a matter of this file and of `dial.rs`; `clippy.toml` of the crate keeps `TcpStream` out of the others.

#![expect(clippy::disallowed_types, reason = "a socket is used here")]

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use bytes::BufMut;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::config::SocketOptions;

/// The keepalive questions without an answer after which the connection is over; they follow each other in the time of the first,
/// divided by their number.
const KEEPALIVE_PROBES: u32 = 4;

/// The shortest time between them: the system counts in seconds.
const KEEPALIVE_UNIT: Duration = Duration::from_secs(1);

/// An open connection. Nothing here waits but [`readable`](Self::readable) and [`writable`](Self::writable); what cannot be
/// done at once is an error of the kind `WouldBlock`. Any thread may write, one at a time.
#[derive(Debug)]
pub(super) struct Stream(TcpStream);

impl Stream {
    /// Plain TCP, set up as the options say.
    pub(super) fn plain(stream: TcpStream, options: &SocketOptions) -> io::Result<Self> {
        set_up(&stream, options)?;
        Ok(Self(stream))
    }

    /// Waits until there may be something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Waits until something may be written.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.0.writable().await
    }

    /// Reads once into the room of the buffer; 0: the peer has closed.
    pub(super) fn read(&self, buffer: &mut impl BufMut) -> io::Result<usize> {
        self.0.try_read_buf(buffer)
    }

    /// Writes as much of it as the socket takes, and tells how much that was, also beside an error. Plain writes only: vectored
    /// ones raise SIGPIPE in a host that does not ignore it.
    pub(super) fn write(&self, bytes: &[u8]) -> (usize, io::Result<()>) {
        let mut count = 0;
        while count < bytes.len() {
            match self.0.try_write(&bytes[count..]) {
                Ok(more) => count += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (count, Err(error)),
            }
        }
        (count, Ok(()))
    }

    /// Fails if the peer has closed, as far as the system knows; `true`: something is there to be read first.
    pub(super) fn look(&self) -> io::Result<bool> {
        let mut byte = [std::mem::MaybeUninit::uninit()];
        match SockRef::from(&self.0).peek(&mut byte) {
            Ok(0) => Err(closed_by_peer()),
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Where it leads.
    pub(super) fn peer_address(&self) -> Option<SocketAddr> {
        self.0.peer_addr().ok()
    }

    /// Ends both directions. The peer sees the end also where a forked child holds a copy of the descriptor.
    pub(super) fn shut_down(&self) {
        // One that is over already has nothing to end.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}

/// What a read of nothing means.
pub(super) fn closed_by_peer() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the peer")
}

fn set_up(stream: &TcpStream, options: &SocketOptions) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    if let Some(size) = options.send_buffer {
        socket.set_send_buffer_size(size)?;
    }
    if let Some(size) = options.receive_buffer {
        socket.set_recv_buffer_size(size)?;
    }
    if let Some(idle) = options.keepalive {
        let keepalive = TcpKeepalive::new().with_time(idle.max(KEEPALIVE_UNIT));
        let interval = (idle / KEEPALIVE_PROBES).max(KEEPALIVE_UNIT);
        socket.set_tcp_keepalive(&keepalive.with_interval(interval).with_retries(KEEPALIVE_PROBES))?;
    }
    #[cfg(target_os = "linux")]
    if options.user_timeout.is_some() {
        socket.set_tcp_user_timeout(options.user_timeout)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use tokio::runtime::Builder;

    use super::*;

    impl Stream {
        /// A connection to a listener of the test's, with its other end.
        pub(in super::super) fn to_test(
            runtime: &tokio::runtime::Runtime,
            listener: &std::net::TcpListener,
        ) -> (std::sync::Arc<Self>, std::net::TcpStream) {
            let address = listener.local_addr().expect("an address");
            let stream = runtime.block_on(TcpStream::connect(address)).expect("connected");
            let (peer, _) = listener.accept().expect("the connection");
            (std::sync::Arc::new(Self(stream)), peer)
        }
    }

    #[test]
    fn a_look_sees_the_end_and_what_is_there_and_takes_nothing() {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = Stream(runtime.block_on(TcpStream::connect(address)).expect("connected"));
        let (mut peer, _) = listener.accept().expect("the connection");
        assert!(!stream.look().expect("open"));
        peer.write_all(b"x").expect("written");
        while !stream.look().expect("open") {
            std::thread::yield_now();
        }
        drop(peer);
        let mut stream = stream.0.into_std().expect("a socket");
        stream.set_nonblocking(false).expect("blocking");
        assert_eq!(stream.read(&mut [0; 2]).expect("still there"), 1);
        stream.set_nonblocking(true).expect("not blocking");
        let stream = Stream(runtime.block_on(async { TcpStream::from_std(stream) }).expect("a socket"));
        while stream.look().is_ok() {
            std::thread::yield_now();
        }
    }

    #[test]
    fn options_arrive_at_the_socket() {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = runtime.block_on(TcpStream::connect(address)).expect("connected");
        let seconds = Duration::from_secs;
        let options = SocketOptions {
            keepalive: Some(seconds(8)),
            user_timeout: Some(seconds(5)),
            ..SocketOptions::default()
        };
        let stream = Stream::plain(stream, &options).expect("set up");
        let socket = SockRef::from(&stream.0);
        assert!(socket.tcp_nodelay().expect("told") && socket.keepalive().expect("told"));
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time().expect("told"), seconds(8));
            assert_eq!(socket.tcp_keepalive_interval().expect("told"), seconds(2));
            assert_eq!(socket.tcp_keepalive_retries().expect("told"), 4);
            assert_eq!(socket.tcp_user_timeout().expect("told"), Some(seconds(5)));
        }
    }
}
