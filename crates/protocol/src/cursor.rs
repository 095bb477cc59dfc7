//! Where does a subscriber resume, and how is a place in the stream written?
//!
//! Every message has a place in the zone-wide stream: the second of its publish and a tag that counts
//! from 1 within that second. The store orders messages by it; subscribers hand the last pair they
//! saw back as `If-Modified-Since` and `If-None-Match` (or as arguments), and the poll modes send the
//! new pair as `Last-Modified` and `Etag`. Subscriber locations build a [`Resume`] from the request.

use crate::channel_path::saturating_number;
use crate::short::Short;

pub use crate::date::{http_date, parse as parse_time};

/// A place in the stream: everything up to and including (`time`, `tag`) has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    // The derived order compares the fields in this order.
    /// Seconds since 1970 UTC.
    pub time: u32,
    /// Position within that second, from 1; 0 is before its first message.
    pub tag: u32,
}

impl Cursor {
    /// Before every message.
    pub const ZERO: Self = Self { time: 0, tag: 0 };

    /// The cursor of message `tag` of second `time`.
    #[must_use]
    pub const fn new(time: u32, tag: u32) -> Self {
        Self { time, tag }
    }

    /// One integer that orders like the cursor, for the store: `time << 32 | tag`.
    #[must_use]
    pub const fn to_u64(self) -> u64 {
        (self.time as u64) << 32 | self.tag as u64
    }

    /// The inverse of [`Self::to_u64`].
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are taken apart")]
    pub const fn from_u64(packed: u64) -> Self {
        Self { time: (packed >> 32) as u32, tag: packed as u32 }
    }
}

/// What a client asks to resume from. The poll modes also echo these values in a 304.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resume<'a> {
    /// Seconds since 1970 UTC, from `If-Modified-Since` or an argument.
    pub time: Option<u32>,
    /// The tag within that second, from `If-None-Match` or an argument.
    pub tag: Option<u32>,
    /// The event id of the last message seen, from `Last-Event-Id` or an argument.
    pub event_id: Option<&'a [u8]>,
}

impl<'a> Resume<'a> {
    /// Reads the three values as they came; what cannot be read counts as not given, and so does an
    /// empty event id.
    #[must_use]
    pub fn parse(
        time: Option<&[u8]>,
        tag: Option<&[u8]>,
        event_id: Option<&'a [u8]>,
    ) -> Resume<'a> {
        Resume {
            time: time.and_then(parse_time),
            tag: tag.and_then(parse_tag),
            event_id: event_id.filter(|id| !id.is_empty()),
        }
    }

    /// The cursor after which stored messages are due; `None` if no time was given. A time without a
    /// tag means that the whole second has been seen; a tag without a time means nothing.
    #[must_use]
    pub fn after(&self) -> Option<Cursor> {
        Some(Cursor { time: self.time?, tag: self.tag.unwrap_or(u32::MAX) })
    }
}

/// The event id that stands for a cursor: `1767225600:7`.
#[must_use]
pub fn event_id(cursor: Cursor) -> Short<21> {
    let mut value = Short::new();
    value.push(itoa::Buffer::new().format(cursor.time).as_bytes());
    value.push(b":");
    value.push(itoa::Buffer::new().format(cursor.tag).as_bytes());
    value
}

/// The cursor for which an [`event_id`] stands; `None` for any other text.
#[must_use]
pub fn parse_event_id(value: &[u8]) -> Option<Cursor> {
    let (time, tag) = value.split_at_checked(memchr::memchr(b':', value)?)?;
    Some(Cursor { time: parse_seconds(time)?, tag: parse_seconds(tag.get(1..)?)? })
}

/// Reads a time that is given as seconds since 1970: digits only, and no more than fit.
#[must_use]
pub fn parse_seconds(value: &[u8]) -> Option<u32> {
    let is_number = value.iter().all(u8::is_ascii_digit);
    core::str::from_utf8(value).ok().filter(|_| is_number)?.parse().ok()
}

/// Reads a tag: an optional `W/`, then digits only. `"1"`, `-5` and `*` are not tags. A number that
/// does not fit is `u32::MAX`, after every message of its second.
#[must_use]
pub fn parse_tag(value: &[u8]) -> Option<u32> {
    let digits = value.strip_prefix(b"W/").unwrap_or(value);
    let is_number = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| saturating_number(digits))
}

/// The value of the `Etag` header: `W/7`, without the quotes that RFC 9110 section 8.8.3 asks for,
/// because the known clients send it back as they got it.
#[must_use]
pub fn etag(tag: u32) -> Short<12> {
    let mut value = Short::new();
    value.push(b"W/");
    value.push(itoa::Buffer::new().format(tag).as_bytes());
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    #[test]
    fn a_cursor_is_an_event_id_and_back() {
        for (cursor, text) in [
            (Cursor::ZERO, "0:0"),
            (Cursor::new(1_767_225_600, 7), "1767225600:7"),
            (Cursor::new(u32::MAX, u32::MAX), "4294967295:4294967295"),
        ] {
            assert_eq!(&*event_id(cursor), text.as_bytes());
            assert_eq!(parse_event_id(text.as_bytes()), Some(cursor));
        }
        for text in
            ["", ":", "1:", ":1", "1", "1:2:3", "a:1", "1:b", "+1:1", "4294967296:0", "1 :2"]
        {
            assert_eq!(parse_event_id(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn cursors_order_by_time_then_tag() {
        let ordered = [
            Cursor::ZERO,
            Cursor::new(0, 1),
            Cursor::new(1, 0),
            Cursor::new(1, 7),
            Cursor::new(2, 1),
        ];
        assert!(ordered.is_sorted());
        assert!(ordered.map(Cursor::to_u64).is_sorted());
        assert_eq!(ordered.map(|cursor| Cursor::from_u64(cursor.to_u64())), ordered);
        assert_eq!(Cursor::new(1, u32::MAX).to_u64(), 0x1_ffff_ffff);
    }

    #[test]
    fn a_tag_is_digits_with_an_optional_weak_mark() {
        for (value, expected) in [
            (&b"1"[..], Some(1)),
            (b"W/1", Some(1)),
            (b"W/007", Some(7)),
            (b"0", Some(0)),
            (b"4294967295", Some(u32::MAX)),
            (b"99999999999999999999", Some(u32::MAX)),
            (b"\"1\"", None),
            (b"W/\"1\"", None),
            (b"w/1", None),
            (b"W/W/1", None),
            (b"-5", None),
            (b"+5", None),
            (b"*", None),
            (b"1 ", None),
            (b"1, 2", None),
            (b"W/", None),
            (b"", None),
        ] {
            assert_eq!(parse_tag(value), expected, "value {}", value.escape_ascii());
        }
    }

    #[test]
    fn an_etag_is_weak_and_unquoted() {
        assert_eq!(&*etag(0), b"W/0");
        assert_eq!(&*etag(7), b"W/7");
        assert_eq!(&*etag(u32::MAX), b"W/4294967295");
    }

    const T1: &[u8] = b"Mon, 23 Nov 2026 06:31:47 GMT";
    const T2: &[u8] = b"Mon, 23 Nov 2026 06:31:49 GMT";
    const EPOCH: &[u8] = b"Thu, 01 Jan 1970 00:00:00 GMT";

    /// a1 a2 a3 were published at T1 with tags 1 2 3, b1 b2 at T2 with tags 1 3.
    fn due(time: Option<&[u8]>, tag: Option<&[u8]>) -> Vec<&'static str> {
        let (t1, t2) = (parse_time(T1).unwrap(), parse_time(T2).unwrap());
        let stored = [("a1", t1, 1), ("a2", t1, 2), ("a3", t1, 3), ("b1", t2, 1), ("b2", t2, 3)];
        let Some(after) = Resume::parse(time, tag, None).after() else { return Vec::new() };
        let newer = stored.iter().filter(|(_, time, tag)| Cursor::new(*time, *tag) > after);
        newer.map(|(name, ..)| *name).collect()
    }

    #[test]
    fn what_is_strictly_newer_than_the_cursor_is_due() {
        let all = ["a1", "a2", "a3", "b1", "b2"];
        assert!(due(None, None).is_empty());
        assert_eq!(due(Some(EPOCH), None), all);
        assert_eq!(due(Some(T1), None), all[3..]);
        assert_eq!(due(Some(T1), Some(b"0")), all);
        assert_eq!(due(Some(T1), Some(b"1")), all[1..]);
        assert_eq!(due(Some(T1), Some(b"2")), all[2..]);
        assert_eq!(due(Some(T1), Some(b"3")), all[3..]);
        assert_eq!(due(Some(T1), Some(b"9")), all[3..]);
        assert!(due(Some(T2), None).is_empty());
        assert_eq!(due(Some(T2), Some(b"1")), all[4..]);
        assert_eq!(due(Some(T2), Some(b"W/1")), all[4..]);
        assert!(due(Some(T2), Some(b"W/3")).is_empty());
        assert!(due(Some(T2), Some(b"\"1\"")).is_empty());
        assert!(due(None, Some(b"1")).is_empty());
        assert!(due(Some(b"null"), Some(b"1")).is_empty());
        assert!(due(Some(b"Fri, 01 Jan 2100 00:00:00 GMT"), Some(b"1")).is_empty());
    }

    #[test]
    fn an_empty_event_id_counts_as_not_given() {
        assert_eq!(Resume::parse(None, None, Some(b"")), Resume::default());
        assert_eq!(Resume::parse(None, None, Some(b"E")).event_id, Some(&b"E"[..]));
        assert_eq!(Resume::parse(None, Some(b"W/1"), None).tag, Some(1));
    }
}
