//! What can a client have done?
//!
//! The words in which the decoder tells a location what arrived, and what a close frame says.

use core::str::from_utf8;

use super::close::CloseCode;
use super::violation::Violation;

/// What a client did. Borrows from the decoder until it is fed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole message, possibly empty.
    Message(Message<'a>),
    /// Wants a [pong](super::frame::pong) with this payload.
    Ping(&'a [u8]),
    /// A sign of life.
    Pong(&'a [u8]),
    /// The client is done. It gets a close frame with the same code, or an [empty
    /// one](super::frame::EMPTY_CLOSE) if it gave none (RFC 6455 section 5.5.1). The last event.
    Close(Option<(CloseCode, &'a str)>),
    /// The client broke the rules. The last event.
    Violation(Violation),
}

/// A message, put together from its fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Text or binary.
    pub kind: Kind,
    /// Whether the bytes are deflated. Then a text has not been checked yet: what it inflates to must
    /// pass [`Utf8`](super::utf8::Utf8).
    pub compressed: bool,
    /// The unmasked payload; UTF-8 if it is text and not compressed.
    pub bytes: &'a [u8],
}

/// The two kinds of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl<'a> Event<'a> {
    /// What a close frame with this payload comes to.
    pub(super) fn close(payload: &'a [u8], strict: bool) -> Self {
        farewell(payload, strict).map_or_else(Self::Violation, Self::Close)
    }
}

/// Code and reason of a close frame (sections 5.5.1 and 7.4).
fn farewell(payload: &[u8], strict: bool) -> Result<Option<(CloseCode, &str)>, Violation> {
    let Some((&number, reason)) = payload.split_first_chunk() else {
        let is_truncated = strict && !payload.is_empty();
        return if is_truncated { Err(Violation::CloseTruncated) } else { Ok(None) };
    };
    let number = u16::from_be_bytes(number);
    let code = CloseCode::from_number(number).ok_or(Violation::InvalidCloseCode(number))?;
    let reason = from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?;
    Ok(Some((code, reason)))
}
