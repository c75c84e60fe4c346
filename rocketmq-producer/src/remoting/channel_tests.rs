use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use rocketmq_protocol::encode::{NoFields, Preamble, encode_frame};
use rocketmq_protocol::frame::HeaderEncoding;
use rocketmq_protocol::header::flag;
use rocketmq_protocol::language::Language;

use super::*;
use crate::hooks::{RpcHook, RpcRequest};
use crate::remoting::exchange::FailureKind;
use crate::remoting::state::PLENTY;
use crate::remoting::testing::{PATIENCE, TestRequest, Told, peer, runtime, submit};
use crate::remoting::{Body, SHARED_BODY};

/// The kind of the next failure.
fn next_failure(told: &mpsc::Receiver<Told>) -> FailureKind {
    match told.recv_timeout(PATIENCE).expect("told") {
        Told::Failed(failure) => failure.kind,
        Told::Answered(_) | Told::Written => panic!("no failure"),
    }
}

#[test]
fn an_answer_behind_plenty_is_written_too() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (stream, mut peer) = Stream::to_test(&runtime, &listener);
    {
        let mut state = channel.state.lock();
        state.begin();
        state.open(Arc::clone(&stream));
        assert!(state.add_replies(&vec![b'.'; PLENTY]).is_ok());
    }
    assert!(channel.reply(b"answer").is_ok());
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; PLENTY + b"answer".len()];
        peer.read_exact(&mut bytes).map(|()| bytes)
    });
    // The I/O task, which comes for what the caller left.
    runtime.block_on(async {
        while channel.state.lock().begin_writing() {
            stream.writable().await.expect("writable");
            // When nothing is left, nobody is the writer.
            let _ = channel.write_out(&stream, false);
        }
    });
    assert!(reader.join().expect("no panic").expect("all of it").ends_with(b"answer"));
}

#[test]
fn a_connection_whose_task_panics_has_an_end_and_the_next_request_connects_anew() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (told, outcomes) = mpsc::channel();
    // Both wait for the connection, whose task meets the panic when it has written the second.
    submit(&channel, TestRequest::telling(&told), false);
    let panicking = TestRequest { on_written: Box::new(|| panic!("it panics")), ..TestRequest::default() };
    submit(&channel, panicking, true);
    // It ends with the tests.
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (_first, _) = listener.accept().expect("the first connection");
    assert_eq!(next_failure(&outcomes), FailureKind::Lost);
    submit(&channel, TestRequest::telling(&told), false);
    let (mut second, _) = listener.accept().expect("the second connection");
    second.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(second.read(&mut [0; 64]).expect("the third request") > 0);
    channel.forget();
    assert_eq!(next_failure(&outcomes), FailureKind::Lost);
}

/// Whether this thread has not locked the channel. (Others may have, for a moment.)
fn is_unlocked(channel: &Channel) -> bool {
    let end = Moment::now() + PATIENCE;
    while channel.state.try_lock().is_none() {
        if Moment::now() > end {
            return false;
        }
        std::thread::yield_now();
    }
    true
}

/// Adds a field, and looks whether its channel is locked meanwhile.
#[derive(Default)]
struct Looker {
    channel: Mutex<Weak<Channel>>,
    is_free: Mutex<Vec<bool>>,
}

impl RpcHook for Looker {
    fn before_request(&self, request: &mut RpcRequest<'_>) -> Result<(), String> {
        let channel = self.channel.lock().upgrade().expect("the test has it");
        self.is_free.lock().push(is_unlocked(&channel));
        request.add_field("Seen", "yes");
        Ok(())
    }
}

#[test]
fn requests_are_prepared_once_and_their_hooks_called_without_the_lock_of_the_connection() {
    let runtime = runtime();
    let looker = Arc::<Looker>::default();
    let mut options = RemotingOptions::for_tests(runtime.handle().clone());
    options.rpc.hooks.push(Arc::clone(&looker) as Arc<dyn RpcHook>);
    let (listener, channel) = peer(options);
    *looker.channel.lock() = Arc::downgrade(&channel);
    let prepared = Arc::<AtomicUsize>::default();
    let request = || {
        let (prepared, locked) = (Arc::clone(&prepared), Arc::downgrade(&channel));
        let on_prepare = Box::new(move || {
            let channel = locked.upgrade().expect("the test has it");
            assert!(is_unlocked(&channel), "prepared under the lock");
            prepared.fetch_add(1, Ordering::Relaxed);
        });
        TestRequest { on_prepare, ..TestRequest::default() }
    };
    submit(&channel, request(), false);
    submit(&channel, request(), false);
    assert_eq!(prepared.load(Ordering::Relaxed), 0, "not before there is a connection");
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut peer, _) = listener.accept().expect("the connection");
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut received = Vec::new();
    let mut wait_for = |count: usize| {
        while received.windows(4).filter(|window| window == b"Seen").count() < count {
            let mut some = [0; 256];
            let len = peer.read(&mut some).expect("requests");
            assert!(len > 0, "the connection has ended");
            received.extend_from_slice(&some[..len]);
        }
    };
    wait_for(2);
    submit(&channel, request(), false);
    wait_for(3);
    assert_eq!(*looker.is_free.lock(), [true; 3], "two that waited for the connection, and one that did not");
    assert_eq!(prepared.load(Ordering::Relaxed), 3);
    channel.forget();
}

#[test]
fn a_request_whose_connection_ends_while_it_is_prepared_goes_to_the_next_as_it_is() {
    let runtime = runtime();
    let looker = Arc::<Looker>::default();
    let mut options = RemotingOptions::for_tests(runtime.handle().clone());
    options.rpc.hooks.push(Arc::clone(&looker) as Arc<dyn RpcHook>);
    let (listener, channel) = peer(options);
    *looker.channel.lock() = Arc::downgrade(&channel);
    let (stream, _first) = Stream::to_test(&runtime, &listener);
    let epoch = {
        let mut state = channel.state.lock();
        let epoch = state.begin();
        state.open(stream);
        epoch
    };
    let ended = Arc::downgrade(&channel);
    let on_prepare = Box::new(move || {
        let channel = ended.upgrade().expect("the test has it");
        channel.end(epoch, &Failure::new(FailureKind::Lost), true);
    });
    submit(&channel, TestRequest { on_prepare, ..TestRequest::default() }, false);
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut second, _) = listener.accept().expect("the second connection");
    second.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut received = Vec::new();
    while !received.windows(4).any(|window| window == b"Seen") {
        let mut some = [0; 256];
        let len = second.read(&mut some).expect("the request, with what the hook added");
        assert!(len > 0, "the connection has ended");
        received.extend_from_slice(&some[..len]);
    }
    assert_eq!(looker.is_free.lock().len(), 1, "the hook saw one request");
    channel.forget();
}

#[test]
fn a_panic_before_the_writing_fails_its_own_request_and_leaves_nothing_of_it() {
    struct Quiet;
    impl RpcHook for Quiet {
        fn before_request(&self, _: &mut RpcRequest<'_>) -> Result<(), String> {
            Ok(())
        }
    }
    let runtime = runtime();
    let mut options = RemotingOptions::for_tests(runtime.handle().clone());
    options.rpc.hooks.push(Arc::new(Quiet));
    let (listener, channel) = peer(options);
    let (told, outcomes) = mpsc::channel();
    let good = |bytes| TestRequest { bytes: Some(bytes), ..TestRequest::telling(&told) };
    let boom = || Box::new(|| panic!("it panics"));
    let bad = || {
        submit(&channel, TestRequest { on_prepare: boom(), ..good(b"half") }, false);
        submit(&channel, TestRequest { on_append: boom(), ..good(b"half") }, false);
    };
    submit(&channel, good(b"one,"), false);
    bad();
    submit(&channel, good(b"two,"), false);
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut peer, _) = listener.accept().expect("the connection");
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!([next_failure(&outcomes), next_failure(&outcomes)], [FailureKind::Panicked; 2]);
    let mut received = [0; 12];
    peer.read_exact(&mut received[..8]).expect("what waited for the connection");
    bad();
    submit(&channel, good(b"end."), false);
    assert_eq!([next_failure(&outcomes), next_failure(&outcomes)], [FailureKind::Panicked; 2]);
    peer.read_exact(&mut received[8..]).expect("what did not wait");
    assert_eq!(&received, b"one,two,end.");
    channel.forget();
    let lost: Vec<_> = (0..3).map(|_| next_failure(&outcomes)).collect();
    assert_eq!(lost, [FailureKind::Lost; 3], "the others were on their way");
}

/// Two one-way requests: once the first is written the peer is gone, and the second is there to be written.
fn two_around_the_end(
    channel: &Arc<Channel>,
    peer: &std::net::TcpStream,
    told: &mpsc::Sender<Told>,
) -> TestRequest {
    let (weak, told) = (Arc::downgrade(channel), told.clone());
    let peer = peer.try_clone().expect("the same socket");
    let on_written = Box::new(move || {
        let channel = weak.upgrade().expect("the test has it");
        let stream = channel.state.lock().stream().expect("a connection");
        // No more than that: written bytes would still arrive.
        peer.shutdown(std::net::Shutdown::Write).expect("an end");
        while stream.look().is_ok() {
            std::thread::yield_now();
        }
        submit(&channel, TestRequest::telling(&told), true);
    });
    TestRequest { on_written, ..TestRequest::default() }
}

#[test]
fn an_end_between_two_chunks_is_noticed_before_the_second() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (told, outcomes) = mpsc::channel();
    submit(&channel, TestRequest::telling(&told), false);
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut peer, _) = listener.accept().expect("the connection");
    assert!(peer.read(&mut [0; 64]).expect("the first request") > 0);
    let first = two_around_the_end(&channel, &peer, &told);
    submit(&channel, first, true);
    for _ in 0..2 {
        assert_eq!(next_failure(&outcomes), FailureKind::Lost);
    }
}

#[test]
fn a_caller_leaves_one_way_requests_to_the_io_task_when_the_peer_is_gone() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (stream, peer) = Stream::to_test(&runtime, &listener);
    let (told, outcomes) = mpsc::channel();
    let exchange = Box::new(two_around_the_end(&channel, &peer, &told));
    {
        let mut state = channel.state.lock();
        state.begin();
        state.open(Arc::clone(&stream));
        assert!(state.next_chunk(&stream).is_none(), "nothing is to be written");
        let first = Request { exchange, deadline: Moment::now() + PATIENCE, oneway: true };
        assert!(state.add(first, &ExtraFields::NONE, &channel.options).is_ok());
    }
    // As nothing is in flight, the caller writes both.
    submit(&channel, TestRequest::default(), false);
    assert!(outcomes.try_recv().is_err(), "the second is left");
    channel.forget();
    match outcomes.try_recv().expect("told") {
        Told::Failed(failure) => assert!(!failure.sent, "it was not written"),
        Told::Answered(_) | Told::Written => panic!("written to a peer that is gone"),
    }
}

/// As a panic does: were the next request written, the peer would take it for the rest of this one.
#[test]
fn a_writer_that_is_lost_takes_its_connection_with_it() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (stream, mut peer) = Stream::to_test(&runtime, &listener);
    peer.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let (told, outcomes) = mpsc::channel();
    {
        let mut state = channel.state.lock();
        state.begin();
        state.open(Arc::clone(&stream));
        let exchange = Box::new(TestRequest::telling(&told));
        let request = Request { exchange, deadline: Moment::now() + PATIENCE, oneway: false };
        assert!(state.add(request, &ExtraFields::NONE, &channel.options).is_ok());
    }
    drop(channel.take_chunk(&stream).expect("the request"));
    // Whatever is written now is nobody's.
    submit(&channel, TestRequest::telling(&told), false);
    assert_eq!(peer.read(&mut [0; 64]).expect("an end"), 0, "and nothing before it");
    channel.forget();
    let was_sent = || match outcomes.recv_timeout(PATIENCE).expect("told") {
        Told::Failed(failure) => failure.sent,
        Told::Answered(_) | Told::Written => panic!("there was no answer"),
    };
    assert!(was_sent(), "the socket may have it");
}

#[test]
fn the_body_of_a_large_answer_is_not_copied() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (told, outcomes) = mpsc::channel();
    submit(&channel, TestRequest::telling(&told), false);
    submit(&channel, TestRequest::telling(&told), false);
    submit(&channel, TestRequest::telling(&told), false);
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut peer, _) = listener.accept().expect("the connection");
    let bodies = [vec![1; SHARED_BODY - 1], vec![2; 3 * SHARED_BODY], vec![3; 5]];
    let mut answers = Vec::new();
    for (opaque, body) in bodies.iter().enumerate() {
        let preamble = Preamble {
            code: 0,
            language: Language::Rust,
            version: 0,
            opaque: opaque as i32,
            flag: flag::RESPONSE,
            remark: None,
        };
        encode_frame(&mut answers, HeaderEncoding::Rocketmq, &preamble, &NoFields, &[body])
            .expect("an answer");
    }
    peer.write_all(&answers).expect("written");
    for (body, is_shared) in bodies.iter().zip([false, true, false]) {
        match outcomes.recv_timeout(PATIENCE).expect("told") {
            Told::Answered(told) => {
                assert_eq!(&*told, &**body);
                assert_eq!(matches!(told, Body::Shared(_)), is_shared);
            }
            Told::Written | Told::Failed(_) => panic!("no answer"),
        }
    }
    channel.forget();
}

#[test]
fn a_frame_that_does_not_come_to_its_end_ends_the_connection() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (told, outcomes) = mpsc::channel();
    submit(&channel, TestRequest::telling(&told), false);
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (mut peer, _) = listener.accept().expect("the connection");
    peer.write_all(&[0, 0, 1, 0, 0]).expect("written");
    match outcomes.recv_timeout(PATIENCE / 2).expect("told before its deadline") {
        Told::Failed(failure) => {
            assert_eq!((failure.kind, failure.sent), (FailureKind::Silent, true));
            assert!(failure.cause_text().starts_with("5 bytes of a frame"), "{}", failure.cause_text());
        }
        Told::Answered(_) | Told::Written => panic!("no answer"),
    }
}

#[test]
fn after_a_panic_of_a_caller_that_writes_others_write_on() {
    let runtime = runtime();
    let (listener, channel) = peer(RemotingOptions::for_tests(runtime.handle().clone()));
    let (stream, _peer) = Stream::to_test(&runtime, &listener);
    let on_written = Box::new(|| panic!("it panics"));
    let exchange = Box::new(TestRequest { on_written, ..TestRequest::default() });
    {
        let mut state = channel.state.lock();
        state.begin();
        state.open(Arc::clone(&stream));
        assert!(state.next_chunk(&stream).is_none(), "nothing is to be written");
        let request = Request { exchange, deadline: Moment::now() + PATIENCE, oneway: true };
        assert!(state.add(request, &ExtraFields::NONE, &channel.options).is_ok());
    }
    // As nothing is in flight, the caller writes both.
    let call = || submit(&channel, TestRequest::default(), false);
    assert!(catch_unwind(AssertUnwindSafe(call)).is_err(), "it is told of the panic");
    submit(&channel, TestRequest::default(), false);
    assert!(channel.state.lock().begin_writing(), "the I/O task has to write now");
}

#[test]
fn an_address_rests_also_while_a_try_after_a_failed_one_is_under_way() {
    let mut state = State::default();
    state.begin();
    assert!(!state.is_resting(Moment::now()), "nothing is known of it yet");
    let long_ago = Moment::now().before(PATIENCE);
    assert!(state.reach.failed("a:1", &Failure::new(FailureKind::Connect), long_ago).is_some());
    assert!(
        state.is_resting(Moment::now()),
        "the pause is over, and a silent host takes the time of the try"
    );
    state.reach.end_pause();
    assert!(!state.is_resting(Moment::now()));
}
