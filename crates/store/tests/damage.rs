//! Words of the zone are overwritten by somebody else: no panic, no endless loop, no access outside of it; and once the
//! damage is noticed, the zone is sound again with the messages that can be reached.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/damaged.rs"]
mod damaged;
#[path = "support/history.rs"]
mod history;
#[path = "support/zone.rs"]
mod zone;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use damaged::{HEAP, JOURNAL_LEN, NOW, ROOT_END, SLOTS, TEXT_LEN, Worker, busy, rebuild_and_drain};
use history::{Observation, World, observe, random_op, untaken};
use store::{Batch, Listing, Recovery, Start, WakeSet};
use zone::{END, Memory, Random};

/// Runs a test in a thread of its own, so that an endless loop fails it.
fn within(limit: Duration, test: fn()) {
    let (done, wait) = channel();
    let thread = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    if wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
        panic!("an endless loop");
    }
    thread.join().unwrap_or_else(|cause| std::panic::resume_unwind(cause));
}

/// Overwrites one word with something that may look right.
fn damage(memory: &Memory, at: usize, random: &mut Random) {
    let old = memory.word(at);
    let granules = memory.len() as u32 / 16;
    let new = match random.below(7) {
        0 => 0,
        1 => u32::MAX,
        2 => old ^ 1 << random.small(32),
        3 => random.small(granules),
        4 => memory.word(random.below(memory.len() / 4) * 4),
        5 => old.wrapping_add(random.small(5)).wrapping_sub(2),
        _ => random.next() as u32,
    };
    memory.put_word(at, new);
}

#[test]
fn damage_anywhere_leads_to_no_panic_and_no_endless_loop() {
    within(Duration::from_secs(120), || {
        let memory = Memory::new(24 << 10);
        let mut noticed = 0;
        for case in 0..400 {
            let mut random = Random(case);
            let (world, free) = busy(&memory, case / 8);
            // The worker knows the zone from before the damage.
            let store = memory.open();
            let mut worker = Worker { epoch: store.epoch(), store, world };
            for _ in 0..1 + random.below(6) {
                let words = if random.one_in(3) { ROOT_END } else { memory.len() } / 4;
                let mut at = random.below(words) * 4;
                // Most of the zone is empty: not much happens there.
                while memory.word(at) == 0 && !random.one_in(10) {
                    at = random.below(words) * 4;
                }
                damage(&memory, at, &mut random);
            }
            for _ in 0..40 {
                let op = random_op(&mut random);
                worker.work(&op);
            }
            worker.look();
            worker.lock();
            noticed += u32::from(worker.epoch > 0);
            let now = worker.world.now;
            drop(worker);
            rebuild_and_drain(&memory, now, free);
        }
        assert!(noticed > 40, "{noticed}");
    });
}

#[test]
fn damage_to_any_word_is_put_right_by_a_rebuild() {
    within(Duration::from_secs(120), || {
        let memory = Memory::new(16 << 10);
        let (world, free) = busy(&memory, 3);
        let sound = memory.bytes();
        let mut random = Random(4);
        let mut rebuilt = 0;
        for at in (0..memory.len()).step_by(4) {
            memory.put(&sound);
            damage(&memory, at, &mut random);
            rebuilt += u32::from(rebuild_and_drain(&memory, world.now, free) == Recovery::Rebuilt);
        }
        // One damaged word never overlaps two blocks; only the four words that say what the zone is are beyond repair.
        assert!(rebuilt as usize >= memory.len() / 4 - 6, "{rebuilt}");
    });
}

/// What a rebuild keeps: the living channels and their stored messages.
fn without_processes(mut observation: Observation) -> Observation {
    for (numbers, _) in observation.channels.values_mut() {
        numbers.subscribers = 0;
    }
    observation.waiting.clear();
    observation.mail.clear();
    observation
}

#[test]
fn a_rebuild_of_a_sound_zone_keeps_all_stored_messages() {
    let (memory, copy) = (Memory::new(64 << 10), Memory::new(64 << 10));
    for seed in 0..50 {
        let (world, _) = busy(&memory, seed);
        copy.put(&memory.bytes());
        let before = without_processes(observe(&copy, &world));
        let mut store = memory.open();
        let (epoch, numbers, clock) = (store.epoch(), store.zone_numbers(world.now), store.clock());
        let workers: Vec<_> = store.workers().map(|worker| (worker.slot, worker.pid)).collect();

        memory.put_word(JOURNAL_LEN, u32::MAX);
        assert_eq!(store.recover(world.now), Recovery::Rebuilt);
        store.verify().expect("a sound zone");
        assert_eq!(store.epoch(), epoch + 1);
        assert!(store.clock() >= clock);
        let now = store.zone_numbers(world.now);
        assert_eq!(
            (now.channels, now.wildcard_channels),
            (numbers.channels, numbers.wildcard_channels)
        );
        assert_eq!((now.published, now.created), (numbers.published, numbers.created));
        assert_eq!((now.untaken, now.channels_in_delete, now.subscribers), (0, 0, 0));
        let entered: Vec<_> = store.workers().map(|worker| (worker.slot, worker.pid)).collect();
        assert_eq!(entered, workers);
        assert!((0..SLOTS as usize).all(|slot| !store.has_mail(slot)));

        copy.put(&memory.bytes());
        let world = World { now: world.now, ..World::default() };
        let after = without_processes(observe(&copy, &world));
        assert_eq!(after.channels, before.channels);
        let stored: u64 =
            after.channels.values().map(|(numbers, _)| u64::from(numbers.stored)).sum();
        assert_eq!(now.stored, stored);

        // A worker registers again, and all goes on.
        let channel = store.find(b"a").expect("it was there");
        let interest = store.restore(1, channel, 3, world.now).expect("room");
        assert_eq!(store.numbers(channel).subscribers, 3);
        store
            .publish(&[channel], &zone::message(b"on"), world.now, &mut WakeSet::default())
            .expect("room");
        assert_eq!(store.open_mail(1), Some(interest));
        assert_eq!(untaken(&store, interest).len(), 1);
        store.verify().expect("a sound zone");
    }
}

#[test]
fn damage_outside_of_channels_costs_no_message() {
    let (memory, copy) = (Memory::new(24 << 10), Memory::new(24 << 10));
    let (world, _) = busy(&memory, 9);
    copy.put(&memory.bytes());
    let before = without_processes(observe(&copy, &world));
    let sound = memory.bytes();
    let mut random = Random(6);
    // The root behind the words that say what the zone is, without the clock: creation numbers, lists, counters, marks of
    // the free lists; and the keys of the hash, with which the channels are put into other chains.
    let root = (32..48).chain(60..ROOT_END).step_by(4);
    for at in root {
        memory.put(&sound);
        let mut store = memory.open();
        damage(&memory, at, &mut random);
        memory.put_word(JOURNAL_LEN, u32::MAX);
        assert_eq!(store.recover(world.now), Recovery::Rebuilt, "byte {at}");
        store.verify().unwrap_or_else(|broken| panic!("byte {at}: {broken}"));
        copy.put(&memory.bytes());
        let after =
            without_processes(observe(&copy, &World { now: world.now, ..World::default() }));
        assert_eq!(after.channels, before.channels, "byte {at}");
    }
}

#[test]
fn a_wrong_length_costs_the_one_block_only() {
    let memory = Memory::new(24 << 10);
    let (world, _) = busy(&memory, 11);
    let sound = memory.bytes();
    memory.put_word(JOURNAL_LEN, u32::MAX);
    let mut store = memory.open();
    assert_eq!(store.recover(world.now), Recovery::Rebuilt);
    let all = store.zone_numbers(world.now);
    memory.put(&sound);
    // Headers: a kind from 1 to 4 (channel, message, content, interest) before a short length.
    let is_header = |at: &usize| {
        (1..5).contains(&(memory.word(*at) >> 28)) && memory.word(*at) & 0xfff_ffff < 16
    };
    let headers: Vec<_> = (HEAP..memory.len()).step_by(16).filter(is_header).collect();
    assert!(headers.len() > 10);
    for (at, longer) in headers.into_iter().flat_map(|at| [(at, false), (at, true)]) {
        memory.put(&sound);
        let length = memory.word(at);
        memory.put_word(at, if longer { length + 1 } else { length - 1 });
        memory.put_word(JOURNAL_LEN, u32::MAX);
        let mut store = memory.open();
        assert_eq!(store.recover(world.now), Recovery::Rebuilt, "byte {at}");
        store.verify().unwrap_or_else(|broken| panic!("byte {at}: {broken}"));
        let left = store.zone_numbers(world.now);
        let channels = left.channels + left.wildcard_channels;
        match length >> 28 {
            // A channel takes its messages along, a content those that share it.
            1 => assert!(channels + 1 >= all.channels + all.wildcard_channels, "byte {at}"),
            2 => assert!(left.stored + 1 >= all.stored, "byte {at}"),
            _ => assert_eq!(channels, all.channels + all.wildcard_channels, "byte {at}"),
        }
    }
}

#[test]
fn a_reader_goes_on_behind_a_message_that_a_rebuild_has_dropped() {
    let memory = Memory::new(24 << 10);
    let mut store = memory.format(SLOTS, NOW);
    let channel = zone::channel(&mut store, "a", NOW);
    let mut wake = WakeSet::default();
    for text in [b"1", b"2", b"3"] {
        store.publish(&[channel], &zone::message(text), NOW, &mut wake).expect("room");
    }
    let mut batch = Batch::with_capacity(1, 10);
    let first = store.seek(channel, Start::Backtrack(9), END).expect("three messages");
    let second = store.read(channel, first, END, &mut batch).expect("two more");
    // The text of the second message claims to be longer than its block.
    let mut messages = (HEAP..memory.len()).step_by(16).filter(|at| memory.word(*at) >> 28 == 2);
    let message = messages.nth(1).expect("three messages");
    memory.put_word(message + TEXT_LEN, 100);
    memory.put_word(JOURNAL_LEN, u32::MAX);
    assert_eq!(store.recover(NOW), Recovery::Rebuilt);
    // Its place is another's now.
    let other = zone::channel(&mut store, "b", NOW);
    store.publish(&[other], &zone::message(b"other"), NOW, &mut wake).expect("room");

    batch.reset();
    assert!(store.read(channel, second, END, &mut batch).is_none());
    let texts: Vec<_> = batch.messages().map(|(_, parts)| parts.text.to_vec()).collect();
    assert_eq!(texts, [b"3"]);
    store.verify().expect("a sound zone");
}

#[test]
fn only_one_of_the_workers_that_saw_the_damage_rebuilds() {
    let memory = Memory::new(24 << 10);
    let mut first = memory.format(SLOTS, NOW);
    let mut second = memory.open();
    let channel = zone::channel(&mut first, "a", NOW);
    first.publish(&[channel], &zone::message(b"x"), NOW, &mut WakeSet::default()).expect("room");
    // Both follow a link that leads out of the zone.
    memory.put_word(72, 0x7fff_ffff);
    for store in [&first, &second] {
        store.list(&mut Listing::default(), 10, |_, _| {});
    }
    assert_eq!(first.recover(NOW), Recovery::Rebuilt);
    let epoch = first.epoch();
    assert_eq!(second.recover(NOW), Recovery::Clean);
    assert_eq!((second.epoch(), epoch), (1, 1));
    assert_eq!(second.zone_numbers(NOW).stored, 1);
    second.verify().expect("a sound zone");
}

#[test]
fn a_zone_whose_blocks_overlap_is_emptied() {
    let memory = Memory::new(24 << 10);
    let mut store = memory.format(SLOTS, NOW);
    assert!(store.enter(2, 77, NOW));
    let free = store.zone_numbers(NOW).free_bytes;
    let channel = zone::channel(&mut store, "a", NOW);
    for _ in 0..2 {
        store
            .publish(&[channel], &zone::message(&[b'x'; 32]), NOW, &mut WakeSet::default())
            .expect("room");
    }
    let clock = store.clock();
    // The first message claims the length of all that follow.
    let mut messages = (HEAP..memory.len()).step_by(16).filter(|at| memory.word(*at) >> 28 == 2);
    let message = messages.next().expect("two messages");
    memory.put_word(message, 2 << 28 | 20);
    memory.put_word(message + TEXT_LEN, 20 * 16 - 72);
    memory.put_word(JOURNAL_LEN, u32::MAX);
    assert_eq!(store.recover(NOW), Recovery::Emptied);
    store.verify().expect("a sound zone");
    let numbers = store.zone_numbers(NOW);
    assert_eq!((numbers.channels, numbers.stored, numbers.free_bytes), (0, 0, free));
    assert_eq!(store.occupant(2), Some(77));
    assert!(store.clock() >= clock);
}
