//! A worker dies at every single write of every operation; the others go on.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/history.rs"]
mod history;
#[path = "support/zone.rs"]
mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use history::{Observation, Op, World, observe, publish, random_op};
use store::fault::{Stopped, stop_after};
use store::{ChannelRef, Recovery, Store, WakeSet, WhenFull};
use zone::{Memory, Message, Random, drain, stored};

const NOW: u32 = 1_000_000;
const SLOTS: u32 = 3;

/// Runs something that dies before its write number `writes`. True = it came to its end before.
fn dies_at(writes: u64, act: impl FnOnce()) -> bool {
    stop_after(Some(writes));
    let result = catch_unwind(AssertUnwindSafe(act));
    stop_after(None);
    if let Err(cause) = &result {
        assert!(cause.is::<Stopped>(), "a panic at write {writes}");
    }
    result.is_ok()
}

/// A zone in a certain state, and room to play its future through.
struct Scene {
    before: Vec<u8>,
    world: World,
    memory: Memory,
    copy: Memory,
    /// Free bytes of the empty zone.
    free: u64,
}

impl Scene {
    fn new(len: usize) -> Self {
        let (memory, copy) = (Memory::new(len), Memory::new(len));
        let store = memory.format(SLOTS, NOW);
        let free = store.zone_numbers(NOW).free_bytes;
        let world = World { now: NOW, ..World::default() };
        Self { before: memory.bytes(), world, memory, copy, free }
    }

    /// Plays the operation to its end, and lets it be the past.
    fn run(&mut self, op: &Op) {
        self.memory.put(&self.before);
        let mut store = self.memory.open();
        self.world.run(&mut store, op).unwrap_or_else(|_| panic!("{op:?} was refused"));
        store.verify().unwrap_or_else(|broken| panic!("after {op:?}: {broken}"));
        self.before = self.memory.bytes();
    }

    fn observe(&self, bytes: &[u8], world: &World) -> Observation {
        self.copy.put(bytes);
        observe(&self.copy, world)
    }

    /// Lets the operation die at each of the writes that `chosen` picks.
    fn interrupt(&self, op: &Op, random: &mut Random, chosen: impl Fn(u64) -> bool) {
        let mut world = self.world.clone();
        if let Op::ClearSlot(slot) = op {
            // Whose worker is dead already.
            world.interests.retain(|(of, _), _| of != slot);
        }
        let before = self.observe(&self.before, &world);
        let mut after_world = self.world.clone();
        self.memory.put(&self.before);
        after_world.run(&mut self.memory.open(), op).expect("it is possible");
        let after_bytes = self.memory.bytes();
        let unsubscribed =
            !world.interests.keys().all(|key| after_world.interests.contains_key(key));
        let after = self.observe(&after_bytes, &after_world);

        for writes in (0..).filter(|writes| chosen(*writes)) {
            self.memory.put(&self.before);
            let mut store = self.memory.open();
            let mut dead = world.clone();
            if dies_at(writes, || dead.run(&mut store, op).expect("it is possible")) {
                return;
            }
            let dead = self.memory.bytes();
            let at = format!("{op:?}, write {writes}");

            let mut store = self.memory.open();
            let recovery = store.recover(world.now);
            assert!(matches!(recovery, Recovery::Clean | Recovery::Undone), "{at}: {recovery:?}");
            store.verify().unwrap_or_else(|broken| panic!("{at}: {broken}"));
            let recovered = self.memory.bytes();
            let between = self.observe(&recovered, &world);
            if is_single(op) {
                assert_eq!(between, before, "{at}");
            }
            lies_between(&between, &before, &after, &at);
            assert_eq!(between.counts, before.counts, "{at}: counts");

            // Once more from the start, by another process.
            let mut next = world.clone();
            let refused = next.run(&mut store, op).is_err();
            if refused {
                // A deletion happens at once; what may be left is to free the messages.
                assert!(matches!(op, Op::Delete(_)), "{at}: refused the second time");
                assert_eq!(
                    between.channels.keys().collect::<Vec<_>>(),
                    after.channels.keys().collect::<Vec<_>>()
                );
            }
            store.verify().unwrap_or_else(|broken| panic!("{at}, again: {broken}"));
            if is_repeatable(op) && !refused {
                let again = self.observe(&self.memory.bytes(), &next);
                assert_eq!(again, after, "{at}, again");
            }
            if !unsubscribed && !matches!(op, Op::Take(..)) {
                keeps(op, &self.observe(&self.memory.bytes(), &next), &after, &at);
            }
            if writes % 16 == 0 {
                self.go_on(&mut store, next, random, &at);
            }
            if writes % 8 == 0 {
                self.die_while_undoing(&dead, &recovered, world.now, random, &at);
            }
        }
    }

    /// A random future; in the end everything goes and nothing is left.
    fn go_on(&self, store: &mut Store, mut world: World, random: &mut Random, at: &str) {
        let seed = random.0;
        for _ in 0..12 {
            // What is refused is refused.
            let _ = world.run(store, &random_op(random));
        }
        store.verify().unwrap_or_else(|broken| panic!("{at}, future {seed}: {broken}"));
        assert_eq!(drain(store, world.now), self.free, "{at}, future {seed}");
    }

    fn die_while_undoing(
        &self,
        dead: &[u8],
        recovered: &[u8],
        now: u32,
        random: &mut Random,
        at: &str,
    ) {
        let mut writes = 0;
        loop {
            self.copy.put(dead);
            let mut store = self.copy.open();
            if dies_at(writes, || {
                store.recover(now);
            }) {
                return;
            }
            self.copy.open().recover(now);
            assert!(self.copy.bytes() == recovered, "{at}, undo died at its write {writes}");
            writes += 1 + u64::from(random.small(4));
        }
    }
}

/// Whether the operation is one mutation: it happens completely or not at all.
fn is_single(op: &Op) -> bool {
    matches!(
        op,
        Op::Enter(_)
            | Op::Create(_)
            | Op::Keep(_)
            | Op::Disconnect(_)
            | Op::OpenMail(_)
            | Op::ClockAt
            | Op::Count(..)
            | Op::Given(..)
            | Op::Publish { to: [_], max: None, .. }
    )
}

/// Whether doing it half and then once again comes to the same as doing it once.
fn is_repeatable(op: &Op) -> bool {
    match op {
        Op::Subscribe(..) | Op::Many(..) => false,
        Op::Take(_, _, count) => *count >= 100,
        Op::Publish { .. } => is_single(op),
        _ => true,
    }
}

/// What was there before and is there after must be there in between; nothing else may be.
fn lies_between(between: &Observation, before: &Observation, after: &Observation, at: &str) {
    let messages = |observation: &Observation| -> BTreeMap<Vec<u8>, BTreeSet<Message>> {
        let channels = observation.channels.iter();
        channels
            .map(|(id, (_, messages))| (id.clone(), messages.iter().cloned().collect()))
            .collect()
    };
    let waiting = |observation: &Observation| -> BTreeMap<Vec<u8>, BTreeSet<Message>> {
        let waiting = observation.waiting.iter();
        waiting
            .map(|((slot, id), messages)| {
                (format!("{slot} {id}").into_bytes(), messages.iter().cloned().collect())
            })
            .collect()
    };
    for part in
        [&messages as &dyn Fn(&Observation) -> BTreeMap<Vec<u8>, BTreeSet<Message>>, &waiting]
    {
        let (between, before, after) = (part(between), part(before), part(after));
        for id in before.keys().filter(|id| after.contains_key(*id)) {
            let found = between.get(id).unwrap_or_else(|| panic!("{at}: {id:?} is gone"));
            let both: BTreeSet<_> = before[id].intersection(&after[id]).cloned().collect();
            let any: BTreeSet<_> = before[id].union(&after[id]).cloned().collect();
            assert!(found.is_superset(&both), "{at}: {id:?} has lost a message");
            assert!(found.is_subset(&any), "{at}: {id:?} has a message too many");
        }
        for id in between.keys() {
            assert!(before.contains_key(id) || after.contains_key(id), "{at}: {id:?} appears");
        }
    }
}

/// Every message of `after` is there, though an interrupted publish may have left a second one.
fn keeps(op: &Op, found: &Observation, after: &Observation, at: &str) {
    let texts = |messages: &[Message]| {
        let mut texts: Vec<_> = messages.iter().map(|message| message.text.clone()).collect();
        texts.dedup();
        texts
    };
    let evicts = matches!(op, Op::Publish { max: Some(_), .. });
    for (id, (_, messages)) in after.channels.iter().filter(|_| !evicts) {
        assert_eq!(texts(&found.channels[id].1), texts(messages), "{at}, again: stored in {id:?}");
    }
    for (key, messages) in &after.waiting {
        assert_eq!(texts(&found.waiting[key]), texts(messages), "{at}, again: due to {key:?}");
    }
}

/// Enough channels that some share a bucket of the directory.
const NAMES: [&str; 14] =
    ["n0", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "n8", "n9", "na", "nb", "nc", "nd"];

/// Touches every mutation of the interface.
fn script() -> Vec<Op> {
    let unstored = |to, text| Op::Publish { to, store: false, ttl: 9, max: None, text };
    let dies_in = |to, ttl, text| Op::Publish { to, store: true, ttl, max: None, text };
    let at_most = |to, max, text| Op::Publish { to, store: true, ttl: 1000, max: Some(max), text };
    vec![
        Op::Enter(0),
        Op::Enter(1),
        Op::Enter(2),
        Op::Create("a"),
        Op::Create("b"),
        Op::Create("*w"),
        publish(&["a"], "1"),
        publish(&["a", "b"], "2 in two channels"),
        unstored(&["b"], "3 for nobody"),
        Op::Subscribe(0, &["a"]),
        Op::Subscribe(0, &["a"]),
        Op::Subscribe(1, &["a", "b"]),
        Op::Subscribe(2, &["b", "*w"]),
        unstored(&["a"], "4"),
        publish(&["a", "b", "a"], "5 twice"),
        at_most(&["a"], 2, "6"),
        Op::OpenMail(0),
        publish(&["a"], "7"),
        Op::OpenMail(0),
        Op::OpenMail(0),
        Op::OpenMail(1),
        Op::OpenMail(1),
        Op::Take(0, "a", 2),
        Op::Take(1, "a", 1),
        Op::Take(0, "a", 100),
        Op::Pass(2),
        Op::ClockAt,
        Op::Given("b", 3),
        dies_in(&["b"], 7, "8"),
        dies_in(&["b", "*w"], 3, "9 before 8"),
        Op::Pass(4),
        Op::Sweep(30),
        Op::Pass(5),
        Op::Sweep(30),
        Op::Keep("b"),
        Op::Delete("a"),
        Op::Unsubscribe(0, "a"),
        Op::Unsubscribe(0, "a"),
        Op::Disconnect(0),
        Op::OpenMail(1),
        Op::Unsubscribe(1, "a"),
        Op::Pass(2),
        Op::Sweep(30),
        Op::Pass(2),
        Op::Sweep(30),
        // Nothing is left of it, so the next one begins anew.
        Op::Create("a"),
        dies_in(&["a"], 200_000, "10 for days"),
        dies_in(&["b"], 5000, "11 for an hour"),
        Op::Create("c"),
        Op::Create("m"),
        dies_in(&["m"], 5000, "first"),
        dies_in(&["m"], 9, "in the middle"),
        dies_in(&["m"], 5000, "last"),
        Op::Pass(31),
        Op::Sweep(30),
        Op::Pass(4900),
        Op::Sweep(30),
        Op::Pass(190_000),
        Op::Sweep(30),
        unstored(&["b"], "12"),
        unstored(&["b", "*w"], "13"),
        Op::Count(2, 0, 7),
        Op::Count(2, 40, 1 << 40),
        Op::Count(1, 40, 5),
        Op::ClearSlot(2),
        Op::Enter(2),
        Op::Count(2, 0, 3),
        Op::Subscribe(0, &["b", "*w"]),
        Op::Unsubscribe(0, "*w"),
        Op::Unsubscribe(0, "b"),
        Op::ClearSlot(1),
        Op::ClearSlot(0),
        Op::Delete("b"),
        Op::Pass(10_000),
        Op::Sweep(30),
    ]
}

#[test]
fn a_death_at_any_write_of_any_operation_is_undone() {
    let mut scene = Scene::new(32 << 10);
    let mut random = Random(1);
    for op in script() {
        scene.interrupt(&op, &mut random, |_| true);
        scene.run(&op);
    }
    let deletions = NAMES.map(Op::Delete);
    for op in NAMES.map(Op::Create).iter().chain(&deletions).chain(&[Op::Pass(9), Op::Sweep(30)]) {
        scene.interrupt(op, &mut random, |_| true);
        scene.run(op);
    }
    let store = scene.memory.open();
    let numbers = store.zone_numbers(scene.world.now);
    assert_eq!((numbers.channels, numbers.wildcard_channels, numbers.stored), (0, 0, 0));
}

#[test]
fn a_death_during_a_long_purge_loses_nothing_else() {
    let mut scene = Scene::new(256 << 10);
    for op in [
        Op::Create("a"),
        Op::Create("b"),
        publish(&["b"], "stays"),
        Op::Many("a", 1100),
        Op::Subscribe(0, &["a", "b"]),
        publish(&["a", "b"], "due"),
    ] {
        scene.run(&op);
    }
    let mut random = Random(2);
    // The deletion itself, then a few of the thousand messages, of which each is a mutation like the other.
    scene.interrupt(&Op::Delete("a"), &mut random, |n| n < 200 || n % 4999 == 0 && n < 200_000);
    scene.run(&Op::Delete("a"));
    scene.run(&Op::Unsubscribe(0, "a"));
    scene.run(&Op::Pass(3));
    scene.interrupt(&Op::Sweep(30), &mut random, |n| n < 200 || n % 997 == 0 && n < 20_000);
    scene.run(&Op::Sweep(30));
    assert_eq!(scene.memory.open().zone_numbers(scene.world.now).stored, 2);
}

#[test]
fn a_death_during_a_rebuild_leaves_the_rebuild_to_the_next_one() {
    let mut scene = Scene::new(32 << 10);
    let unstored = |text| Op::Publish { to: &["a"], store: false, ttl: 9, max: None, text };
    // Messages that are dropped lie between those that are kept.
    let mixed = [unstored("w"), publish(&["a"], "x"), unstored("y"), publish(&["a"], "z")];
    for op in script().iter().take(24).chain(&mixed) {
        scene.run(op);
    }
    let world = World { now: scene.world.now, ..World::default() };
    // An impossible journal length: what a rebuild begins with.
    scene.memory.put_word(24, u32::MAX);
    let damaged = scene.memory.bytes();
    assert_eq!(scene.memory.open().recover(world.now), Recovery::Rebuilt);
    let rebuilt = scene.observe(&scene.memory.bytes(), &world);
    for writes in 0.. {
        scene.memory.put(&damaged);
        let mut store = scene.memory.open();
        if dies_at(writes, || {
            store.recover(world.now);
        }) {
            break;
        }
        let mut store = scene.memory.open();
        assert_eq!(store.recover(world.now), Recovery::Rebuilt, "write {writes}");
        store.verify().unwrap_or_else(|broken| panic!("write {writes}: {broken}"));
        assert_eq!(scene.observe(&scene.memory.bytes(), &world), rebuilt, "write {writes}");
    }
}

/// Dying while room is made loses nothing but the oldest messages, and the next one gets on.
#[test]
fn a_death_while_room_is_made_leaves_a_sound_zone() {
    let memory = Memory::new(16 << 10);
    let mut store = memory.format(SLOTS, NOW);
    let channels = ["a", "b", "c"].map(|id| zone::channel(&mut store, id, NOW));
    let publish = |store: &mut Store, to: &[ChannelRef], text: &[u8], now| {
        store.publish(to, &zone::message(text), now, &mut WakeSet::default())
    };
    store.enter(0, 1, NOW);
    store.subscribe(0, &channels[..1], &mut protocol::Few::new(), NOW).expect("room");
    for (n, ttl) in [5, 1000, 1000].into_iter().enumerate() {
        // The last ones of a channel with a subscriber are still to be taken.
        for _ in 0..3 {
            let new = store::NewMessage { ttl, ..zone::message(b"message") };
            store.publish(&channels[n..=n], &new, NOW, &mut WakeSet::default()).expect("room");
        }
    }
    while publish(&mut store, &channels[1..2], b"fills the zone", NOW).is_ok() {}
    let before = memory.bytes();
    let untaken = store.zone_numbers(NOW).untaken;
    // Something has expired, and that is not enough.
    let (text, now) = ([b'x'; 700], NOW + 6);
    for to in [&channels[1..2], &channels[..]] {
        memory.put(&before);
        let all = channels.map(|channel| stored(&memory.open(), channel));
        for writes in 0.. {
            memory.put(&before);
            let mut store = memory.open();
            store.set_when_full(WhenFull::EvictOldest);
            let done =
                dies_at(writes, || publish(&mut store, to, &text, now).expect("room is made"));
            let mut store = memory.open();
            store.recover(now);
            store.verify().unwrap_or_else(|broken| panic!("write {writes}: {broken}"));
            assert!(done || store.zone_numbers(now).untaken >= untaken, "write {writes}");
            for (channel, all) in channels.iter().zip(&all) {
                let left = stored(&store, *channel);
                let old: Vec<_> =
                    left.iter().filter(|message| message.text != text).cloned().collect();
                assert!(all.ends_with(&old), "write {writes}: not the oldest have gone");
                assert!(old.len() + 1 >= left.len(), "write {writes}: twice");
            }
            if done {
                break;
            }
            store.set_when_full(WhenFull::EvictOldest);
            publish(&mut store, to, &text, now)
                .unwrap_or_else(|_| panic!("write {writes}: no room"));
            store.verify().unwrap_or_else(|broken| panic!("write {writes}, again: {broken}"));
        }
    }
}
