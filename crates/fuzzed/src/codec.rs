//! WebSocket: frames, handshakes, compression.

use protocol::websocket::Opcode;
use protocol::websocket::decoder::{Decoder, Rules};
use protocol::websocket::deflate::{Compressor, Inflater};
use protocol::websocket::extension::Deflate;
use protocol::websocket::frame;
use protocol::websocket::handshake::{Handshake, check_origin, subprotocol};
use protocol::websocket::violation::Violation;

use crate::client::{LENIENT, Seen, events, feed};

/// Two bytes are the rules, one cuts, the rest is what a client sends.
pub(crate) fn websocket(data: &[u8]) {
    let Some((&[flags, limit, cut], bytes)) = data.split_first_chunk() else { return };
    let bit = |n: u8| flags >> n & 1 == 1;
    let limit = if limit == 255 { 1 << 20 } else { usize::from(limit) * 4 };
    let rules = Rules { strict: bit(0), binary: bit(1), deflate: bit(2), keep: bit(3), limit };
    let whole = events(rules, [bytes]);
    assert_eq!(events(rules, bytes.chunks(1)), whole);
    assert_eq!(events(rules, bytes.chunks(usize::from(cut) + 1)), whole);
    let (first, second) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(events(rules, [first, second]), whole);
    let last = whole.iter().position(|it| matches!(it, Seen::Close(_) | Seen::Violation(_)));
    assert!(last.is_none_or(|at| at + 1 == whole.len()), "something follows the last event");
    for event in &whole {
        match event {
            Seen::Text(text) => assert!(str::from_utf8(text).is_ok() && text.len() <= limit),
            Seen::Binary(bytes) => assert!(bytes.len() <= limit),
            Seen::Ping(payload) => {
                assert_eq!(events(LENIENT, [&*frame::pong(payload)]), [Seen::Pong(payload.clone())])
            }
            _ => {}
        }
    }
    // Memory follows what arrived, never what was announced.
    let mut decoder = Decoder::new(rules);
    let mut arrived = 0;
    for piece in bytes.chunks(7) {
        feed(&mut decoder, piece);
        arrived += piece.len();
        assert!(decoder.memory() <= 2 * Opcode::MAX_CONTROL_LEN + (2 * arrived).max(8));
    }
}

/// Headers, one a line.
pub(crate) fn handshake(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut next = || lines.next();
    let [connection, upgrade, key, version] = [next(), next(), next(), next()];
    let handshake = Handshake { connection, upgrade, key, version };
    let (lenient, strict) = (handshake.check(false), handshake.check(true));
    assert!(strict.is_err() || lenient == strict);
    if let Err(invalid) = strict {
        assert!(matches!(invalid.status(), 400 | 403) && !invalid.explain().is_empty());
    }
    let [extensions, protocols, origin, allowed] = [next(), next(), next(), next()];
    if let Some(deflate) = Deflate::negotiate(extensions.unwrap_or_default()) {
        assert!((9..=15).contains(&deflate.window_bits()));
        assert_eq!(Deflate::negotiate(&deflate.answer()), Some(deflate));
    }
    if let Some(chosen) = subprotocol(protocols.unwrap_or_default()) {
        assert!(!chosen.is_empty() && chosen.iter().all(u8::is_ascii_graphic));
    }
    if let (Some(origin), Some(allowed)) = (origin, allowed) {
        let is_listed = allowed
            .split(|byte| *byte == b',' || byte.is_ascii_whitespace())
            .any(|it| it == b"*" || (!it.is_empty() && it.eq_ignore_ascii_case(origin)));
        assert_eq!(check_origin(Some(origin), allowed).is_ok(), is_listed);
    }
}

/// The first byte says how much is allowed, the rest is what a client calls deflated.
pub(crate) fn inflate(data: &[u8]) {
    let Some((&limit, payload)) = data.split_first() else { return };
    let limit = usize::from(limit) * usize::from(limit) * 16;
    let mut inflater = Inflater::new();
    let first = inflater.inflate(payload, limit).map(<[u8]>::to_vec);
    match &first {
        Ok(message) => assert!(message.len() <= limit),
        Err(violation) => {
            assert!(matches!(violation, Violation::TooLarge | Violation::InvalidDeflate))
        }
    }
    // Nothing is left of the message before, and more room changes nothing.
    assert_eq!(inflater.inflate(payload, limit).map(<[u8]>::to_vec), first);
    if let Ok(message) = first {
        assert_eq!(inflater.inflate(payload, limit + 1_000), Ok(&message[..]));
        if let Some(less) = message.len().checked_sub(1) {
            assert_eq!(inflater.inflate(payload, less), Err(Violation::TooLarge));
        }
    }
}

/// The first byte is the window, the second repeats the rest.
pub(crate) fn compress(data: &[u8]) {
    let Some((&[window, times], piece)) = data.split_first_chunk() else { return };
    let message = piece.repeat(1 + usize::from(times));
    let mut compressor = Compressor::new(9 + window % 7);
    let mut inflater = Inflater::new();
    for _ in 0..2 {
        if let Some(payload) = compressor.compress(&message) {
            assert!(payload.len() < message.len());
            assert_eq!(inflater.inflate(&payload, message.len()), Ok(&message[..]));
        }
    }
    let mut whole = Vec::new();
    frame::frame(Opcode::Binary, &message, &mut whole);
    if let Some(deflated) = compressor.compress_frame(&whole, 0) {
        let rules = Rules { deflate: true, ..LENIENT };
        let mut seen = events(rules, [&deflated[..]]);
        let Some(Seen::Compressed(_, payload)) = seen.pop() else { panic!("{seen:?}") };
        assert_eq!(inflater.inflate(&payload, message.len()), Ok(&message[..]));
    }
}
