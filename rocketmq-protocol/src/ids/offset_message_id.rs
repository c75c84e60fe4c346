//! The offset message id: where a record is stored.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::DecodeError;
use crate::hex;

const WHAT: &str = "offset message id";

/// Address of the broker that stores a record and the record's commit-log offset.
/// As text: 32 (IPv4) or 56 (IPv6) upper-case hexadecimal characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OffsetMessageId {
    /// The broker's address as it knows it itself.
    pub address: SocketAddr,
    /// Commit-log offset in bytes.
    pub offset: i64,
}

impl fmt::Display for OffsetMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address.ip() {
            IpAddr::V4(ip) => write!(f, "{:08X}", ip.to_bits())?,
            IpAddr::V6(ip) => write!(f, "{:032X}", ip.to_bits())?,
        }
        write!(f, "{:08X}{:016X}", self.address.port(), self.offset)
    }
}

impl FromStr for OffsetMessageId {
    type Err = DecodeError;

    /// Reads by text length: 32 characters are IPv4, 56 are IPv6.
    fn from_str(text: &str) -> Result<Self, DecodeError> {
        let parsed = match text.len() {
            32 => hex::read::<16>(text).and_then(|bytes| {
                let (ip, rest) = bytes.split_first_chunk::<4>()?;
                located(Ipv4Addr::from(*ip).into(), rest)
            }),
            56 => hex::read::<28>(text).and_then(|bytes| {
                let (ip, rest) = bytes.split_first_chunk::<16>()?;
                located(Ipv6Addr::from(*ip).into(), rest)
            }),
            _ => None,
        };
        parsed.ok_or_else(|| {
            let detail =
                format!("{:?} is not 32 or 56 hexadecimal digits with a port", crate::error::quote(text));
            DecodeError::malformed(WHAT, detail)
        })
    }
}

/// The id from its address and the bytes after it: port, offset. `None` for a port no socket has.
fn located(ip: IpAddr, rest: &[u8]) -> Option<OffsetMessageId> {
    let (port, rest) = rest.split_first_chunk::<4>()?;
    let (offset, _) = rest.split_first_chunk::<8>()?;
    let port = u16::try_from(u32::from_be_bytes(*port)).ok()?;
    Some(OffsetMessageId { address: SocketAddr::new(ip, port), offset: i64::from_be_bytes(*offset) })
}
