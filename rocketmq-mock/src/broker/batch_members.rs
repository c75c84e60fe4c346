//! The body of a batch as brokers read it (protocol 5.8).

use std::borrow::Cow;

use super::refusal::Refusal;

/// A member of a batch.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Member<'a> {
    pub(crate) flag: i32,
    pub(crate) body: &'a [u8],
    pub(crate) properties: Cow<'a, str>,
}

/// The members one after another, each by the lengths inside it: brokers skip an item's own size.
pub(crate) fn read(body: &[u8]) -> Result<Vec<Member<'_>>, Refusal> {
    let mut rest = Rest(body);
    let mut members = Vec::new();
    while !rest.0.is_empty() {
        members.push(rest.member().ok_or_else(|| exception("java.nio.BufferUnderflowException"))?);
    }
    if members.is_empty() {
        return Err(exception("java.lang.NullPointerException"));
    }
    Ok(members)
}

/// How many members there are by the sizes of the items, the way a broker counts those of a batch it leaves whole.
pub(super) fn count(body: &[u8]) -> Result<i64, Refusal> {
    let mut rest = Rest(body);
    let mut count = 0;
    while !rest.0.is_empty() {
        let size = rest.0.first_chunk().map(|bytes| i32::from_be_bytes(*bytes));
        // A real broker would count for ever at a size of 0.
        let size = size.and_then(|size| usize::try_from(size).ok()).filter(|size| *size > 0);
        size.and_then(|size| rest.take(size))
            .ok_or_else(|| exception("java.lang.IllegalArgumentException: newPosition > limit"))?;
        count += 1;
    }
    Ok(count)
}

fn exception(text: &'static str) -> Refusal {
    Refusal::exception(text)
}

struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn member(&mut self) -> Option<Member<'a>> {
        // Size, magic and checksum.
        self.take(12)?;
        let flag = self.i32()?;
        let body_length = self.i32()?;
        let body = self.take(usize::try_from(body_length).ok()?)?;
        let properties_length = i16::from_be_bytes(*self.take(2)?.first_chunk()?);
        let properties = self.take(usize::try_from(properties_length).ok()?)?;
        Some(Member { flag, body, properties: String::from_utf8_lossy(properties) })
    }

    fn i32(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(*self.take(4)?.first_chunk()?))
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use rocketmq_protocol::batch;

    use super::*;

    fn two_members() -> Vec<u8> {
        let mut body = Vec::new();
        batch::push(&mut body, 7, &["a\u{1}1"], b"first").unwrap();
        batch::push(&mut body, 8, &[], b"").unwrap();
        body
    }

    #[test]
    fn members_are_read_without_their_sizes() {
        let mut body = two_members();
        let expected = [
            Member { flag: 7, body: &b"first"[..], properties: "a\u{1}1".into() },
            Member { flag: 8, body: &b""[..], properties: "".into() },
        ];
        assert_eq!(read(&body).unwrap(), expected);
        assert_eq!(count(&body).unwrap(), 2);
        body[..4].fill(0);
        assert_eq!(read(&body).unwrap(), expected);
        assert!(count(&body).is_err());
    }

    #[test]
    fn a_broken_member_spoils_the_batch() {
        let body = two_members();
        for length in 1..body.len() {
            let is_whole = length == body.len() - 22;
            assert_eq!(read(&body[..length]).is_ok(), is_whole, "{length}");
            assert_eq!(count(&body[..length]).is_ok(), is_whole, "{length}");
        }
        let mut negative = body.clone();
        negative[16] = 0x80;
        assert!(read(&negative).is_err());
        assert!(read(b"").is_err());
    }
}
