//! A full zone: publishers are told so, nobody else notices, and what it holds once it holds again.

use std::time::Duration;

use super::{ask, at_baseline, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

/// Publishes until the answer is not 200, which must be a 500 that closes; tells how many it took.
pub(crate) fn fill(port: u16, request: impl Fn(usize) -> Vec<u8>) -> Outcome<usize> {
    let mut client = Client::connect(port)?;
    for number in 0..200_000 {
        let response = ask(&mut client, &request(number))?;
        match response.status {
            200 => {}
            500 if response.header("Connection") == Some("close") => {
                client.gone(soon(3))?;
                return Ok(number);
            }
            status => return Err(format!("publish {number}: {status} {:?}", response.headers)),
        }
    }
    Err("the zone never gets full".into())
}

/// The number is the same after expiry, after the death of all workers, and after a reload.
pub(super) fn messages(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let conf = standard(
        2,
        "push_stream_shared_memory_size 256k;\npush_stream_message_ttl 5s;\n\
         push_stream_message_template \"<~id~ ~text~>\";",
    );
    let mut nginx = Nginx::start(setup, &conf)?;
    let mut numbers = Vec::new();
    for round in 1..=4 {
        let mut subscriber = Client::connect(nginx.port)?;
        subscriber.ask(&get("/sub/a", ""), false, false)?;
        subscriber.head(soon(3))?;
        let number = fill(nginx.port, |_| post("/pub?id=a", "twenty-seven bytes of text."))?;
        numbers.push(number);
        for _ in 0..number {
            subscriber.text(b" twenty-seven bytes of text.>", soon(5))?;
        }
        subscriber.nothing(Duration::from_millis(100))?;
        drop(subscriber);
        if round == 2 {
            nginx.kill_all_workers(soon(5))?;
        } else if round == 3 {
            nginx.reload(soon(5))?;
        }
        wait_for(nginx.port, "/stats", soon(25), |summary| {
            summary["stored_messages"] == 0
                && summary["messages_in_trash"] == 0
                && summary["subscribers"] == 0
        })?;
    }
    eprintln!("load: a 256k zone took {numbers:?} messages");
    if numbers.iter().any(|number| *number != numbers[0] || *number < 100) {
        return Err(format!("rounds: {numbers:?}"));
    }
    nginx.quit_cleanly()
}

/// Every message in its own channel; the channels are gone after expiry or a DELETE.
pub(super) fn channels(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let conf = standard(
        2,
        "push_stream_shared_memory_size 256k;\npush_stream_message_ttl 2s;\n\
         push_stream_channel_inactivity_time 1s;",
    );
    let nginx = Nginx::start(setup, &conf)?;
    let request = |number| post(&format!("/pub?id=channel_{number:05}"), "text");
    let mut numbers = Vec::new();
    for round in 1..=2 {
        let number = fill(nginx.port, request)?;
        numbers.push(number);
        if round == 1 {
            let mut client = Client::connect(nginx.port)?;
            for channel in 0..number / 2 {
                let uri = format!("/pub?id=channel_{channel:05}");
                let request = format!("DELETE {uri} HTTP/1.1\r\nHost: x\r\n\r\n");
                let status = ask(&mut client, request.as_bytes())?.status;
                if status != 200 {
                    return Err(format!("DELETE {uri}: {status}"));
                }
            }
        }
        wait_for(nginx.port, "/stats", soon(30), at_baseline)?;
    }
    eprintln!("load: a 256k zone took {numbers:?} channels");
    if numbers[0] != numbers[1] || numbers[0] < 100 {
        return Err(format!("rounds: {numbers:?}"));
    }
    nginx.quit_cleanly()
}

/// Subscribers, stored messages and the other requests are as before.
pub(super) fn bystanders(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let conf = standard(2, "push_stream_shared_memory_size 256k;");
    let nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;
    let mut subscriber = Client::connect(port)?;
    subscriber.ask(&get("/sub/a", ""), false, false)?;
    subscriber.head(soon(3))?;
    let mut poll = Client::connect(port)?;
    poll.ask(&get("/lp/a", ""), false, false)?;
    wait_for(port, "/stats?id=a", soon(3), |channel| channel["subscribers"] == 2)?;

    let mut publisher = Client::connect(port)?;
    ask(&mut publisher, &post("/pub?id=kept", "kept"))?;
    let number = fill(port, |_| post("/pub?id=full", "0123456789012345678901234567890"))?;
    for _ in 0..20 {
        fill(port, |_| post("/pub?id=full", "0123456789012345678901234567890"))?;
    }
    subscriber.nothing(Duration::from_millis(50))?;
    poll.nothing(Duration::from_millis(50))?;
    // A channel that finds no room is not there at all.
    let new = "n".repeat(200);
    let mut late = Client::connect(port)?;
    let status = ask(&mut late, &get(&format!("/sub/{new}"), ""))?.status;
    let mut late = Client::connect(port)?;
    let known = ask(&mut late, &get(&format!("/stats?id={new}"), ""))?.status;
    if (status, known) != (500, 404) {
        return Err(format!("a subscriber of a new channel: {status}, its statistics: {known}"));
    }
    let mut reader = Client::connect(port)?;
    let answer = ask(&mut reader, &get("/poll/kept.b1", ""))?;
    if answer.body != b"kept" {
        return Err(format!("a stored message is not there: {}", answer.status));
    }
    let channel = wait_for(port, "/stats?id=full", soon(3), |_| true)?;
    if channel["stored_messages"].as_u64() < Some(number as u64) {
        return Err(format!("{number} were accepted: {channel}"));
    }

    // Room again, at once: a deleted channel's memory is free.
    let mut client = Client::connect(port)?;
    ask(&mut client, b"DELETE /pub?id=full HTTP/1.1\r\nHost: x\r\n\r\n")?;
    wait_for(port, "/stats", soon(10), |summary| summary["stored_messages"] == 1)?;
    let status = ask(&mut publisher, &post("/pub?id=a", "room again"))?.status;
    if status != 200 {
        return Err(format!("after the DELETE: {status}"));
    }
    subscriber.text(b"room again", soon(3))?;
    if poll.complete(soon(3))?.body != b"room again" {
        return Err("the long poll got something else".into());
    }
    nginx.quit_cleanly()
}

/// What can never fit is refused, and nothing is lost with it.
pub(super) fn one_too_large(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let nginx = Nginx::start(setup, &standard(1, "push_stream_shared_memory_size 4m;"))?;
    for _ in 0..3 {
        let mut client = Client::connect(nginx.port)?;
        let response = ask(&mut client, &post("/pub?id=a", &"x".repeat(5_000_000)))?;
        if response.status != 500 || response.header("Connection") != Some("close") {
            return Err(format!("{} {:?}", response.status, response.headers));
        }
        let mut client = Client::connect(nginx.port)?;
        let status = ask(&mut client, &post("/pub?id=a", &"x".repeat(2_000_000)))?.status;
        if status != 200 {
            return Err(format!("2 MB in a 4 MB zone: {status}"));
        }
        ask(&mut client, b"DELETE /pub?id=a HTTP/1.1\r\nHost: x\r\n\r\n")?;
        wait_for(nginx.port, "/stats", soon(10), |summary| summary["stored_messages"] == 0)?;
    }
    nginx.quit_cleanly()
}
