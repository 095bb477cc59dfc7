//! WebSocket frames as a step writes them and as a server sends them (RFC 6455 section 5.2), with
//! payloads deflated or not (RFC 7692 section 7.2).
//!
//! Written from the RFCs and not with the module's own codec: what tests a codec must not share its
//! mistakes.

use miniz_oxide::deflate::core::{CompressorOxide, create_comp_flags_from_zip_params};
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};
use miniz_oxide::{DataFormat, MZFlush, deflate};

use super::Outcome;
use super::text::{matches, same, show, value};

/// The headers of a handshake that any server accepts. The key is the one of RFC 6455 section 1.3,
/// whose answer is `s3pPLMBiTxaQ9kYGzzhZRbK+xOo=`.
pub(crate) const HANDSHAKE: [&str; 4] = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Version: 13",
];

const OPCODES: [(&str, u8); 6] =
    [("continuation", 0), ("text", 1), ("binary", 2), ("close", 8), ("ping", 9), ("pong", 10)];

/// Says that a message is deflated (RFC 7692 section 6).
const RSV1: u8 = 4;

/// What the compressor's flush leaves out and the decompressor needs (RFC 7692 section 7.2.2).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The window of deflate unless something smaller is agreed on, as a power of two.
const WINDOW_BITS: u32 = 15;

/// A frame that a server sent.
#[derive(Clone)]
pub(crate) struct Frame {
    opcode: u8,
    is_last: bool,
    rsv: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The frame that `bytes` begin with, and how long it is; `None` while it is not all there.
    /// Errors are what no client would forgive: a mask, or a length in more bytes than it needs.
    pub(crate) fn parse(bytes: &[u8]) -> Outcome<Option<(Frame, usize)>> {
        let &[first, second, ..] = bytes else { return Ok(None) };
        if second & 0x80 != 0 {
            return Err(format!("a masked frame from the server: {}", show(bytes)));
        }
        let (width, least) = match second {
            126 => (2, 126),
            127 => (8, 65_536),
            _ => (0, 0),
        };
        let start = 2 + width;
        let Some(extended) = bytes.get(2..start) else { return Ok(None) };
        let length = match width {
            0 => usize::from(second),
            _ => extended.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        };
        if length < least {
            return Err(format!("a length of {length} in {width} bytes"));
        }
        let Some(payload) = bytes.get(start..start.saturating_add(length)) else { return Ok(None) };
        let (opcode, is_last, rsv) = (first & 15, first & 0x80 != 0, first >> 4 & 7);
        Ok(Some((Frame { opcode, is_last, rsv, payload: payload.to_vec() }, start + length)))
    }

    /// Whether this is what a step describes: `text "hello"`, `close 1008 ~ regex`, `ping`.
    pub(crate) fn check(&self, words: &str) -> Outcome<()> {
        let wanted = Described::parse(words)?;
        if wanted.is_sent_only {
            return Err(format!("only for frames that are sent: {words}"));
        }
        if (self.opcode, self.is_last, self.rsv) != (wanted.opcode, wanted.is_last, wanted.rsv) {
            return Err(format!("expected {words}, got {}", self.describe()));
        }
        let payload = match wanted.deflated {
            true => inflate(&self.payload, wanted.window_bits)?,
            false => self.payload.clone(),
        };
        let payload = match wanted.code {
            None => &payload[..],
            Some(code) => payload
                .strip_prefix(&code.to_be_bytes())
                .ok_or_else(|| format!("expected {words}, got {}", self.describe()))?,
        };
        match wanted.rest.strip_prefix("~ ") {
            Some(pattern) => matches(pattern, payload),
            None => same("payload", payload, &value(wanted.rest)?),
        }
    }

    /// What its payload says, inflated if it is marked so.
    pub(crate) fn message(&self) -> Outcome<Vec<u8>> {
        match self.rsv {
            RSV1 => inflate(&self.payload, WINDOW_BITS),
            _ => Ok(self.payload.clone()),
        }
    }

    /// Whether it is marked as deflated.
    pub(crate) fn is_deflated(&self) -> bool {
        self.rsv == RSV1
    }

    /// Whether it is a text or binary frame.
    pub(crate) fn is_message(&self) -> bool {
        matches!(self.opcode, 1 | 2)
    }

    fn describe(&self) -> String {
        let name = OPCODES.iter().find(|(_, opcode)| *opcode == self.opcode);
        let name = name.map_or_else(|| format!("opcode={}", self.opcode), |(n, _)| (*n).to_owned());
        let fin = if self.is_last { "" } else { " fin=0" };
        let rsv = if self.rsv == 0 { String::new() } else { format!(" rsv={}", self.rsv) };
        match self.payload.split_first_chunk() {
            Some((code, reason)) if name == "close" => {
                format!("close{fin}{rsv} {} {}", u16::from_be_bytes(*code), show(reason))
            }
            _ => format!("{name}{fin}{rsv} {}", show(&self.payload)),
        }
    }
}

/// The bytes of a frame that a step sends: `text "hello"`, `text fin=0 unmasked "hel"`.
pub(crate) fn encode(words: &str) -> Outcome<Vec<u8>> {
    let sent = Described::parse(words)?;
    if sent.window_bits != WINDOW_BITS || sent.rest.starts_with("~ ") {
        return Err(format!("only for frames that are received: {words}"));
    }
    let mut payload = sent.code.map_or_else(Vec::new, |code| code.to_be_bytes().to_vec());
    payload.extend(value(sent.rest)?);
    if sent.deflated {
        payload = deflated(&payload);
    }
    let length = sent.length.unwrap_or(payload.len() as u64);
    let width = sent.width.unwrap_or(match length {
        0..=125 => 0,
        126..=0xffff => 2,
        _ => 8,
    });
    let masked = if sent.key.is_some() { 0x80 } else { 0 };
    let fin = if sent.is_last { 0x80 } else { 0 };
    let mut bytes = vec![fin | sent.rsv << 4 | sent.opcode];
    match width {
        0 => bytes.push(masked | length as u8),
        2 => {
            bytes.push(masked | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    if let Some(key) = sent.key {
        bytes.extend(key);
        payload.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
    }
    bytes.extend(payload);
    Ok(bytes)
}

/// The words of a step about one frame.
struct Described<'a> {
    opcode: u8,
    is_last: bool,
    rsv: u8,
    deflated: bool,
    window_bits: u32,
    key: Option<[u8; 4]>,
    /// The length it announces, and in how many further bytes, if not those of the payload.
    length: Option<u64>,
    width: Option<u8>,
    code: Option<u16>,
    is_sent_only: bool,
    /// The payload, or what is behind the close code.
    rest: &'a str,
}

impl<'a> Described<'a> {
    fn parse(words: &'a str) -> Outcome<Described<'a>> {
        let (kind, mut rest) = split_word(words);
        let opcode = match kind.strip_prefix("opcode=") {
            Some(number) => number.parse().ok().filter(|number| *number < 16),
            None => OPCODES.iter().find(|(name, _)| *name == kind).map(|(_, opcode)| *opcode),
        };
        let opcode = opcode.ok_or_else(|| format!("not a kind of frame: {kind}"))?;
        // The key of the examples in RFC 6455 section 5.7.
        let key = Some([0x37, 0xfa, 0x21, 0x3d]);
        let (window_bits, is_last) = (WINDOW_BITS, true);
        let mut described = Described {
            opcode,
            is_last,
            rsv: 0,
            deflated: false,
            window_bits,
            key,
            length: None,
            width: None,
            code: None,
            is_sent_only: false,
            rest: "",
        };
        loop {
            let (word, after) = split_word(rest);
            if !described.option(word)? {
                break;
            }
            rest = after;
        }
        if kind == "close" {
            let (word, after) = split_word(rest);
            if let Ok(code) = word.parse() {
                (described.code, rest) = (Some(code), after);
            }
        }
        described.rest = rest;
        Ok(described)
    }

    /// Takes one word if it is an option.
    fn option(&mut self, word: &str) -> Outcome<bool> {
        let number = |text: &str| text.parse().map_err(|_| format!("not a number: {word}"));
        let (name, given) = word.split_once('=').unwrap_or((word, ""));
        match (name, given) {
            ("fin", "0") => self.is_last = false,
            ("rsv", bits) => self.rsv |= number(bits)? as u8 & 7,
            ("deflated", "") => (self.deflated, self.rsv) = (true, self.rsv | RSV1),
            ("window", bits) => self.window_bits = number(bits)? as u32,
            _ => {
                match (name, given) {
                    ("unmasked", "") => self.key = None,
                    ("key", hex) => {
                        let key = u32::from_str_radix(hex, 16);
                        let key = key.map_err(|_| format!("not 4 bytes in hex: {word}"))?;
                        self.key = Some(key.to_be_bytes());
                    }
                    ("length", length) => self.length = Some(number(length)?),
                    ("len16", "") => self.width = Some(2),
                    ("len64", "") => self.width = Some(8),
                    _ => return Ok(false),
                }
                self.is_sent_only = true;
            }
        }
        Ok(true)
    }
}

fn split_word(text: &str) -> (&str, &str) {
    text.trim_start().split_once(' ').unwrap_or((text.trim_start(), ""))
}

/// A payload as permessage-deflate sends it, without the tail.
pub(crate) fn deflated(payload: &[u8]) -> Vec<u8> {
    let flags = create_comp_flags_from_zip_params(6, -(WINDOW_BITS as i32), 0);
    let mut compressor = CompressorOxide::new(flags);
    compressor.set_format_and_level(DataFormat::Raw, 6);
    // Deflate adds five bytes to each 64 kB that do not shrink, and the flush adds five.
    let mut out = vec![0; payload.len() + payload.len() / 1_000 + 64];
    let done = deflate::stream::deflate(&mut compressor, payload, &mut out, MZFlush::Sync);
    out.truncate(done.bytes_written.saturating_sub(TAIL.len()));
    out
}

/// What a deflated payload says to a client that has just so large a window: a distance that reaches
/// farther back is an error.
fn inflate(deflated: &[u8], window_bits: u32) -> Outcome<Vec<u8>> {
    let input = [deflated, &TAIL].concat();
    let mut window = vec![0; 1 << window_bits];
    let mut state = Box::new(DecompressorOxide::new());
    let (mut taken, mut at, mut out) = (0, 0, Vec::new());
    loop {
        let flags = inflate_flags::TINFL_FLAG_HAS_MORE_INPUT;
        let (status, read, written) =
            decompress(&mut state, &input[taken..], &mut window, at, flags);
        out.extend_from_slice(&window[at..at + written]);
        taken += read;
        at = (at + written) % window.len();
        match status {
            TINFLStatus::HasMoreOutput => {}
            TINFLStatus::NeedsMoreInput if taken == input.len() => return Ok(out),
            // A last block was closed, and a byte of zeros follows (section 7.2.3.5).
            TINFLStatus::Done => return Ok(out),
            _ => return Err(format!("does not inflate: {status:?} at byte {taken}")),
        }
    }
}
