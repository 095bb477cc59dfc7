//! Typed access to the zone, and mutations that happen completely or not at all.
//!
//! Each write inside [`Zone::atomically`] first saves the old word in the **undo journal**, which lies in the
//! zone itself. The end of the mutation is one store (journal length = 0). If the worker dies before, whoever
//! next takes the lock finds a length other than 0 and puts the old words back: the state is what it was before
//! the mutation, whatever the instant of death. An error in the middle is undone the same way, so no operation
//! has to clean up after a failed allocation.
//!
//! Two rules keep the journal short and right:
//! - bytes of a fresh block are written without journal ([`Zone::init`]): nobody can reach them if the mutation is undone;
//! - a mutation never allocates after it has freed, so that a block freed and then undone still has its old bytes.
//!
//! Cost: two stores more per word written; no system call, no flush. The journal need not survive the machine,
//! only the process: what a dead process has stored is visible to the others, in program order.

use core::cell::Cell;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::layout::{Field, Ref, Root};
use crate::raw::Region;

/// The root record.
pub(crate) const ROOT: Ref<Root> = Ref::new(0);

/// A word that a field may hold.
pub(crate) trait Word: Copy {
    fn load(region: &Region, at: usize) -> Self;
    fn store(self, region: &Region, at: usize);
}

impl Word for u32 {
    fn load(region: &Region, at: usize) -> Self {
        region.load32(at)
    }
    fn store(self, region: &Region, at: usize) {
        region.store32(at, self);
    }
}

impl Word for u64 {
    fn load(region: &Region, at: usize) -> Self {
        region.load64(at)
    }
    fn store(self, region: &Region, at: usize) {
        region.store64(at, self);
    }
}

impl<T> Word for Ref<T> {
    fn load(region: &Region, at: usize) -> Self {
        Self::new(region.load32(at))
    }
    fn store(self, region: &Region, at: usize) {
        region.store32(at, self.0);
    }
}

/// The zone's memory and the state of the mutation under way.
pub(crate) struct Zone {
    pub(crate) region: Region,
    /// Capacity and position of the journal, copied from the root: they never change.
    journal_capacity: u32,
    journal_offsets: usize,
    journal_words: usize,
    /// Journal length of the mutation under way; `None` outside of one.
    entries: Cell<Option<u32>>,
    freed: Cell<bool>,
}

impl Zone {
    pub(crate) fn new(region: Region) -> Self {
        let mut zone = Self {
            region,
            journal_capacity: 0,
            journal_offsets: 0,
            journal_words: 0,
            entries: Cell::new(None),
            freed: Cell::new(false),
        };
        zone.read_journal_position();
        zone
    }

    /// To be called after the root has been written.
    pub(crate) fn read_journal_position(&mut self) {
        self.journal_capacity = self.get(ROOT, Root::JOURNAL_CAPACITY);
        self.journal_offsets = self.get(ROOT, Root::JOURNAL_OFFSETS) as usize;
        self.journal_words = self.get(ROOT, Root::JOURNAL_WORDS) as usize;
    }

    pub(crate) fn get<T, W: Word>(&self, record: Ref<T>, field: Field<T, W>) -> W {
        W::load(&self.region, record.at() + field.offset as usize)
    }

    /// Writes a field, undoably.
    pub(crate) fn set<T, W: Word>(&self, record: Ref<T>, field: Field<T, W>, value: W) {
        let at = record.at() + field.offset as usize;
        if self.save(at) {
            value.store(&self.region, at);
        }
    }

    /// Writes a field of a block that nobody can reach yet, without journal.
    pub(crate) fn init<T, W: Word>(&self, record: Ref<T>, field: Field<T, W>, value: W) {
        value.store(&self.region, record.at() + field.offset as usize);
    }

    /// Adds to a counter, undoably. Counters never pass their bounds while the zone is sound.
    pub(crate) fn add<T>(&self, record: Ref<T>, field: Field<T, u32>, n: u32) {
        self.set(record, field, self.get(record, field).saturating_add(n));
    }

    pub(crate) fn sub<T>(&self, record: Ref<T>, field: Field<T, u32>, n: u32) {
        let value = self.get(record, field);
        if value < n {
            self.region.report_damage();
        }
        self.set(record, field, value.saturating_sub(n));
    }

    pub(crate) fn add64<T>(&self, record: Ref<T>, field: Field<T, u64>, n: u64) {
        self.set(record, field, self.get(record, field).saturating_add(n));
    }

    pub(crate) fn sub64<T>(&self, record: Ref<T>, field: Field<T, u64>, n: u64) {
        let value = self.get(record, field);
        if value < n {
            self.region.report_damage();
        }
        self.set(record, field, value.saturating_sub(n));
    }

    /// A word of a table, by byte offset.
    pub(crate) fn word(&self, at: u32) -> u32 {
        self.region.load32(at as usize)
    }

    pub(crate) fn set_word(&self, at: u32, value: u32) {
        if self.save(at as usize) {
            self.region.store32(at as usize, value);
        }
    }

    /// Saves the 8 bytes around `at`, for a write that follows without journal. False = the journal is full.
    pub(crate) fn save(&self, at: usize) -> bool {
        let Some(entries) = self.entries.get() else {
            debug_assert!(false, "a write outside of a mutation");
            return true;
        };
        if entries >= self.journal_capacity {
            self.region.report_damage();
            return false;
        }
        let at = at & !7;
        let index = entries as usize;
        let Ok(offset) = u32::try_from(at) else {
            self.region.report_damage();
            return false;
        };
        self.region.store32(self.journal_offsets + index * 4, offset);
        self.region.store64(self.journal_words + index * 8, self.region.load64(at));
        // The entry must be in memory before the length that covers it, and the length before the write that it
        // covers. The dying process's own stores become visible in program order, so only the compiler must be held back.
        compiler_fence(Ordering::Release);
        self.region.store32(ROOT.at() + Root::JOURNAL_LEN.offset as usize, entries + 1);
        compiler_fence(Ordering::Release);
        self.entries.set(Some(entries + 1));
        true
    }

    /// Runs a mutation: all of its writes happen, or (error, full journal, death) none.
    pub(crate) fn atomically<T, E>(&self, mutation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        debug_assert!(self.entries.get().is_none(), "mutations do not nest");
        self.entries.set(Some(0));
        self.freed.set(false);
        let result = mutation();
        self.entries.set(None);
        if result.is_ok() {
            self.commit();
        } else {
            self.undo();
        }
        result
    }

    /// The same for a mutation that cannot fail.
    pub(crate) fn always<T>(&self, mutation: impl FnOnce() -> T) -> T {
        match self.atomically(|| Ok::<T, core::convert::Infallible>(mutation())) {
            Ok(value) => value,
            Err(never) => match never {},
        }
    }

    fn commit(&self) {
        compiler_fence(Ordering::Release);
        self.region.store32(ROOT.at() + Root::JOURNAL_LEN.offset as usize, 0);
        compiler_fence(Ordering::Release);
    }

    /// Whether somebody died in the middle of a mutation.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.get(ROOT, Root::JOURNAL_LEN) != 0
    }

    /// Puts the old words back. May itself be interrupted and started again. False = the journal is damaged.
    pub(crate) fn undo(&self) -> bool {
        let entries = self.get(ROOT, Root::JOURNAL_LEN);
        self.entries.set(None);
        if entries > self.journal_capacity {
            return false;
        }
        for index in (0..entries as usize).rev() {
            let at = self.region.load32(self.journal_offsets + index * 4) as usize;
            self.region.store64(at, self.region.load64(self.journal_words + index * 8));
        }
        self.commit();
        true
    }

    /// Notes that the mutation under way has freed a block: it must not allocate any more.
    pub(crate) fn note_freed(&self) {
        self.freed.set(true);
    }

    pub(crate) fn has_freed(&self) -> bool {
        self.freed.get()
    }
}
