use std::io::Read;
use std::sync::mpsc::{self, Sender};
use std::time::Duration;

use rocketmq_protocol::encode::NoFields;
use tokio::runtime::Builder;

use super::*;
use crate::client::ClientInstance;
use crate::producer_id::ProducerId;
use crate::remoting::{Body, FrameContext, Outbound};

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn an_answer_behind_plenty_is_written_too() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let options = Arc::new(RemotingOptions::for_tests(runtime.handle().clone()));
    let channel = Channel::new("peer".into(), "peer".into(), options, Weak::<ClientInstance>::new());
    let stream = Arc::new(runtime.block_on(TcpStream::connect(address)).expect("connected"));
    {
        let mut state = channel.state.lock();
        state.begin();
        state.open(Arc::clone(&stream));
        assert!(state.add_replies(&vec![b'.'; PLENTY]).is_ok());
    }
    assert!(channel.reply(b"answer").is_ok());
    let (mut peer, _) = listener.accept().expect("the connection");
    peer.set_read_timeout(Some(std::time::Duration::from_secs(30))).expect("a timeout");
    let reader = std::thread::spawn(move || {
        let mut bytes = vec![0; PLENTY + b"answer".len()];
        peer.read_exact(&mut bytes).map(|()| bytes)
    });
    // The I/O task, which comes for what the caller left.
    runtime.block_on(async {
        while channel.state.lock().begin_writing() {
            stream.writable().await.expect("writable");
            // When nothing is left, nobody is the writer.
            let _ = channel.write_out(&stream);
        }
    });
    assert!(reader.join().expect("no panic").expect("all of it").ends_with(b"answer"));
}

/// A request that says how it failed, or whose encoding panics.
struct Request {
    panics: bool,
    failed: Sender<FailureKind>,
}

impl Exchange for Request {
    fn begun(&self) -> Moment {
        Moment::now()
    }
    fn code(&self) -> i32 {
        0
    }

    fn encode(&mut self, context: FrameContext<'_>, out: &mut Outbound) -> Result<(), Failure> {
        assert!(!self.panics, "a request that panics");
        context.write(out, 0, 0, &NoFields, Body::Copied(&[]))
    }

    fn answered(self: Box<Self>, _: &Header<'_>, _: &[u8], _: Moment, _: &mut Deferred) {}

    fn written(self: Box<Self>, _: &mut Deferred) {}

    fn failed(self: Box<Self>, failure: Failure, _: &mut Deferred) {
        self.failed.send(failure.kind).expect("the test waits");
    }

    fn producer(&self) -> ProducerId {
        ProducerId::NONE
    }
}

#[test]
fn a_connection_whose_task_panics_has_an_end_and_the_next_request_connects_anew() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let options = Arc::new(RemotingOptions::for_tests(runtime.handle().clone()));
    let channel =
        Arc::new(Channel::new((*address).into(), (*address).into(), options, Weak::<ClientInstance>::new()));
    let (failed, failures) = mpsc::channel();
    let submit = |panics| {
        let request = Box::new(Request { panics, failed: failed.clone() });
        channel.submit(request, Moment::now() + PATIENCE, false, &mut Deferred::default());
    };
    // Both wait for the connection, whose task meets the panic when it encodes them.
    submit(false);
    submit(true);
    // It ends with the tests.
    std::thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    let (_first, _) = listener.accept().expect("the first connection");
    assert_eq!(failures.recv_timeout(PATIENCE).expect("the first one is told"), FailureKind::Lost);
    submit(false);
    let (mut second, _) = listener.accept().expect("the second connection");
    second.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(second.read(&mut [0; 64]).expect("the third request") > 0);
    channel.forget();
    assert_eq!(failures.recv_timeout(PATIENCE).expect("told"), FailureKind::Lost);
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
