//! Accepts sends, lives and closes, and answers what a program asks.
//!
//! `accept.rs` lets messages in, and makes shipments of them; `life.rs` is the close; `ask.rs` has what the I/O thread does for
//! a program, and `view.rs` what it can look at; `detector.rs` probes brokers for the fault tolerance.

mod accept;
mod ask;
mod detector;
mod life;
mod view;

pub(crate) use ask::{Door, unsettled};
pub(crate) use life::Closer;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

use crate::client::ClientInstance;
use crate::config::Settings;
use crate::error::{Error, ErrorCode};
use crate::flow::Bounds;
use crate::producer_id::ProducerId;
use crate::routing::FaultStrategy;
use crate::send::{Lanes, Pauses, SendContext, Span};
use crate::stats::Recorder;
use crate::sys::{self, Moment};
use crate::task;

pub(crate) struct Engine {
    pub(crate) sends: Arc<SendContext>,
    /// No new sends.
    closing: AtomicBool,
    /// Those who close now; each sees to what is left when its time is over.
    closers: AtomicUsize,
    /// Sends were left when somebody's time was over, and ended as closed.
    cut_off: AtomicBool,
    /// The group is left, or about to be.
    has_left: AtomicBool,
    /// Told when closing begins.
    close_begun: Notify,
    generation: u64,
}

impl Engine {
    pub(crate) fn start(settings: Settings) -> Result<Arc<Self>, Error> {
        let client = ClientInstance::join(&settings)?;
        let bounds = Arc::new(Bounds::new(settings.in_flight_max_messages, settings.in_flight_max_bytes));
        let faults = settings.fault_tolerance.clone().map(|tolerance| {
            let faults = Arc::new(FaultStrategy::new(tolerance.bans, tolerance.detector.is_some()));
            if let Some((interval, timeout)) = tolerance.detector {
                let (faults, brokers) = (Arc::downgrade(&faults), Arc::downgrade(&client));
                task::keep(&client.process.process().io, settings.log.clone(), "detector", move || {
                    detector::run(Weak::clone(&faults), Weak::clone(&brokers), interval, timeout)
                });
            }
            faults
        });
        let lanes = settings.batching.map(|batching| {
            let lanes = Arc::new(Lanes::new(batching));
            let watched = Arc::clone(&lanes);
            let watch = move || Arc::clone(&watched).watch();
            task::keep(&client.process.process().io, settings.log.clone(), "watch of the lanes", watch);
            lanes
        });
        let pauses = Arc::<Pauses>::default();
        let kept = Arc::clone(&pauses);
        let run = move || {
            let pauses = Arc::clone(&kept);
            async move { pauses.run().await }
        };
        task::keep(&client.process.process().io, settings.log.clone(), "pauses between attempts", run);
        for topic in &settings.topics {
            client.routes.warm_up(topic);
        }
        let generation = client.process.generation();
        let sends = Arc::new(SendContext {
            producer: ProducerId::next(),
            settings,
            client,
            bounds,
            recorder: Recorder::new(),
            faults,
            lanes,
            pauses,
            aborted: AtomicBool::new(false),
            told_of_checks: AtomicBool::new(false),
        });
        sends.client.attach(&sends.settings.wire_group, Arc::downgrade(&sends) as _);
        Ok(Arc::new(Self {
            sends,
            closing: AtomicBool::new(false),
            closers: AtomicUsize::new(0),
            cut_off: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
            close_begun: Notify::new(),
            generation,
        }))
    }

    pub(crate) fn is_forked(&self) -> bool {
        sys::fork_generation() != self.generation
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Whether a call that waits may be made here and now.
    pub(crate) fn check_call(&self) -> Result<(), Error> {
        self.check_open()?;
        self.check_wait()
    }

    /// Whether this process made the producer.
    pub(crate) fn check_fork(&self) -> Result<(), Error> {
        if self.is_forked() { Err(Error::forked()) } else { Ok(()) }
    }

    /// Whether this thread may wait for the I/O thread, be the producer open or closed.
    pub(crate) fn check_wait(&self) -> Result<(), Error> {
        self.check_fork()?;
        if self.is_io_thread() { Err(Error::would_deadlock()) } else { Ok(()) }
    }

    /// Whether the caller runs on the I/O thread (in a log sink), where waiting for it would never end.
    pub(crate) fn is_io_thread(&self) -> bool {
        self.sends.client.process.process().is_io_thread()
    }

    fn io(&self) -> &Handle {
        &self.sends.client.process.process().io
    }

    /// When a send that begins now is over.
    pub(crate) fn span(&self, timeout: Option<Duration>) -> Result<Span, Error> {
        let started = Moment::now();
        let timeout = timeout.unwrap_or(self.sends.settings.send_timeout);
        let deadline = started.checked_add(timeout).ok_or_else(|| {
            let text = format!("a timeout of {} s cannot be kept", timeout.as_secs());
            Error::new(ErrorCode::InvalidArgument, text)
        })?;
        Ok(Span { started, deadline })
    }

    /// Whether a call may be made that does not wait.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        self.check_fork()?;
        if self.is_closing() { Err(Error::closed()) } else { Ok(()) }
    }
}
