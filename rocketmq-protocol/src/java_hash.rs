//! Hashes that must agree with Java's: tags codes and queue selection (protocol 5.11).

/// Java's hash of a text, over its UTF-16 units.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |hash, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The index Java's hash selector takes among `queues` queues; `None` when there are none.
pub fn select_by_hash(hash: i32, queues: usize) -> Option<usize> {
    let queues = i64::try_from(queues).ok()?;
    let remainder = i64::from(hash).checked_rem(queues)?;
    usize::try_from(remainder.unsigned_abs()).ok()
}
