//! What the workers count, and when messages were published: numbers for statistics, nothing depends on them.
//!
//! Each slot has words that only its own worker writes, without the lock: a counter is a load and a store, no
//! read-modify-write. Clearing the slot (its worker is dead or leaves) adds them to those of the **departed**, in the very
//! mutation that frees the slot, so the sums never go back. What the words mean is up to the service; the store adds them up.
//!
//! Cost: adding to all counters is a load and a store for each that is not 0; the sums a load for each slot and counter.

use crate::Store;
use crate::layout::{COUNTERS, GAUGES, Ref, STORED, Slot};
use crate::rebuild::SANE;
use crate::zone::Zone;

/// An instant: microseconds of a clock that all workers share, modulo 2^31 (35 minutes).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamp(u32);

impl Stamp {
    const BITS: u32 = u32::MAX >> 1;

    /// The stamp of a moment.
    pub fn of(micros: u64) -> Self {
        Self(u32::try_from(micros & u64::from(Self::BITS)).unwrap_or_default())
    }

    /// Microseconds from here to a later moment.
    pub fn until(self, later: Self) -> u32 {
        later.0.wrapping_sub(self.0) & Self::BITS
    }

    /// The word of a message that holds the stamp above its state.
    pub(crate) fn above(self, stored: bool) -> u32 {
        self.0 << 1 | if stored { STORED } else { 0 }
    }

    /// The stamp in such a word.
    pub(crate) fn in_state(state: u32) -> Self {
        Self(state >> 1)
    }
}

/// The sum of two counts that still can be right.
fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(SANE - 1)
}

impl Zone {
    /// The words of a slot's counters.
    fn counts(&self, slot: Ref<Slot>) -> [u64; COUNTERS] {
        let mut counts = [0; COUNTERS];
        for (index, count) in (0..).zip(&mut counts) {
            *count = self.get(slot, Slot::COUNTS.element(index));
        }
        counts
    }

    /// Gives a slot's counts to the departed; part of a mutation.
    pub(crate) fn hand_over_counts(&self, slot: Ref<Slot>) {
        for (index, count) in (0..).zip(self.counts(slot)).filter(|(_, count)| *count != 0) {
            let field = Slot::COUNTS.element(index);
            let before = self.get(self.departed(), field);
            self.set(self.departed(), field, sum(before, count));
            self.set(slot, field, 0);
        }
        for index in (0..).take(GAUGES) {
            self.set(slot, Slot::GAUGES.element(index), 0);
        }
    }

    /// Slots, and the departed.
    fn counting(&self) -> impl Iterator<Item = Ref<Slot>> {
        let slots = (0..self.tables.slot_count as usize).filter_map(|index| self.slot(index));
        slots.chain([self.departed()])
    }

    /// Whether no counter has a value that nobody counts to.
    #[cfg(feature = "fault")]
    pub(crate) fn has_sane_counts(&self) -> bool {
        self.counting().all(|slot| self.counts(slot).iter().all(|count| *count < SANE))
    }

    /// After damage: counters begin anew that cannot be right.
    pub(crate) fn forget_insane_counts(&self) {
        for slot in self.counting() {
            for (index, _) in (0..).zip(self.counts(slot)).filter(|(_, count)| *count >= SANE) {
                self.init(slot, Slot::COUNTS.element(index), 0);
            }
        }
    }
}

impl Store {
    /// Adds to a worker's counters. Lock-free, but for the worker in that slot alone.
    pub fn count(&self, slot: usize, more: &[u64; COUNTERS]) {
        let Some(slot) = self.zone.slot(slot) else { return };
        for (index, more) in (0..).zip(more).filter(|(_, more)| **more != 0) {
            let field = Slot::COUNTS.element(index);
            self.zone.init(slot, field, sum(self.zone.get(slot, field), *more));
        }
    }

    /// Sets a worker's gauges. Lock-free, but for the worker in that slot alone.
    pub fn set_gauges(&self, slot: usize, gauges: &[u32; GAUGES]) {
        let Some(slot) = self.zone.slot(slot) else { return };
        for (index, gauge) in (0..).zip(gauges) {
            self.zone.init(slot, Slot::GAUGES.element(index), *gauge);
        }
    }

    /// What the worker in a slot has counted. Lock-free.
    pub fn worker_counts(&self, slot: usize) -> [u64; COUNTERS] {
        self.zone.slot(slot).map_or([0; COUNTERS], |slot| self.zone.counts(slot))
    }

    /// The gauges of the worker in a slot. Lock-free.
    pub fn worker_gauges(&self, slot: usize) -> [u32; GAUGES] {
        let mut gauges = [0; GAUGES];
        if let Some(slot) = self.zone.slot(slot) {
            for (index, gauge) in (0..).zip(&mut gauges) {
                *gauge = self.zone.get(slot, Slot::GAUGES.element(index));
            }
        }
        gauges
    }

    /// What all workers have counted since the zone was formatted, those that have gone included.
    pub fn counts(&self) -> [u64; COUNTERS] {
        let mut sums = [0u64; COUNTERS];
        for slot in self.zone.counting() {
            for (total, count) in sums.iter_mut().zip(self.zone.counts(slot)) {
                *total = sum(*total, count);
            }
        }
        sums
    }
}
