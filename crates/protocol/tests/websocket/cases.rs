//! Conversations and what they come to, ordered as the conformance cases of Autobahn's sections 1–7.

use protocol::websocket::decoder::{Decoder, Rules};
use protocol::websocket::event::Kind;
use protocol::websocket::violation::Violation;

use crate::client::*;

/// Checks a conversation that arrives at once, and byte by byte.
#[track_caller]
fn check_under(rules: Rules, frames: &[Frame], expected: &[Seen]) {
    let bytes = bytes(frames);
    assert_eq!(events(rules, [&bytes[..]]), expected, "at once");
    assert_eq!(events(rules, bytes.chunks(1)), expected, "byte by byte");
}

#[track_caller]
fn check(frames: &[Frame], expected: &[Seen]) {
    check_under(LENIENT, frames, expected);
}

/// How many bytes it takes until the client is told that something is wrong.
fn refused_after(rules: Rules, bytes: &[u8]) -> Option<(usize, Violation)> {
    let mut decoder = Decoder::new(rules);
    bytes.iter().zip(1..).find_map(|(byte, count)| {
        match feed(&mut decoder, core::slice::from_ref(byte)).pop() {
            Some(Seen::Violation(violation)) => Some((count, violation)),
            _ => None,
        }
    })
}

/// RFC 6455 section 5.7, the examples in their order.
#[test]
fn understands_the_examples_of_the_rfc() {
    let examples: &[(&[u8], &[Seen])] = &[
        (b"\x81\x05Hello", &[text("Hello")]),
        (b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &[text("Hello")]),
        (b"\x01\x03Hel\x80\x02lo", &[text("Hello")]),
        (b"\x89\x05Hello", &[Seen::Ping(b"Hello".into())]),
        (b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", &[Seen::Pong(b"Hello".into())]),
    ];
    for (bytes, expected) in examples {
        assert_eq!(events(LENIENT, [*bytes]), *expected, "{}", bytes.escape_ascii());
    }
    for (head, len) in [(&b"\x82\x7e\x01\x00"[..], 256), (b"\x82\x7f\0\0\0\0\0\x01\0\0", 65536)] {
        let payload = vec![b'x'; len];
        assert_eq!(events(LENIENT, [head, &payload]), [Seen::Binary(payload.clone())]);
    }
}

#[test]
fn section_1_messages_of_all_sizes() {
    for len in [0, 1, 125, 126, 127, 128, 65535, 65536, 100_000] {
        let payload = vec![b'*'; len];
        check(&[frame(TEXT, &payload)], &[text(&payload)]);
        check(&[frame(BINARY, &payload)], &[Seen::Binary(payload)]);
    }
}

#[test]
fn section_2_pings_and_pongs() {
    for payload in [&b""[..], b"Hello", b"\x00\xff\xfe\xfd", &[0xfe; 125]] {
        check(&[frame(PING, payload)], &[Seen::Ping(payload.into())]);
        check(&[frame(PONG, payload)], &[Seen::Pong(payload.into())]);
    }
    check(&[frame(PING, [0xfe; 126])], &[Seen::Violation(Violation::ControlTooLong)]);
    check(&[frame(PING, [0xfe; 65536])], &[Seen::Violation(Violation::ControlTooLong)]);
    let pings: Vec<u8> = (0..10).collect();
    let frames: Vec<_> = pings.iter().map(|n| frame(PING, [*n])).collect();
    check(&frames, &pings.iter().map(|n| Seen::Ping(vec![*n])).collect::<Vec<_>>());
}

#[test]
fn section_3_reserved_bits() {
    for bits in 1..8 {
        for opcode in [TEXT, BINARY, CLOSE, PING, PONG] {
            let frames = [frame(TEXT, "fine"), frame(opcode, "ab").reserved(bits), frame(PING, "")];
            check(&frames, &[text("fine"), Seen::Violation(Violation::ReservedBits)]);
        }
    }
}

#[test]
fn section_4_reserved_opcodes() {
    for opcode in (3..8).chain(0xb..=0xf) {
        let frames = [frame(TEXT, "fine"), frame(opcode, "payload"), frame(PING, "")];
        check(&frames, &[text("fine"), Seen::Violation(Violation::ReservedOpcode(opcode))]);
        let refused = Some((2, Violation::ReservedOpcode(opcode)));
        assert_eq!(refused_after(LENIENT, &frame(opcode, "payload").bytes()), refused);
    }
}

#[test]
fn what_is_no_frame_at_all_is_refused_with_its_second_byte() {
    let expected = Some((2, Violation::ReservedOpcode(7)));
    assert_eq!(refused_after(LENIENT, b"WRITE SOMETHING UNKNOWN"), expected);
    assert_eq!(events(LENIENT, [&b"WRITE SOMETHING UNKNOWN"[..]]).len(), 1);
}

#[test]
fn binary_frames_are_refused_with_their_second_byte_where_there_are_only_texts() {
    let rules = Rules { binary: false, ..LENIENT };
    let expected = Some((2, Violation::BinaryNotAllowed));
    assert_eq!(refused_after(rules, &frame(BINARY, "x").bytes()), expected);
    let frames = [frame(TEXT, "a").unfinished(), frame(BINARY, "b")];
    check_under(rules, &frames, &[Seen::Violation(Violation::BinaryNotAllowed)]);
}

#[test]
fn section_5_fragments() {
    let violation = |violation| [Seen::Violation(violation)];
    for opcode in [PING, PONG, CLOSE] {
        let frames = [frame(opcode, "").unfinished(), frame(CONTINUATION, "")];
        check(&frames, &violation(Violation::ControlFragmented));
    }
    let (first, middle, last) = (
        || frame(TEXT, "one ").unfinished(),
        || frame(CONTINUATION, "two ").unfinished(),
        || frame(CONTINUATION, "three"),
    );
    check(&[first(), last()], &[text("one three")]);
    check(&[first(), middle(), middle(), last()], &[text("one two two three")]);
    check(&[first(), frame(CONTINUATION, "")], &[text("one ")]);
    check(&[frame(TEXT, "").unfinished(), frame(CONTINUATION, "")], &[text("")]);
    check(
        &[first(), frame(PING, "p"), middle(), frame(PONG, "q"), last(), frame(TEXT, "next")],
        &[Seen::Ping(b"p".into()), Seen::Pong(b"q".into()), text("one two three"), text("next")],
    );
    check(&[first(), frame(CLOSE, "")], &[Seen::Close(None)]);
    check(&[last()], &violation(Violation::NothingToContinue));
    check(&[middle(), last()], &violation(Violation::NothingToContinue));
    check(&[first(), frame(TEXT, "x")], &violation(Violation::MessageUnfinished));
    check(&[first(), first()], &violation(Violation::MessageUnfinished));
    check(&[first(), frame(BINARY, "x")], &violation(Violation::MessageUnfinished));
    check(
        &[first(), last(), last()],
        &[text("one three"), Seen::Violation(Violation::NothingToContinue)],
    );
}

#[test]
fn section_6_texts_are_utf8_wherever_they_are_cut() {
    let greek = "κόσμε \u{10ffff}";
    for at in 0..=greek.len() {
        let (start, end) = greek.as_bytes().split_at(at);
        let frames = [frame(TEXT, start).unfinished(), frame(PING, ""), frame(CONTINUATION, end)];
        check(&frames, &[Seen::Ping(vec![]), text(greek)]);
    }
    for wrong in [
        &b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..],
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
        b"\xc0\x80",
        b"\xfe\xff",
        b"broken off \xe1\xbd",
    ] {
        check(&[frame(TEXT, wrong)], &[Seen::Violation(Violation::InvalidUtf8)]);
        check(&[frame(BINARY, wrong)], &[Seen::Binary(wrong.into())]);
    }
}

#[test]
fn section_6_4_wrong_text_is_refused_before_the_message_ends() {
    let start = frame(TEXT, "κόσμε").unfinished().bytes();
    let end = frame(CONTINUATION, b"\xf4\x90\x80\x80edited").bytes();
    let head = end.len() - b"\xf4\x90\x80\x80edited".len();
    let refused = Some((start.len() + head + 2, Violation::InvalidUtf8));
    assert_eq!(refused_after(LENIENT, &[start, end].concat()), refused);
}

#[test]
fn section_7_closes() {
    check(&[frame(CLOSE, "")], &[Seen::Close(None)]);
    check(&[frame(CLOSE, "x")], &[Seen::Close(None)]);
    check(&[frame(CLOSE, b"\x03\xe8")], &[closed(1000, "")]);
    check(&[frame(CLOSE, "\u{3}éHello ß")], &[Seen::Violation(Violation::InvalidCloseCode(0x3c3))]);
    check(&[frame(CLOSE, b"\x03\xe9bye \xc3\x9f")], &[closed(1001, "bye ß")]);
    check(
        &[frame(CLOSE, [&b"\x03\xe8"[..], &[b'*'; 123]].concat())],
        &[closed(1000, &"*".repeat(123))],
    );
    check(&[frame(CLOSE, [b'*'; 126])], &[Seen::Violation(Violation::ControlTooLong)]);
    check(&[frame(CLOSE, b"\x03\xe8\xce\xba\xe1")], &[Seen::Violation(Violation::InvalidUtf8)]);
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        let expected = Seen::Violation(Violation::InvalidCloseCode(code));
        check(&[frame(CLOSE, code.to_be_bytes())], &[expected]);
    }
    for code in [1000_u16, 1001, 1002, 1003, 1007, 1010, 1011, 1014, 3000, 3999, 4000, 4999] {
        check(&[frame(CLOSE, code.to_be_bytes())], &[closed(code, "")]);
    }
    // Whatever comes after a close is not even looked at.
    for after in
        [frame(TEXT, "late"), frame(PING, ""), frame(CLOSE, ""), frame(0xf, "GET / HTTP/1.1")]
    {
        check(
            &[frame(TEXT, "in time"), frame(CLOSE, ""), after],
            &[text("in time"), Seen::Close(None)],
        );
    }
}

#[test]
fn a_strict_location_forgives_nothing() {
    let strict = Rules { strict: true, ..LENIENT };
    for len in [6, 125, 126, 65535, 65536] {
        check_under(strict, &[frame(TEXT, vec![b'x'; len])], &[text(vec![b'x'; len])]);
    }
    for (frame, violation) in [
        (frame(TEXT, "bare").unmasked(), Violation::NotMasked),
        (frame(PING, "").unmasked(), Violation::NotMasked),
        (frame(TEXT, "short").width(2), Violation::LengthNotMinimal),
        (frame(TEXT, [b'x'; 65535]).width(8), Violation::LengthNotMinimal),
        (frame(CLOSE, "x"), Violation::CloseTruncated),
    ] {
        check_under(strict, &[frame], &[Seen::Violation(violation)]);
    }
    check(&[frame(TEXT, "bare").unmasked()], &[text("bare")]);
    check(&[frame(TEXT, "short").width(2), frame(TEXT, "s").width(8)], &[text("short"), text("s")]);
}

#[test]
fn lengths_are_judged_before_the_payload_arrives() {
    let rules = Rules { limit: 1000, ..LENIENT };
    let table: &[(&[u8], usize, Violation)] = &[
        (b"\x81\xff\x80\0\0\0\0\0\0\0", 10, Violation::InvalidLength),
        (b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff", 10, Violation::TooLarge),
        (b"\x81\xfe\x03\xe9", 4, Violation::TooLarge),
        (b"\x89\xfe", 2, Violation::ControlTooLong),
    ];
    for (bytes, count, violation) in table {
        assert_eq!(refused_after(rules, bytes), Some((*count, *violation)));
    }
    let half = || frame(TEXT, [b'x'; 500]).unfinished();
    let whole = [half(), frame(PING, [1; 125]), frame(CONTINUATION, [b'x'; 500])];
    check_under(rules, &whole, &[Seen::Ping(vec![1; 125]), text([b'x'; 1000])]);
    let larger = [half(), frame(CONTINUATION, [b'x'; 501])];
    check_under(rules, &larger, &[Seen::Violation(Violation::TooLarge)]);
}

#[test]
fn announced_lengths_take_no_memory() {
    let mut decoder = Decoder::new(Rules { limit: usize::MAX, ..LENIENT });
    assert_eq!(feed(&mut decoder, b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\x01\x02\x03\x04"), []);
    assert_eq!(decoder.memory(), 0);
    assert_eq!(feed(&mut decoder, b"0123456789"), []);
    assert!(decoder.memory() <= 64);
}

#[test]
fn a_large_message_leaves_no_memory_behind() {
    let mut decoder = Decoder::new(LENIENT);
    assert_eq!(feed(&mut decoder, &frame(TEXT, vec![b'x'; 1 << 20]).bytes()).len(), 1);
    assert_eq!(decoder.memory(), 0);
    feed(&mut decoder, &frame(TEXT, [b'x'; 1000]).bytes());
    let kept = decoder.memory();
    feed(&mut decoder, &frame(TEXT, [b'y'; 1000]).bytes());
    assert!((1000..=4096).contains(&kept) && kept == decoder.memory(), "a small one is reused");
}

#[test]
fn messages_that_nobody_wants_are_checked_and_dropped() {
    let rules = Rules { keep: false, ..LENIENT };
    let frames = [frame(TEXT, "κόσ").unfinished(), frame(CONTINUATION, "με"), frame(PING, "p")];
    check_under(rules, &frames, &[text(""), Seen::Ping(b"p".into())]);
    check_under(rules, &[frame(TEXT, b"\xff")], &[Seen::Violation(Violation::InvalidUtf8)]);
    let mut decoder = Decoder::new(rules);
    feed(&mut decoder, &frame(TEXT, [b'x'; 60000]).unfinished().bytes());
    assert_eq!(decoder.memory(), 0);
}

#[test]
fn deflated_messages_are_told_from_plain_ones() {
    let rules = Rules { deflate: true, ..LENIENT };
    // RFC 7692 section 7.2.3.1: "Hello", in one frame and in two.
    let hello = b"\xf2\x48\xcd\xc9\xc9\x07\x00";
    let expected = Seen::Compressed(Kind::Text, hello.into());
    check_under(rules, &[frame(TEXT, hello).reserved(4)], std::slice::from_ref(&expected));
    let (start, end) = hello.split_at(3);
    let fragments = [
        frame(TEXT, start).reserved(4).unfinished(),
        frame(CONTINUATION, end),
        frame(TEXT, "plain"),
    ];
    check_under(rules, &fragments, &[expected, text("plain")]);
    let compressed = Seen::Compressed(Kind::Binary, hello.into());
    check_under(rules, &[frame(BINARY, hello).reserved(4)], &[compressed]);
    for frames in [
        vec![frame(PING, "").reserved(4)],
        vec![frame(TEXT, "").reserved(6)],
        vec![frame(TEXT, start).reserved(4).unfinished(), frame(CONTINUATION, end).reserved(4)],
    ] {
        check_under(rules, &frames, &[Seen::Violation(Violation::ReservedBits)]);
    }
    check_under(rules, &[frame(TEXT, b"\xff")], &[Seen::Violation(Violation::InvalidUtf8)]);
}

#[test]
fn a_deflated_message_may_arrive_longer_than_the_limit_by_what_deflate_costs() {
    let rules = Rules { deflate: true, limit: 800, ..LENIENT };
    let arrives = |len| events(rules, [&frame(TEXT, vec![0; len]).reserved(4).bytes()[..]]);
    assert_eq!(arrives(916), [Seen::Compressed(Kind::Text, vec![0; 916])]);
    assert_eq!(arrives(917), [Seen::Violation(Violation::TooLarge)]);
}
