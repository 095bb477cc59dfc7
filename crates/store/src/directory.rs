//! The directory of living channels: find one by id, list them in creation order.
//!
//! A hash table of fixed size (about one bucket for a kilobyte of zone) with chains; the hash is keyed, since
//! clients choose the ids. Deleted channels are not in the directory.

use core::hash::Hasher;

use siphasher::sip::SipHasher13;

use crate::layout::{Channel, Ref, Root, WILDCARD};
use crate::space::NoMemory;
use crate::zone::{ROOT, Zone};

/// The high half of a hash: as good as the low one.
pub(crate) fn half(hasher: &SipHasher13) -> u32 {
    u32::try_from(hasher.finish() >> 32).unwrap_or(0)
}

impl Zone {
    pub(crate) fn hash(&self, id: &[u8]) -> u32 {
        let mut hasher = self.hasher();
        hasher.write(id);
        half(&hasher)
    }

    pub(crate) fn hasher(&self) -> SipHasher13 {
        let key = (self.get(ROOT, Root::HASH_KEY_0), self.get(ROOT, Root::HASH_KEY_1));
        SipHasher13::new_with_keys(key.0, key.1)
    }

    /// Byte offset of the bucket for a hash.
    pub(crate) fn bucket(&self, hash: u32) -> u32 {
        self.tables.buckets + (hash & ((1 << self.tables.bucket_bits) - 1)) * 4
    }

    pub(crate) fn id(&self, channel: Ref<Channel>) -> &[u8] {
        let len = self.get(channel, Channel::ID_LEN) as usize;
        self.region.bytes(channel.at() + Channel::LEN, len)
    }

    pub(crate) fn find(&self, id: &[u8]) -> Option<Ref<Channel>> {
        let hash = self.hash(id);
        self.walk(Ref::new(self.word(self.bucket(hash))), Channel::HASH_NEXT)
            .find(|channel| self.id(*channel) == id)
    }

    /// Creates a channel, linked into the directory; part of a mutation.
    pub(crate) fn insert_channel(
        &self,
        id: &[u8],
        wildcard: bool,
        now: u32,
    ) -> Result<Ref<Channel>, NoMemory> {
        let id_len = u32::try_from(id.len()).map_err(|_| NoMemory)?;
        let bytes = Channel::LEN.checked_add(id.len()).ok_or(NoMemory)?;
        let channel: Ref<Channel> = self.allocate(bytes)?;
        self.region.zero(channel.at() + 8, Channel::LEN - 8);
        self.region.copy_in(channel.at() + Channel::LEN, id);

        let creation = self.get(ROOT, Root::CREATIONS).saturating_add(1);
        self.set(ROOT, Root::CREATIONS, creation);
        let hash = self.hash(id);
        self.init(channel, Channel::ID_LEN, id_len);
        self.init(channel, Channel::CREATION, creation);
        self.init(channel, Channel::FLAGS, if wildcard { WILDCARD } else { 0 });
        self.init(channel, Channel::ACTIVE, now);
        self.init(channel, Channel::WHOLE_AFTER, self.clock().to_u64());

        let bucket = self.bucket(hash);
        self.init(channel, Channel::HASH_NEXT, Ref::new(self.word(bucket)));
        self.set_word(bucket, channel.0);

        let last = self.get(ROOT, Root::CHANNELS_LAST);
        self.init(channel, Channel::LIST_PREV, last);
        match last.some() {
            Some(last) => self.set(last, Channel::LIST_NEXT, channel),
            None => self.set(ROOT, Root::CHANNELS_FIRST, channel),
        }
        self.set(ROOT, Root::CHANNELS_LAST, channel);
        self.add(ROOT, if wildcard { Root::WILDCARD_CHANNELS } else { Root::CHANNELS }, 1);
        Ok(channel)
    }

    /// Takes a channel out of the directory; part of a mutation.
    pub(crate) fn unlink_channel(&self, channel: Ref<Channel>) {
        if self.get(ROOT, Root::KEPT_CHANNEL) == channel {
            self.set(ROOT, Root::KEPT_CHANNEL, Ref::NONE);
        }
        if self.get(ROOT, Root::GAVE_LAST) == channel {
            self.set(ROOT, Root::GAVE_LAST, Ref::NONE);
        }
        let next = self.get(channel, Channel::HASH_NEXT);
        let bucket = self.bucket(self.hash(self.id(channel)));
        let first: Ref<Channel> = Ref::new(self.word(bucket));
        if first == channel {
            self.set_word(bucket, next.0);
        } else {
            let before = self
                .walk(first, Channel::HASH_NEXT)
                .find(|other| self.get(*other, Channel::HASH_NEXT) == channel);
            match before {
                Some(before) => self.set(before, Channel::HASH_NEXT, next),
                None => self.region.report_damage(),
            }
        }

        let next = self.get(channel, Channel::LIST_NEXT);
        let prev = self.get(channel, Channel::LIST_PREV);
        match next.some() {
            Some(next) => self.set(next, Channel::LIST_PREV, prev),
            None => self.set(ROOT, Root::CHANNELS_LAST, prev),
        }
        match prev.some() {
            Some(prev) => self.set(prev, Channel::LIST_NEXT, next),
            None => self.set(ROOT, Root::CHANNELS_FIRST, next),
        }
        let wildcard = self.get(channel, Channel::FLAGS) & WILDCARD != 0;
        self.sub(ROOT, if wildcard { Root::WILDCARD_CHANNELS } else { Root::CHANNELS }, 1);
    }
}

/// Where a listing of all channels stands between two batches.
///
/// A batch resumes behind the last channel listed. Should that one have gone meanwhile, behind the one listed
/// before it, and so on; if all of the remembered ones have gone, the list is walked from its beginning.
#[derive(Debug, Default)]
pub struct Listing {
    /// Creation number of the last channel listed.
    creation: u64,
    /// Ids of the last channels listed, the newest last.
    recent: Vec<Vec<u8>>,
}

/// Channels that a listing remembers to resume from.
const REMEMBERED: usize = 8;

impl Zone {
    /// Calls `visit` with up to `max` further channels in creation order. False = there are no more.
    pub(crate) fn list(
        &self,
        listing: &mut Listing,
        max: usize,
        mut visit: impl FnMut(Ref<Channel>),
    ) -> bool {
        let mut visited = 0;
        for channel in self.walk(self.resume(listing), Channel::LIST_NEXT) {
            if visited == max {
                return true;
            }
            let creation = self.get(channel, Channel::CREATION);
            if creation <= listing.creation {
                continue;
            }
            visit(channel);
            listing.creation = creation;
            visited += 1;
            if visited + REMEMBERED > max {
                if listing.recent.len() == REMEMBERED {
                    listing.recent.remove(0);
                }
                listing.recent.push(self.id(channel).to_vec());
            }
        }
        false
    }

    fn resume(&self, listing: &mut Listing) -> Ref<Channel> {
        while let Some(id) = listing.recent.pop() {
            if let Some(channel) = self.find(&id)
                && self.get(channel, Channel::CREATION) <= listing.creation
            {
                return self.get(channel, Channel::LIST_NEXT);
            }
        }
        self.get(ROOT, Root::CHANNELS_FIRST)
    }
}
