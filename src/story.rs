//! What a request has been about, for the access log: its channels, its mode, what it was sent and why it ended.
//!
//! Set once per request, kept with it, read by the variables when the log line is written.

use std::cell::Cell;
use std::rc::Rc;

use protocol::channel_path::ChannelPath;

use crate::conf::Mode;
use crate::counters;
use crate::nginx::request::{NoMemory, Request};
use crate::nginx::spare::{Last, Spare, Spares};

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
    pub(crate) messages_sent: Cell<u64>,
    pub(crate) close_reason: Cell<Option<CloseReason>>,
}

static STORIES: Spares<Story> = Spares::new();

impl Spare for Story {
    fn spares() -> &'static Spares<Self> {
        &STORIES
    }

    fn empty(&mut self) {
        self.path = ChannelPath::default();
    }
}

impl Story {
    /// Begins the story of a request.
    pub(crate) fn begin(
        request: &mut Request,
        path: ChannelPath,
        mode: Option<Mode>,
    ) -> Result<Rc<Self>, NoMemory> {
        counters::requested(mode);
        let story = STORIES.make(Self {
            path,
            mode,
            messages_sent: Cell::new(0),
            close_reason: Cell::new(None),
        });
        request.set_context(Last(Rc::clone(&story)))?;
        Ok(story)
    }

    /// The story of a request, if it has one.
    pub(crate) fn of(request: &mut Request) -> Option<Rc<Self>> {
        request.context::<Last<Self>>().map(|story| Rc::clone(story))
    }

    /// The channels for a line of the error log: what a client may have put into an id cannot break it.
    pub(crate) fn shown(&self) -> String {
        shown(&self.path.joined())
    }

    /// Counts messages.
    pub(crate) fn count(&self, messages: usize) {
        self.add(messages);
        counters::delivered(self.mode, messages);
    }

    /// Counts messages that the worker has counted already.
    pub(crate) fn add(&self, messages: usize) {
        let sent = self.messages_sent.get();
        self.messages_sent.set(sent.saturating_add(messages as u64));
    }

    /// Says why it ended; the first reason stays.
    pub(crate) fn end(&self, reason: CloseReason) {
        if self.close_reason.get().is_none() {
            self.close_reason.set(Some(reason));
            counters::ended(reason as usize);
        }
    }
}
