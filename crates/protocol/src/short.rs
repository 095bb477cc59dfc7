//! A few bytes on the stack: entity tags, chunk heads.
//!
//! Such values are written once per message or per piece, so they should cost no allocation; their
//! greatest length is known from their type.

use core::fmt;
use core::ops::Deref;

/// At most `N` bytes, held in place. Reads as a byte slice.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Short<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], len: 0 }
    }

    /// `len` bytes, or `N` if that is less, which `fill` writes.
    pub(crate) fn filled(len: usize, fill: impl FnOnce(&mut [u8])) -> Self {
        let mut short = Self { bytes: [0; N], len: len.min(N) };
        fill(short.bytes.get_mut(..short.len).unwrap_or_default());
        short
    }

    /// Appends what still fits; the callers' `N` is large enough for all they write.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let free = self.bytes.get_mut(self.len..).unwrap_or_default();
        debug_assert!(bytes.len() <= free.len(), "N is the greatest length");
        let count = bytes.len().min(free.len());
        if let (Some(to), Some(from)) = (free.get_mut(..count), bytes.get(..count)) {
            to.copy_from_slice(from);
            self.len += count;
        }
    }

    /// The bytes written so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl<const N: usize> Deref for Short<N> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl<const N: usize> fmt::Debug for Short<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.as_bytes().escape_ascii())
    }
}
