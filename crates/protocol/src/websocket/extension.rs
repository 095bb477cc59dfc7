//! Which offer of permessage-deflate is taken (RFC 7692)?
//!
//! A client lists offers in `Sec-WebSocket-Extensions`, the one it likes best first; the first that
//! can be met is taken and the answer names its parameters. Both directions always go without context
//! takeover: each message is compressed for itself, so one compressed copy serves all subscribers,
//! and an idle connection holds no window.

use crate::Short;

/// The value of `Sec-WebSocket-Extensions` in an answer.
pub type Answer = Short<104>;

/// How an accepted offer wants messages to be compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Deflate {
    /// The window of the server's compression as a power of two, 9 to 15; `None` if the client left
    /// it open, then it is 15 and is not named in the answer.
    server_max_window_bits: Option<u8>,
}

impl Deflate {
    /// The first acceptable offer of a header value. Other extensions, and offers with unknown,
    /// repeated or malformed parameters, are passed over (RFC 7692 sections 5.1 and 7.1). Of several
    /// header lines each is asked in turn.
    ///
    /// ```
    /// # use protocol::websocket::extension::Deflate;
    /// let offers = b"permessage-deflate; server_max_window_bits=10, permessage-deflate";
    /// let deflate = Deflate::negotiate(offers).unwrap();
    /// assert_eq!(deflate.window_bits(), 10);
    /// ```
    #[must_use]
    pub fn negotiate(offers: &[u8]) -> Option<Self> {
        elements(offers, b',').find_map(Self::accept)
    }

    /// The window in which the server compresses, as a power of two: 9 to 15.
    #[must_use]
    pub const fn window_bits(self) -> u8 {
        match self.server_max_window_bits {
            Some(bits) => bits,
            None => 15,
        }
    }

    /// What the answer to the handshake says. The client's window is left to the client: inflating
    /// with the largest window reads them all.
    #[must_use]
    pub fn answer(self) -> Answer {
        let mut answer = Short::new();
        answer.push(b"permessage-deflate; server_no_context_takeover; client_no_context_takeover");
        if let Some(bits) = self.server_max_window_bits {
            answer.push(b"; server_max_window_bits=");
            answer.push(itoa::Buffer::new().format(bits).as_bytes());
        }
        answer
    }

    fn accept(offer: &[u8]) -> Option<Self> {
        let mut parts = elements(offer, b';');
        if parts.next()? != b"permessage-deflate" {
            return None;
        }
        let mut seen = Seen::default();
        let mut server_max_window_bits = None;
        for part in parts {
            let (name, value) = parameter(part)?;
            let again = match (name, value) {
                // Sections 7.1.1.1 and 7.1.1.2: without a value. Both are granted anyway.
                (b"server_no_context_takeover", None) => &mut seen.server_takeover,
                (b"client_no_context_takeover", None) => &mut seen.client_takeover,
                // Section 7.1.2.1: a value is a must. zlib cannot compress with a window of 8 bits.
                (b"server_max_window_bits", Some(value)) => {
                    server_max_window_bits = Some(window_bits(value).filter(|&bits| bits > 8)?);
                    &mut seen.server_window
                }
                // Section 7.1.2.2: a value is a hint.
                (b"client_max_window_bits", value) => {
                    if let Some(value) = value {
                        window_bits(value)?;
                    }
                    &mut seen.client_window
                }
                _ => return None,
            };
            if core::mem::replace(again, true) {
                return None; // Section 7.1: the same parameter twice.
            }
        }
        Some(Self { server_max_window_bits })
    }
}

#[derive(Default)]
struct Seen {
    server_takeover: bool,
    client_takeover: bool,
    server_window: bool,
    client_window: bool,
}

/// The elements of a list, trimmed. A separator in a quoted string separates nothing. An element may
/// be empty, which no caller takes for anything.
fn elements(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    list.split(move |&byte| {
        quoted ^= byte == b'"';
        byte == separator && !quoted
    })
    .map(<[u8]>::trim_ascii)
}

/// Name and value of a parameter. A quoted value means what it would mean without the quotes (RFC
/// 6455 section 9.1).
fn parameter(part: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let Some(equals) = memchr::memchr(b'=', part) else { return Some((part, None)) };
    let (name, value) = (part.get(..equals)?.trim_ascii(), part.get(equals + 1..)?.trim_ascii());
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.strip_suffix(b"\"")?,
        None => value,
    };
    Some((name, Some(value)))
}

/// 8 to 15, in decimal without leading zeros (RFC 7692 section 7.1.2).
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(10 + digit - b'0'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

    fn answer(offers: &str) -> Option<std::string::String> {
        let answer = Deflate::negotiate(offers.as_bytes())?.answer();
        Some(std::str::from_utf8(&answer).unwrap().into())
    }

    #[test]
    fn offers_that_can_be_met_are_taken() {
        for offers in [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits", // every browser
            "permessage-deflate;client_max_window_bits=8",
            "permessage-deflate; server_no_context_takeover ; client_no_context_takeover",
            "x-webkit-deflate-frame, permessage-deflate",
            ", ,\tpermessage-deflate ,",
            "foo; bar=\"a, permessage-deflate; b\", permessage-deflate",
        ] {
            assert_eq!(answer(offers).as_deref(), Some(ANSWER), "{offers}");
        }
    }

    #[test]
    fn the_window_of_the_server_is_named_if_the_client_named_it() {
        for (value, bits) in [("9", 9), ("10", 10), ("15", 15), ("\"12\"", 12)] {
            let offer = std::format!("permessage-deflate; server_max_window_bits={value}");
            assert_eq!(
                answer(&offer),
                Some(std::format!("{ANSWER}; server_max_window_bits={bits}")),
                "{offer}"
            );
            assert_eq!(Deflate::negotiate(offer.as_bytes()).map(Deflate::window_bits), Some(bits));
        }
        assert_eq!(Deflate::negotiate(b"permessage-deflate").map(Deflate::window_bits), Some(15));
    }

    #[test]
    fn offers_with_wrong_parameters_are_declined() {
        for parameters in [
            "unknown",
            "server_no_context_takeover=1",
            "client_no_context_takeover=true",
            "server_no_context_takeover; server_no_context_takeover",
            "client_max_window_bits; client_max_window_bits=10",
            "server_max_window_bits",
            "server_max_window_bits=",
            "server_max_window_bits=7",
            "server_max_window_bits=8",
            "server_max_window_bits=16",
            "server_max_window_bits=010",
            "server_max_window_bits=1 0",
            "server_max_window_bits=\"10",
            "server_max_window_bits=10; server_max_window_bits=10",
            "client_max_window_bits=16",
            "client_max_window_bits=x",
            "",
            "=",
        ] {
            assert_eq!(
                answer(&std::format!("permessage-deflate; {parameters}")),
                None,
                "{parameters}"
            );
        }
        for offers in [
            "",
            "permessage-bzip2",
            "Permessage-Deflate",
            "\"permessage-deflate\"",
            "foo=\"a, permessage-deflate, b\"",
        ] {
            assert_eq!(answer(offers), None, "{offers}");
        }
    }

    #[test]
    fn a_declined_offer_leaves_the_next_one() {
        let offers = "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9";
        assert_eq!(answer(offers), Some(std::format!("{ANSWER}; server_max_window_bits=9")));
    }
}
