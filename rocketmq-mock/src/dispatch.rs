//! From a request's frame to its answer: recording, faults, processor, encoding.

use bytes::Bytes;
use rocketmq_protocol::frame::{Frame, HeaderEncoding};
use rocketmq_protocol::header::Header;
use tokio::time::Instant;

use crate::answer::Answer;
use crate::endpoint::ServerId;
use crate::fault::{Fault, FaultId};
use crate::name_server;
use crate::output::{After, Output};
use crate::request::{Arrival, Request};
use crate::request_log::RecordedRequest;
use crate::state::State;

/// A body no decoder takes for a JSON header.
const UNDECODABLE: &[u8] = b"{\"code\":0,\"opaque\"";
/// Flips an opaque to one no client of ours can be waiting for.
const OPAQUE_MASK: i32 = i32::MIN;

/// Serves one frame; answers go to `output`.
pub(crate) fn serve(state: &mut State, arrival: &Arrival, frame: &Frame<'_>, output: &mut Output) -> After {
    let Ok(header) = Header::decode(frame.encoding, frame.header) else {
        return After::Close;
    };
    if header.is_response() {
        return After::Continue;
    }
    state.requests.note(header.code);
    if state.requests.recording {
        let recorded = record(state, arrival, frame, &header);
        state.requests.recorded.push(recorded);
    }
    let fault = take_fault(state, arrival, &header);
    if let Some((_, fault)) = &fault
        && !fault.executes()
    {
        return instead_of_processor(state, fault, frame, &header, output);
    }
    let request = Request { arrival, header: &header, body: frame.body };
    let answer = match arrival.origin.server {
        ServerId::NameServer => name_server::serve(state, &request),
        ServerId::Broker(index) => match state.accounts.refuse(state.profile, &request) {
            Some(refusal) => Some(refusal),
            None => state.brokers[index].serve(&request),
        },
    };
    let answer = answer.filter(|_| !header.is_oneway());
    match fault {
        Some(fault) => after_processor(state, &fault, answer, frame, &header, output),
        None => match answer {
            Some(answer) => write(state, &answer, frame.encoding, header.opaque, &mut output.bytes),
            None => After::Continue,
        },
    }
}

fn record(state: &State, arrival: &Arrival, frame: &Frame<'_>, header: &Header<'_>) -> RecordedRequest {
    RecordedRequest {
        server: state.endpoint(arrival.origin.server).name.clone(),
        connection: arrival.origin.connection,
        vip: arrival.origin.is_vip,
        encoding: frame.encoding,
        code: header.code,
        language: header.language,
        version: header.version,
        opaque: header.opaque,
        flag: header.flag,
        remark: header.remark.as_deref().map(str::to_owned),
        fields: header.fields.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: Bytes::copy_from_slice(frame.body),
    }
}

fn take_fault(state: &mut State, arrival: &Arrival, header: &Header<'_>) -> Option<(FaultId, Fault)> {
    if state.faults.is_empty() {
        return None;
    }
    let topic = header.fields.get("topic").or_else(|| header.fields.get("b"));
    let server = match arrival.origin.server {
        ServerId::NameServer => &state.name_server.name,
        ServerId::Broker(index) => &state.brokers[index].endpoint.name,
    };
    state.faults.take(server, header.code, topic)
}

fn instead_of_processor(
    state: &State,
    fault: &Fault,
    frame: &Frame<'_>,
    header: &Header<'_>,
    output: &mut Output,
) -> After {
    match fault {
        Fault::Reset => After::Reset,
        Fault::Code { code, remark } if !header.is_oneway() => {
            let answer = Answer::before_processor(*code, remark.clone().map(Into::into));
            write(state, &answer, frame.encoding, header.opaque, &mut output.bytes)
        }
        _ => After::Continue,
    }
}

fn after_processor(
    state: &State,
    (rule, fault): &(FaultId, Fault),
    answer: Option<Answer>,
    frame: &Frame<'_>,
    header: &Header<'_>,
    output: &mut Output,
) -> After {
    if *fault == Fault::StoreThenReset {
        return After::Reset;
    }
    let Some(mut answer) = answer else {
        return After::Continue;
    };
    let opaque = header.opaque;
    match fault {
        Fault::StoreThenNoAnswer => After::Continue,
        Fault::StoredButCode { code } => {
            if answer.code == 0 {
                answer.code = *code;
            }
            write(state, &answer, frame.encoding, opaque, &mut output.bytes)
        }
        Fault::Delay(delay) => {
            let mut late = Vec::new();
            let after = write(state, &answer, frame.encoding, opaque, &mut late);
            output.delay(late, Instant::now() + *delay);
            after
        }
        Fault::Hold => {
            let mut held = Vec::new();
            let after = write(state, &answer, frame.encoding, opaque, &mut held);
            output.hold(*rule, held);
            after
        }
        Fault::PartialFrame { bytes } => {
            let whole = output.bytes.len();
            write(state, &answer, frame.encoding, opaque, &mut output.bytes);
            let kept = whole.saturating_add(*bytes).min(output.bytes.len());
            output.bytes.truncate(kept);
            After::Reset
        }
        Fault::OtherEncoding => {
            let encoding = match answer.encoding(state.profile, frame.encoding) {
                HeaderEncoding::Json => HeaderEncoding::Rocketmq,
                HeaderEncoding::Rocketmq => HeaderEncoding::Json,
            };
            encode(state, &answer, encoding, opaque, &mut output.bytes)
        }
        Fault::Garbage => {
            let length = UNDECODABLE.len() as u32;
            output.bytes.extend_from_slice(&(4 + length).to_be_bytes());
            output.bytes.extend_from_slice(&length.to_be_bytes());
            output.bytes.extend_from_slice(UNDECODABLE);
            After::Continue
        }
        Fault::WrongOpaque => write(state, &answer, frame.encoding, opaque ^ OPAQUE_MASK, &mut output.bytes),
        // These have been dealt with before.
        Fault::Code { .. } | Fault::NoAnswer | Fault::Reset | Fault::StoreThenReset => After::Continue,
    }
}

fn write(state: &State, answer: &Answer, request: HeaderEncoding, opaque: i32, out: &mut Vec<u8>) -> After {
    encode(state, answer, answer.encoding(state.profile, request), opaque, out)
}

fn encode(state: &State, answer: &Answer, encoding: HeaderEncoding, opaque: i32, out: &mut Vec<u8>) -> After {
    match answer.encode(out, state.profile, encoding, opaque) {
        Ok(()) => After::Continue,
        // An answer too long for a frame: a real server's peer would refuse it and close.
        Err(_) => After::Close,
    }
}
