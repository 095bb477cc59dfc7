//! Is a text that comes in parts valid so far?
//!
//! RFC 6455 section 8.1 wants a connection failed when its text is not UTF-8; a part may end inside a
//! character. The checker sees every byte once and finds a wrong one as soon as it is there, so a
//! client learns about it before it has sent the rest. UTF-8 is that of RFC 3629: no overlong forms, no
//! surrogates, nothing above U+10FFFF. The decoder checks plain messages with it; whoever inflates a
//! compressed message checks what comes out.

use core::str::from_utf8;

use crate::Short;

/// The text is not UTF-8. To be answered with [`CloseCode::INVALID_PAYLOAD`](super::close::CloseCode::INVALID_PAYLOAD).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

/// Checks one text, part by part.
///
/// ```
/// # use protocol::websocket::utf8::{InvalidUtf8, Utf8};
/// let mut text = Utf8::new();
/// assert_eq!(text.push(b"caf\xc3"), Ok(()));
/// assert_eq!(text.finish(), Err(InvalidUtf8)); // it ends inside a character
/// assert_eq!(text.push(b"\xa9"), Ok(()));
/// assert_eq!(text.finish(), Ok(()));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Utf8 {
    /// The bytes so far of a character that is not complete; empty between characters.
    partial: Short<4>,
}

impl Utf8 {
    /// A checker at the beginning of a text.
    #[must_use]
    pub const fn new() -> Self {
        Self { partial: Short::new() }
    }

    /// Looks at the next bytes of the text.
    ///
    /// # Errors
    ///
    /// No text begins like this. The checker is of no use any more.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let mut rest = bytes;
        while !self.partial.is_empty() {
            let Some((&byte, tail)) = rest.split_first() else { return Ok(()) };
            rest = tail;
            self.partial.push(&[byte]);
            if incomplete_from(&self.partial)?.is_none() {
                self.partial = Short::new();
            }
        }
        if let Some(at) = incomplete_from(rest)? {
            self.partial.push(rest.get(at..).unwrap_or_default());
        }
        Ok(())
    }

    /// Whether the text may end here.
    ///
    /// # Errors
    ///
    /// The last character is not complete.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.partial.is_empty() { Ok(()) } else { Err(InvalidUtf8) }
    }
}

impl Default for Utf8 {
    fn default() -> Self {
        Self::new()
    }
}

/// Where in `bytes` a character begins of which more is to come.
fn incomplete_from(bytes: &[u8]) -> Result<Option<usize>, InvalidUtf8> {
    match from_utf8(bytes) {
        Ok(_) => Ok(None),
        Err(error) if error.error_len().is_none() => Ok(Some(error.valid_up_to())),
        Err(_) => Err(InvalidUtf8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After how many bytes the text is known to be wrong, if fed byte by byte.
    fn refused_after(text: &[u8]) -> Option<usize> {
        let mut utf8 = Utf8::new();
        text.iter().position(|byte| utf8.push(&[*byte]).is_err()).map(|at| at + 1)
    }

    #[test]
    fn a_wrong_byte_is_found_when_it_arrives() {
        let table: &[(&[u8], Option<usize>)] = &[
            (b"plain", None),
            ("κόσμε \u{10ffff} \u{d7ff} \u{e000} \u{ffff}".as_bytes(), None),
            (b"a\x80", Some(2)),                // a continuation without a start
            (b"\xc0\xaf", Some(1)),             // overlong, two bytes
            (b"\xe0\x80\xaf", Some(2)),         // overlong, three bytes
            (b"\xf0\x80\x80\xaf", Some(2)),     // overlong, four bytes
            (b"\xed\xa0\x80", Some(2)),         // a surrogate
            (b"\xf4\x90\x80\x80", Some(2)),     // above U+10FFFF
            (b"\xf5", Some(1)),                 // no character begins so
            (b"\xce\xba\xe1\xbd\x41", Some(5)), // a character is broken off
        ];
        for (text, expected) in table {
            assert_eq!(refused_after(text), *expected, "{}", text.escape_ascii());
            assert_eq!(
                Utf8::new().push(text).is_err(),
                expected.is_some(),
                "{}",
                text.escape_ascii()
            );
        }
    }

    #[test]
    fn a_text_may_not_end_inside_a_character() {
        for (text, whole) in
            [(&b""[..], true), ("\u{1f980}".as_bytes(), true), (b"\xf0\x9f\xa6", false)]
        {
            let mut utf8 = Utf8::default();
            assert_eq!(utf8.push(text), Ok(()));
            assert_eq!(utf8.finish().is_ok(), whole);
        }
    }
}
