//! Setters that do more than set one value: the roles, files, legacy names.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{ErrorKind, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use ngx::http::HttpModuleMainConf as _;
use store::WhenFull;

use super::handlers;
use crate::callbacks::Module;
use crate::conf::settings::{LocationSettings, MainSettings};
use crate::conf::{Mode, Role, refuse};
use crate::nginx::conf::command::Note;
use crate::nginx::conf::slot::Slot as _;
use crate::nginx::conf::{ConfRef, ContentHandler, Refusal};

pub(super) type Set = Result<(), Refusal>;

/* roles */

pub(super) fn statistics(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    let prometheus = match cf.args().next() {
        None => false,
        Some(format) if format.eq_ignore_ascii_case(b"prometheus") => true,
        Some(format) => return Err(invalid_mode(cf, format, "prometheus")),
    };
    // Takes the place of a role set before it.
    location.role = Some(Role::Statistics { prometheus });
    install(cf, handlers::STATISTICS)
}

pub(super) fn publisher(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    let admin = match cf.args().next() {
        None => false,
        Some(mode) if mode.eq_ignore_ascii_case(b"normal") => false,
        Some(mode) if mode.eq_ignore_ascii_case(b"admin") => true,
        Some(mode) => return Err(invalid_mode(cf, mode, "normal, admin")),
    };
    location.take_role(Role::Publisher { admin })?;
    install(cf, handlers::PUBLISHER)
}

pub(super) fn subscriber(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    let mode = match cf.args().next() {
        None => Mode::Streaming,
        Some(name) => Mode::from_argument(name).ok_or_else(|| {
            let modes = "streaming, polling, long-polling, eventsource, websocket";
            invalid_mode(cf, name, modes)
        })?,
    };
    subscribe(cf, location, mode)
}

pub(super) fn legacy_websocket(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    Note::Deprecated("use \"push_stream_subscriber websocket\" instead").write(cf);
    subscribe(cf, location, Mode::WebSocket)
}

fn subscribe(cf: &ConfRef<'_>, location: &mut LocationSettings, mode: Mode) -> Set {
    location.take_role(Role::Subscriber(mode))?;
    install(cf, handlers::SUBSCRIBER)
}

/// Gives the location its content handler. The conditional processing of nginx would turn answers
/// of ours into 304 and 412 on its own.
fn install(cf: &ConfRef<'_>, handler: ContentHandler) -> Set {
    let main = Module::main_conf_mut(cf.conf()).ok_or(Refusal::Reported)?;
    main.has_role = true;
    cf.switch_off_if_modified_since();
    cf.set_content_handler(handler);
    Ok(())
}

fn invalid_mode(cf: &ConfRef<'_>, value: &[u8], accepted: &str) -> Refusal {
    let (name, value) = (cf.directive(), String::from_utf8_lossy(value));
    refuse(cf, format_args!("invalid {name} mode value: {value}, accepted values ({accepted})"))
        .into()
}

/* http values */

pub(super) fn zone_full(cf: &ConfRef<'_>, main: &mut MainSettings) -> Set {
    let value = cf.args().next().unwrap_or_default();
    let policy = match value {
        b"refuse" => WhenFull::Refuse,
        b"evict_oldest" => WhenFull::EvictOldest,
        _ => return Err(invalid_mode(cf, value, "refuse, evict_oldest")),
    };
    if main.zone_full.replace(policy).is_some() {
        return Err(Refusal::Because(c"is duplicate"));
    }
    Ok(())
}

/* location values */

pub(super) fn header_template_file(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    if location.header_template.is_set() {
        return Err(Refusal::Because(
            c"is duplicate or template set by 'push_stream_header_template'",
        ));
    }
    let name = cf.args().next().unwrap_or_default();
    let (path, shown) = (Path::new(OsStr::from_bytes(name)), String::from_utf8_lossy(name));
    // As everywhere in nginx, relative to its prefix; some configurations rely on the directory
    // nginx was started in.
    let mut file = match File::open(cf.prefixed(path)) {
        Err(err) if err.kind() == ErrorKind::NotFound => File::open(path),
        opened => opened,
    }
    .map_err(|_| refuse(cf, format_args!("unable to open file \"{shown}\" for header template")))?;
    let mut template = Vec::new();
    file.read_to_end(&mut template).map_err(|_| {
        refuse(cf, format_args!("unable to read data from file \"{shown}\" for header template"))
    })?;
    location.header_template.set(cf, &template)
}

/// Takes any number of arguments: a forgotten semicolon makes the next directive one of them, and
/// nginx's own words leave the user looking for it.
pub(super) fn content_type(cf: &ConfRef<'_>, location: &mut LocationSettings) -> Set {
    Note::Deprecated("use the \"default_type\" directive of nginx instead").write(cf);
    let mut args = cf.args();
    let (value, swallowed) = (args.next().unwrap_or_default(), args.next());
    if let Some(swallowed) = swallowed {
        return Err(cf
            .emerg(format_args!(
                "invalid number of arguments in \"{}\" directive, is a semicolon missing before \
                 \"{}\"?",
                cf.directive(),
                String::from_utf8_lossy(swallowed)
            ))
            .into());
    }
    if location.content_type.is_set() {
        return Err(Refusal::Because(c"is duplicate"));
    }
    location.content_type.set(cf, value)
}
