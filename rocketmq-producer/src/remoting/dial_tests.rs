use std::net::{Ipv4Addr, TcpListener};

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

fn addresses(list: &[&str]) -> Vec<SocketAddr> {
    list.iter().map(|text| text.parse().expect("an address")).collect()
}

/// A listener whose queue is full: who connects there hears nothing.
fn silent() -> (socket2::Socket, Vec<std::net::TcpStream>, SocketAddr) {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).expect("bound");
    socket.listen(0).expect("listening");
    let address = socket.local_addr().expect("bound").as_socket().expect("an address");
    let mut filling = Vec::new();
    while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        filling.push(stream);
    }
    (socket, filling, address)
}

fn race(addresses: Vec<SocketAddr>, limit: Duration) -> io::Result<TcpStream> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let deadline = Instant::now() + limit;
        let mut race = Race::new(addresses, deadline);
        match timeout_at(deadline, race.run()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(race.too_late(limit)),
        }
    })
}

#[test]
fn families_take_turns_and_the_last_one_used_is_the_last_one_tried() {
    let found = addresses(&["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"]);
    let told = |last| in_order(found.clone(), last);
    assert_eq!(told(None), addresses(&["[::1]:1", "1.1.1.1:1", "[::2]:1", "[::3]:1"]));
    let last = Some("[::1]:1".parse().expect("an address"));
    assert_eq!(told(last), addresses(&["1.1.1.1:1", "[::2]:1", "[::3]:1", "[::1]:1"]));
    let many: Vec<_> = (1..=100).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
    let some = in_order(many.clone(), Some(many[0]));
    assert_eq!((some.len(), some[0], some[15]), (16, many[1], many[0]));
}

#[test]
fn a_silent_address_and_one_that_refuses_keep_nobody_from_the_third() {
    let (_socket, _filling, silent) = silent();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let good = listener.local_addr().expect("an address");
    let refusing = addresses(&["127.0.0.1:1"])[0];
    let stream = race(vec![silent, refusing, good], PATIENCE).expect("connected");
    assert_eq!(stream.peer_addr().expect("connected"), good);
}

#[test]
fn an_error_tells_of_every_address() {
    let (_socket, _filling, silent) = silent();
    let refusing = addresses(&["127.0.0.1:1", "127.0.0.1:2"]);
    let error = race(refusing.clone(), PATIENCE).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    let text = error.to_string();
    assert!(text.starts_with("127.0.0.1:1: ") && text.contains("; 127.0.0.1:2: "), "{text}");
    let error = race(vec![refusing[0], silent], Duration::from_millis(50)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    let text = error.to_string();
    assert!(text.starts_with("not connected within 50 ms to any of 2 addresses, of which 1 are"), "{text}");
    assert!(text.contains("127.0.0.1:1: "), "{text}");
    assert_eq!(race(vec![refusing[0]], PATIENCE).unwrap_err().raw_os_error(), Some(libc::ECONNREFUSED));
}

#[test]
fn only_host_and_port_are_taken() {
    assert_eq!(split("[fe80::1%lo]:7").expect("an address"), ("[fe80::1%lo]", 7));
    for bad in ["host", "host:", "host:0", "host:65536", ""] {
        assert_eq!(split(bad).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{bad}");
    }
}

#[test]
fn a_connection_to_itself_is_none() {
    // The port is taken as the local one too, which the system does by chance.
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("an address")
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let error = runtime.block_on(async {
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(address).expect("bound");
        let stream = socket.connect(address).await.expect("connected to itself");
        assert_eq!(stream.local_addr().ok(), stream.peer_addr().ok());
        checked(stream).unwrap_err()
    });
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    assert!(error.to_string().contains("itself"), "{error}");
    TcpListener::bind(address).expect("the server has its port again");
}
