//! JSON as fastjson writes it: integer keys of maps may stand without quotes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::DecodeError;

/// Reads `body`; when it is not JSON as it stands, once more with its integer keys quoted.
pub(super) fn parse<T: DeserializeOwned>(what: &'static str, body: &[u8]) -> Result<T, DecodeError> {
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) => match quote_integer_keys(body) {
            Some(quoted) => serde_json::from_slice(&quoted).map_err(|source| DecodeError::json(what, source)),
            None => Err(DecodeError::json(what, error)),
        },
    }
}

/// Writes `value`; unless `quoted`, keys that are integers go without quotes.
pub(super) fn write(value: &impl Serialize, quoted: bool) -> Vec<u8> {
    // Maps with text keys, written to memory: this cannot fail.
    let json = serde_json::to_vec(value).unwrap_or_default();
    if quoted { json } else { unquote_integer_keys(&json) }
}

/// The same text with quotes around every integer that stands where an object key does; `None` when
/// there is none.
fn quote_integer_keys(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut copied = 0;
    let mut at = 0;
    // The significant byte before `at`: a key follows `{` or `,`.
    let mut before = 0;
    while let Some(&byte) = json.get(at) {
        if byte == b'"' {
            at = string_end(json, at);
        } else if matches!(before, b'{' | b',') && matches!(byte, b'-' | b'0'..=b'9') {
            let end = integer_end(json, at);
            if next_significant(json, end) == Some(b':') {
                out.extend_from_slice(&json[copied..at]);
                out.push(b'"');
                out.extend_from_slice(&json[at..end]);
                out.push(b'"');
                copied = end;
            }
            at = end;
        } else {
            at += 1;
        }
        if !byte.is_ascii_whitespace() {
            before = byte;
        }
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&json[copied..]);
    Some(out)
}

/// The same text with the quotes of integer keys taken away.
fn unquote_integer_keys(json: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let mut end = at + 1;
        let mut piece = at..end;
        if byte == b'"' {
            end = string_end(json, at);
            piece = at..end;
            let inside = at + 1..end - 1;
            if !inside.is_empty()
                && integer_end(json, inside.start) == inside.end
                && next_significant(json, end) == Some(b':')
            {
                piece = inside;
            }
        }
        out.extend_from_slice(&json[piece]);
        at = end;
    }
    out
}

/// The position after the string that starts at `start`, or the end of the text.
fn string_end(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// The position after the sign and digits at `start`.
fn integer_end(json: &[u8], start: usize) -> usize {
    let digits = start + usize::from(json.get(start) == Some(&b'-'));
    digits + json[digits..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

fn next_significant(json: &[u8], from: usize) -> Option<u8> {
    json[from..].iter().copied().find(|byte| !byte.is_ascii_whitespace())
}
