//! A message turned into the bytes that subscribers get: once per message, template and worker.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use protocol::chunk::{CHUNK_TAIL, LAST_CHUNK, chunk_head, framed_len};
use protocol::cursor::{self, Cursor};
use protocol::event_source;
use protocol::padding::{self, filler_len};
use protocol::template::{MessageView, Template};
use protocol::websocket::Opcode;
use protocol::websocket::deflate::Compressor;
use protocol::websocket::frame::{self, EMPTY_PING};
use store::{Parts, Stamp};

use crate::nginx::bytes::Bytes;
use crate::nginx::wire::Wire;

/// How messages look in a location.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    /// The message through the template, and nothing else.
    Text,
    /// A server-sent event: `id:`, `event:`, and the template for each line.
    EventSource {
        /// Every message has its cursor for an id.
        auto_id: bool,
    },
    /// A frame of a WebSocket.
    WebSocket {
        /// Binary messages go in binary frames.
        binary: bool,
    },
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
    /// Whether it is meant as bytes, not as characters.
    pub(crate) binary: bool,
}

impl<'a> From<MessageView<'a>> for Message<'a> {
    /// One of the server's own messages.
    fn from(view: MessageView<'a>) -> Self {
        Self { view, event_id: None, event_type: None, binary: false }
    }
}

impl<'a> Message<'a> {
    /// What tells of messages that are missing.
    pub(crate) fn gap(text: &'a [u8]) -> Self {
        Self { event_type: Some(b"gap"), ..MessageView::gap(text).into() }
    }

    /// Whether somebody has published it; the server's own messages are not counted.
    pub(crate) fn is_published(&self) -> bool {
        self.view.id > 0
    }

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
        let Parts { event_id, event_type, binary, .. } = parts;
        Self { view, event_id, event_type, binary }
    }
}

impl MessageTemplate {
    pub(crate) fn parse(text: &[u8], family: Family) -> Self {
        let template = match family {
            Family::Text | Family::WebSocket { .. } => Template::parse(text),
            Family::EventSource { .. } => Template::parse(&event_source::message_template(text)),
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
            Family::EventSource { auto_id } => self.render_event(cursor, message, auto_id)?,
            Family::WebSocket { binary } => {
                let is_binary = binary && message.binary;
                let opcode = if is_binary { Opcode::Binary } else { Opcode::Text };
                let len = self.template.rendered_len(view);
                let head = frame::head(opcode, false, len);
                let mut whole = Vec::with_capacity(head.len() + len);
                whole.extend_from_slice(&head);
                self.template.render(view, &mut whole);
                Piece::raw(cursor, whole)
            }
        };
        piece.is_message = message.is_published();
        Some(piece)
    }

    /// Appends a message as it goes on a wire where pieces may be joined; false = nothing is to be sent.
    pub(crate) fn append(
        &self,
        wire: Wire,
        cursor: Cursor,
        message: &Message<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        if self.family == Family::Text {
            let len = self.template.rendered_len(&message.view);
            if len == 0 {
                return false;
            }
            out.reserve(len + MAX_FRAME_LEN);
            match wire {
                Wire::PlainChunked => {
                    out.extend_from_slice(&chunk_head(len));
                    self.template.render(&message.view, out);
                    out.extend_from_slice(CHUNK_TAIL);
                }
                Wire::PlainRaw | Wire::Filtered => self.template.render(&message.view, out),
            }
            return true;
        }
        let Some(piece) = self.render(cursor, message) else { return false };
        piece.on(wire).for_each(|bytes| out.extend_from_slice(&bytes));
        true
    }

    fn render_event(&self, cursor: Cursor, message: &Message<'_>, auto_id: bool) -> Option<Piece> {
        let mut chunks = Chunks::with_capacity(message.view.text.len() + 64);
        let mut line = Vec::new();
        let place = cursor::event_id(cursor);
        // Only messages of a channel have a place among the others.
        let auto_id = (auto_id && message.view.id > 0).then_some(place.as_bytes());
        if let Some(event_id) = auto_id.or(message.event_id) {
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

    /// An id without an event, where messages have their cursor for one: a browser that loses its connection before the first of them
    /// comes back to this place.
    pub(crate) fn place(&self, cursor: Cursor) -> Option<Piece> {
        let Family::EventSource { auto_id: true } = self.family else { return None };
        let mut event = Vec::new();
        event_source::id(&cursor::event_id(cursor), &mut event);
        event.push(b'\n');
        self.piece(&event)
    }

    /// What keeps an idle connection alive; an event source has a comment of its own.
    pub(crate) fn ping(&self, text: &[u8]) -> Option<Piece> {
        match self.family {
            Family::Text => self.render(Cursor::ZERO, &MessageView::ping(text).into()),
            Family::EventSource { .. } => self.piece(event_source::PING),
            Family::WebSocket { .. } => Some(Piece::raw(Cursor::ZERO, EMPTY_PING.to_vec())),
        }
    }

    /// Something else than a message, such as a header template; `None` if it is empty.
    pub(crate) fn piece(&self, body: &[u8]) -> Option<Piece> {
        match self.family {
            Family::WebSocket { .. } if body.is_empty() => None,
            Family::WebSocket { .. } => {
                let mut whole = Vec::new();
                frame::frame(Opcode::Text, body, &mut whole);
                Some(Piece::raw(Cursor::ZERO, whole))
            }
            _ => Piece::chunk(body),
        }
    }
}

/// How the messages of a WebSocket are compressed (RFC 7692).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Deflation {
    /// The window that was negotiated, as a power of two.
    pub(crate) window_bits: u8,
    /// Bytes below which a message goes as it is.
    pub(crate) min_size: usize,
}

/// The compressors of this worker, by window size.
#[derive(Default)]
pub(crate) struct Compressors(HashMap<u8, Compressor>);

impl Compressors {
    /// The piece as it goes to those who want it compressed; the same one if that gains nothing.
    pub(crate) fn deflated(&mut self, piece: Piece, deflation: Option<Deflation>) -> Piece {
        let Some(Deflation { window_bits, min_size }) = deflation else { return piece };
        let compressor = self.0.entry(window_bits).or_insert_with(|| Compressor::new(window_bits));
        match compressor.compress_frame(&piece.framed, min_size) {
            Some(whole) => {
                Piece { is_message: piece.is_message, ..Piece::raw(piece.cursor, whole) }
            }
            None => piece,
        }
    }
}

/// The longest head of a chunk and its tail.
pub(crate) const MAX_FRAME_LEN: usize = 20;
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
        let framed = Vec::with_capacity(framed_len(len));
        Self { framed, bodies: Default::default(), count: 0 }
    }

    /// Appends a chunk of `len` bytes that `write` writes; none if it is empty (that would end the response).
    fn push(&mut self, len: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(body) = self.bodies.get_mut(self.count).filter(|_| len > 0) else { return };
        self.framed.extend_from_slice(&chunk_head(len));
        let start = self.framed.len();
        write(&mut self.framed);
        *body = word(start)..word(self.framed.len());
        self.framed.extend_from_slice(CHUNK_TAIL);
        self.count += 1;
    }

    fn finish(self, cursor: Cursor) -> Option<Piece> {
        let Self { framed, bodies, count } = self;
        (count > 0).then(|| Piece {
            cursor,
            is_message: false,
            published_at: None,
            framed: Bytes::from(framed),
            bodies,
        })
    }
}

fn word(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A rendered piece of a response, of one chunk or a few. Framed and unframed bytes are the same memory.
#[derive(Clone)]
pub(crate) struct Piece {
    /// The message's cursor.
    pub(crate) cursor: Cursor,
    /// Whether it is a message; what else is sent (filler, pings, templates) does not count.
    pub(crate) is_message: bool,
    /// When a live message was published.
    pub(crate) published_at: Option<Stamp>,
    framed: Bytes,
    bodies: [Range<u32>; MAX_CHUNKS],
}

impl Piece {
    /// A chunk of these bytes; `None` if there are none.
    fn chunk(body: &[u8]) -> Option<Self> {
        let mut chunks = Chunks::with_capacity(body.len());
        chunks.push(body.len(), |out| out.extend_from_slice(body));
        chunks.finish(Cursor::ZERO)
    }

    /// Bytes that need no framing, such as a frame of a WebSocket.
    fn raw(cursor: Cursor, bytes: Vec<u8>) -> Self {
        let bodies = [0..word(bytes.len()), 0..0, 0..0];
        Self { cursor, is_message: false, published_at: None, framed: Bytes::from(bytes), bodies }
    }

    /// A message of which nothing is to be seen.
    pub(crate) fn empty(cursor: Cursor) -> Self {
        let framed = Bytes::from(Vec::new());
        Self { cursor, is_message: true, published_at: None, framed, bodies: Default::default() }
    }

    /// What goes on this wire.
    pub(crate) fn on(&self, wire: Wire) -> impl Iterator<Item = Bytes> + use<'_> {
        let framed = matches!(wire, Wire::PlainChunked);
        let bodies = self.bodies().filter(move |_| !framed);
        framed.then(|| self.framed.clone()).into_iter().chain(bodies)
    }

    /// Bytes with framing.
    pub(crate) fn len(&self) -> usize {
        self.framed.len()
    }

    /// The chunks without framing, for somebody who copies them.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let ranges = self.bodies.iter().filter(|range| !range.is_empty());
        ranges.filter_map(|range| self.framed.get(range.start as usize..range.end as usize))
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

/// What this worker turns rendered messages into what is sent with.
pub(crate) struct Press {
    pub(crate) fillers: Fillers,
    pub(crate) compressors: Compressors,
}

impl Press {
    /// `largest_padding` is the largest number of bytes to which the configuration pads anything.
    pub(crate) fn new(largest_padding: usize) -> Self {
        let fillers = Fillers { largest: largest_padding, known: HashMap::default() };
        Self { fillers, compressors: Compressors::default() }
    }
}

/// Filler behind short pieces, kept by length: there are few different ones.
pub(crate) struct Fillers {
    largest: usize,
    known: HashMap<(usize, Family), Option<Piece>>,
}

impl Fillers {
    /// What follows `piece` where `min` bytes are wanted.
    pub(crate) fn behind(&mut self, piece: &Piece, family: Family, min: usize) -> Option<Piece> {
        if min == 0 {
            return None;
        }
        let len = filler_len(min, piece.text_len(), self.largest);
        let known = self.known.entry((len, family));
        let filler = known.or_insert_with(|| {
            let filler = match family {
                Family::EventSource { .. } => padding::comment(len),
                Family::Text | Family::WebSocket { .. } => padding::line_breaks(len),
            };
            Piece::chunk(&filler)
        });
        Some(Piece { cursor: piece.cursor, ..filler.as_ref()?.clone() })
    }
}

/// What ends a response on this wire, where that is ours to send.
pub(crate) fn last_chunk(wire: Wire) -> Option<Bytes> {
    matches!(wire, Wire::PlainChunked).then(|| Bytes::from(LAST_CHUNK.to_vec()))
}

/// The renderings of one message, so that each template renders it once, and each window size compresses it once.
#[derive(Default)]
pub(crate) struct Renderings {
    plain: Vec<(Rc<MessageTemplate>, Option<Piece>)>,
    deflated: Vec<(Rc<MessageTemplate>, Deflation, Option<Piece>)>,
}

impl Renderings {
    /// The rendering with this template, made by `render` if there is none yet.
    pub(crate) fn with(
        &mut self,
        template: &Rc<MessageTemplate>,
        render: impl FnOnce(&MessageTemplate) -> Option<Piece>,
    ) -> Option<Piece> {
        if let Some((_, piece)) = self.plain.iter().find(|(known, _)| Rc::ptr_eq(known, template)) {
            return piece.clone();
        }
        let piece = render(template);
        self.plain.push((Rc::clone(template), piece.clone()));
        piece
    }

    /// The same, compressed where that is wanted.
    pub(crate) fn deflated(
        &mut self,
        template: &Rc<MessageTemplate>,
        deflation: Option<Deflation>,
        compressors: &mut Compressors,
        render: impl FnOnce(&MessageTemplate) -> Option<Piece>,
    ) -> Option<Piece> {
        let Some(wanted) = deflation else { return self.with(template, render) };
        let known = self
            .deflated
            .iter()
            .find(|(known, deflation, _)| *deflation == wanted && Rc::ptr_eq(known, template));
        if let Some((.., piece)) = known {
            return piece.clone();
        }
        let plain = self.with(template, render);
        let piece = plain.map(|plain| compressors.deflated(plain, deflation));
        self.deflated.push((Rc::clone(template), wanted, piece.clone()));
        piece
    }

    pub(crate) fn clear(&mut self) {
        self.plain.clear();
        self.deflated.clear();
    }
}
