//! What a client sends, and what the decoder makes of it in words that own their bytes.

use protocol::websocket::close::CloseCode;
use protocol::websocket::decoder::{Decoder, Rules};
use protocol::websocket::event::{Event, Kind, Message};
use protocol::websocket::violation::Violation;

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xa;

/// Everything is allowed, up to a mebibyte.
pub(crate) const LENIENT: Rules =
    Rules { strict: false, binary: true, deflate: false, keep: true, limit: 1 << 20 };

/// One frame, whole and masked unless said otherwise.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    opcode: u8,
    flags: u8,
    key: Option<[u8; 4]>,
    width: Option<usize>,
    payload: Vec<u8>,
}

pub(crate) fn frame(opcode: u8, payload: impl AsRef<[u8]>) -> Frame {
    let key = Some([0x37, 0xfa, 0x21, 0x3d]);
    Frame { opcode, flags: 0x80, key, width: None, payload: payload.as_ref().to_vec() }
}

impl Frame {
    /// More fragments follow.
    pub(crate) fn unfinished(mut self) -> Self {
        self.flags &= !0x80;
        self
    }

    /// With these reserved bits, as a number of 0 to 7.
    pub(crate) fn reserved(mut self, bits: u8) -> Self {
        self.flags |= bits << 4;
        self
    }

    pub(crate) fn key(mut self, key: Option<[u8; 4]>) -> Self {
        self.key = key;
        self
    }

    pub(crate) fn unmasked(self) -> Self {
        self.key(None)
    }

    /// With a length of 2 or 8 bytes whatever it is.
    pub(crate) fn width(mut self, width: usize) -> Self {
        self.width = Some(width);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let len = self.payload.len();
        let width = self.width.unwrap_or(match len {
            0..126 => 0,
            126..65536 => 2,
            _ => 8,
        });
        let long = (len as u64).to_be_bytes();
        let [.., least] = long;
        let short = match width {
            0 => least,
            2 => 126,
            _ => 127,
        };
        let mut bytes = vec![self.flags | self.opcode, short | u8::from(self.key.is_some()) << 7];
        bytes.extend(long.iter().skip(8 - width));
        bytes.extend(self.key.iter().flatten());
        let key = self.key.unwrap_or_default();
        bytes.extend(self.payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
        bytes
    }
}

/// The bytes of several frames, one after the other.
pub(crate) fn bytes(frames: &[Frame]) -> Vec<u8> {
    frames.iter().flat_map(Frame::bytes).collect()
}

/// An event that owns what it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Compressed(Kind, Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(CloseCode, String)>),
    Violation(Violation),
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Message(Message { kind, compressed: true, bytes }) => {
                Self::Compressed(kind, bytes.to_vec())
            }
            Event::Message(Message { kind: Kind::Text, bytes, .. }) => Self::Text(bytes.to_vec()),
            Event::Message(Message { bytes, .. }) => Self::Binary(bytes.to_vec()),
            Event::Ping(payload) => Self::Ping(payload.to_vec()),
            Event::Pong(payload) => Self::Pong(payload.to_vec()),
            Event::Close(farewell) => {
                Self::Close(farewell.map(|(code, reason)| (code, reason.to_owned())))
            }
            Event::Violation(violation) => Self::Violation(violation),
        }
    }
}

pub(crate) fn text(text: impl AsRef<[u8]>) -> Seen {
    Seen::Text(text.as_ref().to_vec())
}

pub(crate) fn closed(code: u16, reason: &str) -> Seen {
    Seen::Close(CloseCode::from_number(code).map(|code| (code, reason.to_owned())))
}

/// Feeds one piece and collects its events.
pub(crate) fn feed(decoder: &mut Decoder, mut piece: &[u8]) -> Vec<Seen> {
    let mut seen = Vec::new();
    while let Some(event) = decoder.feed(&mut piece) {
        seen.push(event.into());
    }
    assert!(piece.is_empty(), "everything is consumed");
    seen
}

/// The events of a whole conversation that arrives in these pieces.
pub(crate) fn events<'a>(rules: Rules, pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Seen> {
    let mut decoder = Decoder::new(rules);
    pieces.into_iter().flat_map(|piece| feed(&mut decoder, piece)).collect()
}
