//! Sends that go to the kernel together, by io_uring, and what happens where the kernel does not have it or stops doing it.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Instant;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter};

use super::fan_out::{self, receive};
use super::{ask, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

/// Numbers of system calls, the same on all machines.
const IO_URING_SETUP: i64 = 425;
const IO_URING_ENTER: i64 = 426;
/// What the calls fail with.
const EPERM: u32 = 1;
const ENOMEM: u32 = 12;

const READERS: usize = 150;
/// They read when everything has been published: much more than their sockets take.
const LATE_READERS: usize = 50;
const MESSAGES: usize = 60;
const LENGTH: usize = 100_000;
const SMALL_COHORTS: usize = 60;
const TEMPLATE: &str = "push_stream_message_template \"~id~ ~text~\";";
/// Clients of a long poll, and the messages that they get.
const POLLS: usize = 300;
const ROUNDS: usize = 10;
/// With two subscribers each.
const SMALL_CHANNELS: usize = 20;

pub(super) fn together(setup: &Setup) -> Outcome<()> {
    let log = fan_out(setup, "")?;
    if log.contains("io_uring has failed") || log.contains("io_uring send failed") {
        return Err(log);
    }
    Ok(())
}

/// One publish to many channels with two subscribers each: their sends go with one system call, or a few.
pub(super) fn small_cohorts(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let nginx = Nginx::start(setup, &standard(1, TEMPLATE))?;
    let port = nginx.port;
    let rooms: Vec<String> = (0..SMALL_COHORTS).map(|room| format!("room{room}")).collect();
    let mut clients = Vec::new();
    for room in rooms.iter().chain(&rooms) {
        let mut client = Client::connect(port)?;
        client.ask(&get(&format!("/sub/{room}"), ""), false, false)?;
        client.head(soon(5))?;
        clients.push(client);
    }
    let sends = clients.len() as f64;
    // The first message goes with what is left of the heads.
    for _ in 0..2 {
        ask(&mut Client::connect(port)?, &post(&format!("/pub?id={}", rooms.join("/")), "x"))?;
    }
    let number = |name| -> Outcome<f64> {
        let mut client = Client::connect(port)?;
        let accept = "Accept: text/plain; version=0.0.4\r\n";
        let body = ask(&mut client, &get("/stats", accept))?.body.clone();
        let text = String::from_utf8_lossy(&body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        line.and_then(|number| number.parse().ok()).ok_or(format!("no {name}: {text}"))
    };
    let limit = soon(5);
    loop {
        let delivered = number("push_stream_sent_bytes_total")?;
        let (calls, sent) = (
            number("push_stream_io_uring_calls_total")?,
            number("push_stream_io_uring_sends_total")?,
        );
        if nginx.log().contains("no io_uring here") {
            break;
        }
        if sent >= sends && delivered > 0.0 {
            // 128 go with one call; a message may be taken from the zone while it is not yet in all channels.
            if calls * 16.0 > sent {
                return Err(format!("{calls} calls for {sent} sends"));
            }
            break;
        }
        if Instant::now() > limit {
            return Err(format!("{sent} sends of {sends} by {calls} calls"));
        }
    }
    drop(clients);
    nginx.quit_cleanly()
}

pub(super) fn switched_off(setup: &Setup) -> Outcome<()> {
    let log = fan_out(setup, "push_stream_io_uring off;")?;
    if log.contains("io_uring") { Err(log) } else { Ok(()) }
}

pub(super) fn forbidden(setup: &Setup) -> Outcome<()> {
    let setup = setup.clone();
    within_filter(IO_URING_SETUP, EPERM, move || {
        let log = fan_out(&setup, "")?;
        let told = log.matches("no io_uring here (Operation not permitted").count();
        if told == 2 { Ok(()) } else { Err(format!("told {told} times by 2 workers: {log}")) }
    })
}

pub(super) fn failing(setup: &Setup) -> Outcome<()> {
    let setup = setup.clone();
    within_filter(IO_URING_ENTER, ENOMEM, move || {
        failed_in_all(&fan_out(&setup, "")?)?;
        // The other way round: polls are the first that it fails for.
        let nginx = Nginx::start(&setup, &standard(2, TEMPLATE))?;
        polls(nginx.port)?;
        let log = nginx.log();
        nginx.quit_cleanly()?;
        failed_in_all(&log)
    })
}

/// Both workers have told that their ring is of no use. Where there is none at all none can fail.
fn failed_in_all(log: &str) -> Outcome<()> {
    let told = log.matches("io_uring has failed (Cannot allocate memory").count();
    let none = log.matches("no io_uring here").count();
    if told + none == 2 { Ok(()) } else { Err(format!("told {told} times: {log}")) }
}

/// Runs a test in a thread in which one system call fails, and in all processes that it starts.
fn within_filter(
    call: i64,
    error: u32,
    test: impl FnOnce() -> Outcome<()> + Send + 'static,
) -> Outcome<()> {
    let filtered = thread::spawn(move || {
        let machine = std::env::consts::ARCH.try_into().map_err(|e| format!("{e}"))?;
        let rules = BTreeMap::from([(call, Vec::new())]);
        let filter =
            SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(error), machine);
        let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(|e| format!("{e}"))?;
        seccompiler::apply_filter(&program).map_err(|e| format!("seccomp: {e}"))?;
        test()
    });
    filtered.join().map_err(|_| "the test panicked")?
}

/// Long polls that are all answered by one message, again and again.
fn polls(port: u16) -> Outcome<()> {
    let mut clients =
        (0..POLLS).map(|_| Client::connect(port)).collect::<Outcome<Vec<Client>>>()?;
    let mut publisher = Client::connect(port)?;
    let mut cursor = String::new();
    for id in 1..=ROUNDS {
        for client in &mut clients {
            client.ask(&get("/lp/polled", &cursor), false, false)?;
        }
        wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == POLLS)?;
        ask(&mut publisher, &post("/pub?id=polled", &format!("poll {id}")))?;
        for client in &mut clients {
            let response = client.complete(soon(10))?;
            let body = String::from_utf8_lossy(&response.body).into_owned();
            if response.status != 200 || body != format!("{id} poll {id}") {
                return Err(format!("poll {id}: {} {body}", response.status));
            }
            let value = |name| response.header(name).unwrap_or_default().to_owned();
            let (time, tag) = (value("Last-Modified"), value("Etag"));
            cursor = format!("If-Modified-Since: {time}\r\nIf-None-Match: {tag}\r\n");
        }
    }
    Ok(())
}

/// Many subscribers of one channel, some of whom read late, and two of each of many channels: all get every byte. Answers the log.
fn fan_out(setup: &Setup, http: &str) -> Outcome<String> {
    let _shared = share_machine();
    let http = format!(
        "{TEMPLATE}\npush_stream_channel_info_on_publish off;\n\
         push_stream_subscriber_buffer_size 64m;\nclient_max_body_size 1m;\n\
         client_body_buffer_size 1m;\n{http}"
    );
    let mut nginx = Nginx::start(setup, &standard(2, &http))?;
    let port = nginx.port;
    let text = |channel: usize, id: usize| {
        let length = if channel == 0 { LENGTH } else { 100 };
        format!("{channel}-{id}-").repeat(length)[..length].to_owned()
    };
    let expected = |channel: usize| -> Vec<u8> {
        let piece = |id| {
            let piece = format!("{id} {}", text(channel, id));
            format!("{:x}\r\n{piece}\r\n", piece.len()).into_bytes()
        };
        (1..=MESSAGES).flat_map(piece).collect()
    };
    let expected: Vec<Vec<u8>> = (0..=SMALL_CHANNELS).map(expected).collect();
    let subscribe =
        |channel: usize| fan_out::subscribe(port, &format!("room{channel}"), &expected[channel]);
    let mut late = (0..LATE_READERS).map(|_| subscribe(0)).collect::<Outcome<Vec<_>>>()?;
    let mut readers = (0..READERS).map(|_| subscribe(0)).collect::<Outcome<Vec<_>>>()?;
    for channel in 1..=SMALL_CHANNELS {
        readers.push(subscribe(channel)?);
        readers.push(subscribe(channel)?);
    }
    let all = READERS + LATE_READERS + 2 * SMALL_CHANNELS;
    wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == all)?;

    let publisher = thread::spawn(move || -> Outcome<()> {
        let mut client = Client::connect(port)?;
        for id in 1..=MESSAGES {
            for channel in 0..=SMALL_CHANNELS {
                let request = post(&format!("/pub?id=room{channel}"), &text(channel, id));
                let status = ask(&mut client, &request)?.status;
                if status != 200 {
                    return Err(format!("publish {id}: {status}"));
                }
            }
        }
        Ok(())
    });
    receive(&mut readers, soon(60))?;
    publisher.join().map_err(|_| "the publisher panicked")??;
    receive(&mut late, soon(60))?;

    let has_ring = |pid: i32| {
        let files = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
        links.any(|link| link.to_string_lossy().contains("io_uring"))
    };
    let rings = nginx.workers().into_iter().filter(|pid| has_ring(*pid)).count();
    let log = nginx.log();
    let unused = ["no io_uring here", "io_uring has failed"];
    let is_unused = http.contains("io_uring off") || unused.iter().any(|line| log.contains(line));
    if rings != if is_unused { 0 } else { 2 } {
        return Err(format!("{rings} workers have a ring: {log}"));
    }
    drop((late, readers));
    polls(port)?;
    wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == 0)?;
    nginx.quit_cleanly()?;
    Ok(log)
}
