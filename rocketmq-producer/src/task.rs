//! Tasks and threads whose end is always told: when they are done, when they panic, and when they are dropped without
//! having run. Whoever starts one says what is to happen at its end, so nothing can wait for ever for what is gone. All
//! tasks and threads of the crate start here (`clippy.toml` forbids the other ways).
//!
//! ```text
//! spawn ──▶ runs ──┬─▶ done ────▶ end(Ok(…))
//!   │              └─▶ panics ──▶ end(Err(Panicked))
//!   └─▶ dropped, begun or not ──▶ end(Err(Dropped))
//! ```

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::Thread;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::log::{Log, LogTarget};
use crate::sys;

/// After a panic what must go on begins anew no sooner than this.
const AFTER_PANIC: Duration = Duration::from_millis(if cfg!(test) { 1 } else { 1000 });

/// Why a task has no result.
#[derive(Clone, Debug)]
pub(crate) enum Stopped {
    /// With this text.
    Panicked(String),
    /// The I/O thread is gone.
    Dropped,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(text) => write!(f, "a task of the library panicked: {text}"),
            Self::Dropped => f.write_str("the I/O thread has ended"),
        }
    }
}

impl Error for Stopped {}

/// Runs `work` on the I/O thread. `end` is called once, with the result or why there is none.
#[allow(clippy::disallowed_methods, reason = "the one place")]
pub(crate) fn spawn<T: Send + 'static>(
    runtime: &Handle,
    work: impl Future<Output = T> + Send + 'static,
    end: impl FnOnce(Result<T, Stopped>) + Send + 'static,
) -> JoinHandle<()> {
    let end = AtEnd::new(end);
    runtime.spawn(async move {
        let outcome = caught(Box::pin(work)).await;
        end.tell(outcome);
    })
}

/// Runs what has to go on as long as its object lives: after a panic it begins anew.
pub(crate) fn keep<W>(
    runtime: &Handle,
    log: Log,
    name: &'static str,
    begin: impl Fn() -> W + Send + Sync + 'static,
) where
    W: Future<Output = ()> + Send + 'static,
{
    let told = log.clone();
    let work = going_on(log, name, begin);
    spawn(runtime, work, move |outcome| {
        if let Err(stopped) = outcome {
            told.error(LogTarget::Client, || format!("the {name} is over: {stopped}"));
        }
    });
}

/// The same as a part of another task.
pub(crate) async fn going_on<W>(log: Log, name: &'static str, begin: impl Fn() -> W + Send + Sync + 'static)
where
    W: Future<Output = ()> + Send + 'static,
{
    while let Err(stopped) = caught(Box::pin(begin())).await {
        log.error(LogTarget::Client, || format!("the {name} begins anew: {stopped}"));
        sleep(AFTER_PANIC).await;
    }
}

/// Runs `work` on a thread of its own, in which every signal is blocked. `end` is called there once, with the result or
/// the panic. Linux shows the first 15 bytes of the name.
///
/// # Errors
/// The operating system refuses the thread; then neither is called.
pub(crate) fn thread<T>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
    end: impl FnOnce(Result<T, Stopped>) + Send + 'static,
) -> io::Result<Thread> {
    let handle = sys::spawn_quiet(name, move || {
        let end = AtEnd::new(end);
        let outcome = catch_unwind(AssertUnwindSafe(work));
        end.tell(outcome.map_err(|payload| Stopped::Panicked(panic_text(payload))));
    })?;
    Ok(handle.thread().clone())
}

/// What a panic said.
pub(crate) fn panic_text(payload: Box<dyn Any + Send>) -> String {
    let text = match (payload.downcast_ref::<&str>(), payload.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "no text".to_owned(),
    };
    // The payload's own end may panic again.
    std::mem::forget(payload);
    text
}

/// The result of a future, or its panic. What panicked is not polled again.
async fn caught<W: Future>(work: Pin<Box<W>>) -> Result<W::Output, Stopped> {
    let mut work = Some(work);
    poll_fn(move |context: &mut Context<'_>| {
        let Some(future) = &mut work else { return Poll::Ready(Err(Stopped::Dropped)) };
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(result)) => Poll::Ready(Ok(result)),
            Err(payload) => {
                // What it held ends before its end is told. That may panic as well, and is no more than the first.
                let ended = catch_unwind(AssertUnwindSafe(|| drop(work.take())));
                ended.unwrap_or_else(|second| drop(panic_text(second)));
                Poll::Ready(Err(Stopped::Panicked(panic_text(payload))))
            }
        }
    })
    .await
}

/// Tells the end once, when it is dropped at the latest.
struct AtEnd<T, E: FnOnce(Result<T, Stopped>)> {
    end: Option<E>,
    result: PhantomData<fn(T)>,
}

impl<T, E: FnOnce(Result<T, Stopped>)> AtEnd<T, E> {
    fn new(end: E) -> Self {
        Self { end: Some(end), result: PhantomData }
    }

    fn tell(mut self, outcome: Result<T, Stopped>) {
        self.tell_once(outcome);
    }

    fn tell_once(&mut self, outcome: Result<T, Stopped>) {
        if let Some(end) = self.end.take() {
            // This may be the end of a panic already, and a second one would abort the program.
            let told = catch_unwind(AssertUnwindSafe(|| end(outcome)));
            told.unwrap_or_else(|payload| drop(panic_text(payload)));
        }
    }
}

impl<T, E: FnOnce(Result<T, Stopped>)> Drop for AtEnd<T, E> {
    fn drop(&mut self) {
        self.tell_once(Err(Stopped::Dropped));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Receiver, channel};

    use tokio::runtime::{Builder, Runtime};

    use super::*;
    use crate::log::LogLevel;

    const PATIENCE: Duration = Duration::from_secs(30);

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().expect("a runtime")
    }

    fn spawned(runtime: &Runtime, work: impl Future<Output = u8> + Send + 'static) -> Receiver<String> {
        let (told, ends) = channel();
        spawn(runtime.handle(), work, move |outcome| {
            told.send(outcome.map_or_else(|stopped| stopped.to_string(), |number| number.to_string()))
                .expect("the test waits");
        });
        ends
    }

    #[test]
    fn every_end_of_a_task_is_told_once() {
        let runtime = runtime();
        let done = spawned(&runtime, async { 7 });
        let panicked = spawned(&runtime, async { panic!("no {}", "luck") });
        let waiting = spawned(&runtime, std::future::pending());
        runtime.block_on(tokio::task::yield_now());
        let unpolled = spawned(&runtime, async { 8 });
        drop(runtime);
        for (ends, told) in [
            (done, "7"),
            (panicked, "a task of the library panicked: no luck"),
            (waiting, "the I/O thread has ended"),
            (unpolled, "the I/O thread has ended"),
        ] {
            // The sender went with the end: nothing more comes.
            assert_eq!(ends.iter().collect::<Vec<_>>(), [told]);
        }
    }

    #[test]
    fn a_task_for_a_runtime_that_is_gone_has_its_end() {
        let runtime = runtime();
        let handle = runtime.handle().clone();
        drop(runtime);
        let (told, ends) = channel();
        spawn(&handle, async {}, move |outcome| told.send(outcome.is_ok()).expect("the test waits"));
        assert_eq!(ends.iter().collect::<Vec<_>>(), [false]);
    }

    #[test]
    fn a_panic_on_the_way_out_is_no_abort() {
        struct Bomb;
        impl Future for Bomb {
            type Output = u8;
            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
                panic!("first");
            }
        }
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("second");
            }
        }
        let runtime = runtime();
        let ends = spawned(&runtime, Bomb);
        spawn(runtime.handle(), async { panic!("first") }, |_: Result<(), _>| panic!("at the end"));
        runtime.block_on(tokio::task::yield_now());
        assert_eq!(ends.recv_timeout(PATIENCE).expect("told"), "a task of the library panicked: first");
    }

    #[test]
    fn what_must_go_on_begins_anew() {
        let runtime = runtime();
        let begun = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&begun);
        let (told, done) = channel();
        keep(runtime.handle(), Log::new(LogLevel::Off, None), "test", move || {
            let (begun, told) = (counted.fetch_add(1, Ordering::Relaxed), told.clone());
            async move {
                assert_eq!(begun, 2, "not yet");
                told.send(()).expect("the test waits");
            }
        });
        runtime.block_on(async {
            while done.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
        });
        assert_eq!(begun.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn a_thread_that_panics_has_its_end() {
        let (told, ends) = channel();
        let end = move |outcome: Result<(), Stopped>| told.send(outcome.is_err()).expect("the test waits");
        thread("rmq-test", || panic!("a thread"), end).expect("a thread");
        assert!(ends.recv_timeout(PATIENCE).expect("told"));
    }
}
