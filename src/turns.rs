//! The turns of the worker: what it does when it starts, is woken, when a timer goes off, and when it leaves.

use std::rc::Rc;

use protocol::event::Event;
use store::{Store, WakeSet};

use crate::conf::MainConf;
use crate::nginx::log::{Log, error, warn};
use crate::nginx::posted::Posted;
use crate::nginx::timer::Timer;
use crate::nginx::{notify, process};
use crate::worker::{self, Events, Worker, enter};
use crate::{counters, events, floods};

/// Milliseconds between two looks at the mailbox that nobody asked for, and between two looks for work of the sweep.
const TICK_MSEC: u64 = 250;
/// The same for a worker that has had nothing to do since the last one, and hears wake-ups: each tick wakes a CPU.
const IDLE_TICK_MSEC: u64 = 500;
/// Objects the sweep handles in one span of the zone's lock.
const SWEEP_BUDGET: u32 = 256;
/// Spans of the sweep in one tick; what is left comes a millisecond later.
const SWEEP_SPANS: u32 = 16;
/// Milliseconds between two looks for workers that have died without a successor.
const LOOK_FOR_DEAD_MSEC: u64 = 1000;

/// Starts the worker: takes its slot in the zone and listens for wake-ups.
pub(crate) fn start(main: Rc<MainConf>, store: Store) {
    let slot = process::process_slot();
    let events = Events {
        delivery: Posted::new(on_delivery),
        timer: Timer::new(on_timer),
        tick: Timer::new(on_tick),
        drain: Timer::holding(on_drain),
        idle_msec: TICK_MSEC,
        until_look: LOOK_FOR_DEAD_MSEC,
    };
    worker::install(main, store, events);
    let mut idle_msec = TICK_MSEC;
    match notify::listen(on_wake, on_shutdown) {
        Ok(true) => idle_msec = IDLE_TICK_MSEC,
        Ok(false) => {
            warn!(
                Log::cycle(),
                "push stream module: no wake-ups in process slot {slot}: news may take {TICK_MSEC} ms"
            );
        }
        Err(_) => {
            error!(
                Log::cycle(),
                "push stream module: not enough worker_connections to listen for wake-ups"
            );
        }
    }
    enter(|worker| {
        worker.register();
        worker.events.idle_msec = idle_msec;
        worker.events.tick.set(TICK_MSEC);
    });
}

/// Ends what is left when the process exits.
pub(crate) fn stop() {
    // Those who drain too.
    enter(Worker::leave);
    // What was still served after it has left.
    enter(|worker| worker.flush_counts());
    worker::uninstall();
}

fn on_wake() {
    counters::was_woken();
    enter(Worker::deliver);
}

fn on_delivery() {
    let leaning = enter(|worker| {
        worker.deliver();
        worker.is_to_make_lean()
    });
    if leaning == Some(true) {
        worker::make_lean();
    }
}

fn on_timer() {
    enter(|worker| {
        worker.run_timeouts();
        worker.arm_timer();
    });
}

fn on_tick() {
    enter(|worker| {
        let msec = worker.tick();
        worker.events.until_look = worker.events.until_look.saturating_sub(msec);
        worker.events.tick.set(msec);
    });
}

fn on_drain() {
    enter(Worker::go_on_draining);
}

fn on_shutdown() {
    enter(Worker::depart);
}

impl Worker {
    /// Answers in how many milliseconds the next one is to come.
    fn tick(&mut self) -> u64 {
        let is_busy = self.flush_counts();
        if !self.leaving && !self.is_registered() {
            self.register();
        }
        if self.zone.glance().has_mail(self.slot) {
            self.deliver();
        }
        floods::tell(false);
        if self.events.until_look == 0 {
            self.events.until_look = LOOK_FOR_DEAD_MSEC;
            self.clear_dead();
            self.reader.forget_unused_pages();
        }
        if self.zone.glance().needs_sweep(process::now()) && self.sweep() {
            return 1;
        }
        if is_busy { TICK_MSEC } else { self.events.idle_msec }
    }

    /// Expires messages and channels. Every worker tries each second; the first one does the work.
    fn sweep(&self) -> bool {
        let now = process::now();
        let inactivity = self.main.create_limits.inactivity;
        let announced = events::are_on(&self.main);
        let mut wake = WakeSet::default();
        let mut more = false;
        for _ in 0..SWEEP_SPANS {
            let Some(mut store) = self.zone.lock() else { return false };
            let mut gone = Vec::new();
            more = store.sweep(inactivity, now, SWEEP_BUDGET, &mut |id| {
                if announced {
                    gone.push(id.to_vec());
                }
            });
            for id in gone {
                events::announce(&mut store, &self.main, Event::ChannelDestroyed, &id, &mut wake);
            }
            if !more {
                break;
            }
        }
        self.wake(&mut wake);
        more
    }

    /// Clears the slots of workers that have died without a successor. Whether a process lives is asked without the lock.
    fn clear_dead(&self) {
        let workers: Vec<_> = self.zone.glance().workers().collect();
        for worker in workers {
            if worker.slot == self.slot || process::is_alive(worker.pid) {
                continue;
            }
            self.clear_dead_slot(worker.slot, Some(worker.pid));
        }
    }
}
