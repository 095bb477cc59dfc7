//! What /proc says of processes and of the machine.
use crate::sys;
use std::collections::HashMap;
use std::fs;

/// The fields of /proc/PID/stat behind the name, which may hold blanks itself.
fn stat(pid: i32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split(' ').map(String::from).collect())
}

/// All live processes below and including `root`.
pub fn tree(root: i32) -> Vec<i32> {
    let mut children: HashMap<i32, Vec<i32>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        let parent = pid.and_then(stat).and_then(|fields| fields[1].parse().ok());
        if let (Some(pid), Some(parent)) = (pid, parent) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        found.extend(children.get(&found[next]).into_iter().flatten());
        next += 1;
    }
    found
}

/// CPU time of processes.
#[derive(Clone, Copy, Default)]
pub struct Cpu {
    /// exact run time (process CPU clock)
    pub ns: u64,
    /// user and system ticks (10 ms), for the split only
    user: u64,
    system: u64,
}

impl Cpu {
    pub fn since(&self, before: &Cpu) -> Cpu {
        Cpu {
            ns: self.ns.saturating_sub(before.ns),
            user: self.user.saturating_sub(before.user),
            system: self.system.saturating_sub(before.system),
        }
    }

    pub fn user_share(&self) -> f64 {
        let all = self.user + self.system;
        if all == 0 { 0.0 } else { self.user as f64 / all as f64 }
    }
}

pub fn cpu(pids: &[i32]) -> Cpu {
    let mut sum = Cpu::default();
    for &pid in pids {
        sum.ns += sys::process_ns(pid);
        let fields = stat(pid).unwrap_or_default();
        let ticks = |n: usize| fields.get(n).and_then(|s| s.parse().ok()).unwrap_or(0);
        sum.user += ticks(11);
        sum.system += ticks(12);
    }
    sum
}

/// Memory of processes, in bytes.
#[derive(Clone, Copy, Default)]
pub struct Mem {
    /// all, pages that several have counted once
    pub pss: u64,
    /// of it private
    pub anon: u64,
    /// of it shared memory
    pub shmem: u64,
}

pub fn mem(pids: &[i32]) -> Mem {
    let mut sum = Mem::default();
    for pid in pids {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let (Some(key), Some(value)) = (words.next(), words.next()) else { continue };
            let bytes = value.parse::<u64>().unwrap_or(0) * 1024;
            match key {
                "Pss:" => sum.pss += bytes,
                "Pss_Anon:" => sum.anon += bytes,
                "Pss_Shmem:" => sum.shmem += bytes,
                _ => {}
            }
        }
    }
    sum
}

/// Kernel memory of TCP's buffers in bytes (whole machine).
pub fn tcp_mem() -> u64 {
    let text = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("TCP:")).unwrap_or_default();
    let pages = line.split_once(" mem ").and_then(|(_, rest)| rest.trim().parse::<u64>().ok());
    pages.unwrap_or(0) * 4096
}
