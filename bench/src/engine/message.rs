//! What every message looks like, and the counts of what came of them.
//!
//! A message has a fixed layout so that it can be found and checked in any protocol:
//! '@' seq(8 hex) ':' ns(16 hex) ':' channel(4 hex) ';' 'x'... '!'.
//! One that is too short for that is a letter, the next of the alphabet for each message, and 'x'...:
//! its order is checked, its time is not known, and it is found only where nothing stands around it.
use crate::hist::Hist;

pub const HEAD: usize = 32;

static FILL: [u8; 65536] = [b'x'; 65536];

pub fn compose(out: &mut Vec<u8>, size: usize, seq: u32, ts: u64, chan: u32) {
    use std::io::Write;
    let end = out.len() + size;
    if short(size) {
        out.push(letter(seq));
        out.resize(end, FILL[0]);
        return;
    }
    let _ = write!(out, "@{:08x}:{:016x}:{:04x};", seq, ts, chan & 0xffff);
    out.resize(end - 1, FILL[0]);
    out.push(b'!');
}

/// Whether a message of this size has no room for the whole head.
pub fn short(size: usize) -> bool {
    size <= HEAD
}

/// How many letters tell short messages apart.
pub(super) const LETTERS: u32 = 26;

pub(super) fn letter(seq: u32) -> u8 {
    b'A' + (seq % LETTERS) as u8
}

/// Whether these bytes are nothing but padding.
pub(super) fn padding(bytes: &[u8]) -> bool {
    bytes.chunks(FILL.len()).all(|chunk| *chunk == FILL[..chunk.len()])
}

pub(super) fn hex(d: &[u8]) -> Option<u64> {
    let mut v = 0u64;
    for &c in d {
        v = v << 4
            | match c {
                b'0'..=b'9' => c - b'0',
                b'a'..=b'f' => c - b'a' + 10,
                _ => return None,
            } as u64;
    }
    Some(v)
}

pub struct Stats {
    pub measure: bool,
    pub size: usize,
    pub received: u64,
    pub gap: u64,
    pub ooo: u64,
    pub corrupt: u64,
    pub extra: u64,
    pub bytes: u64,
    pub framing: u64,
    pub bad_status: u64,
    pub last_bad: u16,
    pub ended: u64,
    pub opened: u64,
    pub headers: u64,
    pub pub_done: u64,
    pub pub_fail: u64,
    pub polls: u64,
    pub cycles: u64,
    pub hist: Hist,
    pub pub_hist: Hist,
    pub last_rx: u64,
}

impl Stats {
    pub(super) fn new(size: usize) -> Self {
        Stats {
            measure: false,
            size: size.max(1),
            received: 0,
            gap: 0,
            ooo: 0,
            corrupt: 0,
            extra: 0,
            bytes: 0,
            framing: 0,
            bad_status: 0,
            last_bad: 0,
            ended: 0,
            opened: 0,
            headers: 0,
            pub_done: 0,
            pub_fail: 0,
            polls: 0,
            cycles: 0,
            hist: Hist::new(),
            pub_hist: Hist::new(),
            last_rx: 0,
        }
    }
}
