//! What the workers count is never lost, whoever goes; and messages carry the moment of their publish.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by a panic"
)]

#[path = "support/zone.rs"]
mod zone;

use store::{COUNTERS, GAUGES, NewMessage, NewsResume, Stamp, WakeSet};
use zone::{END, Memory, channel, message};

const NOW: u32 = 1_000_000;
const SLOTS: u32 = 3;

/// Counts of which one is not 0.
fn one(counter: usize, count: u64) -> [u64; COUNTERS] {
    core::array::from_fn(|index| if index == counter { count } else { 0 })
}

#[test]
fn a_worker_that_goes_leaves_its_counts() {
    let memory = Memory::new(64 << 10);
    let mut store = memory.format(SLOTS, NOW);
    assert_eq!(store.counts(), [0; COUNTERS]);
    for (slot, count) in [(0, 5), (1, 7), (2, 11)] {
        assert!(store.enter(slot, 100, NOW));
        store.count(slot, &one(0, count));
        store.count(slot, &one(COUNTERS - 1, count * 2));
        store.set_gauges(slot, &[3; GAUGES]);
    }
    let sums = store.counts();
    assert_eq!((sums[0], sums[1], sums[COUNTERS - 1]), (23, 0, 46));
    assert_eq!(store.worker_counts(1)[0], 7);

    assert!(store.clear_slot(1, &mut 10, &mut |_, _| ()));
    assert_eq!(store.counts(), sums);
    assert_eq!(store.worker_counts(1), [0; COUNTERS]);
    assert_eq!(store.worker_gauges(1), [0; GAUGES]);
    assert_eq!(store.worker_gauges(2), [3; GAUGES]);

    // The next one in the slot begins at 0; one that counts after it has left is not lost either.
    store.count(1, &one(0, 1));
    assert!(store.clear_slot(1, &mut 10, &mut |_, _| ()));
    assert!(store.enter(1, 101, NOW));
    store.count(1, &one(0, 100));
    assert_eq!(store.worker_counts(1)[0], 100);
    assert_eq!(store.counts()[0], 124);
    // There is no such slot.
    store.count(SLOTS as usize, &one(0, 1));
    store.set_gauges(SLOTS as usize, &[1; GAUGES]);
    assert_eq!(store.worker_counts(SLOTS as usize), [0; COUNTERS]);
    assert_eq!(memory.open().counts()[0], 124);
}

#[test]
fn bytes_by_use_add_up() {
    let memory = Memory::new(64 << 10);
    let mut store = memory.format(SLOTS, NOW);
    let sum = |numbers: store::ZoneNumbers| {
        numbers.table_bytes
            + numbers.channel_bytes
            + numbers.message_bytes
            + numbers.subscription_bytes
            + numbers.free_bytes
    };
    let empty = store.zone_numbers(NOW);
    assert_eq!((empty.bytes, sum(empty)), (64 << 10, 64 << 10));
    assert_eq!((empty.channel_bytes, empty.message_bytes, empty.subscription_bytes), (0, 0, 0));

    let x = channel(&mut store, "x", NOW);
    let mut wake = WakeSet::default();
    store.publish(&[x, x], &message(&[0; 8]), NOW, &mut wake).expect("room");
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[x], &mut interests, NOW).expect("room");
    let full = store.zone_numbers(NOW);
    assert_eq!(sum(full), 64 << 10);
    // As the docs of the crate say.
    assert_eq!(full.channel_bytes, 112);
    assert_eq!(full.message_bytes, 2 * 64 + 32);
    assert_eq!(full.subscription_bytes, 48);
}

#[test]
fn news_say_when_they_were_published() {
    let memory = Memory::new(64 << 10);
    let mut store = memory.format(SLOTS, NOW);
    let x = channel(&mut store, "x", NOW);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[x], &mut interests, NOW).expect("room");
    let stamps = [Stamp::of(0), Stamp::of(0x7fff_fff0), Stamp::of(0x1_8000_0010)];
    for (published_at, stored) in stamps.into_iter().zip([true, false, true]) {
        let new = NewMessage { published_at, store: stored, max_stored: Some(1), ..message(b"m") };
        store.publish(&[x], &new, NOW, &mut WakeSet::default()).expect("room");
    }
    let mut news = Vec::with_capacity(4);
    assert!(!store.news(interests[0], END, &mut NewsResume::default(), &mut news));
    // The first one is no longer stored: that changes nothing here.
    assert_eq!(news.iter().map(|news| news.published_at).collect::<Vec<_>>(), stamps);
    assert_eq!(store.numbers(x).stored, 1);
    assert_eq!(stamps[1].until(stamps[2]), 0x20);
    assert_eq!(stamps[2].until(stamps[2]), 0);
}
