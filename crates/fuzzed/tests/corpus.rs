//! Every target on its stored inputs, and on what is left of them when they are cut off.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

use std::path::Path;

fn replay(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(name);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut count = 0;
    for file in files.flatten() {
        let data = std::fs::read(file.path()).expect("an input");
        eprintln!("{name}: {}", file.file_name().display()); // shown if it fails
        fuzzed::run(name, &data);
        fuzzed::run(name, data.get(..data.len() / 2).unwrap_or_default());
        count += 1;
    }
    assert!(count >= 10, "{count} inputs of {name}");
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test] fn $name() { replay(stringify!($name)); })*

        #[test]
        fn all_targets_are_here() {
            let names = fuzzed::TARGETS.map(|(name, _)| name);
            assert_eq!(names.as_slice(), [$(stringify!($name)),*]);
        }
    };
}

targets! { channel_path template cursor event_source websocket handshake inflate compress store repair }
