//! The zone's lock, seen from outside: to kill a worker just while it holds it.

use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::runner::Outcome;

/// So long a stopped worker holds the lock, for others to run into it.
const HELD: Duration = Duration::from_millis(10);

/// The memory of nginx's master, where the zone is mapped as in its workers.
pub(super) struct Lock {
    memory: File,
    zone: u64,
}

impl Lock {
    /// The lock of a zone of so many bytes; there is no other of this size.
    pub(super) fn of(master: i32, size: u64) -> Outcome<Lock> {
        let maps =
            read_to_string(format!("/proc/{master}/maps")).map_err(|error| error.to_string())?;
        let range = |line: &str| {
            let (start, end) = line.split(' ').next()?.split_once('-')?;
            let bound = |text| u64::from_str_radix(text, 16).ok();
            Some((bound(start)?, bound(end)?))
        };
        let shared = maps.lines().filter(|line| line.contains(" rw-s ")).filter_map(range);
        let zone = shared.into_iter().find(|(start, end)| end - start == size);
        let (zone, _) = zone.ok_or_else(|| format!("no zone of {size} bytes in {maps}"))?;
        let memory =
            File::open(format!("/proc/{master}/mem")).map_err(|error| error.to_string())?;
        Ok(Lock { memory, zone })
    }

    /// Who holds it: the first word of nginx's slab pool is the pid.
    fn holder(&self) -> Option<i32> {
        let mut word = [0; 8];
        self.memory.read_exact_at(&mut word, self.zone).ok()?;
        i32::try_from(u64::from_ne_bytes(word)).ok().filter(|pid| *pid != 0)
    }

    /// Waits until that process does not hold it any more.
    pub(super) fn wait_free(&self, pid: i32, limit: Instant) -> Outcome<()> {
        while self.holder() == Some(pid) {
            if Instant::now() > limit {
                return Err(format!("worker {pid} is dead and still has the lock"));
            }
        }
        Ok(())
    }

    /// Stops one of these workers while it holds the lock; nobody, if that does not succeed until `limit`.
    pub(super) fn stop_holder(&self, workers: &[i32], limit: Instant) -> Option<i32> {
        while Instant::now() < limit {
            let Some(pid) = self.holder().filter(|pid| workers.contains(pid)) else { continue };
            signal(pid, Signal::STOP);
            while !is_stopped(pid) && Instant::now() < limit {}
            if is_stopped(pid) && self.holder() == Some(pid) {
                sleep(HELD);
                return Some(pid);
            }
            go_on(pid);
        }
        None
    }
}

/// Lets a stopped process go on: to its end, if it has been sent a signal that it dies of.
pub(super) fn go_on(pid: i32) {
    signal(pid, Signal::CONT);
}

/// To a process that may have ended meanwhile.
fn signal(pid: i32, signal: Signal) {
    let _ = Pid::from_raw(pid).map(|pid| kill_process(pid, signal));
}

fn is_stopped(pid: i32) -> bool {
    let stat = read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T"))
}
