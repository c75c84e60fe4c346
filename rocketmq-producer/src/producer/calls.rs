//! What a program waits for. Each call has a form that waits, and one whose end comes to a queue.

use std::sync::Arc;
use std::time::Duration;

use super::{Closing, Producer};
use crate::completion::{CompletionQueue, Done, Event, Routed, Tag};
use crate::engine::{Closer, Door, unsettled};
use crate::error::Error;
use crate::sys::Moment;

impl Producer {
    /// Waits until no send is without its outcome and every one-way message is written. Beside threads that go on sending that
    /// moment may not come.
    ///
    /// # Errors
    /// `TIMEOUT` when some have not; they go on. `FORKED`.
    pub fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_wait()?;
        engine.sends.send_now();
        if engine.sends.wait_settled(Moment::now().checked_add(timeout)) {
            return Ok(());
        }
        Err(unsettled())
    }

    /// The same without waiting: the event [`Event::Done`] comes to `queue` with this tag, once, within the timeout.
    ///
    /// # Errors
    /// No event comes: `FORKED`.
    pub fn flush_queued(&self, timeout: Duration, queue: &CompletionQueue, tag: Tag) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_fork()?;
        engine.ask(Arc::clone(engine).flushed(timeout), self.done_at(queue, tag));
        Ok(())
    }

    /// Waits until a name server has answered this client.
    ///
    /// # Errors
    /// Why none did, with its address: `NAME_SERVER`, `NO_NAME_SERVER`. `CLOSED`, `FORKED`.
    pub fn wait_ready(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_call()?;
        engine.ask_and_wait(timeout, Arc::clone(engine).ready(timeout))
    }

    /// The same without waiting: the event [`Event::Done`] comes to `queue` with this tag, once, within the timeout.
    ///
    /// # Errors
    /// No event comes: `CLOSED`, `FORKED`.
    pub fn wait_ready_queued(
        &self,
        timeout: Duration,
        queue: &CompletionQueue,
        tag: Tag,
    ) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_open()?;
        engine.ask(Arc::clone(engine).ready(timeout), self.done_at(queue, tag));
        Ok(())
    }

    /// Refuses new sends, waits at most `timeout` for the outcomes of those accepted, completes what is left as
    /// `CLOSED`, and tells the brokers. Every accepted send has its outcome afterwards, unless a hook of the program holds it
    /// up for more than five seconds. Of several that close at the same time, the one whose time is over first completes what is
    /// left, and all return.
    ///
    /// # Errors
    /// `TIMEOUT` when sends had to be completed as `CLOSED` meanwhile. `FORKED`;
    /// `WOULD_DEADLOCK` on the I/O thread.
    pub fn close(&self, timeout: Duration) -> Result<(), Error> {
        self.begin_close()?.finish(timeout)
    }

    /// A close in two steps, for those who have something to see to between them.
    ///
    /// # Errors
    /// `FORKED`; `WOULD_DEADLOCK` on the I/O thread.
    pub fn begin_close(&self) -> Result<Closing, Error> {
        self.check_wait()?;
        Ok(Closing::begin(self))
    }

    /// Whether this thread may wait for what this producer does.
    ///
    /// # Errors
    /// `WOULD_DEADLOCK` on the I/O thread (in a log sink), `FORKED`.
    pub fn check_wait(&self) -> Result<(), Error> {
        self.engine().check_wait()
    }

    /// The same without waiting: new sends are refused from now on, and the event [`Event::Done`] comes to `queue` with this
    /// tag, once. Sends without an outcome at the timeout are completed on the I/O thread.
    ///
    /// # Errors
    /// No event comes: `FORKED`.
    pub fn close_queued(&self, timeout: Duration, queue: &CompletionQueue, tag: Tag) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_fork()?;
        engine.ask(Closer::begin(engine).closed(timeout), self.done_at(queue, tag));
        Ok(())
    }

    /// The queues of a topic that may be written, as broker and number, in the Java client's order. Asks the name server
    /// if the topic is not known yet.
    ///
    /// # Errors
    /// `MESSAGE_ILLEGAL` for a bad name; `NO_ROUTE`, `NAME_SERVER`, `NO_NAME_SERVER`; `CLOSED`, `FORKED`,
    /// `WOULD_DEADLOCK`.
    pub fn queues(&self, topic: &str, timeout: Duration) -> Result<Vec<(String, i32)>, Error> {
        let engine = self.engine();
        engine.check_call()?;
        engine.queues(topic, timeout)
    }

    /// The same without waiting: the event [`Event::Routed`] comes to `queue` with this tag, once, within the timeout; at once
    /// if the topic is known.
    ///
    /// # Errors
    /// No event comes: `MESSAGE_ILLEGAL` for a bad name; `CLOSED`, `FORKED`.
    pub fn look_up(
        &self,
        topic: &str,
        timeout: Duration,
        queue: &CompletionQueue,
        tag: Tag,
    ) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_open()?;
        let producer = engine.sends.bounds.producer();
        engine.look_up(topic, timeout, |topic| {
            let topic = Arc::clone(topic);
            queue.door(move |result| {
                Event::Routed(Routed { tag, topic: Arc::clone(&topic), result, producer })
            })
        })
    }

    /// Waits until another message has room within the in-flight bounds.
    ///
    /// # Errors
    /// `QUEUE_FULL` when there was none in time; `CLOSED`, `FORKED`, `WOULD_DEADLOCK`.
    pub fn wait_writable(&self, timeout: Duration) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_call()?;
        match engine.sends.bounds.wait_room(Moment::now().checked_add(timeout), || engine.is_closing()) {
            _ if engine.is_closing() => Err(Error::closed()),
            true => Ok(()),
            false => Err(Error::queue_full()),
        }
    }

    /// Asks for the event [`Event::Writable`]: it comes to `queue` once, when there is room for another message; at once if
    /// there is.
    ///
    /// A send to a queue that is refused as `QUEUE_FULL` asks by itself, for room for what was refused.
    ///
    /// # Errors
    /// No event comes: `FORKED`.
    pub fn when_writable(&self, queue: &CompletionQueue) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_fork()?;
        engine.sends.bounds.note_refusal(1, 0, Some(queue.hears_of_room()));
        Ok(())
    }

    /// Lets `queue` have [`Event::Writable`] after every refusal as `QUEUE_FULL`, to whomever, as long as it lives.
    ///
    /// # Errors
    /// `FORKED`.
    pub fn hear_of_room(&self, queue: &CompletionQueue) -> Result<(), Error> {
        let engine = self.engine();
        engine.check_fork()?;
        engine.sends.bounds.add_listener(&queue.hears_of_room());
        Ok(())
    }

    /// The door of a call whose end is an event.
    fn done_at(&self, queue: &CompletionQueue, tag: Tag) -> Door<()> {
        let producer = self.engine().sends.bounds.producer();
        queue.door(move |result| Event::Done(Done { tag, result, producer }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::error::ErrorCode;
    use crate::sys::exit_status_of;

    const LONG: Duration = Duration::from_secs(3600);

    fn producer(group: &str) -> Producer {
        let mut config = Config::new();
        for (key, value) in [("producer.group", group), ("name.server", "127.0.0.1:1")] {
            config.set(key, value).expect(key);
        }
        Producer::new(&config).expect("a producer")
    }

    fn is_forked(call: &Result<(), Error>) -> bool {
        call.as_ref().is_err_and(|error| error.code() == ErrorCode::Forked)
    }

    #[test]
    fn a_forked_child_is_refused_and_told_of_no_room() {
        let (producer, queue) = (producer("room"), CompletionQueue::new());
        let status = exit_status_of(|| {
            let calls = [producer.when_writable(&queue), producer.hear_of_room(&queue)];
            i32::from(!calls.iter().all(is_forked) || !queue.is_empty())
        });
        assert_eq!((status, queue.len()), (0, 0));
        producer.when_writable(&queue).expect("no child");
        assert_eq!(queue.len(), 1);
    }

    #[test]
    fn a_forked_child_ends_no_close_of_its_parents() {
        let producer = producer("close");
        let closing = producer.begin_close().expect("no child");
        let ends = move || i32::from(closing.wait(LONG) || !is_forked(&closing.finish(LONG)));
        assert_eq!(exit_status_of(ends), 0);
        producer.close(Duration::ZERO).expect("nothing is left");
    }
}
