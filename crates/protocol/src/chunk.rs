//! How is a piece framed for HTTP/1.1 (RFC 9112 section 7.1)?
//!
//! Delivery frames each rendered piece once and sends the same bytes to every subscriber; one piece
//! is one chunk, because clients that read chunk by chunk rely on it. Sizes are lower-case
//! hexadecimal without leading zeros, as nginx's own chunked filter writes them.

use alloc::vec::Vec;

use crate::short::Short;

/// Ends a chunk's data.
pub const CHUNK_TAIL: &[u8; 2] = b"\r\n";

/// Ends the response: the empty chunk and no trailers.
pub const LAST_CHUNK: &[u8; 5] = b"0\r\n\r\n";

/// The line that announces `len` bytes of data: `1f\r\n`.
#[must_use]
pub fn chunk_head(len: usize) -> Short<18> {
    let digits = digits(len);
    let mut rest = len;
    Short::filled(digits + CHUNK_TAIL.len(), |text| {
        let (number, tail) = text.split_at_mut(digits);
        for digit in number.iter_mut().rev() {
            let [value, ..] = rest.to_le_bytes();
            let value = value & 0xf;
            *digit = value + if value < 10 { b'0' } else { b'a' - 10 };
            rest >>= 4;
        }
        tail.copy_from_slice(CHUNK_TAIL);
    })
}

/// Hexadecimal digits of `len`.
const fn digits(len: usize) -> usize {
    (usize::BITS - (len | 1).leading_zeros()).div_ceil(4) as usize
}

/// Appends `body` as one chunk. An empty body adds nothing, since an empty chunk would end the
/// response.
pub fn push_chunk(out: &mut Vec<u8>, body: &[u8]) {
    if body.is_empty() {
        return;
    }
    out.reserve(framed_len(body.len()));
    out.extend_from_slice(&chunk_head(body.len()));
    out.extend_from_slice(body);
    out.extend_from_slice(CHUNK_TAIL);
}

/// How many bytes [`push_chunk`] appends for a body of `len` bytes.
#[must_use]
pub fn framed_len(len: usize) -> usize {
    if len == 0 { 0 } else { digits(len) + CHUNK_TAIL.len() + len + CHUNK_TAIL.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_lower_case_hexadecimal() {
        for (len, head) in [
            (0, &b"0\r\n"[..]),
            (1, b"1\r\n"),
            (9, b"9\r\n"),
            (10, b"a\r\n"),
            (15, b"f\r\n"),
            (16, b"10\r\n"),
            (0x2f, b"2f\r\n"),
            (0x1000, b"1000\r\n"),
            (0xdead_beef, b"deadbeef\r\n"),
        ] {
            assert_eq!(&*chunk_head(len), head);
        }
        assert_eq!(chunk_head(usize::MAX).len(), usize::BITS as usize / 4 + 2);
    }

    #[test]
    fn a_long_poll_body_is_framed_as_clients_expect() {
        let mut out = Vec::new();
        push_chunk(&mut out, b"message to be sent 001");
        out.extend_from_slice(LAST_CHUNK);
        assert_eq!(out, b"16\r\nmessage to be sent 001\r\n0\r\n\r\n");
    }

    #[test]
    fn an_empty_piece_does_not_end_the_response() {
        let mut out = Vec::new();
        push_chunk(&mut out, b"");
        assert!(out.is_empty());
        assert_eq!(framed_len(0), 0);
    }

    #[test]
    fn the_framed_length_is_exact() {
        for len in [1, 15, 16, 255, 256, 65_536] {
            let mut out = Vec::new();
            push_chunk(&mut out, &std::vec![b'x'; len]);
            assert_eq!(out.len(), framed_len(len));
        }
    }
}
