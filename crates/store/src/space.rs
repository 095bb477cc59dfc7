//! Free space of the heap: blocks of whole granules, two-level segregated fit.
//!
//! Allocation and release take a constant number of steps, neighbouring free blocks always merge, and a block
//! is cut to the granule, so filling and draining a zone leaves it as it was. It is cut from the end of a free one, whose rest then
//! mostly stays where it is in its list: that is a word to change. Each block starts with a header
//! of 8 bytes: its own length and kind, and the length of the block before it. A free block also holds the links
//! of its list. The free lists can be rebuilt from the blocks that are reachable ([`crate::rebuild`]).
//!
//! Headers and links are checked before anything is derived from them: a damaged block is refused, the damage
//! does not spread.
//!
//! (M. Masmano et al., "TLSF: a new dynamic memory allocator for real-time systems", 2004.)

use crate::layout::{
    Channel, Content, FREE_LEVELS, Field, Free, GRANULE, GRANULE32, Interest, Message, Ref, Root,
    Use,
};
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

    /// Where blocks of the kind are counted; what is free is what is left.
    pub(crate) fn counted_as(self) -> Option<Use> {
        match self {
            Self::Channel => Some(Use::Channels),
            Self::Message | Self::Content => Some(Use::Messages),
            Self::Interest => Some(Use::Subscriptions),
            Self::Free | Self::Sentinel => None,
        }
    }
}

/// A record that is allocated in the heap.
pub(crate) trait Block {
    const KIND: Kind;
}

impl Block for Channel {
    const KIND: Kind = Kind::Channel;
}
impl Block for Message {
    const KIND: Kind = Kind::Message;
}
impl Block for Content {
    const KIND: Kind = Kind::Content;
}
impl Block for Interest {
    const KIND: Kind = Kind::Interest;
}

/// The zone has no free block that is large enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no memory in the zone")]
pub struct NoMemory;

const LEN_MASK: u32 = (1 << 28) - 1;
/// Free blocks of the wanted class that are tried when no larger class has one.
const CLASS_TRIES: usize = 32;
/// Blocks of fewer granules are in the first level, which has a list for each length.
pub(crate) const SMALL: usize = 8;

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

/// The header word of a block.
fn header_word(len: u32, kind: Kind) -> u32 {
    (len & LEN_MASK) | (kind as u32) << 28
}

impl Ref<Free> {
    /// The block `granules` behind this one.
    fn behind(self, granules: u32) -> Self {
        Self::new(self.0.saturating_add(granules))
    }
}

impl Zone {
    /// Length in granules and kind of a block; `None` if it is no block.
    pub(crate) fn block(&self, block: Ref<Free>) -> Option<(u32, Kind)> {
        let word = self.get(block, Free::HEADER);
        Some((word & LEN_MASK, Kind::from_bits(word >> 28)?))
    }

    /// Whether the record says that it is one.
    pub(crate) fn is<T: Block>(&self, record: Ref<T>) -> bool {
        self.block(Ref::new(record.0)).is_some_and(|(_, kind)| kind == T::KIND)
    }

    /// Length and kind of a block that must lie in the heap; reports damage if it does not.
    fn heap_block(&self, block: Ref<Free>) -> Option<(u32, Kind)> {
        let heap = self.tables.heap / GRANULE32..self.tables.heap_end / GRANULE32;
        let found = self.block(block).filter(|(len, _)| {
            heap.contains(&block.0) && *len > 0 && block.0.saturating_add(*len) <= heap.end
        });
        if found.is_none() {
            self.region.report_damage();
        }
        found
    }

    /// Whether the block (or the sentinel) at the end of another one is free, and how long it is.
    fn free_at(&self, block: Ref<Free>) -> Option<u32> {
        let (len, kind) = self.block(block)?;
        (kind == Kind::Free).then_some(len)
    }

    /// Byte offset of the head of a list.
    fn list_at(&self, level: u32, list: u32) -> u32 {
        let index = (level * 8 + list).min(self.tables.free_levels * 8 - 1);
        self.tables.free_lists + index * 4
    }

    /// The word that says which lists of a level have blocks.
    fn lists_of(level: u32) -> Field<Root, u32> {
        Root::FREE_CLASSES.element(level.min(FREE_LEVELS - 1))
    }

    fn insert(&self, block: Ref<Free>, len: u32) {
        let (level, list) = class(len);
        let head = self.list_at(level, list);
        let next: Ref<Free> = Ref::new(self.word(head));
        self.set(block, Free::HEADER, header_word(len, Kind::Free));
        self.set(block, Free::NEXT, next);
        self.set(block, Free::PREV, Ref::NONE);
        if let Some(next) = next.some() {
            self.set(next, Free::PREV, block);
        } else {
            let lists = self.get(ROOT, Self::lists_of(level));
            self.set(ROOT, Self::lists_of(level), lists | 1 << list);
            self.set(ROOT, Root::FREE_LEVELS, self.get(ROOT, Root::FREE_LEVELS) | 1 << level);
        }
        self.set_word(head, block.0);
    }

    /// Takes a free block out of its list. False = its links are damaged, nothing was changed.
    fn remove(&self, block: Ref<Free>, len: u32) -> bool {
        let (level, list) = class(len);
        let head = self.list_at(level, list);
        let next = self.get(block, Free::NEXT);
        let prev = self.get(block, Free::PREV);
        let known = match prev.some() {
            Some(prev) => self.get(prev, Free::NEXT) == block,
            None => self.word(head) == block.0,
        };
        if !known || next.some().is_some_and(|next| self.get(next, Free::PREV) != block) {
            self.region.report_damage();
            return false;
        }
        if let Some(next) = next.some() {
            self.set(next, Free::PREV, prev);
        }
        if let Some(prev) = prev.some() {
            self.set(prev, Free::NEXT, next);
            return true;
        }
        self.set_word(head, next.0);
        if next.is_none() {
            let lists = self.get(ROOT, Self::lists_of(level)) & !(1 << list);
            self.set(ROOT, Self::lists_of(level), lists);
            if lists == 0 {
                let levels = self.get(ROOT, Root::FREE_LEVELS) & !(1 << level);
                self.set(ROOT, Root::FREE_LEVELS, levels);
            }
        }
        true
    }

    /// A free block of at least `granules`, by preference from a class that surely fits.
    fn find_free(&self, granules: u32) -> Option<Ref<Free>> {
        let first = |level: u32, lists: u32| {
            Ref::new(self.word(self.list_at(level, lists.trailing_zeros()))).some()
        };
        let (level, list) = class(round_up(granules));
        if level < self.tables.free_levels {
            let lists = self.get(ROOT, Self::lists_of(level)) & (u32::MAX << list);
            if lists != 0 {
                return first(level, lists);
            }
            let levels = self.get(ROOT, Root::FREE_LEVELS);
            let above = levels & u32::MAX.checked_shl(level + 1).unwrap_or(0);
            if above != 0 {
                let level = above.trailing_zeros();
                return first(level, self.get(ROOT, Self::lists_of(level)));
            }
        }
        let (level, list) = class(granules);
        if level >= self.tables.free_levels {
            return None;
        }
        self.walk(Ref::new(self.word(self.list_at(level, list))), Free::NEXT)
            .take(CLASS_TRIES)
            .find(|block| self.free_at(*block).is_some_and(|len| len >= granules))
    }

    /// Whether a block of so many granules can be allocated.
    pub(crate) fn has_free(&self, granules: usize) -> bool {
        let granules = u32::try_from(granules).ok().filter(|n| *n <= LEN_MASK);
        granules.is_some_and(|granules| granules == 0 || self.find_free(granules).is_some())
    }

    /// Whether so many blocks of `granules` (less than [`SMALL`]) can be allocated one after the other. Cost: a step for each of them at most.
    pub(crate) fn has_pieces(&self, granules: usize, count: usize) -> bool {
        let mut missing = count;
        for level in 0..self.tables.free_levels {
            let lists = self.get(ROOT, Self::lists_of(level));
            for list in (0..8).filter(|list| lists & 1 << list != 0) {
                if level == 0 && (list as usize) < granules {
                    continue;
                }
                let blocks = self.walk(Ref::new(self.word(self.list_at(level, list))), Free::NEXT);
                for len in blocks.map_while(|block| self.free_at(block)) {
                    missing = missing.saturating_sub(len as usize / granules.max(1));
                    if missing == 0 {
                        return true;
                    }
                }
            }
        }
        missing == 0
    }

    /// Takes a block of at least `bytes` (header included) out of the free space. Its fields are not initialized.
    ///
    /// # Errors
    ///
    /// No free block is large enough.
    pub(crate) fn allocate<T: Block>(&self, bytes: usize) -> Result<Ref<T>, NoMemory> {
        debug_assert!(!self.has_freed(), "a mutation allocates before it frees");
        let granules = bytes.div_ceil(GRANULE);
        let granules = u32::try_from(granules).ok().filter(|n| *n <= LEN_MASK).ok_or(NoMemory)?;
        if crate::fault::allocation_fails() {
            return Err(NoMemory);
        }
        let block = self.find_free(granules).ok_or(NoMemory)?;
        let (len, kind) = self.heap_block(block).ok_or(NoMemory)?;
        if kind != Kind::Free || len < granules {
            self.region.report_damage();
            return Err(NoMemory);
        }
        let rest = len - granules;
        let taken = block.behind(rest);
        if rest == 0 {
            if !self.remove(block, len) {
                return Err(NoMemory);
            }
            // The links of the free list get overwritten without journal.
            self.save(block.at() + Free::NEXT.offset as usize);
            self.set(block, Free::HEADER, header_word(granules, T::KIND));
        } else {
            if !self.resize(block, len, rest) {
                return Err(NoMemory);
            }
            // Its end: this header lies in what was free space, so there is nothing to undo, and the rest mostly keeps its list.
            self.init(taken, Free::HEADER, header_word(granules, T::KIND));
            self.init(taken, Free::BEFORE, rest);
            self.set(block.behind(len), Free::BEFORE, granules);
        }
        if let Some(counted) = T::KIND.counted_as() {
            self.add(ROOT, counted.counter(), granules);
        }
        Ok(Ref::new(taken.0))
    }

    /// Changes the length of a free block, and its list where that is another one's now. False = its links are damaged, nothing was changed.
    fn resize(&self, block: Ref<Free>, old: u32, new: u32) -> bool {
        if class(old) == class(new) {
            self.set(block, Free::HEADER, header_word(new, Kind::Free));
            return true;
        }
        let removed = self.remove(block, old);
        if removed {
            self.insert(block, new);
        }
        removed
    }

    /// Gives a block back; merges it with free neighbours.
    pub(crate) fn release<T: Block>(&self, record: Ref<T>) {
        self.note_freed();
        let mut block: Ref<Free> = Ref::new(record.0);
        let Some((mut len, kind)) = self.heap_block(block) else { return };
        if kind != T::KIND {
            self.region.report_damage();
            return;
        }
        if let Some(counted) = T::KIND.counted_as() {
            self.sub(ROOT, counted.counter(), len);
        }
        let next = block.behind(len);
        if let Some(next_len) = self.free_at(next)
            && self.heap_block(next).is_some()
            && self.remove(next, next_len)
        {
            len += next_len;
        }
        let before_len = self.get(block, Free::BEFORE);
        let before: Ref<Free> = Ref::new(block.0.saturating_sub(before_len));
        let merges = before_len != 0
            && self.free_at(before) == Some(before_len)
            && self.heap_block(before).is_some();
        if merges && self.resize(before, before_len, before_len + len) {
            block = before;
            len += before_len;
        } else {
            self.insert(block, len);
        }
        self.set(block.behind(len), Free::BEFORE, len);
    }

    /// Granules in use for one thing.
    pub(crate) fn used(&self, of: Use) -> u32 {
        self.get(ROOT, of.counter())
    }

    /// Granules of the heap that are free.
    pub(crate) fn free(&self) -> u32 {
        let heap = (self.tables.heap_end - self.tables.heap) / GRANULE32;
        Use::ALL.into_iter().fold(heap, |free, of| free.saturating_sub(self.used(of)))
    }

    /// Makes the whole heap one free block.
    pub(crate) fn format_heap(&self) {
        self.lay_blocks(&mut core::iter::empty());
    }

    /// Rewrites headers and free lists so that the heap holds just the blocks given (granule, length, kind), in
    /// ascending order, and free space between them. No mutation: without journal.
    pub(crate) fn lay_blocks(&self, used: &mut dyn Iterator<Item = (u32, u32, Kind)>) {
        self.init(ROOT, Root::FREE_LEVELS, 0);
        for level in 0..FREE_LEVELS {
            self.init(ROOT, Self::lists_of(level), 0);
        }
        self.region.zero(self.tables.free_lists as usize, self.tables.free_levels as usize * 32);

        let end = self.tables.heap_end / GRANULE32;
        let (mut at, mut before) = (self.tables.heap / GRANULE32, 0);
        let mut in_use = [0; Use::ALL.len()];
        loop {
            let (start, len, kind) = used.next().unwrap_or((end, 0, Kind::Sentinel));
            if start > at {
                self.lay_free(Ref::new(at), start - at, before);
                before = start - at;
            }
            let block: Ref<Free> = Ref::new(start);
            self.init(block, Free::HEADER, header_word(len, kind));
            self.init(block, Free::BEFORE, before);
            if start >= end {
                break;
            }
            if let Some(granules) = kind.counted_as().and_then(|of| in_use.get_mut(of as usize)) {
                *granules += len;
            }
            at = start + len;
            before = len;
        }
        for (of, granules) in Use::ALL.into_iter().zip(in_use) {
            self.init(ROOT, of.counter(), granules);
        }
    }

    fn lay_free(&self, block: Ref<Free>, len: u32, before: u32) {
        let (level, list) = class(len);
        let head = self.list_at(level, list);
        let next: Ref<Free> = Ref::new(self.word(head));
        self.init(block, Free::HEADER, header_word(len, Kind::Free));
        self.init(block, Free::BEFORE, before);
        self.init(block, Free::NEXT, next);
        self.init(block, Free::PREV, Ref::NONE);
        if let Some(next) = next.some() {
            self.init(next, Free::PREV, block);
        }
        self.region.store32(head as usize, block.0);
        let lists = self.get(ROOT, Self::lists_of(level));
        self.init(ROOT, Self::lists_of(level), lists | 1 << list);
        self.init(ROOT, Root::FREE_LEVELS, self.get(ROOT, Root::FREE_LEVELS) | 1 << level);
    }
}
