//! A cursor over big-endian bytes that never reads past their end.

use crate::DecodeError;

pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`; errors name the item `what`.
    pub(crate) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Reader { bytes, what }
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    #[inline]
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let Some((head, tail)) = self.bytes.split_at_checked(length) else {
            return Err(DecodeError::Truncated {
                what: self.what,
                needed: length,
                available: self.bytes.len(),
            });
        };
        self.bytes = tail;
        Ok(head)
    }

    /// Takes as many bytes as a signed length field says; a negative one is an error.
    #[inline]
    pub(crate) fn take_announced(&mut self, length: i32) -> Result<&'a [u8], DecodeError> {
        let Ok(length) = usize::try_from(length) else {
            return Err(DecodeError::malformed(self.what, format!("negative length {length}")));
        };
        self.take(length)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let Some((head, tail)) = self.bytes.split_first_chunk::<N>() else {
            return Err(DecodeError::Truncated { what: self.what, needed: N, available: self.bytes.len() });
        };
        self.bytes = tail;
        Ok(*head)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, DecodeError> {
        self.array().map(i64::from_be_bytes)
    }

    pub(crate) fn ipv4(&mut self) -> Result<[u8; 4], DecodeError> {
        self.array()
    }

    pub(crate) fn ipv6(&mut self) -> Result<[u8; 16], DecodeError> {
        self.array()
    }
}
