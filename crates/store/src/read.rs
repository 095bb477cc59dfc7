//! Reading stored messages: history for polls and for subscribers that resume.
//!
//! A reader fixes where it starts ([`Zone::seek`]) and where it ends (a cursor), then reads in batches, each in
//! its own lock span; the texts are copied, since nothing keeps them alive once the lock is released.
//!
//! Batches end where a [page](Batch::PAGE) of the channel ends, wherever they begin: so readers who begin at different messages soon read
//! the same spans (unless a page has more bytes than a batch), and who keeps what it has made of one asks whether it would read the same again ([`Zone::reread`]).

use core::ops::Range;

use protocol::cursor::Cursor;

use crate::layout::{BINARY, Channel, Content, Message, Ref};
use crate::zone::Zone;

/// From where a client wants the stored messages of a channel.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// The last so many.
    Backtrack(u32),
    /// Everything behind the last cursor seen.
    After(Cursor),
}

/// The next message to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    creation: u64,
    record: Ref<Message>,
    cursor: u64,
}

impl Position {
    /// The cursor of the message.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor::from_u64(self.cursor)
    }
}

/// A message that has been read into a [`Batch`].
#[derive(Clone, Debug)]
pub struct Item {
    /// Its cursor.
    pub cursor: Cursor,
    /// Its number in the channel.
    pub id: u64,
    event_id: Option<Range<usize>>,
    event_type: Option<Range<usize>>,
    text: Range<usize>,
    binary: bool,
}

/// Parts of a message, as the publisher gave them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parts<'a> {
    /// With which a client may resume.
    pub event_id: Option<&'a [u8]>,
    /// The `event:` of an EventSource.
    pub event_type: Option<&'a [u8]>,
    /// The message itself: any bytes.
    pub text: &'a [u8],
    /// Whether it is meant as bytes, not as characters.
    pub binary: bool,
}

/// The messages of a batch, by their places: from the first to the last, with all that were stored in between.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    first: Position,
    last: Position,
    /// That of the last one.
    page: u64,
    /// There was no room for the next message.
    cut: bool,
}

/// The page of the message with this number; numbers begin with 1.
fn page_of(id: u64) -> u64 {
    id.saturating_sub(1) / Batch::PAGE
}

impl Span {
    /// Whether the message with this number, if it were the next, would be in the same batch.
    fn takes(&self, id: u64) -> bool {
        !self.cut && page_of(id) == self.page
    }

    /// Where it begins.
    #[must_use]
    pub fn first(&self) -> Position {
        self.first
    }
}

/// Something else would be read now than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed;

/// Messages copied out of the zone. It does not grow while the lock is held.
#[derive(Debug)]
pub struct Batch {
    items: Vec<Item>,
    bytes: Vec<u8>,
    needed: usize,
    /// The message at which the reading was to go on was there.
    found: bool,
    span: Option<Span>,
}

impl Batch {
    /// Messages that a channel's pages are long, unstored ones included: no batch has messages of two pages.
    pub const PAGE: u64 = 64;

    /// Room for `items` messages of `bytes` in all.
    pub fn with_capacity(items: usize, bytes: usize) -> Self {
        Self {
            items: Vec::with_capacity(items),
            bytes: Vec::with_capacity(bytes),
            needed: 0,
            found: false,
            span: None,
        }
    }

    /// Forgets what was read, and makes room for the message that did not fit. To be called without the lock.
    pub fn reset(&mut self) {
        self.items.clear();
        self.bytes.clear();
        self.bytes.reserve(self.needed);
        self.needed = 0;
        self.found = false;
        self.span = None;
    }

    /// What was read.
    pub fn messages(&self) -> impl Iterator<Item = (&Item, Parts<'_>)> {
        let part = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
        self.items.iter().map(move |item| {
            let parts = Parts {
                event_id: item.event_id.as_ref().map(part),
                event_type: item.event_type.as_ref().map(part),
                text: part(&item.text),
                binary: item.binary,
            };
            (item, parts)
        })
    }

    /// Whether the message at which the reading was to go on has been dropped since: at least that one is missing before what was read.
    #[must_use]
    pub fn has_gap(&self) -> bool {
        !self.found
    }

    /// Where the messages are that were read; `None` if nothing was read.
    #[must_use]
    pub fn span(&self) -> Option<Span> {
        self.span
    }

    /// Bytes of all that was read.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Appends the message at a place; false = there is no room for it.
    fn push(&mut self, here: Position, id: u64, parts: Parts<'_>) -> bool {
        let len =
            [parts.event_id.unwrap_or_default(), parts.event_type.unwrap_or_default(), parts.text]
                .iter()
                .map(|part| part.len())
                .sum::<usize>();
        let has_item = self.items.len() < self.items.capacity();
        if !has_item || len > self.bytes.capacity() - self.bytes.len() {
            match &mut self.span {
                Some(span) => span.cut = true,
                None if has_item => self.needed = len,
                None => {}
            }
            return false;
        }
        let bytes = &mut self.bytes;
        let mut copy = |part: &[u8]| {
            let start = bytes.len();
            bytes.extend_from_slice(part);
            start..bytes.len()
        };
        let event_id = parts.event_id.map(&mut copy);
        let event_type = parts.event_type.map(&mut copy);
        let text = copy(parts.text);
        let binary = parts.binary;
        let cursor = here.cursor();
        self.items.push(Item { cursor, id, event_id, event_type, text, binary });
        let first = self.span.map_or(here, |span| span.first);
        self.span = Some(Span { first, last: here, page: page_of(id), cut: false });
        true
    }
}

impl Zone {
    pub(crate) fn parts(&self, content: Ref<Content>) -> Parts<'_> {
        let mut at = content.at() + Content::LEN;
        let mut optional = |word: u32| {
            let len = word.checked_sub(1)? as usize;
            let part = self.region.bytes(at, len);
            at += len;
            Some(part)
        };
        let event_id = optional(self.get(content, Content::EVENT_ID));
        let event_type_word = self.get(content, Content::EVENT_TYPE);
        let event_type = optional(event_type_word & !BINARY);
        let text = self.region.bytes(at, self.get(content, Content::TEXT) as usize);
        Parts { event_id, event_type, text, binary: event_type_word & BINARY != 0 }
    }

    /// Cursor of the oldest stored message of the channel with this event id.
    pub(crate) fn place_of_event(&self, channel: Ref<Channel>, event_id: &[u8]) -> Option<Cursor> {
        let found = self.find_event_id(channel, event_id)?;
        Some(Cursor::from_u64(self.get(found, Message::CURSOR)))
    }

    fn position(&self, channel: Ref<Channel>, record: Ref<Message>) -> Option<Position> {
        record.some().map(|record| Position {
            creation: self.get(channel, Channel::CREATION),
            record,
            cursor: self.get(record, Message::CURSOR),
        })
    }

    /// The first stored message that is due, if any up to `upto`.
    ///
    /// Cost: some looks at messages, however many are stored ([`crate::index`], with its exceptions).
    pub(crate) fn seek(
        &self,
        channel: Ref<Channel>,
        start: Start,
        upto: Cursor,
    ) -> Option<Position> {
        let found = match start {
            Start::Backtrack(count) => self.backtrack(channel, count),
            Start::After(cursor) => {
                let after = cursor.to_u64();
                if self.get(channel, Channel::NEWEST) <= after {
                    return None;
                }
                self.behind(channel, after)
            }
        };
        self.position(channel, found).filter(|position| position.cursor <= upto.to_u64())
    }

    /// The stored message so many from the end.
    fn backtrack(&self, channel: Ref<Channel>, count: u32) -> Ref<Message> {
        if count >= self.get(channel, Channel::STORED) {
            return self.get(channel, Channel::OLDEST);
        }
        self.nth_last(channel, count)
    }

    /// The first stored message behind the cursor `after`.
    fn behind(&self, channel: Ref<Channel>, after: u64) -> Ref<Message> {
        let oldest = self.get(channel, Channel::OLDEST);
        if oldest.is_none() || self.get(oldest, Message::CURSOR) > after {
            // All of them: nothing has to be looked for.
            return oldest;
        }
        self.first_behind(channel, after)
    }

    /// The stored messages of a log from `record` on.
    pub(crate) fn stored_from(&self, record: Ref<Message>) -> impl Iterator<Item = Ref<Message>> {
        self.walk(record, Message::NEXT).filter(|record| self.is_stored(*record))
    }

    pub(crate) fn event_id(&self, record: Ref<Message>) -> Option<&[u8]> {
        self.parts(self.get(record, Message::CONTENT)).event_id
    }

    /// Reads stored messages from `position` up to the cursor `upto` as far as the batch has room.
    ///
    /// Answers the next stored message: there was no room for it, or it is newer than `upto`. Messages that were dropped since the
    /// position was taken are skipped; the batch tells ([`Batch::has_gap`]).
    pub(crate) fn read(
        &self,
        channel: Ref<Channel>,
        position: Position,
        upto: Cursor,
        batch: &mut Batch,
    ) -> Option<Position> {
        if self.get(channel, Channel::CREATION) != position.creation {
            return None;
        }
        // Should it have been dropped, its memory may be another's.
        let dropped = self.get(channel, Channel::WHOLE_AFTER) >= position.cursor;
        let from = if dropped { self.get(channel, Channel::OLDEST) } else { position.record };
        let mut soonest = position.cursor;
        for record in self.stored_from(from) {
            let cursor = self.get(record, Message::CURSOR);
            let here = Position { creation: position.creation, record, cursor };
            batch.found |= here.cursor == position.cursor;
            if cursor > upto.to_u64() {
                return Some(here);
            }
            if cursor < soonest {
                if dropped && soonest == position.cursor {
                    continue;
                }
                // The log goes round in circles.
                self.region.report_damage();
                return None;
            }
            let id = self.get(record, Message::ID);
            let parts = || self.parts(self.get(record, Message::CONTENT));
            if batch.span.is_some_and(|span| !span.takes(id)) || !batch.push(here, id, parts()) {
                return Some(here);
            }
            soonest = cursor.saturating_add(1);
        }
        None
    }

    /// Whether [`read`](Zone::read) from the beginning of a span would find the same messages again; if so, the next stored one behind them.
    ///
    /// Cost: a few looks, however long the span is.
    pub(crate) fn reread(
        &self,
        channel: Ref<Channel>,
        span: &Span,
        upto: Cursor,
    ) -> Result<Option<Position>, Changed> {
        let Span { first, last, .. } = *span;
        // Messages come at the end of a log only, and any that has gone from the span or from behind it would have raised this; so
        // would the creation of another channel in the place of the one that has been read.
        let is_whole = self.get(channel, Channel::WHOLE_AFTER) < first.cursor;
        if !is_whole || last.cursor > upto.to_u64() {
            return Err(Changed);
        }
        let Some(record) = self.next_stored(last.record).some() else { return Ok(None) };
        let cursor = self.get(record, Message::CURSOR);
        if self.get(last.record, Message::CURSOR) != last.cursor || cursor <= last.cursor {
            // The log goes round in circles, or leads elsewhere.
            self.region.report_damage();
            return Err(Changed);
        }
        if cursor <= upto.to_u64() && span.takes(self.get(record, Message::ID)) {
            return Err(Changed);
        }
        Ok(Some(Position { creation: first.creation, record, cursor }))
    }
}
