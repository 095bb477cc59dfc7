//! What is fuzzed: a function for each target that panics when a promise is broken.
//!
//! `fuzz/fuzz_targets` runs them on the inputs that libFuzzer finds, `tests/corpus.rs` on the inputs that
//! are kept in `fuzz/corpus`. What they compare with is that of the tests of the two crates.

#![allow(
    missing_docs,
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "it is a test: it fails by a panic"
)]

#[path = "../../protocol/tests/websocket/client.rs"]
#[allow(dead_code, reason = "shared with the tests of the protocol")]
mod client;
#[path = "../../store/tests/support/damaged.rs"]
mod damaged;
#[path = "../../store/tests/support/history.rs"]
mod history;
#[path = "../../protocol/tests/support/oracles.rs"]
mod oracles;
#[path = "../../store/tests/support/zone.rs"]
mod zone;

mod codec;
mod texts;
mod zones;

/// What a target does with an input.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: [(&str, Target); 10] = [
    ("channel_path", texts::channel_path),
    ("template", texts::template),
    ("cursor", texts::cursor),
    ("event_source", texts::event_source),
    ("websocket", codec::websocket),
    ("handshake", codec::handshake),
    ("inflate", codec::inflate),
    ("compress", codec::compress),
    ("store", zones::store),
    ("repair", zones::repair),
];

/// Runs the target with this name.
///
/// # Panics
///
/// There is no such target, or it has found something.
pub fn run(name: &str, data: &[u8]) {
    let target = TARGETS.iter().find(|(known, _)| *known == name);
    target.unwrap_or_else(|| panic!("no target {name}")).1(data);
}
