//! Upper-case hexadecimal text of ids.

const DIGITS: &[u8; 16] = b"0123456789ABCDEF";

/// Writes two digits per byte of `bytes` into the front of `text`; what does not fit is left out.
pub(crate) fn write(text: &mut [u8], bytes: &[u8]) {
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// The eight digits of a number.
pub(crate) fn digits(number: u32) -> [u8; 8] {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // The half bytes move apart, each into a byte of its own: all at once, as every message has an id.
    let mut halves = u64::from(number);
    halves = (halves | halves << 16) & 0x0000_FFFF_0000_FFFF;
    halves = (halves | halves << 8) & 0x00FF_00FF_00FF_00FF;
    halves = (halves | halves << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    // 1 where it is ten or more.
    let letters = (halves + 6 * EACH) >> 4 & EACH;
    const GAP: u64 = (b'A' - b'0' - 10) as u64;
    (halves + u64::from(b'0') * EACH + letters * GAP).to_be_bytes()
}

/// The bytes of hexadecimal text of either case, exactly two digits per byte.
pub(crate) fn read<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn digit(digit: u8) -> Option<u8> {
    (digit as char).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digits_of_a_number_are_those_of_its_bytes() {
        let steps = (0..=u32::MAX).step_by(65_521);
        for number in steps.chain([0x0123_4567, 0x89AB_CDEF, 0x9A9A_9A9A, u32::MAX]) {
            assert_eq!(digits(number).as_slice(), format!("{number:08X}").as_bytes());
        }
    }
}
