//! A pulse through all workers: how long is it interrupted when one of them dies?

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::ledger::Connection;
use crate::load::{ask, get, post, soon};
use crate::runner::Outcome;
use crate::runner::client::{Client, Filled};

const WATCHERS: usize = 12;
const PUBLISHERS: usize = 3;
const PACE: Duration = Duration::from_millis(6);

struct Shared {
    port: u16,
    begun: Instant,
    stop: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many watchers a worker serves.
    watched: HashMap<i32, usize>,
    /// What is waited for: messages published after this moment, and when each worker delivered the first.
    since: Option<Instant>,
    first: HashMap<i32, Instant>,
}

pub(super) struct Pulse {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Outcome<()>>>,
}

impl Pulse {
    pub(super) fn start(port: u16) -> Pulse {
        let (stop, state) = (AtomicBool::new(false), Mutex::default());
        let shared = Arc::new(Shared { port, begun: Instant::now(), stop, state });
        let run = |job: fn(&Shared) -> Outcome<()>| {
            let shared = Arc::clone(&shared);
            spawn(move || job(&shared))
        };
        let watchers = (0..WATCHERS).map(|_| run(watch));
        let publishers = (0..PUBLISHERS).map(|_| run(publish));
        let threads = watchers.chain(publishers).collect();
        Pulse { shared, threads }
    }

    /// Call it before the kill: from now on messages count.
    pub(super) fn arm(&self) -> Instant {
        let now = Instant::now();
        self.shared.state(|state| {
            state.since = Some(now);
            state.first.clear();
        });
        now
    }

    /// How long after the kill the last of the other workers delivered a message that was published after it.
    /// Nothing if the test watches none of them.
    pub(super) fn recovery(&self, killed: &[i32], serving: &[i32]) -> Outcome<Option<Duration>> {
        let limit = soon(20);
        let others: HashSet<i32> =
            serving.iter().filter(|pid| !killed.contains(pid)).copied().collect();
        loop {
            let (missing, slowest) = self.shared.state(|state| {
                let watched = others.iter().filter(|pid| state.watched.get(pid) > Some(&0));
                let missing: Vec<i32> =
                    watched.filter(|pid| !state.first.contains_key(pid)).copied().collect();
                let times = state.first.iter().filter(|(pid, _)| others.contains(pid));
                let since = state.since.unwrap_or(self.shared.begun);
                (missing, times.map(|(_, at)| at.duration_since(since)).max())
            });
            if missing.is_empty() {
                return Ok(slowest);
            }
            if Instant::now() > limit {
                return Err(format!(
                    "after the death of {killed:?} workers {missing:?} deliver nothing"
                ));
            }
            sleep(Duration::from_millis(2));
        }
    }

    /// Whether each of these workers serves a watcher.
    pub(super) fn sees(&self, workers: usize) -> bool {
        self.shared.state(|state| state.watched.values().filter(|count| **count > 0).count())
            >= workers
    }

    pub(super) fn stop(self) -> Outcome<()> {
        self.shared.stop.store(true, Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| "the pulse panicked")??;
        }
        Ok(())
    }
}

impl Shared {
    fn state<T>(&self, look: impl FnOnce(&mut State) -> T) -> T {
        look(&mut self.state.lock().expect("nobody panics with the state"))
    }
}

fn publish(shared: &Shared) -> Outcome<()> {
    let mut connection = Connection::new(shared.port);
    while !shared.stop.load(Relaxed) {
        let now = shared.begun.elapsed().as_nanos();
        connection.ask(&post("/live?id=pulse", &now.to_string()))?;
        sleep(PACE);
    }
    Ok(())
}

fn watch(shared: &Shared) -> Outcome<()> {
    while !shared.stop.load(Relaxed) {
        let Ok(mut client) = Client::connect(shared.port) else { continue };
        let Ok(answer) = ask(&mut client, &get("/-/pid", "")) else { continue };
        let pid = String::from_utf8_lossy(&answer.body).parse().map_err(|_| "no pid")?;
        if client.ask(&get("/sub/pulse", ""), false, false).is_ok() {
            // Counts as served from its first message on: before that it may still be on its way in.
            let mut counted = false;
            while !shared.stop.load(Relaxed) {
                let filled = client.fill(Instant::now() + Duration::from_millis(100))?;
                let received = Instant::now();
                let text = String::from_utf8_lossy(&client.take()?).into_owned();
                for nanos in text.lines().filter_map(|line| line.rsplit(';').next()?.parse().ok()) {
                    let published = shared.begun + Duration::from_nanos(nanos);
                    shared.state(|state| {
                        if !counted {
                            counted = true;
                            *state.watched.entry(pid).or_default() += 1;
                        }
                        if state.since.is_some_and(|since| published >= since) {
                            state.first.entry(pid).or_insert(received);
                        }
                    });
                }
                if matches!(filled, Filled::Eof | Filled::Reset) || client.response.complete {
                    break;
                }
            }
            if counted {
                shared.state(|state| {
                    state.watched.entry(pid).and_modify(|count| *count -= 1);
                });
            }
        }
    }
    Ok(())
}
