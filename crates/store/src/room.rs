//! Room in a full zone: what has expired goes first, then, if that is wanted, the oldest stored messages.
//!
//! Nothing is kept for that in messages or channels. The oldest message is looked for in a sample of channels: all of
//! them if there are few, else those of some neighbouring buckets of the directory. Ids are hashed, so that is
//! a random choice, independent of the age. Each sample gives up its few oldest messages, then comes the next one.

use crate::layout::{Channel, Content, GRANULE, Interest, Message, Ref, Root};
use crate::space::{NoMemory, SMALL};
use crate::zone::{ROOT, Zone};
use crate::{ChannelRef, NewMessage, Parts};

/// What happens when something new finds no room in the zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    #[default]
    Refuse,
    /// The oldest stored messages go, as far as no worker has still to take them.
    EvictOldest,
}

/// Channels in a sample.
const SAMPLE: usize = 64;
/// Channels looked at for a sample, once it has one that can give up messages.
const LOOKED_AT: usize = 256;
/// Messages that a sample gives up before the next one is taken.
const GIVEN_UP: u32 = 4;
/// Objects that expiry handles at once.
const EXPIRE_BUDGET: u32 = 256;
/// Messages evicted in one lock span, at least and at most; in between it goes by the bytes that are needed.
const EVICT_MIN: usize = 256;
const EVICT_MAX: usize = 8192;
/// What the smallest message with its content takes, about.
const SMALL_MESSAGE: usize = 96;

/// What something new takes: a block of any length, and records of messages, which may lie anywhere.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    block: usize,
    records: usize,
}

impl Need {
    pub(crate) const fn block(bytes: usize) -> Self {
        Self { block: bytes, records: 0 }
    }

    pub(crate) fn content(parts: &Parts<'_>) -> Self {
        let Parts { event_id, event_type, text, .. } = parts;
        let optional = |part: &Option<&[u8]>| part.map_or(0, <[u8]>::len);
        Self::block(Content::LEN + optional(event_id) + optional(event_type) + text.len())
    }

    /// For a message in one block.
    pub(crate) fn whole_message(parts: &Parts<'_>) -> Self {
        Self::block(Message::OWN_CONTENT.saturating_add(Self::content(parts).block))
    }

    /// For messages in several channels, and the content that they share.
    pub(crate) fn messages(parts: &Parts<'_>, records: usize) -> Self {
        Self { records, ..Self::content(parts) }
    }

    pub(crate) fn interests(count: usize) -> Self {
        Self::block(count.saturating_mul(Interest::LEN))
    }

    fn bytes(self) -> usize {
        self.block.saturating_add(self.records.saturating_mul(Message::ALONE * GRANULE))
    }
}

impl Zone {
    /// Runs what may find the zone full; once more if room could be made.
    pub(crate) fn with_room<T>(
        &self,
        when_full: WhenFull,
        need: Need,
        now: u32,
        mut act: impl FnMut() -> Result<T, NoMemory>,
    ) -> Result<T, NoMemory> {
        act().or_else(|full| if self.make_room(when_full, need, now) { act() } else { Err(full) })
    }

    /// Sees to it that a message can be appended to all of the channels, or to none. True = they are to share its content; false = there is
    /// room only if each gets its own copy, which a message in one block that has just gone may leave.
    pub(crate) fn room_for_all(
        &self,
        when_full: WhenFull,
        channels: &[ChannelRef],
        message: &NewMessage<'_>,
        now: u32,
    ) -> Result<bool, NoMemory> {
        let takes = |channel: &&ChannelRef| {
            message.store || self.get(channel.0, Channel::INTERESTS).is_some()
        };
        let records = channels.iter().filter(takes).count();
        let need = Need::messages(&message.parts, records);
        if records == 0 || self.fits(need) {
            return Ok(true);
        }
        if let Some(max) = message.max_stored.filter(|_| message.store) {
            // What the message would evict anyway may go first.
            for channel in channels {
                self.evict_for_one(channel.0, max);
            }
        }
        if self.fits(need) {
            return Ok(true);
        }
        let copy = Need::whole_message(&message.parts).block.div_ceil(GRANULE);
        let fits_copies = || copy < SMALL && self.has_pieces(copy, records);
        if fits_copies() {
            return Ok(false);
        }
        if self.make_room(when_full, need, now) {
            return Ok(true);
        }
        if fits_copies() { Ok(false) } else { Err(NoMemory) }
    }

    /// Evicts what a message to come would evict anyway. True = something has gone.
    pub(crate) fn evict_for_one(&self, channel: Ref<Channel>, max: u32) -> bool {
        let is_full = self.get(channel, Channel::STORED) >= max;
        if is_full {
            self.evict(channel, max.saturating_sub(1), &mut crate::EVICTIONS.clone());
        }
        is_full
    }

    /// Makes room, with bounded work. False = there is none yet; trying again goes on with it.
    fn make_room(&self, when_full: WhenFull, need: Need, now: u32) -> bool {
        self.expire_due(now, &mut EXPIRE_BUDGET.clone());
        let heap = self.tables.heap_end.saturating_sub(self.tables.heap) as usize;
        // What may not fit even in between the channels is not worth all the messages.
        if when_full == WhenFull::Refuse || need.bytes() > heap / 2 || self.fits(need) {
            return self.fits(need);
        }
        let mut budget = (need.bytes() / SMALL_MESSAGE * 2).clamp(EVICT_MIN, EVICT_MAX);
        // Any place to begin, but another one each time.
        let mut bucket = self.hash(&self.get(ROOT, Root::PUBLISHED).to_le_bytes());
        let mut sample = Vec::with_capacity(SAMPLE);
        while budget > 0 {
            self.sample(&mut bucket, &mut sample);
            if sample.is_empty() {
                return false;
            }
            for _ in 0..GIVEN_UP {
                let Some((channel, record)) = self.oldest_of(&sample) else { break };
                self.give_up(channel, record);
                if self.fits(need) {
                    return true;
                }
                budget = budget.saturating_sub(1);
            }
        }
        false
    }

    /// Whether there is room: exact for a block; records are counted as if the block had to be made of such.
    fn fits(&self, need: Need) -> bool {
        let granules = need.block.div_ceil(GRANULE);
        let record = Message::ALONE;
        let all = granules.saturating_add(need.records.saturating_mul(record));
        if (self.free() as usize) < all {
            return false;
        }
        let pieces = need.records.saturating_add(granules.div_ceil(record));
        self.has_free(granules) && (need.records == 0 || self.has_pieces(record, pieces))
    }

    /// Channels that can give up a message, from this bucket on; moves the bucket on.
    fn sample(&self, bucket: &mut u32, sample: &mut Vec<Ref<Channel>>) {
        sample.clear();
        let gives = |channel: &Ref<Channel>| self.evictable(*channel).is_some();
        let channels =
            self.get(ROOT, Root::CHANNELS).saturating_add(self.get(ROOT, Root::WILDCARD_CHANNELS));
        if channels as usize <= SAMPLE {
            let all = self.walk(self.get(ROOT, Root::CHANNELS_FIRST), Channel::LIST_NEXT);
            sample.extend(all.filter(gives).take(SAMPLE));
            return;
        }
        // Where hardly any channel has messages, the last one that had some is as good as those that may be found.
        let last = self.get(ROOT, Root::GAVE_LAST).some();
        sample.extend(last.filter(|channel| self.is(*channel)).filter(gives));
        let mut looked_at = 0;
        for _ in 0..1u32 << self.tables.bucket_bits {
            let chain = self.walk(Ref::new(self.word(self.bucket(*bucket))), Channel::HASH_NEXT);
            sample.extend(chain.inspect(|_| looked_at += 1).filter(gives));
            *bucket = bucket.wrapping_add(1);
            if sample.len() >= SAMPLE || looked_at >= LOOKED_AT && !sample.is_empty() {
                return;
            }
        }
    }

    /// The oldest stored message of a channel, unless a worker has still to take it.
    fn evictable(&self, channel: Ref<Channel>) -> Option<Ref<Message>> {
        let oldest = self.get(channel, Channel::OLDEST).some()?;
        (self.get(oldest, Message::UNTAKEN) == 0).then_some(oldest)
    }

    fn oldest_of(&self, sample: &[Ref<Channel>]) -> Option<(Ref<Channel>, Ref<Message>)> {
        let found = sample.iter().filter_map(|channel| Some((*channel, self.evictable(*channel)?)));
        found.min_by_key(|(_, record)| self.get(*record, Message::CURSOR))
    }

    fn give_up(&self, channel: Ref<Channel>, record: Ref<Message>) {
        self.drop_stored(channel, record, true);
        self.look_soon_if_empty(channel);
        if self.get(ROOT, Root::GAVE_LAST) != channel {
            self.put(ROOT, Root::GAVE_LAST, channel);
        }
    }
}
