//! Everything in which two send requests differ.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rocketmq_mock::RecordedRequest;
use rocketmq_protocol::compression;
use rocketmq_protocol::properties::{self, PROPERTY_SEPARATOR};
use rocketmq_protocol::sys_flag::CompressionType;

const SYS_FLAG: &str = "f";
const PROPERTIES: &str = "i";
/// What stands for a part that one of the two does not have.
pub(crate) const ABSENT: &str = "(absent)";
const MAX_BODY: usize = 4 << 20;

/// One thing that is not the same: its name, and both clients' values as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) what: String,
    pub(crate) java: String,
    pub(crate) ours: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &str| text.chars().take(300).collect::<String>();
        write!(f, "{}: Java {:?}, librmq {:?}", self.what, short(&self.java), short(&self.ours))
    }
}

/// A request as named texts; what has no text of its own is shown by its digits.
type Named = BTreeMap<String, String>;

/// Compares part by part.
pub(crate) fn differences(java: &RecordedRequest, ours: &RecordedRequest) -> Vec<Difference> {
    let (java, ours) = (parts(java), parts(ours));
    let names: BTreeSet<_> = java.keys().chain(ours.keys()).collect();
    let absent = ABSENT.to_owned();
    let difference = |name: &String| {
        let java = java.get(name).unwrap_or(&absent);
        let ours = ours.get(name).unwrap_or(&absent);
        (java != ours).then(|| Difference { what: name.clone(), java: java.clone(), ours: ours.clone() })
    };
    names.into_iter().filter_map(difference).collect()
}

fn parts(request: &RecordedRequest) -> Named {
    let mut parts: Named = [
        ("server", request.server.clone()),
        ("encoding", request.encoding.name().to_owned()),
        ("code", request.code.to_string()),
        ("language", request.language.to_string()),
        ("version", request.version.to_string()),
        ("opaque", request.opaque.to_string()),
        ("flag", request.flag.to_string()),
        ("remark", format!("{:?}", request.remark)),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    add_pairs(&mut parts, "field", request.fields.iter().map(|(name, value)| (&**name, &**value)));
    if let Some(text) = parts.remove(&format!("field {PROPERTIES}")) {
        parts.insert("end of the properties".to_owned(), text.ends_with(PROPERTY_SEPARATOR).to_string());
        add_pairs(&mut parts, "property", properties::iter(&text));
    }
    add_body(&mut parts, request);
    parts
}

/// Each pair under its name, those that come twice with both values, and the order of all.
fn add_pairs<'a>(parts: &mut Named, kind: &str, pairs: impl Iterator<Item = (&'a str, &'a str)>) {
    let mut order = Vec::new();
    for (name, value) in pairs {
        order.push(name);
        let part = parts.entry(format!("{kind} {name}"));
        part.and_modify(|seen| *seen = format!("{seen}, and again {value}"))
            .or_insert_with(|| value.to_owned());
    }
    parts.insert(format!("order of each {kind}"), order.join(" "));
}

/// The body; of a compressed one also what it was, and how its format begins.
fn add_body(parts: &mut Named, request: &RecordedRequest) {
    let sys_flag = request.field(SYS_FLAG).and_then(|flag| flag.parse().ok()).unwrap_or_default();
    let Some(kind) = CompressionType::of(sys_flag) else {
        parts.insert("body".to_owned(), digits(&request.body));
        return;
    };
    let plain = compression::decompress(kind, &request.body, MAX_BODY);
    parts.insert("body".to_owned(), plain.map_or_else(|e| e.to_string(), |plain| digits(&plain)));
    // Zlib's two bytes name window and level, LZ4's seven its frame descriptor; Zstandard has four fixed bytes.
    let start = match kind {
        CompressionType::Zlib => 2,
        CompressionType::Lz4 => 7,
        CompressionType::Zstd => 4,
    };
    let start = &request.body[..start.min(request.body.len())];
    parts.insert("start of the compressed body".to_owned(), digits(start));
    parts.insert("compressed body".to_owned(), digits(&request.body));
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
