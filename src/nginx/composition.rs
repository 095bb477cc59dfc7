//! A text that is put together in memory which has been taken for it, and which need not be filled with zeros before.

#![expect(unsafe_code, reason = "writes to memory that has not been written to")]

use core::mem::MaybeUninit;

/// A text in the making.
///
/// # Invariants
///
/// The first `len` bytes of the room have been written; there are that many.
pub(super) struct Composition<'m> {
    room: &'m mut [MaybeUninit<u8>],
    len: usize,
}

impl<'m> Composition<'m> {
    /// An empty one, which has room for so many bytes.
    pub(super) fn new(room: &'m mut [MaybeUninit<u8>]) -> Self {
        Self { room, len: 0 }
    }

    /// Appends what `write` writes to a text that there is, `len` bytes at most.
    pub(super) fn append(to: &mut Vec<u8>, len: usize, write: impl FnOnce(&mut Composition<'_>)) {
        to.reserve(len);
        let before = to.len();
        let mut composition = Composition::new(to.spare_capacity_mut());
        write(&mut composition);
        let written = composition.len;
        // SAFETY: so many bytes of the spare capacity have been written (invariant).
        unsafe { to.set_len(before + written) };
    }

    /// Appends the bytes; false = there is no room for all of them.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let end = self.len + bytes.len();
        let Some(room) = self.room.get_mut(self.len..end) else { return false };
        // SAFETY: as many bytes of room as there are bytes, which do not overlap: nobody else has the room.
        unsafe {
            room.as_mut_ptr().cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        self.len = end;
        true
    }

    /// What has been put together.
    pub(super) fn text(&self) -> &[u8] {
        // SAFETY: so many bytes have been written (invariant).
        unsafe { core::slice::from_raw_parts(self.room.as_ptr().cast(), self.len) }
    }
}
