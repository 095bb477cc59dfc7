//! `push_stream_shared_memory_size` and its legacy name: asks nginx for the zone.

use std::cell::RefCell;

use super::setters::Set;
use crate::conf::settings::{DeclaredZone, MainSettings};
use crate::memory;
use crate::nginx::conf::command::Note;
use crate::nginx::conf::{ConfRef, Refusal, page_size, parse_size};
use crate::nginx::zone::Zone;

/// The zone's name when the directive gives none.
const DEFAULT_ZONE_NAME: &[u8] = b"push_stream_module";
/// The smallest zone, in pages.
const MIN_ZONE_PAGES: usize = 32;

pub(super) fn shared_memory_size(cf: &ConfRef<'_>, main: &mut MainSettings) -> Set {
    let mut args = cf.args();
    let size = args.next().and_then(parse_size).and_then(whole_pages);
    let name = args.next().unwrap_or(DEFAULT_ZONE_NAME);
    match size {
        Some(size) if size >= min_zone_size() => declare_zone(cf, main, name, size),
        _ => {
            let (directive, kib) = (cf.directive(), min_zone_size() >> 10);
            let text = format_args!("The {directive} value must be at least {kib}KiB");
            Err(cf.warn(text).into())
        }
    }
}

pub(super) fn legacy_reserved_memory(cf: &ConfRef<'_>, main: &mut MainSettings) -> Set {
    Note::Deprecated("use the \"push_stream_shared_memory_size\" directive instead").write(cf);
    let size = cf.args().next().and_then(parse_size).and_then(whole_pages);
    let mut size = size.ok_or(Refusal::Because(c"invalid value"))?;
    if size < min_zone_size() {
        let (directive, kib) = (cf.directive(), min_zone_size() >> 10);
        cf.warn(format_args!("The {directive} value must be at least {kib}KiB, {kib}KiB is used"));
        size = min_zone_size();
    }
    declare_zone(cf, main, DEFAULT_ZONE_NAME, size)
}

fn whole_pages(size: usize) -> Option<usize> {
    size.checked_next_multiple_of(page_size())
}

fn min_zone_size() -> usize {
    MIN_ZONE_PAGES * page_size()
}

fn declare_zone(cf: &ConfRef<'_>, main: &mut MainSettings, name: &[u8], size: usize) -> Set {
    let shown = String::from_utf8_lossy(name);
    match &main.zone {
        Some(first) if first.name.as_bytes() == name => {
            return Err(cf.emerg(format_args!("duplicate zone \"{shown}\"")).into());
        }
        Some(_) => return Err(Refusal::Because(c"is duplicate")),
        None => {}
    }
    let Some(name) = lasting(name) else {
        return Err(cf.emerg(format_args!("invalid zone name \"{shown}\"")).into());
    };
    // Another size would be another, empty zone: what is stored is worth more than the wish.
    let size = match Zone::running_size(name) {
        Some(running) if running != size => {
            cf.warn(format_args!(
                "Cannot change memory area size without restart, ignoring change on zone: {name}"
            ));
            running
        }
        _ => size,
    };
    cf.info(format_args!(
        "Using {}KiB of shared memory for push stream module on zone: {name}",
        size >> 10
    ));
    let zone = Zone::declare(cf, name, size, memory::format).ok_or(Refusal::Reported)?;
    main.zone = Some(DeclaredZone { name, size, zone });
    Ok(())
}

/// The zone's name for as long as the process lives: nginx compares it with the next configuration's.
/// Each name is kept once, however often the configuration is read.
fn lasting(name: &[u8]) -> Option<&'static str> {
    thread_local! {
        static NAMES: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
    }
    let name = str::from_utf8(name).ok().filter(|name| !name.is_empty())?;
    NAMES.with_borrow_mut(|names| {
        if let Some(known) = names.iter().find(|known| **known == name) {
            return Some(*known);
        }
        let name: &'static str = Box::leak(name.into());
        names.push(name);
        Some(name)
    })
}
