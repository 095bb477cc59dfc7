//! Typed access to the zone, and mutations that happen completely or not at all.
//!
//! Each write inside [`Zone::atomically`] first saves the old word in the **undo journal**, which lies in the
//! zone itself. The end of the mutation is one store (journal length = 0). If the worker dies before, whoever
//! next takes the lock finds a length other than 0 and puts the old words back: the state is what it was before
//! the mutation, whatever the instant of death. An error in the middle is undone the same way, so no operation
//! has to clean up after a failed allocation.
//!
//! Three rules keep the journal short and right:
//! - a mutation of a single word needs none ([`Zone::put`]): no death cuts a word in two;
//! - bytes of a fresh block are written without journal ([`Zone::init`]): nobody can reach them if the mutation is undone;
//! - a mutation never allocates after it has freed, so that a block freed and then undone still has its old bytes.
//!
//! Cost: two stores more per word written; no system call, no flush. The journal need not survive the machine,
//! only the process: what a dead process has stored is visible to the others, in program order.

use core::cell::Cell;
use core::sync::atomic::{Ordering, compiler_fence};

use crate::layout::{Field, GRANULE, MAGIC, Ref, Root, Tables, VERSION};
use crate::raw::{Journal, Region};

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
    /// They never change, so damage in the zone cannot move them.
    pub(crate) tables: Tables,
    journal: Journal,
    /// Journal length of the mutation under way; `None` outside of one.
    entries: Cell<Option<u32>>,
    freed: Cell<bool>,
    /// The mutation under way did not fit into the journal.
    overflowed: Cell<bool>,
}

/// Counts the steps of a walk along links. One of more steps than the zone has granules goes round in circles.
pub(crate) struct Steps(u32);

/// What the root begins with: it also tells a damaged number of slots, from which the positions of the tables follow.
fn magic(slot_count: u32) -> u64 {
    MAGIC ^ u64::from(slot_count)
}

impl Zone {
    pub(crate) fn new(region: Region, tables: Tables) -> Self {
        let journal = region.journal(
            tables.journal_offsets as usize,
            tables.journal_words as usize,
            tables.journal_capacity,
            ROOT.at() + Root::JOURNAL_LEN.offset as usize,
        );
        Self {
            region,
            tables,
            journal,
            entries: Cell::new(None),
            freed: Cell::new(false),
            overflowed: Cell::new(false),
        }
    }

    /// Opens a zone that has been formatted; `None` if it is not one of ours, or of another layout.
    pub(crate) fn open(region: Region) -> Option<Self> {
        let len = region.len();
        // The root is read before the tables are known.
        let root = |field: Field<Root, u32>| region.load32(field.offset as usize);
        let root64 = |field: Field<Root, u64>| region.load64(field.offset as usize);
        let slot_count = root(Root::SLOT_COUNT);
        let known = root64(Root::MAGIC) == magic(slot_count)
            && root(Root::VERSION) == VERSION
            && root64(Root::LEN_BYTES) == len as u64;
        let tables = Tables::compute(len, slot_count).filter(|_| known)?;
        Some(Self::new(region, tables))
    }

    /// Writes into the root what [`Zone::open`] looks at.
    pub(crate) fn sign(&self) {
        self.init(ROOT, Root::VERSION, VERSION);
        self.init(ROOT, Root::LEN_BYTES, self.region.len() as u64);
        self.init(ROOT, Root::SLOT_COUNT, self.tables.slot_count);
        self.init(ROOT, Root::MAGIC, magic(self.tables.slot_count));
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

    /// A mutation of one field, and nothing else: it happens or not, without journal.
    pub(crate) fn put<T, W: Word>(&self, record: Ref<T>, field: Field<T, W>, value: W) {
        debug_assert!(self.entries.get().is_none(), "mutations do not nest");
        value.store(&self.region, record.at() + field.offset as usize);
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

    /// The records of a list, from `first` on. The link of a record is read before the record is handed out,
    /// so that it may be freed.
    pub(crate) fn walk<T>(
        &self,
        first: Ref<T>,
        link: Field<T, Ref<T>>,
    ) -> impl Iterator<Item = Ref<T>> {
        let mut steps = self.steps();
        core::iter::successors(first.some(), move |record| {
            if self.step(&mut steps) { self.get(*record, link).some() } else { None }
        })
    }

    /// For a walk that [`Zone::walk`] does not fit.
    pub(crate) fn steps(&self) -> Steps {
        Steps(u32::try_from(self.region.len() / GRANULE).unwrap_or(u32::MAX))
    }

    /// Whether the walk may go on; reports damage if not.
    pub(crate) fn step(&self, steps: &mut Steps) -> bool {
        match steps.0.checked_sub(1) {
            Some(left) => steps.0 = left,
            None => self.region.report_damage(),
        }
        steps.0 > 0
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

    /// Saves the 8 bytes around `at`, for a write that follows without journal. False = the journal is full, or the place is none.
    pub(crate) fn save(&self, at: usize) -> bool {
        let Some(entries) = self.entries.get() else {
            debug_assert!(false, "a write outside of a mutation");
            return true;
        };
        let saved = self.region.save(&self.journal, entries, at & !7);
        if saved {
            self.entries.set(Some(entries + 1));
        } else if entries >= self.journal.capacity() {
            self.overflowed.set(true);
        }
        saved
    }

    /// Runs a mutation: all of its writes happen, or (error, full journal, death) none.
    pub(crate) fn atomically<T, E>(&self, mutation: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        debug_assert!(self.entries.get().is_none(), "mutations do not nest");
        self.entries.set(Some(0));
        self.freed.set(false);
        self.overflowed.set(false);
        let result = mutation();
        self.entries.set(None);
        if result.is_ok() && !self.overflowed.get() {
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
        if entries > self.tables.journal_capacity {
            return false;
        }
        for index in (0..entries as usize).rev() {
            let at = self.region.load32(self.tables.journal_offsets as usize + index * 4) as usize;
            let word = self.region.load64(self.tables.journal_words as usize + index * 8);
            self.region.store64(at, word);
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
