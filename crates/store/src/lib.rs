//! The data that lives in the shared-memory zone: channels, their messages, who is subscribed in which worker.
//!
//! Called by the service layer of the module, one [`Store`] method (or a few) per span of the zone's lock. The
//! store never reads the clock (`now` is an argument: seconds since the epoch), never blocks, makes no system
//! call, and takes no lock itself.
//!
//! # Memory picture
//!
//! ```text
//! directory ── channel ── log of messages ── content (event id, event type, text; shared by the channels
//!     │           │            ▲               of one publish)
//!   due wheel     └─ interests ┘ "first message this worker has not taken"
//!                        │
//!               worker slots ── mailbox (interests with news)
//! ```
//!
//! [`layout`] has the records, [`zone`] the mutations that happen completely or not at all, [`space`] the
//! allocator, [`log`] where a message is appended and freed, [`index`] how one is found, [`mailbox`] who is told of it, [`channel`] a
//! channel's life, [`wheel`] when the sweep looks at it, [`counters`] what workers count for statistics, [`rebuild`] the way
//! back from a damaged zone.
//!
//! # What things cost (bytes of zone)
//!
//! | thing | bytes |
//! |---|---|
//! | a channel | 104 + id, rounded up to 16 |
//! | a message | 72 + event id + event type + text, rounded up to 16 |
//! | the same published to several channels at once | 64 in each + 24 + event id + event type + text once, each rounded up to 16 |
//! | the first subscriber of a channel in a worker | 48; further ones nothing |
//! | a worker slot | 416, most of it counters |
//!
//! # Invariants
//!
//! - Words are only changed inside a mutation ([`zone::Zone::atomically`]); between mutations `verify` holds. Exempt are
//!   the counters and gauges of a slot, which its worker writes at any time.
//! - A message is in its channel's log exactly while it is stored or some worker has still to take it.
//! - A message's `UNTAKEN` is the number of interests of its channel that point at it or at an older one.
//! - Cursors grow along a log and across the zone.
//! - A channel's due second is never later than the next moment the sweep has something to do with it.

mod channel;
mod counters;
mod directory;
#[doc(hidden)]
pub mod fault;
mod index;
mod layout;
mod log;
mod mailbox;
mod raw;
mod read;
mod rebuild;
mod room;
mod space;
#[cfg(feature = "fault")]
mod verify;
mod wheel;
mod zone;

pub use counters::Stamp;
pub use directory::Listing;
pub use layout::{COUNTERS, GAUGES};
pub use raw::Region;
pub use read::{Batch, Changed, Item, Parts, Position, Span, Start};
pub use room::WhenFull;
pub use space::NoMemory;
#[cfg(feature = "fault")]
pub use verify::Census;

use core::cell::Cell;

use layout::{Channel, Content, DELETED, Interest, KEPT, Message, Ref, Root, Slot, Tables, Use};
use log::Copy;
use protocol::Few;
use protocol::cursor::Cursor;
use room::Need;
use zone::{ROOT, Zone};

/// A channel; good for the lock span in which it was found, and as long as the caller has an interest in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelRef(Ref<Channel>);

/// A worker's interest in a channel; good from subscribe to the last unsubscribe, while the epoch stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InterestRef(Ref<Interest>);

impl InterestRef {
    /// In the place of one that the zone has not.
    pub const NONE: Self = Self(Ref::NONE);
}

/// A message's content that this worker has still to take and which therefore stays where it is.
#[derive(Debug)]
pub struct Pin(Ref<Content>);

/// Worker slots that must be woken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WakeSet {
    /// Which of the words have a slot: almost always none, or one.
    used: u16,
    words: [u64; 16],
}

impl WakeSet {
    /// Highest number of worker slots.
    pub const CAPACITY: u32 = 1024;

    /// Adds a slot.
    pub fn insert(&mut self, slot: usize) {
        if let Some(word) = self.words.get_mut(slot / 64) {
            *word |= 1 << (slot % 64);
            self.used |= 1 << (slot / 64);
        }
    }

    /// Takes all slots out.
    pub fn drain(&mut self) -> impl Iterator<Item = usize> {
        core::iter::from_fn(|| {
            let index = (self.used != 0).then(|| self.used.trailing_zeros() as usize)?;
            let word = self.words.get_mut(index)?;
            let bit = word.trailing_zeros() as usize;
            *word &= *word - 1;
            if *word == 0 {
                self.used &= self.used - 1;
            }
            Some(index * 64 + bit)
        })
    }

    /// Whether nobody must be woken.
    pub fn is_empty(&self) -> bool {
        self.used == 0
    }
}

/// What to publish.
#[derive(Clone, Copy, Debug)]
pub struct NewMessage<'a> {
    /// What the publisher gave.
    pub parts: Parts<'a>,
    /// Whether to keep it for those who come later.
    pub store: bool,
    /// Seconds until a stored message expires.
    pub ttl: u32,
    /// Stored messages that the channel may have.
    pub max_stored: Option<u32>,
    /// Whether it counts among the published messages of the summary.
    pub counted: bool,
    /// A cursor given from outside; used if it is newer than the zone's clock.
    pub cursor: Option<Cursor>,
    /// When it was published, for those who measure how long it takes.
    pub published_at: Stamp,
}

/// How new channels are made.
#[derive(Clone, Copy, Debug)]
pub struct CreateLimits {
    /// Highest number of channels, wildcard ones not counted.
    pub channels: Option<u32>,
    /// Highest number of wildcard channels.
    pub wildcard_channels: Option<u32>,
    /// Seconds after which an unused channel goes.
    pub inactivity: u32,
}

/// Why a channel was not created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The zone is full: answer 500; nothing was changed.
    #[error(transparent)]
    NoMemory(#[from] NoMemory),
    /// A configured limit is reached: answer 403; nothing was changed.
    #[error("number of channels were exceeded")]
    TooManyChannels,
}

/// Numbers of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelNumbers {
    /// Messages ever published = id of the last one.
    pub published: u64,
    /// Messages stored.
    pub stored: u32,
    /// Subscriptions in all workers.
    pub subscribers: u32,
    /// Cursor of the last message published.
    pub newest: Cursor,
}

/// Numbers of the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneNumbers {
    /// Living channels, wildcard ones not counted.
    pub channels: u32,
    /// Living wildcard channels.
    pub wildcard_channels: u32,
    /// Messages ever published.
    pub published: u64,
    /// Messages stored, those of channels in delete included.
    pub stored: u64,
    /// Messages that only wait for workers to take them.
    pub untaken: u32,
    /// Deleted channels whose workers or statistics still know them.
    pub channels_in_delete: u32,
    /// Channels that went in the last ten seconds.
    pub channels_in_trash: u32,
    /// Connected subscribers in all workers.
    pub subscribers: u32,
    /// Second at which the zone was formatted.
    pub created: u32,
    /// Bytes of the zone. What follows adds up to them.
    pub bytes: u64,
    /// Bytes of the tables.
    pub table_bytes: u64,
    /// Bytes of the heap that hold channels.
    pub channel_bytes: u64,
    /// Bytes of the heap that hold messages.
    pub message_bytes: u64,
    /// Bytes of the heap that hold subscriptions of workers.
    pub subscription_bytes: u64,
    /// Bytes of the heap that are free.
    pub free_bytes: u64,
}

/// A worker's slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorkerNumbers {
    /// Process slot.
    pub slot: usize,
    /// Process id.
    pub pid: u32,
    /// How often the slot has been cleared.
    pub generation: u32,
    /// Connected subscribers.
    pub subscribers: u32,
    /// Second at which the worker started.
    pub started: u32,
}

/// A message that a worker has still to take.
#[derive(Debug)]
pub struct News {
    /// Its cursor.
    pub cursor: Cursor,
    /// Its number in the channel.
    pub id: u64,
    /// When it was published.
    pub published_at: Stamp,
    /// Its parts, through [`Store::pinned`].
    pub content: Pin,
}

/// Where [`Store::news`] goes on.
#[derive(Debug, Default)]
pub struct NewsResume {
    next: Option<Ref<Message>>,
    /// Cursor of the last message collected.
    after: Cursor,
}

/// What [`Store::recover`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing to do.
    Clean,
    /// A worker died in the middle of a mutation; it has been undone. Wake every worker: the dead one may have owed a wake-up.
    Undone,
    /// The zone was damaged and has been rebuilt: messages that were stored are kept. Workers must register again.
    Rebuilt,
    /// The zone was beyond repair and is empty now. Workers must register again.
    Emptied,
}

/// The zone is too small, or is not one of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Too little memory for the tables and a minimum of heap.
    #[error("the zone is too small")]
    TooSmall,
    /// Another layout version, or not a zone of this module.
    #[error("the zone has an unknown layout")]
    Unknown,
}

/// All operations on the zone. The caller holds the zone's lock, except for those that say "lock-free".
pub struct Store {
    zone: Zone,
    /// The epoch when this process recovered last.
    epoch: Cell<u32>,
    when_full: WhenFull,
}

impl core::fmt::Debug for Store {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Store").field("bytes", &self.zone.region.len()).finish()
    }
}

impl Store {
    /// Makes an empty store in a region.
    ///
    /// # Errors
    ///
    /// The region is too small for `slots` worker slots.
    pub fn format(
        region: Region,
        slots: u32,
        hash_key: (u64, u64),
        now: u32,
    ) -> Result<Self, FormatError> {
        let slots = slots.min(WakeSet::CAPACITY);
        let tables = Tables::compute(region.len(), slots).ok_or(FormatError::TooSmall)?;
        let zone = Zone::new(region, tables);
        zone.region.zero(0, tables.heap as usize);
        zone.init(ROOT, Root::HASH_KEY_0, hash_key.0);
        zone.init(ROOT, Root::HASH_KEY_1, hash_key.1);
        zone.init(ROOT, Root::CREATED, now);
        zone.init(ROOT, Root::CLOCK, Cursor::new(now, 0).to_u64());
        zone.init(ROOT, Root::WHEEL_TIME, now);
        zone.format_heap();
        zone.sign();
        Ok(Self { zone, epoch: Cell::new(0), when_full: WhenFull::default() })
    }

    /// Opens the store that [`Store::format`] made in this memory, in this or another process. Lock-free.
    ///
    /// # Errors
    ///
    /// The memory holds no store, or one of another layout.
    pub fn open(region: Region) -> Result<Self, FormatError> {
        let zone = Zone::open(region).ok_or(FormatError::Unknown)?;
        let epoch = Cell::new(zone.get(ROOT, Root::EPOCH));
        Ok(Self { zone, epoch, when_full: WhenFull::default() })
    }

    /// Says what this process does when the zone is full.
    pub fn set_when_full(&mut self, when_full: WhenFull) {
        self.when_full = when_full;
    }

    /// To be called first after the lock has been taken: undoes what a worker that died in the middle of a
    /// mutation has left, and rebuilds a zone that has been found damaged.
    pub fn recover(&mut self, now: u32) -> Recovery {
        let interrupted = self.zone.is_interrupted();
        if self.epoch.replace(self.epoch()) != self.epoch() && !interrupted {
            // Whatever damage this process has seen: another one has rebuilt the zone since.
            self.zone.region.clear_damage();
        }
        if !interrupted && !self.zone.region.is_damaged() {
            return Recovery::Clean;
        }
        let undone = self.zone.undo();
        if undone && !self.zone.region.is_damaged() {
            return Recovery::Undone;
        }
        let recovery = self.rebuild(now);
        self.epoch.set(self.epoch());
        recovery
    }

    /// Raised when all workers must register their subscribers again. Lock-free.
    pub fn epoch(&self) -> u32 {
        self.zone.get(ROOT, Root::EPOCH)
    }

    /// The newest cursor given out.
    pub fn clock(&self) -> Cursor {
        self.zone.clock()
    }

    /// The cursor to hand out without a message: the zone's clock, first advanced to `now`, so that nothing
    /// published later can lie before it.
    pub fn clock_at(&mut self, now: u32) -> Cursor {
        self.zone.always(|| self.zone.advance_clock(now));
        self.zone.clock()
    }

    /// Finds a living channel.
    pub fn find(&self, id: &[u8]) -> Option<ChannelRef> {
        self.zone.find(id).map(ChannelRef)
    }

    /// The id of a channel.
    pub fn id(&self, channel: ChannelRef) -> &[u8] {
        self.zone.id(channel.0)
    }

    /// Keeps one channel even if nobody uses it, until it is deleted. One that was kept before is an ordinary channel again.
    pub fn keep(&mut self, channel: Option<ChannelRef>) {
        let zone = &self.zone;
        let wanted = channel.map_or(Ref::NONE, |channel| channel.0);
        let kept = zone.get(ROOT, Root::KEPT_CHANNEL);
        if kept == wanted {
            return;
        }
        zone.always(|| {
            if let Some(kept) = kept.some().filter(|kept| zone.is_kept(*kept)) {
                zone.set(kept, Channel::FLAGS, zone.get(kept, Channel::FLAGS) & !KEPT);
                if zone.get(kept, Channel::INTERESTS).is_none() {
                    zone.schedule_soon(kept);
                }
            }
            if let Some(wanted) = wanted.some() {
                zone.set(wanted, Channel::FLAGS, zone.get(wanted, Channel::FLAGS) | KEPT);
            }
            zone.set(ROOT, Root::KEPT_CHANNEL, wanted);
        });
    }

    /// The numbers of a channel.
    pub fn numbers(&self, channel: ChannelRef) -> ChannelNumbers {
        let zone = &self.zone;
        ChannelNumbers {
            published: zone.get(channel.0, Channel::PUBLISHED),
            stored: zone.get(channel.0, Channel::STORED),
            subscribers: zone.get(channel.0, Channel::SUBSCRIBERS),
            newest: Cursor::from_u64(zone.get(channel.0, Channel::NEWEST)),
        }
    }

    /// Whether `more` further channels of the kind may be created.
    pub fn has_room_for(&self, more: u32, wildcard: bool, limits: &CreateLimits) -> bool {
        let (count, limit) = if wildcard {
            (self.zone.get(ROOT, Root::WILDCARD_CHANNELS), limits.wildcard_channels)
        } else {
            (self.zone.get(ROOT, Root::CHANNELS), limits.channels)
        };
        limit.is_none_or(|limit| count.saturating_add(more) <= limit)
    }

    /// Finds or creates a channel.
    ///
    /// # Errors
    ///
    /// See [`CreateError`]. Nothing was changed.
    pub fn find_or_create(
        &mut self,
        id: &[u8],
        wildcard: bool,
        limits: &CreateLimits,
        now: u32,
    ) -> Result<ChannelRef, CreateError> {
        if let Some(channel) = self.zone.find(id) {
            return Ok(ChannelRef(channel));
        }
        if !self.has_room_for(1, wildcard, limits) {
            return Err(CreateError::TooManyChannels);
        }
        let need = Need::block(Channel::LEN.saturating_add(id.len()));
        let create = || self.zone.create(id, wildcard, limits.inactivity, now);
        Ok(ChannelRef(self.zone.with_room(self.when_full, need, now, create)?))
    }

    /// Appends a message to each of the channels, in this order: to all or to none. The slots to wake are added to `wake`.
    ///
    /// # Errors
    ///
    /// The zone is full, also after what [`WhenFull`] allows; no channel has the message.
    pub fn publish(
        &mut self,
        channels: &[ChannelRef],
        message: &NewMessage<'_>,
        now: u32,
        wake: &mut WakeSet,
    ) -> Result<(), NoMemory> {
        let zone = &self.zone;
        let max = message.max_stored.unwrap_or(u32::MAX);
        if let &[channel] = channels {
            let mut append = || zone.append(channel.0, message, Copy::Own, now, wake);
            let mut appended = append();
            // A full zone: what this message would evict anyway may go first.
            if appended.is_err() && message.store && zone.evict_for_one(channel.0, max) {
                appended = append();
            }
            if appended.is_err() {
                let need = Need::whole_message(&message.parts);
                appended = zone.with_room(self.when_full, need, now, append);
            }
            appended?;
            zone.evict(channel.0, max, &mut EVICTIONS.clone());
            return Ok(());
        }
        let shared = zone.room_for_all(self.when_full, channels, message, now)?;
        let mut content = None;
        let mut waited_for = false;
        for channel in channels {
            let copy = if shared { Copy::Shared(&mut content) } else { Copy::Own };
            zone.append(channel.0, message, copy, now, wake)?;
            zone.evict(channel.0, max, &mut EVICTIONS.clone());
            waited_for |= zone.get(channel.0, Channel::INTERESTS).is_some();
            if max == 0 && !waited_for {
                // The message itself has gone, and its copy.
                content = None;
            }
        }
        Ok(())
    }

    /// Deletes a living channel. Its workers find it in their mailboxes; `farewell` is what they tell the subscribers.
    ///
    /// # Errors
    ///
    /// The zone is full; the channel stays, but its messages have gone to make room for the farewell.
    pub fn delete(
        &mut self,
        channel: ChannelRef,
        farewell: &[u8],
        now: u32,
        wake: &mut WakeSet,
    ) -> Result<(), NoMemory> {
        let zone = &self.zone;
        let mut delete = || zone.delete(channel.0, farewell, now, wake);
        delete().or_else(|_| {
            // A full zone: the channel's messages may go first.
            zone.evict(channel.0, 0, &mut EVICTIONS.clone());
            let need = Need::content(&Parts { text: farewell, ..Parts::default() });
            zone.with_room(self.when_full, need, now, delete)
        })
    }

    /// The farewell of a channel that has been deleted.
    pub fn farewell(&self, interest: InterestRef) -> Option<Pin> {
        let channel = self.zone.get(interest.0, Interest::CHANNEL);
        let deleted = self.zone.get(channel, Channel::FLAGS) & DELETED != 0;
        deleted.then(|| Pin(self.zone.get(channel, Channel::FAREWELL)))
    }

    /// The zone's clock when the interest's channel was deleted. Lock-free while the interest is there.
    pub fn deleted_at(&self, interest: InterestRef) -> Cursor {
        let channel = self.zone.get(interest.0, Interest::CHANNEL);
        Cursor::from_u64(self.zone.get(channel, Channel::WHOLE_AFTER))
    }

    /// Whether something was published to the interest's channel behind the cursor.
    pub fn has_news_behind(&self, interest: InterestRef, cursor: Cursor) -> bool {
        let channel = self.zone.get(interest.0, Interest::CHANNEL);
        self.zone.get(channel, Channel::NEWEST) > cursor.to_u64()
    }

    /// Registers one subscriber of worker slot `slot` on each of the channels; their interests go to `interests`, in order.
    ///
    /// # Errors
    ///
    /// The zone is full (or has no such slot); nothing was changed.
    pub fn subscribe(
        &mut self,
        slot: usize,
        channels: &[ChannelRef],
        interests: &mut Few<InterestRef>,
        now: u32,
    ) -> Result<(), NoMemory> {
        let zone = &self.zone;
        let record = zone.slot(slot).ok_or(NoMemory)?;
        let index = u32::try_from(slot).map_err(|_| NoMemory)?;
        zone.with_room(self.when_full, Need::interests(channels.len()), now, || {
            interests.clear();
            for channel in channels {
                match zone.attach(channel.0, index, 1) {
                    Ok(interest) => interests.push(InterestRef(interest)),
                    Err(error) => {
                        for interest in interests.drain(..) {
                            zone.detach(interest.0, 1);
                        }
                        return Err(error);
                    }
                }
            }
            Ok(())
        })?;
        let now = self.zone.time(now);
        for channel in channels {
            self.zone.put(channel.0, Channel::ACTIVE, now);
        }
        let connected = self.zone.get(record, Slot::SUBSCRIBERS);
        self.zone.put(record, Slot::SUBSCRIBERS, connected.saturating_add(1));
        Ok(())
    }

    /// Takes `count` subscriptions off a channel. The interest is gone with its last one: the answer is then `true`.
    pub fn unsubscribe(&mut self, interest: InterestRef, count: u32) -> bool {
        let last = self.zone.get(interest.0, Interest::SUBSCRIBERS) <= count;
        self.zone.detach(interest.0, count);
        last
    }

    /// Counts so many connected subscribers less in a worker slot.
    pub fn disconnect(&mut self, slot: usize, subscribers: usize) {
        let Some(slot) = self.zone.slot(slot) else { return };
        // A rebuild starts at 0 again, whoever is still connected.
        let known = self.zone.get(slot, Slot::SUBSCRIBERS);
        let left = known.saturating_sub(u32::try_from(subscribers).unwrap_or(u32::MAX));
        if left != known {
            self.zone.put(slot, Slot::SUBSCRIBERS, left);
        }
    }

    /// Whether the worker has mail. Lock-free: one load, for a glance on a timer.
    pub fn has_mail(&self, slot: usize) -> bool {
        self.zone.slot(slot).is_some_and(|slot| {
            self.zone.get(slot, Slot::MAIL_FIRST).is_some() || self.zone.get(slot, Slot::TOLD) != 0
        })
    }

    /// Takes the next interest with news out of the worker's mailbox. After `None` the next news wake the worker again.
    pub fn open_mail(&mut self, slot: usize) -> Option<InterestRef> {
        self.zone.open_mail(self.zone.slot(slot)?).map(InterestRef)
    }

    /// Collects the messages up to `upto` that the worker has still to take, as far as `news` has capacity.
    ///
    /// True = there are more: call again with the same `resume` once there is capacity. What is collected stays where it is until
    /// [`Store::take`].
    pub fn news(
        &self,
        interest: InterestRef,
        upto: Cursor,
        resume: &mut NewsResume,
        news: &mut Vec<News>,
    ) -> bool {
        let zone = &self.zone;
        let first = resume.next.unwrap_or_else(|| zone.get(interest.0, Interest::UNTAKEN));
        for record in zone.walk(first, Message::NEXT) {
            let cursor = Cursor::from_u64(zone.get(record, Message::CURSOR));
            if cursor > upto {
                break;
            }
            if cursor <= resume.after {
                // The log goes round in circles.
                zone.region.report_damage();
                break;
            }
            if news.len() == news.capacity() {
                resume.next = Some(record);
                return true;
            }
            let id = zone.get(record, Message::ID);
            let published_at = Stamp::in_state(zone.get(record, Message::STATE));
            let content = Pin(zone.get(record, Message::CONTENT));
            news.push(News { cursor, id, published_at, content });
            resume.after = cursor;
        }
        false
    }

    /// The parts of a message that the worker has still to take. Lock-free: nobody frees or changes it before [`Store::take`].
    pub fn pinned(&self, pin: &Pin) -> Parts<'_> {
        if pin.0.is_none() {
            return Parts::default();
        }
        self.zone.parts(pin.0)
    }

    /// Takes the messages up to `upto`: what nobody else needs is freed. True = done, false = the budget ran out first.
    pub fn take(&mut self, interest: InterestRef, upto: Cursor, budget: &mut u32) -> bool {
        while self.zone.has_untaken(interest.0, upto.to_u64()) {
            if *budget == 0 {
                return false;
            }
            *budget -= 1;
            self.zone.take_one(interest.0);
        }
        true
    }

    /// The first stored message that is due to a client; see [`Start`].
    pub fn seek(&self, channel: ChannelRef, start: Start, upto: Cursor) -> Option<Position> {
        self.zone.seek(channel.0, start, upto)
    }

    /// The cursor of the first stored message with this event id. Cost: a look into a hash table, unless an event id was repeated in the channel.
    pub fn find_event_id(&self, channel: ChannelRef, event_id: &[u8]) -> Option<Cursor> {
        self.zone.place_of_event(channel.0, event_id)
    }

    /// Whether something behind the cursor is no longer stored: the channel has dropped a newer message, or is itself newer.
    pub fn has_gap(&self, channel: ChannelRef, after: Cursor) -> bool {
        self.zone.get(channel.0, Channel::WHOLE_AFTER) > after.to_u64()
    }

    /// Copies stored messages up to `upto` into `batch`; answers the next one, whether there was no room for it or it is newer. `None` at
    /// the end of the log.
    pub fn read(
        &self,
        channel: ChannelRef,
        position: Position,
        upto: Cursor,
        batch: &mut Batch,
    ) -> Option<Position> {
        self.zone.read(channel.0, position, upto, batch)
    }

    /// Whether reading a span up to `upto` would find the same messages again; then what [`read`](Self::read) would answer behind them.
    ///
    /// # Errors
    ///
    /// [`Changed`] if some of them are no longer stored, or newer ones would come into the same batch.
    pub fn reread(
        &self,
        channel: ChannelRef,
        span: &Span,
        upto: Cursor,
    ) -> Result<Option<Position>, Changed> {
        self.zone.reread(channel.0, span, upto)
    }

    /// Takes a free worker slot, or one whose former worker has been cleared.
    ///
    /// False = the zone has no such slot, or it is still occupied.
    pub fn enter(&mut self, slot: usize, pid: u32, now: u32) -> bool {
        let Some(slot) = self.zone.slot(slot) else { return false };
        if self.zone.get(slot, Slot::PID) != 0 {
            return false;
        }
        self.zone.always(|| {
            self.zone.set(slot, Slot::PID, pid);
            self.zone.set(slot, Slot::STARTED, now);
        });
        true
    }

    /// Frees a worker slot together with all interests of a worker that is dead or leaves. False = the budget ran out first.
    ///
    /// `left` is told the id of each channel that subscribers of the worker have left, and how many.
    pub fn clear_slot(
        &mut self,
        slot: usize,
        budget: &mut u32,
        left: &mut dyn FnMut(&[u8], u32),
    ) -> bool {
        self.zone.slot(slot).is_none_or(|slot| self.zone.clear_slot(slot, budget, left))
    }

    /// Process id in a slot, if it is occupied. Lock-free.
    pub fn occupant(&self, slot: usize) -> Option<u32> {
        self.zone.slot(slot).map(|slot| self.zone.get(slot, Slot::PID)).filter(|pid| *pid != 0)
    }

    /// Raised each time the slot is cleared: a worker that finds another number must register again. Lock-free.
    pub fn generation(&self, slot: usize) -> u32 {
        self.zone.slot(slot).map_or(0, |slot| self.zone.get(slot, Slot::GENERATION))
    }

    /// Number of worker slots. Lock-free.
    pub fn slot_count(&self) -> usize {
        self.zone.tables.slot_count as usize
    }

    /// The occupied worker slots. Lock-free reads; exact only under the lock.
    pub fn workers(&self) -> impl Iterator<Item = WorkerNumbers> {
        (0..self.slot_count()).filter_map(|slot| {
            let record = self.zone.slot(slot)?;
            let pid = self.occupant(slot)?;
            Some(WorkerNumbers {
                slot,
                pid,
                generation: self.zone.get(record, Slot::GENERATION),
                subscribers: self.zone.get(record, Slot::SUBSCRIBERS),
                started: self.zone.get(record, Slot::STARTED),
            })
        })
    }

    /// The numbers of the zone.
    pub fn zone_numbers(&self, now: u32) -> ZoneNumbers {
        let zone = &self.zone;
        let bytes_of = |granules: u32| u64::from(granules) * layout::GRANULE as u64;
        let bytes = zone.region.len() as u64;
        let heap_bytes = u64::from(zone.tables.heap_end - zone.tables.heap);
        ZoneNumbers {
            channels: zone.get(ROOT, Root::CHANNELS),
            wildcard_channels: zone.get(ROOT, Root::WILDCARD_CHANNELS),
            published: zone.get(ROOT, Root::PUBLISHED),
            stored: zone.get(ROOT, Root::STORED),
            untaken: zone.get(ROOT, Root::UNTAKEN),
            channels_in_delete: zone.get(ROOT, Root::CHANNELS_IN_DELETE),
            channels_in_trash: zone.channels_in_trash(now),
            subscribers: self
                .workers()
                .fold(0, |sum, worker| sum.saturating_add(worker.subscribers)),
            created: zone.get(ROOT, Root::CREATED),
            bytes,
            table_bytes: bytes - heap_bytes,
            channel_bytes: bytes_of(zone.used(Use::Channels)),
            message_bytes: bytes_of(zone.used(Use::Messages)),
            subscription_bytes: bytes_of(zone.used(Use::Subscriptions)),
            free_bytes: bytes_of(zone.free()),
        }
    }

    /// Visits up to `max` further living channels in creation order. False = there are no more.
    pub fn list(
        &self,
        listing: &mut Listing,
        max: usize,
        mut visit: impl FnMut(&[u8], ChannelNumbers),
    ) -> bool {
        self.zone.list(listing, max, |channel| {
            visit(self.zone.id(channel), self.numbers(ChannelRef(channel)));
        })
    }

    /// Registers `subscriptions` subscribers of a worker on a channel at once, after a rebuild has forgotten them.
    ///
    /// # Errors
    ///
    /// The zone is full, or has no such slot; nothing was changed.
    pub fn restore(
        &mut self,
        slot: usize,
        channel: ChannelRef,
        subscriptions: u32,
        now: u32,
    ) -> Result<InterestRef, NoMemory> {
        let zone = &self.zone;
        let index = u32::try_from(slot).map_err(|_| NoMemory)?;
        let known = zone.interest(channel.0, index);
        let known = known.map_or(0, |interest| zone.get(interest, Interest::SUBSCRIBERS));
        let wanted = subscriptions.max(1).saturating_sub(known);
        let attach = || zone.attach(channel.0, index, wanted);
        let interest = zone.with_room(self.when_full, Need::interests(1), now, attach)?;
        let now = zone.time(now);
        zone.put(channel.0, Channel::ACTIVE, now);
        Ok(InterestRef(interest))
    }

    /// Sets the number of a worker's connected subscribers, after a rebuild has forgotten it.
    pub fn restore_connected(&mut self, slot: usize, subscribers: usize) {
        if let Some(slot) = self.zone.slot(slot) {
            let subscribers = u32::try_from(subscribers).unwrap_or(u32::MAX);
            self.zone.put(slot, Slot::SUBSCRIBERS, subscribers);
        }
    }

    /// Begins the next cycle: nginx's master has taken over a configuration whose workers will use the zone. Answers its number.
    ///
    /// Lock-free, for the master alone: it never waits for a lock that a dead worker may hold.
    pub fn begin_cycle(&mut self) -> u32 {
        let cycle = self.cycle().saturating_add(1);
        self.zone.init(ROOT, Root::CYCLE, cycle);
        cycle
    }

    /// The newest cycle. Lock-free.
    pub fn cycle(&self) -> u32 {
        self.zone.get(ROOT, Root::CYCLE)
    }

    /// Says that the workers of this cycle leave with no successors. Lock-free: all who say it say the same.
    pub fn end_cycle(&self, cycle: u32) {
        self.zone.init(ROOT, Root::ENDED_CYCLE, cycle);
    }

    /// Whether the workers of the newest cycle leave too, or have left. Lock-free.
    pub fn has_ended(&self) -> bool {
        self.zone.get(ROOT, Root::ENDED_CYCLE) == self.cycle()
    }

    /// Whether a sweep at `now` would find something to look at. Lock-free.
    pub fn needs_sweep(&self, now: u32) -> bool {
        let zone = &self.zone;
        zone.get(ROOT, Root::WHEEL_TIME) != zone.time(now) || zone.get(ROOT, Root::WHEEL_BUSY) != 0
    }

    /// Expires messages and channels that are due at `now`, at most about `budget` of them. Ids of channels that go are told to
    /// `gone`. True = there is more to do.
    pub fn sweep(
        &mut self,
        inactivity: u32,
        now: u32,
        mut budget: u32,
        gone: &mut dyn FnMut(&[u8]),
    ) -> bool {
        self.zone.follow_back(now);
        let now = self.zone.time(now);
        budget = budget.max(MIN_BUDGET);
        while let Some(channel) = self.zone.next_due(now, &mut budget) {
            self.zone.look_after(channel, inactivity, now, &mut budget, Some(&mut *gone));
        }
        budget == 0
    }
}

/// What a sweep needs to get on at all: a second, a channel, a message.
const MIN_BUDGET: u32 = 8;
/// Messages evicted in one lock span, at most: more than one only after a reload has lowered the limit.
const EVICTIONS: u32 = 1024;
