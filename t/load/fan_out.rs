//! One channel, 2,000 streaming subscribers over 4 workers, 1,000 messages one after the other.

use std::io::Read;
use std::net::TcpStream;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rustix::event::epoll;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{ask, get, post, soon, standard, wait_for};
use crate::runner::client::Client;
use crate::runner::{MACHINE, Nginx, Outcome, Setup};

const SUBSCRIBERS: usize = 2_000;
const MESSAGES: usize = 1_000;

/// A subscriber: its socket, what it must get, and how much of it it has got.
pub(super) struct Subscriber<'a> {
    stream: TcpStream,
    expected: &'a [u8],
    received: usize,
}

impl Subscriber<'_> {
    /// Takes over a client whose response head is all that has come so far.
    pub(super) fn new(client: Client, expected: &[u8]) -> Outcome<Subscriber<'_>> {
        let stream = client.into_stream();
        stream.set_nonblocking(true).map_err(|error| error.to_string())?;
        Ok(Subscriber { stream, expected, received: 0 })
    }
}

pub(super) fn run(setup: &Setup) -> Outcome<()> {
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    allow_many_files()?;
    let mut conf = standard(
        4,
        "push_stream_message_template \"~id~ ~text~\";\npush_stream_channel_info_on_publish off;",
    );
    conf.main = "worker_rlimit_nofile 8192;".into();
    conf.events = "worker_connections 4096;".into();
    let nginx = Nginx::start(setup, &conf)?;
    let port = nginx.port;

    // Every subscriber must get exactly these bytes behind its head, each message its own chunk.
    let expected: Vec<u8> = (1..=MESSAGES)
        .flat_map(|id| {
            let piece = format!("{id} message number {id}");
            format!("{:x}\r\n{piece}\r\n", piece.len()).into_bytes()
        })
        .collect();
    let mut subscribers = (0..SUBSCRIBERS)
        .map(|_| subscribe(port, "room", &expected))
        .collect::<Outcome<Vec<_>>>()?;
    let summary =
        wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == SUBSCRIBERS)?;
    let workers = summary["by_worker"].as_array().cloned().unwrap_or_default();
    if workers.len() != 4 || workers.iter().any(|worker| worker["subscribers"] == 0) {
        return Err(format!("not all workers take part: {summary}"));
    }

    let publisher = std::thread::spawn(move || -> Outcome<Duration> {
        let begun = Instant::now();
        let mut client = Client::connect(port)?;
        for id in 1..=MESSAGES {
            let request = post("/pub?id=room", &format!("message number {id}"));
            let status = ask(&mut client, &request)?.status;
            if status != 200 {
                return Err(format!("publish {id}: {status}"));
            }
        }
        Ok(begun.elapsed())
    });
    let received = receive(&mut subscribers, soon(90));
    let published = publisher.join().map_err(|_| "the publisher panicked")?;
    let took = published?;
    received?;
    eprintln!("load: {MESSAGES} publishes beside {SUBSCRIBERS} subscribers took {took:?}");

    drop(subscribers);
    wait_for(port, "/stats", soon(5), |summary| summary["subscribers"] == 0)?;
    nginx.quit_cleanly()
}

/// As many open sockets as the system lets this process have.
pub(crate) fn allow_many_files() -> Outcome<()> {
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })
        .map_err(|error| format!("setrlimit: {error}"))
}

pub(super) fn subscribe<'e>(
    port: u16,
    channel: &str,
    expected: &'e [u8],
) -> Outcome<Subscriber<'e>> {
    let mut client = Client::connect(port)?;
    client.ask(&get(&format!("/sub/{channel}"), ""), false, false)?;
    let status = client.head(soon(5))?.status;
    if status == 200 { Subscriber::new(client, expected) } else { Err(format!("{status}")) }
}

/// Reads from all of them until each has its whole expected stream.
pub(super) fn receive(subscribers: &mut [Subscriber<'_>], limit: Instant) -> Outcome<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|error| error.to_string())?;
    for (index, subscriber) in subscribers.iter().enumerate() {
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&epoll, &subscriber.stream, data, epoll::EventFlags::IN)
            .map_err(|error| error.to_string())?;
    }
    let mut unfinished = subscribers.len();
    let mut events = Vec::with_capacity(512);
    let mut buffer = [0; 65_536];
    let wait = rustix::event::Timespec { tv_sec: 1, tv_nsec: 0 };
    while unfinished > 0 {
        if Instant::now() > limit {
            let least = subscribers.iter().map(|s| (s.received, s.expected.len())).min();
            return Err(format!("{unfinished} subscribers miss messages; one has {least:?} bytes"));
        }
        events.clear();
        epoll::wait(&epoll, rustix::buffer::spare_capacity(&mut events), Some(&wait))
            .map_err(|error| error.to_string())?;
        for event in &events {
            let subscriber = &mut subscribers[event.data.u64() as usize];
            let count = match subscriber.stream.read(&mut buffer) {
                Ok(0) => return Err("a subscriber was disconnected".into()),
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(error) => return Err(format!("read: {error}")),
            };
            let from = subscriber.received;
            if subscriber.expected.get(from..from + count) != Some(&buffer[..count]) {
                let got = &buffer[..count.min(200)];
                return Err(format!("a subscriber got something else: {}", got.escape_ascii()));
            }
            subscriber.received += count;
            unfinished -= usize::from(subscriber.received == subscriber.expected.len());
        }
    }
    Ok(())
}
