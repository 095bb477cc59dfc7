//! The zone as the service sees it: a store behind a lock.
//!
//! A guard spans one or a few store calls: no input or output, no nginx call, no logging while it lives. What
//! the lock finds (a worker died in the middle of a mutation) is reported when the guard goes.

use std::cell::{Ref, RefCell, RefMut};
use std::ops::{Deref, DerefMut};

use store::{Recovery, Store};

use crate::counters;
use crate::nginx::log::{Log, alert, warn};
use crate::nginx::zone::{Locked as Lock, Zone};
use crate::nginx::{notify, process};

/// The store and its lock.
pub(crate) struct SharedZone {
    zone: Zone,
    store: RefCell<Store>,
}

impl SharedZone {
    pub(crate) fn new(zone: Zone, store: Store) -> Self {
        Self { zone, store: RefCell::new(store) }
    }

    /// Takes the lock and puts right what a dead worker may have left. `None` if the zone is not there.
    pub(crate) fn lock(&self) -> Option<Locked<'_>> {
        let lock = self.zone.lock()?;
        let mut store = self.store.borrow_mut();
        let recovery = store.recover(process::now());
        Some(Locked { store, _lock: lock, _report: Report(recovery) })
    }

    /// The store without the lock, for its lock-free methods.
    pub(crate) fn glance(&self) -> Ref<'_, Store> {
        self.store.borrow()
    }
}

/// The store while the lock is held. Fields are dropped in this order: the lock goes before the report is made.
pub(crate) struct Locked<'z> {
    store: RefMut<'z, Store>,
    _lock: Lock<'static>,
    _report: Report,
}

impl Deref for Locked<'_> {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut Store {
        &mut self.store
    }
}

/// Tells the log and the other workers about a recovery, after the lock has been released.
struct Report(Recovery);

impl Drop for Report {
    fn drop(&mut self) {
        let log = Log::cycle();
        match self.0 {
            Recovery::Clean => return,
            Recovery::Undone => {
                counters::repaired();
                warn!(
                    log,
                    "push stream module: a worker died while it changed the shared memory; its change was undone"
                );
            }
            Recovery::Rebuilt => {
                alert!(
                    log,
                    "push stream module: the shared memory was damaged; it was rebuilt with all messages that could be found"
                );
            }
            Recovery::Emptied => {
                alert!(
                    log,
                    "push stream module: the shared memory was damaged beyond repair; all messages are lost"
                );
            }
        }
        notify::wake_all();
    }
}
