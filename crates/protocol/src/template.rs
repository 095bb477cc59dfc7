//! What does a message look like for this location?
//!
//! The configuration parses each `push_stream_message_template` once; delivery renders each message
//! once per template and worker. Values are inserted raw, without any escaping: publishers encode
//! their text for the template it goes into. Expansion is a single pass, so a token inside a value
//! (a text that says `~id~`) stays as it is. Parsing and rendering are linear.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;

use crate::date::http_date;

/// A message as a template sees it: the values of all tokens, borrowed from wherever they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MessageView<'a> {
    /// Position in the channel, from 1; negative for messages the server makes itself.
    pub id: i64,
    /// The channel it was published to.
    pub channel: &'a [u8],
    /// What was published: any bytes. For EventSource one line of it, rendered line by line.
    pub text: &'a [u8],
    /// Second of the publish, since 1970 UTC.
    pub time: u32,
    /// Position within that second.
    pub tag: u32,
    /// The publisher's `Event-Id`, or empty.
    pub event_id: &'a [u8],
    /// The publisher's `Event-Type`, or empty.
    pub event_type: &'a [u8],
}

impl<'a> MessageView<'a> {
    /// The sign of life on a silent streaming connection.
    #[must_use]
    pub fn ping(text: &'a [u8]) -> Self {
        Self { id: -1, text, ..Self::default() }
    }

    /// What subscribers of a deleted channel are told.
    #[must_use]
    pub fn channel_deleted(channel: &'a [u8], text: &'a [u8]) -> Self {
        Self { id: -2, channel, text, ..Self::default() }
    }

    /// The answer to a long-polling request whose time is up.
    #[must_use]
    pub fn timed_out() -> Self {
        Self { id: -3, text: b"Timed out", ..Self::default() }
    }

    /// Tells a subscriber that messages behind its cursor are no longer stored.
    #[must_use]
    pub fn gap(text: &'a [u8]) -> Self {
        Self { id: -4, text, ..Self::default() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Id,
    EventId,
    EventType,
    Channel,
    Text,
    Size,
    Tag,
    Time,
}

impl Token {
    const ALL: [(&'static [u8], Self); 8] = [
        (b"id", Self::Id),
        (b"event-id", Self::EventId),
        (b"event-type", Self::EventType),
        (b"channel", Self::Channel),
        (b"text", Self::Text),
        (b"size", Self::Size),
        (b"tag", Self::Tag),
        (b"time", Self::Time),
    ];
    /// The longest is `event-type`; looking no further keeps parsing linear.
    const MAX_NAME_LEN: usize = 10;

    /// The token that begins at the `~` just before `rest`, and its name's length.
    fn at(rest: &[u8]) -> Option<(Self, usize)> {
        let window = rest.get(..=Self::MAX_NAME_LEN).unwrap_or(rest);
        let name = window.get(..memchr::memchr(b'~', window)?)?;
        let named = Self::ALL.iter().find(|(token, _)| token.eq_ignore_ascii_case(name));
        named.map(|(token, value)| (*value, token.len()))
    }

    /// Hands the value this token stands for to `write`.
    fn value<R>(self, message: &MessageView<'_>, write: impl FnOnce(&[u8]) -> R) -> R {
        let mut number = itoa::Buffer::new();
        match self {
            Self::Id => write(number.format(message.id).as_bytes()),
            Self::EventId => write(message.event_id),
            Self::EventType => write(message.event_type),
            Self::Channel => write(message.channel),
            Self::Text => write(message.text),
            Self::Size => write(number.format(message.text.len()).as_bytes()),
            Self::Tag => write(number.format(message.tag).as_bytes()),
            Self::Time => write(&http_date(message.time)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// Bytes of the template that stand for themselves.
    Literal(Range<usize>),
    Value(Token),
}

/// A message template, parsed.
///
/// ```
/// # use protocol::template::{MessageView, Template};
/// let template = Template::parse(b"p(~id~,'~TEXT~');");
/// let message = MessageView { id: 7, text: b"~id~", ..MessageView::default() };
/// let mut out = Vec::with_capacity(template.rendered_len(&message));
/// template.render(&message, &mut out);
/// assert_eq!(out, b"p(7,'~id~');");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    source: Box<[u8]>,
    parts: Box<[Part]>,
}

impl Template {
    /// Finds the tokens of a template: `~id~ ~event-id~ ~event-type~ ~channel~ ~text~ ~size~ ~tag~
    /// ~time~` in any case. Everything else is literal, an unknown `~word~` and a lone `~` included;
    /// the search goes on right after a `~` that begins no token.
    #[must_use]
    pub fn parse(source: &[u8]) -> Self {
        let mut parts = Vec::new();
        let mut literal_start = 0;
        for tilde in memchr::memchr_iter(b'~', source) {
            if tilde < literal_start {
                continue; // the closing `~` of the last token
            }
            let Some((token, name_len)) = source.get(tilde + 1..).and_then(Token::at) else {
                continue;
            };
            if literal_start < tilde {
                parts.push(Part::Literal(literal_start..tilde));
            }
            parts.push(Part::Value(token));
            literal_start = tilde + name_len + 2;
        }
        if literal_start < source.len() {
            parts.push(Part::Literal(literal_start..source.len()));
        }
        Self { source: source.into(), parts: parts.into() }
    }

    /// Appends the rendering of `message` to `out`.
    pub fn render(&self, message: &MessageView<'_>, out: &mut Vec<u8>) {
        if self.is_plain_text() {
            return out.extend_from_slice(message.text);
        }
        for part in &self.parts {
            match part {
                Part::Literal(range) => {
                    out.extend_from_slice(self.source.get(range.clone()).unwrap_or_default());
                }
                Part::Value(token) => token.value(message, |value| out.extend_from_slice(value)),
            }
        }
    }

    /// How many bytes [`Self::render`] will append, so that the caller allocates exactly once.
    #[must_use]
    pub fn rendered_len(&self, message: &MessageView<'_>) -> usize {
        if self.is_plain_text() {
            return message.text.len();
        }
        let lengths = self.parts.iter().map(|part| match part {
            Part::Literal(range) => range.len(),
            Part::Value(token) => token.value(message, <[u8]>::len),
        });
        lengths.fold(0, usize::saturating_add)
    }

    /// Whether the rendering is the text and nothing else (`~text~`, the default).
    #[must_use]
    pub fn is_plain_text(&self) -> bool {
        matches!(*self.parts, [Part::Value(Token::Text)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::{String, ToString};
    use std::time::{Duration, Instant};

    const MESSAGE: MessageView<'_> = MessageView {
        id: 12,
        channel: b"ch",
        text: b"hello",
        time: 1_795_415_507,
        tag: 3,
        event_id: b"ev 1",
        event_type: b"ty",
    };

    fn render(template: &[u8], message: &MessageView<'_>) -> String {
        let template = Template::parse(template);
        let mut out = Vec::new();
        template.render(message, &mut out);
        assert_eq!(out.len(), template.rendered_len(message));
        out.escape_ascii().to_string()
    }

    #[test]
    fn every_token_has_its_value() {
        for (template, expected) in [
            (&b"~id~"[..], "12"),
            (b"~channel~", "ch"),
            (b"~text~", "hello"),
            (b"~size~", "5"),
            (b"~tag~", "3"),
            (b"~time~", "Mon, 23 Nov 2026 06:31:47 GMT"),
            (b"~event-id~", "ev 1"),
            (b"~event-type~", "ty"),
        ] {
            assert_eq!(render(template, &MESSAGE), expected);
            assert_eq!(render(&template.to_ascii_uppercase(), &MESSAGE), expected);
        }
    }

    #[test]
    fn what_is_no_token_stands_for_itself() {
        for (template, expected) in [
            (&b""[..], ""),
            (b"plain", "plain"),
            (b"~", "~"),
            (b"~~", "~~"),
            (b"~foo~", "~foo~"),
            (b"~id", "~id"),
            (b"id~", "id~"),
            (b"~ id~", "~ id~"),
            (b"~event_id~", "~event_id~"),
            (b"~event-types~", "~event-types~"),
            (b"~foo~id~", "~foo12"),
            (b"~~id~~", "~12~"),
            (b"~id~id~", "12id~"),
            (b"~id~~id~", "1212"),
            (b"~event-id~~~channel~", "ev 1~ch"),
            (b"a~Text~b~tEXT~c", "ahellobhelloc"),
        ] {
            assert_eq!(render(template, &MESSAGE), expected);
        }
    }

    #[test]
    fn tokens_inside_values_are_not_expanded() {
        let message = MessageView { text: b"~id~", channel: b"~text~", ..MESSAGE };
        assert_eq!(render(b"~text~|~channel~|~size~", &message), "~id~|~text~|4");
    }

    #[test]
    fn text_is_inserted_raw() {
        let message = MessageView { text: b"\0\"<~\xff\r\n", ..MESSAGE };
        assert_eq!(render(b"[~text~]", &message), r#"[\x00\"<~\xff\r\n]"#);
    }

    #[test]
    fn messages_of_the_server_have_negative_ids_and_no_place_in_the_stream() {
        let template = b"[~id~|~channel~|~text~|~size~|~tag~|~time~|~event-id~|~event-type~]";
        for (message, expected) in [
            (MessageView::ping(b" "), "[-1|| |1|0|Thu, 01 Jan 1970 00:00:00 GMT||]"),
            (
                MessageView::channel_deleted(b"s2", b"gone away"),
                "[-2|s2|gone away|9|0|Thu, 01 Jan 1970 00:00:00 GMT||]",
            ),
            (MessageView::timed_out(), "[-3||Timed out|9|0|Thu, 01 Jan 1970 00:00:00 GMT||]"),
        ] {
            assert_eq!(render(template, &message), expected);
        }
    }

    #[test]
    fn only_the_text_token_alone_is_plain_text() {
        for (template, plain) in
            [(&b"~text~"[..], true), (b"~TEXT~", true), (b"~text~ ", false), (b"~id~", false)]
        {
            assert_eq!(Template::parse(template).is_plain_text(), plain);
        }
        assert!(!Template::parse(b"").is_plain_text());
    }

    /// Quadratic work would take minutes here; the bound leaves room for an unoptimised build.
    #[test]
    fn large_templates_and_texts_take_linear_time() {
        let size = 780 * 1024;
        for pattern in ["~", "~i", "~event-typ", "~~text", "~id~~text~"] {
            let bytes = pattern.repeat(size / pattern.len()).into_bytes();
            let started = Instant::now();
            let short = MessageView { text: b"x", ..MESSAGE };
            let rendered = Template::parse(&bytes).rendered_len(&short);
            assert!(rendered > 0);
            let mut out = Vec::new();
            Template::parse(b"<~text~>").render(&MessageView { text: &bytes, ..MESSAGE }, &mut out);
            assert_eq!(out.len(), bytes.len() + 2);
            assert!(started.elapsed() < Duration::from_secs(5), "{pattern}");
        }
    }
}
