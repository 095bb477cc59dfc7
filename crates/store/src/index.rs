//! Finding a stored message without walking the log.
//!
//! **By its cursor, or by its place from the end.** The stored messages of a channel are numbered; each knows, besides its
//! neighbours, the one whose ordinal is its own with the lowest bit cleared (as in a Fenwick tree). A search goes back from the newest: by a
//! skip where that does not lead too far, else by one step. Among n messages it looks at no more than about log2(n)² / 2. Which message
//! a new one skips to is found by following the skips of the one before: half a look on average.
//! Messages go oldest first, so ordinals alone tell whether a skip still leads somewhere. Where another one has gone first (a
//! ttl was lowered) the channel is [`GAPPED`], and its log is walked, until it has been empty.
//!
//! **By its event id.** A hash table of fixed size, keyed by channel and event id: what a client asks for costs one look, known or not.
//! It holds at most one message for each event id of a channel. Once a publisher has repeated one, the channel is [`REPEATED`], and its
//! log is walked from the oldest on, until it has been empty.
//!
//! Cost of a stored message: two words, one more and a hash if it has an event id; no block of its own.

use core::hash::Hasher;

use crate::directory::half;
use crate::layout::{Channel, GAPPED, Message, REPEATED, Ref};
use crate::zone::Zone;

/// The ordinal that a skip leads to.
fn below(ordinal: u32) -> u32 {
    ordinal & ordinal.wrapping_sub(1)
}

/// Whether an ordinal comes before another: there are never as many as half of the numbers stored.
fn precedes(ordinal: u32, other: u32) -> bool {
    ordinal.wrapping_sub(other) > u32::MAX / 2
}

impl Zone {
    fn has_flag(&self, channel: Ref<Channel>, flag: u32) -> bool {
        self.get(channel, Channel::FLAGS) & flag != 0
    }

    /// Gives the last message of a log, which is not counted yet, its ordinal and its skip; part of a mutation. `prev` is the one before it.
    pub(crate) fn number(
        &self,
        channel: Ref<Channel>,
        record: Ref<Message>,
        prev: Ref<Message>,
        store: bool,
    ) {
        let oldest = self.get(channel, Channel::OLDEST);
        let (mut ordinal, mut skip) = (0, Ref::NONE);
        if oldest.is_some() && !self.has_flag(channel, GAPPED) {
            // Unstored ones hand on where the last stored one is.
            let last = if self.is_stored(prev) { prev } else { self.get(prev, Message::SKIP) };
            (ordinal, skip) = (self.get(last, Message::ORDINAL), last);
            if store {
                ordinal = ordinal.wrapping_add(1);
                skip = self.skip_to(below(ordinal), last, oldest);
            }
        }
        self.init(record, Message::ORDINAL, ordinal);
        self.init(record, Message::SKIP, skip);
    }

    /// The stored message with this ordinal, which lies on the way that the skips from `last` on take.
    fn skip_to(&self, ordinal: u32, last: Ref<Message>, oldest: Ref<Message>) -> Ref<Message> {
        let mut record = last;
        // No ordinal has more bits to clear.
        for _ in 0..u32::BITS {
            if self.get(record, Message::ORDINAL) == ordinal {
                return record;
            }
            let Some(skip) = self.skip(record, oldest) else { break };
            record = skip;
        }
        Ref::NONE
    }

    /// Where the skip of a stored message leads, if that one is still stored. Not in a channel that is [`GAPPED`].
    fn skip(&self, record: Ref<Message>, oldest: Ref<Message>) -> Option<Ref<Message>> {
        let target = below(self.get(record, Message::ORDINAL));
        let gone = precedes(target, self.get(oldest, Message::ORDINAL));
        if gone { None } else { self.get(record, Message::SKIP).some() }
    }

    /// The stored messages of a log from `record` on, backwards.
    fn stored_upto(&self, record: Ref<Message>) -> impl Iterator<Item = Ref<Message>> {
        self.walk(record, Message::PREV).filter(|record| self.is_stored(*record))
    }

    /// The first stored message with a cursor behind `after`.
    pub(crate) fn first_behind(&self, channel: Ref<Channel>, after: u64) -> Ref<Message> {
        self.first_of(channel, |record| self.get(record, Message::CURSOR) > after)
    }

    /// The stored message so many from the end, of which there are as many.
    pub(crate) fn nth_last(&self, channel: Ref<Channel>, count: u32) -> Ref<Message> {
        let Some(before) = count.checked_sub(1) else { return Ref::NONE };
        let mut back = self.stored_upto(self.get(channel, Channel::LOG_LAST));
        if self.has_flag(channel, GAPPED) {
            return back.nth(before as usize).unwrap_or(Ref::NONE);
        }
        let Some(newest) = back.next() else { return Ref::NONE };
        let first = self.get(newest, Message::ORDINAL).wrapping_sub(before);
        self.first_of(channel, |record| !precedes(self.get(record, Message::ORDINAL), first))
    }

    /// The first of those stored messages that `belongs`: the newest ones up to some point.
    fn first_of(
        &self,
        channel: Ref<Channel>,
        belongs: impl Fn(Ref<Message>) -> bool,
    ) -> Ref<Message> {
        let oldest = self.get(channel, Channel::OLDEST);
        let skips = !self.has_flag(channel, GAPPED);
        let (mut first, mut cursor) = (Ref::NONE, u64::MAX);
        let mut next = self.stored_upto(self.get(channel, Channel::LOG_LAST)).next();
        while let Some(record) = next.filter(|record| belongs(*record)) {
            let before = self.get(record, Message::CURSOR);
            if before >= cursor {
                // The log goes round in circles.
                self.region.report_damage();
                break;
            }
            (first, cursor) = (record, before);
            if record == oldest {
                break;
            }
            let skip = if skips { self.skip(record, oldest) } else { None };
            next = skip
                .filter(|skip| belongs(*skip))
                .or_else(|| self.stored_upto(self.get(record, Message::PREV)).next());
        }
        first
    }

    /// Byte offset of the head of the chain for an event id of a channel.
    pub(crate) fn event_id_chain(&self, channel: Ref<Channel>, event_id: &[u8]) -> u32 {
        let mut hasher = self.hasher();
        hasher.write(&self.get(channel, Channel::CREATION).to_le_bytes());
        hasher.write(event_id);
        let chain = half(&hasher) & ((1 << self.tables.bucket_bits) - 1);
        self.tables.event_ids + chain * 4
    }

    /// The oldest stored message of the channel with this event id.
    pub(crate) fn find_event_id(
        &self,
        channel: Ref<Channel>,
        event_id: &[u8],
    ) -> Option<Ref<Message>> {
        if self.has_flag(channel, REPEATED) {
            let mut stored = self.stored_from(self.get(channel, Channel::OLDEST));
            return stored.find(|record| self.event_id(*record) == Some(event_id));
        }
        self.find_in_chain(channel, event_id, self.event_id_chain(channel, event_id))
    }

    fn find_in_chain(
        &self,
        channel: Ref<Channel>,
        event_id: &[u8],
        chain: u32,
    ) -> Option<Ref<Message>> {
        self.walk(Ref::new(self.word(chain)), Message::HASH_NEXT)
            .find(|record| self.event_id(*record) == Some(event_id) && self.holds(channel, *record))
    }

    /// The chain that a message with this event id is to be entered in; `None` if another one of the channel is there already.
    fn vacant_chain(&self, channel: Ref<Channel>, event_id: &[u8]) -> Option<u32> {
        let chain = self.event_id_chain(channel, event_id);
        self.find_in_chain(channel, event_id, chain).is_none().then_some(chain)
    }

    /// Whether a stored message is one of this channel.
    fn holds(&self, channel: Ref<Channel>, record: Ref<Message>) -> bool {
        let cursor = self.get(record, Message::CURSOR);
        self.first_behind(channel, cursor.saturating_sub(1)) == record
    }

    /// Enters a message that has just been stored, if it has an event id; part of a mutation.
    pub(crate) fn index_event_id(&self, channel: Ref<Channel>, record: Ref<Message>) {
        let Some(event_id) = self.event_id(record) else { return };
        if self.has_flag(channel, REPEATED) {
            return;
        }
        let Some(chain) = self.vacant_chain(channel, event_id) else {
            self.set(channel, Channel::FLAGS, self.get(channel, Channel::FLAGS) | REPEATED);
            return;
        };
        self.init(record, Message::HASH_NEXT, Ref::new(self.word(chain)));
        self.set_word(chain, record.0);
    }

    /// Takes a message out that is no longer stored; part of a mutation.
    pub(crate) fn forget_event_id(&self, channel: Ref<Channel>, record: Ref<Message>) {
        let Some(event_id) = self.event_id(record) else { return };
        let chain = self.event_id_chain(channel, event_id);
        let first: Ref<Message> = Ref::new(self.word(chain));
        let next = |of| self.get(of, Message::HASH_NEXT);
        if first == record {
            self.set_word(chain, next(record).0);
            return;
        }
        match self.walk(first, Message::HASH_NEXT).find(|other| next(*other) == record) {
            Some(before) => self.set(before, Message::HASH_NEXT, next(record)),
            None if self.has_flag(channel, REPEATED) => {}
            None => self.region.report_damage(),
        }
    }

    /// Numbers and enters the stored messages of a log anew, of which none is entered; part of a rebuild.
    pub(crate) fn reindex(&self, channel: Ref<Channel>, messages: &[Ref<Message>]) {
        for (ordinal, record) in (0u32..).zip(messages) {
            let skip = messages.get(below(ordinal) as usize).filter(|_| ordinal > 0);
            self.init(*record, Message::ORDINAL, ordinal);
            self.init(*record, Message::SKIP, skip.copied().unwrap_or(Ref::NONE));
        }
        for record in messages {
            let Some(event_id) = self.event_id(*record) else { continue };
            let Some(chain) = self.vacant_chain(channel, event_id) else {
                let flags = self.get(channel, Channel::FLAGS);
                self.init(channel, Channel::FLAGS, flags | REPEATED);
                return;
            };
            self.init(*record, Message::HASH_NEXT, Ref::new(self.word(chain)));
            self.region.store32(chain as usize, record.0);
        }
    }
}
