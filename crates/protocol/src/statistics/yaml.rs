//! The statistics as YAML block mappings, values unquoted. A single channel and the summary are
//! indented by two spaces; the head of a list of channels is not.

use alloc::vec::Vec;

use super::{ChannelInfo, Head, Summary, escape, put, put_number};
use crate::date::iso_date;

/// A channel of a list looks like a single one.
pub(super) fn channel(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    put(out, &["  channel: "]);
    escape::line(info.id, out);
    put(out, &["\r\n"]);
    fields("  ", &info.numbers(), out);
}

pub(super) fn group_begin(head: &Head<'_>, out: &mut Vec<u8>) {
    host("", head.hostname, head.time, out);
    fields("", &head.numbers(), out);
    put(out, &["infos: \r\n"]);
}

pub(super) fn group_item(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    put(out, &[" -\r\n"]);
    channel(info, out);
}

pub(super) fn group_end(empty: bool, out: &mut Vec<u8>) {
    if empty {
        put(out, &["\r\n"]);
    }
}

pub(super) fn summary(summary: &Summary<'_>, out: &mut Vec<u8>) {
    host("  ", summary.hostname, summary.time, out);
    fields("  ", &summary.numbers(), out);
    put(out, &["  by_worker:\r\n"]);
    for worker in summary.by_worker {
        put_number(out, &["   -\r\n    pid: "], worker.pid, "\r\n");
        fields("    ", &[("subscribers", worker.subscribers), ("uptime", worker.uptime)], out);
    }
}

fn host(indent: &str, hostname: &[u8], time: u32, out: &mut Vec<u8>) {
    put(out, &[indent, "hostname: "]);
    escape::line(hostname, out);
    put(out, &["\r\n", indent, "time: "]);
    out.extend_from_slice(&iso_date(time));
    put(out, &["\r\n"]);
}

fn fields(indent: &str, numbers: &[(&str, u64)], out: &mut Vec<u8>) {
    for (name, number) in numbers {
        put_number(out, &[indent, name, ": "], *number, "\r\n");
    }
}
