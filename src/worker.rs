//! This worker: its place in the zone, its subscribers, and the events that set it in motion.
//!
//! nginx calls in with a request, a wake-up, a timer or a writable socket; each comes through [`enter`], which lends
//! out the one [`Worker`] of this process. Ending a request may make nginx call the next handler at once, so
//! requests are never ended while the worker is lent out: they queue as [`Ending`]s and are ended afterwards.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;

use protocol::cursor::Cursor;
use protocol::event::Event;
use slotmap::SlotMap;
use store::{Batch, InterestRef, Store, WakeSet};

use crate::conf::MainConf;
use crate::delivery::{Cohort, CohortKey, Group, GroupKey};
use crate::events;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::Held;
use crate::nginx::log::{Log, error, warn};
use crate::nginx::posted::Posted;
use crate::nginx::timer::Timer;
use crate::nginx::{notify, process};
use crate::publisher::seconds;
use crate::render::Fillers;
use crate::story::CloseReason;
use crate::subscriber::{LongPollAnswer, Subscriber, SubscriberKey};
use crate::timeouts::Timeouts;
use crate::zone::SharedZone;

/// Milliseconds between two looks at the mailbox that nobody asked for, and between two looks for work of the sweep.
const TICK_MSEC: u64 = 250;
/// Objects the sweep handles in one span of the zone's lock.
const SWEEP_BUDGET: u32 = 256;
/// Spans of the sweep in one tick; what is left waits for the next turn of the event loop.
const SWEEP_SPANS: u32 = 16;
/// Ticks between two looks for workers that have died without a successor.
const TICKS_PER_LOOK_FOR_DEAD: u64 = 4;
/// Interests of a dead worker ended in one span of the lock.
const CLEAR_BUDGET: u32 = 256;

thread_local! {
    /// nginx runs all callbacks of a process in one thread.
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
    /// Subscribers whose requests nginx has freed while the worker was lent out.
    static GONE: RefCell<Vec<SubscriberKey>> = const { RefCell::new(Vec::new()) };
}

/// What was current when this worker registered in its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Registration {
    pub(crate) epoch: u32,
    pub(crate) generation: u32,
}

/// How a request ends, once the worker is no longer lent out.
pub(crate) enum Ending {
    /// The response is complete; nginx sends what is left of it.
    Finish(Held, VecDeque<Bytes>),
    /// The connection is closed: the client is gone or too slow.
    Abort(Held),
    /// The answer of a long poll.
    Answer(Held, Box<LongPollAnswer>),
}

/// The state of this worker process.
pub(crate) struct Worker {
    pub(crate) zone: Rc<SharedZone>,
    pub(crate) main: Rc<MainConf>,
    /// The process slot: its place in the zone and its eventfd.
    pub(crate) slot: usize,
    pub(crate) registration: Option<Registration>,
    /// Told to leave: no new subscribers.
    pub(crate) leaving: bool,
    pub(crate) subscribers: SlotMap<SubscriberKey, Subscriber>,
    pub(crate) groups: SlotMap<GroupKey, Group>,
    pub(crate) by_interest: HashMap<InterestRef, GroupKey>,
    pub(crate) cohorts: SlotMap<CohortKey, Cohort>,
    /// Cohorts with pieces that have not gone to all subscribers.
    pub(crate) ready: VecDeque<CohortKey>,
    /// Subscribers to be sent what queues for them, or more of their history.
    pub(crate) flushes: VecDeque<SubscriberKey>,
    pub(crate) endings: VecDeque<Ending>,
    pub(crate) timeouts: Timeouts<SubscriberKey>,
    pub(crate) batch: Batch,
    pub(crate) fillers: Fillers,
    delivery: Posted,
    timer: Timer,
    tick: Timer,
    ticks: u64,
}

/// Starts the worker: takes its slot in the zone and listens for wake-ups.
pub(crate) fn start(main: Rc<MainConf>, store: Store) {
    let slot = process::process_slot();
    let worker = Worker {
        zone: Rc::new(SharedZone::new(main.zone, store)),
        main,
        slot,
        registration: None,
        leaving: false,
        subscribers: SlotMap::with_key(),
        groups: SlotMap::with_key(),
        by_interest: HashMap::new(),
        cohorts: SlotMap::with_key(),
        ready: VecDeque::new(),
        flushes: VecDeque::new(),
        endings: VecDeque::new(),
        timeouts: Timeouts::new(process::now_msec()),
        batch: Batch::with_capacity(64, 64 << 10),
        fillers: Fillers::default(),
        delivery: Posted::new(on_delivery),
        timer: Timer::new(on_timer),
        tick: Timer::new(on_tick),
        ticks: 0,
    };
    WORKER.with(|cell| cell.replace(Some(worker)));
    match notify::listen(on_wake, on_shutdown) {
        Ok(true) => {}
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
        worker.tick.set(TICK_MSEC);
    });
}

/// Ends what is left when the process exits.
pub(crate) fn stop() {
    on_shutdown();
    WORKER.with(|cell| cell.take());
}

/// Lends the worker out, then ends the requests that have come to their end. `None` before the start, after the end, and if it
/// is lent out already.
pub(crate) fn enter<T>(act: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    let result = WORKER.with(|cell| {
        let mut worker = cell.try_borrow_mut().ok()?;
        let worker = worker.as_mut()?;
        worker.forget_gone();
        let result = act(worker);
        worker.forget_gone();
        Some(result)
    });
    while let Some(ending) = next_ending() {
        ending.run();
    }
    result
}

fn next_ending() -> Option<Ending> {
    WORKER.with(|cell| cell.try_borrow_mut().ok()?.as_mut()?.endings.pop_front())
}

/// Calls the store in one span of the zone's lock. `None` if there is no zone.
pub(crate) fn with_store<T>(act: impl FnOnce(&mut Store) -> T) -> Option<T> {
    WORKER.with(|cell| {
        let worker = cell.try_borrow().ok()?;
        let zone = Rc::clone(&worker.as_ref()?.zone);
        drop(worker);
        let mut locked = zone.lock()?;
        Some(act(&mut locked))
    })
}

/// Wakes the workers of these slots; this one at the end of the turn.
pub(crate) fn wake(slots: &mut WakeSet) {
    WORKER.with(|cell| {
        if let Ok(worker) = cell.try_borrow()
            && let Some(worker) = worker.as_ref()
        {
            worker.wake(slots);
        }
    });
}

/// nginx has freed a subscriber's request: the client is gone.
pub(crate) fn on_gone(key: SubscriberKey) {
    GONE.with_borrow_mut(|gone| gone.push(key));
    enter(|_| ());
}

/// A subscriber's socket takes bytes again.
pub(crate) fn on_writable(key: SubscriberKey) {
    enter(|worker| worker.flush(key));
}

/// A subscriber's socket has taken nothing for `send_timeout`.
pub(crate) fn on_send_timeout(key: SubscriberKey) {
    enter(|worker| worker.drop_subscriber(key, CloseReason::SendTimeout));
}

fn on_wake() {
    enter(Worker::deliver);
}

fn on_delivery() {
    enter(Worker::deliver);
}

fn on_timer() {
    enter(|worker| {
        worker.run_timeouts();
        worker.arm_timer();
    });
}

fn on_tick() {
    enter(|worker| {
        worker.tick();
        worker.tick.set(TICK_MSEC);
    });
}

fn on_shutdown() {
    enter(Worker::leave);
}

impl Ending {
    fn run(self) {
        match self {
            Self::Finish(held, rest) if rest.is_empty() => held.finish(),
            Self::Finish(held, rest) => held.finish_after(rest),
            Self::Abort(held) => held.abort(),
            Self::Answer(held, answer) => held.finish_with(|request| answer.send(request)),
        }
    }
}

impl Worker {
    /// Takes the slot, after what a dead predecessor has left there has been cleared, and registers the subscribers that
    /// are there (after the zone had to be rebuilt).
    fn register(&mut self) {
        let zone = Rc::clone(&self.zone);
        loop {
            let Some(mut store) = zone.lock() else { return };
            let occupant = store.occupant(self.slot);
            if occupant == Some(process::pid()) {
                break;
            }
            if store.clear_slot(self.slot, &mut CLEAR_BUDGET.clone()) {
                if !store.enter(self.slot, process::pid(), process::now()) {
                    drop(store);
                    error!(
                        Log::cycle(),
                        "push stream module: the shared memory has no slot for process slot {}: no subscribers can be served here; restart nginx",
                        self.slot
                    );
                    return;
                }
                break;
            }
        }
        let registration = {
            let store = zone.glance();
            Registration { epoch: store.epoch(), generation: store.generation(self.slot) }
        };
        self.registration = Some(registration);
        if events::are_on(&self.main)
            && let Some(mut store) = zone.lock()
        {
            events::open(&mut store, &self.main);
        }
        self.register_groups();
    }

    /// Whether the zone still knows this worker as it registered.
    pub(crate) fn is_registered(&self) -> bool {
        let store = self.zone.glance();
        self.registration
            == Some(Registration { epoch: store.epoch(), generation: store.generation(self.slot) })
    }

    /// Delivers the news of the mailbox, then goes on sending what there is to send.
    pub(crate) fn deliver(&mut self) {
        if !self.is_registered() && !self.leaving {
            self.register();
        }
        self.take_mail();
        self.send_slice();
        self.arm_timer();
    }

    /// Wakes the workers of these slots; this one at the end of the turn.
    pub(crate) fn wake(&self, slots: &mut WakeSet) {
        for slot in slots.drain() {
            if slot == self.slot {
                self.delivery.post();
            } else {
                // Without an eventfd for the slot its worker finds the mail on its tick.
                notify::wake(slot);
            }
        }
    }

    /// Goes on with the delivery in the next turn of the event loop.
    pub(crate) fn deliver_later(&self) {
        self.delivery.post_next();
    }

    /// Makes the timer go off when the next subscriber comes up.
    pub(crate) fn arm_timer(&self) {
        match self.timeouts.next_in(process::now_msec()) {
            Some(msec) => self.timer.set(msec),
            None => self.timer.cancel(),
        }
    }

    fn tick(&mut self) {
        self.ticks = self.ticks.wrapping_add(1);
        if !self.leaving && !self.is_registered() {
            self.register();
        }
        if self.zone.glance().has_mail(self.slot) {
            self.deliver();
        }
        if self.zone.glance().needs_sweep(process::now()) {
            self.sweep();
        }
        if self.ticks.is_multiple_of(TICKS_PER_LOOK_FOR_DEAD) {
            self.clear_dead();
        }
    }

    /// Expires messages and channels. Every worker tries each second; the first one does the work.
    fn sweep(&self) {
        let now = process::now();
        let inactivity = seconds(self.main.channel_inactivity_time);
        let announced = events::are_on(&self.main);
        let mut wake = WakeSet::default();
        for _ in 0..SWEEP_SPANS {
            let Some(mut store) = self.zone.lock() else { return };
            let mut gone = Vec::new();
            let more = store.sweep(inactivity, now, SWEEP_BUDGET, &mut |id| {
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
    }

    /// Clears the slots of workers that have died without a successor. Whether a process lives is asked without the lock.
    fn clear_dead(&self) {
        let workers: Vec<_> = self.zone.glance().workers().collect();
        for worker in workers {
            if worker.slot == self.slot || process::is_alive(worker.pid) {
                continue;
            }
            loop {
                let Some(mut store) = self.zone.lock() else { return };
                // Somebody else may have been quicker.
                if store.occupant(worker.slot) != Some(worker.pid)
                    || store.clear_slot(worker.slot, &mut CLEAR_BUDGET.clone())
                {
                    break;
                }
            }
            // It may have owed the others a wake-up.
            notify::wake_all();
        }
    }

    /// Delivers what there is, ends all subscribers and gives the slot back.
    fn leave(&mut self) {
        if self.leaving {
            return;
        }
        self.take_mail();
        self.leaving = true;
        self.end_all();
        self.timer.cancel();
        self.tick.cancel();
        loop {
            let Some(mut store) = self.zone.lock() else { return };
            if store.occupant(self.slot) != Some(process::pid())
                || store.clear_slot(self.slot, &mut CLEAR_BUDGET.clone())
            {
                return;
            }
        }
    }

    /// Lets go of the subscribers whose requests nginx has freed.
    fn forget_gone(&mut self) {
        loop {
            let gone = GONE.take();
            if gone.is_empty() {
                return;
            }
            for key in gone {
                self.forget(key);
            }
        }
    }

    /// The newest cursor, to be handed out without a message.
    pub(crate) fn clock(&self) -> Cursor {
        let now = process::now();
        self.zone.lock().map_or(Cursor { time: now, tag: 0 }, |mut store| store.clock_at(now))
    }
}
