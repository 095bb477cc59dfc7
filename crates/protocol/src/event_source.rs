//! How does a message look as a server-sent event?
//!
//! WHATWG HTML section 9.2 (server-sent events). Line ends are CRLF, LF and CR (9.2.5), wherever they stand: a line end that
//! slipped through would let a publisher write fields of his own. Empty lines of a text are dropped, since one would end the event.
//!
//! The templates of a location are transformed once, when the configuration is read.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use memchr::memchr2;

use crate::template::{MessageView, Template};

/// Content-Type of a stream of events.
pub const CONTENT_TYPE: &str = "text/event-stream; charset=utf-8";
/// What keeps an idle connection alive: a comment.
pub const PING: &[u8] = b": -1\n";

/// The lines of a text, without their ends; empty ones are left out.
pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    core::iter::from_fn(move || {
        loop {
            if rest.is_empty() {
                return None;
            }
            let end = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
            let (line, behind) = rest.split_at(end);
            rest = behind.get(1..).unwrap_or_default();
            if !line.is_empty() {
                return Some(line);
            }
        }
    })
}

/// The header template as comment lines. Without one there is an empty comment, so that the stream begins at once.
#[must_use]
pub fn header_template(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_empty() { Cow::Borrowed(b": \n") } else { comment(text) }
}

/// The footer template as comment lines; nothing without one.
#[must_use]
pub fn footer_template(text: &[u8]) -> Cow<'_, [u8]> {
    if text.is_empty() { Cow::Borrowed(b"") } else { comment(text) }
}

/// Each line a comment; a text that begins as one is taken as it is.
fn comment(text: &[u8]) -> Cow<'_, [u8]> {
    if text.starts_with(b": ") {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for line in lines(text) {
        out.extend_from_slice(b": ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    Cow::Owned(out)
}

/// The message template as a `data:` line; a text that begins as one is taken as it is.
#[must_use]
pub fn message_template(text: &[u8]) -> Cow<'_, [u8]> {
    if text.starts_with(b"data: ") {
        return Cow::Borrowed(text);
    }
    let text = if text.is_empty() { b"~text~" } else { text };
    let mut out = Vec::with_capacity(text.len() + 7);
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(text);
    out.push(b'\n');
    Cow::Owned(out)
}

/// Appends the block of `data:` lines: the transformed template for each line of the text, then the empty line that ends the event.
pub fn data(template: &Template, message: &MessageView<'_>, out: &mut Vec<u8>) {
    for line in lines(message.text) {
        template.render(&MessageView { text: line, ..*message }, out);
    }
    out.push(b'\n');
}

/// Appends the `id:` line. The browser hands the id back when it reconnects.
pub fn id(event_id: &[u8], out: &mut Vec<u8>) {
    field(b"id: ", event_id, out);
}

/// Appends the `event:` line.
pub fn event(event_type: &[u8], out: &mut Vec<u8>) {
    field(b"event: ", event_type, out);
}

/// A field has one line: the value ends where its first line does.
fn field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    let end = memchr2(b'\r', b'\n', value).unwrap_or(value.len());
    out.extend_from_slice(name);
    out.extend_from_slice(value.get(..end).unwrap_or_default());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(template: &[u8], text: &[u8]) -> Vec<u8> {
        let template = Template::parse(&message_template(template));
        let mut out = Vec::new();
        data(&template, &MessageView { id: 1, text, ..MessageView::default() }, &mut out);
        out
    }

    #[test]
    fn every_line_end_splits_and_empty_lines_go() {
        for (template, text, expected) in [
            (&b""[..], &b"one"[..], &b"data: one\n\n"[..]),
            (b"", b"l1\nl2\rl3\r\nl4", b"data: l1\ndata: l2\ndata: l3\ndata: l4\n\n"),
            (b"", b"x\revent: y", b"data: x\ndata: event: y\n\n"),
            (b"", b"a\0b\nc\rd", b"data: a\0b\ndata: c\ndata: d\n\n"),
            (b"", b"\r\n\n\r", b"\n"),
            (b"", b"a\n\nb\n", b"data: a\ndata: b\n\n"),
            (
                br#"{"id":~id~,"text":"~text~"}"#,
                b"l1\nl2",
                b"data: {\"id\":1,\"text\":\"l1\"}\ndata: {\"id\":1,\"text\":\"l2\"}\n\n",
            ),
            (b"data: ~text~|\n", b"a", b"data: a|\n\n"),
            (b"~size~", b"abc\nd", b"data: 3\ndata: 1\n\n"),
        ] {
            assert_eq!(block(template, text), expected);
        }
    }

    #[test]
    fn header_and_footer_become_comments() {
        let text = b"header line 1\nheader line 2\rheader line 3\r\nheader line 4";
        let lines = b": header line 1\n: header line 2\n: header line 3\n: header line 4\n";
        assert_eq!(header_template(text).as_ref(), lines);
        assert_eq!(footer_template(text).as_ref(), lines);
        assert_eq!(header_template(b"").as_ref(), b": \n");
        assert_eq!(footer_template(b"").as_ref(), b"");
        assert_eq!(header_template(b": a\nb").as_ref(), b": a\nb");
        assert_eq!(header_template(b"a\n\n").as_ref(), b": a\n");
    }

    #[test]
    fn fields_cannot_be_broken() {
        let mut out = Vec::new();
        id(b"id 1", &mut out);
        event(b"ty", &mut out);
        id(b"", &mut out);
        id(b"1\ndata: x", &mut out);
        event(b"a\rid: 9", &mut out);
        assert_eq!(out, b"id: id 1\nevent: ty\nid: \nid: 1\nevent: a\n");
    }
}
