//! Several processes work on one zone and are killed at any instant, as nginx workers are; the others go on.
//!
//! The lock behaves like the one of nginx: its word holds the owner's process id, and the parent, once it has reaped a
//! child that died with the lock, releases it.

#![allow(
    clippy::cast_possible_truncation,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by a panic"
)]
#![expect(unsafe_code, reason = "processes, signals and shared memory")]

#[path = "support/zone.rs"]
mod zone;

use core::ptr::NonNull;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use store::{InterestRef, NewMessage, NewsResume, Recovery, Region, Store, WakeSet};
use zone::{END, NO_LIMITS, Random, drain, message, stored, sweep};

const NOW: u32 = 1_000_000;
const CHILDREN: usize = 4;
/// Lives of all children together, at most.
const LIVES: usize = 1000;
const ZONE_BYTES: usize = 6 << 20;
/// Stored messages that a life publishes to the channels that keep everything, at most.
const MESSAGES_OF_A_LIFE: u64 = 100;
const DURATION: Duration = Duration::from_secs(3);
/// Channels that keep every stored message.
const KEEPING: [&str; 3] = ["k0", "k1", "k2"];

/// The channel that keeps a message.
fn keeper(number: u64) -> &'static str {
    KEEPING[number as usize % KEEPING.len()]
}

/// What the processes share besides the zone.
struct Shared {
    /// Process id of the owner of the lock; 0 = free.
    lock: AtomicU32,
    stop: AtomicU32,
    /// Mutations that somebody died in.
    undone: AtomicU64,
    /// Messages taken by workers that had to get them.
    taken: AtomicU64,
    /// By life: number of the last message whose publish has returned.
    finished: [AtomicU64; LIVES],
}

/// Memory that stays the same after `fork`; never unmapped.
fn shared_memory(len: usize) -> NonNull<u8> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping anywhere, of no file.
    let base = unsafe { libc::mmap(core::ptr::null_mut(), len, protection, flags, -1, 0) };
    assert!(base != libc::MAP_FAILED, "no shared memory");
    NonNull::new(base.cast()).expect("not at 0")
}

fn region(base: NonNull<u8>) -> Region {
    // SAFETY: page-aligned, `ZONE_BYTES` long, zeroed by the kernel, never unmapped; every use of a store
    // happens while this process holds the lock.
    unsafe { Region::new(base, ZONE_BYTES) }
}

fn process_id() -> u32 {
    // SAFETY: always possible.
    let pid = unsafe { libc::getpid() };
    u32::try_from(pid).expect("a process id")
}

/// Writes to the standard error of the test, from a child.
fn complain(text: &str) {
    // SAFETY: the bytes of a string.
    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
}

/// The interest of this worker in a channel, and the number of the last message it has taken.
struct Subscription {
    interest: InterestRef,
    subscribers: u32,
    last: u64,
}

struct Worker<'a> {
    shared: &'a Shared,
    store: Store,
    slot: usize,
    life: usize,
    random: Random,
    start: Instant,
    published: u64,
    subscriptions: BTreeMap<&'static str, Subscription>,
}

impl Worker<'_> {
    /// Ten times as fast as real time, so that something expires.
    fn now(&self) -> u32 {
        NOW + u32::try_from(self.start.elapsed().as_millis() / 100).expect("a short test")
    }

    fn locked<T>(&mut self, act: impl FnOnce(&mut Self) -> T) -> T {
        let lock = &self.shared.lock;
        let pid = process_id();
        while lock.compare_exchange_weak(0, pid, Ordering::Acquire, Ordering::Relaxed).is_err() {
            std::thread::yield_now();
        }
        match self.store.recover(self.now()) {
            Recovery::Clean => {}
            Recovery::Undone => {
                self.shared.undone.fetch_add(1, Ordering::Relaxed);
            }
            other => panic!("a death is undone, not {other:?}"),
        }
        let result = act(self);
        self.shared.lock.store(0, Ordering::Release);
        result
    }

    fn live(&mut self) {
        let slot = self.slot;
        self.locked(|worker| {
            // The one who lived here before is dead.
            while !worker.store.clear_slot(slot, &mut 100, &mut |_, _| ()) {}
            assert!(worker.store.enter(slot, process_id(), worker.now()), "the slot is free");
        });
        while self.shared.stop.load(Ordering::Relaxed) == 0 {
            self.locked(Self::act);
        }
    }

    fn act(&mut self) {
        match self.random.below(12) {
            0..=2 => self.publish_to_keep(),
            3..=5 => self.publish(),
            6 => self.subscribe(),
            7 => self.unsubscribe(),
            8..=9 => self.take_news(),
            10 => self.create_or_delete(),
            _ => {
                let now = self.now();
                // Long enough for the channels that messages are kept in.
                sweep(&mut self.store, 1_000_000, now, 100);
            }
        }
    }

    /// Publishes the next message of this life; once that is done, it must never be gone.
    fn publish_to_keep(&mut self) {
        if self.published == MESSAGES_OF_A_LIFE {
            return;
        }
        let number = self.published + 1;
        let text = format!("{} {number}", self.life);
        let channel = self.store.find(keeper(number).as_bytes()).expect("it is kept");
        let now = self.now();
        let kept = NewMessage { ttl: 1_000_000, ..message(text.as_bytes()) };
        // The zone may be full of what a worker has not taken yet.
        if self.store.publish(&[channel], &kept, now, &mut WakeSet::default()).is_ok() {
            self.published = number;
            self.shared.finished[self.life].store(number, Ordering::Release);
        }
    }

    fn publish(&mut self) {
        const IDS: [&[&str]; 5] = [&["t0"], &["k0"], &["t1", "k1"], &["t2", "t0"], &["t3"]];
        let ids = IDS[self.random.below(IDS.len())];
        let now = self.now();
        let create = |id: &&str| self.store.find_or_create(id.as_bytes(), false, &NO_LIMITS, now);
        let Ok(channels) = ids.iter().map(create).collect::<Result<Vec<_>, _>>() else { return };
        let text = vec![b'x'; self.random.below(300)];
        let transient = ids.iter().all(|id| id.starts_with('t'));
        let new = NewMessage {
            store: transient && self.random.one_in(2),
            ttl: self.random.small(20),
            max_stored: transient.then(|| 1 + self.random.small(20)),
            ..message(&text)
        };
        // In a full zone some channels have it, some not.
        let _ = self.store.publish(&channels, &new, now, &mut WakeSet::default());
    }

    fn subscribe(&mut self) {
        let id = ["k0", "k1", "t0", "t1", "t2"][self.random.below(5)];
        let Some(channel) = self.store.find(id.as_bytes()) else { return };
        let published = self.store.numbers(channel).published;
        let (now, mut interests) = (self.now(), protocol::Few::new());
        if self.subscriptions.get(id).is_some_and(|old| self.store.farewell(old.interest).is_some())
        {
            // It still has to take leave of the channel that had this id before.
            return;
        }
        if self.store.subscribe(self.slot, &[channel], &mut interests, now).is_err() {
            return;
        }
        let fresh = Subscription { interest: interests[0], subscribers: 0, last: published };
        self.subscriptions.entry(id).or_insert(fresh).subscribers += 1;
    }

    fn unsubscribe(&mut self) {
        let ids: Vec<_> = self.subscriptions.keys().copied().collect();
        let Some(id) = self.random.pick(&ids) else { return };
        self.leave(id);
    }

    fn leave(&mut self, id: &'static str) {
        let subscription = self.subscriptions.get_mut(id).expect("a subscription");
        subscription.subscribers -= 1;
        let last = self.store.unsubscribe(subscription.interest, 1);
        assert_eq!(last, subscription.subscribers == 0, "whether it was the last");
        if last {
            self.subscriptions.remove(id);
        }
    }

    /// Takes what has come: each message once and in order, none left out.
    fn take_news(&mut self) {
        while let Some(interest) = self.store.open_mail(self.slot) {
            let found = self.subscriptions.iter_mut().find(|(_, s)| s.interest == interest);
            let (id, subscription) = found.expect("mail for a subscription");
            let mut resume = NewsResume::default();
            let mut last = None;
            loop {
                let mut news = Vec::with_capacity(8);
                let more = self.store.news(interest, END, &mut resume, &mut news);
                for message in &news {
                    assert_eq!(message.id, subscription.last + 1, "the next message of {id}");
                    subscription.last = message.id;
                    last = Some(message.cursor);
                }
                self.shared.taken.fetch_add(news.len() as u64, Ordering::Relaxed);
                if !more {
                    break;
                }
            }
            if let Some(last) = last {
                while !self.store.take(interest, last, &mut 16) {}
            }
        }
        // Whose channel has been deleted?
        let gone = |(id, s): (&&'static str, &Subscription)| {
            self.store.farewell(s.interest).is_some().then_some(*id)
        };
        let gone: Vec<_> = self.subscriptions.iter().filter_map(gone).collect();
        for id in gone {
            while self.subscriptions.contains_key(id) {
                self.leave(id);
            }
        }
    }

    fn create_or_delete(&mut self) {
        let now = self.now();
        let id = ["t0", "t1", "t2", "t3"][self.random.below(4)];
        match self.store.find(id.as_bytes()) {
            Some(channel) => {
                let _ = self.store.delete(channel, b"good bye", now, &mut WakeSet::default());
            }
            None => {
                let _ = self.store.find_or_create(id.as_bytes(), false, &NO_LIMITS, now);
            }
        }
    }
}

/// Starts a child that lives one life in a slot; answers its process id.
fn start(
    shared: &'static Shared,
    base: NonNull<u8>,
    slot: usize,
    life: usize,
    start: Instant,
) -> i32 {
    // SAFETY: the child only uses memory of its own and the shared one, and leaves through `_exit`. The other threads of
    // the parent are the test runner's, which wait.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "no further process");
    if pid > 0 {
        return pid;
    }
    // SAFETY: an option of this process. The child does not outlive a test that fails.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) };
    let life = catch_unwind(AssertUnwindSafe(|| {
        let store = Store::open(region(base)).expect("a formatted zone");
        let random = Random(life as u64);
        let subscriptions = BTreeMap::new();
        Worker { shared, store, slot, life, random, start, published: 0, subscriptions }.live();
    }));
    let code = life.map_or_else(
        |cause| {
            let text = cause.downcast_ref::<String>().map(String::as_str);
            complain(text.or(cause.downcast_ref::<&str>().copied()).unwrap_or("a panic"));
            complain("\n");
            3
        },
        |()| 0,
    );
    // SAFETY: nothing of the parent's is run or flushed.
    unsafe { libc::_exit(code) }
}

/// Whether a child has ended; it is still to be reaped.
fn has_ended(pid: i32) -> bool {
    let id = libc::id_t::try_from(pid).expect("a process id");
    // SAFETY: zeroes are a value of this plain struct.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: a child of this process; `info` is written to.
    let result = unsafe { libc::waitid(libc::P_PID, id, &raw mut info, options) };
    // SAFETY: written by `waitid`; 0 if the child still runs.
    result == 0 && unsafe { info.si_pid() } == pid
}

/// Waits until a child is dead and releases the lock it may have held; answers how it ended.
fn reap(shared: &Shared, pid: i32) -> i32 {
    let mut status = 0;
    // SAFETY: a child of this process, not reaped yet.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    let owner = u32::try_from(pid).expect("a process id");
    let _ = shared.lock.compare_exchange(owner, 0, Ordering::AcqRel, Ordering::Relaxed);
    status
}

#[test]
fn workers_that_are_killed_at_any_instant_leave_a_sound_zone_with_all_messages() {
    let base = shared_memory(ZONE_BYTES);
    // SAFETY: large and aligned enough, zeroed (all fields are atomic integers), never unmapped.
    let shared: &'static Shared = unsafe { shared_memory(size_of::<Shared>()).cast().as_ref() };
    let mut store = Store::format(region(base), CHILDREN as u32, (1, 2), NOW).expect("room");
    let free = store.zone_numbers(NOW).free_bytes;
    for id in KEEPING {
        zone::channel(&mut store, id, NOW);
    }

    let begin = Instant::now();
    let mut lives = 0;
    let mut next_life = |slot| {
        let life = lives;
        lives += 1;
        start(shared, base, slot, life, begin)
    };
    let mut children: Vec<_> = (0..CHILDREN).map(&mut next_life).collect();
    let mut random = Random(99);
    let mut kills = 0;
    while begin.elapsed() < DURATION && kills < LIVES - CHILDREN {
        std::thread::sleep(Duration::from_micros(500 + random.next() % 5000));
        let slot = random.below(CHILDREN);
        // SAFETY: a child that has not been reaped.
        unsafe { libc::kill(children[slot], libc::SIGKILL) };
        let status = reap(shared, children[slot]);
        assert!(libc::WIFSIGNALED(status), "a child has failed");
        kills += 1;
        children[slot] = next_life(slot);
    }
    shared.stop.store(1, Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(20);
    for pid in children {
        while !has_ended(pid) {
            assert!(Instant::now() < deadline, "a child hangs");
            std::thread::sleep(Duration::from_millis(1));
        }
        let status = reap(shared, pid);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "a child has failed");
    }

    let mut store = Store::open(region(base)).expect("a formatted zone");
    let now = NOW + 1000;
    assert_ne!(store.recover(now), Recovery::Rebuilt);
    store.verify().expect("a sound zone");
    let mut total = 0;
    for id in KEEPING {
        let channel = store.find(id.as_bytes()).expect("it is kept");
        let mut found: BTreeMap<usize, Vec<u64>> = BTreeMap::new();
        for message in stored(&store, channel) {
            let text = String::from_utf8(message.text).expect("what was published");
            let (life, number) = text.split_once(' ').expect("two numbers");
            let life = life.parse().expect("a number");
            found.entry(life).or_default().push(number.parse().expect("a number"));
        }
        for (life, finished) in shared.finished.iter().enumerate() {
            let finished = finished.load(Ordering::Acquire);
            let found = found.remove(&life).unwrap_or_default();
            let here = |upto: u64| (1..=upto).filter(|number| keeper(*number) == id);
            // One more may be there although its publisher never heard of it.
            let all = here(finished).eq(found.iter().copied());
            let one_more = here(finished + 1).eq(found.iter().copied());
            assert!(all || one_more, "life {life}, {id}: {finished} finished, {found:?} found");
            total += found.len();
        }
    }
    let (undone, taken) = (&shared.undone, &shared.taken);
    eprintln!("{kills} kills, {undone:?} mutations undone, {total} messages kept, {taken:?} taken");
    assert_eq!(drain(&mut store, now), free, "something leaks");
}
