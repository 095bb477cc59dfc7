//! One nginx with its own directory and port: start, signals, workers, and the look at its log.
//!
//! nginx runs in the foreground as our child and dies with the thread that started it
//! (`setpriv --pdeathsig`), so a killed test run leaves nothing behind.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use regex_lite::Regex;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::Outcome;

/// What the test run was given.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) root: PathBuf,
    pub(crate) module: PathBuf,
    pub(crate) nginx: PathBuf,
}

impl Setup {
    /// The version of nginx, such as `(1, 22, 1)`.
    pub(crate) fn version(&self) -> Outcome<(u32, u32, u32)> {
        let output = Command::new(&self.nginx)
            .arg("-v")
            .output()
            .map_err(|error| format!("{}: {error}", self.nginx.display()))?;
        let said = String::from_utf8_lossy(&output.stderr);
        let mut numbers = said
            .split_once('/')
            .map_or("", |(_, version)| version)
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|number| number.parse().ok());
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(major), Some(minor), Some(patch)) => Ok((major, minor, patch)),
            _ => Err(format!("{} -v: {said}", self.nginx.display())),
        }
    }
}

/// How the configuration file of a block comes about.
#[derive(Clone, Default)]
pub(crate) struct Conf {
    pub(crate) main: String,
    pub(crate) events: String,
    pub(crate) http: String,
    pub(crate) server: String,
    /// Parameters of `listen`.
    pub(crate) listen: String,
    pub(crate) workers: usize,
    /// Leave out `load_module`, or the default zone size.
    pub(crate) no_module: bool,
    pub(crate) no_zone: bool,
    /// A whole file (its text) instead of the pieces, made to fit the test directory.
    pub(crate) file: Option<String>,
}

impl Conf {
    /// The text of nginx.conf.
    pub(crate) fn render(&self, setup: &Setup, port: u16) -> String {
        let load = if self.no_module {
            String::new()
        } else {
            format!("load_module {};\n", setup.module.display())
        };
        let head = format!(
            "{load}daemon off;\npid nginx.pid;\nerror_log error.log info;\n\
             worker_processes {};\n",
            self.workers
        );
        let temp = "client_body_temp_path body_temp; proxy_temp_path proxy_temp;\n\
                    fastcgi_temp_path fastcgi_temp; uwsgi_temp_path uwsgi_temp; \
                    scgi_temp_path scgi_temp;\naccess_log access.log;\n";
        if let Some(file) = &self.file {
            return head + &adapted(file, port, temp);
        }
        let zone = if self.no_module || self.no_zone || self.http.contains("shared_memory_size") {
            ""
        } else {
            "push_stream_shared_memory_size 10m;\n"
        };
        let reuseport = if self.workers > 1 { "reuseport" } else { "" };
        let Conf { main, events, http, server, listen, .. } = self;
        let events = if events.is_empty() { "worker_connections 1024;" } else { events };
        format!(
            "{head}{main}\nevents {{ {events} }}\nhttp {{\n{temp}{zone}{http}\n\
             server {{\nlisten 127.0.0.1:{port} {reuseport} {listen};\nserver_name localhost;\n\
             location = /-/pid {{ return 200 $pid; }}\n{server}\n}}\n}}\n"
        )
    }
}

/// A stand-alone configuration file with its machine-dependent lines replaced.
fn adapted(file: &str, port: u16, temp: &str) -> String {
    let mut out = String::new();
    let mut depth = 0_usize;
    for line in file.lines() {
        let word = line.split_whitespace().next().unwrap_or_default();
        const OURS: [&str; 6] =
            ["load_module", "pid", "error_log", "daemon", "user", "worker_processes"];
        let another_module = word == "load_module" && !line.contains("push_stream");
        let ours = depth == 0 && OURS.contains(&word) && !another_module;
        let elsewhere = matches!(word, "access_log" | "error_log") || word.ends_with("_temp_path");
        if word == "listen" && !line.contains("unix:") {
            let parameters = line.trim().split_once(' ').and_then(|(_, rest)| rest.split_once(' '));
            let parameters = parameters.map_or(";", |(_, rest)| rest);
            out.push_str(&format!("listen 127.0.0.1:{port} {parameters}\n"));
        } else if !ours && !elsewhere {
            out.push_str(line);
            out.push('\n');
        }
        let code = line.split('#').next().unwrap_or_default();
        depth += code.matches('{').count();
        if depth == 1 && word == "http" {
            out.push_str(temp);
        }
        depth = depth.saturating_sub(code.matches('}').count());
    }
    out
}

/// A TCP port that nobody else takes while this lives.
///
/// Two servers with `reuseport` would share a port without a word, so the UDP port of the same
/// number is held as the sign that it is taken, also for another test run. The range lies below the
/// one of outgoing connections: a client that tries such a port too early could reach itself.
struct Port {
    number: u16,
    _sign: UdpSocket,
}

impl Port {
    fn free() -> Outcome<Port> {
        const FIRST: u16 = 19_700;
        const COUNT: u32 = 300;
        static NEXT: AtomicU32 = AtomicU32::new(0);
        for _ in 0..COUNT {
            let offset = std::process::id().wrapping_mul(37);
            let offset = NEXT.fetch_add(1, Relaxed).wrapping_add(offset) % COUNT;
            let number = FIRST + offset as u16;
            if let Ok(sign) = UdpSocket::bind((Ipv4Addr::LOCALHOST, number))
                && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok()
            {
                return Ok(Port { number, _sign: sign });
            }
        }
        Err("no free port".into())
    }
}

/// What `nginx -t` said.
pub(crate) struct Tested {
    pub(crate) ok: bool,
    pub(crate) output: String,
}

/// Runs `nginx -t` on a configuration text in a fresh directory.
pub(crate) fn test_configuration(
    setup: &Setup,
    conf: &Conf,
    files: &[(&str, &str)],
) -> Outcome<Tested> {
    let prefix = directory()?;
    for (name, text) in files {
        std::fs::write(prefix.path().join(name), text).map_err(|e| e.to_string())?;
    }
    let port = Port::free()?;
    write_configuration(setup, conf, prefix.path(), port.number)?;
    let output = Command::new(&setup.nginx)
        .env_remove("NGINX")
        .args(["-t", "-c", "nginx.conf", "-p"])
        .arg(prefix.path())
        .output()
        .map_err(|e| format!("{}: {e}", setup.nginx.display()))?;
    let log = std::fs::read_to_string(prefix.path().join("error.log")).unwrap_or_default();
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(Tested { ok: output.status.success(), output: format!("{said}{log}") })
}

/// A directory nginx's unprivileged workers can enter.
fn directory() -> Outcome<TempDir> {
    let prefix =
        tempfile::Builder::new().prefix("nginx-t-").tempdir().map_err(|e| e.to_string())?;
    let open = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(prefix.path(), open).map_err(|e| e.to_string())?;
    Ok(prefix)
}

/// A running nginx.
pub(crate) struct Nginx {
    setup: Setup,
    child: Child,
    prefix: Option<TempDir>,
    pub(crate) port: u16,
    _held: Port,
    /// Worker pids ever seen, to be sure that none outlives the test.
    seen: HashSet<i32>,
    /// Workers the test killed itself, and by which signal.
    killed: HashMap<i32, Signal>,
    exit_code: Option<i32>,
}

impl Nginx {
    /// Starts it and waits until it accepts connections.
    pub(crate) fn start(setup: &Setup, conf: &Conf) -> Outcome<Nginx> {
        let mut last = String::new();
        for _ in 0..3 {
            match Nginx::start_once(setup, conf)? {
                Ok(nginx) => return Ok(nginx),
                Err(output) if output.contains("bind() to") => last = output,
                Err(output) => return Err(format!("nginx did not start: {output}")),
            }
        }
        Err(format!("no port to listen on: {last}"))
    }

    fn start_once(setup: &Setup, conf: &Conf) -> Outcome<Result<Nginx, String>> {
        let prefix = directory()?;
        let held = Port::free()?;
        let port = held.number;
        write_configuration(setup, conf, prefix.path(), port)?;
        let errors = prefix.path().join("stderr");
        let stderr = std::fs::File::create(&errors).map_err(|e| e.to_string())?;
        let child = Command::new("setpriv")
            // With it, nginx means sockets to inherit.
            .env_remove("NGINX")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(&setup.nginx)
            .args(["-c", "nginx.conf", "-p"])
            .arg(prefix.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .map_err(|error| format!("setpriv {}: {error}", setup.nginx.display()))?;
        let mut nginx = Nginx {
            setup: setup.clone(),
            child,
            prefix: Some(prefix),
            port,
            _held: held,
            seen: HashSet::new(),
            killed: HashMap::new(),
            exit_code: None,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if nginx.has_exited() {
                let said = std::fs::read_to_string(&errors).unwrap_or_default();
                return Ok(Err(said + &nginx.log()));
            }
            // The sockets listen before the workers exist, and even before signals are handled.
            let single = conf.main.contains("master_process off");
            let wanted = if single { 0 } else { conf.workers };
            if nginx.workers().len() >= wanted
                && TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
            {
                return Ok(Ok(nginx));
            }
            if Instant::now() > deadline {
                return Err("nginx does not accept connections".into());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn prefix(&self) -> &Path {
        self.prefix.as_ref().map_or(Path::new("/nonexistent"), TempDir::path)
    }

    pub(crate) fn master(&self) -> i32 {
        self.child.id().cast_signed()
    }

    pub(crate) fn has_exited(&mut self) -> bool {
        if self.exit_code.is_none()
            && let Ok(Some(status)) = self.child.try_wait()
        {
            self.exit_code = Some(status.code().unwrap_or(-1));
        }
        self.exit_code.is_some()
    }

    pub(crate) fn log(&self) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut file) = std::fs::File::open(self.prefix().join("error.log")) {
            // A log that cannot be read shows as empty, and the checks on its content tell.
            let _ = file.read_to_end(&mut bytes);
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(crate) fn access_log(&self) -> String {
        std::fs::read_to_string(self.prefix().join("access.log")).unwrap_or_default()
    }

    /// The serving workers by pid, lowest first. Workers that are shutting down do not count.
    pub(crate) fn workers(&mut self) -> Vec<i32> {
        let (serving, leaving) = self.children();
        self.seen.extend(serving.iter().chain(&leaving));
        serving
    }

    /// Worker processes: serving ones, and those told to shut down.
    pub(crate) fn children(&self) -> (Vec<i32>, Vec<i32>) {
        let (mut serving, mut leaving) = (Vec::new(), Vec::new());
        for pid in children_of(self.master()) {
            let title = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            if title.contains("shutting down") {
                leaving.push(pid);
            } else if title.contains("worker process") {
                serving.push(pid);
            }
        }
        serving.sort_unstable();
        leaving.sort_unstable();
        (serving, leaving)
    }

    /// The most private memory that each worker has had, in kB, by pid.
    pub(crate) fn memory(&mut self) -> Outcome<HashMap<i32, usize>> {
        let of = |pid: i32| {
            let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let number = |name| {
                let value = status.lines().find_map(|line| line.strip_prefix(name))?;
                value.trim().strip_suffix(" kB")?.parse::<usize>().ok()
            };
            // What all of it was at its peak and is no more was private: the zone stays.
            Some(number("VmData:")? + number("VmPeak:")? - number("VmSize:")?)
        };
        let found = |pid| of(pid).map(|most| (pid, most)).ok_or(format!("no memory of {pid}"));
        self.workers().into_iter().map(found).collect()
    }

    pub(crate) fn signal(&self, signal: Signal) -> Outcome<()> {
        send(self.master(), signal)
    }

    /// HUP, then waits until a new set of workers serves and every old one knows it is leaving.
    pub(crate) fn reload(&mut self, deadline: Instant) -> Outcome<()> {
        let old = self.workers();
        let before = self.log().len();
        self.signal(Signal::HUP)?;
        loop {
            let new = self.workers().into_iter().filter(|pid| !old.contains(pid)).count();
            let log = self.log();
            let since = log.get(before..).unwrap_or_default();
            let told = |pid: &i32| {
                since.contains(&format!(" {pid}#{pid}: gracefully shutting down"))
                    || parent_of(*pid).is_none()
            };
            if new >= old.len() && old.iter().all(told) {
                return Ok(());
            }
            if let Some(line) = since.lines().find(|line| line.contains("[emerg]")) {
                return Err(format!("reload: {line}"));
            }
            if Instant::now() > deadline {
                return Err(format!("reload: {new} new workers of {}", old.len()));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Writes another configuration for the next reload.
    pub(crate) fn configure(&self, conf: &Conf) -> Outcome<()> {
        write_configuration(&self.setup, conf, self.prefix(), self.port)
    }

    /// SIGKILL to one worker; waits until it is gone and the number of workers is restored. While some are leaving that number is not
    /// known: then only until it is gone.
    pub(crate) fn kill_worker(&mut self, pid: i32, deadline: Instant) -> Outcome<()> {
        let (before, leaving) = self.children();
        if !before.contains(&pid) && !leaving.contains(&pid) {
            return Err(format!("{pid} is not one of the workers {before:?} {leaving:?}"));
        }
        self.strike(pid, Signal::KILL)?;
        if !leaving.is_empty() {
            while parent_of(pid).is_some() {
                if Instant::now() > deadline {
                    return Err(format!("{pid} is still there"));
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            return Ok(());
        }
        self.wait_workers(before.len(), &[pid], deadline)
    }

    /// A signal that a worker dies of; waits for nothing.
    pub(crate) fn strike(&mut self, pid: i32, signal: Signal) -> Outcome<()> {
        self.killed.insert(pid, signal);
        send(pid, signal)
    }

    /// Kills every worker at once and waits for their successors.
    pub(crate) fn kill_all_workers(&mut self, deadline: Instant) -> Outcome<()> {
        let before = self.workers();
        for pid in &before {
            self.strike(*pid, Signal::KILL)?;
        }
        self.wait_workers(before.len(), &before, deadline)
    }

    /// Waits until exactly `count` workers serve, none of them in `without`, and none is leaving.
    pub(crate) fn wait_workers(
        &mut self,
        count: usize,
        without: &[i32],
        deadline: Instant,
    ) -> Outcome<()> {
        loop {
            let serving = self.workers();
            let (_, leaving) = self.children();
            let old = serving.iter().any(|pid| without.contains(pid));
            if serving.len() == count && leaving.is_empty() && !old {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "wanted {count} workers; serving {serving:?}, leaving {leaving:?}"
                ));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn wait_exit(&mut self, deadline: Instant) -> Outcome<()> {
        while !self.has_exited() {
            if Instant::now() > deadline {
                return Err("nginx has not exited".into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// After the exit: what in the log must not be there.
    pub(crate) fn complaints(&self, allowed: &[Regex]) -> Vec<String> {
        const BAD: [&str; 8] = [
            "[alert]",
            "[crit]",
            "[emerg]",
            "panicked",
            "AddressSanitizer",
            "open socket",
            "exited on signal",
            "core dumped",
        ];
        let killed = |line: &str| {
            self.killed.iter().any(|(pid, signal)| {
                let signal = signal.as_raw();
                line.contains(&format!("worker process {pid} exited on signal {signal}"))
                    || line.ends_with(&format!("was locked by {pid}"))
            })
        };
        let mut complaints: Vec<String> = self
            .log()
            .lines()
            .filter(|line| BAD.iter().any(|bad| line.contains(bad)))
            .filter(|line| !killed(line) && !allowed.iter().any(|regex| regex.is_match(line)))
            .map(str::to_owned)
            .collect();
        if let Some(code) = self.exit_code.filter(|code| *code != 0) {
            complaints.push(format!("nginx exited with {code}"));
        }
        complaints
    }

    /// QUIT, then what was wrong with the exit or the log.
    pub(crate) fn quit_cleanly(self) -> Outcome<()> {
        self.quit_but_for(&[])
    }

    /// The same, with these lines allowed.
    pub(crate) fn quit_but_for(mut self, allowed: &[Regex]) -> Outcome<()> {
        self.signal(Signal::QUIT)?;
        self.wait_exit(Instant::now() + Duration::from_secs(8))?;
        let complaints = self.complaints(allowed);
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
    }

    /// Keeps the directory for a look after a failure.
    pub(crate) fn keep(&mut self) -> Option<PathBuf> {
        self.prefix.take().map(TempDir::keep)
    }
}

impl Drop for Nginx {
    /// Nothing of this nginx survives, however the test ended.
    fn drop(&mut self) {
        self.workers();
        if !self.has_exited() {
            // Both can only fail when the process is gone already.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        let orphan = |pid: i32| is_nginx_worker(pid) && parent_of(pid) == Some(1);
        for pid in self.seen.iter().filter(|pid| orphan(**pid)) {
            let _ = send(*pid, Signal::KILL);
        }
    }
}

fn write_configuration(setup: &Setup, conf: &Conf, prefix: &Path, port: u16) -> Outcome<()> {
    if let Some(file) = &conf.file {
        prepare(setup, file, prefix)?;
    }
    let text = conf
        .render(setup, port)
        .replace("${PORT}", &port.to_string())
        .replace("${PREFIX}", &prefix.to_string_lossy())
        .replace("${ROOT}", &setup.root.to_string_lossy());
    std::fs::write(prefix.join("nginx.conf"), text).map_err(|error| error.to_string())
}

/// Makes the files that an example needs: runs the commands of its head comment that fill
/// `target/run`, which is where `make run` starts it.
fn prepare(setup: &Setup, file: &str, prefix: &Path) -> Outcome<()> {
    let head = file.lines().map_while(|line| line.strip_prefix('#')).map(str::trim);
    for command in head.filter(|line| line.starts_with("mkdir -p target/run &&")) {
        let command = command.replace("target/run", &prefix.to_string_lossy());
        let output = Command::new("sh").current_dir(&setup.root).args(["-ec", &command]).output();
        let output = output.map_err(|error| format!("sh: {error}"))?;
        if !output.status.success() {
            return Err(format!("{command}: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    Ok(())
}

/// A module of nginx's packages that a configuration loads and that this nginx cannot load.
pub(crate) fn missing_module(setup: &Setup, file: &str) -> Option<String> {
    let line = file.lines().find(|line| line.starts_with("load_module "))?;
    let output = Command::new(&setup.nginx)
        .env_remove("NGINX")
        .args(["-t", "-q", "-e", "/dev/null", "-c", "/dev/null", "-g", line])
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&output.stderr);
    // An empty file has no "events": that complaint comes when the module is loaded.
    let refused = said.lines().find(|line| line.contains("dlopen") || line.contains("instead of"));
    refused.map(str::to_owned)
}

fn send(pid: i32, signal: Signal) -> Outcome<()> {
    let pid = Pid::from_raw(pid).ok_or("pid 0")?;
    kill_process(pid, signal).map_err(|error| format!("kill {pid:?}: {error}"))
}

/// The live children of a process: the kernel's own list where it keeps one.
pub(crate) fn children_of(parent: i32) -> Vec<i32> {
    let all = match std::fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")) {
        Ok(list) => list.split_whitespace().flat_map(str::parse).collect(),
        Err(_) => std::fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|process| process.file_name().to_string_lossy().parse().ok())
            .collect::<Vec<i32>>(),
    };
    all.into_iter().filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// Parent of a live process (a zombie counts as gone).
fn parent_of(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    if state == "Z" { None } else { fields.next()?.parse().ok() }
}

fn is_nginx_worker(pid: i32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
        .is_ok_and(|title| title.starts_with("nginx: worker"))
}
