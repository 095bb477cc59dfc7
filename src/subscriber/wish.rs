//! What a request to a subscriber location asks for.

use std::rc::Rc;

use protocol::channel_path::{ChannelPath, Segment, decode};
use protocol::cursor::{Resume, parse_event_id, parse_seconds, parse_tag, parse_time};

use crate::channels;
use crate::conf::{LocationConf, Mode};
use crate::nginx::conf::ComplexValue;
use crate::nginx::request::{NoMemory, Request};
use crate::story::Story;

/// What a request to a subscriber location asks for.
pub(crate) struct Wish {
    pub(crate) path: ChannelPath,
    pub(crate) time: Option<u32>,
    pub(crate) tag: Option<u32>,
    event_id: Option<Vec<u8>>,
    /// Time and tag are those of an event id made here: they say exactly what has been seen, whatever else the request says.
    exact: bool,
    /// Old messages of several channels are wanted in the order of their cursors.
    pub(crate) merged: bool,
    /// The function that a script tag wants called; polls only.
    pub(crate) callback: Option<Vec<u8>>,
    pub(crate) story: Rc<Story>,
}

impl Wish {
    pub(crate) fn read(
        request: &mut Request,
        location: &LocationConf,
        mode: Mode,
    ) -> Result<Self, NoMemory> {
        let path = channels::requested(request, location);
        // A page cannot set headers for a WebSocket.
        let has_arguments = mode == Mode::WebSocket;
        let mut merged = location.auto_event_id;
        let mut value = |directive: Option<ComplexValue>, header: &str, argument: &str| {
            if let Some(value) = directive {
                return Some(channels::evaluated(request, value));
            }
            if let Some(value) = request.header(header) {
                return Some(value.to_vec());
            }
            let argument =
                request.arg(argument).filter(|value| has_arguments && !value.is_empty())?;
            merged = true;
            Some(decode(argument).into_owned())
        };
        let time = value(location.last_received_message_time, "If-Modified-Since", "time");
        let tag = value(location.last_received_message_tag, "If-None-Match", "tag");
        let event_id = value(location.last_event_id, "Last-Event-Id", "last_event_id");
        let ids = path.iter().map(|segment| segment.id);
        let story = Story::begin(request, ids, Some(mode))?;
        let time = time.and_then(|time| {
            let seconds = || parse_seconds(&time).filter(|_| has_arguments);
            parse_time(&time).or_else(seconds)
        });
        let mut wish = Self {
            path,
            callback: None,
            story,
            time,
            tag: tag.and_then(|tag| parse_tag(&tag)),
            event_id: event_id.filter(|id| !id.is_empty()),
            exact: false,
            merged,
        };
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

    /// How many of a channel's last messages are wanted instead.
    pub(crate) fn backtrack(&self, segment: &Segment<'_>) -> Option<u32> {
        segment.backtrack.filter(|_| !self.exact)
    }
}
