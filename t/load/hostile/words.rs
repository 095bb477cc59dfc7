//! What hostile clients say: requests and frames by the rules of the protocol, and then not quite.

use std::sync::LazyLock;

use crate::load::Dice;
use crate::runner::websocket::deflated;

/// Four kilobytes that inflate to four megabytes.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| deflated(&vec![0; 4 << 20]));

/// Everything that one socket is going to send.
pub(super) fn conversation(dice: &mut Dice) -> Vec<u8> {
    match dice.below(10) {
        0..=5 => {
            let mut bytes = upgrade(dice);
            for _ in 0..1 + dice.below(12) {
                bytes.extend(message(dice));
            }
            // The handshake mostly stays whole, or nothing would get behind it.
            let start = if dice.below(8) == 0 { 0 } else { end_of_head(&bytes) };
            spoil(dice, &mut bytes, start);
            bytes
        }
        6..=8 => {
            let mut bytes: Vec<u8> = (0..1 + dice.below(5)).flat_map(|_| request(dice)).collect();
            spoil(dice, &mut bytes, 0);
            bytes
        }
        _ => noise(dice, 300),
    }
}

fn end_of_head(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(0, |at| at + 4)
}

fn pick<'a, T: ?Sized>(dice: &mut Dice, of: &[&'a T]) -> &'a T {
    of[dice.below(of.len())]
}

fn noise(dice: &mut Dice, most: usize) -> Vec<u8> {
    (0..dice.below(most + 1)).map(|_| dice.below(256) as u8).collect()
}

/// Half of the time the bytes stay as they are; otherwise a few of them change, go, come twice, or are cut off.
fn spoil(dice: &mut Dice, bytes: &mut Vec<u8>, start: usize) {
    if dice.below(2) == 0 {
        return;
    }
    for _ in 0..1 + dice.below(4) {
        if bytes.len() <= start {
            return;
        }
        let at = start + dice.below(bytes.len() - start);
        let until = (at + 1 + dice.below(20)).min(bytes.len());
        match dice.below(7) {
            0 => bytes[at] ^= 1 << dice.below(8),
            1 => bytes[at] = [0, 0xff, 0x7f, 0x80, b'\r', b'\n', b'%'][dice.below(7)],
            2 => drop(bytes.drain(at..until)),
            3 => {
                let again = bytes[at..until].to_vec();
                bytes.splice(at..at, again);
            }
            4 => drop(bytes.splice(at..at, noise(dice, 20))),
            5 => bytes.truncate(at),
            _ => bytes[at] = dice.below(256) as u8,
        }
    }
}

/// Ids, event ids, types, arguments: what should be a word and is not always one.
fn word(dice: &mut Dice) -> String {
    const WORDS: [&str; 24] = [
        "g1",
        "g1",
        "g2",
        "g3/g4",
        "g5.b2",
        "g1.b999999999",
        "g1.b99999999999999999999",
        "",
        "ALL",
        "*",
        "g*",
        "a//b/",
        "%00",
        "%0d%0aX:%20y",
        "%",
        "%zz",
        "%252F",
        "\u{e9}",
        "<script>alert(1)</script>",
        "~text~",
        "..",
        ".b1",
        "\"\\",
        "g1/g1/g1/g1",
    ];
    match dice.below(40) {
        0 => "x".repeat(dice.below(9_000)),
        1 => "many/".repeat(dice.below(1_500)),
        _ => pick(dice, &WORDS).to_owned(),
    }
}

fn header(dice: &mut Dice) -> String {
    const NAMES: [&str; 22] = [
        "Event-Id",
        "Event-Type",
        "Last-Event-Id",
        "If-None-Match",
        "If-Modified-Since",
        "If-Unmodified-Since",
        "Accept",
        "Origin",
        "User-Agent",
        "X-Nginx-PushStream-Mode",
        "Content-Type",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Upgrade",
        "Expect",
        "Range",
        "Cookie",
        "Access-Control-Request-Method",
        "Sec-WebSocket-Extensions",
        "Sec-WebSocket-Protocol",
        "Sec-WebSocket-Version",
    ];
    const VALUES: [&str; 24] = [
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "Mon, 99 Foo 9999 99:99:99 GMT",
        "W/1",
        "W/99999999999",
        "-1",
        "1",
        "0",
        "7",
        "chunked",
        "100-continue",
        "keep-alive, Upgrade",
        "close",
        "websocket",
        "long-polling",
        "eventsource",
        "bytes=0-,5-",
        "text/event-stream",
        "application/octet-stream",
        "http://evil.example",
        "null",
        "permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; client_max_window_bits=\"15",
        ";;;,,,=",
        "1767225600:7",
    ];
    let value = match dice.below(4) {
        0 => word(dice),
        1 => String::from_utf8_lossy(&noise(dice, 30)).replace(['\r', '\n'], "\t"),
        _ => pick(dice, &VALUES).to_owned(),
    };
    format!("{}: {value}\r\n", pick(dice, &NAMES))
}

fn headers(dice: &mut Dice) -> String {
    let count = if dice.below(60) == 0 { dice.below(1_000) } else { dice.below(5) };
    (0..count).map(|_| header(dice)).collect()
}

/// A place of a location and what is asked of it.
fn uri(dice: &mut Dice, places: &[&str]) -> String {
    let mut uri = format!("{}{}", pick(dice, places), word(dice));
    for _ in 0..dice.below(3) {
        let name = pick(dice, &["time", "tag", "id", "callback", "last_event_id", "_"]);
        uri.push(if uri.contains('?') { '&' } else { '?' });
        uri.push_str(&format!("{name}={}", word(dice)));
    }
    uri.replace(' ', "+")
}

fn request(dice: &mut Dice) -> Vec<u8> {
    let method = pick(
        dice,
        &["GET", "GET", "GET", "POST", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "BREW", "get"],
    );
    let uri = uri(
        dice,
        &["/pub?id=", "/pub?id=", "/sub/", "/ev/", "/lp/", "/poll/", "/ws/", "/stats?id="],
    );
    let version =
        pick(dice, &["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/9.9"]);
    let head = format!("{method} {uri} {version}\r\nHost: x\r\n{}", headers(dice));
    let longest = if dice.below(20) == 0 { 200_000 } else { 200 };
    let body = noise(dice, longest);
    let framing = match dice.below(6) {
        0 => String::new(),
        1 => "Content-Length: 99999999999999999999\r\n\r\n".to_owned(),
        2 => format!("Content-Length: {}\r\n\r\n", dice.below(2 * body.len() + 2)),
        3 => format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n", body.len()),
        _ => format!("Content-Length: {}\r\n\r\n", body.len()),
    };
    let mut bytes = [head.as_bytes(), framing.as_bytes(), &body].concat();
    if framing.contains("chunked") {
        bytes.extend(pick(
            dice,
            &[
                &b"\r\n0\r\n\r\n"[..],
                b"\r\nffffffffffffffff\r\n",
                b"\r\n0\r\nTrailer: x\r\n\r\n",
                b"zz",
            ],
        ));
    }
    bytes
}

/// A handshake that mostly succeeds.
fn upgrade(dice: &mut Dice) -> Vec<u8> {
    let place = pick(dice, &["/ws/witness", "/ws/witness", "/ws/", "/say/", "/say/", "/strict/"]);
    let uri = match place {
        "/ws/witness" => place.to_owned(),
        _ if dice.below(3) == 0 => uri(dice, &[place]),
        _ => format!("{place}g{}", dice.below(8)),
    };
    let extra = match dice.below(4) {
        0 => headers(dice),
        1 => String::new(),
        _ => "Sec-WebSocket-Extensions: permessage-deflate\r\n".to_owned(),
    };
    let origin = pick(dice, &["", "Origin: x\r\n", "Origin: http://evil.example\r\n"]);
    format!(
        "GET {uri} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{origin}{extra}\r\n"
    )
    .into_bytes()
}

/// A message in one frame or several, with control frames between them.
fn message(dice: &mut Dice) -> Vec<u8> {
    let (payload, is_deflated) = payload(dice);
    let mut opcode = [1, 1, 1, 2, 2, 0, 8, 9, 10, 3, 11][dice.below(11)];
    let mut rsv = if is_deflated { 4 } else { 0 };
    let parts = if dice.below(3) == 0 { 1 + dice.below(5) } else { 1 };
    let mut rest = &payload[..];
    let mut bytes = Vec::new();
    for part in 1..=parts {
        let (piece, tail) =
            rest.split_at(if part == parts { rest.len() } else { dice.below(rest.len() + 1) });
        frame(dice, part == parts, rsv, opcode, piece, &mut bytes);
        (rest, opcode, rsv) = (tail, 0, 0);
        if dice.below(3) == 0 {
            let control = [8, 9, 9, 10, 10][dice.below(5)];
            let short = noise(dice, 130);
            let is_whole = dice.below(10) > 0;
            frame(dice, is_whole, 0, control, &short, &mut bytes);
        }
    }
    bytes
}

/// Bytes of all kinds and lengths, and whether they are deflated (or say so).
fn payload(dice: &mut Dice) -> (Vec<u8>, bool) {
    let length = match dice.below(15) {
        0 => [65_535, 65_536, 120_000][dice.below(3)],
        _ => [0, 1, 2, 124, 125, 126, 127, 300, 1_000][dice.below(9)],
    };
    let plain = match dice.below(6) {
        0 => noise(dice, length.min(3_000)),
        1 => [&"é".repeat(length / 2).into_bytes()[..], b"\xf0\x9f\xa6"].concat(),
        2 => vec![0; length],
        3 => [&[3, 0xe8 + dice.below(8) as u8][..], b"reason"].concat(),
        _ => "text ~text~ \r\n\r\n".bytes().cycle().take(length).collect(),
    };
    match dice.below(6) {
        0 => (deflated(&plain), true),
        // Garbage in the middle of deflated data, data of several kinds, a bomb.
        1 => {
            let mut bytes = deflated(&plain);
            spoil(dice, &mut bytes, 0);
            (bytes, true)
        }
        2 if dice.below(4) == 0 => (BOMB.clone(), true),
        2 => (plain, true),
        _ => (plain, false),
    }
}

/// A frame that is right in most things.
fn frame(dice: &mut Dice, is_last: bool, rsv: u8, opcode: u8, payload: &[u8], out: &mut Vec<u8>) {
    let rsv = if dice.below(50) == 0 { dice.below(8) as u8 } else { rsv };
    let length = match dice.below(60) {
        0 => u64::MAX,
        1 => 1 << 63,
        2 => i64::MAX as u64,
        3 => 1 << 32,
        4 => payload.len() as u64 + 1,
        5 => (payload.len() as u64).saturating_sub(1),
        _ => payload.len() as u64,
    };
    let width = if dice.below(30) == 0 { [2, 8][dice.below(2)] } else { 0 };
    let key = match dice.below(20) {
        0 => None,
        1 => Some([0; 4]),
        _ => Some([dice.below(256) as u8, 2, 3, dice.below(256) as u8]),
    };
    let masked = if key.is_some() { 0x80 } else { 0 };
    out.push(u8::from(is_last) << 7 | rsv << 4 | opcode);
    match (width, length) {
        (0, 0..=125) => out.push(masked | length as u8),
        (0 | 2, 0..=0xffff) => {
            out.push(masked | 126);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend(length.to_be_bytes());
        }
    }
    let key = key.inspect(|key| out.extend(key)).unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key));
}
