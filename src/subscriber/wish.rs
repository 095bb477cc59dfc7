//! What a request to a subscriber location asks for.

use protocol::channel_path::{ChannelPath, Segment, decode};
use protocol::cursor::{Resume, parse_event_id, parse_seconds, parse_tag};

use crate::conf::{LocationConf, Mode};
use crate::nginx::conf::ComplexValue;
use crate::nginx::request::{NoMemory, Request};
use crate::story::Story;
use crate::{channels, dates};

/// What a request to a subscriber location asks for, beside the channels: those are in its [`Story`].
pub(crate) struct Wish {
    pub(crate) time: Option<u32>,
    pub(crate) tag: Option<u32>,
    event_id: Option<Vec<u8>>,
    /// Time and tag are those of an event id made here: they say exactly what has been seen, whatever else the request says.
    exact: bool,
    /// Old messages of several channels are sent in the order of their cursors.
    pub(crate) merged: bool,
    /// The function that a script tag wants called; polls only.
    pub(crate) callback: Option<Vec<u8>>,
}

impl Wish {
    /// Reads it, and begins the request's story.
    pub(crate) fn read(
        request: &mut Request,
        location: &LocationConf,
        mode: Mode,
    ) -> Result<Self, NoMemory> {
        let path = channels::requested(request, location);
        Story::begin(request, path, Some(mode))?;
        // A page cannot set headers for a WebSocket.
        let has_arguments = mode == Mode::WebSocket;
        let seconds = |time: &[u8]| parse_seconds(time).filter(|_| has_arguments);
        let time =
            Place::new(location.last_received_message_time, Request::if_modified_since, "time");
        let tag = Place::new(location.last_received_message_tag, Request::if_none_match, "tag");
        let event_id = Place::new(
            location.last_event_id,
            |request| request.header("Last-Event-Id"),
            "last_event_id",
        );
        let mut wish = Self {
            callback: None,
            time: time
                .read(request, has_arguments, |time| dates::read(time).or_else(|| seconds(time))),
            tag: tag.read(request, has_arguments, parse_tag),
            event_id: event_id
                .read(request, has_arguments, |id| (!id.is_empty()).then(|| id.to_vec())),
            exact: false,
            merged: false,
        };
        // A client that goes on by a cursor or an event id does so again after a stream that was cut anywhere.
        let is_stream = !matches!(mode, Mode::Polling | Mode::LongPolling);
        let is_resumed = wish.time.is_some() || wish.event_id.is_some();
        wish.merged = location.auto_event_id || is_stream && is_resumed;
        if location.auto_event_id
            && let Some(cursor) = wish.event_id.as_deref().and_then(parse_event_id)
        {
            (wish.time, wish.tag) = (Some(cursor.time), Some(cursor.tag));
            (wish.event_id, wish.exact) = (None, true);
        }
        Ok(wish)
    }

    /// From where on stored messages are wanted.
    pub(crate) fn resume(&self) -> Resume<'_> {
        Resume { time: self.time, tag: self.tag, event_id: self.event_id.as_deref() }
    }

    /// Whether the client has a place in the stream that was given out here.
    pub(crate) fn is_exact(&self) -> bool {
        self.exact
    }

    /// Whether nothing is wanted that is stored.
    pub(crate) fn is_for_news(&self, path: &ChannelPath) -> bool {
        self.time.is_none()
            && self.event_id.is_none()
            && path.iter().all(|segment| self.backtrack(&segment).is_none())
    }

    /// How many of a channel's last messages are wanted instead.
    pub(crate) fn backtrack(&self, segment: &Segment<'_>) -> Option<u32> {
        segment.backtrack.filter(|_| !self.exact)
    }
}

/// Where one of the values stands that say from where on messages are wanted.
struct Place {
    directive: Option<ComplexValue>,
    header: fn(&Request) -> Option<&[u8]>,
    argument: &'static str,
}

impl Place {
    fn new(
        directive: Option<ComplexValue>,
        header: fn(&Request) -> Option<&[u8]>,
        argument: &'static str,
    ) -> Self {
        Self { directive, header, argument }
    }

    /// Reads the value: the directive's if there is one, otherwise the header's, or the argument's where arguments count.
    fn read<T>(
        self,
        request: &mut Request,
        has_arguments: bool,
        parse: impl FnOnce(&[u8]) -> Option<T>,
    ) -> Option<T> {
        if let Some(value) = self.directive {
            return parse(&channels::evaluated(request, value));
        }
        if let Some(value) = (self.header)(request) {
            return parse(value);
        }
        if !has_arguments {
            return None;
        }
        let value = request.arg(self.argument).filter(|value| !value.is_empty())?;
        parse(&decode(value))
    }
}
