//! What happens to bytes that a format cannot hold?
//!
//! Channel ids come from clients, so an id must not be able to end its string or its line and
//! continue with fields of its own. Ids of ordinary characters are unchanged in every format.
//!
//! | bytes | JSON | XML | plain, YAML |
//! |---|---|---|---|
//! | `"` `\` | `\"` `\\` | as they are | as they are |
//! | `&` `<` `>` | as they are | `&amp;` `&lt;` `&gt;` | as they are |
//! | tab, LF, CR | `\u00XX` | `&#x9;` `&#xa;` `&#xd;` | tab as it is; LF and CR `%0A` `%0D` |
//! | other control bytes below 0x20 | `\u00XX` | `&#xfffd;` (XML 1.0 cannot hold them) | as they are |
//! | invalid UTF-8, per broken sequence | `\ufffd` | `&#xfffd;` | as it is |
//! | U+0085, U+2028, U+2029 (line breaks in YAML 1.1) | as they are | as they are | percent-encoded |
//!
//! Plain and YAML have no quoting that existing parsers undo, so the line breaks are written as they
//! would stand in a URL.

use alloc::vec::Vec;

/// Appends `text` as the inside of a JSON string (RFC 8259 section 7).
pub(crate) fn json(text: &[u8], out: &mut Vec<u8>) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    // Ids mostly are of such characters only.
    if text.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')) {
        out.extend_from_slice(text);
        return;
    }
    let special = |c: char| matches!(c, '"' | '\\' | '\0'..='\x1f');
    replace(text, br"\ufffd", special, out, |c, out| {
        if matches!(c, '"' | '\\') {
            out.push(b'\\');
            out.extend(u8::try_from(c));
        } else {
            let (high, low) = (c as usize >> 4, c as usize & 0xf);
            out.extend_from_slice(br"\u00");
            out.extend(HEX.get(high).into_iter().chain(HEX.get(low)));
        }
    });
}

/// Appends `text` as character data (XML 1.0 sections 2.2 and 2.4).
pub(super) fn xml(text: &[u8], out: &mut Vec<u8>) {
    const REPLACEMENT: &[u8] = b"&#xfffd;";
    let special = |c: char| matches!(c, '&' | '<' | '>' | '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}');
    replace(text, REPLACEMENT, special, out, |c, out| {
        out.extend_from_slice(match c {
            '&' => b"&amp;",
            '<' => b"&lt;",
            '>' => b"&gt;",
            '\t' => b"&#x9;",
            '\n' => b"&#xa;",
            '\r' => b"&#xd;",
            _ => REPLACEMENT,
        });
    });
}

/// Appends `text` as part of one line of the plain and YAML formats.
pub(super) fn line(text: &[u8], out: &mut Vec<u8>) {
    const BREAKS: [(&[u8], &[u8]); 5] = [
        (b"\n", b"%0A"),
        (b"\r", b"%0D"),
        ("\u{85}".as_bytes(), b"%C2%85"),
        ("\u{2028}".as_bytes(), b"%E2%80%A8"),
        ("\u{2029}".as_bytes(), b"%E2%80%A9"),
    ];
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        let found =
            BREAKS.iter().find_map(|(brk, encoded)| Some((rest.strip_prefix(*brk)?, encoded)));
        if let Some((after, encoded)) = found {
            out.extend_from_slice(encoded);
            rest = after;
        } else {
            out.push(byte);
            rest = tail;
        }
    }
}

/// Copies `text` with `write` called for each `special` character and `invalid` in the place of each
/// broken UTF-8 sequence.
fn replace(
    text: &[u8],
    invalid: &[u8],
    special: impl Fn(char) -> bool,
    out: &mut Vec<u8>,
    write: impl Fn(char, &mut Vec<u8>),
) {
    for chunk in text.utf8_chunks() {
        for piece in chunk.valid().split_inclusive(&special) {
            match piece.chars().next_back().filter(|&c| special(c)) {
                Some(last) => {
                    let plain = piece.strip_suffix(last).unwrap_or_default();
                    out.extend_from_slice(plain.as_bytes());
                    write(last, out);
                }
                None => out.extend_from_slice(piece.as_bytes()),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(invalid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[track_caller]
    fn check(escape: fn(&[u8], &mut Vec<u8>), text: &[u8], expected: &str) {
        let mut out = Vec::new();
        escape(text, &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn ordinary_ids_are_unchanged() {
        for id in ["a1", "room/1 (x)", "'ünï-日本", "%0A", "a:b # c", "\u{7f}"] {
            check(json, id.as_bytes(), id);
            check(xml, id.as_bytes(), id);
            check(line, id.as_bytes(), id);
        }
    }

    #[test]
    fn json_strings_cannot_be_left() {
        check(json, br#"a", "b\"#, r#"a\", \"b\\"#);
        check(json, b"a\0\x01\t\r\n\x1f", r"a\u0000\u0001\u0009\u000d\u000a\u001f");
        check(json, b"a\xffb\xc3", r"a\ufffdb\ufffd");
        check(json, b"\xe2\x80\"", r#"\ufffd\""#);
    }

    #[test]
    fn xml_elements_cannot_be_left() {
        check(xml, br#"</name>&amp;"'"#, r#"&lt;/name&gt;&amp;amp;"'"#);
        check(xml, b"a\0\x0b\t\r\n", "a&#xfffd;&#xfffd;&#x9;&#xd;&#xa;");
        check(xml, b"a\xffb\xef\xbf\xbe", "a&#xfffd;b&#xfffd;");
    }

    #[test]
    fn lines_cannot_be_left() {
        check(line, b"a\r\nsubscribers: 7", "a%0D%0Asubscribers: 7");
        check(line, "a\u{85}b\u{2028}c\u{2029}".as_bytes(), "a%C2%85b%E2%80%A8c%E2%80%A9");
        let mut out = Vec::new();
        line(b"\"\\\0\t\xff\xe2\x80", &mut out);
        assert_eq!(out, b"\"\\\0\t\xff\xe2\x80");
    }
}
