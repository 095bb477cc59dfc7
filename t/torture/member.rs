//! One subscriber of the swarm: asks in its mode, resumes by its cursor whenever its connection goes, and holds
//! every message against the ledger.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::ledger::{Kind, Ledger, number};
use crate::load::{Dice, get};
use crate::runner::client::Client;
use crate::runner::{Outcome, websocket};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Streaming,
    EventSource,
    WebSocket,
    LongPolling,
    Polling,
}

impl Mode {
    pub(super) const ALL: [Mode; 5] =
        [Mode::Streaming, Mode::EventSource, Mode::WebSocket, Mode::LongPolling, Mode::Polling];

    fn is_stream(self) -> bool {
        !matches!(self, Mode::LongPolling | Mode::Polling)
    }
}

/// So long may an answer take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(40);

/// How far it has come in a channel.
pub(super) struct Seen {
    pub(super) channel: &'static str,
    pub(super) number: usize,
    /// Nothing of it has come on this connection yet.
    fresh: bool,
}

/// What it has been through.
#[derive(Default, Clone, Copy)]
pub(super) struct Figures {
    pub(super) messages: usize,
    pub(super) connections: usize,
    pub(super) gaps: usize,
    pub(super) deleted: usize,
}

pub(super) struct Member {
    pub(super) mode: Mode,
    pub(super) seen: Vec<Seen>,
    pub(super) client: Option<Client>,
    pub(super) figures: Figures,
    /// `Last-Modified` and `Etag`, or `~time~` and `~tag~` of the last message.
    cursor: (String, String),
    /// Of an event source, instead.
    event_id: Option<String>,
    /// The id of the event whose end has not come yet, and its data.
    event: (Option<String>, Option<String>),
    /// A request is on its way since then.
    asked: Option<Instant>,
    has_head: bool,
    /// It was told of a gap since its last message.
    gap: bool,
    pub(super) again_at: Instant,
    /// What happened lately, for the report of a failure.
    trail: VecDeque<String>,
}

impl Member {
    /// A member that wants all there is.
    pub(super) fn new(mode: Mode, channels: &[&'static str]) -> Member {
        let seen = |channel: &&'static str| Seen { channel, number: 0, fresh: true };
        Member {
            mode,
            seen: channels.iter().map(seen).collect(),
            client: None,
            figures: Figures::default(),
            cursor: ("Thu, 01 Jan 1970 00:00:00 GMT".into(), "0".into()),
            event_id: None,
            event: (None, None),
            asked: None,
            has_head: false,
            gap: false,
            again_at: Instant::now(),
            trail: VecDeque::new(),
        }
    }

    /// Whether nginx counts it, or it would be asked again soon.
    pub(super) fn is_settled(&self) -> bool {
        match self.mode {
            Mode::Polling => true,
            Mode::LongPolling => self.asked.is_some(),
            _ => self.has_head,
        }
    }

    fn note(&mut self, what: String) {
        const KEPT: usize = 12;
        if self.trail.len() == KEPT {
            self.trail.pop_front();
        }
        self.trail.push_back(what);
    }

    fn request(&self) -> Vec<u8> {
        let channels: Vec<&str> = self.seen.iter().map(|seen| seen.channel).collect();
        let path = channels.join("/");
        let (time, tag) = &self.cursor;
        let cursor = format!("If-Modified-Since: {time}\r\nIf-None-Match: {tag}\r\n");
        match self.mode {
            Mode::Streaming => get(&format!("/sub/{path}"), &cursor),
            Mode::LongPolling => get(&format!("/lp/{path}"), &cursor),
            Mode::Polling => get(&format!("/poll/{path}"), &cursor),
            Mode::EventSource => match &self.event_id {
                Some(id) => get(&format!("/ev/{path}"), &format!("Last-Event-ID: {id}\r\n")),
                None => get(&format!("/ev/{path}"), &cursor),
            },
            Mode::WebSocket => {
                let time = time.replace(' ', "%20");
                let headers = websocket::HANDSHAKE.join("\r\n") + "\r\n";
                get(&format!("/ws/{path}?time={time}&tag={tag}"), &headers)
            }
        }
    }

    /// Does what is due; true if there is a new connection.
    pub(super) fn tick(&mut self, port: u16, now: Instant) -> Outcome<bool> {
        if self.asked.is_some_and(|at| now > at + PATIENCE) && !self.has_head {
            return Err(format!("{self}: no answer for {PATIENCE:?}"));
        }
        if self.asked.is_some() || now < self.again_at {
            return Ok(false);
        }
        let is_new = self.client.is_none();
        if is_new {
            self.client = Client::connect(port).ok();
            self.figures.connections += 1;
        }
        let request = self.request();
        let Some(client) = &mut self.client else { return Ok(false) };
        self.has_head = false;
        self.seen.iter_mut().for_each(|seen| seen.fresh = true);
        if client.ask(&request, false, false).is_err() {
            self.leave(now + Duration::from_millis(5));
            return Ok(false);
        }
        self.asked = Some(now);
        Ok(is_new)
    }

    /// Drops the connection, and with it what was only half there.
    pub(super) fn leave(&mut self, again_at: Instant) {
        self.note("left".into());
        self.client = None;
        self.asked = None;
        self.has_head = false;
        self.event = (None, None);
        self.again_at = again_at;
    }

    /// Takes what has arrived.
    pub(super) fn read(&mut self, ledger: &Ledger, dice: &mut Dice) -> Outcome<()> {
        let Some(client) = &mut self.client else { return Ok(()) };
        let mut is_open = client.is_open();
        let response = &client.response;
        if response.has_head() && !self.has_head && self.asked.is_some() {
            let good = match self.mode {
                Mode::WebSocket => response.status == 101,
                Mode::Polling | Mode::LongPolling => matches!(response.status, 200 | 304),
                _ => response.status == 200,
            };
            if !good {
                let status = response.status;
                return Err(format!("{self}: status {status}"));
            }
            let status = response.status;
            self.has_head = true;
            let gap = response.header("X-Nginx-PushStream-Gap").is_some();
            self.gap |= gap;
            self.figures.gaps += usize::from(gap);
            let id = self.event_id.as_deref().unwrap_or_default();
            let gap = if gap { " gap" } else { "" };
            let note = format!("at {:?} {id}: {status}{gap}", self.cursor);
            self.note(note);
        }
        let Some(client) = &mut self.client else { return Ok(()) };
        let is_complete = client.response.complete;
        if self.mode.is_stream() || is_complete {
            let bytes = client.take()?;
            let text = String::from_utf8_lossy(&bytes);
            for line in text.lines() {
                self.line(line, ledger)?;
            }
        }
        let pause = Duration::from_millis(dice.below(50) as u64);
        if is_complete && self.asked.is_some() && !self.mode.is_stream() {
            is_open &= self.advance_cursor()?;
            self.asked = None;
            self.has_head = false;
            self.again_at = Instant::now();
            if self.mode == Mode::Polling {
                self.again_at += pause * 6;
            }
        }
        if !is_open || (is_complete && self.mode.is_stream()) {
            self.leave(Instant::now() + pause);
        }
        Ok(())
    }

    /// The cursor of a poll's answer; false when the connection is not kept.
    fn advance_cursor(&mut self) -> Outcome<bool> {
        let Some(client) = &self.client else { return Ok(false) };
        let response = &client.response;
        let header = |name| response.header(name).map(str::to_owned);
        self.cursor = header("Last-Modified")
            .zip(header("Etag"))
            .ok_or_else(|| format!("{self}: an answer without a cursor: {:?}", response.headers))?;
        Ok(header("Connection").as_deref() != Some("close"))
    }

    fn line(&mut self, line: &str, ledger: &Ledger) -> Outcome<()> {
        if self.mode != Mode::EventSource {
            let cursor = self.message(line, ledger)?;
            if let Some(cursor) = cursor.filter(|_| self.mode.is_stream()) {
                self.cursor = cursor;
            }
            return Ok(());
        }
        if let Some(id) = line.strip_prefix("id: ") {
            self.event.0 = Some(id.to_owned());
        } else if let Some(data) = line.strip_prefix("data: ") {
            self.event.1 = Some(data.to_owned());
        } else if line.is_empty() {
            let (id, data) = std::mem::take(&mut self.event);
            if let Some(data) = data
                && self.message(&data, ledger)?.is_some()
            {
                self.event_id = Some(id.ok_or_else(|| format!("{self}: an event without id"))?);
            }
        } else if !line.starts_with(':') && line != "event: gap" {
            return Err(format!("{self}: not a line of an event: {line}"));
        }
        Ok(())
    }

    /// Checks a message; tells its cursor unless it is one of the server's.
    fn message(&mut self, line: &str, ledger: &Ledger) -> Outcome<Option<(String, String)>> {
        let mut parts = line.splitn(5, ';');
        let mut next = || parts.next().ok_or_else(|| format!("{self}: not a message: {line}"));
        let (id, time, tag, channel, text) = (next()?, next()?, next()?, next()?, next()?);
        // A ping, where the channel has been silent for long.
        if id == "-1" {
            return Ok(None);
        }
        // It has gone since the head of the answer was sent, or the head has told it too.
        if id == "-4" {
            let kinds = self.seen.iter().filter_map(|seen| ledger.group_of(seen.channel));
            if kinds.map(|group| group.kind).all(|kind| kind == Kind::Stored) {
                return Err(format!(
                    "{self}: told of a gap where nothing has gone: {:?}",
                    self.trail
                ));
            }
            self.gap = true;
            self.note("a gap".into());
            return Ok(None);
        }
        let group = ledger.group_of(channel).ok_or_else(|| format!("{self}: channel {channel}"))?;
        let place = self.seen.iter().position(|seen| seen.channel == channel);
        let place = place.ok_or_else(|| format!("{self}: a message of {channel}"))?;
        let (before, fresh) = (self.seen[place].number, self.seen[place].fresh);
        if id == "-2" {
            self.figures.deleted += 1;
            self.note(format!("{channel} deleted"));
            if !self.gap && before > 0 && !group.may_end_after(before) {
                return Err(format!("{self}: deleted before all of it came"));
            }
            return Ok(None);
        }
        let number = number(text).map_err(|reason| format!("{self}: {reason}"))?;
        if number <= before {
            return Err(format!(
                "{self}: repeated or reordered: {channel} {number} after {before}"
            ));
        }
        let excused = match group.kind {
            Kind::Stored => false,
            Kind::Live => fresh,
            Kind::Deleted => self.gap || before == 0,
        };
        self.gap = false;
        let lost = group.acknowledged_between(before, number).filter(|_| !excused);
        if let Some(lost) = lost {
            return Err(format!(
                "{self}: lost: {channel} {lost} (acknowledged) between {before} and {number} ({time} {tag}); \
                 deleted after {:?}; before that: {:?}",
                group.deletions(before, number),
                self.trail
            ));
        }
        self.note(format!("{channel} {number} ({time} {tag})"));
        self.seen[place].number = number;
        self.seen[place].fresh = false;
        self.figures.messages += 1;
        Ok(Some((time.to_owned(), tag.to_owned())))
    }
}

impl std::fmt::Display for Member {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<&str> = self.seen.iter().map(|seen| seen.channel).collect();
        write!(out, "{:?} of {}", self.mode, channels.join("/"))
    }
}
