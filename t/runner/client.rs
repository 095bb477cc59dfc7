//! A client: one TCP connection, the bytes it received, and how far a test has looked at them.
//!
//! Reading is blocking with a deadline; a response is parsed as its bytes come in. Each check
//! moves a cursor, so checks in a row see the response in order and nothing twice.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::RecvFlags;

use super::Outcome;
use super::text::show;
use super::websocket::Frame;

/// What a read brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Filled {
    Data,
    /// The server closed in order.
    Eof,
    /// The connection was reset.
    Reset,
    /// The deadline passed.
    Nothing,
}

/// How the length of a body is told (RFC 9112 section 6.3).
#[derive(Clone, Copy)]
enum Framing {
    None,
    Chunked,
    Length(usize),
    UntilClose,
    /// Not a body: WebSocket frames, until the server closes.
    Frames,
}

/// A response as far as it has arrived.
#[derive(Default)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Where each whole HTTP/1.1 chunk lies in `body`.
    chunks: Vec<(usize, usize)>,
    /// The WebSocket frames, and where each lies in `body`.
    frames: Vec<(usize, usize, Frame)>,
    pub(crate) complete: bool,
    framing: Option<Framing>,
    /// First byte of the wire that is not parsed yet, and first byte of the body on the wire.
    at: usize,
    body_at: usize,
    broken: Option<String>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn has_head(&self) -> bool {
        self.framing.is_some()
    }

    /// Parses what is new in `wire`. `headless` is an HTTP/0.9 answer.
    fn advance(&mut self, wire: &[u8], head_only: bool, headless: bool, eof: bool) {
        if self.framing.is_none() && headless {
            self.framing = Some(Framing::UntilClose);
        }
        if self.framing.is_none() && !self.advance_head(wire, head_only) {
            return;
        }
        while !self.complete {
            let rest = &wire[self.at..];
            match self.framing {
                Some(Framing::Chunked) => {
                    if !self.advance_chunk(wire) {
                        return;
                    }
                }
                Some(Framing::Length(length)) => {
                    let take = rest.len().min(length - self.body.len());
                    self.body.extend_from_slice(&rest[..take]);
                    self.at += take;
                    self.complete = self.body.len() == length;
                    return;
                }
                Some(Framing::UntilClose) => {
                    self.body.extend_from_slice(rest);
                    self.at = wire.len();
                    self.complete = eof;
                    return;
                }
                Some(Framing::Frames) => {
                    self.advance_frames(wire);
                    self.complete = eof;
                    return;
                }
                Some(Framing::None) | None => self.complete = true,
            }
        }
    }

    /// True when the head is whole; skips 100 Continue.
    fn advance_head(&mut self, wire: &[u8], head_only: bool) -> bool {
        let Some(length) = find(&wire[self.at..], b"\r\n\r\n") else { return false };
        let head = String::from_utf8_lossy(&wire[self.at..self.at + length]).into_owned();
        self.at += length + 4;
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
        if !status_line.starts_with("HTTP/1.1 ") || status.is_none() {
            self.broken = Some(format!("not a status line: {}", show(status_line.as_bytes())));
        }
        self.status = status.unwrap_or_default();
        if self.status == 100 {
            return self.advance_head(wire, head_only);
        }
        self.headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| {
                // Only the one blank after the colon goes: an empty or padded value must show.
                (name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned())
            })
            .collect();
        self.body_at = self.at;
        let length = self.header("Content-Length").and_then(|length| length.parse().ok());
        let chunked = self.header("Transfer-Encoding") == Some("chunked");
        self.framing = Some(if self.status == 101 {
            Framing::Frames
        } else if head_only || matches!(self.status, 204 | 304) {
            Framing::None
        } else if chunked {
            Framing::Chunked
        } else {
            length.map_or(Framing::UntilClose, Framing::Length)
        });
        true
    }

    /// Takes everything that came behind the head of a WebSocket, and the whole frames in it.
    fn advance_frames(&mut self, wire: &[u8]) {
        self.body.extend_from_slice(&wire[self.at..]);
        self.at = wire.len();
        loop {
            let start = self.frames.last().map_or(0, |(_, end, _)| *end);
            match Frame::parse(&self.body[start..]) {
                Ok(Some((frame, length))) => self.frames.push((start, start + length, frame)),
                Ok(None) => return,
                Err(reason) => {
                    self.broken = Some(reason);
                    return;
                }
            }
        }
    }

    /// The frame with which a closed WebSocket ends, and no piece of another behind it.
    pub(crate) fn last_frame(&self) -> Outcome<&Frame> {
        let (_, end, frame) = self.frames.last().ok_or("there is no frame")?;
        let rest = &self.body[*end..];
        if rest.is_empty() {
            Ok(frame)
        } else {
            Err(format!("half a frame at the end: {}", show(rest)))
        }
    }

    /// The frames of a WebSocket.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.frames.iter().map(|(_, _, frame)| frame)
    }

    /// Gives away what has come of the body, whole chunks or the messages of whole frames, and forgets it.
    fn take(&mut self) -> Vec<u8> {
        match self.framing {
            Some(Framing::Frames) => {
                let end = self.frames.last().map_or(0, |(_, end, _)| *end);
                self.body.drain(..end);
                let frames =
                    std::mem::take(&mut self.frames).into_iter().map(|(_, _, frame)| frame);
                frames.filter(Frame::is_message).flat_map(|frame| frame.payload).collect()
            }
            // How much is to come is counted from what is there.
            Some(Framing::Length(_)) if !self.complete => Vec::new(),
            _ => {
                self.chunks.clear();
                std::mem::take(&mut self.body)
            }
        }
    }

    /// True when one more chunk was taken.
    fn advance_chunk(&mut self, wire: &[u8]) -> bool {
        let rest = &wire[self.at..];
        let Some(line_length) = find(rest, b"\r\n") else { return false };
        let line = String::from_utf8_lossy(&rest[..line_length]).into_owned();
        let Ok(size) = usize::from_str_radix(&line, 16) else {
            self.broken = Some(format!("not a chunk size: {}", show(line.as_bytes())));
            return false;
        };
        let data = line_length + 2;
        if rest.len() < data + size + 2 {
            return false;
        }
        if &rest[data + size..data + size + 2] != b"\r\n" {
            self.broken = Some("no CRLF after a chunk".into());
            return false;
        }
        self.at += data + size + 2;
        if size == 0 {
            self.complete = true;
        } else {
            self.chunks.push((self.body.len(), self.body.len() + size));
            self.body.extend_from_slice(&rest[data..data + size]);
        }
        true
    }
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    wire: Vec<u8>,
    ended: Option<Filled>,
    pub(crate) response: Response,
    head_only: bool,
    headless: bool,
    /// How far the checks have come: in the body, and on the wire (for `bytes`).
    body_cursor: usize,
    wire_cursor: Option<usize>,
    head_seen: bool,
    asked_at: Instant,
    last_byte_at: Instant,
    /// The worker that serves this connection, if it was asked for.
    pub(crate) pid: Option<i32>,
    /// Reads only when a step looks at it.
    slow: bool,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Outcome<Client> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let stream = TcpStream::connect_timeout(&address, Duration::from_secs(5))
            .map_err(|error| format!("connect: {error}"))?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let limit = Some(Duration::from_secs(10));
        stream.set_write_timeout(limit).map_err(|error| error.to_string())?;
        let now = Instant::now();
        Ok(Client {
            stream,
            wire: Vec::new(),
            ended: None,
            response: Response::default(),
            head_only: false,
            headless: false,
            body_cursor: 0,
            wire_cursor: None,
            head_seen: false,
            asked_at: now,
            last_byte_at: now,
            pid: None,
            slow: false,
        })
    }

    /// Makes it a client that does not read by itself. (A small receive buffer would do more, but
    /// makes loopback crawl at 200 kB/s for any server.)
    pub(crate) fn make_slow(&mut self) {
        self.slow = true;
    }

    /// The socket, for epoll.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// What has come of the body since the last call, for a client that looks at nothing else of it:
    /// a stream may go on for hours, so what was taken is forgotten.
    pub(crate) fn take(&mut self) -> Outcome<Vec<u8>> {
        self.pump();
        if let Some(reason) = &self.response.broken {
            return Err(reason.clone());
        }
        if !self.response.has_head() {
            return Ok(Vec::new());
        }
        self.wire.drain(..self.response.at);
        self.response.at = 0;
        Ok(self.response.take())
    }

    /// The bare socket, for a caller that reads the body itself.
    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Starts a request: its answer is the next response on this connection.
    pub(crate) fn ask(&mut self, request: &[u8], head_only: bool, headless: bool) -> Outcome<()> {
        if self.response.has_head() {
            self.next_response()?;
        }
        (self.head_only, self.headless) = (head_only, headless);
        self.asked_at = Instant::now();
        self.send(request)
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.stream.write_all(bytes).map_err(|error| format!("send: {error}"))
    }

    /// Sends byte by byte, with time to read each for itself.
    pub(crate) fn send_slowly(&mut self, bytes: &[u8]) -> Outcome<()> {
        for byte in bytes {
            self.send(&[*byte])?;
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    pub(crate) fn half_close(&self) -> Outcome<()> {
        self.stream.shutdown(Shutdown::Write).map_err(|error| error.to_string())
    }

    /// Leaves the finished response and looks at the following one.
    pub(crate) fn next_response(&mut self) -> Outcome<()> {
        if !self.response.complete {
            return Err("the response before is not complete".into());
        }
        self.wire.drain(..self.response.at);
        self.response = Response::default();
        (self.body_cursor, self.wire_cursor, self.head_seen) = (0, None, false);
        self.parse();
        Ok(())
    }

    fn parse(&mut self) {
        let eof = self.ended.is_some();
        self.response.advance(&self.wire, self.head_only, self.headless, eof);
    }

    /// Reads once, at most until `deadline`.
    pub(crate) fn fill(&mut self, deadline: Instant) -> Outcome<Filled> {
        if let Some(ended) = self.ended {
            return Ok(ended);
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Filled::Nothing);
        }
        self.stream.set_read_timeout(Some(left)).map_err(|error| error.to_string())?;
        let mut buffer = [0; 65_536];
        let filled = match self.stream.read(&mut buffer) {
            Ok(0) => Filled::Eof,
            Ok(count) => {
                self.wire.extend_from_slice(&buffer[..count]);
                Filled::Data
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Ok(Filled::Nothing),
                ErrorKind::Interrupted => return Ok(Filled::Data),
                ErrorKind::ConnectionReset => Filled::Reset,
                _ => return Err(format!("read: {error}")),
            },
        };
        self.last_byte_at = Instant::now();
        if filled != Filled::Data {
            self.ended = Some(filled);
        }
        self.parse();
        match &self.response.broken {
            Some(reason) => Err(reason.clone()),
            None => Ok(filled),
        }
    }

    /// Takes what has arrived, without waiting: a client that no step looks at reads all the same.
    pub(crate) fn pump(&mut self) {
        let mut buffer = [0; 65_536];
        let (before, was_ended) = (self.wire.len(), self.ended.is_some());
        while self.ended.is_none() && !self.slow {
            match rustix::net::recv(&self.stream, &mut buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => self.ended = Some(Filled::Eof),
                Ok((count, _)) => self.wire.extend_from_slice(&buffer[..count]),
                Err(Errno::CONNRESET) => self.ended = Some(Filled::Reset),
                Err(_) => break,
            }
        }
        if self.wire.len() > before || (self.ended.is_some() && !was_ended) {
            self.last_byte_at = Instant::now();
            self.parse();
        }
    }

    /// Reads until `look` finds something.
    fn wait<T>(
        &mut self,
        deadline: Instant,
        what: &str,
        mut look: impl FnMut(&mut Client) -> Option<T>,
    ) -> Outcome<T> {
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if let Some(reason) = &self.response.broken {
                return Err(reason.clone());
            }
            if self.response.complete {
                return Err(self.missing(what, "the response is complete"));
            }
            match self.fill(deadline)? {
                Filled::Data => {}
                // The last look at a body that ends with the connection.
                Filled::Eof if self.response.complete => {}
                Filled::Eof => return Err(self.missing(what, "the connection was closed")),
                Filled::Reset => return Err(self.missing(what, "the connection was reset")),
                Filled::Nothing => return Err(self.missing(what, "time is up")),
            }
        }
    }

    fn missing(&self, what: &str, why: &str) -> String {
        let seen = if self.response.has_head() {
            let rest = &self.response.body[self.body_cursor.min(self.response.body.len())..];
            format!("status {}, unread body {}", self.response.status, show(rest))
        } else {
            format!("received {}", show(&self.wire))
        };
        format!("expected {what}, but {why}; {seen}")
    }

    /// Waits for the head of the response.
    pub(crate) fn head(&mut self, deadline: Instant) -> Outcome<&Response> {
        self.wait(deadline, "a response head", |client| client.response.has_head().then_some(()))?;
        self.head_seen = true;
        Ok(&self.response)
    }

    /// Waits for the whole response, whatever is in it.
    pub(crate) fn complete(&mut self, deadline: Instant) -> Outcome<&Response> {
        self.wait(deadline, "the end of the response", |client| {
            client.response.complete.then_some(())
        })?;
        self.head_seen = true;
        self.body_cursor = self.response.body.len();
        Ok(&self.response)
    }

    /// The response is complete and the checks have seen all of it.
    pub(crate) fn end(&mut self, deadline: Instant) -> Outcome<()> {
        let before = self.body_cursor;
        self.complete(deadline)?;
        let unread = &self.response.body[before..];
        if unread.is_empty() || self.wire_cursor == Some(self.response.at) {
            Ok(())
        } else {
            Err(format!("the response has more than expected: {}", show(unread)))
        }
    }

    /// The next whole chunk that begins at or behind the cursor.
    pub(crate) fn chunk(&mut self, deadline: Instant) -> Outcome<Vec<u8>> {
        let (from, to) = self.wait(deadline, "a chunk", |client| {
            let cursor = client.body_cursor;
            let next = client.response.chunks.iter().copied().find(|(from, _)| *from >= cursor);
            if next.is_none() && client.response.complete { Some((0, 0)) } else { next }
        })?;
        if to == 0 {
            return Err("expected a chunk, but the response has ended".into());
        }
        self.head_seen = true;
        self.body_cursor = to;
        Ok(self.response.body[from..to].to_vec())
    }

    /// The next whole WebSocket frame that begins at or behind the cursor.
    pub(crate) fn frame(&mut self, deadline: Instant) -> Outcome<Frame> {
        let (end, frame) = self.wait(deadline, "a frame", |client| {
            let cursor = client.body_cursor;
            let frames = &client.response.frames;
            let next = &frames[frames.partition_point(|(start, _, _)| *start < cursor)..];
            next.first().map(|(_, end, frame)| (*end, frame.clone()))
        })?;
        self.head_seen = true;
        self.body_cursor = end;
        self.wire_cursor = Some(self.response.body_at + end);
        Ok(frame)
    }

    /// Waits for `text` in the body behind the cursor and moves behind it.
    pub(crate) fn text(&mut self, text: &[u8], deadline: Instant) -> Outcome<()> {
        let mut from = self.body_cursor;
        let end = self.wait(deadline, &show(text), |client| {
            let body = &client.response.body;
            match find(body.get(from..)?, text) {
                Some(at) => Some(from + at + text.len()),
                None => {
                    from = body.len().saturating_sub(text.len()).max(from);
                    None
                }
            }
        })?;
        self.head_seen = true;
        self.body_cursor = end;
        Ok(())
    }

    /// The next bytes on the wire are exactly these.
    pub(crate) fn bytes(&mut self, expected: &[u8], deadline: Instant) -> Outcome<()> {
        let start =
            self.wire_cursor.unwrap_or(if self.head_seen { self.response.body_at } else { 0 });
        let end = start + expected.len();
        // Not `wait`: the bytes may reach into the next response.
        let mut filled = Filled::Data;
        while filled == Filled::Data && self.wire.len() < end {
            let same = self.wire.len() - start;
            if self.wire[start..] != expected[..same] {
                break;
            }
            filled = self.fill(deadline)?;
        }
        let got = &self.wire[start..self.wire.len().min(end)];
        if got != expected {
            return Err(format!("expected {}, got {} ({filled:?})", show(expected), show(got)));
        }
        self.wire_cursor = Some(end);
        self.head_seen = true;
        self.body_cursor = match self.response.framing {
            // Here a byte of the wire is a byte of the body.
            Some(Framing::Frames) => end.saturating_sub(self.response.body_at),
            _ => self.response.body.len(),
        };
        Ok(())
    }

    /// Nothing unseen is there, and nothing comes for this long.
    pub(crate) fn nothing(&mut self, time: Duration) -> Outcome<()> {
        let deadline = Instant::now() + time;
        loop {
            if self.response.has_head() && !self.head_seen {
                return Err(format!("expected nothing, got a status {}", self.response.status));
            }
            let unread = &self.response.body[self.body_cursor..];
            if !unread.is_empty() {
                return Err(format!("expected nothing, got {}", show(unread)));
            }
            if self.head_seen && self.response.complete {
                return Err("expected an open response, but it has ended".into());
            }
            match self.fill(deadline)? {
                Filled::Data => {}
                Filled::Nothing => return Ok(()),
                ended => return Err(format!("expected nothing, got {ended:?}")),
            }
        }
    }

    /// Reads until the connection ends; unread bytes before that are an error.
    pub(crate) fn gone(&mut self, deadline: Instant) -> Outcome<Filled> {
        loop {
            match self.fill(deadline)? {
                Filled::Data => {}
                Filled::Nothing => return Err(self.missing("the connection to end", "it is open")),
                ended => break Ok(ended),
            }
        }
    }

    /// Bytes behind a complete response: there must be none before the connection ends.
    pub(crate) fn stray(&self) -> Option<&[u8]> {
        let rest = &self.wire[self.response.at.min(self.wire.len())..];
        (self.response.complete && !rest.is_empty()).then_some(rest)
    }

    /// True while the server has not closed, as far as can be seen without waiting.
    pub(crate) fn is_open(&mut self) -> bool {
        self.pump();
        self.ended.is_none()
    }

    pub(crate) fn if_open(mut self) -> Option<Client> {
        self.is_open().then_some(self)
    }

    /// A request is open and unanswered or unfinished: what a waiting subscriber looks like.
    pub(crate) fn is_waiting(&self) -> bool {
        self.ended.is_none() && !self.response.complete
    }

    /// Time from the request to the last byte that was read, or to the close.
    pub(crate) fn took(&self) -> Duration {
        self.last_byte_at.duration_since(self.asked_at)
    }

    pub(crate) fn seen_from(&self, start: usize) -> &[u8] {
        &self.response.body[start.min(self.response.body.len())..]
    }
}

/// Position of `needle` in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}
