//! Workers are killed by SIGKILL and SIGSEGV at random moments, one or several at once.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::Plan;
use super::pulse::Pulse;
use super::room::{delete_all, fill, metric};
use super::traffic::{Traffic, configuration};
use crate::load::{Dice, fan_out, flood, post, soon, wait_for};
use crate::runner::{Nginx, Outcome, Setup};

const WORKERS: usize = 4;

/// The others go on after 100 ms; the rest is for a machine that has other things to do.
const RECOVERY: Duration = Duration::from_millis(1_100);

pub(super) fn run(setup: &Setup, plan: &Plan) -> Outcome<()> {
    fan_out::allow_many_files()?;
    let mut nginx = Nginx::start(setup, &configuration(WORKERS, "96m"))?;
    let port = nginx.port;
    let before = fill(port)?;
    let members = plan.choose(200, 2_000);
    let mut dice = Dice(plan.seed_of(1_000));

    let mut traffic = Traffic::start(port, members, plan)?;
    let mut storm = Storm::default();
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
    let mut storm = Storm::default();
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
    let after = fill(port)?;
    plan.say(&format!("crash: room in the zone: {before:?} before, {after:?} after"));
    if before != after {
        return Err(format!("room in the zone: {before:?} before, {after:?} after"));
    }
    nginx.quit_cleanly()
}

/// Deaths and how fast the others got over them.
#[derive(Default)]
pub(super) struct Storm {
    kills: usize,
    faults: usize,
    recoveries: Vec<Duration>,
}

impl Storm {
    /// Kills one worker, sometimes several; returns when the others deliver again and there are successors.
    pub(super) fn strike(
        &mut self,
        nginx: &mut Nginx,
        pulse: &Pulse,
        dice: &mut Dice,
    ) -> Outcome<()> {
        let serving = nginx.workers();
        let count = if dice.below(6) == 0 { 1 + dice.below(serving.len()) } else { 1 };
        let first = dice.below(serving.len());
        let victims: Vec<i32> = serving.iter().cycle().skip(first).take(count).copied().collect();
        pulse.arm();
        for pid in &victims {
            let signal = if dice.below(2) == 0 { Signal::KILL } else { Signal::SEGV };
            nginx.strike(*pid, signal)?;
            self.kills += usize::from(signal == Signal::KILL);
            self.faults += usize::from(signal == Signal::SEGV);
        }
        self.recoveries.extend(pulse.recovery(&victims, &serving)?);
        nginx.wait_workers(serving.len(), &victims, soon(20))
    }

    fn check(&self) -> Outcome<()> {
        match self.recoveries.iter().max() {
            None => Err("no recovery was measured".into()),
            Some(slowest) if *slowest > RECOVERY => {
                Err(format!("others went on only after {slowest:?}"))
            }
            Some(_) => Ok(()),
        }
    }
}

impl std::fmt::Display for Storm {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.recoveries.is_empty() {
            return write!(out, "nobody killed");
        }
        let mut sorted = self.recoveries.clone();
        sorted.sort_unstable();
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or_default();
        let slowest = sorted.last().copied().unwrap_or_default();
        let (kills, faults) = (self.kills, self.faults);
        write!(
            out,
            "{kills} SIGKILL, {faults} SIGSEGV, the others delivered again after {median:?} (median), {slowest:?} (most)"
        )
    }
}
