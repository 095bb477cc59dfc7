//! Zones: operations of all kinds, full, interrupted, damaged.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use store::fault::{Stopped, fail_allocations_after, stop_after};
use store::{Recovery, Store};

use crate::damaged::{JOURNAL_LEN, NOW, ROOT_END, SLOTS, Worker, busy, rebuild_and_drain};
use crate::history::{World, random_op};
use crate::zone::{Memory, Random, drain};

const MAX_OPERATIONS: usize = 200;
/// After so many operations without a fault the whole zone is looked at.
const VERIFIED_EACH: usize = 8;

/// One byte is the size of the zone; three are an operation, and what goes wrong in it.
pub(crate) fn store(data: &[u8]) {
    let Some((&size, data)) = data.split_first() else { return };
    let memory = Memory::new((3 + usize::from(size % 8)) << 12);
    let mut store = memory.format(SLOTS, NOW);
    let free = store.zone_numbers(NOW).free_bytes;
    let mut world = World { now: NOW, ..World::default() };
    for (at, [low, high, fault]) in data.as_chunks().0.iter().take(MAX_OPERATIONS).enumerate() {
        let op = random_op(&mut Random(u64::from(u16::from_le_bytes([*low, *high]))));
        let step = u64::from(fault >> 2);
        match fault & 3 {
            1 => fail_allocations_after(Some(step)),
            2 => stop_after(Some(step)),
            _ => {}
        }
        // A refusal is all right: the channel is not there, or the zone is full.
        let ran = catch_unwind(AssertUnwindSafe(|| world.run(&mut store, &op).is_ok()));
        fail_allocations_after(None);
        stop_after(None);
        let has_ended_early = !matches!(ran, Ok(true));
        if let Err(cause) = ran {
            if !cause.is::<Stopped>() {
                resume_unwind(cause);
            }
            // The process has died, another goes on.
            store = memory.open();
            let recovery = store.recover(world.now);
            assert!(matches!(recovery, Recovery::Clean | Recovery::Undone), "{recovery:?}");
        }
        if has_ended_early && fault & 3 > 0 || at.is_multiple_of(VERIFIED_EACH) {
            store.verify().unwrap_or_else(|broken| panic!("{op:?}: {broken}"));
        }
    }
    store.verify().unwrap_or_else(|broken| panic!("{broken}"));
    assert_eq!(drain(&mut store, world.now.saturating_add(1_000)), free, "something is left");
}

/// One byte is what the zone has been through, one how it goes on; then come the damages.
pub(crate) fn repair(data: &[u8]) {
    let Some((&[seed, then], damages)) = data.split_first_chunk() else { return };
    let memory = Memory::new(16 << 10);
    let (world, free) = busy(&memory, u64::from(seed));
    // Workers have it open already.
    let store = memory.open();
    for damage in damages.as_chunks().0 {
        apply(&memory, *damage);
    }
    let now = world.now;
    if then & 1 == 0 {
        let mut worker = Worker { epoch: store.epoch(), store, world };
        let mut random = Random(u64::from(then));
        for _ in 0..20 {
            worker.work(&random_op(&mut random));
        }
        worker.look();
    } else if let Ok(mut store) = Store::open(memory.region()) {
        // Whoever comes later finds the damage, whatever it is.
        memory.put_word(JOURNAL_LEN, u32::MAX);
        store.recover(now);
        store.verify().unwrap_or_else(|broken| panic!("{broken}"));
    }
    rebuild_and_drain(&memory, now, free);
}

/// A word is overwritten, or a range with zeros, with another part of the zone, or with one byte.
fn apply(memory: &Memory, [kind, place_low, place_high, a, b, c, d]: [u8; 7]) {
    let place = usize::from(u16::from_le_bytes([place_low, place_high]));
    // Every other place is in the root, where damage does most.
    let words = if kind & 4 == 0 { memory.len() } else { ROOT_END } / 4;
    let at = place % words * 4;
    let value = u32::from_le_bytes([a, b, c, d]);
    let len = (usize::from(a) * 16).clamp(4, memory.len() - at);
    match kind & 3 {
        0 => memory.put_word(at, value),
        kind => {
            let mut bytes = memory.bytes();
            let from = usize::from(u16::from_le_bytes([b, c])) % (memory.len() - len + 1);
            match kind {
                1 => bytes[at..at + len].fill(0),
                2 => bytes.copy_within(from..from + len, at),
                _ => bytes[at..at + len].fill(d),
            }
            memory.put(&bytes);
        }
    }
}
