//! How bodies are compressed.

use std::borrow::Cow;

use rocketmq_protocol::compression;
use rocketmq_protocol::sys_flag::CompressionType;

/// How bodies are compressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Compression {
    pub(crate) kind: CompressionType,
    pub(crate) level: u32,
    /// Bodies of this many bytes and more are compressed; `None`: none is.
    pub(crate) threshold: Option<usize>,
}

impl Compression {
    /// The body as it travels, and what the system flag says of it. One that does not get smaller goes as it is.
    pub(crate) fn apply<'a>(&self, body: &'a [u8]) -> (Cow<'a, [u8]>, i32) {
        if self.threshold.is_some_and(|threshold| body.len() >= threshold)
            && let Ok(compressed) = compression::compress(self.kind, body, self.level)
            && compressed.len() < body.len()
        {
            return (Cow::Owned(compressed), self.kind.bits());
        }
        (Cow::Borrowed(body), 0)
    }
}
