//! The due wheel: which channels the sweep has to look at in which second.
//!
//! Four levels of 64 slots (1 s, 64 s, 68 min, 3 days each); a channel is linked in at most one. Its due second
//! is never later than the true one (expiry of its oldest message, inactivity, end of the "in delete" state), but may be
//! earlier: activity only postpones, so it costs nothing; the sweep computes the true second when it comes by.

use crate::layout::{Channel, Ref, Root};
use crate::zone::{ROOT, Zone};

const SLOT_BITS: u32 = 6;
const SLOT_MASK: u32 = 63;
/// Seconds the wheel spans.
const SPAN: u32 = 1 << (4 * SLOT_BITS);

impl Zone {
    fn wheel_at(&self, slot: u32) -> u32 {
        self.get(ROOT, Root::WHEEL) + slot * 4
    }

    /// Makes the sweep look at the channel at `due` (seconds since the epoch) or as soon after as it can.
    pub(crate) fn schedule(&self, channel: Ref<Channel>, due: u32) {
        self.unschedule(channel);
        let time = self.get(ROOT, Root::WHEEL_TIME);
        // The slot of the present second is worked off no more, unless it is being worked off right now.
        let soonest = time.saturating_add(1 - self.get(ROOT, Root::WHEEL_BUSY).min(1));
        let due = due.clamp(soonest, time.saturating_add(SPAN - 1)).max(1);
        let level = match due - time {
            0..64 => 0,
            64..0x1000 => 1,
            0x1000..0x4_0000 => 2,
            _ => 3,
        };
        let slot = level << SLOT_BITS | (due >> (level * SLOT_BITS)) & SLOT_MASK;
        let next: Ref<Channel> = Ref::new(self.word(self.wheel_at(slot)));
        self.set(channel, Channel::DUE, due);
        self.set(channel, Channel::DUE_SLOT, slot);
        self.set(channel, Channel::DUE_NEXT, next);
        self.set(channel, Channel::DUE_PREV, Ref::NONE);
        if let Some(next) = next.some() {
            self.set(next, Channel::DUE_PREV, channel);
        }
        self.set_word(self.wheel_at(slot), channel.0);
    }

    /// The same, if the channel is not due before anyway.
    pub(crate) fn schedule_by(&self, channel: Ref<Channel>, due: u32) {
        let known = self.get(channel, Channel::DUE);
        if known == 0 || known > due {
            self.schedule(channel, due);
        }
    }

    pub(crate) fn unschedule(&self, channel: Ref<Channel>) {
        if self.get(channel, Channel::DUE) == 0 {
            return;
        }
        let next = self.get(channel, Channel::DUE_NEXT);
        let prev = self.get(channel, Channel::DUE_PREV);
        if let Some(next) = next.some() {
            self.set(next, Channel::DUE_PREV, prev);
        }
        match prev.some() {
            Some(prev) => self.set(prev, Channel::DUE_NEXT, next),
            None => {
                self.set_word(self.wheel_at(self.get(channel, Channel::DUE_SLOT)), next.0);
            }
        }
        self.set(channel, Channel::DUE, 0);
    }

    /// Moves the wheel towards `now` until a channel is due; `None` when it has come to `now`.
    ///
    /// `budget` counts the steps (seconds, channels moved between levels); at 0 the call returns `None` too.
    pub(crate) fn next_due(&self, now: u32, budget: &mut u32) -> Option<Ref<Channel>> {
        loop {
            let time = self.get(ROOT, Root::WHEEL_TIME);
            if self.get(ROOT, Root::WHEEL_BUSY) == 0 {
                if time >= now || *budget == 0 {
                    return None;
                }
                *budget -= 1;
                self.always(|| {
                    self.set(ROOT, Root::WHEEL_TIME, time + 1);
                    self.set(ROOT, Root::WHEEL_BUSY, 1);
                });
                continue;
            }
            for level in (1..4).rev() {
                if time & ((1 << (level * SLOT_BITS)) - 1) != 0 {
                    continue;
                }
                let slot = level << SLOT_BITS | (time >> (level * SLOT_BITS)) & SLOT_MASK;
                while let Some(channel) = Ref::<Channel>::new(self.word(self.wheel_at(slot))).some()
                {
                    if *budget == 0 {
                        return None;
                    }
                    *budget -= 1;
                    self.always(|| self.schedule(channel, self.get(channel, Channel::DUE)));
                }
            }
            let due = self.word(self.wheel_at(time & SLOT_MASK));
            if due != 0 {
                return (*budget > 0).then(|| Ref::new(due));
            }
            self.always(|| self.set(ROOT, Root::WHEEL_BUSY, 0));
        }
    }
}
