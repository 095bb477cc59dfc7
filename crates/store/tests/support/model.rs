//! The store as anybody would write it with std collections: what the real one is compared with.

use std::collections::{BTreeMap, VecDeque};

use protocol::cursor::Cursor;
use store::{InterestRef, Start};

use crate::zone::Message;

/// How many seconds a clock may go back unnoticed.
const TOLERANCE: u32 = 60;

#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) message: Message,
    pub(crate) stored: bool,
    pub(crate) expires: u32,
}

#[derive(Clone)]
pub(crate) struct Interest {
    pub(crate) reference: InterestRef,
    pub(crate) subscribers: u32,
    /// Cursors of what the worker has still to take.
    pub(crate) untaken: VecDeque<Cursor>,
}

#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) id: Vec<u8>,
    pub(crate) wildcard: bool,
    pub(crate) kept: bool,
    pub(crate) creation: u64,
    pub(crate) published: u64,
    pub(crate) newest: Cursor,
    active: u32,
    /// The clock at the creation.
    born: Cursor,
    /// Of the messages that are not stored any more, the newest.
    dropped: Cursor,
    /// Stored or waiting messages, in cursor order.
    pub(crate) log: Vec<Stored>,
    pub(crate) interests: BTreeMap<usize, Interest>,
    pub(crate) deleted: Option<Deleted>,
}

#[derive(Clone)]
pub(crate) struct Deleted {
    since: u32,
    /// Messages that were stored then; they count until the channel is gone.
    stored: u32,
    pub(crate) farewell: Vec<u8>,
}

#[derive(Clone, Default)]
pub(crate) struct Slot {
    pub(crate) pid: u32,
    pub(crate) generation: u32,
    pub(crate) subscribers: u32,
    pub(crate) told: bool,
    /// Creation numbers of the channels with news.
    pub(crate) mail: VecDeque<u64>,
}

#[derive(Clone)]
pub(crate) struct Model {
    pub(crate) clock: Cursor,
    /// Up to when has been swept.
    swept: u32,
    /// Living and deleted channels in creation order.
    pub(crate) channels: Vec<Channel>,
    pub(crate) slots: Vec<Slot>,
    creations: u64,
    pub(crate) published: u64,
    trash: [(u32, u32); 16],
}

/// What is published.
#[derive(Clone)]
pub(crate) struct New {
    pub(crate) text: Vec<u8>,
    pub(crate) event_id: Option<Vec<u8>>,
    pub(crate) event_type: Option<Vec<u8>>,
    pub(crate) binary: bool,
    pub(crate) store: bool,
    pub(crate) ttl: u32,
    pub(crate) max: Option<u32>,
    pub(crate) counted: bool,
    pub(crate) cursor: Option<Cursor>,
}

impl Channel {
    pub(crate) fn stored(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.log.iter().filter(|entry| entry.stored).map(|entry| &entry.message)
    }

    /// As statistics count.
    pub(crate) fn stored_count(&self) -> u32 {
        self.deleted.as_ref().map_or(self.stored().count() as u32, |deleted| deleted.stored)
    }

    pub(crate) fn subscribers(&self) -> u32 {
        self.interests.values().map(|interest| interest.subscribers).sum()
    }

    pub(crate) fn message(&self, cursor: Cursor) -> &Message {
        let entry = self.log.iter().find(|entry| entry.message.cursor == cursor);
        &entry.expect("a message that somebody waits for is in the log").message
    }

    /// Drops what is neither stored nor waited for.
    fn tidy(&mut self) {
        let waited = |cursor| self.interests.values().any(|i| i.untaken.contains(&cursor));
        let keep: Vec<_> =
            self.log.iter().map(|entry| entry.stored || waited(entry.message.cursor)).collect();
        let mut keep = keep.into_iter();
        self.log.retain(|_| keep.next() == Some(true));
    }

    pub(crate) fn evict(&mut self, max: u32) {
        let mut excess = (self.stored().count() as u32).saturating_sub(max);
        for entry in self.log.iter_mut().filter(|entry| entry.stored) {
            if excess == 0 {
                break;
            }
            entry.stored = false;
            self.dropped = self.dropped.max(entry.message.cursor);
            excess -= 1;
        }
        self.tidy();
    }

    /// Whether this message is no longer stored, or a newer one is not.
    pub(crate) fn has_dropped(&self, cursor: Cursor) -> bool {
        self.dropped >= cursor
    }

    pub(crate) fn has_gap(&self, after: Cursor) -> bool {
        self.dropped > after || self.born > after
    }

    /// The messages due to a client.
    pub(crate) fn due(&self, start: Start, upto: Cursor) -> Vec<Message> {
        let all: Vec<_> = self.stored().cloned().collect();
        let from = match start {
            Start::Backtrack(count) => all.len().saturating_sub(count as usize),
            Start::After(cursor) => all.iter().position(|m| m.cursor > cursor).unwrap_or(all.len()),
        };
        all.into_iter().skip(from).filter(|message| message.cursor <= upto).collect()
    }
}

impl Model {
    pub(crate) fn new(slots: usize, now: u32) -> Self {
        Self {
            clock: Cursor::new(now, 0),
            swept: now,
            channels: Vec::new(),
            slots: (0..slots).map(|_| Slot::default()).collect(),
            creations: 0,
            published: 0,
            trash: [(0, 0); 16],
        }
    }

    /// Ages do not go back by a little.
    pub(crate) fn time(&self, now: u32) -> u32 {
        if now < self.swept && self.swept - now <= TOLERANCE { self.swept } else { now }
    }

    pub(crate) fn advance(&mut self, now: u32) {
        if now > self.clock.time {
            self.clock = Cursor::new(now, 0);
        }
    }

    pub(crate) fn living(&self) -> impl Iterator<Item = &Channel> {
        self.channels.iter().filter(|channel| channel.deleted.is_none())
    }

    pub(crate) fn find(&mut self, id: &[u8]) -> Option<&mut Channel> {
        self.channels.iter_mut().find(|channel| channel.deleted.is_none() && channel.id == id)
    }

    /// Messages that are stored, as statistics count.
    pub(crate) fn stored_count(&self) -> u64 {
        self.channels.iter().map(|channel| u64::from(channel.stored_count())).sum()
    }

    /// The oldest stored message for which no worker waits goes. False = there is none.
    pub(crate) fn evict_oldest(&mut self) -> bool {
        let evictable = |channel: &&mut Channel| {
            let oldest = channel.stored().next()?.cursor;
            let waited = channel.interests.values().any(|i| i.untaken.contains(&oldest));
            (!waited && channel.deleted.is_none()).then_some(oldest)
        };
        let found = self.channels.iter_mut().filter(|channel| evictable(channel).is_some());
        let found = found.min_by_key(evictable);
        if let Some(channel) = found {
            channel.evict(channel.stored_count() - 1);
            return true;
        }
        false
    }

    /// One channel is kept at a time.
    pub(crate) fn forget_kept(&mut self) {
        self.channels.iter_mut().for_each(|channel| channel.kept = false);
    }

    pub(crate) fn of(&mut self, creation: u64) -> &mut Channel {
        let found = self.channels.iter_mut().find(|channel| channel.creation == creation);
        found.expect("a channel that is not gone")
    }

    pub(crate) fn create(&mut self, id: &[u8], wildcard: bool, now: u32) {
        self.creations += 1;
        self.channels.push(Channel {
            id: id.to_vec(),
            wildcard,
            kept: false,
            creation: self.creations,
            published: 0,
            newest: Cursor::ZERO,
            active: self.time(now),
            born: self.clock,
            dropped: Cursor::ZERO,
            log: Vec::new(),
            interests: BTreeMap::new(),
            deleted: None,
        });
    }

    /// Publishes to one channel; adds the slots to wake.
    pub(crate) fn publish(&mut self, id: &[u8], new: &New, now: u32, wake: &mut Vec<usize>) {
        if let Some(given) = new.cursor.filter(|given| *given > self.clock) {
            self.clock = given;
        } else {
            self.advance(now);
            self.clock.tag += 1;
        }
        let (clock, time) = (self.clock, self.time(now));
        self.published += u64::from(new.counted);
        let channel = self.find(id).expect("a living channel");
        channel.published += 1;
        channel.newest = clock;
        channel.active = time;
        let message = Message {
            cursor: clock,
            id: channel.published,
            event_id: new.event_id.clone(),
            event_type: new.event_type.clone(),
            text: new.text.clone(),
            binary: new.binary,
        };
        let expires = time.saturating_add(new.ttl);
        channel.log.push(Stored { message, stored: new.store, expires });
        for interest in channel.interests.values_mut() {
            interest.untaken.push_back(clock);
        }
        channel.evict(new.max.unwrap_or(u32::MAX));
        let (creation, interested) =
            (channel.creation, channel.interests.keys().copied().collect::<Vec<_>>());
        self.post(creation, &interested, wake);
    }

    fn post(&mut self, creation: u64, slots: &[usize], wake: &mut Vec<usize>) {
        for index in slots {
            let slot = &mut self.slots[*index];
            if !slot.mail.contains(&creation) {
                slot.mail.push_back(creation);
            }
            if !slot.told {
                slot.told = true;
                wake.push(*index);
            }
        }
    }

    pub(crate) fn subscribe(&mut self, slot: usize, id: &[u8], reference: InterestRef, now: u32) {
        let time = self.time(now);
        let channel = self.find(id).expect("a living channel");
        channel.active = time;
        let fresh = || Interest { reference, subscribers: 0, untaken: VecDeque::new() };
        let interest = channel.interests.entry(slot).or_insert_with(fresh);
        assert_eq!(interest.reference, reference, "one interest for a channel and worker");
        interest.subscribers += 1;
    }

    /// Takes `n` subscriptions off; true if none is left.
    pub(crate) fn unsubscribe(&mut self, slot: usize, creation: u64, n: u32) -> bool {
        let channel = self.of(creation);
        let interest = channel.interests.get_mut(&slot).expect("an interest");
        interest.subscribers = interest.subscribers.saturating_sub(n);
        if interest.subscribers > 0 {
            return false;
        }
        channel.interests.remove(&slot);
        channel.tidy();
        self.slots[slot].mail.retain(|noted| *noted != creation);
        true
    }

    /// Answers the channels that the worker's subscribers leave, sorted, and how many those are.
    pub(crate) fn clear_slot(&mut self, slot: usize) -> Vec<(Vec<u8>, u32)> {
        let left = self.channels.iter().filter_map(|channel| {
            Some((channel.id.clone(), channel.interests.get(&slot)?.subscribers))
        });
        let mut left: Vec<_> = left.collect();
        left.sort();
        let of = |channel: &Channel| channel.interests.contains_key(&slot);
        let creations: Vec<_> =
            self.channels.iter().filter(|c| of(c)).map(|channel| channel.creation).collect();
        for creation in creations {
            self.unsubscribe(slot, creation, u32::MAX);
        }
        let generation = self.slots[slot].generation + 1;
        self.slots[slot] = Slot { generation, ..Slot::default() };
        left
    }

    pub(crate) fn take(&mut self, slot: usize, creation: u64, upto: Cursor, budget: u32) -> bool {
        let channel = self.of(creation);
        let untaken = &mut channel.interests.get_mut(&slot).expect("an interest").untaken;
        let mut budget = budget;
        while untaken.front().is_some_and(|cursor| *cursor <= upto) && budget > 0 {
            untaken.pop_front();
            budget -= 1;
        }
        let done = untaken.front().is_none_or(|cursor| *cursor > upto);
        channel.tidy();
        done
    }

    pub(crate) fn delete(&mut self, id: &[u8], farewell: &[u8], now: u32, wake: &mut Vec<usize>) {
        self.advance(now);
        let since = self.time(now);
        let channel = self.find(id).expect("a living channel");
        let stored = channel.stored_count();
        channel.deleted = Some(Deleted { since, stored, farewell: farewell.to_vec() });
        channel.evict(0);
        let (creation, interested) =
            (channel.creation, channel.interests.keys().copied().collect::<Vec<_>>());
        self.post(creation, &interested, wake);
    }

    /// Answers the ids of the channels that go, sorted.
    pub(crate) fn sweep(&mut self, inactivity: u32, now: u32) -> Vec<Vec<u8>> {
        if self.time(now) <= self.swept {
            return Vec::new();
        }
        self.swept = now;
        let mut gone = Vec::new();
        self.channels.retain_mut(|channel| {
            let due = |entry: &&mut Stored| entry.stored && entry.expires <= now;
            for entry in channel.log.iter_mut().filter(due) {
                entry.stored = false;
                channel.dropped = channel.dropped.max(entry.message.cursor);
            }
            channel.tidy();
            let unused = channel.interests.is_empty() && channel.log.is_empty();
            let goes = match &channel.deleted {
                Some(deleted) => unused && now > deleted.since + 2,
                None => unused && !channel.kept && now > channel.active + inactivity,
            };
            if goes {
                gone.push(channel.id.clone());
            }
            !goes
        });
        let trash = &mut self.trash[now as usize % 16];
        if !gone.is_empty() {
            let before = if trash.0 == now { trash.1 } else { 0 };
            *trash = (now, before + gone.len() as u32);
        }
        gone.sort();
        gone
    }

    pub(crate) fn in_trash(&self, now: u32) -> u32 {
        let recent = self.trash.iter().filter(|(second, _)| now.saturating_sub(*second) < 10);
        recent.map(|(_, channels)| channels).sum()
    }

    pub(crate) fn untaken(&self) -> u32 {
        let waiting = |c: &Channel| c.log.iter().filter(|entry| !entry.stored).count() as u32;
        self.channels.iter().map(waiting).sum()
    }
}
