//! The only `unsafe` of the store: checked reads and writes of words and bytes in a piece of shared memory.
//!
//! Everything above this module is safe code that speaks of offsets. Every access is checked against the
//! region's length, so even a damaged zone cannot make a worker read or write outside it: the access then
//! reads as zero (or does nothing) and [`Region::is_damaged`] tells.
//!
//! Cost: one comparison more than a plain load or store. Words are relaxed atomics, which compile to plain
//! moves; they make the few reads that are done without the lock (a glance at a mailbox) well defined.

use core::cell::Cell;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering, compiler_fence};

use crate::layout::MAX_LEN;

/// A piece of memory shared between processes, zero-based, addressed by byte offsets.
///
/// # Invariants
///
/// `base` is aligned to 16 bytes, `len` is a multiple of 16 that 32 bits hold, and `base..base + len` stays mapped and writable, at
/// this address, for as long as this value exists.
pub struct Region {
    base: NonNull<u8>,
    len: usize,
    damaged: Cell<bool>,
}

/// Where the undo journal of a region lies.
///
/// # Invariants
///
/// Unless `capacity` is 0: the region that made it holds that many aligned words of 4 bytes at `offsets` and of 8 bytes at `words`, and
/// `length` is one of its words. It is used with that region only.
pub(crate) struct Journal {
    offsets: usize,
    words: usize,
    capacity: u32,
    length: NonNull<AtomicU32>,
}

impl Journal {
    /// Entries that it has room for.
    pub(crate) const fn capacity(&self) -> u32 {
        self.capacity
    }
}

impl Region {
    /// Describes the memory at `base`, `len` bytes long.
    ///
    /// # Safety
    ///
    /// - `base` is aligned to 16 bytes, and `base..base + len` is mapped, initialized and writable until the value is dropped.
    /// - That memory is used by nobody but [`Store`](crate::Store)s, and a store's methods are called only
    ///   while the caller holds the one lock that guards this memory (those documented as lock-free excepted).
    #[expect(unsafe_code, reason = "the door through which the raw memory enters")]
    pub unsafe fn new(base: NonNull<u8>, len: usize) -> Self {
        debug_assert!(base.as_ptr().addr().is_multiple_of(16));
        // INVARIANT: promised by the caller; no more than 32-bit offsets reach.
        Self { base, len: (len & !15).min(MAX_LEN), damaged: Cell::new(false) }
    }

    /// Length in bytes: what of the memory is used.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the region holds no byte at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether an access went astray since the last [`Region::clear_damage`].
    pub(crate) fn is_damaged(&self) -> bool {
        self.damaged.get()
    }

    pub(crate) fn report_damage(&self) {
        self.damaged.set(true);
    }

    pub(crate) fn clear_damage(&self) {
        self.damaged.set(false);
    }

    /// Whether `at..at + len` lies inside; reports damage if not.
    fn covers(&self, at: usize, len: usize) -> bool {
        let inside = at.checked_add(len).is_some_and(|end| end <= self.len);
        if !inside {
            self.report_damage();
        }
        inside
    }

    /// Whether a word of `bytes` (a power of two up to 16) may lie at `at`; reports damage if not.
    ///
    /// Cost: one comparison where the alignment is known from the layout. It runs before every access.
    fn is_word(&self, at: usize, bytes: usize) -> bool {
        let is_word = at.is_multiple_of(bytes) && at < self.len;
        if !is_word {
            self.report_damage();
        }
        is_word
    }

    #[expect(unsafe_code, reason = "turns a checked offset into a word")]
    fn word32(&self, at: usize) -> Option<&AtomicU32> {
        if !self.is_word(at, 4) {
            return None;
        }
        // SAFETY: `at` is below `len`, and both are multiples of 4 (checked above; invariant), so the word lies inside; `base` is aligned to
        // 16, the memory is mapped for as long as `self` (invariant), and all words are accessed as atomics only.
        Some(unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(at).cast()) })
    }

    #[expect(unsafe_code, reason = "turns a checked offset into a word")]
    fn word64(&self, at: usize) -> Option<&AtomicU64> {
        if !self.is_word(at, 8) {
            return None;
        }
        // SAFETY: as in `word32`, with 8 for 4.
        Some(unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(at).cast()) })
    }

    /// The undo journal: `capacity` offsets at one place, as many words at another, its length at a third. An empty one if they do not lie
    /// inside.
    pub(crate) fn journal(
        &self,
        offsets: usize,
        words: usize,
        capacity: u32,
        length: usize,
    ) -> Journal {
        let entries = capacity as usize;
        let last = entries.saturating_sub(1);
        let ends = (self.word32(offsets + last * 4), self.word64(words + last * 8));
        let length = self.word32(length);
        // INVARIANT: the last word of each table lies inside, and the tables begin aligned, so all of them do.
        let (capacity, length) = match (ends, length) {
            ((Some(_), Some(_)), Some(length)) => (capacity, NonNull::from(length)),
            _ => (0, NonNull::dangling()),
        };
        Journal { offsets, words, capacity, length }
    }

    /// Saves the 8 bytes at `at` as entry `index` of the region's own journal, and counts it in. False = not possible, reported.
    ///
    /// Cost: one check, three stores. It runs before every word that is changed.
    #[expect(unsafe_code, reason = "writes to places that were checked when the journal was made")]
    pub(crate) fn save(&self, journal: &Journal, index: u32, at: usize) -> bool {
        let Some(old) = self.word64(at) else { return false };
        if index >= journal.capacity {
            self.report_damage();
            return false;
        }
        #[expect(clippy::cast_possible_truncation, reason = "below `len`, which 32 bits hold")]
        let offset = at as u32;
        let entry = index as usize;
        // SAFETY: `index` is below the capacity, so both places are inside the region and aligned (Journal's invariant).
        let (offsets, words) = unsafe {
            let base = self.base.as_ptr();
            (
                AtomicU32::from_ptr(base.add(journal.offsets + entry * 4).cast()),
                AtomicU64::from_ptr(base.add(journal.words + entry * 8).cast()),
            )
        };
        crate::fault::step();
        offsets.store(offset, Ordering::Relaxed);
        crate::fault::step();
        words.store(old.load(Ordering::Relaxed), Ordering::Relaxed);
        // The entry must be in memory before the length that covers it, and the length before the write that it
        // covers. The dying process's own stores become visible in program order, so only the compiler must be held back.
        compiler_fence(Ordering::Release);
        crate::fault::step();
        // SAFETY: a word of the region (Journal's invariant: its capacity is not 0).
        unsafe { journal.length.as_ref() }.store(index + 1, Ordering::Relaxed);
        compiler_fence(Ordering::Release);
        true
    }

    pub(crate) fn load32(&self, at: usize) -> u32 {
        crate::fault::read();
        self.word32(at).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    pub(crate) fn load64(&self, at: usize) -> u64 {
        crate::fault::read();
        self.word64(at).map_or(0, |word| word.load(Ordering::Relaxed))
    }

    pub(crate) fn store32(&self, at: usize, value: u32) {
        crate::fault::step();
        if let Some(word) = self.word32(at) {
            word.store(value, Ordering::Relaxed);
        }
    }

    pub(crate) fn store64(&self, at: usize, value: u64) {
        crate::fault::step();
        if let Some(word) = self.word64(at) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// The bytes at `at`. They must not change while the slice lives: they belong to an object that nobody
    /// frees meanwhile (the lock is held, or the object is pinned).
    #[expect(unsafe_code, reason = "turns a checked range into a slice")]
    pub(crate) fn bytes(&self, at: usize, len: usize) -> &[u8] {
        if !self.covers(at, len) {
            return &[];
        }
        // SAFETY: the range is inside the region (checked above), which is mapped and initialized
        // (invariant); bytes of an object are written once, before the object can be reached.
        unsafe { core::slice::from_raw_parts(self.base.as_ptr().add(at), len) }
    }

    /// Copies `source` to `at`: only into an object that nobody can reach yet.
    #[expect(unsafe_code, reason = "copies into a checked range")]
    pub(crate) fn copy_in(&self, at: usize, source: &[u8]) {
        crate::fault::step();
        if source.is_empty() || !self.covers(at, source.len()) {
            return;
        }
        // SAFETY: the destination is inside the region (checked above); the source is ordinary memory of
        // this process, so the two do not overlap.
        unsafe {
            core::ptr::copy_nonoverlapping(
                source.as_ptr(),
                self.base.as_ptr().add(at),
                source.len(),
            );
        }
    }

    /// Fills `at..at + len` with zero bytes.
    #[expect(unsafe_code, reason = "fills a checked range")]
    pub(crate) fn zero(&self, at: usize, len: usize) {
        crate::fault::step();
        if !self.covers(at, len) {
            return;
        }
        // SAFETY: the range is inside the region (checked above), which is writable (invariant).
        unsafe { core::ptr::write_bytes(self.base.as_ptr().add(at), 0, len) };
    }
}
