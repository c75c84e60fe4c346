//! The ports of a server: taken when the cluster starts, opened and closed as the server comes and goes.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::connection::{Connection, Orders};
use crate::endpoint::{ConnectionHandle, ServerId};
use crate::request::Origin;
use crate::state::Shared;

/// Connections that may wait for being accepted.
const BACKLOG: u32 = 4096;
/// How far a broker's VIP port is below its main port.
const VIP_DISTANCE: u16 = 2;
/// Main ports whose VIP port is taken that are passed over before it counts as an error.
const UNPAIRED_PORTS: usize = 100;

/// A server's ports: held in every state, so that nobody else gets them while the server is down.
#[derive(Debug)]
pub(crate) struct Listener {
    server: ServerId,
    main: Port,
    /// Brokers only.
    vip: Option<Port>,
}

#[derive(Debug)]
struct Port {
    address: SocketAddr,
    is_vip: bool,
    state: PortState,
}

#[derive(Debug)]
enum PortState {
    /// Bound but not listening: connects are refused.
    Reserved(TcpSocket),
    /// Accepting.
    Open(JoinHandle<()>),
    /// Taken by someone else in the moment between the two.
    Lost,
}

impl Listener {
    /// Takes the port of the name server, 0 for any.
    pub(crate) fn of_name_server(port: u16) -> io::Result<Listener> {
        let main = Port::new(bind(loopback(port))?, false)?;
        Ok(Listener { server: ServerId::NameServer, main, vip: None })
    }

    /// Takes a main port and the VIP port below it.
    pub(crate) fn of_broker(index: usize) -> io::Result<Listener> {
        // Held until a pair is found, so that the system does not offer the same port again.
        let mut unpaired = Vec::new();
        loop {
            let main = Port::new(bind(loopback(0))?, false)?;
            match bind_unshared(loopback(main.address.port().saturating_sub(VIP_DISTANCE))) {
                Ok(socket) => {
                    let vip = Some(Port::new(socket, true)?);
                    return Ok(Listener { server: ServerId::Broker(index), main, vip });
                }
                Err(_) if unpaired.len() < UNPAIRED_PORTS => unpaired.push(main),
                Err(error) => return Err(error),
            }
        }
    }

    pub(crate) fn server(&self) -> ServerId {
        self.server
    }

    /// The address that routes name.
    pub(crate) fn address(&self) -> SocketAddr {
        self.main.address
    }

    /// Opens the ports; open ones stay as they are.
    pub(crate) fn open(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        let server = self.server;
        if matches!(self.main.state, PortState::Open(_)) {
            return Ok(());
        }
        // All listen before one accepts: a server never runs with half of its ports.
        let mut listening = Vec::new();
        for port in self.ports() {
            listening.push((port.listen()?, port));
        }
        for (listener, port) in listening {
            let acceptor = accept(listener, server, port.is_vip, Arc::clone(shared));
            port.state = PortState::Open(tokio::spawn(acceptor));
        }
        shared.state.lock().endpoint_mut(server).running = true;
        shared.deliveries.notify_one();
        Ok(())
    }

    /// Closes the ports and resets their connections; they are gone when this returns.
    pub(crate) async fn close(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        let server = self.server;
        let mut reserved = Vec::new();
        for port in self.ports() {
            if let PortState::Open(acceptor) = &mut port.state {
                acceptor.abort();
                // Cancelled, as asked.
                let _ = acceptor.await;
                port.state = PortState::Lost;
                reserved.push((bind(port.address), port));
            }
        }
        if reserved.is_empty() {
            return Ok(());
        }
        let connections: Vec<ConnectionHandle> = {
            let mut state = shared.state.lock();
            let endpoint = state.endpoint_mut(server);
            endpoint.running = false;
            endpoint.connections.drain().map(|(_, handle)| handle).collect()
        };
        for ConnectionHandle { kill, task, .. } in connections {
            drop(kill);
            // A connection task that panicked has closed its socket too.
            let _ = task.await;
        }
        for (socket, port) in reserved {
            port.state = PortState::Reserved(socket?);
        }
        Ok(())
    }

    fn ports(&mut self) -> impl Iterator<Item = &mut Port> {
        std::iter::once(&mut self.main).chain(&mut self.vip)
    }
}

impl Port {
    fn new(socket: TcpSocket, is_vip: bool) -> io::Result<Port> {
        Ok(Port { address: socket.local_addr()?, is_vip, state: PortState::Reserved(socket) })
    }

    fn listen(&mut self) -> io::Result<TcpListener> {
        let socket = match std::mem::replace(&mut self.state, PortState::Lost) {
            PortState::Reserved(socket) => socket,
            _ => bind(self.address)?,
        };
        socket.listen(BACKLOG)
    }
}

fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that linger from before must not keep a server from coming back.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// As [`bind`], but fails where the port is only reserved by another mock: two sockets that both may reuse an address
/// can be bound to the same port while neither listens.
fn bind_unshared(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(address)?;
    socket.set_reuseaddr(true)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, server: ServerId, is_vip: bool, shared: Arc<Shared>) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            // The client gave up, or descriptors ran out: others may still get in.
            Err(_) => {
                tokio::task::yield_now().await;
                continue;
            }
        };
        // Without it answers are merely slower.
        let _ = stream.set_nodelay(true);
        let (kill, killed) = oneshot::channel();
        let (orders, others) = mpsc::unbounded_channel();
        let mut state = shared.state.lock();
        let number = state.new_connection_number();
        let origin = Origin { server, is_vip, connection: number, peer };
        let connection = Connection::new(stream, origin, Orders { killed, others }, Arc::clone(&shared));
        let task = tokio::spawn(connection.run());
        state.endpoint_mut(server).connections.insert(number, ConnectionHandle { kill, orders, task });
        drop(state);
        shared.note_change();
    }
}
