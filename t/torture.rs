//! Torture: workers that crash, reloads, readers that stop, and churn, all under load. Every client resumes by its cursor and
//! checks that no message is lost, repeated or reordered; afterwards nothing may be left behind.
//!
//! The tests run in a short form beside all others. `TORTURE_SECONDS=600` makes the long one of them: one after
//! the other, with ten times as many clients. `SEED` repeats the choices of a run; the timing is the machine's.

mod bystander;
mod crash;
mod ledger;
mod lock;
mod member;
pub(crate) mod proc_fs;
mod pulse;
mod reckoning;
mod reload;
mod room;
mod slow;
mod soak;
mod swarm;
mod traffic;

use std::sync::PoisonError;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use libtest_mimic::{Failed, Trial};

use crate::runner::{MACHINE, Outcome, Setup, is_sanitized};

/// How long, and with what luck.
#[derive(Clone)]
pub(crate) struct Plan {
    /// Of the long form.
    seconds: Option<u64>,
    seed: u64,
    /// Under AddressSanitizer: a new worker takes seconds to start, and who connects may wait for it.
    is_sanitized: bool,
}

type Test = fn(&Setup, &Plan) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    // The last is for tests that measure others: they want the machine for themselves in the short form, too.
    let tests: [(&str, Test, bool); 4] = [
        ("workers crash at any moment", crash::run, false),
        ("reloads under load", reload::run, false),
        ("readers that stop or vanish hurt nobody else", slow::run, true),
        ("churn leaves memory and zone as they were", soak::run, false),
    ];
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = number("SEED").unwrap_or(now.as_secs()).max(1);
    let plan = Plan { seconds: number("TORTURE_SECONDS"), seed, is_sanitized: is_sanitized() };
    let trial = |(name, test, alone): (&str, Test, bool)| {
        let (setup, plan, name) = (setup.clone(), plan.clone(), name.to_owned());
        Trial::test(format!("torture: {name}"), move || {
            let alone = alone || plan.seconds.is_some();
            let shared = (!alone).then(|| MACHINE.read().unwrap_or_else(PoisonError::into_inner));
            let whole = alone.then(|| MACHINE.write().unwrap_or_else(PoisonError::into_inner));
            let outcome =
                test(&setup, &plan).map_err(|reason| format!("SEED={}: {reason}", plan.seed));
            drop((shared, whole));
            outcome.map_err(Failed::from)
        })
    };
    tests.into_iter().map(trial).collect()
}

impl Plan {
    /// A part's time: so many seconds, or its share of the long form's time.
    fn time(&self, short: u64, percent: u64) -> Duration {
        Duration::from_millis(self.seconds.map_or(short * 1_000, |seconds| seconds * percent * 10))
    }

    fn choose<T>(&self, short: T, long: T) -> T {
        if self.seconds.is_some() { long } else { short }
    }

    /// Different for each purpose.
    fn seed_of(&self, purpose: usize) -> u64 {
        (self.seed.wrapping_add(purpose as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)) | 1
    }

    /// A line of the report.
    fn say(&self, text: &str) {
        eprintln!("torture (SEED={}): {text}", self.seed);
    }
}
