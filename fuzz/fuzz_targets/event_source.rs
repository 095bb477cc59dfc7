#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzzed::run("event_source", data));
