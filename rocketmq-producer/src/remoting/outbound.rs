//! What of a connection is encoded and not yet written.

use std::collections::VecDeque;
use std::ops::Deref;

use bytes::Bytes;

use super::body::Body;
use super::{Failure, FailureKind};

/// A buffer that grew beyond this is given back to the system when it is empty.
const KEPT_CAPACITY: usize = 1 << 20;

/// Buffers from this size on grow slowly.
const LARGE: usize = 64 * 1024;

/// A head of a frame has no more bytes than this, usually.
const USUAL_HEAD: usize = 1024;

/// Frames that wait to be written, in order.
#[derive(Default)]
pub(crate) struct Outbound {
    /// What a full socket left of a piece, from this position on.
    rest: Option<(Piece, usize)>,
    /// What is written before `open`.
    pieces: VecDeque<Piece>,
    /// New frames are added here.
    open: Vec<u8>,
    /// An empty buffer that takes turns with `open`.
    spare: Vec<u8>,
    /// All bytes that were ever added.
    queued: u64,
}

/// How much there was before a frame was added.
pub(super) struct Mark {
    pieces: usize,
    open: usize,
    queued: u64,
}

/// Bytes that lie together and are written in one call.
#[derive(Debug)]
pub(super) enum Piece {
    Frames(Vec<u8>),
    Body(Bytes),
}

impl Deref for Piece {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Frames(bytes) => bytes,
            Self::Body(bytes) => bytes,
        }
    }
}

impl Outbound {
    /// Adds a frame: what `write_head` appends, and the body. On an error nothing is added.
    pub(crate) fn add(
        &mut self,
        body: Body<'_>,
        write_head: impl FnOnce(&mut Vec<u8>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.make_room(if let Body::Copied(bytes) = &body { bytes.len() } else { 0 })?;
        let before = self.open.len();
        write_head(&mut self.open)?;
        self.queued += (self.open.len() - before + body.len()) as u64;
        match body {
            Body::Copied(bytes) => self.open.extend_from_slice(bytes),
            Body::Shared(bytes) => {
                let spare = std::mem::take(&mut self.spare);
                self.pieces.push_back(Piece::Frames(std::mem::replace(&mut self.open, spare)));
                self.pieces.push_back(Piece::Body(bytes));
            }
        }
        Ok(())
    }

    /// A large buffer grows by a part of itself: twice as much would be half empty for long. That is as much memory as many
    /// bodies have, so there may be none.
    fn make_room(&mut self, body: usize) -> Result<(), Failure> {
        let wanted = body + USUAL_HEAD;
        if self.open.len() >= LARGE && self.open.capacity() - self.open.len() < wanted {
            let reserved = self.open.try_reserve_exact(wanted.max(self.open.len() / 8));
            reserved.map_err(|cause| Failure::because(FailureKind::Memory, cause))?;
        }
        Ok(())
    }

    /// Where the next frame begins.
    pub(super) fn mark(&self) -> Mark {
        Mark { pieces: self.pieces.len(), open: self.open.len(), queued: self.queued }
    }

    /// Takes back what was added since the mark, whatever part of a frame that is. Nothing was written meanwhile.
    pub(super) fn restore(&mut self, mark: Mark) {
        // The buffer that was open then lies before the first large body that was added since.
        if let Some(Piece::Frames(buffer)) = self.pieces.drain(mark.pieces..).next() {
            self.open = buffer;
        }
        self.open.truncate(mark.open);
        self.queued = mark.queued;
    }

    /// Adds a ready-made frame.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        self.open.extend_from_slice(bytes);
        self.queued += bytes.len() as u64;
    }

    /// All bytes that were ever added.
    pub(super) fn queued(&self) -> u64 {
        self.queued
    }

    /// Bytes of copied frames behind the last large body.
    pub(super) fn copied(&self) -> usize {
        self.open.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_none() && self.pieces.is_empty() && self.open.is_empty()
    }

    /// What is to be written next, and from which position on.
    pub(super) fn next(&mut self) -> Option<(Piece, usize)> {
        if let Some(rest) = self.rest.take() {
            return Some(rest);
        }
        if let Some(piece) = self.pieces.pop_front() {
            return Some((piece, 0));
        }
        if self.open.is_empty() {
            return None;
        }
        let spare = std::mem::take(&mut self.spare);
        Some((Piece::Frames(std::mem::replace(&mut self.open, spare)), 0))
    }

    /// The socket took the piece up to position `end`.
    pub(super) fn written(&mut self, piece: Piece, end: usize) {
        if end < piece.len() {
            self.rest = Some((piece, end));
        } else if let Piece::Frames(mut buffer) = piece
            && buffer.capacity() <= KEPT_CAPACITY
        {
            buffer.clear();
            self.spare = buffer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_go_uncopied_between_the_frames_around_them() {
        let mut outbound = Outbound::default();
        let head = |text: &'static str| {
            move |out: &mut Vec<u8>| {
                out.extend_from_slice(text.as_bytes());
                Ok(())
            }
        };
        let large = Bytes::from_static(b"LARGE");
        assert!(outbound.add(Body::Copied(b"a"), head("1")).is_ok());
        assert!(outbound.add(Body::Shared(large.clone()), head("2")).is_ok());
        assert!(outbound.add(Body::Copied(b"b"), head("3")).is_ok());
        let refused = |out: &mut Vec<u8>| {
            assert_eq!(out.as_slice(), b"3b");
            Err(Failure::new(FailureKind::Unencodable))
        };
        assert!(outbound.add(Body::Shared(large.clone()), refused).is_err());
        assert_eq!(outbound.queued(), 2 + 6 + 2);
        for body in [Body::Copied(b"half"), Body::Shared(large.clone())] {
            let mark = outbound.mark();
            assert!(outbound.add(body, head("4")).is_ok());
            outbound.append(b"more");
            outbound.restore(mark);
            assert_eq!((outbound.queued(), outbound.copied()), (2 + 6 + 2, 2), "as it was");
        }
        let (piece, at) = outbound.next().expect("a piece");
        assert_eq!((&*piece, at), (&b"1a2"[..], 0));
        outbound.written(piece, 1);
        let (piece, at) = outbound.next().expect("its rest");
        assert_eq!((&*piece, at), (&b"1a2"[..], 1));
        outbound.written(piece, 3);
        let (piece, _) = outbound.next().expect("the body");
        assert_eq!(piece.as_ptr(), large.as_ptr());
        outbound.written(piece, 5);
        assert!(!outbound.is_empty());
        assert_eq!(outbound.next().map(|(piece, _)| piece.to_vec()), Some(b"3b".to_vec()));
        assert!(outbound.is_empty() && outbound.next().is_none());
    }
}
