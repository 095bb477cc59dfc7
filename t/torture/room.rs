//! What the zone has room for: to the byte the same whenever it is empty, or something leaks.

use super::ledger::Ledger;
use crate::load::{ask, full_zone, get, post, soon, wait_for};
use crate::runner::Outcome;
use crate::runner::client::Client;

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
    wait_empty(port)
}

/// Nothing is in the zone any more. (What went shows in the statistics for ten seconds more; its memory is free.)
pub(super) fn wait_empty(port: u16) -> Outcome<()> {
    const NAMES: [&str; 4] = ["channels", "channels_in_delete", "stored_messages", "subscribers"];
    wait_for(port, "/stats", soon(30), |summary| NAMES.iter().all(|name| summary[name] == 0))
        .map(drop)
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
    wait_empty(port)?;
    Ok(Room { large, small, free_bytes })
}

pub(super) fn free_bytes(port: u16) -> Outcome<u64> {
    metric(port, "push_stream_zone_bytes{use=\"free\"}")
}

/// The value of a metric.
pub(super) fn metric(port: u16, name: &str) -> Outcome<u64> {
    let mut client = Client::connect(port)?;
    let answer = ask(&mut client, &get("/stats", "Accept: text/plain; version=0.0.4\r\n"))?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    value.ok_or_else(|| format!("{name} is not in the metrics: {}", answer.status))
}
