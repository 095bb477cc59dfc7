//! Subscribers that stay: into the zone, into this worker's groups and cohorts, and their first bytes.
//!
//! A subscriber is registered in every count before its head is written. The same span of the lock fixes where its history ends
//! and its live messages begin.

use std::rc::Rc;

use protocol::Few;
use protocol::cursor::Cursor;
use protocol::event::Event;
use protocol::refusal::Refusal;
use slotmap::{Key as _, KeyData};
use smallvec::SmallVec;
use store::{InterestRef, WakeSet};
use thin_vec::ThinVec;

use super::{admission, poll};
use crate::answer::INTERNAL_ERROR;
use crate::cohort::{Cohort, Group};
use crate::conf::padding::Padding;
use crate::conf::{LocationConf, MainConf};
use crate::counters::{Connected, Unwritten};
use crate::nginx::bytes::Bytes;
use crate::nginx::held::HeldHooks;
use crate::nginx::process;
use crate::nginx::request::{NoMemory, Request, Status};
use crate::nginx::wire::Wire;
use crate::outbox::Outbox;
use crate::render::Piece;
use crate::story::{CloseReason, Story};
use crate::subscriber::form::{Form, Special, gap_piece, mark_gap, set_content_type};
use crate::subscriber::history::{Due, look};
use crate::subscriber::websocket::WebSocket;
use crate::subscriber::wish::Wish;
use crate::subscriber::{Lost, Subscriber};
use crate::tables::{GroupKey, Kind, SubscriberKey};
use crate::worker::{self, Worker};
use crate::{answer, channels, events};

static HOOKS: HeldHooks = HeldHooks {
    gone: |token| worker::on_gone(key_of(token)),
    writable: |token| worker::on_writable(key_of(token)),
    timed_out: |token| worker::on_send_timeout(key_of(token)),
    readable: |token| worker::on_readable(key_of(token)),
};

fn key_of(token: u64) -> SubscriberKey {
    KeyData::from_ffi(token).into()
}

/// What one span of the lock has found out.
pub(super) enum Entered {
    /// A long poll with stored messages: answered at once, not registered.
    Due(Due, bool),
    /// Registered.
    Waits { interests: Few<InterestRef>, joined: Cursor, history: Option<Due>, gap: bool },
}

/// Answers a streaming request: head and history at once, then whatever comes.
pub(crate) fn serve_stream(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    match enter(request, main, location, wish, Kind::Streaming) {
        Err(refusal) => Ok(answer::refuse(request, refusal, main)),
        Ok(Entered::Due(..)) => Ok(INTERNAL_ERROR),
        Ok(Entered::Waits { interests, joined, history, gap }) => {
            request.set_status(200);
            if location.lean_subscribers && request.may_become_lean() {
                request.set_keepalive(false);
            }
            let mut head = set_content_type(request, location);
            if gap {
                head = head.and(mark_gap(request));
            }
            let padding = match location.paddings.is_empty() {
                true => None,
                false => Padding::choose(&location.paddings, &user_agent(request, location)),
            };
            let coming = Coming { padding, ..Coming::new(location, Kind::Streaming) };
            let place = (history.is_none() && !wish.is_exact()).then_some(joined);
            let opening = Opening {
                upgrade: None,
                header_min: padding.map_or(0, |group| group.header_min),
                place,
                gap: gap_piece(main, location, gap),
            };
            worker::enter_in_handler(|worker| {
                let key = worker.settle(request, coming, &interests, joined, history)?;
                match head {
                    Ok(()) => worker.begin_stream(key, opening),
                    Err(NoMemory) => worker.drop_subscriber(key, CloseReason::Client),
                }
                Ok(Status::DONE)
            })
            .unwrap_or(Err(NoMemory))
        }
    }
}

/// How a stream begins.
pub(super) struct Opening {
    /// The head with which a WebSocket begins, instead of nginx's.
    pub(super) upgrade: Option<Vec<u8>>,
    /// Bytes below which the header template is followed by filler.
    pub(super) header_min: usize,
    /// Tells that something is missing.
    pub(super) gap: Option<Piece>,
    /// Where the client stands already, though no message tells it.
    pub(super) place: Option<Cursor>,
}

/// What the padding goes by.
fn user_agent(request: &mut Request, location: &LocationConf) -> Vec<u8> {
    match location.user_agent {
        Some(value) => channels::evaluated(request, value).into_owned(),
        None => request.header("User-Agent").map(<[u8]>::to_vec).unwrap_or_default(),
    }
}

/// Answers a long poll: at once if something is due, otherwise it waits.
pub(crate) fn serve_long_poll(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    match enter(request, main, location, wish, Kind::LongPolling) {
        Err(refusal) => Ok(answer::refuse(request, refusal, main)),
        Ok(Entered::Due(due, gap)) => {
            poll::tell(request, Form::new(main, location, wish, gap), due)
        }
        Ok(Entered::Waits { interests, joined, gap, .. }) => {
            let special = Form::new(main, location, wish, gap).special;
            let coming = Coming { special, ..Coming::new(location, Kind::LongPolling) };
            worker::enter_in_handler(|worker| {
                let key = worker.settle(request, coming, &interests, joined, None)?;
                worker.begin_waiting(key);
                Ok(Status::DONE)
            })
            .unwrap_or(Err(NoMemory))
        }
    }
}

/// One span of the lock: checks, finds what is due, registers.
pub(super) fn enter(
    request: &Request,
    main: &MainConf,
    location: &LocationConf,
    wish: &Wish,
    kind: Kind,
) -> Result<Entered, Refusal> {
    let slot = process::process_slot();
    let path = Story::path_of(request).map_err(|_| Refusal::OutOfMemory)?;
    let mut found = Few::with_capacity(path.len());
    let mut interests = Few::with_capacity(path.len());
    let mut wake = WakeSet::default();
    let entered = worker::with_own_place(|store| {
        admission::admit(store, path, main, location, &mut found, &mut wake)?;
        let joined = store.clock();
        let (history, gap) = look(store, wish, path, &found, joined);
        match (kind, history) {
            (Kind::LongPolling, Some(due)) => Ok(Entered::Due(due, gap)),
            (_, history) => {
                store
                    .subscribe(slot, &found, &mut interests, process::now())
                    .map_err(|_| Refusal::OutOfMemory)?;
                for segment in path.iter() {
                    events::announce(store, main, Event::ClientSubscribed, segment.id, &mut wake);
                }
                let interests = std::mem::take(&mut interests);
                Ok(Entered::Waits { interests, joined, history, gap })
            }
        }
    });
    worker::wake(&mut wake);
    entered.unwrap_or(Err(Refusal::OutOfMemory))
}

/// Who comes, and how.
pub(super) struct Coming<'c> {
    pub(super) location: &'c Rc<LocationConf>,
    pub(super) kind: Kind,
    pub(super) special: Option<Box<Special>>,
    pub(super) padding: Option<&'c Padding>,
    pub(super) websocket: Option<Box<WebSocket>>,
}

impl<'c> Coming<'c> {
    pub(super) fn new(location: &'c Rc<LocationConf>, kind: Kind) -> Self {
        Self { location, kind, special: None, padding: None, websocket: None }
    }
}

impl Worker {
    /// Holds the request and puts the subscriber into the worker's tables.
    pub(super) fn settle(
        &mut self,
        request: &mut Request,
        coming: Coming<'_>,
        interests: &[InterestRef],
        joined: Cursor,
        history: Option<Due>,
    ) -> Result<SubscriberKey, NoMemory> {
        let Coming { location, kind, special, padding, websocket } = coming;
        let Story { path, mode, .. } = Story::of(request).ok_or(NoMemory)?;
        let mode = *mode;
        let mut groups = Few::with_capacity(interests.len());
        for (interest, segment) in interests.iter().zip(path.iter()) {
            groups.push(self.join_group(*interest, segment.id));
        }
        let held = match request.hold(&HOOKS) {
            Ok(held) => held,
            Err(failure) => {
                self.leave_groups(groups.into_iter().map(|group| (group, 1)), 1);
                return Err(failure);
            }
        };
        let now = process::now_msec();
        Ok(self.subscribers.insert_with_key(|key| {
            held.set_token(key.data().as_ffi());
            Subscriber {
                held,
                location: Rc::clone(location),
                kind,
                special,
                websocket,
                padded_to: padding.map_or(0, |group| group.message_min),
                connected: Connected::new(mode),
                unwritten: Unwritten::default(),
                groups,
                cohort: None,
                joined,
                seen: joined,
                replay: history.map(|due| due.replay),
                outbox: Outbox::default(),
                held_back: Outbox::default(),
                answer: None,
                messages_sent: 0,
                lean_channels: ThinVec::new(),
                queued: false,
                since: now,
                spoke: now,
                place: None,
                moved_at: now,
                suspect: false,
                overrun: false,
            }
        }))
    }

    /// The group of an interest; counts one more subscription.
    fn join_group(&mut self, interest: InterestRef, id: &[u8]) -> GroupKey {
        let groups = &mut self.groups;
        let key = *self.by_interest.entry(interest).or_insert_with(|| {
            groups.insert(Group {
                interest,
                id: SmallVec::from_slice(id),
                subscriptions: 0,
                cohorts: Few::new(),
                several: ThinVec::new(),
            })
        });
        if let Some(group) = self.groups.get_mut(key) {
            group.subscriptions += 1;
        }
        key
    }

    /// Puts a subscriber among those who get the same bytes, or among those of several channels. Its wire is known.
    fn join_cohort(&mut self, key: SubscriberKey) {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        let &[group_key] = subscriber.groups.as_slice() else {
            for group in &subscriber.groups {
                if let Some(group) = self.groups.get_mut(*group) {
                    group.several.push(key);
                }
            }
            return;
        };
        let Some(group) = self.groups.get_mut(group_key) else { return };
        let look = subscriber.look();
        let cohorts = &self.cohorts;
        let known = group
            .cohorts
            .iter()
            .copied()
            .find(|cohort| cohorts.get(*cohort).is_some_and(|cohort| *cohort.look == look));
        let cohort_key = known.unwrap_or_else(|| {
            let look = self.looks.shared(look);
            let key = self.cohorts.insert(Cohort::new(group_key, look));
            group.cohorts.push(key);
            key
        });
        if let Some(cohort) = self.cohorts.get_mut(cohort_key) {
            subscriber.cohort = Some((cohort_key, cohort.subscribers.len()));
            cohort.subscribers.push(key);
        }
    }

    /// Sends head, header template and the beginning of the history.
    pub(super) fn begin_stream(&mut self, key: SubscriberKey, opening: Opening) {
        let Opening { upgrade, header_min, gap, place } = opening;
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        let wire = match &upgrade {
            Some(head) => subscriber.held.upgrade(head.len()).ok(),
            None => subscriber.held.send_head().ok(),
        };
        let Some(wire) = wire else {
            self.drop_subscriber(key, CloseReason::Client);
            return;
        };
        if let Some(head) = upgrade {
            subscriber.outbox.begin(Bytes::from(head));
        }
        let location = &subscriber.location;
        let template = &location.message_template;
        let family = template.family();
        let place = place.and_then(|cursor| template.place(cursor));
        for (piece, min) in [
            (&location.header_piece, header_min),
            (&location.retry_piece, 0),
            (&gap, subscriber.padded_to),
            (&place, 0),
        ] {
            let Some(piece) = piece else { continue };
            subscriber.outbox.extend(piece.on(wire));
            if let Some(filler) = self.press.fillers.behind(piece, family, min) {
                subscriber.outbox.extend(filler.on(wire));
            }
        }
        self.join_cohort(key);
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        // The head leaves with what comes first behind it.
        let sent = subscriber.held.sent();
        let begun = if subscriber.replay.is_some() { self.replay(key) } else { subscriber.flush() };
        match begun.and_then(|()| self.send_bare_head(key, sent)) {
            Ok(()) => self.begin_waiting(key),
            Err(Lost(reason)) => self.drop_subscriber(key, reason),
        }
    }

    /// Has nginx's filters send a head behind which nothing has come. `sent` is what had been sent before.
    fn send_bare_head(&mut self, key: SubscriberKey, sent: u64) -> Result<(), Lost> {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return Ok(()) };
        let held = &mut subscriber.held;
        if held.wire() != Wire::Filtered || held.sent() != sent || !subscriber.outbox.is_empty() {
            return Ok(());
        }
        let gone = |_| Lost(CloseReason::Client);
        if held.flush().map_err(gone)? { Ok(()) } else { held.wait_writable().map_err(gone) }
    }

    /// Sets a subscriber's next deadline. Whoever comes while the worker leaves is ended at once.
    fn begin_waiting(&mut self, key: SubscriberKey) {
        if self.subscribers.get(key).is_some_and(|subscriber| subscriber.kind == Kind::LongPolling)
        {
            self.join_cohort(key);
        }
        if self.leaving || self.is_draining() {
            // Its answer waits for the end of the turn; the client may leave before that.
            if let Some(subscriber) = self.subscribers.get_mut(key) {
                subscriber.tell_reason(CloseReason::Shutdown);
            }
            if self.leaving {
                self.end_all()
            } else {
                self.end(&[key])
            }
            return;
        }
        self.arm(key);
        self.arm_timer();
        self.make_lean_later(key);
    }
}
