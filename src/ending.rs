//! How a subscriber ends: time is up, channel deleted, long poll answered, worker leaves, client gone or too slow.
//!
//! It leaves every count before its last bytes are written.

use std::rc::Rc;

use protocol::cursor::Cursor;
use protocol::event::Event;
use protocol::template::MessageView;
use rustc_hash::FxHashSet;
use store::{InterestRef, WakeSet};

use crate::nginx::bytes::Bytes;
use crate::nginx::process;
use crate::render::{Family, Piece, Renderings, last_chunk};
use crate::story::CloseReason;
use crate::subscriber::form::{Form, LongPollAnswer, Told};
use crate::subscriber::websocket::close_frame;
use crate::subscriber::{Lost, Subscriber};
use crate::tables::{CohortKey, GroupKey, Kind, SubscriberKey};
use crate::worker::{Ending, Worker};
use crate::{counters, events};

/// Subscribers pinged or ended for time in one turn of the event loop.
const SERVED_AT_ONCE: usize = 512;
/// Subscribers that leave the zone in one span of its lock.
const LEAVE_AT_ONCE: usize = 128;

impl Worker {
    /// The subscriber's connection is closed. A slow reader of a WebSocket is told why, behind the frame that it has got a part of.
    pub(crate) fn drop_subscriber(&mut self, key: SubscriberKey, reason: CloseReason) {
        let Some(subscriber) = self.remove_one(key, reason) else { return };
        let Subscriber { held, websocket, mut outbox, .. } = subscriber;
        if websocket.is_none() || reason != CloseReason::Slow {
            self.endings.push_back(Ending::Abort(held));
            return;
        }
        outbox.keep_begun();
        outbox.push(close_frame(reason));
        self.endings.push_back(Ending::Finish(held, outbox.take()));
    }

    /// Ends a WebSocket with this frame, behind everything that is on its way.
    pub(crate) fn close_websocket(&mut self, key: SubscriberKey, last: Bytes, reason: CloseReason) {
        let Some(subscriber) = self.remove_one(key, reason) else { return };
        let Subscriber { held, mut outbox, .. } = subscriber;
        outbox.push(last);
        self.endings.push_back(Ending::Finish(held, outbox.take()));
    }

    /// The subscriber's request has ended by itself.
    pub(crate) fn forget(&mut self, key: SubscriberKey) {
        self.remove_one(key, CloseReason::Client);
    }

    /// Takes a subscriber out of everything: zone, groups, cohorts, timeouts. Pieces that were on their way to it are queued.
    fn remove_one(&mut self, key: SubscriberKey, reason: CloseReason) -> Option<Subscriber> {
        let mut subscriber = self.take_out(key)?;
        subscriber.end(reason);
        let groups = std::mem::take(&mut subscriber.groups);
        if subscriber.cohort.is_none() {
            for group in &groups {
                if let Some(group) = self.groups.get_mut(*group) {
                    group.several.retain(|other| *other != key);
                }
            }
        }
        self.leave_groups(groups.iter().map(|group| (*group, 1)), 1);
        Some(subscriber)
    }

    /// The same for many: who is there of them, in this order. Their stories have still to be told why they ended.
    fn remove(&mut self, keys: &[SubscriberKey]) -> Vec<Subscriber> {
        let mut removed = Vec::with_capacity(keys.len());
        let mut several = FxHashSet::default();
        for key in keys {
            let Some(subscriber) = self.take_out(*key) else { continue };
            if subscriber.cohort.is_none() {
                several.extend(subscriber.groups.iter().copied());
            }
            removed.push(subscriber);
        }
        if !several.is_empty() {
            // Once for each channel, however many leave it.
            let keys: FxHashSet<_> = keys.iter().collect();
            for group in several {
                if let Some(group) = self.groups.get_mut(group) {
                    group.several.retain(|key| !keys.contains(key));
                }
            }
        }
        for some in removed.chunks_mut(LEAVE_AT_ONCE) {
            let count = some.len();
            let mut groups = Vec::with_capacity(count);
            for subscriber in some {
                groups.extend_from_slice(&std::mem::take(&mut subscriber.groups));
            }
            // Those who are answered together mostly leave one and the same channel.
            let same = groups.chunk_by(GroupKey::eq);
            let subscriptions = same.filter_map(|same| Some((*same.first()?, same.len())));
            self.leave_groups(subscriptions, count);
        }
        removed
    }

    /// Takes a subscriber out of this worker's tables, but not out of its groups.
    #[inline] // it is large: what is not handed on is not copied
    fn take_out(&mut self, key: SubscriberKey) -> Option<Subscriber> {
        let subscriber = self.subscribers.get_mut(key)?;
        if let Some(place) = subscriber.place.take() {
            self.timeouts.remove(key, place);
        }
        if let Some((cohort, place)) = subscriber.cohort {
            self.leave_cohort(key, cohort, place);
        }
        self.subscribers.remove(key)
    }

    fn leave_cohort(&mut self, leaving: SubscriberKey, key: CohortKey, place: usize) {
        let Some(cohort) = self.cohorts.get_mut(key) else { return };
        if let Some(subscriber) = self.subscribers.get_mut(leaving)
            && subscriber.kind == Kind::Streaming
        {
            let queue = if subscriber.replay.is_some() {
                &mut subscriber.held_back
            } else {
                &mut subscriber.outbox
            };
            counters::written(cohort.unseen(subscriber.seen), 1);
            let mut messages = 0;
            for piece in cohort.unseen(subscriber.seen) {
                queue.extend(piece.on(cohort.look.format.wire));
                messages += usize::from(piece.is_message);
            }
            subscriber.count(messages);
        }
        for (moved, place) in cohort.remove(place).into_iter().flatten() {
            if let Some(other) = self.subscribers.get_mut(moved) {
                other.cohort = Some((key, place));
            }
        }
        if cohort.subscribers.is_empty() {
            let group = cohort.group;
            self.cohorts.remove(key);
            if let Some(group) = self.groups.get_mut(group) {
                group.cohorts.retain(|other| *other != key);
            }
        }
    }

    /// Takes subscriptions out of the zone's counts, so many of each group, and so many connected subscribers, in one span of the lock.
    pub(crate) fn leave_groups(
        &mut self,
        subscriptions: impl IntoIterator<Item = (GroupKey, usize)>,
        subscribers: usize,
    ) {
        let (zone, main) = (Rc::clone(&self.zone), Rc::clone(&self.main));
        let mut wake = WakeSet::default();
        // Without registration the zone has forgotten this worker's interests already.
        let mut store = zone.lock().filter(|store| self.is_registered_in(store));
        for (key, count) in subscriptions {
            let Some(group) = self.groups.get_mut(key) else { continue };
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            group.subscriptions = group.subscriptions.saturating_sub(count);
            if let Some(store) = &mut store
                && group.interest != InterestRef::NONE
            {
                store.unsubscribe(group.interest, count);
                for _ in 0..count {
                    events::announce(store, &main, Event::ClientUnsubscribed, &group.id, &mut wake);
                }
            }
            if group.subscriptions == 0 {
                self.by_interest.remove(&group.interest);
                self.groups.remove(key);
            }
        }
        if let Some(store) = &mut store {
            store.disconnect(self.slot, subscribers);
        }
        drop(store);
        self.wake(&mut wake);
    }

    /// Ends streams: `last` piece if any, footer template, end of the response.
    fn end_streams(&mut self, told: Vec<(SubscriberKey, Option<Piece>)>, reason: CloseReason) {
        let keys: Vec<_> = told.iter().map(|(key, _)| *key).collect();
        // `remove` leaves out who is gone already; the pieces go with those who are left.
        let present: Vec<_> = told
            .into_iter()
            .filter(|(key, _)| self.subscribers.contains_key(*key))
            .map(|(_, piece)| piece)
            .collect();
        for (mut subscriber, last) in self.remove(&keys).into_iter().zip(present) {
            if reason == CloseReason::Deleted
                && let Some(mut replay) = subscriber.replay.take()
            {
                // There is nothing left of a deleted channel's, and that is told.
                while subscriber.queue_history(&mut replay, &mut self.reader, &mut self.press) {}
            }
            subscriber.end(reason);
            let Subscriber {
                held,
                location,
                mut outbox,
                mut held_back,
                replay,
                padded_to,
                websocket,
                ..
            } = subscriber;
            let wire = held.wire();
            // In the middle of the history the news must not go first: the client's cursor would pass over what is
            // left of it.
            if replay.is_none() {
                outbox.extend(held_back.take());
            }
            let footer = location.footer_piece.clone();
            let family = location.message_template.family();
            let filler =
                last.as_ref().and_then(|last| self.press.fillers.behind(last, family, padded_to));
            for piece in [last, filler, footer].into_iter().flatten() {
                outbox.extend(piece.on(wire));
            }
            let last = match websocket {
                Some(_) => Some(close_frame(reason)),
                None => last_chunk(wire),
            };
            outbox.extend(last);
            self.endings.push_back(Ending::Finish(held, outbox.take()));
        }
    }

    /// Answers long polls with the piece given and its cursor.
    pub(crate) fn answer_long_polls(&mut self, answers: Vec<(SubscriberKey, Rc<Piece>)>) {
        let answers = answers.into_iter().map(|(key, piece)| {
            let cursor = piece.cursor;
            (key, cursor, Told::Something(Some(piece)))
        });
        self.end_long_polls(answers.collect(), CloseReason::Message);
    }

    fn end_long_polls(&mut self, answers: Vec<(SubscriberKey, Cursor, Told)>, reason: CloseReason) {
        let present: Vec<_> =
            answers.into_iter().filter(|(key, ..)| self.subscribers.contains_key(*key)).collect();
        let keys: Vec<_> = present.iter().map(|(key, ..)| *key).collect();
        for (subscriber, (_, cursor, told)) in self.remove(&keys).into_iter().zip(present) {
            let Subscriber { held, location, special, .. } = subscriber;
            let form = Form { location, special };
            counters::ended(reason as usize);
            let answer = LongPollAnswer { form, cursor, told, reason };
            self.endings.push_back(Ending::Answer(held, answer));
        }
    }

    /// What is on its way to a long poll and answers it.
    fn pending_answer(&self, subscriber: &Subscriber) -> Option<Rc<Piece>> {
        let in_cohort = || {
            let (cohort, _) = subscriber.cohort?;
            self.cohorts.get(cohort)?.unseen(subscriber.seen).next().cloned().map(Rc::new)
        };
        subscriber.answer.clone().or_else(in_cohort)
    }

    /// Ends subscribers whose time is up: streams with the footer, long polls as timed out.
    fn time_out(&mut self, keys: &[SubscriberKey], reason: CloseReason) {
        if keys.is_empty() {
            return;
        }
        let clock = self.settled_clock();
        self.deliver_rest_later();
        let (mut streams, mut polls, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        let mut renderings = Renderings::default();
        for key in keys {
            let Some(subscriber) = self.subscribers.get(*key) else { continue };
            if subscriber.kind == Kind::LongPolling
                && let Some(piece) = self.pending_answer(subscriber)
            {
                answers.push((*key, piece));
                continue;
            }
            // Nothing has come since it joined, so that is a good cursor too.
            let clock = clock.unwrap_or(subscriber.joined);
            match subscriber.kind {
                Kind::Streaming => streams.push((*key, None)),
                Kind::LongPolling if self.main.timeout_with_body => {
                    let template = &subscriber.location.message_template;
                    let piece = renderings.with(template, |template| {
                        template.render(Cursor::ZERO, &MessageView::timed_out().into())
                    });
                    polls.push((*key, clock, Told::Something(piece.map(Rc::new))));
                }
                Kind::LongPolling => polls.push((*key, clock, Told::Nothing)),
            }
        }
        self.answer_long_polls(answers);
        self.end_streams(streams, reason);
        self.end_long_polls(polls, reason);
    }

    /// Ends everybody: the worker leaves.
    pub(crate) fn end_all(&mut self) {
        let keys: Vec<_> = self.subscribers.keys().collect();
        self.end(&keys);
    }

    /// Ends these because the worker leaves.
    pub(crate) fn end(&mut self, keys: &[SubscriberKey]) {
        self.time_out(keys, CloseReason::Shutdown);
    }

    /// A channel has been deleted: its subscribers get their piece; long polls and who has no other channel left end.
    pub(crate) fn leave_channel(
        &mut self,
        group_key: GroupKey,
        told: Vec<(SubscriberKey, Option<Piece>)>,
        deleted_at: Cursor,
    ) {
        let (mut streams, mut polls, mut others) = (Vec::new(), Vec::new(), Vec::new());
        let mut answers = Vec::new();
        for (key, piece) in told {
            let Some(subscriber) = self.subscribers.get(key) else { continue };
            // A message that has come before the deletion is the answer.
            match (subscriber.kind, self.pending_answer(subscriber)) {
                (Kind::LongPolling, Some(answer)) => answers.push((key, answer)),
                (Kind::LongPolling, None) => {
                    polls.push((key, deleted_at, Told::Something(piece.map(Rc::new))))
                }
                (Kind::Streaming, _)
                    if subscriber.groups.iter().all(|group| *group == group_key) =>
                {
                    streams.push((key, piece));
                }
                (Kind::Streaming, _) => others.push((key, piece)),
            }
        }
        self.answer_long_polls(answers);
        self.end_streams(streams, CloseReason::Deleted);
        self.end_long_polls(polls, CloseReason::Deleted);
        let mut left = 0;
        for (key, piece) in others {
            left += self.leave_one_channel(key, group_key, piece);
        }
        if let Some(group) = self.groups.get_mut(group_key) {
            // Whoever is left is in here: the channel is no more.
            group.several.clear();
        }
        while left > 0 {
            let some = left.min(LEAVE_AT_ONCE);
            self.leave_groups([(group_key, some)], 0);
            left -= some;
        }
    }

    /// A subscriber stays with its other channels. Answers how often it was subscribed to this one.
    fn leave_one_channel(
        &mut self,
        key: SubscriberKey,
        group_key: GroupKey,
        piece: Option<Piece>,
    ) -> usize {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return 0 };
        let before = subscriber.groups.len();
        subscriber.groups.retain(|group| *group != group_key);
        let left = before - subscriber.groups.len();
        if let Some(piece) = piece {
            let family = subscriber.location.message_template.family();
            let filler = self.press.fillers.behind(&piece, family, subscriber.padded_to);
            if subscriber.queue_news(piece, filler) {
                self.flushes.push_back(key);
            }
        }
        left
    }

    /// Sets when the subscriber comes up next.
    pub(crate) fn arm(&mut self, key: SubscriberKey) {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return };
        if let Some(place) = subscriber.place.take() {
            self.timeouts.remove(key, place);
        }
        let next = subscriber.deadlines().next();
        subscriber.place = next.map(|at| self.timeouts.insert(key, at));
    }

    /// Pings and ends whoever has come up, so many at a time; the rest in the next turn of the event loop.
    pub(crate) fn run_timeouts(&mut self) {
        let now = process::now_msec();
        self.timeouts.due(now, &mut self.overdue);
        let (mut over, mut pings, mut lost) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SERVED_AT_ONCE {
            let Some(key) = self.overdue.pop_front() else { break };
            let Some(subscriber) = self.subscribers.get_mut(key) else { continue };
            subscriber.place = None;
            let due = |at| at <= now;
            let deadlines = subscriber.deadlines();
            if due(deadlines.end) {
                over.push(key);
            } else if due(deadlines.stall) && subscriber.check().is_err() {
                lost.push((key, CloseReason::Slow));
            } else if due(deadlines.pong) {
                lost.push((key, CloseReason::PongTimeout));
            } else if due(deadlines.ping) {
                pings.push(key);
            } else {
                self.arm(key);
            }
        }
        self.time_out(&over, CloseReason::Ttl);
        self.ping(&pings, now);
        for (key, reason) in lost {
            self.drop_subscriber(key, reason);
        }
        if !self.overdue.is_empty() {
            self.deliver_later();
        }
    }

    fn ping(&mut self, keys: &[SubscriberKey], now: u64) {
        let main = Rc::clone(&self.main);
        let mut renderings = Renderings::default();
        let mut lost = Vec::new();
        for key in keys {
            let Some(subscriber) = self.subscribers.get_mut(*key) else { continue };
            let wire = subscriber.held.wire();
            let template = &subscriber.location.message_template;
            let piece =
                renderings.with(template, |template| template.ping(&main.ping_message_text));
            subscriber.spoke = now;
            if let Some(websocket) = &mut subscriber.websocket {
                websocket.ask(now);
            }
            let filler =
                piece.as_ref().filter(|_| template.family() == Family::Text).and_then(|piece| {
                    self.press.fillers.behind(piece, Family::Text, subscriber.padded_to)
                });
            let pieces: Vec<_> = [piece, filler].into_iter().flatten().collect();
            match subscriber.send(pieces.iter().flat_map(|piece| piece.on(wire))) {
                Ok(()) => self.arm(*key),
                Err(Lost(reason)) => lost.push((*key, reason)),
            }
        }
        for (key, reason) in lost {
            self.drop_subscriber(key, reason);
        }
    }
}
