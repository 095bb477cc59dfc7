//! 200,000 publishes to 10,000 channels, twice: after expiry the zone is as empty as at the start.

use std::sync::PoisonError;
use std::thread;

use super::{at_baseline, flood, post, soon, standard, wait_for};
use crate::runner::{MACHINE, Nginx, Outcome, Setup};

const CHANNELS: usize = 10_000;
const PUBLISHES: usize = 200_000;
const THREADS: usize = 4;

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let conf = standard(
        2,
        "push_stream_shared_memory_size 96m;\npush_stream_channel_info_on_publish off;\n\
         push_stream_message_ttl 1s;\npush_stream_channel_inactivity_time 1s;",
    );
    let nginx = Nginx::start(setup, &conf)?;
    for round in 1..=2 {
        fill(nginx.port)?;
        let wanted = round * PUBLISHES;
        let summary = wait_for(nginx.port, "/stats", soon(60), at_baseline)?;
        if summary["published_messages"] != wanted {
            return Err(format!("round {round}: {summary}"));
        }
    }
    nginx.quit_cleanly()
}

/// The flood itself; nobody else measures anything meanwhile.
fn fill(port: u16) -> Outcome<()> {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    thread::scope(|scope| {
        let publish = |first: usize| {
            let numbers = (first..PUBLISHES).step_by(THREADS);
            let request = |number| post(&format!("/pub?id=c{}", number % CHANNELS), "some text");
            flood(port, numbers.map(request), 200)
        };
        let threads: Vec<_> =
            (0..THREADS).map(|first| scope.spawn(move || publish(first))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "panicked")?)
    })
}
