//! Statistics locations, and the reports about channels that publishers get too.

use std::cell::RefCell;
use std::rc::Rc;

use protocol::Few;
use protocol::accept::{Format, negotiate, wants_metrics};
use protocol::channel_path::{ChannelPath, listing_prefix};
use protocol::refusal::Refusal;
use protocol::statistics::{self, ChannelInfo, Head, Summary, WorkerInfo, prometheus};
use store::{ChannelNumbers, Listing, Store, ZoneNumbers};

use crate::answer::INTERNAL_ERROR;
use crate::conf::{LocationConf, MainConf, Role};
use crate::counters::{self, Counts};
use crate::nginx::local::Local;
use crate::nginx::process;
use crate::nginx::request::{Method, NoMemory, Request, Status};
use crate::story::{CloseReason, Story};
use crate::{answer, channels, worker};

/// What was built, where the build says so (the Makefile does).
const COMMIT: &str = match option_env!("PUSH_STREAM_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Channels listed in one span of the zone's lock.
const LISTED_AT_ONCE: usize = 256;

/// Answers a request to a statistics location.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
) -> Status {
    begin(request, main, location).unwrap_or(INTERNAL_ERROR)
}

fn begin(
    request: &mut Request,
    main: &MainConf,
    location: &LocationConf,
) -> Result<Status, NoMemory> {
    if location.keepalive == Some(false) {
        request.set_keepalive(false);
    }
    request.disable_not_modified();
    answer::forbid_caching(request)?;
    if request.method() != Method::Get {
        return Ok(answer::method_not_allowed(request, "GET"));
    }
    request.push_header("X-Nginx-PushStream-Tag", env!("CARGO_PKG_VERSION").as_bytes())?;
    request.push_header("X-Nginx-PushStream-Commit", COMMIT.as_bytes())?;
    if let Err(status) = request.discard_body() {
        return Ok(status);
    }
    let path = channels::requested(request, location);
    let (format, mut content_type) = negotiate(request.header("Accept"));
    let report = if location.role == (Role::Statistics { prometheus: true })
        || path.is_empty() && wants_metrics(request.header("Accept"))
    {
        content_type = prometheus::CONTENT_TYPE;
        metrics(main)
    } else if path.is_empty() {
        summary(format, main)
    } else {
        match wanted(&path, main) {
            Err(refusal) => return Ok(answer::refuse(request, refusal, main)),
            Ok(Some(prefix)) => listing(prefix).map(|report| report.group(format)),
            Ok(None) => existing(&path).map(|report| report.body(format)),
        }
    };
    match report {
        None => Ok(answer::head_only(request, 500)),
        Some(body) if body.is_empty() => Ok(answer::head_only(request, 404)),
        Some(body) => Ok(respond(request, &body, content_type)),
    }
}

/// The prefix of the channels to list, if a segment asks for a list: the first such segment decides.
fn wanted<'p>(path: &'p ChannelPath, main: &MainConf) -> Result<Option<&'p [u8]>, Refusal> {
    channels::check_most(path, main)?;
    for segment in path.iter() {
        channels::check_length(segment.id, main)?;
        if let Some(prefix) = listing_prefix(segment.id) {
            return Ok(Some(prefix));
        }
    }
    Ok(None)
}

/// The channels of the path that exist, in its order. `None` if there is no zone.
pub(crate) fn existing(path: &ChannelPath) -> Option<ChannelReport> {
    worker::with_store(|store| {
        let mut report = ChannelReport { zone: ZoneHead::of(store), ..Default::default() };
        report.reserve(path.len());
        for segment in path.iter() {
            if let Some(channel) = store.find(segment.id) {
                report.push(segment.id, store.numbers(channel));
            }
        }
        report
    })
}

/// All channels whose id begins with `prefix`, in creation order, a bounded number in each lock span.
fn listing(prefix: &[u8]) -> Option<ChannelReport> {
    let mut report = ChannelReport::default();
    worker::with_store(|store| report.zone = ZoneHead::of(store))?;
    let mut listing = Listing::default();
    loop {
        report.reserve(LISTED_AT_ONCE);
        let more = worker::with_store(|store| {
            store.list(&mut listing, LISTED_AT_ONCE, |id, numbers| {
                if id.starts_with(prefix) {
                    report.push(id, numbers);
                }
            })
        })?;
        if !more {
            return Some(report);
        }
    }
}

fn summary(format: Format, main: &MainConf) -> Option<Vec<u8>> {
    let now = process::now();
    let (numbers, workers) = worker::with_store(|store| {
        let workers: Vec<_> = store.workers().collect();
        (zone_numbers(store, main), workers)
    })?;
    let by_worker: Vec<_> = workers
        .iter()
        .map(|worker| WorkerInfo {
            pid: worker.pid,
            subscribers: worker.subscribers.into(),
            uptime: now.saturating_sub(worker.started).into(),
        })
        .collect();
    let summary = Summary {
        hostname: process::hostname(),
        time: now,
        channels: numbers.channels.into(),
        wildcard_channels: numbers.wildcard_channels.into(),
        published_messages: numbers.published,
        stored_messages: numbers.stored,
        messages_in_trash: numbers.untaken.into(),
        channels_in_delete: numbers.channels_in_delete.into(),
        channels_in_trash: numbers.channels_in_trash.into(),
        subscribers: numbers.subscribers.into(),
        uptime: now.saturating_sub(numbers.created).into(),
        by_worker: &by_worker,
    };
    let mut body = Vec::with_capacity(512 + by_worker.len() * 64);
    statistics::summary(format, &summary, &mut body);
    Some(body)
}

/// The numbers of the zone; the server's own announcements are no messages of anybody.
fn zone_numbers(store: &Store, main: &MainConf) -> ZoneNumbers {
    let numbers = store.zone_numbers(process::now());
    let events = main.events_channel_id.as_deref().and_then(|id| store.find(id));
    let announced = events.map_or(0, |events| store.numbers(events).stored.into());
    ZoneNumbers { stored: numbers.stored.saturating_sub(announced), ..numbers }
}

/// Everything that monitoring wants to know.
fn metrics(main: &MainConf) -> Option<Vec<u8>> {
    let (numbers, rebuilt, counts, workers) = worker::with_store(|store| {
        counters::flush(store, process::process_slot());
        let workers: Vec<_> = store
            .workers()
            .map(|worker| {
                let connected = counters::connected(store, worker.slot);
                (worker, connected, Counts::of_worker(store, worker.slot))
            })
            .collect();
        (zone_numbers(store, main), store.epoch(), Counts::of_all(store), workers)
    })?;
    let workers: Vec<_> = workers
        .iter()
        .map(|(worker, connected, counts)| prometheus::Worker {
            slot: worker.slot,
            pid: worker.pid,
            generation: worker.generation,
            start: worker.started,
            subscribers: connected,
            deliveries: counts.deliveries().iter().map(|(_, deliveries)| deliveries).sum(),
            sent_bytes: counts.sent_bytes(),
        })
        .collect();
    let metrics = prometheus::Metrics {
        version: env!("CARGO_PKG_VERSION"),
        commit: COMMIT,
        zone_start: numbers.created,
        zone_size: numbers.bytes,
        zone_bytes: &[
            ("tables", numbers.table_bytes),
            ("channels", numbers.channel_bytes),
            ("messages", numbers.message_bytes),
            ("subscriptions", numbers.subscription_bytes),
            ("free", numbers.free_bytes),
        ],
        repairs: &[("undone", counts.repairs()), ("rebuilt", rebuilt.into())],
        channels: &[
            ("normal", numbers.channels.into()),
            ("wildcard", numbers.wildcard_channels.into()),
        ],
        channels_in_delete: numbers.channels_in_delete.into(),
        channels_in_trash: numbers.channels_in_trash.into(),
        messages_stored: numbers.stored,
        messages_in_trash: numbers.untaken.into(),
        messages_published: numbers.published,
        publishes_refused: &[("zone_full", counts.publishes_refused())],
        requests: &counts.requests(),
        ended: &CloseReason::ALL.map(|reason| (reason.name(), counts.ended(reason as usize))),
        deliveries: &counts.deliveries(),
        latency: counts.latency(),
        latency_sum: counts.latency_micros(),
        sent_bytes: counts.sent_bytes(),
        wakeups_sent: counts.wakeups_sent(),
        wakeups_received: counts.wakeups_received(),
        ring_calls: counts.ring_calls(),
        ring_sends: counts.ring_sends(),
        pages: &counts.pages(),
        workers: &workers,
    };
    let mut body = Vec::with_capacity(8192 + workers.len() * 512);
    prometheus::metrics(&metrics, &mut body);
    Some(body)
}

fn respond(request: &mut Request, body: &[u8], content_type: &'static str) -> Status {
    request.set_content_type(content_type);
    request.set_status(200);
    request.respond(body)
}

/// The numbers of the zone that stand in a report of several channels.
#[derive(Clone, Copy, Default)]
pub(crate) struct ZoneHead {
    channels: u32,
    wildcard_channels: u32,
    created: u32,
}

impl ZoneHead {
    pub(crate) fn of(store: &Store) -> Self {
        let numbers = store.zone_numbers(process::now());
        Self {
            channels: numbers.channels,
            wildcard_channels: numbers.wildcard_channels,
            created: numbers.created,
        }
    }
}

/// The text of the last report to a publisher. The next one is written over it: no publish allocates memory for that.
static LAST_REPORT: Local<RefCell<Vec<u8>>> = Local::new(RefCell::new(Vec::new()));
/// Bytes up to which it is kept.
const KEPT_REPORT: usize = 4096;

/// What a publisher is told: the numbers of its channels, in the order of its path.
#[derive(Default)]
pub(crate) struct PublishReport {
    pub(crate) zone: ZoneHead,
    pub(crate) numbers: Few<ChannelNumbers>,
}

impl PublishReport {
    /// Answers with the report.
    pub(crate) fn respond(&self, request: &mut Request) -> Status {
        let (format, content_type) = negotiate(request.header("Accept"));
        let Ok(path) = Story::path_of(request) else { return INTERNAL_ERROR };
        let infos =
            path.iter().zip(&self.numbers).map(|(segment, numbers)| info(segment.id, numbers));
        let mut body = LAST_REPORT.take();
        body.clear();
        write_body(format, &self.zone, infos, &mut body);
        let status = respond(request, &body, content_type);
        if body.capacity() <= KEPT_REPORT {
            LAST_REPORT.replace(body);
        }
        status
    }
}

/// What is told about channels that were found. Filled under the lock, rendered after it.
#[derive(Default)]
pub(crate) struct ChannelReport {
    zone: ZoneHead,
    ids: Vec<u8>,
    /// End of the id in `ids`, and the numbers.
    found: Vec<(usize, ChannelNumbers)>,
}

impl ChannelReport {
    fn reserve(&mut self, channels: usize) {
        self.found.reserve(channels);
        self.ids.reserve(channels * 32);
    }

    fn push(&mut self, id: &[u8], numbers: ChannelNumbers) {
        self.ids.extend_from_slice(id);
        self.found.push((self.ids.len(), numbers));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Answers with the report.
    pub(crate) fn respond(
        &self,
        request: &mut Request,
        format: Format,
        content_type: &'static str,
    ) -> Status {
        respond(request, &self.body(format), content_type)
    }

    fn infos(&self) -> impl ExactSizeIterator<Item = ChannelInfo<'_>> + Clone {
        let mut start = 0;
        self.found.iter().map(move |(end, numbers)| {
            let id = self.ids.get(start..*end).unwrap_or_default();
            start = *end;
            info(id, numbers)
        })
    }

    fn body(&self, format: Format) -> Vec<u8> {
        let mut body = Vec::new();
        write_body(format, &self.zone, self.infos(), &mut body);
        body
    }

    fn group(&self, format: Format) -> Vec<u8> {
        let mut body = Vec::new();
        write_group(format, &self.zone, self.infos(), &mut body);
        body
    }
}

fn info<'i>(id: &'i [u8], numbers: &ChannelNumbers) -> ChannelInfo<'i> {
    ChannelInfo {
        id,
        published: numbers.published,
        stored: numbers.stored.into(),
        subscribers: numbers.subscribers.into(),
    }
}

/// Nothing for no channel, the single form for one, the group form for several.
fn write_body<'i>(
    format: Format,
    zone: &ZoneHead,
    infos: impl ExactSizeIterator<Item = ChannelInfo<'i>> + Clone,
    body: &mut Vec<u8>,
) {
    let mut few = infos.clone();
    match (few.next(), few.next()) {
        (None, _) => {}
        (Some(info), None) => {
            body.reserve(256 + info.id.len());
            statistics::single(format, &info, body);
        }
        _ => write_group(format, zone, infos, body),
    }
}

fn write_group<'i>(
    format: Format,
    zone: &ZoneHead,
    infos: impl ExactSizeIterator<Item = ChannelInfo<'i>>,
    body: &mut Vec<u8>,
) {
    let head = Head {
        hostname: process::hostname(),
        time: process::now(),
        channels: zone.channels.into(),
        wildcard_channels: zone.wildcard_channels.into(),
        uptime: process::now().saturating_sub(zone.created).into(),
    };
    let count = infos.len();
    body.reserve(256 + count * 160);
    statistics::group_begin(format, &head, body);
    for (index, info) in infos.enumerate() {
        statistics::group_item(format, &info, index == 0, body);
    }
    statistics::group_end(format, count == 0, body);
}
