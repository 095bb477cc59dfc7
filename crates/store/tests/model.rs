//! Random operations on the store and on a model of plain std collections: every answer must be the same.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/model.rs"]
mod model;
#[path = "support/zone.rs"]
mod zone;

use std::collections::VecDeque;

use model::{Model, New};
use protocol::cursor::Cursor;
use store::{
    Batch, Changed, CreateError, CreateLimits, InterestRef, Listing, NewMessage, News, NewsResume,
    Parts, Position, Span, Stamp, Start, Store, WakeSet, WhenFull,
};
use zone::{END, Memory, Message, Random, drain, stored, sweep};

const SLOTS: usize = 4;
const INACTIVITY: u32 = 7;
const IDS: [&str; 9] = ["a", "b", "c", "d", "channel with a longer id", "e", "f", "*w", "*x"];

/// One of a few, which messages often share, or one of many.
fn event_id(random: &mut Random) -> Vec<u8> {
    let many = random.one_in(2);
    let number = random.below(if many { 1000 } else { 4 });
    if many { format!("event {number}") } else { number.to_string() }.into_bytes()
}

/// A reader that goes on between other operations.
struct Reader {
    id: Vec<u8>,
    creation: u64,
    position: Position,
    from: Cursor,
    upto: Cursor,
}

/// What was read at one go, to be read again later.
struct Kept {
    id: Vec<u8>,
    creation: u64,
    span: Span,
    messages: Vec<Message>,
    /// There was more, for which there was no room.
    cut: bool,
}

struct Test {
    store: Store,
    model: Model,
    random: Random,
    now: u32,
    readers: Vec<Reader>,
    kept: VecDeque<Kept>,
    /// A listing and the creation number up to which it has come.
    listings: Vec<(Listing, u64)>,
    free: u64,
    /// Sweeps come before what may find the zone full, so that it finds nothing that has expired.
    swept: bool,
}

impl Test {
    fn new(memory: &Memory, seed: u64) -> Self {
        let now = 1_000_000;
        let store = memory.format(SLOTS as u32, now);
        Self {
            free: store.zone_numbers(now).free_bytes,
            store,
            model: Model::new(SLOTS, now),
            random: Random(seed),
            now,
            readers: Vec::new(),
            kept: VecDeque::new(),
            listings: Vec::new(),
            swept: false,
        }
    }

    /// A zone that gets full, with one of the two ways to go on.
    fn full(mut self, when_full: WhenFull) -> Self {
        self.store.set_when_full(when_full);
        self.swept = true;
        self
    }

    fn sweep_first(&mut self) {
        if self.swept {
            let gone = sweep(&mut self.store, INACTIVITY, self.now, 1000);
            assert_eq!(gone, self.model.sweep(INACTIVITY, self.now), "channels that go");
        }
    }

    /// Lets the model evict what the store has evicted to make room: so many messages, always the oldest.
    fn follow_evictions(&mut self) {
        let stored = self.store.zone_numbers(self.now).stored;
        while self.model.stored_count() > stored {
            assert!(self.model.evict_oldest(), "a message has gone that may not go");
        }
    }

    fn id(&mut self) -> &'static str {
        IDS[self.random.below(IDS.len())]
    }

    fn step(&mut self) {
        match self.random.below(34) {
            0..=2 => {
                self.create();
            }
            3..=9 => self.publish(),
            10..=12 => self.subscribe(),
            13 | 14 => self.unsubscribe(),
            15..=17 => self.open_mail(),
            18 | 19 => self.take(),
            20 => self.seek(),
            21 => self.start_reader(),
            22 | 23 => self.read(),
            24 => self.list(),
            25 => self.delete(),
            26..=28 => self.pass(),
            29 => self.slots(),
            30 => self.clock(),
            31 | 32 => self.reread(),
            _ => self.keep(),
        }
    }

    fn create(&mut self) -> Option<&'static str> {
        self.sweep_first();
        let id = self.id();
        let limits = CreateLimits {
            channels: self.random.one_in(2).then_some(6),
            wildcard_channels: self.random.one_in(2).then_some(1),
            inactivity: INACTIVITY,
        };
        let wildcard = id.starts_with('*');
        let count = self.model.living().filter(|channel| channel.wildcard == wildcard).count();
        let limit = if wildcard { limits.wildcard_channels } else { limits.channels };
        let known = self.model.find(id.as_bytes()).is_some();
        let found = self.store.find_or_create(id.as_bytes(), wildcard, &limits, self.now);
        self.follow_evictions();
        match found {
            Ok(channel) => {
                assert_eq!(self.store.id(channel), id.as_bytes());
                if !known {
                    assert!(limit.is_none_or(|limit| count < limit as usize), "over the limit");
                    self.model.create(id.as_bytes(), wildcard, self.now);
                }
                Some(id)
            }
            Err(CreateError::TooManyChannels) => {
                assert!(!known && limit.is_some_and(|limit| count >= limit as usize), "no limit");
                None
            }
            Err(CreateError::NoMemory(_)) => None,
        }
    }

    fn publish(&mut self) {
        let ids: Vec<_> = (0..1 + self.random.below(3)).filter_map(|_| self.create()).collect();
        let size = [0, 1, 9, 40, 300, 3000][self.random.below(6)];
        let random = &mut self.random;
        let cursor = (!ids.is_empty() && random.one_in(10)).then(|| {
            Cursor::new(self.now.saturating_add(random.small(4)).saturating_sub(2), random.small(9))
        });
        let new = New {
            text: vec![b'x'; random.below(size + 1)],
            event_id: random.one_in(2).then(|| event_id(random)),
            event_type: random.one_in(4).then(|| b"type".to_vec()),
            binary: random.one_in(4),
            store: !random.one_in(3),
            ttl: [0, 1, 2, 5, 30, 100, 5000, 400_000][random.below(8)],
            max: random.one_in(3).then(|| random.small(5)),
            counted: !random.one_in(4),
            cursor,
        };
        let message = NewMessage {
            parts: Parts {
                text: &new.text,
                event_id: new.event_id.as_deref(),
                event_type: new.event_type.as_deref(),
                binary: new.binary,
            },
            store: new.store,
            ttl: new.ttl,
            max_stored: new.max,
            counted: new.counted,
            cursor: new.cursor,
            published_at: Stamp::default(),
        };
        let find = |id: &&str| self.store.find(id.as_bytes()).expect("just created");
        let channels: Vec<_> = ids.iter().map(find).collect();
        let mut wake = WakeSet::default();
        let published = self.store.publish(&channels, &message, self.now, &mut wake);
        let stored = self.store.zone_numbers(self.now).stored;
        let mut woken = Vec::new();
        let mut publish = |mut model: Model| {
            woken.clear();
            ids.iter().for_each(|id| model.publish(id.as_bytes(), &new, self.now, &mut woken));
            model
        };
        let after = published.is_ok().then(|| publish(self.model.clone()));
        self.model = match after.filter(|after| after.stored_count() == stored) {
            Some(after) => after,
            None => {
                // A full zone: what would have been evicted anyway has gone first, perhaps in vain.
                for (id, max) in ids.iter().zip(new.max.filter(|_| new.store).into_iter().cycle()) {
                    let channel = self.model.find(id.as_bytes()).expect("just created");
                    if channel.stored_count() >= max {
                        channel.evict(max.saturating_sub(1));
                    }
                }
                loop {
                    let model = self.model.clone();
                    let model = if published.is_ok() { publish(model) } else { model };
                    if model.stored_count() <= stored {
                        break model;
                    }
                    assert!(self.model.evict_oldest(), "a message has gone that may not go");
                }
            }
        };
        woken.sort_unstable();
        assert_eq!(wake.drain().collect::<Vec<_>>(), woken, "who is woken");
    }

    fn subscribe(&mut self) {
        let slot = self.random.below(SLOTS);
        let ids: Vec<_> = (0..1 + self.random.below(3)).filter_map(|_| self.create()).collect();
        let find = |id: &&str| self.store.find(id.as_bytes()).expect("just created");
        let channels: Vec<_> = ids.iter().map(find).collect();
        let mut interests = protocol::Few::new();
        let subscribed = self.store.subscribe(slot, &channels, &mut interests, self.now);
        self.follow_evictions();
        if subscribed.is_ok() {
            assert_eq!(interests.len(), ids.len());
            if let (Some(id), true) = (ids.first(), self.random.one_in(8)) {
                self.restore(slot, id, &interests);
            }
            for (id, interest) in ids.iter().zip(interests) {
                self.model.subscribe(slot, id.as_bytes(), interest, self.now);
            }
            self.model.slots[slot].subscribers += 1;
        }
    }

    /// What a worker does after a rebuild; otherwise it changes nothing that is there already.
    fn restore(&mut self, slot: usize, id: &str, interests: &[InterestRef]) {
        let channel = self.store.find(id.as_bytes()).expect("it is there");
        let subscribers = self.store.numbers(channel).subscribers;
        let interest = self.store.restore(slot, channel, 1, self.now).expect("no room needed");
        assert_eq!(interest, interests[0], "the interest that is there");
        assert_eq!(self.store.numbers(channel).subscribers, subscribers);
        let connected = self.model.slots[slot].subscribers as usize + 1;
        self.store.restore_connected(slot, connected);
    }

    /// Some interest: its slot and the creation number of its channel.
    fn interest(&mut self) -> Option<(usize, u64)> {
        let of = |channel: &model::Channel| {
            let creation = channel.creation;
            channel.interests.keys().map(move |slot| (*slot, creation)).collect::<Vec<_>>()
        };
        let all: Vec<_> = self.model.channels.iter().flat_map(of).collect();
        self.random.pick(&all).copied()
    }

    fn unsubscribe(&mut self) {
        let Some((slot, creation)) = self.interest() else { return };
        let reference = self.model.of(creation).interests[&slot].reference;
        let count = 1 + self.random.small(3);
        let last = self.model.unsubscribe(slot, creation, count);
        assert_eq!(self.store.unsubscribe(reference, count), last, "whether it was the last");
        if self.random.one_in(2) {
            self.store.disconnect(slot, count as usize);
            let subscribers = &mut self.model.slots[slot].subscribers;
            *subscribers = subscribers.saturating_sub(count);
        }
    }

    fn open_mail(&mut self) {
        let slot = self.random.below(SLOTS);
        let expected = &mut self.model.slots[slot];
        assert_eq!(self.store.has_mail(slot), expected.told, "whether there is mail");
        let noted = expected.mail.pop_front();
        if noted.is_none() {
            expected.told = false;
        }
        let found = self.store.open_mail(slot);
        let reference = noted.map(|creation| self.model.of(creation).interests[&slot].reference);
        assert_eq!(found, reference, "the next in the mailbox");
        if let (Some(creation), true) = (noted, self.random.one_in(2)) {
            self.take_from(slot, creation);
        }
    }

    fn take(&mut self) {
        if let Some((slot, creation)) = self.interest() {
            self.take_from(slot, creation);
        }
    }

    fn take_from(&mut self, slot: usize, creation: u64) {
        let channel = self.model.of(creation);
        let interest = &channel.interests[&slot];
        let reference = interest.reference;
        let upto = match self.random.below(3) {
            0 => {
                let at = self.random.below(interest.untaken.len());
                interest.untaken.get(at).copied().unwrap_or(END)
            }
            _ => END,
        };
        let due = interest.untaken.iter().filter(|cursor| **cursor <= upto);
        let due: Vec<_> = due.map(|cursor| channel.message(*cursor).clone()).collect();
        let mut found = Vec::new();
        let mut resume = NewsResume::default();
        let mut pins = Vec::new();
        loop {
            let mut news: Vec<News> = Vec::with_capacity(1 + self.random.below(4));
            let more = self.store.news(reference, upto, &mut resume, &mut news);
            pins.append(&mut news);
            if !more {
                break;
            }
        }
        for news in &pins {
            found.push(Message::new(news.cursor, news.id, self.store.pinned(&news.content)));
        }
        assert_eq!(found, due, "news");
        let farewell = self.store.farewell(reference);
        let farewell = farewell.map(|pin| self.store.pinned(&pin).text.to_vec());
        let deleted = self.model.of(creation).deleted.as_ref();
        assert_eq!(farewell, deleted.map(|deleted| deleted.farewell.clone()), "farewell");

        let budget = self.random.small(8);
        let done = self.model.take(slot, creation, upto, budget);
        assert_eq!(self.store.take(reference, upto, &mut { budget }), done, "whether all is taken");
    }

    fn start(random: &mut Random, clock: Cursor) -> Start {
        if random.one_in(4) {
            return Start::Backtrack(random.small(7));
        }
        Start::After(Cursor::new(clock.time.saturating_sub(random.small(6)), random.small(6)))
    }

    fn seek(&mut self) {
        let id = self.id();
        let event_id = event_id(&mut self.random);
        let start = Self::start(&mut self.random, self.model.clock);
        let Some(channel) = self.model.find(id.as_bytes()) else { return };
        let upto = match channel.stored().next_back() {
            Some(last) if self.random.one_in(4) => last.cursor,
            _ => END,
        };
        let due = channel.due(start, upto);
        let real = self.store.find(id.as_bytes()).expect("the model has it");
        let mut found = Vec::new();
        let mut position = self.store.seek(real, start, upto);
        let mut batch = Batch::with_capacity(1 + self.random.below(4), self.random.below(500));
        while let Some(from) = position {
            batch.reset();
            position = self.store.read(real, from, upto, &mut batch);
            position = position.filter(|next| next.cursor() <= upto);
            let all = batch.messages();
            found.extend(all.map(|(item, parts)| Message::new(item.cursor, item.id, parts)));
        }
        assert_eq!(found, due, "{start:?} up to {upto:?}");
        let of_id = channel.stored().find(|m| m.event_id.as_deref() == Some(&event_id[..]));
        let of_id = of_id.map(|m| m.cursor);
        assert_eq!(self.store.find_event_id(real, &event_id), of_id, "event id {event_id:?}");
        if let Start::After(cursor) = start {
            assert_eq!(self.store.has_gap(real, cursor), channel.has_gap(cursor), "gap");
        }
    }

    /// Whether what was read once would be read again.
    fn reread(&mut self) {
        if self.kept.is_empty() {
            return;
        }
        let Kept { id, creation, span, messages, cut } =
            &self.kept[self.random.below(self.kept.len())];
        let Some(channel) = self.model.find(id) else { return };
        let real = self.store.find(id).expect("the model has it");
        let (first, last) = (messages[0].cursor, messages[messages.len() - 1].cursor);
        assert_eq!(span.first().cursor(), first);
        let upto = if self.random.one_in(4) { channel.newest } else { END };
        let next = channel.stored().find(|message| message.cursor > last).map(|next| next.cursor);
        let is_whole = channel.creation == *creation && !channel.has_dropped(first) && last <= upto;
        match self.store.reread(real, span, upto) {
            Ok(found) => {
                assert!(is_whole, "changed");
                assert_eq!(found.map(|position| position.cursor()), next, "what comes next");
                let now = channel.stored().filter(|m| (first..=last).contains(&m.cursor));
                assert!(now.eq(messages), "the same messages");
                assert!(*cut || next.is_none_or(|next| next > upto), "more would be read");
            }
            Err(Changed) => {
                let more = !cut && next.is_some_and(|next| next <= upto);
                assert!(!is_whole || more, "nothing has changed");
            }
        }
    }

    fn start_reader(&mut self) {
        let id = self.id();
        let Some(channel) = self.model.find(id.as_bytes()) else { return };
        let creation = channel.creation;
        let upto = channel.newest;
        let due = channel.due(Start::Backtrack(u32::MAX), upto);
        let real = self.store.find(id.as_bytes()).expect("the model has it");
        let position = self.store.seek(real, Start::Backtrack(u32::MAX), upto);
        assert_eq!(position.is_some(), !due.is_empty());
        if let (Some(position), Some(first)) = (position, due.first()) {
            let id = id.as_bytes().to_vec();
            self.readers.push(Reader { id, creation, position, from: first.cursor, upto });
        }
    }

    /// Reads on where a reader stopped: what was evicted meanwhile is missing, nothing else.
    fn read(&mut self) {
        if self.readers.is_empty() {
            return;
        }
        let index = self.random.below(self.readers.len());
        let mut reader = self.readers.swap_remove(index);
        let Some(channel) = self.model.find(&reader.id) else { return };
        let real = self.store.find(&reader.id).expect("the model has it");
        let mut batch = Batch::with_capacity(1 + self.random.below(3), self.random.below(100));
        let upto = reader.upto;
        let is_due = |next: &Position| next.cursor() <= upto;
        let mut position = self.store.read(real, reader.position, upto, &mut batch).filter(is_due);
        if channel.creation != reader.creation {
            assert!(batch.is_empty() && position.is_none(), "another channel of that id");
            assert!(batch.has_gap(), "its messages are gone");
            return;
        }
        let missed = !channel.stored().any(|message| message.cursor == reader.from);
        assert_eq!(batch.has_gap(), missed, "whether the next message has gone");
        if batch.is_empty() && position.is_some() {
            // There was no room for it; now there is.
            batch.reset();
            let from = position.expect("some");
            position = self.store.read(real, from, upto, &mut batch).filter(is_due);
            assert!(!batch.is_empty(), "a batch makes room");
        }
        if let Some(span) = batch.span() {
            let all = batch.messages();
            let messages = all.map(|(item, parts)| Message::new(item.cursor, item.id, parts));
            let (id, creation, cut) = (reader.id.clone(), reader.creation, position.is_some());
            self.kept.push_back(Kept { id, creation, span, messages: messages.collect(), cut });
            if self.kept.len() > 8 {
                self.kept.pop_front();
            }
        }
        let due = channel.due(Start::Backtrack(u32::MAX), reader.upto);
        let mut due = due.into_iter().filter(|message| message.cursor >= reader.from);
        for (item, parts) in batch.messages() {
            let found = Message::new(item.cursor, item.id, parts);
            assert_eq!(Some(found), due.next(), "the next message to read");
        }
        let next = due.next();
        assert_eq!(position.is_some(), next.is_some(), "whether there is more to read");
        if let (Some(position), Some(next)) = (position, next) {
            reader.position = position;
            reader.from = next.cursor;
            self.readers.push(reader);
        }
    }

    fn list(&mut self) {
        if self.listings.is_empty() || self.random.one_in(4) {
            self.listings.push((Listing::default(), 0));
        }
        let index = self.random.below(self.listings.len());
        let (mut listing, from) = self.listings.swap_remove(index);
        let max = 1 + self.random.below(3);
        let mut found = Vec::new();
        let more = self.store.list(&mut listing, max, |id, numbers| {
            found.push((id.to_vec(), numbers.published, numbers.stored, numbers.subscribers));
        });
        let mut due = self.model.living().filter(|channel| channel.creation > from);
        let expected: Vec<_> = due.by_ref().take(max).collect();
        let upto = expected.last().map_or(from, |channel| channel.creation);
        let expected: Vec<_> = expected
            .iter()
            .map(|c| (c.id.clone(), c.published, c.stored_count(), c.subscribers()))
            .collect();
        assert_eq!(found, expected, "channels in creation order");
        assert_eq!(more, due.next().is_some(), "whether there are more channels");
        if more {
            self.listings.push((listing, upto));
        }
    }

    fn delete(&mut self) {
        let id = self.id();
        self.sweep_first();
        if self.model.find(id.as_bytes()).is_none() || self.random.one_in(2) {
            return;
        }
        let channel = self.store.find(id.as_bytes()).expect("the model has it");
        let mut wake = WakeSet::default();
        let mut woken = Vec::new();
        let deleted = self.store.delete(channel, b"good bye", self.now, &mut wake);
        if self.store.zone_numbers(self.now).stored < self.model.stored_count() {
            // A full zone: its messages have gone first.
            self.model.find(id.as_bytes()).expect("just seen").evict(0);
            self.follow_evictions();
        }
        if deleted.is_ok() {
            self.model.delete(id.as_bytes(), b"good bye", self.now, &mut woken);
            assert!(self.store.find(id.as_bytes()).is_none(), "deleted at once");
        }
        woken.sort_unstable();
        assert_eq!(wake.drain().collect::<Vec<_>>(), woken, "who is woken by a deletion");
    }

    /// Time goes by, or not, or back; then somebody sweeps.
    fn pass(&mut self) {
        let random = &mut self.random;
        match random.below(24) {
            0..=2 => {}
            3 => self.now -= random.small(8),
            4..=14 => self.now += 1 + random.small(2),
            15..=19 => self.now += random.small(40),
            20 => self.now += random.small(300),
            21 => self.now += random.small(10_000),
            22 => self.now += random.small(500_000),
            _ => {
                // The channels would all go otherwise.
                if random.one_in(20) {
                    self.now += random.small(40_000_000);
                }
            }
        }
        if !self.random.one_in(3) {
            let budget = [1, 10, 1000][self.random.below(3)];
            let gone = sweep(&mut self.store, INACTIVITY, self.now, budget);
            assert_eq!(gone, self.model.sweep(INACTIVITY, self.now), "channels that go");
            assert!(!self.store.needs_sweep(self.now));
        }
    }

    fn slots(&mut self) {
        let slot = self.random.below(SLOTS);
        let pid = self.random.small(1000) + 1;
        let free = self.model.slots[slot].pid == 0;
        assert_eq!(self.store.enter(slot, pid, self.now), free, "whether the slot is free");
        if free {
            self.model.slots[slot].pid = pid;
        } else if self.random.one_in(2) {
            let mut left = Vec::new();
            let mut tell = |id: &[u8], subscribers| left.push((id.to_vec(), subscribers));
            while !self.store.clear_slot(slot, &mut { 3 }, &mut tell) {}
            left.sort();
            assert_eq!(left, self.model.clear_slot(slot), "who has left");
        }
        assert!(!self.store.enter(SLOTS, pid, self.now), "no such slot");
    }

    fn clock(&mut self) {
        self.model.advance(self.now);
        assert_eq!(self.store.clock_at(self.now), self.model.clock, "the zone's clock");
    }

    fn keep(&mut self) {
        let id = self.id();
        if self.random.one_in(8) {
            self.store.keep(None);
            self.model.forget_kept();
        }
        if let (Some(channel), true) = (self.store.find(id.as_bytes()), self.random.one_in(8)) {
            self.store.keep(Some(channel));
            self.model.forget_kept();
            self.model.find(id.as_bytes()).expect("the store has it").kept = true;
        }
    }

    fn compare(&mut self) {
        let (model, store) = (&mut self.model, &self.store);
        let numbers = store.zone_numbers(self.now);
        let living = |wildcard| model.living().filter(|c| c.wildcard == wildcard).count() as u32;
        assert_eq!((numbers.channels, numbers.wildcard_channels), (living(false), living(true)));
        assert_eq!(numbers.published, model.published);
        assert_eq!(numbers.stored, model.stored_count(), "stored messages of the zone");
        assert_eq!(numbers.untaken, model.untaken(), "untaken messages of the zone");
        let deleted = model.channels.iter().filter(|channel| channel.deleted.is_some()).count();
        assert_eq!(numbers.channels_in_delete as usize, deleted, "channels in delete");
        assert_eq!(numbers.channels_in_trash, model.in_trash(self.now), "channels in trash");
        assert_eq!(store.clock(), model.clock);
        for (index, slot) in model.slots.iter().enumerate() {
            assert_eq!(store.occupant(index), Some(slot.pid).filter(|pid| *pid != 0));
            assert_eq!(store.generation(index), slot.generation);
        }
        let connected = model.slots.iter().filter(|slot| slot.pid != 0);
        assert_eq!(numbers.subscribers, connected.map(|slot| slot.subscribers).sum::<u32>());
        for id in IDS {
            let found = store.find(id.as_bytes());
            let Some(channel) = model.find(id.as_bytes()) else {
                assert!(found.is_none(), "{id} should have gone");
                continue;
            };
            let found = found.unwrap_or_else(|| panic!("{id} has gone"));
            let numbers = store.numbers(found);
            assert_eq!(numbers.published, channel.published);
            assert_eq!(numbers.stored, channel.stored_count(), "stored in {id}");
            assert_eq!(numbers.subscribers, channel.subscribers());
            assert_eq!(numbers.newest, channel.newest);
            assert_eq!(stored(store, found), channel.stored().cloned().collect::<Vec<_>>());
        }
    }
}

/// One history of random operations.
fn history(seed: u64, len: usize, steps: usize, when_full: Option<WhenFull>) {
    let memory = Memory::new(len);
    let mut test = Test::new(&memory, seed);
    if let Some(when_full) = when_full {
        test = test.full(when_full);
    }
    for step in 0..steps {
        test.step();
        test.compare();
        if step % 2 == 0
            && let Err(broken) = test.store.verify()
        {
            panic!("step {step}: {broken}");
        }
    }
    // Deleted channels with subscribers too: all goes, nothing is left.
    test.now += 100;
    assert_eq!(drain(&mut test.store, test.now), test.free, "something leaks");
}

/// Says which history failed.
fn histories(seeds: core::ops::Range<u64>, len: usize, steps: usize, when_full: Option<WhenFull>) {
    for seed in seeds {
        let result = std::panic::catch_unwind(|| history(seed, len, steps, when_full));
        if let Err(cause) = result {
            eprintln!("history {seed} of {steps} steps in {len} bytes");
            std::panic::resume_unwind(cause);
        }
    }
}

#[test]
fn the_store_answers_like_the_model() {
    histories(0..24, 256 << 10, 400, None);
}

#[test]
fn a_store_that_is_often_full_answers_like_the_model() {
    histories(1000..1036, 16 << 10, 400, Some(WhenFull::Refuse));
}

#[test]
fn a_full_store_that_evicts_drops_the_oldest_messages_only() {
    histories(2000..2036, 16 << 10, 400, Some(WhenFull::EvictOldest));
}

#[test]
fn a_clock_put_back_by_hours_delays_what_is_new_by_a_minute_at_most() {
    let memory = Memory::new(64 << 10);
    let noon = 1_000_000;
    let mut store = memory.format(1, noon);
    let _old = zone::channel(&mut store, "old", noon);
    let now = noon - 7200;
    sweep(&mut store, 30, now, 100);
    let new = zone::channel(&mut store, "new", now);
    let message = NewMessage { ttl: 5, ..zone::message(b"x") };
    store.publish(&[new], &message, now, &mut WakeSet::default()).expect("room");
    store.delete(new, b"", now, &mut WakeSet::default()).expect("nobody to tell");
    let new = zone::channel(&mut store, "newer", now);
    store.publish(&[new], &message, now, &mut WakeSet::default()).expect("room");
    for second in 1..120 {
        sweep(&mut store, 30, now + second, 100);
        store.verify().expect("a sound zone");
    }
    let numbers = store.zone_numbers(now + 120);
    assert_eq!((numbers.stored, numbers.channels_in_delete), (0, 0));
    assert!(store.find(b"newer").is_none() && store.find(b"old").is_some());
    sweep(&mut store, 30, noon + 31, 100);
    assert!(store.find(b"old").is_none());
}
