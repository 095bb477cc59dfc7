//! Properties of the codec that hold for any input.

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::websocket::decoder::{Decoder, Rules};
use protocol::websocket::extension::Deflate;
use protocol::websocket::frame as server;
use protocol::websocket::handshake::{Handshake, check_origin, subprotocol};
use protocol::websocket::utf8::Utf8;
use protocol::websocket::{Opcode, close::CloseCode};

use crate::client::*;

fn rules() -> impl Strategy<Value = Rules> {
    (any::<[bool; 4]>(), prop_oneof![0_usize..300, Just(1 << 20)]).prop_map(
        |([strict, binary, deflate, keep], limit)| Rules { strict, binary, deflate, keep, limit },
    )
}

/// Payloads around the lengths where the head changes, UTF-8 more often than not.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => ".{0,40}".prop_map(String::into_bytes),
        2 => (120_usize..135).prop_map(|len| vec![b'x'; len]),
        1 => vec(any::<u8>(), 0..20),
    ]
}

/// Any frame, mostly well formed.
fn any_frame() -> impl Strategy<Value = Frame> {
    let opcode = prop_oneof![
        8 => proptest::sample::select(&[TEXT, CONTINUATION, BINARY, CLOSE, PING, PONG][..]),
        1 => 0_u8..16,
    ];
    let reserved = prop_oneof![8 => Just(0), 1 => Just(4), 1 => 0_u8..8];
    let width = prop_oneof![8 => Just(None), 1 => Just(Some(2)), 1 => Just(Some(8))];
    let whole = prop_oneof![3 => Just(true), 1 => Just(false)];
    (opcode, reserved, width, whole, any::<Option<[u8; 4]>>(), payload()).prop_map(
        |(opcode, reserved, width, whole, key, payload)| {
            let mut any = frame(opcode, payload).reserved(reserved).key(key);
            if let Some(width) = width {
                any = any.width(width);
            }
            if whole { any } else { any.unfinished() }
        },
    )
}

/// What a client, a broken client, or no client at all sends.
fn conversation() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => any_frame().prop_map(|frame| frame.bytes()),
        1 => vec(any::<u8>(), 0..16),
    ];
    vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

/// `bytes` cut into pieces whose lengths are taken in turn; some are empty.
fn cut<'a>(bytes: &'a [u8], lens: &[usize]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for len in lens {
        let (piece, tail) = rest.split_at((*len).min(rest.len()));
        pieces.push(piece);
        rest = tail;
    }
    pieces.push(rest);
    pieces
}

/// A message in fragments with control frames between them, and the events that it makes.
fn exchange() -> impl Strategy<Value = (Vec<Frame>, Vec<Seen>)> {
    let fragment = (0_usize..40, any::<Option<[u8; 4]>>(), any::<Option<bool>>());
    (any::<bool>(), ".{0,60}", vec(fragment, 1..5)).prop_map(|(is_text, content, fragments)| {
        let (mut frames, mut seen) = (Vec::new(), Vec::new());
        let mut rest = content.as_bytes();
        let count = fragments.len();
        for (at, (len, key, control)) in fragments.into_iter().enumerate() {
            let is_last = at + 1 == count;
            let (part, tail) =
                rest.split_at(if is_last { rest.len() } else { len.min(rest.len()) });
            rest = tail;
            let start = if is_text { TEXT } else { BINARY };
            let frame_of_part = frame(if at == 0 { start } else { CONTINUATION }, part).key(key);
            frames.push(if is_last { frame_of_part } else { frame_of_part.unfinished() });
            if let Some(is_ping) = control.filter(|_| !is_last) {
                let payload = at.to_string().into_bytes();
                frames.push(frame(if is_ping { PING } else { PONG }, &payload).key(key));
                seen.push(if is_ping { Seen::Ping(payload) } else { Seen::Pong(payload) });
            }
        }
        let content = content.into_bytes();
        seen.push(if is_text { Seen::Text(content) } else { Seen::Binary(content) });
        (frames, seen)
    })
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(
        rules in rules(), bytes in conversation(), lens in vec(0_usize..9, 0..40),
    ) {
        let whole = events(rules, [&bytes[..]]);
        prop_assert_eq!(&events(rules, cut(&bytes, &lens)), &whole);
        prop_assert_eq!(&events(rules, bytes.chunks(1)), &whole);
    }

    #[test]
    fn nothing_follows_the_last_event(rules in rules(), bytes in conversation()) {
        let seen = events(rules, [&bytes[..], &bytes]);
        let last = seen.iter().position(|it| matches!(it, Seen::Close(_) | Seen::Violation(_)));
        prop_assert!(last.is_none_or(|at| at + 1 == seen.len()));
    }

    #[test]
    fn messages_come_as_they_were_sent(
        exchanges in vec(exchange(), 0..6), lens in vec(0_usize..50, 0..20),
    ) {
        let (frames, expected): (Vec<_>, Vec<_>) = exchanges.into_iter().unzip();
        let bytes = bytes(&frames.concat());
        prop_assert_eq!(events(LENIENT, cut(&bytes, &lens)), expected.concat());
    }

    #[test]
    fn memory_is_bounded_by_what_arrived(rules in rules(), bytes in conversation()) {
        let mut decoder = Decoder::new(rules);
        for (piece, arrived) in bytes.chunks(7).zip((7..).step_by(7)) {
            feed(&mut decoder, piece);
            let control = 2 * Opcode::MAX_CONTROL_LEN;
            prop_assert!(decoder.memory() <= control + (2 * arrived).max(8));
            // Growing doubles; a deflated message may be longer by an eighth.
            let largest = rules.limit + rules.limit / 8 + 16;
            prop_assert!(decoder.memory() <= control + 2 * largest);
        }
    }

    #[test]
    fn utf8_in_parts_is_utf8(
        parts in vec(prop_oneof![".{0,3}".prop_map(String::into_bytes), vec(any::<u8>(), 0..3)], 0..8),
        lens in vec(0_usize..4, 0..20),
    ) {
        let text = parts.concat();
        let mut utf8 = Utf8::new();
        let checked = cut(&text, &lens).into_iter().try_for_each(|part| utf8.push(part));
        prop_assert_eq!(checked.and_then(|()| utf8.finish()).is_ok(), str::from_utf8(&text).is_ok());
    }

    #[test]
    fn the_server_writes_what_it_would_read(content in ".{0,200}", n in 0_usize..70_000) {
        let mut out = Vec::new();
        server::frame(Opcode::Text, content.as_bytes(), &mut out);
        server::frame(Opcode::Binary, &vec![7; n], &mut out);
        out.extend_from_slice(&server::ping(b"?"));
        out.extend_from_slice(&server::close(CloseCode::GOING_AWAY, &content));
        let seen = events(LENIENT, [&out[..]]);
        prop_assert_eq!(&seen[..3], &[text(&content), Seen::Binary(vec![7; n]), Seen::Ping(b"?".into())]);
        let Some(Seen::Close(Some((CloseCode::GOING_AWAY, reason)))) = seen.last() else { panic!() };
        prop_assert!(content.starts_with(reason) && (reason.len() >= content.len().min(120)));
    }

    #[test]
    fn headers_of_any_kind_do_no_harm(
        value in "(permessage-deflate|(server|client)_(max_window_bits|no_context_takeover)|[;,=\" 189a*]){0,12}",
        raw in vec(any::<u8>(), 0..40),
    ) {
        for value in [value.as_bytes(), &raw] {
            if let Some(deflate) = Deflate::negotiate(value) {
                prop_assert!((9..=15).contains(&deflate.window_bits()));
                prop_assert_eq!(Deflate::negotiate(&deflate.answer()), Some(deflate));
            }
            if let Some(chosen) = subprotocol(value) {
                prop_assert!(!chosen.is_empty() && chosen.iter().all(u8::is_ascii_graphic));
            }
            let _ = check_origin(Some(value), &raw);
            let header = Some(value);
            let handshake = Handshake { connection: header, upgrade: header, key: header, version: header };
            prop_assert!(handshake.check(true).is_err());
        }
    }
}
