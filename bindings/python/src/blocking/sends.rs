//! Sends of `rmq.Producer`.

use std::slice::from_ref;
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::PyList;
use rocketmq_producer::{self as rmq, Error, Event, Report, Tag};

use super::{Producer, left_until};
use crate::error::{is_queue_full, no_room, raise};
use crate::keywords::Arguments;
use crate::many::{self, Many, Outcomes, Travel};
use crate::message::{Message, hand_over};
use crate::outgoing::{Outgoing, with_views};
use crate::receipt::Receipt;
use crate::selector::{select, select_one};
use crate::timeout::UNBOUNDED;
use crate::waiting::{interruptible, look_for_signals, wait};

/// Room for some message need not be enough for this one: after so many refusals in a row a one-way message takes it slowly.
const MANY: u32 = 3;
const MOMENT: Duration = Duration::from_millis(1);

send_method! {
    /// Sends a message and waits for its receipt.
    Producer.send = send_and_wait -> Bound<'py, Receipt>;
}
send_method! {
    /// Sends a message without waiting for an answer; the broker gives none.
    Producer.send_oneway = send_and_forget -> ();
}

#[pymethods]
impl Producer {
    /// Sends messages side by side and waits for all of them: a receipt or an exception for each, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_many<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.send_all(py, messages, Travel::SideBySide, timeout)
    }

    /// Sends messages as one wire batch and waits for their receipts, in order.
    #[pyo3(signature = (messages, *, timeout=None))]
    fn send_batch<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        self.send_all(py, messages, Travel::OneBatch, timeout)
    }
}

impl Producer {
    /// What `send` does.
    fn send_and_wait<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, Receipt>> {
        let (py, own) = (slf.py(), slf.get());
        let (message, deadline) = own.accept(py, arguments, timeout)?;
        let sent = own.exchange(py, &message, deadline);
        let outcome = sent.and_then(|receipt| Bound::new(py, Receipt::new(receipt)));
        own.tell(py, &message, outcome)
    }

    /// What `send_oneway` does.
    fn send_and_forget<'py>(
        slf: &Bound<'py, Self>,
        arguments: Arguments<'_, 'py>,
        timeout: Option<f64>,
    ) -> PyResult<()> {
        let (py, own) = (slf.py(), slf.get());
        let (message, deadline) = own.accept(py, arguments, timeout)?;
        let sent = own.hand_over_oneway(py, &message, deadline);
        let outcome = sent.map(|()| py.None().into_bound(py));
        own.tell(py, &message, outcome).map(drop)
    }

    /// The message of a call, which the hook has seen, and when its time is over.
    fn accept(
        &self,
        py: Python<'_>,
        arguments: Arguments<'_, '_>,
        timeout: Option<f64>,
    ) -> PyResult<(Py<Message>, Instant)> {
        let message = Message::from_call(arguments)?.map_err(|error| raise(&error))?;
        let deadline = self.deadline(timeout)?;
        self.handle.producer()?;
        Ok((self.hooks.before(py, Py::new(py, message)?)?, deadline))
    }

    /// Sends a message and waits for its receipt.
    fn exchange(&self, py: Python<'_>, message: &Py<Message>, deadline: Instant) -> PyResult<rmq::Receipt> {
        let message = select_one(py, message, |topic| self.look_up(py, topic, deadline))?;
        let producer = self.handle.producer()?;
        let queue = self.take_queue();
        message.lend(|message| {
            let send = |left| producer.send_queued(message, Some(left), &queue, Tag(0, 0));
            let hand_over = |left| hand_over(py, from_ref(message), || send(left));
            // Whoever refuses a message lets its queue know of room for it.
            self.when_room(py, deadline, hand_over, |left| wait(py, &queue, &mut Vec::new(), left))
        })?;
        let mut events = Vec::with_capacity(1);
        let report = loop {
            wait(py, &queue, &mut events, UNBOUNDED)?;
            if let Some(report) = events.drain(..).find_map(Event::into_report) {
                break report;
            }
        };
        self.keep_queue(queue);
        report.result.map_err(|error| raise(&error))
    }

    fn hand_over_oneway(&self, py: Python<'_>, message: &Py<Message>, deadline: Instant) -> PyResult<()> {
        let message = select_one(py, message, |topic| self.look_up(py, topic, deadline))?;
        let producer = self.handle.producer()?;
        // Most messages have room and need none.
        let mut queue = None;
        let mut refusals = 0;
        message.lend(|message| {
            let hand_over =
                |left| hand_over(py, from_ref(message), || producer.send_oneway(message, Some(left)));
            self.when_room(py, deadline, hand_over, |left| {
                let queue = queue.get_or_insert_with(|| self.take_queue());
                refusals += 1;
                if refusals > MANY {
                    wait(py, queue, &mut Vec::new(), left.min(MOMENT))?;
                }
                producer.when_writable(queue).map_err(|error| raise(&error))?;
                wait(py, queue, &mut Vec::new(), left)
            })
        })?;
        queue.into_iter().for_each(|queue| self.keep_queue(queue));
        Ok(())
    }

    /// Tells the hook what became of a message, and gives it back.
    fn tell<'py, T>(
        &self,
        py: Python<'py>,
        message: &Py<Message>,
        outcome: PyResult<Bound<'py, T>>,
    ) -> PyResult<Bound<'py, T>> {
        match &outcome {
            Ok(object) => self.hooks.after(py, message, object.as_any())?,
            Err(error) => self.hooks.failed(py, message, error)?,
        }
        outcome
    }

    /// Sends messages and waits for the outcomes of all.
    fn send_all<'py>(
        &self,
        py: Python<'py>,
        messages: &Bound<'py, PyAny>,
        travel: Travel,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let deadline = self.deadline(timeout)?;
        let messages = many::collect(messages)?;
        self.handle.producer()?;
        let messages = self.hooks.before_all(py, messages)?;
        let look_up = |topic: &PyBackedStr| self.look_up(py, topic, deadline);
        let messages = match select(py, &messages, travel == Travel::OneBatch, look_up) {
            Ok(messages) => messages,
            Err(error) => {
                self.hooks.all_failed(py, &messages, &error)?;
                return Err(error);
            }
        };
        let are_complete = messages.iter().all(|message| message.failure(py).is_none());
        let outcomes = match travel {
            Travel::OneBatch if self.handle.split_batches && are_complete => {
                self.send_split(py, messages, deadline)?
            }
            _ => self.wait_for_all(py, Many::new(py, messages, travel, left_until(deadline)))?,
        };
        outcomes.tell(py, &self.hooks)?;
        outcomes.result(py)
    }

    fn wait_for_all(&self, py: Python<'_>, mut many: Many) -> PyResult<Outcomes> {
        let producer = self.handle.producer()?;
        let queue = self.take_queue();
        let mut events = Vec::new();
        loop {
            if many.is_waiting() && many.deadline() <= Instant::now() {
                many.expire();
            }
            many.submit(py, producer, &queue, 0, self.handle.wait_for_room);
            if many.is_done() {
                break;
            }
            let at_most = if many.is_waiting() { left_until(many.deadline()) } else { UNBOUNDED };
            wait(py, &queue, &mut events, at_most)?;
            for Report { tag, result, .. } in events.drain(..).filter_map(Event::into_report) {
                many.complete(tag.1, result);
            }
            if !many.is_done() {
                look_for_signals(py, &queue)?;
            }
        }
        self.keep_queue(queue);
        many.into_outcomes(py)
    }

    /// A batch of any size: the core makes wire batches of it, one after the other.
    fn send_split(&self, py: Python<'_>, messages: Vec<Outgoing>, deadline: Instant) -> PyResult<Outcomes> {
        let producer = self.handle.producer()?.clone();
        let send = move || {
            let result =
                with_views(&messages, |views| producer.send_batch(views, Some(left_until(deadline))));
            (messages, result)
        };
        let (messages, result) = interruptible(py, send)?;
        Outcomes::of_split(py, messages, result)
    }

    /// Calls `send` until there is room, at most to the deadline; the arguments are the time left.
    fn when_room(
        &self,
        py: Python<'_>,
        deadline: Instant,
        mut send: impl FnMut(Duration) -> Result<(), Error>,
        mut wait_for_room: impl FnMut(Duration) -> PyResult<()>,
    ) -> PyResult<()> {
        let started = Instant::now();
        loop {
            match send(left_until(deadline)) {
                Err(error) if self.handle.wait_for_room && is_queue_full(&error) => {}
                outcome => return outcome.map_err(|error| raise(&error)),
            }
            let left = left_until(deadline);
            if left.is_zero() {
                return Err(no_room(py, started.elapsed()));
            }
            wait_for_room(left)?;
            py.check_signals()?;
        }
    }
}
