//! The statistics as XML documents. The layout is kept as clients know it: `<channel>` and `<worker>`
//! are not indented, and the answer about a single channel ends in an extra empty line.

use alloc::vec::Vec;

use super::{ChannelInfo, Head, Summary, escape, put, put_number};
use crate::date::iso_date;

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\r\n";

pub(super) fn single(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    put(out, &[PROLOG]);
    channel(info, out);
    put(out, &["\r\n"]);
}

/// An element of a list, too.
pub(super) fn channel(info: &ChannelInfo<'_>, out: &mut Vec<u8>) {
    put(out, &["<channel>\r\n  <name>"]);
    escape::xml(info.id, out);
    put(out, &["</name>\r\n"]);
    fields(&info.numbers(), out);
    put(out, &["</channel>\r\n"]);
}

pub(super) fn group_begin(head: &Head<'_>, out: &mut Vec<u8>) {
    put(out, &[PROLOG, "<root>\r\n"]);
    host(head.hostname, head.time, out);
    fields(&head.numbers(), out);
    put(out, &["  <infos>\r\n"]);
}

pub(super) fn group_end(out: &mut Vec<u8>) {
    put(out, &["  </infos>\r\n</root>\r\n"]);
}

pub(super) fn summary(summary: &Summary<'_>, out: &mut Vec<u8>) {
    put(out, &[PROLOG, "<infos>\r\n"]);
    host(summary.hostname, summary.time, out);
    fields(&summary.numbers(), out);
    put(out, &["  <by_worker>"]);
    for worker in summary.by_worker {
        put(out, &["<worker>\r\n"]);
        put_number(out, &["  <pid>"], worker.pid, "</pid>\r\n");
        fields(&[("subscribers", worker.subscribers), ("uptime", worker.uptime)], out);
        put(out, &["</worker>\r\n"]);
    }
    put(out, &["</by_worker>\r\n</infos>\r\n"]);
}

fn host(hostname: &[u8], time: u32, out: &mut Vec<u8>) {
    put(out, &["  <hostname>"]);
    escape::xml(hostname, out);
    put(out, &["</hostname>\r\n  <time>"]);
    out.extend_from_slice(&iso_date(time));
    put(out, &["</time>\r\n"]);
}

fn fields(numbers: &[(&str, u64)], out: &mut Vec<u8>) {
    for (name, number) in numbers {
        put_number(out, &["  <", name, ">"], *number, "");
        put(out, &["</", name, ">\r\n"]);
    }
}
