//! Stored messages for a subscriber that comes, or comes back.
//!
//! A replay is pulled batch by batch as the socket takes it, never queued whole. The texts are copied under the
//! lock and rendered after it. Merged in the order of their cursors, so that each of them is a good place to resume at, or channel by
//! channel in path order ([`Wish::merged`]); no message is newer than the cursor at which the subscriber joined, so what comes live
//! begins exactly where the replay ends. Streams get the [pages](crate::pages) that others have got, where there are any.

use std::rc::Rc;

use protocol::Few;
use protocol::channel_path::ChannelPath;
use protocol::cursor::Cursor;
use smallvec::SmallVec;
use store::{Batch, ChannelRef, Position, Start, Store};

use super::wish::Wish;
use crate::counters;
use crate::pages::{Draft, Format, Page, Pages};
use crate::render::{MAX_FRAME_LEN, Message, Press};
use crate::zone::SharedZone;

/// Messages read in one span of the lock.
const BATCH: usize = 64;
const _: () = assert!(BATCH as u64 == Batch::PAGE);
/// Their bytes, unless the first has more.
const BATCH_BYTES: usize = 64 << 10;

/// How this worker reads what is stored.
pub(crate) struct Reader {
    zone: Rc<SharedZone>,
    /// What tells clients of a gap, if anything does.
    gap_text: Option<Box<[u8]>>,
    batch: Batch,
    pages: Pages,
}

/// What is left of a replay.
pub(crate) struct Replay {
    upto: Cursor,
    merged: bool,
    /// Messages have gone that were still to be read, and it has been told.
    gap: bool,
    /// Nothing has been read since a gap was told.
    told: bool,
    channels: Few<Rest>,
}

/// What is left of the history of one channel.
struct Rest {
    id: SmallVec<[u8; 16]>,
    position: Position,
    /// A message that goes before it is read is missed: the client has what is before it. Who asks for the last few, or for all, has nothing yet.
    follows: bool,
}

/// Where the history of each channel of a request begins.
pub(crate) struct Due {
    pub(crate) replay: Box<Replay>,
    /// Cursor of the last message published on the channels that have something to send; the wish's own, if that is newer.
    pub(crate) newest: Cursor,
}

/// Finds out which stored messages are due, if any, and whether there is a gap before them. `found` are the channels of the path. To be
/// called under the lock.
pub(crate) fn look(
    store: &Store,
    wish: &Wish,
    path: &ChannelPath,
    found: &[ChannelRef],
    upto: Cursor,
) -> (Option<Due>, bool) {
    if wish.is_for_news(path) {
        return (None, false);
    }
    let search = Search { store, wish, path, found };
    // Looked for once: where an event id was repeated it costs a step for each stored message.
    let place = search.place_of_event();
    let gap = search.has_gap(place);
    (search.due(upto, place, gap), gap)
}

/// A look for what is stored of the channels of a request.
struct Search<'s> {
    store: &'s Store,
    wish: &'s Wish,
    path: &'s ChannelPath,
    found: &'s [ChannelRef],
}

impl Search<'_> {
    /// The channels of the request that go on where the client was.
    fn resumed(&self) -> impl Iterator<Item = ChannelRef> {
        let channels = self.path.iter().zip(self.found);
        let resumed = channels.filter(|(segment, _)| self.wish.backtrack(segment).is_none());
        resumed.map(|(_, channel)| *channel)
    }

    /// Where the message with the request's event id stands. It is in one of the channels and says what has been seen of all.
    fn place_of_event(&self) -> Option<Cursor> {
        let event_id = self.wish.resume().event_id?;
        self.resumed().filter_map(|channel| self.store.find_event_id(channel, event_id)).min()
    }

    /// Whether messages behind the place that the client asks for are no longer stored. Without such a place, and with the epoch,
    /// nothing is missed.
    fn has_gap(&self, place: Option<Cursor>) -> bool {
        let resume = self.wish.resume();
        let after = match resume.after() {
            Some(after) => after,
            None if resume.event_id.is_none() => return false,
            None => match place {
                Some(after) => after,
                // An event id that is nowhere stored says nothing about what came behind it.
                None => return self.resumed().next().is_some(),
            },
        };
        after.time > 0 && self.resumed().any(|channel| self.store.has_gap(channel, after))
    }

    fn due(&self, upto: Cursor, place: Option<Cursor>, gap: bool) -> Option<Due> {
        let Self { store, wish, .. } = self;
        // The event id means its place, in all channels; where a cursor is given as well, the earlier one counts.
        let after = wish.resume().after();
        let cursor = match place {
            Some(place) => Some(after.map_or(place, |after| after.min(place))),
            None => after,
        };
        let mut channels = Few::new();
        let mut newest = Cursor {
            time: wish.time.unwrap_or_default(),
            tag: wish.time.and(wish.tag).unwrap_or_default(),
        };
        for (segment, channel) in self.path.iter().zip(self.found) {
            let (start, follows) = match (wish.backtrack(&segment), cursor) {
                (Some(count), _) => (Start::Backtrack(count), false),
                (None, Some(cursor)) => (Start::After(cursor), cursor.time > 0),
                (None, None) => continue,
            };
            if let Some(position) = store.seek(*channel, start, upto) {
                newest = newest.max(store.numbers(*channel).newest);
                let id = SmallVec::from_slice(segment.id);
                channels.push(Rest { id, position, follows });
            }
        }
        if channels.is_empty() {
            return None;
        }
        if !wish.merged {
            // The last is read first, and taken away without moving the others.
            channels.reverse();
        }
        let replay = Replay { upto, merged: wish.merged, gap: false, told: gap, channels };
        Some(Due { replay: Box::new(replay), newest })
    }
}

impl Reader {
    pub(crate) fn new(zone: &Rc<SharedZone>, gap_text: Option<&[u8]>) -> Self {
        Self {
            zone: Rc::clone(zone),
            gap_text: gap_text.map(Box::from),
            batch: Batch::with_capacity(BATCH, BATCH_BYTES),
            pages: Pages::default(),
        }
    }

    /// A second or so has passed: what nobody has been sent meanwhile goes.
    pub(crate) fn forget_unused_pages(&mut self) {
        self.pages.forget_unused();
    }

    /// The worker registers anew: the zone may have been rebuilt.
    pub(crate) fn forget_all_pages(&mut self) {
        self.pages = Pages::default();
    }

    /// One span of the lock: finds the pages that are next, until they have so many bytes, if there may be any (`wanted`); if there are none
    /// it reads on into the batch.
    fn read(&mut self, rest: &Rest, upto: Cursor, wanted: Option<(&Format, usize)>) -> Read {
        self.batch.reset();
        let mut pages = Found::new();
        let Some(store) = self.zone.lock() else { return Read { pages, next: None } };
        // A channel that has been deleted meanwhile has no history any more.
        let Some(channel) = store.find(&rest.id) else { return Read { pages, next: None } };
        let mut next = Some(rest.position);
        let mut len = 0;
        while let Some((format, budget)) = wanted
            && len < budget
            && pages.len() < pages.inline_size()
            && let Some(position) = next.filter(|next| next.cursor() <= upto)
        {
            let page = self.pages.find(position, format, |span| {
                store.reread(channel, span, upto).map(|behind| next = behind).is_ok()
            });
            let Some(page) = page else { break };
            len += page.len;
            pages.push(Rc::clone(page));
        }
        if pages.is_empty() {
            next = store.read(channel, rest.position, upto, &mut self.batch);
        }
        Read { pages, next }
    }

    /// What tells of a gap, if anything does.
    fn gap(&self) -> Option<Message<'_>> {
        self.gap_text.as_deref().map(Message::gap)
    }

    /// What has been read of a channel.
    fn messages<'r>(&'r self, id: &'r [u8]) -> impl Iterator<Item = (Cursor, Message<'r>)> {
        let messages = self.batch.messages();
        messages.map(|(item, parts)| (item.cursor, Message::new(id, item.id, item.cursor, parts)))
    }
}

/// Pages sent after one look into the zone.
type Found = SmallVec<[Rc<Page>; 16]>;

/// What a look into the zone has found.
struct Read {
    /// If there are none, the messages are in the batch.
    pages: Found,
    next: Option<Position>,
}

impl Replay {
    /// Whether messages have been missed that were dropped while the replay went on.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap
    }

    /// Reads the next messages, for `render` to turn them into bytes; false = that was all. Where some have been dropped meanwhile
    /// the text that tells it goes before them.
    pub(crate) fn pull(
        &mut self,
        reader: &mut Reader,
        mut render: impl FnMut(Cursor, &Message<'_>),
    ) -> bool {
        let (index, upto) = self.next_span();
        let Some(rest) = self.channels.get(index) else { return false };
        let Read { next, .. } = reader.read(rest, upto, None);
        if self.finds_gap(index, &reader.batch)
            && let Some(gap) = reader.gap()
        {
            render(Cursor::ZERO, &gap);
        }
        if let Some(rest) = self.channels.get(index) {
            reader.messages(&rest.id).for_each(|(cursor, message)| render(cursor, &message));
        }
        self.go_on(index, next)
    }

    /// The same, with what `queue` gets to be sent in this format: about `budget` bytes, or what one batch of messages gives.
    pub(crate) fn pull_pages(
        &mut self,
        reader: &mut Reader,
        format: &Format,
        press: &mut Press,
        budget: usize,
        mut queue: impl FnMut(&Page),
    ) -> bool {
        let (index, upto) = self.next_span();
        let Some(rest) = self.channels.get(index) else { return false };
        let Read { pages, next } = reader.read(rest, upto, Some((format, budget)));
        if !pages.is_empty() {
            self.has_read(index);
            counters::reused_pages(pages.len());
            pages.iter().for_each(|page| queue(page));
            return self.go_on(index, next);
        }
        if self.finds_gap(index, &reader.batch)
            && let Some(gap) = reader.gap()
        {
            let mut draft = Draft::new(format, press, gap.view.text.len() + MAX_FRAME_LEN);
            draft.add(Cursor::ZERO, &gap);
            queue(&draft.finish());
        }
        if let Some(span) = reader.batch.span()
            && let Some(rest) = self.channels.get(index)
        {
            let len = reader.batch.len_bytes() + BATCH * MAX_FRAME_LEN;
            let mut draft = Draft::new(format, press, len);
            reader.messages(&rest.id).for_each(|(cursor, message)| draft.add(cursor, &message));
            let page = Rc::new(draft.finish());
            counters::rendered_page();
            queue(&page);
            // Where the next message is another channel's it ends early, and would be of use to nobody else.
            if upto == self.upto {
                reader.pages.keep(span, format, page);
            }
        }
        self.go_on(index, next)
    }

    /// Takes note of what was read; true = messages are missing before it, and it has still to be told.
    fn finds_gap(&mut self, index: usize, batch: &Batch) -> bool {
        let Some(rest) = self.channels.get(index) else { return false };
        let told = !rest.follows || !batch.has_gap() || std::mem::replace(&mut self.told, true);
        self.gap |= !told;
        if !batch.is_empty() {
            self.has_read(index);
        }
        !told
    }

    /// The client has got messages of this channel: it would miss others before the next.
    fn has_read(&mut self, index: usize) {
        self.told = false;
        if let Some(rest) = self.channels.get_mut(index) {
            rest.follows = true;
        }
    }

    /// What is to be read next of a channel; false = nothing of any.
    fn go_on(&mut self, index: usize, next: Option<Position>) -> bool {
        match (next.filter(|next| next.cursor() <= self.upto), self.channels.get_mut(index)) {
            (Some(next), Some(rest)) => rest.position = next,
            (None, Some(_)) => drop(self.channels.remove(index)),
            (_, None) => {}
        }
        !self.channels.is_empty()
    }

    /// The channel to read from next, and up to where.
    fn next_span(&self) -> (usize, Cursor) {
        if !self.merged {
            return (self.channels.len().saturating_sub(1), self.upto);
        }
        let mut next: Option<(usize, Cursor)> = None;
        let mut behind = self.upto;
        for (index, rest) in self.channels.iter().enumerate() {
            let cursor = rest.position.cursor();
            match next {
                Some((_, first)) if cursor >= first => behind = behind.min(cursor),
                _ => {
                    behind = next.map_or(behind, |(_, first)| behind.min(first));
                    next = Some((index, cursor));
                }
            }
        }
        // A channel may be named twice; then both are at the same message.
        next.map_or((0, self.upto), |(index, cursor)| (index, behind.max(cursor)))
    }
}
