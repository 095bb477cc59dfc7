//! How a worker leaves: at once, or after a reload little by little, so that not all clients come back in the same second.
//!
//! A worker that drains is a worker like any other: registered in the zone, woken, delivering. Only whoever comes late is ended at once. It
//! drains as long as workers of a newer configuration serve the same zone. When nginx quits, those are told to leave and the draining ones are
//! not told again; so the last ones say so in the zone.

use crate::conf::MainConf;
use crate::drain::Drain;
use crate::nginx::process;
use crate::worker::Worker;
use crate::{floods, memory};

/// Milliseconds between two steps of a drain.
const STEP_MSEC: u64 = 100;
/// Newer configurations beside which a worker drains. The zone has slots for the workers of four.
const MAX_NEWER: u32 = 2;

impl Worker {
    /// The worker has been told to leave.
    pub(crate) fn depart(&mut self) {
        if self.leaving || self.is_draining() {
            return;
        }
        if memory::newer_cycles(&self.zone.glance()) == 0 {
            memory::end_cycle(&self.zone.glance());
        }
        let keys = self.subscribers.keys().collect();
        self.drain = Some(Drain::new(keys, process::now_msec(), drain_msec(&self.main)));
        self.go_on_draining();
    }

    pub(crate) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Ends as many as are due; leaves when the time is up, nobody is left, or nobody else serves the zone.
    pub(crate) fn go_on_draining(&mut self) {
        let may_drain = self.may_drain();
        let Some(drain) = self.drain.as_mut().filter(|_| may_drain) else { return self.leave() };
        let allowed = drain.allowed(process::now_msec());
        if allowed == 0 || self.subscribers.is_empty() {
            return self.leave();
        }
        let excess = self.subscribers.len().saturating_sub(allowed);
        let present = |key: &_| self.subscribers.contains_key(*key);
        let due: Vec<_> =
            std::iter::from_fn(|| drain.next()).filter(present).take(excess).collect();
        self.end(&due);
        self.events.drain.set(STEP_MSEC);
    }

    /// Whether clients that go on here get what is published, and have somewhere to go.
    fn may_drain(&self) -> bool {
        let store = self.zone.glance();
        (1..=MAX_NEWER).contains(&memory::newer_cycles(&store)) && !store.has_ended()
    }

    /// Delivers what there is, ends all subscribers and gives the slot back.
    pub(crate) fn leave(&mut self) {
        if self.leaving {
            return;
        }
        self.take_mail();
        self.leaving = true;
        self.drain = None;
        self.end_all();
        floods::tell(true);
        self.events.timer.cancel();
        self.events.tick.cancel();
        self.events.drain.cancel();
        self.flush_counts();
        self.clear_slot(self.slot, Some(process::pid()));
        // Whoever comes yet is counted in and out again in the same turn.
        self.note_registration();
    }
}

/// The time that the configuration gives, but in any case before nginx closes what is left.
fn drain_msec(main: &MainConf) -> u64 {
    let wanted = u64::try_from(main.reload_drain.as_millis()).unwrap_or(u64::MAX);
    process::shutdown_timeout().map_or(wanted, |limit| wanted.min(limit - limit / 8))
}
