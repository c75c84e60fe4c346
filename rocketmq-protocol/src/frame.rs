//! The remoting frame: length, header encoding, header, body (protocol 1.1).

use std::fmt;
use std::str::FromStr;

use crate::DecodeError;

/// Greatest frame in bytes, its length field included, in both directions.
pub const MAX_FRAME: usize = 16_777_216;

/// Bytes before the header: the frame length and the header length.
pub(crate) const PREFIX: usize = 8;

/// How the header of one frame is written; every frame says it for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum HeaderEncoding {
    /// One JSON object (protocol 1.2).
    Json = 0,
    /// The binary layout that Java calls ROCKETMQ (protocol 1.3).
    Rocketmq = 1,
}

impl HeaderEncoding {
    /// The name used in the configuration: `json` or `rocketmq`.
    pub fn name(self) -> &'static str {
        match self {
            HeaderEncoding::Json => "json",
            HeaderEncoding::Rocketmq => "rocketmq",
        }
    }
}

impl fmt::Display for HeaderEncoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A text that names no header encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownEncodingName(String);

impl fmt::Display for UnknownEncodingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown header encoding {:?}, expected json or rocketmq", self.0)
    }
}

impl std::error::Error for UnknownEncodingName {}

impl FromStr for HeaderEncoding {
    type Err = UnknownEncodingName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "json" => Ok(HeaderEncoding::Json),
            "rocketmq" => Ok(HeaderEncoding::Rocketmq),
            _ => Err(UnknownEncodingName(crate::error::quote(name))),
        }
    }
}

/// One frame, borrowed from the buffer it came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// How `header` is written.
    pub encoding: HeaderEncoding,
    /// The header's bytes, for [`Header::decode`](crate::header::Header::decode).
    pub header: &'a [u8],
    /// The body; empty means there is none.
    pub body: &'a [u8],
}

/// Bytes of the first frame in `buffer`, its length field included; `None` when not even the length
/// field is there.
pub fn total_len(buffer: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(length) = buffer.first_chunk::<4>() else {
        return Ok(None);
    };
    let announced = i32::from_be_bytes(*length);
    let Ok(rest) = usize::try_from(announced) else {
        return Err(DecodeError::FrameTooShort { announced });
    };
    if rest < 4 {
        return Err(DecodeError::FrameTooShort { announced });
    }
    if rest > MAX_FRAME - 4 {
        return Err(DecodeError::FrameTooLong { announced: rest as u64 + 4, max: MAX_FRAME });
    }
    Ok(Some(rest + 4))
}

/// Bytes of the header of the first frame in `buffer`, as the frame announces; `None` when its prefix is not there yet.
pub fn header_len(buffer: &[u8]) -> Option<usize> {
    let &[_, _, _, _, _, high, middle, low] = buffer.first_chunk::<PREFIX>()?;
    Some(u32::from_be_bytes([0, high, middle, low]) as usize)
}

/// The first frame in `buffer` and the bytes it takes; `None` when more bytes are needed.
/// What is wrong with the prefix is told as soon as the prefix is there. Never allocates.
pub fn split(buffer: &[u8]) -> Result<Option<(Frame<'_>, usize)>, DecodeError> {
    let Some(total) = total_len(buffer)? else {
        return Ok(None);
    };
    let Some(&[_, _, _, _, encoding, high, middle, low]) = buffer.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let encoding = match encoding {
        0 => HeaderEncoding::Json,
        1 => HeaderEncoding::Rocketmq,
        other => return Err(DecodeError::UnknownHeaderEncoding(other)),
    };
    let header_length = u32::from_be_bytes([0, high, middle, low]) as usize;
    if header_length > total - PREFIX {
        return Err(DecodeError::HeaderTooLong { header: header_length, frame: total - PREFIX });
    }
    let Some(frame) = buffer.get(PREFIX..total) else {
        return Ok(None);
    };
    let (header, body) = frame.split_at(header_length);
    Ok(Some((Frame { encoding, header, body }, total)))
}
