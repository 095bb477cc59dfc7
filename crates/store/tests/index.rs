//! Places in a log: found where a walk along the log finds them, whatever has come and gone, and with a number of looks that hardly grows.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]

#[path = "support/zone.rs"]
mod zone;

use protocol::Few;
use protocol::cursor::Cursor;
use store::{
    Batch, Changed, ChannelRef, NewMessage, Parts, Recovery, Span, Start, Store, WakeSet, fault,
};
use zone::{END, Memory, Message, Random, channel, stored};

const NOW: u32 = 1_000_000;

fn publish(store: &mut Store, channels: &[ChannelRef], message: &NewMessage<'_>) {
    store.publish(channels, message, NOW, &mut WakeSet::default()).expect("room");
}

fn with_event_id<'a>(text: &'a [u8], event_id: &'a [u8]) -> NewMessage<'a> {
    let parts = Parts { text, event_id: Some(event_id), ..Parts::default() };
    NewMessage { parts, ..zone::message(text) }
}

/// Every place that can be asked for is the one that the list of all stored messages gives.
fn places_are_right(store: &Store, channel: ChannelRef) {
    let all = stored(store, channel);
    let seek = |start| store.seek(channel, start, END).map(|place| place.cursor());
    let cursor = |message: Option<&Message>| message.map(|message| message.cursor);
    for (index, message) in all.iter().enumerate() {
        let after = Start::After;
        assert_eq!(seek(after(message.cursor)), cursor(all.get(index + 1)), "after {index}");
        let just_before = Cursor::from_u64(message.cursor.to_u64() - 1);
        assert_eq!(seek(after(just_before)), Some(message.cursor), "before {index}");
        let count = u32::try_from(all.len() - index).expect("few");
        assert_eq!(seek(Start::Backtrack(count)), Some(message.cursor), "the last {count}");
        if let Some(event_id) = &message.event_id {
            let first = all.iter().position(|other| other.event_id.as_ref() == Some(event_id));
            let first = first.expect("the message itself");
            assert_eq!(store.find_event_id(channel, event_id), cursor(all.get(first)));
        }
    }
    assert_eq!(seek(Start::Backtrack(0)), None);
    assert_eq!(store.find_event_id(channel, b"never"), None);
}

#[test]
fn places_are_right_whatever_has_come_and_gone() {
    for seed in 1..=40 {
        let memory = Memory::new(256 << 10);
        let mut store = memory.format(2, NOW);
        assert!(store.enter(0, 7, NOW));
        let channels = ["a", "b"].map(|id| channel(&mut store, id, NOW));
        let mut random = Random(seed);
        let mut now = NOW;
        let mut number = 0u32;
        let (repeats, gaps) = (random.one_in(2), random.one_in(2));
        let mut subscribed = Few::new();
        for _ in 0..300 {
            number += 1;
            let event_id = if repeats { number % 50 } else { number }.to_string();
            let mut message = with_event_id(b"text", event_id.as_bytes());
            if random.one_in(3) {
                message.parts.event_id = None;
            }
            message.store = !random.one_in(5);
            message.ttl = if gaps { [2, 9, 5000][random.below(3)] } else { 20 };
            message.max_stored = random.one_in(20).then(|| random.small(60));
            let chosen = if random.one_in(4) { &channels[..] } else { &channels[..1] };
            store.publish(chosen, &message, now, &mut WakeSet::default()).expect("room");
            // Unstored messages stay in the log while a subscriber has not taken them.
            match random.below(12) {
                0 if subscribed.is_empty() => {
                    store.subscribe(0, &channels, &mut subscribed, now).expect("room");
                }
                1 => {
                    for interest in subscribed.drain(..) {
                        store.unsubscribe(interest, 1);
                    }
                }
                2 => now += random.small(3),
                _ => {}
            }
            zone::sweep(&mut store, 10_000, now, 1000);
            if random.one_in(10) {
                channels.iter().for_each(|channel| places_are_right(&store, *channel));
                store.verify().unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
            }
        }
        channels.iter().for_each(|channel| places_are_right(&store, *channel));
    }
}

#[test]
fn ordinals_wrap() {
    let memory = Memory::new(64 << 10);
    let mut store = memory.format(2, NOW);
    let channel = channel(&mut store, "a", NOW);
    publish(&mut store, &[channel], &zone::message(b"first"));
    // As if it were one of the last numbers.
    let is_message = |at: &usize| memory.word(*at) >> 28 == 2;
    let first = (3072..memory.len()).step_by(16).find(is_message).expect("a message");
    memory.put_word(first + 48, u32::MAX - 20);
    for number in 0..100 {
        let limited = NewMessage { max_stored: Some(60), ..zone::message(b"x") };
        publish(&mut store, &[channel], &limited);
        store.verify().unwrap_or_else(|broken| panic!("{number}: {broken}"));
        places_are_right(&store, channel);
    }
}

#[test]
fn a_place_in_a_long_log_is_found_with_few_looks() {
    const STORED: u32 = 50_000;
    let memory = Memory::new(16 << 20);
    let mut store = memory.format(2, NOW);
    let channel = channel(&mut store, "a", NOW);
    for number in 0..STORED {
        publish(&mut store, &[channel], &with_event_id(b"x", number.to_string().as_bytes()));
    }
    let most = |look: &dyn Fn(u32)| {
        let reads = (0..STORED).step_by(97).map(|number| {
            let before = fault::reads();
            look(number);
            fault::reads() - before
        });
        reads.max().expect("some")
    };
    let find = |start| assert!(store.seek(channel, start, END).is_some());
    let last = most(&|count| find(Start::Backtrack(count + 1)));
    let behind = most(&|number| find(Start::After(Cursor::new(NOW, number))));
    let known = most(&|number| {
        let event_id = number.to_string();
        let place = store.find_event_id(channel, event_id.as_bytes());
        find(Start::After(place.expect("stored")));
    });
    let unknown = most(&|number| {
        let event_id = format!("no {number}");
        assert!(store.find_event_id(channel, event_id.as_bytes()).is_none());
    });
    // log2(50,000)² / 2 = 122 messages are looked at, each with some words.
    let looks = [last, behind, known];
    assert!(looks.iter().all(|reads| *reads < 1500), "words read: {looks:?}");
    assert!(unknown < 100, "words read for an unknown event id: {unknown}");
}

/// The records of all messages, in granules, by their numbers in the channel.
fn records(memory: &Memory) -> Vec<u32> {
    let messages = (3072..memory.len()).step_by(16).filter(|at| memory.word(*at) >> 28 == 2);
    let mut messages: Vec<_> = messages.map(|at| at as u32 / 16).collect();
    messages.sort_by_key(|granule| memory.word(*granule as usize * 16 + 32));
    messages
}

#[test]
fn a_log_that_goes_round_in_circles_is_left_at_once() {
    const UNTAKEN: u64 = 3000;
    let memory = Memory::new(1 << 20);
    let mut store = memory.format(2, NOW);
    assert!(store.enter(0, 7, NOW));
    let channel = channel(&mut store, "a", NOW);
    store.subscribe(0, &[channel], &mut Few::new(), NOW).expect("room");
    publish(&mut store, &[channel], &zone::message(b"1"));
    publish(&mut store, &[channel], &zone::message(b"2"));
    for _ in 0..UNTAKEN {
        publish(&mut store, &[channel], &NewMessage { store: false, ..zone::message(b"x") });
    }
    let messages = records(&memory);
    let (second, last) = (messages[1] as usize * 16, messages[messages.len() - 1]);
    memory.put_word(second + 12, last);
    let first = stored(&store, channel)[0].cursor;
    let before = fault::reads();
    store.seek(channel, Start::After(first), END);
    let reads = fault::reads() - before;
    assert!(reads < 20 * UNTAKEN, "{reads} words read");
    assert_eq!(store.recover(NOW), Recovery::Rebuilt);
}

#[test]
fn a_span_behind_which_the_log_goes_round_in_circles_is_not_what_it_was() {
    let memory = Memory::new(256 << 10);
    let mut store = memory.format(1, NOW);
    let channel = channel(&mut store, "a", NOW);
    for _ in 0..100 {
        publish(&mut store, &[channel], &zone::message(b"m"));
    }
    let mut batch = Batch::with_capacity(100, 4096);
    let first = store.seek(channel, Start::Backtrack(100), END).expect("stored");
    store.read(channel, first, END, &mut batch).expect("more");
    let span = batch.span().expect("some");
    let records = records(&memory);
    memory.put_word(records[63] as usize * 16 + 8, records[0]);
    assert_eq!(store.reread(channel, &span, END), Err(Changed));
    assert_eq!(store.recover(NOW), Recovery::Rebuilt);
    // What has been read before the rebuild is not what would be read now.
    assert_eq!(store.reread(channel, &span, END), Err(Changed));
}

/// The last so many messages read batch by batch: with which number each batch ends, and where it lies.
fn batches(store: &Store, channel: ChannelRef, backtrack: u32) -> (Vec<u64>, Vec<Span>) {
    let mut batch = Batch::with_capacity(100, 4096);
    let mut position = store.seek(channel, Start::Backtrack(backtrack), END);
    let (mut ends, mut spans) = (Vec::new(), Vec::new());
    while let Some(from) = position {
        batch.reset();
        position = store.read(channel, from, END, &mut batch);
        ends.extend(batch.messages().last().map(|(item, _)| item.id));
        spans.extend(batch.span());
    }
    (ends, spans)
}

#[test]
fn unstored_messages_count_for_the_pages_too() {
    let memory = Memory::new(256 << 10);
    let mut store = memory.format(1, NOW);
    let a = channel(&mut store, "a", NOW);
    assert!(store.enter(0, 7, NOW));
    store.subscribe(0, &[a], &mut Few::new(), NOW).expect("room");
    for id in 1..=200 {
        let store_it = id % 64 != 0 && id % 2 == 1;
        publish(&mut store, &[a], &NewMessage { store: store_it, ..zone::message(b"m") });
    }
    for backtrack in [100, 95] {
        assert_eq!(batches(&store, a, backtrack).0, [63, 127, 191, 199]);
    }
}

#[test]
fn batches_end_where_pages_of_the_channel_end() {
    let memory = Memory::new(256 << 10);
    let mut store = memory.format(1, NOW);
    let a = channel(&mut store, "a", NOW);
    for _ in 0..200 {
        publish(&mut store, &[a], &zone::message(b"m"));
    }
    let from = |first: u32| batches(&store, a, 201 - first);
    assert_eq!(from(1).0, [64, 128, 192, 200]);
    assert_eq!(from(64).0, [64, 128, 192, 200]);
    let (ends, spans) = from(70);
    assert_eq!(ends, [128, 192, 200]);
    publish(&mut store, &[a], &zone::message(b"one more"));
    // A page that has come to its end stays what it is; the last one would have one message more.
    let reread =
        |span: &Span| store.reread(a, span, END).map(|next| next.map(|next| next.cursor()));
    let next = |span: &Span| Ok(Some(span.first().cursor()));
    assert_eq!(reread(&spans[0]), next(&spans[1]));
    assert_eq!(reread(&spans[1]), next(&spans[2]));
    assert_eq!(reread(&spans[2]), Err(Changed));
    // So does one for whose next message there was no room.
    let mut batch = Batch::with_capacity(4, 4096);
    let first = spans[2].first();
    let position = store.read(a, first, END, &mut batch).expect("more");
    let span = batch.span().expect("four messages");
    assert_eq!(store.reread(a, &span, END), Ok(Some(position)));
    assert_eq!(store.reread(a, &span, position.cursor()), Ok(Some(position)));
    assert_eq!(store.reread(a, &span, first.cursor()), Err(Changed));
}
