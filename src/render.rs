//! A message turned into the bytes that subscribers get: once per message, template and worker.

use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use protocol::chunk::{CHUNK_TAIL, LAST_CHUNK, chunk_head};
use protocol::cursor::Cursor;
use protocol::padding::{filler_len, line_breaks};
use protocol::template::{MessageView, Template};
use store::Parts;

use crate::nginx::bytes::Bytes;
use crate::nginx::held::Wire;

/// A rendered piece of a response. It is one chunk where the response is chunked; both forms share the bytes.
#[derive(Clone)]
pub(crate) struct Piece {
    /// The message's cursor.
    pub(crate) cursor: Cursor,
    /// Whether it is a message; what else is sent (filler, pings, templates) does not count.
    pub(crate) is_message: bool,
    framed: Bytes,
    body: Range<usize>,
}

impl Piece {
    /// A piece of these bytes; `None` if there are none (an empty chunk would end the response).
    pub(crate) fn new(cursor: Cursor, body: &[u8]) -> Option<Self> {
        Self::build(cursor, false, body.len(), |framed| framed.extend_from_slice(body))
    }

    /// A message through a template.
    pub(crate) fn render(
        cursor: Cursor,
        template: &Template,
        message: &MessageView<'_>,
    ) -> Option<Self> {
        let len = template.rendered_len(message);
        Self::build(cursor, message.id > 0, len, |framed| template.render(message, framed))
    }

    fn build(
        cursor: Cursor,
        is_message: bool,
        len: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Self> {
        if len == 0 {
            return None;
        }
        let head = chunk_head(len);
        let mut framed = Vec::with_capacity(head.len() + len + CHUNK_TAIL.len());
        framed.extend_from_slice(&head);
        let start = framed.len();
        write(&mut framed);
        let body = start..framed.len();
        framed.extend_from_slice(CHUNK_TAIL);
        Some(Self { cursor, is_message, framed: Bytes::from(framed), body })
    }

    /// What goes on this wire.
    pub(crate) fn on(&self, wire: Wire) -> Bytes {
        match wire {
            Wire::PlainChunked => self.framed.clone(),
            Wire::PlainRaw | Wire::Filtered => self.framed.slice(self.body.clone()),
        }
    }

    /// The bytes without framing.
    pub(crate) fn body(&self) -> Bytes {
        self.framed.slice(self.body.clone())
    }
}

/// Filler behind short pieces, kept by length: there are few different ones.
#[derive(Default)]
pub(crate) struct Fillers(HashMap<usize, Option<Piece>>);

impl Fillers {
    /// What follows `piece` where `min` bytes are wanted; `largest` is the largest such number of the configuration.
    pub(crate) fn behind(&mut self, piece: &Piece, min: usize, largest: usize) -> Option<Piece> {
        if min == 0 {
            return None;
        }
        let len = filler_len(min, piece.body.len(), largest);
        let known = self.0.entry(len);
        let filler =
            known.or_insert_with(|| Piece::new(Cursor::ZERO, &line_breaks(len))).as_ref()?;
        Some(Piece { cursor: piece.cursor, ..filler.clone() })
    }
}

/// What ends a response on this wire, where that is ours to send.
pub(crate) fn last_chunk(wire: Wire) -> Option<Bytes> {
    matches!(wire, Wire::PlainChunked).then(|| Bytes::from(LAST_CHUNK.to_vec()))
}

/// A message as its template sees it.
pub(crate) fn view<'a>(
    channel: &'a [u8],
    id: u64,
    cursor: Cursor,
    parts: Parts<'a>,
) -> MessageView<'a> {
    MessageView {
        id: i64::try_from(id).unwrap_or(i64::MAX),
        channel,
        text: parts.text,
        time: cursor.time,
        tag: cursor.tag,
        event_id: parts.event_id.unwrap_or_default(),
        event_type: parts.event_type.unwrap_or_default(),
    }
}

/// The renderings of one message, so that each template renders it once.
#[derive(Default)]
pub(crate) struct Renderings(Vec<(Rc<Template>, Option<Piece>)>);

impl Renderings {
    /// The rendering with this template, made by `render` if there is none yet.
    pub(crate) fn with(
        &mut self,
        template: &Rc<Template>,
        render: impl FnOnce(&Template) -> Option<Piece>,
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
