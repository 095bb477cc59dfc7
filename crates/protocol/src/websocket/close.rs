//! What does a close code mean?
//!
//! The numbers of RFC 6455 section 7.4 and those registered with IANA since. A [`CloseCode`] can stand
//! in a close frame: the codes that only describe a connection to its own program (1005, 1006, 1015)
//! cannot be made.

use core::fmt;

/// A number that a close frame may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose of the connection is fulfilled: the stream has ended.
    pub const NORMAL: Self = Self(1000);
    /// The server is going down or reloading; reconnecting at once is right.
    pub const GOING_AWAY: Self = Self(1001);
    /// The client broke the framing rules.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of data that is not accepted here, such as a binary message.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// The payload does not fit its kind: text that is not UTF-8, deflated bytes that do not inflate.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// The request is refused; the reason says why.
    pub const POLICY_VIOLATION: Self = Self(1008);
    /// A message is larger than the server takes.
    pub const TOO_LARGE: Self = Self(1009);
    /// The client wanted an extension that the server did not grant. Sent by clients only.
    pub const EXTENSION_MISSING: Self = Self(1010);
    /// The server met a condition it did not expect.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The service restarts; the client should wait a random few seconds before it reconnects.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// Too much to do: the client reads too slowly, or the zone is full. The client should come back later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);
    /// A gateway got an invalid answer from the server behind it.
    pub const BAD_GATEWAY: Self = Self(1014);

    /// The code with this number. `None` if it must not stand in a close frame (RFC 6455 section
    /// 7.4): below 1000, reserved or unassigned below 3000, above 4999. 3000–3999 are registered by
    /// libraries and 4000–4999 are private, so both are taken without knowing them.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(number)),
            _ => None,
        }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self.0
    }

    /// A few words for the log.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NORMAL => "normal",
            Self::GOING_AWAY => "going away",
            Self::PROTOCOL_ERROR => "protocol error",
            Self::UNSUPPORTED_DATA => "unsupported data",
            Self::INVALID_PAYLOAD => "invalid payload",
            Self::POLICY_VIOLATION => "policy violation",
            Self::TOO_LARGE => "message too large",
            Self::EXTENSION_MISSING => "extension missing",
            Self::INTERNAL_ERROR => "internal error",
            Self::SERVICE_RESTART => "service restart",
            Self::TRY_AGAIN_LATER => "try again later",
            Self::BAD_GATEWAY => "bad gateway",
            _ => "application code",
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.0, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn codes_that_no_frame_may_carry_cannot_be_made() {
        for number in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, u16::MAX] {
            assert_eq!(CloseCode::from_number(number), None, "{number}");
        }
        for number in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]) {
            assert_eq!(CloseCode::from_number(number).map(CloseCode::number), Some(number));
        }
    }

    #[test]
    fn codes_are_logged_with_their_meaning() {
        assert_eq!(CloseCode::TOO_LARGE.to_string(), "1009 (message too large)");
        assert_eq!(CloseCode(4711).to_string(), "4711 (application code)");
    }
}
