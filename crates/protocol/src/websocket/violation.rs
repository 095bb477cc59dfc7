//! What did a client do that its WebSocket does not survive, and how is it told?
//!
//! Most violations are answered with the code that RFC 6455 gives them. Frames of a kind that is not
//! taken at all are answered with an empty close: clients have always got that from a push stream.

use core::fmt;

use super::close::CloseCode;

/// Why the connection must be closed. The location sends [`Violation::answer`], logs the violation,
/// and closes; nothing more is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {
    /// An opcode without meaning: 3–7 or B–F (RFC 6455 section 5.2). Anything that is no WebSocket
    /// frame at all mostly ends here.
    ReservedOpcode(u8),
    /// A binary frame where there are only texts.
    BinaryNotAllowed,
    /// A reserved bit that no extension was negotiated for (section 5.2), or RSV1 on a control frame
    /// or a later fragment (RFC 7692 section 6).
    ReservedBits,
    /// An unmasked frame where it is strict (section 5.1).
    NotMasked,
    /// A control frame of more than 125 bytes (section 5.5).
    ControlTooLong,
    /// A control frame in fragments (section 5.5).
    ControlFragmented,
    /// A continuation of no message (section 5.4).
    NothingToContinue,
    /// A new message before the last fragment of another (section 5.4).
    MessageUnfinished,
    /// A length of 2^63 or more (section 5.2).
    InvalidLength,
    /// A length in more bytes than it needs, where it is strict (section 5.2). Harmless otherwise: it
    /// says the same.
    LengthNotMinimal,
    /// A close payload of one byte, where it is strict (section 5.5.1).
    CloseTruncated,
    /// A close code that no frame may carry (section 7.4).
    InvalidCloseCode(u16),
    /// A text or a close reason that is not UTF-8 (section 8.1).
    InvalidUtf8,
    /// A compressed message that cannot be inflated (RFC 7692 section 7.2.2).
    InvalidDeflate,
    /// A message that is, or is announced to become, larger than allowed, or than there is memory.
    TooLarge,
}

impl Violation {
    /// The code of the close frame; `None` for an [empty one](super::frame::EMPTY_CLOSE).
    #[must_use]
    pub const fn answer(self) -> Option<CloseCode> {
        match self {
            Self::ReservedOpcode(_) | Self::BinaryNotAllowed => None,
            Self::InvalidUtf8 | Self::InvalidDeflate => Some(CloseCode::INVALID_PAYLOAD),
            Self::TooLarge => Some(CloseCode::TOO_LARGE),
            _ => Some(CloseCode::PROTOCOL_ERROR),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedOpcode(number) => {
                return write!(f, "websocket frame with reserved opcode {number:#x}");
            }
            Self::InvalidCloseCode(number) => {
                return write!(f, "websocket close with invalid code {number}");
            }
            Self::BinaryNotAllowed => "binary websocket frame is not allowed",
            Self::ReservedBits => "websocket frame with reserved bits",
            Self::NotMasked => "websocket frame is not masked",
            Self::ControlTooLong => "websocket control frame is too long",
            Self::ControlFragmented => "websocket control frame in fragments",
            Self::NothingToContinue => "wrong websocket frames sequence: nothing to continue",
            Self::MessageUnfinished => "wrong websocket frames sequence: message is not finished",
            Self::InvalidLength => "websocket frame with invalid length",
            Self::LengthNotMinimal => "websocket frame length is not minimal",
            Self::CloseTruncated => "websocket close with half a code",
            Self::InvalidUtf8 => "websocket text is not utf-8",
            Self::InvalidDeflate => "websocket message cannot be inflated",
            Self::TooLarge => "websocket message is too large",
        })
    }
}

impl core::error::Error for Violation {}

impl From<super::utf8::InvalidUtf8> for Violation {
    fn from(_: super::utf8::InvalidUtf8) -> Self {
        Self::InvalidUtf8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn frames_of_unknown_kind_are_answered_without_a_code() {
        assert_eq!(Violation::ReservedOpcode(7).answer(), None);
        assert_eq!(Violation::BinaryNotAllowed.answer(), None);
        assert_eq!(Violation::NotMasked.answer(), Some(CloseCode::PROTOCOL_ERROR));
        assert_eq!(Violation::InvalidUtf8.answer(), Some(CloseCode::INVALID_PAYLOAD));
        assert_eq!(Violation::TooLarge.answer(), Some(CloseCode::TOO_LARGE));
    }

    #[test]
    fn violations_say_what_is_wrong() {
        for (violation, text) in [
            (Violation::ReservedOpcode(0xb), "websocket frame with reserved opcode 0xb"),
            (Violation::InvalidCloseCode(1005), "websocket close with invalid code 1005"),
            (Violation::NothingToContinue, "wrong websocket frames sequence: nothing to continue"),
        ] {
            assert_eq!(violation.to_string(), text);
        }
    }
}
