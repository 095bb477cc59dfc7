//! Churn: subscribers come and go, messages of 1 byte to 1 MB are published, expire and are deleted, channels by the
//! thousand come into being and go. The workers' memory must not grow, and the zone must be as it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use super::ledger::{Connection, number, text};
use super::room::free_bytes;
use super::{Plan, proc_fs};
use crate::load::{Dice, at_baseline, fan_out, flood, get, post, soon, wait_for};
use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome, STANDARD, Setup, websocket};

const WORKERS: usize = 2;
const PUBLISHERS: usize = 3;
const LISTENERS: usize = 3;

/// What the second half of the time may add to the memory of a worker, in kB. In seconds the allocator has not
/// seen everything yet.
const GROWTH: (usize, usize) = (12 << 10, 4 << 10);

/// What a thread does until it is told to stop.
type Job = fn(&Shared, u64) -> Outcome<()>;

#[derive(Default)]
struct Shared {
    port: u16,
    /// Connections of one listener, channels of the tiny messages.
    connections: usize,
    channels: usize,
    stop: AtomicBool,
    published: AtomicUsize,
    deleted: AtomicUsize,
    subscribed: AtomicUsize,
    received: AtomicUsize,
}

pub(super) fn run(setup: &Setup, plan: &Plan) -> Outcome<()> {
    fan_out::allow_many_files()?;
    let ttl = plan.choose(2, 20);
    let server = format!(
        "{STANDARD}location ~ ^/ev/(.*)$ {{ push_stream_subscriber eventsource; push_stream_channels_path $1; }}\n\
         location ~ ^/ws/(.*)$ {{ push_stream_subscriber websocket; push_stream_channels_path $1; \
         push_stream_websocket_deflate on; }}"
    );
    let conf = Conf {
        main: "worker_rlimit_nofile 16384;".into(),
        events: "worker_connections 8192;".into(),
        http: format!(
            "keepalive_requests 10000000;\nclient_body_buffer_size 128k;\nclient_max_body_size 4m;\n\
             push_stream_shared_memory_size 256m;\npush_stream_channel_info_on_publish off;\n\
             push_stream_max_messages_stored_per_channel 40;\n\
             push_stream_message_ttl {ttl}s;\npush_stream_channel_inactivity_time {ttl}s;\n\
             push_stream_message_template '~text~;';\n"
        ),
        server,
        workers: WORKERS,
        ..Conf::default()
    };
    let mut nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;
    let before = free_bytes(port)?;

    let (connections, channels) = (plan.choose(60, 500), plan.choose(5_000, 100_000));
    let shared = Arc::new(Shared { port, connections, channels, ..Shared::default() });
    let mut threads: Vec<JoinHandle<Outcome<()>>> = Vec::new();
    let jobs: [(Job, usize); 3] = [(publish, PUBLISHERS), (listen, LISTENERS), (many_channels, 1)];
    for (job, count) in jobs {
        for _ in 0..count {
            let (shared, seed) = (Arc::clone(&shared), plan.seed_of(3_000 + threads.len()));
            threads.push(spawn(move || job(&shared, seed)));
        }
    }
    let curves = sample(&mut nginx, plan.time(7, 25), &mut threads, plan.choose(100, 1_000))?;
    shared.stop.store(true, Relaxed);
    for thread in threads {
        thread.join().map_err(|_| "a thread of the soak panicked")??;
    }
    let count = |what: &AtomicUsize| what.load(Relaxed);
    plan.say(&format!(
        "soak: {} publishes of 1 byte to 1 MB, {} DELETEs, {} subscribers, {} messages checked, at most {} channels",
        count(&shared.published),
        count(&shared.deleted),
        count(&shared.subscribed),
        count(&shared.received),
        curves.channels,
    ));
    // Messages expire, their channels are idle, and what went shows in the statistics for ten seconds.
    wait_for(port, "/stats", soon(60), at_baseline)?;
    let after = free_bytes(port)?;
    plan.say(&format!("soak: free bytes of the zone: {before} before, {after} after"));
    let growth = if plan.seconds.is_some() { GROWTH.1 } else { GROWTH.0 };
    let mut problems = Vec::new();
    for (worker, memory) in curves.memory.iter().enumerate() {
        let grows = slope(&memory[memory.len() / 2..]);
        let (least, most) = (memory.iter().min(), memory.iter().max());
        plan.say(&format!("soak: memory of worker {worker}, {least:?} to {most:?} kB, {grows:+.0} kB in the second half"));
        plan.say(&format!("soak: {}", drawn(memory)));
        if grows > growth as f64 {
            problems.push(format!(
                "the memory of worker {worker} grows: {grows:.0} kB in the second half"
            ));
        }
    }
    if before != after {
        problems.push(format!("free bytes of the zone: {before} before, {after} after"));
    }
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    nginx.quit_cleanly()
}

/// What was sampled: the memory of each worker in kB, and the most channels that were seen.
struct Curves {
    memory: Vec<Vec<usize>>,
    channels: u64,
}

fn sample(
    nginx: &mut Nginx,
    time: Duration,
    threads: &mut Vec<JoinHandle<Outcome<()>>>,
    interval: usize,
) -> Outcome<Curves> {
    let workers = nginx.workers();
    let mut curves = Curves { memory: vec![Vec::new(); workers.len()], channels: 0 };
    let end = Instant::now() + time;
    while Instant::now() < end {
        for (pid, curve) in workers.iter().zip(&mut curves.memory) {
            curve.push(proc_fs::memory(*pid)?);
        }
        if curves.memory[0].len().is_multiple_of(10) {
            let summary =
                wait_for(nginx.port, "/stats", soon(20), |summary| summary["channels"].is_u64())?;
            curves.channels = curves.channels.max(summary["channels"].as_u64().unwrap_or_default());
        }
        if let Some(index) = threads.iter().position(JoinHandle::is_finished) {
            threads.swap_remove(index).join().map_err(|_| "a thread of the soak panicked")??;
            return Err("a thread of the soak ended by itself".into());
        }
        sleep(Duration::from_millis(interval as u64));
    }
    Ok(curves)
}

/// Messages of all sizes, each size class as often as the others, to a few dozen channels.
fn publish(shared: &Shared, seed: u64) -> Outcome<()> {
    let mut dice = Dice(seed);
    let mut connection = Connection::new(shared.port);
    while !shared.stop.load(Relaxed) {
        let uri = format!("/pub?id=c{}", dice.below(40));
        let is_delete = dice.below(20) == 0;
        let request = if is_delete {
            format!("DELETE {uri} HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes()
        } else {
            let class = dice.below(21);
            let length = 1 + dice.below(1 << class);
            post(&uri, &text(length, length, &mut dice))
        };
        match connection.ask(&request)? {
            Some(200) if is_delete => shared.deleted.fetch_add(1, Relaxed),
            Some(200) => shared.published.fetch_add(1, Relaxed),
            Some(404) if is_delete => 0,
            status => return Err(format!("{uri}: {status:?}")),
        };
        sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Tiny messages to channels that nobody follows.
fn many_channels(shared: &Shared, seed: u64) -> Outcome<()> {
    const ROUND: usize = 1_000;
    let mut dice = Dice(seed);
    let mut next = 0;
    while !shared.stop.load(Relaxed) {
        let names = (next..next + ROUND)
            .map(|number| format!("/pub?id=many{:07}", number % shared.channels));
        flood(shared.port, names.map(|uri| post(&uri, "x")), 100)?;
        next += ROUND;
        // All of them in about two seconds, then a moment for them to go.
        let pause =
            if next % shared.channels == 0 { 1_500 } else { 2_000 * ROUND / shared.channels };
        sleep(Duration::from_millis(pause as u64 + dice.below(20) as u64));
    }
    Ok(())
}

/// Holds connections of all modes; each stays for a random time, some do not read for a while.
fn listen(shared: &Shared, seed: u64) -> Outcome<()> {
    let mut dice = Dice(seed);
    let mut clients: Vec<(Client, Vec<u8>)> = Vec::new();
    while !shared.stop.load(Relaxed) {
        if clients.len() < shared.connections {
            clients.push((subscribe(shared.port, &mut dice)?, Vec::new()));
            shared.subscribed.fetch_add(1, Relaxed);
        } else {
            clients.swap_remove(dice.below(clients.len()));
        }
        for _ in 0..8 {
            let index = dice.below(clients.len());
            let Some((client, text)) = clients.get_mut(index) else { continue };
            let is_open = client.is_open();
            text.extend(client.take()?);
            check(text, &shared.received)?;
            if !is_open || client.response.complete {
                clients.swap_remove(index);
            }
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn subscribe(port: u16, dice: &mut Dice) -> Outcome<Client> {
    let mode = ["sub", "ev", "lp", "ws", "poll"][dice.below(5)];
    let channels = ["", "/c1", "/c2/c3"][dice.below(3)];
    let backtrack = ["", ".b2"][dice.below(2)];
    let uri = format!("/{mode}/c{}{channels}{backtrack}", dice.below(40));
    let headers = match mode {
        "ws" => websocket::HANDSHAKE.join("\r\n") + "\r\n",
        _ => String::new(),
    };
    let mut client = Client::connect(port)?;
    client.ask(&get(&uri, &headers), false, false)?;
    Ok(client)
}

/// Takes the whole messages off.
fn check(text: &mut Vec<u8>, received: &AtomicUsize) -> Outcome<()> {
    let Some(end) = memchr::memrchr(b';', text) else { return Ok(()) };
    let whole: Vec<u8> = text.drain(..=end).collect();
    let whole = String::from_utf8_lossy(&whole).into_owned();
    for message in whole.split_terminator(';') {
        // An event source has "data: " before it and comments between.
        let message = message.trim().lines().last().unwrap_or_default();
        let message = message.strip_prefix("data: ").unwrap_or(message);
        if message != "Channel deleted" && !message.is_empty() {
            number(message)?;
            received.fetch_add(1, Relaxed);
        }
    }
    Ok(())
}

/// How much a straight line through the points rises from the first to the last.
fn slope(points: &[usize]) -> f64 {
    let count = points.len() as f64;
    let mean_x = (count - 1.0) / 2.0;
    let mean_y = points.iter().sum::<usize>() as f64 / count;
    let (mut covariance, mut variance) = (0.0, 0.0);
    for (x, y) in points.iter().enumerate() {
        covariance += (x as f64 - mean_x) * (*y as f64 - mean_y);
        variance += (x as f64 - mean_x).powi(2);
    }
    if variance == 0.0 { 0.0 } else { covariance / variance * (count - 1.0) }
}

/// The curve in 60 characters, from 0 to its highest point.
fn drawn(points: &[usize]) -> String {
    const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = points.iter().max().copied().unwrap_or_default().max(1);
    let step = points.len().div_ceil(60).max(1);
    points
        .chunks(step)
        .map(|chunk| LEVELS[chunk.iter().max().map_or(0, |value| value * 7 / most)])
        .collect()
}
