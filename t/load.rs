//! Tests that a block cannot write: thousands of clients, floods, random timing.
//!
//! One file for each; here is what they share: small requests and waiting for numbers.

mod expiry;
pub(crate) mod fan_out;
mod footprint;
pub(crate) mod full_zone;
mod hostile;
mod long_polls;
mod order;
mod pipelining;
mod rings;
mod websockets;
mod worker_kills;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::{PoisonError, RwLockReadGuard};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use serde_json::Value;

use crate::runner::client::{Client, Response};
use crate::runner::{Conf, MACHINE, Outcome, STANDARD, Setup};

type Test = fn(&Setup) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    let tests: [(&str, Test); 21] = [
        ("2,000 subscribers in 4 workers get 1,000 messages once and in order", fan_out::run),
        ("200,000 publishes to 10,000 channels leave nothing behind", expiry::run),
        ("killed workers lose and repeat nothing", worker_kills::run),
        ("long polls that time out pass over no message", long_polls::run),
        ("news of many channels at once come once and in order", order::many_channels),
        ("a replay that is cut off has no hole", order::cut_off_replay),
        ("messages fill a zone to the same number again and again", full_zone::messages),
        ("channels fill a zone to the same number again", full_zone::channels),
        ("a full zone hurts nobody who is there already", full_zone::bystanders),
        ("a message larger than the zone", full_zone::one_too_large),
        ("an idle subscriber takes no more than its request needs", footprint::run),
        ("requests in random pieces on one connection", pipelining::run),
        ("hostile clients disturb nobody", hostile::run),
        ("sends that go to the kernel together lose and repeat nothing", rings::together),
        ("those of many small cohorts go together", rings::small_cohorts),
        ("nor do those that may not", rings::switched_off),
        ("nor do those of a kernel that forbids it", rings::forbidden),
        ("nor do those of a kernel that stops doing it", rings::failing),
        ("10,000 channels in one request", hostile::many_channels),
        ("1,000 WebSockets, deflated and plain, get every byte of 200 messages", websockets::many),
        ("4 MiB through a WebSocket and back, deflated and plain", websockets::large),
    ];
    let trial = |(name, test): (&str, Test)| {
        let setup = setup.clone();
        Trial::test(format!("load: {name}"), move || test(&setup).map_err(Failed::from))
    };
    tests.into_iter().map(trial).collect()
}

/// The standard locations, with these directives at http level.
pub(crate) fn standard(workers: usize, http: &str) -> Conf {
    Conf {
        http: format!("keepalive_requests 10000000;\n{http}"),
        server: STANDARD.to_owned(),
        workers,
        ..Conf::default()
    }
}

/// Held by tests that run beside others.
pub(crate) fn share_machine() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn soon(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

pub(crate) fn get(uri: &str, headers: &str) -> Vec<u8> {
    format!("GET {uri} HTTP/1.1\r\nHost: x\r\n{headers}\r\n").into_bytes()
}

pub(crate) fn post(uri: &str, text: &str) -> Vec<u8> {
    let length = text.len();
    format!("POST {uri} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{text}").into_bytes()
}

/// One request on this connection, with the whole answer.
pub(crate) fn ask<'a>(client: &'a mut Client, request: &[u8]) -> Outcome<&'a Response> {
    client.ask(request, false, false)?;
    client.complete(soon(10))
}

/// Asks for JSON until `holds`.
pub(crate) fn wait_for(
    port: u16,
    uri: &str,
    limit: Instant,
    holds: impl Fn(&Value) -> bool,
) -> Outcome<Value> {
    loop {
        let mut client = Client::connect(port)?;
        let response = ask(&mut client, &get(uri, ""))?;
        let value = serde_json::from_slice(&response.body).unwrap_or_default();
        if holds(&value) {
            return Ok(value);
        }
        if Instant::now() > limit {
            return Err(format!("{uri} never became what was wanted: {value}"));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// True when the zone holds nothing any more.
pub(crate) fn at_baseline(summary: &Value) -> bool {
    const NAMES: [&str; 6] = [
        "channels",
        "stored_messages",
        "messages_in_trash",
        "channels_in_delete",
        "channels_in_trash",
        "subscribers",
    ];
    NAMES.iter().all(|name| summary[name] == 0)
}

/// Sends many requests in one go and wants 200 for each; all answers have the same length.
pub(crate) fn flood(
    port: u16,
    requests: impl Iterator<Item = Vec<u8>>,
    batch: usize,
) -> Outcome<()> {
    let mut stream =
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|e| format!("connect: {e}"))?;
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).map_err(|e| e.to_string())?;
    stream.set_write_timeout(limit).map_err(|e| e.to_string())?;
    let mut requests = requests.peekable();
    let mut length = None;
    while requests.peek().is_some() {
        // The first request goes alone: its answer tells the length.
        let count = if length.is_none() { 1 } else { batch };
        let chosen: Vec<Vec<u8>> = requests.by_ref().take(count).collect();
        stream.write_all(&chosen.concat()).map_err(|e| format!("send: {e}"))?;
        let mut answers = vec![0; length.map_or(4096, |length: usize| length * chosen.len())];
        if length.is_none() {
            let read = stream.read(&mut answers).map_err(|e| format!("read: {e}"))?;
            answers.truncate(read);
            length = Some(read);
        } else {
            stream.read_exact(&mut answers).map_err(|e| format!("read: {e}"))?;
        }
        for answer in answers.chunks(length.unwrap_or(1).max(1)) {
            if !answer.starts_with(b"HTTP/1.1 200 OK\r\n") {
                return Err(format!("not a 200: {}", answer.escape_ascii()));
            }
        }
    }
    Ok(())
}

/// A small generator of numbers that look random and can be repeated (xorshift).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit.max(1) as u64) as usize
    }
}
