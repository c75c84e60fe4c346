//! Bodies that travel compressed are read back as they were.

use cluster::ReadMessage;
use cluster::reader::Wanted;
use rocketmq_producer::{Message, Receipt};
use rocketmq_protocol::sys_flag::{COMPRESSION_MASK, CompressionType};

use crate::scene::{SURVIVOR, Scene};
use crate::stored::{Stored, of_receipt};

const KINDS: [(&str, CompressionType); 3] =
    [("zlib", CompressionType::Zlib), ("lz4", CompressionType::Lz4), ("zstd", CompressionType::Zstd)];
/// From the threshold on, past the 64 KiB and 4 MiB blocks of an LZ4 frame.
const SIZES: [usize; 5] = [4_096, 65_535, 65_537, 1_000_000, 4_194_304];

struct Sent {
    kind: CompressionType,
    topic: String,
    body: Vec<u8>,
    receipt: Receipt,
}

pub(crate) struct Compression {
    sent: Vec<Sent>,
    failures: Vec<String>,
}

pub(crate) fn run(scene: &Scene) -> Compression {
    let mut compression = Compression { sent: Vec::new(), failures: Vec::new() };
    for (name, kind) in KINDS {
        let topic = format!("Compressed_{name}");
        scene.create_topic(&topic, &[SURVIVOR]);
        let producer = scene.producer(&[("compress.type", name)]);
        for size in SIZES {
            let body = body(size);
            match producer.send(&Message::new(&topic, &body), None) {
                Ok(receipt) => compression.sent.push(Sent { kind, topic: topic.clone(), body, receipt }),
                Err(error) => compression.failures.push(format!("{name}, {size} bytes: {error}")),
            }
        }
    }
    compression
}

/// Every byte value, in lines that repeat with small changes: what a compressor shortens but must keep apart.
fn body(size: usize) -> Vec<u8> {
    (0..size).map(|at| (at % 253 + at / 10_000) as u8).collect()
}

impl Compression {
    pub(crate) fn wanted(&self) -> Vec<Wanted> {
        let topics = KINDS.iter().map(|(name, _)| format!("Compressed_{name}"));
        topics.map(|topic| Wanted { topic, count: SIZES.len() }).collect()
    }

    pub(crate) fn failures(mut self, stored: &Stored) -> Vec<String> {
        for sent in &self.sent {
            let copies = stored.by_body(&sent.topic).remove(sent.body.as_slice()).unwrap_or_default();
            let problem = match copies.as_slice() {
                [_] => of_receipt(&sent.receipt, &copies).map_or_else(Some, |copy| sent.travel_problem(copy)),
                _ => Some(format!("its body is in the topic {} times", copies.len())),
            };
            let what = format!("{}, {} bytes", sent.topic, sent.body.len());
            self.failures.extend(problem.map(|problem| format!("{what}: {problem}")));
        }
        self.failures
    }
}

impl Sent {
    /// 5.5.0's client takes out the flag «compressed» when it decompresses; the type and the record's size still tell.
    fn travel_problem(&self, copy: &ReadMessage) -> Option<String> {
        let of_kind = copy.sys_flag & COMPRESSION_MASK == self.kind.bits() & COMPRESSION_MASK;
        (!of_kind || copy.store_size >= self.body.len()).then(|| {
            let (flag, size) = (copy.sys_flag, copy.store_size);
            format!(
                "travelled with system flag {flag:#x} in a record of {size} bytes, not as {:?}",
                self.kind
            )
        })
    }
}
