//! The way back from a damaged zone: keep every stored message that can still be reached, drop the rest.
//!
//! Not used when a worker dies in the middle of a mutation (that is undone by the journal) but when an access
//! went astray or the journal itself is unreadable. Whatever hangs on processes (interests, mailboxes, subscriber
//! counts) is dropped; the raised epoch makes the workers register again. Free space is what is not reachable.
//!
//! A worker may die here too. The order of the steps is such that the survivors can be reached at any moment,
//! by the same links (of the messages dropped none is overwritten before the logs pass them by), so the next one
//! to take the lock begins anew and comes to the same end.
//!
//! It allocates from the process's heap while the lock is held; elsewhere only a listing and [`crate::room`] do, a little.

use std::collections::{BTreeMap, BTreeSet};

use protocol::cursor::Cursor;

use crate::layout::{
    BINARY, Channel, Content, GRANULE, Message, Ref, Root, Slot, TRASH_SECONDS, UNORDERED,
    WHEEL_SLOTS, WILDCARD,
};
use crate::space::{Block, Kind};
use crate::wheel::{due_next_at, slot_of};
use crate::zone::{ROOT, Zone};
use crate::{Recovery, Store};

/// Journal length that marks a rebuild under way.
const REBUILDING: u32 = u32::MAX;
/// Counters of 64 bits above this are damaged: nobody counts that far.
pub(crate) const SANE: u64 = 1 << 62;
/// Seconds from here on are damaged, too: it is the year 2097. The clock needs room to go on.
const SANE_SECONDS: u32 = 0xf000_0000;

struct Survivor {
    creation: u64,
    channel: Ref<Channel>,
    messages: Vec<Ref<Message>>,
}

/// The blocks to keep: length in granules and kind, by granule.
type Blocks = BTreeMap<u32, (u32, Kind)>;

impl Store {
    pub(crate) fn rebuild(&mut self, now: u32) -> Recovery {
        let zone = &self.zone;
        zone.init(ROOT, Root::JOURNAL_LEN, REBUILDING);
        zone.region.clear_damage();
        zone.sign();
        let epoch = zone.get(ROOT, Root::EPOCH).wrapping_add(1);
        let recovery = match zone.survivors() {
            Some((survivors, blocks)) => {
                zone.relink(survivors, blocks, now);
                Recovery::Rebuilt
            }
            None => {
                zone.relink(Vec::new(), Blocks::new(), now);
                Recovery::Emptied
            }
        };
        zone.region.clear_damage();
        zone.init(ROOT, Root::EPOCH, epoch);
        zone.init(ROOT, Root::JOURNAL_LEN, 0);
        recovery
    }
}

impl Zone {
    /// Granules of the block of a record, if it lies in the heap and has just the length for `bytes`.
    fn sound<T: Block>(&self, record: Ref<T>, bytes: usize) -> Option<u32> {
        let (len, kind) = self.block(Ref::new(record.0))?;
        let end = record.at().checked_add(len as usize * GRANULE)?;
        let inside =
            record.at() >= self.tables.heap as usize && end <= self.tables.heap_end as usize;
        (inside && kind == T::KIND && len as usize == bytes.div_ceil(GRANULE)).then_some(len)
    }

    fn sound_channel(&self, channel: Ref<Channel>) -> Option<u32> {
        let id_len = self.get(channel, Channel::ID_LEN) as usize;
        self.sound(channel, Channel::LEN + id_len)
    }

    fn sound_message(&self, record: Ref<Message>) -> Option<u32> {
        let is_whole = self.is_whole(record);
        if is_whole && self.get(record, Message::CONTENT) != record.own_content() {
            return None;
        }
        let bytes = if is_whole {
            Message::OWN_CONTENT + self.content_bytes(record.own_content())
        } else {
            Message::LEN
        };
        self.sound(record, bytes)
    }

    fn shared_content(&self, record: Ref<Message>) -> Option<Ref<Content>> {
        (!self.is_whole(record)).then(|| self.get(record, Message::CONTENT))
    }

    /// The block of a message's content, unless it is that of the message; `None` if it is damaged.
    fn sound_shared(&self, record: Ref<Message>) -> Option<Option<(u32, u32)>> {
        if self.is_whole(record) {
            return Some(None);
        }
        let content = self.get(record, Message::CONTENT);
        let len = self.sound(content, self.content_bytes(content))?;
        Some(Some((content.0, len)))
    }

    fn content_bytes(&self, content: Ref<Content>) -> usize {
        let optional = |word: u32| word.saturating_sub(1) as usize;
        Content::LEN
            + optional(self.get(content, Content::EVENT_ID))
            + optional(self.get(content, Content::EVENT_TYPE) & !BINARY)
            + self.get(content, Content::TEXT) as usize
    }

    /// All living channels with their stored messages, and the blocks they take; `None` if two of them overlap.
    fn survivors(&self) -> Option<(Vec<Survivor>, Blocks)> {
        let mut survivors = Vec::new();
        let mut blocks = Blocks::new();
        let mut ids = BTreeSet::new();
        for bucket in 0..1u32 << self.tables.bucket_bits {
            let first = Ref::new(self.word(self.bucket(bucket)));
            for channel in self.walk(first, Channel::HASH_NEXT) {
                if blocks.contains_key(&channel.0) || !self.is(channel) {
                    break;
                }
                let Some(len) = self.sound_channel(channel) else { continue };
                if ids.insert(self.id(channel)) {
                    blocks.insert(channel.0, (len, Kind::Channel));
                    let messages = self.surviving_messages(channel, &mut blocks);
                    let creation = self.get(channel, Channel::CREATION);
                    survivors.push(Survivor { creation, channel, messages });
                }
            }
        }
        let mut end = 0;
        for (at, (len, _)) in &blocks {
            if *at < end {
                return None;
            }
            end = at + len;
        }
        Some((survivors, blocks))
    }

    fn surviving_messages(&self, channel: Ref<Channel>, blocks: &mut Blocks) -> Vec<Ref<Message>> {
        let mut messages = Vec::new();
        let (mut cursor, mut id) = (0, 0);
        for record in self.walk(self.get(channel, Channel::LOG_FIRST), Message::NEXT) {
            if blocks.contains_key(&record.0) || !self.is(record) {
                break;
            }
            let Some(len) = self.sound_message(record) else { continue };
            let before = (cursor, id);
            (cursor, id) = (self.get(record, Message::CURSOR), self.get(record, Message::ID));
            let is_sane = Cursor::from_u64(cursor).time < SANE_SECONDS;
            if cursor <= before.0 || id <= before.1 || !is_sane {
                break;
            }
            if let Some(shared) = self.sound_shared(record)
                && self.is_stored(record)
            {
                blocks.insert(record.0, (len, Kind::Message));
                blocks.extend(shared.map(|(at, len)| (at, (len, Kind::Content))));
                messages.push(record);
            }
        }
        messages
    }

    /// Writes all links and counters anew. `survivors` come in the order of their chains.
    fn relink(&self, mut survivors: Vec<Survivor>, blocks: Blocks, now: u32) {
        let mut newest = Cursor::ZERO.to_u64();
        for Survivor { channel, messages, .. } in &survivors {
            newest = newest.max(self.relink_messages(*channel, messages));
        }
        self.relink_chains(&survivors);
        // From here on the blocks of what is dropped may be overwritten.
        self.lay_blocks(&mut blocks.into_iter().map(|(at, (len, kind))| (at, len, kind)));

        self.forget_processes();
        self.region.zero(self.tables.wheel as usize, WHEEL_SLOTS as usize * 4);
        self.region.zero(self.tables.event_ids as usize, 4 << self.tables.bucket_bits);
        self.init(ROOT, Root::WHEEL_TIME, now);
        self.init(ROOT, Root::WHEEL_BUSY, 0);
        self.init(ROOT, Root::UNTAKEN, 0);
        self.init(ROOT, Root::CHANNELS_IN_DELETE, 0);

        survivors.sort_by_key(|survivor| survivor.creation);
        let clock = Some(self.clock()).filter(|clock| clock.time < SANE_SECONDS);
        let clock = clock.unwrap_or_default().max(Cursor::from_u64(newest));
        self.init(ROOT, Root::CLOCK, clock.max(Cursor::new(now, 0)).to_u64());
        self.relink_channels(&survivors, now);
    }

    /// Logs pass through the survivors only; answers the cursor of the last message.
    fn relink_messages(&self, channel: Ref<Channel>, messages: &[Ref<Message>]) -> u64 {
        let first = messages.first().copied().unwrap_or(Ref::NONE);
        self.init(channel, Channel::LOG_FIRST, first);
        self.init(channel, Channel::OLDEST, first);
        let mut before: Ref<Message> = Ref::NONE;
        for record in messages {
            self.init(*record, Message::PREV, before);
            self.init(*record, Message::UNTAKEN, 0);
            if let Some(before) = before.some() {
                self.init(before, Message::NEXT, *record);
            }
            before = *record;
        }
        if let Some(last) = before.some() {
            self.init(last, Message::NEXT, Ref::NONE);
        }
        self.init(channel, Channel::LOG_LAST, before);
        // The references are counted in `relink_channels`, when all logs are known.
        for content in messages.iter().filter_map(|record| self.shared_content(*record)) {
            self.init(content, Content::REFS, 0);
        }
        before.some().map_or(0, |last| self.get(last, Message::CURSOR))
    }

    /// The chains of the directory hold the survivors only. (The hash key may be what was damaged: then they move.)
    fn relink_chains(&self, survivors: &[Survivor]) {
        let mut heads = BTreeMap::new();
        for Survivor { channel, .. } in survivors.iter().rev() {
            let hash = self.hash(self.id(*channel));
            let head = heads.entry(self.bucket(hash)).or_insert(Ref::NONE);
            self.init(*channel, Channel::HASH_NEXT, *head);
            *head = *channel;
        }
        for bucket in 0..1u32 << self.tables.bucket_bits {
            let at = self.bucket(bucket);
            let head = heads.get(&at).copied().unwrap_or(Ref::NONE);
            self.region.store32(at as usize, head.0);
        }
    }

    fn forget_processes(&self) {
        for slot in (0..self.tables.slot_count as usize).filter_map(|slot| self.slot(slot)) {
            self.init(slot, Slot::SUBSCRIBERS, 0);
            self.init(slot, Slot::TOLD, 0);
            self.init(slot, Slot::MAIL_FIRST, Ref::NONE);
            self.init(slot, Slot::MAIL_LAST, Ref::NONE);
            self.init(slot, Slot::INTERESTS, Ref::NONE);
        }
        self.forget_insane_counts();
    }

    /// The fields of the channels, in creation order, and the counters of the zone.
    fn relink_channels(&self, survivors: &[Survivor], now: u32) {
        let (mut channels, mut wildcard_channels, mut stored, mut creation) = (0u32, 0u32, 0u64, 0);
        let mut before: Ref<Channel> = Ref::NONE;
        // Every channel is due in the next second; the sweep then finds out when it really is.
        let due = now.saturating_add(1);
        let slot = self.wheel_at(slot_of(0, due));
        let mut due_next: Ref<Channel> = Ref::NONE;
        self.init(ROOT, Root::CHANNELS_FIRST, Ref::NONE);
        for survivor in survivors {
            let Survivor { channel, messages, .. } = survivor;
            let channel = *channel;
            // The first worker that registers again says which channel is to be kept.
            let flags = self.get(channel, Channel::FLAGS) & WILDCARD;
            *(if flags & WILDCARD == 0 { &mut channels } else { &mut wildcard_channels }) += 1;
            self.init(channel, Channel::FLAGS, flags | UNORDERED);
            let sane = survivor.creation > creation && survivor.creation < SANE;
            creation = if sane { survivor.creation } else { creation + 1 };
            self.init(channel, Channel::CREATION, creation);

            self.init(channel, Channel::LIST_PREV, before);
            self.init(channel, Channel::LIST_NEXT, Ref::NONE);
            match before.some() {
                Some(before) => self.init(before, Channel::LIST_NEXT, channel),
                None => self.init(ROOT, Root::CHANNELS_FIRST, channel),
            }
            before = channel;

            self.init(channel, Channel::DUE, due);
            self.init(channel, Channel::DUE_FROM, slot);
            self.init(channel, Channel::DUE_NEXT, due_next);
            if let Some(next) = due_next.some() {
                self.init(next, Channel::DUE_FROM, due_next_at(channel));
            }
            due_next = channel;

            self.init(channel, Channel::SUBSCRIBERS, 0);
            self.init(channel, Channel::INTERESTS, Ref::NONE);
            self.init(channel, Channel::FAREWELL, Ref::NONE);
            let active = self.get(channel, Channel::ACTIVE);
            self.init(channel, Channel::ACTIVE, active.min(now));
            self.recount_messages(channel, messages);
            stored += messages.len() as u64;
        }
        self.region.store32(slot as usize, due_next.0);
        self.init(ROOT, Root::CHANNELS_LAST, before);
        self.init(ROOT, Root::CHANNELS, channels);
        self.init(ROOT, Root::WILDCARD_CHANNELS, wildcard_channels);
        self.init(ROOT, Root::STORED, stored);
        self.init(ROOT, Root::KEPT_CHANNEL, Ref::NONE);
        self.init(ROOT, Root::GAVE_LAST, Ref::NONE);
        let known = self.get(ROOT, Root::CREATIONS);
        self.init(ROOT, Root::CREATIONS, creation.max(if known < SANE { known } else { 0 }));
        for index in 0..TRASH_SECONDS * 2 {
            self.init(ROOT, Root::TRASH.element(index), 0);
        }
    }

    fn recount_messages(&self, channel: Ref<Channel>, messages: &[Ref<Message>]) {
        let stored = u32::try_from(messages.len()).unwrap_or(u32::MAX);
        self.init(channel, Channel::STORED, stored);
        self.reindex(channel, messages);
        for content in messages.iter().filter_map(|record| self.shared_content(*record)) {
            self.init(content, Content::REFS, self.get(content, Content::REFS).saturating_add(1));
        }
        let last = |field| messages.last().map_or(0, |last| self.get(*last, field));
        let (cursor, id) = (last(Message::CURSOR), last(Message::ID));
        let clock = self.clock().to_u64();
        let newest = self.get(channel, Channel::NEWEST);
        let newest = if (cursor..=clock).contains(&newest) { newest } else { cursor };
        self.init(channel, Channel::NEWEST, newest);
        // Positions taken before are looked up anew: what they point at may be gone.
        self.init(channel, Channel::WHOLE_AFTER, clock);
        let published = self.get(channel, Channel::PUBLISHED);
        let sane = published >= id && published < SANE;
        self.init(channel, Channel::PUBLISHED, if sane { published } else { id });
    }
}
