//! Every layout of every format, byte for byte. The expected texts are written with plain line ends
//! and compared with CRLF.

use protocol::accept::Format;
use protocol::statistics::{self, ChannelInfo, Head, Summary, WorkerInfo};

const A1: ChannelInfo<'static> = ChannelInfo { id: b"a1", published: 4, stored: 3, subscribers: 2 };
const A2: ChannelInfo<'static> = ChannelInfo { id: b"a2", published: 1, stored: 1, subscribers: 0 };
const HEAD: Head<'static> = Head {
    hostname: b"vm",
    time: 1_795_415_352, // 2026-11-23T06:29:12
    channels: 2,
    wildcard_channels: 0,
    uptime: 43,
};

#[track_caller]
fn check(written: &[u8], expected: &str) {
    assert_eq!(String::from_utf8_lossy(written), expected.replace('\n', "\r\n"));
}

fn single(format: Format, info: &ChannelInfo<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    statistics::single(format, info, &mut out);
    out
}

fn group(format: Format, infos: &[ChannelInfo<'_>]) -> Vec<u8> {
    let mut out = Vec::new();
    statistics::group_begin(format, &HEAD, &mut out);
    for (position, info) in infos.iter().enumerate() {
        statistics::group_item(format, info, position == 0, &mut out);
    }
    statistics::group_end(format, infos.is_empty(), &mut out);
    out
}

fn summary(format: Format, by_worker: &[WorkerInfo]) -> Vec<u8> {
    let summary = Summary {
        hostname: b"vm",
        time: 1_795_415_310, // 2026-11-23T06:28:30
        channels: 1,
        wildcard_channels: 2,
        published_messages: 3,
        stored_messages: 4,
        messages_in_trash: 5,
        channels_in_delete: 6,
        channels_in_trash: 7,
        subscribers: 8,
        uptime: 9,
        by_worker,
    };
    let mut out = Vec::new();
    statistics::summary(format, &summary, &mut out);
    out
}

const WORKERS: [WorkerInfo; 2] = [
    WorkerInfo { pid: 3759, subscribers: 5, uptime: 9 },
    WorkerInfo { pid: 3760, subscribers: 3, uptime: 1 },
];

#[test]
fn a_single_channel_in_json() {
    let text = r#"{"channel": "a1", "published_messages": 4, "stored_messages": 3, "subscribers": 2}
"#;
    check(&single(Format::Json, &A1), text);
    assert_eq!(single(Format::Json, &A1).len(), 84);
}

#[test]
fn a_single_channel_in_plain_text() {
    let text = "channel: a1\npublished_messages: 4\nstored_messages: 3\nactive_subscribers: 2\n";
    check(&single(Format::Plain, &A1), text);
}

#[test]
fn a_single_channel_in_yaml() {
    let text = "  channel: a1\n  published_messages: 4\n  stored_messages: 3\n  subscribers: 2\n";
    check(&single(Format::Yaml, &A1), text);
}

#[test]
fn a_single_channel_in_xml_ends_in_an_empty_line() {
    let text = r#"<?xml version="1.0" encoding="UTF-8" ?>
<channel>
  <name>a1</name>
  <published_messages>4</published_messages>
  <stored_messages>3</stored_messages>
  <subscribers>2</subscribers>
</channel>

"#;
    check(&single(Format::Xml, &A1), text);
}

#[test]
fn a_group_in_json() {
    let text = r#"{"hostname": "vm", "time": "2026-11-23T06:29:12", "channels": 2, "wildcard_channels": 0, "uptime": 43, "infos": [
{"channel": "a1", "published_messages": 4, "stored_messages": 3, "subscribers": 2},
{"channel": "a2", "published_messages": 1, "stored_messages": 1, "subscribers": 0}
]}
"#;
    check(&group(Format::Json, &[A1, A2]), text);
    assert_eq!(group(Format::Json, &[A1, A2]).len(), 288);
}

#[test]
fn a_group_in_plain_text() {
    let text = "\
hostname: vm, time: 2026-11-23T06:29:12, channels: 2, wildcard_channels: 0, uptime: 43, infos: 
channel: a1
published_messages: 4
stored_messages: 3
active_subscribers: 2,
channel: a2
published_messages: 1
stored_messages: 1
active_subscribers: 0
";
    check(&group(Format::Plain, &[A1, A2]), text);
}

#[test]
fn a_group_in_yaml() {
    let text = "\
hostname: vm
time: 2026-11-23T06:29:12
channels: 2
wildcard_channels: 0
uptime: 43
infos: \n -
  channel: a1
  published_messages: 4
  stored_messages: 3
  subscribers: 2
 -
  channel: a2
  published_messages: 1
  stored_messages: 1
  subscribers: 0
";
    check(&group(Format::Yaml, &[A1, A2]), text);
}

#[test]
fn a_group_in_xml() {
    let text = r#"<?xml version="1.0" encoding="UTF-8" ?>
<root>
  <hostname>vm</hostname>
  <time>2026-11-23T06:29:12</time>
  <channels>2</channels>
  <wildcard_channels>0</wildcard_channels>
  <uptime>43</uptime>
  <infos>
<channel>
  <name>a1</name>
  <published_messages>4</published_messages>
  <stored_messages>3</stored_messages>
  <subscribers>2</subscribers>
</channel>
<channel>
  <name>a2</name>
  <published_messages>1</published_messages>
  <stored_messages>1</stored_messages>
  <subscribers>0</subscribers>
</channel>
  </infos>
</root>
"#;
    check(&group(Format::Xml, &[A1, A2]), text);
}

#[test]
fn an_empty_group_is_still_well_formed() {
    let json = r#"{"hostname": "vm", "time": "2026-11-23T06:29:12", "channels": 2, "wildcard_channels": 0, "uptime": 43, "infos": [
]}
"#;
    check(&group(Format::Json, &[]), json);
    let plain = "hostname: vm, time: 2026-11-23T06:29:12, channels: 2, wildcard_channels: 0, uptime: 43, infos: \n\n";
    check(&group(Format::Plain, &[]), plain);
    let yaml = "hostname: vm\ntime: 2026-11-23T06:29:12\nchannels: 2\nwildcard_channels: 0\nuptime: 43\ninfos: \n\n";
    check(&group(Format::Yaml, &[]), yaml);
    let xml = group(Format::Xml, &[]);
    assert!(xml.ends_with(b"  <infos>\r\n  </infos>\r\n</root>\r\n"));
}

#[test]
fn the_summary_in_json() {
    let text = r#"{"hostname": "vm", "time": "2026-11-23T06:28:30", "channels": 1, "wildcard_channels": 2, "published_messages": 3, "stored_messages": 4, "messages_in_trash": 5, "channels_in_delete": 6, "channels_in_trash": 7, "subscribers": 8, "uptime": 9, "by_worker": [
{"pid": "3759", "subscribers": 5, "uptime": 9},
{"pid": "3760", "subscribers": 3, "uptime": 1}
]}
"#;
    check(&summary(Format::Json, &WORKERS), text);
    assert_eq!(summary(Format::Json, &WORKERS).len(), 357);
}

#[test]
fn the_summary_in_plain_text() {
    let text = "\
hostname: vm
time: 2026-11-23T06:28:30
channels: 1
wildcard_channels: 2
published_messages: 3
stored_messages: 4
messages_in_trash: 5
channels_in_delete: 6
channels_in_trash: 7
subscribers: 8
uptime: 9
by_worker:
  pid: 3759
  subscribers: 5
  uptime: 9,
  pid: 3760
  subscribers: 3
  uptime: 1
";
    check(&summary(Format::Plain, &WORKERS), text);
}

#[test]
fn the_summary_in_yaml() {
    let text = "  hostname: vm
  time: 2026-11-23T06:28:30
  channels: 1
  wildcard_channels: 2
  published_messages: 3
  stored_messages: 4
  messages_in_trash: 5
  channels_in_delete: 6
  channels_in_trash: 7
  subscribers: 8
  uptime: 9
  by_worker:
   -
    pid: 3759
    subscribers: 5
    uptime: 9
   -
    pid: 3760
    subscribers: 3
    uptime: 1
";
    check(&summary(Format::Yaml, &WORKERS), text);
}

#[test]
fn the_summary_in_xml() {
    let text = r#"<?xml version="1.0" encoding="UTF-8" ?>
<infos>
  <hostname>vm</hostname>
  <time>2026-11-23T06:28:30</time>
  <channels>1</channels>
  <wildcard_channels>2</wildcard_channels>
  <published_messages>3</published_messages>
  <stored_messages>4</stored_messages>
  <messages_in_trash>5</messages_in_trash>
  <channels_in_delete>6</channels_in_delete>
  <channels_in_trash>7</channels_in_trash>
  <subscribers>8</subscribers>
  <uptime>9</uptime>
  <by_worker><worker>
  <pid>3759</pid>
  <subscribers>5</subscribers>
  <uptime>9</uptime>
</worker>
<worker>
  <pid>3760</pid>
  <subscribers>3</subscribers>
  <uptime>1</uptime>
</worker>
</by_worker>
</infos>
"#;
    check(&summary(Format::Xml, &WORKERS), text);
}

#[test]
fn a_summary_without_workers_is_still_well_formed() {
    assert!(summary(Format::Json, &[]).ends_with(b"\"by_worker\": [\r\n]}\r\n"));
    assert!(summary(Format::Plain, &[]).ends_with(b"by_worker:\r\n"));
    assert!(summary(Format::Yaml, &[]).ends_with(b"  by_worker:\r\n"));
    assert!(summary(Format::Xml, &[]).ends_with(b"  <by_worker></by_worker>\r\n</infos>\r\n"));
}

#[test]
fn an_id_cannot_leave_its_place() {
    let hostile = ChannelInfo { id: b"a\", \"b\\\r\nx: 1\0<&\xff", ..A1 };
    check(
        &single(Format::Json, &hostile),
        r#"{"channel": "a\", \"b\\\u000d\u000ax: 1\u0000<&\ufffd", "published_messages": 4, "stored_messages": 3, "subscribers": 2}
"#,
    );
    let xml = single(Format::Xml, &hostile);
    let name = b"<name>a\", \"b\\&#xd;&#xa;x: 1&#xfffd;&lt;&amp;&#xfffd;</name>\r\n";
    assert!(xml.windows(name.len()).any(|window| window == name));
    for format in [Format::Plain, Format::Yaml] {
        let lines = single(format, &hostile);
        assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 4);
        assert!(lines.windows(15).any(|window| window == b"a\", \"b\\%0D%0Ax:"));
    }
}
