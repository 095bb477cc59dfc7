//! Zones to damage, and what is certain afterwards: shared by the tests of the store and the fuzz targets.

#![allow(dead_code, reason = "each test uses a part of it")]

use store::{Batch, Listing, Recovery, Start, Store};

use crate::history::{Op, World, publish, random_op, untaken};
use crate::zone::{END, Memory, Random, drain};

pub(crate) const NOW: u32 = 1_000_000;
pub(crate) const SLOTS: u32 = 3;
/// Where the root ends; before it, where the journal length is.
pub(crate) const ROOT_END: usize = 384;
pub(crate) const JOURNAL_LEN: usize = 24;
/// The heap begins somewhere behind the first tables.
pub(crate) const HEAP: usize = 3072;
/// Where the block of a message says how long its text is.
pub(crate) const TEXT_LEN: usize = 48 + 20;

/// A zone in which a bit of everything is under way.
pub(crate) fn busy(memory: &Memory, seed: u64) -> (World, u64) {
    let mut store = memory.format(SLOTS, NOW);
    let free = store.zone_numbers(NOW).free_bytes;
    let mut world = World { now: NOW, ..World::default() };
    let mut random = Random(seed);
    for _ in 0..120 {
        let op = random_op(&mut random);
        let _ = world.run(&mut store, &op);
    }
    for op in [Op::Create("a"), Op::Create("b"), publish(&["a", "b"], "1"), publish(&["b"], "2")] {
        world.run(&mut store, &op).expect("room");
    }
    store.verify().expect("a sound zone");
    (world, free)
}

/// A worker that goes on with its work, and recovers whenever it takes the lock.
pub(crate) struct Worker {
    pub(crate) store: Store,
    pub(crate) world: World,
    pub(crate) epoch: u32,
}

impl Worker {
    pub(crate) fn lock(&mut self) -> &mut Store {
        let recovery = self.store.recover(self.world.now);
        if matches!(recovery, Recovery::Rebuilt | Recovery::Emptied) {
            self.store.verify().unwrap_or_else(|broken| panic!("{recovery:?}, but {broken}"));
        }
        if self.store.epoch() != self.epoch {
            self.epoch = self.store.epoch();
            self.world.interests.clear();
        }
        &mut self.store
    }

    pub(crate) fn work(&mut self, op: &Op) {
        self.lock();
        match *op {
            Op::Sweep(inactivity) => {
                for _ in 0..50 {
                    let now = self.world.now;
                    if !self.lock().sweep(inactivity, now, 100, &mut |_| {}) {
                        break;
                    }
                }
            }
            Op::ClearSlot(slot) => {
                self.world.interests.retain(|(of, _), _| *of != slot);
                for _ in 0..50 {
                    if self.lock().clear_slot(slot, &mut 10, &mut |_, _| ()) {
                        break;
                    }
                }
            }
            _ => {
                let _ = self.world.run(&mut self.store, op);
            }
        }
    }

    /// Looks at everything, as clients and statistics do.
    pub(crate) fn look(&mut self) {
        self.lock();
        let mut ids = Vec::new();
        let mut listing = Listing::default();
        while self.store.list(&mut listing, 16, |id, _| ids.push(id.to_vec())) {
            assert!(ids.len() < 10_000, "an endless list");
        }
        let mut batch = Batch::with_capacity(4, 100);
        for id in ids {
            let Some(channel) = self.store.find(&id) else { continue };
            self.store.find_event_id(channel, b"nothing");
            for start in [Start::Backtrack(u32::MAX), Start::After(self.store.clock())] {
                let mut position = self.store.seek(channel, start, END);
                let mut reads = 0;
                while let Some(from) = position {
                    batch.reset();
                    position = self.store.read(channel, from, END, &mut batch);
                    reads += 1;
                    assert!(reads < 100_000, "an endless log");
                }
            }
        }
        for interest in self.world.interests.values() {
            assert!(untaken(&self.store, *interest).len() < 100_000, "endless news");
        }
        self.store.zone_numbers(self.world.now);
    }
}

/// What is certain after a rebuild that somebody asks for.
pub(crate) fn rebuild_and_drain(memory: &Memory, now: u32, free: u64) -> Recovery {
    let mut store = match Store::open(memory.region()) {
        Ok(store) => store,
        // The root says that it is something else: it would be formatted.
        Err(_) => return Recovery::Emptied,
    };
    memory.put_word(JOURNAL_LEN, u32::MAX);
    let recovery = store.recover(now);
    store.verify().unwrap_or_else(|broken| panic!("{recovery:?}, but {broken}"));
    let mut worker =
        Worker { epoch: store.epoch(), store, world: World { now, ..World::default() } };
    let mut random = Random(5);
    for _ in 0..10 {
        worker.work(&random_op(&mut random));
    }
    worker.store.verify().expect("a sound zone");
    if drain(&mut worker.store, now + 1000) != free {
        // A damaged second may lie in the future.
        drain(&mut worker.store, u32::MAX - 1000);
    }
    assert_eq!(worker.store.zone_numbers(now).free_bytes, free, "after {recovery:?}");
    recovery
}
