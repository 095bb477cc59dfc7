//! The WebSocket codec as a client meets it: bytes over the wire, events out.

mod cases;
mod client;
mod properties;
