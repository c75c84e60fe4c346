//! Text of others (peers, programs, the system) on its way to people and to other programs' parsers: the one place that
//! quotes and cuts it.

use std::borrow::Cow;
use std::fmt::Write;

/// The message of an error: room for a chain of Java exceptions, and no more.
pub(crate) const MESSAGE: usize = 4096;

/// A remark: a message has it with words around it.
pub(crate) const REMARK: usize = MESSAGE - 1024;

/// A line of the log: a message with what stands around it.
pub(crate) const LINE: usize = 2 * MESSAGE;

/// The text as it may be shown: no character breaks a line, ends a C string, or changes what a terminal or an editor shows;
/// each such stands as Rust writes it, for example `\n` or `\u{0}`. What is longer than `max` bytes is cut between two
/// characters, and the end tells how long it was. What was shown once stays as it is.
pub fn shown(text: &str, max: usize) -> Cow<'_, str> {
    let kept = &text[..text.floor_char_boundary(max)];
    if kept.len() == text.len() && !kept.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(kept.len() + 32);
    for character in kept.chars() {
        if is_unsafe(character) {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    if kept.len() < text.len() {
        // Writing to a String cannot fail.
        let _ = write!(out, "… ({} bytes)", text.len());
    }
    Cow::Owned(out)
}

/// As [`shown`], for a text that is there already: most stay what they are.
pub(crate) fn into_shown(text: String, max: usize) -> String {
    match shown(&text, max) {
        Cow::Borrowed(_) => text,
        Cow::Owned(shown) => shown,
    }
}

/// Control characters, the line ends among them; separators of lines and paragraphs; what turns the direction of writing.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_plain_stays_what_it_is() {
        for text in ["", "broker-a at 10.0.0.1:10911", "Größe 価格 C:\\x", &"x".repeat(MESSAGE)] {
            assert!(matches!(shown(text, MESSAGE), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn line_ends_and_their_like_are_written_out() {
        let text = "no\r\n2026 ERROR forged\0\u{1b}[2J\u{85}\u{2028}\u{202e}é";
        let wanted = "no\\r\\n2026 ERROR forged\\u{0}\\u{1b}[2J\\u{85}\\u{2028}\\u{202e}é";
        assert_eq!(shown(text, MESSAGE), wanted);
        assert_eq!(into_shown(text.to_owned(), MESSAGE), wanted);
    }

    #[test]
    fn what_is_long_is_cut_at_a_character_and_tells_its_length() {
        assert_eq!(shown("12345", 4), "1234… (5 bytes)");
        assert_eq!(shown("123é5", 4), "123… (6 bytes)");
        assert_eq!(shown("\n".repeat(9).as_str(), 2), "\\n\\n… (9 bytes)");
    }

    proptest! {
        #[test]
        fn nothing_unsafe_is_left_and_what_was_shown_stays(text in "\\PC*|.*|[\\x00-\\x1f]*", max in 0..40_usize) {
            let once = shown(&text, max).into_owned();
            prop_assert!(!once.contains(is_unsafe));
            prop_assert!(once.len() <= 10 * max + 32);
            prop_assert_eq!(shown(&once, once.len()), once.as_str());
        }
    }
}
