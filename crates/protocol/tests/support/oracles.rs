//! What the parsers and renderers do, done in the plainest way: what tests and fuzz targets compare them with.

#![allow(dead_code, reason = "each test uses a part of it")]

use protocol::cursor::http_date;
use protocol::template::MessageView;

/// Tries every token at every position.
pub(crate) fn naive_render(template: &[u8], message: &MessageView<'_>) -> Vec<u8> {
    let tokens = [
        ("~id~", message.id.to_string().into_bytes()),
        ("~event-id~", message.event_id.to_vec()),
        ("~event-type~", message.event_type.to_vec()),
        ("~channel~", message.channel.to_vec()),
        ("~text~", message.text.to_vec()),
        ("~size~", message.text.len().to_string().into_bytes()),
        ("~tag~", message.tag.to_string().into_bytes()),
        ("~time~", http_date(message.time).to_vec()),
    ];
    let mut out = Vec::new();
    let mut rest = template;
    while let Some((byte, tail)) = rest.split_first() {
        let lower = rest.to_ascii_lowercase();
        match tokens.iter().find(|(token, _)| lower.starts_with(token.as_bytes())) {
            Some((token, value)) => {
                out.extend_from_slice(value);
                rest = rest.split_at(token.len()).1;
            }
            None => {
                out.push(*byte);
                rest = tail;
            }
        }
    }
    out
}

/// What a segment means, found by trying every place where `.b` could stand.
pub(crate) fn naive_segment(segment: &[u8]) -> (Vec<u8>, Option<u32>) {
    for dot in (0..segment.len()).rev() {
        let (id, suffix) = segment.split_at(dot);
        let Some(digits) = suffix.strip_prefix(b".b") else { continue };
        if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
            let number = String::from_utf8_lossy(digits).parse::<u32>().unwrap_or(u32::MAX);
            return (id.to_vec(), Some(number).filter(|&number| number > 0));
        }
    }
    (segment.to_vec(), None)
}

/// Reads chunks back as RFC 9112 section 7.1 says.
pub(crate) fn unchunk(mut rest: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut chunks = Vec::new();
    loop {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let (size, tail) = rest.split_at(end);
        let size = usize::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
        let (data, tail) = tail.split_at(2).1.split_at_checked(size)?;
        rest = tail.strip_prefix(b"\r\n")?;
        if size == 0 {
            return rest.is_empty().then_some(chunks);
        }
        chunks.push(data.to_vec());
    }
}
