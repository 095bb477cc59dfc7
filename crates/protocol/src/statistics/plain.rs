//! The statistics as lines of `name: value`. The last line of a channel or worker ends in a comma if
//! another one follows; connected subscribers of a channel are called `active_subscribers` here.

use alloc::vec::Vec;

use super::{ChannelInfo, Head, Summary, escape, put, put_number};
use crate::date::iso_date;

pub(super) fn single(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    channel(info, out);
    put(out, &["\r\n"]);
}

/// Everything above the list stands in one line.
pub(super) fn group_begin(head: &Head<'_>, out: &mut Vec<u8>) {
    put(out, &["hostname: "]);
    escape::line(head.hostname, out);
    put(out, &[", time: "]);
    out.extend_from_slice(&iso_date(head.time));
    for (name, number) in head.numbers() {
        put_number(out, &[", ", name, ": "], number, "");
    }
    put(out, &[", infos: \r\n"]);
}

pub(super) fn group_item(info: &ChannelInfo<'_>, first: bool, out: &mut Vec<u8>) {
    if !first {
        put(out, &[",\r\n"]);
    }
    channel(info, out);
}

/// The end of the last channel's line, or an empty line if there is none.
pub(super) fn group_end(out: &mut Vec<u8>) {
    put(out, &["\r\n"]);
}

pub(super) fn summary(summary: &Summary<'_>, out: &mut Vec<u8>) {
    put(out, &["hostname: "]);
    escape::line(summary.hostname, out);
    put(out, &["\r\ntime: "]);
    out.extend_from_slice(&iso_date(summary.time));
    for (name, number) in summary.numbers() {
        put_number(out, &["\r\n", name, ": "], number, "");
    }
    put(out, &["\r\nby_worker:\r\n"]);
    for (position, worker) in summary.by_worker.iter().enumerate() {
        put(out, &[if position > 0 { ",\r\n" } else { "" }]);
        put_number(out, &["  pid: "], worker.pid, "\r\n");
        put_number(out, &["  subscribers: "], worker.subscribers, "\r\n");
        put_number(out, &["  uptime: "], worker.uptime, "");
    }
    if !summary.by_worker.is_empty() {
        put(out, &["\r\n"]);
    }
}

/// Without the end of its last line.
fn channel(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    put(out, &["channel: "]);
    escape::line(info.id, out);
    put_number(out, &["\r\npublished_messages: "], info.published, "");
    put_number(out, &["\r\nstored_messages: "], info.stored, "");
    put_number(out, &["\r\nactive_subscribers: "], info.subscribers, "");
}
