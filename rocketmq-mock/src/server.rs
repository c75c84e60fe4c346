//! The serving thread, and the commands that open and close the listeners of its servers.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc as async_mpsc;

use crate::delivery;
use crate::endpoint::ServerId;
use crate::listener::Listener;
use crate::options::MockOptions;
use crate::state::{Shared, State};

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
        let name_server = Listener::of_name_server(options.name_server_port)?;
        let brokers: Vec<Listener> =
            (0..options.brokers).map(Listener::of_broker).collect::<io::Result<_>>()?;
        let addresses: Vec<SocketAddr> = brokers.iter().map(Listener::address).collect();
        let state = State::new(options, name_server.address(), &addresses);
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
        tokio::spawn(delivery::run(Arc::clone(shared)));
        while let Some(order) = orders.recv().await {
            let Some(listener) = listeners.iter_mut().find(|listener| listener.server() == order.server)
            else {
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
