//! What does a WebSocket client say, and how is it answered? The server side of RFC 6455.
//!
//! Bytes in, events out, and bytes for what is to be sent: a location owns the socket and decides,
//! this module only knows the protocol.
//!
//! | module | question |
//! |---|---|
//! | [`handshake`] | may this request become a WebSocket, and with which accept key and subprotocol? |
//! | [`extension`] | which offer of permessage-deflate is taken (RFC 7692)? |
//! | [`deflate`] | how is a message compressed, and read back? |
//! | [`decoder`] | which messages and control frames are in the bytes that arrived? |
//! | [`event`] | what can a client have done? |
//! | [`violation`] | what did a client do that its connection does not survive? |
//! | [`frame`] | how is a message, ping, pong or close written? |
//! | [`close`] | what does a close code mean? |
//! | [`utf8`] | is a text that comes in parts valid so far? |
//!
//! Invariants: a client gets the same events however the network cuts its bytes; memory is taken for
//! bytes that arrived, never for a length that was announced; what a server may not send (masked
//! frames, fragments, long control frames) cannot be written here.

pub mod close;
pub mod decoder;
pub mod deflate;
pub mod event;
pub mod extension;
pub mod frame;
pub mod handshake;
mod mask;
pub mod utf8;
pub mod violation;

/// What a frame is for (RFC 6455 section 5.2). The reserved numbers have no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Opcode {
    /// One more part of the message that an earlier frame began.
    Continuation = 0x0,
    /// A message of UTF-8 text, or its first part.
    Text = 0x1,
    /// A message of any bytes, or its first part.
    Binary = 0x2,
    /// The last frame of this direction.
    Close = 0x8,
    /// Asks for a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping, or nothing at all.
    Pong = 0xA,
}

impl Opcode {
    /// The longest payload of a control frame, in bytes (RFC 6455 section 5.5).
    pub const MAX_CONTROL_LEN: usize = 125;

    /// The opcode with this number; `None` for the reserved 3–7 and B–F.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// The four bits on the wire.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Whether such frames are short, whole, and allowed between the parts of a message (RFC 6455 section 5.5).
    #[must_use]
    pub const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_of_sixteen_opcodes_have_a_meaning() {
        let named: std::vec::Vec<_> = (0..=u8::MAX).filter_map(Opcode::from_number).collect();
        assert_eq!(
            named.iter().map(|opcode| opcode.number()).collect::<std::vec::Vec<_>>(),
            [0, 1, 2, 8, 9, 10]
        );
        assert!(named.iter().all(|opcode| opcode.is_control() == (opcode.number() & 8 != 0)));
    }
}
