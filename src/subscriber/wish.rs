//! What a request to a subscriber location asks for.

use std::rc::Rc;

use protocol::channel_path::ChannelPath;
use protocol::cursor::{Resume, parse_tag, parse_time};

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
        let mut value = |directive: Option<ComplexValue>, header: &str| match directive {
            Some(value) => Some(channels::evaluated(request, value)),
            None => request.header(header).map(<[u8]>::to_vec),
        };
        let time = value(location.last_received_message_time, "If-Modified-Since");
        let tag = value(location.last_received_message_tag, "If-None-Match");
        let event_id = value(location.last_event_id, "Last-Event-Id");
        let ids = path.iter().map(|segment| segment.id);
        let story = Story::begin(request, ids, mode.name())?;
        Ok(Self {
            path,
            callback: None,
            story,
            time: time.and_then(|time| parse_time(&time)),
            tag: tag.and_then(|tag| parse_tag(&tag)),
            event_id: event_id.filter(|id| !id.is_empty()),
        })
    }

    /// From where on stored messages are wanted.
    pub(crate) fn resume(&self) -> Resume<'_> {
        Resume { time: self.time, tag: self.tag, event_id: self.event_id.as_deref() }
    }
}
