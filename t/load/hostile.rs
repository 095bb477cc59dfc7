//! Clients that mean harm: random and nearly right bytes on many sockets at once, WebSockets and plain
//! requests, cut anywhere, slow, half-closed, reset. No worker may exit or complain, and everybody else
//! gets every message.
//!
//! `FUZZ_SECONDS=600` makes it longer, `FUZZ_SEED=7` makes other bytes (without a seed a long run takes the
//! clock). The same seed sends the same bytes; how they are timed is the machine's.

#[path = "hostile/words.rs"]
mod words;

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::net::sockopt::set_socket_linger;

use super::{Dice, ask, get, post, share_machine, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{Nginx, Outcome, Setup, websocket};

/// How long it takes in `make test`.
const SECONDS: u64 = 10;
const THREADS: u64 = 4;
/// Sockets that a thread has open at once.
const SOCKETS: usize = 40;

const LOCATIONS: &str = r"
location ~ ^/ev/(.*)$ { push_stream_subscriber eventsource; push_stream_channels_path $1; }
location ~ ^/ws/(.*)$ {
    push_stream_subscriber websocket; push_stream_channels_path $1;
    push_stream_websocket_deflate on; push_stream_websocket_binary on;
    push_stream_websocket_pong_timeout 2s; push_stream_ping_message_interval 3s;
    push_stream_last_event_id $arg_id; push_stream_last_received_message_time $arg_time;
}
location ~ ^/strict/(.*)$ {
    push_stream_subscriber websocket; push_stream_channels_path $1; push_stream_allowed_origins x;
    push_stream_websocket_strict on; push_stream_websocket_check_origin on;
    push_stream_websocket_allow_publish on; push_stream_store_messages on;
}
location ~ ^/say/(.*)$ {
    push_stream_subscriber websocket; push_stream_channels_path $1;
    push_stream_websocket_deflate on; push_stream_websocket_binary on;
    push_stream_websocket_allow_publish on; push_stream_store_messages on;
    push_stream_websocket_max_message_size 100k; push_stream_auto_event_id on;
}
";

/// What was done, in numbers.
#[derive(Default)]
struct Done {
    connections: u64,
    upgraded: u64,
    answered: u64,
    sent: u64,
    received: u64,
}

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _shared = share_machine();
    let seconds = number("FUZZ_SECONDS")?;
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |now| now.as_secs());
    let seed = number("FUZZ_SEED")?.unwrap_or(if seconds.is_some() { clock } else { 1 });
    let seconds = seconds.unwrap_or(SECONDS);
    // nginx does not read what the client of a stream sends behind its request. Who fills the socket and goes is not noticed before something is
    // written to it: here that is the end of the stream.
    let ttl = format!("push_stream_subscriber_connection_ttl {}s;", seconds.saturating_add(6));
    let mut conf = standard(
        2,
        "push_stream_shared_memory_size 256m;\npush_stream_message_template \"<~text~>\";\n\
         push_stream_message_ttl 60s;\npush_stream_channel_inactivity_time 5s;\n\
         push_stream_max_messages_stored_per_channel 20;\nclient_header_timeout 5s;\nclient_body_timeout 5s;",
    );
    conf.server.push_str(&ttl);
    conf.server.push_str(LOCATIONS);
    let mut nginx = Nginx::start(setup, &conf)?;
    let (port, workers) = (nginx.port, nginx.workers());
    let stop = AtomicBool::new(false);
    let (done, watched) = thread::scope(|scope| {
        let stop = &stop;
        let seeds = (0..THREADS).map(|thread| seed.wrapping_mul(THREADS).wrapping_add(thread));
        let hostile: Vec<_> =
            seeds.map(|seed| scope.spawn(move || be_hostile(port, seed, stop))).collect();
        let watched = watch(port, soon(seconds));
        stop.store(true, Relaxed);
        let done = hostile.into_iter().map(|thread| thread.join().unwrap_or_default());
        let done = done.fold(Done::default(), |sum, one| Done {
            connections: sum.connections + one.connections,
            upgraded: sum.upgraded + one.upgraded,
            answered: sum.answered + one.answered,
            sent: sum.sent + one.sent,
            received: sum.received + one.received,
        });
        (done, watched)
    });
    let Done { connections, upgraded, answered, sent, received } = done;
    let context = |reason: String| format!("FUZZ_SEED={seed}: {reason}");
    let messages = match watched {
        Ok(messages) => messages,
        Err(reason) => return Err(context(format!("{reason}; logs in {:?}", nginx.keep()))),
    };
    eprintln!(
        "load: hostile for {seconds} s, FUZZ_SEED={seed}: {connections} connections, {upgraded} of them WebSockets, \
         {answered} answered, {sent} bytes sent, {received} received; {messages} messages to 4 bystanders"
    );
    if upgraded * 10 < connections || answered * 10 < connections {
        return Err(context("most of the sockets did not get far".into()));
    }
    wait_for(port, "/stats", soon(20), |summary| summary["subscribers"] == 0).map_err(context)?;
    if nginx.workers() != workers {
        return Err(context(format!("workers were {workers:?} and are {:?}", nginx.workers())));
    }
    nginx.quit_cleanly().map_err(context)
}

/// One request names 10,000 channels, where nginx lets it: a subscriber and a publisher of all of them, and somebody
/// else who must not wait.
pub(super) fn many_channels(setup: &Setup) -> Outcome<()> {
    const CHANNELS: usize = 10_000;
    let _shared = share_machine();
    let conf = standard(
        2,
        "large_client_header_buffers 4 128k;\npush_stream_max_channels_per_request 0;\npush_stream_message_template \"<~channel~>\";\n\
         push_stream_channel_info_on_publish off;",
    );
    let nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;
    let ids: Vec<String> = (0..CHANNELS).map(|number| format!("c{number}")).collect();
    let path = ids.join("/");
    let publish = post(&format!("/pub?id={path}"), "m");
    let stop = AtomicBool::new(false);
    let longest = thread::scope(|scope| {
        let bystander = scope.spawn(|| wait_at_most(port, &stop));
        let subscribed = (|| {
            let mut subscriber = Client::connect(port)?;
            subscriber.ask(&get(&format!("/sub/{path}"), ""), false, false)?;
            subscriber.head(soon(10))?;
            let mut publisher = Client::connect(port)?;
            for _ in 0..5 {
                match ask(&mut publisher, &publish)?.status {
                    200 => {}
                    status => return Err(format!("{CHANNELS} channels at once: {status}")),
                }
                for id in &ids {
                    subscriber.text(format!("<{id}>").as_bytes(), soon(20))?;
                }
            }
            let delete = format!("DELETE /pub?id={path} HTTP/1.1\r\nHost: x\r\n\r\n");
            match ask(&mut publisher, delete.as_bytes())?.status {
                200 => Ok(()),
                status => Err(format!("DELETE: {status}")),
            }
        })();
        stop.store(true, Relaxed);
        let longest = bystander.join().map_err(|_| "the bystander panicked")??;
        subscribed.map(|()| longest)
    })?;
    eprintln!("load: beside requests for {CHANNELS} channels a publish took at most {longest:?}");
    let summary = wait_for(port, "/stats", soon(20), |summary| summary["channels"] == 1)?;
    if summary["published_messages"].as_u64() < Some(5 * CHANNELS as u64) {
        return Err(format!("not all messages: {summary}"));
    }
    nginx.quit_cleanly()
}

/// Publishes to a channel of its own again and again; the longest time that an answer took.
fn wait_at_most(port: u16, stop: &AtomicBool) -> Outcome<Duration> {
    let mut client = Client::connect(port)?;
    let mut longest = Duration::ZERO;
    while !stop.load(Relaxed) {
        let asked = Instant::now();
        match ask(&mut client, &post("/pub?id=other", "m"))?.status {
            200 => longest = longest.max(asked.elapsed()),
            status => return Err(format!("a publish beside it: {status}")),
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(longest)
}

fn number(name: &str) -> Outcome<Option<u64>> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    value
        .map(|value| value.parse().map_err(|_| format!("{name}={value}: not a number")))
        .transpose()
}

/// Publishes numbers until `limit`; subscribers in all modes must get each of them, in order. Answers how many.
fn watch(port: u16, limit: Instant) -> Outcome<u64> {
    let mut publisher = Client::connect(port)?;
    let mut streams = ["/sub/witness", "/ev/witness"]
        .map(|uri| {
            Client::connect(port).and_then(|mut c| c.ask(&get(uri, ""), false, false).map(|()| c))
        })
        .into_iter()
        .collect::<Outcome<Vec<_>>>()?;
    for stream in &mut streams {
        stream.head(soon(10))?;
    }
    let mut socket = Client::connect(port)?;
    let handshake = websocket::HANDSHAKE.join("\r\n") + "\r\n";
    socket.ask(&get("/strict/witness", &handshake), false, false)?;
    socket.head(soon(10))?;
    let mut cursor = "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned();
    let mut poller = Client::connect(port)?;
    let mut count = 0;
    while Instant::now() < limit {
        count += 1;
        let text = format!("<message {count}>");
        let published = ask(&mut publisher, &post("/pub?id=witness", &format!("message {count}")))?;
        if published.status != 200 {
            return Err(format!("message {count}: {} to its publisher", published.status));
        }
        for stream in &mut streams {
            stream.text(text.as_bytes(), soon(20)).map_err(|e| format!("message {count}: {e}"))?;
        }
        let frame = socket.frame(soon(20)).map_err(|e| format!("message {count}: {e}"))?;
        frame.check(&format!("text \"{text}\""))?;
        let polled = ask(&mut poller, &get("/lp/witness", &cursor))?;
        if polled.body != text.as_bytes() {
            return Err(format!("message {count}: polled {}", polled.body.escape_ascii()));
        }
        let header = |name| polled.header(name).unwrap_or_default();
        cursor = format!(
            "If-Modified-Since: {}\r\nIf-None-Match: {}\r\n",
            header("Last-Modified"),
            header("Etag")
        );
        thread::sleep(Duration::from_millis(10));
    }
    Ok(count)
}

/// A hostile socket: what it still has to say, and how.
struct Enemy {
    stream: TcpStream,
    to_send: VecDeque<u8>,
    /// The most that it says at once.
    pace: usize,
    reads: bool,
    received: Vec<u8>,
}

/// Keeps many sockets busy, one step of one of them after the other.
fn be_hostile(port: u16, seed: u64, stop: &AtomicBool) -> Done {
    let mut dice = Dice(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let mut done = Done::default();
    let mut enemies: Vec<Option<Enemy>> = (0..SOCKETS).map(|_| None).collect();
    let mut buffer = vec![0; 64 << 10];
    while !stop.load(Relaxed) {
        let chosen = dice.below(SOCKETS);
        let Some(place) = enemies.get_mut(chosen) else { continue };
        let Some(enemy) = place else {
            *place = Enemy::connect(port, &mut dice);
            done.connections += u64::from(place.is_some());
            continue;
        };
        done.sent += enemy.speak();
        let is_open = enemy.listen(&mut buffer, &mut done);
        // Who has nothing to say stays for a while, so that answers and messages can come.
        let leaves =
            if enemy.to_send.is_empty() { dice.below(40) == 0 } else { dice.below(400) == 0 };
        if !is_open || leaves {
            enemy.leave(&mut dice, &mut done);
            *place = None;
        }
    }
    for mut enemy in enemies.into_iter().flatten() {
        enemy.leave(&mut dice, &mut done);
    }
    done
}

impl Enemy {
    fn connect(port: u16, dice: &mut Dice) -> Option<Enemy> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
        stream.set_nonblocking(true).ok()?;
        stream.set_nodelay(true).ok()?;
        let to_send = words::conversation(dice).into();
        let pace = [1, 3, 50, 5_000, 1 << 20][dice.below(5)];
        Some(Enemy { stream, to_send, pace, reads: dice.below(5) > 0, received: Vec::new() })
    }

    fn speak(&mut self) -> u64 {
        let (next, _) = self.to_send.as_slices();
        let next = next.get(..self.pace.min(next.len())).unwrap_or_default();
        // What the socket does not take is said later, or never if it is closed.
        let sent = self.stream.write(next).unwrap_or(0);
        self.to_send.drain(..sent);
        sent as u64
    }

    /// Reads once, unless it does not read at all. False when the other side is done.
    fn listen(&mut self, buffer: &mut [u8], done: &mut Done) -> bool {
        if !self.reads {
            return true;
        }
        match self.stream.read(buffer) {
            Ok(0) => false,
            Ok(count) => {
                done.received += count as u64;
                // The status line is all that is wanted of it.
                let room = 12_usize.saturating_sub(self.received.len()).min(count);
                self.received.extend(&buffer[..room]);
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// Goes in one of three ways: in order, half, or with a reset.
    fn leave(&mut self, dice: &mut Dice, done: &mut Done) {
        done.answered += u64::from(self.received.starts_with(b"HTTP/1.1 "));
        done.upgraded += u64::from(self.received.starts_with(b"HTTP/1.1 101"));
        // Errors mean that nginx was faster.
        match dice.below(3) {
            0 => {}
            1 => {
                let _ = self.stream.shutdown(Shutdown::Write);
                let _ = self.stream.read(&mut [0; 1_000]);
            }
            _ => {
                let _ = set_socket_linger(&self.stream, Some(Duration::ZERO));
            }
        }
    }
}
