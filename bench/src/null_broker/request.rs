//! The little that must be known of a request: its size, code, opaque, how many messages it brings, and whether it
//! wants an answer.

/// One request at the start of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// Bytes of the whole frame.
    pub(super) frame_len: usize,
    pub(super) code: i32,
    pub(super) opaque: i32,
    pub(super) oneway: bool,
    /// Messages of a wire batch, 1 of any other request.
    pub(super) messages: usize,
}

/// Frames above this are refused, as a broker does (protocol 1.1).
const MAX_FRAME: usize = 16_777_216;
const ONEWAY: i32 = 2;
const SEND_BATCH: i32 = 320;

/// The bytes that the first frame of `buffer` takes, if its length has arrived.
pub(super) fn frame_len(buffer: &[u8]) -> Result<Option<usize>, String> {
    let Some(bytes) = buffer.first_chunk::<4>() else { return Ok(None) };
    let len = 4 + u32::from_be_bytes(*bytes) as usize;
    if (8..=MAX_FRAME).contains(&len) { Ok(Some(len)) } else { Err(format!("a frame of {len} bytes")) }
}

/// Reads the first frame of `buffer`; `None` when it has not arrived completely.
pub(super) fn read(buffer: &[u8]) -> Result<Option<Request>, String> {
    let Some(len) = frame_len(buffer)? else { return Ok(None) };
    let Some(frame) = buffer.get(..len) else { return Ok(None) };
    let header_len = u32::from_be_bytes([0, frame[5], frame[6], frame[7]]) as usize;
    let header =
        frame[8..].get(..header_len).ok_or_else(|| format!("a header of {header_len} bytes in {len}"))?;
    let (code, opaque, flag) = match frame[4] {
        0 => json(header),
        1 => binary(header),
        encoding => return Err(format!("header encoding {encoding}")),
    }
    .ok_or("a header without code, opaque or flag")?;
    let messages = if code == SEND_BATCH { items(&frame[8 + header_len..])? } else { 1 };
    Ok(Some(Request { frame_len: len, code, opaque, oneway: flag & ONEWAY != 0, messages }))
}

/// How many items a batch has: each begins with its size (protocol 5.8).
fn items(mut body: &[u8]) -> Result<usize, String> {
    let mut count = 0;
    while let Some(size) = body.first_chunk::<4>() {
        let size = u32::from_be_bytes(*size) as usize;
        body = body.get(size.max(4)..).ok_or_else(|| format!("an item of {size} bytes in {}", body.len()))?;
        count += 1;
    }
    Ok(count)
}

/// Fixed places: code, language, version, opaque, flag (protocol 1.3).
fn binary(header: &[u8]) -> Option<(i32, i32, i32)> {
    let fixed = header.first_chunk::<13>()?;
    Some((
        i32::from(i16::from_be_bytes([fixed[0], fixed[1]])),
        i32::from_be_bytes([fixed[5], fixed[6], fixed[7], fixed[8]]),
        i32::from_be_bytes([fixed[9], fixed[10], fixed[11], fixed[12]]),
    ))
}

/// Quotes inside JSON strings are escaped, so a quoted name before a colon is always a member's name. The
/// members of `extFields` have text values, and a number is asked for: no confusion with those either.
fn json(header: &[u8]) -> Option<(i32, i32, i32)> {
    let number = |name| member(header, name).and_then(|value| i32::try_from(value).ok());
    Some((number(b"\"code\":")?, number(b"\"opaque\":")?, number(b"\"flag\":").unwrap_or(0)))
}

fn member(header: &[u8], name: &[u8]) -> Option<i64> {
    header.windows(name.len()).enumerate().filter(|(_, window)| *window == name).find_map(|(at, _)| {
        let value = &header[at + name.len()..];
        let len =
            value.iter().position(|byte| !byte.is_ascii_digit() && *byte != b'-').unwrap_or(value.len());
        std::str::from_utf8(&value[..len]).ok()?.parse().ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(encoding: u8, header: &[u8], body: &[u8]) -> Vec<u8> {
        let mut frame = ((4 + header.len() + body.len()) as u32).to_be_bytes().to_vec();
        frame.extend((header.len() as u32 | u32::from(encoding) << 24).to_be_bytes());
        frame.extend(header);
        frame.extend(body);
        frame
    }

    #[test]
    fn binary_vector_a1() {
        let bytes = b"\0\0\0\x26\x01\0\0\x22\0\x69\x0c\x01\xdf\0\0\0\x07\0\0\0\0\0\0\0\0\0\0\0\x0d\0\x05topic\0\0\0\x02T1";
        let request = read(bytes).unwrap().unwrap();
        assert_eq!(
            request,
            Request { frame_len: bytes.len(), code: 105, opaque: 7, oneway: false, messages: 1 }
        );
        for len in 0..bytes.len() {
            assert_eq!(read(&bytes[..len]), Ok(None), "{len} bytes");
        }
    }

    #[test]
    fn json_with_misleading_ext_fields() {
        let header = br#"{"code":310,"extFields":{"code":"1","i":"\"opaque\":9"},"flag":2,"opaque":-5}"#;
        let bytes = frame(0, header, b"body");
        let request = read(&bytes).unwrap().unwrap();
        let frame_len = bytes.len();
        assert_eq!(request, Request { frame_len, code: 310, opaque: -5, oneway: true, messages: 1 });
    }

    #[test]
    fn the_items_of_a_batch_are_counted() {
        let header = br#"{"code":320,"flag":0,"opaque":1}"#;
        let items = [&[0, 0, 0, 6, 1, 2][..], &[0, 0, 0, 4], &[0, 0, 0, 5, 9]].concat();
        assert_eq!(read(&frame(0, header, &items)).unwrap().unwrap().messages, 3);
        assert!(read(&frame(0, header, &[0, 0, 0, 9, 1])).unwrap_err().contains("item of 9"));
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(read(&frame(2, b"x", b"")).unwrap_err().contains("encoding 2"));
        assert!(read(&frame(1, b"short", b"")).is_err());
        assert!(read(&frame(0, b"{}", b"")).is_err());
        assert!(read(&[0xff; 8]).is_err());
        assert!(read(&[0, 0, 0, 0]).is_err());
        assert!(read(b"\0\0\0\x05\0\0\0\x09x").unwrap_err().contains("header of 9"));
    }
}
