//! Which status and explanation does a refused request get?
//!
//! The checks of the publisher, subscriber and statistics locations end in a [`Refusal`]; one place
//! of the module turns it into a header-only response with `X-Nginx-PushStream-Explain`, or into the
//! reason of a WebSocket close. Clients and tests compare these texts, so they are part of the
//! protocol. 404 and 405 carry no explanation and are not listed here.

use core::fmt;

/// The explanation of a successful DELETE (status 200).
pub const CHANNEL_DELETED: &str = "Channel deleted.";

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The channels path is empty (publisher, subscriber).
    NoChannel,
    /// An id is longer than `push_stream_max_channel_id_length` (all locations).
    ChannelIdTooLarge,
    /// A publish without a message.
    EmptyMessage,
    /// A WebSocket handshake lacks one of its headers.
    MissingWebSocketHeaders,
    /// A WebSocket handshake asks for a version other than 8 and 13.
    UnsupportedWebSocketVersion,
    /// The id is `ALL` or contains `*` (publisher, subscriber).
    ReservedChannel,
    /// More channels than `push_stream_max_channels_per_request` in one path (all locations).
    TooManyChannelsNamed,
    /// The channel does not exist yet and no more may be created.
    TooManyChannels,
    /// A client tried to change the events channel, which only the server writes.
    EventsChannelReadOnly,
    /// A client subscribed to the events channel, which the configuration does not allow.
    EventsChannelNotAllowed,
    /// With `push_stream_authorized_channels_only` the channel has no stored message to subscribe for.
    ChannelNotAuthorized,
    /// The channel has `push_stream_max_subscribers_per_channel` subscribers.
    TooManySubscribers,
    /// More wildcard channels than allowed in one request, or no other channel beside them.
    TooManyWildcardChannels,
    /// The JSONP callback is no name of a function.
    InvalidCallback,
    /// The zone has no memory for a channel. The connection must be closed after the answer.
    OutOfMemory,
}

impl Refusal {
    /// Every refusal, in the order of their declaration.
    pub const ALL: [Self; 15] = [
        Self::NoChannel,
        Self::ChannelIdTooLarge,
        Self::EmptyMessage,
        Self::MissingWebSocketHeaders,
        Self::UnsupportedWebSocketVersion,
        Self::ReservedChannel,
        Self::TooManyChannelsNamed,
        Self::TooManyChannels,
        Self::EventsChannelReadOnly,
        Self::EventsChannelNotAllowed,
        Self::ChannelNotAuthorized,
        Self::TooManySubscribers,
        Self::TooManyWildcardChannels,
        Self::InvalidCallback,
        Self::OutOfMemory,
    ];

    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::NoChannel
            | Self::ChannelIdTooLarge
            | Self::EmptyMessage
            | Self::MissingWebSocketHeaders
            | Self::UnsupportedWebSocketVersion
            | Self::InvalidCallback => 400,
            Self::ReservedChannel
            | Self::TooManyChannelsNamed
            | Self::TooManyChannels
            | Self::EventsChannelReadOnly
            | Self::EventsChannelNotAllowed
            | Self::ChannelNotAuthorized
            | Self::TooManySubscribers
            | Self::TooManyWildcardChannels => 403,
            Self::OutOfMemory => 500,
        }
    }

    /// The text of `X-Nginx-PushStream-Explain`; empty where there is nothing to tell a client.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::NoChannel => "No channel id provided.",
            Self::ChannelIdTooLarge => "Channel id is too large.",
            Self::EmptyMessage => "Empty post requests are not allowed.",
            Self::MissingWebSocketHeaders => {
                "Don't have at least one of the mandatory headers: \
                 Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version"
            }
            Self::UnsupportedWebSocketVersion => "Version not supported. Supported versions: 8, 13",
            Self::ReservedChannel => "Channel id not authorized for this method.",
            Self::TooManyChannelsNamed => "Too many channels in one request.",
            Self::TooManyChannels => "Number of channels were exceeded.",
            Self::EventsChannelReadOnly => "Only internal routines can change events channel.",
            Self::EventsChannelNotAllowed => "Subscription to events channel is not allowed.",
            Self::ChannelNotAuthorized => "Subscriber could not create channels.",
            Self::TooManySubscribers => "Subscribers limit per channel has been exceeded.",
            Self::TooManyWildcardChannels => "Subscribed too much wildcard channels.",
            Self::InvalidCallback => "Callback name is not valid.",
            Self::OutOfMemory => "",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("no memory left in the zone"),
            other => f.write_str(other.explain()),
        }
    }
}

impl core::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_explanations_are_those_clients_know() {
        let expected = [
            (400, "No channel id provided."),
            (400, "Channel id is too large."),
            (400, "Empty post requests are not allowed."),
            (
                400,
                "Don't have at least one of the mandatory headers: Connection, Upgrade, Sec-WebSocket-Key and Sec-WebSocket-Version",
            ),
            (400, "Version not supported. Supported versions: 8, 13"),
            (403, "Channel id not authorized for this method."),
            (403, "Too many channels in one request."),
            (403, "Number of channels were exceeded."),
            (403, "Only internal routines can change events channel."),
            (403, "Subscription to events channel is not allowed."),
            (403, "Subscriber could not create channels."),
            (403, "Subscribers limit per channel has been exceeded."),
            (403, "Subscribed too much wildcard channels."),
            (400, "Callback name is not valid."),
            (500, ""),
        ];
        assert_eq!(Refusal::ALL.map(|refusal| (refusal.status(), refusal.explain())), expected);
        assert_eq!(CHANNEL_DELETED, "Channel deleted.");
    }
}
