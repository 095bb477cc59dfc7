//! HTTP dates: the last one read and the last one written are remembered.
//!
//! Who waits for the same message comes with the same date, and is answered with the same. Cost of such a date: a comparison, a tenth of
//! reading it or of writing it.

use std::cell::RefCell;

use protocol::cursor::{http_date, parse_time};

use crate::nginx::local::Local;

/// A time in seconds since 1970, and how it is written.
type Date = (u32, [u8; 29]);

static READ: Local<RefCell<Option<Date>>> = Local::new(RefCell::new(None));
static WRITTEN: Local<RefCell<Option<Date>>> = Local::new(RefCell::new(None));

/// Reads a date in one of the forms of HTTP, as [`parse_time`] does.
pub(crate) fn read(text: &[u8]) -> Option<u32> {
    let mut last = READ.borrow_mut();
    if let Some((time, known)) = &*last
        && text == known
    {
        return Some(*time);
    }
    let time = parse_time(text)?;
    if let Ok(text) = text.try_into() {
        *last = Some((time, text));
    }
    Some(time)
}

/// Hands out a date, written as [`http_date`] does. `with` must not write another.
pub(crate) fn written<T>(time: u32, with: impl FnOnce(&[u8]) -> T) -> T {
    let mut last = WRITTEN.borrow_mut();
    match &*last {
        Some((known, text)) if *known == time => with(text),
        _ => with(&last.insert((time, http_date(time))).1),
    }
}
