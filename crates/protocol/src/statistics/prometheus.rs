//! The numbers of the zone in the text format of Prometheus, version 0.0.4: one family after the other,
//! each with HELP and TYPE, lines end in LF.
//!
//! Names follow Prometheus' rules: base units, `_total` for what only grows. No label has more values
//! than there are modes, reasons or workers: channels are counted, never named.

use alloc::vec::Vec;

use self::text::Text;

mod text;

/// The Content-Type of the answer.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds of the buckets of the latency, in microseconds; behind the last one comes "longer".
pub const LATENCY_BOUNDS: [u32; LATENCY_BUCKETS - 1] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000,
];

/// Buckets of the latency.
pub const LATENCY_BUCKETS: usize = 14;

/// The bucket that a latency belongs to.
#[must_use]
pub fn latency_bucket(micros: u32) -> usize {
    LATENCY_BOUNDS.partition_point(|bound| *bound < micros)
}

/// The values of a label, with their numbers.
pub type ByLabel<'a> = &'a [(&'a str, u64)];

/// All numbers. Those of 32 bits are what the zone counts so.
#[derive(Clone, Copy, Debug, Default)]
pub struct Metrics<'a> {
    /// Version of the module.
    pub version: &'a str,
    /// What was built.
    pub commit: &'a str,
    /// Second at which the zone was laid out.
    pub zone_start: u32,
    /// Bytes of the zone.
    pub zone_size: u64,
    /// The same by use.
    pub zone_bytes: ByLabel<'a>,
    /// Repairs of the zone, by kind.
    pub repairs: ByLabel<'a>,
    /// Living channels, by kind.
    pub channels: ByLabel<'a>,
    /// Deleted channels that somebody still knows.
    pub channels_in_delete: u64,
    /// Channels that went a moment ago.
    pub channels_in_trash: u64,
    /// Messages stored.
    pub messages_stored: u64,
    /// Messages that only wait for workers to take them.
    pub messages_in_trash: u64,
    /// Messages ever published.
    pub messages_published: u64,
    /// Publishes refused, by reason.
    pub publishes_refused: ByLabel<'a>,
    /// Requests of subscribers, by mode.
    pub requests: ByLabel<'a>,
    /// Subscribers that have ended, by reason.
    pub ended: ByLabel<'a>,
    /// Messages sent to subscribers, by mode.
    pub deliveries: ByLabel<'a>,
    /// Live messages by the time from publish to write, for each bucket alone.
    pub latency: [u64; LATENCY_BUCKETS],
    /// All these times together, in microseconds.
    pub latency_sum: u64,
    /// Bytes sent to subscribers.
    pub sent_bytes: u64,
    /// Wake-ups sent to other workers.
    pub wakeups_sent: u64,
    /// Wake-ups received.
    pub wakeups_received: u64,
    /// Calls that handed several sends to the kernel.
    pub ring_calls: u64,
    /// Sends that went so.
    pub ring_sends: u64,
    /// Pages of history, by what was done for them.
    pub pages: &'a [(&'a str, u64)],
    /// The living workers in the order of their slots.
    pub workers: &'a [Worker<'a>],
}

/// The numbers of one worker.
#[derive(Clone, Copy, Debug, Default)]
pub struct Worker<'a> {
    /// Its slot.
    pub slot: usize,
    /// Its process id.
    pub pid: u32,
    /// How often the slot has been cleared.
    pub generation: u32,
    /// Second at which it started.
    pub start: u32,
    /// Connected subscribers, by mode.
    pub subscribers: ByLabel<'a>,
    /// Messages it has sent to subscribers.
    pub deliveries: u64,
    /// Bytes it has sent to subscribers.
    pub sent_bytes: u64,
}

/// Appends all families.
pub fn metrics(metrics: &Metrics<'_>, out: &mut Vec<u8>) {
    let mut text = Text::new(out);
    text.gauge("push_stream_build_info", "Version and commit of the module.");
    text.sample(&[("version", metrics.version), ("commit", metrics.commit)], 1_u64);
    zone(metrics, &mut text);
    channels(metrics, &mut text);
    subscribers(metrics, &mut text);
    deliveries(metrics, &mut text);
    workers(metrics, &mut text);
}

fn zone(metrics: &Metrics<'_>, text: &mut Text<'_>) {
    text.gauge(
        "push_stream_zone_start_time_seconds",
        "When the shared memory was laid out, in seconds since 1970.",
    );
    text.sample(&[], metrics.zone_start);
    text.gauge("push_stream_zone_size_bytes", "Size of the shared memory.");
    text.sample(&[], metrics.zone_size);
    text.gauge("push_stream_zone_bytes", "Shared memory by use; the sum is its size.");
    text.samples("use", metrics.zone_bytes);
    text.counter(
        "push_stream_zone_repairs_total",
        "Repairs of the shared memory: changes of a dead worker undone, rebuilds after damage.",
    );
    text.samples("kind", metrics.repairs);
}

fn channels(metrics: &Metrics<'_>, text: &mut Text<'_>) {
    text.gauge("push_stream_channels", "Living channels.");
    text.samples("kind", metrics.channels);
    text.gauge(
        "push_stream_channels_in_delete",
        "Deleted channels whose workers have not all been told yet.",
    );
    text.sample(&[], metrics.channels_in_delete);
    text.gauge("push_stream_channels_in_trash", "Channels that went in the last ten seconds.");
    text.sample(&[], metrics.channels_in_trash);
    text.gauge("push_stream_messages_stored", "Messages stored now.");
    text.sample(&[], metrics.messages_stored);
    text.gauge(
        "push_stream_messages_in_trash",
        "Messages no longer stored that a worker has still to take.",
    );
    text.sample(&[], metrics.messages_in_trash);
    text.counter("push_stream_messages_published_total", "Messages published.");
    text.sample(&[], metrics.messages_published);
    text.counter("push_stream_publishes_refused_total", "Publishes that were refused.");
    text.samples("reason", metrics.publishes_refused);
}

fn subscribers(metrics: &Metrics<'_>, text: &mut Text<'_>) {
    text.gauge("push_stream_subscribers", "Connected subscribers.");
    for worker in metrics.workers {
        let mut slot = itoa::Buffer::new();
        let slot = slot.format(worker.slot);
        for (mode, subscribers) in worker.subscribers {
            text.sample(&[("worker", slot), ("mode", mode)], *subscribers);
        }
    }
    text.counter("push_stream_subscriber_requests_total", "Requests of subscribers.");
    text.samples("mode", metrics.requests);
    text.counter("push_stream_subscribers_ended_total", "Connected subscribers that have ended.");
    text.samples("reason", metrics.ended);
}

fn deliveries(metrics: &Metrics<'_>, text: &mut Text<'_>) {
    text.counter(
        "push_stream_deliveries_total",
        "Messages sent to subscribers, stored ones and live ones.",
    );
    text.samples("mode", metrics.deliveries);
    text.family(
        "push_stream_delivery_latency_seconds",
        "Time from publish to write of live messages.",
        "histogram",
    );
    text.histogram(&LATENCY_BOUNDS, &metrics.latency, metrics.latency_sum);
    text.counter(
        "push_stream_sent_bytes_total",
        "Bytes of response bodies sent to subscribers, without headers.",
    );
    text.sample(&[], metrics.sent_bytes);
    text.counter("push_stream_wakeups_sent_total", "Wake-ups sent from a worker to another.");
    text.sample(&[], metrics.wakeups_sent);
    text.counter(
        "push_stream_wakeups_received_total",
        "Wake-ups received; several that come at once are received as one.",
    );
    text.sample(&[], metrics.wakeups_received);
    text.counter(
        "push_stream_io_uring_calls_total",
        "System calls that handed several sends to the kernel.",
    );
    text.sample(&[], metrics.ring_calls);
    text.counter("push_stream_io_uring_sends_total", "Sends that went with these calls.");
    text.sample(&[], metrics.ring_sends);
    text.counter(
        "push_stream_history_pages_total",
        "Pages of history sent to subscribers: rendered for one, or rendered before and used again.",
    );
    for (how, count) in metrics.pages {
        text.sample(&[("how", how)], *count);
    }
}

fn workers(metrics: &Metrics<'_>, text: &mut Text<'_>) {
    text.gauge(
        "push_stream_worker_info",
        "Process id of a worker, and how often its slot has been cleared.",
    );
    for worker in metrics.workers {
        let (mut slot, mut pid, mut generation) =
            (itoa::Buffer::new(), itoa::Buffer::new(), itoa::Buffer::new());
        let labels = [
            ("worker", slot.format(worker.slot)),
            ("pid", pid.format(worker.pid)),
            ("generation", generation.format(worker.generation)),
        ];
        text.sample(&labels, 1_u64);
    }
    text.gauge(
        "push_stream_worker_start_time_seconds",
        "When a worker started, in seconds since 1970.",
    );
    by_worker(text, metrics.workers, |worker| worker.start.into());
    text.counter(
        "push_stream_worker_deliveries_total",
        "Messages sent to subscribers by a worker that lives.",
    );
    by_worker(text, metrics.workers, |worker| worker.deliveries);
    text.counter(
        "push_stream_worker_sent_bytes_total",
        "Bytes of response bodies sent to subscribers by a worker that lives.",
    );
    by_worker(text, metrics.workers, |worker| worker.sent_bytes);
}

/// A sample for each worker.
fn by_worker(text: &mut Text<'_>, workers: &[Worker<'_>], number: impl Fn(&Worker<'_>) -> u64) {
    for worker in workers {
        let mut slot = itoa::Buffer::new();
        text.sample(&[("worker", slot.format(worker.slot))], number(worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::string::{String, ToString};

    fn example() -> Metrics<'static> {
        Metrics {
            version: "1.2.3",
            commit: "a\\b\"c\nd",
            zone_start: 1_700_000_000,
            zone_size: 4096,
            zone_bytes: &[("tables", 1000), ("free", 3096)],
            channels: &[("normal", 2), ("wildcard", 1)],
            messages_published: u64::MAX,
            requests: &[("streaming", 3), ("long-polling", 4)],
            ended: &[("slow", 1)],
            deliveries: &[("streaming", 6)],
            latency: [1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4],
            latency_sum: 12_345_678,
            workers: &[
                Worker {
                    slot: 0,
                    pid: 77,
                    generation: 1,
                    subscribers: &[("streaming", 9)],
                    start: 5,
                    deliveries: 6,
                    sent_bytes: 7,
                },
                Worker {
                    slot: 12,
                    pid: 78,
                    generation: 3,
                    subscribers: &[("streaming", 0)],
                    start: 6,
                    deliveries: 0,
                    sent_bytes: 0,
                },
            ],
            ..Metrics::default()
        }
    }

    fn rendered(numbers: &Metrics<'_>) -> String {
        let mut out = Vec::new();
        metrics(numbers, &mut out);
        String::from_utf8(out).expect("text")
    }

    /// The lines of a family, HELP and TYPE left out.
    fn samples(text: &str, name: &str) -> Vec<String> {
        let of = |line: &&str| {
            let begins = |rest| {
                ["{", " ", "_bucket", "_sum ", "_count "].iter().any(|b| str::starts_with(rest, b))
            };
            line.strip_prefix(name).is_some_and(begins)
        };
        text.lines().filter(of).map(ToString::to_string).collect()
    }

    #[test]
    fn numbers_come_with_their_labels() {
        let text = rendered(&example());
        for (name, lines) in [
            (
                "push_stream_build_info",
                &["push_stream_build_info{version=\"1.2.3\",commit=\"a\\\\b\\\"c\\nd\"} 1"][..],
            ),
            (
                "push_stream_zone_start_time_seconds",
                &["push_stream_zone_start_time_seconds 1700000000"],
            ),
            (
                "push_stream_zone_bytes",
                &[
                    "push_stream_zone_bytes{use=\"tables\"} 1000",
                    "push_stream_zone_bytes{use=\"free\"} 3096",
                ],
            ),
            (
                "push_stream_messages_published_total",
                &["push_stream_messages_published_total 18446744073709551615"],
            ),
            (
                "push_stream_subscribers",
                &[
                    "push_stream_subscribers{worker=\"0\",mode=\"streaming\"} 9",
                    "push_stream_subscribers{worker=\"12\",mode=\"streaming\"} 0",
                ],
            ),
            (
                "push_stream_subscribers_ended_total",
                &["push_stream_subscribers_ended_total{reason=\"slow\"} 1"],
            ),
            (
                "push_stream_worker_info",
                &[
                    "push_stream_worker_info{worker=\"0\",pid=\"77\",generation=\"1\"} 1",
                    "push_stream_worker_info{worker=\"12\",pid=\"78\",generation=\"3\"} 1",
                ],
            ),
            (
                "push_stream_worker_deliveries_total",
                &[
                    "push_stream_worker_deliveries_total{worker=\"0\"} 6",
                    "push_stream_worker_deliveries_total{worker=\"12\"} 0",
                ],
            ),
        ] {
            assert_eq!(samples(&text, name), lines, "{name}");
        }
    }

    #[test]
    fn buckets_of_the_histogram_add_up() {
        let text = rendered(&example());
        let lines = samples(&text, "push_stream_delivery_latency_seconds");
        assert_eq!(lines.len(), LATENCY_BUCKETS + 2);
        for (at, line) in [
            (0, "_bucket{le=\"0.0001\"} 1"),
            (1, "_bucket{le=\"0.00025\"} 1"),
            (2, "_bucket{le=\"0.0005\"} 3"),
            (3, "_bucket{le=\"0.001\"} 3"),
            (11, "_bucket{le=\"0.5\"} 3"),
            (12, "_bucket{le=\"1\"} 3"),
            (13, "_bucket{le=\"+Inf\"} 7"),
            (14, "_sum 12.345678"),
            (15, "_count 7"),
        ] {
            assert_eq!(lines[at], "push_stream_delivery_latency_seconds".to_string() + line);
        }
    }

    #[test]
    fn latencies_find_their_bucket() {
        for (micros, bucket) in [
            (0, 0),
            (100, 0),
            (101, 1),
            (250, 1),
            (999_999, 12),
            (1_000_000, 12),
            (1_000_001, 13),
            (u32::MAX, 13),
        ] {
            assert_eq!(latency_bucket(micros), bucket, "{micros}");
        }
        assert!(LATENCY_BOUNDS.is_sorted());
    }

    /// Each family has HELP and TYPE once, before its samples, which stand together; names fit their type.
    #[test]
    fn families_are_well_formed() {
        let text = rendered(&example());
        assert!(text.ends_with('\n') && !text.contains('\r') && !text.contains("\n\n"));
        let (mut kinds, mut series, mut current) = (BTreeMap::new(), BTreeSet::new(), "");
        let mut help = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, words) = rest.split_once(' ').expect("a help");
                assert!(words.ends_with('.') && !kinds.contains_key(name), "{name}");
                help = name;
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').expect("a type");
                assert_eq!(name, help);
                assert!(name.starts_with("push_stream_"));
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                kinds.insert(name, kind);
                current = name;
            } else {
                let (series_name, value) = line.rsplit_once(' ').expect("a sample");
                assert!(series_name.starts_with(current), "{line} among {current}");
                assert!(value.parse::<f64>().is_ok(), "{line}");
                assert!(series.insert(series_name), "{series_name} twice");
            }
        }
        assert_eq!(kinds.len(), text.matches("# TYPE ").count());
    }
}
