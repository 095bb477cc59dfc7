//! Operations on a zone that can be written down, run, and run again by another process.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::BTreeMap;

use protocol::cursor::Cursor;
use store::{
    COUNTERS, ChannelNumbers, InterestRef, NewMessage, NewsResume, Parts, Store, WakeSet,
    WorkerNumbers, ZoneNumbers,
};

use crate::zone::{END, Memory, Message, NO_LIMITS, Random, message, stored, sweep};

/// One call of the store's interface, or a few.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    /// Time goes by.
    Pass(u32),
    Enter(usize),
    Create(&'static str),
    Keep(&'static str),
    Publish {
        to: &'static [&'static str],
        store: bool,
        ttl: u32,
        max: Option<u32>,
        text: &'static str,
    },
    /// A message whose cursor comes from outside: the second so many behind now.
    Given(&'static str, u32),
    /// Many stored messages at once.
    Many(&'static str, u32),
    Subscribe(usize, &'static [&'static str]),
    Unsubscribe(usize, &'static str),
    Disconnect(usize),
    OpenMail(usize),
    Take(usize, &'static str, u32),
    Delete(&'static str),
    Sweep(u32),
    ClearSlot(usize),
    /// One of a worker's counters grows.
    Count(usize, usize, u64),
    ClockAt,
}

/// A message that is stored, with a ttl of 1000 s.
pub(crate) fn publish(to: &'static [&'static str], text: &'static str) -> Op {
    Op::Publish { to, store: true, ttl: 1000, max: None, text }
}

/// What the processes know besides the zone.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) now: u32,
    pub(crate) interests: BTreeMap<(usize, &'static str), InterestRef>,
}

/// The zone was full, or the channel is not there.
#[derive(Debug)]
pub(crate) struct Refused;

impl World {
    /// Runs an operation; what the world knows changes once it is complete.
    pub(crate) fn run(&mut self, store: &mut Store, op: &Op) -> Result<(), Refused> {
        let now = self.now;
        let mut wake = WakeSet::default();
        match *op {
            Op::Pass(seconds) => self.now += seconds,
            Op::Enter(slot) => {
                store.enter(slot, 100 + slot as u32, now);
            }
            Op::Create(id) => {
                let wildcard = id.starts_with('*');
                store.find_or_create(id.as_bytes(), wildcard, &NO_LIMITS, now).or(Err(Refused))?;
            }
            Op::Keep(id) => {
                let channel = store.find(id.as_bytes()).ok_or(Refused)?;
                store.keep(Some(channel));
            }
            Op::Publish { to, store: stored, ttl, max, text } => {
                let find = |id: &&str| store.find(id.as_bytes()).ok_or(Refused);
                let channels = to.iter().map(find).collect::<Result<Vec<_>, _>>()?;
                let new = NewMessage {
                    store: stored,
                    ttl,
                    max_stored: max,
                    parts: Parts {
                        text: text.as_bytes(),
                        event_id: Some(text.as_bytes()),
                        ..Parts::default()
                    },
                    ..message(b"")
                };
                store.publish(&channels, &new, now, &mut wake).or(Err(Refused))?;
            }
            Op::Given(id, seconds) => {
                let channel = store.find(id.as_bytes()).ok_or(Refused)?;
                let cursor = Some(Cursor::new(now + seconds, 7));
                let new = NewMessage { cursor, ..message(b"given") };
                store.publish(&[channel], &new, now, &mut wake).or(Err(Refused))?;
            }
            Op::Many(id, count) => {
                let channel = store.find(id.as_bytes()).ok_or(Refused)?;
                for _ in 0..count {
                    let published = store.publish(&[channel], &message(b"many"), now, &mut wake);
                    published.or(Err(Refused))?;
                }
            }
            Op::Subscribe(slot, ids) => {
                let find = |id: &&str| store.find(id.as_bytes()).ok_or(Refused);
                let channels = ids.iter().map(find).collect::<Result<Vec<_>, _>>()?;
                let mut interests = protocol::Few::new();
                store.subscribe(slot, &channels, &mut interests, now).or(Err(Refused))?;
                let keys = ids.iter().map(|id| (slot, *id));
                self.interests.extend(keys.zip(interests));
            }
            Op::Unsubscribe(slot, id) => {
                let interest = *self.interests.get(&(slot, id)).ok_or(Refused)?;
                if store.unsubscribe(interest, 1) {
                    self.interests.remove(&(slot, id));
                }
            }
            Op::Disconnect(slot) => store.disconnect(slot, 1),
            Op::OpenMail(slot) => {
                store.open_mail(slot);
            }
            Op::Take(slot, id, count) => {
                let interest = *self.interests.get(&(slot, id)).ok_or(Refused)?;
                store.take(interest, END, &mut { count });
            }
            Op::Delete(id) => {
                let channel = store.find(id.as_bytes()).ok_or(Refused)?;
                store.delete(channel, b"farewell", now, &mut wake).or(Err(Refused))?;
            }
            Op::Sweep(inactivity) => {
                sweep(store, inactivity, now, 50);
            }
            Op::ClearSlot(slot) => {
                self.interests.retain(|(of, _), _| *of != slot);
                while !store.clear_slot(slot, &mut 5, &mut |_, _| ()) {}
            }
            Op::Count(slot, counter, more) => {
                let mut counts = [0; COUNTERS];
                counts[counter] = more;
                store.count(slot, &counts);
            }
            Op::ClockAt => {
                store.clock_at(now);
            }
        }
        Ok(())
    }
}

/// A random operation on a few channels and three slots.
pub(crate) fn random_op(random: &mut Random) -> Op {
    const IDS: [&str; 4] = ["a", "b", "c", "*w"];
    const SETS: [&[&str]; 6] =
        [&["a"], &["b"], &["c", "a"], &["a", "a"], &["*w", "b", "c"], &["c"]];
    let slot = random.below(3);
    let id = IDS[random.below(IDS.len())];
    let to = SETS[random.below(SETS.len())];
    match random.below(16) {
        0 => Op::Enter(slot),
        1 | 2 => Op::Create(id),
        3..=6 => Op::Publish {
            to,
            store: !random.one_in(3),
            ttl: random.small(20),
            max: random.one_in(2).then(|| 1 + random.small(3)),
            text: "a random message",
        },
        7 | 8 => Op::Subscribe(slot, to),
        9 => Op::Unsubscribe(slot, id),
        10 => Op::OpenMail(slot),
        11 => Op::Take(slot, id, random.small(4)),
        12 if random.one_in(2) => Op::Delete(id),
        12 => Op::ClearSlot(slot),
        13 => Op::Pass(random.small(100)),
        14 if random.one_in(2) => Op::Count(slot, random.below(COUNTERS), random.next() >> 44),
        14 => Op::Sweep(10),
        _ if random.one_in(2) => Op::Keep(id),
        _ => Op::ClockAt,
    }
}

/// All that can be seen of a zone through the store's interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) channels: BTreeMap<Vec<u8>, (ChannelNumbers, Vec<Message>)>,
    /// Messages that the workers have still to take.
    pub(crate) waiting: BTreeMap<(usize, &'static str), Vec<Message>>,
    /// Interests in the mailboxes, in order.
    pub(crate) mail: Vec<Vec<InterestRef>>,
    /// What the workers have counted, those that have gone included.
    pub(crate) counts: [u64; COUNTERS],
    workers: Vec<WorkerNumbers>,
    zone: ZoneNumbers,
}

/// Looks at a copy of a zone: the copy is changed by that.
pub(crate) fn observe(copy: &Memory, world: &World) -> Observation {
    let mut store = copy.open();
    let mut ids = Vec::new();
    store.list(&mut store::Listing::default(), usize::MAX, |id, numbers| {
        ids.push((id.to_vec(), numbers));
    });
    let channels = ids.into_iter().map(|(id, numbers)| {
        let channel = store.find(&id).expect("a listed channel");
        let messages = stored(&store, channel);
        (id, (numbers, messages))
    });
    let channels = channels.collect();
    let waiting = world.interests.iter().map(|(key, interest)| (*key, untaken(&store, *interest)));
    let waiting = waiting.collect();
    let workers = store.workers().collect();
    let zone = ZoneNumbers {
        channel_bytes: 0,
        message_bytes: 0,
        subscription_bytes: 0,
        free_bytes: 0,
        ..store.zone_numbers(world.now)
    };
    let counts = store.counts();
    let slots = 0..store.slot_count();
    let mail = slots.map(|slot| core::iter::from_fn(|| store.open_mail(slot)).collect()).collect();
    Observation { channels, waiting, mail, counts, workers, zone }
}

/// The messages that a worker has still to take.
pub(crate) fn untaken(store: &Store, interest: InterestRef) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut resume = NewsResume::default();
    loop {
        let mut news = Vec::with_capacity(3);
        let more = store.news(interest, END, &mut resume, &mut news);
        let parts =
            |news: &store::News| Message::new(news.cursor, news.id, store.pinned(&news.content));
        messages.extend(news.iter().map(parts));
        if !more {
            return messages;
        }
    }
}
