//! Log lines on their way to `logging.getLogger("rmq")`.
//!
//! Threads of the core only append to a bounded queue. A Python thread (`rmq._log`) waits here without the
//! interpreter, or a greenlet through its hub, and hands the lines to `logging`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use pyo3::prelude::*;
use rocketmq_producer::sync::Mutex;
use rocketmq_producer::sys::{self, PerFork};
use rocketmq_producer::{CompletionQueue, LogLevel, LogSink};

use crate::hub::Hub;
use crate::timeout::UNBOUNDED;

/// Lines kept while nobody fetches them; more are counted and left out.
const BOUND: usize = 1000;

/// Level number, target and text of a line.
type Line = (i32, String, String);

/// A queue of log lines. A forked child has lines of its own behind the same object.
#[pyclass(frozen, module = "rmq._rmq")]
pub(crate) struct LogQueue(Arc<PerFork<Lines>>);

#[derive(Default)]
struct Lines {
    state: Mutex<State>,
    /// Rung when `take` need not wait any longer.
    bell: CompletionQueue,
}

fn of_this_process(lines: &PerFork<Lines>) -> &Lines {
    lines.get_or_try_init(|_| Ok::<_, Infallible>(Lines::default())).unwrap_or_else(|never| match never {})
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

    /// Waits for lines and takes them all; `None` when the queue was stopped and is empty, and in the copy of a greenlet
    /// that waited when its process was forked.
    fn take(&self, py: Python<'_>) -> PyResult<Option<Vec<Line>>> {
        sys::guard_thread();
        let (lines, generation) = (of_this_process(&self.0), sys::fork_generation());
        while !sys::is_forked(generation) {
            lines.bell.poll(&mut Vec::new(), 0, Duration::ZERO);
            let taken = lines.state.lock().take();
            match taken {
                Taken::Lines(lines) => return Ok(Some(lines)),
                Taken::Stopped => return Ok(None),
                Taken::Nothing => {}
            }
            match Hub::current(py)? {
                Some(hub) => hub.wait_in_background(&lines.bell)?,
                None => {
                    py.detach(|| lines.bell.poll(&mut Vec::new(), 0, UNBOUNDED));
                }
            }
        }
        Ok(None)
    }

    /// Lets `take` end once the lines that are there are taken.
    fn stop(&self) {
        let lines = of_this_process(&self.0);
        lines.state.lock().stopped = true;
        lines.bell.ring();
    }
}

enum Taken {
    Lines(Vec<Line>),
    Nothing,
    Stopped,
}

impl State {
    fn take(&mut self) -> Taken {
        if self.lines.is_empty() {
            return if self.stopped { Taken::Stopped } else { Taken::Nothing };
        }
        let mut lines: Vec<Line> = self.lines.drain(..).collect();
        let left_out = std::mem::take(&mut self.left_out);
        if left_out > 0 {
            let text = format!("{left_out} log lines were left out");
            lines.push((LogLevel::Warn as i32, "log".to_owned(), text));
        }
        Taken::Lines(lines)
    }
}

/// The end of a [`LogQueue`] that the core writes to.
pub(crate) struct Sink(Arc<PerFork<Lines>>);

impl Sink {
    pub(crate) fn of(queue: &LogQueue) -> Self {
        Self(Arc::clone(&queue.0))
    }
}

impl LogSink for Sink {
    fn log(&self, level: LogLevel, target: &str, text: &str) {
        let lines = of_this_process(&self.0);
        let mut state = lines.state.lock();
        if state.lines.len() >= BOUND {
            state.left_out += 1;
            return;
        }
        state.lines.push_back((level as i32, target.to_owned(), text.to_owned()));
        let is_first = state.lines.len() == 1;
        drop(state);
        if is_first {
            lines.bell.ring();
        }
    }
}
