//! Volleys on their way to many sockets.
//!
//! A [`Shot`] is what each subscriber of a cohort gets. A [`Salvo`] is the sends of a turn that are handed to the kernel with
//! one system call, where it can do that ([`Ring`]): of one big cohort, or of many small ones.
//!
//! Cost of a shot: one allocation if it has several pieces, to put them into one, for up to 128 subscribers. Of a send in a salvo: 24 bytes
//! until it is fired.

use std::io::{self, IoSlice};
use std::rc::Rc;

use smallvec::SmallVec;

use crate::counters;
use crate::nginx::bytes::Bytes;
use crate::nginx::held::Gone;
use crate::nginx::held::together::Together;
use crate::nginx::log::{Log, notice};
use crate::nginx::ring::{Outgoing, Ring, Target, Whole};
use crate::nginx::wire::Wire;
use crate::render::Piece;
use crate::tables::SubscriberKey;

/// Pieces of up to so many bytes are put into one: a send of one piece is cheaper than a `writev`.
const ONE_PIECE: usize = 64 << 10;
/// Pieces written in one call (IOV_MAX is 1024).
const MAX_PIECES: usize = 512;
/// With fewer sends at hand each is done by itself: a ring would save little, and a worker that has slept until then finds the kernel's code
/// for it in no cache, which the first subscriber would wait for.
const WORTH_IT: usize = 16;

/// A volley as bytes on one wire.
pub(crate) struct Shot {
    volley: Rc<[Piece]>,
    /// Each may be queued by itself.
    pieces: SmallVec<[Bytes; 2]>,
    /// All of them in one, unless that is too much or nobody is sent it at once.
    joined: Option<Bytes>,
    len: usize,
}

impl Shot {
    pub(crate) fn new(volley: &Rc<[Piece]>, wire: Wire) -> Self {
        let pieces: SmallVec<[Bytes; 2]> = volley.iter().flat_map(|piece| piece.on(wire)).collect();
        let len = pieces.iter().map(|piece| piece.len()).sum();
        let is_plain = wire != Wire::Filtered;
        let joined = match &*pieces {
            [piece] => Some(piece.clone()),
            _ => (is_plain && len <= ONE_PIECE).then(|| {
                let mut joined = Vec::with_capacity(len);
                pieces.iter().for_each(|piece| joined.extend_from_slice(piece));
                Bytes::from(joined)
            }),
        };
        Self { volley: Rc::clone(volley), pieces, joined, len }
    }

    /// In bytes.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn pieces(&self) -> impl Iterator<Item = &Bytes> {
        self.pieces.iter()
    }

    /// Whether [`Shot::write_with`] can write it, on the plain path.
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
    /// Without one they are sent one by one: the kernel has no rings, or the configuration does not want them.
    ring: Option<Ring>,
    sends: Vec<Outgoing<SubscriberKey, Whole>>,
    /// What is sent, how often, and the bytes of it.
    shots: Vec<(Rc<Shot>, usize)>,
    bytes: Vec<Bytes>,
}

impl Salvo {
    /// Sends that it has room for.
    pub(crate) const ROOM: usize = Ring::ENTRIES;

    /// `together`: the kernel is to be asked for a ring. That takes it a millisecond, so it is done before the first message.
    pub(crate) fn new(together: bool) -> Self {
        let ring = if together { open_ring() } else { None };
        Self { ring, sends: Vec::with_capacity(Self::ROOM), shots: Vec::new(), bytes: Vec::new() }
    }

    /// How many more sends it takes.
    pub(crate) fn room(&self) -> usize {
        Self::ROOM - self.sends.len()
    }

    /// Takes a shot for `count` subscribers, or more that are still to come in this turn; false = it is to be sent to each of them by itself.
    pub(crate) fn load(&mut self, shot: &Rc<Shot>, count: usize, more_to_come: bool) -> bool {
        if self.sends.is_empty() && count < WORTH_IT && !more_to_come {
            return false;
        }
        let Some(joined) = shot.joined.as_ref().filter(|_| self.ring.is_some()) else {
            return false;
        };
        self.bytes.push(joined.clone());
        self.shots.push((Rc::clone(shot), 0));
        true
    }

    /// Takes a send of the shot that was loaded last.
    pub(crate) fn push(&mut self, to: SubscriberKey, target: Target) {
        if let Some((_, sends)) = self.shots.last_mut() {
            *sends += 1;
        }
        let part = Whole::new(self.bytes.len().saturating_sub(1));
        self.sends.push(Outgoing { to, target, part });
    }

    /// Has everything sent, and tells of those who have not taken all.
    pub(crate) fn fire(
        &mut self,
        mut short: impl FnMut(SubscriberKey, Result<usize, Gone>, &Shot),
    ) {
        let Some(ring) = &mut self.ring else { return };
        let (sends, shots) = (&self.sends, &self.shots);
        let sent = ring.send_all(sends, &self.bytes, |place, taken| {
            let Some(send) = sends.get(place) else { return };
            if let Some((shot, _)) = shots.get(send.part.place()) {
                short(send.to, taken, shot);
            }
        });
        counters::sent(sent.bytes);
        counters::sent_together(self.sends.len());
        for (shot, sends) in self.shots.drain(..) {
            counters::written(shot.volley.iter(), sends);
        }
        self.sends.clear();
        self.bytes.clear();
        if let Some(error) = sent.failed {
            self.give_up(&error);
        }
    }

    /// Whether there is nothing to be fired.
    pub(crate) fn is_empty(&self) -> bool {
        self.shots.is_empty()
    }

    /// Whether so many sends are better done together.
    pub(crate) fn is_worth_it(&self, count: usize) -> bool {
        count >= WORTH_IT && self.ring.is_some()
    }

    /// Sends the answers of long polls.
    pub(crate) fn send_answers(&mut self, answers: &mut Together) {
        counters::sent_together(answers.waiting());
        if let Some(error) = answers.send(self.ring.as_mut()) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &io::Error) {
        notice!(
            Log::cycle(),
            "push stream module: io_uring has failed ({error}): each subscriber is sent to by itself"
        );
        self.ring = None;
    }
}

fn open_ring() -> Option<Ring> {
    let failed = match Ring::open() {
        Ok(ring) => return Some(ring),
        Err(error) => error,
    };
    notice!(
        Log::cycle(),
        "push stream module: no io_uring here ({failed}): each subscriber is sent to by itself"
    );
    None
}
