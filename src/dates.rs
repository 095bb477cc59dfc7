//! HTTP dates: the last one read and the last one written are remembered.
//!
//! Who waits for the same message comes with the same date, and is answered with the same. Cost of such a date: a comparison or a copy, a tenth of
//! reading it and a quarter of writing it.

use std::cell::Cell;

use protocol::cursor::{http_date, parse_time};

use crate::nginx::local::Local;

/// A time in seconds since 1970, and how it is written.
type Date = (u32, [u8; 29]);

static READ: Local<Cell<Option<Date>>> = Local::new(Cell::new(None));
static WRITTEN: Local<Cell<Option<Date>>> = Local::new(Cell::new(None));

/// Reads a date in one of the forms of HTTP, as [`parse_time`] does.
pub(crate) fn read(text: &[u8]) -> Option<u32> {
    if let Some((time, known)) = READ.get()
        && text == known
    {
        return Some(time);
    }
    let time = parse_time(text)?;
    if let Ok(text) = text.try_into() {
        READ.set(Some((time, text)));
    }
    Some(time)
}

/// Writes a date as [`http_date`] does.
pub(crate) fn written(time: u32) -> [u8; 29] {
    match WRITTEN.get() {
        Some((known, text)) if known == time => text,
        _ => {
            let text = http_date(time);
            WRITTEN.set(Some((time, text)));
            text
        }
    }
}
