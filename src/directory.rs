//! The channels of a request in the zone: is there room for them, find or create them, tell what is new.
//!
//! Called inside a span of the zone's lock by publishers and subscribers.

use std::collections::HashSet;

use protocol::Few;
use protocol::channel_path::ChannelPath;
use protocol::event::Event;
use protocol::refusal::Refusal;
use store::{ChannelRef, CreateError, Store, WakeSet};

use crate::channels::{are_limited, is_wildcard_id};
use crate::conf::MainConf;
use crate::events;
use crate::nginx::process;

/// Whether those of the first `count` channels of the path that do not exist may all be created.
pub(crate) fn check_room(
    store: &Store,
    path: &ChannelPath,
    count: usize,
    main: &MainConf,
) -> Result<(), Refusal> {
    if !are_limited(main) {
        return Ok(());
    }
    let (mut normal, mut wildcard) = (0, 0);
    let mut new = HashSet::new();
    for segment in path.iter().take(count) {
        if store.find(segment.id).is_some() || !new.insert(segment.id) {
            continue;
        }
        let is_wildcard = is_wildcard_id(segment.id, main);
        let more = if is_wildcard { &mut wildcard } else { &mut normal };
        *more += 1;
        if !store.has_room_for(*more, is_wildcard, &main.create_limits) {
            return Err(Refusal::TooManyChannels);
        }
    }
    Ok(())
}

/// Finds or creates the channels of a path, in its order; new ones are announced.
pub(crate) fn find_or_create(
    store: &mut Store,
    path: &ChannelPath,
    main: &MainConf,
    found: &mut Few<ChannelRef>,
    wake: &mut WakeSet,
) -> Result<(), Refusal> {
    for segment in path.iter() {
        let is_new = events::are_on(main) && store.find(segment.id).is_none();
        let wildcard = is_wildcard_id(segment.id, main);
        let channel = store
            .find_or_create(segment.id, wildcard, &main.create_limits, process::now())
            .map_err(refusal_of)?;
        found.push(channel);
        if is_new {
            events::announce(store, main, Event::ChannelCreated, segment.id, wake);
        }
    }
    Ok(())
}

fn refusal_of(error: CreateError) -> Refusal {
    match error {
        CreateError::NoMemory(_) => Refusal::OutOfMemory,
        CreateError::TooManyChannels => Refusal::TooManyChannels,
    }
}
