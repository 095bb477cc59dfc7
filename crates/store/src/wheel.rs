//! The due wheel: which channels the sweep has to look at in which second.
//!
//! Four levels of 64 slots (1 s, 64 s, 68 min, 3 days each); a channel is linked in at most one. Its due second
//! is never later than the true one (expiry of its oldest message, inactivity, end of the "in delete" state), but may be
//! earlier: activity only postpones, so it costs nothing; the sweep computes the true second when it comes by.

use crate::layout::{Channel, GRANULE32, Ref, Root, WHEEL_SLOTS};
use crate::zone::{ROOT, Zone};

const SLOT_BITS: u32 = 6;
const SLOT_MASK: u32 = 63;
/// Seconds the wheel spans.
const SPAN: u32 = 1 << (4 * SLOT_BITS);
/// Seconds by which a clock may go back unnoticed: adjustments, and processes that know the time from different moments.
const TOLERANCE: u32 = 60;

/// The slot of a level for a second.
pub(crate) const fn slot_of(level: u32, second: u32) -> u32 {
    level << SLOT_BITS | (second >> (level * SLOT_BITS)) & SLOT_MASK
}

/// Byte offset of the word that leads from a channel to the next one of its slot.
pub(crate) const fn due_next_at(channel: Ref<Channel>) -> u32 {
    channel.0.saturating_mul(GRANULE32).saturating_add(Channel::DUE_NEXT.offset)
}

impl Zone {
    /// The time by which channels and messages age: `now`, but it does not go back by a little.
    pub(crate) fn time(&self, now: u32) -> u32 {
        let wheel = self.get(ROOT, Root::WHEEL_TIME);
        if (now..=now.saturating_add(TOLERANCE)).contains(&wheel) { wheel } else { now }
    }

    /// Lets the wheel follow a clock that has been put back by more than a little; a mutation.
    ///
    /// What is linked stays linked and is looked at when its slot comes by: too early, or as late as the clock was wrong.
    pub(crate) fn follow_back(&self, now: u32) {
        if self.time(now) < self.get(ROOT, Root::WHEEL_TIME) {
            self.always(|| {
                self.set(ROOT, Root::WHEEL_TIME, now);
                self.set(ROOT, Root::WHEEL_BUSY, 0);
            });
        }
    }

    /// Byte offset of the head of a slot.
    pub(crate) fn wheel_at(&self, slot: u32) -> u32 {
        self.tables.wheel + slot.min(WHEEL_SLOTS - 1) * 4
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
        let head = self.wheel_at(slot_of(level, due));
        let next: Ref<Channel> = Ref::new(self.word(head));
        self.set(channel, Channel::DUE, due);
        self.set(channel, Channel::DUE_NEXT, next);
        self.set(channel, Channel::DUE_FROM, head);
        if let Some(next) = next.some() {
            self.set(next, Channel::DUE_FROM, due_next_at(channel));
        }
        self.set_word(head, channel.0);
    }

    /// The same, if the channel is not due before anyway.
    pub(crate) fn schedule_by(&self, channel: Ref<Channel>, due: u32) {
        let known = self.get(channel, Channel::DUE);
        if known == 0 || known > due {
            self.schedule(channel, due);
        }
    }

    /// Makes the sweep look at the channel when it comes by next.
    pub(crate) fn schedule_soon(&self, channel: Ref<Channel>) {
        self.schedule_by(channel, self.get(ROOT, Root::WHEEL_TIME).saturating_add(1));
    }

    pub(crate) fn unschedule(&self, channel: Ref<Channel>) {
        if self.get(channel, Channel::DUE) == 0 {
            return;
        }
        let next = self.get(channel, Channel::DUE_NEXT);
        let from = self.get(channel, Channel::DUE_FROM);
        if let Some(next) = next.some() {
            self.set(next, Channel::DUE_FROM, from);
        }
        if self.word(from) == channel.0 {
            self.set_word(from, next.0);
        } else {
            self.region.report_damage();
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
                let next = self.next_stop(time, now);
                self.always(|| {
                    self.set(ROOT, Root::WHEEL_TIME, next);
                    self.set(ROOT, Root::WHEEL_BUSY, 1);
                });
                continue;
            }
            for level in (1..4).rev() {
                if time & ((1 << (level * SLOT_BITS)) - 1) != 0 {
                    continue;
                }
                let slot = slot_of(level, time);
                while let Some(channel) = self.first_in(slot) {
                    if *budget == 0 {
                        return None;
                    }
                    *budget -= 1;
                    self.always(|| self.schedule(channel, self.get(channel, Channel::DUE)));
                    if self.word(self.wheel_at(slot)) == channel.0 {
                        // It would be moved for ever.
                        self.region.report_damage();
                        return None;
                    }
                }
            }
            if let Some(due) = self.first_in(time & SLOT_MASK) {
                return (*budget > 0).then_some(due);
            }
            self.put(ROOT, Root::WHEEL_BUSY, 0);
        }
    }

    /// The first channel in a slot of the wheel, unless its links are damaged.
    fn first_in(&self, slot: u32) -> Option<Ref<Channel>> {
        let channel = Ref::<Channel>::new(self.word(self.wheel_at(slot))).some()?;
        let sound = self.get(channel, Channel::DUE) != 0
            && self.get(channel, Channel::DUE_FROM) == self.wheel_at(slot);
        if !sound {
            self.region.report_damage();
        }
        sound.then_some(channel)
    }

    /// The first second after `time`, up to `now`, for which something is linked; `now` if there is none.
    /// So the wheel comes round quickly after the machine has slept or its clock has been set.
    fn next_stop(&self, time: u32, now: u32) -> u32 {
        if now - time <= 1 {
            return now;
        }
        let mut next = now;
        for level in 0..4 {
            // The present slot of a level is in use for the next turn.
            for step in 1..=SLOT_MASK + 1 {
                let turn = u64::from(time >> (level * SLOT_BITS)) + u64::from(step);
                let at = turn << (level * SLOT_BITS);
                let Ok(second) = u32::try_from(at) else { break };
                if second >= next {
                    break;
                }
                if self.word(self.wheel_at(slot_of(level, second))) != 0 {
                    next = second;
                    break;
                }
            }
        }
        next
    }
}
