//! What answers of all roles have in common: the headers against caches, CORS, refusals.
//!
//! The order of the calls is the order of the lines on the wire.

use protocol::refusal::Refusal;

use crate::channels::evaluated;
use crate::conf::{LocationConf, MainConf, Role};
use crate::floods::Flood;
use crate::nginx::log::{Log, error, warn};
use crate::nginx::request::{NoMemory, Request, Status};
use crate::story::Story;

/// nginx's own page for "something that cannot be helped now"; it closes the connection.
pub(crate) const INTERNAL_ERROR: Status = Status(500);

const CORS_REQUEST_HEADERS: &[u8] =
    b"If-Modified-Since,If-None-Match,Etag,Event-Id,Event-Type,Last-Event-Id";

/// What a page of another origin may read: its cursor, and whether something is missing.
const CORS_ANSWER_HEADERS: &[u8] =
    b"Last-Modified, Etag, X-Nginx-PushStream-Gap, X-Nginx-PushStream-Explain";

/// A header of an answer.
type Header = (&'static str, &'static [u8]);

/// What keeps caches from storing an answer.
pub(crate) const NO_CACHE: [Header; 2] = [
    ("Expires", b"Thu, 01 Jan 1970 00:00:01 GMT"),
    ("Cache-Control", b"no-cache, no-store, must-revalidate"),
];

/// What tells that messages behind the client's cursor are no longer stored.
pub(crate) const GAP: Header = ("X-Nginx-PushStream-Gap", b"1");

/// Keeps caches from storing the answer.
pub(crate) fn forbid_caching(request: &mut Request) -> Result<(), NoMemory> {
    NO_CACHE.iter().try_for_each(|(name, value)| request.push_static(name, value))
}

/// Lets pages of other origins use the location, where `push_stream_allowed_origins` says so.
pub(crate) fn allow_origins(
    request: &mut Request,
    location: &LocationConf,
    methods: &str,
) -> Result<(), NoMemory> {
    let Some(value) = location.allowed_origins else { return Ok(()) };
    let origins = evaluated(request, value);
    // A line break, however it got there, must not begin a header of its own.
    let origins: Vec<u8> =
        origins.iter().copied().filter(|byte| !byte.is_ascii_control()).collect();
    if origins.is_empty() {
        return Ok(());
    }
    request.push_header("Access-Control-Allow-Origin", &origins)?;
    request.push_header("Access-Control-Allow-Methods", methods.as_bytes())?;
    request.push_static("Access-Control-Allow-Headers", CORS_REQUEST_HEADERS)?;
    if let Role::Subscriber(_) = location.role {
        request.push_static("Access-Control-Expose-Headers", CORS_ANSWER_HEADERS)?;
    }
    Ok(())
}

/// An answer that consists of a head only. The body of the request, if any, is discarded, so that it is
/// not taken for the next request on the connection.
pub(crate) fn head_only(request: &mut Request, status: u16) -> Status {
    if let Err(status) = request.discard_body() {
        return status;
    }
    if status >= 500 {
        request.set_keepalive(false);
    }
    request.set_status(status);
    request.respond(&[])
}

/// Turns a refusal into its answer; the headers before the explanation have been pushed.
pub(crate) fn refuse(request: &mut Request, refusal: Refusal, main: &MainConf) -> Status {
    log_refusal(request, refusal, main);
    let explain = refusal.explain().as_bytes();
    if !explain.is_empty() && request.push_header("X-Nginx-PushStream-Explain", explain).is_err() {
        return INTERNAL_ERROR;
    }
    head_only(request, refusal.status())
}

/// The line in the error log that goes with a refusal.
pub(crate) fn log_refusal(request: &Request, refusal: Refusal, main: &MainConf) {
    let story = Story::of(request);
    let log = request.log();
    match refusal {
        Refusal::NoChannel => {
            warn!(
                log,
                "push stream module: the push_stream_channels_path is required but is not set"
            );
        }
        Refusal::ChannelIdTooLarge => {
            let max = main.max_channel_id_length.unwrap_or_default();
            warn!(log, "push stream module: channel id is larger than allowed {max}");
        }
        Refusal::TooManyChannelsNamed => {
            let max = main.max_channels_per_request;
            warn!(log, "push stream module: more channels in one request than allowed {max}");
        }
        Refusal::EmptyMessage => {
            error!(log, "push stream module: Post request was sent with no message")
        }
        Refusal::TooManyChannels => {
            error!(log, "push stream module: number of channels were exceeded")
        }
        Refusal::TooManyWildcardChannels => {
            error!(log, "push stream module: max subscribed wildcard channels exceeded");
        }
        Refusal::EventsChannelReadOnly => {
            error!(log, "push stream module: only internal routines can change events channel");
        }
        Refusal::EventsChannelNotAllowed => {
            error!(log, "push stream module: subscription to events channel is not allowed");
        }
        Refusal::OutOfMemory if Flood::Channel.admits() => {
            let channels = story.map(Story::shown).unwrap_or_default();
            error!(
                log,
                "push stream module: unable to allocate memory for new channel: no memory in zone \"{}\", channel \"{channels}\"",
                main.zone_name
            );
        }
        _ => {}
    }
}

/// The line in the error log for a message to these channels that found no room.
pub(crate) fn log_full_zone(log: Log<'_>, main: &MainConf, channels: impl FnOnce() -> String) {
    if !Flood::Message.admits() {
        return;
    }
    let channels = channels();
    error!(
        log,
        "push stream module: unable to allocate message in shared memory: no memory in zone \"{}\", channel \"{channels}\"",
        main.zone_name
    );
}

/// 405, with the methods that are allowed.
pub(crate) fn method_not_allowed(request: &mut Request, allowed: &str) -> Status {
    if request.push_header("Allow", allowed.as_bytes()).is_err() {
        return INTERNAL_ERROR;
    }
    head_only(request, 405)
}
