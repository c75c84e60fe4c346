//! The property string of a message: name, 0x01, value, 0x02, pair after pair (protocol 5.6).

pub mod name;

pub use name::is_reserved;

/// Stands between name and value.
pub const NAME_VALUE_SEPARATOR: char = '\u{1}';
/// Stands after every pair.
pub const PROPERTY_SEPARATOR: char = '\u{2}';
/// Greatest property string in bytes, what the broker adds included.
pub const MAX_LEN: usize = 32_767;

/// Appends one pair, closing separator included: brokers that append a checksum to batch items rely on
/// it. Nothing is escaped, so names and values must pass [`is_plain`].
pub fn push(out: &mut String, name: &str, value: &str) {
    out.reserve(name.len() + value.len() + 2);
    out.push_str(name);
    out.push(NAME_VALUE_SEPARATOR);
    out.push_str(value);
    out.push(PROPERTY_SEPARATOR);
}

/// Whether a name or value is free of both separators.
pub fn is_plain(text: &str) -> bool {
    !text.bytes().any(|byte| byte == NAME_VALUE_SEPARATOR as u8 || byte == PROPERTY_SEPARATOR as u8)
}

/// The pairs of a property string as every reader sees them: a missing last separator does not matter,
/// pairs with an empty name or an empty value vanish. A later pair of the same name wins.
pub fn iter(properties: &str) -> impl Iterator<Item = (&str, &str)> {
    properties
        .split(PROPERTY_SEPARATOR)
        .filter_map(|pair| pair.split_once(NAME_VALUE_SEPARATOR))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
}

/// The value of `name` in a property string, the last one if there are several.
pub fn get<'a>(properties: &'a str, name: &str) -> Option<&'a str> {
    iter(properties).filter(|(key, _)| *key == name).last().map(|(_, value)| value)
}

/// Appends the checksum property of brokers with `enabledAppendPropCRC`: ten decimal digits, least
/// significant first (protocol 14.5).
pub fn push_crc(out: &mut String, crc: u32) {
    let digits: String = format!("{crc:010}").chars().rev().collect();
    push(out, name::CRC32, &digits);
}
