//! How are the numbers written in the format the client wants?
//!
//! The statistics location and the publisher's GET and POST answers gather numbers from the store and
//! have them written here, byte for byte as existing parsers expect (`active_subscribers` in the plain
//! format, `pid` as a string in JSON, the indentation of XML). All line ends are CRLF.
//!
//! - one channel: [`single`]
//! - several: [`group_begin`], [`group_item`] for each, [`group_end`]; the caller can fetch the
//!   channels in batches and need not know which one is the last
//! - the whole zone: [`summary`]; in more detail, for monitoring: [`prometheus`]
//!
//! One file per format. What happens to bytes of a channel id that a format cannot hold is decided in
//! `escape.rs`; ids of ordinary characters come out unchanged.

use alloc::vec::Vec;

use crate::accept::Format;

mod escape;
mod json;
mod plain;
pub mod prometheus;
mod xml;
mod yaml;

pub(crate) use self::escape::json as escape_json;

/// The numbers of one channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelInfo<'a> {
    /// The channel id, any bytes.
    pub id: &'a [u8],
    /// Messages ever published to it.
    pub published: u64,
    /// Messages it keeps now.
    pub stored: u64,
    /// Subscribers connected now.
    pub subscribers: u64,
}

impl ChannelInfo<'_> {
    const fn numbers(&self) -> [(&'static str, u64); 3] {
        [
            ("published_messages", self.published),
            ("stored_messages", self.stored),
            ("subscribers", self.subscribers),
        ]
    }
}

/// What stands above a list of channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head<'a> {
    /// The host name as nginx knows it.
    pub hostname: &'a [u8],
    /// Now, in seconds since 1970 UTC.
    pub time: u32,
    /// Living channels that are not wildcard channels.
    pub channels: u64,
    /// Living wildcard channels.
    pub wildcard_channels: u64,
    /// Seconds since the zone was created.
    pub uptime: u64,
}

impl Head<'_> {
    const fn numbers(&self) -> [(&'static str, u64); 3] {
        [
            ("channels", self.channels),
            ("wildcard_channels", self.wildcard_channels),
            ("uptime", self.uptime),
        ]
    }
}

/// The numbers of the whole zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary<'a> {
    /// The host name as nginx knows it.
    pub hostname: &'a [u8],
    /// Now, in seconds since 1970 UTC.
    pub time: u32,
    /// Living channels that are not wildcard channels.
    pub channels: u64,
    /// Living wildcard channels.
    pub wildcard_channels: u64,
    /// Messages published since the zone was created.
    pub published_messages: u64,
    /// Messages kept now, over all channels.
    pub stored_messages: u64,
    /// Messages removed whose memory is not free yet.
    pub messages_in_trash: u64,
    /// Channels deleted and not yet in the trash.
    pub channels_in_delete: u64,
    /// Channels removed whose memory is not free yet.
    pub channels_in_trash: u64,
    /// Connected subscribers of all workers.
    pub subscribers: u64,
    /// Seconds since the zone was created.
    pub uptime: u64,
    /// The living workers in the order of their slots.
    pub by_worker: &'a [WorkerInfo],
}

impl Summary<'_> {
    const fn numbers(&self) -> [(&'static str, u64); 9] {
        [
            ("channels", self.channels),
            ("wildcard_channels", self.wildcard_channels),
            ("published_messages", self.published_messages),
            ("stored_messages", self.stored_messages),
            ("messages_in_trash", self.messages_in_trash),
            ("channels_in_delete", self.channels_in_delete),
            ("channels_in_trash", self.channels_in_trash),
            ("subscribers", self.subscribers),
            ("uptime", self.uptime),
        ]
    }
}

/// The numbers of one worker process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkerInfo {
    /// Its process id.
    pub pid: u32,
    /// Its connected subscribers.
    pub subscribers: u64,
    /// Seconds since it started.
    pub uptime: u64,
}

/// Appends the answer about exactly one channel.
pub fn single(format: Format, info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    match format {
        Format::Plain => plain::single(info, out),
        Format::Json => json::single(info, out),
        Format::Yaml => yaml::channel(info, out),
        Format::Xml => xml::single(info, out),
    }
}

/// Appends what stands above a list of channels.
pub fn group_begin(format: Format, head: &Head<'_>, out: &mut Vec<u8>) {
    match format {
        Format::Plain => plain::group_begin(head, out),
        Format::Json => json::group_begin(head, out),
        Format::Yaml => yaml::group_begin(head, out),
        Format::Xml => xml::group_begin(head, out),
    }
}

/// Appends one channel of a list. What separates it from the one before belongs to it, so only
/// whether it is the `first` must be known.
pub fn group_item(format: Format, info: &ChannelInfo<'_>, first: bool, out: &mut Vec<u8>) {
    match format {
        Format::Plain => plain::group_item(info, first, out),
        Format::Json => json::group_item(info, first, out),
        Format::Yaml => yaml::group_item(info, out),
        Format::Xml => xml::channel(info, out),
    }
}

/// Appends the end of a list; `empty` says that it had no item.
pub fn group_end(format: Format, empty: bool, out: &mut Vec<u8>) {
    match format {
        Format::Plain => plain::group_end(out),
        Format::Json => json::group_end(empty, out),
        Format::Yaml => yaml::group_end(empty, out),
        Format::Xml => xml::group_end(out),
    }
}

/// Appends the answer about the whole zone.
pub fn summary(format: Format, summary: &Summary<'_>, out: &mut Vec<u8>) {
    match format {
        Format::Plain => plain::summary(summary, out),
        Format::Json => json::summary(summary, out),
        Format::Yaml => yaml::summary(summary, out),
        Format::Xml => xml::summary(summary, out),
    }
}

/// Appends the pieces one after the other.
fn put(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Appends `number` in decimal between `before` and `after`.
fn put_number(out: &mut Vec<u8>, before: &[&str], number: impl Into<u64>, after: &str) {
    put(out, before);
    put_decimal(out, number.into());
    put(out, &[after]);
}

fn put_decimal(out: &mut Vec<u8>, number: u64) {
    put(out, &[itoa::Buffer::new().format(number)]);
}
