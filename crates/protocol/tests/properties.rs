//! Properties that hold for any input, checked against naive oracles.

#[path = "support/oracles.rs"]
mod oracles;

use oracles::{naive_render, naive_segment, unchunk};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::accept::{Format, negotiate};
use protocol::channel_path::{ChannelPath, decode};
use protocol::cursor::{Cursor, etag, http_date, parse_tag, parse_time};
use protocol::template::{MessageView, Template};
use protocol::{chunk, statistics};

/// Bytes that mean something to the parsers far more often than chance would have it.
fn pieces(meaningful: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => proptest::sample::select(meaningful).prop_map(|piece| piece.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn owned(path: &ChannelPath) -> Vec<(Vec<u8>, Option<u32>)> {
    path.iter().map(|segment| (segment.id.to_vec(), segment.backtrack)).collect()
}

proptest! {
    #[test]
    fn a_template_renders_as_a_naive_scan_would(
        template in pieces(&["~", "~id~", "~ID~", "~event-id~", "~event-type~", "~channel~", "~text~",
            "~Size~", "~tag~", "~time~", "~foo~", "id~", "text", "event-", "type~"]),
        text in pieces(&["~id~", "~text~", "x"]),
        channel in vec(any::<u8>(), 0..8),
        (id, tag, time) in (any::<i64>(), any::<u32>(), any::<u32>()),
    ) {
        let message = MessageView {
            id, tag, time, channel: &channel, text: &text, event_id: b"~channel~", event_type: b"",
        };
        let parsed = Template::parse(&template);
        let mut out = Vec::new();
        parsed.render(&message, &mut out);
        prop_assert_eq!(out.len(), parsed.rendered_len(&message));
        prop_assert_eq!(out.as_slice() == text.as_slice() || !parsed.is_plain_text(), true);
        prop_assert_eq!(out, naive_render(&template, &message));
    }

    #[test]
    fn a_path_parses_as_a_naive_split_would(
        path in pieces(&["/", "//", "a", ".", ".b", ".b3", ".b0", "7", "99999999999", "*", "\n"]),
    ) {
        let expected: Vec<_> = path
            .split(|byte| *byte == b'/')
            .map(naive_segment)
            .filter(|(id, _)| !id.is_empty())
            .collect();
        prop_assert_eq!(owned(&ChannelPath::parse(&path)), expected);
    }

    #[test]
    fn a_path_built_from_ids_gives_the_ids_back(
        segments in vec((vec(any::<u8>().prop_filter("no slash", |b| *b != b'/'), 1..12), 1..=u32::MAX), 0..8),
    ) {
        let path = segments.iter().map(|(id, number)| {
            [id.as_slice(), format!(".b{number}").as_bytes()].concat()
        });
        let parsed = ChannelPath::parse(&path.collect::<Vec<_>>().join(&b'/'));
        let expected: Vec<_> = segments.into_iter().map(|(id, number)| (id, Some(number))).collect();
        prop_assert_eq!(owned(&parsed), expected);
    }

    #[test]
    fn decoding_undoes_encoding(bytes in vec(any::<u8>(), 0..64)) {
        let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
        prop_assert_eq!(&*decode(encoded.as_bytes()), bytes.as_slice());
        let upper = encoded.to_uppercase();
        prop_assert_eq!(&*decode(upper.as_bytes()), bytes.as_slice());
    }

    #[test]
    fn decoding_never_grows_and_keeps_what_is_not_escaped(
        value in pieces(&["%", "%4", "%41", "%zz", "+", "?", "%2F", "\n"]),
    ) {
        let decoded = decode(&value);
        prop_assert!(decoded.len() <= value.len());
        prop_assert_eq!((value.len() - decoded.len()) % 2, 0);
        if !value.contains(&b'%') {
            prop_assert_eq!(&*decoded, value.as_slice());
        }
    }

    #[test]
    fn chunks_read_back(bodies in vec(vec(any::<u8>(), 0..300), 0..6)) {
        let mut framed = Vec::new();
        for body in &bodies {
            chunk::push_chunk(&mut framed, body);
        }
        framed.extend_from_slice(chunk::LAST_CHUNK);
        let sent: Vec<_> = bodies.into_iter().filter(|body| !body.is_empty()).collect();
        prop_assert_eq!(unchunk(&framed), Some(sent));
    }

    #[test]
    fn chunk_heads_equal_hexadecimal_formatting(len in any::<usize>(), shift in 0_u32..usize::BITS) {
        let len = len >> shift;
        prop_assert_eq!(chunk::chunk_head(len).to_vec(), format!("{len:x}\r\n").into_bytes());
    }

    #[test]
    fn negotiation_equals_a_naive_search(
        accept in pieces(&["/", "text/", "plain", "json", "yaml", "xml", "x-", "application/", ", ", "*"]),
    ) {
        let known = [
            ("plain", Format::Plain, "text/plain"),
            ("json", Format::Json, "application/json"),
            ("yaml", Format::Yaml, "application/yaml"),
            ("xml", Format::Xml, "application/xml"),
            ("x-json", Format::Json, "text/x-json"),
            ("x-yaml", Format::Yaml, "text/x-yaml"),
        ];
        let hits = known.iter().filter_map(|(subtype, format, content_type)| {
            let wanted = format!("/{subtype}").into_bytes();
            let at = accept.windows(wanted.len()).position(|window| window == wanted)?;
            Some((at, (*format, *content_type)))
        });
        let expected = hits.min_by_key(|(at, _)| *at).map(|(_, hit)| hit);
        prop_assert_eq!(negotiate(Some(&accept)), expected.unwrap_or((Format::Json, "application/json")));
    }

    #[test]
    fn dates_and_tags_read_back(time in any::<u32>(), tag in any::<u32>()) {
        prop_assert_eq!(parse_time(&http_date(time)), Some(time));
        prop_assert_eq!(parse_tag(&etag(tag)), Some(tag));
        prop_assert_eq!(Cursor::from_u64(Cursor::new(time, tag).to_u64()), Cursor::new(time, tag));
    }

    #[test]
    fn cursors_order_like_their_packed_form(a in any::<u64>(), b in any::<u64>()) {
        prop_assert_eq!(a.cmp(&b), Cursor::from_u64(a).cmp(&Cursor::from_u64(b)));
    }

    #[test]
    fn reading_a_date_never_panics(
        value in pieces(&["Mon", ",", " ", "23", "-", "Nov", "2026", "06", ":", "31", " GMT", "Feb", "29"]),
    ) {
        let _ = parse_time(&value);
        let _ = parse_tag(&value);
    }

    #[test]
    fn any_id_stays_on_its_line_and_in_its_string(id in pieces(&["\"", "\\", "\r", "\n", "<", "&", "é"])) {
        let info = statistics::ChannelInfo { id: &id, ..Default::default() };
        let line_count = |format| {
            let mut out = Vec::new();
            statistics::single(format, &info, &mut out);
            out.iter().filter(|byte| **byte == b'\n').count()
        };
        prop_assert_eq!(
            [Format::Json, Format::Plain, Format::Yaml, Format::Xml].map(line_count),
            [1, 4, 4, 8]
        );
        let mut json = Vec::new();
        statistics::single(Format::Json, &info, &mut json);
        let json = String::from_utf8(json).unwrap();
        let escaped = json.replace(r"\\", "").replace("\\\"", "");
        prop_assert_eq!(escaped.matches('"').count(), 10);
    }
}
