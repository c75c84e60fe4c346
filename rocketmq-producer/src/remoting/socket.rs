//! How the socket of a connection is set up.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::TcpStream;

use crate::config::SocketOptions;

/// After so many questions without an answer the connection is over; they follow each other in the time of the first, divided
/// by their number.
const KEEPALIVE_PROBES: u32 = 4;

/// The system counts in seconds.
const KEEPALIVE_UNIT: Duration = Duration::from_secs(1);

pub(super) fn set_up(stream: &TcpStream, options: &SocketOptions) -> io::Result<()> {
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

/// Whether the peer has closed, as far as the system knows; `true`: something is there to be read first.
pub(super) fn look(stream: &TcpStream) -> io::Result<bool> {
    let mut byte = [std::mem::MaybeUninit::uninit()];
    match SockRef::from(stream).peek(&mut byte) {
        Ok(0) => Err(closed_by_peer()),
        Ok(_) => Ok(true),
        Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

pub(super) fn closed_by_peer() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "closed by the peer")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use tokio::runtime::Builder;

    use super::*;

    #[test]
    fn a_look_sees_the_end_and_what_is_there_and_takes_nothing() {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let stream = runtime.block_on(TcpStream::connect(address)).expect("connected");
        let (mut peer, _) = listener.accept().expect("the connection");
        assert!(!look(&stream).expect("open"));
        peer.write_all(b"x").expect("written");
        while !look(&stream).expect("open") {
            std::thread::yield_now();
        }
        drop(peer);
        let mut stream = stream.into_std().expect("a socket");
        stream.set_nonblocking(false).expect("blocking");
        assert_eq!(stream.read(&mut [0; 2]).expect("still there"), 1);
        stream.set_nonblocking(true).expect("not blocking");
        let stream = runtime.block_on(async { TcpStream::from_std(stream) }).expect("a socket");
        while look(&stream).is_ok() {
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
        set_up(&stream, &options).expect("set up");
        let socket = SockRef::from(&stream);
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
