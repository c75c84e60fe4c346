//! A request of the client's own (route, heartbeat, …): one future, one answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rocketmq_protocol::encode::ExtFields;
use rocketmq_protocol::header::Header;
use tokio::sync::oneshot;

use super::body::Body;
use super::channel::Channel;
use super::exchange::{Exchange, Failure, FailureKind};
use super::frame_writer::FrameWriter;
use super::prepare::{ExtraFields, Preparation};
use crate::deferred::Deferred;
use crate::producer_id::ProducerId;
use crate::sys::Moment;

/// The answer to a call, whatever its code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) remark: Option<String>,
    pub(crate) body: Bytes,
}

struct Call<F> {
    code: i32,
    fields: F,
    body: Vec<u8>,
    begun: Moment,
    sender: oneshot::Sender<Result<Answer, Failure>>,
}

/// Sends the request and waits for its answer, at most `timeout`.
pub(crate) async fn call<F>(
    channel: &Arc<Channel>,
    code: i32,
    fields: F,
    body: Vec<u8>,
    timeout: Duration,
) -> Result<Answer, Failure>
where
    F: ExtFields + Send + 'static,
{
    let (sender, receiver) = oneshot::channel();
    let begun = Moment::now();
    let exchange = Box::new(Call { code, fields, body, begun, sender });
    channel.submit(exchange, begun + timeout, false, &mut Deferred::default());
    receiver.await.unwrap_or_else(|_| Err(Failure::new(FailureKind::Aborted)))
}

impl<F: ExtFields + Send> Call<F> {
    fn finish(self, result: Result<Answer, Failure>) {
        // Nobody listens any more when the future was dropped.
        let _ = self.sender.send(result);
    }
}

impl<F: ExtFields + Send> Exchange for Call<F> {
    fn code(&self) -> i32 {
        self.code
    }

    fn prepare(&mut self, preparation: Preparation<'_>) -> Result<ExtraFields, Failure> {
        preparation.extra_fields(self.code, &self.fields, &self.body)
    }

    fn append(&mut self, frame: FrameWriter<'_>) -> Result<(), Failure> {
        const TWO_WAY: i32 = 0;
        frame.write(self.code, TWO_WAY, &self.fields, Body::Copied(&self.body))
    }

    fn begun(&self) -> Moment {
        self.begun
    }

    fn answered(self: Box<Self>, header: &Header<'_>, body: Body<'_>, _: Moment, _: &mut Deferred) {
        let answer = Answer {
            code: header.code,
            remark: header.remark.as_deref().map(str::to_owned),
            body: body.into_bytes(),
        };
        self.finish(Ok(answer));
    }

    fn written(self: Box<Self>, _: &mut Deferred) {}

    fn failed(self: Box<Self>, failure: Failure, _: &mut Deferred) {
        self.finish(Err(failure));
    }

    fn producer(&self) -> ProducerId {
        ProducerId::NONE
    }
}
