//! The way back from a damaged zone: keep every stored message that can still be reached, drop the rest.
//!
//! Not used when a worker dies in the middle of a mutation (that is undone by the journal) but when an access
//! went astray or the journal itself is unreadable. Whatever hangs on processes (interests, mailboxes, subscriber
//! counts) is dropped; the raised epoch makes the workers register again. Free space is what is not reachable.
//!
//! This is the one place of the store that allocates from the process's heap while the lock is held.

use std::collections::BTreeMap;

use protocol::cursor::Cursor;

use crate::layout::{
    Channel, Content, GRANULE, Message, Ref, Root, Slot, TRASH_SECONDS, Tables, WHEEL_SLOTS,
    WILDCARD,
};
use crate::space::Kind;
use crate::zone::{ROOT, Zone};
use crate::{Recovery, Store, WakeSet};

/// Journal length that marks a rebuild under way.
const REBUILDING: u32 = u32::MAX;

struct Survivor {
    creation: u64,
    channel: Ref<Channel>,
    messages: Vec<Ref<Message>>,
}

impl Store {
    pub(crate) fn rebuild(&mut self, now: u32) -> Recovery {
        let zone = &self.zone;
        zone.init(ROOT, Root::JOURNAL_LEN, REBUILDING);
        zone.region.clear_damage();
        let slots = zone.get(ROOT, Root::SLOT_COUNT).min(WakeSet::CAPACITY);
        let epoch = zone.get(ROOT, Root::EPOCH).wrapping_add(1);
        let key = (zone.get(ROOT, Root::HASH_KEY_0), zone.get(ROOT, Root::HASH_KEY_1));
        let survivors = Tables::compute(zone.region.len(), slots)
            .filter(|tables| zone.has_tables(tables))
            .and_then(|tables| zone.survivors(&tables));
        let recovery = if let Some((survivors, blocks)) = survivors {
            zone.lay_blocks(&mut blocks.into_iter().map(|(at, (len, kind))| (at, len, kind)));
            zone.relink(&survivors, slots, now);
            Recovery::Rebuilt
        } else {
            let occupants: Vec<_> = self.workers().collect();
            if let Some(tables) = Tables::compute(self.zone.region.len(), slots) {
                self.zone.region.zero(32, tables.heap as usize - 32);
                self.lay_root(&tables, slots, key, now);
                for worker in occupants {
                    if let Some(slot) = self.zone.slot(worker.slot) {
                        self.zone.init(slot, Slot::PID, worker.pid);
                        self.zone.init(slot, Slot::STARTED, worker.started);
                    }
                }
            }
            Recovery::Emptied
        };
        self.zone.init(ROOT, Root::EPOCH, epoch);
        self.zone.region.clear_damage();
        self.zone.init(ROOT, Root::JOURNAL_LEN, 0);
        recovery
    }
}

type Blocks = BTreeMap<u32, (u32, Kind)>;

impl Zone {
    fn has_tables(&self, tables: &Tables) -> bool {
        *tables
            == Tables {
                journal_capacity: self.get(ROOT, Root::JOURNAL_CAPACITY),
                journal_offsets: self.get(ROOT, Root::JOURNAL_OFFSETS),
                journal_words: self.get(ROOT, Root::JOURNAL_WORDS),
                free_lists: self.get(ROOT, Root::FREE_LISTS),
                wheel: self.get(ROOT, Root::WHEEL),
                buckets: self.get(ROOT, Root::BUCKETS),
                bucket_bits: self.get(ROOT, Root::BUCKET_BITS),
                slots: self.get(ROOT, Root::SLOTS),
                heap: self.get(ROOT, Root::HEAP),
                heap_end: self.get(ROOT, Root::HEAP_END),
            }
    }

    /// The block at `record`, if it lies in the heap, is of this kind and has at least `bytes`.
    fn sound<T>(&self, tables: &Tables, record: Ref<T>, kind: Kind, bytes: usize) -> Option<u32> {
        let heap = tables.heap as usize..tables.heap_end as usize;
        if !heap.contains(&record.at()) {
            return None;
        }
        let (len, found) = self.block(record.0)?;
        let fits = found == kind
            && len as usize * GRANULE >= bytes
            && record.at() + len as usize * GRANULE <= heap.end;
        fits.then_some(len)
    }

    /// All living channels with their stored messages, and the blocks they take; `None` if two of them overlap.
    fn survivors(&self, tables: &Tables) -> Option<(Vec<Survivor>, Blocks)> {
        let mut survivors = Vec::new();
        let mut blocks = Blocks::new();
        for bucket in 0..1u32 << tables.bucket_bits {
            let mut channel: Ref<Channel> = Ref::new(self.word(tables.buckets + bucket * 4));
            while channel.is_some() && !blocks.contains_key(&channel.0) {
                let Some(len) = self.sound(tables, channel, Kind::Channel, Channel::LEN) else {
                    break;
                };
                let id_len = self.get(channel, Channel::ID_LEN) as usize;
                if Channel::LEN + id_len > len as usize * GRANULE {
                    break;
                }
                blocks.insert(channel.0, (len, Kind::Channel));
                let messages = self.surviving_messages(tables, channel, &mut blocks);
                let creation = self.get(channel, Channel::CREATION);
                survivors.push(Survivor { creation, channel, messages });
                channel = self.get(channel, Channel::HASH_NEXT);
            }
        }
        survivors.sort_by_key(|survivor| survivor.creation);
        let mut end = 0;
        for (at, (len, _)) in &blocks {
            if *at < end {
                return None;
            }
            end = at + len;
        }
        Some((survivors, blocks))
    }

    fn surviving_messages(
        &self,
        tables: &Tables,
        channel: Ref<Channel>,
        blocks: &mut Blocks,
    ) -> Vec<Ref<Message>> {
        let mut messages = Vec::new();
        let mut record = self.get(channel, Channel::LOG_FIRST);
        let mut before = Cursor::ZERO;
        while record.is_some() && !blocks.contains_key(&record.0) {
            let Some(len) = self.sound(tables, record, Kind::Message, Message::LEN) else { break };
            let cursor = Cursor::from_u64(self.get(record, Message::CURSOR));
            let content = self.get(record, Message::CONTENT);
            let Some(content_len) = self.sound(tables, content, Kind::Content, Content::LEN) else {
                break;
            };
            let parts = self.parts(content);
            let bytes = Content::LEN
                + parts.event_id.map_or(0, <[u8]>::len)
                + parts.event_type.map_or(0, <[u8]>::len)
                + parts.text.len();
            let text = self.get(content, Content::TEXT) as usize;
            if cursor <= before
                || bytes > content_len as usize * GRANULE
                || text != parts.text.len()
            {
                break;
            }
            before = cursor;
            if self.get(record, Message::STORED) == 1 {
                blocks.insert(record.0, (len, Kind::Message));
                blocks.insert(content.0, (content_len, Kind::Content));
                messages.push(record);
            }
            record = self.get(record, Message::NEXT);
        }
        messages
    }

    /// Writes all links and counters anew.
    fn relink(&self, survivors: &[Survivor], slots: u32, now: u32) {
        let tables = [
            (Root::WHEEL, WHEEL_SLOTS * 4),
            (Root::BUCKETS, 4 << self.get(ROOT, Root::BUCKET_BITS)),
        ];
        for (table, len) in tables {
            self.region.zero(self.get(ROOT, table) as usize, len as usize);
        }
        self.region.zero(Root::TRASH.offset as usize, TRASH_SECONDS as usize * 8);
        for slot in (0..slots as usize).filter_map(|slot| self.slot(slot)) {
            self.init(slot, Slot::SUBSCRIBERS, 0);
            self.init(slot, Slot::TOLD, 0);
            self.init(slot, Slot::MAIL_FIRST, Ref::NONE);
            self.init(slot, Slot::MAIL_LAST, Ref::NONE);
            self.init(slot, Slot::INTERESTS, Ref::NONE);
        }
        self.init(ROOT, Root::WHEEL_TIME, now);
        self.init(ROOT, Root::WHEEL_BUSY, 0);
        self.init(ROOT, Root::UNTAKEN, 0);
        self.init(ROOT, Root::CHANNELS_IN_DELETE, 0);
        let content_of = |record: &Ref<Message>| self.get(*record, Message::CONTENT);
        for content in
            survivors.iter().flat_map(|survivor| survivor.messages.iter().map(content_of))
        {
            self.init(content, Content::REFS, 0);
        }

        let (mut channels, mut wildcard_channels, mut stored) = (0u32, 0u32, 0u64);
        let mut clock = self.clock().to_u64();
        let mut creations = self.get(ROOT, Root::CREATIONS);
        let mut before: Ref<Channel> = Ref::NONE;
        // Every channel is due in the next second; the sweep then finds out when it really is.
        let due = now.saturating_add(1);
        let due_slot = due & 63;
        let mut due_next: Ref<Channel> = Ref::NONE;
        self.init(ROOT, Root::CHANNELS_FIRST, Ref::NONE);
        for Survivor { creation, channel, messages } in survivors {
            let channel = *channel;
            let flags = self.get(channel, Channel::FLAGS) & WILDCARD;
            *(if flags == 0 { &mut channels } else { &mut wildcard_channels }) += 1;
            creations = creations.max(*creation);
            self.init(channel, Channel::FLAGS, flags | crate::layout::UNORDERED);
            let bucket = self.bucket(self.get(channel, Channel::HASH));
            self.init(channel, Channel::HASH_NEXT, Ref::new(self.word(bucket)));
            self.region.store32(bucket as usize, channel.0);
            self.init(channel, Channel::LIST_PREV, before);
            self.init(channel, Channel::LIST_NEXT, Ref::NONE);
            match before.some() {
                Some(before) => self.init(before, Channel::LIST_NEXT, channel),
                None => self.init(ROOT, Root::CHANNELS_FIRST, channel),
            }
            before = channel;
            self.init(channel, Channel::DUE, due);
            self.init(channel, Channel::DUE_SLOT, due_slot);
            self.init(channel, Channel::DUE_PREV, Ref::NONE);
            self.init(channel, Channel::DUE_NEXT, due_next);
            if let Some(next) = due_next.some() {
                self.init(next, Channel::DUE_PREV, channel);
            }
            due_next = channel;
            self.init(channel, Channel::SUBSCRIBERS, 0);
            self.init(channel, Channel::INTERESTS, Ref::NONE);
            self.init(channel, Channel::FAREWELL, Ref::NONE);

            let newest = self.relink_messages(channel, messages);
            stored += messages.len() as u64;
            clock = clock.max(newest).max(self.get(channel, Channel::NEWEST));
        }
        self.region.store32((self.get(ROOT, Root::WHEEL) + due_slot * 4) as usize, due_next.0);
        self.init(ROOT, Root::CHANNELS_LAST, before);
        self.init(ROOT, Root::CHANNELS, channels);
        self.init(ROOT, Root::WILDCARD_CHANNELS, wildcard_channels);
        self.init(ROOT, Root::STORED, stored);
        self.init(ROOT, Root::CREATIONS, creations);
        let clock = Cursor::from_u64(clock);
        self.init(ROOT, Root::CLOCK_TIME, clock.time);
        self.init(ROOT, Root::CLOCK_TAG, clock.tag);
    }

    /// Answers the cursor of the last message.
    fn relink_messages(&self, channel: Ref<Channel>, messages: &[Ref<Message>]) -> u64 {
        let mut before: Ref<Message> = Ref::NONE;
        let mut newest = 0;
        let first = messages.first().copied().unwrap_or(Ref::NONE);
        self.init(channel, Channel::LOG_FIRST, first);
        self.init(channel, Channel::OLDEST, first);
        for record in messages {
            self.init(*record, Message::PREV, before);
            self.init(*record, Message::NEXT, Ref::NONE);
            self.init(*record, Message::UNTAKEN, 0);
            if let Some(before) = before.some() {
                self.init(before, Message::NEXT, *record);
            }
            before = *record;
            let content = self.get(*record, Message::CONTENT);
            self.init(content, Content::REFS, self.get(content, Content::REFS) + 1);
            newest = self.get(*record, Message::CURSOR);
        }
        self.init(channel, Channel::LOG_LAST, before);
        self.init(channel, Channel::STORED, u32::try_from(messages.len()).unwrap_or(u32::MAX));
        newest
    }
}
