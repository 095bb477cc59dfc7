//! A full zone: what goes, what stays, and that a message reaches all of its channels or none.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/zone.rs"]
mod zone;

use protocol::cursor::Cursor;
use store::{ChannelRef, NewMessage, Store, WakeSet, WhenFull};
use zone::{Memory, Random, channel, drain, message, stored, sweep};

const NOW: u32 = 1_000_000;
/// Messages a second with which a zone is filled: none expires meanwhile.
const PER_SECOND: u32 = 50;

fn publish(store: &mut Store, channels: &[ChannelRef], text: &[u8], now: u32) -> bool {
    store.publish(channels, &message(text), now, &mut WakeSet::default()).is_ok()
}

/// Publishes texts of this length, some a second, until nothing fits any more; answers how many it took.
fn fill(store: &mut Store, channels: &[ChannelRef], len: usize) -> u32 {
    let text = vec![b'x'; len];
    (0..)
        .find(|n| {
            !publish(store, &[channels[*n as usize % channels.len()]], &text, NOW + n / PER_SECOND)
        })
        .expect("an end")
}

fn cursors(store: &Store, channel: ChannelRef) -> Vec<Cursor> {
    stored(store, channel).into_iter().map(|message| message.cursor).collect()
}

fn some_channels(store: &mut Store, count: usize) -> Vec<ChannelRef> {
    (0..count).map(|n| channel(store, &format!("channel {n}"), NOW)).collect()
}

#[test]
fn what_has_expired_makes_room_without_a_sweep() {
    let memory = Memory::new(32 << 10);
    let mut store = memory.format(1, NOW);
    let [a, b] = ["a", "b"].map(|id| channel(&mut store, id, NOW));
    let short = NewMessage { ttl: 100, ..message(b"short") };
    for _ in 0..20 {
        store.publish(&[a], &short, NOW, &mut WakeSet::default()).expect("room");
    }
    fill(&mut store, &[b], 10);
    assert!(!publish(&mut store, &[b], b"0123456789", NOW + 99));
    let before = store.numbers(b).stored;
    assert!(publish(&mut store, &[b], b"0123456789", NOW + 100), "the short ones have expired");
    assert_eq!((store.numbers(a).stored, store.numbers(b).stored), (0, before + 1));
    store.verify().expect("a sound zone");
}

#[test]
fn the_oldest_of_all_channels_go_and_the_newest_can_be_read() {
    let memory = Memory::new(64 << 10);
    let mut store = memory.format(1, NOW);
    store.set_when_full(WhenFull::EvictOldest);
    let free = store.zone_numbers(NOW).free_bytes;
    let channels = some_channels(&mut store, 20);
    let mut random = Random(1);
    let mut newest = Cursor::ZERO;
    for n in 0..4000 {
        let channel = channels[random.below(channels.len())];
        let text = vec![b'x'; random.below(300)];
        assert!(publish(&mut store, &[channel], &text, NOW + n / 10), "message {n}");
        let numbers = store.numbers(channel);
        assert!(numbers.newest > newest && numbers.stored > 0);
        newest = numbers.newest;
        if n % 50 == 0 {
            store.verify().unwrap_or_else(|broken| panic!("message {n}: {broken}"));
        }
    }
    // In every channel what is left begins behind the newest that any channel has lost, or it never had more.
    let mut all: Vec<_> = channels.iter().flat_map(|c| cursors(&store, *c)).collect();
    all.sort_unstable();
    let first = all[0];
    assert!(channels.iter().all(|c| !store.has_gap(*c, first)), "one has lost more than it had to");
    assert!(channels.iter().any(|c| store.has_gap(*c, Cursor::new(NOW, 0))), "the loss is told");
    assert_eq!(drain(&mut store, NOW + 5000), free);
}

#[test]
fn with_many_channels_what_goes_is_old() {
    let memory = Memory::new(512 << 10);
    let mut store = memory.format(1, NOW);
    let channels = some_channels(&mut store, 900);
    let count = fill(&mut store, &channels, 60);
    store.set_when_full(WhenFull::EvictOldest);
    let half: usize = count as usize / 2;
    for n in 0..half {
        assert!(
            publish(&mut store, &[channels[n % 900]], &[b'y'; 60], NOW + count / PER_SECOND),
            "message {n}"
        );
    }
    // Half of the zone has been replaced. The quarter that was the newest is there, but for a few.
    let recent = Cursor::new(NOW + count / 4 * 3 / PER_SECOND, 0);
    let kept: usize = channels
        .iter()
        .flat_map(|channel| stored(&store, *channel))
        .filter(|message| message.cursor > recent && message.text[0] == b'x')
        .count();
    assert!(kept >= half / 2 * 95 / 100, "{kept} of {}", half / 2);
    store.verify().expect("a sound zone");
}

#[test]
fn a_channel_with_all_the_messages_is_found_among_many_without() {
    let memory = Memory::new(1 << 20);
    let mut store = memory.format(1, NOW);
    store.set_when_full(WhenFull::EvictOldest);
    let channels = some_channels(&mut store, 4000);
    for n in 0..6000 {
        assert!(publish(&mut store, &channels[1234..1235], &[b'x'; 100], NOW), "message {n}");
    }
    assert!(
        channels
            .iter()
            .all(|channel| *channel == channels[1234] || store.numbers(*channel).stored == 0)
    );
    store.verify().expect("a sound zone");
}

#[test]
fn a_large_message_takes_the_place_of_many_small_ones() {
    let memory = Memory::new(256 << 10);
    let mut store = memory.format(1, NOW);
    let channels = some_channels(&mut store, 30);
    let count = fill(&mut store, &channels, 20);
    store.set_when_full(WhenFull::EvictOldest);
    assert!(
        publish(&mut store, &channels[..1], &[b'y'; 50_000], NOW + count / PER_SECOND),
        "room for 50,000 bytes"
    );
    let left: u32 = channels.iter().map(|channel| store.numbers(*channel).stored).sum();
    assert!(left > count / 2, "{left} of {count}");
    assert!(
        !publish(&mut store, &channels[..1], &[b'y'; 140_000], NOW + count / PER_SECOND),
        "more than half of the zone"
    );
    let after: u32 = channels.iter().map(|channel| store.numbers(*channel).stored).sum();
    assert_eq!(after, left, "nothing goes for it");
}

#[test]
fn what_a_worker_has_still_to_take_stays() {
    let memory = Memory::new(32 << 10);
    let mut store = memory.format(1, NOW);
    store.set_when_full(WhenFull::EvictOldest);
    let [read, other] = ["read", "other"].map(|id| channel(&mut store, id, NOW));
    store.enter(0, 7, NOW);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[read], &mut interests, NOW).expect("room");
    for _ in 0..30 {
        assert!(publish(&mut store, &[read], b"to be taken", NOW));
    }
    for n in 0..2000 {
        assert!(publish(&mut store, &[other], b"evicts", NOW + 1), "message {n}");
    }
    assert_eq!(store.numbers(read).stored, 30);
    // With nothing but such messages there is no room to be made.
    while publish(&mut store, &[read], b"to be taken", NOW + 1) {}
    assert_eq!(store.numbers(other).stored, 0);
    assert!(!publish(&mut store, &[other], b"no room for it", NOW + 1));
    store.take(interests[0], Cursor::new(u32::MAX, u32::MAX), &mut u32::MAX.clone());
    assert!(publish(&mut store, &[other], b"there is now", NOW + 1));
    store.verify().expect("a sound zone");
}

#[test]
fn channels_and_subscribers_find_room_too() {
    let memory = Memory::new(32 << 10);
    let mut store = memory.format(1, NOW);
    store.enter(0, 7, NOW);
    let a = channel(&mut store, "a", NOW);
    fill(&mut store, &[a], 8);
    let create = |store: &mut Store, n: u32| {
        let id = format!("a new channel with a longer id {n}");
        store.find_or_create(id.as_bytes(), false, &zone::NO_LIMITS, NOW)
    };
    assert!((0..9).any(|n| create(&mut store, n).is_err()), "the zone is full");
    store.set_when_full(WhenFull::EvictOldest);
    let mut interests = protocol::Few::new();
    for n in 10..40 {
        let channel = create(&mut store, n).expect("room is made");
        store.subscribe(0, &[channel, a], &mut interests, NOW).expect("room is made");
        let farewell = [b'x'; 200];
        store.delete(channel, &farewell, NOW, &mut WakeSet::default()).expect("room is made");
    }
    store.verify().expect("a sound zone");
}

#[test]
fn a_deletion_makes_room_for_its_farewell() {
    let memory = Memory::new(32 << 10);
    let mut store = memory.format(1, NOW);
    store.enter(0, 7, NOW);
    let a = channel(&mut store, "a", NOW);
    let mut interests = protocol::Few::new();
    store.subscribe(0, &[a], &mut interests, NOW).expect("room");
    fill(&mut store, &[a], 8);
    store.take(interests[0], Cursor::new(u32::MAX, u32::MAX), &mut u32::MAX.clone());
    store
        .delete(a, b"good bye to all of you", NOW, &mut WakeSet::default())
        .expect("its messages go");
    let farewell = store.farewell(interests[0]).expect("there is one");
    assert_eq!(store.pinned(&farewell).text, b"good bye to all of you");
    store.verify().expect("a sound zone");
}

/// However full and fragmented the zone is, and whoever is interested: all channels get a message, or none.
#[test]
fn a_message_reaches_all_of_its_channels_or_none() {
    let mut refused = 0;
    for seed in 0..300 {
        let mut random = Random(seed);
        let memory = Memory::new(16 << 10);
        let mut store = memory.format(2, NOW);
        store.enter(0, 7, NOW);
        let channels = some_channels(&mut store, 12);
        for channel in channels.iter().filter(|_| random.one_in(3)) {
            store.subscribe(0, &[*channel], &mut protocol::Few::new(), NOW).expect("room");
        }
        if random.one_in(3) {
            store.set_when_full(WhenFull::EvictOldest);
        }
        for n in 0..200 {
            let some: Vec<_> = channels.iter().copied().filter(|_| random.one_in(2)).collect();
            let text = vec![b'x'; [1, 20, 100, 700][random.below(4)]];
            let new = NewMessage {
                store: !random.one_in(4),
                ttl: 1 + random.small(40),
                max_stored: random.one_in(2).then(|| 1 + random.small(9)),
                ..message(&text)
            };
            let published = |store: &Store| {
                some.iter().map(|c| store.numbers(*c).published).collect::<Vec<_>>()
            };
            let before = published(&store);
            let done = store.publish(&some, &new, NOW + n, &mut WakeSet::default()).is_ok();
            refused += u32::from(!done);
            let expected: Vec<_> = before.iter().map(|count| count + u64::from(done)).collect();
            assert_eq!(published(&store), expected, "history {seed}, message {n}");
            if random.one_in(9) {
                sweep(&mut store, 1000, NOW + n, 50);
            }
        }
        store.verify().unwrap_or_else(|broken| panic!("history {seed}: {broken}"));
    }
    assert!(refused > 5000, "the zone was full {refused} times only");
}

#[test]
fn what_expires_leaves_room_for_a_copy_in_each_channel() {
    let memory = Memory::new(32 << 10);
    let mut store = memory.format(1, NOW);
    let channels = ["a", "b"].map(|id| channel(&mut store, id, NOW));
    // Two messages apart from each other expire. Their room holds two of the kind, not two records and a content.
    for number in 0.. {
        let ttl = if number == 10 || number == 20 { 5 } else { 5000 };
        let old = NewMessage { ttl, ..message(b"1234") };
        if store.publish(&channels[..1], &old, NOW, &mut WakeSet::default()).is_err() {
            assert!(number > 20);
            break;
        }
    }
    assert!(publish(&mut store, &channels, b"1234", NOW + 6));
    assert!(!publish(&mut store, &channels, b"1234", NOW + 6));
    store.verify().expect("a sound zone");
}
