//! A held subscriber: what it has been sent, and what it has still to be sent.
//!
//! [`wish`] is what its request asked for, [`history`] what is stored for it, [`form`] how its long poll is answered.

pub(crate) mod form;
pub(crate) mod history;
pub(crate) mod wish;

use std::io::IoSlice;
use std::rc::Rc;

use protocol::cursor::Cursor;

use self::form::Form;
use self::history::Replay;
use crate::conf::LocationConf;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::{Held, Wire};
use crate::nginx::log::warn;
use crate::outbox::Outbox;
use crate::render::Piece;
use crate::story::{CloseReason, Story};
use crate::tables::{CohortKey, GroupKey, Kind};
use crate::timeouts::Place;

/// A held subscriber.
pub(crate) struct Subscriber {
    pub(crate) held: Held,
    pub(crate) location: Rc<LocationConf>,
    pub(crate) kind: Kind,
    /// How a long poll is answered.
    pub(crate) form: Option<Box<Form>>,
    /// Bytes below which a message is followed by filler.
    pub(crate) padded_to: usize,
    pub(crate) story: Rc<Story>,
    /// The channels, as often as they were named.
    pub(crate) groups: Vec<GroupKey>,
    /// Where it stands in its cohort, if it has one channel only.
    pub(crate) cohort: Option<(CohortKey, usize)>,
    /// What was published up to here came as history, if at all.
    pub(crate) joined: Cursor,
    /// Up to where the cohort's volleys have been sent or queued.
    pub(crate) seen: Cursor,
    /// History that has still to be read.
    pub(crate) replay: Option<Box<Replay>>,
    pub(crate) outbox: Outbox,
    /// News that wait for the end of the history.
    pub(crate) held_back: Outbox,
    /// The message that answers a long poll of several channels.
    pub(crate) answer: Option<Piece>,
    /// Whether it stands in the queue of those to be flushed.
    pub(crate) queued: bool,
    /// Milliseconds of nginx's clock when it came, and when it was last sent something.
    pub(crate) since: u64,
    pub(crate) spoke: u64,
    pub(crate) place: Option<Place>,
}

/// The subscriber cannot be sent to any more: it is gone, or too slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost(pub(crate) CloseReason);

const GONE: Lost = Lost(CloseReason::Client);

impl Subscriber {
    /// Whether a piece may go straight to the socket.
    pub(crate) fn is_free(&self) -> bool {
        self.outbox.is_empty() && self.replay.is_none()
    }

    /// Sends pieces to a subscriber that [`is_free`](Self::is_free), on the plain path: one system call.
    pub(crate) fn send_now(
        &mut self,
        slices: &[IoSlice<'_>],
        pieces: &[Bytes],
        total: usize,
    ) -> Result<(), Lost> {
        let taken = self.held.write(slices).map_err(|_| GONE)?;
        if taken == total {
            return Ok(());
        }
        pieces.iter().for_each(|piece| self.outbox.push(piece.clone()));
        self.outbox.advance(taken);
        self.held.wait_writable().map_err(|_| GONE)?;
        self.check()
    }

    /// Sends pieces behind what is queued.
    pub(crate) fn send(&mut self, pieces: impl Iterator<Item = Bytes>) -> Result<(), Lost> {
        if self.replay.is_some() {
            pieces.for_each(|piece| self.held_back.push(piece));
            return self.check();
        }
        pieces.for_each(|piece| self.outbox.push(piece));
        self.flush()?;
        self.check()
    }

    /// Writes what is queued as far as the socket takes it; the rest when it is writable again.
    pub(crate) fn flush(&mut self) -> Result<(), Lost> {
        let (held, outbox) = (&mut self.held, &mut self.outbox);
        let drained = match held.wire() {
            Wire::Filtered => outbox.give(|pieces| held.filter(pieces)).map_err(|_| GONE)?,
            Wire::PlainChunked | Wire::PlainRaw => {
                outbox.flush(|slices| held.write(slices)).map_err(|_| GONE)?;
                outbox.is_empty()
            }
        };
        if drained { Ok(()) } else { self.held.wait_writable().map_err(|_| GONE) }
    }

    /// Finds out whether the reader is too slow for the news. History does not count: it is pulled as the socket takes it.
    pub(crate) fn check(&mut self) -> Result<(), Lost> {
        let queue = if self.replay.is_some() { &mut self.held_back } else { &mut self.outbox };
        if !queue.is_over(self.location.subscriber_buffer_bytes) {
            return Ok(());
        }
        if let Some(request) = self.held.request() {
            warn!(
                request.log(),
                "push stream module: subscriber is too slow: more than {} bytes wait for it",
                self.location.subscriber_buffer_bytes
            );
        }
        Err(Lost(CloseReason::Slow))
    }

    /// Queues a message for a subscriber of several channels; true if it must now be flushed.
    pub(crate) fn queue_news(&mut self, piece: Piece, filler: Option<Piece>) -> bool {
        if self.kind == Kind::LongPolling {
            self.answer = self.answer.take().or(Some(piece));
            return !std::mem::replace(&mut self.queued, true);
        }
        self.story.count(piece.is_message.into());
        let queue = if self.replay.is_some() { &mut self.held_back } else { &mut self.outbox };
        for piece in [Some(piece), filler].into_iter().flatten() {
            queue.extend(piece.on(self.held.wire()));
        }
        !std::mem::replace(&mut self.queued, true)
    }

    /// When something has to happen next, in milliseconds of nginx's clock: the end of the connection, and a ping.
    pub(crate) fn deadlines(&self) -> (Option<u64>, Option<u64>) {
        let msec =
            |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX / 2);
        let (ttl, ping) = match self.kind {
            Kind::Streaming => {
                (self.location.subscriber_connection_ttl, self.location.ping_message_interval)
            }
            Kind::LongPolling => (self.location.longpolling_connection_ttl, None),
        };
        (ttl.map(|ttl| self.since + msec(ttl)), ping.map(|ping| self.spoke + msec(ping)))
    }
}
