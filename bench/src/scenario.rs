//! The scenarios. Each starts its own server, measures and returns named numbers.
mod channels;
mod churn;
mod fanout;
mod held;
mod history;
mod idle;
mod longpoll;
mod memory;
mod ping;
mod publish;
mod slow;

use crate::Params;
use crate::engine::*;
use crate::feed::*;
use crate::proc::*;
use crate::server::*;
use crate::sys::*;
use std::path::PathBuf;

#[derive(Clone, Default, Debug)]
pub struct Outcome {
    pub m: Vec<(String, f64)>,
    pub notes: Vec<String>,
}

impl Outcome {
    pub fn put(&mut self, k: &str, v: f64) {
        self.m.push((k.to_string(), v));
    }
    pub fn get(&self, k: &str) -> Option<f64> {
        self.m.iter().find(|x| x.0 == k).map(|x| x.1)
    }
}

pub struct Ctx {
    pub bench: PathBuf,
    pub p: Params,
}

impl Ctx {
    pub fn num(&self, k: &str, d: u64) -> u64 {
        self.p.get(k).and_then(|s| s.parse().ok()).unwrap_or(d)
    }
    pub fn f(&self, k: &str, d: f64) -> f64 {
        self.p.get(k).and_then(|s| s.parse().ok()).unwrap_or(d)
    }
    pub fn s<'a>(&'a self, k: &str, d: &'a str) -> &'a str {
        self.p.get(k).map(|s| s.as_str()).unwrap_or(d)
    }
    pub fn start(&self, def: &Def, extra: &[(&str, String)]) -> Result<Server, String> {
        self.start_in(def, extra, &[])
    }

    /// Starts a server with `wrap` before its command.
    pub fn start_in(
        &self,
        def: &Def,
        extra: &[(&str, String)],
        wrap: &[String],
    ) -> Result<Server, String> {
        let mut v = Params::new();
        for k in [
            "workers",
            "shm",
            "stored",
            "connections",
            "listen_opts",
            "http_extra",
            "sub_extra",
            "pin",
            "lazy",
        ] {
            if let Some(x) = self.p.get(k) {
                v.insert(k.into(), x.clone());
            }
        }
        for (k, x) in extra {
            v.insert(k.to_string(), x.clone());
        }
        Server::start(&self.bench, def, &v, wrap)
    }
}

fn us(ns: u64) -> f64 {
    ns as f64 / 1000.0
}

pub fn check(o: &mut Outcome, eng: &Engine, expect: u64) {
    let got = eng.st.received;
    o.put("lost", expect.saturating_sub(got) as f64);
    o.put("dup_ooo", (eng.st.ooo + got.saturating_sub(expect)) as f64);
    o.put("corrupt", (eng.st.corrupt + eng.st.framing) as f64);
    if eng.st.bad_status > 0 {
        o.notes.push(format!("{} bad statuses (last {})", eng.st.bad_status, eng.st.last_bad));
    }
    if eng.st.ended > 0 {
        o.notes.push(format!("{} connections ended by the server", eng.st.ended));
    }
    o.notes.extend(eng.fail.iter().cloned());
}

fn latency(o: &mut Outcome, eng: &Engine) {
    // quantised by the client's naps, or not in the message
    if eng.lazy_us > 0 || short(eng.st.size) {
        return;
    }
    o.put("p50_us", us(eng.st.hist.q(0.5)));
    o.put("p99_us", us(eng.st.hist.q(0.99)));
    o.put("p999_us", us(eng.st.hist.q(0.999)));
    o.put("max_us", us(eng.st.hist.max));
}

/// Opens `n` subscribers; subscriber i listens to channel chan(i).
pub fn subscribe(
    eng: &mut Engine,
    s: &Server,
    proto: Proto,
    n: usize,
    chan: impl Fn(usize) -> u32,
) -> Result<Vec<usize>, String> {
    let key = format!("sub.{}", proto.name());
    let mut ids = Vec::with_capacity(n);
    for i in 0..n {
        let c = chan(i);
        let path = s.path(&key, &format!("c{c}"), 0).ok_or("protocol not supported")?;
        ids.push(eng.add(proto, s.port, &path, c));
    }
    if !ids.is_empty() && !eng.open_many(&ids, 256, 120) {
        return Err(format!("subscribers failed: {:?}", eng.fail));
    }
    Ok(ids)
}

pub fn publishers(eng: &mut Engine, s: &Server, n: usize) -> Result<Vec<usize>, String> {
    let ids: Vec<usize> = (0..n).map(|_| eng.add(Proto::Pub, s.port, "/", 0)).collect();
    if !eng.open_many(&ids, 64, 20) {
        return Err("publisher connections failed".into());
    }
    Ok(ids)
}

/// Creates the channels 1 to `n`, with a stored message each.
fn create(eng: &mut Engine, s: &Server, ps: &[usize], n: u64) -> Result<(), String> {
    let limit = 60.0 + n as f64 / 5_000.0;
    let path = |i: u64| s.path("pub.store", &format!("c{}", i + 1), 0).unwrap();
    let all = publish_all(eng, ps, n, limit, |i| (path(i), i as u32 + 1, 0));
    let (done, refused) = (eng.st.pub_done, eng.st.pub_fail);
    if all && refused == 0 {
        return Ok(());
    }
    let status = eng.st.last_bad;
    Err(format!("created {done} of {n} channels in {limit} s, {refused} refused (status {status})"))
}

fn pub_key(c: &Ctx) -> &'static str {
    if c.s("store", "on") == "off" { "pub.nostore" } else { "pub.store" }
}

pub fn run(c: &Ctx, scen: &str, def: &Def) -> Result<Outcome, String> {
    match scen {
        "fanout" => fanout::run(c, def),
        "channels" => channels::run(c, def),
        "pubonly" => publish::run(c, def),
        "longpoll" => longpoll::run(c, def),
        "memory" => memory::run(c, def),
        "history" => history::run(c, def),
        "slow" => slow::run(c, def),
        "churn" => churn::run(c, def),
        "ping" => ping::run(c, def),
        "idle" => idle::run(c, def),
        "held" => held::run(c, def),
        "locks" => crate::strace::locks(c, def),
        "instr" => crate::instr::instr(c, def),
        "syscalls" => crate::strace::syscalls(c, def),
        _ => Err(format!("unknown scenario {scen}")),
    }
}

/// The metrics which get a ratio column (lower is better unless it ends in _per_s).
pub fn primary(scen: &str) -> &'static [&'static str] {
    match scen {
        "fanout" | "longpoll" => &["cpu_us_per_delivery"],
        "channels" => &["cpu_us_per_publish"],
        "pubonly" => &["cpu_us_per_request"],
        "memory" => &["bytes_per_subscriber", "bytes_per_channel", "bytes_per_stored_message"],
        "history" => &["cpu_us_per_message"],
        "slow" => &["cpu_us_per_delivery"],
        "churn" => &["cpu_us_per_cycle"],
        "ping" => &["cpu_us_per_subscriber_second"],
        "idle" => &["idle_cpu_ms_per_s", "bytes_per_channel", "max_us"],
        "held" => &[
            "cpu_us_per_publish_stored",
            "cpu_us_per_publish_delivered",
            "cpu_us_per_subscribe",
            "bytes_per_channel",
            "idle_cpu_ms_per_s",
        ],
        "locks" => &["waits_per_1000_publishes"],
        "instr" => &[
            "instr_per_delivery",
            "instr_per_publish",
            "instr_per_subscribe",
            "instr_per_poll",
            "instr_per_replayed",
        ],
        "syscalls" => &["per_delivery"],
        _ => &[],
    }
}
