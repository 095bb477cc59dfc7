//! What the operations of the store cost, in nanoseconds: `cargo run --release -p store --example costs`.

#![allow(
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a tool for developers"
)]

#[path = "../tests/support/zone.rs"]
mod zone;

use std::time::Instant;

use store::{Batch, COUNTERS, CreateLimits, NewMessage, NewsResume, Start, WakeSet};
use zone::{END, Memory, NO_LIMITS, channel, message, sweep};

const NOW: u32 = 1_000_000;

/// Prints the time of one of `count` operations.
fn measure(what: &str, count: u32, act: impl FnOnce()) {
    let start = Instant::now();
    act();
    println!("{what:<60} {:>8.0} ns", start.elapsed().as_nanos() as f64 / f64::from(count));
}

fn main() {
    const N: u32 = 200_000;
    let memory = Memory::new(512 << 20);
    let mut store = memory.format(32, NOW);
    let text = [b'x'; 100];
    let mut wake = WakeSet::default();

    let quiet = channel(&mut store, "quiet", NOW);
    measure("publish, stored, nobody subscribed", N, || {
        for _ in 0..N {
            store.publish(&[quiet], &message(&text), NOW, &mut wake).expect("room");
        }
    });
    let limited = NewMessage { max_stored: Some(N), ..message(&text) };
    measure("publish that evicts a message", N, || {
        for _ in 0..N {
            store.publish(&[quiet], &limited, NOW, &mut wake).expect("room");
        }
    });
    measure("seek the last 10 and read them", N / 10, || {
        let mut batch = Batch::with_capacity(64, 64 << 10);
        for _ in 0..N / 10 {
            batch.reset();
            let from = store.seek(quiet, Start::Backtrack(10), END).expect("ten messages");
            assert!(store.read(quiet, from, END, &mut batch).is_none());
        }
    });

    for workers in [1, 4, 32] {
        let live = channel(&mut store, "live", NOW);
        let mut interests = protocol::Few::new();
        let mut all = Vec::new();
        for slot in 0..workers {
            store.subscribe(slot, &[live], &mut interests, NOW).expect("room");
            all.extend(interests.drain(..));
        }
        let unstored = NewMessage { store: false, ..message(&text) };
        let what = format!("publish, unstored, to {workers} workers, coalesced");
        measure(&what, N, || {
            for _ in 0..N {
                store.publish(&[live], &unstored, NOW, &mut wake).expect("room");
            }
        });
        let what = format!("news and take, a message and worker of {workers}");
        measure(&what, N * workers as u32, || {
            for (slot, interest) in all.iter().enumerate() {
                while store.open_mail(slot).is_some() {}
                let mut resume = NewsResume::default();
                loop {
                    let mut news = Vec::with_capacity(64);
                    let more = store.news(*interest, END, &mut resume, &mut news);
                    let bytes: usize =
                        news.iter().map(|news| store.pinned(&news.content).text.len()).sum();
                    assert_eq!(bytes, news.len() * text.len());
                    if !more {
                        break;
                    }
                }
                assert!(store.take(*interest, END, &mut u32::MAX.clone()));
            }
        });
        let what = format!("publish, wake, open, news, take with {workers} workers");
        measure(&what, N, || {
            for _ in 0..N {
                store.publish(&[live], &unstored, NOW, &mut wake).expect("room");
                for slot in wake.drain() {
                    while let Some(interest) = store.open_mail(slot) {
                        let mut news = Vec::with_capacity(8);
                        store.news(interest, END, &mut NewsResume::default(), &mut news);
                        store.take(interest, END, &mut 100);
                    }
                }
            }
        });
        for interest in all {
            store.unsubscribe(interest, 1);
        }
    }

    measure("a worker adds to all of its counters", N, || {
        for n in 0..N {
            store.count(0, &[u64::from(n) | 1; COUNTERS]);
        }
    });
    measure("the sums of the counters of 32 slots", N / 10, || {
        for _ in 0..N / 10 {
            assert_ne!(store.counts()[0], 0);
        }
    });
    let ids: Vec<_> = (0..N).map(|n| format!("channel-{n}")).collect();
    measure("create a channel", N, || {
        for id in &ids {
            channel(&mut store, id, NOW);
        }
    });
    measure("find a channel among 200,000", N, || {
        for id in &ids {
            assert!(store.find(id.as_bytes()).is_some());
        }
    });
    measure("subscribe and unsubscribe", N, || {
        let mut interests = protocol::Few::new();
        for id in &ids {
            let channel = store.find(id.as_bytes()).expect("it was created");
            store.subscribe(0, &[channel], &mut interests, NOW).expect("room");
            interests.drain(..).for_each(|interest| {
                store.unsubscribe(interest, 1);
            });
        }
    });
    let limits = CreateLimits { inactivity: 5, ..NO_LIMITS };
    measure("an idle channel goes", N, || {
        assert_eq!(sweep(&mut store, limits.inactivity, NOW + 10, 256).len() as u32, N + 1);
    });
    measure("a message expires", N, || {
        sweep(&mut store, limits.inactivity, NOW + 2000, 256);
    });
}
