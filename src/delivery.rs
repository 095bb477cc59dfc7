//! From the mailbox to the sockets: which of this worker's subscribers get which pieces, and when.
//!
//! Subscribers of one channel who get the very same bytes form a **cohort** (same template, same wire, same mode).
//! A wake-up renders the news once for each template, and every cohort gets them as one **volley**: one array of pieces for all,
//! written to each socket in one call. Nothing is queued for a subscriber whose socket takes it all.
//!
//! Big cohorts are served in slices: after so many writes the worker returns to its event loop and goes on in the next turn, cohorts
//! in turn, so that a big one delays nobody. Subscribers of several channels get their news merged in the order of the cursors and are
//! served one by one.
//!
//! Cost of a delivery to a subscriber without backlog: a look-up in the table of subscribers and one send, of which up to 128 go with one
//! system call ([`Salvo`]); no allocation. Cost of a message: its rendering, one allocation a template.

use std::rc::Rc;

use protocol::cursor::Cursor;
use protocol::template::MessageView;
use rustc_hash::FxHashSet;
use store::{InterestRef, News, NewsResume, Pin};

use crate::counters;
use crate::nginx::process;
use crate::nginx::wire::Wire;
use crate::pages::Format;
use crate::render::{Message, MessageTemplate, Piece, Press, Renderings};
use crate::salvo::{Salvo, Shot};
use crate::story::CloseReason;
use crate::subscriber::{Lost, Subscriber};
use crate::tables::{CohortKey, GroupKey, Kind, SubscriberKey};
use crate::worker::Worker;

/// Deliveries in one turn of the event loop.
const SLICE: usize = 512;
/// Deliveries to one cohort before others have their turn.
const COHORT_SLICE: usize = 128;
const _: () = assert!(COHORT_SLICE <= Salvo::ROOM);
/// What a batch of history counts in deliveries: it may be as long as [`HISTORY_AT_ONCE`].
const REPLAY_COST: usize = 32;
/// Messages collected from the zone in one span of its lock.
const COLLECTED_AT_ONCE: usize = 256;
/// Messages given back to the zone in one span of its lock.
const TAKEN_AT_ONCE: u32 = 256;

/// Something that has arrived for a channel.
struct Arrival {
    cursor: Cursor,
    group: GroupKey,
    what: What,
}

enum What {
    Message(News),
    /// The channel has been deleted.
    Farewell(Pin),
}

/// What sending has shown of subscribers, to be seen to when the walk through them is over.
#[derive(Default)]
struct Aftermath {
    suspects: Vec<SubscriberKey>,
    lost: Vec<(SubscriberKey, CloseReason)>,
}

impl Aftermath {
    fn note(&mut self, key: SubscriberKey, subscriber: &Subscriber, sent: Result<(), Lost>) {
        if subscriber.suspect {
            self.suspects.push(key);
        }
        if let Err(Lost(reason)) = sent {
            self.lost.push((key, reason));
        }
    }
}

/// The piece of a live message. A long poll is answered even if there is nothing to be seen of it: its cursor moves on.
fn or_empty(piece: Option<Piece>, kind: Kind, news: &News) -> Option<Piece> {
    let empty = || (kind == Kind::LongPolling).then(|| Piece::empty(news.cursor));
    let mut piece = piece.or_else(empty)?;
    piece.published_at = Some(news.published_at);
    Some(piece)
}

impl Worker {
    /// Takes the mailbox: renders the news and hands them to cohorts and subscribers.
    pub(crate) fn take_mail(&mut self) {
        if !self.zone.glance().has_mail(self.slot) {
            return;
        }
        let (mut interests, upto) = self.open_mailbox();
        if interests.len() > 1 {
            // One that came back while the mailbox was being opened is in there twice.
            let mut seen = FxHashSet::default();
            interests.retain(|interest| seen.insert(*interest));
        }
        let mut arrivals = self.collect(&interests, upto);
        if interests.len() > 1 {
            // One order for all channels: a subscriber of several has only one cursor. Stable: farewells come last.
            arrivals.sort_by_key(|arrival| arrival.cursor);
        }
        let mut farewells = Vec::new();
        let mut renderings = Renderings::default();
        for arrival in arrivals {
            if !self.is_registered() {
                // The zone has been rebuilt: what the rest of the arrivals point at is no longer theirs.
                break;
            }
            match arrival.what {
                What::Message(news) => self.hand_out(arrival.group, &news, &mut renderings),
                What::Farewell(pin) => {
                    let text = self.zone.glance().pinned(&pin).text.to_vec();
                    farewells.push((arrival.group, text));
                }
            }
        }
        self.give_back(&interests, upto);
        for (group, text) in farewells {
            self.say_farewell(group, &text);
        }
    }

    /// The interests with news, and the cursor up to which this delivery goes.
    fn open_mailbox(&self) -> (Vec<InterestRef>, Cursor) {
        let mut interests = Vec::with_capacity(64);
        loop {
            let Some(mut store) = self.lock() else { return (interests, Cursor::ZERO) };
            while interests.len() < interests.capacity() {
                match store.open_mail(self.slot) {
                    Some(interest) => interests.push(interest),
                    // Whatever comes after this cursor is noted anew.
                    None => return (interests, store.clock()),
                }
            }
            drop(store);
            interests.reserve(interests.len());
        }
    }

    fn collect(&self, interests: &[InterestRef], upto: Cursor) -> Vec<Arrival> {
        let mut arrivals = Vec::new();
        let mut news: Vec<News> = Vec::with_capacity(COLLECTED_AT_ONCE);
        for interest in interests {
            let Some(group) = self.by_interest.get(interest).copied() else { continue };
            let mut resume = NewsResume::default();
            loop {
                let Some(store) = self.lock() else { return Vec::new() };
                let more = store.news(*interest, upto, &mut resume, &mut news);
                // A message that came between this delivery's end and the deletion goes first: it has brought the
                // interest back into the mailbox.
                let is_last = !more && !store.has_news_behind(*interest, upto);
                let farewell = is_last.then(|| store.farewell(*interest)).flatten();
                drop(store);
                arrivals.extend(news.drain(..).map(|news| Arrival {
                    cursor: news.cursor,
                    group,
                    what: What::Message(news),
                }));
                let what = farewell.map(What::Farewell);
                arrivals.extend(what.map(|what| Arrival { cursor: upto, group, what }));
                if !more {
                    break;
                }
            }
        }
        arrivals
    }

    /// Renders one message for everybody in this worker who gets it.
    fn hand_out(&mut self, group_key: GroupKey, news: &News, renderings: &mut Renderings) {
        let Some(group) = self.groups.get(group_key) else { return };
        let zone = self.zone.glance();
        let message = Message::new(&group.id, news.id, news.cursor, zone.pinned(&news.content));
        renderings.clear();
        let render = |template: &MessageTemplate| template.render(news.cursor, &message);
        for key in &group.cohorts {
            let Some(cohort) = self.cohorts.get_mut(*key) else { continue };
            let look = &*cohort.look;
            let Press { fillers, compressors } = &mut self.press;
            let Format { template, padded_to, deflation, .. } = &look.format;
            let piece = renderings.deflated(template, *deflation, compressors, render);
            if let Some(piece) = or_empty(piece, look.kind, news) {
                let filler = fillers.behind(&piece, template.family(), *padded_to);
                cohort.gathering.extend([Some(piece), filler].into_iter().flatten());
            }
        }
        for key in &group.several {
            let Some(subscriber) = self.subscribers.get_mut(*key) else { continue };
            if news.cursor <= subscriber.joined || subscriber.overrun {
                continue;
            }
            let template = &subscriber.location.message_template;
            let Press { fillers, compressors } = &mut self.press;
            let piece = renderings.deflated(template, subscriber.deflation(), compressors, render);
            let Some(piece) = or_empty(piece, subscriber.kind, news) else { continue };
            let filler = fillers.behind(&piece, template.family(), subscriber.padded_to);
            if subscriber.queue_news(piece, filler) {
                self.flushes.push_back(*key);
            }
        }
    }

    /// Gives the messages back to the zone, and loads the cohorts.
    fn give_back(&mut self, interests: &[InterestRef], upto: Cursor) {
        for interest in interests {
            loop {
                let Some(mut store) = self.lock() else { return };
                if store.take(*interest, upto, &mut TAKEN_AT_ONCE.clone()) {
                    break;
                }
            }
            let Some(group) = self.by_interest.get(interest).and_then(|key| self.groups.get(*key))
            else {
                continue;
            };
            for key in &group.cohorts {
                if let Some(cohort) = self.cohorts.get_mut(*key)
                    && cohort.load()
                {
                    self.ready.push_back(*key);
                }
            }
        }
    }

    /// A channel has been deleted: tells its subscribers; who has no other channel left is ended.
    fn say_farewell(&mut self, group_key: GroupKey, text: &[u8]) {
        let Some(group) = self.groups.get(group_key) else { return };
        let deleted_at = self.zone.glance().deleted_at(group.interest);
        let id = group.id.clone();
        let message = MessageView::channel_deleted(&id, text).into();
        let mut keys = group.several.to_vec();
        keys.sort_unstable();
        keys.dedup();
        let cohorts = group.cohorts.iter().filter_map(|key| self.cohorts.get(*key));
        keys.extend(cohorts.flat_map(|cohort| cohort.subscribers.iter().copied()));
        let mut renderings = Renderings::default();
        let mut told = Vec::with_capacity(keys.len());
        for key in keys {
            let Some(subscriber) = self.subscribers.get(key) else { continue };
            let piece = renderings.with(&subscriber.location.message_template, |template| {
                template.render(Cursor::ZERO, &message)
            });
            told.push((key, piece));
        }
        self.leave_channel(group_key, told, deleted_at);
    }

    /// Sends until the slice is used up, in turn to a cohort and to one that is served alone; what is left is for the next turn of the event
    /// loop.
    pub(crate) fn send_slice(&mut self) {
        let mut budget = SLICE;
        // Who queues again in this turn has to wait for the next.
        let mut alone = self.flushes.len();
        while budget > 0 {
            let mut idle = true;
            if let Some(key) = self.ready.pop_front() {
                idle = false;
                let mut share = budget.min(COHORT_SLICE);
                budget -= share;
                if self.serve_cohort(key, &mut share) {
                    self.ready.push_back(key);
                }
                budget += share;
            }
            if alone > 0
                && let Some(key) = self.flushes.pop_front()
            {
                idle = false;
                alone -= 1;
                // Only one of a cohort may be waiting in the salvo.
                if self.subscribers.get(key).is_some_and(|subscriber| subscriber.cohort.is_some()) {
                    self.fire_salvo();
                }
                let cost = if self.is_replaying(key) { REPLAY_COST } else { 1 };
                budget = budget.saturating_sub(cost);
                self.flush(key);
            }
            if idle {
                break;
            }
        }
        self.fire_salvo();
        self.deliver_rest_later();
    }

    fn is_replaying(&self, key: SubscriberKey) -> bool {
        self.subscribers.get(key).is_some_and(|subscriber| subscriber.replay.is_some())
    }

    /// Serves a cohort's front volley to subscribers that have not got it. True = the cohort has more to be sent.
    fn serve_cohort(&mut self, key: CohortKey, budget: &mut usize) -> bool {
        let Some(cohort) = self.cohorts.get(key) else { return false };
        if cohort.waiting().min(*budget) > self.salvo.room() {
            self.fire_salvo();
        }
        let more_to_come = !self.ready.is_empty();
        let Some(cohort) = self.cohorts.get_mut(key) else { return false };
        if matches!(cohort.look.kind, Kind::LongPolling) {
            return self.answer_cohort(key, budget);
        }
        let Some(volley) = cohort.front() else { return false };
        let (Some(first), Some(last)) = (volley.first(), volley.last()) else { return false };
        let (wire, share) = (cohort.look.format.wire, cohort.share(budget));
        let shot = Rc::new(Shot::new(&volley, wire));
        let messages = volley.iter().filter(|piece| piece.is_message).count();
        let at_once = wire != Wire::Filtered && shot.is_one_write();
        let together = at_once && self.salvo.load(&shot, share.len(), more_to_come);
        let now = process::now_msec();
        let mut aftermath = Aftermath::default();
        let (mut written_to, mut sent_at_once) = (0, 0);
        for subscriber_key in cohort.subscribers.get(share.clone()).unwrap_or_default() {
            let Some(subscriber) = self.subscribers.get_mut(*subscriber_key) else { continue };
            let seen = subscriber.seen;
            let is_new = seen < first.cursor;
            let sent = if at_once && is_new && subscriber.is_free() {
                sent_at_once += 1;
                match subscriber.held.target().filter(|_| together) {
                    Some(target) => {
                        // What `add` does, where the head has gone.
                        subscriber.messages_sent += messages as u64;
                        self.salvo.push(*subscriber_key, target);
                        Ok(())
                    }
                    None => {
                        subscriber.add(messages);
                        written_to += 1;
                        subscriber.send_now(&shot)
                    }
                }
            } else {
                let unseen = || volley.iter().filter(move |piece| piece.cursor > seen);
                subscriber.count(unseen().filter(|piece| piece.is_message).count());
                let sent = subscriber.send(unseen().flat_map(|piece| piece.on(wire)));
                if is_new {
                    written_to += 1;
                } else {
                    counters::written(unseen(), 1);
                }
                sent
            };
            subscriber.seen = subscriber.seen.max(last.cursor);
            subscriber.spoke = now;
            aftermath.note(*subscriber_key, subscriber, sent);
        }
        counters::written(volley.iter(), written_to);
        counters::delivered(cohort.look.mode, messages * sent_at_once);
        cohort.advance(share.end);
        self.look_after(aftermath);
        let more = self.cohorts.get(key).is_some_and(|cohort| !cohort.volleys.is_empty());
        if more {
            // The same subscribers may be next.
            self.fire_salvo();
        }
        more
    }

    /// Has the sends done that wait for each other.
    fn fire_salvo(&mut self) {
        if self.salvo.is_empty() {
            return;
        }
        let mut aftermath = Aftermath::default();
        self.salvo.fire(|key, taken, shot| {
            let Some(subscriber) = self.subscribers.get_mut(key) else { return };
            let sent = subscriber.was_sent(taken, shot);
            aftermath.note(key, subscriber, sent);
        });
        self.look_after(aftermath);
    }

    /// After sending: who is slow is looked at again, who is lost is dropped.
    fn look_after(&mut self, aftermath: Aftermath) {
        aftermath.suspects.into_iter().for_each(|key| self.arm(key));
        for (key, reason) in aftermath.lost {
            self.drop_subscriber(key, reason);
        }
    }

    /// Answers the long polls of a cohort: each gets the first message it has not seen. True = there are more to be answered.
    fn answer_cohort(&mut self, key: CohortKey, budget: &mut usize) -> bool {
        let Some(cohort) = self.cohorts.get_mut(key) else { return false };
        let Some(volley) = cohort.front() else { return false };
        let share = cohort.share(budget);
        let mut answered = Vec::with_capacity(share.len());
        let mut last: Option<Rc<Piece>> = None;
        for subscriber_key in cohort.subscribers.get(share.clone()).unwrap_or_default() {
            let Some(subscriber) = self.subscribers.get(*subscriber_key) else { continue };
            let Some(piece) = volley.iter().find(|piece| piece.cursor > subscriber.seen) else {
                continue;
            };
            // Mostly all get the same one.
            let shared = last.take().filter(|last| last.cursor == piece.cursor);
            let shared = shared.unwrap_or_else(|| Rc::new(piece.clone()));
            answered.push((*subscriber_key, Rc::clone(&shared)));
            last = Some(shared);
        }
        cohort.advance(share.end);
        self.answer_long_polls(answered);
        self.cohorts.get(key).is_some_and(|cohort| !cohort.volleys.is_empty())
    }

    /// Goes on with a subscriber whose socket takes bytes again, or who has something queued.
    pub(crate) fn flush(&mut self, key: SubscriberKey) {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        subscriber.queued = false;
        if let Some(piece) = subscriber.answer.take() {
            self.answer_long_polls(vec![(key, piece)]);
            return;
        }
        if subscriber.kind == Kind::LongPolling {
            return;
        }
        subscriber.spoke = process::now_msec();
        let sent = self.go_on(key);
        // News for a subscriber of several channels are queued before it is flushed.
        let sent =
            sent.and_then(|()| self.subscribers.get_mut(key).map_or(Ok(()), Subscriber::check));
        match sent {
            Err(Lost(reason)) => self.drop_subscriber(key, reason),
            Ok(()) if self.subscribers.get(key).is_some_and(|subscriber| subscriber.suspect) => {
                self.arm(key);
            }
            Ok(()) => self.make_lean_later(key),
        }
    }

    /// Sends what is queued; if the socket takes all of it, goes on with the history.
    pub(crate) fn go_on(&mut self, key: SubscriberKey) -> Result<(), Lost> {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return Ok(()) };
        subscriber.flush()?;
        let is_next = subscriber.replay.is_some() && subscriber.outbox.is_empty();
        if is_next { self.replay(key) } else { Ok(()) }
    }

    /// Sends the next of a subscriber's history behind what is queued, and after the last of it what was held back meanwhile.
    pub(crate) fn replay(&mut self, key: SubscriberKey) -> Result<(), Lost> {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return Ok(()) };
        let Some(mut replay) = subscriber.replay.take() else { return Ok(()) };
        if subscriber.queue_history(&mut replay, &mut self.reader, &mut self.press) {
            subscriber.replay = Some(replay);
            subscriber.flush()?;
            if subscriber.outbox.is_empty() && !std::mem::replace(&mut subscriber.queued, true) {
                // The socket takes more; let others have their turn first.
                self.flushes.push_back(key);
                self.deliver_later();
            }
            return Ok(());
        }
        for piece in subscriber.held_back.take() {
            subscriber.outbox.push(piece);
        }
        subscriber.flush()
    }

    /// Delivers the news of the mailbox, then goes on sending what there is to send.
    pub(crate) fn deliver(&mut self) {
        if !self.is_registered() && !self.leaving {
            self.register();
        }
        self.take_mail();
        self.send_slice();
        if !self.overdue.is_empty() {
            self.run_timeouts();
        }
        self.arm_timer();
    }
}
