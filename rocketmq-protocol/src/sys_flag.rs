//! Bits of a message's sysFlag (protocol 5.9).

/// The body is compressed.
pub const COMPRESSED: i32 = 0x1;
/// Set by brokers on topics with several tags per message.
pub const MULTI_TAGS: i32 = 0x2;
/// The bits of the transaction state.
pub const TRANSACTION_MASK: i32 = 0xC;
/// Half message.
pub const TRANSACTION_PREPARED: i32 = 0x4;
/// Commit; also the `commitOrRollback` of END_TRANSACTION.
pub const TRANSACTION_COMMIT: i32 = 0x8;
/// Rollback; also the `commitOrRollback` of END_TRANSACTION.
pub const TRANSACTION_ROLLBACK: i32 = 0xC;
/// The born host is an IPv6 address.
pub const BORN_HOST_V6: i32 = 0x10;
/// The store host is an IPv6 address.
pub const STORE_HOST_V6: i32 = 0x20;
/// Set by brokers: needs unwrapping.
pub const NEED_UNWRAP: i32 = 0x40;
/// Set by brokers: a batch stored as one record.
pub const INNER_BATCH: i32 = 0x80;
/// The bits of the compression type.
pub const COMPRESSION_MASK: i32 = 0x700;

/// How a compressed body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CompressionType {
    /// RFC 1950 stream; every consumer reads it.
    Zlib,
    /// LZ4 frame; consumers from 4.9.4 read it.
    Lz4,
    /// Zstandard frame; consumers from 4.9.4 read it.
    Zstd,
}

impl CompressionType {
    /// What `sys_flag` of a message says: `None` when the body is plain or the type unknown. Clients up
    /// to 4.9.3 leave the type bits 0 for zlib.
    pub fn of(sys_flag: i32) -> Option<CompressionType> {
        if sys_flag & COMPRESSED == 0 {
            return None;
        }
        match (sys_flag & COMPRESSION_MASK) >> 8 {
            0 | 3 => Some(CompressionType::Zlib),
            1 => Some(CompressionType::Lz4),
            2 => Some(CompressionType::Zstd),
            _ => None,
        }
    }

    /// The bits to set for a body compressed this way, [`COMPRESSED`] included.
    pub fn bits(self) -> i32 {
        let kind = match self {
            CompressionType::Lz4 => 1,
            CompressionType::Zstd => 2,
            CompressionType::Zlib => 3,
        };
        COMPRESSED | kind << 8
    }
}
