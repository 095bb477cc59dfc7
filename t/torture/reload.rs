//! Reloads under load: the same settings and others, more and fewer workers, another size of the zone.

use std::thread::sleep;
use std::time::{Duration, Instant};

use regex_lite::Regex;
use rustix::process::Signal;

use super::crash::{RETURN, Storm};
use super::room::{delete_all, fill};
use super::traffic::{Traffic, configuration};
use super::{Plan, proc_fs};
use crate::load::{Dice, fan_out, soon};
use crate::runner::{Conf, Nginx, Outcome, Setup};

/// How the settings change from reload to reload; it ends with the first.
const STEPS: [(&str, usize, &str, &str); 5] = [
    (
        "other settings",
        4,
        "32m",
        "push_stream_ping_message_interval 700ms;\npush_stream_subscriber_buffer_size 2m;",
    ),
    ("more workers", 6, "32m", ""),
    ("another size of the zone", 6, "48m", ""),
    ("fewer workers", 2, "32m", "push_stream_subscriber_connection_ttl 3s;"),
    ("as in the beginning", 4, "32m", ""),
];

pub(super) fn run(setup: &Setup, plan: &Plan) -> Outcome<()> {
    fan_out::allow_many_files()?;
    let mut nginx = Nginx::start(setup, &configuration(4, "32m"))?;
    let port = nginx.port;
    let before = fill(port)?;
    // The master keeps an eventfd for each slot that there ever was: what counts is what comes after the most workers.
    for workers in [6, 4] {
        reload(&mut nginx, &configuration(workers, "32m"), true)?;
    }
    let descriptors = Descriptors::of(&mut nginx);
    let members = plan.choose(200, 2_000);
    let mut dice = Dice(plan.seed_of(2_000));
    let mut storm = Storm::new(setup, plan, &nginx, 32 << 20, RETURN)?;

    let mut traffic = Traffic::start(port, members, plan)?;
    let reloads = plan.choose(5, 100);
    let begun = Instant::now();
    let pause = plan.time(5, 28) / reloads as u32;
    let mut slowest = Duration::ZERO;
    for number in 0..reloads {
        let (_, workers, zone, http) = STEPS[number % STEPS.len()];
        let mut conf = configuration(workers, zone);
        conf.http.push_str(http);
        // Now and then the next reload comes while old workers are still there.
        let waits = dice.below(4) > 0 || number + 1 == reloads;
        let reloaded = reload(&mut nginx, &conf, waits);
        slowest = slowest.max(reloaded.map_err(|reason| {
            format!("reload {number} to {workers} workers: {reason}\n{}", bad_lines(&nginx))
        })?);
        if plan.seconds.is_some() && number % 10 == 9 {
            nginx.wait_workers(workers, &[], soon(30))?;
            storm.strike(&mut nginx, &traffic.pulse, &mut dice)?;
        }
        traffic.check()?;
        let next = begun + pause * (number as u32 + 1);
        sleep(next.saturating_duration_since(Instant::now()));
    }
    let settled = traffic.settle()?;
    settled.reckon(&mut nginx)?;
    plan.say(&format!(
        "reload: {reloads} reloads, {members} members; {storm}; the new workers served after {slowest:?} at most; {}",
        settled.figures()
    ));
    drop(settled);
    delete_all(port)?;

    descriptors.check(&mut nginx)?;
    if !nginx.log().contains("ignoring change on zone") {
        return Err("no warning about the size of the zone".into());
    }
    let after = fill(port)?;
    plan.say(&format!("reload: room in the zone: {before:?} before, {after:?} after"));
    if before != after {
        return Err(format!("room in the zone: {before:?} before, {after:?} after"));
    }
    // The master's own, about a worker that died while it was told something.
    let master =
        Regex::new(r"\[alert\] .* sendmsg\(\) failed").map_err(|error| error.to_string())?;
    nginx.quit_but_for(&[master])
}

/// HUP with another configuration; waits until the new workers serve, and if so told until the old ones have gone.
fn reload(nginx: &mut Nginx, conf: &Conf, waits: bool) -> Outcome<Duration> {
    nginx.configure(conf)?;
    let old = nginx.workers();
    let begun = Instant::now();
    nginx.signal(Signal::HUP)?;
    let limit = soon(30);
    if waits {
        nginx.wait_workers(conf.workers, &old, limit)?;
    } else {
        while nginx.workers().iter().filter(|pid| !old.contains(pid)).count() < conf.workers {
            if Instant::now() > limit {
                return Err("no new workers".into());
            }
            sleep(Duration::from_millis(2));
        }
    }
    Ok(begun.elapsed())
}

/// The last lines of the log that tell why.
fn bad_lines(nginx: &Nginx) -> String {
    const BAD: [&str; 4] = ["[emerg]", "[alert]", "[crit]", "signal 1 (SIGHUP)"];
    let log = nginx.log();
    let bad = log.lines().filter(|line| BAD.iter().any(|bad| line.contains(bad)));
    let mut bad: Vec<&str> = bad.collect();
    bad.drain(..bad.len().saturating_sub(20));
    bad.join("\n")
}

/// What the processes had open before.
struct Descriptors {
    master: Vec<String>,
    most: usize,
}

impl Descriptors {
    fn of(nginx: &mut Nginx) -> Descriptors {
        let workers = nginx.workers();
        let most =
            workers.iter().map(|pid| proc_fs::descriptors(*pid).len()).max().unwrap_or_default();
        Descriptors { master: proc_fs::descriptors(nginx.master()), most }
    }

    /// No more descriptors than before, no socket that waits to be closed, no process that should have gone.
    fn check(&self, nginx: &mut Nginx) -> Outcome<()> {
        // Channels to the cache processes come and go; a leak would be one for each reload.
        const SPARE: usize = 3;
        let limit = soon(15);
        loop {
            let problem = self.problem(nginx, SPARE);
            match problem {
                None => return Ok(()),
                Some(problem) if Instant::now() > limit => return Err(problem),
                Some(_) => sleep(Duration::from_millis(50)),
            }
        }
    }

    fn problem(&self, nginx: &mut Nginx, spare: usize) -> Option<String> {
        let master = proc_fs::descriptors(nginx.master());
        if master.len() > self.master.len() + spare {
            return Some(format!(
                "the master has {} descriptors, not {}: {master:?}",
                master.len(),
                self.master.len()
            ));
        }
        for pid in nginx.workers() {
            let open = proc_fs::descriptors(pid);
            if open.len() > self.most + spare {
                return Some(format!(
                    "a worker has {} descriptors, not {}: {open:?}",
                    open.len(),
                    self.most
                ));
            }
        }
        let sockets = proc_fs::sockets(nginx.port);
        let waiting = sockets.iter().filter(|socket| socket.is_close_wait).count();
        if waiting > 0 {
            return Some(format!("{waiting} sockets in CLOSE_WAIT"));
        }
        let titles = proc_fs::titles(nginx.master());
        let count = |what: &str| titles.iter().filter(|title| title.contains(what)).count();
        let (workers, caches) = (count("worker process"), count("cache manager"));
        let loaders = count("cache loader");
        if workers != 4 || caches != 1 || loaders > 1 || titles.len() != workers + caches + loaders
        {
            return Some(format!("processes: {titles:?}"));
        }
        None
    }
}
