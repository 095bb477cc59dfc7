//! The statistics as JSON: one object per line, a space after each colon and comma. The integers are
//! bare except `pid`, which existing clients read as a string.

use alloc::vec::Vec;

use super::{ChannelInfo, Head, Summary, escape, put, put_decimal, put_number};
use crate::date::iso_date;

pub(super) fn single(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    channel(info, out);
    put(out, &["\r\n"]);
}

pub(super) fn group_begin(head: &Head<'_>, out: &mut Vec<u8>) {
    host(head.hostname, head.time, out);
    fields(&head.numbers(), out);
    put(out, &[", \"infos\": [\r\n"]);
}

pub(super) fn group_item(info: &ChannelInfo<'_>, first: bool, out: &mut Vec<u8>) {
    if !first {
        put(out, &[",\r\n"]);
    }
    channel(info, out);
}

pub(super) fn group_end(empty: bool, out: &mut Vec<u8>) {
    put(out, &[if empty { "]}\r\n" } else { "\r\n]}\r\n" }]);
}

pub(super) fn summary(summary: &Summary<'_>, out: &mut Vec<u8>) {
    host(summary.hostname, summary.time, out);
    fields(&summary.numbers(), out);
    put(out, &[", \"by_worker\": [\r\n"]);
    for (position, worker) in summary.by_worker.iter().enumerate() {
        put(out, &[if position > 0 { ",\r\n" } else { "" }]);
        put_number(out, &["{\"pid\": \""], worker.pid, "\"");
        fields(&[("subscribers", worker.subscribers), ("uptime", worker.uptime)], out);
        put(out, &["}"]);
    }
    group_end(summary.by_worker.is_empty(), out);
}

/// Every publish is answered with this. Texts of known length are copied without a call.
fn channel(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"channel\": \"");
    escape::json(info.id, out);
    out.extend_from_slice(b"\", \"published_messages\": ");
    put_decimal(out, info.published);
    out.extend_from_slice(b", \"stored_messages\": ");
    put_decimal(out, info.stored);
    out.extend_from_slice(b", \"subscribers\": ");
    put_decimal(out, info.subscribers);
    out.push(b'}');
}

fn host(hostname: &[u8], time: u32, out: &mut Vec<u8>) {
    put(out, &["{\"hostname\": \""]);
    escape::json(hostname, out);
    put(out, &["\", \"time\": \""]);
    out.extend_from_slice(&iso_date(time));
    put(out, &["\""]);
}

fn fields(numbers: &[(&str, u64)], out: &mut Vec<u8>) {
    for (name, number) in numbers {
        put_number(out, &[", \"", name, "\": "], *number, "");
    }
}
