//! What the kernel knows of nginx: memory, descriptors, sockets, processes.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use crate::runner::Outcome;
use crate::runner::nginx::children_of;

/// Memory of its own that a process has touched, in kB; the zone is not in it.
pub(crate) fn memory(pid: i32) -> Outcome<usize> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let number = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    number.ok_or_else(|| format!("no RssAnon of {pid}"))
}

/// What the open descriptors of a process are.
pub(super) fn descriptors(pid: i32) -> Vec<String> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let target = |path: &Path| std::fs::read_link(path).ok();
    entries
        .filter_map(|entry| Some(target(&entry.path())?.to_string_lossy().into_owned()))
        .collect()
}

/// The server's side of a connection.
pub(super) struct Socket {
    pub(super) peer: u16,
    pub(super) is_close_wait: bool,
    inode: String,
}

/// All connections to this port, as its listener sees them.
pub(super) fn sockets(port: u16) -> Vec<Socket> {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let port_of = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, remote, state, ..] = fields[..] else { return None };
        (port_of(local)? == port && state != "0A").then_some(())?;
        let inode = fields.get(9)?.to_string();
        Some(Socket { peer: port_of(remote)?, is_close_wait: state == "08", inode })
    };
    table.lines().filter_map(socket).collect()
}

/// How many connections from these ports each process holds.
pub(super) fn held(pids: &[i32], port: u16, wanted: impl Fn(u16) -> bool) -> BTreeMap<i32, usize> {
    let sockets = sockets(port);
    let inodes: HashMap<String, u16> = sockets
        .into_iter()
        .map(|socket| (format!("socket:[{}]", socket.inode), socket.peer))
        .collect();
    let count = |pid: &i32| {
        let peers = descriptors(*pid).into_iter().filter_map(|name| inodes.get(&name).copied());
        (*pid, peers.filter(|peer| wanted(*peer)).count())
    };
    pids.iter().map(count).collect()
}

/// The titles of a master's processes, sorted.
pub(super) fn titles(master: i32) -> Vec<String> {
    let title = |pid: &i32| {
        let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        title.trim_end_matches('\0').trim().to_owned()
    };
    let mut titles: Vec<String> = children_of(master).iter().map(title).collect();
    titles.sort();
    titles
}
