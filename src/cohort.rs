//! Who gets the same bytes: the subscribers of a channel in this worker, in cohorts.

use std::ops::Range;
use std::rc::Rc;

use protocol::Few;
use protocol::cursor::Cursor;
use smallvec::SmallVec;
use store::InterestRef;
use thin_vec::ThinVec;

use crate::conf::Mode;
use crate::pages::Format;
use crate::render::Piece;
use crate::tables::{CohortKey, GroupKey, Kind, SubscriberKey};

/// A channel with subscribers in this worker.
///
/// Groups and cohorts are small, since a worker may have a million of them: what mostly is empty takes one word.
pub(crate) struct Group {
    /// `NONE` if the zone was full when the worker had to register again.
    pub(crate) interest: InterestRef,
    pub(crate) id: SmallVec<[u8; 16]>,
    /// Subscriptions: the number the zone has for this worker.
    pub(crate) subscriptions: u32,
    pub(crate) cohorts: Few<CohortKey>,
    /// Subscribers of several channels, as often as they subscribed to this one.
    pub(crate) several: ThinVec<SubscriberKey>,
}

/// What subscribers of a channel have in common who get the same bytes.
#[derive(Clone, PartialEq)]
pub(crate) struct Look {
    pub(crate) format: Format,
    pub(crate) kind: Kind,
    /// What its deliveries are counted as.
    pub(crate) mode: Option<Mode>,
}

/// All looks that there have been in this worker: as many as the configuration and the ways to connect make.
#[derive(Default)]
pub(crate) struct Looks(Vec<Rc<Look>>);

impl Looks {
    /// The one that all cohorts of this look share.
    pub(crate) fn shared(&mut self, look: Look) -> Rc<Look> {
        if let Some(known) = self.0.iter().find(|known| ***known == look) {
            return Rc::clone(known);
        }
        let look = Rc::new(look);
        self.0.push(Rc::clone(&look));
        look
    }
}

/// Subscribers of one channel who get the same bytes.
pub(crate) struct Cohort {
    pub(crate) group: GroupKey,
    pub(crate) look: Rc<Look>,
    pub(crate) subscribers: Few<SubscriberKey>,
    /// Rendered in this wake-up, not yet a volley.
    pub(crate) gathering: ThinVec<Piece>,
    /// Volleys; the first `served` subscribers have got the front one.
    pub(crate) volleys: ThinVec<Rc<[Piece]>>,
    served: u32,
}

impl Cohort {
    pub(crate) fn new(group: GroupKey, look: Rc<Look>) -> Self {
        Self {
            group,
            look,
            subscribers: Few::new(),
            gathering: ThinVec::new(),
            volleys: ThinVec::new(),
            served: 0,
        }
    }

    fn served(&self) -> usize {
        self.served as usize
    }

    /// Takes a subscriber out; answers who took its place. Who has got the front volley stays in front of who has not.
    pub(crate) fn remove(&mut self, mut place: usize) -> [Option<(SubscriberKey, usize)>; 2] {
        let mut moved = [None, None];
        if place < self.served() {
            self.served -= 1;
            let last = self.served();
            self.subscribers.swap(place, last);
            moved[0] = self.subscribers.get(place).map(|key| (*key, place));
            place = last;
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
        self.volleys.push(self.gathering.drain(..).collect());
        was_idle
    }

    /// Subscribers who have not got the front volley.
    pub(crate) fn waiting(&self) -> usize {
        self.subscribers.len() - self.served()
    }

    /// Who is to be served now, as far as the budget goes; at least 1 is taken from it, so that every look ends.
    pub(crate) fn share(&self, budget: &mut usize) -> Range<usize> {
        let end = self.subscribers.len().min(self.served() + *budget);
        *budget -= (end - self.served()).max(1).min(*budget);
        self.served()..end
    }

    /// Those before `end` have got the front volley; after the last one it goes.
    pub(crate) fn advance(&mut self, end: usize) {
        self.served = u32::try_from(end).unwrap_or(u32::MAX);
        if end == self.subscribers.len() {
            if !self.volleys.is_empty() {
                self.volleys.remove(0);
            }
            self.served = 0;
        }
    }

    /// The volley to serve: all that wait in one, if nobody has got the front one yet.
    pub(crate) fn front(&mut self) -> Option<Rc<[Piece]>> {
        if self.served == 0 && self.volleys.len() > 1 {
            let all = self.volleys.drain(..).flat_map(|volley| volley.to_vec()).collect();
            self.volleys.push(all);
        }
        self.volleys.first().map(Rc::clone)
    }
}
