//! May this request become a WebSocket, and with which accept key and subprotocol?
//!
//! RFC 6455 section 4.2. By default only the presence of the headers and the version count, since
//! clients and proxies in use rewrite the rest (`Connection: keep-alive, Upgrade`, an `Upgrade` in any
//! case); a strict location checks the contents as well. The method is the location's business.

use alloc::vec::Vec;
use core::fmt;

use crate::refusal::Refusal;

/// The versions that are spoken, as the header `Sec-WebSocket-Version` of a refusal names them. The
/// frames of version 8, a draft, are those of the RFC.
pub const VERSIONS: &str = "8, 13";

/// What RFC 6455 section 1.3 appends to the key.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The headers of a request that ask for a WebSocket; `None` where there is none. A header on several
/// lines is given as one, joined by commas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Handshake<'a> {
    /// `Connection`.
    pub connection: Option<&'a [u8]>,
    /// `Upgrade`.
    pub upgrade: Option<&'a [u8]>,
    /// `Sec-WebSocket-Key`.
    pub key: Option<&'a [u8]>,
    /// `Sec-WebSocket-Version`.
    pub version: Option<&'a [u8]>,
}

/// Why there will be no WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Invalid {
    /// One of the four headers is missing.
    MissingHeader,
    /// The version is neither 8 nor 13. The answer names [`VERSIONS`].
    Version,
    /// Strict: `Connection` does not name `upgrade`.
    Connection,
    /// Strict: `Upgrade` does not name `websocket`.
    Upgrade,
    /// Strict: the key is not 16 bytes in base64.
    Key,
    /// A page of this origin may not connect.
    Origin,
}

impl Invalid {
    /// The HTTP status of the answer.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Origin => 403, // RFC 6455 section 4.2.2, item 4
            _ => 400,
        }
    }

    /// The text of `X-Nginx-PushStream-Explain`.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::MissingHeader => Refusal::MissingWebSocketHeaders.explain(),
            Self::Version => Refusal::UnsupportedWebSocketVersion.explain(),
            Self::Connection => "Header Connection must contain the token upgrade.",
            Self::Upgrade => "Header Upgrade must contain the token websocket.",
            Self::Key => "Header Sec-WebSocket-Key must be 16 bytes in base64.",
            Self::Origin => "Origin is not allowed.",
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.explain())
    }
}

impl core::error::Error for Invalid {}

impl<'a> Handshake<'a> {
    /// The key of a handshake that can be accepted (RFC 6455 section 4.2.1, items 3 to 6).
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Contents other than the version matter only if `strict`.
    pub fn check(&self, strict: bool) -> Result<&'a [u8], Invalid> {
        let Self { connection: Some(connection), upgrade: Some(upgrade), key: Some(key), version } =
            *self
        else {
            return Err(Invalid::MissingHeader);
        };
        if !matches!(number(version.ok_or(Invalid::MissingHeader)?), Some(8 | 13)) {
            return Err(Invalid::Version);
        }
        if strict {
            for (is_valid, otherwise) in [
                (has_token(connection, b"upgrade"), Invalid::Connection),
                (has_token(upgrade, b"websocket"), Invalid::Upgrade),
                (is_key(key), Invalid::Key),
            ] {
                if !is_valid {
                    return Err(otherwise);
                }
            }
        }
        Ok(key)
    }
}

/// The value of `Sec-WebSocket-Accept`: the digest of key and GUID in base64 (RFC 6455 section 4.2.2,
/// item 5.4). `sha1` computes the digest of the parts, one after the other.
#[must_use]
pub fn accept_value(key: &[u8], sha1: impl FnOnce(&[&[u8]]) -> [u8; 20]) -> [u8; 28] {
    let mut text = [b'='; 28];
    for (group, places) in sha1(&[key, GUID]).chunks(3).zip(text.chunks_mut(4)) {
        // Up to three bytes at the top of 24 bits are one digit more than bytes.
        let [a, b, c] = [0, 1, 2].map(|at| u32::from(group.get(at).copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        for (place, shift) in places.iter_mut().zip([18, 12, 6, 0]).take(group.len() + 1) {
            *place = base64_digit((bits >> shift & 0x3f) as u8);
        }
    }
    text
}

/// The first of the client's subprotocols, as the client wrote it; it goes back in `Sec-WebSocket-Protocol` (RFC 6455 section
/// 4.2.2, item 5.5): to a push stream they are all the same, and some clients insist on one.
///
/// ```
/// # use protocol::websocket::handshake::subprotocol;
/// assert_eq!(subprotocol(b"soap, chat"), Some(&b"soap"[..]));
/// assert_eq!(subprotocol(b""), None);
/// ```
#[must_use]
pub fn subprotocol(offered: &[u8]) -> Option<&[u8]> {
    list(offered).find(|name| name.iter().all(|&byte| is_token_byte(byte)))
}

/// The head of the answer that accepts a handshake, with these headers (RFC 6455 section 4.2.2).
#[must_use]
pub fn head(headers: &[(&str, &[u8])]) -> Vec<u8> {
    let mut head = b"HTTP/1.1 101 Switching Protocols\r\n".to_vec();
    for (name, value) in headers {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Whether a page of this origin may connect: `allowed` lists origins separated by commas or spaces,
/// `*` allows all. A request without `Origin` comes from no browser and is not what the check is about
/// (RFC 6455 sections 4.2.1, item 7, and 10.2).
///
/// # Errors
///
/// [`Invalid::Origin`] if there is an origin and it is not listed. An empty list allows none.
pub fn check_origin(origin: Option<&[u8]>, allowed: &[u8]) -> Result<(), Invalid> {
    let Some(origin) = origin else { return Ok(()) };
    let mut allowed = allowed
        .split(|&byte| byte == b',' || byte.is_ascii_whitespace())
        .filter(|it| !it.is_empty());
    // Scheme and host do not depend on case, and an origin has nothing else but digits.
    let is_allowed = allowed.any(|it| it == b"*" || it.eq_ignore_ascii_case(origin));
    if is_allowed { Ok(()) } else { Err(Invalid::Origin) }
}

/// The elements of a list that are not empty, trimmed.
fn list(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii).filter(|element| !element.is_empty())
}

fn has_token(value: &[u8], token: &[u8]) -> bool {
    list(value).any(|element| element.eq_ignore_ascii_case(token))
}

/// What a token consists of (RFC 9110 section 5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Decimal digits and nothing else; leading zeros count for nothing.
fn number(value: &[u8]) -> Option<u32> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u32, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// 16 bytes are 22 digits of base64 and two signs of padding (RFC 6455 section 4.2.1, item 5).
fn is_key(key: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

/// The digit of base64 for six bits (RFC 4648 section 4).
const fn base64_digit(bits: u8) -> u8 {
    match bits {
        0..26 => b'A' + bits,
        26..52 => b'a' + (bits - 26),
        52..62 => b'0' + (bits - 52),
        62 => b'+',
        _ => b'/',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: Handshake<'_> = Handshake {
        connection: Some(b"keep-alive, Upgrade"),
        upgrade: Some(b"websocket"),
        key: Some(b"dGhlIHNhbXBsZSBub25jZQ=="),
        version: Some(b"13"),
    };

    /// RFC 6455 section 1.3.
    #[test]
    fn accepts_the_example_of_the_rfc() {
        let key = VALID.check(true).unwrap();
        let value = accept_value(key, |parts| {
            assert_eq!(
                parts.concat(),
                b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
            );
            [
                0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
                0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea,
            ]
        });
        assert_eq!(&value, b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn accept_values_use_the_whole_alphabet() {
        assert_eq!(&accept_value(b"", |_| [0xff; 20]), b"//////////////////////////8=");
        assert_eq!(&accept_value(b"", |_| [0; 20]), b"AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(&accept_value(b"", |_| [0xfb; 20])[..4], b"+/v7");
        let digits: std::vec::Vec<u8> = (0..64).map(base64_digit).collect();
        assert_eq!(digits, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
    }

    #[test]
    fn every_header_must_be_there() {
        for incomplete in [
            Handshake { connection: None, ..VALID },
            Handshake { upgrade: None, ..VALID },
            Handshake { key: None, ..VALID },
            Handshake { version: None, ..VALID },
            Handshake::default(),
        ] {
            assert_eq!(incomplete.check(false), Err(Invalid::MissingHeader));
        }
        assert_eq!(Invalid::MissingHeader.explain(), Refusal::MissingWebSocketHeaders.explain());
    }

    #[test]
    fn versions_are_8_and_13_in_decimal() {
        for version in ["8", "13", "013", "0000000000000008"] {
            let handshake = Handshake { version: Some(version.as_bytes()), ..VALID };
            assert!(handshake.check(true).is_ok(), "{version}");
        }
        for version in ["", "0", "7", "14", "13, 8", "+13", "-8", "0x8", "13.0", "4294967309"] {
            let handshake = Handshake { version: Some(version.as_bytes()), ..VALID };
            assert_eq!(handshake.check(false), Err(Invalid::Version), "{version}");
        }
    }

    #[test]
    fn contents_matter_only_where_it_is_strict() {
        for (handshake, invalid) in [
            (Handshake { connection: Some(b"keep-alive"), ..VALID }, Invalid::Connection),
            (Handshake { upgrade: Some(b"websockets"), ..VALID }, Invalid::Upgrade),
            (Handshake { key: Some(b""), ..VALID }, Invalid::Key),
            (Handshake { key: Some(b"dGhlIHNhbXBsZSBub25jZQ="), ..VALID }, Invalid::Key),
            (Handshake { key: Some(b"dGhlIHNhbXBsZSBub25jZTEy"), ..VALID }, Invalid::Key),
            (Handshake { key: Some(b"dGhlIHNhbXBsZSBub25j-_=="), ..VALID }, Invalid::Key),
        ] {
            assert_eq!(handshake.check(true), Err(invalid));
            assert_eq!(handshake.check(false), Ok(handshake.key.unwrap()));
        }
        let loud = Handshake { connection: Some(b"UPGRADE"), upgrade: Some(b"WebSocket"), ..VALID };
        assert!(loud.check(true).is_ok());
    }

    #[test]
    fn subprotocols_are_tokens() {
        assert_eq!(subprotocol(b" , v1.json ,x"), Some(&b"v1.json"[..]));
        assert_eq!(subprotocol(b"a b, c"), Some(&b"c"[..]));
        assert_eq!(subprotocol(b" ,"), None);
    }

    #[test]
    fn origins_are_compared_as_a_whole() {
        let allowed = b"https://a.example, http://b.example:8080";
        for origin in ["https://a.example", "HTTPS://A.example", "http://b.example:8080"] {
            assert_eq!(check_origin(Some(origin.as_bytes()), allowed), Ok(()), "{origin}");
        }
        for origin in ["http://a.example", "https://a.example.evil", "http://b.example", "null", ""]
        {
            let refused = Err(Invalid::Origin);
            assert_eq!(check_origin(Some(origin.as_bytes()), allowed), refused, "{origin}");
        }
        assert_eq!(check_origin(Some(b"null"), b"*"), Ok(()));
        assert_eq!(check_origin(Some(b"null"), b""), Err(Invalid::Origin));
        assert_eq!(check_origin(None, b""), Ok(()));
        assert_eq!((Invalid::Origin.status(), Invalid::Key.status()), (403, 400));
    }
}
