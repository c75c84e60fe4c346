//! What one client sent.

use rocketmq_mock::RecordedRequest;
use rocketmq_protocol::batch;
use rocketmq_protocol::codes::request;
use rocketmq_protocol::properties::{self, name};

use crate::compare::{is_send, send_field};

/// What arrived of one client from its start to its end, and the clock before and after it sent, in ms since the epoch.
pub(crate) struct Traffic {
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) time: (i64, i64),
}

impl Traffic {
    /// The sends, in order of arrival.
    pub(crate) fn sends(&self) -> Vec<&RecordedRequest> {
        self.requests.iter().filter(|request| is_send(request)).collect()
    }

    /// The requests for routes, in order of arrival.
    pub(crate) fn route_requests(&self) -> Vec<&RecordedRequest> {
        self.of_code(request::GET_ROUTEINFO_BY_TOPIC).collect()
    }

    pub(crate) fn of_code(&self, code: i32) -> impl Iterator<Item = &RecordedRequest> {
        self.requests.iter().filter(move |request| request.code == code)
    }

    /// The sends by message, each with its attempts, in order of arrival.
    pub(crate) fn attempts(&self) -> Vec<Vec<&RecordedRequest>> {
        let mut messages: Vec<(String, Vec<&RecordedRequest>)> = Vec::new();
        for send in self.sends() {
            let unique_id = unique_id(send);
            match messages.iter_mut().find(|(known, _)| *known == unique_id) {
                Some((_, attempts)) => attempts.push(send),
                None => messages.push((unique_id, vec![send])),
            }
        }
        messages.into_iter().map(|(_, attempts)| attempts).collect()
    }
}

/// That of the message, or of the first in a batch.
fn unique_id(send: &RecordedRequest) -> String {
    let of = |text: &str| properties::get(text, name::UNIQ_KEY).map(str::to_owned);
    let unique_id = match send.code {
        request::SEND_BATCH_MESSAGE => {
            batch::iter(&send.body).next().and_then(Result::ok).and_then(|first| of(&first.properties))
        }
        _ => send_field(send, "i").and_then(of),
    };
    unique_id.unwrap_or_default()
}
