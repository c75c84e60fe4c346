//! Everything in which two requests differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rocketmq_mock::RecordedRequest;
use rocketmq_protocol::codes::request;
use rocketmq_protocol::properties::{self, PROPERTY_SEPARATOR};
use rocketmq_protocol::sys_flag::CompressionType;
use rocketmq_protocol::{batch, compression};

/// What stands for a part that one of the two does not have.
pub(crate) const ABSENT: &str = "(absent)";
const MAX_BODY: usize = 4 << 20;

/// One thing that is not the same: its name, and both clients' values as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Which member of a batch it is about; `None`: the request itself.
    pub(crate) member: Option<usize>,
    pub(crate) what: String,
    pub(crate) java: String,
    pub(crate) ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(300).collect::<String>();
        if let Some(member) = self.member {
            write!(f, "member {member}, ")?;
        }
        write!(f, "{}: Java {:?}, librmq {:?}", self.what, short(&self.java), short(&self.ours))
    }
}

/// A request, or one member of a batch, as named texts; what has no text of its own is shown by its digits.
type Named = BTreeMap<(Option<usize>, String), String>;

/// Compares part by part.
pub(crate) fn differences(java: &RecordedRequest, ours: &RecordedRequest) -> Vec<Difference> {
    let (java, ours) = (parts(java), parts(ours));
    let names: BTreeSet<_> = java.keys().chain(ours.keys()).collect();
    let absent = ABSENT.to_owned();
    let difference = |name: &(Option<usize>, String)| {
        let java = java.get(name).unwrap_or(&absent);
        let ours = ours.get(name).unwrap_or(&absent);
        let (member, what) = name.clone();
        (java != ours).then(|| Difference { member, what, java: java.clone(), ours: ours.clone() })
    };
    names.into_iter().filter_map(difference).collect()
}

/// A send's ext field, by its short name.
pub(crate) fn send_field<'r>(send: &'r RecordedRequest, short_name: &str) -> Option<&'r str> {
    let long_name = match short_name {
        "b" => "topic",
        "e" => "queueId",
        "f" => "sysFlag",
        "i" => "properties",
        "m" => "batch",
        "n" => "bname",
        other => other,
    };
    send.field(if send.code == request::SEND_MESSAGE { long_name } else { short_name })
}

pub(crate) fn is_send(request: &RecordedRequest) -> bool {
    [request::SEND_MESSAGE, request::SEND_MESSAGE_V2, request::SEND_BATCH_MESSAGE].contains(&request.code)
}

fn parts(request: &RecordedRequest) -> Named {
    let mut parts: Named = [
        ("server", request.server.clone()),
        ("VIP port", request.vip.to_string()),
        ("encoding", request.encoding.name().to_owned()),
        ("code", request.code.to_string()),
        ("language", request.language.to_string()),
        ("version", request.version.to_string()),
        ("opaque", request.opaque.to_string()),
        ("flag", request.flag.to_string()),
        ("remark", format!("{:?}", request.remark)),
    ]
    .map(|(name, value)| ((None, name.to_owned()), value))
    .into();
    add_pairs(&mut parts, None, "field", request.fields.iter().map(|(name, value)| (&**name, &**value)));
    if is_send(request)
        && let Some(text) = send_field(request, "i")
    {
        parts.retain(|(_, name), _| !["field i", "field properties"].contains(&&**name));
        add_properties(&mut parts, None, text);
    }
    if request.code == request::HEART_BEAT {
        add_json(&mut parts, &request.body);
    } else if is_send(request) && send_field(request, "m") == Some("true") {
        add_members(&mut parts, &request.body);
    } else {
        add_body(&mut parts, request);
    }
    parts
}

fn add_properties(parts: &mut Named, member: Option<usize>, text: &str) {
    let end = text.ends_with(PROPERTY_SEPARATOR).to_string();
    parts.insert((member, "end of the properties".to_owned()), end);
    add_pairs(parts, member, "property", properties::iter(text));
}

/// Each message of a batch.
fn add_members(parts: &mut Named, body: &[u8]) {
    for (index, item) in batch::iter(body).enumerate() {
        let mut part = |name: &str, value| parts.insert((Some(index), name.to_owned()), value);
        match item {
            Ok(item) => {
                part("user's flag", item.flag.to_string());
                part("body", digits(item.body));
                add_properties(parts, Some(index), &item.properties);
            }
            Err(error) => drop(part("body", error.to_string())),
        }
    }
}

/// Each member of a JSON object.
fn add_json(parts: &mut Named, body: &[u8]) {
    let mut part = |name: &str, value| parts.insert((None, format!("body {name}")), value);
    match serde_json::from_slice::<serde_json::Map<_, _>>(body) {
        Ok(object) => object.iter().for_each(|(name, value)| drop(part(name, value.to_string()))),
        Err(error) => drop(part("", format!("{error}: {}", digits(body)))),
    }
}

/// Each pair under its name, those that come twice with both values, and the order of all.
fn add_pairs<'a>(
    parts: &mut Named,
    member: Option<usize>,
    kind: &str,
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) {
    let mut order = Vec::new();
    for (name, value) in pairs {
        order.push(name);
        let part = parts.entry((member, format!("{kind} {name}")));
        part.and_modify(|seen| *seen = format!("{seen}, and again {value}"))
            .or_insert_with(|| value.to_owned());
    }
    parts.insert((member, format!("order of each {kind}")), order.join(" "));
}

/// The body; of a compressed one also what it was, and how its format begins.
fn add_body(parts: &mut Named, request: &RecordedRequest) {
    let mut part = |name: &str, value| drop(parts.insert((None, name.to_owned()), value));
    let sys_flag = send_field(request, "f").and_then(|flag| flag.parse().ok()).unwrap_or_default();
    let Some(kind) = CompressionType::of(sys_flag) else {
        return part("body", digits(&request.body));
    };
    let plain = compression::decompress(kind, &request.body, MAX_BODY);
    part("body", plain.map_or_else(|e| e.to_string(), |plain| digits(&plain)));
    // Zlib's two bytes name window and level, LZ4's seven its frame descriptor; Zstandard has four fixed bytes.
    let start = match kind {
        CompressionType::Zlib => 2,
        CompressionType::Lz4 => 7,
        CompressionType::Zstd => 4,
    };
    let start = &request.body[..start.min(request.body.len())];
    part("start of the compressed body", digits(start));
    part("compressed body", digits(&request.body));
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
