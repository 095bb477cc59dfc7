//! Whether a subscriber may have the channels it asks for; creates those that are missing.

use protocol::Few;
use protocol::channel_path::ChannelPath;
use protocol::refusal::Refusal;
use store::{ChannelRef, Store, WakeSet};

use crate::channels;
use crate::conf::{LocationConf, MainConf};
use crate::directory::find_or_create;

/// Checks all channels of the path, then finds or creates them, in path order. To be called under the lock;
/// `found` has the capacity already.
///
/// # Errors
///
/// The first reason to refuse. Channels created before the one that could not be created stay.
pub(crate) fn admit(
    store: &mut Store,
    path: &ChannelPath,
    main: &MainConf,
    location: &LocationConf,
    found: &mut Few<ChannelRef>,
    wake: &mut WakeSet,
) -> Result<(), Refusal> {
    channels::check_number(path, main)?;
    // Otherwise it does not matter here what is there already.
    let looks = location.authorized_channels_only || main.max_subscribers_per_channel.is_some();
    let mut wildcards = 0;
    for segment in path.iter() {
        channels::check_id(segment.id, main)?;
        let wildcard = channels::is_wildcard_id(segment.id, main);
        wildcards += usize::from(wildcard);
        let known = if looks { store.find(segment.id) } else { None };
        let numbers = known.map(|channel| store.numbers(channel));
        let is_filled = numbers.is_some_and(|numbers| numbers.stored > 0);
        if location.authorized_channels_only && !wildcard && !is_filled {
            return Err(Refusal::ChannelNotAuthorized);
        }
        let subscribers = numbers.map_or(0, |numbers| numbers.subscribers) as usize;
        if main.max_subscribers_per_channel.is_some_and(|max| subscribers >= max) {
            return Err(Refusal::TooManySubscribers);
        }
        if channels::is_events_channel(segment.id, main)
            && !location.allow_connections_to_events_channel
        {
            return Err(Refusal::EventsChannelNotAllowed);
        }
    }
    if let Some(max) = location.wildcard_channel_max_qtd
        && wildcards > 0
        && (wildcards > max || wildcards == path.len())
    {
        return Err(Refusal::TooManyWildcardChannels);
    }
    find_or_create(store, path, main, found, wake)
}
