//! Workers are killed by SIGKILL and SIGSEGV at random moments, one or several at once, or one that holds the zone's lock.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Plan;
use super::bystander::Bystander;
use super::lock::{Lock, go_on};
use super::pulse::Pulse;
use super::room::{delete_all, fill, metric};
use super::traffic::{Traffic, configuration};
use crate::load::{Dice, fan_out, flood, post, soon, wait_for};
use crate::runner::{Nginx, Outcome, Setup};

const WORKERS: usize = 4;

/// Within this the others go on, counted from when the lock is free: before, the kernel closes the dead one's connections, and only then
/// does nginx's master hear of it. Not counted is twice the time that a machine with other things to do lets a request of nginx without
/// the module wait: a delivery goes through two workers and two clients, such a request through one of each.
const RECOVERY: Duration = Duration::from_millis(100);
/// Until those who were connected to the dead one are back and have what they missed.
pub(super) const RETURN: Duration = Duration::from_secs(1);
/// So long it is tried to catch a worker while it holds the lock.
const CATCH: Duration = Duration::from_millis(300);

pub(super) fn run(setup: &Setup, plan: &Plan) -> Outcome<()> {
    fan_out::allow_many_files()?;
    let mut nginx = Nginx::start(setup, &configuration(WORKERS, "96m"))?;
    let port = nginx.port;
    let before = fill(port)?;
    let members = plan.choose(200, 2_000);
    let mut dice = Dice(plan.seed_of(1_000));

    let mut traffic = Traffic::start(port, members, plan)?;
    let mut storm = Storm::new(setup, plan, &nginx, 96 << 20, RETURN)?;
    let end = Instant::now() + plan.time(5, 30);
    while Instant::now() < end {
        sleep(Duration::from_millis(20 + dice.below(300) as u64));
        traffic.check()?;
        storm.strike(&mut nginx, &traffic.pulse, &mut dice)?;
    }
    let settled = traffic.settle()?;
    settled.reckon(&mut nginx)?;
    plan.say(&format!("crash: {members} members, {storm}; {}", settled.figures()));
    storm.check()?;
    drop(settled);
    delete_all(port)?;

    let channels = plan.choose(10_000, 100_000);
    // The short form has other tests beside it.
    let besides = plan.choose(Duration::from_millis(250), Duration::ZERO);
    let mut storm = Storm::new(setup, plan, &nginx, 96 << 20, besides)?;
    flood(
        port,
        (0..channels).map(|number| post(&format!("/pub?id=many{number:06}"), "text")),
        100,
    )?;
    let pulse = Pulse::start(port);
    let limit = soon(20);
    while !pulse.sees(2) && Instant::now() < limit {
        sleep(Duration::from_millis(10));
    }
    for _ in 0..plan.choose(5, 20) {
        sleep(Duration::from_millis(100 + dice.below(400) as u64));
        storm.strike(&mut nginx, &pulse, &mut dice)?;
    }
    pulse.stop()?;
    plan.say(&format!("crash with {channels} channels: {storm}"));
    storm.check()?;
    let summary = wait_for(port, "/stats", soon(10), |summary| summary["subscribers"] == 0)?;
    if summary["stored_messages"] != channels {
        return Err(format!("{channels} messages were stored: {summary}"));
    }
    let deletions =
        |number| format!("DELETE /pub?id=many{number:06} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes();
    flood(port, (0..channels).map(deletions), 100)?;
    delete_all(port)?;
    let repairs =
        |kind| metric(port, &format!("push_stream_zone_repairs_total{{kind=\"{kind}\"}}"));
    let (undone, rebuilt) = (repairs("undone")?, repairs("rebuilt")?);
    plan.say(&format!("crash: {undone} deaths in the middle of a change of the zone, all undone"));
    if rebuilt > 0 {
        return Err(format!("the zone was damaged: rebuilt {rebuilt} times"));
    }
    if plan.seconds.is_some() && undone == 0 {
        return Err(
            "nobody died in the middle of a change of the zone: nothing was tested of that".into(),
        );
    }
    let after = fill(port)?;
    plan.say(&format!("crash: room in the zone: {before:?} before, {after:?} after"));
    if before != after {
        return Err(format!("room in the zone: {before:?} before, {after:?} after"));
    }
    nginx.quit_cleanly()
}

/// Deaths and how fast the others got over them.
pub(super) struct Storm {
    lock: Lock,
    bystander: Bystander,
    /// What the others have to do besides when one dies.
    besides: Duration,
    kills: usize,
    faults: usize,
    /// Until the lock was free of those that held it.
    releases: Vec<Duration>,
    /// Until the others delivered again.
    recoveries: Vec<Duration>,
    /// How long the bystander had to wait meanwhile.
    waits: Vec<Duration>,
    /// What took too long.
    problem: Option<String>,
}

impl Storm {
    /// For an nginx with a zone of so many bytes, whose workers have so much to do `besides` when one of them dies.
    pub(super) fn new(
        setup: &Setup,
        plan: &Plan,
        nginx: &Nginx,
        zone: u64,
        besides: Duration,
    ) -> Outcome<Storm> {
        let start = Duration::from_secs(if plan.is_sanitized { 10 } else { 0 });
        Ok(Storm {
            lock: Lock::of(nginx.master(), zone)?,
            bystander: Bystander::start(setup)?,
            besides: besides + start,
            kills: 0,
            faults: 0,
            releases: Vec::new(),
            recoveries: Vec::new(),
            waits: Vec::new(),
            problem: None,
        })
    }

    /// Kills one worker, sometimes several, every other time one that holds the lock; returns when the others deliver again and
    /// there are successors.
    pub(super) fn strike(
        &mut self,
        nginx: &mut Nginx,
        pulse: &Pulse,
        dice: &mut Dice,
    ) -> Outcome<()> {
        let serving = nginx.workers();
        let count = if dice.below(6) == 0 { 1 + dice.below(serving.len()) } else { 1 };
        let first = dice.below(serving.len());
        let holder = match dice.below(2) {
            0 => None,
            _ => self.lock.stop_holder(&serving, Instant::now() + CATCH),
        };
        let victims: Vec<i32> = match holder {
            Some(pid) => vec![pid],
            None => serving.iter().cycle().skip(first).take(count).copied().collect(),
        };
        let since = pulse.arm();
        for pid in &victims {
            let signal = if dice.below(2) == 0 { Signal::KILL } else { Signal::SEGV };
            nginx.strike(*pid, signal)?;
            self.kills += usize::from(signal == Signal::KILL);
            self.faults += usize::from(signal == Signal::SEGV);
        }
        let mut release = None;
        if let Some(pid) = holder {
            go_on(pid);
            self.lock.wait_free(pid, soon(20))?;
            release = Some(since.elapsed());
        }
        let recovery = pulse.recovery(&victims, &serving)?;
        let waited = self.bystander.longest_since(since);
        self.note(release, recovery, waited);
        nginx.wait_workers(serving.len(), &victims, soon(20))
    }

    fn note(&mut self, release: Option<Duration>, recovery: Option<Duration>, waited: Duration) {
        let limit = release.unwrap_or_default() + RECOVERY + waited * 2 + self.besides;
        if recovery.is_some_and(|recovery| recovery > limit) {
            self.problem = Some(format!(
                "the lock was free after {release:?}, the others went on after {recovery:?}; nginx without the module let \
                 nobody wait longer than {waited:?}"
            ));
        }
        self.releases.extend(release);
        self.recoveries.extend(recovery);
        self.waits.push(waited);
    }

    fn check(&self) -> Outcome<()> {
        match &self.problem {
            Some(problem) => Err(problem.clone()),
            None if self.recoveries.is_empty() => Err("no recovery was measured".into()),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Storm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.recoveries.is_empty() {
            return write!(out, "nobody killed");
        }
        let told = |times: &[Duration]| {
            let mut times = times.to_vec();
            times.sort_unstable();
            let at = |index: usize| times.get(index).copied().unwrap_or_default();
            format!(
                "{:?} (median, most {:?})",
                at(times.len() / 2),
                at(times.len().saturating_sub(1))
            )
        };
        write!(
            out,
            "{} SIGKILL, {} SIGSEGV; {} of them held the lock, which was free after {}; the others delivered again after {}, \
             while nginx without the module let wait {}",
            self.kills,
            self.faults,
            self.releases.len(),
            told(&self.releases),
            told(&self.recoveries),
            told(&self.waits)
        )
    }
}
