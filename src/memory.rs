//! Where the memory of a zone becomes a store: laid out once in the master, opened by each worker.

#![expect(unsafe_code, reason = "the raw memory of the zone enters the store here")]

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU32, Ordering};

use store::{FormatError, Region, Store};

use crate::nginx::log::{Log, alert};
use crate::nginx::process;
use crate::nginx::zone::{Fresh, Zone};

/// The cycle of this process in its zone. Written in the master, inherited by fork: what the zone says may be newer by the time a worker
/// looks.
static CYCLE: AtomicU32 = AtomicU32::new(0);

/// Tells the zone, in the master, that workers of a new configuration will come.
pub(crate) fn begin_cycle(zone: Zone) {
    // One of another layout has no cycles; the first worker lays it out anew.
    let store = region(zone).and_then(|region| Store::open(region).ok());
    CYCLE.store(store.map_or(0, |mut store| store.begin_cycle()), Ordering::Relaxed);
}

/// How many newer cycles than this process's the zone has seen: 0 = its configuration is the current one.
pub(crate) fn newer_cycles(store: &Store) -> u32 {
    store.cycle().saturating_sub(CYCLE.load(Ordering::Relaxed))
}

/// Says that the workers of this process's cycle leave with no successors.
pub(crate) fn end_cycle(store: &Store) {
    store.end_cycle(CYCLE.load(Ordering::Relaxed));
}

/// How many process slots of nginx may exchange messages: a reload runs the workers of two
/// generations, and quick further ones those of up to four.
pub(crate) fn slots_for(worker_processes: usize) -> usize {
    worker_processes.saturating_mul(4).saturating_add(16)
}

/// Lays an empty store into the memory of a fresh zone.
pub(crate) fn format(fresh: Fresh) -> Result<(), &'static str> {
    // SAFETY: aligned to a page, mapped and zeroed; nobody else sees it before this returns.
    let region = unsafe { Region::new(fresh.base, fresh.len) };
    format_region(region, fresh.worker_processes).map_err(|_| "is too small")?;
    Ok(())
}

/// Opens the store in a worker. A zone that was kept over a reload from a module with another layout
/// starts empty. `None` has been logged.
pub(crate) fn open(zone: Zone) -> Option<Store> {
    if let Some(store) = region(zone).and_then(|region| Store::open(region).ok()) {
        return Some(store);
    }
    let formatted = {
        let _lock = zone.lock();
        // Another worker may have been faster.
        region(zone).map(|region| match Store::open(region) {
            Ok(store) => Ok((store, false)),
            Err(_) => format_again(zone).map(|store| (store, true)),
        })
    };
    let (store, emptied) = match formatted {
        Some(Ok(found)) => found,
        _ => {
            alert!(Log::cycle(), "push stream module: the shared memory cannot be used");
            return None;
        }
    };
    if emptied {
        alert!(
            Log::cycle(),
            "push stream module: the shared memory has an unknown layout; it starts empty"
        );
    }
    Some(store)
}

fn region(zone: Zone) -> Option<Region> {
    let (base, len) = zone.memory()?;
    // SAFETY: aligned to a page and mapped as long as the process lives. What the store asks of its
    // callers, the lock, is what the service's own wrapper of zone and store provides.
    Some(unsafe { Region::new(base, len) })
}

/// The zone's lock is held.
fn format_again(zone: Zone) -> Result<Store, FormatError> {
    let region = region(zone).ok_or(FormatError::Unknown)?;
    format_region(region, process::worker_processes())
}

fn format_region(region: Region, worker_processes: usize) -> Result<Store, FormatError> {
    let slots = u32::try_from(slots_for(worker_processes)).unwrap_or(u32::MAX);
    let hash_key = (RandomState::new().hash_one(0), RandomState::new().hash_one(1));
    Store::format(region, slots, hash_key, process::now())
}
