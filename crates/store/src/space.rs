//! Free space of the heap: blocks of whole granules, two-level segregated fit.
//!
//! Allocation and release take a constant number of steps, neighbouring free blocks always merge, and a block
//! is cut to the granule, so filling and draining a zone leaves it as it was. Each block starts with a header
//! of 8 bytes: its own length and kind, and the length of the block before it. A free block also holds the links
//! of its list. The free lists can be rebuilt from the blocks that are reachable ([`crate::rebuild`]).
//!
//! (M. Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", 2004.)

use crate::layout::{FREE_LEVELS, GRANULE, Ref, Root};
use crate::zone::{ROOT, Zone};

/// What a block holds; 0 is a free one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Free = 0,
    Channel = 1,
    Message = 2,
    Content = 3,
    Interest = 4,
    Sentinel = 15,
}

impl Kind {
    fn from_bits(bits: u32) -> Option<Self> {
        [Self::Free, Self::Channel, Self::Message, Self::Content, Self::Interest, Self::Sentinel]
            .into_iter()
            .find(|kind| *kind as u32 == bits)
    }
}

/// The zone has no free block that is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory in the zone")]
pub struct NoMemory;

pub(crate) const GRANULE32: u32 = 16;

/// Byte offset of a block. Wraps for what is no block; the access is then checked.
pub(crate) const fn byte(block: u32) -> u32 {
    block.wrapping_mul(GRANULE32)
}

const LEN_MASK: u32 = (1 << 28) - 1;
/// Free blocks of the wanted class that are tried when no larger class has one.
const CLASS_TRIES: u32 = 32;

/// First level and list of blocks of `granules`: exact up to 15, then 8 lists for each power of two.
fn class(granules: u32) -> (u32, u32) {
    if granules < 8 {
        return (0, granules);
    }
    let log = granules.ilog2();
    (log - 2, (granules >> (log - 3)) & 7)
}

/// Smallest size from which every block of its class is at least `granules` long.
fn round_up(granules: u32) -> u32 {
    if granules < 16 { granules } else { granules + (1 << (granules.ilog2() - 3)) - 1 }
}

impl Zone {
    fn header(&self, block: u32) -> (u32, u32) {
        let word = self.word(byte(block));
        (word & LEN_MASK, word >> 28)
    }

    /// Length in granules and kind of the block that starts at granule `block`; `None` if it is no block.
    pub(crate) fn block(&self, block: u32) -> Option<(u32, Kind)> {
        let (len, kind) = self.header(block);
        Some((len, Kind::from_bits(kind)?))
    }

    fn set_header(&self, block: u32, len: u32, kind: Kind) {
        self.set_word(byte(block), (len & LEN_MASK) | (kind as u32) << 28);
    }

    fn before(&self, block: u32) -> u32 {
        self.word(byte(block) + 4)
    }

    fn set_before(&self, block: u32, len: u32) {
        self.set_word(byte(block) + 4, len);
    }

    fn list_at(&self, level: u32, list: u32) -> u32 {
        self.get(ROOT, Root::FREE_LISTS) + (level * 8 + list) * 4
    }

    fn lists_of(&self, level: u32) -> u32 {
        Root::FREE_CLASSES.offset + level.min(FREE_LEVELS - 1) * 4
    }

    fn insert(&self, block: u32, len: u32) {
        let (level, list) = class(len);
        let head = self.list_at(level, list);
        let next = self.word(head);
        self.set_header(block, len, Kind::Free);
        self.set_word(byte(block) + 8, next);
        self.set_word(byte(block) + 12, 0);
        if next != 0 {
            self.set_word(byte(next) + 12, block);
        } else {
            let lists = self.word(self.lists_of(level));
            self.set_word(self.lists_of(level), lists | 1 << list);
            self.set(ROOT, Root::FREE_LEVELS, self.get(ROOT, Root::FREE_LEVELS) | 1 << level);
        }
        self.set_word(head, block);
    }

    fn remove(&self, block: u32, len: u32) {
        let (level, list) = class(len);
        let next = self.word(byte(block) + 8);
        let prev = self.word(byte(block) + 12);
        if next != 0 {
            self.set_word(byte(next) + 12, prev);
        }
        if prev != 0 {
            self.set_word(byte(prev) + 8, next);
            return;
        }
        self.set_word(self.list_at(level, list), next);
        if next == 0 {
            let lists = self.word(self.lists_of(level)) & !(1 << list);
            self.set_word(self.lists_of(level), lists);
            if lists == 0 {
                let levels = self.get(ROOT, Root::FREE_LEVELS) & !(1 << level);
                self.set(ROOT, Root::FREE_LEVELS, levels);
            }
        }
    }

    /// A free block of at least `granules`, by preference from a class that surely fits.
    fn find_free(&self, granules: u32) -> Option<u32> {
        let (level, list) = class(round_up(granules));
        let levels = self.get(ROOT, Root::FREE_LEVELS);
        if level < FREE_LEVELS {
            let lists = self.word(self.lists_of(level)) & (u32::MAX << list);
            if lists != 0 {
                return Some(self.word(self.list_at(level, lists.trailing_zeros())));
            }
            let above = levels & u32::MAX.checked_shl(level + 1).unwrap_or(0);
            if above != 0 {
                let level = above.trailing_zeros();
                let lists = self.word(self.lists_of(level));
                return Some(self.word(self.list_at(level, lists.trailing_zeros())));
            }
        }
        let (level, list) = class(granules);
        let mut block = self.word(self.list_at(level, list));
        for _ in 0..CLASS_TRIES {
            if block == 0 {
                break;
            }
            if self.header(block).0 >= granules {
                return Some(block);
            }
            block = self.word(byte(block) + 8);
        }
        None
    }

    /// Takes a block of at least `bytes` (header included) out of the free space. Its fields are not initialized.
    ///
    /// # Errors
    ///
    /// No free block is large enough.
    pub(crate) fn allocate<T>(&self, bytes: usize, kind: Kind) -> Result<Ref<T>, NoMemory> {
        debug_assert!(!self.has_freed(), "a mutation allocates before it frees");
        let granules = bytes.div_ceil(GRANULE);
        let granules = u32::try_from(granules).ok().filter(|n| *n <= LEN_MASK).ok_or(NoMemory)?;
        if crate::fault::allocation_fails() {
            return Err(NoMemory);
        }
        let block = self.find_free(granules).ok_or(NoMemory)?;
        let (len, kind_bits) = self.header(block);
        if kind_bits != Kind::Free as u32 || len < granules {
            self.region.report_damage();
            return Err(NoMemory);
        }
        self.remove(block, len);
        // The links of the free list get overwritten without journal.
        self.save(Ref::<T>::new(block).at() + 8);
        self.set_header(block, granules, kind);
        if len > granules {
            let rest = block + granules;
            // The rest's header and links lie in what was free space: nothing to undo there.
            self.insert(rest, len - granules);
            self.set_before(rest, granules);
            self.set_before(block + len, len - granules);
        }
        self.sub(ROOT, Root::FREE_GRANULES, granules);
        Ok(Ref::new(block))
    }

    /// Gives a block back; merges it with free neighbours.
    pub(crate) fn release<T>(&self, record: Ref<T>) {
        self.note_freed();
        let mut block = record.0;
        let (mut len, kind) = self.header(block);
        if record.is_none() || len == 0 || kind == Kind::Free as u32 {
            self.region.report_damage();
            return;
        }
        self.add(ROOT, Root::FREE_GRANULES, len);
        let (next_len, next_kind) = self.header(block + len);
        if next_kind == Kind::Free as u32 {
            self.remove(block + len, next_len);
            len += next_len;
        }
        let before = self.before(block);
        if before != 0 && self.header(block - before.min(block)).1 == Kind::Free as u32 {
            block -= before;
            self.remove(block, before);
            len += before;
        }
        self.insert(block, len);
        self.set_before(block + len, len);
    }

    /// Makes the whole heap one free block.
    pub(crate) fn format_heap(&self) {
        self.lay_blocks(&mut core::iter::empty());
    }

    /// Rewrites headers and free lists so that the heap holds just the blocks given (granule, length, kind), in
    /// ascending order, and free space between them.
    pub(crate) fn lay_blocks(&self, used: &mut dyn Iterator<Item = (u32, u32, Kind)>) {
        let region = &self.region;
        let store = |at: u32, value: u32| region.store32(at as usize, value);
        store(Root::FREE_LEVELS.offset, 0);
        for level in 0..FREE_LEVELS {
            store(self.lists_of(level), 0);
        }
        let lists = self.get(ROOT, Root::FREE_LISTS);
        let lists_len = self.get(ROOT, Root::WHEEL).saturating_sub(lists);
        region.zero(lists as usize, lists_len as usize);

        let first = self.get(ROOT, Root::HEAP) / GRANULE32;
        let end = self.get(ROOT, Root::HEAP_END) / GRANULE32;
        let (mut at, mut before, mut free) = (first, 0, 0);
        let put = |at: u32, len: u32, kind: Kind, before: u32| {
            store(byte(at), (len & LEN_MASK) | (kind as u32) << 28);
            store(byte(at) + 4, before);
        };
        let push_free = |at: u32, len: u32| {
            let (level, list) = class(len);
            let head = self.list_at(level, list);
            let next = self.word(head);
            store(byte(at) + 8, next);
            store(byte(at) + 12, 0);
            if next != 0 {
                store(byte(next) + 12, at);
            }
            store(head, at);
            store(self.lists_of(level), self.word(self.lists_of(level)) | 1 << list);
            store(Root::FREE_LEVELS.offset, self.get(ROOT, Root::FREE_LEVELS) | 1 << level);
        };
        loop {
            let (start, len, kind) = used.next().unwrap_or((end, 0, Kind::Sentinel));
            if start > at {
                put(at, start - at, Kind::Free, before);
                push_free(at, start - at);
                free += start - at;
                before = start - at;
            }
            put(start, len, kind, before);
            if start == end {
                break;
            }
            at = start + len;
            before = len;
        }
        store(Root::FREE_GRANULES.offset, free);
    }
}
