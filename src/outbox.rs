//! What a subscriber has still to be sent: bytes that the socket did not take yet.
//!
//! Pieces are shared with all subscribers who get the same bytes; an empty outbox costs no allocation.

use std::collections::VecDeque;
use std::io::IoSlice;

use crate::nginx::bytes::Bytes;

/// Pieces handed to the kernel in one call (IOV_MAX is 1024).
const MAX_PIECES: usize = 256;

/// Queued pieces, the front one perhaps sent in part.
#[derive(Default)]
pub(crate) struct Outbox {
    pieces: VecDeque<Bytes>,
    /// Bytes in all pieces.
    len: usize,
    /// Whether a part of the front piece has been sent.
    begun: bool,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        self.len += piece.len();
        self.pieces.push_back(piece);
    }

    pub(crate) fn extend(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        pieces.into_iter().for_each(|piece| self.push(piece));
    }

    /// Bytes in all pieces.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Bytes that wait behind the front piece.
    pub(crate) fn behind(&self) -> usize {
        self.len - self.pieces.front().map_or(0, |piece| piece.len())
    }

    /// Sends with `write`, which answers how many bytes it took, until it takes less than offered.
    pub(crate) fn flush<E>(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Result<usize, E>,
    ) -> Result<(), E> {
        while !self.pieces.is_empty() {
            let slices: Vec<IoSlice<'_>> =
                self.pieces.iter().take(MAX_PIECES).map(|piece| IoSlice::new(piece)).collect();
            let offered: usize = slices.iter().map(|slice| slice.len()).sum();
            let taken = write(&slices)?;
            drop(slices);
            self.advance(taken);
            if taken < offered {
                break;
            }
        }
        Ok(())
    }

    /// Drops what the socket has taken.
    pub(crate) fn advance(&mut self, mut taken: usize) {
        self.len = self.len.saturating_sub(taken);
        while let Some(front) = self.pieces.front_mut() {
            if front.len() > taken {
                front.advance(taken);
                self.begun |= taken > 0;
                return;
            }
            taken -= front.len();
            self.pieces.pop_front();
            self.begun = false;
        }
    }

    /// Drops everything but the rest of a piece of which a part has been sent.
    pub(crate) fn keep_begun(&mut self) {
        self.pieces.truncate(usize::from(self.begun));
        self.len = self.pieces.iter().map(|piece| piece.len()).sum();
    }

    /// Hands the queue to `give`, which takes from its front what it can.
    pub(crate) fn give<T>(&mut self, give: impl FnOnce(&mut VecDeque<Bytes>) -> T) -> T {
        let result = give(&mut self.pieces);
        self.len = self.pieces.iter().map(|piece| piece.len()).sum();
        result
    }

    /// Takes all pieces out.
    pub(crate) fn take(&mut self) -> VecDeque<Bytes> {
        (self.len, self.begun) = (0, false);
        std::mem::take(&mut self.pieces)
    }
}
