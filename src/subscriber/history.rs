//! Stored messages for a subscriber that comes, or comes back.
//!
//! A replay is pulled batch by batch as the socket takes it, never queued whole. The texts are copied under the
//! lock and rendered after it. Merged in the order of their cursors, so that each of them is a good place to resume at, or channel by
//! channel in path order ([`Wish::merged`]); no message is newer than the cursor at which the subscriber joined, so what comes live
//! begins exactly where the replay ends.

use std::collections::VecDeque;

use protocol::cursor::Cursor;
use store::{Batch, ChannelRef, Position, Start, Store};

use super::wish::Wish;
use crate::render::Message;
use crate::zone::SharedZone;

/// What is left of a replay.
pub(crate) struct Replay {
    upto: Cursor,
    merged: bool,
    /// Messages have gone that were still to be read, and it has been told.
    gap: bool,
    /// Nothing has been read since a gap was told.
    told: bool,
    channels: VecDeque<Rest>,
}

/// What is left of the history of one channel.
struct Rest {
    id: Box<[u8]>,
    position: Position,
    /// A message that goes before it is read is missed: the client has what is before it. Who asks for the last few, or for all, has nothing yet.
    follows: bool,
}

/// Where the history of each channel of a request begins.
pub(crate) struct Due {
    pub(crate) replay: Replay,
    /// Cursor of the last message published on the channels that have something to send; the wish's own, if that is newer.
    pub(crate) newest: Cursor,
}

/// The channels of a request that go on where the client was.
fn resumed<'a>(
    wish: &'a Wish,
    found: &'a [ChannelRef],
) -> impl Iterator<Item = ChannelRef> + use<'a> {
    let channels = wish.story.path.iter().zip(found);
    channels.filter(|(segment, _)| wish.backtrack(segment).is_none()).map(|(_, channel)| *channel)
}

/// Where the message with the request's event id stands. It is in one of the channels and says what has been seen of all.
fn place_of_event(store: &Store, wish: &Wish, found: &[ChannelRef]) -> Option<Cursor> {
    let event_id = wish.resume().event_id?;
    resumed(wish, found).filter_map(|channel| store.find_event_id(channel, event_id)).min()
}

/// Finds out which stored messages are due, if any, and whether there is a gap before them. To be called under the lock.
pub(crate) fn look(
    store: &Store,
    wish: &Wish,
    found: &[ChannelRef],
    upto: Cursor,
) -> (Option<Due>, bool) {
    // Looked for once: where an event id was repeated it costs a step for each stored message.
    let place = place_of_event(store, wish, found);
    let gap = has_gap(store, wish, found, place);
    (due(store, wish, found, upto, place, gap), gap)
}

/// Whether messages behind the place that the client asks for are no longer stored. Without such a place, and with the epoch,
/// nothing is missed.
fn has_gap(store: &Store, wish: &Wish, found: &[ChannelRef], place: Option<Cursor>) -> bool {
    let resume = wish.resume();
    let mut resumed = resumed(wish, found);
    let after = match resume.after() {
        Some(after) => after,
        None if resume.event_id.is_none() => return false,
        None => match place {
            Some(after) => after,
            // An event id that is nowhere stored says nothing about what came behind it.
            None => return resumed.next().is_some(),
        },
    };
    after.time > 0 && resumed.any(|channel| store.has_gap(channel, after))
}

fn due(
    store: &Store,
    wish: &Wish,
    found: &[ChannelRef],
    upto: Cursor,
    place: Option<Cursor>,
    gap: bool,
) -> Option<Due> {
    let resume = wish.resume();
    // The event id means its place, in all channels; where a cursor is given as well, the earlier one counts.
    let cursor = match place {
        Some(place) => Some(resume.after().map_or(place, |after| after.min(place))),
        None => resume.after(),
    };
    let mut due = Due {
        replay: Replay {
            upto,
            merged: wish.merged,
            gap: false,
            told: gap,
            channels: VecDeque::new(),
        },
        newest: Cursor {
            time: wish.time.unwrap_or_default(),
            tag: wish.time.and(wish.tag).unwrap_or_default(),
        },
    };
    for (segment, channel) in wish.story.path.iter().zip(found) {
        let (start, follows) = match (wish.backtrack(&segment), cursor) {
            (Some(count), _) => (Start::Backtrack(count), false),
            (None, Some(cursor)) => (Start::After(cursor), cursor.time > 0),
            (None, None) => continue,
        };
        if let Some(position) = store.seek(*channel, start, upto) {
            due.newest = due.newest.max(store.numbers(*channel).newest);
            let id = Box::from(segment.id);
            due.replay.channels.push_back(Rest { id, position, follows });
        }
    }
    (!due.replay.channels.is_empty()).then_some(due)
}

impl Replay {
    /// Whether messages have been missed that were dropped while the replay went on.
    pub(crate) fn has_gap(&self) -> bool {
        self.gap
    }

    /// Reads the next messages, for `render` to turn them into bytes; false = that was all. Where some have been dropped meanwhile
    /// the text `of_gap` goes before them.
    pub(crate) fn pull(
        &mut self,
        zone: &SharedZone,
        of_gap: Option<&[u8]>,
        batch: &mut Batch,
        mut render: impl FnMut(Cursor, &Message<'_>),
    ) -> bool {
        let (index, upto) = self.next_span();
        let Some(rest) = self.channels.get_mut(index) else { return false };
        let Rest { id, position, follows } = rest;
        batch.reset();
        let next = {
            let Some(store) = zone.lock() else { return false };
            // A channel that has been deleted meanwhile has no history any more.
            store.find(id).and_then(|channel| store.read(channel, *position, upto, batch))
        };
        if *follows && batch.has_gap() && !std::mem::replace(&mut self.told, true) {
            self.gap = true;
            if let Some(text) = of_gap {
                render(Cursor::ZERO, &Message::gap(text));
            }
        }
        if !batch.is_empty() {
            (*follows, self.told) = (true, false);
        }
        for (item, parts) in batch.messages() {
            render(item.cursor, &Message::new(id, item.id, item.cursor, parts));
        }
        match next.filter(|next| next.cursor() <= self.upto) {
            Some(next) => *position = next,
            None => {
                self.channels.remove(index);
            }
        }
        !self.channels.is_empty()
    }

    /// The channel to read from next, and up to where.
    fn next_span(&self) -> (usize, Cursor) {
        if !self.merged {
            return (0, self.upto);
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
