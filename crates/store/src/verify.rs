//! The oracle of the tests: walks the whole zone and checks every invariant.

use std::collections::{BTreeMap, BTreeSet};

use crate::Store;
use crate::layout::{
    Channel, Content, DELETED, Free, GAPPED, GRANULE32, Interest, KEPT, Message, REPEATED, Ref,
    Root, Slot, Use, WHEEL_SLOTS, WILDCARD,
};
use crate::space::Kind;
use crate::wheel::due_next_at;
use crate::zone::ROOT;

/// What a sound zone holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Living channels.
    pub channels: usize,
    /// Channels in delete.
    pub deleted: usize,
    /// Messages in the logs.
    pub messages: usize,
    /// Contents in blocks of their own.
    pub contents: usize,
    /// Interests.
    pub interests: usize,
    /// Free granules.
    pub free: u32,
}

macro_rules! ensure {
    ($condition:expr, $($text:tt)*) => {
        if !$condition { return Err(format!($($text)*)); }
    };
}

impl Store {
    /// Checks every invariant of the zone.
    ///
    /// # Errors
    ///
    /// Says which one is broken, and where.
    pub fn verify(&self) -> Result<Census, String> {
        let zone = &self.zone;
        ensure!(!zone.is_interrupted(), "a mutation is under way");
        ensure!(!zone.region.is_damaged(), "an access went astray");
        let mut census = Census::default();

        // Blocks: headers chain up to the sentinel, no two free neighbours.
        let end = zone.tables.heap_end / GRANULE32;
        let mut blocks: BTreeMap<u32, Kind> = BTreeMap::new();
        let mut in_use = [0; Use::ALL.len()];
        let (mut at, mut before, mut last_free) = (zone.tables.heap / GRANULE32, 0, false);
        while at < end {
            let (len, kind) = zone.block(Ref::new(at)).ok_or(format!("no block at {at}"))?;
            ensure!(len > 0 && at + len <= end, "block {at} has length {len}");
            let said = zone.get(Ref::new(at), Free::BEFORE);
            ensure!(said == before, "block {at}: length before {said}, not {before}");
            ensure!(!(last_free && kind == Kind::Free), "free neighbours at {at}");
            last_free = kind == Kind::Free;
            census.free += if last_free { len } else { 0 };
            if let Some(granules) = kind.counted_as().and_then(|of| in_use.get_mut(of as usize)) {
                *granules += len;
            }
            blocks.insert(at, kind);
            before = len;
            at += len;
        }
        ensure!(zone.block(Ref::new(end)) == Some((0, Kind::Sentinel)), "no sentinel");
        ensure!(census.free == zone.free(), "free granules");
        for (of, granules) in Use::ALL.into_iter().zip(in_use) {
            ensure!(granules == zone.used(of), "{of:?}: {granules} granules in use");
        }
        ensure!(zone.has_sane_counts(), "a counter is beyond reason");
        self.verify_free_lists(&blocks)?;

        // Directory.
        let mut living = BTreeSet::new();
        let (mut channel, mut previous, mut creation) =
            (zone.get(ROOT, Root::CHANNELS_FIRST), Ref::NONE, 0);
        let mut wildcard = 0;
        while channel.is_some() {
            ensure!(living.insert(channel.0), "channel list loops at {channel:?}");
            ensure!(zone.get(channel, Channel::LIST_PREV) == previous, "list link of {channel:?}");
            ensure!(zone.get(channel, Channel::CREATION) > creation, "creation order");
            ensure!(zone.find(zone.id(channel)) == Some(channel), "{channel:?} is not found by id");
            creation = zone.get(channel, Channel::CREATION);
            wildcard += u32::from(zone.get(channel, Channel::FLAGS) & WILDCARD != 0);
            previous = channel;
            channel = zone.get(channel, Channel::LIST_NEXT);
        }
        ensure!(zone.get(ROOT, Root::CHANNELS_LAST) == previous, "last channel");
        ensure!(zone.get(ROOT, Root::WILDCARD_CHANNELS) == wildcard, "wildcard channels");
        census.channels = living.len();
        let gave_last = zone.get(ROOT, Root::GAVE_LAST);
        ensure!(gave_last.is_none() || living.contains(&gave_last.0), "who gave up a message");
        let kept = zone.get(ROOT, Root::KEPT_CHANNEL);
        let flagged = |at: &&u32| zone.get(Ref::new(**at), Channel::FLAGS) & KEPT != 0;
        let flagged: Vec<_> = living.iter().filter(flagged).copied().collect();
        ensure!(flagged == kept.some().map_or(vec![], |kept| vec![kept.0]), "channels that stay");
        let normal = zone.get(ROOT, Root::CHANNELS) as usize + wildcard as usize;
        ensure!(normal == living.len(), "number of channels");
        let mut chained = 0;
        for bucket in 0..1u32 << zone.tables.bucket_bits {
            let mut channel: Ref<Channel> = Ref::new(zone.word(zone.bucket(bucket)));
            while channel.is_some() {
                chained += 1;
                ensure!(chained <= living.len(), "bucket {bucket} loops");
                ensure!(living.contains(&channel.0), "{channel:?} in a bucket is not living");
                channel = zone.get(channel, Channel::HASH_NEXT);
            }
        }
        ensure!(chained == living.len(), "channels in buckets: {chained}");

        // Wheel.
        let mut due = BTreeSet::new();
        for slot in 0..WHEEL_SLOTS {
            let mut channel: Ref<Channel> = Ref::new(zone.word(zone.wheel_at(slot)));
            let mut from = zone.wheel_at(slot);
            while channel.is_some() {
                ensure!(due.insert(channel.0), "wheel loops at {channel:?}");
                ensure!(zone.get(channel, Channel::DUE_FROM) == from, "due link of {channel:?}");
                from = due_next_at(channel);
                channel = zone.get(channel, Channel::DUE_NEXT);
            }
        }

        // Channels, their logs and interests.
        let mut refs: BTreeMap<u32, u32> = BTreeMap::new();
        let mut seen_interests = BTreeSet::new();
        let (mut stored, mut untaken, mut messages) = (0u64, 0u32, BTreeSet::new());
        let mut entered = self.verify_event_ids(&blocks)?;
        let channels = blocks.iter().filter(|(_, kind)| **kind == Kind::Channel);
        for channel in channels.map(|(at, _)| Ref::<Channel>::new(*at)) {
            let deleted = zone.get(channel, Channel::FLAGS) & DELETED != 0;
            census.deleted += usize::from(deleted);
            ensure!(deleted != living.contains(&channel.0), "{channel:?} is lost");
            let scheduled = zone.get(channel, Channel::DUE) != 0;
            ensure!(scheduled == due.contains(&channel.0), "{channel:?} and the wheel");
            let kept = zone.get(channel, Channel::FLAGS) & KEPT != 0;
            let may_rest = !deleted && (kept || zone.get(channel, Channel::INTERESTS).is_some());
            let holds = zone.get(channel, Channel::OLDEST).is_some();
            ensure!(scheduled || may_rest && !holds, "{channel:?} is never due");
            if let Some((said, _)) = zone.next_expiry(channel).filter(|_| !deleted) {
                let stored = zone
                    .walk(zone.get(channel, Channel::OLDEST), Message::NEXT)
                    .filter(|record| zone.is_stored(*record));
                let expiry = stored.map(|record| zone.get(record, Message::EXPIRES)).min();
                ensure!(expiry == Some(said), "{channel:?} expires at {expiry:?}, not {said}");
                let (expiry, soonest) = (said, zone.get(ROOT, Root::WHEEL_TIME).saturating_add(1));
                let due = zone.get(channel, Channel::DUE);
                ensure!(due <= expiry.max(soonest), "{channel:?} is due after its message expires");
            }
            if let Some(farewell) = zone.get(channel, Channel::FAREWELL).some() {
                *refs.entry(farewell.0).or_default() += 0;
                ensure!(deleted, "a living channel says farewell");
            }

            let mut untaken_at: BTreeMap<u32, u32> = BTreeMap::new();
            let mut subscribers = 0;
            let mut interest = zone.get(channel, Channel::INTERESTS);
            while interest.is_some() {
                ensure!(seen_interests.insert(interest.0), "interests loop at {interest:?}");
                ensure!(zone.get(interest, Interest::CHANNEL) == channel, "interest's channel");
                ensure!(
                    zone.get(interest, Interest::SUBSCRIBERS) > 0,
                    "interest without subscriber"
                );
                subscribers += zone.get(interest, Interest::SUBSCRIBERS);
                let first = zone.get(interest, Interest::UNTAKEN);
                if first.is_some() {
                    *untaken_at.entry(first.0).or_default() += 1;
                }
                interest = zone.get(interest, Interest::CHANNEL_NEXT);
            }
            ensure!(zone.get(channel, Channel::SUBSCRIBERS) == subscribers, "subscribers");

            let (mut record, mut previous) = (zone.get(channel, Channel::LOG_FIRST), Ref::NONE);
            let (mut waiting, mut here, mut oldest, mut cursor, mut id) =
                (0, 0u32, Ref::NONE, 0, 0);
            while record.is_some() {
                ensure!(messages.insert(record.0), "log loops at {record:?}");
                ensure!(blocks.get(&record.0) == Some(&Kind::Message), "{record:?} is no message");
                ensure!(zone.get(record, Message::PREV) == previous, "log link of {record:?}");
                ensure!(zone.get(record, Message::CURSOR) > cursor, "cursors of {channel:?}");
                ensure!(zone.get(record, Message::ID) > id, "ids of {channel:?}");
                cursor = zone.get(record, Message::CURSOR);
                id = zone.get(record, Message::ID);
                waiting += untaken_at.remove(&record.0).unwrap_or(0);
                ensure!(zone.get(record, Message::UNTAKEN) == waiting, "untaken of {record:?}");
                if zone.is_stored(record) {
                    here += 1;
                    oldest = oldest.some().unwrap_or(record);
                } else {
                    ensure!(waiting > 0, "{record:?} is kept for nobody");
                    untaken += 1;
                }
                let content = zone.get(record, Message::CONTENT);
                if zone.is_whole(record) {
                    ensure!(content == record.own_content(), "content of {record:?}");
                } else {
                    *refs.entry(content.0).or_default() += 1;
                }
                previous = record;
                record = zone.get(record, Message::NEXT);
            }
            ensure!(untaken_at.is_empty(), "an interest points outside of the log of {channel:?}");
            ensure!(zone.get(channel, Channel::LOG_LAST) == previous, "last of {channel:?}");
            ensure!(zone.get(channel, Channel::OLDEST) == oldest, "oldest of {channel:?}");
            ensure!(zone.get(channel, Channel::NEWEST) >= cursor, "newest of {channel:?}");
            ensure!(zone.clock().to_u64() >= zone.get(channel, Channel::NEWEST), "clock");
            ensure!(deleted || zone.get(channel, Channel::STORED) == here, "stored of {channel:?}");
            stored += u64::from(zone.get(channel, Channel::STORED));
            self.verify_index(channel, &mut entered)?;
        }
        ensure!(entered.is_empty(), "event ids of messages that are not stored: {entered:?}");
        ensure!(zone.get(ROOT, Root::STORED) == stored, "stored messages");
        ensure!(zone.get(ROOT, Root::UNTAKEN) == untaken, "untaken messages");
        ensure!(zone.get(ROOT, Root::CHANNELS_IN_DELETE) as usize == census.deleted, "in delete");

        // Slots and mailboxes.
        let mut slotted = BTreeSet::new();
        for index in 0..self.slot_count() {
            let Some(slot) = zone.slot(index) else { continue };
            let (mut interest, mut previous) = (zone.get(slot, Slot::INTERESTS), Ref::NONE);
            while interest.is_some() {
                ensure!(slotted.insert(interest.0), "slot {index} loops");
                ensure!(zone.get(interest, Interest::SLOT) as usize == index, "interest's slot");
                ensure!(zone.get(interest, Interest::SLOT_PREV) == previous, "slot link");
                previous = interest;
                interest = zone.get(interest, Interest::SLOT_NEXT);
            }
            let mut mail = BTreeSet::new();
            let (mut interest, mut previous) = (zone.get(slot, Slot::MAIL_FIRST), Ref::NONE);
            while interest.is_some() {
                ensure!(mail.insert(interest.0), "mailbox {index} loops");
                ensure!(zone.get(interest, Interest::NOTED) == 1, "mail that is not noted");
                ensure!(zone.get(interest, Interest::SLOT) as usize == index, "mail's slot");
                ensure!(zone.get(interest, Interest::MAIL_PREV) == previous, "mail link");
                previous = interest;
                interest = zone.get(interest, Interest::MAIL_NEXT);
            }
            ensure!(zone.get(slot, Slot::MAIL_LAST) == previous, "last mail of {index}");
            ensure!(mail.is_empty() || zone.get(slot, Slot::TOLD) == 1, "mail without wake-up");
            for at in seen_interests.iter().filter(|at| !mail.contains(*at)) {
                let interest: Ref<Interest> = Ref::new(*at);
                let own = zone.get(interest, Interest::SLOT) as usize == index;
                ensure!(!own || zone.get(interest, Interest::NOTED) == 0, "noted, not in the mail");
            }
        }
        ensure!(slotted == seen_interests, "interests of slots and channels differ");

        // Every block is accounted for.
        let of = |kind: Kind| blocks.values().filter(|found| **found == kind).count();
        census.messages = messages.len();
        census.contents = refs.len();
        census.interests = seen_interests.len();
        ensure!(of(Kind::Message) == census.messages, "messages leak");
        ensure!(of(Kind::Content) == census.contents, "contents leak");
        ensure!(of(Kind::Interest) == census.interests, "interests leak");
        for (at, count) in refs {
            ensure!(blocks.get(&at) == Some(&Kind::Content), "no content at {at}");
            let said = zone.get(Ref::new(at), Content::REFS);
            ensure!(said == count, "content {at}: {said} references, not {count}");
        }
        ensure!(!zone.region.is_damaged(), "an access of this check went astray");
        Ok(census)
    }

    /// The chains of event ids: answers the messages in them, each with the position of its chain's head.
    fn verify_event_ids(&self, blocks: &BTreeMap<u32, Kind>) -> Result<BTreeMap<u32, u32>, String> {
        let zone = &self.zone;
        let mut entered = BTreeMap::new();
        for chain in (0..1u32 << zone.tables.bucket_bits).map(|i| zone.tables.event_ids + i * 4) {
            let mut record: Ref<Message> = Ref::new(zone.word(chain));
            while record.is_some() {
                ensure!(entered.insert(record.0, chain).is_none(), "{record:?} is entered twice");
                ensure!(blocks.get(&record.0) == Some(&Kind::Message), "{record:?} is no message");
                record = zone.get(record, Message::HASH_NEXT);
            }
        }
        Ok(entered)
    }

    /// Ordinals, skips and event ids of a channel's log; takes its messages out of those that are `entered`.
    fn verify_index(
        &self,
        channel: Ref<Channel>,
        entered: &mut BTreeMap<u32, u32>,
    ) -> Result<(), String> {
        let zone = &self.zone;
        let flags = zone.get(channel, Channel::FLAGS);
        let oldest = zone.get(channel, Channel::OLDEST);
        let stored: Vec<_> = zone.stored_from(oldest).collect();
        let mut ids = BTreeSet::new();
        for (index, record) in stored.iter().enumerate() {
            if flags & GAPPED == 0 {
                let before = |distance: u32| index.checked_sub(distance as usize);
                let ordinal = zone.get(*record, Message::ORDINAL);
                let first = zone.get(oldest, Message::ORDINAL);
                let expected = first.wrapping_add(u32::try_from(index).unwrap_or(u32::MAX));
                ensure!(ordinal == expected, "{record:?} has ordinal {ordinal}, not {expected}");
                let target = before(ordinal & ordinal.wrapping_neg()).filter(|_| ordinal > 0);
                if let Some(target) = target.and_then(|target| stored.get(target)) {
                    let skip = zone.get(*record, Message::SKIP);
                    ensure!(skip == *target, "{record:?} skips to {skip:?}, not {target:?}");
                }
            }
            if let Some(event_id) = zone.event_id(*record) {
                let is_new = ids.insert(event_id);
                ensure!(is_new || flags & REPEATED != 0, "repeated event ids in {channel:?}");
                let chain = entered.remove(&record.0);
                ensure!(chain.is_some() || flags & REPEATED != 0, "{record:?} is not entered");
                let is_right = chain.is_none_or(|at| at == zone.event_id_chain(channel, event_id));
                ensure!(is_right, "{record:?} is in another chain");
            }
        }
        Ok(())
    }

    fn verify_free_lists(&self, blocks: &BTreeMap<u32, Kind>) -> Result<(), String> {
        let zone = &self.zone;
        let mut listed = BTreeSet::new();
        for list in 0..zone.tables.free_levels * 8 {
            let (mut block, mut previous) = (zone.word(zone.tables.free_lists + list * 4), 0);
            let lists = zone.get(ROOT, Root::FREE_CLASSES.element(list / 8));
            let level = zone.get(ROOT, Root::FREE_LEVELS) & 1 << (list / 8) != 0;
            ensure!(level == (lists != 0), "mark of level {}", list / 8);
            let marked = lists & 1 << (list % 8) != 0;
            ensure!(marked == (block != 0), "mark of free list {list}");
            while block != 0 {
                ensure!(listed.insert(block), "free list {list} loops");
                ensure!(blocks.get(&block) == Some(&Kind::Free), "{block} is not free");
                let prev = zone.get(Ref::new(block), Free::PREV).0;
                ensure!(prev == previous, "free link of {block}");
                previous = block;
                block = zone.get(Ref::new(block), Free::NEXT).0;
            }
        }
        let free = blocks.values().filter(|kind| **kind == Kind::Free).count();
        ensure!(free == listed.len(), "free blocks {free}, listed {}", listed.len());
        Ok(())
    }
}
