//! Exactly once and in order where it is hardest: news in more channels than fit one look into the mailbox, and a history that
//! is cut off.

use std::collections::HashMap;
use std::time::Duration;

use super::{ask, flood, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

/// Channels of one subscriber, and subscribers.
const CHANNELS: usize = 600;
const SUBSCRIBERS: usize = 3;
/// Publishes to all channels at once, and beside them to one channel of each subscriber.
const TO_ALL: usize = 150;
const TO_ONE: usize = 15_000;

/// More channels have news than fit one look into the mailbox, while some of them get more.
pub(super) fn many_channels(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let http = "large_client_header_buffers 4 64k;\npush_stream_max_channels_per_request 0;\npush_stream_shared_memory_size 64m;\n\
                push_stream_max_messages_stored_per_channel 5;\n\
                push_stream_message_template \"<~channel~:~id~>\";\n\
                push_stream_channel_info_on_publish off;";
    let nginx = Nginx::start(setup, &standard(2, http))?;
    let port = nginx.port;
    let path = |subscriber: usize| {
        let names = (0..CHANNELS).map(|number| format!("{subscriber}c{number}"));
        names.collect::<Vec<_>>().join("/")
    };
    let mut readers = Vec::new();
    for number in 0..SUBSCRIBERS {
        let mut client = Client::connect(port)?;
        client.ask(&get(&format!("/sub/{}", path(number)), ""), false, false)?;
        client.head(soon(5))?;
        readers.push(std::thread::spawn(move || follow(client)));
    }
    let all = (0..SUBSCRIBERS).map(path).collect::<Vec<_>>().join("/");
    let mut publishers = vec![std::thread::spawn(move || {
        let requests = (0..TO_ALL).map(move |_| post(&format!("/pub?id={all}"), "x"));
        flood(port, requests, 1)
    })];
    for number in 0..SUBSCRIBERS {
        publishers.push(std::thread::spawn(move || {
            let requests = (0..TO_ONE).map(move |_| post(&format!("/pub?id={number}c0"), "x"));
            flood(port, requests, 20)
        }));
    }
    for publisher in publishers {
        publisher.join().map_err(|_| "a publisher panicked")??;
    }
    for reader in readers {
        reader.join().map_err(|_| "a reader panicked")??;
    }
    nginx.quit_cleanly()
}

/// Reads until every channel has had its last message; each channel's must come once and in order.
fn follow(mut client: Client) -> Outcome<()> {
    let mut next: HashMap<String, usize> = HashMap::new();
    let expected = TO_ALL * CHANNELS + TO_ONE;
    for _ in 0..expected {
        let chunk = String::from_utf8_lossy(&client.chunk(soon(20))?).into_owned();
        let (channel, id) = chunk
            .trim_matches(['<', '>'])
            .split_once(':')
            .ok_or_else(|| format!("not a message: {chunk}"))?;
        let last = next.entry(channel.to_owned()).or_default();
        *last += 1;
        if id != last.to_string() {
            return Err(format!("{chunk}, not {last}"));
        }
    }
    client.nothing(Duration::from_millis(100))
}

/// The end comes in the middle of a replay while there are news: what was sent has no hole, so the cursor of the last message is good.
pub(super) fn cut_off_replay(setup: &Setup) -> Outcome<()> {
    const STORED: usize = 120;
    const TEXT: usize = 100_000;
    let _shared = share_machine();
    let http =
        "push_stream_shared_memory_size 64m;\npush_stream_message_template \"<~id~>~text~\";";
    let mut nginx = Nginx::start(setup, &standard(1, http))?;
    let port = nginx.port;
    let text = "x".repeat(TEXT);
    let mut publisher = Client::connect(port)?;
    let publish = |publisher: &mut Client| -> Outcome<()> {
        match ask(publisher, &post("/pub?id=a", &text))?.status {
            200 => Ok(()),
            status => Err(format!("publish: {status}")),
        }
    };
    for _ in 0..STORED {
        publish(&mut publisher)?;
    }
    let mut client = Client::connect(port)?;
    client.make_slow();
    client.ask(&get(&format!("/sub/a.b{STORED}"), ""), false, false)?;
    wait_for(port, "/stats?id=a", soon(5), |channel| channel["subscribers"] == 1)?;
    for _ in 0..3 {
        publish(&mut publisher)?;
    }
    nginx.reload(soon(5))?;
    let response = client.complete(soon(20))?;
    let ids = ids(&response.body);
    let expected: Vec<usize> = (1..=ids.len()).collect();
    if ids.is_empty() || ids != expected {
        return Err(format!("a hole: {ids:?}"));
    }
    if ids.len() > STORED {
        return Err("the replay was not cut off: it proves nothing".into());
    }
    nginx.quit_cleanly()
}

/// The ids of the messages in a body, in order.
fn ids(body: &[u8]) -> Vec<usize> {
    let body = String::from_utf8_lossy(body).into_owned();
    let ids = body.split('<').filter_map(|part| part.split_once('>')?.0.parse().ok());
    ids.collect()
}
