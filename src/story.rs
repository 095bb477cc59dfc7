//! What a request has been about, for the access log: its channels, its mode, what it was sent and why it ended.
//!
//! Kept with the request, read by the variables when the log line is written. It lies in what the request's pool has left; only a long path,
//! or one of several channels, takes memory of its own.

use protocol::channel_path::ChannelPath;

use crate::conf::Mode;
use crate::counters;
use crate::nginx::request::{NoMemory, Request};

/// Why a subscriber's request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The client went away.
    Client,
    /// The time of the connection or of the long poll was up.
    Ttl,
    /// A long poll got its message.
    Message,
    /// The channel was deleted.
    Deleted,
    /// More waited for the reader than `push_stream_subscriber_buffer_size` allows.
    Slow,
    /// The socket took nothing for `send_timeout`.
    SendTimeout,
    /// The client of a WebSocket broke the rules of its protocol.
    Violation,
    /// The client of a WebSocket published what the zone had no room for.
    ZoneFull,
    /// The client of a WebSocket did not answer a ping.
    PongTimeout,
    /// The worker left: reload, quit or stop.
    Shutdown,
}

impl CloseReason {
    /// Every reason, in the order of their declaration.
    pub(crate) const ALL: [Self; 10] = [
        Self::Client,
        Self::Ttl,
        Self::Message,
        Self::Deleted,
        Self::Slow,
        Self::SendTimeout,
        Self::Violation,
        Self::ZoneFull,
        Self::PongTimeout,
        Self::Shutdown,
    ];

    /// The name in the log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Ttl => "ttl",
            Self::Message => "message",
            Self::Deleted => "deleted",
            Self::Slow => "slow",
            Self::SendTimeout => "send_timeout",
            Self::Violation => "violation",
            Self::ZoneFull => "zone_full",
            Self::PongTimeout => "pong_timeout",
            Self::Shutdown => "shutdown",
        }
    }
}

// The last one stands at its place only if none is missing.
const _: () = assert!(CloseReason::Shutdown as usize + 1 == CloseReason::ALL.len());
const _: () = assert!(CloseReason::ALL.len() <= counters::REASONS);

/// An id, or several, for a line of the error log.
pub(crate) fn shown(id: &[u8]) -> String {
    String::from_utf8_lossy(id).escape_debug().collect()
}

/// The story of one request.
#[derive(Debug)]
pub(crate) struct Story {
    /// The channels that it names.
    pub(crate) path: ChannelPath,
    /// The mode of a subscriber; a publisher has none.
    pub(crate) mode: Option<Mode>,
    /// Messages sent or queued; pings and the like do not count.
    pub(crate) messages_sent: u64,
    pub(crate) close_reason: Option<CloseReason>,
}

impl Story {
    /// Begins the story of a request.
    pub(crate) fn begin(
        request: &mut Request,
        path: ChannelPath,
        mode: Option<Mode>,
    ) -> Result<(), NoMemory> {
        counters::requested(mode);
        request.set_context(Self { path, mode, messages_sent: 0, close_reason: None })?;
        Ok(())
    }

    /// The story of a request, if it has one.
    pub(crate) fn of(request: &Request) -> Option<&Self> {
        request.context()
    }

    /// The same, to go on with.
    pub(crate) fn of_mut(request: &mut Request) -> Option<&mut Self> {
        request.context_mut()
    }

    /// The channels that the request names. Its story has begun.
    pub(crate) fn path_of(request: &Request) -> Result<&ChannelPath, NoMemory> {
        Self::of(request).map(|story| &story.path).ok_or(NoMemory)
    }

    /// The channels for a line of the error log: what a client may have put into an id cannot break it.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path.joined())
    }

    /// Says why it ended; the first reason stays.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.close_reason.get_or_insert(reason);
    }

    /// Counts messages.
    pub(crate) fn count(&mut self, messages: usize) {
        self.messages_sent = self.messages_sent.saturating_add(messages as u64);
        counters::delivered(self.mode, messages);
    }
}
