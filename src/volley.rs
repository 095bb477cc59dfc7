//! Volleys on their way to many sockets.
//!
//! A [`Volley`] is the bytes that each subscriber of a cohort gets. A [`Salvo`] is the sends of a turn that are handed to the kernel with
//! one system call, where it can do that ([`Ring`]): of one big cohort, or of many small ones.
//!
//! Cost of a volley: one allocation if it has several pieces, to put them into one. Of a send in a salvo: 24 bytes until it is fired.

use std::io::{self, IoSlice};
use std::rc::Rc;

use smallvec::SmallVec;

use crate::counters;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::Gone;
use crate::nginx::held::together::Together;
use crate::nginx::log::{Log, notice};
use crate::nginx::ring::{Ring, Send, Target};
use crate::tables::SubscriberKey;

/// Pieces of a volley up to so many bytes are put into one, once for all who get them: a send of one piece is cheaper than a `writev`.
const JOINED: usize = 64 << 10;
/// Pieces written in one call (IOV_MAX is 1024).
const MAX_PIECES: usize = 512;
/// With fewer sends at hand a call for each of them is as cheap.
const WORTH_IT: usize = 4;

/// The bytes of a volley on one wire.
pub(crate) struct Volley {
    /// Each may be queued by itself.
    pieces: SmallVec<[Bytes; 2]>,
    /// All of them in one, unless that is too much.
    joined: Option<Bytes>,
    len: usize,
}

impl Volley {
    pub(crate) fn new(pieces: impl Iterator<Item = Bytes>) -> Self {
        let pieces: SmallVec<[Bytes; 2]> = pieces.collect();
        let len = pieces.iter().map(|piece| piece.len()).sum();
        let joined = match &*pieces {
            [piece] => Some(piece.clone()),
            _ => (len <= JOINED).then(|| {
                let mut joined = Vec::with_capacity(len);
                pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
                Bytes::from(joined)
            }),
        };
        Self { pieces, joined, len }
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }

    /// Whether one system call can write it.
    pub(crate) fn is_one_write(&self) -> bool {
        self.joined.is_some() || self.pieces.len() <= MAX_PIECES
    }

    /// Writes it with one call of `write`.
    pub(crate) fn write_with<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        match &self.joined {
            Some(joined) => write(&[IoSlice::new(joined)]),
            None => {
                let slices: SmallVec<[IoSlice<'_>; 16]> =
                    self.pieces.iter().map(|piece| IoSlice::new(piece)).collect();
                write(&slices)
            }
        }
    }
}

/// Sends that wait for each other.
pub(crate) struct Salvo {
    way: Way,
    sends: Vec<Send<SubscriberKey>>,
    /// What is sent, and the bytes of it.
    volleys: Vec<Rc<Volley>>,
    bytes: Vec<Bytes>,
}

/// How the sends of a salvo reach the kernel.
enum Way {
    /// By a ring that has not been needed yet.
    Unopened,
    Ring(Box<Ring>),
    /// One by one: the kernel has no rings, or the configuration does not want them.
    OneByOne,
}

impl Salvo {
    /// `together`: the kernel is to be asked for a ring.
    pub(crate) fn new(together: bool) -> Self {
        let way = if together { Way::Unopened } else { Way::OneByOne };
        Self {
            way,
            sends: Vec::with_capacity(Ring::ENTRIES),
            volleys: Vec::new(),
            bytes: Vec::new(),
        }
    }

    /// How many more sends it takes.
    pub(crate) fn room(&self) -> usize {
        Ring::ENTRIES - self.sends.len()
    }

    /// Takes a volley for `count` subscribers, or more that are still to come in this turn; false = it is to be sent to each of them by itself.
    pub(crate) fn load(&mut self, volley: &Rc<Volley>, count: usize, more_to_come: bool) -> bool {
        if self.sends.is_empty() && count < WORTH_IT && !more_to_come {
            return false;
        }
        let Some(joined) = volley.joined.as_ref().filter(|_| self.way.ring().is_some()) else {
            return false;
        };
        self.bytes.push(joined.clone());
        self.volleys.push(Rc::clone(volley));
        true
    }

    /// Takes a send of the volley that was loaded last.
    pub(crate) fn push(&mut self, to: SubscriberKey, target: Target) {
        self.sends.push(Send::new(to, target, self.bytes.len().saturating_sub(1)));
    }

    /// Has everything sent, and tells of those who have not taken all.
    pub(crate) fn fire(
        &mut self,
        mut short: impl FnMut(SubscriberKey, Result<usize, Gone>, &Volley),
    ) {
        let Some(ring) = self.way.ring() else { return };
        let volleys = &self.volleys;
        let sent = ring.send_all(&self.sends, &self.bytes, |send, taken| {
            if let Some(volley) = volleys.get(send.what()) {
                short(send.to, taken, volley);
            }
        });
        counters::sent(sent.bytes);
        self.sends.clear();
        self.volleys.clear();
        self.bytes.clear();
        if let Some(error) = sent.failed {
            self.way.give_up(&error);
        }
    }

    /// Whether so many sends are better done together.
    pub(crate) fn is_worth_it(&mut self, count: usize) -> bool {
        count >= WORTH_IT && self.way.ring().is_some()
    }

    /// Sends answers of long polls.
    pub(crate) fn send(&mut self, answers: &mut Together) {
        if let Some(error) = answers.send(self.way.ring()) {
            self.way.give_up(&error);
        }
    }

    /// Whether there is nothing to be fired.
    pub(crate) fn is_empty(&self) -> bool {
        self.volleys.is_empty()
    }
}

impl Way {
    fn give_up(&mut self, error: &io::Error) {
        notice!(
            Log::cycle(),
            "push stream module: io_uring has failed ({error}): each subscriber is sent to by itself"
        );
        *self = Self::OneByOne;
    }

    /// The ring, which is made when it is needed first.
    fn ring(&mut self) -> Option<&mut Ring> {
        if matches!(self, Self::Unopened) {
            *self = match Ring::open() {
                Ok(ring) => Self::Ring(Box::new(ring)),
                Err(error) => {
                    notice!(
                        Log::cycle(),
                        "push stream module: no io_uring here ({error}): each subscriber is sent to by itself"
                    );
                    Self::OneByOne
                }
            };
        }
        match self {
            Self::Ring(ring) => Some(ring),
            Self::Unopened | Self::OneByOne => None,
        }
    }
}
