//! The physical limit on this kernel: a single-threaded broadcaster with almost
//! no user-space work. It answers the same requests as the servers under test
//! (streaming, SSE, WebSocket, long-polling with a cursor, history, publish),
//! so the same client drives it. It is no server for anyone to use: no limits,
//! no time-outs, a fixed WebSocket key.
//!
//! Modes: `send`  one send(2) a subscriber a message;
//!        `batch` the messages of one event-loop turn go out in one send a subscriber;
//!        `writev` one writev(2) of three pieces, as nginx's chain of buffers does;
//!        `uring` one io_uring send entry a subscriber a message, submitted in bulk.
use crate::Params;
use crate::sys::*;
use io_uring::{IoUring, opcode, types};
use std::collections::{HashMap, VecDeque};
use std::os::fd::RawFd;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Send,
    Batch,
    Writev,
    Uring,
}

struct Conn {
    fd: RawFd,
    kind: u8, // 0 new, 1 stream, 2 sse, 3 ws, 4 long-poll waiting
    chan: u32,
    at: u32,
    inb: Vec<u8>,
    out: Vec<u8>,
}

#[derive(Default)]
struct Chan {
    subs: [Vec<u32>; 3],
    lp: Vec<u32>,
    ring: VecDeque<Vec<u8>>,
    base: u64,
    pend: [Vec<u8>; 3],
    dirty: bool,
}

struct Floor {
    ep: RawFd,
    conns: Vec<Conn>,
    free: Vec<u32>,
    names: HashMap<Vec<u8>, u32>,
    chans: Vec<Chan>,
    dirty: Vec<u32>,
    mode: Mode,
    ring: Option<IoUring>,
    keep: usize,
}

fn frame(kind: usize, body: &[u8], out: &mut Vec<u8>) {
    use std::io::Write;
    match kind {
        0 => {
            let _ = write!(out, "{:x}\r\n", body.len());
            out.extend_from_slice(body);
            out.extend_from_slice(b"\r\n");
        }
        1 => {
            let _ = write!(out, "{:x}\r\ndata: ", body.len() + 8);
            out.extend_from_slice(body);
            out.extend_from_slice(b"\n\n\r\n");
        }
        _ => {
            if body.len() < 126 {
                out.extend_from_slice(&[0x81, body.len() as u8]);
            } else if body.len() < 65536 {
                out.extend_from_slice(&[0x81, 126]);
                out.extend_from_slice(&(body.len() as u16).to_be_bytes());
            } else {
                out.extend_from_slice(&[0x81, 127]);
                out.extend_from_slice(&(body.len() as u64).to_be_bytes());
            }
            out.extend_from_slice(body);
        }
    }
}

fn lp_reply(seq: u64, body: &[u8], out: &mut Vec<u8>) {
    use std::io::Write;
    let _ = write!(
        out,
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nLast-Modified: Mon, 23 Nov 2026 00:00:00 GMT\r\nEtag: {}\r\n\r\n",
        body.len(),
        seq
    );
    out.extend_from_slice(body);
}

impl Floor {
    fn chan(&mut self, name: &[u8]) -> u32 {
        if let Some(&c) = self.names.get(name) {
            return c;
        }
        let c = self.chans.len() as u32;
        self.chans.push(Chan::default());
        self.names.insert(name.to_vec(), c);
        c
    }

    fn send(&mut self, i: u32, d: &[u8]) {
        let c = &mut self.conns[i as usize];
        if c.fd < 0 {
            return;
        }
        if !c.out.is_empty() {
            c.out.extend_from_slice(d);
            return;
        }
        let n = send(c.fd, d);
        if n < d.len() {
            c.out.extend_from_slice(&d[n..]);
        }
    }

    fn drop_conn(&mut self, i: u32) {
        let c = &mut self.conns[i as usize];
        let (kind, ch, at) = (c.kind, c.chan as usize, c.at as usize);
        if c.fd < 0 {
            return;
        }
        if let Some(r) = &self.ring {
            let _ = r.submitter().register_files_update(i, &[-1]);
        }
        close(c.fd);
        c.fd = -1;
        c.kind = 0;
        c.inb.clear();
        c.out.clear();
        if (1..=3).contains(&kind) {
            let v = &mut self.chans[ch].subs[kind as usize - 1];
            v.swap_remove(at);
            if at < v.len() {
                let moved = v[at];
                self.conns[moved as usize].at = at as u32;
            }
        } else if kind == 4 {
            self.chans[ch].lp.retain(|&x| x != i);
        }
        self.free.push(i);
    }

    fn publish(&mut self, ch: u32, body: &[u8], store: bool) {
        let lp = {
            let c = &mut self.chans[ch as usize];
            if store {
                c.ring.push_back(body.to_vec());
                if c.ring.len() > self.keep {
                    c.ring.pop_front();
                    c.base += 1;
                }
            }
            std::mem::take(&mut c.lp)
        };
        if !lp.is_empty() {
            let c = &self.chans[ch as usize];
            let seq = c.base + c.ring.len() as u64;
            let mut b = Vec::with_capacity(body.len() + 200);
            lp_reply(seq, body, &mut b);
            for &i in &lp {
                self.conns[i as usize].kind = 0;
                self.send(i, &b);
            }
        }
        for k in 0..3 {
            if self.chans[ch as usize].subs[k].is_empty() {
                continue;
            }
            if self.mode == Mode::Batch {
                let c = &mut self.chans[ch as usize];
                frame(k, body, &mut c.pend[k]);
                if !c.dirty {
                    c.dirty = true;
                    self.dirty.push(ch);
                }
                continue;
            }
            let mut b = Vec::with_capacity(body.len() + 32);
            frame(k, body, &mut b);
            self.broadcast(ch, k, &b);
        }
    }

    fn broadcast(&mut self, ch: u32, k: usize, b: &[u8]) {
        let subs = std::mem::take(&mut self.chans[ch as usize].subs[k]);
        if self.mode == Mode::Uring {
            self.uring(&subs, b);
        } else if self.mode == Mode::Writev && b.len() > 16 {
            let cut =
                b.iter().position(|&c| c == b'\n').map(|p| p + 1).unwrap_or(2).min(b.len() - 2);
            for &i in &subs {
                let c = &mut self.conns[i as usize];
                if !c.out.is_empty() || c.fd < 0 {
                    self.send(i, b);
                    continue;
                }
                let end = b.len() - 2;
                let n = send3(c.fd, [&b[..cut], &b[cut..end], &b[end..]]);
                if n < b.len() {
                    c.out.extend_from_slice(&b[n..]);
                }
            }
        } else {
            for &i in &subs {
                self.send(i, b);
            }
        }
        self.chans[ch as usize].subs[k] = subs;
    }

    fn uring(&mut self, subs: &[u32], b: &[u8]) {
        let mut at = 0;
        let mut inflight = 0usize;
        while at < subs.len() || inflight > 0 {
            {
                let ring = self.ring.as_mut().unwrap();
                let (_, mut sq, _) = ring.split();
                while at < subs.len() && !sq.is_full() {
                    let i = subs[at];
                    at += 1;
                    if !self.conns[i as usize].out.is_empty() {
                        self.conns[i as usize].out.extend_from_slice(b);
                        continue;
                    }
                    let e = opcode::Send::new(types::Fixed(i), b.as_ptr(), b.len() as u32)
                        .flags(libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
                        .build()
                        .user_data(i as u64);
                    // SAFETY: `b` lives until all entries have completed, below.
                    #[expect(unsafe_code, reason = "io_uring holds a pointer to the text")]
                    let _ = unsafe { sq.push(&e) };
                    inflight += 1;
                }
            }
            let ring = self.ring.as_mut().unwrap();
            let _ = ring.submit_and_wait(inflight.min(1));
            let mut short: Vec<(u32, usize)> = Vec::new();
            for cqe in ring.completion() {
                inflight -= 1;
                let n = cqe.result().max(0) as usize;
                if n < b.len() {
                    short.push((cqe.user_data() as u32, n));
                }
            }
            for (i, n) in short {
                self.conns[i as usize].out.extend_from_slice(&b[n..]);
            }
        }
    }

    fn flush_dirty(&mut self) {
        let d = std::mem::take(&mut self.dirty);
        for &ch in &d {
            for k in 0..3 {
                let b = std::mem::take(&mut self.chans[ch as usize].pend[k]);
                if !b.is_empty() {
                    self.broadcast(ch, k, &b);
                }
                let mut b = b;
                b.clear();
                self.chans[ch as usize].pend[k] = b;
            }
            self.chans[ch as usize].dirty = false;
        }
        let mut d = d;
        d.clear();
        self.dirty = d;
    }

    /// Handles one complete request at the head of the input; returns the bytes used, 0 for "need more".
    fn request(&mut self, i: u32) -> usize {
        let inb = std::mem::take(&mut self.conns[i as usize].inb);
        let used = self.request_in(i, &inb);
        if self.conns[i as usize].fd >= 0 {
            self.conns[i as usize].inb = inb;
        }
        used
    }

    fn request_in(&mut self, i: u32, d: &[u8]) -> usize {
        let Some(p) = d.windows(4).position(|w| w == b"\r\n\r\n") else { return 0 };
        let head = &d[..p + 2];
        let body_at = p + 4;
        let mut it = head.split(|&c| c == b' ');
        let (Some(method), Some(path)) = (it.next(), it.next()) else { return d.len() };
        let header = |name: &[u8]| -> Option<&[u8]> {
            head.split(|&c| c == b'\n').find_map(|l| {
                if l.len() > name.len()
                    && l[..name.len()].eq_ignore_ascii_case(name)
                    && l[name.len()] == b':'
                {
                    Some(l[name.len() + 1..].trim_ascii())
                } else {
                    None
                }
            })
        };
        if method == b"POST" {
            let n: usize = header(b"content-length")
                .and_then(|v| std::str::from_utf8(v).ok())
                .and_then(|v| v.parse().ok())
                .unwrap_or(0);
            if d.len() < body_at + n {
                return 0;
            }
            let q = path.iter().position(|&c| c == b'=').map(|x| x + 1).unwrap_or(0);
            let ch = self.chan(&path[q..]);
            let store = !path.starts_with(b"/pubns");
            self.publish(ch, &d[body_at..body_at + n], store);
            self.send(
                i,
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok",
            );
            return body_at + n;
        }
        let kind: u8 = if path.starts_with(b"/ev/") {
            2
        } else if path.starts_with(b"/ws/") {
            3
        } else if path.starts_with(b"/lp/") {
            4
        } else {
            1
        };
        let mut name = &path[if kind == 1 { 5.min(path.len()) } else { 4 }..];
        let mut back = 0usize;
        if let Some(x) = name.windows(2).rposition(|w| w == b".b")
            && let Some(n) = std::str::from_utf8(&name[x + 2..]).ok().and_then(|s| s.parse().ok())
        {
            back = n;
            name = &name[..x];
        }
        let ch = self.chan(name);
        if kind == 4 {
            let seq: Option<u64> = header(b"if-none-match")
                .and_then(|v| std::str::from_utf8(v).ok())
                .and_then(|v| v.parse().ok());
            let c = &self.chans[ch as usize];
            let last = c.base + c.ring.len() as u64;
            match seq {
                Some(s) if s < last => {
                    let s = s.max(c.base);
                    let mut b = Vec::new();
                    lp_reply(s + 1, &c.ring[(s - c.base) as usize], &mut b);
                    self.send(i, &b);
                }
                _ => {
                    let k = &mut self.conns[i as usize];
                    k.kind = 4;
                    k.chan = ch;
                    self.chans[ch as usize].lp.push(i);
                }
            }
            return body_at;
        }
        let mut b: Vec<u8> = match kind {
            3 => b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n".to_vec(),
            2 => b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
            _ => b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
        };
        if back > 0 {
            let c = &self.chans[ch as usize];
            let from = c.ring.len().saturating_sub(back);
            for m in c.ring.iter().skip(from) {
                frame(kind as usize - 1, m, &mut b);
            }
        }
        self.send(i, &b);
        let c = &mut self.conns[i as usize];
        c.kind = kind;
        c.chan = ch;
        let v = &mut self.chans[ch as usize].subs[kind as usize - 1];
        c.at = v.len() as u32;
        v.push(i);
        body_at
    }
}

fn ring() -> std::io::Result<IoUring> {
    let ring = IoUring::builder().setup_single_issuer().setup_defer_taskrun().build(1024)?;
    ring.submitter().register_files_sparse(19000)?;
    Ok(ring)
}

/// Serves until it is ended.
pub fn run(params: &Params) -> Result<i32, String> {
    let get = |key: &str| params.get(key).map(String::as_str);
    let port = get("port").and_then(|s| s.parse().ok()).ok_or("floor needs --port")?;
    let keep: usize = get("keep").and_then(|s| s.parse().ok()).unwrap_or(1000);
    let sndbuf: i32 = get("sndbuf").and_then(|s| s.parse().ok()).unwrap_or(0);
    let nodelay = get("nodelay") != Some("off");
    end_with_parent();
    let mode = match get("mode").unwrap_or("send") {
        "send" => Mode::Send,
        "batch" => Mode::Batch,
        "writev" => Mode::Writev,
        "uring" => Mode::Uring,
        m => return Err(format!("floor: --mode {m}: must be send, batch, writev or uring")),
    };
    let lfd = listen_nb(port, 4096).map_err(|e| format!("floor: port {port}: {e}"))?;
    if sndbuf > 0 {
        setopt(lfd, libc::SOL_SOCKET, libc::SO_SNDBUF, sndbuf);
    }
    let ring = match mode {
        Mode::Uring => Some(ring().map_err(|e| format!("floor: io_uring: {e}"))?),
        _ => None,
    };
    let ep = epoll();
    watch_listener(ep, lfd, u64::MAX);
    let mut f = Floor {
        ep,
        conns: Vec::new(),
        free: Vec::new(),
        names: HashMap::new(),
        chans: Vec::new(),
        dirty: Vec::new(),
        mode,
        ring,
        keep,
    };
    let mut evs = vec![Event { events: 0, u64: 0 }; 512];
    let mut buf = vec![0u8; 128 * 1024];
    loop {
        let n = wait(f.ep, &mut evs, -1);
        for event in &evs[..n] {
            let (what, id) = (event.events, event.u64);
            if id == u64::MAX {
                while let Some(fd) = accept_nb(lfd) {
                    if nodelay {
                        setopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
                    }
                    let c = Conn { fd, kind: 0, chan: 0, at: 0, inb: Vec::new(), out: Vec::new() };
                    let i = match f.free.pop() {
                        Some(i) => {
                            f.conns[i as usize] = c;
                            i
                        }
                        None => {
                            f.conns.push(c);
                            f.conns.len() as u32 - 1
                        }
                    };
                    if let Some(r) = &f.ring {
                        let _ = r.submitter().register_files_update(i, &[fd]);
                    }
                    watch(f.ep, fd, i as u64);
                }
                continue;
            }
            let i = id as u32;
            if f.conns[i as usize].fd < 0 {
                continue;
            }
            if what & WRITABLE != 0 && !f.conns[i as usize].out.is_empty() {
                let d = std::mem::take(&mut f.conns[i as usize].out);
                f.send(i, &d);
            }
            if what & READABLE == 0 {
                continue;
            }
            loop {
                let fd = f.conns[i as usize].fd;
                if fd < 0 {
                    break;
                }
                let n = match recv(fd, &mut buf) {
                    Ok(None) => break,
                    Ok(Some(0)) | Err(_) => {
                        f.drop_conn(i);
                        break;
                    }
                    Ok(Some(n)) => n,
                };
                f.conns[i as usize].inb.extend_from_slice(&buf[..n]);
                loop {
                    let used = f.request(i);
                    if used == 0 || f.conns[i as usize].fd < 0 {
                        break;
                    }
                    f.conns[i as usize].inb.drain(..used);
                    if f.conns[i as usize].inb.is_empty() {
                        // an idle subscriber keeps no buffer
                        if f.conns[i as usize].kind != 0 {
                            f.conns[i as usize].inb = Vec::new();
                        }
                        break;
                    }
                }
                if n < buf.len() {
                    break;
                }
            }
        }
        f.flush_dirty();
    }
}
