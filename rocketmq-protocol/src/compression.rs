//! Compressed bodies (protocol 5.9), both ways.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

use crate::DecodeError;
use crate::sys_flag::CompressionType;

/// The level Java uses when nothing is configured.
pub const DEFAULT_LEVEL: u32 = 5;

/// What the encoders of zlib and LZ4 take without asking whether it is there, and more.
const ZLIB_MEMORY: usize = 512 << 10;
const LZ4_MEMORY: usize = 12 << 20;

/// `body` as one RFC 1950 stream; `level` 0 to 9, greater ones count as 9. An error of the kind `OutOfMemory` if there is
/// no memory for it, as with the other two.
pub fn zlib(body: &[u8], level: u32) -> io::Result<Vec<u8>> {
    expect_memory(ZLIB_MEMORY)?;
    let mut encoder = ZlibEncoder::new(Growing(Vec::new()), Compression::new(level.min(9)));
    encoder.write_all(body)?;
    encoder.finish().map(|Growing(bytes)| bytes)
}

/// `body` as one LZ4 frame of independent blocks: Java's reader rejects linked ones.
pub fn lz4(body: &[u8]) -> io::Result<Vec<u8>> {
    expect_memory(LZ4_MEMORY)?;
    let info = FrameInfo::new().block_mode(BlockMode::Independent).block_size(BlockSize::Max4MB);
    let mut encoder = FrameEncoder::with_frame_info(info, Growing(Vec::new()));
    encoder.write_all(body)?;
    encoder.finish().map(|Growing(bytes)| bytes).map_err(io::Error::from)
}

/// `body` as one Zstandard frame; `level` 1 to 22, greater ones count as 22.
pub fn zstd(body: &[u8], level: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(zstd::zstd_safe::compress_bound(body.len()))?;
    zstd::bulk::Compressor::new(level.clamp(1, 22) as i32)?.compress_to_buffer(body, &mut bytes)?;
    Ok(bytes)
}

/// An error if there is not so much memory now. (Another thread may take it before the encoder does.)
fn expect_memory(bytes: usize) -> io::Result<()> {
    Ok(Vec::<u8>::new().try_reserve_exact(bytes)?)
}

/// Bytes that grow as long as there is memory.
struct Growing(Vec<u8>);

impl Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_reserve(bytes.len())?;
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// `body` compressed this way; LZ4 has no level.
pub fn compress(kind: CompressionType, body: &[u8], level: u32) -> io::Result<Vec<u8>> {
    match kind {
        CompressionType::Zlib => zlib(body, level),
        CompressionType::Lz4 => lz4(body),
        CompressionType::Zstd => zstd(body, level),
    }
}

/// The plain body of a compressed one; an error when it would have more than `max` bytes.
pub fn decompress(kind: CompressionType, body: &[u8], max: usize) -> Result<Vec<u8>, DecodeError> {
    match kind {
        CompressionType::Zlib => read_bounded("zlib body", ZlibDecoder::new(body), max),
        CompressionType::Lz4 => read_bounded("LZ4 body", FrameDecoder::new(body), max),
        CompressionType::Zstd => {
            let reader = zstd::Decoder::with_buffer(body)
                .map_err(|error| DecodeError::malformed("Zstandard body", error.to_string()))?;
            read_bounded("Zstandard body", reader, max)
        }
    }
}

fn read_bounded(what: &'static str, reader: impl Read, max: usize) -> Result<Vec<u8>, DecodeError> {
    let mut plain = Vec::new();
    let limit = (max as u64).saturating_add(1);
    reader
        .take(limit)
        .read_to_end(&mut plain)
        .map_err(|error| DecodeError::malformed(what, error.to_string()))?;
    if plain.len() > max {
        return Err(DecodeError::malformed(what, format!("more than {max} bytes when decompressed")));
    }
    Ok(plain)
}
