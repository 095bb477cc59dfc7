//! What lies where in the zone: the root, its tables, and the records of the heap.
//!
//! ```text
//! 0        root record        counters, clock, positions of the tables
//!          undo journal       offsets (u32), then old words (u64)
//!          free lists         heads of the size classes
//!          due wheel          4 × 64 list heads
//!          buckets            heads of the hash chains of the directory
//!          event ids          heads of the hash chains of the stored messages that have one
//!          worker slots       one record per process slot of nginx, and one for the counts of workers that have gone
//!          heap               blocks of 16-byte granules, each with an 8-byte header; ends in a sentinel
//! ```
//!
//! All positions are 32-bit: a [`Ref`] counts granules, so a zone may span 4 GiB. A record starts with its
//! block's header (8 bytes), its fields follow at the offsets given here. Plain integers only: a zone outlives
//! the process, the configuration and the .so that filled it.

use core::marker::PhantomData;

/// Bytes in a granule, the unit of allocation.
pub(crate) const GRANULE: usize = GRANULE32 as usize;
/// The same, for positions in the zone.
pub(crate) const GRANULE32: u32 = 16;
/// "nginx push stream" in a word; tells a zone of ours from anything else.
pub(crate) const MAGIC: u64 = 0x6e67_7850_7553_7472;
/// Raised with each change of what this module describes, and of what the service counts in which word.
pub(crate) const VERSION: u32 = 8;
const _: () = assert!(Free::LEN == GRANULE);
/// Longest zone in use, bytes: what 32-bit offsets reach.
pub(crate) const MAX_LEN: usize = u32::MAX as usize & !(GRANULE - 1);

/// A record in the zone, by granule number; granule 0 is the root, so 0 also means "none".
pub(crate) struct Ref<T>(pub(crate) u32, PhantomData<fn() -> T>);

impl<T> Ref<T> {
    pub(crate) const NONE: Self = Self(0, PhantomData);

    pub(crate) const fn new(granule: u32) -> Self {
        Self(granule, PhantomData)
    }

    /// Byte offset of the record.
    pub(crate) const fn at(self) -> usize {
        self.0 as usize * GRANULE
    }

    pub(crate) const fn is_none(self) -> bool {
        self.0 == 0
    }

    pub(crate) const fn is_some(self) -> bool {
        self.0 != 0
    }

    /// `None` for [`Ref::NONE`], so that `while let` and `?` work on links.
    pub(crate) fn some(self) -> Option<Self> {
        self.is_some().then_some(self)
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Ref<T> {}
impl<T> PartialEq for Ref<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Ref<T> {}
impl<T> core::hash::Hash for Ref<T> {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> core::fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "@{}", self.0)
    }
}

/// A field of the record `T`: its byte offset and the type of its word.
pub(crate) struct Field<T, W> {
    pub(crate) offset: u32,
    marker: PhantomData<fn() -> (T, W)>,
}

impl<T, W> Field<T, W> {
    const fn new(offset: u32) -> Self {
        Self { offset, marker: PhantomData }
    }
}

impl<T> Field<T, u32> {
    /// The word so many words behind this one.
    pub(crate) const fn element(self, index: u32) -> Self {
        Self::new(self.offset + index * 4)
    }
}

impl<T> Field<T, u64> {
    /// The word so many words behind this one.
    pub(crate) const fn element(self, index: u32) -> Self {
        Self::new(self.offset + index * 8)
    }
}

impl<T, W> Clone for Field<T, W> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T, W> Copy for Field<T, W> {}

/// Declares a record: its fields with their offsets, and its fixed length.
macro_rules! record {
    ($(#[$doc:meta])* $name:ident, $len:literal { $($(#[$field_doc:meta])* $field:ident: $word:ty = $offset:literal,)* }) => {
        $(#[$doc])*
        pub(crate) enum $name {}
        impl $name {
            /// Bytes up to the end of the fixed fields.
            pub(crate) const LEN: usize = $len;
            $($(#[$field_doc])* pub(crate) const $field: Field<$name, $word> = {
                assert!($offset + size_of::<$word>() <= $len && $offset % size_of::<$word>() == 0);
                Field::new($offset)
            };)*
        }
    };
}

record! {
    /// The first record of the zone. Where the tables lie follows from its length and number of slots: [`Tables`].
    Root, 400 {
        MAGIC: u64 = 0,
        VERSION: u32 = 8,
        /// Raised when workers must register their subscribers again.
        EPOCH: u32 = 12,
        LEN_BYTES: u64 = 16,
        /// Entries in the undo journal; not zero means "in the middle of a mutation".
        JOURNAL_LEN: u32 = 24,
        SLOT_COUNT: u32 = 28,
        HASH_KEY_0: u64 = 32,
        HASH_KEY_1: u64 = 40,
        /// Seconds since the epoch at which the zone was formatted.
        CREATED: u32 = 48,
        /// The channel that gave up a message last, to make room.
        GAVE_LAST: Ref<Channel> = 52,
        /// The zone's clock: the newest cursor given out.
        CLOCK: u64 = 56,
        /// Creation numbers of channels.
        CREATIONS: u64 = 64,
        /// Living channels in creation order.
        CHANNELS_FIRST: Ref<Channel> = 72,
        CHANNELS_LAST: Ref<Channel> = 76,
        /// Living channels, wildcard ones not counted.
        CHANNELS: u32 = 80,
        WILDCARD_CHANNELS: u32 = 84,
        /// Messages ever published.
        PUBLISHED: u64 = 88,
        /// Messages stored, those of channels in delete included.
        STORED: u64 = 96,
        /// Messages no longer (or never) stored that some worker has still to take.
        UNTAKEN: u32 = 104,
        CHANNELS_IN_DELETE: u32 = 108,
        /// Second up to which the due wheel has been worked off.
        WHEEL_TIME: u32 = 112,
        /// 1 while the slot of `WHEEL_TIME` is being worked off.
        WHEEL_BUSY: u32 = 116,
        /// Non-empty first levels of the free lists.
        FREE_LEVELS: u32 = 120,
        /// 28 words: non-empty lists of each first level.
        FREE_CLASSES: u32 = 124,
        /// 16 pairs (second, channels that entered the trash in it).
        TRASH: u32 = 240,
        /// The channel that stays even if nobody uses it.
        KEPT_CHANNEL: Ref<Channel> = 368,
        /// 3 words: granules in use for each [`Use`]. The rest of the heap is free.
        USED: u32 = 372,
        /// Number of the newest cycle. This and the next are written without lock and journal, so nothing else may lie in their 8 bytes.
        CYCLE: u32 = 384,
        /// The last cycle whose workers have been told to leave while no newer one was there.
        ENDED_CYCLE: u32 = 388,
    }
}

/// What the blocks of the heap are used for, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Channels = 0,
    /// Messages and their contents.
    Messages = 1,
    /// Interests.
    Subscriptions = 2,
}

impl Use {
    pub(crate) const ALL: [Self; 3] = [Self::Channels, Self::Messages, Self::Subscriptions];

    /// Where the granules in use are counted.
    pub(crate) const fn counter(self) -> Field<Root, u32> {
        Root::USED.element(self as u32)
    }
}
const _: () =
    assert!(Root::USED.offset as usize + Use::ALL.len() * 4 == Root::CYCLE.offset as usize);

/// First levels of the free lists: enough for 2^28 granules.
pub(crate) const FREE_LEVELS: u32 = 28;
/// Seconds that the trash statistics look back.
pub(crate) const TRASH_SECONDS: u32 = 16;

record! {
    /// A channel; its id follows the fixed fields.
    Channel, 104 {
        HASH_NEXT: Ref<Channel> = 8,
        LIST_NEXT: Ref<Channel> = 12,
        LIST_PREV: Ref<Channel> = 16,
        DUE_NEXT: Ref<Channel> = 20,
        /// Byte offset of the word that leads here: a slot of the wheel, or `DUE_NEXT` of another channel.
        DUE_FROM: u32 = 24,
        /// Second at which the sweep looks at the channel; 0 = never.
        DUE: u32 = 28,
        FLAGS: u32 = 32,
        STORED: u32 = 36,
        /// Messages ever published = id of the last one.
        PUBLISHED: u64 = 40,
        /// Creation number: tells two channels of the same id apart.
        CREATION: u64 = 48,
        LOG_FIRST: Ref<Message> = 56,
        LOG_LAST: Ref<Message> = 60,
        /// The oldest stored message.
        OLDEST: Ref<Message> = 64,
        /// Subscriptions of all workers.
        SUBSCRIBERS: u32 = 68,
        /// Cursor of the last message published.
        NEWEST: u64 = 72,
        /// Whatever was to be stored behind this cursor is stored: that of the newest message that is no more, or the zone's clock
        /// when the channel was created; of a deleted one, when that happened.
        WHOLE_AFTER: u64 = 80,
        INTERESTS: Ref<Interest> = 88,
        /// Second of the creation, last publish or last subscribe.
        ACTIVE: u32 = 92,
        /// What subscribers are told when the channel has been deleted.
        FAREWELL: Ref<Content> = 96,
        ID_LEN: u32 = 100,
    }
}

/// The channel's id begins with the wildcard prefix.
pub(crate) const WILDCARD: u32 = 1;
/// The channel has been deleted and waits for its workers.
pub(crate) const DELETED: u32 = 2;
/// A message of the log expires before an older one (the ttl was lowered).
pub(crate) const UNORDERED: u32 = 4;
/// The channel stays even if nobody uses it.
pub(crate) const KEPT: u32 = 8;
/// A stored message has gone before an older one: ordinals and skips say nothing until all have gone.
pub(crate) const GAPPED: u32 = 16;
/// Two stored messages had the same event id: the table of event ids is not asked until all have gone.
pub(crate) const REPEATED: u32 = 32;

record! {
    /// A block that is free; the header of every other block looks the same.
    Free, 16 {
        /// Length in granules, and in the highest 4 bits what the block holds.
        HEADER: u32 = 0,
        /// Length of the block before.
        BEFORE: u32 = 4,
        NEXT: Ref<Free> = 8,
        PREV: Ref<Free> = 12,
    }
}

record! {
    /// A message in the log of one channel. What was published to that channel alone follows in the same block ([`Ref::own_content`]): the
    /// last fields lie where that content, in a block of its own, would have the block's header and its references.
    Message, 60 {
        NEXT: Ref<Message> = 8,
        PREV: Ref<Message> = 12,
        CONTENT: Ref<Content> = 16,
        /// Workers that have still to take it.
        UNTAKEN: u32 = 20,
        /// [`STORED`], and above it when the message was published (31 bits of a `Stamp`).
        STATE: u32 = 24,
        /// Second at which it expires; of an unstored one, what the message before it has.
        EXPIRES: u32 = 28,
        ID: u64 = 32,
        CURSOR: u64 = 40,
        /// Which of the channel's stored messages it is; of an unstored one, what the last stored one before it has. Wraps.
        ORDINAL: u32 = 48,
        /// The stored message whose ordinal is this one's with the lowest bit cleared, if it was stored when this one came; of an
        /// unstored one, the last stored one before it.
        SKIP: Ref<Message> = 52,
        /// The next one in the chain of the table of event ids.
        HASH_NEXT: Ref<Message> = 56,
    }
}

impl Ref<Message> {
    /// Where the content of a message lies that has it in its own block.
    pub(crate) const fn own_content(self) -> Ref<Content> {
        Ref::new(self.0.saturating_add(MESSAGE_GRANULES))
    }
}

/// Granules from a message to the content in its own block.
const MESSAGE_GRANULES: u32 = 3;

impl Message {
    /// The same in bytes.
    pub(crate) const OWN_CONTENT: usize = MESSAGE_GRANULES as usize * GRANULE;
    /// Granules of a message whose content is elsewhere.
    pub(crate) const ALONE: usize = Self::LEN.div_ceil(GRANULE);
}
const _: () = assert!(Message::LEN <= Message::OWN_CONTENT + Content::EVENT_ID.offset as usize);
// So the length of its block tells whether a message has its content there.
const _: () = assert!((Message::OWN_CONTENT + Content::LEN).div_ceil(GRANULE) > Message::ALONE);

/// In the state of a message: it is stored. Otherwise it is kept only until every worker has taken it.
pub(crate) const STORED: u32 = 1;

record! {
    /// What a publisher sent; event id, event type and text follow. Behind its message in one block, or in a block of its own which the channels
    /// that it was published to share.
    Content, 24 {
        /// How many messages share it. There is no such field where it lies in the block of one.
        REFS: u32 = 8,
        /// Length in bytes plus 1; 0 = not given.
        EVENT_ID: u32 = 12,
        /// The same, and in the highest bit whether the text is [`BINARY`].
        EVENT_TYPE: u32 = 16,
        TEXT: u32 = 20,
    }
}

/// The text is any bytes, not meant to be read as characters.
pub(crate) const BINARY: u32 = 1 << 31;

record! {
    /// "This worker has subscribers on this channel": also the link in the worker's mailbox.
    Interest, 48 {
        CHANNEL: Ref<Channel> = 8,
        SLOT: u32 = 12,
        CHANNEL_NEXT: Ref<Interest> = 16,
        SLOT_NEXT: Ref<Interest> = 20,
        SLOT_PREV: Ref<Interest> = 24,
        MAIL_NEXT: Ref<Interest> = 28,
        MAIL_PREV: Ref<Interest> = 32,
        /// The first message the worker has not taken.
        UNTAKEN: Ref<Message> = 36,
        SUBSCRIBERS: u32 = 40,
        /// 1 while linked in the mailbox.
        NOTED: u32 = 44,
    }
}

record! {
    /// A worker's slot: not a block of the heap but an element of a table.
    Slot, 416 {
        /// Process id; 0 = free.
        PID: u32 = 0,
        /// Raised each time the slot changes hands.
        GENERATION: u32 = 4,
        STARTED: u32 = 8,
        /// Connected subscribers.
        SUBSCRIBERS: u32 = 12,
        MAIL_FIRST: Ref<Interest> = 16,
        MAIL_LAST: Ref<Interest> = 20,
        /// 1 = a wake-up is on its way.
        TOLD: u32 = 24,
        INTERESTS: Ref<Interest> = 28,
        /// [`GAUGES`] words that only the slot's worker writes.
        GAUGES: u32 = 32,
        /// [`COUNTERS`] words that only the slot's worker writes, until the slot is cleared.
        COUNTS: u64 = 56,
    }
}

/// Gauges of a worker.
pub const GAUGES: usize = 5;
/// Counters of a worker.
pub const COUNTERS: usize = 45;
const _: () = assert!(Slot::GAUGES.offset as usize + GAUGES * 4 <= Slot::COUNTS.offset as usize);
const _: () = assert!(Slot::COUNTS.offset as usize + COUNTERS * 8 <= Slot::LEN);
const _: () = assert!(Slot::LEN.is_multiple_of(GRANULE));

/// Slots of the due wheel: 4 levels of 64.
pub(crate) const WHEEL_SLOTS: u32 = 256;

/// Positions of the tables in a zone of a given length and number of worker slots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tables {
    pub(crate) journal_capacity: u32,
    pub(crate) journal_offsets: u32,
    pub(crate) journal_words: u32,
    /// 8 list heads for each of `free_levels`.
    pub(crate) free_lists: u32,
    pub(crate) free_levels: u32,
    pub(crate) wheel: u32,
    pub(crate) buckets: u32,
    pub(crate) bucket_bits: u32,
    /// As many chains as there are buckets.
    pub(crate) event_ids: u32,
    pub(crate) slots: u32,
    pub(crate) slot_count: u32,
    pub(crate) heap: u32,
    pub(crate) heap_end: u32,
}

impl Tables {
    /// Lays out `len` bytes for `slot_count` worker slots; `None` if nothing would be left for the heap.
    pub(crate) fn compute(len: usize, slot_count: u32) -> Option<Self> {
        let len = u32::try_from(len.min(MAX_LEN)).ok()?;
        // The longest mutations: appending a message (about 60 entries) while every interested worker is noted (7 each), and
        // clearing a slot (two for each counter).
        let journal_capacity = 160u32.checked_add(slot_count.checked_mul(8)?)?;
        // A kilobyte a channel is about what small channels with a few messages take.
        let bucket_bits = (len / 1024).max(16).ilog2();
        let free_levels = (len / 16).max(16).ilog2().saturating_sub(1).clamp(2, FREE_LEVELS);

        let mut end = u32::try_from(Root::LEN).ok()?;
        let mut table = |count: u32, bytes: u32| {
            let at = end;
            end = end.checked_add(count.checked_mul(bytes)?)?.checked_next_multiple_of(16)?;
            Some(at)
        };
        let journal_offsets = table(journal_capacity, 4)?;
        let journal_words = table(journal_capacity, 8)?;
        let free_lists = table(free_levels, 8 * 4)?;
        let wheel = table(WHEEL_SLOTS, 4)?;
        let buckets = table(1 << bucket_bits, 4)?;
        let event_ids = table(1 << bucket_bits, 4)?;
        let slots = table(slot_count.checked_add(1)?, u32::try_from(Slot::LEN).ok()?)?;
        let heap = table(0, 0)?;
        // The sentinel takes the last granule.
        let heap_end = (len & !15).checked_sub(16)?;
        (heap.checked_add(4096)? <= heap_end).then_some(Self {
            journal_capacity,
            journal_offsets,
            journal_words,
            free_lists,
            free_levels,
            wheel,
            buckets,
            bucket_bits,
            event_ids,
            slots,
            slot_count,
            heap,
            heap_end,
        })
    }
}
