//! Publisher locations: publish, ask about channels, delete them.
//!
//! Cost of a publish: one evaluation of the path, one span of the zone's lock (find or create the channels, append, evict,
//! note the interested workers), one `write` for each worker that must be woken, one `write` for the answer.

use protocol::Few;
use protocol::accept::negotiate;
use protocol::channel_path::ChannelPath;
use protocol::refusal::{CHANNEL_DELETED, Refusal};
use store::{NewMessage, Parts, WakeSet};

use crate::answer::INTERNAL_ERROR;
use crate::conf::{LocationConf, MainConf, Role};
use crate::directory::{check_room, find_or_create};
use crate::floods::Flood;
use crate::nginx::body::BodyError;
use crate::nginx::log::error;
use crate::nginx::process;
use crate::nginx::request::{Method, NoMemory, Request, Status};
use crate::statistics::{PublishReport, ZoneHead};
use crate::story::{Story, shown};
use crate::{answer, channels, counters, statistics, worker};

/// How a request goes on.
pub(crate) enum Begun {
    Answered(Status),
    /// Its body is to be read, for [`publish`].
    Publishes,
    /// Its body is to be read, for [`delete`].
    Deletes,
}

impl From<Status> for Begun {
    fn from(status: Status) -> Self {
        Self::Answered(status)
    }
}

/// Answers a request to a publisher location, or lets it through to the reading of its body.
pub(crate) fn begin(request: &mut Request, main: &MainConf, location: &LocationConf) -> Begun {
    check_and_answer(request, main, location).unwrap_or(INTERNAL_ERROR.into())
}

fn check_and_answer(
    request: &mut Request,
    main: &MainConf,
    location: &LocationConf,
) -> Result<Begun, NoMemory> {
    let admin = matches!(location.role, Role::Publisher { admin: true });
    let methods = if admin { "GET, POST, PUT, DELETE" } else { "GET, POST, PUT" };
    if location.keepalive == Some(false) {
        request.set_keepalive(false);
    }
    request.disable_not_modified();
    answer::forbid_caching(request)?;
    answer::allow_origins(request, location, methods)?;

    let method = request.method();
    match method {
        Method::Options => return Ok(answer::head_only(request, 200).into()),
        Method::Get | Method::Post | Method::Put => {}
        Method::Delete if admin => {}
        _ => return Ok(answer::method_not_allowed(request, methods).into()),
    }
    let path = channels::requested(request, location);
    Story::begin(request, path, None)?;
    if let Err(refusal) = check(Story::path_of(request)?, method, main) {
        return Ok(answer::refuse(request, refusal, main).into());
    }
    match method {
        Method::Get => match request.discard_body() {
            Ok(()) => Ok(tell(request, main)?.into()),
            Err(status) => Ok(status.into()),
        },
        Method::Delete => Ok(Begun::Deletes),
        _ => Ok(Begun::Publishes),
    }
}

/// The checks that come before anything is read or changed: the first id, in path order, that fails decides.
fn check(path: &ChannelPath, method: Method, main: &MainConf) -> Result<(), Refusal> {
    channels::check_number(path, main)?;
    let publishes = matches!(method, Method::Post | Method::Put);
    let mut checked = 0;
    let mut refused = Ok(());
    for segment in path.iter() {
        refused = channels::check_id(segment.id, main);
        if refused.is_err() {
            break;
        }
        checked += 1;
        if method != Method::Get && channels::is_events_channel(segment.id, main) {
            refused = Err(Refusal::EventsChannelReadOnly);
            break;
        }
    }
    // Of one and the same id the limit comes before the events channel.
    if publishes && channels::are_limited(main) {
        worker::with_store(|store| check_room(store, path, checked, main))
            .unwrap_or(Err(Refusal::OutOfMemory))?;
    }
    refused
}

/// GET: the numbers of the channels that exist.
fn tell(request: &mut Request, main: &MainConf) -> Result<Status, NoMemory> {
    let (format, content_type) = negotiate(request.header("Accept"));
    Ok(match statistics::existing(Story::path_of(request)?) {
        None => answer::refuse(request, Refusal::OutOfMemory, main),
        Some(report) if report.is_empty() => answer::head_only(request, 404),
        Some(report) => report.respond(request, format, content_type),
    })
}

/// A POST or PUT whose body, the message, has been read.
pub(crate) fn publish(request: &mut Request, main: &MainConf, location: &LocationConf) -> Status {
    publish_body(request, main, location).unwrap_or(INTERNAL_ERROR)
}

fn publish_body(
    request: &mut Request,
    main: &MainConf,
    location: &LocationConf,
) -> Result<Status, NoMemory> {
    let path = Story::path_of(request)?;
    let text = match request.body() {
        Ok(text) => text,
        Err(error) => return Ok(body_error(request, error)),
    };
    if text.is_empty() {
        return Ok(answer::refuse(request, Refusal::EmptyMessage, main));
    }
    let parts = Parts {
        event_id: request.header("Event-Id"),
        event_type: request.header("Event-Type"),
        text: &text,
        binary: is_binary(request),
    };
    let message = NewMessage { parts, ..channels::message(location) };
    let mut report = PublishReport::default();
    let mut found = Few::with_capacity(path.len());
    let mut wake = WakeSet::default();
    report.numbers.reserve(path.len());
    let published = worker::with_store(|store| {
        check_room(store, path, path.len(), main)?;
        find_or_create(store, path, main, &mut found, &mut wake)?;
        store
            .publish(&found, &message, process::now(), &mut wake)
            .map_err(|_| PublishError::NoMemoryForMessage)?;
        if location.channel_info_on_publish {
            if path.len() > 1 {
                report.zone = ZoneHead::of(store);
            }
            report.numbers.extend(found.iter().map(|channel| store.numbers(*channel)));
        }
        Ok(())
    });
    worker::wake(&mut wake);
    let published = published.unwrap_or(Err(PublishError::Refused(Refusal::OutOfMemory)));
    if let Err(PublishError::NoMemoryForMessage | PublishError::Refused(Refusal::OutOfMemory)) =
        published
    {
        counters::refused_publish();
    }
    match published {
        Err(PublishError::Refused(refusal)) => Ok(answer::refuse(request, refusal, main)),
        Err(PublishError::NoMemoryForMessage) => {
            answer::log_full_zone(request.log(), main, || {
                Story::of(request).map(Story::shown).unwrap_or_default()
            });
            request.set_keepalive(false);
            Ok(INTERNAL_ERROR)
        }
        Ok(()) if location.channel_info_on_publish => Ok(report.respond(request)),
        Ok(()) => Ok(answer::head_only(request, 200)),
    }
}

/// Whether the body is meant as bytes (RFC 2046 section 4.5.1): subscribers of a WebSocket may get it in a binary frame.
fn is_binary(request: &Request) -> bool {
    let content_type = request.content_type().unwrap_or_default();
    let media_type = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    media_type.trim_ascii().eq_ignore_ascii_case(b"application/octet-stream")
}

fn body_error(request: &mut Request, error: BodyError) -> Status {
    let why = match error {
        BodyError::NoMemory => "it does not fit into memory",
        BodyError::Unreadable => "its temporary file cannot be read",
    };
    error!(request.log(), "push stream module: no message: {why}");
    request.set_keepalive(false);
    INTERNAL_ERROR
}

enum PublishError {
    Refused(Refusal),
    NoMemoryForMessage,
}

impl From<Refusal> for PublishError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A DELETE whose body, what the subscribers are told, has been read.
pub(crate) fn delete(request: &mut Request, main: &MainConf) -> Status {
    delete_channels(request, main).unwrap_or(INTERNAL_ERROR)
}

fn delete_channels(request: &mut Request, main: &MainConf) -> Result<Status, NoMemory> {
    let path = Story::path_of(request)?;
    let body = match request.body() {
        Ok(body) => body.into_owned(),
        Err(error) => return Ok(body_error(request, error)),
    };
    let farewell: &[u8] = if body.is_empty() { &main.channel_deleted_message_text } else { &body };
    let mut wake = WakeSet::default();
    let mut deleted = 0;
    let mut failed = None;
    worker::with_store(|store| {
        for segment in path.iter() {
            let Some(channel) = store.find(segment.id) else { continue };
            match store.delete(channel, farewell, process::now(), &mut wake) {
                Ok(()) => deleted += 1,
                Err(_) => failed = failed.or(Some(segment.id)),
            }
        }
    });
    worker::wake(&mut wake);
    if let Some(id) = failed {
        if Flood::Deletion.admits() {
            let (id, zone) = (shown(id), main.zone_name);
            error!(
                request.log(),
                "push stream module: error while deleting channel '{id}': no memory in zone \"{zone}\""
            );
        }
        return Ok(answer::head_only(request, 500));
    }
    if deleted == 0 {
        return Ok(answer::head_only(request, 404));
    }
    request.push_header("X-Nginx-PushStream-Explain", CHANNEL_DELETED.as_bytes())?;
    Ok(answer::head_only(request, 200))
}
