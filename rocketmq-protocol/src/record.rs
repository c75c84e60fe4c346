//! A stored message as brokers hand it out: bodies of codes 33, 12 and 39 (protocol 14.5).

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};

use crate::DecodeError;
use crate::encode::EncodeError;
use crate::ids::OffsetMessageId;
use crate::properties;
use crate::reader::Reader;
use crate::sys_flag;

/// Magic of a record with one byte of topic length.
pub const MAGIC_V1: u32 = 0xDAA3_20A7;
/// Magic of a record with two bytes of topic length; 5.x, topics longer than 127 bytes.
pub const MAGIC_V2: u32 = 0xDAA3_20AB;

const WHAT: &str = "record";

/// A stored message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// CRC-32 of the body as stored, see [`body_crc`].
    pub body_crc: i32,
    /// Queue.
    pub queue_id: i32,
    /// The user's flag.
    pub flag: i32,
    /// Offset in the queue.
    pub queue_offset: i64,
    /// Offset in the commit log, in bytes.
    pub physical_offset: i64,
    /// Bits of [`sys_flag`]; those for IPv6 hosts are written after the hosts given here.
    pub sys_flag: i32,
    /// Time of the send, ms since the epoch.
    pub born_timestamp: i64,
    /// Address of the sender as the broker saw it.
    pub born_host: SocketAddr,
    /// Time of the storing, ms since the epoch.
    pub store_timestamp: i64,
    /// Address of the broker as it knows it itself.
    pub store_host: SocketAddr,
    /// Consumptions so far.
    pub reconsume_times: i32,
    /// Commit-log offset of the half record, for a committed message; else 0.
    pub prepared_transaction_offset: i64,
    /// Body, compressed if `sys_flag` says so.
    pub body: &'a [u8],
    /// Topic.
    pub topic: Cow<'a, str>,
    /// Property string.
    pub properties: Cow<'a, str>,
}

/// The checksum of a record's body: CRC-32 without its top bit.
pub fn body_crc(body: &[u8]) -> i32 {
    (crc32fast::hash(body) & 0x7FFF_FFFF) as i32
}

impl<'a> Record<'a> {
    /// The offset message id.
    pub fn offset_message_id(&self) -> OffsetMessageId {
        OffsetMessageId { address: self.store_host, offset: self.physical_offset }
    }

    /// Appends the record to `out`, version 2 when the topic is longer than 127 bytes; on an error
    /// `out` is as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let topic_length = length_field("topic", self.topic.len())?;
        let properties_length = length_field("property string", self.properties.len())?;
        let [topic_high, topic_low] = topic_length.to_be_bytes();
        let is_v1 = topic_high == 0 && topic_low <= 127;
        let magic = if is_v1 { MAGIC_V1 } else { MAGIC_V2 };
        let mut sys_flag = self.sys_flag & !(sys_flag::BORN_HOST_V6 | sys_flag::STORE_HOST_V6);
        if self.born_host.is_ipv6() {
            sys_flag |= sys_flag::BORN_HOST_V6;
        }
        if self.store_host.is_ipv6() {
            sys_flag |= sys_flag::STORE_HOST_V6;
        }
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&magic.to_be_bytes());
        out.extend_from_slice(&self.body_crc.to_be_bytes());
        out.extend_from_slice(&self.queue_id.to_be_bytes());
        out.extend_from_slice(&self.flag.to_be_bytes());
        out.extend_from_slice(&self.queue_offset.to_be_bytes());
        out.extend_from_slice(&self.physical_offset.to_be_bytes());
        out.extend_from_slice(&sys_flag.to_be_bytes());
        out.extend_from_slice(&self.born_timestamp.to_be_bytes());
        push_host(out, self.born_host);
        out.extend_from_slice(&self.store_timestamp.to_be_bytes());
        push_host(out, self.store_host);
        out.extend_from_slice(&self.reconsume_times.to_be_bytes());
        out.extend_from_slice(&self.prepared_transaction_offset.to_be_bytes());
        let rest = 4 + self.body.len() + 2 + self.topic.len() + 2 + self.properties.len();
        if i32::try_from(out.len() - start + rest).is_err() {
            out.truncate(start);
            return Err(EncodeError::FieldTooLong {
                what: "body of a record",
                len: self.body.len(),
                max: i32::MAX as usize,
            });
        }
        out.extend_from_slice(&(self.body.len() as u32).to_be_bytes());
        out.extend_from_slice(self.body);
        if !is_v1 {
            out.push(topic_high);
        }
        out.push(topic_low);
        out.extend_from_slice(self.topic.as_bytes());
        out.extend_from_slice(&properties_length.to_be_bytes());
        out.extend_from_slice(self.properties.as_bytes());
        let size = (out.len() - start) as u32;
        out[start..start + 4].copy_from_slice(&size.to_be_bytes());
        Ok(())
    }

    /// Reads the first record in `bytes` and the bytes it takes.
    pub fn decode(bytes: &'a [u8]) -> Result<(Record<'a>, usize), DecodeError> {
        let mut outer = Reader::new(bytes, WHAT);
        let size = outer.i32()?;
        let inner = outer.take_announced(size.saturating_sub(4))?;
        let mut reader = Reader::new(inner, WHAT);
        let magic = reader.i32()? as u32;
        if magic != MAGIC_V1 && magic != MAGIC_V2 {
            return Err(DecodeError::malformed(WHAT, format!("unknown magic {magic:#010x}")));
        }
        let body_crc = reader.i32()?;
        let queue_id = reader.i32()?;
        let flag = reader.i32()?;
        let queue_offset = reader.i64()?;
        let physical_offset = reader.i64()?;
        let sys_flag = reader.i32()?;
        let born_timestamp = reader.i64()?;
        let born_host = host(&mut reader, sys_flag & sys_flag::BORN_HOST_V6 != 0)?;
        let store_timestamp = reader.i64()?;
        let store_host = host(&mut reader, sys_flag & sys_flag::STORE_HOST_V6 != 0)?;
        let reconsume_times = reader.i32()?;
        let prepared_transaction_offset = reader.i64()?;
        let body_length = reader.i32()?;
        let body = reader.take_announced(body_length)?;
        let topic_length = if magic == MAGIC_V1 { reader.u8()?.into() } else { reader.i16()?.into() };
        let topic = String::from_utf8_lossy(reader.take_announced(topic_length)?);
        let properties_length = reader.i16()?;
        let properties = String::from_utf8_lossy(reader.take_announced(properties_length.into())?);
        let record = Record {
            body_crc,
            queue_id,
            flag,
            queue_offset,
            physical_offset,
            sys_flag,
            born_timestamp,
            born_host,
            store_timestamp,
            store_host,
            reconsume_times,
            prepared_transaction_offset,
            body,
            topic,
            properties,
        };
        Ok((record, 4 + inner.len()))
    }
}

/// The records of a body, up to the first that is broken.
pub fn iter(body: &[u8]) -> Records<'_> {
    Records { rest: body }
}

/// Iterator of [`iter`].
#[derive(Debug, Clone)]
pub struct Records<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match Record::decode(self.rest) {
            Ok((record, taken)) => {
                self.rest = &self.rest[taken..];
                Some(Ok(record))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

fn length_field(what: &'static str, len: usize) -> Result<i16, EncodeError> {
    i16::try_from(len).map_err(|_| EncodeError::FieldTooLong { what, len, max: properties::MAX_LEN })
}

fn push_host(out: &mut Vec<u8>, host: SocketAddr) {
    match host.ip() {
        IpAddr::V4(ip) => out.extend_from_slice(&ip.octets()),
        IpAddr::V6(ip) => out.extend_from_slice(&ip.octets()),
    }
    out.extend_from_slice(&u32::from(host.port()).to_be_bytes());
}

fn host(reader: &mut Reader<'_>, is_v6: bool) -> Result<SocketAddr, DecodeError> {
    let ip: IpAddr = if is_v6 { reader.ipv6()?.into() } else { reader.ipv4()?.into() };
    let port = reader.i32()?;
    match u16::try_from(port) {
        Ok(port) => Ok(SocketAddr::new(ip, port)),
        Err(_) => Err(DecodeError::malformed(WHAT, format!("port {port} of a host"))),
    }
}
