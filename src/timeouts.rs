//! When something has to happen to which subscriber: pings, ends of connections, ends of long polls.
//!
//! One wheel per worker with one nginx timer, no timer per subscriber. A subscriber is linked at most once, at its
//! next moment or before it: traffic only postpones a ping, so it costs nothing; who comes up too early is linked anew.
//!
//! Cost: inserting and removing take constant time, an idle subscriber one visit per interval.

use std::hash::Hash;
use std::num::NonZeroU64;

use rustc_hash::FxHashSet;

/// Length of a slot in milliseconds: how late a subscriber may be served.
const SLOT_MSEC: u64 = 32;
/// Slots of the wheel (a turn takes 32 s; later moments are visited once a turn).
const SLOTS: u64 = 1024;

/// Moments in milliseconds of nginx's clock, each with a key.
pub(crate) struct Timeouts<K> {
    slots: Vec<FxHashSet<K>>,
    /// The slot up to which all have been served.
    served: u64,
    len: usize,
}

/// Where a key is linked; to be kept beside the key's own state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(NonZeroU64);

impl<K: Copy + Eq + Hash> Timeouts<K> {
    pub(crate) fn new(now: u64) -> Self {
        let slots = (0..SLOTS).map(|_| FxHashSet::default()).collect();
        Self { slots, served: now / SLOT_MSEC, len: 0 }
    }

    /// Links a key to come up at `at`, or as soon after as can be.
    pub(crate) fn insert(&mut self, key: K, at: u64) -> Place {
        let slot = at.div_ceil(SLOT_MSEC).clamp(self.served + 1, self.served + SLOTS - 1);
        if let Some(keys) = self.slots.get_mut(index(slot))
            && keys.insert(key)
        {
            self.len += 1;
        }
        // It is behind one that has been served.
        Place(NonZeroU64::new(slot).unwrap_or(NonZeroU64::MIN))
    }

    pub(crate) fn remove(&mut self, key: K, place: Place) {
        if let Some(keys) = self.slots.get_mut(index(place.0.get()))
            && keys.remove(&key)
        {
            self.len -= 1;
        }
    }

    /// Takes out the keys that have come up at `now`.
    pub(crate) fn due(&mut self, now: u64, due: &mut impl Extend<K>) {
        let end = now / SLOT_MSEC;
        // After a long sleep one turn serves everybody.
        let first = (self.served + 1).max(end.saturating_sub(SLOTS - 1));
        for slot in first..=end {
            if let Some(keys) = self.slots.get_mut(index(slot)) {
                self.len -= keys.len();
                // Not drained: a set that once held everybody would stay as large for good.
                due.extend(std::mem::take(keys));
            }
        }
        self.served = self.served.max(end);
    }

    /// Milliseconds from `now` until the next key comes up; `None` if there is none.
    pub(crate) fn next_in(&self, now: u64) -> Option<u64> {
        if self.len == 0 {
            return None;
        }
        (self.served + 1..self.served + SLOTS)
            .find(|slot| self.slots.get(index(*slot)).is_some_and(|keys| !keys.is_empty()))
            .map(|slot| (slot * SLOT_MSEC).saturating_sub(now).max(1))
    }
}

fn index(slot: u64) -> usize {
    (slot % SLOTS) as usize
}
