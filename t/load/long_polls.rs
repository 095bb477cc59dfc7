//! Long polls whose time is up in the middle of a stream of messages: whatever the answer, its cursor goes on exactly.

use std::thread;
use std::time::{Duration, Instant};

use super::{ask, get, post, share_machine, soon, standard};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

/// Each follows a channel of its own, and every other one a second channel, so that news also come merged.
const CHANNELS: usize = 100;
const MESSAGES: usize = 8_000;

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    // About as long as it takes until the next message of the channel.
    let http = "push_stream_longpolling_connection_ttl 1ms;\n\
                push_stream_message_template \"<~channel~:~text~>\";";
    let nginx = Nginx::start(setup, &standard(2, http))?;
    let port = nginx.port;
    let pollers: Vec<_> = (0..CHANNELS)
        .map(|number| {
            let other = (number + 1) % CHANNELS;
            let channels = if number % 2 == 0 { vec![number] } else { vec![number, other] };
            thread::spawn(move || follow(port, &channels))
        })
        .collect();
    let mut publisher = Client::connect(port)?;
    for number in 0..MESSAGES {
        let uri = format!("/pub?id=c{}", number % CHANNELS);
        let answer = ask(&mut publisher, &post(&uri, &number.to_string()))?;
        if answer.status != 200 {
            return Err(format!("message {number}: {}", answer.status));
        }
        // The pace, not a wait for anything.
        thread::sleep(Duration::from_micros(300));
    }
    for poller in pollers {
        poller.join().map_err(|_| "a poller panicked")??;
    }
    nginx.quit_cleanly()
}

/// Polls from the epoch until the last message of its channels, which must all come once and in order.
fn follow(port: u16, channels: &[usize]) -> Outcome<()> {
    let names: Vec<_> = channels.iter().map(|number| format!("c{number}")).collect();
    let uri = format!("/lp/{}", names.join("/"));
    let (mut time, mut tag) = ("Thu, 01 Jan 1970 00:00:00 GMT".to_owned(), "0".to_owned());
    let mut next = channels.to_vec();
    let mut client = Client::connect(port)?;
    let limit = soon(60);
    while next.iter().any(|number| *number < MESSAGES) {
        if Instant::now() > limit {
            return Err(format!("{uri}: still waiting for {next:?} at {time} {tag}"));
        }
        let cursor = format!("If-Modified-Since: {time}\r\nIf-None-Match: {tag}\r\n");
        let answer = ask(&mut client, &get(&uri, &cursor))?;
        let header = |name| answer.header(name).map(str::to_owned).ok_or(format!("no {name}"));
        let before = (std::mem::take(&mut time), std::mem::take(&mut tag));
        (time, tag) = (header("Last-Modified")?, header("Etag")?);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        for message in body.split_terminator('>') {
            let (channel, text) =
                message.trim_start_matches('<').split_once(':').unwrap_or_default();
            let place = names.iter().position(|name| name == channel);
            let expected = place.and_then(|place| next.get_mut(place));
            let expected = expected.ok_or(format!("{uri}: {message}"))?;
            if *text != expected.to_string() {
                return Err(format!("{uri}: {message}, not {expected}; asked with {before:?}"));
            }
            *expected += CHANNELS;
        }
    }
    Ok(())
}
