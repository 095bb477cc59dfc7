//! What the client of a WebSocket says: its messages are published, its pings answered, its rule breaking ends it.
//!
//! Cost of what arrives: one read for every 16 KiB, into a buffer that all share, and one write for the pongs to the pings in it; no copy
//! of a message but the one that puts its fragments together. Memory grows with what has arrived, never with a length that was announced.

use protocol::websocket::close::CloseCode;
use protocol::websocket::deflate::Inflater;
use protocol::websocket::event::{Event, Kind, Message};
use protocol::websocket::frame::{self, EMPTY_CLOSE};
use protocol::websocket::utf8::Utf8;
use protocol::websocket::violation::Violation;
use slotmap::SlotMap;
use store::{NewMessage, Parts, WakeSet};

use crate::cohort::Group;
use crate::conf::{LocationConf, MainConf};
use crate::nginx::bytes::Bytes;
use crate::nginx::log::{error, info};
use crate::nginx::process;
use crate::story::CloseReason;
use crate::subscriber::websocket::{Pongs, Reading, closing};
use crate::subscriber::{Lost, Subscriber};
use crate::tables::{GroupKey, SubscriberKey};
use crate::worker::Worker;
use crate::zone::SharedZone;
use crate::{answer, channels, counters};

/// Bytes read at once.
const READ_BYTES: usize = 16 << 10;
/// Reads in one turn of the event loop; then others have theirs.
const READS_AT_ONCE: usize = 16;
/// So many frames acted on end the turn as well: tiny ones cost more than their bytes.
const FRAMES_AT_ONCE: usize = 256;

/// Why there is nothing more to be read.
enum End {
    /// The connection is lost.
    Lost(Lost),
    /// The client has said goodbye; it gets this.
    Close(Bytes),
    /// The client has broken the rules.
    Violation(Violation),
    /// The zone has no room for the client's message.
    ZoneFull,
}

impl From<Lost> for End {
    fn from(lost: Lost) -> Self {
        Self::Lost(lost)
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

impl Worker {
    /// The client of a WebSocket has sent something.
    pub(crate) fn hear(&mut self, key: SubscriberKey) {
        let mut wake = WakeSet::default();
        let heard = self.read_frames(key, &mut wake);
        self.wake(&mut wake);
        self.reading.inflater.release();
        let Err(end) = heard else { return };
        if let Some(subscriber) = self.subscribers.get(key) {
            end.log(subscriber, &self.main);
        }
        let (last, reason) = match end {
            End::Lost(Lost(reason)) => return self.drop_subscriber(key, reason),
            End::Close(last) => (last, CloseReason::Client),
            End::Violation(violation) => {
                (violation.answer().map_or_else(empty_close, closing), CloseReason::Violation)
            }
            End::ZoneFull => (closing(CloseCode::TRY_AGAIN_LATER), CloseReason::ZoneFull),
        };
        // What has been published goes first, be it by this very client.
        self.take_mail();
        self.deliver_rest_later();
        self.close_websocket(key, last, reason);
    }

    fn read_frames(&mut self, key: SubscriberKey, wake: &mut WakeSet) -> Result<(), End> {
        let Some(subscriber) = self.subscribers.get_mut(key) else { return Ok(()) };
        let Reading { buffer, inflater, pongs } = &mut self.reading;
        let (zone, main, groups) = (&*self.zone, &*self.main, &self.groups);
        let mut desk = Desk { zone, main, groups, inflater, pongs, wake, frames: 0 };
        buffer.resize(READ_BYTES, 0);
        for _ in 0..READS_AT_ONCE {
            let read = subscriber.held.read(buffer).map_err(|_| Lost(CloseReason::Client))?;
            if read == 0 {
                return Ok(());
            }
            let digested = desk.digest(subscriber, buffer.get(..read).unwrap_or_default());
            // Also before a close.
            let answered = subscriber.pong(desk.pongs);
            // All sockets share them: none of this one's may be left for the next, whatever became of it.
            desk.pongs.clear();
            answered?;
            digested?;
            if desk.frames >= FRAMES_AT_ONCE {
                break;
            }
        }
        subscriber.held.read_later();
        Ok(())
    }
}

/// What is needed to act on frames.
struct Desk<'w> {
    zone: &'w SharedZone,
    main: &'w MainConf,
    groups: &'w SlotMap<GroupKey, Group>,
    inflater: &'w mut Inflater,
    pongs: &'w mut Pongs,
    wake: &'w mut WakeSet,
    /// How many have been acted on.
    frames: usize,
}

impl Desk<'_> {
    /// Acts on bytes that have come.
    fn digest(&mut self, subscriber: &mut Subscriber, mut input: &[u8]) -> Result<(), End> {
        loop {
            let Subscriber { websocket, location, groups, .. } = subscriber;
            let Some(websocket) = websocket else { return Ok(()) };
            websocket.hear(process::now_msec());
            self.frames += 1;
            match websocket.decoder.feed(&mut input) {
                None => return Ok(()),
                Some(Event::Message(message)) => self.publish(location, groups, &message)?,
                Some(Event::Ping(payload)) => self.pongs.push(&frame::pong(payload)),
                Some(Event::Pong(_)) => {}
                Some(Event::Close(farewell)) => {
                    let last = farewell.map_or_else(empty_close, |(code, _)| closing(code));
                    return Err(End::Close(last));
                }
                Some(Event::Violation(violation)) => return Err(violation.into()),
            }
        }
    }

    /// Publishes a message, where the location allows it, to all channels that the client is still subscribed to.
    fn publish(
        &mut self,
        location: &LocationConf,
        subscribed: &[GroupKey],
        message: &Message<'_>,
    ) -> Result<(), End> {
        if !location.websocket.allow_publish {
            return Ok(());
        }
        let text = plain(self.inflater, message, location.websocket.max_message_size)?;
        if text.is_empty() {
            return Ok(());
        }
        let ids = subscribed.iter().filter_map(|group| Some(&self.groups.get(*group)?.id));
        let ids: Vec<_> =
            ids.filter(|id| !channels::is_events_channel(id, self.main)).cloned().collect();
        let parts = Parts { text, binary: message.kind == Kind::Binary, ..Parts::default() };
        let message = NewMessage { parts, ..channels::message(location) };
        let mut found = Vec::with_capacity(ids.len());
        let mut store = self.zone.lock().ok_or(End::ZoneFull)?;
        found.extend(ids.iter().filter_map(|id| store.find(id)));
        let published = store.publish(&found, &message, process::now(), self.wake);
        published.map_err(|_| {
            counters::refused_publish();
            End::ZoneFull
        })
    }
}

/// The bytes of a message, inflated and checked if need be.
fn plain<'m>(
    inflater: &'m mut Inflater,
    message: &Message<'m>,
    limit: usize,
) -> Result<&'m [u8], Violation> {
    if !message.compressed {
        return Ok(message.bytes);
    }
    let text = inflater.inflate(message.bytes, limit)?;
    if message.kind == Kind::Text {
        let mut utf8 = Utf8::new();
        utf8.push(text)?;
        utf8.finish()?;
    }
    Ok(text)
}

impl End {
    fn log(&self, subscriber: &Subscriber, main: &MainConf) {
        let log = subscriber.held.log();
        if matches!(self, Self::ZoneFull) {
            answer::log_full_zone(log, main, || subscriber.shown_channels());
        }
        match self {
            Self::Lost(_) | Self::Close(_) | Self::ZoneFull => {}
            Self::Violation(
                violation @ (Violation::NothingToContinue | Violation::MessageUnfinished),
            ) => error!(log, "push stream module: {violation}"),
            Self::Violation(violation) => info!(log, "push stream module: {violation}"),
        }
    }
}

fn empty_close() -> Bytes {
    Bytes::from(&EMPTY_CLOSE[..])
}
