//! After the load: the statistics against what is really there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::Value;

use super::ledger::{Kind, Ledger, number};
use super::proc_fs;
use super::swarm::Swarm;
use crate::load::{ask, get, soon, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome};

/// What was left when all had everything: still connected members.
pub(super) struct Settled {
    pub(super) ledger: Arc<Ledger>,
    pub(super) swarms: Vec<Swarm>,
}

impl Settled {
    /// The statistics against what is really there.
    pub(super) fn reckon(&self, nginx: &mut Nginx) -> Outcome<()> {
        let port = nginx.port;
        let (mut channels, mut ports) = (BTreeMap::<&str, usize>::new(), HashSet::new());
        for swarm in &self.swarms {
            let (waiting, open) = swarm.waiting();
            waiting
                .into_iter()
                .for_each(|(channel, count)| *channels.entry(channel).or_default() += count);
            ports.extend(open);
        }
        let held = proc_fs::held(&nginx.workers(), port, |peer| ports.contains(&peer));
        let summary = wait_for(port, "/stats", soon(20), |summary| {
            summary["subscribers"] == ports.len()
                && summary["messages_in_trash"] == 0
                && by_worker(summary) == held
        })
        .map_err(|reason| format!("{} subscribers, by worker {held:?}: {reason}", ports.len()))?;

        let mut stored = 0;
        for group in &self.ledger.groups {
            for channel in group.channels {
                let waiting = channels.get(channel).copied().unwrap_or_default();
                let told = wait_for(port, &format!("/stats?id={channel}"), soon(10), |told| {
                    told["subscribers"] == waiting
                })
                .map_err(|reason| format!("{channel}: {waiting} subscribers: {reason}"))?;
                stored += check_stored(port, group.kind, channel, &told, group.counts())?;
            }
        }
        // Those of a deleted channel count until it is gone, some seconds later.
        wait_for(port, "/stats", soon(20), |summary| summary["stored_messages"] == stored)
            .map_err(|reason| format!("{stored} messages are stored: {reason}"))?;
        let (sent, acknowledged) = self.published();
        // The pulse was published, too.
        if summary["published_messages"].as_u64() < Some(acknowledged as u64) {
            return Err(format!("{acknowledged} of {sent} publishes were acknowledged: {summary}"));
        }
        Ok(())
    }

    /// Sent and acknowledged, a message of two channels twice.
    fn published(&self) -> (usize, usize) {
        self.ledger.groups.iter().fold((0, 0), |sum, group| {
            let (sent, acknowledged) = group.counts();
            let count = group.channels.len();
            (sum.0 + sent * count, sum.1 + acknowledged * count)
        })
    }

    pub(super) fn figures(&self) -> String {
        let (mut messages, mut connections, mut gaps, mut deleted) = (0, 0, 0, 0);
        for figures in self.swarms.iter().map(Swarm::figures) {
            messages += figures.messages;
            connections += figures.connections;
            gaps += figures.gaps;
            deleted += figures.deleted;
        }
        let (sent, acknowledged) = self.published();
        let deletions = self.ledger.deletions.load(Relaxed);
        format!(
            "{messages} deliveries checked, {acknowledged} of {sent} publishes acknowledged, {deletions} DELETEs \
             ({deleted} times told), {connections} connections, {gaps} gaps told; lost, repeated, reordered: 0"
        )
    }
}

fn by_worker(summary: &Value) -> BTreeMap<i32, usize> {
    let workers = summary["by_worker"].as_array().into_iter().flatten();
    let worker = |worker: &Value| {
        let pid = worker["pid"].as_str()?.parse().ok()?;
        Some((pid, worker["subscribers"].as_u64()? as usize))
    };
    workers.filter_map(worker).collect()
}

/// What a poll from the beginning gives against the numbers of the channel; tells how many it gives.
fn check_stored(
    port: u16,
    kind: Kind,
    channel: &str,
    told: &Value,
    counts: (usize, usize),
) -> Outcome<usize> {
    let epoch = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    let mut client = Client::connect(port)?;
    let answer = ask(&mut client, &get(&format!("/poll/{channel}"), epoch))?;
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    let mut numbers = Vec::new();
    let mut ids: Vec<usize> = Vec::new();
    for line in body.lines() {
        let (id, text) = (line.split(';').next(), line.splitn(5, ';').nth(4));
        ids.extend(id.and_then(|id| id.parse::<usize>().ok()));
        numbers.push(number(text.unwrap_or_default())?);
    }
    let problem = |what: &str| {
        Err(format!("{channel}: {what}: {} stored, {told}, {counts:?}", numbers.len()))
    };
    if told["stored_messages"] != numbers.len() {
        return problem("another number of stored messages");
    }
    if !numbers.is_sorted_by(|a, b| a < b) {
        return problem("not in order");
    }
    match kind {
        Kind::Live if !numbers.is_empty() => return problem("stored what was not to be stored"),
        Kind::Live => {}
        _ if !ids.iter().copied().eq(1..=numbers.len())
            || told["published_messages"] != ids.len() =>
        {
            return problem("ids have holes");
        }
        Kind::Stored if numbers.len() < counts.1 || numbers.len() > counts.0 => {
            return problem("more or less than what was published");
        }
        _ => {}
    }
    Ok(numbers.len())
}
