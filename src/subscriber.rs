//! Subscriber locations: who gets what, from where on, in which mode.
//!
//! A request is checked ([`admission`]), then answered at once ([`poll`]) or attached to its channels ([`attach`])
//! and held until something ends it ([`end`]). [`history`] reads what is stored; what is published from then on
//! comes through [`crate::delivery`].

pub(crate) mod admission;
pub(crate) mod attach;
pub(crate) mod end;
pub(crate) mod history;
pub(crate) mod poll;

use std::io::IoSlice;
use std::rc::Rc;

use protocol::channel_path::ChannelPath;
use protocol::cursor::{Cursor, Resume, parse_tag, parse_time};
use protocol::jsonp;
use slotmap::new_key_type;

use self::history::Replay;
pub(crate) use self::poll::{Form, LongPollAnswer};
use crate::answer::INTERNAL_ERROR;
use crate::conf::{LocationConf, MainConf, Mode, Role};
use crate::delivery::{CohortKey, GroupKey};
use crate::nginx::bytes::Bytes;
use crate::nginx::conf::ComplexValue;
use crate::nginx::held::{Held, Wire};
use crate::nginx::request::{Method, NoMemory, Request, Status};
use crate::outbox::Outbox;
use crate::render::Piece;
use crate::story::{CloseReason, Story};
use crate::timeouts::Place;
use crate::{answer, channels};

new_key_type! {
    /// A subscriber of this worker.
    pub(crate) struct SubscriberKey;
}

/// How a held subscriber is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every message, until the end of the connection.
    Streaming,
    /// One message, which ends the request.
    LongPolling,
}

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
            crate::nginx::log::warn!(
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
            queue.push(piece.on(self.held.wire()));
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

/// What a request to a subscriber location asks for.
pub(crate) struct Wish {
    pub(crate) path: ChannelPath,
    pub(crate) time: Option<u32>,
    pub(crate) tag: Option<u32>,
    event_id: Option<Vec<u8>>,
    /// The function that a script tag wants called; polls only.
    pub(crate) callback: Option<Vec<u8>>,
    pub(crate) story: Rc<Story>,
}

impl Wish {
    fn read(request: &mut Request, location: &LocationConf, mode: Mode) -> Result<Self, NoMemory> {
        let path = channels::requested(request, location);
        let mut value = |directive: Option<ComplexValue>, header: &str| match directive {
            Some(value) => Some(channels::evaluated(request, value)),
            None => request.header(header).map(<[u8]>::to_vec),
        };
        let time = value(location.last_received_message_time, "If-Modified-Since");
        let tag = value(location.last_received_message_tag, "If-None-Match");
        let event_id = value(location.last_event_id, "Last-Event-Id");
        let ids = path.iter().map(|segment| segment.id);
        let story = Story::begin(request, ids, mode.name())?;
        Ok(Self {
            path,
            callback: None,
            story,
            time: time.and_then(|time| parse_time(&time)),
            tag: tag.and_then(|tag| parse_tag(&tag)),
            event_id: event_id.filter(|id| !id.is_empty()),
        })
    }

    /// From where on stored messages are wanted.
    pub(crate) fn resume(&self) -> Resume<'_> {
        Resume { time: self.time, tag: self.tag, event_id: self.event_id.as_deref() }
    }
}

/// Answers a request to a subscriber location.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Status {
    begin(request, main, location).unwrap_or(INTERNAL_ERROR)
}

fn begin(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Result<Status, NoMemory> {
    if !request.is_main() {
        return Ok(INTERNAL_ERROR);
    }
    answer::allow_origins(request, location, "GET")?;
    match request.method() {
        Method::Get => {}
        Method::Options => return Ok(answer::head_only(request, 200)),
        _ => {
            answer::forbid_caching(request)?;
            return Ok(answer::method_not_allowed(request, "GET"));
        }
    }
    if let Err(status) = request.discard_body() {
        return Ok(status);
    }
    answer::forbid_caching(request)?;
    let mode = mode(request, location);
    let mut wish = Wish::read(request, location, mode)?;
    if matches!(mode, Mode::Polling | Mode::LongPolling) {
        match jsonp::callback(request.arg("callback")) {
            Ok(callback) => wish.callback = callback,
            Err(refusal) => return Ok(answer::refuse(request, refusal, main)),
        }
        if location.legacy_since_epoch {
            wish.time = wish.time.or(Some(0));
        }
    }
    match mode {
        Mode::Polling => poll::serve(request, main, location, &wish),
        Mode::LongPolling => attach::serve_long_poll(request, main, location, &wish),
        Mode::Streaming | Mode::EventSource | Mode::WebSocket => {
            attach::serve_stream(request, main, location, &wish)
        }
    }
}

/// The location's mode, unless the request asks for one of the polling modes.
fn mode(request: &Request, location: &LocationConf) -> Mode {
    let Role::Subscriber(mode) = location.role else { return Mode::Streaming };
    match request.header("X-Nginx-PushStream-Mode") {
        Some(wanted) if wanted.eq_ignore_ascii_case(b"polling") => Mode::Polling,
        Some(wanted) if wanted.eq_ignore_ascii_case(b"long-polling") => Mode::LongPolling,
        _ => mode,
    }
}
