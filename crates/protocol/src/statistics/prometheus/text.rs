//! How are metrics written down? HELP, TYPE, and a line for each sample.

use alloc::vec::Vec;

use super::ByLabel;
use crate::statistics::{put, put_decimal, put_number};

/// Writes families and their samples.
pub(super) struct Text<'o> {
    out: &'o mut Vec<u8>,
    /// The family under way.
    name: &'static str,
}

impl<'o> Text<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self { out, name: "" }
    }

    pub(super) fn family(&mut self, name: &'static str, help: &str, kind: &str) {
        self.name = name;
        put(self.out, &["# HELP ", name, " ", help, "\n# TYPE ", name, " ", kind, "\n"]);
    }

    pub(super) fn gauge(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "gauge");
    }

    pub(super) fn counter(&mut self, name: &'static str, help: &str) {
        self.family(name, help, "counter");
    }

    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Into<u64>) {
        put(self.out, &[self.name]);
        for (index, (label, value)) in labels.iter().enumerate() {
            put(self.out, &[if index == 0 { "{" } else { "," }, label, "=\""]);
            self.label_value(value);
            put(self.out, &["\""]);
        }
        let end = if labels.is_empty() { "" } else { "}" };
        put_number(self.out, &[end, " "], value, "\n");
    }

    pub(super) fn samples(&mut self, label: &str, values: ByLabel<'_>) {
        for (value, number) in values {
            self.sample(&[(label, value)], *number);
        }
    }

    /// A histogram of microseconds, told in seconds. `buckets` hold each bucket alone, one more than there are bounds.
    pub(super) fn histogram(&mut self, bounds: &[u32], buckets: &[u64], sum: u64) {
        // The count is the sum of what stands above it, so the two always agree.
        let mut count = 0;
        let bounds = bounds.iter().map(|bound| Some(*bound)).chain([None]);
        for (bound, bucket) in bounds.zip(buckets) {
            count = u64::saturating_add(count, *bucket);
            put(self.out, &[self.name, "_bucket{le=\""]);
            match bound {
                Some(bound) => self.seconds(bound.into()),
                None => put(self.out, &["+Inf"]),
            }
            put_number(self.out, &["\"} "], count, "\n");
        }
        put(self.out, &[self.name, "_sum "]);
        self.seconds(sum);
        put_number(self.out, &["\n", self.name, "_count "], count, "\n");
    }

    /// The only bytes that a label's value cannot hold as they are.
    fn label_value(&mut self, value: &str) {
        for byte in value.bytes() {
            match byte {
                b'\\' => put(self.out, &["\\\\"]),
                b'"' => put(self.out, &["\\\""]),
                b'\n' => put(self.out, &["\\n"]),
                other => self.out.push(other),
            }
        }
    }

    /// Microseconds as a decimal number of seconds.
    fn seconds(&mut self, micros: u64) {
        put_decimal(self.out, micros / 1_000_000);
        let mut rest = micros % 1_000_000;
        if rest == 0 {
            return;
        }
        put(self.out, &["."]);
        let mut unit = 100_000;
        while rest > 0 {
            put_decimal(self.out, rest / unit);
            rest %= unit;
            unit /= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    #[test]
    fn seconds_are_exact() {
        for (micros, text) in [
            (0, "0"),
            (1, "0.000001"),
            (100, "0.0001"),
            (1_000_000, "1"),
            (1_000_010, "1.00001"),
            (u64::MAX, "18446744073709.551615"),
        ] {
            let mut out = Vec::new();
            Text::new(&mut out).seconds(micros);
            assert_eq!(String::from_utf8_lossy(&out), text);
        }
    }
}
