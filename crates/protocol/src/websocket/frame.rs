//! How is a message, ping, pong or close written?
//!
//! Everything a server sends is one whole frame without mask (RFC 6455 section 5.1). Delivery writes a
//! message once per worker and hands the same bytes to every subscriber.

use alloc::vec::Vec;

use super::Opcode;
use super::close::CloseCode;
use crate::Short;
use crate::refusal::Refusal;

/// A close frame without a code: the end of a stream, and the answer to a close without a code.
pub const EMPTY_CLOSE: [u8; 2] = [0x88, 0x00];

/// The ping that is sent when there was silence for a while.
pub const EMPTY_PING: [u8; 2] = [0x89, 0x00];

/// A frame that ends (RFC 6455 section 5.2).
pub(super) const FIN: u8 = 0x80;

/// The first reserved bit: the message is deflated (RFC 7692 section 6).
pub(super) const RSV1: u8 = 0x40;

/// How many bytes of reason fit into a close frame beside its code.
const MAX_REASON_LEN: usize = Opcode::MAX_CONTROL_LEN - 2;

/// A control frame: two bytes of head and its payload.
pub type ControlFrame = Short<{ 2 + Opcode::MAX_CONTROL_LEN }>;

/// The head of a frame with `len` bytes of payload, as short as possible (RFC 6455 section 5.2).
///
/// `compressed` says that the payload is deflated, which must have been negotiated.
///
/// ```
/// # use protocol::websocket::{Opcode, frame};
/// assert_eq!(*frame::head(Opcode::Text, false, 5), [0x81, 5]);
/// assert_eq!(*frame::head(Opcode::Binary, true, 256), [0xc2, 126, 1, 0]);
/// ```
#[must_use]
pub fn head(opcode: Opcode, compressed: bool, len: usize) -> Short<10> {
    let mut head = Short::new();
    head.push(&[FIN | if compressed { RSV1 } else { 0 } | opcode.number()]);
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(len @ ..=125), _) => head.push(&[len]),
        (_, Ok(len)) => {
            head.push(&[126]);
            head.push(&len.to_be_bytes());
        }
        _ => {
            head.push(&[127]);
            head.push(&(len as u64).to_be_bytes());
        }
    }
    head
}

/// Appends a whole frame with a payload that is not compressed.
pub fn frame(opcode: Opcode, payload: &[u8], out: &mut Vec<u8>) {
    let head = head(opcode, false, payload.len());
    out.reserve(head.len() + payload.len());
    out.extend_from_slice(&head);
    out.extend_from_slice(payload);
}

/// Opcode and payload of a whole frame that was written here and is not compressed.
pub(super) fn parts(whole: &[u8]) -> Option<(Opcode, &[u8])> {
    let (&[first, second], _) = whole.split_first_chunk()?;
    let start = match second {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    Some((Opcode::from_number(first & 0x0f)?, whole.get(start..)?))
}

/// A close frame with a code and a reason, which is cut between two characters if it is longer than
/// the 123 bytes that fit (RFC 6455 section 5.5.1).
#[must_use]
pub fn close(code: CloseCode, reason: &str) -> ControlFrame {
    let mut ends = (0..=reason.len().min(MAX_REASON_LEN)).rev();
    let reason = ends.find_map(|end| reason.get(..end)).unwrap_or_default();
    control(Opcode::Close, &code.number().to_be_bytes(), reason.as_bytes())
}

/// The close frame with which a location refuses a subscriber after the handshake: clients read
/// status and explanation from the reason.
#[must_use]
pub fn refusal(refusal: Refusal) -> ControlFrame {
    let (status, explain) = (refusal.status(), refusal.explain());
    close(
        CloseCode::POLICY_VIOLATION,
        &alloc::format!(r#"{{"http_status": {status}, "explain":"{explain}"}}"#),
    )
}

/// A ping; at most 125 bytes of the payload are sent (RFC 6455 section 5.5.2).
#[must_use]
pub fn ping(payload: &[u8]) -> ControlFrame {
    control(Opcode::Ping, &[], payload)
}

/// The answer to a ping, with the payload that it had (RFC 6455 section 5.5.3).
#[must_use]
pub fn pong(payload: &[u8]) -> ControlFrame {
    control(Opcode::Pong, &[], payload)
}

/// `start`, and as much of `rest` as fits.
fn control(opcode: Opcode, start: &[u8], rest: &[u8]) -> ControlFrame {
    let rest = rest.get(..Opcode::MAX_CONTROL_LEN - start.len()).unwrap_or(rest);
    let mut frame = Short::new();
    frame.push(&head(opcode, false, start.len() + rest.len()));
    frame.push(start);
    frame.push(rest);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec;

    #[test]
    fn lengths_take_as_few_bytes_as_possible() {
        let table: &[(usize, &[u8])] = &[
            (0, &[0x81, 0]),
            (125, &[0x81, 125]),
            (126, &[0x81, 126, 0, 126]),
            (65535, &[0x81, 126, 0xff, 0xff]),
            (65536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        for (len, expected) in table {
            assert_eq!(&*head(Opcode::Text, false, *len), *expected);
        }
    }

    /// RFC 6455 section 5.7, the frames that are not masked.
    #[test]
    fn writes_the_examples_of_the_rfc() {
        let mut out = vec![];
        frame(Opcode::Text, b"Hello", &mut out);
        assert_eq!(out, b"\x81\x05Hello");
        assert_eq!(&*ping(b"Hello"), b"\x89\x05Hello");
        assert_eq!(&*head(Opcode::Binary, false, 256), b"\x82\x7e\x01\x00");
        assert_eq!(
            &*head(Opcode::Binary, false, 65536),
            b"\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
        );
    }

    /// RFC 7692 section 7.2.3.1.
    #[test]
    fn marks_what_is_compressed() {
        assert_eq!(&*head(Opcode::Text, true, 7), b"\xc1\x07");
    }

    #[test]
    fn pings_and_pongs_carry_at_most_125_bytes() {
        assert_eq!(&*pong(b""), b"\x8a\x00");
        assert_eq!(&*ping(b""), &EMPTY_PING);
        let frame = pong(&[7; 200]);
        assert_eq!((frame.len(), frame[1]), (127, 125));
    }

    #[test]
    fn reasons_are_cut_between_characters() {
        assert_eq!(&*close(CloseCode::NORMAL, ""), b"\x88\x02\x03\xe8");
        assert_eq!(&*close(CloseCode::GOING_AWAY, "bye"), b"\x88\x05\x03\xe9bye");
        let frame = close(CloseCode::TOO_LARGE, &"ä".repeat(100));
        assert_eq!((frame.len(), frame[1]), (2 + 124, 124));
        assert!(core::str::from_utf8(&frame[4..]).is_ok());
    }

    #[test]
    fn refusals_are_told_as_clients_know_them() {
        let frame = refusal(Refusal::ChannelNotAuthorized);
        let reason = r#"{"http_status": 403, "explain":"Subscriber could not create channels."}"#;
        assert_eq!(&*frame, [b"\x88\x49\x03\xf0", reason.as_bytes()].concat());
        for whole in Refusal::ALL.into_iter().filter(|&it| it != Refusal::MissingWebSocketHeaders) {
            assert!(
                refusal(whole).ends_with(b"\"}"),
                "{}",
                String::from_utf8_lossy(&refusal(whole))
            );
        }
    }
}
