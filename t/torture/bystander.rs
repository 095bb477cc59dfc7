//! An nginx without the module, beside the one under torture: how long does the machine make anybody wait?

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::load::{ask, get};
use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome, Setup};

const CLIENTS: usize = 4;
const PACE: Duration = Duration::from_millis(5);

/// Answers that came.
#[derive(Default)]
struct Shared {
    port: u16,
    stop: AtomicBool,
    /// When they were due, and when they were there.
    answers: Mutex<Vec<(Instant, Instant)>>,
}

pub(super) struct Bystander {
    _nginx: Nginx,
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Bystander {
    pub(super) fn start(setup: &Setup) -> Outcome<Bystander> {
        let conf = Conf {
            http: "keepalive_requests 10000000;".into(),
            workers: CLIENTS,
            no_module: true,
            ..Conf::default()
        };
        let nginx = Nginx::start(setup, &conf)?;
        let shared = Arc::new(Shared { port: nginx.port, ..Shared::default() });
        let run = |_| {
            let shared = Arc::clone(&shared);
            spawn(move || watch(&shared))
        };
        let threads = (0..CLIENTS).map(run).collect();
        Ok(Bystander { _nginx: nginx, shared, threads })
    }

    /// The longest wait for an answer since then. What was before is forgotten.
    pub(super) fn longest_since(&self, since: Instant) -> Duration {
        let answers = std::mem::take(&mut *self.shared.answers.lock().expect("nobody panics"));
        let waits = answers.into_iter().map(|(due, at)| at.duration_since(due.max(since)));
        waits.max().unwrap_or_default()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.shared.stop.store(true, Relaxed);
        self.threads.drain(..).for_each(|thread| drop(thread.join()));
    }
}

/// An answer is due as soon as the pause before it is over: whoever wakes late has waited, too.
fn watch(shared: &Shared) {
    while !shared.stop.load(Relaxed) {
        let Ok(mut client) = Client::connect(shared.port) else { return };
        while !shared.stop.load(Relaxed) {
            let due = Instant::now() + PACE;
            sleep(PACE);
            if ask(&mut client, &get("/-/pid", "")).is_err() {
                break;
            }
            shared.answers.lock().expect("nobody panics").push((due, Instant::now()));
        }
    }
}
