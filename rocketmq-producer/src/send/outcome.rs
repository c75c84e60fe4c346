//! What an answer or its absence means for a send: a receipt, another attempt, or an error.
//!
//! | what came | the message | the fault strategy hears of its broker | its route is looked up |
//! | --- | --- | --- | --- |
//! | stored (0, 10, 11, 12) | receipt (1) | stored | |
//! | stored, and the rest of the answer is not understood | error | refused | |
//! | a code of `retry.response.codes` | another attempt | refused | |
//! | a refusal of access control | error (3) | refused | |
//! | 1 or a code not of these, to a batch that met in a lane | each by itself | refused | |
//! | any other code | error | refused | |
//! | no connection, connection lost, peer silent | another attempt | not reached | yes |
//! | time-out | another attempt | not reached | if nothing was written |
//! | garbage, too much waits there | another attempt | not reached | |
//! | no memory, a hook forbids it, the close | another attempt (2) | | |
//! | cannot be encoded, no credentials, a panic | error | | |
//!
//! 1. With a status other than `SEND_OK`, and `retry.another.broker.when.not.store.ok`: another attempt, and this receipt if that
//!    brings none.
//! 2. Of a closed producer it ends before it begins.
//! 3. If a provider gives other credentials than the refused ones: another attempt with those, once.
//!
//! Another attempt is an error where count or time allow none. It goes to another broker if the message may go there
//! ([`PublishQueues::select`](crate::routing::PublishQueues::select)); one that goes to a broker again which was
//! [busy or away](asks_for_a_pause) waits for a while before.

use rocketmq_protocol::answers::SendAnswer;
use rocketmq_protocol::codes::response;
use rocketmq_protocol::header::Header;

use crate::auth::Refusal;
use crate::error::{Error, ErrorCode, FailedAttempt, Persistence};
use crate::receipt::SendStatus;
use crate::remoting::{Failure, FailureKind};
use crate::routing::Verdict;

/// What came of one attempt.
pub(crate) enum AttemptOutcome<'a> {
    Stored { status: SendStatus, answer: SendAnswer<'a> },
    NotStored(NotStored),
}

/// No answer says that the message is stored.
pub(crate) struct NotStored {
    pub(crate) error: Error,
    /// Another attempt may succeed.
    pub(crate) can_retry: bool,
    /// The broker's access control has refused it.
    pub(crate) refusal: Option<Refusal>,
}

impl NotStored {
    /// Whether the broker may have refused a batch for what is in only one of its messages. It says code 1 for whatever it did
    /// not expect.
    pub(super) fn may_be_one_messages_fault(&self) -> bool {
        let of_message = !self.can_retry || self.error.broker_code() == Some(response::SYSTEM_ERROR);
        self.error.broker_code().is_some() && self.refusal.is_none() && of_message
    }
}

impl AttemptOutcome<'_> {
    /// What an answer like this says of its broker.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Stored { .. } => Verdict::Stored,
            Self::NotStored(_) => Verdict::Refused,
        }
    }
}

/// Whether the broker of this attempt is to be left in peace for a while: it said that it is busy, or it was not there.
pub(crate) fn asks_for_a_pause(failed: &FailedAttempt) -> bool {
    let is_busy = |code| {
        matches!(code, response::SYSTEM_BUSY | response::SERVICE_NOT_AVAILABLE | response::FLOW_CONTROL)
    };
    let is_away = matches!(failed.code, ErrorCode::Connect | ErrorCode::ConnectionLost);
    is_away || failed.broker_code.is_some_and(is_busy)
}

/// Whether the broker of this attempt may be elsewhere now.
pub(crate) fn may_have_moved(failed: &FailedAttempt) -> bool {
    matches!(failed.code, ErrorCode::Connect | ErrorCode::NoRoute)
}

/// `retried`: the response codes that a further attempt may get over.
pub(crate) fn of_answer<'a>(header: &'a Header<'_>, retried: &[u32]) -> AttemptOutcome<'a> {
    if let Some(status) = SendStatus::from_response(header.code) {
        return match SendAnswer::decode(&header.fields) {
            Ok(answer) => AttemptOutcome::Stored { status, answer },
            Err(cause) => {
                let text = format!("stored, but the answer is not understood: {cause}");
                let error = Error::new(ErrorCode::Protocol, text)
                    .with_source(cause)
                    .with_persistence(Persistence::Persisted);
                AttemptOutcome::NotStored(NotStored { error, can_retry: false, refusal: None })
            }
        };
    }
    if let Some(refusal) = Refusal::of(header.code, header.remark.as_deref()) {
        let error = refusal.into_error(header.code, header.remark.as_deref());
        return AttemptOutcome::NotStored(NotStored { error, can_retry: false, refusal: Some(refusal) });
    }
    let can_retry = u32::try_from(header.code).is_ok_and(|code| retried.contains(&code));
    let error = Error::answered(ErrorCode::Broker, header.code, header.remark.as_deref(), can_retry);
    AttemptOutcome::NotStored(NotStored { error, can_retry, refusal: None })
}

pub(crate) fn of_failure(failure: &Failure) -> NotStored {
    let cause = failure.cause_text();
    let error = match failure.kind {
        FailureKind::Connect => Error::new(ErrorCode::Connect, format!("no connection: {cause}")),
        FailureKind::Lost => Error::new(ErrorCode::ConnectionLost, format!("connection lost: {cause}")),
        FailureKind::Silent => Error::new(ErrorCode::Timeout, format!("no answer in time: {cause}")),
        FailureKind::Timeout if failure.sent => Error::new(ErrorCode::Timeout, "no answer in time"),
        FailureKind::Timeout => Error::new(ErrorCode::Timeout, "no connection in time"),
        FailureKind::Garbage => {
            Error::new(ErrorCode::Protocol, format!("the peer does not speak the protocol: {cause}"))
        }
        FailureKind::Backlog => {
            Error::new(ErrorCode::QueueFull, format!("too much waits for this broker: {cause}"))
        }
        FailureKind::Memory => Error::new(ErrorCode::System, format!("no memory for the request: {cause}")),
        FailureKind::Unencodable => {
            Error::new(ErrorCode::MessageIllegal, format!("the message cannot be sent: {cause}"))
        }
        FailureKind::Forbidden => {
            Error::new(ErrorCode::Forbidden, format!("a hook refused the request: {cause}"))
        }
        FailureKind::NoCredentials => Error::new(ErrorCode::AccessDenied, cause).worth_a_retry(),
        FailureKind::Panicked => {
            Error::new(ErrorCode::Internal, format!("the request was not written: {cause}"))
        }
        FailureKind::Aborted => Error::closed(),
    };
    let persistence = if failure.sent { Persistence::PossiblyPersisted } else { Persistence::NotPersisted };
    let error = error.with_shared_source(failure.cause.clone()).with_persistence(persistence);
    let can_retry = !matches!(
        failure.kind,
        FailureKind::Unencodable | FailureKind::NoCredentials | FailureKind::Panicked
    );
    NotStored { error, can_retry, refusal: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rocketmq_protocol::frame::HeaderEncoding;

    fn answer(json: &str) -> Header<'_> {
        Header::decode(HeaderEncoding::Json, json.as_bytes()).expect("a header")
    }

    #[test]
    fn the_four_stored_codes_give_receipts() {
        for code in [0, 10, 11, 12] {
            let json =
                format!(r#"{{"code":{code},"extFields":{{"queueId":"1","queueOffset":"7"}},"flag":1}}"#);
            let header = answer(&json);
            let AttemptOutcome::Stored { answer, .. } = of_answer(&header, &[]) else {
                panic!("code {code}")
            };
            assert_eq!((answer.queue_id, answer.queue_offset), (Some(1), Some(7)));
        }
    }

    #[test]
    fn the_retry_set_is_retried_and_the_rest_is_not() {
        const RETRIED: [u32; 3] = [2, 14, 1500];
        let retried: Vec<i32> = (1..2000)
            .filter(|code| {
                let json = format!(r#"{{"code":{code},"flag":1,"remark":"r"}}"#);
                matches!(
                    of_answer(&answer(&json), &RETRIED),
                    AttemptOutcome::NotStored(NotStored { can_retry: true, .. })
                )
            })
            .collect();
        assert_eq!(retried, [2, 14, 1500]);
    }

    #[test]
    fn an_answer_that_is_not_understood_is_no_reason_to_send_again() {
        let header = answer(r#"{"code":0,"extFields":{"queueId":"one"},"flag":1}"#);
        let AttemptOutcome::NotStored(NotStored { error, can_retry: false, .. }) = of_answer(&header, &[])
        else {
            panic!("refused")
        };
        assert_eq!((error.code(), error.persistence()), (ErrorCode::Protocol, Persistence::Persisted));
    }

    #[test]
    fn a_panic_before_the_writing_is_the_end_of_a_message_that_is_not_stored() {
        let NotStored { error, can_retry: false, .. } = of_failure(&Failure::new(FailureKind::Panicked))
        else {
            panic!("not again")
        };
        assert_eq!((error.code(), error.persistence()), (ErrorCode::Internal, Persistence::NotPersisted));
    }

    #[test]
    fn what_was_sent_may_be_stored() {
        for sent in [false, true] {
            let failure = Failure::new(FailureKind::Timeout).sent(sent);
            let NotStored { error, can_retry: true, .. } = of_failure(&failure) else { panic!("failed") };
            assert_eq!(error.persistence() == Persistence::PossiblyPersisted, sent);
        }
    }
}
