//! Servers under test: small definition files, configuration templates, start and stop.
use crate::Params;
use crate::engine::{Engine, Proto};
use crate::proc::*;
use crate::sys::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Clone, Debug)]
pub struct Def {
    pub name: String,
    pub kv: Params,
}

impl Def {
    /// Reads `servers/NAME.server`: lines `key = value`, `#` comments; `like = OTHER` first takes
    /// what that one says. `over` may hold `set.KEY` for all servers and `set.NAME.KEY` for this one.
    pub fn load(bench: &Path, name: &str, over: &Params) -> Result<Def, String> {
        let mut kv = Self::read(bench, name)?;
        for (k, v) in over {
            if let Some(k) = k.strip_prefix("set.") {
                let (own, k) = match k.split_once('.') {
                    Some((server, rest)) if Self::file(bench, server).exists() => {
                        (server == name, rest)
                    }
                    _ => (true, k),
                };
                if own {
                    kv.insert(k.to_string(), v.clone());
                }
            }
        }
        Ok(Def { name: name.to_string(), kv })
    }

    fn file(bench: &Path, name: &str) -> PathBuf {
        bench.join("servers").join(format!("{name}.server"))
    }

    fn read(bench: &Path, name: &str) -> Result<Params, String> {
        let path = Self::file(bench, name);
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let mut kv = Params::new();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            let (k, v) = line
                .split_once('=')
                .ok_or_else(|| format!("{}: no \"key = value\": {line}", path.display()))?;
            match k.trim() {
                "like" => kv.extend(Self::read(bench, v.trim())?),
                k => {
                    kv.insert(k.to_string(), v.trim().to_string());
                }
            }
        }
        Ok(kv)
    }

    pub fn get(&self, k: &str) -> Option<&str> {
        self.kv.get(k).map(|s| s.as_str()).filter(|s| !s.is_empty())
    }
    pub fn supports(&self, proto: Proto) -> bool {
        self.get(&format!("sub.{}", proto.name())).is_some()
    }
}

pub struct Server {
    pub def: Def,
    pub dir: PathBuf,
    pub port: u16,
    child: Child,
    /// on a CPU of its own, the client on another
    pinned: bool,
    pub vars: Params,
    /// process ids to account (fixed after start)
    pub pids: Vec<i32>,
}

/// Fills in `@{name}`; nothing for a name that has no value.
pub fn expand(s: &str, vars: &Params) -> String {
    let mut out = String::new();
    let mut rest = s;
    while let Some(a) = rest.find("@{") {
        out.push_str(&rest[..a]);
        match rest[a..].find('}') {
            Some(b) => {
                let k = &rest[a + 2..a + b];
                out.push_str(vars.get(k).map(|s| s.as_str()).unwrap_or(""));
                rest = &rest[a + b + 1..];
            }
            None => {
                out.push_str(&rest[a..]);
                rest = "";
            }
        }
    }
    out.push_str(rest);
    out
}

/// Where the working files of a run go.
pub fn lab() -> PathBuf {
    match std::env::var_os("PSBENCH_LAB") {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench/run"),
    }
}

fn program() -> Result<String, String> {
    std::env::current_exe().map(|path| path.display().to_string()).map_err(|e| e.to_string())
}

/// The ports to choose from, of `FIRST-LAST`; by default a part of those below the ephemeral range.
fn ports(range: Option<&str>) -> Result<std::ops::RangeInclusive<u16>, String> {
    let Some(text) = range else { return Ok(21000..=29999) };
    let ends = text.split_once('-').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
    match ends {
        Some((first, last)) if 0 < first && first <= last => Ok(first..=last),
        _ => Err(format!("PSBENCH_PORTS={text}: must be FIRST-LAST, as 21000-21299")),
    }
}

/// A port that nobody listens on: a program that runs beside this one begins elsewhere.
fn free_port() -> Result<u16, String> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let ports = ports(std::env::var("PSBENCH_PORTS").ok().as_deref())?;
    let count = ports.len();
    for _ in 0..count {
        let turn = std::process::id() as usize * 37 + NEXT.fetch_add(1, Ordering::Relaxed);
        let port = ports.start() + (turn % count) as u16;
        if port_free(port) {
            return Ok(port);
        }
    }
    Err(format!("none of the ports {ports:?} is free: choose others with PSBENCH_PORTS=FIRST-LAST"))
}

impl Server {
    /// Starts a server; `params` override template variables, `wrap` is put before the command.
    pub fn start(
        bench: &Path,
        def: &Def,
        params: &Params,
        wrap: &[String],
    ) -> Result<Server, String> {
        let port = free_port()?;
        let dir = lab().join("run").join(format!("{}-{}", def.name, port));
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(&dir).map_err(|e| format!("{}: {e}", dir.display()))?;
        let mut vars: Params = Params::new();
        for (k, v) in [
            ("workers", "1"),
            ("master", "on"),
            ("connections", "20000"),
            ("shm", "1024m"),
            ("stored", "1000"),
            ("listen_opts", ""),
            ("http_extra", ""),
            ("sub_extra", ""),
            ("sndbuf", "0"),
            ("debug_log", "error"),
        ] {
            vars.insert(k.into(), v.into());
        }
        for (k, v) in &def.kv {
            vars.insert(k.clone(), v.clone());
        }
        for (k, v) in params {
            vars.insert(k.clone(), v.clone());
        }
        vars.insert("port".into(), port.to_string());
        vars.insert("dir".into(), dir.display().to_string());
        // started by root, workers stay root: they must reach the folder of the run
        let root = is_root();
        vars.insert("user".into(), if root { "user root;".into() } else { String::new() });
        vars.insert("nginx".into(), std::env::var("NGINX").unwrap_or("nginx".into()));
        vars.insert("self".into(), program()?);
        if vars.get("workers").map(|s| s.as_str()) != Some("1") {
            let l = vars.get("listen_opts").cloned().unwrap_or_default();
            vars.insert("listen_opts".into(), format!("{l} reuseport"));
        }
        for (k, v) in &def.kv {
            if let Some(out) = k.strip_prefix("template.") {
                let t = bench.join("templates").join(v);
                let text = fs::read_to_string(&t).map_err(|e| format!("{}: {e}", t.display()))?;
                fs::write(dir.join(out), expand(&expand(&text, &vars), &vars))
                    .map_err(|e| e.to_string())?;
            }
        }
        let cmd = expand(def.get("cmd").ok_or("no cmd")?, &vars);
        let mut argv: Vec<String> = wrap.to_vec();
        argv.extend(cmd.split_whitespace().map(String::from));
        let log = fs::File::create(dir.join("stdout.log")).map_err(|e| e.to_string())?;
        let err = log.try_clone().unwrap();
        let mut command = Command::new(&argv[0]);
        // the server inherits our CPU; later the client moves to another one (engine)
        let pinned = vars.get("pin").is_some_and(|pin| pin == "on") && vars["workers"] == "1";
        pin(pinned.then_some(0));
        let child = command
            .args(&argv[1..])
            .env_remove("NGINX") // to nginx: sockets that it inherits
            .current_dir(&dir)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(err)
            .spawn()
            .map_err(|e| format!("{}: {e}", argv[0]))?;
        let mut s = Server { def: def.clone(), dir, port, child, pinned, vars, pids: vec![] };
        let slow = if wrap.is_empty() { 10 } else { 60 };
        let end = now_ns() + slow * 1_000_000_000;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Ok(Some(st)) = s.child.try_wait() {
                return Err(format!(
                    "{} ended at once ({st}): {}",
                    def.name,
                    s.complaints().join("; ")
                ));
            }
            if now_ns() > end {
                s.stop();
                return Err(format!("{} does not listen: {}", def.name, s.complaints().join("; ")));
            }
            sleep_ms(20);
        }
        sleep_ms(150); // the other workers come up
        s.pids = tree(s.child.id() as i32);
        Ok(s)
    }

    /// The processes which do the work (children of the root, or the root alone).
    pub fn workers(&self) -> Vec<i32> {
        if self.pids.len() > 1 { self.pids[1..].to_vec() } else { self.pids.clone() }
    }

    pub fn cpu(&self) -> Cpu {
        cpu(&self.pids)
    }

    pub fn mem(&self) -> Mem {
        mem(&self.pids)
    }

    pub fn path(&self, key: &str, ch: &str, n: u64) -> Option<String> {
        self.def.get(key).map(|s| s.replace("{ch}", ch).replace("{n}", &n.to_string()))
    }

    pub fn engine(&self, size: usize) -> Engine {
        let mut e = Engine::new(size);
        e.lazy_us = self.vars.get("lazy").and_then(|s| s.parse().ok()).unwrap_or(0);
        if self.pinned {
            pin(Some(1));
        }
        e
    }

    /// Waits until the server does nothing any more (bounded).
    pub fn wait_idle(&self, eng: &mut Engine) {
        let end = now_ns() + 5_000_000_000;
        let mut quiet = 0;
        let mut last = self.cpu().ns;
        while now_ns() < end && quiet < 3 {
            eng.drain(40);
            let c = self.cpu().ns;
            if c - last < 400_000 {
                quiet += 1
            } else {
                quiet = 0
            }
            last = c;
        }
    }

    pub fn stop(&mut self) {
        let pids = tree(self.child.id() as i32);
        kill(self.child.id() as i32, libc::SIGTERM);
        let end = now_ns() + 20_000_000_000;
        loop {
            if let Ok(Some(_)) = self.child.try_wait() {
                break;
            }
            if now_ns() > end {
                for &p in &pids {
                    kill(p, libc::SIGKILL);
                }
                let _ = self.child.wait();
                break;
            }
            sleep_ms(10);
        }
        // children which outlived their parent: only those which this server had
        sleep_ms(20);
        for &p in &pids[1..] {
            if Path::new(&format!("/proc/{p}")).exists() {
                kill(p, libc::SIGKILL);
            }
        }
    }

    /// Lines of the logs worth showing, without time and process.
    pub fn complaints(&self) -> Vec<String> {
        let bad = ["[emerg]", "[alert]", "[crit]", "[error]", "panicked", "floor:"];
        let mut found: Vec<String> = vec![];
        for log in ["error.log", "stdout.log"] {
            let text = fs::read_to_string(self.dir.join(log)).unwrap_or_default();
            for line in text.lines().filter(|line| bad.iter().any(|word| line.contains(word))) {
                let text = match line.split_once('#') {
                    Some((_, rest)) => rest.split_once(": ").map_or(line, |(_, text)| text),
                    None => line.trim_start_matches("nginx: "),
                };
                let line: String = text.chars().take(220).collect();
                if !found.contains(&line) && found.len() < 3 {
                    found.push(line);
                }
            }
        }
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            self.stop();
        }
        let keep = std::env::var_os("PSBENCH_KEEP").is_some();
        if !keep {
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_a_range() {
        assert_eq!(ports(None), Ok(21000..=29999));
        assert_eq!(ports(Some("21000-21299")), Ok(21000..=21299));
        assert_eq!(ports(Some("9-9")), Ok(9..=9));
        for wrong in ["", "21000", "2-1", "0-9", "1-65536", "a-b"] {
            assert!(ports(Some(wrong)).is_err_and(|error| error.contains("FIRST-LAST")), "{wrong}");
        }
    }
}
