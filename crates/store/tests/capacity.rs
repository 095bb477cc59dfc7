//! How much fits into a zone, and that it is the same again after everything has gone.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/zone.rs"]
mod zone;

use store::{ChannelRef, InterestRef, NewMessage, Store, WakeSet};
use zone::{END, Memory, NO_LIMITS, Random, channel, drain, message, sweep};

const PAGE: usize = 4096;
const NOW: u32 = 1_000_000;

/// Publishes to one channel until the zone is full.
fn fill_channel(store: &mut Store, channel: ChannelRef, message: &NewMessage<'_>, now: u32) -> u32 {
    let mut wake = WakeSet::default();
    (0..)
        .find(|_| store.publish(&[channel], message, now, &mut wake).is_err())
        .expect("a full zone")
}

/// Creates channels and publishes to each until the zone is full.
fn fill_channels(store: &mut Store, message: &NewMessage<'_>, prefix: &str, now: u32) -> u32 {
    let mut wake = WakeSet::default();
    (0..)
        .find(|n| {
            let id = format!("{prefix}{}", n + 1000);
            match store.find_or_create(id.as_bytes(), false, &NO_LIMITS, now) {
                Ok(channel) => store.publish(&[channel], message, now, &mut wake).is_err(),
                Err(_) => true,
            }
        })
        .expect("a full zone")
}

/// Fills the zone three times, and lets everything go by itself in between.
fn fills_the_same_again(store: &mut Store, mut fill: impl FnMut(&mut Store, u32) -> u32) -> u32 {
    sweep(store, 30, NOW + 9990, 100);
    let free = store.zone_numbers(NOW).free_bytes;
    let mut now = NOW + 10_000;
    let mut counts = Vec::new();
    for _ in 0..3 {
        counts.push(fill(store, now));
        now += 5000;
        sweep(store, 30, now, 100);
        now += 10;
        assert_eq!(store.zone_numbers(now).free_bytes, free, "after {counts:?}");
        check(store);
    }
    assert!(counts.iter().all(|count| *count == counts[0] && *count > 0), "{counts:?}");
    counts[0]
}

fn check(store: &Store) {
    #[cfg(feature = "fault")]
    store.verify().expect("a sound zone");
    #[cfg(not(feature = "fault"))]
    let _ = store;
}

fn take_all(store: &mut Store, interest: InterestRef) {
    while store.open_mail(0).is_some() {}
    assert!(store.take(interest, END, &mut u32::MAX.clone()));
}

#[test]
fn one_channel_of_2_mib_takes_12489_messages_of_a_byte() {
    let memory = Memory::new((2 << 20) - 2 * PAGE);
    let mut store = memory.format(16, NOW);
    let count = fills_the_same_again(&mut store, |store, now| {
        let channel = channel(store, "ch", now);
        fill_channel(store, channel, &message(b"x"), now)
    });
    assert!(count >= 12_489, "{count}");
}

#[test]
fn a_zone_of_2_mib_takes_4740_channels_with_a_message() {
    let memory = Memory::new((2 << 20) - 2 * PAGE);
    let mut store = memory.format(16, NOW);
    let count = fills_the_same_again(&mut store, |store, now| {
        fill_channels(store, &message(b"x"), "", now)
    });
    assert!(count >= 4740, "{count}");
}

#[test]
fn a_zone_of_128_kib_takes_199_channels_with_a_subscriber() {
    let memory = Memory::new((128 << 10) - 2 * PAGE);
    let mut store = memory.format(24, NOW);
    let count = fills_the_same_again(&mut store, |store, now| {
        let mut interests = protocol::Few::new();
        let mut all = Vec::new();
        while let Ok(channel) =
            store.find_or_create(format!("{}", 1000 + all.len()).as_bytes(), false, &NO_LIMITS, now)
        {
            if store.subscribe(0, &[channel], &mut interests, now).is_err() {
                break;
            }
            all.extend(interests.drain(..));
        }
        for interest in &all {
            assert!(store.unsubscribe(*interest, 1));
        }
        all.len() as u32
    });
    assert!(count >= 199, "{count}");
}

#[test]
fn a_zone_of_15_mib_takes_a_message_of_4_mib_and_one_of_10_kib() {
    let memory = Memory::new((15 << 20) - 2 * PAGE);
    let mut store = memory.format(16, NOW);
    let channel = channel(&mut store, "ch", NOW);
    let mut interests = protocol::Few::new();
    for slot in 0..2 {
        store.subscribe(slot, &[channel], &mut interests, NOW).expect("room");
    }
    let mut wake = WakeSet::default();
    for text in [vec![b'x'; 4 << 20], vec![b'y'; 10 << 10]] {
        store.publish(&[channel], &message(&text), NOW, &mut wake).expect("room");
    }
    check(&store);
}

#[test]
fn unstored_messages_fill_the_zone_until_the_worker_takes_them() {
    let memory = Memory::new((129 << 10) - 2 * PAGE);
    let mut store = memory.format(24, NOW);
    let channel = channel(&mut store, "ch", NOW);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[channel], &mut interests, NOW).expect("room");
    let text = [b'x'; 27];
    let unstored = NewMessage { store: false, ..message(&text) };
    let count = fills_the_same_again(&mut store, |store, now| {
        let count = fill_channel(store, channel, &unstored, now);
        assert_eq!(store.zone_numbers(now).untaken, count);
        take_all(store, interests[0]);
        count
    });
    assert!(count >= 200, "{count}");
}

#[test]
fn stored_messages_beside_a_live_subscriber_fill_the_zone_the_same_again() {
    let memory = Memory::new((129 << 10) - 2 * PAGE);
    let mut store = memory.format(24, NOW);
    let channel = channel(&mut store, "ch", NOW);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[channel], &mut interests, NOW).expect("room");
    let text = [b'x'; 27];
    let count = fills_the_same_again(&mut store, |store, now| {
        let count = fill_channel(store, channel, &message(&text), now);
        take_all(store, interests[0]);
        count
    });
    assert!(count >= 200, "{count}");
}

#[test]
fn big_messages_each_in_its_own_channel_fill_the_zone_the_same_again() {
    let memory = Memory::new((1 << 20) - 2 * PAGE);
    let mut store = memory.format(24, NOW);
    // Somebody lives in the middle of the heap the whole time.
    fill_channels(&mut store, &message(&[b'x'; 5400]), "early", NOW);
    let channel = channel_in_the_middle(&mut store);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[channel], &mut interests, NOW).expect("room");
    let count = fills_the_same_again(&mut store, |store, now| {
        fill_channels(store, &message(&[b'x'; 5400]), "ch_test_channel_cleanup_", now)
    });
    assert!(count >= 60, "{count}");
}

/// Makes room in a full zone by deleting a channel; answers another one that stays.
fn channel_in_the_middle(store: &mut Store) -> ChannelRef {
    let doomed = store.find(b"early1003").expect("one of the first");
    store.delete(doomed, b"", NOW, &mut WakeSet::default()).expect("no farewell needed");
    store.find(b"early1050").expect("one of the first")
}

#[test]
fn messages_of_any_size_leave_no_trace_in_many_rounds() {
    let memory = Memory::new((256 << 10) - 2 * PAGE);
    let mut store = memory.format(8, NOW);
    let free = store.zone_numbers(NOW).free_bytes;
    let mut now = NOW;
    let mut counts = Vec::new();
    for round in 0..24 {
        // Two rounds with the same sizes must fit the same number.
        let mut random = Random(round / 2);
        let mut wake = WakeSet::default();
        let mut interests = protocol::Few::new();
        let mut count = 0;
        loop {
            let id = format!("{}", random.below(50));
            let size = 1 << random.below(13);
            let text = vec![b'x'; random.below(size)];
            let store_it = !random.one_in(3);
            let Ok(channel) = store.find_or_create(id.as_bytes(), false, &NO_LIMITS, now) else {
                break;
            };
            if random.one_in(4) && store.subscribe(3, &[channel], &mut interests, now).is_err() {
                break;
            }
            let new = NewMessage { store: store_it, ..message(&text) };
            if store.publish(&[channel], &new, now, &mut wake).is_err() {
                break;
            }
            count += 1;
        }
        check(&store);
        counts.push(count);
        assert_eq!(drain(&mut store, now), free, "round {round}");
        now += 1000;
    }
    assert!(counts.chunks(2).all(|pair| pair[0] == pair[1] && pair[0] > 10), "{counts:?}");
}
