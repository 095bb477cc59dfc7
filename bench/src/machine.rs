//! What a run was made on, and how much of the machine others took meanwhile.
use crate::sys;
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

/// The first line that a command prints; nothing when it does not run.
pub fn first_line(command: &str, arguments: &[&str]) -> String {
    let Ok(output) = Command::new(command).args(arguments).output() else { return String::new() };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_string()
}

pub fn nginx() -> String {
    let name = std::env::var("NGINX").unwrap_or("nginx".into());
    first_line(&name, &["-v"]).replace("nginx version: nginx/", "")
}

pub fn cpu_model() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    model.map_or("unknown CPU".into(), |(_, model)| model.trim().to_string())
}

/// Memory in GiB.
pub fn memory() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1_048_576.0
}

/// Where, when and with what, in one line.
pub fn line() -> String {
    let (date, kernel) = (first_line("date", &["-Is"]), first_line("uname", &["-r"]));
    format!("{date}, {} CPUs ({}), Linux {kernel}, nginx {}", sys::cpus(), cpu_model(), nginx())
}

/// Watches a run: how long it takes, and what other programs do meanwhile.
pub struct Watch {
    start: Instant,
    busy: f64,
    ours: f64,
}

impl Watch {
    pub fn start() -> Watch {
        Watch { start: Instant::now(), busy: busy_seconds(), ours: sys::run_time() }
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }

    /// The share of the machine's CPUs that was taken by anything but this program and what it
    /// started and has ended (0 to 1).
    pub fn taken_by_others(&self) -> f64 {
        let others = (busy_seconds() - self.busy) - (sys::run_time() - self.ours);
        let whole = self.elapsed().as_secs_f64() * sys::cpus() as f64;
        (others / whole).clamp(0.0, 1.0)
    }
}

/// CPU seconds that the whole machine was not idle, since boot.
fn busy_seconds() -> f64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> = text
        .lines()
        .next()
        .map(|line| line.split_whitespace().skip(1).filter_map(|n| n.parse().ok()).collect())
        .unwrap_or_default();
    // user nice system idle iowait irq softirq steal; guest times are in user and nice already
    let busy = fields.iter().take(8).enumerate().filter(|(i, _)| !matches!(i, 3 | 4));
    busy.map(|(_, ticks)| ticks).sum::<f64>() / sys::ticks_per_second()
}
