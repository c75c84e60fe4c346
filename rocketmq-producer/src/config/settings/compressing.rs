//! Compression of bodies: the keys `compress.*`.

use rocketmq_protocol::sys_flag::CompressionType;

use super::reader::Reader;
use crate::config::Compression;
use crate::error::Error;

pub(super) fn compression(reader: &Reader<'_>) -> Result<Compression, Error> {
    Ok(Compression {
        kind: reader.choice("compress.type", |word| match word {
            "zlib" => Some(CompressionType::Zlib),
            "lz4" => Some(CompressionType::Lz4),
            "zstd" => Some(CompressionType::Zstd),
            _ => None,
        })?,
        level: reader.parsed("compress.level")?,
        threshold: reader.optional_size("compress.threshold.bytes")?,
    })
}
