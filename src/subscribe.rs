//! Subscriber locations: who may subscribe to what, in which mode.
//!
//! A request is checked ([`admission`]), then answered at once ([`poll`]), or held as a stream or as a long poll that waits
//! ([`attach`]); a [`websocket`] is a stream after a handshake of its own.

pub(crate) mod admission;
pub(crate) mod attach;
pub(crate) mod poll;
pub(crate) mod websocket;

use std::rc::Rc;

use protocol::jsonp;

use crate::answer;
use crate::answer::INTERNAL_ERROR;
use crate::conf::{LocationConf, MainConf, Mode, Role};
use crate::nginx::request::{Method, NoMemory, Request, Status};
use crate::subscriber::wish::Wish;

/// Answers a request to a subscriber location.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Status {
    begin(request, main, location).unwrap_or(INTERNAL_ERROR)
}

fn begin(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Result<Status, NoMemory> {
    if !request.is_main() {
        return Ok(INTERNAL_ERROR);
    }
    request.disable_not_modified();
    if location.role == Role::Subscriber(Mode::WebSocket) {
        return websocket::serve(request, main, location);
    }
    answer::allow_origins(request, location, "GET")?;
    match request.method() {
        Method::Get => {}
        Method::Options => return Ok(answer::head_only(request, 200)),
        _ => {
            answer::forbid_caching(request)?;
            return Ok(answer::method_not_allowed(request, "GET"));
        }
    }
    if let Err(status) = request.discard_body() {
        return Ok(status);
    }
    answer::forbid_caching(request)?;
    let mode = mode(request, location);
    let mut wish = Wish::read(request, location, mode)?;
    if matches!(mode, Mode::Polling | Mode::LongPolling) {
        match jsonp::callback(request.arg("callback")) {
            Ok(callback) => wish.callback = callback,
            Err(refusal) => return Ok(answer::refuse(request, refusal, main)),
        }
        if location.legacy_since_epoch {
            wish.time = wish.time.or(Some(0));
        }
    }
    match mode {
        Mode::Polling => poll::serve(request, main, location, &wish),
        Mode::LongPolling => attach::serve_long_poll(request, main, location, &wish),
        Mode::Streaming | Mode::EventSource | Mode::WebSocket => {
            attach::serve_stream(request, main, location, &wish)
        }
    }
}

/// The location's mode, unless the request asks for one of the polling modes.
fn mode(request: &Request, location: &LocationConf) -> Mode {
    let Role::Subscriber(mode) = location.role else { return Mode::Streaming };
    match request.header("X-Nginx-PushStream-Mode") {
        Some(wanted) if wanted.eq_ignore_ascii_case(b"polling") => Mode::Polling,
        Some(wanted) if wanted.eq_ignore_ascii_case(b"long-polling") => Mode::LongPolling,
        _ => mode,
    }
}
