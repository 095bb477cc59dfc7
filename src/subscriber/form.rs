//! The answers of polls and long polls: 200 with messages, or 304.

use std::rc::Rc;
use std::slice;

use protocol::cursor::{Cursor, etag};
use protocol::event_source;
use protocol::jsonp;

use smallvec::SmallVec;

use super::wish::Wish;
use crate::conf::{LocationConf, MainConf};
use crate::counters;
use crate::nginx::request::{NoMemory, Request, Status};
use crate::render::{Family, Message, Piece};
use crate::story::{CloseReason, Story};
use crate::{answer, dates};

/// How the answer of a poll looks, whatever it says.
pub(crate) struct Form {
    pub(crate) location: Rc<LocationConf>,
    pub(crate) special: Option<Box<Special>>,
}

/// What few answers have.
#[derive(Default)]
pub(crate) struct Special {
    /// The function that a script tag wants called.
    callback: Option<Vec<u8>>,
    /// Messages behind the client's cursor are no longer stored.
    gap: bool,
    /// What says so in the body, where the configuration has a text for it.
    gap_piece: Option<Piece>,
}

impl Form {
    pub(crate) fn new(
        main: &MainConf,
        location: &Rc<LocationConf>,
        wish: &Wish,
        gap: bool,
    ) -> Self {
        let special = (gap || wish.callback.is_some()).then(|| {
            let gap_piece = gap_piece(main, location, gap);
            Box::new(Special { callback: wish.callback.clone(), gap, gap_piece })
        });
        Self { location: Rc::clone(location), special }
    }

    pub(crate) fn callback(&self) -> Option<&[u8]> {
        self.special.as_ref()?.callback.as_deref()
    }

    /// Messages have been dropped while they were read.
    pub(crate) fn set_gap(&mut self) {
        self.special.get_or_insert_default().gap = true;
    }

    pub(crate) fn gap_piece(&self) -> Option<&Piece> {
        self.special.as_ref()?.gap_piece.as_ref()
    }

    /// 200 with messages: header template, messages, footer template, a chunk each.
    pub(crate) fn tell(
        &self,
        request: &mut Request,
        pieces: &[Piece],
        cursor: Cursor,
    ) -> Result<Status, NoMemory> {
        self.begin(request, cursor)?;
        if let Some(story) = Story::of_mut(request) {
            story.count(pieces.iter().filter(|piece| piece.is_message).count());
        }
        let mut chunks: SmallVec<[&[u8]; 8]> = SmallVec::new();
        chunks.extend(self.opening().into_iter().filter(|chunk| !chunk.is_empty()));
        let is_script = self.callback().is_some();
        for (index, piece) in self.gap_piece().into_iter().chain(pieces).enumerate() {
            if index > 0 && is_script {
                chunks.push(jsonp::SEPARATOR);
            }
            chunks.extend(piece.texts());
        }
        chunks.extend(self.closing().into_iter().filter(|chunk| !chunk.is_empty()));
        counters::sent(chunks.iter().map(|chunk| chunk.len()).sum());
        Ok(request.respond_chunks(&chunks))
    }

    /// Status and headers of a 200.
    pub(crate) fn begin(&self, request: &mut Request, cursor: Cursor) -> Result<(), NoMemory> {
        self.set_content_type(request)?;
        set_cursor(request, cursor)?;
        self.mark_gap(request)?;
        request.set_status(200);
        Ok(())
    }

    /// The chunks before the messages; some may be empty.
    pub(crate) fn opening(&self) -> [&[u8]; 3] {
        let header = &*self.location.header_template;
        match self.callback() {
            Some(name) => [header, name, jsonp::OPEN],
            None => [header, b"", b""],
        }
    }

    /// The chunks behind the messages; some may be empty.
    pub(crate) fn closing(&self) -> [&[u8]; 2] {
        let close = if self.callback().is_some() { jsonp::CLOSE } else { b"" };
        [close, &self.location.footer_template]
    }

    /// Something else than a message; `None` if it is empty.
    pub(crate) fn piece(&self, chunk: &[u8]) -> Option<Piece> {
        self.location.message_template.piece(chunk)
    }

    /// 304, with the parts of a cursor that there are.
    pub(crate) fn tell_nothing(
        &self,
        request: &mut Request,
        time: Option<u32>,
        tag: Option<u32>,
    ) -> Result<Status, NoMemory> {
        self.set_content_type(request)?;
        if let Some(time) = time {
            dates::written(time, |date| request.set_last_modified(time, date))?;
        }
        if let Some(tag) = tag {
            request.push_header("Etag", &etag(tag))?;
        }
        self.mark_gap(request)?;
        Ok(answer::head_only(request, 304))
    }

    fn mark_gap(&self, request: &mut Request) -> Result<(), NoMemory> {
        let gap = self.special.as_ref().is_some_and(|special| special.gap);
        if gap { mark_gap(request) } else { Ok(()) }
    }

    fn set_content_type(&self, request: &mut Request) -> Result<(), NoMemory> {
        if self.callback().is_some() && self.location.legacy_content_type.is_none() {
            request.set_content_type(jsonp::CONTENT_TYPE);
            return Ok(());
        }
        set_content_type(request, &self.location)
    }
}

/// The message that tells of a gap, where there is one and the configuration has a text for it.
pub(crate) fn gap_piece(main: &MainConf, location: &LocationConf, gap: bool) -> Option<Piece> {
    let text = main.gap_message_text.as_deref().filter(|_| gap)?;
    location.message_template.render(Cursor::ZERO, &Message::gap(text))
}

/// Tells the client that messages behind its cursor are no longer stored.
pub(crate) fn mark_gap(request: &mut Request) -> Result<(), NoMemory> {
    let (name, value) = answer::GAP;
    request.push_static(name, value)
}

fn set_cursor(request: &mut Request, cursor: Cursor) -> Result<(), NoMemory> {
    dates::written(cursor.time, |date| request.set_last_modified(cursor.time, date))?;
    request.push_header("Etag", &etag(cursor.tag))
}

/// The location's own type, or what nginx says about the URI.
pub(crate) fn set_content_type(
    request: &mut Request,
    location: &LocationConf,
) -> Result<(), NoMemory> {
    if matches!(location.message_template.family(), Family::EventSource { .. }) {
        request.set_content_type(event_source::CONTENT_TYPE);
        return Ok(());
    }
    match &location.legacy_content_type {
        Some(content_type) => request.copy_content_type(content_type),
        None => request.set_default_content_type(),
    }
}

/// What a long poll that has waited is told.
pub(crate) enum Told {
    /// 200, with a piece unless that is empty.
    Something(Option<Rc<Piece>>),
    /// 304.
    Nothing,
}

/// The answer of a long poll that has waited.
pub(crate) struct LongPollAnswer {
    pub(crate) form: Form,
    pub(crate) cursor: Cursor,
    pub(crate) told: Told,
    /// Why it ends.
    pub(crate) reason: CloseReason,
}

impl LongPollAnswer {
    /// The message, or what else it has got.
    pub(crate) fn piece(&self) -> Option<&Rc<Piece>> {
        match &self.told {
            Told::Something(piece) => piece.as_ref(),
            Told::Nothing => None,
        }
    }

    /// Sends it. That its piece has been written is for the caller to count.
    pub(crate) fn send(&self, request: &mut Request) -> Status {
        if let Some(story) = Story::of_mut(request) {
            story.end(self.reason);
        }
        let Cursor { time, tag } = self.cursor;
        let sent = match &self.told {
            Told::Something(piece) => {
                let pieces = piece.as_deref().map(slice::from_ref).unwrap_or_default();
                self.form.tell(request, pieces, self.cursor)
            }
            Told::Nothing => self.form.tell_nothing(request, Some(time), Some(tag)),
        };
        sent.unwrap_or(Status::ERROR)
    }
}
