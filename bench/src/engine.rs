//! The client side: one epoll loop which holds thousands of subscribers, the
//! publishers and the churning connections, and reads what they get.
mod conn;
mod message;

use crate::sys::*;
use conn::*;
use message::*;
use std::os::fd::RawFd;

pub use conn::Proto;
pub use message::short;

/// All connections of the client, and what they got.
pub struct Engine {
    ep: RawFd,
    pub conns: Vec<Conn>,
    pub st: Stats,
    buf: Vec<u8>,
    evs: Vec<Event>,
    scratch: Vec<u8>,
    srcn: u32,
    pub connecting: usize,
    /// churn goes on while true
    pub churning: bool,
    /// More than 0: sleep that many microseconds before each look at the sockets instead of
    /// > blocking in epoll_wait, so that the server's sends wake nobody up (less noise in
    /// > its CPU time; latencies are then quantised)
    pub lazy_us: u64,
    pub fail: Vec<String>,
    more: bool,
}

impl Engine {
    pub fn new(size: usize) -> Self {
        Engine {
            ep: epoll(),
            conns: Vec::new(),
            st: Stats::new(size),
            buf: vec![0; 256 * 1024],
            evs: vec![Event { events: 0, u64: 0 }; 1024],
            scratch: Vec::with_capacity(4096),
            srcn: 0,
            connecting: 0,
            churning: false,
            lazy_us: 0,
            fail: Vec::new(),
            more: false,
        }
    }

    pub fn reset_stats(&mut self) {
        let size = self.st.size;
        self.st = Stats::new(size);
    }

    fn note(&mut self, s: String) {
        if self.fail.len() < 8 {
            self.fail.push(s);
        }
    }

    pub fn add(&mut self, proto: Proto, port: u16, path: &str, chan: u32) -> usize {
        let c = Conn {
            fd: -1,
            proto,
            phase: Phase::Closed,
            framing: Framing::UntilClose,
            chan,
            port,
            path: path.into(),
            hdr: Vec::new(),
            out: Vec::new(),
            status: 0,
            fstate: 0,
            frem: 0,
            facc: 0,
            whdr: [0; 14],
            wn: 0,
            wop: 0,
            mstate: 0,
            mn: 0,
            mrem: 0,
            mhdr: [0; HEAD],
            mbad: false,
            next: 0,
            got: 0,
            paused: false,
            outstanding: 0,
            sent_at: 0,
            etag: "".into(),
            lm: "".into(),
            rcvbuf: 0,
            closing: false,
        };
        self.conns.push(c);
        self.conns.len() - 1
    }

    pub fn set_rcvbuf(&mut self, i: usize, v: i32) {
        self.conns[i].rcvbuf = v;
    }

    pub fn open(&mut self, i: usize) {
        self.srcn = self.srcn.wrapping_add(1);
        let src = [127, 0, 1, (self.srcn % 64 + 1) as u8];
        let (port, rcvbuf) = (self.conns[i].port, self.conns[i].rcvbuf);
        match connect_nb(src, port, rcvbuf) {
            Ok(fd) => {
                let c = &mut self.conns[i];
                c.fd = fd;
                c.phase = Phase::Connecting;
                c.reset_parse();
                self.connecting += 1;
                watch(self.ep, fd, i as u64);
            }
            Err(e) => self.note(format!("connect: {e}")),
        }
    }

    fn request(&mut self, i: usize) {
        use std::fmt::Write;
        let c = &mut self.conns[i];
        let mut s = String::with_capacity(256);
        let _ = write!(s, "GET {} HTTP/1.1\r\nHost: bench\r\n", c.path);
        match c.proto {
            Proto::Ws => s.push_str(
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            ),
            Proto::Sse => s.push_str("Accept: text/event-stream\r\n"),
            Proto::Stream | Proto::Churn => s.push_str("TE: chunked\r\n"),
            _ => {}
        }
        if c.proto == Proto::Lp {
            if !c.lm.is_empty() {
                let _ = write!(s, "If-Modified-Since: {}\r\n", c.lm);
            }
            if !c.etag.is_empty() {
                let _ = write!(s, "If-None-Match: {}\r\n", c.etag);
            }
        }
        s.push_str("\r\n");
        c.phase = Phase::Headers;
        c.reset_parse();
        self.st.polls += 1;
        self.write(i, s.as_bytes());
    }

    fn write(&mut self, i: usize, d: &[u8]) {
        let c = &mut self.conns[i];
        if !c.out.is_empty() {
            c.out.extend_from_slice(d);
            return;
        }
        let n = send(c.fd, d);
        if n < d.len() {
            c.out.extend_from_slice(&d[n..]);
        }
    }

    fn flush(&mut self, i: usize) {
        if self.conns[i].out.is_empty() {
            return;
        }
        let d = std::mem::take(&mut self.conns[i].out);
        self.write(i, &d);
    }

    /// Publishes one message on publisher connection `i`; several may be outstanding (pipelined).
    pub fn publish(&mut self, i: usize, path: &str, chan: u32, seq: u32) {
        use std::io::Write;
        let mut b = std::mem::take(&mut self.scratch);
        b.clear();
        let ts = now_ns();
        let size = self.st.size;
        let _ = write!(b, "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {size}\r\n\r\n");
        compose(&mut b, size, seq, ts, chan);
        let c = &mut self.conns[i];
        c.outstanding += 1;
        c.sent_at = ts;
        if c.phase == Phase::Connecting {
            c.out.extend_from_slice(&b);
        } else {
            if c.phase == Phase::Idle {
                c.phase = Phase::Headers;
            }
            self.write(i, &b);
        }
        self.scratch = b;
    }

    pub fn close(&mut self, i: usize, rst: bool) {
        let c = &mut self.conns[i];
        if c.fd >= 0 {
            if rst {
                close_rst(c.fd)
            } else {
                close(c.fd)
            }
            c.fd = -1;
            c.phase = Phase::Closed;
        }
    }

    pub fn close_all(&mut self) {
        for i in 0..self.conns.len() {
            self.close(i, true);
        }
        self.conns.clear();
    }

    pub fn is_open(&self, i: usize) -> bool {
        self.conns[i].fd >= 0
    }

    fn ended(&mut self, i: usize, why: &str) {
        let name = self.conns[i].proto.name();
        self.st.ended += 1;
        self.note(format!("{name}: {why}"));
        self.close(i, true);
    }

    fn readable(&mut self, i: usize) {
        let mut buf = std::mem::take(&mut self.buf);
        loop {
            let c = &mut self.conns[i];
            if c.fd < 0 || c.paused {
                break;
            }
            let n = match recv(c.fd, &mut buf) {
                Ok(None) => break,
                Ok(Some(0)) => {
                    self.ended(i, "closed by the server");
                    break;
                }
                Err(error) => {
                    self.ended(i, &error.to_string());
                    break;
                }
                Ok(Some(n)) => n,
            };
            self.st.bytes += n as u64;
            let now = now_ns();
            self.bytes(i, &buf[..n], now);
            if n < buf.len() {
                break;
            }
        }
        self.buf = buf;
    }

    fn bytes(&mut self, i: usize, mut d: &[u8], now: u64) {
        while !d.is_empty() {
            let c = &mut self.conns[i];
            match c.phase {
                Phase::Headers | Phase::Idle => {
                    // find the end of the headers over the old and the new bytes
                    let old = c.hdr.len();
                    c.hdr.extend_from_slice(d);
                    let from = old.saturating_sub(3);
                    let Some(p) = c.hdr[from..].windows(4).position(|w| w == b"\r\n\r\n") else {
                        return;
                    };
                    let end = from + p + 4;
                    let used = end - old;
                    c.headers(end, &mut self.st);
                    d = &d[used..];
                    let c = &mut self.conns[i];
                    let proto = c.proto;
                    if proto == Proto::Churn {
                        self.st.cycles += 1;
                        self.close(i, false);
                        if self.churning {
                            self.open(i);
                        }
                        return;
                    }
                    if c.framing == Framing::Length && c.frem == 0 {
                        self.complete(i, now);
                    }
                }
                Phase::Body => {
                    let (n, done) = c.body(d, &mut self.st, now);
                    d = &d[n..];
                    if done == Done::Yes {
                        self.complete(i, now);
                    }
                }
                _ => return,
            }
        }
    }

    fn complete(&mut self, i: usize, now: u64) {
        let c = &mut self.conns[i];
        match c.proto {
            Proto::Pub => {
                c.outstanding = c.outstanding.saturating_sub(1);
                self.st.pub_done += 1;
                if self.st.measure {
                    self.st.pub_hist.add(now - c.sent_at);
                }
                c.phase = if c.outstanding > 0 { Phase::Headers } else { Phase::Idle };
                c.hdr.clear();
                if c.closing && c.outstanding == 0 {
                    // a server without keep-alive: connect anew for the next publish
                    c.closing = false;
                    self.close(i, true);
                    self.open(i);
                }
            }
            Proto::Lp => {
                c.phase = Phase::Idle;
                self.request(i);
            }
            _ => {
                self.st.ended += 1;
                let p = c.proto;
                let s = c.status;
                self.note(format!("{} response ended by the server (status {s})", p.name()));
                self.close(i, false);
            }
        }
    }

    pub fn resume(&mut self, i: usize) {
        self.conns[i].paused = false;
        self.readable(i);
    }

    pub fn poll(&mut self, timeout_ms: i32) -> usize {
        let mut evs = std::mem::take(&mut self.evs);
        let mut timeout_ms = timeout_ms;
        if self.lazy_us > 0 {
            timeout_ms = 0;
            if !self.more {
                std::thread::sleep(std::time::Duration::from_micros(self.lazy_us));
            }
        }
        let n = wait(self.ep, &mut evs, timeout_ms);
        self.more = n == evs.len();
        for e in &evs[..n] {
            let i = e.u64 as usize;
            let what = e.events;
            if i >= self.conns.len() || self.conns[i].fd < 0 {
                continue;
            }
            if self.conns[i].phase == Phase::Connecting {
                if what & (libc::EPOLLERR | libc::EPOLLHUP) as u32 != 0 {
                    self.connecting -= 1;
                    self.st.ended += 1;
                    self.note("connect refused or reset".into());
                    self.close(i, true);
                    continue;
                }
                if what & WRITABLE != 0 {
                    self.connecting -= 1;
                    self.st.opened += 1;
                    if self.conns[i].proto == Proto::Pub {
                        let any = self.conns[i].outstanding > 0;
                        self.conns[i].phase = if any { Phase::Headers } else { Phase::Idle };
                        self.flush(i);
                    } else {
                        self.request(i);
                    }
                }
                continue;
            }
            if what & WRITABLE != 0 {
                self.flush(i);
            }
            if what & READABLE != 0 {
                self.readable(i);
            }
        }
        self.evs = evs;
        n
    }

    /// Opens the given connections, at most `window` in the connecting or header phase at a time.
    /// For long-polling, "open" means that the request is on the wire.
    pub fn open_many(&mut self, ids: &[usize], window: usize, limit_s: u64) -> bool {
        let lp = ids
            .first()
            .map(|&i| matches!(self.conns[i].proto, Proto::Lp | Proto::Pub))
            .unwrap_or(false);
        let (o0, h0, e0) = (self.st.opened, self.st.headers, self.st.ended);
        let end = now_ns() + limit_s * 1_000_000_000;
        let mut next = 0;
        loop {
            let done = (if lp { self.st.opened - o0 } else { self.st.headers - h0 } + self.st.ended
                - e0) as usize;
            if done >= ids.len() {
                return self.st.ended == e0;
            }
            while next < ids.len() && next - done.min(next) < window {
                self.open(ids[next]);
                next += 1;
            }
            self.poll(20);
            if now_ns() > end {
                self.note(format!(
                    "only {done} of {} connections opened in {limit_s} s",
                    ids.len()
                ));
                return false;
            }
        }
    }

    pub fn drain(&mut self, ms: u64) {
        let end = now_ns() + ms * 1_000_000;
        while now_ns() < end {
            self.poll(5);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.close_all();
        close(self.ep);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conn(proto: Proto) -> (Engine, usize) {
        let mut e = Engine::new(64);
        let i = e.add(proto, 1, "/", 3);
        e.conns[i].phase = Phase::Headers;
        (e, i)
    }
    fn msg(seq: u32) -> Vec<u8> {
        let mut m = Vec::new();
        compose(&mut m, 64, seq, 5, 3);
        assert_eq!(m.len(), 64);
        m
    }

    #[test]
    fn chunked_in_every_split() {
        let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for s in 0..3 {
            wire.extend_from_slice(b"40\r\n");
            wire.extend_from_slice(&msg(s));
            wire.extend_from_slice(b"\r\n");
        }
        for cut in 1..wire.len() {
            let (mut e, i) = conn(Proto::Stream);
            e.bytes(i, &wire[..cut], 9);
            e.bytes(i, &wire[cut..], 9);
            assert_eq!(
                (e.st.received, e.st.gap, e.st.ooo, e.st.corrupt, e.st.framing, e.st.extra),
                (3, 0, 0, 0, 0, 0),
                "cut {cut}"
            );
        }
    }

    #[test]
    fn websocket_and_lost_and_corrupt() {
        let mut wire = b"HTTP/1.1 101 Switching\r\n\r\n".to_vec();
        for s in [0u32, 2, 1] {
            wire.extend_from_slice(&[0x81, 64]);
            wire.extend_from_slice(&msg(s));
        }
        let n = wire.len();
        wire[n - 5] = b'y';
        let (mut e, i) = conn(Proto::Ws);
        for b in wire.chunks(7) {
            e.bytes(i, b, 9);
        }
        assert_eq!(
            (e.st.received, e.st.gap, e.st.ooo, e.st.corrupt, e.st.framing),
            (3, 1, 1, 1, 0)
        );
    }

    /// What a subscriber makes of these messages of this size, one chunk each, cut in all places up to 100.
    fn chunks(size: usize, seqs: &[u32], damage: Option<usize>) -> (u64, u64, u64, u64) {
        let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for &seq in seqs {
            wire.extend_from_slice(format!("{size:x}\r\n").as_bytes());
            compose(&mut wire, size, seq, 5, 3);
            wire.extend_from_slice(b"\r\n");
        }
        if let Some(back) = damage {
            let at = wire.len() - 2 - back;
            wire[at] = b'y';
        }
        let mut seen = None;
        for cut in 1..100 {
            let mut e = Engine::new(size);
            let i = e.add(Proto::Stream, 1, "/", 3);
            e.conns[i].phase = Phase::Headers;
            e.bytes(i, &wire[..cut], 9);
            e.bytes(i, &wire[cut..], 9);
            assert_eq!((e.st.framing, e.st.extra, e.st.ooo), (0, 0, 0), "cut {cut}");
            let counts = (e.st.received, e.st.gap, e.st.corrupt, e.st.ended);
            assert_eq!(*seen.get_or_insert(counts), counts, "cut {cut}");
        }
        seen.unwrap()
    }

    #[test]
    fn messages_of_any_size_are_checked() {
        let seqs: Vec<u32> = (0..60).collect();
        for size in [1, 2, 32, 33, 256] {
            assert_eq!(chunks(size, &seqs, None), (60, 0, 0, 0), "{size}");
            assert_eq!(chunks(size, &seqs, Some(1)), (60, 0, 1, 0), "{size}");
            let lost: Vec<u32> = seqs.iter().copied().filter(|seq| *seq != 40).collect();
            assert_eq!(chunks(size, &lost, None), (59, 1, 0, 0), "{size}");
        }
        assert_eq!(chunks(1 << 20, &[0, 1], None), (2, 0, 0, 0));
        assert_eq!(chunks(1 << 20, &[0, 1], Some(300_000)), (2, 0, 1, 0));
    }

    #[test]
    fn pipelined_publish_responses() {
        let (mut e, i) = conn(Proto::Pub);
        e.conns[i].outstanding = 2;
        e.bytes(i, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 9);
        assert_eq!((e.st.pub_done, e.st.pub_fail, e.st.bad_status), (2, 0, 0));
    }
}
