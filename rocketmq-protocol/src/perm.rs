//! Permission bits of a topic (protocol 3.2).

/// Consumers may read.
pub const READ: i32 = 4;
/// Producers may write.
pub const WRITE: i32 = 2;
/// Topics may be created after this one.
pub const INHERIT: i32 = 1;

/// Whether consumers may read.
pub fn is_readable(perm: i32) -> bool {
    perm & READ != 0
}

/// Whether producers may write.
pub fn is_writable(perm: i32) -> bool {
    perm & WRITE != 0
}
