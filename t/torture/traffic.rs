//! The load of the crash and reload tests: publishers, swarms and a pulse on one nginx, and the reckoning afterwards.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use serde_json::Value;

use super::ledger::{Kind, Ledger, number};
use super::pulse::Pulse;
use super::swarm::{Control, Swarm};
use super::{Plan, proc_fs};
use crate::load::{ask, at_baseline, full_zone, get, post, soon, wait_for};
use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome};

/// Members of one thread, and publishers.
const SWARM: usize = 500;
const PUBLISHERS: usize = 3;

/// Locations for all modes. Every message shows its cursor, and several channels come in the order of it, so
/// that wherever a connection is cut its client can go on.
const LOCATIONS: &str = r"
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; push_stream_auto_event_id on; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
location ~ ^/ev/(.*)$ {
    push_stream_subscriber eventsource;
    push_stream_channels_path $1;
    push_stream_auto_event_id on;
    push_stream_message_template '~id~;~time~;~tag~;~channel~;~text~';
}
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket;
    push_stream_channels_path $1;
    push_stream_auto_event_id on;
    push_stream_last_received_message_time $arg_time;
    push_stream_last_received_message_tag $arg_tag;
}
";

pub(super) fn configuration(workers: usize, zone: &str) -> Conf {
    Conf {
        main: "worker_rlimit_nofile 16384; worker_rlimit_core 0;".into(),
        events: "worker_connections 8192;".into(),
        http: format!(
            "keepalive_requests 10000000;\nclient_body_buffer_size 128k;\n\
             push_stream_shared_memory_size {zone};\n\
             push_stream_message_template '~id~;~time~;~tag~;~channel~;~text~\\n';\n\
             push_stream_longpolling_connection_ttl 10s;\n\
             push_stream_channel_info_on_publish off;\n\
             proxy_cache_path ${{PREFIX}}/cache keys_zone=cache:1m;"
        ),
        server: LOCATIONS.into(),
        workers,
        ..Conf::default()
    }
}

pub(super) struct Traffic {
    port: u16,
    pub(super) ledger: Arc<Ledger>,
    pub(super) control: Arc<Control>,
    members: usize,
    publishers: Vec<JoinHandle<Outcome<()>>>,
    swarms: Vec<JoinHandle<Outcome<Swarm>>>,
    pub(super) pulse: Pulse,
}

/// What was left when all had everything: still connected members.
pub(super) struct Settled {
    ledger: Arc<Ledger>,
    swarms: Vec<Swarm>,
}

impl Traffic {
    /// Members first, so that they see everything from the beginning.
    pub(super) fn start(port: u16, members: usize, plan: &Plan) -> Outcome<Traffic> {
        let ledger = Arc::new(Ledger::new());
        let sizes: Vec<usize> =
            (0..members).step_by(SWARM).map(|first| SWARM.min(members - first)).collect();
        let settled = sizes.iter().map(|_| AtomicUsize::new(0)).collect();
        let control = Arc::new(Control { settled, ..Control::default() });
        let mut swarms = Vec::new();
        for (index, size) in sizes.into_iter().enumerate() {
            let swarm = Swarm::new(port, Arc::clone(&ledger), size, plan.seed_of(index))?;
            let control = Arc::clone(&control);
            swarms.push(spawn(move || swarm.run(&control, index)));
        }
        let pulse = Pulse::start(port);
        let mut traffic =
            Traffic { port, ledger, control, members, publishers: Vec::new(), swarms, pulse };
        traffic.wait_settled()?;
        // As many deliveries each second, however many members there are.
        let pace = Duration::from_micros(20 * members as u64);
        for index in 0..PUBLISHERS {
            let (ledger, seed) = (Arc::clone(&traffic.ledger), plan.seed_of(100 + index));
            let run = move || ledger.serve(port, seed, index, PUBLISHERS, pace);
            traffic.publishers.push(spawn(run));
        }
        traffic.control.churn.store(true, Relaxed);
        Ok(traffic)
    }

    /// An error as soon as one of the threads has one.
    pub(super) fn check(&mut self) -> Outcome<()> {
        let publisher = self.publishers.iter().position(JoinHandle::is_finished);
        if let Some(index) = publisher {
            return self
                .publishers
                .swap_remove(index)
                .join()
                .map_err(|_| "a publisher panicked")?;
        }
        if let Some(index) = self.swarms.iter().position(JoinHandle::is_finished) {
            let ended = self.swarms.swap_remove(index).join().map_err(|_| "a swarm panicked")?;
            return ended.and(Err("a swarm ended by itself".into()));
        }
        Ok(())
    }

    /// Until every member has its connection.
    fn wait_settled(&mut self) -> Outcome<()> {
        let limit = soon(60);
        loop {
            self.check()?;
            let settled: usize = self.control.settled.iter().map(|one| one.load(Relaxed)).sum();
            if settled == self.members {
                return Ok(());
            }
            if std::time::Instant::now() > limit {
                return Err(format!(
                    "only {settled} of {} members have their answer",
                    self.members
                ));
            }
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends the publishing; everybody must get everything that was acknowledged.
    pub(super) fn settle(mut self) -> Outcome<Settled> {
        self.control.churn.store(false, Relaxed);
        self.ledger.stop.store(true, Relaxed);
        for publisher in std::mem::take(&mut self.publishers) {
            publisher.join().map_err(|_| "a publisher panicked")??;
        }
        self.pulse.stop()?;
        // Those who are connected now get the last messages live; what went before shows in their order.
        let limit = soon(60);
        while self.control.settled.iter().map(|one| one.load(Relaxed)).sum::<usize>() < self.members
        {
            if let Some(index) = self.swarms.iter().position(JoinHandle::is_finished) {
                let ended =
                    self.swarms.swap_remove(index).join().map_err(|_| "a swarm panicked")?;
                return ended.and(Err("a swarm ended by itself".into()));
            }
            if std::time::Instant::now() > limit {
                return Err("members do not get back in".into());
            }
            sleep(Duration::from_millis(20));
        }
        self.ledger.publish_last(self.port)?;
        self.control.finish.store(true, Relaxed);
        let swarms =
            self.swarms.into_iter().map(|thread| thread.join().map_err(|_| "a swarm panicked")?);
        Ok(Settled { ledger: self.ledger, swarms: swarms.collect::<Outcome<_>>()? })
    }
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

/// Deletes everything, and waits until it has gone.
pub(super) fn delete_all(port: u16) -> Outcome<()> {
    let ledger = Ledger::new();
    let mut client = Client::connect(port)?;
    let channels = ledger.groups.iter().flat_map(|group| group.channels).copied();
    for channel in channels.chain(["pulse", "fill"]) {
        let request = format!("DELETE /pub?id={channel} HTTP/1.1\r\nHost: x\r\n\r\n");
        let status = ask(&mut client, request.as_bytes())?.status;
        if !matches!(status, 200 | 404) {
            return Err(format!("DELETE of {channel}: {status}"));
        }
    }
    wait_for(port, "/stats", soon(30), at_baseline).map(drop)
}

/// What the zone has room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Room {
    /// Messages of 100 kB until it was full, then of one byte.
    large: usize,
    small: usize,
    free_bytes: u64,
}

/// Fills an empty zone, and empties it.
pub(super) fn fill(port: u16) -> Outcome<Room> {
    let free_bytes = free_bytes(port)?;
    let text = "x".repeat(100_000);
    let large = full_zone::fill(port, |_| post("/pub?id=fill", &text))?;
    let small = full_zone::fill(port, |_| post("/pub?id=fill", "x"))?;
    let mut client = Client::connect(port)?;
    ask(&mut client, b"DELETE /pub?id=fill HTTP/1.1\r\nHost: x\r\n\r\n")?;
    wait_for(port, "/stats", soon(20), |summary| {
        summary["stored_messages"] == 0
            && summary["channels"] == 0
            && summary["channels_in_delete"] == 0
    })?;
    Ok(Room { large, small, free_bytes })
}

/// What the metrics say of the zone.
pub(super) fn free_bytes(port: u16) -> Outcome<u64> {
    let mut client = Client::connect(port)?;
    let answer = ask(&mut client, &get("/stats", "Accept: text/plain; version=0.0.4\r\n"))?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut lines = text.lines();
    let number = lines
        .find_map(|line| line.strip_prefix("push_stream_zone_bytes{use=\"free\"} ")?.parse().ok());
    number.ok_or_else(|| format!("no free bytes in the metrics: {}", answer.status))
}
