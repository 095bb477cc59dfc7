//! Who gets the same bytes: the subscribers of a channel in this worker, in cohorts.

use std::collections::VecDeque;
use std::ops::Range;
use std::rc::Rc;

use protocol::Few;
use protocol::cursor::Cursor;
use store::InterestRef;

use crate::nginx::held::Wire;
use crate::render::{Deflation, MessageTemplate, Piece};
use crate::tables::{CohortKey, GroupKey, Kind, SubscriberKey};

/// A channel with subscribers in this worker.
pub(crate) struct Group {
    pub(crate) interest: InterestRef,
    /// The zone knows the interest: not so if it was full when the worker had to register again.
    pub(crate) registered: bool,
    pub(crate) id: Rc<[u8]>,
    /// Subscriptions: the number the zone has for this worker.
    pub(crate) subscriptions: u32,
    pub(crate) cohorts: Few<CohortKey>,
    /// Subscribers of several channels, as often as they subscribed to this one.
    pub(crate) several: Vec<SubscriberKey>,
}

/// Subscribers of one channel who get the same bytes.
pub(crate) struct Cohort {
    pub(crate) group: GroupKey,
    pub(crate) template: Rc<MessageTemplate>,
    pub(crate) wire: Wire,
    pub(crate) kind: Kind,
    /// Bytes below which a message is followed by filler.
    pub(crate) padded_to: usize,
    /// How messages are compressed, if at all.
    pub(crate) deflation: Option<Deflation>,
    pub(crate) subscribers: Few<SubscriberKey>,
    /// Rendered in this wake-up, not yet a volley.
    pub(crate) gathering: Vec<Piece>,
    /// Volleys; the first `served` subscribers have got the front one.
    pub(crate) volleys: VecDeque<Rc<[Piece]>>,
    pub(crate) served: usize,
}

impl Cohort {
    pub(crate) fn new(
        group: GroupKey,
        template: Rc<MessageTemplate>,
        wire: Wire,
        kind: Kind,
        padded_to: usize,
        deflation: Option<Deflation>,
    ) -> Self {
        Self {
            group,
            template,
            wire,
            kind,
            padded_to,
            deflation,
            subscribers: Few::new(),
            gathering: Vec::new(),
            volleys: VecDeque::new(),
            served: 0,
        }
    }

    /// Takes a subscriber out; answers who took its place. Who has got the front volley stays in front of who has not.
    pub(crate) fn remove(&mut self, mut place: usize) -> [Option<(SubscriberKey, usize)>; 2] {
        let mut moved = [None, None];
        if place < self.served {
            self.served -= 1;
            self.subscribers.swap(place, self.served);
            moved[0] = self.subscribers.get(place).map(|key| (*key, place));
            place = self.served;
        }
        if place < self.subscribers.len() {
            self.subscribers.swap_remove(place);
            moved[1] = self.subscribers.get(place).map(|key| (*key, place));
        }
        moved
    }

    /// The pieces that a subscriber who has seen everything up to `seen` has still to get.
    pub(crate) fn unseen(&self, seen: Cursor) -> impl Iterator<Item = &Piece> {
        self.volleys
            .iter()
            .flat_map(|volley| volley.iter())
            .filter(move |piece| piece.cursor > seen)
    }

    /// Turns what was gathered into a volley; true if the cohort has something to be sent now and had not before.
    pub(crate) fn load(&mut self) -> bool {
        if self.gathering.is_empty() {
            return false;
        }
        let was_idle = self.volleys.is_empty();
        self.volleys.push_back(self.gathering.drain(..).collect());
        was_idle
    }

    /// Who is to be served now, as far as the budget goes; at least 1 is taken from it, so that every look ends.
    pub(crate) fn share(&self, budget: &mut usize) -> Range<usize> {
        let end = self.subscribers.len().min(self.served + *budget);
        *budget -= (end - self.served).max(1).min(*budget);
        self.served..end
    }

    /// Those before `end` have got the front volley; after the last one it goes.
    pub(crate) fn advance(&mut self, end: usize) {
        self.served = end;
        if end == self.subscribers.len() {
            self.volleys.pop_front();
            self.served = 0;
        }
    }

    /// The volley to serve: all that wait in one, if nobody has got the front one yet.
    pub(crate) fn front(&mut self) -> Option<Rc<[Piece]>> {
        if self.served == 0 && self.volleys.len() > 1 {
            let all = self.volleys.drain(..).flat_map(|volley| volley.to_vec()).collect();
            self.volleys.push_back(all);
        }
        self.volleys.front().map(Rc::clone)
    }
}
