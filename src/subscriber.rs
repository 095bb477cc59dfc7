//! A held subscriber: what it has been sent, and what it has still to be sent.
//!
//! [`wish`] is what its request asked for, [`history`] what is stored for it, [`form`] how its long poll is answered, [`long_answer`] the
//! answer of a poll that is too much for one go, [`websocket`] the client's side of a WebSocket.

pub(crate) mod form;
pub(crate) mod history;
pub(crate) mod long_answer;
pub(crate) mod websocket;
pub(crate) mod wish;

use std::rc::Rc;
use std::time::Duration;

use protocol::Few;
use protocol::cursor::Cursor;
use thin_vec::ThinVec;

use self::form::Special;
use self::history::{Reader, Replay};
use self::websocket::{Pongs, WebSocket};
use crate::cohort::Look;
use crate::conf::{LocationConf, Mode};
use crate::counters::{self, Connected, Unwritten};
use crate::floods::Flood;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::{Gone, Held};
use crate::nginx::log::{Level, info, warn};
use crate::nginx::process;
use crate::outbox::{HISTORY_AT_ONCE, Outbox};
use crate::pages::Format;
use crate::render::{Deflation, Piece, Press};
use crate::salvo::Shot;
use crate::story::{CloseReason, Story, shown};
use crate::tables::{CohortKey, GroupKey, Kind};
use crate::timeouts::Place;

/// How long a piece may stand still while more than the limit waits behind it.
const STALL_MSEC: u64 = 500;
/// So many times the limit is too much even for a reader who goes on reading.
const HARD_LIMIT_FACTOR: usize = 16;

/// When something has to happen next, in milliseconds of nginx's clock; [`Deadlines::NEVER`] is that.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadlines {
    /// The end of the connection or of the long poll.
    pub(crate) end: u64,
    pub(crate) ping: u64,
    /// A look whether the reader has moved.
    pub(crate) stall: u64,
    /// The client of a WebSocket should have answered a ping by then.
    pub(crate) pong: u64,
}

impl Deadlines {
    pub(crate) const NEVER: u64 = u64::MAX;

    /// The first of them, if there is any.
    pub(crate) fn next(self) -> Option<u64> {
        let next = self.end.min(self.ping).min(self.stall).min(self.pong);
        (next != Self::NEVER).then_some(next)
    }
}

/// A held subscriber. What a delivery touches comes first and lies together: between two deliveries to the same subscriber the caches
/// have seen all others, so each further line costs as much as some dozens of instructions.
#[repr(C)]
pub(crate) struct Subscriber {
    pub(crate) held: Held,
    pub(crate) outbox: Outbox,
    /// History that has still to be read.
    pub(crate) replay: Option<Box<Replay>>,
    /// Up to where the cohort's volleys have been sent or queued.
    pub(crate) seen: Cursor,
    /// Milliseconds of nginx's clock when it was last sent something.
    pub(crate) spoke: u64,
    /// Messages sent or queued.
    pub(crate) messages_sent: u64,
    pub(crate) kind: Kind,
    /// Whether it stands in the queue of those to be flushed.
    pub(crate) queued: bool,
    /// More waits for it than should; it is to be looked at again.
    pub(crate) suspect: bool,
    /// More has come in one turn than may wait for anybody: it is to be ended, and nothing more is queued.
    pub(crate) overrun: bool,
    pub(crate) location: Rc<LocationConf>,
    /// What the answer of a long poll has.
    pub(crate) special: Option<Box<Special>>,
    pub(crate) websocket: Option<Box<WebSocket>>,
    /// Bytes below which a message is followed by filler.
    pub(crate) padded_to: usize,
    pub(crate) connected: Connected,
    /// Live messages in the queue, where it has several channels.
    pub(crate) unwritten: Unwritten,
    /// The channels, as often as they were named.
    pub(crate) groups: Few<GroupKey>,
    /// Where it stands in its cohort, if it has one channel only.
    pub(crate) cohort: Option<(CohortKey, usize)>,
    /// What was published up to here came as history, if at all.
    pub(crate) joined: Cursor,
    /// News that wait for the end of the history.
    pub(crate) held_back: Outbox,
    /// The message that answers a long poll of several channels.
    pub(crate) answer: Option<Rc<Piece>>,
    /// Milliseconds of nginx's clock when it came.
    pub(crate) since: u64,
    pub(crate) place: Option<Place>,
    /// When its socket last took something.
    pub(crate) moved_at: u64,
    /// The ids of its channels, once its request with its story has been given back.
    pub(crate) lean_channels: ThinVec<u8>,
}

/// The subscriber cannot be sent to any more: it is gone, or too slow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lost(pub(crate) CloseReason);

const GONE: Lost = Lost(CloseReason::Client);

impl Subscriber {
    /// How messages are compressed, if at all.
    pub(crate) fn deflation(&self) -> Option<Deflation> {
        self.websocket.as_ref()?.deflation
    }

    /// How messages become what it is sent. Its wire is known.
    pub(crate) fn format(&self) -> Format {
        Format {
            template: Rc::clone(&self.location.message_template),
            wire: self.held.wire(),
            padded_to: self.padded_to,
            deflation: self.deflation(),
        }
    }

    /// What it has in common with those who get the same bytes. Its wire is known.
    pub(crate) fn look(&self) -> Look {
        Look { format: self.format(), kind: self.kind, mode: self.mode() }
    }

    /// Whether a piece may go straight to the socket.
    pub(crate) fn is_free(&self) -> bool {
        self.outbox.is_empty() && self.replay.is_none()
    }

    /// How it is served, as the access log calls it.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.connected.mode()
    }

    /// Counts messages.
    pub(crate) fn count(&mut self, messages: usize) {
        counters::delivered(self.mode(), messages);
        self.add(messages);
    }

    /// Counts messages that the worker has counted already. The story is told at the end, but where [`Held::flows`] does not say so a
    /// `post_action` may ask for it before.
    pub(crate) fn add(&mut self, messages: usize) {
        self.messages_sent = self.messages_sent.saturating_add(messages as u64);
        if !self.held.flows() {
            self.tell_story();
        }
    }

    /// Has the story of the request, if it still has one, say how many messages were sent.
    pub(crate) fn tell_story(&mut self) {
        let messages_sent = self.messages_sent;
        if let Some(story) = self.story() {
            story.messages_sent = messages_sent;
        }
    }

    /// Has the story say already why it will end.
    pub(crate) fn tell_reason(&mut self, reason: CloseReason) {
        if let Some(story) = self.story() {
            story.end(reason);
        }
    }

    /// The story of the request, if it still has one.
    fn story(&mut self) -> Option<&mut Story> {
        self.held.request().and_then(Story::of_mut)
    }

    /// It ends for this reason. Once for each, unless it is a long poll whose answer tells the reason.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        counters::ended(reason as usize);
        if self.held.is_lean() {
            return self.log_end(reason);
        }
        let messages_sent = self.messages_sent;
        if let Some(story) = self.story() {
            story.messages_sent = messages_sent;
            story.end(reason);
        }
    }

    /// Its request is given back, and the request's line in the access log written: takes over what is still needed.
    pub(crate) fn take_over(&mut self) {
        self.tell_story();
        if let Some(story) = self.held.peek().and_then(Story::of) {
            self.lean_channels = story.path.joined().into();
        }
    }

    /// The ids of its channels, for a line of the error log.
    pub(crate) fn shown_channels(&self) -> String {
        match self.held.peek().and_then(Story::of) {
            Some(story) => story.shown(),
            None => shown(&self.lean_channels),
        }
    }

    /// Sends a shot to a subscriber that [`is_free`](Self::is_free), on the plain path: one system call.
    pub(crate) fn send_now(&mut self, shot: &Shot) -> Result<(), Lost> {
        let taken = shot.write_with(|slices| self.held.write_on(slices)).map_err(|_| GONE)?;
        self.has_taken(taken, shot)
    }

    /// The same after sends that were done together: how much its socket took.
    pub(crate) fn was_sent(&mut self, taken: Result<usize, Gone>, shot: &Shot) -> Result<(), Lost> {
        self.has_taken(taken.map_err(|_| GONE)?, shot)
    }

    /// The socket has taken so much of a shot; the rest waits.
    fn has_taken(&mut self, taken: usize, shot: &Shot) -> Result<(), Lost> {
        counters::sent(taken);
        if taken == shot.len() {
            return Ok(());
        }
        shot.pieces().for_each(|piece| self.outbox.push(piece.clone()));
        self.outbox.advance(taken);
        self.moved_at = process::now_msec();
        self.held.wait_writable().map_err(|_| GONE)?;
        self.check()
    }

    /// Sends pieces behind what is queued.
    pub(crate) fn send(&mut self, pieces: impl Iterator<Item = Bytes>) -> Result<(), Lost> {
        if self.replay.is_some() {
            pieces.for_each(|piece| self.held_back.push(piece));
            return self.check();
        }
        if self.outbox.is_empty() {
            self.moved_at = process::now_msec();
        }
        pieces.for_each(|piece| self.outbox.push(piece));
        self.flush()?;
        self.check()
    }

    /// Writes what is queued as far as the socket takes it; the rest when it is writable again.
    pub(crate) fn flush(&mut self) -> Result<(), Lost> {
        let sent = self.held.sent();
        let drained = self.outbox.send(&mut self.held).map_err(|_| GONE)?;
        if self.replay.is_none() {
            self.unwritten.settle();
        }
        if drained || self.held.sent() != sent {
            self.moved_at = process::now_msec();
        }
        if !drained {
            return self.held.wait_writable().map_err(|_| GONE);
        }
        match self.websocket.as_mut().and_then(|websocket| websocket.owed_pong.take()) {
            Some(pong) => {
                self.outbox.push(pong);
                self.flush()
            }
            None => Ok(()),
        }
    }

    /// Queues the next of its history; false = that was all. Where some of it has gone it is told.
    pub(crate) fn queue_history(
        &mut self,
        replay: &mut Replay,
        reader: &mut Reader,
        press: &mut Press,
    ) -> bool {
        let format = self.format();
        let outbox = &mut self.outbox;
        let mut more = true;
        let (mut messages, mut queued) = (0, 0);
        while more && queued < HISTORY_AT_ONCE {
            more = replay.pull_pages(reader, &format, press, HISTORY_AT_ONCE - queued, |page| {
                messages += page.messages;
                queued += page.len;
                outbox.extend(page.pieces.iter().cloned());
            });
        }
        self.count(messages);
        more
    }

    /// Answers the pings of a WebSocket: now, or the last of them when the socket takes bytes again.
    pub(crate) fn pong(&mut self, pongs: &Pongs) -> Result<(), Lost> {
        if pongs.is_empty() {
            return Ok(());
        }
        if let Some(websocket) = self.websocket.as_mut().filter(|_| !self.outbox.is_empty()) {
            websocket.owed_pong = Some(pongs.last());
            return Ok(());
        }
        self.outbox.push(pongs.all());
        self.flush()
    }

    /// Finds out whether the reader is too slow for the news: more than the location's limit waits behind a piece that has not moved
    /// for a while. One piece of any size is always admitted, and history does not count: it is pulled as the socket takes it.
    pub(crate) fn check(&mut self) -> Result<(), Lost> {
        let waiting = self.waiting();
        self.suspect = waiting > self.location.subscriber_buffer_bytes;
        let stalled = process::now_msec().saturating_sub(self.moved_at) >= STALL_MSEC;
        if !self.overrun && (!self.suspect || !stalled && waiting <= self.hard_limit()) {
            return Ok(());
        }
        if Flood::Slow.admits() {
            let channels = self.shown_channels();
            warn!(
                self.held.log(),
                "push stream module: subscriber is too slow: {waiting} bytes wait for it, channel \"{channels}\""
            );
        }
        Err(Lost(CloseReason::Slow))
    }

    /// What waits for the reader, in bytes of memory.
    fn waiting(&self) -> usize {
        if self.replay.is_some() { self.held_back.cost() } else { self.outbox.behind() }
    }

    fn hard_limit(&self) -> usize {
        self.location.subscriber_buffer_bytes.saturating_mul(HARD_LIMIT_FACTOR)
    }

    /// Queues a message for a subscriber of several channels; true if it must now be flushed.
    pub(crate) fn queue_news(&mut self, piece: Piece, filler: Option<Piece>) -> bool {
        if self.kind == Kind::LongPolling {
            self.answer.get_or_insert_with(|| Rc::new(piece));
            return !std::mem::replace(&mut self.queued, true);
        }
        // The socket is not tried before all news are queued: who reads as fast as this goes on would keep everybody else waiting.
        self.overrun |= self.waiting() > self.hard_limit();
        if self.overrun {
            return !std::mem::replace(&mut self.queued, true);
        }
        self.count(piece.is_message.into());
        self.unwritten.push(&piece);
        let queue = if self.replay.is_some() { &mut self.held_back } else { &mut self.outbox };
        for piece in [Some(piece), filler].into_iter().flatten() {
            queue.extend(piece.on(self.held.wire()));
        }
        !std::mem::replace(&mut self.queued, true)
    }

    /// Writes the line that the access log has had no place for: its own was written when the request was given back.
    fn log_end(&self, reason: CloseReason) {
        let log = self.held.log();
        if !log.has(Level::Info) {
            return;
        }
        let msec = process::now_msec().saturating_sub(self.since);
        info!(
            log,
            "push stream module: subscriber ended: {}, {}, {} messages, {} bytes, {}.{:03} s, channel \"{}\"",
            reason.name(),
            self.mode().map_or("", Mode::name),
            self.messages_sent,
            self.held.sent(),
            msec / 1000,
            msec % 1000,
            shown(&self.lean_channels)
        );
    }

    /// When something has to happen next.
    pub(crate) fn deadlines(&self) -> Deadlines {
        let behind = |since: u64, time: Option<Duration>| {
            time.map_or(Deadlines::NEVER, |time| {
                let msec = time.as_secs().saturating_mul(1000);
                since.saturating_add(msec).saturating_add(time.subsec_millis().into())
            })
        };
        let location = &*self.location;
        let (ttl, ping) = match self.kind {
            Kind::Streaming => (location.subscriber_connection_ttl, location.ping_message_interval),
            Kind::LongPolling => (location.longpolling_connection_ttl, None),
        };
        let (mut spoke, mut pong) = (self.spoke, Deadlines::NEVER);
        // Where pongs are expected it is the client's silence that counts.
        if let (Some(websocket), Some(_)) = (&self.websocket, location.websocket.pong_timeout) {
            spoke = websocket.heard.max(websocket.pinged);
            if websocket.asked > 0 {
                pong = behind(websocket.asked, location.websocket.pong_timeout);
            }
        }
        Deadlines {
            end: behind(self.since, ttl),
            ping: behind(spoke, ping),
            stall: if self.suspect { self.moved_at + STALL_MSEC } else { Deadlines::NEVER },
            pong,
        }
    }
}
