//! Workers are killed with SIGKILL, one every few milliseconds, under publishers, subscribers and
//! long polls. Afterwards: every acknowledged message is stored, once and in order; a long poll that
//! always resumed by its cursor has seen exactly what is stored; the counters are right.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::Duration;

use super::{Dice, ask, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

const WORKERS: usize = 3;
const KILLS: usize = 25;
const CHANNELS: [&str; 2] = ["left", "right"];

/// What a publisher knows afterwards: numbers that were answered with 200.
type Acknowledged = Vec<usize>;

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let conf = standard(
        WORKERS,
        "push_stream_shared_memory_size 32m;\npush_stream_message_template \"~channel~=~text~;\";",
    );
    let mut nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;
    let stop = AtomicBool::new(false);
    let quiet = AtomicBool::new(false);
    let (acknowledged, polled) = thread::scope(|scope| -> Outcome<_> {
        let stop = &stop;
        let quiet = &quiet;
        let publishers = CHANNELS.map(|channel| scope.spawn(move || publish(port, channel, stop)));
        let pollers =
            ["/lp/left", "/lp/right/left"].map(|uri| scope.spawn(move || poll(port, uri, quiet)));
        let listeners: Vec<_> =
            (1..=4).map(|seed| scope.spawn(move || come_and_go(port, seed, stop))).collect();
        let killed = kill(&mut nginx);
        stop.store(true, Relaxed);
        let acknowledged = publishers.map(|thread| thread.join().unwrap_or_default());
        // The pollers may take what is left before they are told to leave.
        thread::sleep(Duration::from_millis(1_500));
        quiet.store(true, Relaxed);
        for channel in CHANNELS {
            let _ = try_publish(port, channel, "end");
        }
        let polled = pollers.map(|thread| thread.join().unwrap_or_default());
        for thread in listeners {
            thread.join().map_err(|_| "a listener panicked")?;
        }
        killed.map(|()| (acknowledged, polled))
    })?;

    for (channel, acknowledged) in CHANNELS.iter().zip(&acknowledged) {
        let stored = stored(port, channel)?;
        let numbers: Vec<usize> = stored.iter().filter_map(|text| text.parse().ok()).collect();
        if !numbers.is_sorted_by(|a, b| a < b) {
            return Err(format!("{channel}: not in order, or twice: {numbers:?}"));
        }
        if let Some(lost) = acknowledged.iter().find(|number| !numbers.contains(number)) {
            return Err(format!("{channel}: {lost} was acknowledged and is not stored"));
        }
        if acknowledged.len() < 50 {
            return Err(format!("{channel}: only {} publishes", acknowledged.len()));
        }
        for seen in &polled {
            let prefix = format!("{channel}=");
            let seen: Vec<&str> =
                seen.iter().filter_map(|text| text.strip_prefix(&prefix)).collect();
            if !seen.is_empty() && seen != stored {
                return Err(format!("{channel}: stored {stored:?}\n polled {seen:?}"));
            }
        }
    }
    if polled.iter().any(|seen| seen.is_empty()) {
        return Err("a poll saw nothing".into());
    }
    wait_for(port, "/stats", soon(5), |summary| {
        let workers = summary["by_worker"].as_array().map(Vec::len);
        summary["subscribers"] == 0 && workers == Some(WORKERS)
    })?;
    wait_for(port, "/stats?id=left", soon(3), |channel| channel["subscribers"] == 0)?;
    nginx.quit_cleanly()
}

fn kill(nginx: &mut Nginx) -> Outcome<()> {
    let mut dice = Dice(4_711);
    for _ in 0..KILLS {
        thread::sleep(Duration::from_millis(20 + dice.below(150) as u64));
        let workers = nginx.workers();
        let victim = workers.get(dice.below(workers.len())).copied().ok_or("no workers")?;
        nginx.kill_worker(victim, soon(5))?;
    }
    Ok(())
}

/// Publishes numbers until told to stop; a number without an answer may or may not be stored.
fn publish(port: u16, channel: &str, stop: &AtomicBool) -> Acknowledged {
    let mut acknowledged = Vec::new();
    for number in 0..100_000 {
        if stop.load(Relaxed) {
            break;
        }
        if try_publish(port, channel, &number.to_string()).is_ok() {
            acknowledged.push(number);
        }
        thread::sleep(Duration::from_millis(2));
    }
    acknowledged
}

fn try_publish(port: u16, channel: &str, text: &str) -> Outcome<()> {
    let mut client = Client::connect(port)?;
    let response = ask(&mut client, &post(&format!("/pub?id={channel}"), text))?;
    if response.status == 200 { Ok(()) } else { Err(format!("status {}", response.status)) }
}

/// Long-polls from the beginning, always with the cursor of the last answer; a request that died is
/// asked again with the same cursor. Ends at the message "end" of every channel of the path.
fn poll(port: u16, uri: &str, quiet: &AtomicBool) -> Vec<String> {
    let mut cursor = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned();
    let mut seen = Vec::new();
    let limit = soon(40);
    let ends = uri.matches('/').count() - 1;
    while std::time::Instant::now() < limit {
        let Ok(mut client) = Client::connect(port) else { continue };
        if client.ask(&get(uri, &cursor), false, false).is_err() {
            continue;
        }
        let patience = if quiet.load(Relaxed) { 2 } else { 5 };
        let Ok(response) = client.complete(soon(patience)) else { continue };
        let header = |name| response.header(name).unwrap_or_default();
        cursor = format!(
            "If-Modified-Since: {}\r\nIf-None-Match: {}\r\n",
            header("Last-Modified"),
            header("Etag")
        );
        let body = String::from_utf8_lossy(&response.body);
        seen.extend(body.split_terminator(';').map(str::to_owned));
        if seen.iter().filter(|text| text.ends_with("=end")).count() == ends {
            break;
        }
    }
    seen
}

/// Subscribes, stays for a moment, leaves; connections that die are part of it.
fn come_and_go(port: u16, seed: u64, stop: &AtomicBool) {
    let mut dice = Dice(seed);
    while !stop.load(Relaxed) {
        let Ok(mut client) = Client::connect(port) else { continue };
        let uri = ["/sub/left", "/sub/right/left", "/sub/left.b5", "/lp/right"][dice.below(4)];
        if client.ask(&get(uri, ""), false, false).is_ok() {
            let _ = client
                .gone(std::time::Instant::now() + Duration::from_millis(dice.below(60) as u64));
        }
    }
}

/// The texts of a channel as a poll from the beginning gives them.
fn stored(port: u16, channel: &str) -> Outcome<Vec<String>> {
    let mut client = Client::connect(port)?;
    let epoch = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n";
    let response = ask(&mut client, &get(&format!("/poll/{channel}"), epoch))?;
    let body = String::from_utf8_lossy(&response.body).into_owned();
    let prefix = format!("{channel}=");
    Ok(body.split_terminator(';').map(|text| text.trim_start_matches(&prefix).to_owned()).collect())
}
