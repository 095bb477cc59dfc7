//! The log of a channel: its messages in cursor order.
//!
//! A message is in the log while it is stored, or while a worker has still to take it ("untaken"). It is freed by
//! whichever comes last: [`Zone::drop_stored`] (evicted by count, expired, channel deleted) or the last worker's
//! [`Zone::take_one`].

use protocol::cursor::Cursor;

use crate::layout::{
    BINARY, Channel, Content, GAPPED, Interest, MAX_LEN, Message, REPEATED, Ref, Root, STORED,
    UNORDERED,
};
use crate::space::NoMemory;
use crate::zone::{ROOT, Zone};
use crate::{NewMessage, Parts, WakeSet};

/// Where the content of a message comes to lie.
pub(crate) enum Copy<'c> {
    /// Behind it, in its own block.
    Own,
    /// In a block that the channels of one publish share: this one if an earlier channel has it already.
    Shared(&'c mut Option<Ref<Content>>),
}

/// Bytes of a content.
fn content_len(parts: &Parts<'_>) -> Result<usize, NoMemory> {
    let len = |part: Option<&[u8]>| part.map_or(0, <[u8]>::len);
    [Content::LEN, len(parts.event_id), len(parts.event_type), parts.text.len()]
        .into_iter()
        .try_fold(0usize, usize::checked_add)
        .filter(|bytes| *bytes < MAX_LEN - Message::LEN)
        .ok_or(NoMemory)
}

impl Zone {
    /// The zone's clock: the newest cursor given out.
    pub(crate) fn clock(&self) -> Cursor {
        Cursor::from_u64(self.get(ROOT, Root::CLOCK))
    }

    /// Advances the clock to `now`, never backwards; part of a mutation.
    pub(crate) fn advance_clock(&self, now: u32) {
        if now > self.clock().time {
            self.set(ROOT, Root::CLOCK, Cursor::new(now, 0).to_u64());
        }
    }

    /// The next cursor of the zone; part of a mutation.
    fn next_cursor(&self, now: u32, given: Option<Cursor>) -> Cursor {
        let clock = self.clock();
        let next = given.filter(|given| *given > clock).unwrap_or_else(|| {
            let Cursor { time, tag } = clock.max(Cursor::new(now, 0));
            match tag.checked_add(1) {
                Some(tag) => Cursor { time, tag },
                None => Cursor { time: time.saturating_add(1), tag: 1 },
            }
        });
        self.set(ROOT, Root::CLOCK, next.to_u64());
        next
    }

    /// Copies a message's parts into a block of their own; part of a mutation.
    pub(crate) fn new_content(&self, parts: &Parts<'_>) -> Result<Ref<Content>, NoMemory> {
        let content: Ref<Content> = self.allocate(content_len(parts)?)?;
        self.init(content, Content::REFS, 0);
        self.write_content(content, parts);
        Ok(content)
    }

    /// A message with its parts behind it, in one block; part of a mutation.
    fn new_whole_message(&self, parts: &Parts<'_>) -> Result<Ref<Message>, NoMemory> {
        let record: Ref<Message> = self.allocate(Message::OWN_CONTENT + content_len(parts)?)?;
        self.write_content(record.own_content(), parts);
        Ok(record)
    }

    fn write_content(&self, content: Ref<Content>, parts: &Parts<'_>) {
        let Parts { event_id, event_type, text, binary } = *parts;
        // Each length fits: their sum is below the length of a zone.
        let word = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        let optional = |part: Option<&[u8]>| part.map_or(0, |part| word(part.len() + 1));
        self.init(content, Content::EVENT_ID, optional(event_id));
        let flags = if binary { BINARY } else { 0 };
        self.init(content, Content::EVENT_TYPE, optional(event_type) | flags);
        self.init(content, Content::TEXT, word(text.len()));
        let mut at = content.at() + Content::LEN;
        for part in [event_id.unwrap_or_default(), event_type.unwrap_or_default(), text] {
            self.region.copy_in(at, part);
            at += part.len();
        }
    }

    /// Whether a message has its content in its own block.
    pub(crate) fn is_whole(&self, record: Ref<Message>) -> bool {
        let block = self.block(Ref::new(record.0));
        block.is_some_and(|(len, _)| len as usize > Message::ALONE)
    }

    /// Gives one reference to a content back; part of a mutation.
    pub(crate) fn release_content(&self, content: Ref<Content>) {
        if self.get(content, Content::REFS) <= 1 {
            self.release(content);
        } else {
            self.sub(content, Content::REFS, 1);
        }
    }

    /// Appends a message to a channel and notes the workers that have subscribers there; a mutation.
    ///
    /// `copy` says where its content comes to lie.
    pub(crate) fn append(
        &self,
        channel: Ref<Channel>,
        message: &NewMessage<'_>,
        copy: Copy<'_>,
        now: u32,
        wake: &mut WakeSet,
    ) -> Result<Cursor, NoMemory> {
        self.atomically(|| {
            let interested = self.get(channel, Channel::INTERESTS).is_some();
            let mut record = Ref::NONE;
            let mut content = Ref::NONE;
            if message.store || interested {
                match &copy {
                    Copy::Own => {
                        record = self.new_whole_message(&message.parts)?;
                        content = record.own_content();
                    }
                    Copy::Shared(held) => {
                        content = match **held {
                            Some(held) => held,
                            None => self.new_content(&message.parts)?,
                        };
                        record = self.allocate(Message::LEN)?;
                    }
                }
            }
            let cursor = self.next_cursor(now, message.cursor);
            let now = self.time(now);
            let id = self.get(channel, Channel::PUBLISHED).saturating_add(1);
            self.set(channel, Channel::PUBLISHED, id);
            self.set(channel, Channel::NEWEST, cursor.to_u64());
            self.set(channel, Channel::ACTIVE, now);
            self.add64(ROOT, Root::PUBLISHED, u64::from(message.counted));
            if let Some(record) = record.some() {
                self.init(record, Message::CONTENT, content);
                self.init(record, Message::ID, id);
                self.init(record, Message::CURSOR, cursor.to_u64());
                self.init(record, Message::STATE, message.published_at.above(message.store));
                let prev = self.link(channel, record);
                self.number(channel, record, prev, message.store);
                if message.store {
                    let expires = now.saturating_add(message.ttl);
                    self.init(record, Message::EXPIRES, expires);
                    self.count_stored(channel, record, expires);
                    self.index_event_id(channel, record);
                } else {
                    // Hands on what the next stored message is compared with.
                    let expires = prev.some().map_or(0, |prev| self.get(prev, Message::EXPIRES));
                    self.init(record, Message::EXPIRES, expires);
                }
                let untaken = self.note(channel, record, wake);
                self.init(record, Message::UNTAKEN, untaken);
                if !message.store {
                    self.add(ROOT, Root::UNTAKEN, 1);
                }
                if let Copy::Shared(held) = copy {
                    self.add(content, Content::REFS, 1);
                    *held = Some(content);
                }
            }
            Ok(cursor)
        })
    }

    /// Puts a message at the end of the log; answers the one before it.
    fn link(&self, channel: Ref<Channel>, record: Ref<Message>) -> Ref<Message> {
        let last = self.get(channel, Channel::LOG_LAST);
        self.init(record, Message::NEXT, Ref::NONE);
        self.init(record, Message::PREV, last);
        match last.some() {
            Some(last) => self.set(last, Message::NEXT, record),
            None => self.set(channel, Channel::LOG_FIRST, record),
        }
        self.set(channel, Channel::LOG_LAST, record);
        last
    }

    fn count_stored(&self, channel: Ref<Channel>, record: Ref<Message>, expires: u32) {
        let flags = self.get(channel, Channel::FLAGS);
        let prev = self.get(record, Message::PREV);
        if self.get(channel, Channel::OLDEST).is_none() {
            self.set(channel, Channel::OLDEST, record);
            self.set(channel, Channel::FLAGS, flags & !(UNORDERED | GAPPED | REPEATED));
        } else if prev.is_some() && self.get(prev, Message::EXPIRES) > expires {
            self.set(channel, Channel::FLAGS, flags | UNORDERED);
        }
        self.add(channel, Channel::STORED, 1);
        self.add64(ROOT, Root::STORED, 1);
        self.schedule_by(channel, expires);
    }

    /// Puts the channel into the mailbox of each interested worker; answers how many there are.
    fn note(&self, channel: Ref<Channel>, record: Ref<Message>, wake: &mut WakeSet) -> u32 {
        let mut interested = 0;
        for interest in self.walk(self.get(channel, Channel::INTERESTS), Interest::CHANNEL_NEXT) {
            interested += 1;
            if self.get(interest, Interest::UNTAKEN).is_none() {
                self.set(interest, Interest::UNTAKEN, record);
            }
            self.post(interest, wake);
        }
        interested
    }

    /// Ends the storage of a stored message (evicted, expired, deleted); a mutation. The message is freed unless
    /// a worker has still to take it. `counted` = false leaves the counters of stored messages as they are.
    pub(crate) fn drop_stored(&self, channel: Ref<Channel>, record: Ref<Message>, counted: bool) {
        self.always(|| {
            self.set(record, Message::STATE, self.get(record, Message::STATE) & !STORED);
            let cursor = self.get(record, Message::CURSOR);
            if cursor > self.get(channel, Channel::WHOLE_AFTER) {
                self.set(channel, Channel::WHOLE_AFTER, cursor);
            }
            if counted {
                self.sub(channel, Channel::STORED, 1);
                self.sub64(ROOT, Root::STORED, 1);
            }
            if self.get(channel, Channel::OLDEST) == record {
                self.set(channel, Channel::OLDEST, self.next_stored(record));
            } else {
                self.set(channel, Channel::FLAGS, self.get(channel, Channel::FLAGS) | GAPPED);
            }
            self.forget_event_id(channel, record);
            if self.get(record, Message::UNTAKEN) == 0 {
                self.free_message(channel, record);
            } else {
                self.add(ROOT, Root::UNTAKEN, 1);
            }
        });
    }

    /// Whether a message is stored.
    pub(crate) fn is_stored(&self, record: Ref<Message>) -> bool {
        self.get(record, Message::STATE) & STORED != 0
    }

    /// The first stored message behind `record`.
    pub(crate) fn next_stored(&self, record: Ref<Message>) -> Ref<Message> {
        let next = self.get(record, Message::NEXT);
        if next.is_none() || self.is_stored(next) {
            return next;
        }
        self.stored_from(next).next().unwrap_or(Ref::NONE)
    }

    /// Takes a message out of the log and frees it; part of a mutation.
    fn free_message(&self, channel: Ref<Channel>, record: Ref<Message>) {
        let next = self.get(record, Message::NEXT);
        let prev = self.get(record, Message::PREV);
        match next.some() {
            Some(next) => self.set(next, Message::PREV, prev),
            None => self.set(channel, Channel::LOG_LAST, prev),
        }
        match prev.some() {
            Some(prev) => self.set(prev, Message::NEXT, next),
            None => self.set(channel, Channel::LOG_FIRST, next),
        }
        if !self.is_whole(record) {
            self.release_content(self.get(record, Message::CONTENT));
        }
        self.release(record);
    }

    /// One worker takes its next message; a mutation.
    pub(crate) fn take_one(&self, interest: Ref<Interest>) {
        self.always(|| {
            let Some(record) = self.get(interest, Interest::UNTAKEN).some() else { return };
            self.set(interest, Interest::UNTAKEN, self.get(record, Message::NEXT));
            self.sub(record, Message::UNTAKEN, 1);
            if self.get(record, Message::UNTAKEN) == 0 && !self.is_stored(record) {
                self.sub(ROOT, Root::UNTAKEN, 1);
                self.free_message(self.get(interest, Interest::CHANNEL), record);
            }
        });
    }

    /// Frees all stored messages beyond `max`, oldest first, at most `budget` of them.
    pub(crate) fn evict(&self, channel: Ref<Channel>, max: u32, budget: &mut u32) {
        while self.get(channel, Channel::STORED) > max && *budget > 0 {
            let Some(oldest) = self.get(channel, Channel::OLDEST).some() else { break };
            *budget -= 1;
            self.drop_stored(channel, oldest, true);
        }
        self.look_soon_if_empty(channel);
    }

    /// Has the sweep look at a channel that may have become idle because its last message has gone.
    pub(crate) fn look_soon_if_empty(&self, channel: Ref<Channel>) {
        let empty = self.get(channel, Channel::OLDEST).is_none();
        if empty && self.get(channel, Channel::INTERESTS).is_none() {
            self.always(|| self.schedule_soon(channel));
        }
    }

    /// Frees the messages that have expired at `now`. False = the budget ran out first.
    pub(crate) fn expire(&self, channel: Ref<Channel>, now: u32, budget: &mut u32) -> bool {
        let unordered = self.get(channel, Channel::FLAGS) & UNORDERED != 0;
        for record in self.walk(self.get(channel, Channel::OLDEST), Message::NEXT) {
            if !self.is_stored(record) {
                continue;
            }
            if self.get(record, Message::EXPIRES) > now {
                if unordered {
                    continue;
                }
                break;
            }
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            self.drop_stored(channel, record, true);
        }
        true
    }

    /// Second at which the next message of the channel expires (`None` without stored messages), and whether
    /// the messages expire in the order of the log.
    pub(crate) fn next_expiry(&self, channel: Ref<Channel>) -> Option<(u32, bool)> {
        let oldest = self.get(channel, Channel::OLDEST).some()?;
        let mut soonest = self.get(oldest, Message::EXPIRES);
        if self.get(channel, Channel::FLAGS) & UNORDERED == 0 {
            return Some((soonest, true));
        }
        let (mut ordered, mut before) = (true, 0);
        for record in self.walk(oldest, Message::NEXT) {
            let expires = self.get(record, Message::EXPIRES);
            if self.is_stored(record) {
                soonest = soonest.min(expires);
            }
            // Unstored ones count: a message to come is compared with the last one, stored or not.
            ordered &= expires >= before;
            before = expires;
        }
        Some((soonest, ordered))
    }
}
