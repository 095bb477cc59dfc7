//! One connection of the client: parses the response in whatever pieces it comes (headers,
//! chunks, WebSocket frames, messages in them) and checks every message.
use super::message::*;
use std::os::fd::RawFd;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Proto {
    Stream,
    Sse,
    Ws,
    Lp,
    Pub,
    Churn,
}

impl Proto {
    pub fn parse(s: &str) -> Option<Proto> {
        Some(match s {
            "stream" => Proto::Stream,
            "sse" => Proto::Sse,
            "ws" => Proto::Ws,
            "lp" => Proto::Lp,
            _ => return None,
        })
    }
    pub fn name(self) -> &'static str {
        match self {
            Proto::Stream => "stream",
            Proto::Sse => "sse",
            Proto::Ws => "ws",
            Proto::Lp => "lp",
            Proto::Pub => "pub",
            Proto::Churn => "churn",
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Closed,
    Connecting,
    Headers,
    Body,
    Idle,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Framing {
    UntilClose,
    Chunked,
    Length,
    Ws,
}

// message layer states
pub(super) const M_IDLE: u8 = 0;
pub(super) const M_HEAD: u8 = 1;
pub(super) const M_TAIL: u8 = 2;
// chunked states
pub(super) const C_SIZE: u8 = 0;
pub(super) const C_EXT: u8 = 1;
pub(super) const C_SIZELF: u8 = 2;
pub(super) const C_DATA: u8 = 3;
pub(super) const C_CR: u8 = 4;
pub(super) const C_LF: u8 = 5;
pub(super) const C_TRAIL: u8 = 6;
// websocket states
pub(super) const W_HEAD: u8 = 0;
pub(super) const W_DATA: u8 = 1;

pub struct Conn {
    pub(super) fd: RawFd,
    pub proto: Proto,
    pub(super) phase: Phase,
    pub(super) framing: Framing,
    pub chan: u32,
    pub(super) port: u16,
    pub(super) path: Box<str>,
    pub(super) hdr: Vec<u8>,
    pub(super) out: Vec<u8>,
    pub(super) status: u16,
    pub(super) fstate: u8,
    pub(super) frem: u64,
    pub(super) facc: u64,
    pub(super) whdr: [u8; 14],
    pub(super) wn: u8,
    pub(super) wop: u8,
    pub(super) mstate: u8,
    pub(super) mn: u8,
    pub(super) mrem: u32,
    pub(super) mhdr: [u8; HEAD],
    pub(super) mbad: bool,
    pub next: u32,
    pub got: u32,
    pub paused: bool,
    pub outstanding: u32,
    pub(super) sent_at: u64,
    pub(super) etag: Box<str>,
    pub(super) lm: Box<str>,
    pub(super) rcvbuf: i32,
    pub(super) closing: bool,
}

#[derive(PartialEq, Eq)]
pub(super) enum Done {
    No,
    Yes,
}

impl Conn {
    pub(super) fn reset_parse(&mut self) {
        self.hdr.clear();
        self.fstate = C_SIZE;
        self.frem = 0;
        self.facc = 0;
        self.wn = 0;
        self.mstate = M_IDLE;
        self.mn = 0;
        self.mrem = 0;
        self.framing = Framing::UntilClose;
    }

    fn message(&mut self, st: &mut Stats, now: u64) {
        let h = &self.mhdr;
        let seq = hex(&h[1..9]);
        let ts = hex(&h[10..26]);
        let ch = hex(&h[27..31]);
        let (Some(seq), Some(ts), Some(ch)) = (seq, ts, ch) else {
            st.corrupt += 1;
            return;
        };
        if self.mbad
            || h[9] != b':'
            || h[26] != b':'
            || h[31] != b';'
            || ch as u32 != self.chan & 0xffff
        {
            st.corrupt += 1;
        }
        self.count(seq as u32, st, now);
        if st.measure {
            st.hist.add(now.saturating_sub(ts));
        }
    }

    fn count(&mut self, seq: u32, st: &mut Stats, now: u64) {
        if seq == self.next {
            self.next = seq + 1;
        } else if seq > self.next {
            st.gap += (seq - self.next) as u64;
            self.next = seq + 1;
        } else {
            st.ooo += 1;
        }
        self.got += 1;
        st.received += 1;
        st.last_rx = now;
    }

    /// Short messages follow each other without anything between: lost ones show as a gap.
    fn feed_short(&mut self, mut d: &[u8], st: &mut Stats, now: u64) {
        while !d.is_empty() {
            if self.mrem == 0 {
                self.mhdr[0] = d[0];
                self.mbad = !d[0].is_ascii_uppercase();
                self.mrem = st.size as u32 - 1;
                d = &d[1..];
            }
            let take = (self.mrem as usize).min(d.len());
            self.mbad |= !padding(&d[..take]);
            self.mrem -= take as u32;
            d = &d[take..];
            if self.mrem == 0 {
                st.corrupt += u64::from(self.mbad);
                let ahead = match self.mbad {
                    true => 0,
                    false => (self.mhdr[0] as u32 + LETTERS - letter(self.next) as u32) % LETTERS,
                };
                self.count(self.next + ahead, st, now);
            }
        }
    }

    fn feed(&mut self, mut d: &[u8], st: &mut Stats, now: u64) {
        if short(st.size) {
            return self.feed_short(d, st, now);
        }
        while !d.is_empty() {
            match self.mstate {
                M_IDLE => {
                    let Some(off) = memchr::memchr(b'@', d) else {
                        st.extra += d.len() as u64;
                        return;
                    };
                    st.extra += off as u64;
                    d = &d[off..];
                    self.mstate = M_HEAD;
                    self.mn = 0;
                }
                M_HEAD => {
                    let take = (HEAD - self.mn as usize).min(d.len());
                    let at = self.mn as usize;
                    self.mhdr[at..at + take].copy_from_slice(&d[..take]);
                    self.mn += take as u8;
                    d = &d[take..];
                    if self.mn as usize == HEAD {
                        self.mrem = (st.size - HEAD) as u32;
                        self.mbad = false;
                        self.mstate = M_TAIL;
                    }
                }
                _ => {
                    let take = (self.mrem as usize).min(d.len());
                    let last = take == self.mrem as usize;
                    let xs = if last { take - 1 } else { take };
                    if !padding(&d[..xs]) || (last && d[take - 1] != b'!') {
                        self.mbad = true;
                    }
                    self.mrem -= take as u32;
                    d = &d[take..];
                    if last {
                        self.mstate = M_IDLE;
                        self.message(st, now);
                    }
                }
            }
        }
    }

    fn payload(&mut self, d: &[u8], st: &mut Stats, now: u64) {
        if self.proto != Proto::Pub {
            self.feed(d, st, now);
        }
    }

    /// Consumes body bytes; says how many were used and whether the response is complete.
    pub(super) fn body(&mut self, d: &[u8], st: &mut Stats, now: u64) -> (usize, Done) {
        match self.framing {
            Framing::UntilClose => {
                self.payload(d, st, now);
                (d.len(), Done::No)
            }
            Framing::Length => {
                let t = (self.frem as usize).min(d.len());
                self.payload(&d[..t], st, now);
                self.frem -= t as u64;
                (t, if self.frem == 0 { Done::Yes } else { Done::No })
            }
            Framing::Chunked => {
                let mut i = 0;
                while i < d.len() {
                    let c = d[i];
                    match self.fstate {
                        C_SIZE => {
                            i += 1;
                            match c {
                                b'0'..=b'9' => self.facc = self.facc << 4 | (c - b'0') as u64,
                                b'a'..=b'f' => self.facc = self.facc << 4 | (c - b'a' + 10) as u64,
                                b'A'..=b'F' => self.facc = self.facc << 4 | (c - b'A' + 10) as u64,
                                b';' => self.fstate = C_EXT,
                                b'\r' => self.fstate = C_SIZELF,
                                _ => st.framing += 1,
                            }
                        }
                        C_EXT => {
                            i += 1;
                            if c == b'\r' {
                                self.fstate = C_SIZELF;
                            }
                        }
                        C_SIZELF => {
                            i += 1;
                            if c != b'\n' {
                                st.framing += 1;
                            }
                            self.frem = self.facc;
                            self.facc = 0;
                            self.fstate = if self.frem == 0 { C_TRAIL } else { C_DATA };
                        }
                        C_DATA => {
                            let t = (self.frem as usize).min(d.len() - i);
                            self.payload(&d[i..i + t], st, now);
                            self.frem -= t as u64;
                            i += t;
                            if self.frem == 0 {
                                self.fstate = C_CR;
                            }
                        }
                        C_CR => {
                            i += 1;
                            if c != b'\r' {
                                st.framing += 1;
                            }
                            self.fstate = C_LF;
                        }
                        C_LF => {
                            i += 1;
                            if c != b'\n' {
                                st.framing += 1;
                            }
                            self.fstate = C_SIZE;
                        }
                        _ => {
                            i += 1;
                            if c == b'\n' {
                                self.fstate = C_SIZE;
                                return (i, Done::Yes);
                            }
                        }
                    }
                }
                (i, Done::No)
            }
            Framing::Ws => {
                let mut i = 0;
                while i < d.len() {
                    if self.fstate == W_HEAD {
                        self.whdr[self.wn as usize] = d[i];
                        self.wn += 1;
                        i += 1;
                        if self.wn < 2 {
                            continue;
                        }
                        let l = self.whdr[1] & 0x7f;
                        let need = match l {
                            126 => 4,
                            127 => 10,
                            _ => 2,
                        };
                        if self.whdr[1] & 0x80 != 0 || self.whdr[0] & 0x70 != 0 {
                            st.framing += 1;
                        }
                        if (self.wn as usize) < need {
                            continue;
                        }
                        self.frem = match l {
                            126 => u16::from_be_bytes([self.whdr[2], self.whdr[3]]) as u64,
                            127 => u64::from_be_bytes(self.whdr[2..10].try_into().unwrap()),
                            n => n as u64,
                        };
                        self.wop = self.whdr[0] & 0x0f;
                        self.wn = 0;
                        if self.wop == 8 {
                            return (d.len(), Done::Yes);
                        }
                        if self.frem > 0 {
                            self.fstate = W_DATA;
                        }
                    } else {
                        let t = (self.frem as usize).min(d.len() - i);
                        if self.wop <= 2 {
                            self.payload(&d[i..i + t], st, now);
                        }
                        self.frem -= t as u64;
                        i += t;
                        if self.frem == 0 {
                            self.fstate = W_HEAD;
                        }
                    }
                }
                (i, Done::No)
            }
        }
    }

    pub(super) fn headers(&mut self, end: usize, st: &mut Stats) {
        let h = std::mem::take(&mut self.hdr);
        let text = &h[..end];
        self.status = text
            .get(9..12)
            .and_then(|s| std::str::from_utf8(s).ok())
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        self.framing = Framing::UntilClose;
        self.frem = 0;
        self.fstate = C_SIZE;
        self.facc = 0;
        for line in text.split(|&c| c == b'\n').skip(1) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(p) = line.iter().position(|&c| c == b':') else { continue };
            let k = &line[..p];
            let v = line[p + 1..].trim_ascii();
            if k.eq_ignore_ascii_case(b"content-length") {
                self.framing = Framing::Length;
                self.frem = std::str::from_utf8(v).ok().and_then(|s| s.parse().ok()).unwrap_or(0);
            } else if k.eq_ignore_ascii_case(b"transfer-encoding")
                && v.eq_ignore_ascii_case(b"chunked")
            {
                self.framing = Framing::Chunked;
            } else if self.proto == Proto::Pub && k.eq_ignore_ascii_case(b"connection") {
                self.closing = v.eq_ignore_ascii_case(b"close");
            } else if self.proto == Proto::Lp && k.eq_ignore_ascii_case(b"etag") {
                if *self.etag.as_bytes() != *v {
                    self.etag = String::from_utf8_lossy(v).into();
                }
            } else if self.proto == Proto::Lp
                && k.eq_ignore_ascii_case(b"last-modified")
                && *self.lm.as_bytes() != *v
            {
                self.lm = String::from_utf8_lossy(v).into();
            }
        }
        if self.status == 101 {
            self.framing = Framing::Ws;
            self.fstate = W_HEAD;
            self.wn = 0;
        }
        if self.status == 304 || self.status == 204 {
            self.framing = Framing::Length;
            self.frem = 0;
        }
        let want = if self.proto == Proto::Ws { 101 } else { 200 };
        let ok =
            self.status == want || (self.proto == Proto::Pub && (200..300).contains(&self.status));
        if !ok {
            st.bad_status += 1;
            st.last_bad = self.status;
            if self.proto == Proto::Pub {
                st.pub_fail += 1;
            }
        }
        st.headers += 1;
        let mut h = h;
        h.clear();
        if self.proto == Proto::Pub || self.proto == Proto::Lp || self.proto == Proto::Churn {
            self.hdr = h;
        }
        self.phase = Phase::Body;
    }
}
