//! What was published: texts that tell whether they are whole, and for each channel which of its numbers were
//! acknowledged, so that whoever receives can tell what is missing.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use crate::load::{Dice, ask, post};
use crate::runner::Outcome;
use crate::runner::client::Client;

/// What becomes of the messages of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Stored,
    /// Only for those who are connected.
    Live,
    /// Stored, and the channel is deleted again and again.
    Deleted,
}

/// Channels that are published to in one request, with the same numbers. One publisher at a time.
pub(super) struct Group {
    pub(super) channels: &'static [&'static str],
    pub(super) kind: Kind,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// Whether a number was answered with 200; 1 is the first. One that was not may have got there or not.
    acknowledged: Vec<bool>,
    /// The last number before each DELETE that was sent.
    deletions: Vec<usize>,
}

impl Group {
    const fn new(channels: &'static [&'static str], kind: Kind) -> Group {
        let book = Book { acknowledged: Vec::new(), deletions: Vec::new() };
        Group { channels, kind, book: Mutex::new(book) }
    }

    fn book<T>(&self, look: impl FnOnce(&mut Book) -> T) -> T {
        look(&mut self.book.lock().expect("nobody panics with a book"))
    }

    /// The first number between these two that was acknowledged.
    pub(super) fn acknowledged_between(&self, after: usize, before: usize) -> Option<usize> {
        self.book(|book| {
            let range = after..(before - 1).min(book.acknowledged.len());
            range.map(|index| index + 1).find(|number| book.acknowledged[number - 1])
        })
    }

    pub(super) fn last_acknowledged(&self) -> usize {
        self.book(|book| book.acknowledged.iter().rposition(|yes| *yes).map_or(0, |at| at + 1))
    }

    /// After which numbers between these two it was deleted.
    pub(super) fn deletions(&self, after: usize, before: usize) -> Vec<usize> {
        let between = |number: &usize| (after..before).contains(number);
        self.book(|book| book.deletions.iter().copied().filter(between).collect())
    }

    /// How many were sent, and how many of them acknowledged.
    pub(super) fn counts(&self) -> (usize, usize) {
        self.book(|book| {
            (book.acknowledged.len(), book.acknowledged.iter().filter(|yes| **yes).count())
        })
    }

    /// Whether a subscriber that has seen everything up to `seen` may be told that the channel was deleted.
    pub(super) fn may_end_after(&self, seen: usize) -> bool {
        let deletions = self.book(|book| book.deletions.clone());
        let complete = |last: &usize| self.acknowledged_between(seen, last + 1).is_none();
        deletions.iter().any(|last| *last >= seen && complete(last))
    }

    /// Publishes the next number and tells whether it was acknowledged.
    pub(super) fn publish(&self, connection: &mut Connection, dice: &mut Dice) -> Outcome<bool> {
        let number = self.book(|book| {
            book.acknowledged.push(false);
            book.acknowledged.len()
        });
        let length = match dice.below(40) {
            0 => dice.below(8_000),
            _ => dice.below(300),
        };
        let location = if self.kind == Kind::Live { "live" } else { "pub" };
        let uri = format!("/{location}?id={}", self.channels.join("/"));
        match connection.ask(&post(&uri, &text(number, length, dice)))? {
            Some(200) => self.book(|book| book.acknowledged[number - 1] = true),
            Some(status) => return Err(format!("publish to {uri}: {status}")),
            None => return Ok(false),
        }
        Ok(true)
    }

    fn delete(&self, connection: &mut Connection) -> Outcome<()> {
        self.book(|book| book.deletions.push(book.acknowledged.len()));
        let uri = format!("/pub?id={}", self.channels.join("/"));
        match connection.ask(format!("DELETE {uri} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes())? {
            None | Some(200 | 404) => Ok(()),
            Some(status) => Err(format!("DELETE {uri}: {status}")),
        }
    }
}

/// All groups, and how their publishers are told what to do.
pub(super) struct Ledger {
    pub(super) groups: Vec<Group>,
    pub(super) stop: AtomicBool,
    pub(super) deletions: AtomicUsize,
}

impl Ledger {
    pub(super) fn new() -> Ledger {
        use Kind::{Deleted, Live, Stored};
        let groups = vec![
            Group::new(&["s0"], Stored),
            Group::new(&["s1"], Stored),
            Group::new(&["s2"], Stored),
            Group::new(&["p0", "p1"], Stored),
            Group::new(&["live"], Live),
            Group::new(&["d0"], Deleted),
            Group::new(&["d1"], Deleted),
        ];
        Ledger { groups, stop: AtomicBool::new(false), deletions: AtomicUsize::new(0) }
    }

    pub(super) fn group_of(&self, channel: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.channels.contains(&channel))
    }

    /// A publisher's life: every `stride`-th group from `first` on, one message each `pace`.
    pub(super) fn serve(
        &self,
        port: u16,
        seed: u64,
        first: usize,
        stride: usize,
        pace: Duration,
    ) -> Outcome<()> {
        let mut dice = Dice(seed);
        let mut connection = Connection::new(port);
        let mine: Vec<&Group> = self.groups.iter().skip(first).step_by(stride).collect();
        while !self.stop.load(Relaxed) {
            let group = mine[dice.below(mine.len())];
            if group.kind == Kind::Deleted && dice.below(30) == 0 {
                group.delete(&mut connection)?;
                self.deletions.fetch_add(1, Relaxed);
            } else {
                group.publish(&mut connection, &mut dice)?;
            }
            std::thread::sleep(pace);
        }
        Ok(())
    }

    /// One more message to every group, acknowledged.
    pub(super) fn publish_last(&self, port: u16) -> Outcome<()> {
        let (mut connection, mut dice) = (Connection::new(port), Dice(1));
        for group in &self.groups {
            if !(0..20).try_fold(false, |done, _| match done {
                true => Ok(true),
                false => group.publish(&mut connection, &mut dice),
            })? {
                return Err("no publish succeeds any more".into());
            }
        }
        Ok(())
    }
}

/// A publisher's connection, made anew when it has gone.
pub(super) struct Connection {
    port: u16,
    client: Option<Client>,
}

impl Connection {
    pub(super) fn new(port: u16) -> Connection {
        Connection { port, client: None }
    }

    /// The status, or nothing if the connection went before the answer was there. No answer at all is an error.
    pub(super) fn ask(&mut self, request: &[u8]) -> Outcome<Option<u16>> {
        let client = self.client.take().and_then(Client::if_open);
        let Some(mut client) = client.or_else(|| Client::connect(self.port).ok()) else {
            return Ok(None);
        };
        match ask(&mut client, request).map(|response| response.status) {
            Ok(status) => {
                self.client = Some(client);
                Ok(Some(status))
            }
            Err(reason) if reason.contains("time is up") => {
                Err(format!("a publish hangs: {reason}"))
            }
            Err(_) => Ok(None),
        }
    }
}

/// The text of a message: its number, a checksum, letters.
pub(super) fn text(number: usize, length: usize, dice: &mut Dice) -> String {
    let letter = |_| char::from(b'a' + dice.below(26) as u8);
    let filler: String = (0..length.min(64)).map(letter).collect();
    let filler = filler.chars().cycle().take(length).collect::<String>();
    format!("{number}:{:016x}:{filler}", sum(number, &filler))
}

/// The number of a text that is whole.
pub(super) fn number(text: &str) -> Outcome<usize> {
    let parts =
        text.split_once(':').and_then(|(number, rest)| Some((number, rest.split_once(':')?)));
    let parsed = parts.and_then(|(number, (sum, filler))| {
        Some((number.parse().ok()?, u64::from_str_radix(sum, 16).ok()?, filler))
    });
    let broken = || format!("a broken text: {}", text.chars().take(100).collect::<String>());
    let (number, found, filler) = parsed.ok_or_else(broken)?;
    if sum(number, filler) == found { Ok(number) } else { Err(broken()) }
}

/// FNV-1a.
fn sum(number: usize, filler: &str) -> u64 {
    let bytes = number.to_le_bytes().into_iter().chain(filler.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
