//! Which channels a request names, and whether it may name them at all.
//!
//! The part of the checks that needs no look into the zone; publishers, subscribers and statistics share it.

use std::borrow::Cow;

use protocol::channel_path::{ChannelPath, decode, is_reserved, is_wildcard};
use protocol::refusal::Refusal;
use store::{NewMessage, Parts};

use crate::conf::{ChannelsPath, LocationConf, MainConf, limit, seconds};
use crate::counters;
use crate::nginx::conf::ComplexValue;
use crate::nginx::request::Request;

/// The channels path of the request.
pub(crate) fn requested(request: &mut Request, location: &LocationConf) -> ChannelPath {
    match location.channels_path {
        ChannelsPath::Nowhere => ChannelPath::default(),
        ChannelsPath::Modern(value) | ChannelsPath::LegacyPath(value) => {
            ChannelPath::parse(&evaluated(request, value))
        }
        ChannelsPath::LegacyId(index) => {
            ChannelPath::single(request.variable(index).unwrap_or_default())
        }
    }
}

/// The value of a directive with variables, percent-decoded once.
pub(crate) fn evaluated(request: &mut Request, value: ComplexValue) -> Cow<'_, [u8]> {
    decode(request.evaluate(value).unwrap_or_default())
}

/// Whether a publisher or subscriber may name so many channels.
pub(crate) fn check_number(path: &ChannelPath, main: &MainConf) -> Result<(), Refusal> {
    if path.is_empty() {
        return Err(Refusal::NoChannel);
    }
    check_most(path, main)
}

/// Whether no more channels are named than may be in one request.
pub(crate) fn check_most(path: &ChannelPath, main: &MainConf) -> Result<(), Refusal> {
    if path.len() > main.max_channels_per_request {
        return Err(Refusal::TooManyChannelsNamed);
    }
    Ok(())
}

/// Whether one id may be used by publishers and subscribers.
pub(crate) fn check_id(id: &[u8], main: &MainConf) -> Result<(), Refusal> {
    if is_reserved(id) {
        return Err(Refusal::ReservedChannel);
    }
    check_length(id, main)
}

/// Whether one id is short enough.
pub(crate) fn check_length(id: &[u8], main: &MainConf) -> Result<(), Refusal> {
    if main.max_channel_id_length.is_some_and(|max| id.len() > max) {
        return Err(Refusal::ChannelIdTooLarge);
    }
    Ok(())
}

/// Whether the id begins with the prefix of wildcard channels.
pub(crate) fn is_wildcard_id(id: &[u8], main: &MainConf) -> bool {
    is_wildcard(id, main.wildcard_channel_prefix.as_deref().unwrap_or_default())
}

/// Whether the id is that of the events channel.
pub(crate) fn is_events_channel(id: &[u8], main: &MainConf) -> bool {
    main.events_channel_id.as_deref() == Some(id)
}

/// Whether the number of channels is limited at all.
pub(crate) fn are_limited(main: &MainConf) -> bool {
    main.create_limits.channels.is_some() || main.create_limits.wildcard_channels.is_some()
}

/// A message as this location publishes it, without its parts.
pub(crate) fn message(location: &LocationConf) -> NewMessage<'static> {
    NewMessage {
        parts: Parts::default(),
        store: location.store_messages,
        ttl: seconds(location.message_ttl),
        max_stored: limit(location.max_messages_stored_per_channel),
        counted: true,
        cursor: None,
        published_at: counters::now(),
    }
}
