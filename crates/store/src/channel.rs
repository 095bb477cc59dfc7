//! The life of a channel: created, active, deleted ("in delete"), in the trash (a statistic), gone.

use crate::layout::{Channel, DELETED, Field, Interest, KEPT, Ref, Root, TRASH_SECONDS, UNORDERED};
use crate::space::NoMemory;
use crate::zone::{ROOT, Zone};
use crate::{Parts, WakeSet};

/// Seconds that a deleted channel is counted as "in delete", at least (it may be a second more).
const IN_DELETE_SECONDS: u32 = 2;
/// Seconds that a channel that is gone is counted as "in trash".
const IN_TRASH_SECONDS: u32 = 10;
/// Messages of a deleted channel that are freed in the lock span of the deletion itself; the sweep frees the rest.
const PURGE_AT_ONCE: u32 = 1024;

/// Is told the ids of channels that go.
type Gone<'g> = &'g mut dyn FnMut(&[u8]);

/// A pair of the trash statistics: the second, and the channels that went in it.
fn trash_at(index: u32) -> (Field<Root, u32>, Field<Root, u32>) {
    (Root::TRASH.element(index * 2), Root::TRASH.element(index * 2 + 1))
}

impl Zone {
    /// Creates a channel that becomes idle after `inactivity` seconds; a mutation.
    pub(crate) fn create(
        &self,
        id: &[u8],
        wildcard: bool,
        inactivity: u32,
        now: u32,
    ) -> Result<Ref<Channel>, NoMemory> {
        self.atomically(|| {
            let now = self.time(now);
            let channel = self.insert_channel(id, wildcard, now)?;
            self.schedule(channel, now.saturating_add(inactivity).saturating_add(1));
            Ok(channel)
        })
    }

    /// Whether this is a channel that stays; reports damage if not.
    pub(crate) fn is_kept(&self, channel: Ref<Channel>) -> bool {
        let kept = self.is(channel) && self.get(channel, Channel::FLAGS) & KEPT != 0;
        if !kept {
            self.region.report_damage();
        }
        kept
    }

    /// Deletes a living channel: out of the directory at once, its workers told, its messages freed.
    pub(crate) fn delete(
        &self,
        channel: Ref<Channel>,
        farewell: &[u8],
        now: u32,
        wake: &mut WakeSet,
    ) -> Result<(), NoMemory> {
        self.atomically(|| {
            if self.get(channel, Channel::INTERESTS).is_some() {
                let content = self.new_content(&Parts { text: farewell, ..Parts::default() })?;
                self.set(channel, Channel::FAREWELL, content);
            }
            self.advance_clock(now);
            self.unlink_channel(channel);
            self.set(channel, Channel::FLAGS, self.get(channel, Channel::FLAGS) | DELETED);
            let now = self.time(now);
            // From now on the second, and the clock, of the deletion.
            self.set(channel, Channel::ACTIVE, now);
            self.set(channel, Channel::WHOLE_AFTER, self.clock().to_u64());
            self.add(ROOT, Root::CHANNELS_IN_DELETE, 1);
            self.schedule(channel, now.saturating_add(1));
            let first = self.get(channel, Channel::INTERESTS);
            for interest in self.walk(first, Interest::CHANNEL_NEXT) {
                self.post(interest, wake);
            }
            Ok(())
        })?;
        self.purge(channel, &mut PURGE_AT_ONCE.clone());
        Ok(())
    }

    /// Frees the messages of a deleted channel. They stay counted as stored until the channel is gone.
    fn purge(&self, channel: Ref<Channel>, budget: &mut u32) -> bool {
        while let Some(oldest) = self.get(channel, Channel::OLDEST).some() {
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            self.drop_stored(channel, oldest, false);
        }
        true
    }

    /// What the sweep does with a channel that is due.
    ///
    /// `inactivity`: seconds after which an unused channel goes. `gone` is told the ids of channels that go; without it none goes for now.
    pub(crate) fn look_after(
        &self,
        channel: Ref<Channel>,
        inactivity: u32,
        now: u32,
        budget: &mut u32,
        gone: Option<Gone<'_>>,
    ) {
        *budget = budget.saturating_sub(1);
        if self.get(channel, Channel::FLAGS) & DELETED != 0 {
            if !self.purge(channel, budget) {
                return;
            }
            let since = self.get(channel, Channel::ACTIVE);
            let end = since.saturating_add(IN_DELETE_SECONDS + 1);
            // Before the deletion it can only be because the clock has been put back.
            if (since..end).contains(&now) || self.get(channel, Channel::INTERESTS).is_some() {
                self.always(|| self.schedule(channel, end.max(now.saturating_add(1))));
                return;
            }
            self.let_go(channel, now, gone, || {
                self.sub(ROOT, Root::CHANNELS_IN_DELETE, 1);
            });
            return;
        }
        if !self.expire(channel, now, budget) {
            return;
        }
        let idle_from =
            self.get(channel, Channel::ACTIVE).saturating_add(inactivity).saturating_add(1);
        let flags = self.get(channel, Channel::FLAGS);
        let used = self.get(channel, Channel::INTERESTS).is_some() || flags & KEPT != 0;
        match self.next_expiry(channel) {
            Some((expiry, ordered)) => self.always(|| {
                self.schedule(channel, expiry);
                if ordered && flags & UNORDERED != 0 {
                    self.set(channel, Channel::FLAGS, flags & !UNORDERED);
                }
            }),
            None if used => self.always(|| self.unschedule(channel)),
            None if gone.is_none() => {
                self.always(|| self.schedule(channel, now.saturating_add(1)));
            }
            None if now < idle_from => self.always(|| self.schedule(channel, idle_from)),
            None => self.let_go(channel, now, gone, || self.unlink_channel(channel)),
        }
    }

    /// Ends a channel that nobody needs, after `unlink`; later, where nobody is to be told of it.
    fn let_go(
        &self,
        channel: Ref<Channel>,
        now: u32,
        gone: Option<Gone<'_>>,
        unlink: impl FnOnce(),
    ) {
        let Some(gone) = gone else {
            self.always(|| self.schedule(channel, now.saturating_add(1)));
            return;
        };
        gone(self.id(channel));
        self.always(|| {
            unlink();
            self.bury(channel, now);
        });
    }

    /// Expires the messages that are due at `now`; channels stay.
    pub(crate) fn expire_due(&self, now: u32, budget: &mut u32) {
        self.follow_back(now);
        let now = self.time(now);
        while let Some(channel) = self.next_due(now, budget) {
            self.look_after(channel, 0, now, budget, None);
        }
    }

    /// Frees the record of a channel that nobody can reach any more; part of a mutation.
    fn bury(&self, channel: Ref<Channel>, now: u32) {
        self.unschedule(channel);
        self.sub64(ROOT, Root::STORED, u64::from(self.get(channel, Channel::STORED)));
        if let Some(farewell) = self.get(channel, Channel::FAREWELL).some() {
            self.release(farewell);
        }
        let (second, channels) = trash_at(now % TRASH_SECONDS);
        if self.get(ROOT, second) == now {
            self.add(ROOT, channels, 1);
        } else {
            self.set(ROOT, second, now);
            self.set(ROOT, channels, 1);
        }
        self.release(channel);
    }

    /// Channels that went in the last seconds.
    pub(crate) fn channels_in_trash(&self, now: u32) -> u32 {
        (0..TRASH_SECONDS)
            .map(trash_at)
            .filter(|(second, _)| now.saturating_sub(self.get(ROOT, *second)) < IN_TRASH_SECONDS)
            .map(|(_, channels)| self.get(ROOT, channels))
            .fold(0, u32::saturating_add)
    }
}
