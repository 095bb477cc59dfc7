//! What the tests of the store share: a piece of memory for a zone, small random numbers, short ways to say things.

#![allow(dead_code, reason = "each test uses a part of it")]
#![expect(unsafe_code, reason = "owns the memory that stands for the shared one")]

use core::ptr::NonNull;
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

use protocol::cursor::Cursor;
use store::{Batch, ChannelRef, CreateLimits, NewMessage, Parts, Region, Stamp, Start, Store};

/// Memory in which a store lives. It must outlive its stores.
pub(crate) struct Memory {
    base: NonNull<u8>,
    layout: Layout,
}

impl Memory {
    pub(crate) fn new(len: usize) -> Self {
        let layout = Layout::from_size_align(len, 4096).expect("a length");
        // SAFETY: the layout is not empty.
        let base = unsafe { alloc_zeroed(layout) };
        let base = NonNull::new(base).unwrap_or_else(|| handle_alloc_error(layout));
        Self { base, layout }
    }

    pub(crate) fn len(&self) -> usize {
        self.layout.size()
    }

    pub(crate) fn region(&self) -> Region {
        // SAFETY: page-aligned, initialized, freed by `drop` only, and the tests drop their stores first; they
        // use them from one thread, one after the other.
        unsafe { Region::new(self.base, self.len()) }
    }

    pub(crate) fn format(&self, slots: u32, now: u32) -> Store {
        Store::format(self.region(), slots, (7, 11), now).expect("room for the tables")
    }

    /// Opens the store as another process would.
    pub(crate) fn open(&self) -> Store {
        Store::open(self.region()).expect("a formatted zone")
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        // SAFETY: both are `len` bytes long, and different pieces of memory.
        unsafe { self.base.as_ptr().copy_to_nonoverlapping(bytes.as_mut_ptr(), self.len()) };
        bytes
    }

    pub(crate) fn put(&self, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.len());
        // SAFETY: as in `bytes`.
        unsafe { self.base.as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), self.len()) };
    }

    /// Overwrites the 4 bytes at `at`.
    pub(crate) fn put_word(&self, at: usize, word: u32) {
        assert!(at.is_multiple_of(4) && at + 4 <= self.len());
        // SAFETY: inside of the memory and aligned, as just checked.
        unsafe { self.base.as_ptr().add(at).cast::<u32>().write(word) };
    }

    pub(crate) fn word(&self, at: usize) -> u32 {
        assert!(at.is_multiple_of(4) && at + 4 <= self.len());
        // SAFETY: inside of the memory and aligned, as just checked.
        unsafe { self.base.as_ptr().add(at).cast::<u32>().read() }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.base.as_ptr(), self.layout) };
    }
}

/// Small random numbers that are the same for the same seed (splitmix64).
#[derive(Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub(crate) fn small(&mut self, n: u32) -> u32 {
        (self.next() % u64::from(n.max(1))) as u32
    }

    /// True once in `n` times.
    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.below(from.len()))
    }
}

pub(crate) const NO_LIMITS: CreateLimits =
    CreateLimits { channels: None, wildcard_channels: None, inactivity: 30 };

/// A cursor behind everything.
pub(crate) const END: Cursor = Cursor::new(u32::MAX, u32::MAX);

pub(crate) fn message(text: &[u8]) -> NewMessage<'_> {
    NewMessage {
        parts: Parts { text, ..Parts::default() },
        store: true,
        ttl: 1000,
        max_stored: None,
        counted: true,
        cursor: None,
        published_at: Stamp::default(),
    }
}

pub(crate) fn channel(store: &mut Store, id: &str, now: u32) -> ChannelRef {
    store.find_or_create(id.as_bytes(), false, &NO_LIMITS, now).expect("room for a channel")
}

/// A message with all its parts, owned.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Message {
    pub(crate) cursor: Cursor,
    pub(crate) id: u64,
    pub(crate) event_id: Option<Vec<u8>>,
    pub(crate) event_type: Option<Vec<u8>>,
    pub(crate) text: Vec<u8>,
    pub(crate) binary: bool,
}

impl Message {
    pub(crate) fn new(cursor: Cursor, id: u64, parts: Parts<'_>) -> Self {
        Self {
            cursor,
            id,
            event_id: parts.event_id.map(<[u8]>::to_vec),
            event_type: parts.event_type.map(<[u8]>::to_vec),
            text: parts.text.to_vec(),
            binary: parts.binary,
        }
    }
}

/// All stored messages of a channel.
pub(crate) fn stored(store: &Store, channel: ChannelRef) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut position = store.seek(channel, Start::Backtrack(u32::MAX), END);
    let mut batch = Batch::with_capacity(64, 64 << 10);
    while let Some(from) = position {
        batch.reset();
        position = store.read(channel, from, END, &mut batch);
        messages.extend(
            batch.messages().map(|(item, parts)| Message::new(item.cursor, item.id, parts)),
        );
    }
    messages
}

/// Sweeps until nothing is left to do at `now`; answers the ids of the channels that went, sorted.
pub(crate) fn sweep(store: &mut Store, inactivity: u32, now: u32, budget: u32) -> Vec<Vec<u8>> {
    let mut gone = Vec::new();
    let mut rounds = 0;
    while store.sweep(inactivity, now, budget, &mut |id| gone.push(id.to_vec())) {
        rounds += 1;
        assert!(rounds < 1_000_000, "the sweep does not come to an end");
    }
    gone.sort();
    gone
}

/// Takes everything out of a zone: workers, channels, messages. Answers the bytes that are free then.
pub(crate) fn drain(store: &mut Store, now: u32) -> u64 {
    for slot in 0..store.slot_count() {
        let mut rounds = 0;
        while !store.clear_slot(slot, &mut 100, &mut |_, _| ()) {
            rounds += 1;
            assert!(rounds < 100_000, "slot {slot} is never clear");
        }
    }
    let mut ids = Vec::new();
    let mut listing = store::Listing::default();
    while store.list(&mut listing, 64, |id, _| ids.push(id.to_vec())) {}
    for id in ids {
        let channel = store.find(&id).expect("a listed channel");
        let deleted = store.delete(channel, b"", now, &mut store::WakeSet::default());
        deleted.expect("nobody is there to say farewell to");
    }
    // The clock may have been behind: a deleted channel waits up to three seconds.
    sweep(store, 0, now.saturating_add(200), 1000);
    sweep(store, 0, now.saturating_add(300), 1000);
    store.zone_numbers(now).free_bytes
}
