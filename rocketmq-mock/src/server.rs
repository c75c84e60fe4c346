//! The serving thread: listeners, and the commands that open and close them.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::net::{TcpListener, TcpSocket};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc as async_mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::connection::Connection;
use crate::options::MockOptions;
use crate::parked;
use crate::state::{ConnectionHandle, ServerId, Shared, State};

/// Connections that may wait for being accepted.
const BACKLOG: u32 = 4096;

/// What to do with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Start,
    Stop,
}

/// A command, and where its outcome goes.
#[derive(Debug)]
struct Order {
    server: ServerId,
    command: Command,
    done: mpsc::Sender<io::Result<()>>,
}

/// The thread `rmq-mock`, seen from outside.
#[derive(Debug)]
pub(crate) struct ServingThread {
    orders: async_mpsc::UnboundedSender<Order>,
    thread: thread::JoinHandle<()>,
}

impl ServingThread {
    /// Takes the ports, starts the thread, and opens every listener.
    pub(crate) fn start(options: &MockOptions) -> io::Result<(ServingThread, Arc<Shared>)> {
        let name_server = Listener::reserve(ServerId::NameServer, options.name_server_port)?;
        let brokers: Vec<Listener> = (0..options.brokers)
            .map(|index| Listener::reserve(ServerId::Broker(index), 0))
            .collect::<io::Result<_>>()?;
        let addresses: Vec<SocketAddr> = brokers.iter().map(|listener| listener.address).collect();
        let state = State::new(options, name_server.address, &addresses);
        let shared = Arc::new(Shared::new(state));
        let mut listeners = vec![name_server];
        listeners.extend(brokers);

        let runtime = Builder::new_current_thread().enable_io().enable_time().build()?;
        let (orders, incoming) = async_mpsc::unbounded_channel();
        let serving = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("rmq-mock".to_owned())
            .spawn(move || serve(&runtime, listeners, incoming, &serving))?;
        let thread = ServingThread { orders, thread };
        for index in 0..=options.brokers {
            let server = index.checked_sub(1).map_or(ServerId::NameServer, ServerId::Broker);
            thread.command(server, Command::Start)?;
        }
        Ok((thread, shared))
    }

    /// Has a command carried out and waits for its end.
    pub(crate) fn command(&self, server: ServerId, command: Command) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the thread of the mock cluster has ended");
        let (done, outcome) = mpsc::channel();
        self.orders.send(Order { server, command, done }).map_err(|_| gone())?;
        outcome.recv().map_err(|_| gone())?
    }

    /// Ends the thread, and with it every socket.
    pub(crate) fn stop(self) {
        drop(self.orders);
        // A panic of the thread has been reported on its own; its sockets are closed either way.
        let _ = self.thread.join();
    }
}

fn serve(
    runtime: &Runtime,
    mut listeners: Vec<Listener>,
    mut orders: async_mpsc::UnboundedReceiver<Order>,
    shared: &Arc<Shared>,
) {
    runtime.block_on(async {
        tokio::spawn(parked::deliver(Arc::clone(shared)));
        while let Some(order) = orders.recv().await {
            let Some(listener) = listeners.iter_mut().find(|listener| listener.server == order.server) else {
                continue;
            };
            let outcome = match order.command {
                Command::Start => listener.open(shared),
                Command::Stop => listener.close(shared).await,
            };
            shared.note_change();
            // Nobody is left to hear the outcome only if the ordering thread is gone.
            let _ = order.done.send(outcome);
        }
        for listener in &mut listeners {
            let _ = listener.close(shared).await;
        }
        shared.note_change();
    });
}

/// A server's port: held in every state, so that nobody else gets it while the server is down.
#[derive(Debug)]
struct Listener {
    server: ServerId,
    address: SocketAddr,
    port: Port,
}

#[derive(Debug)]
enum Port {
    /// Bound but not listening: connects are refused.
    Reserved(TcpSocket),
    /// Accepting.
    Open(JoinHandle<()>),
    /// Taken by someone else in the moment between the two.
    Lost,
}

impl Listener {
    fn reserve(server: ServerId, port: u16) -> io::Result<Listener> {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let address = socket.local_addr()?;
        Ok(Listener { server, address, port: Port::Reserved(socket) })
    }

    /// Opens the port; an open one stays as it is.
    fn open(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        if matches!(self.port, Port::Open(_)) {
            return Ok(());
        }
        let socket = match std::mem::replace(&mut self.port, Port::Lost) {
            Port::Reserved(socket) => socket,
            _ => bind(self.address)?,
        };
        let listener = socket.listen(BACKLOG)?;
        self.port = Port::Open(tokio::spawn(accept(listener, self.server, Arc::clone(shared))));
        shared.state.lock().endpoint_mut(self.server).running = true;
        shared.deliveries.notify_one();
        Ok(())
    }

    /// Closes the port and resets its connections; they are gone when this returns.
    async fn close(&mut self, shared: &Arc<Shared>) -> io::Result<()> {
        let Port::Open(acceptor) = &mut self.port else {
            return Ok(());
        };
        acceptor.abort();
        // Cancelled, as asked.
        let _ = acceptor.await;
        self.port = Port::Lost;
        let reserved = bind(self.address);
        let connections: Vec<ConnectionHandle> = {
            let mut state = shared.state.lock();
            let endpoint = state.endpoint_mut(self.server);
            endpoint.running = false;
            endpoint.connections.drain().map(|(_, handle)| handle).collect()
        };
        for ConnectionHandle { kill, task } in connections {
            drop(kill);
            // A connection task that panicked has closed its socket too.
            let _ = task.await;
        }
        self.port = Port::Reserved(reserved?);
        Ok(())
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Connections that linger from before must not keep a server from coming back.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, server: ServerId, shared: Arc<Shared>) {
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
        let mut state = shared.state.lock();
        let number = state.new_connection_number();
        let connection = Connection::new(stream, peer, server, number, killed, Arc::clone(&shared));
        let task = tokio::spawn(connection.run());
        state.endpoint_mut(server).connections.insert(number, ConnectionHandle { kill, task });
        drop(state);
        shared.note_change();
    }
}
