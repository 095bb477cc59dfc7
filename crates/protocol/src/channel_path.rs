//! Which channels does a request name?
//!
//! Every location has a channels path: `room1/room2.b5` means the channels `room1` and `room2`, the
//! latter with its last five stored messages first. The publisher, subscriber and statistics
//! locations call [`decode`] on the configured value and [`ChannelPath::parse`] on the result, then
//! check each id. Ids are byte strings: nothing here assumes UTF-8, and every byte except `/` can be
//! part of an id, newline, `?` and NUL included.
//!
//! ```text
//! path     = segment *( "/" segment ) [ "/" ]
//! segment  = id [ ".b" 1*DIGIT ]      ; the suffix counts only directly before "/" or the end
//! ```

use alloc::borrow::Cow;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::Few;

/// Percent-decodes `value` once.
///
/// A malformed escape stays as it is, `+` is an ordinary byte (this is a path, not a form), and
/// nothing ends the decoding. Borrows when there is nothing to decode.
#[must_use]
pub fn decode(value: &[u8]) -> Cow<'_, [u8]> {
    let Some(first) = memchr::memchr(b'%', value) else {
        return Cow::Borrowed(value);
    };
    let mut decoded = Vec::with_capacity(value.len());
    let (plain, mut rest) = value.split_at(first);
    decoded.extend_from_slice(plain);
    while let Some((&byte, tail)) = rest.split_first() {
        if let (b'%', Some((escaped, after))) = (byte, escape(tail)) {
            decoded.push(escaped);
            rest = after;
        } else {
            decoded.push(byte);
            rest = tail;
        }
    }
    Cow::Owned(decoded)
}

/// The byte that the two hexadecimal digits at the start of `tail` stand for, and what follows.
fn escape(tail: &[u8]) -> Option<(u8, &[u8])> {
    let (&[high, low], after) = tail.split_first_chunk()?;
    Some((hex_digit(high)? << 4 | hex_digit(low)?, after))
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// Whether `id` can be neither published nor subscribed to: it means several channels on a
/// statistics location.
#[must_use]
pub fn is_reserved(id: &[u8]) -> bool {
    listing_prefix(id).is_some()
}

/// What a reserved id lists on a statistics location: all channels whose id begins with the returned
/// bytes. `ALL` and `*` list every channel; what follows the first `*` does not matter.
#[must_use]
pub fn listing_prefix(id: &[u8]) -> Option<&[u8]> {
    if id == b"ALL" {
        return Some(b"");
    }
    id.get(..memchr::memchr(b'*', id)?)
}

/// Whether `id` names a wildcard channel. An empty `prefix` means that none is configured.
#[must_use]
pub fn is_wildcard(id: &[u8], prefix: &[u8]) -> bool {
    !prefix.is_empty() && id.starts_with(prefix)
}

/// One channel of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// The channel id; never empty.
    pub id: &'a [u8],
    /// How many of the last stored messages are wanted first. `.b0` asks for none and reads as
    /// `None`; a number that does not fit is `u32::MAX`, which means all.
    pub backtrack: Option<u32>,
}

/// The channels of a request, in the order they were named. An id named twice is there twice.
///
/// ```
/// # use protocol::channel_path::ChannelPath;
/// let path = ChannelPath::parse(b"room1/room2.b5");
/// let ids: Vec<_> = path.iter().map(|segment| (segment.id, segment.backtrack)).collect();
/// assert_eq!(ids, [(&b"room1"[..], None), (&b"room2"[..], Some(5))]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelPath {
    /// The whole path; the segments point into it, so ids cost no allocation of their own, and a short path none at all.
    bytes: SmallVec<[u8; 32]>,
    segments: Few<Place>,
}

/// A segment in the bytes of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: u32,
    end: u32,
    backtrack: Option<u32>,
}

/// A position in a path; it has no more bytes than the head of a request.
fn position(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl ChannelPath {
    /// Takes a decoded path apart. Empty segments are skipped, so the leading slash that some clients
    /// send names no channel, and a path of slashes alone is empty.
    #[must_use]
    pub fn parse(path: &[u8]) -> Self {
        let mut segments = Few::new();
        let mut start = 0;
        loop {
            let rest = path.get(start..).unwrap_or_default();
            let slash = memchr::memchr(b'/', rest);
            let segment = rest.get(..slash.unwrap_or(rest.len())).unwrap_or_default();
            let (id_len, backtrack) = split_backtrack(segment);
            if id_len > 0 {
                let (start, end) = (position(start), position(start + id_len));
                segments.push(Place { start, end, backtrack });
            }
            match slash {
                Some(slash) => start += slash + 1,
                None => break,
            }
        }
        Self { bytes: SmallVec::from_slice(path), segments }
    }

    /// The path of one channel whose id is given raw, as the variable `$push_stream_channel_id` of
    /// old configurations does: `/` and `.bN` are part of the id. An empty id is an empty path.
    #[must_use]
    pub fn single(id: &[u8]) -> Self {
        let whole = Place { start: 0, end: position(id.len()), backtrack: None };
        let segment = (!id.is_empty()).then_some(whole);
        Self { bytes: SmallVec::from_slice(id), segments: segment.into_iter().collect() }
    }

    /// The channels in path order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Segment<'_>> + Clone {
        let bytes = &*self.bytes;
        self.segments.iter().map(|place| Segment {
            id: bytes.get(place.start as usize..place.end as usize).unwrap_or_default(),
            backtrack: place.backtrack,
        })
    }

    /// The ids in path order, with `/` between them.
    #[must_use]
    pub fn joined(&self) -> Vec<u8> {
        let mut joined = Vec::with_capacity(self.bytes.len());
        for segment in self.iter() {
            if !joined.is_empty() {
                joined.push(b'/');
            }
            joined.extend_from_slice(segment.id);
        }
        joined
    }

    /// How many channels are named, repetitions counted.
    #[must_use]
    pub fn len(&self) -> usize {
        self.segments.len()
    }

    /// Whether no channel is named at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }
}

/// Splits a `.bN` suffix off: the length of the id before it, and N. Only the last suffix counts, so
/// `a.b3.b4` is the id `a.b3`.
fn split_backtrack(segment: &[u8]) -> (usize, Option<u32>) {
    let digits = segment.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (head, number) = segment.split_at(segment.len() - digits);
    match head.strip_suffix(b".b") {
        Some(id) if digits > 0 => (id.len(), Some(saturating_number(number)).filter(|&n| n > 0)),
        _ => (segment.len(), None),
    }
}

/// The value of ASCII digits; `u32::MAX` if it does not fit.
pub(crate) fn saturating_number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number: u32, digit| {
        number.saturating_mul(10).saturating_add(u32::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    type Ids = Vec<(&'static [u8], Option<u32>)>;

    fn check(path: &[u8], expected: &Ids) {
        let parsed = ChannelPath::parse(&decode(path));
        let found: Vec<_> = parsed.iter().map(|s| (s.id, s.backtrack)).collect();
        assert_eq!(&found, expected, "path {}", path.escape_ascii());
        assert_eq!((parsed.len(), parsed.is_empty()), (expected.len(), expected.is_empty()));
    }

    #[test]
    fn a_path_names_its_channels_in_order() {
        check(b"a", &vec![(b"a", None)]);
        check(b"a/b", &vec![(b"a", None), (b"b", None)]);
        check(b"a%2Fb", &vec![(b"a", None), (b"b", None)]);
        check(b"a/b/", &vec![(b"a", None), (b"b", None)]);
        check(b"dup/dup", &vec![(b"dup", None), (b"dup", None)]);
        check(b"a.b3/c/d.b2", &vec![(b"a", Some(3)), (b"c", None), (b"d", Some(2))]);
    }

    #[test]
    fn a_backtrack_counts_only_directly_before_a_slash_or_the_end() {
        check(b"a.b3", &vec![(b"a", Some(3))]);
        check(b"a.b3/", &vec![(b"a", Some(3))]);
        check(b"a.b3.b4", &vec![(b"a.b3", Some(4))]);
        check(b"a.b007", &vec![(b"a", Some(7))]);
        for literal in [&b"a.b"[..], b"a.b3x", b"a.B3", b"a.b-3", b"a.3", b"ab3", b"3", b"a.b3\n"] {
            check(literal, &vec![(Vec::leak(literal.to_vec()), None)]);
        }
    }

    #[test]
    fn a_backtrack_that_does_not_fit_means_all() {
        check(b"a.b4294967295", &vec![(b"a", Some(u32::MAX))]);
        check(b"a.b4294967296", &vec![(b"a", Some(u32::MAX))]);
        check(b"a.b99999999999999999999", &vec![(b"a", Some(u32::MAX))]);
    }

    #[test]
    fn a_backtrack_of_zero_equals_none() {
        check(b"a.b0", &vec![(b"a", None)]);
        check(b"a.b000", &vec![(b"a", None)]);
    }

    #[test]
    fn empty_segments_are_skipped() {
        check(b"/a", &vec![(b"a", None)]);
        check(b"a//b", &vec![(b"a", None), (b"b", None)]);
        check(b"//a///b//", &vec![(b"a", None), (b"b", None)]);
        for nothing in [&b""[..], b"/", b"///", b".b3", b"/.b3/", b".b0"] {
            check(nothing, &vec![]);
        }
    }

    #[test]
    fn newline_question_mark_and_nul_are_ordinary_bytes() {
        check(b"a%0A", &vec![(b"a\n", None)]);
        check(b"a%3Fb", &vec![(b"a?b", None)]);
        check(b"a%00b/c", &vec![(b"a\0b", None), (b"c", None)]);
        check(b"%ff%fe", &vec![(b"\xff\xfe", None)]);
    }

    #[test]
    fn decoding_is_done_once_and_leaves_malformed_escapes() {
        for (value, expected) in [
            (&b"a%20b"[..], &b"a b"[..]),
            (b"a+b", b"a+b"),
            (b"%zz", b"%zz"),
            (b"50%", b"50%"),
            (b"50%2", b"50%2"),
            (b"%%41", b"%A"),
            (b"%4%41", b"%4A"),
            (b"a%2520b", b"a%20b"),
            (b"http%3A%2F%2Fx.y", b"http://x.y"),
            (b"%e9%E9", b"\xe9\xe9"),
            (b"a%3Fb%20c?d%20e", b"a?b c?d e"),
            (b"", b""),
        ] {
            assert_eq!(&*decode(value), expected, "value {}", value.escape_ascii());
        }
        assert!(matches!(decode(b"plain"), Cow::Borrowed(b"plain")));
    }

    #[test]
    fn a_single_id_is_taken_raw() {
        let path = ChannelPath::single(b"a/b.b3");
        assert_eq!(path.iter().collect::<Vec<_>>(), [Segment { id: b"a/b.b3", backtrack: None }]);
        assert!(ChannelPath::single(b"").is_empty());
    }

    #[test]
    fn all_and_ids_with_an_asterisk_are_reserved() {
        for (id, prefix) in [
            (&b"ALL"[..], Some(&b""[..])),
            (b"*", Some(b"")),
            (b"g*", Some(b"g")),
            (b"g*4", Some(b"g")),
            (b"g*h*", Some(b"g")),
            (b"all", None),
            (b"ALLO", None),
            (b"ALL ", None),
            (b"a", None),
        ] {
            assert_eq!(listing_prefix(id), prefix, "id {}", id.escape_ascii());
            assert_eq!(is_reserved(id), prefix.is_some());
        }
    }

    #[test]
    fn a_wildcard_channel_begins_with_the_configured_prefix() {
        assert!(is_wildcard(b"broad_1", b"broad_"));
        assert!(is_wildcard(b"broad_", b"broad_"));
        assert!(!is_wildcard(b"broad", b"broad_"));
        assert!(!is_wildcard(b"Broad_1", b"broad_"));
        assert!(!is_wildcard(b"anything", b""));
    }
}
