//! This worker: its place in the zone, its subscribers, and how it is lent out.
//!
//! nginx calls in with a request, a wake-up, a timer or a writable socket; each comes through [`enter`], which lends
//! out the one [`Worker`] of this process. Ending a request may make nginx call the next handler at once, so
//! requests are never ended while the worker is lent out: they queue as [`Ending`]s and are ended afterwards.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use protocol::cursor::Cursor;
use protocol::event::Event;
use rustc_hash::FxHashMap;
use slotmap::SlotMap;
use smallvec::SmallVec;
use store::{InterestRef, Store, WakeSet};

use crate::channels::is_wildcard_id;
use crate::cohort::{Cohort, Group, Looks};
use crate::conf::MainConf;
use crate::drain::Drain;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::Held;
use crate::nginx::held::lean::{Lean, Readiness};
use crate::nginx::held::together::Together;
use crate::nginx::local::Local;
use crate::nginx::log::{Log, error, warn};
use crate::nginx::posted::Posted;
use crate::nginx::ring::Ring;
use crate::nginx::timer::Timer;
use crate::nginx::{notify, process};
use crate::render::{Piece, Press};
use crate::salvo::Salvo;
use crate::story::CloseReason;
use crate::subscriber::Subscriber;
use crate::subscriber::form::LongPollAnswer;
use crate::subscriber::history::Reader;
use crate::subscriber::long_answer::LongAnswer;
use crate::subscriber::websocket::Reading;
use crate::tables::{CohortKey, GroupKey, LongAnswerKey, SubscriberKey};
use crate::timeouts::Timeouts;
use crate::zone::{Locked, SharedZone};
use crate::{counters, events};

/// Subscribers for whom a worker has room from the start: so much that the memory comes as pages, of which the kernel gives those that are
/// used, and can be made more without copying.
const ROOM: usize = 2048;
/// Looks for a moment without mail.
const CLOCK_TRIES: u32 = 8;
/// Interests of a dead worker ended in one span of the lock.
const CLEAR_BUDGET: u32 = 256;

/// The worker of this process.
static WORKER: Local<RefCell<Option<Worker>>> = Local::new(RefCell::new(None));
/// Those whose requests nginx has ended while the worker was lent out.
static GONE: Local<RefCell<Vec<GoneKey>>> = Local::new(RefCell::new(Vec::new()));

/// Whose request it was.
#[derive(Clone, Copy)]
enum GoneKey {
    Subscriber(SubscriberKey),
    LongAnswer(LongAnswerKey),
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
    Answer(Held, LongPollAnswer),
}

/// The state of this worker process.
pub(crate) struct Worker {
    pub(crate) zone: Rc<SharedZone>,
    pub(crate) main: Rc<MainConf>,
    /// The process slot: its place in the zone and its eventfd.
    pub(crate) slot: usize,
    pub(crate) registration: Option<Registration>,
    /// The zone has no slot for this worker; it has been logged.
    homeless: bool,
    /// Told to leave: no new subscribers.
    pub(crate) leaving: bool,
    /// It leaves little by little.
    pub(crate) drain: Option<Drain>,
    pub(crate) subscribers: SlotMap<SubscriberKey, Subscriber>,
    pub(crate) groups: SlotMap<GroupKey, Group>,
    pub(crate) by_interest: FxHashMap<InterestRef, GroupKey>,
    pub(crate) cohorts: SlotMap<CohortKey, Cohort>,
    pub(crate) looks: Looks,
    /// Cohorts with pieces that have not gone to all subscribers.
    pub(crate) ready: VecDeque<CohortKey>,
    /// Subscribers to be sent what queues for them, or more of their history.
    pub(crate) flushes: VecDeque<SubscriberKey>,
    /// Polls whose answers are too much for one go.
    pub(crate) long_answers: SlotMap<LongAnswerKey, LongAnswer>,
    pub(crate) endings: VecDeque<Ending>,
    /// Subscribers that are to give their requests back.
    leaning: VecDeque<SubscriberKey>,
    pub(crate) timeouts: Timeouts<SubscriberKey>,
    /// Who has come up, and is served in slices.
    pub(crate) overdue: VecDeque<SubscriberKey>,
    /// Sends that are handed to the kernel together; empty between two turns.
    pub(crate) salvo: Salvo,
    pub(crate) reader: Reader,
    pub(crate) press: Press,
    pub(crate) reading: Reading,
    pub(crate) events: Events,
}

/// What sets the worker in motion when no request and no wake-up does.
pub(crate) struct Events {
    /// The end of this turn of the event loop, or of the next.
    pub(crate) delivery: Posted,
    /// The next subscriber comes up.
    pub(crate) timer: Timer,
    /// A look around that nobody asked for.
    pub(crate) tick: Timer,
    /// Milliseconds from one tick to the next while there is nothing to do.
    pub(crate) idle_msec: u64,
    /// Milliseconds until the tick looks for dead workers.
    pub(crate) until_look: u64,
    /// The next step of a drain; nginx waits for it.
    pub(crate) drain: Timer,
}

/// Installs the worker of this process.
pub(crate) fn install(main: Rc<MainConf>, mut store: Store, events: Events) {
    store.set_when_full(main.zone_full);
    let salvo = Salvo::new(main.io_uring);
    let press = Press::new(main.largest_padding.get());
    let zone = Rc::new(SharedZone::new(main.zone, store));
    let worker = Worker {
        reader: Reader::new(&zone, main.gap_message_text.as_deref()),
        zone,
        main,
        slot: process::process_slot(),
        registration: None,
        homeless: false,
        leaving: false,
        drain: None,
        subscribers: SlotMap::with_capacity_and_key(ROOM),
        groups: SlotMap::with_key(),
        by_interest: FxHashMap::default(),
        cohorts: SlotMap::with_key(),
        looks: Looks::default(),
        ready: VecDeque::new(),
        flushes: VecDeque::new(),
        long_answers: SlotMap::with_key(),
        endings: VecDeque::new(),
        leaning: VecDeque::new(),
        timeouts: Timeouts::new(process::now_msec()),
        overdue: VecDeque::new(),
        salvo,
        press,
        reading: Reading::default(),
        events,
    };
    WORKER.with(|cell| cell.replace(Some(worker)));
}

/// Takes the worker away.
pub(crate) fn uninstall() {
    WORKER.with(|cell| cell.take());
}

/// Lends the worker out. `None` before the start, after the end, and if it is lent out already.
fn lend<T>(act: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    WORKER.with(|cell| {
        let mut worker = cell.try_borrow_mut().ok()?;
        let worker = worker.as_mut()?;
        worker.forget_gone();
        let result = act(worker);
        worker.forget_gone();
        Some(result)
    })
}

/// Lends the worker out, then ends the requests that have come to their end. For callbacks of events.
pub(crate) fn enter<T>(act: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    let result = lend(act);
    while let Some(endings) = next_endings() {
        endings.run();
    }
    result
}

/// Lends the worker out to a content handler. What has come to its end is ended later in the turn: it may be the very request
/// that nginx is about to look at when the handler returns.
pub(crate) fn enter_in_handler<T>(act: impl FnOnce(&mut Worker) -> T) -> Option<T> {
    lend(|worker| {
        let result = act(worker);
        worker.end_later();
        result
    })
}

/// What is ended next: answers of long polls that can be sent together, or one of any kind.
enum Endings {
    One(Ending),
    Answers(Vec<(Held, LongPollAnswer)>),
}

fn next_endings() -> Option<Endings> {
    WORKER.with(|cell| cell.try_borrow_mut().ok()?.as_mut()?.next_endings())
}

/// Gives the requests back that are no longer needed. Only at the end of a turn: nginx may be looking at one of them everywhere else.
pub(crate) fn make_lean() {
    let leaning = WORKER.with(|cell| {
        let mut worker = cell.try_borrow_mut().ok()?;
        Some(std::mem::take(&mut worker.as_mut()?.leaning))
    });
    for key in leaning.into_iter().flatten() {
        let lean = WORKER.with(|cell| cell.try_borrow_mut().ok()?.as_mut()?.lean(key));
        if let Some(lean) = lean {
            lean.run();
        }
    }
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

/// The same for what needs this worker's place in the zone; registers again if the zone has been rebuilt. `None` also if the zone has no
/// place for this worker.
pub(crate) fn with_own_place<T>(act: impl FnOnce(&mut Store) -> T) -> Option<T> {
    lend(|worker| {
        let mut locked = worker.lock();
        if locked.is_none() && !worker.leaving {
            drop(locked);
            worker.register();
            locked = worker.lock();
        }
        let mut locked = locked?;
        Some(act(&mut locked))
    })?
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

/// nginx ends a subscriber's request: the client is gone. This may come from inside anything that nginx does.
pub(crate) fn on_gone(key: SubscriberKey) {
    note_gone(GoneKey::Subscriber(key));
}

/// The same for the client of a long answer.
pub(crate) fn on_answer_gone(key: LongAnswerKey) {
    note_gone(GoneKey::LongAnswer(key));
}

fn note_gone(key: GoneKey) {
    let done = lend(|worker| {
        worker.forget_gone_key(key);
        worker.end_later();
    });
    if done.is_none() {
        // It is lent out: whoever has it lets go of the key afterwards.
        GONE.borrow_mut().push(key);
    }
}

/// The socket of a long answer takes bytes again.
pub(crate) fn on_answer_writable(key: LongAnswerKey) {
    enter(|worker| worker.go_on_answering(key));
}

/// The socket of a long answer has taken nothing for `send_timeout`.
pub(crate) fn on_answer_timeout(key: LongAnswerKey) {
    enter(|worker| worker.abort_answer(key));
}

/// A subscriber's socket takes bytes again.
pub(crate) fn on_writable(key: SubscriberKey) {
    enter(|worker| {
        let websocket =
            worker.subscribers.get_mut(key).and_then(|subscriber| subscriber.websocket.as_mut());
        if let Some(websocket) = websocket {
            websocket.progress(process::now_msec());
        }
        worker.flush(key);
        worker.arm_timer();
    });
}

/// The client of a WebSocket has sent something.
pub(crate) fn on_readable(key: SubscriberKey) {
    enter(|worker| worker.hear(key));
}

/// A subscriber's socket has taken nothing for `send_timeout`.
pub(crate) fn on_send_timeout(key: SubscriberKey) {
    enter(|worker| worker.drop_subscriber(key, CloseReason::SendTimeout));
}

impl Endings {
    fn run(self) {
        match self {
            Self::One(ending) => ending.run(),
            Self::Answers(answers) => {
                let mut together = Together::with_capacity(answers.len());
                // Mostly all get the same: the time of its delivery is looked at once.
                let mut written: SmallVec<[(Rc<Piece>, usize); 4]> = SmallVec::new();
                for (held, answer) in answers {
                    together.add(held, |request| {
                        match (written.last_mut(), answer.piece()) {
                            (Some((last, times)), Some(piece)) if Rc::ptr_eq(last, piece) => {
                                *times += 1;
                            }
                            (_, piece) => written.extend(piece.map(|piece| (Rc::clone(piece), 1))),
                        }
                        answer.send(request)
                    });
                }
                let sent = WORKER.with(|cell| {
                    cell.try_borrow_mut().ok()?.as_mut()?.salvo.send_answers(&mut together);
                    Some(())
                });
                if sent.is_none() {
                    // Without the worker there is no ring either.
                    let _ = together.send(None);
                }
                for (piece, times) in &written {
                    counters::written([&**piece], *times);
                }
                together.finish();
            }
        }
    }
}

impl Ending {
    fn run(self) {
        match self {
            Self::Finish(held, rest) if rest.is_empty() => held.finish(),
            Self::Finish(held, rest) => {
                counters::sent(rest.iter().map(|piece| piece.len()).sum());
                held.finish_after(rest);
            }
            Self::Abort(held) => held.abort(),
            Self::Answer(held, answer) => held.finish_with(|request| {
                counters::written(answer.piece().map(|piece| &**piece), 1);
                answer.send(request)
            }),
        }
    }
}

impl Worker {
    /// Takes the slot, after what a dead predecessor has left there has been cleared, and registers the subscribers that
    /// are there (after the zone had to be rebuilt).
    pub(crate) fn register(&mut self) {
        self.reader.forget_all_pages();
        let zone = Rc::clone(&self.zone);
        let occupant = zone.glance().occupant(self.slot);
        if occupant != Some(process::pid()) {
            // Process slots are unique among the living, so whoever is written there is dead.
            self.clear_dead_slot(self.slot, occupant);
            let Some(mut store) = zone.lock() else { return };
            let entered = store.enter(self.slot, process::pid(), process::now());
            drop(store);
            if !entered {
                if !std::mem::replace(&mut self.homeless, true) {
                    error!(
                        Log::cycle(),
                        "push stream module: the shared memory has no place for process slot {}: \
                         subscribers get 500 here until nginx is restarted",
                        self.slot
                    );
                }
                return;
            }
        }
        self.note_registration();
        if let Some(mut store) = zone.lock() {
            events::open(&mut store, &self.main);
        }
        self.register_groups();
    }

    /// Ends everything that a worker has left in its slot, and announces that its subscribers have gone. Does nothing once the slot
    /// belongs to another than `occupant`: somebody may have been quicker. Answers how many subscriptions this worker has ended if it has
    /// cleared the slot.
    pub(crate) fn clear_slot(&self, slot: usize, occupant: Option<u32>) -> Option<u64> {
        let announced = events::are_on(&self.main);
        let mut wake = WakeSet::default();
        let mut ended = 0;
        let mut cleared = false;
        while !cleared {
            let mut store = self.zone.lock()?;
            if store.occupant(slot) != occupant {
                break;
            }
            let mut left = Vec::new();
            cleared = store.clear_slot(slot, &mut CLEAR_BUDGET.clone(), &mut |id, subscribers| {
                ended += u64::from(subscribers);
                if announced {
                    left.push((id.to_vec(), subscribers));
                }
            });
            for (id, subscribers) in left {
                for _ in 0..subscribers {
                    let event = Event::ClientUnsubscribed;
                    events::announce(&mut store, &self.main, event, &id, &mut wake);
                }
            }
        }
        self.wake(&mut wake);
        cleared.then_some(ended)
    }

    /// The same for a worker that has died.
    pub(crate) fn clear_dead_slot(&self, slot: usize, occupant: Option<u32>) {
        let cleared = self.clear_slot(slot, occupant);
        if let (Some(pid), Some(ended)) = (occupant, cleared) {
            // It may have published and not lived to wake anybody.
            notify::wake_all();
            warn!(
                Log::cycle(),
                "push stream module: worker process {pid} has died; subscriptions taken out of the zone: {ended}"
            );
        }
    }

    /// Takes the lock for what needs this worker's interests. `None` if they are no longer good: the zone has been rebuilt, or the slot
    /// cleared; the next turn registers again.
    pub(crate) fn lock(&self) -> Option<Locked<'_>> {
        let locked = self.zone.lock()?;
        if self.is_registered_in(&locked) { Some(locked) } else { None }
    }

    /// Whether the zone still knows this worker as it registered.
    pub(crate) fn is_registered(&self) -> bool {
        self.is_registered_in(&self.zone.glance())
    }

    pub(crate) fn is_registered_in(&self, store: &Store) -> bool {
        self.registration
            == Some(Registration { epoch: store.epoch(), generation: store.generation(self.slot) })
    }

    /// Takes note of how the zone knows this worker now.
    pub(crate) fn note_registration(&mut self) {
        let store = self.zone.glance();
        let (epoch, generation) = (store.epoch(), store.generation(self.slot));
        drop(store);
        self.registration = Some(Registration { epoch, generation });
    }

    /// Wakes the workers of these slots; this one at the end of the turn.
    pub(crate) fn wake(&self, slots: &mut WakeSet) {
        if slots.is_empty() {
            return;
        }
        for slot in slots.drain() {
            if slot == self.slot {
                self.events.delivery.post();
            } else {
                // Without an eventfd for the slot its worker finds the mail on its tick.
                counters::woke(notify::wake(slot));
            }
        }
    }

    /// Adds what has been counted to this worker's slot; false = nothing has.
    pub(crate) fn flush_counts(&self) -> bool {
        counters::flush(&self.zone.glance(), self.slot)
    }

    fn next_endings(&mut self) -> Option<Endings> {
        let is_answer = |ending: &&Ending| matches!(ending, Ending::Answer(..));
        let answers = self.endings.iter().take(Ring::ENTRIES).take_while(is_answer).count();
        if !self.salvo.is_worth_it(answers) {
            return self.endings.pop_front().map(Endings::One);
        }
        let mut together = Vec::with_capacity(answers);
        together.extend(self.endings.drain(..answers).filter_map(|ending| match ending {
            Ending::Answer(held, answer) => Some((held, answer)),
            Ending::Finish(..) | Ending::Abort(_) => None,
        }));
        Some(Endings::Answers(together))
    }

    /// Has the endings that wait run at the end of this turn.
    fn end_later(&self) {
        if !self.endings.is_empty() {
            self.events.delivery.post();
        }
    }

    /// Has the subscriber give its request back at the end of this turn, if it is to do without and nothing waits for it.
    pub(crate) fn make_lean_later(&mut self, key: SubscriberKey) {
        let Some(subscriber) = self.subscribers.get(key) else { return };
        if subscriber.location.lean_subscribers
            && subscriber.is_free()
            && !subscriber.held.is_lean()
        {
            self.leaning.push_back(key);
            self.events.delivery.post();
        }
    }

    /// Whether there is anybody to give a request back.
    pub(crate) fn is_to_make_lean(&self) -> bool {
        !self.leaning.is_empty()
    }

    /// The request of a subscriber, if it can be given back now.
    fn lean(&mut self, key: SubscriberKey) -> Option<Lean> {
        let subscriber = self.subscribers.get_mut(key).filter(|subscriber| subscriber.is_free())?;
        match subscriber.held.lean() {
            Readiness::Ready(lean) => {
                subscriber.take_over();
                Some(lean)
            }
            Readiness::Later => {
                self.leaning.push_back(key);
                self.deliver_later();
                None
            }
            Readiness::No => None,
        }
    }

    /// Goes on in the next turn with what has been loaded or queued, if there is any.
    pub(crate) fn deliver_rest_later(&self) {
        if !self.ready.is_empty() || !self.flushes.is_empty() {
            self.deliver_later();
        }
    }

    /// Goes on with the delivery in the next turn of the event loop.
    pub(crate) fn deliver_later(&self) {
        self.events.delivery.post_next();
    }

    /// Makes the timer go off when the next subscriber comes up.
    pub(crate) fn arm_timer(&self) {
        match self.timeouts.next_in(process::now_msec()) {
            Some(msec) => self.events.timer.set(msec),
            None => self.events.timer.cancel(),
        }
    }

    /// Lets go of those whose requests nginx has ended.
    #[inline]
    fn forget_gone(&mut self) {
        if !GONE.borrow().is_empty() {
            self.forget_all_gone();
        }
    }

    #[cold]
    fn forget_all_gone(&mut self) {
        while !GONE.borrow().is_empty() {
            let mut gone = GONE.take();
            gone.drain(..).for_each(|key| self.forget_gone_key(key));
        }
    }

    fn forget_gone_key(&mut self, key: GoneKey) {
        match key {
            GoneKey::Subscriber(key) => self.forget(key),
            GoneKey::LongAnswer(key) => drop(self.long_answers.remove(key)),
        }
    }

    /// The newest cursor, to be handed out without a message: this worker has taken everything that was published up to it. `None` if
    /// new messages keep coming faster than that.
    pub(crate) fn settled_clock(&mut self) -> Option<Cursor> {
        for _ in 0..CLOCK_TRIES {
            self.take_mail();
            let mut store = self.zone.lock()?;
            if !store.has_mail(self.slot) {
                return Some(store.clock_at(process::now()));
            }
        }
        None
    }

    /// Registers all groups and their subscribers anew, after the zone has forgotten them.
    pub(crate) fn register_groups(&mut self) {
        let zone = Rc::clone(&self.zone);
        self.by_interest.clear();
        let main = Rc::clone(&self.main);
        for (key, group) in &mut self.groups {
            group.interest = InterestRef::NONE;
            let Some(mut store) = zone.lock() else { return };
            let wildcard = is_wildcard_id(&group.id, &main);
            let now = process::now();
            let Ok(channel) = store.find_or_create(&group.id, wildcard, &main.create_limits, now)
            else {
                continue;
            };
            if let Ok(interest) = store.restore(self.slot, channel, group.subscriptions, now) {
                group.interest = interest;
                self.by_interest.insert(interest, key);
            }
        }
        if let Some(mut store) = zone.lock() {
            store.restore_connected(self.slot, self.subscribers.len());
        }
    }
}
