//! The pure part of nginx push stream: what bytes mean and how they are written.
//!
//! Nothing here knows nginx, shared memory, sockets or the clock (time is always an argument), so
//! everything can be tested by tables and properties. Which module answers which question:
//!
//! | module | question | asked by |
//! |---|---|---|
//! | [`channel_path`] | which channels, with which backtrack, does a request name? | every location |
//! | [`cursor`] | where does a subscriber resume, and how is a place in the stream written? | subscribers, store |
//! | [`date`] | how are seconds written as an HTTP or ISO date, and read back? | cursor, template, statistics |
//! | [`template`] | what does a message look like for this location? | delivery |
//! | [`chunk`] | how is a piece framed for HTTP/1.1? | delivery |
//! | [`event`] | what does the server announce on the events channel? | worker |
//! | [`event_source`] | how does a message look as a server-sent event? | delivery |
//! | [`websocket`] | what does a WebSocket client say, and how is it answered? | WebSocket subscribers |
//! | [`jsonp`] | how does a script tag get its messages? | polling subscribers |
//! | [`padding`] | how much filler gets a short piece past a browser's buffering? | delivery |
//! | [`refusal`] | which status and explanation does a refused request get? | every location |
//! | [`accept`] | which statistics format does the client want? | publisher, statistics |
//! | [`statistics`] | how are the numbers written in that format? | publisher, statistics |
//!
//! Invariants: no input makes a function panic or loop; every function is linear in its input; what
//! was parsed once (a template, a path) is never parsed again.

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod accept;
pub mod channel_path;
pub mod chunk;
pub mod cursor;
pub mod date;
pub mod event;
pub mod event_source;
pub mod jsonp;
pub mod padding;
pub mod refusal;
mod short;
pub mod statistics;
pub mod template;
pub mod websocket;

pub use short::Short;

/// A list that mostly has one element, like the channels of a request: then it costs no allocation.
pub type Few<T> = smallvec::SmallVec<[T; 1]>;
