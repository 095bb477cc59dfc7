//! A tenth of the subscribers stops reading or vanishes: what do the others notice, and what is left of them?
//!
//! A client that has vanished without FIN is, for a server, one whose window never opens again (it waits to be read) or
//! one that never answers (a WebSocket without pongs).

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use rustix::event::epoll;

use super::room::{fill, wait_empty};
use super::{Plan, proc_fs};
use crate::load::{ask, fan_out, get, post, soon, wait_for};
use crate::runner::client::{Client, find};
use crate::runner::{Conf, Nginx, Outcome, Setup, websocket};

const WORKERS: usize = 2;
/// Bytes of a message, and `push_stream_subscriber_buffer_size`.
const MESSAGE: usize = 4_000;
const BUFFER: usize = 128 << 10;
/// How many messages may be on their way at once; less than a buffer.
const AHEAD: usize = 8;
/// What a worker may take besides, in kB: what it allocates to hold so many connections, and what the allocator keeps.
const MARGIN: usize = 16 << 10;

/// How a subscriber fails its server, and what the access log must say of it.
const KINDS: [(&str, &str); 5] = [
    ("/sub/room", "slow"),
    ("/ev/room", "slow"),
    ("/ws/room", "slow"),
    ("/stuck/room", "send_timeout"),
    ("/silent/quiet", "pong_timeout"),
];

const LOCATIONS: &str = r"
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; push_stream_store_messages on; }
location /live { push_stream_publisher; push_stream_channels_path $arg_id; }
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1; }
location ~ ^/stuck/(.*)$ {
    push_stream_subscriber; push_stream_channels_path $1; push_stream_subscriber_buffer_size 64m; send_timeout 2s;
}
location ~ ^/silent/(.*)$ {
    push_stream_subscriber websocket; push_stream_channels_path $1;
    push_stream_ping_message_interval 1s; push_stream_websocket_pong_timeout 1s;
}
";

pub(super) fn run(setup: &Setup, plan: &Plan) -> Outcome<()> {
    fan_out::allow_many_files()?;
    let conf = Conf {
        main: "worker_rlimit_nofile 16384;".into(),
        events: "worker_connections 8192;".into(),
        http: format!(
            "keepalive_requests 10000000;\nclient_body_buffer_size 128k;\n\
             push_stream_shared_memory_size 32m;\npush_stream_channel_info_on_publish off;\n\
             push_stream_subscriber_buffer_size {BUFFER};\n\
             log_format ended '$push_stream_mode end=$push_stream_close_reason;';\n\
             access_log ended.log ended;"
        ),
        server: LOCATIONS.into(),
        listen: "sndbuf=64k backlog=4096".into(),
        workers: WORKERS,
        ..Conf::default()
    };
    let mut nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;
    let before = fill(port)?;
    let members = plan.choose(500, 5_000);
    let slow = members / 10;
    let (count, pace) = (150, Duration::from_micros(60 * members as u64));

    // A first time all who stay, and as many well-behaved ones as will fail afterwards.
    let mut readers =
        (0..members - slow).map(|_| subscribe(port, "/sub/room")).collect::<Outcome<Vec<_>>>()?;
    let mut extra = (0..slow).map(|_| subscribe(port, "/sub/room")).collect::<Outcome<Vec<_>>>()?;
    wait_for(port, "/stats", soon(20), |summary| summary["subscribers"] == members)?;
    readers.append(&mut extra);
    let mut usual = measure(port, &mut readers, count, pace, 0)?;
    readers.truncate(members - slow);
    wait_for(port, "/stats", soon(20), |summary| summary["subscribers"] == members - slow)?;

    let workers = nginx.workers();
    let idle = total_memory(&workers)?;
    // The silent ones come last: their time is running.
    let (mut failing, each) = (Vec::new(), slow / KINDS.len());
    for (uri, reason) in KINDS {
        if reason == "pong_timeout" {
            let there = members - each;
            wait_for(port, "/stats", soon(20), |summary| summary["subscribers"] == there)?;
        }
        for _ in 0..each {
            failing.push((uri, reason, subscribe(port, uri)?));
        }
    }
    let stop = AtomicBool::new(false);
    let (disturbed, most) = scope(|scope| -> Outcome<_> {
        let memory = scope.spawn(|| watch_memory(&workers, &stop));
        let disturbed = measure(port, &mut readers, count, pace, count);
        // Those that fail are ended by now or soon: none may stay.
        let ended =
            wait_for(port, "/stats", soon(30), |summary| summary["subscribers"] == members - slow);
        stop.store(true, Relaxed);
        let most = memory.join().map_err(|_| "the watch of memory panicked")??;
        ended.map_err(|reason| format!("{slow} were to be ended: {reason}"))?;
        Ok((disturbed?, most))
    })?;
    let mut disturbed = disturbed;
    let (usual, disturbed) = (p99(&mut usual), p99(&mut disturbed));
    let bound = idle + slow * BUFFER / 1_024 + MARGIN;

    let closed = check_ends(&mut nginx, &mut failing)?;
    drop((failing, readers));
    wait_for(port, "/stats", soon(20), |summary| summary["subscribers"] == 0)?;
    let mut client = Client::connect(port)?;
    ask(&mut client, b"DELETE /pub?id=room/quiet HTTP/1.1\r\nHost: x\r\n\r\n")?;
    wait_empty(port)?;
    let after = fill(port)?;
    let left = total_memory(&workers)?;
    plan.say(&format!(
        "slow readers: {slow} of {members} fail, {count} messages of {MESSAGE} bytes: p99 {usual:?} before, {disturbed:?} beside \
         them; {closed}; workers' memory {idle} kB before, {most} kB at most (bound {bound}), {left} kB afterwards; the zone \
         has {before:?} before, {after:?} after"
    ));
    if most > bound || left > idle + MARGIN {
        return Err(format!(
            "memory of the workers: {idle} kB before, {most} kB at most, {left} kB after; bound {bound} kB"
        ));
    }
    if before != after {
        return Err(format!("room in the zone: {before:?} before, {after:?} after"));
    }
    // The constant is the scheduler's: below it a difference says nothing.
    if disturbed > usual * 2 + Duration::from_millis(50) {
        return Err(format!(
            "p99 of the others: {usual:?} before, {disturbed:?} beside slow readers"
        ));
    }
    nginx.quit_cleanly()
}

/// A subscriber with its head.
fn subscribe(port: u16, uri: &str) -> Outcome<Client> {
    let mut client = Client::connect(port)?;
    let is_socket = uri.starts_with("/ws/") || uri.starts_with("/silent/");
    let headers =
        if is_socket { websocket::HANDSHAKE.join("\r\n") + "\r\n" } else { String::new() };
    client.ask(&get(uri, &headers), false, false)?;
    match client.head(soon(20))?.status {
        200 | 101 => Ok(client),
        status => Err(format!("{uri}: {status}")),
    }
}

/// Publishes to all and tells how long each message took to each reader.
fn measure(
    port: u16,
    readers: &mut [Client],
    count: usize,
    pace: Duration,
    first: usize,
) -> Outcome<Vec<Duration>> {
    let begun = Instant::now();
    let filler = "x".repeat(MESSAGE);
    let (members, received) = (readers.len(), AtomicUsize::new(0));
    scope(|scope| {
        let publisher = scope.spawn(|| -> Outcome<()> {
            let mut client = Client::connect(port)?;
            for number in first..first + count {
                // A machine that cannot keep up must not make slow readers of all.
                let limit = soon(60);
                while (number - first).saturating_sub(AHEAD) * members > received.load(Relaxed) {
                    if Instant::now() > limit {
                        return Err(format!("message {number} does not get on"));
                    }
                    sleep(Duration::from_millis(1));
                }
                let text = format!("{number}:{}:{filler};", begun.elapsed().as_nanos());
                match ask(&mut client, &post("/live?id=room", &text))?.status {
                    200 => sleep(pace),
                    status => return Err(format!("publish: {status}")),
                }
            }
            Ok(())
        });
        let latencies = receive(readers, count, first, begun, &received);
        publisher.join().map_err(|_| "the publisher panicked")??;
        latencies
    })
}

fn receive(
    readers: &mut [Client],
    count: usize,
    first: usize,
    begun: Instant,
    received: &AtomicUsize,
) -> Outcome<Vec<Duration>> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
    for (index, reader) in readers.iter().enumerate() {
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&epoll, reader.stream(), data, epoll::EventFlags::IN)
            .map_err(|error| error.to_string())?;
    }
    let mut latencies = Vec::with_capacity(count * readers.len());
    let mut next = vec![first; readers.len()];
    let mut events = Vec::with_capacity(512);
    let wait = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
    let limit = soon(120);
    while latencies.len() < count * readers.len() {
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait))
            .map_err(|e| e.to_string())?;
        for event in &events {
            let index = event.data.u64() as usize;
            let is_open = readers[index].is_open();
            let now = begun.elapsed();
            let bytes = readers[index].take()?;
            let mut rest = &bytes[..];
            while let Some(end) = find(rest, b";") {
                let text = String::from_utf8_lossy(&rest[..end.min(60)]);
                let mut parts = text.split(':').map(str::parse::<u64>);
                let (Some(Ok(number)), Some(Ok(nanos))) = (parts.next(), parts.next()) else {
                    return Err(format!("not a message: {text}"));
                };
                rest = &rest[end + 1..];
                if number != next[index] as u64 {
                    return Err(format!("a reader got {number}, not {}", next[index]));
                }
                next[index] += 1;
                received.fetch_add(1, Relaxed);
                latencies.push(now.saturating_sub(Duration::from_nanos(nanos)));
            }
            if !is_open {
                return Err(format!(
                    "a reader that reads was disconnected after {} messages",
                    next[index] - first
                ));
            }
        }
        if Instant::now() > limit {
            return Err(format!(
                "only {} of {} deliveries",
                latencies.len(),
                count * readers.len()
            ));
        }
    }
    Ok(latencies)
}

fn p99(latencies: &mut [Duration]) -> Duration {
    latencies.sort_unstable();
    latencies.get(latencies.len() * 99 / 100).copied().unwrap_or_default()
}

/// In kB, of all workers together.
fn total_memory(workers: &[i32]) -> Outcome<usize> {
    workers.iter().map(|pid| proc_fs::memory(*pid)).sum()
}

fn watch_memory(workers: &[i32], stop: &AtomicBool) -> Outcome<usize> {
    let mut most = 0;
    while !stop.load(Relaxed) {
        most = most.max(total_memory(workers)?);
        sleep(Duration::from_millis(20));
    }
    Ok(most)
}

/// Each was ended for its own reason, the WebSockets by a close frame that says so.
fn check_ends(nginx: &mut Nginx, failing: &mut [(&str, &str, Client)]) -> Outcome<String> {
    let mut closes = 0;
    for (uri, _, client) in failing.iter_mut() {
        client.gone(soon(10)).map_err(|reason| format!("{uri}: {reason}"))?;
        if *uri == "/ws/room" {
            let frame =
                client.response.last_frame().map_err(|reason| format!("{uri}: {reason}"))?;
            frame.check("close 1013 ~ .*")?;
            closes += 1;
        }
    }
    let path = nginx.prefix().join("ended.log");
    let mut told = Vec::new();
    for reason in ["slow", "send_timeout", "pong_timeout"] {
        let wanted = failing.iter().filter(|(_, why, _)| *why == reason).count();
        let limit = soon(5);
        loop {
            let log = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
            let found = log.matches(&format!("end={reason};")).count();
            if found == wanted {
                break;
            }
            if Instant::now() > limit {
                let mut lines: Vec<&str> =
                    log.lines().filter(|line| !line.starts_with("publisher")).collect();
                lines.sort_unstable();
                let kinds =
                    lines.chunk_by(|a, b| a == b).map(|same| format!("{} {}", same.len(), same[0]));
                let kinds = kinds.collect::<Vec<_>>().join(", ");
                return Err(format!(
                    "{found} subscribers ended for {reason}, not {wanted}: {kinds}"
                ));
            }
            sleep(Duration::from_millis(20));
        }
        told.push(format!("{wanted} {reason}"));
    }
    let slow = failing.iter().filter(|(_, why, _)| *why == "slow").count();
    let limit = soon(5);
    while told_in_log(&nginx.log()) != slow {
        if Instant::now() > limit {
            let lines = told_in_log(&nginx.log());
            return Err(format!("the error log tells of {lines} slow subscribers, not {slow}"));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(format!("ended: {}, {closes} WebSockets with 1013", told.join(", ")))
}

/// How many slow subscribers the error log tells of: some in lines of their own, the others of a second in one line.
fn told_in_log(log: &str) -> usize {
    let lines = log.lines().filter_map(|line| line.split_once("subscriber is too slow: "));
    let counts = lines.map(|(_, what)| match what.split_once(" more in the last second") {
        Some((others, _)) => others.parse().unwrap_or(0),
        None => 1,
    });
    counts.sum()
}
