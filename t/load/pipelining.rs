//! Requests of all kinds, one behind the other, cut into pieces at random places.

use super::{Dice, get, post, share_machine, soon, standard};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup};

/// A request and the status it must get; `counts` if it publishes to the round's channel.
struct Asked {
    bytes: Vec<u8>,
    status: u16,
    counts: bool,
}

impl Asked {
    fn new(bytes: impl Into<Vec<u8>>, status: u16) -> Asked {
        Asked { bytes: bytes.into(), status, counts: false }
    }
}

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let nginx = Nginx::start(setup, &standard(1, "client_body_buffer_size 1k;"))?;
    for seed in 1..=40 {
        round(nginx.port, seed).map_err(|reason| format!("seed {seed}: {reason}"))?;
    }
    nginx.quit_cleanly()
}

fn round(port: u16, seed: u64) -> Outcome<()> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let channel = format!("round{seed}");
    let requests: Vec<Asked> = (0..25).map(|_| any_request(&mut dice, &channel)).collect();
    let wire: Vec<u8> = requests.iter().flat_map(|request| request.bytes.clone()).collect();
    let mut client = Client::connect(port)?;
    let mut rest = wire.as_slice();
    let largest = [1, 7, 100, 3_000][dice.below(4)];
    while !rest.is_empty() {
        let (piece, more) = rest.split_at((1 + dice.below(largest)).min(rest.len()));
        client.send(piece)?;
        rest = more;
    }
    let mut published = 0;
    for (index, request) in requests.iter().enumerate() {
        if index > 0 {
            client.next_response()?;
        }
        let response = client.complete(soon(5))?;
        if response.status != request.status {
            let request = request.bytes.escape_ascii();
            return Err(format!("request {index}: {} for {request}", response.status));
        }
        if request.counts {
            published += 1;
            let wanted = format!("\"published_messages\": {published},");
            if !String::from_utf8_lossy(&response.body).contains(&wanted) {
                return Err(format!("request {index}: {}", response.body.escape_ascii()));
            }
        }
    }
    match client.stray() {
        None => Ok(()),
        Some(stray) => Err(format!("bytes behind the last answer: {}", stray.escape_ascii())),
    }
}

fn any_request(dice: &mut Dice, channel: &str) -> Asked {
    let text = "text that looks like\r\n\r\nGET /pub HTTP/1.1\r\n\r\n".repeat(1 + dice.below(60));
    let publish = format!("/pub?id={channel}");
    match dice.below(10) {
        0..=2 => Asked { counts: true, ..Asked::new(post(&publish, &text), 200) },
        3 => {
            let head =
                format!("PUT {publish} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n");
            let half = text.len() / 2;
            let (first, second) = text.split_at(half);
            let bytes = format!(
                "{head}\r\n{:x}\r\n{first}\r\n{:x};extension=1\r\n{second}\r\n0\r\nTrailer: x\r\n\r\n",
                first.len(),
                second.len()
            );
            Asked { counts: true, ..Asked::new(bytes, 200) }
        }
        4 => Asked::new(post("/pub?id=ALL", &text), 403),
        5 => Asked::new(post("/poll/x", &text), 405),
        6 => Asked::new(get("/poll/nothing", ""), 304),
        7 => Asked::new(get("/stats", ""), 200),
        8 => Asked::new(post("/stats", &text), 405),
        _ => Asked::new(format!("OPTIONS {publish} HTTP/1.1\r\nHost: x\r\n\r\n"), 200),
    }
}
