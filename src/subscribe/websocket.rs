//! WebSocket subscribers: the handshake, then a stream whose client may talk back.
//!
//! What a subscriber is refused for is found out after the handshake, as clients have always been told it: in a close frame, since pages
//! cannot see the status of a failed handshake.

use std::rc::Rc;

use protocol::websocket::extension::Deflate;
use protocol::websocket::frame;
use protocol::websocket::handshake::{self, Handshake, Invalid, VERSIONS};

use super::attach::{Coming, Entered, Opening, enter};
use crate::answer::{INTERNAL_ERROR, NO_CACHE};
use crate::conf::{LocationConf, MainConf, Mode};
use crate::nginx::log::error;
use crate::nginx::process;
use crate::nginx::request::{HttpVersion, Method, NoMemory, Request, Status};
use crate::nginx::sha1::sha1;
use crate::render::Deflation;
use crate::subscriber::form::gap_piece;
use crate::subscriber::websocket::WebSocket;
use crate::subscriber::wish::Wish;
use crate::tables::Kind;
use crate::{answer, channels, worker};

/// Answers a request to a WebSocket location.
pub(super) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Result<Status, NoMemory> {
    request.set_keepalive(false);
    if request.method() != Method::Get {
        return Ok(answer::method_not_allowed(request, "GET"));
    }
    // HTTP/2 has no upgrade (RFC 9113 section 8.6), and 0.9 no headers.
    let can_upgrade = matches!(request.version(), HttpVersion::Http10 | HttpVersion::Http11);
    let checked = if can_upgrade { check(request, location) } else { Err(Invalid::MissingHeader) };
    let (accept, protocol) = match checked {
        Ok(checked) => checked,
        Err(invalid) => return refuse_handshake(request, invalid),
    };
    let wish = Wish::read(request, location, Mode::WebSocket)?;
    let deflate = location.websocket.deflate_min_size.and_then(|min_size| {
        let deflate = request.headers("Sec-WebSocket-Extensions").find_map(Deflate::negotiate)?;
        Some((deflate, Deflation { window_bits: deflate.window_bits(), min_size }))
    });
    let head = |gap: bool| {
        let answer = deflate.map(|(deflate, _)| deflate.answer());
        let mut headers: Vec<(&str, &[u8])> = NO_CACHE.to_vec();
        headers.extend([
            ("Upgrade", &b"WebSocket"[..]),
            ("Connection", b"Upgrade"),
            ("Sec-WebSocket-Accept", &accept),
        ]);
        headers.extend(protocol.as_deref().map(|name| ("Sec-WebSocket-Protocol", name)));
        headers.extend(answer.as_deref().map(|answer| ("Sec-WebSocket-Extensions", answer)));
        headers.extend(gap.then_some(answer::GAP));
        handshake::head(&headers)
    };
    match enter(request, main, location, &wish, Kind::Streaming) {
        Err(refusal) => {
            answer::log_refusal(request, refusal, main);
            let mut bytes = head(false);
            let head_len = bytes.len();
            bytes.extend_from_slice(&frame::refusal(refusal));
            Ok(request.respond_upgraded(&bytes, head_len))
        }
        Ok(Entered::Due(..)) => Ok(INTERNAL_ERROR),
        Ok(Entered::Waits { interests, joined, history, gap }) => {
            let now = process::now_msec();
            let deflation = deflate.map(|(_, deflation)| deflation);
            let websocket = WebSocket::new(&location.websocket, deflation, now);
            let coming = Coming {
                websocket: Some(Box::new(websocket)),
                ..Coming::new(location, Kind::Streaming)
            };
            let opening = Opening {
                upgrade: Some(head(gap)),
                header_min: 0,
                place: None,
                gap: gap_piece(main, location, gap),
            };
            worker::enter_in_handler(|worker| {
                let key = worker.settle(request, coming, &interests, joined, history)?;
                worker.begin_stream(key, opening);
                Ok(Status::DONE)
            })
            .unwrap_or(Err(NoMemory))
        }
    }
}

type Accepted = ([u8; 28], Option<Vec<u8>>);

/// The accept value and the subprotocol, if the handshake is a valid one.
fn check(request: &mut Request, location: &LocationConf) -> Result<Accepted, Invalid> {
    let conf = &location.websocket;
    let list = |name| {
        let lines: Vec<&[u8]> = request.headers(name).collect();
        (!lines.is_empty()).then(|| lines.join(&b", "[..]))
    };
    let (connection, upgrade) = (list("Connection"), list("Upgrade"));
    let handshake = Handshake {
        connection: connection.as_deref(),
        upgrade: upgrade.as_deref(),
        key: request.header("Sec-WebSocket-Key"),
        version: request.header("Sec-WebSocket-Version"),
    };
    let accept = handshake::accept_value(handshake.check(conf.strict)?, sha1);
    let protocol = request.header("Sec-WebSocket-Protocol").and_then(handshake::subprotocol);
    let protocol = protocol.map(<[u8]>::to_vec);
    if conf.check_origin {
        let allowed =
            location.allowed_origins.map(|value| channels::evaluated(request, value).into_owned());
        handshake::check_origin(request.header("Origin"), &allowed.unwrap_or_default())?;
    }
    Ok((accept, protocol))
}

fn refuse_handshake(request: &mut Request, invalid: Invalid) -> Result<Status, NoMemory> {
    error!(request.log(), "push stream module: {invalid}");
    answer::forbid_caching(request)?;
    if invalid == Invalid::Version {
        request.push_header("Sec-WebSocket-Version", VERSIONS.as_bytes())?;
    }
    request.push_header("X-Nginx-PushStream-Explain", invalid.explain().as_bytes())?;
    Ok(answer::head_only(request, invalid.status()))
}
