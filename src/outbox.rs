//! What a subscriber has still to be sent: bytes that the socket did not take yet.
//!
//! Pieces are shared with all subscribers who get the same bytes; an empty outbox is one null pointer.

use std::collections::VecDeque;
use std::io::IoSlice;

use smallvec::SmallVec;

use crate::counters;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::{Gone, Held};
use crate::nginx::wire::Wire;

/// Pieces handed to the kernel in one call (IOV_MAX is 1024).
const MAX_PIECES: usize = 256;

/// What a piece that waits takes beside its bytes: a place in the queue, and a buffer of nginx if the response ends meanwhile.
pub(crate) const PIECE: usize = 128;

/// Bytes of history queued for a client before its socket is tried.
pub(crate) const HISTORY_AT_ONCE: usize = 256 << 10;

/// Queued pieces, the front one perhaps sent in part. Takes memory only while there are any.
#[derive(Default)]
pub(crate) struct Outbox(Option<Box<Queue>>);

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    /// Bytes in all pieces.
    len: usize,
    /// Whether a part of the front piece has been sent, or it has to be sent in any case.
    begun: bool,
}

impl Outbox {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn push(&mut self, piece: Bytes) {
        if piece.is_empty() {
            return;
        }
        let queue = self.0.get_or_insert_default();
        queue.len += piece.len();
        queue.pieces.push_back(piece);
    }

    /// Queues the head that everything else comes behind: it is not dropped, as if a part of it had been sent.
    pub(crate) fn begin(&mut self, head: Bytes) {
        self.push(head);
        if let Some(queue) = &mut self.0 {
            queue.begun = true;
        }
    }

    pub(crate) fn extend(&mut self, pieces: impl IntoIterator<Item = Bytes>) {
        pieces.into_iter().for_each(|piece| self.push(piece));
    }

    /// Bytes in all pieces.
    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len)
    }

    /// The memory that all pieces take, in bytes, as if nobody shared them.
    pub(crate) fn cost(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.len + queue.pieces.len() * PIECE)
    }

    /// The memory of what waits behind the front piece.
    pub(crate) fn behind(&self) -> usize {
        let front = self.0.as_ref().and_then(|queue| queue.pieces.front());
        self.cost() - front.map_or(0, |piece| piece.len() + PIECE)
    }

    /// Sends with `write`, which answers how many bytes it took, until it takes less than offered.
    pub(crate) fn flush<E>(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Result<usize, E>,
    ) -> Result<(), E> {
        while let Some(queue) = &self.0 {
            let slices: SmallVec<[IoSlice<'_>; 8]> =
                queue.pieces.iter().take(MAX_PIECES).map(|piece| IoSlice::new(piece)).collect();
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

    /// Sends what the client's connection takes, on either path; true = it holds nothing of this any more.
    pub(crate) fn send(&mut self, held: &mut Held) -> Result<bool, Gone> {
        let before = self.len();
        let drained = match held.wire() {
            Wire::Filtered => self.give(|pieces| held.filter(pieces))?,
            Wire::PlainChunked | Wire::PlainRaw => {
                self.flush(|slices| held.write(slices))?;
                // The head may wait although nothing is queued behind it.
                self.is_empty() && held.flush()?
            }
        };
        counters::sent(before.saturating_sub(self.len()));
        Ok(drained)
    }

    /// Drops what the socket has taken.
    pub(crate) fn advance(&mut self, mut taken: usize) {
        let Some(queue) = &mut self.0 else { return };
        if taken >= queue.len {
            self.0 = None;
            return;
        }
        queue.len -= taken;
        while let Some(front) = queue.pieces.front_mut() {
            if front.len() > taken {
                front.advance(taken);
                queue.begun |= taken > 0;
                return;
            }
            taken -= front.len();
            queue.pieces.pop_front();
            queue.begun = false;
        }
    }

    /// Drops everything but the rest of a piece of which a part has been sent.
    pub(crate) fn keep_begun(&mut self) {
        match &mut self.0 {
            Some(queue) if queue.begun => {
                queue.pieces.truncate(1);
                queue.len = queue.pieces.iter().map(|piece| piece.len()).sum();
            }
            _ => self.0 = None,
        }
    }

    /// Hands the queue to `give`, which takes from its front what it can.
    pub(crate) fn give<T>(&mut self, give: impl FnOnce(&mut VecDeque<Bytes>) -> T) -> T {
        let mut queue = self.0.take().unwrap_or_default();
        let before = queue.pieces.len();
        let result = give(&mut queue.pieces);
        queue.begun &= queue.pieces.len() == before;
        if !queue.pieces.is_empty() {
            queue.len = queue.pieces.iter().map(|piece| piece.len()).sum();
            self.0 = Some(queue);
        }
        result
    }

    /// Takes all pieces out.
    pub(crate) fn take(&mut self) -> VecDeque<Bytes> {
        self.0.take().map(|queue| queue.pieces).unwrap_or_default()
    }
}
