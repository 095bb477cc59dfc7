//! A drain: who is ended when, so that it is spread evenly over a time.

use std::collections::VecDeque;

use crate::tables::SubscriberKey;

/// Subscribers that are to be ended within a time; times in milliseconds of nginx's clock.
pub(crate) struct Drain {
    since: u64,
    msec: u64,
    /// Who was there, in the order in which they are ended.
    keys: VecDeque<SubscriberKey>,
    /// How many that were.
    count: usize,
}

impl Drain {
    pub(crate) fn new(keys: VecDeque<SubscriberKey>, since: u64, msec: u64) -> Self {
        Self { since, msec, count: keys.len(), keys }
    }

    /// How many may be left at this moment. Who goes by itself counts too.
    pub(crate) fn allowed(&self, now: u64) -> usize {
        let left = self.msec.saturating_sub(now.saturating_sub(self.since));
        // Rounded up: nobody goes before their time, and 0 is the end.
        let allowed =
            (u128::from(left) * self.count as u128).div_ceil(u128::from(self.msec.max(1)));
        usize::try_from(allowed).unwrap_or(usize::MAX)
    }

    /// The next of those who were there in the beginning.
    pub(crate) fn next(&mut self) -> Option<SubscriberKey> {
        self.keys.pop_front()
    }
}
