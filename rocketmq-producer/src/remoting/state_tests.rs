use std::net::TcpListener;

use tokio::runtime::Runtime;

use super::writer::GATHERED;
use super::*;
use crate::deferred::Burst;
use crate::remoting::RemotingOptions;
use crate::remoting::prepare::ExtraFields;
use crate::remoting::testing::{PATIENCE, TestRequest, runtime};
use crate::sys::Moment;

/// A request that is these bytes.
fn request(bytes: &'static [u8], oneway: bool) -> Request {
    let exchange = Box::new(TestRequest { bytes: Some(bytes), ..TestRequest::default() });
    Request { exchange, deadline: Moment::now() + PATIENCE, oneway }
}

struct Bench {
    runtime: Runtime,
    options: RemotingOptions,
    state: State,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let options = RemotingOptions::for_tests(runtime.handle().clone());
        Self { runtime, options, state: State::default() }
    }

    /// A new open connection on which nothing is to be written.
    fn connect(&mut self) -> Arc<Stream> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (stream, _) = Stream::to_test(&self.runtime, &listener);
        self.state.begin();
        self.state.open(Arc::clone(&stream));
        assert!(self.state.next_chunk(&stream).is_none());
        stream
    }

    fn add(&mut self, bytes: &'static [u8], oneway: bool) {
        assert!(self.state.add(request(bytes, oneway), &ExtraFields::NONE, &self.options).is_ok());
    }

    /// Whether each exchange that is left counts as sent.
    fn end(&mut self) -> Vec<bool> {
        self.state.reset(&Failure::new(FailureKind::Lost));
        std::iter::from_fn(|| self.state.take_failed()).map(|(_, failure)| failure.sent).collect()
    }
}

#[test]
fn what_was_prepared_stays_with_a_request_until_that_is_another_one() {
    let mut bench = Bench::new();
    let now = Moment::now();
    for splits in [false, true] {
        let exchange = Box::new(TestRequest { splits, ..TestRequest::default() });
        let deadline = if splits { now } else { now + PATIENCE };
        let request = Request { exchange, deadline, oneway: false };
        bench.state.wait_for_connection(request, Some(ExtraFields::NONE));
    }
    assert!(bench.state.expire(now).is_some());
    bench.connect();
    let mut admission = bench.state.begin_admission();
    let admitted = std::iter::from_fn(|| bench.state.next_admitted(&mut admission));
    let are_prepared: Vec<_> = admitted.map(|(_, prepared)| prepared.is_some()).collect();
    assert_eq!(are_prepared, [true, false], "as it was, and with fewer messages");
}

#[test]
fn what_a_write_call_may_have_sent_counts_as_sent() {
    let mut bench = Bench::new();
    let stream = bench.connect();
    bench.add(b"one", false);
    let (chunk, start) = bench.state.next_chunk(&stream).expect("a chunk");
    assert_eq!((&*chunk, start), (&b"one"[..], 0));
    bench.add(b"two", false);
    assert_eq!(bench.end(), [true, false], "the second was not handed over yet");
}

#[test]
fn a_writer_leaves_the_next_connection_alone() {
    let mut bench = Bench::new();
    let first = bench.connect();
    bench.add(b"one", false);
    bench.state.writer = Writer::Caller;
    let (chunk, _) = bench.state.next_chunk(&first).expect("a chunk");
    assert_eq!(bench.end(), [true]);
    let second = bench.connect();
    bench.add(b"two", false);
    bench.state.writer = Writer::IoTask;
    // The caller of the first connection comes back from its write call.
    assert!(bench.state.chunk_written(&first, chunk, 3, 3).is_empty());
    assert!(bench.state.next_chunk(&first).is_none());
    assert!(!bench.state.hand_over(&first, false));
    assert_eq!(bench.state.writer, Writer::IoTask);
    let chunk = bench.state.next_chunk(&second);
    assert!(chunk.is_some_and(|(chunk, start)| (&*chunk, start) == (&b"two"[..], 0)));
}

#[test]
fn the_rest_of_a_chunk_goes_before_what_was_added_meanwhile() {
    let mut bench = Bench::new();
    let stream = bench.connect();
    bench.add(b"abcdef", true);
    let (chunk, start) = bench.state.next_chunk(&stream).expect("a chunk");
    bench.add(b"ghi", true);
    assert!(bench.state.chunk_written(&stream, chunk, start + 4, 4).is_empty(), "the first is not through");
    let (chunk, start) = bench.state.next_chunk(&stream).expect("the rest");
    assert_eq!(&chunk[start..], b"ef");
    assert_eq!(bench.state.chunk_written(&stream, chunk, start + 2, 2).len(), 1);
    let (chunk, start) = bench.state.next_chunk(&stream).expect("what was added");
    assert_eq!(&chunk[start..], b"ghi");
    assert_eq!(bench.state.chunk_written(&stream, chunk, start + 3, 3).len(), 1);
    assert!(bench.state.next_chunk(&stream).is_none());
    assert_eq!(bench.state.writer, Writer::IoTaskLater);
}

#[test]
fn oneway_requests_that_follow_others_are_gathered() {
    let mut bench = Bench::new();
    let stream = bench.connect();
    let oneway = true;
    bench.add(b"first", oneway);
    let chosen = bench.state.choose_writer(Haste::MayBeGathered, usize::MAX);
    assert_eq!(chosen, Some(Writer::IoTask), "nothing went before it");
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    assert_eq!(bench.state.chunk_written(&stream, chunk, 5, 5).len(), 1);
    assert!(bench.state.next_chunk(&stream).is_none());
    let by = bench.state.gathered_by.expect("gathering");

    let waited_for = bench.state.choose_writer(Haste::AtOnce, usize::MAX);
    assert_eq!(waited_for, Some(Writer::IoTask), "what others wait for is not gathered");
    bench.state.writer = Writer::IoTaskLater;
    bench.add(b"second", oneway);
    assert_eq!(bench.state.choose_writer(Haste::MayBeGathered, usize::MAX), None);
    assert!(bench.state.may_gather(by + Burst::IN_TIME) && !bench.state.may_gather(by));
    assert!(bench.state.send_now());
    assert_eq!((bench.state.writer, bench.state.gathered_by), (Writer::IoTask, None), "somebody flushes");
    (bench.state.writer, bench.state.gathered_by) = (Writer::IoTaskLater, Some(by));
    assert!(!bench.state.end_gathering(by.before(Burst::TIME)));
    assert!(bench.state.end_gathering(by));
    assert_eq!(bench.state.writer, Writer::IoTask, "its time has come");
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    assert_eq!(bench.state.chunk_written(&stream, chunk, 6, 6).len(), 1);
    assert!(bench.state.next_chunk(&stream).is_none());

    bench.add(&[0; GATHERED as usize], oneway);
    let chosen = bench.state.choose_writer(Haste::MayBeGathered, usize::MAX);
    assert_eq!(chosen, Some(Writer::Caller), "so much is worth a write");
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    let len = chunk.len();
    assert_eq!(bench.state.chunk_written(&stream, chunk, len, len).len(), 1);
    let by = bench.state.gathered_by.expect("still gathering");
    assert!(bench.state.end_gathering(by), "while the caller writes");
    assert!(bench.state.hand_over(&stream, false), "the I/O task must hear of the new time");

    bench.add(b"answer me", false);
    assert_eq!(bench.state.choose_writer(Haste::CallerWaits, usize::MAX), Some(Writer::Caller));
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    bench.state.chunk_written(&stream, chunk, 9, 9);
    assert!(!bench.state.hand_over(&stream, false));
    let by = bench.state.gathered_by.expect("still gathering");
    assert!(bench.state.end_gathering(by));
    assert!(bench.state.next_chunk(&stream).is_none());
    assert_eq!(bench.state.writer, Writer::Nobody, "nothing came: the next one goes at once");
}

#[test]
fn a_backlog_is_bounded() {
    let mut bench = Bench::new();
    bench.options.max_backlog = 5;
    let stream = bench.connect();
    bench.add(b"abcdef", false);
    let refused = bench.state.add(request(b"g", false), &ExtraFields::NONE, &bench.options);
    assert!(refused.is_err_and(|(_, failure)| failure.kind == FailureKind::Backlog));
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    bench.state.chunk_written(&stream, chunk, 6, 6);
    bench.add(b"g", false);
}

#[test]
fn a_caller_writes_plenty_itself_unless_the_io_task_is_at_it() {
    let mut bench = Bench::new();
    let stream = bench.connect();
    bench.add(b"a", false);
    bench.state.writer = Writer::Nobody;
    assert_eq!(bench.state.choose_writer(Haste::AtOnce, usize::MAX), Some(Writer::IoTask));
    bench.add(&[0; PLENTY - 2], false);
    assert_eq!(bench.state.choose_writer(Haste::AtOnce, usize::MAX), None, "not plenty");
    bench.add(b"z", false);
    assert_eq!(bench.state.choose_writer(Haste::AtOnce, usize::MAX), Some(Writer::Caller));
    assert!(!bench.state.begin_writing(), "one writer at a time");

    // The socket takes all but one byte: the I/O task waits for it, and callers leave it alone.
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    let end = chunk.len() - 1;
    bench.state.chunk_written(&stream, chunk, end, end);
    let is_full = true;
    assert!(bench.state.hand_over(&stream, is_full));
    bench.add(&[0; PLENTY], false);
    assert_eq!(bench.state.choose_writer(Haste::AtOnce, usize::MAX), None);
    assert!(bench.state.begin_writing());
}

#[test]
fn a_burst_waits_for_its_end_or_for_others() {
    let mut bench = Bench::new();
    let stream = bench.connect();
    bench.state.writer = Writer::Nobody;
    bench.add(b"a", false);
    assert_eq!(bench.state.choose_writer(Haste::GoesWithBurst, usize::MAX), Some(Writer::IoTaskLater));
    let by = bench.state.gathered_by.expect("it goes by itself too");
    bench.add(b"b", false);
    assert_eq!(bench.state.choose_writer(Haste::GoesWithBurst, usize::MAX), None);
    assert!(!bench.state.begin_writing() && !bench.state.end_gathering(by.before(Burst::TIME)));
    assert!(bench.state.send_now() && bench.state.begin_writing());
    let (chunk, _) = bench.state.next_chunk(&stream).expect("a chunk");
    bench.state.chunk_written(&stream, chunk, 2, 2);
    assert!(bench.state.next_chunk(&stream).is_none());
    assert_eq!(bench.state.writer, Writer::Nobody, "the next burst begins anew");

    for (haste, writer) in [(Haste::AtOnce, Writer::IoTask), (Haste::CallerWaits, Writer::Caller)] {
        bench.state.writer = Writer::IoTaskLater;
        assert_eq!(bench.state.choose_writer(haste, usize::MAX), Some(writer));
    }
    bench.state.writer = Writer::IoTaskLater;
    bench.add(&[0; GATHERED as usize], false);
    assert_eq!(bench.state.choose_writer(Haste::GoesWithBurst, usize::MAX), Some(Writer::Caller), "much");
}
