//! Pages: history as it is sent, kept for a moment, since clients come back together.
//!
//! When a network returns or a proxy restarts, thousands of clients ask for the same messages within a second. What one batch of the
//! store has become in one [`Format`] is kept; who asks next gets the same bytes, after a look into the zone whether they
//! still are what would be read ([`Store::reread`](store::Store::reread)).
//!
//! Cost: a message that is sent from a page costs its share of a look into the zone and of a send; it is neither copied nor rendered. Pages go
//! when nobody has been sent them for one to two seconds; beyond [`LIMIT`] bytes no more are kept.

use std::cell::Cell;
use std::rc::Rc;

use protocol::cursor::Cursor;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;
use store::{Position, Span};

use crate::nginx::bytes::Bytes;
use crate::nginx::wire::Wire;
use crate::render::{Deflation, Message, MessageTemplate, Press};

/// Bytes of pages that are kept.
const LIMIT: usize = 4 << 20;
/// What a page takes beside its bytes, and each of its pieces, roughly.
const OVERHEAD: usize = 256;

/// How messages become bytes.
#[derive(Clone)]
pub(crate) struct Format {
    pub(crate) template: Rc<MessageTemplate>,
    pub(crate) wire: Wire,
    /// Bytes below which a message is followed by filler.
    pub(crate) padded_to: usize,
    /// How messages are compressed, if at all.
    pub(crate) deflation: Option<Deflation>,
}

impl PartialEq for Format {
    fn eq(&self, other: &Self) -> bool {
        // Equal templates are the same one: locations share them.
        Rc::ptr_eq(&self.template, &other.template)
            && (self.wire, self.padded_to, self.deflation)
                == (other.wire, other.padded_to, other.deflation)
    }
}

/// Messages as they are sent.
#[derive(Default)]
pub(crate) struct Page {
    /// One, where nothing looks at the messages one by one.
    pub(crate) pieces: SmallVec<[Bytes; 1]>,
    /// Published ones among the messages.
    pub(crate) messages: usize,
    /// Bytes in all pieces.
    pub(crate) len: usize,
}

/// A page in the making.
pub(crate) struct Draft<'p> {
    format: &'p Format,
    press: &'p mut Press,
    joint: Vec<u8>,
    page: Page,
}

impl<'p> Draft<'p> {
    /// One of about so many bytes.
    pub(crate) fn new(format: &'p Format, press: &'p mut Press, len: usize) -> Self {
        let joint = Vec::with_capacity(if format.wire == Wire::Filtered { 0 } else { len });
        Self { format, press, joint, page: Page::default() }
    }

    pub(crate) fn add(&mut self, cursor: Cursor, message: &Message<'_>) {
        let Format { template, wire, padded_to, deflation } = self.format;
        let is_joined = *wire != Wire::Filtered;
        if is_joined && deflation.is_none() && *padded_to == 0 {
            let is_sent = template.append(*wire, cursor, message, &mut self.joint);
            self.page.messages += usize::from(is_sent && message.is_published());
            return;
        }
        let Some(piece) = template.render(cursor, message) else { return };
        let Press { fillers, compressors } = &mut *self.press;
        let piece = compressors.deflated(piece, *deflation);
        let filler = fillers.behind(&piece, template.family(), *padded_to);
        self.page.messages += usize::from(piece.is_message);
        for bytes in [Some(piece), filler].iter().flatten().flat_map(|piece| piece.on(*wire)) {
            if is_joined {
                self.joint.extend_from_slice(&bytes);
            } else {
                self.page.pieces.push(bytes);
            }
        }
    }

    pub(crate) fn finish(self) -> Page {
        let Self { mut joint, mut page, .. } = self;
        if !joint.is_empty() {
            // It may be kept, and a template or compression may have left little of what was read.
            joint.shrink_to_fit();
            page.pieces.push(Bytes::from(joint));
        }
        page.len = page.pieces.iter().map(|piece| piece.len()).sum();
        page
    }
}

impl Page {
    /// The memory it takes.
    fn cost(&self) -> usize {
        self.len + OVERHEAD * (1 + self.pieces.len())
    }
}

/// A page that is kept.
struct Kept {
    /// What it was made of.
    span: Span,
    format: Format,
    page: Rc<Page>,
    /// The generation in which it was sent last.
    used: Cell<u64>,
}

/// The pages that this worker keeps, by the messages with which they begin.
#[derive(Default)]
pub(crate) struct Pages {
    kept: FxHashMap<Position, SmallVec<[Kept; 1]>>,
    generation: u64,
    /// Bytes of all of them.
    bytes: usize,
}

impl Pages {
    /// The page that begins at a message, if there is one made of what `is_good` finds to be there still.
    pub(crate) fn find(
        &self,
        position: Position,
        format: &Format,
        is_good: impl FnOnce(&Span) -> bool,
    ) -> Option<&Rc<Page>> {
        let found = self.kept.get(&position)?.iter().find(|kept| kept.format == *format)?;
        let good = is_good(&found.span);
        if good {
            found.used.set(self.generation);
        }
        good.then_some(&found.page)
    }

    /// Keeps a page, in the place of the one that began at that message, while there is room: those that are wanted stay.
    pub(crate) fn keep(&mut self, span: Span, format: &Format, page: Rc<Page>) {
        let position = span.first();
        let cost = page.cost();
        let known = self.kept.entry(position).or_default();
        if let Some(before) = known.iter().position(|kept| kept.format == *format) {
            self.bytes = self.bytes.saturating_sub(known.swap_remove(before).page.cost());
        }
        if self.bytes + cost <= LIMIT {
            self.bytes += cost;
            let used = Cell::new(self.generation);
            known.push(Kept { span, format: format.clone(), page, used });
        } else if known.is_empty() {
            self.kept.remove(&position);
        }
    }

    /// Begins a new generation without those that nobody has been sent in this one.
    pub(crate) fn forget_unused(&mut self) {
        let Self { kept, generation, bytes } = self;
        if kept.is_empty() {
            return;
        }
        kept.retain(|_, known| {
            known.retain(|kept| {
                let is_used = kept.used.get() == *generation;
                *bytes -= if is_used { 0 } else { kept.page.cost() };
                is_used
            });
            !known.is_empty()
        });
        kept.shrink_to_fit();
        *generation += 1;
    }
}
