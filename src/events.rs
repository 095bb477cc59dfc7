//! The events channel: the server's own announcements about channels and subscribers.
//!
//! Called inside the lock span of what is announced, so the order of the events is that of the zone. Without
//! `push_stream_events_channel_id` nothing here does anything.

use protocol::event::Event;
use store::{CreateLimits, NewMessage, Parts, Store, WakeSet};

use crate::channels::{is_events_channel, is_wildcard_id};
use crate::conf::{MainConf, limit, seconds};
use crate::nginx::process;
use crate::{counters, memory};

/// Whether events are announced at all.
pub(crate) fn are_on(main: &MainConf) -> bool {
    main.events_channel_id.is_some()
}

/// Makes sure that the events channel is there and stays, and that no other one does: a reload may have changed it, so that is for workers
/// of the current configuration alone.
pub(crate) fn open(store: &mut Store, main: &MainConf) {
    if memory::newer_cycles(store) > 0 {
        return;
    }
    let Some(id) = main.events_channel_id.as_deref() else {
        store.keep(None);
        return;
    };
    let limits = CreateLimits { channels: None, wildcard_channels: None, inactivity: u32::MAX };
    let wildcard = is_wildcard_id(id, main);
    if let Ok(channel) = store.find_or_create(id, wildcard, &limits, process::now()) {
        store.keep(Some(channel));
    }
}

/// Announces an event of a channel. In a full zone it is lost: what it tells of has happened all the same.
#[inline]
pub(crate) fn announce(
    store: &mut Store,
    main: &MainConf,
    event: Event,
    channel: &[u8],
    wake: &mut WakeSet,
) {
    if let Some(id) = main.events_channel_id.as_deref() {
        announce_in(id, store, main, event, channel, wake);
    }
}

fn announce_in(
    id: &[u8],
    store: &mut Store,
    main: &MainConf,
    event: Event,
    channel: &[u8],
    wake: &mut WakeSet,
) {
    if is_events_channel(channel, main) {
        return;
    }
    if store.find(id).is_none() {
        open(store, main);
    }
    let Some(events) = store.find(id) else { return };
    let mut text = Vec::with_capacity(48 + channel.len());
    event.render(channel, &mut text);
    let message = NewMessage {
        parts: Parts { text: &text, event_type: Some(event.name().as_bytes()), ..Parts::default() },
        store: true,
        ttl: seconds(main.message_ttl),
        max_stored: limit(main.max_messages_stored_per_channel),
        counted: false,
        cursor: None,
        published_at: counters::now(),
    };
    // Nobody can be told of a failure.
    let _ = store.publish(&[events], &message, process::now(), wake);
}
