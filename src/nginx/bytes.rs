//! Bytes that many subscribers share: rendered once, handed out by reference count.
//!
//! A clone costs one non-atomic increment and no copy; it never leaves the worker. What is cut off the
//! front or the back stays in memory until the last clone is gone.

use core::fmt;
use core::ops::{Deref, Range};
use std::rc::Rc;

/// A part of a reference-counted buffer that nobody changes any more.
///
/// # Invariants
///
/// `start <= end <= buffer.len()`.
#[derive(Clone, Default)]
pub(crate) struct Bytes {
    buffer: Rc<Vec<u8>>,
    start: usize,
    end: usize,
}

impl Bytes {
    /// The part of these bytes in `range`, which is counted from their own start; what lies outside
    /// is left out. Shares the memory.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        let end = self.start.saturating_add(range.end).min(self.end);
        let start = self.start.saturating_add(range.start).min(end);
        Self { buffer: Rc::clone(&self.buffer), start, end }
    }

    /// Drops `count` bytes from the front: they have been sent.
    pub(crate) fn advance(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.end);
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        Self { buffer: Rc::new(bytes), start: 0, end }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or_default()
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.escape_ascii().fmt(f)
    }
}
