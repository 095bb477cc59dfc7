//! Text of all kinds: channel paths, templates, cursors, events.

use protocol::channel_path::{ChannelPath, decode, listing_prefix};
use protocol::cursor::{
    Cursor, Resume, etag, event_id, http_date, parse_event_id, parse_seconds, parse_tag, parse_time,
};
use protocol::template::{MessageView, Template};
use protocol::{accept, event_source, jsonp, statistics};

use crate::oracles::{naive_render, naive_segment};

/// Separates the fields of an input; no UTF-8 has it.
const SEPARATOR: u8 = 0xfe;

/// The first fields of an input; what is missing is empty.
fn fields<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut parts = data.splitn(N, |byte| *byte == SEPARATOR);
    std::array::from_fn(|_| parts.next().unwrap_or_default())
}

pub(crate) fn channel_path(data: &[u8]) {
    let decoded = decode(data);
    assert!(decoded.len() <= data.len());
    let path = ChannelPath::parse(&decoded);
    let expected = decoded.split(|byte| *byte == b'/').map(naive_segment);
    let expected: Vec<_> = expected.filter(|(id, _)| !id.is_empty()).collect();
    let parsed: Vec<_> = path.iter().map(|it| (it.id.to_vec(), it.backtrack)).collect();
    assert_eq!(parsed, expected);
    assert_eq!(path.len(), expected.len());
    for (id, _) in expected {
        assert!(listing_prefix(&id).is_none_or(|prefix| id == b"ALL" || id.starts_with(prefix)));
        a_line_each(&id);
    }
    if let Ok(Some(name)) = jsonp::callback(Some(data)) {
        assert!(name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_$.[]".contains(byte)));
    }
}

/// An id breaks out of no statistics.
fn a_line_each(id: &[u8]) {
    use accept::Format::{Json, Plain, Xml, Yaml};
    let info = statistics::ChannelInfo { id, ..Default::default() };
    for (format, lines) in [(Json, 1), (Plain, 4), (Yaml, 4), (Xml, 8)] {
        let mut out = Vec::new();
        statistics::single(format, &info, &mut out);
        let breaks = out.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(breaks, lines, "{}", out.escape_ascii());
        assert!(format != Xml || out.iter().filter(|byte| **byte == b'<').count() == 11);
    }
}

pub(crate) fn template(data: &[u8]) {
    let [source, channel, event_id, event_type, text] = fields(data);
    let (tag, time) = (data.len() as u32, u32::from(*data.first().unwrap_or(&0)) << 23);
    let message = MessageView { id: 7, tag, time, channel, event_id, event_type, text };
    let parsed = Template::parse(source);
    let mut out = Vec::new();
    parsed.render(&message, &mut out);
    assert_eq!(out, naive_render(source, &message));
    assert_eq!(out.len(), parsed.rendered_len(&message));
    assert!(!parsed.is_plain_text() || out == text);
}

pub(crate) fn cursor(data: &[u8]) {
    let [time, tag, id, accept] = fields(data);
    if let Some(seconds) = parse_time(time) {
        assert_eq!(parse_time(&http_date(seconds)), Some(seconds));
    }
    if let Some(number) = parse_tag(tag) {
        assert_eq!(parse_tag(&etag(number)), Some(number));
    }
    if let Some(cursor) = parse_event_id(id) {
        assert_eq!(parse_event_id(&event_id(cursor)), Some(cursor));
        assert_eq!(Cursor::from_u64(cursor.to_u64()), cursor);
    }
    if let Some(seconds) = parse_seconds(time) {
        assert!(
            seconds.to_string().as_bytes() == time.trim_ascii_start() || time.starts_with(b"0")
        );
    }
    let resume = Resume::parse(Some(time), Some(tag), Some(id));
    assert_eq!(resume.after().is_some(), parse_time(time).is_some());
    let (_, content_type) = accept::negotiate(Some(accept));
    assert!(content_type.is_ascii());
    let _ = accept::wants_metrics(Some(accept));
}

/// What a browser makes of an event stream (HTML section 9.2.6): id, type and data of each event.
fn browser(stream: &[u8]) -> Vec<(Vec<u8>, Vec<u8>, Vec<u8>)> {
    let mut events = Vec::new();
    let (mut last_id, mut kind, mut data) = (Vec::new(), Vec::new(), Vec::new());
    let mut rest = stream;
    while let Some(end) = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')) {
        let (line, behind) = rest.split_at(end);
        rest = behind.strip_prefix(b"\r\n").unwrap_or(&behind[1..]);
        if line.is_empty() {
            if !data.is_empty() {
                data.pop();
                events.push((
                    last_id.clone(),
                    std::mem::take(&mut kind),
                    std::mem::take(&mut data),
                ));
            }
            kind.clear();
            continue;
        }
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"id" if !value.contains(&0) => last_id = value.to_vec(),
            b"event" => kind = value.to_vec(),
            b"data" => {
                data.extend_from_slice(value);
                data.push(b'\n');
            }
            _ => {}
        }
    }
    events
}

/// The part before the first line end.
fn first_line(value: &[u8]) -> &[u8] {
    value.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default()
}

/// What a publisher names and writes injects no field and no event.
pub(crate) fn event_source(data: &[u8]) {
    let [id, kind, operator, text] = fields(data);
    let message = MessageView { event_id: id, event_type: kind, text, ..MessageView::default() };
    let template = Template::parse(&event_source::message_template(b""));
    let mut stream = event_source::header_template(b"").into_owned();
    event_source::id(id, &mut stream);
    event_source::event(kind, &mut stream);
    event_source::data(&template, &message, &mut stream);
    let lines: Vec<_> =
        text.split(|byte| matches!(byte, b'\r' | b'\n')).filter(|line| !line.is_empty()).collect();
    let id = Some(first_line(id)).filter(|id| !id.contains(&0)).unwrap_or_default();
    let event = (id.to_vec(), first_line(kind).to_vec(), lines.join(&b'\n'));
    let expected = if lines.is_empty() { vec![] } else { vec![event] };
    assert_eq!(browser(&stream), expected, "{}", stream.escape_ascii());
    // What the operator configures may be anything that does no harm to the process.
    let own = Template::parse(&event_source::message_template(operator));
    event_source::data(&own, &message, &mut stream);
    stream.extend_from_slice(&event_source::footer_template(operator));
    stream.extend_from_slice(&event_source::header_template(operator));
}
