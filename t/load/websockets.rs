//! WebSockets in numbers: one channel with many sockets, and messages of 4 MiB; every byte is compared.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::fan_out::{Subscriber, allow_many_files, receive};
use super::{Dice, ask, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Conf, MACHINE, Nginx, Outcome, Setup, websocket};

const SOCKETS: usize = 1_000;
const MESSAGES: usize = 200;

fn configuration(workers: usize) -> Conf {
    let mut conf = standard(
        workers,
        "push_stream_shared_memory_size 64m;\npush_stream_message_template \"~text~\";\n\
         push_stream_channel_info_on_publish off;",
    );
    conf.server.push_str(
        "location ~ ^/ws/(.*)$ { push_stream_subscriber websocket; push_stream_channels_path $1;\n\
         push_stream_websocket_deflate on; push_stream_websocket_allow_publish on; }",
    );
    conf
}

/// A WebSocket on a channel, its handshake done.
fn open(port: u16, channel: &str, deflate: bool) -> Outcome<Client> {
    let mut headers = websocket::HANDSHAKE.join("\r\n") + "\r\n";
    if deflate {
        headers.push_str("Sec-WebSocket-Extensions: permessage-deflate\r\n");
    }
    let mut client = Client::connect(port)?;
    client.ask(&get(&format!("/ws/{channel}"), &headers), false, false)?;
    let head = client.head(soon(10))?;
    let agreed = head.header("Sec-WebSocket-Extensions").is_some();
    match head.status {
        101 if agreed == deflate => Ok(client),
        101 => Err(format!("deflate: {agreed}")),
        status => Err(format!("status {status}")),
    }
}

/// Text that shrinks to about half: random digits of base 16.
fn text(dice: &mut Dice, length: usize) -> String {
    (0..length).filter_map(|_| char::from_digit(dice.below(16) as u32, 16)).collect()
}

/// The frames of all messages as a socket must get them, from one that is read and checked.
fn expected(port: u16, messages: &[String], deflate: bool) -> Outcome<Vec<u8>> {
    let mut pilot = open(port, "pilot", deflate)?;
    let mut publisher = Client::connect(port)?;
    let mut deflated = 0;
    for message in messages {
        ask(&mut publisher, &post("/pub?id=pilot", message))?;
        let frame = pilot.frame(soon(10))?;
        deflated += usize::from(frame.is_deflated());
        if frame.message()? != message.as_bytes() {
            return Err(format!("a message of {} bytes came differently", message.len()));
        }
    }
    let wanted = messages.iter().filter(|message| deflate && message.len() >= 128).count();
    if deflated != wanted {
        return Err(format!("{deflated} of {wanted} long messages were deflated"));
    }
    Ok(pilot.seen_from(0).to_vec())
}

pub(super) fn many(setup: &Setup) -> Outcome<()> {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    allow_many_files()?;
    let mut conf = configuration(2);
    conf.main = "worker_rlimit_nofile 4096;".into();
    conf.events = "worker_connections 2048;".into();
    let nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;

    let mut dice = Dice(0x5eed);
    let messages: Vec<String> = (0..MESSAGES)
        .map(|number| {
            let length = if number % 4 == 0 { 10 } else { 128 + dice.below(4_000) };
            text(&mut dice, length)
        })
        .collect();
    let (plain, deflated) = (expected(port, &messages, false)?, expected(port, &messages, true)?);
    let mut sockets = (0..SOCKETS)
        .map(|number| match number % 2 {
            0 => Subscriber::new(open(port, "room", false)?, &plain),
            _ => Subscriber::new(open(port, "room", true)?, &deflated),
        })
        .collect::<Outcome<Vec<_>>>()?;
    let summary = wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == SOCKETS)?;
    let workers = summary["by_worker"].as_array().cloned().unwrap_or_default();
    if workers.len() != 2 || workers.iter().any(|worker| worker["subscribers"] == 0) {
        return Err(format!("not all workers take part: {summary}"));
    }

    let publisher = std::thread::spawn(move || -> Outcome<Duration> {
        let begun = Instant::now();
        let mut client = Client::connect(port)?;
        for message in &messages {
            match ask(&mut client, &post("/pub?id=room", message))?.status {
                200 => {}
                status => return Err(format!("publish: {status}")),
            }
        }
        Ok(begun.elapsed())
    });
    let received = receive(&mut sockets, soon(60));
    let took = publisher.join().map_err(|_| "the publisher panicked")??;
    received?;
    eprintln!("load: {MESSAGES} publishes beside {SOCKETS} WebSockets took {took:?}");

    drop(sockets);
    wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == 0)?;
    nginx.quit_cleanly()
}

/// Sent by a socket of either kind, masked; got by four of each kind.
pub(super) fn large(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let nginx = Nginx::start(setup, &configuration(2))?;
    let mut dice = Dice(0x1a46e);
    let mut sockets = (0..8)
        .map(|number| open(nginx.port, "room", number % 2 == 1))
        .collect::<Outcome<Vec<_>>>()?;
    for (sender, kind) in [(0, "text"), (1, "text deflated"), (1, "text")] {
        let message = text(&mut dice, 4 << 20);
        let frame = websocket::encode(&format!("{kind} key=0badcafe \"{message}\""))?;
        sockets[sender].send(&frame)?;
        for (number, socket) in sockets.iter_mut().enumerate() {
            let frame = socket.frame(soon(20))?;
            if frame.is_deflated() != (number % 2 == 1) {
                return Err(format!("socket {number}: deflated {}", frame.is_deflated()));
            }
            if frame.message()? != message.as_bytes() {
                return Err(format!("socket {number}: another message"));
            }
        }
    }
    drop(sockets);
    wait_for(nginx.port, "/stats", soon(5), |summary| summary["subscribers"] == 0)?;
    nginx.quit_cleanly()
}
