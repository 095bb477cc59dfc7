//! A message turned into the bytes that subscribers get: once per message, template and worker.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use protocol::chunk::{CHUNK_TAIL, LAST_CHUNK, chunk_head};
use protocol::cursor::Cursor;
use protocol::event_source;
use protocol::padding::{self, filler_len};
use protocol::template::{MessageView, Template};
use store::Parts;

use crate::nginx::bytes::Bytes;
use crate::nginx::held::Wire;

/// How messages look in a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    /// The message through the template, and nothing else.
    Text,
    /// A server-sent event: `id:`, `event:`, and the template for each line.
    EventSource,
}

/// The message template of a location, parsed and transformed once.
#[derive(Debug)]
pub(crate) struct MessageTemplate {
    template: Template,
    family: Family,
}

/// A message to be rendered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Message<'a> {
    /// As the template sees it.
    pub(crate) view: MessageView<'a>,
    /// As the publisher gave it: a present but empty one is told to an event source.
    pub(crate) event_id: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
}

impl<'a> From<MessageView<'a>> for Message<'a> {
    /// One of the server's own messages.
    fn from(view: MessageView<'a>) -> Self {
        Self { view, event_id: None, event_type: None }
    }
}

impl<'a> Message<'a> {
    /// A message of a channel.
    pub(crate) fn new(channel: &'a [u8], id: u64, cursor: Cursor, parts: Parts<'a>) -> Self {
        let view = MessageView {
            id: i64::try_from(id).unwrap_or(i64::MAX),
            channel,
            text: parts.text,
            time: cursor.time,
            tag: cursor.tag,
            event_id: parts.event_id.unwrap_or_default(),
            event_type: parts.event_type.unwrap_or_default(),
        };
        Self { view, event_id: parts.event_id, event_type: parts.event_type }
    }
}

impl MessageTemplate {
    pub(crate) fn parse(text: &[u8], family: Family) -> Self {
        let template = match family {
            Family::Text => Template::parse(text),
            Family::EventSource => Template::parse(&event_source::message_template(text)),
        };
        Self { template, family }
    }

    pub(crate) fn family(&self) -> Family {
        self.family
    }

    /// A message as one piece; `None` if nothing is to be sent.
    pub(crate) fn render(&self, cursor: Cursor, message: &Message<'_>) -> Option<Piece> {
        let view = &message.view;
        let mut piece = match self.family {
            Family::Text => {
                let len = self.template.rendered_len(view);
                let mut chunks = Chunks::with_capacity(len);
                chunks.push(len, |out| self.template.render(view, out));
                chunks.finish(cursor)?
            }
            Family::EventSource => self.render_event(cursor, message)?,
        };
        piece.is_message = view.id > 0;
        Some(piece)
    }

    fn render_event(&self, cursor: Cursor, message: &Message<'_>) -> Option<Piece> {
        let mut chunks = Chunks::with_capacity(message.view.text.len() + 64);
        let mut line = Vec::new();
        if let Some(event_id) = message.event_id {
            event_source::id(event_id, &mut line);
            chunks.push(line.len(), |out| out.append(&mut line));
        }
        if let Some(event_type) = message.event_type {
            event_source::event(event_type, &mut line);
            chunks.push(line.len(), |out| out.append(&mut line));
        }
        event_source::data(&self.template, &message.view, &mut line);
        chunks.push(line.len(), |out| out.append(&mut line));
        chunks.finish(cursor)
    }

    /// What keeps an idle connection alive; an event source has a comment of its own.
    pub(crate) fn ping(&self, text: &[u8]) -> Option<Piece> {
        match self.family {
            Family::Text => self.render(Cursor::ZERO, &MessageView::ping(text).into()),
            Family::EventSource => Piece::new(Cursor::ZERO, event_source::PING),
        }
    }
}

/// Chunks a piece may have: `id:`, `event:`, text.
const MAX_CHUNKS: usize = 3;

/// Builds a piece, chunk by chunk.
struct Chunks {
    framed: Vec<u8>,
    bodies: [Range<u32>; MAX_CHUNKS],
    count: usize,
}

impl Chunks {
    fn with_capacity(len: usize) -> Self {
        let framed = Vec::with_capacity(len + chunk_head(len).len() + CHUNK_TAIL.len());
        Self { framed, bodies: Default::default(), count: 0 }
    }

    /// Appends a chunk of `len` bytes that `write` writes; none if it is empty (that would end the response).
    fn push(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(body) = self.bodies.get_mut(self.count).filter(|_| len > 0) else { return };
        self.framed.extend_from_slice(&chunk_head(len));
        let start = self.framed.len();
        write(&mut self.framed);
        let word = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        *body = word(start)..word(self.framed.len());
        self.framed.extend_from_slice(CHUNK_TAIL);
        self.count += 1;
    }

    fn finish(self, cursor: Cursor) -> Option<Piece> {
        let Self { framed, bodies, count } = self;
        (count > 0).then(|| Piece {
            cursor,
            is_message: false,
            framed: Bytes::from(framed),
            bodies,
        })
    }
}

/// A rendered piece of a response, of one chunk or a few. Framed and unframed bytes are the same memory.
#[derive(Clone)]
pub(crate) struct Piece {
    /// The message's cursor.
    pub(crate) cursor: Cursor,
    /// Whether it is a message; what else is sent (filler, pings, templates) does not count.
    pub(crate) is_message: bool,
    framed: Bytes,
    bodies: [Range<u32>; MAX_CHUNKS],
}

impl Piece {
    /// A piece of these bytes; `None` if there are none.
    pub(crate) fn new(cursor: Cursor, body: &[u8]) -> Option<Self> {
        let mut chunks = Chunks::with_capacity(body.len());
        chunks.push(body.len(), |out| out.extend_from_slice(body));
        chunks.finish(cursor)
    }

    /// A message of which nothing is to be seen.
    pub(crate) fn empty(cursor: Cursor) -> Self {
        let framed = Bytes::from(Vec::new());
        Self { cursor, is_message: true, framed, bodies: Default::default() }
    }

    /// What goes on this wire.
    pub(crate) fn on(&self, wire: Wire) -> impl Iterator<Item = Bytes> + use<'_> {
        let framed = matches!(wire, Wire::PlainChunked);
        let bodies = self.bodies().filter(move |_| !framed);
        framed.then(|| self.framed.clone()).into_iter().chain(bodies)
    }

    /// The chunks without framing.
    pub(crate) fn bodies(&self) -> impl Iterator<Item = Bytes> + use<'_> {
        let ranges = self.bodies.iter().filter(|range| !range.is_empty());
        ranges.map(|range| self.framed.slice(range.start as usize..range.end as usize))
    }

    /// Length of the last chunk: that of the text.
    fn text_len(&self) -> usize {
        self.bodies.iter().rfind(|range| !range.is_empty()).map_or(0, ExactSizeIterator::len)
    }
}

/// Filler behind short pieces, kept by length: there are few different ones.
#[derive(Default)]
pub(crate) struct Fillers(HashMap<(usize, Family), Option<Piece>>);

impl Fillers {
    /// What follows `piece` where `min` bytes are wanted; `largest` is the largest such number of the configuration.
    pub(crate) fn behind(
        &mut self,
        piece: &Piece,
        family: Family,
        min: usize,
        largest: usize,
    ) -> Option<Piece> {
        if min == 0 {
            return None;
        }
        let len = filler_len(min, piece.text_len(), largest);
        let known = self.0.entry((len, family));
        let filler = known.or_insert_with(|| {
            let filler = match family {
                Family::Text => padding::line_breaks(len),
                Family::EventSource => padding::comment(len),
            };
            Piece::new(Cursor::ZERO, &filler)
        });
        Some(Piece { cursor: piece.cursor, ..filler.as_ref()?.clone() })
    }
}

/// What ends a response on this wire, where that is ours to send.
pub(crate) fn last_chunk(wire: Wire) -> Option<Bytes> {
    matches!(wire, Wire::PlainChunked).then(|| Bytes::from(LAST_CHUNK.to_vec()))
}

/// The renderings of one message, so that each template renders it once.
#[derive(Default)]
pub(crate) struct Renderings(Vec<(Rc<MessageTemplate>, Option<Piece>)>);

impl Renderings {
    /// The rendering with this template, made by `render` if there is none yet.
    pub(crate) fn with(
        &mut self,
        template: &Rc<MessageTemplate>,
        render: impl FnOnce(&MessageTemplate) -> Option<Piece>,
    ) -> Option<Piece> {
        if let Some((_, piece)) = self.0.iter().find(|(known, _)| Rc::ptr_eq(known, template)) {
            return piece.clone();
        }
        let piece = render(template);
        self.0.push((Rc::clone(template), piece.clone()));
        piece
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}
