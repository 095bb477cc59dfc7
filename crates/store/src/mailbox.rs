//! Worker slots, interests and mailboxes: who has subscribers where, and who has been told of news.
//!
//! An **interest** says "this worker has subscribers on this channel". It is allocated when the first of them
//! subscribes, and it is itself the link in the worker's mailbox, so noting news cannot fail and a mailbox cannot
//! overflow. It points at the first message that the worker has not taken; every message counts the workers that
//! have still to take it. When a worker dies, whoever clears its slot takes the messages in its place.

use crate::WakeSet;
use crate::layout::{Channel, DELETED, GRANULE, GRANULE32, Interest, Message, Ref, Slot};
use crate::space::NoMemory;
use crate::zone::Zone;

/// Granules of a slot in its table.
const SLOT_GRANULES: u32 = 26;
const _: () = assert!(SLOT_GRANULES as usize * GRANULE == Slot::LEN);

impl Zone {
    /// The slot of a process slot number, if the zone has one for it.
    pub(crate) fn slot(&self, index: usize) -> Option<Ref<Slot>> {
        let index = u32::try_from(index).ok()?;
        (index < self.tables.slot_count).then(|| self.slot_at(index))
    }

    /// What stands behind the last slot: the counts of the workers that have gone.
    pub(crate) fn departed(&self) -> Ref<Slot> {
        self.slot_at(self.tables.slot_count)
    }

    fn slot_at(&self, index: u32) -> Ref<Slot> {
        Ref::new(self.tables.slots / GRANULE32 + index * SLOT_GRANULES)
    }

    /// Puts an interest into its worker's mailbox; part of a mutation.
    pub(crate) fn post(&self, interest: Ref<Interest>, wake: &mut WakeSet) {
        let index = self.get(interest, Interest::SLOT) as usize;
        let Some(slot) = self.slot(index) else {
            self.region.report_damage();
            return;
        };
        if self.get(interest, Interest::NOTED) == 0 {
            let last = self.get(slot, Slot::MAIL_LAST);
            self.set(interest, Interest::NOTED, 1);
            self.set(interest, Interest::MAIL_NEXT, Ref::NONE);
            self.set(interest, Interest::MAIL_PREV, last);
            match last.some() {
                Some(last) => self.set(last, Interest::MAIL_NEXT, interest),
                None => self.set(slot, Slot::MAIL_FIRST, interest),
            }
            self.set(slot, Slot::MAIL_LAST, interest);
        }
        if self.get(slot, Slot::TOLD) == 0 {
            self.set(slot, Slot::TOLD, 1);
            wake.insert(index);
        }
    }

    /// Takes an interest out of the mailbox; part of a mutation.
    pub(crate) fn unpost(&self, interest: Ref<Interest>) {
        if self.get(interest, Interest::NOTED) == 0 {
            return;
        }
        let Some(slot) = self.slot(self.get(interest, Interest::SLOT) as usize) else {
            self.region.report_damage();
            return;
        };
        let next = self.get(interest, Interest::MAIL_NEXT);
        let prev = self.get(interest, Interest::MAIL_PREV);
        match next.some() {
            Some(next) => self.set(next, Interest::MAIL_PREV, prev),
            None => self.set(slot, Slot::MAIL_LAST, prev),
        }
        match prev.some() {
            Some(prev) => self.set(prev, Interest::MAIL_NEXT, next),
            None => self.set(slot, Slot::MAIL_FIRST, next),
        }
        self.set(interest, Interest::NOTED, 0);
    }

    /// The worker's interest in a channel.
    pub(crate) fn interest(&self, channel: Ref<Channel>, slot: u32) -> Option<Ref<Interest>> {
        self.walk(self.get(channel, Channel::INTERESTS), Interest::CHANNEL_NEXT)
            .find(|interest| self.get(*interest, Interest::SLOT) == slot)
    }

    /// Counts `n` subscribers more of the worker on the channel; a mutation.
    pub(crate) fn attach(
        &self,
        channel: Ref<Channel>,
        index: u32,
        n: u32,
    ) -> Result<Ref<Interest>, NoMemory> {
        let slot = self.slot(index as usize).ok_or(NoMemory)?;
        self.atomically(|| {
            let interest = match self.interest(channel, index) {
                Some(interest) => interest,
                None => {
                    let interest: Ref<Interest> = self.allocate(Interest::LEN)?;
                    self.region.zero(interest.at() + 8, Interest::LEN - 8);
                    self.init(interest, Interest::CHANNEL, channel);
                    self.init(interest, Interest::SLOT, index);
                    self.init(
                        interest,
                        Interest::CHANNEL_NEXT,
                        self.get(channel, Channel::INTERESTS),
                    );
                    self.set(channel, Channel::INTERESTS, interest);
                    let next = self.get(slot, Slot::INTERESTS);
                    self.init(interest, Interest::SLOT_NEXT, next);
                    if let Some(next) = next.some() {
                        self.set(next, Interest::SLOT_PREV, interest);
                    }
                    self.set(slot, Slot::INTERESTS, interest);
                    interest
                }
            };
            self.add(interest, Interest::SUBSCRIBERS, n);
            self.add(channel, Channel::SUBSCRIBERS, n);
            Ok(interest)
        })
    }

    /// Counts `n` subscribers less; the interest is freed with its last one. A few mutations.
    pub(crate) fn detach(&self, interest: Ref<Interest>, n: u32) {
        let channel = self.get(interest, Interest::CHANNEL);
        if self.get(interest, Interest::SUBSCRIBERS) > n {
            self.always(|| {
                self.sub(interest, Interest::SUBSCRIBERS, n);
                self.sub(channel, Channel::SUBSCRIBERS, n);
            });
            return;
        }
        // With nobody left to deliver to, what the worker has not taken is taken now.
        let mut steps = self.steps();
        while self.get(interest, Interest::UNTAKEN).is_some() && self.step(&mut steps) {
            self.take_one(interest);
        }
        self.always(|| {
            let subscribers = self.get(interest, Interest::SUBSCRIBERS);
            self.sub(channel, Channel::SUBSCRIBERS, subscribers);
            self.unpost(interest);
            self.unlink_interest(channel, interest);
            self.release(interest);
            if self.get(channel, Channel::INTERESTS).is_none() {
                // The channel may have become idle. (If it is deleted, the sweep looks anyway.)
                if self.get(channel, Channel::FLAGS) & DELETED == 0 {
                    self.schedule_soon(channel);
                }
            }
        });
    }

    fn unlink_interest(&self, channel: Ref<Channel>, interest: Ref<Interest>) {
        let next = self.get(interest, Interest::CHANNEL_NEXT);
        let first = self.get(channel, Channel::INTERESTS);
        if first == interest {
            self.set(channel, Channel::INTERESTS, next);
        } else {
            let before = self
                .walk(first, Interest::CHANNEL_NEXT)
                .find(|other| self.get(*other, Interest::CHANNEL_NEXT) == interest);
            match before {
                Some(before) => self.set(before, Interest::CHANNEL_NEXT, next),
                None => self.region.report_damage(),
            }
        }
        let next = self.get(interest, Interest::SLOT_NEXT);
        let prev = self.get(interest, Interest::SLOT_PREV);
        if let Some(next) = next.some() {
            self.set(next, Interest::SLOT_PREV, prev);
        }
        match prev.some() {
            Some(prev) => self.set(prev, Interest::SLOT_NEXT, next),
            None => {
                if let Some(slot) = self.slot(self.get(interest, Interest::SLOT) as usize) {
                    self.set(slot, Slot::INTERESTS, next);
                }
            }
        }
    }

    /// Takes one interest out of the worker's mailbox; with the last one, "told" ends. A mutation.
    pub(crate) fn open_mail(&self, slot: Ref<Slot>) -> Option<Ref<Interest>> {
        let first = self.get(slot, Slot::MAIL_FIRST);
        if first.is_none() && self.get(slot, Slot::TOLD) == 0 {
            return None;
        }
        self.always(|| match first.some() {
            Some(interest) => {
                self.unpost(interest);
                Some(interest)
            }
            None => {
                self.set(slot, Slot::TOLD, 0);
                None
            }
        })
    }

    /// Whether a message is due to the worker up to and including `upto`.
    pub(crate) fn has_untaken(&self, interest: Ref<Interest>, upto: u64) -> bool {
        let record = self.get(interest, Interest::UNTAKEN);
        record.is_some() && self.get(record, Message::CURSOR) <= upto
    }

    /// Ends up to `budget` of a dead worker's interests. True = none is left and the slot is free.
    pub(crate) fn clear_slot(
        &self,
        slot: Ref<Slot>,
        budget: &mut u32,
        left: &mut dyn FnMut(&[u8], u32),
    ) -> bool {
        while let Some(interest) = self.get(slot, Slot::INTERESTS).some() {
            // Untaken messages count too: there may be many.
            while self.get(interest, Interest::UNTAKEN).is_some() {
                if *budget == 0 {
                    return false;
                }
                *budget -= 1;
                self.take_one(interest);
            }
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            let channel = self.get(interest, Interest::CHANNEL);
            left(self.id(channel), self.get(interest, Interest::SUBSCRIBERS));
            self.detach(interest, u32::MAX);
            if self.get(slot, Slot::INTERESTS) == interest {
                self.region.report_damage();
                return false;
            }
        }
        self.always(|| {
            self.set(slot, Slot::PID, 0);
            self.set(slot, Slot::SUBSCRIBERS, 0);
            self.set(slot, Slot::TOLD, 0);
            self.set(slot, Slot::MAIL_FIRST, Ref::NONE);
            self.set(slot, Slot::MAIL_LAST, Ref::NONE);
            self.hand_over_counts(slot);
            self.set(slot, Slot::GENERATION, self.get(slot, Slot::GENERATION).wrapping_add(1));
        });
        true
    }
}
