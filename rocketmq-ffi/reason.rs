//! Room in which a function of the program says why it refuses.

use std::ffi::{CStr, c_char};

const LEN: usize = 512;

/// The room, at first empty.
pub(crate) struct Reason([u8; LEN]);

impl Reason {
    pub(crate) fn new() -> Self {
        Self([0; LEN])
    }

    /// Where it is written, and how many bytes are there.
    pub(crate) fn room(&mut self) -> (*mut c_char, usize) {
        (self.0.as_mut_ptr().cast(), LEN)
    }

    /// What was written, ended by NUL or cut at the end of the room; if nothing was, what the function returned.
    pub(crate) fn text(mut self, returned: i32) -> String {
        self.0[LEN - 1] = 0;
        match CStr::from_bytes_until_nul(&self.0).unwrap_or_default().to_string_lossy() {
            text if text.is_empty() => format!("it returned {returned}"),
            text => text.into_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_ends_with_its_room_at_the_latest() {
        assert_eq!(Reason::new().text(-3), "it returned -3");
        assert_eq!(Reason([b'x'; LEN]).text(1), "x".repeat(LEN - 1));
        let mut reason = Reason::new();
        reason.0[..3].copy_from_slice(b"\xffno");
        assert_eq!(reason.text(1), "\u{fffd}no");
    }
}
