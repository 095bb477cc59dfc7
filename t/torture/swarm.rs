//! Hundreds of members in one thread, by epoll.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rustix::event::epoll;

use super::ledger::Ledger;
use super::member::{Figures, Member, Mode};
use crate::load::{Dice, soon};
use crate::runner::Outcome;

/// What members may follow, and in how many of twenty cases they do.
const PATHS: [(&[&str], usize); 7] = [
    (&["s0"], 4),
    (&["s1"], 4),
    (&["s2", "s0"], 4),
    (&["p0", "p1"], 3),
    (&["live"], 3),
    (&["d0"], 1),
    (&["d1"], 1),
];

/// How the swarms are told what to do, and what they tell.
#[derive(Default)]
pub(super) struct Control {
    /// Members leave and come back now and then.
    pub(super) churn: AtomicBool,
    /// Everything has been published: come back when all of it is here.
    pub(super) finish: AtomicBool,
    /// Members that are where they want to be, by swarm.
    pub(super) settled: Vec<AtomicUsize>,
}

pub(super) struct Swarm {
    port: u16,
    ledger: Arc<Ledger>,
    members: Vec<Member>,
    epoll: OwnedFd,
    dice: Dice,
}

impl Swarm {
    pub(super) fn new(port: u16, ledger: Arc<Ledger>, count: usize, seed: u64) -> Outcome<Swarm> {
        let mut dice = Dice(seed);
        let mut members = Vec::new();
        while members.len() < count {
            let mode = Mode::ALL[members.len() % Mode::ALL.len()];
            let mut chosen = dice.below(20);
            let path = PATHS.iter().find(|(_, share)| match chosen.checked_sub(*share) {
                Some(rest) => {
                    chosen = rest;
                    false
                }
                None => true,
            });
            let path = path.map_or(&["s0"][..], |(path, _)| path);
            // What is not stored, polls miss between two requests.
            if path != ["live"] || !matches!(mode, Mode::Polling | Mode::LongPolling) {
                members.push(Member::new(mode, path));
            }
        }
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|e| e.to_string())?;
        Ok(Swarm { port, ledger, members, epoll, dice })
    }

    /// Follows the channels until told to finish and everybody has everything.
    pub(super) fn run(mut self, control: &Control, number: usize) -> Outcome<Swarm> {
        const SCAN: Duration = Duration::from_millis(20);
        let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 10_000_000 };
        let mut events = Vec::with_capacity(512);
        let mut scanned = Instant::now();
        let mut limit = None;
        loop {
            events.clear();
            epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait))
                .map_err(|error| error.to_string())?;
            for event in &events {
                let member = &mut self.members[event.data.u64() as usize];
                member.read(&self.ledger, &mut self.dice)?;
            }
            if scanned.elapsed() < SCAN {
                continue;
            }
            scanned = Instant::now();
            self.scan(control.churn.load(Relaxed))?;
            let settled = self.members.iter().filter(|member| member.is_settled()).count();
            control.settled[number].store(settled, Relaxed);
            if control.finish.load(Relaxed) {
                let limit = *limit.get_or_insert_with(|| soon(60));
                match self.somebody_behind() {
                    None if settled == self.members.len() => return Ok(self),
                    Some(reason) if Instant::now() > limit => return Err(reason),
                    _ => {}
                }
            }
        }
    }

    fn scan(&mut self, churn: bool) -> Outcome<()> {
        let now = Instant::now();
        for (index, member) in self.members.iter_mut().enumerate() {
            // Each every ten seconds or so.
            if churn && self.dice.below(500) == 0 {
                member.leave(now + Duration::from_millis(self.dice.below(300) as u64));
            }
            if member.tick(self.port, now)?
                && let Some(client) = &member.client
            {
                let data = epoll::EventData::new_u64(index as u64);
                epoll::add(&self.epoll, client.stream(), data, epoll::EventFlags::IN)
                    .map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    fn somebody_behind(&self) -> Option<String> {
        let last: BTreeMap<&str, usize> = self
            .ledger
            .groups
            .iter()
            .flat_map(|group| {
                let last = group.last_acknowledged();
                group.channels.iter().map(move |channel| (*channel, last))
            })
            .collect();
        let behind = |member: &Member| {
            let seen =
                member.seen.iter().find(|seen| last.get(seen.channel) > Some(&seen.number))?;
            let last = last.get(seen.channel);
            Some(format!("{member}: never got {last:?}, only up to {}", seen.number))
        };
        self.members.iter().find_map(behind)
    }

    pub(super) fn figures(&self) -> Figures {
        self.members.iter().fold(Figures::default(), |sum, member| Figures {
            messages: sum.messages + member.figures.messages,
            connections: sum.connections + member.figures.connections,
            gaps: sum.gaps + member.figures.gaps,
            deleted: sum.deleted + member.figures.deleted,
        })
    }

    /// How many of them wait on each channel, and the ports of their connections: what nginx should count.
    pub(super) fn waiting(&self) -> (BTreeMap<&'static str, usize>, HashSet<u16>) {
        let (mut channels, mut ports) = (BTreeMap::new(), HashSet::new());
        for member in self.members.iter().filter(|member| member.mode != Mode::Polling) {
            for seen in &member.seen {
                *channels.entry(seen.channel).or_default() += 1;
            }
            let address =
                member.client.as_ref().and_then(|client| client.stream().local_addr().ok());
            ports.extend(address.map(|address| address.port()));
        }
        (channels, ports)
    }
}
