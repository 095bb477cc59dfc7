//! What this worker counts for monitoring: deliveries, bytes, wake-ups, requests, ends, and how long messages take.
//!
//! Each number is a plain one of this process. The tick adds them to the worker's slot in the zone (`store::counters`), and so
//! does the worker when it is asked for metrics, or leaves: what others see of it is up to 500 ms old. Killed in between, it takes
//! that much with it.
//!
//! Cost: a delivery costs an addition or two; the clock is read once for each publish, and once for each share of a
//! cohort that has been written to (some 30 ns, no system call). Nothing is locked or shared.

use std::cell::Cell;

use protocol::statistics::prometheus::{LATENCY_BUCKETS, latency_bucket};
use store::{COUNTERS, GAUGES, Stamp, Store};

use crate::conf::Mode;
use crate::nginx::local::Local;
use crate::nginx::process;
use crate::render::Piece;

/// Which word of the slot counts what. Whoever changes this raises the version of the zone's layout.
const DELIVERIES: usize = 0;
const REQUESTS: usize = DELIVERIES + Mode::ALL.len();
const ENDED: usize = REQUESTS + Mode::ALL.len();
/// Reasons for an end, at most.
pub(crate) const REASONS: usize = 11;
const LATENCY: usize = ENDED + REASONS;
const LATENCY_MICROS: usize = LATENCY + LATENCY_BUCKETS;
const SENT_BYTES: usize = LATENCY_MICROS + 1;
const WAKEUPS_SENT: usize = SENT_BYTES + 1;
const WAKEUPS_RECEIVED: usize = WAKEUPS_SENT + 1;
const PUBLISHES_REFUSED: usize = WAKEUPS_RECEIVED + 1;
const REPAIRS: usize = PUBLISHES_REFUSED + 1;
const RING_CALLS: usize = REPAIRS + 1;
const RING_SENDS: usize = RING_CALLS + 1;
const PAGES_RENDERED: usize = RING_SENDS + 1;
const PAGES_REUSED: usize = PAGES_RENDERED + 1;
const _: () = assert!(PAGES_REUSED < COUNTERS && Mode::ALL.len() <= GAUGES);

/// What has not been added to the slot yet.
static COUNTS: Local<[Cell<u64>; COUNTERS]> = Local::new([const { Cell::new(0) }; COUNTERS]);
/// Connected subscribers by mode.
static CONNECTED: Local<[Cell<u32>; GAUGES]> = Local::new([const { Cell::new(0) }; GAUGES]);

fn add(counter: usize, more: u64) {
    COUNTS.with(|counts| {
        if let Some(count) = counts.get(counter) {
            count.set(count.get().wrapping_add(more));
        }
    });
}

/// Messages have been sent to a subscriber, or queued for it.
pub(crate) fn delivered(mode: Option<Mode>, messages: usize) {
    if let Some(mode) = mode {
        add(DELIVERIES + mode as usize, messages as u64);
    }
}

/// A subscriber has asked; a publisher has no mode and does not count.
pub(crate) fn requested(mode: Option<Mode>) {
    if let Some(mode) = mode {
        add(REQUESTS + mode as usize, 1);
    }
}

/// A connected subscriber has ended, for the reason of that number.
pub(crate) fn ended(reason: usize) {
    add(ENDED + reason.min(REASONS - 1), 1);
}

/// Bytes of a body have been given to a socket or to nginx.
pub(crate) fn sent(bytes: usize) {
    add(SENT_BYTES, bytes as u64);
}

/// Another worker has been woken, if there was a way to.
pub(crate) fn woke(woken: bool) {
    add(WAKEUPS_SENT, woken.into());
}

/// This worker has been woken.
pub(crate) fn was_woken() {
    add(WAKEUPS_RECEIVED, 1);
}

/// A message did not fit into the zone.
pub(crate) fn refused_publish() {
    add(PUBLISHES_REFUSED, 1);
}

/// So many sends have been done together.
pub(crate) fn sent_together(sends: usize) {
    add(RING_CALLS, (sends > 0).into());
    add(RING_SENDS, sends as u64);
}

/// A page of history has been read and rendered.
pub(crate) fn rendered_page() {
    add(PAGES_RENDERED, 1);
}

/// Pages of history that were there have been sent again.
pub(crate) fn reused_pages(pages: usize) {
    add(PAGES_REUSED, pages as u64);
}

/// What a dead worker had begun to change has been undone.
pub(crate) fn repaired() {
    add(REPAIRS, 1);
}

/// This moment, for a message that is published.
pub(crate) fn now() -> Stamp {
    Stamp::of(process::now_micros())
}

fn took(published_at: Stamp, now: Stamp, times: u64) {
    let micros = published_at.until(now);
    add(LATENCY + latency_bucket(micros), times);
    add(LATENCY_MICROS, u64::from(micros) * times);
}

/// Each of these pieces has just been written to so many subscribers. Those that are no live messages do not count.
pub(crate) fn written<'p>(pieces: impl IntoIterator<Item = &'p Piece>, subscribers: usize) {
    let mut live = pieces.into_iter().filter_map(|piece| piece.published_at).peekable();
    if subscribers == 0 || live.peek().is_none() {
        return;
    }
    let now = now();
    live.for_each(|published_at| took(published_at, now, subscribers as u64));
}

/// Live messages that wait to be written to one subscriber.
#[derive(Default)]
pub(crate) struct Unwritten {
    /// When the oldest of them was published.
    since: Stamp,
    messages: u32,
}

impl Unwritten {
    pub(crate) fn push(&mut self, piece: &Piece) {
        let Some(published_at) = piece.published_at else { return };
        if self.messages == 0 {
            self.since = published_at;
        }
        self.messages = self.messages.saturating_add(1);
    }

    /// They have been written, or never will be.
    pub(crate) fn settle(&mut self) {
        let messages = std::mem::take(&mut self.messages);
        if messages > 0 {
            took(self.since, now(), messages.into());
        }
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        self.settle();
    }
}

/// A connected subscriber; it is counted as long as this lives.
pub(crate) struct Connected(Option<Mode>);

impl Connected {
    pub(crate) fn new(mode: Option<Mode>) -> Self {
        change_connected(mode, 1);
        Self(mode)
    }

    /// How it is served.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.0
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        change_connected(self.0, -1);
    }
}

fn change_connected(mode: Option<Mode>, by: i32) {
    CONNECTED.with(|connected| {
        if let Some(count) = mode.and_then(|mode| connected.get(mode as usize)) {
            count.set(count.get().saturating_add_signed(by));
        }
    });
}

/// Adds everything to this worker's slot, unless that belongs to another one; false = there was nothing.
pub(crate) fn flush(store: &Store, slot: usize) -> bool {
    if store.occupant(slot).is_some_and(|pid| pid != process::pid()) {
        return false;
    }
    let counts = COUNTS.with(|counts| counts.each_ref().map(Cell::take));
    store.count(slot, &counts);
    store.set_gauges(slot, &CONNECTED.with(|connected| connected.each_ref().map(Cell::get)));
    counts.iter().any(|count| *count > 0)
}

/// Counts as the zone has them, with names.
pub(crate) struct Counts([u64; COUNTERS]);

impl Counts {
    /// Of all workers, those that have gone included.
    pub(crate) fn of_all(store: &Store) -> Self {
        Self(store.counts())
    }

    /// Of the worker in a slot.
    pub(crate) fn of_worker(store: &Store, slot: usize) -> Self {
        Self(store.worker_counts(slot))
    }

    fn get(&self, counter: usize) -> u64 {
        self.0.get(counter).copied().unwrap_or_default()
    }

    fn by_mode(&self, first: usize) -> [(&'static str, u64); Mode::ALL.len()] {
        Mode::ALL.map(|mode| (mode.name(), self.get(first + mode as usize)))
    }

    pub(crate) fn deliveries(&self) -> [(&'static str, u64); Mode::ALL.len()] {
        self.by_mode(DELIVERIES)
    }

    pub(crate) fn requests(&self) -> [(&'static str, u64); Mode::ALL.len()] {
        self.by_mode(REQUESTS)
    }

    pub(crate) fn ended(&self, reason: usize) -> u64 {
        self.get(ENDED + reason)
    }

    pub(crate) fn latency(&self) -> [u64; LATENCY_BUCKETS] {
        std::array::from_fn(|bucket| self.get(LATENCY + bucket))
    }

    pub(crate) fn latency_micros(&self) -> u64 {
        self.get(LATENCY_MICROS)
    }

    pub(crate) fn sent_bytes(&self) -> u64 {
        self.get(SENT_BYTES)
    }

    pub(crate) fn wakeups_sent(&self) -> u64 {
        self.get(WAKEUPS_SENT)
    }

    pub(crate) fn wakeups_received(&self) -> u64 {
        self.get(WAKEUPS_RECEIVED)
    }

    pub(crate) fn publishes_refused(&self) -> u64 {
        self.get(PUBLISHES_REFUSED)
    }

    pub(crate) fn repairs(&self) -> u64 {
        self.get(REPAIRS)
    }

    pub(crate) fn ring_calls(&self) -> u64 {
        self.get(RING_CALLS)
    }

    pub(crate) fn ring_sends(&self) -> u64 {
        self.get(RING_SENDS)
    }

    /// Pages of history: those rendered, and those used again.
    pub(crate) fn pages(&self) -> [(&'static str, u64); 2] {
        [("rendered", self.get(PAGES_RENDERED)), ("reused", self.get(PAGES_REUSED))]
    }
}

/// Connected subscribers of the worker in a slot, by the modes that hold them.
pub(crate) fn connected(store: &Store, slot: usize) -> [(&'static str, u64); Mode::HELD.len()] {
    let gauges = store.worker_gauges(slot);
    Mode::HELD
        .map(|mode| (mode.name(), gauges.get(mode as usize).copied().unwrap_or_default().into()))
}
