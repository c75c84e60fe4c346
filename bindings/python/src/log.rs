//! Log lines on their way to `logging.getLogger("rmq")`.
//!
//! Threads of the core only append to a bounded queue. A Python thread (`rmq._log`) waits here without the
//! interpreter and hands the lines to `logging`.

use std::collections::VecDeque;
use std::sync::Arc;

use pyo3::prelude::*;
use rocketmq_producer::sync::{Condvar, Mutex};
use rocketmq_producer::{LogLevel, LogSink};

/// Lines kept while nobody fetches them; more are counted and left out.
const BOUND: usize = 1000;

/// Level number, target and text of a line.
type Line = (i32, String, String);

/// A queue of log lines.
#[pyclass(frozen, module = "rmq._rmq")]
pub(crate) struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Line>,
    left_out: u64,
    stopped: bool,
}

#[pymethods]
impl LogQueue {
    #[new]
    fn new() -> Self {
        Self(Arc::default())
    }

    /// Waits for lines and takes them all; `None` when the queue was stopped and is empty.
    fn take(&self, py: Python<'_>) -> Option<Vec<Line>> {
        py.detach(|| self.0.take())
    }

    /// Lets `take` end once the lines that are there are taken.
    fn stop(&self) {
        self.0.state.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

impl Shared {
    fn take(&self) -> Option<Vec<Line>> {
        let mut state = self.state.lock();
        while state.lines.is_empty() {
            if state.stopped {
                return None;
            }
            self.changed.wait(&mut state);
        }
        let mut lines: Vec<Line> = state.lines.drain(..).collect();
        let left_out = std::mem::take(&mut state.left_out);
        if left_out > 0 {
            let text = format!("{left_out} log lines were left out");
            lines.push((LogLevel::Warn as i32, "log".to_owned(), text));
        }
        Some(lines)
    }
}

/// The end of a [`LogQueue`] that the core writes to.
pub(crate) struct Sink(Arc<Shared>);

impl Sink {
    pub(crate) fn of(queue: &LogQueue) -> Self {
        Self(Arc::clone(&queue.0))
    }
}

impl LogSink for Sink {
    fn log(&self, level: LogLevel, target: &str, text: &str) {
        let mut state = self.0.state.lock();
        if state.lines.len() >= BOUND {
            state.left_out += 1;
            return;
        }
        state.lines.push_back((level as i32, target.to_owned(), text.to_owned()));
        drop(state);
        self.0.changed.notify_one();
    }
}
