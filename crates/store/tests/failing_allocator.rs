//! The zone is full at the n-th allocation, for every n: the operation answers so, and nothing leaks.

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

use history::{Op, World, observe, publish};
use store::fault::fail_allocations_after;
use store::{CreateError, NewMessage, Store, WakeSet};
use zone::{Memory, NO_LIMITS, channel, drain, message, stored};

const NOW: u32 = 1_000_000;

/// Runs something during which all allocations but the first few fail.
fn with_allocations<T>(allocations: u64, act: impl FnOnce() -> T) -> T {
    fail_allocations_after(Some(allocations));
    let result = act();
    fail_allocations_after(None);
    result
}

/// Every operation that allocates, in states where it allocates more or less.
fn script() -> Vec<(Op, u64)> {
    let unstored = |to, text| Op::Publish { to, store: false, ttl: 9, max: None, text };
    let at_most = |to, max, text| Op::Publish { to, store: true, ttl: 1000, max: Some(max), text };
    vec![
        (Op::Create("a"), 1),
        (Op::Create("b"), 1),
        (Op::Create("*w"), 1),
        (publish(&["a"], "1"), 1),
        (unstored(&["a"], "for nobody"), 0),
        (Op::Subscribe(0, &["a"]), 1),
        (Op::Subscribe(0, &["a"]), 0),
        (Op::Subscribe(1, &["a", "b", "a", "*w"]), 3),
        (unstored(&["a"], "2"), 1),
        (publish(&["a", "b", "*w", "a"], "3"), 5),
        (at_most(&["a"], 9, "4"), 1),
        (Op::Take(0, "a", 100), 0),
        (Op::Delete("a"), 1),
        (Op::Unsubscribe(0, "a"), 0),
        (Op::ClearSlot(1), 0),
        (Op::Delete("b"), 0),
        (Op::Pass(5), 0),
        (Op::Sweep(0), 0),
    ]
}

#[test]
fn every_failing_allocation_is_answered_and_undone() {
    let (memory, copy) = (Memory::new(32 << 10), Memory::new(32 << 10));
    let mut store = memory.format(2, NOW);
    let free = store.zone_numbers(NOW).free_bytes;
    let mut world = World { now: NOW, ..World::default() };
    for (op, allocations) in script() {
        copy.put(&memory.bytes());
        let before = observe(&copy, &world);
        for n in 0..allocations {
            let at = format!("{op:?}, allocation {n}");
            let census = store.verify().expect("a sound zone");
            let before_bytes = memory.bytes();
            let mut other = world.clone();
            let refused = with_allocations(n, || other.run(&mut store, &op)).is_err();
            assert!(refused, "{at} is not made");
            let after = store.verify().unwrap_or_else(|broken| panic!("{at}: {broken}"));
            copy.put(&memory.bytes());
            if matches!(op, Op::Publish { to, .. } if to.len() > 1) {
                // The channels before the failing one have the message; take that back.
                assert!(after.messages >= census.messages, "{at}");
                memory.put(&saved(&memory, &mut store, &world, free, &copy));
            } else if matches!(op, Op::Delete(_)) {
                // Its messages have gone first, in vain.
                assert!(
                    after.channels == census.channels && after.messages < census.messages,
                    "{at}"
                );
                memory.put(&before_bytes);
            } else {
                assert_eq!(after, census, "{at}");
                let after = observe(&copy, &world);
                let subscribes = matches!(op, Op::Subscribe(..));
                assert!(after == before || subscribes && after.channels == before.channels, "{at}");
            }
        }
        let done = with_allocations(allocations, || world.run(&mut store, &op));
        assert!(done.is_ok(), "{op:?} allocates more than {allocations} times");
        store.verify().unwrap_or_else(|broken| panic!("after {op:?}: {broken}"));
    }
    assert_eq!(drain(&mut store, world.now), free);
}

/// Drains the zone to see that nothing leaks, then answers what it was before, from `copy`.
fn saved(memory: &Memory, store: &mut Store, world: &World, free: u64, copy: &Memory) -> Vec<u8> {
    let bytes = copy.bytes();
    assert_eq!(memory.bytes(), bytes);
    assert_eq!(drain(store, world.now), free, "after a publish that failed");
    bytes
}

#[test]
fn a_full_zone_still_takes_a_message_in_place_of_an_evicted_one() {
    let memory = Memory::new(16 << 10);
    let mut store = memory.format(1, NOW);
    let channels = ["a", "b"].map(|id| channel(&mut store, id, NOW));
    let mut wake = WakeSet::default();
    let mut count = 0;
    while channels.iter().all(|c| store.publish(&[*c], &message(b"old"), NOW, &mut wake).is_ok()) {
        count += 1;
    }
    let limited = NewMessage { max_stored: Some(count), ..message(b"new") };
    for _ in 0..3 {
        store.publish(&channels[..1], &limited, NOW, &mut wake).expect("an old one goes");
        store.publish(&channels, &limited, NOW, &mut wake).expect("an old one of each goes");
    }
    store.verify().expect("a sound zone");
    for (channel, new) in channels.into_iter().zip([6, 3]) {
        let texts: Vec<_> =
            stored(&store, channel).into_iter().map(|message| message.text).collect();
        assert_eq!(texts.len(), count as usize);
        assert_eq!(texts.iter().filter(|text| *text == b"new").count(), new);
    }
}

#[test]
fn limits_are_told_from_a_full_zone() {
    let memory = Memory::new(16 << 10);
    let mut store = memory.format(1, NOW);
    let limits = store::CreateLimits { channels: Some(1), wildcard_channels: Some(0), ..NO_LIMITS };
    assert!(store.find_or_create(b"a", false, &limits, NOW).is_ok());
    let create = |store: &mut Store, id: &[u8], wildcard, limits| {
        store.find_or_create(id, wildcard, limits, NOW).expect_err("refused")
    };
    assert_eq!(create(&mut store, b"b", false, &limits), CreateError::TooManyChannels);
    assert_eq!(create(&mut store, b"*b", true, &limits), CreateError::TooManyChannels);
    assert!(store.find_or_create(b"a", false, &limits, NOW).is_ok(), "it exists");
    let error = with_allocations(0, || create(&mut store, b"b", false, &NO_LIMITS));
    assert!(matches!(error, CreateError::NoMemory(_)));
    assert!(matches!(
        create(&mut store, &[b'x'; 20_000], false, &NO_LIMITS),
        CreateError::NoMemory(_)
    ));
    store.verify().expect("a sound zone");
}

#[test]
fn a_region_too_small_or_strange_is_refused() {
    use store::FormatError;
    let memory = Memory::new(8 << 10);
    let format = |memory: &Memory, slots| Store::format(memory.region(), slots, (0, 0), NOW);
    assert_eq!(format(&memory, 1024).expect_err("too small"), FormatError::TooSmall);
    assert_eq!(Store::open(memory.region()).expect_err("zeroes"), FormatError::Unknown);
    let small = Memory::new(12 << 10);
    assert!(format(&small, 1).is_ok());
    let memory = Memory::new(1 << 20);
    let store = format(&memory, 5000).expect("room");
    assert_eq!(store.slot_count(), 1024);
    assert_eq!(memory.open().slot_count(), 1024);
    store.verify().expect("a sound zone");
}
