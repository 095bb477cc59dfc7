//! Runs the steps of a block: which client sends what, what must come, what happens to nginx.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::block::Section;
use super::client::{Client, Filled, Response, find};
use super::nginx::{Conf, Nginx};
use super::text::{self, Variables, matches, regex, same, show, split_within};
use super::{Outcome, websocket};

/// How long a step waits unless it says `within`.
const PATIENCE: Duration = Duration::from_secs(3);

/// Everything a running block owns.
pub(crate) struct World {
    pub(crate) nginx: Nginx,
    pub(crate) clients: HashMap<String, Client>,
    /// The keep-alive connection of `?` rows.
    rows: Option<Client>,
    variables: Variables,
    /// What `! memory mark` saw, in kB by pid.
    memory: HashMap<i32, usize>,
    changed: Conf,
    /// Nothing of the block may take longer.
    deadline: Instant,
}

/// One step with the indented lines that belong to it.
struct Step {
    line: usize,
    text: String,
    details: Vec<String>,
}

impl World {
    pub(crate) fn new(nginx: Nginx, changed: Conf, deadline: Instant) -> World {
        let mut variables = Variables::default();
        variables.set("PORT", nginx.port.to_string());
        variables.set("PREFIX", nginx.prefix().to_string_lossy());
        variables.set("MASTER", nginx.master().to_string());
        let (clients, memory) = (HashMap::new(), HashMap::new());
        World { nginx, clients, rows: None, variables, memory, changed, deadline }
    }

    /// Runs a `steps` or `table` section; a table is a list of `?` steps that all get their say.
    pub(crate) fn run(&mut self, script: &Section) -> Outcome<()> {
        let table = script.key == "table";
        let mut problems = Vec::new();
        for mut step in steps_of(script) {
            if table {
                step.text = format!("? {}", step.text);
            }
            if let Err(reason) = self.step(&step) {
                problems.push(format!("line {}: {}\n    {reason}", step.line, step.text));
                if !table {
                    break;
                }
                self.rows = None;
            }
        }
        if problems.is_empty() {
            return Ok(());
        }
        let log = self.nginx.log();
        let tail: Vec<&str> = log.lines().rev().take(12).collect();
        let tail: Vec<&str> = tail.into_iter().rev().collect();
        Err(format!("{}\n  error.log:\n{}", problems.join("\n"), tail.join("\n")))
    }

    fn step(&mut self, step: &Step) -> Outcome<()> {
        if Instant::now() > self.deadline {
            return Err("the block has run out of its total time".into());
        }
        if let Some(repeated) = step.text.strip_prefix("repeat ") {
            let (count, inner) = repeated.split_once(": ").ok_or("repeat N: step")?;
            let count: usize = count.trim().parse().map_err(|_| "repeat: not a number")?;
            for number in 1..=count {
                self.variables.set("i", number.to_string());
                let text = inner.to_owned();
                let inner = Step { line: step.line, text, details: step.details.clone() };
                self.step(&inner).map_err(|reason| format!("round {number}: {reason}"))?;
            }
            return Ok(());
        }
        self.clients.values_mut().for_each(Client::pump);
        for (index, pid) in self.nginx.workers().into_iter().enumerate() {
            self.variables.set(&format!("PID{}", index + 1), pid.to_string());
        }
        let text = self.variables.expand(&step.text)?;
        let details: Vec<String> =
            step.details.iter().map(|line| self.variables.expand(line)).collect::<Outcome<_>>()?;
        if let Some(rest) = text.strip_prefix("! ") {
            return self.act(rest);
        }
        if let Some(rest) = text.strip_prefix("? ") {
            return self.row(rest);
        }
        if let Some(rest) = text.strip_prefix("pub ") {
            return self.publish(rest, &details);
        }
        if let Some(rest) = text.strip_prefix("metrics ") {
            return self.ask_until(rest, false, metrics_condition);
        }
        if let Some(rest) = text.strip_prefix("json! ") {
            return self.ask_until(rest, true, json_condition);
        }
        if let Some(rest) = text.strip_prefix("json ") {
            return self.ask_until(rest, false, json_condition);
        }
        if let Some(rest) = text.strip_prefix("set ") {
            let (name, value) = rest.split_once(" = ").ok_or("set NAME = value")?;
            self.variables.set(name.trim(), value);
            return Ok(());
        }
        self.client_step(&text, &details)
    }

    /// `a: …`, `a< …`, `a> …`, `ax`, `a half-close`; `a,b< …` for several clients.
    fn client_step(&mut self, text: &str, details: &[String]) -> Outcome<()> {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != ',' && c != '_');
        let (names, rest) = text.split_at(end.unwrap_or(text.len()));
        if rest.is_empty() {
            let name = names.strip_suffix('x').ok_or_else(|| format!("not a step: {text}"))?;
            return self.clients.remove(name).map(drop).ok_or(format!("no client {name}"));
        }
        for name in names.split(',') {
            let attempt = if let Some(request) = rest.strip_prefix(": ") {
                self.open(name, request, details)
            } else if let Some(check) = rest.strip_prefix("< ") {
                self.check(name, check)
            } else if let Some(first) = rest.strip_prefix("> ") {
                self.send(name, first, details)
            } else if rest == " half-close" {
                self.client(name)?.half_close()
            } else {
                Err(format!("not a step: {text}"))
            };
            attempt.map_err(|reason| format!("{name}: {reason}"))?;
        }
        Ok(())
    }

    fn client(&mut self, name: &str) -> Outcome<&mut Client> {
        self.clients.get_mut(name).ok_or_else(|| format!("no client {name}"))
    }

    /// Bytes and frames in one go; `slowly` one byte after the other.
    fn send(&mut self, name: &str, first: &str, details: &[String]) -> Outcome<()> {
        let (slowly, first) = match first.strip_prefix("slowly ") {
            Some(first) => (true, first),
            None => (false, first),
        };
        let mut bytes = piece(first)?;
        for detail in details {
            bytes.extend(piece(detail)?);
        }
        let client = self.client(name)?;
        if slowly { client.send_slowly(&bytes) } else { client.send(&bytes) }
    }

    /// `METHOD uri @options` with headers and body in the details, or just `connect`.
    fn open(&mut self, name: &str, request: &str, details: &[String]) -> Outcome<()> {
        let asked = Asked::parse(request, details)?;
        let mut client = match self.clients.remove(name) {
            Some(client) if asked.keep => client,
            None if asked.keep => return Err("no connection to keep".into()),
            _ => self.connect(asked.worker)?,
        };
        if asked.slow {
            client.make_slow();
        }
        if asked.method != "connect" {
            let head_only = asked.method == "HEAD";
            client.ask(&asked.bytes(), head_only, asked.version == "0.9")?;
        }
        self.clients.insert(name.to_owned(), client);
        Ok(())
    }

    /// A connection, to the given worker (1 = lowest pid) if one is wanted.
    fn connect(&mut self, worker: Option<usize>) -> Outcome<Client> {
        let Some(worker) = worker else { return Client::connect(self.nginx.port) };
        let deadline = self.until(None);
        let pids = self.nginx.workers();
        let wanted = pids.get(worker.wrapping_sub(1)).copied();
        let wanted = wanted.ok_or_else(|| format!("no worker {worker} in {pids:?}"))?;
        loop {
            let mut client = Client::connect(self.nginx.port)?;
            client.ask(b"GET /-/pid HTTP/1.1\r\nHost: localhost\r\n\r\n", false, false)?;
            let body = client.complete(deadline)?.body.clone();
            let pid: i32 = String::from_utf8_lossy(&body).parse().map_err(|_| "/-/pid: no pid")?;
            if pid == wanted {
                client.pid = Some(pid);
                client.next_response()?;
                return Ok(client);
            }
            if Instant::now() > deadline {
                return Err(format!("no connection reached worker {worker} (pid {wanted})"));
            }
        }
    }

    fn until(&self, limit: Option<Duration>) -> Instant {
        (Instant::now() + limit.unwrap_or(PATIENCE)).min(self.deadline)
    }

    fn check(&mut self, name: &str, check: &str) -> Outcome<()> {
        let (check, limit) = split_within(check);
        let deadline = self.until(limit);
        if let Some(rest) = check.strip_prefix("capture ") {
            return self.capture(name, rest, deadline);
        }
        if let Some(other) = check.strip_prefix("pid ") {
            return self.compare_pids(name, other);
        }
        let client = self.client(name)?;
        let (word, rest) = check.split_once(' ').unwrap_or((check, ""));
        match word {
            "chunk" => match rest.strip_prefix("~ ") {
                Some(pattern) => matches(pattern, &client.chunk(deadline)?),
                None => same("chunk", &client.chunk(deadline)?, &text::value(rest)?),
            },
            "frame" => client.frame(deadline)?.check(rest),
            "last" => {
                let words = rest.strip_prefix("frame ").ok_or("last frame …")?;
                client.complete(deadline)?.last_frame()?.check(words)
            }
            "text" => client.text(&text::value(rest)?, deadline),
            "bytes" => client.bytes(&text::value(rest)?, deadline),
            "body" | "json" => response_check(client.complete(deadline)?, check),
            "end" => client.end(deadline),
            "done" => client.complete(deadline).map(drop),
            "next" => client.next_response(),
            "EOF" => match client.gone(deadline)? {
                Filled::Eof => client.stray().map_or(Ok(()), |stray| {
                    Err(format!("bytes behind the response: {}", show(stray)))
                }),
                other => Err(format!("expected a close in order, got {other:?}")),
            },
            "gone" => client.gone(deadline).map(drop),
            "open" => match client.is_open() {
                true => Ok(()),
                false => Err("it was closed".into()),
            },
            "nothing" => client.nothing(text::duration(rest)?),
            "took" => took(client.took(), rest),
            "count" => {
                let (count, value) = rest.split_once(' ').ok_or("count N \"text\"")?;
                count_is(client, count, &text::value(value)?)
            }
            _ => response_check(client.head(deadline)?, check),
        }
    }

    /// `NAME = header X`, `NAME = body`, `chunk`, `frame` or `pid`; with ` ~ regex` its first group.
    fn capture(&mut self, name: &str, capture: &str, deadline: Instant) -> Outcome<()> {
        let (variable, source) = capture.split_once(" = ").ok_or("capture NAME = source")?;
        let client = self.client(name)?;
        let (source, pattern) = match source.split_once(" ~ ") {
            Some((source, pattern)) => (source, Some(pattern)),
            None => (source, None),
        };
        let bytes = if let Some(header) = source.strip_prefix("header ") {
            let response = client.head(deadline)?;
            response.header(header).ok_or_else(|| format!("no header {header}"))?.into()
        } else if source == "body" {
            client.complete(deadline)?.body.clone()
        } else if source == "chunk" {
            client.chunk(deadline)?
        } else if source == "frame" {
            client.frame(deadline)?.payload
        } else if source == "pid" {
            client.pid.ok_or("the worker is only known with @worker")?.to_string().into()
        } else {
            return Err(format!("cannot capture {source}"));
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let value = match pattern {
            None => text,
            Some(pattern) => {
                let group = regex(pattern)?.captures(&text).and_then(|found| found.get(1));
                let group = group.map(|group| group.as_str().to_owned());
                group.ok_or_else(|| format!("{pattern} does not match {text}"))?
            }
        };
        self.variables.set(variable.trim(), value);
        Ok(())
    }

    fn compare_pids(&mut self, name: &str, rest: &str) -> Outcome<()> {
        let (operator, other) = rest.split_once(' ').ok_or("pid == name")?;
        let (mine, theirs) = (self.client(name)?.pid, self.client(other.trim())?.pid);
        let same = mine.is_some() && mine == theirs;
        if mine.is_none() || theirs.is_none() || (operator == "==") != same {
            return Err(format!("pids are {mine:?} and {theirs:?}"));
        }
        Ok(())
    }

    /// `pub uri text`: publishes on a fresh connection and wants 200.
    fn publish(&mut self, rest: &str, details: &[String]) -> Outcome<()> {
        let (uri, body) = rest.split_once(' ').ok_or("pub URI text")?;
        let (worker, body) = match body.strip_prefix("@worker ") {
            Some(rest) => {
                let (number, body) = rest.split_once(' ').ok_or("@worker N text")?;
                (Some(number.parse().map_err(|_| "@worker: not a number")?), body)
            }
            None => (None, body),
        };
        let mut asked = Asked::parse(&format!("POST {uri}"), details)?;
        asked.body = Some(text::value(body)?);
        let deadline = self.until(None);
        let mut client = self.connect(worker)?;
        client.ask(&asked.bytes(), false, false)?;
        let response = client.complete(deadline)?;
        if response.status != 200 {
            return Err(format!("status {} {:?}", response.status, response.headers));
        }
        Ok(())
    }

    /// `uri path == value, path >= value`: asked again until all hold (`json!`: once).
    fn ask_until(
        &mut self,
        rest: &str,
        once: bool,
        holds: fn(&Response, &str) -> Outcome<()>,
    ) -> Outcome<()> {
        let (rest, limit) = split_within(rest);
        let (uri, conditions) = rest.split_once(' ').ok_or("URI conditions")?;
        let deadline = self.until(limit);
        loop {
            let mut client = Client::connect(self.nginx.port)?;
            let request = format!("GET {uri} HTTP/1.1\r\nHost: localhost\r\n\r\n");
            client.ask(request.as_bytes(), false, false)?;
            let response = client.complete(self.until(None))?;
            let Some(problem) =
                conditions.split(", ").find_map(|condition| holds(response, condition).err())
            else {
                return Ok(());
            };
            if once || Instant::now() > deadline {
                let body = String::from_utf8_lossy(&response.body);
                return Err(format!("{problem}; {} {body}", response.status));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
    }

    /// `METHOD uri {Header: value; Header: value} body -> status | check | check`
    fn row(&mut self, row: &str) -> Outcome<()> {
        let (row, limit) = split_within(row);
        let (request, expected) = row.split_once(" -> ").ok_or("row: no ->")?;
        let (method, rest) = request.trim().split_once(' ').ok_or("row: METHOD URI")?;
        let (uri, body) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let mut body = body.trim();
        let mut details = Vec::new();
        if let Some((headers, rest)) = body.strip_prefix('{').and_then(|rest| rest.split_once('}'))
        {
            details.extend(headers.split("; ").map(|header| header.trim().to_owned()));
            body = rest.trim();
        }
        if let Some(chunked) = body.strip_prefix("chunked ") {
            details.push(format!("chunked {chunked}"));
        } else if !body.is_empty() {
            details.push(format!("body {body}"));
        }
        let asked = Asked::parse(&format!("{method} {uri}"), &details)?;
        let mut client = match self.rows.take().and_then(Client::if_open) {
            Some(client) => client,
            None => Client::connect(self.nginx.port)?,
        };
        client.ask(&asked.bytes(), method == "HEAD", false)?;
        let deadline = self.until(limit);
        let response = client.complete(deadline)?;
        let mut checks = expected.split(" | ").map(str::trim);
        let status = checks.next().unwrap_or_default();
        response_check(response, &format!("status {status}"))?;
        let closes = response.header("Connection") == Some("close");
        for check in checks {
            if check != "close" {
                response_check(response, check)?;
            } else if !closes {
                return Err(format!("Connection: {:?}", response.header("Connection")));
            }
        }
        if let Some(stray) = client.stray() {
            return Err(format!("bytes behind the response: {}", show(stray)));
        }
        if closes {
            client.gone(deadline)?;
        } else {
            self.rows = Some(client);
        }
        Ok(())
    }

    /// What happens to nginx.
    fn act(&mut self, action: &str) -> Outcome<()> {
        let (action, limit) = split_within(action);
        let deadline =
            (Instant::now() + limit.unwrap_or(Duration::from_secs(6))).min(self.deadline);
        let (word, rest) = action.split_once(' ').unwrap_or((action, ""));
        match word {
            "reload" => {
                if rest == "changed" {
                    self.nginx.configure(&self.changed)?;
                }
                self.nginx.reload(deadline)
            }
            "kill-worker" => {
                if rest == "all" {
                    return self.nginx.kill_all_workers(deadline);
                }
                let pid = self.worker_of(rest)?;
                self.nginx.kill_worker(pid, deadline)
            }
            "wait-workers" => {
                let count = rest.parse().map_err(|_| "wait-workers N")?;
                self.nginx.wait_workers(count, &[], deadline)
            }
            "quit" => self.nginx.signal(Signal::QUIT),
            "stop" => self.nginx.signal(Signal::TERM),
            "signal" => self.nginx.signal(match rest {
                "HUP" => Signal::HUP,
                "USR1" => Signal::USR1,
                "INT" => Signal::INT,
                _ => return Err(format!("signal {rest} is not known here")),
            }),
            "exited" => self.nginx.wait_exit(deadline),
            "wait" => {
                std::thread::sleep(text::duration(rest)?.min(deadline - Instant::now()));
                Ok(())
            }
            "next" => {
                // Just behind a full second: what follows gets one and the same time.
                let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
                let into = now.map_err(|error| error.to_string())?.subsec_millis();
                std::thread::sleep(Duration::from_millis(u64::from(1_030 - into)));
                Ok(())
            }
            "log" => self.wait_for_text("error.log", rest, deadline, |nginx| nginx.log()),
            "access-log" => {
                self.wait_for_text("access.log", rest, deadline, |nginx| nginx.access_log())
            }
            "memory" => self.memory(rest),
            "no-temp-files" => self.no_temp_files(deadline),
            _ => Err(format!("unknown action {action}")),
        }
    }

    /// `2` (second lowest pid), `pid 4711`, or the name of a client opened with `@worker`.
    fn worker_of(&mut self, text: &str) -> Outcome<i32> {
        if let Some(pid) = text.strip_prefix("pid ") {
            return pid.parse().map_err(|_| format!("not a pid: {pid}"));
        }
        if let Ok(number) = text.parse::<usize>() {
            let workers = self.nginx.workers();
            let pid = workers.get(number.wrapping_sub(1)).copied();
            return pid.ok_or_else(|| format!("no worker {number}"));
        }
        self.client(text)?.pid.ok_or_else(|| format!("{text} was not opened with @worker"))
    }

    fn wait_for_text(
        &mut self,
        name: &str,
        text: &str,
        deadline: Instant,
        read: impl Fn(&Nginx) -> String,
    ) -> Outcome<()> {
        let text = String::from_utf8_lossy(&text::value(text)?).into_owned();
        loop {
            let content = read(&self.nginx);
            if content.contains(&text) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("not in {name}: {text}\n{content}"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// `memory mark`, then `memory grew below 100m`: the most that the workers have taken for themselves, touched
    /// or not. The zone is not in it.
    fn memory(&mut self, rest: &str) -> Outcome<()> {
        let taken = self.nginx.memory()?;
        if rest == "mark" {
            self.memory = taken;
            return Ok(());
        }
        let limit = rest.strip_prefix("grew below ").and_then(|limit| limit.strip_suffix('m'));
        let limit: usize = limit.and_then(|limit| limit.parse().ok()).ok_or("grew below 100m")?;
        for (pid, now) in taken {
            let before = self.memory.get(&pid).ok_or_else(|| format!("{pid} has no mark"))?;
            let grew = now.saturating_sub(*before);
            if grew >= limit << 10 {
                return Err(format!("worker {pid} has taken {grew} kB"));
            }
        }
        Ok(())
    }

    fn no_temp_files(&mut self, deadline: Instant) -> Outcome<()> {
        loop {
            let directory = self.nginx.prefix().join("body_temp");
            let files = std::fs::read_dir(&directory).map_err(|e| e.to_string())?.count();
            if files == 0 {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("{files} files in client_body_temp_path"));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn steps_of(script: &Section) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, line) in script.body.lines().enumerate() {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            continue;
        }
        match steps.last_mut() {
            Some(step) if line.starts_with(' ') => step.details.push(line.trim().to_owned()),
            _ => steps.push(Step {
                line: script.line + index,
                text: line.trim_end().to_owned(),
                details: Vec::new(),
            }),
        }
    }
    steps
}

/// What one line sends: `frame …`, or a value.
fn piece(text: &str) -> Outcome<Vec<u8>> {
    match text.strip_prefix("frame") {
        Some(words) if words.starts_with(' ') => websocket::encode(words),
        _ => text::value(text),
    }
}

/// A request as a step writes it.
struct Asked {
    method: String,
    uri: String,
    version: &'static str,
    headers: Vec<String>,
    body: Option<Vec<u8>>,
    chunks: Vec<Vec<u8>>,
    /// WebSocket frames and bytes in the same go as the request.
    behind: Vec<u8>,
    worker: Option<usize>,
    keep: bool,
    slow: bool,
}

impl Asked {
    fn parse(request: &str, details: &[String]) -> Outcome<Asked> {
        let mut words = request.split_whitespace();
        let method = words.next().unwrap_or_default().to_owned();
        let uri = if method == "connect" { "" } else { words.next().ok_or("no URI")? };
        let mut asked = Asked {
            method,
            uri: uri.to_owned(),
            version: "1.1",
            headers: Vec::new(),
            body: None,
            chunks: Vec::new(),
            behind: Vec::new(),
            worker: None,
            keep: false,
            slow: false,
        };
        while let Some(option) = words.next() {
            match option {
                "@keep" => asked.keep = true,
                "@slow" => asked.slow = true,
                "@1.0" => asked.version = "1.0",
                "@0.9" => asked.version = "0.9",
                "@worker" => {
                    let number = words.next().and_then(|number| number.parse().ok());
                    asked.worker = Some(number.ok_or("@worker N")?);
                }
                _ => return Err(format!("unknown option {option}")),
            }
        }
        for detail in details {
            if let Some(body) = detail.strip_prefix("body ") {
                asked.body = Some(text::value(body)?);
            } else if let Some(chunk) = detail.strip_prefix("chunked ") {
                asked.chunks.push(text::value(chunk)?);
            } else if detail.starts_with("frame ") || detail.starts_with('"') {
                asked.behind.extend(piece(detail)?);
            } else {
                asked.headers.push(detail.clone());
            }
        }
        if asked.method == "WS" {
            asked.shake_hands();
        }
        Ok(asked)
    }

    /// Adds the headers of a WebSocket handshake that the step neither gives itself nor leaves out
    /// (`no Name`).
    fn shake_hands(&mut self) {
        self.method = "GET".to_owned();
        let name = |line: &str| line.split(':').next().unwrap_or_default().to_lowercase();
        let own: Vec<String> = self.headers.iter().map(|line| name(line)).collect();
        self.headers.retain(|line| !line.starts_with("no "));
        for line in websocket::HANDSHAKE {
            if !own.contains(&name(line)) && !own.contains(&format!("no {}", name(line))) {
                self.headers.push(line.to_owned());
            }
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let Asked { method, uri, version, headers, .. } = self;
        if *version == "0.9" {
            return format!("{method} {uri}\r\n").into_bytes();
        }
        let has = |name: &str| headers.iter().any(|line| line.to_lowercase().starts_with(name));
        let mut head = format!("{method} {uri} HTTP/{version}\r\n");
        if !has("host:") {
            head.push_str("Host: localhost\r\n");
        }
        for line in headers {
            head.push_str(line);
            head.push_str("\r\n");
        }
        let mut bytes = head.into_bytes();
        if !self.chunks.is_empty() {
            bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
            for chunk in self.chunks.iter().filter(|chunk| !chunk.is_empty()) {
                bytes.extend(format!("{:x}\r\n", chunk.len()).as_bytes());
                bytes.extend(chunk);
                bytes.extend(b"\r\n");
            }
            bytes.extend(b"0\r\n\r\n");
        } else if let Some(body) = &self.body {
            if !has("content-length:") {
                bytes.extend(format!("Content-Length: {}\r\n", body.len()).as_bytes());
            }
            bytes.extend(b"\r\n");
            bytes.extend(body);
        } else {
            bytes.extend(b"\r\n");
        }
        bytes.extend(&self.behind);
        bytes
    }
}

/// Checks on the head and the complete body that client steps and table rows share.
fn response_check(response: &Response, check: &str) -> Outcome<()> {
    let (word, rest) = check.split_once(' ').unwrap_or((check, ""));
    match word {
        "status" => {
            if rest.parse() == Ok(response.status) {
                return Ok(());
            }
            let body = show(&response.body);
            Err(format!("status {}, {:?} {body}", response.status, response.headers))
        }
        "header" => header_check(response, rest),
        "no" => {
            let name = rest.strip_prefix("header ").unwrap_or(rest);
            match response.header(name) {
                None => Ok(()),
                Some(value) => Err(format!("there is {name}: {value}")),
            }
        }
        "explain" => header_check(response, &format!("X-Nginx-PushStream-Explain: {rest}")),
        "names" => {
            let mut wanted: Vec<&str> = rest.split(", ").collect();
            let mut names: Vec<&str> = response
                .headers
                .iter()
                .map(|(name, _)| name.as_str())
                .filter(|name| !matches!(*name, "Server" | "Date"))
                .collect();
            // Their order means nothing (RFC 9110 section 5.3).
            wanted.sort_unstable();
            names.sort_unstable();
            if names == wanted {
                Ok(())
            } else {
                Err(format!("header names: {}", names.join(", ")))
            }
        }
        "body" => match rest.strip_prefix("~ ") {
            Some(pattern) => matches(pattern, &response.body),
            None => same("body", &response.body, &text::value(rest)?),
        },
        "json" => json_condition(response, rest),
        "frame" => {
            let mut frames = response.frames();
            let frame = frames.next().ok_or("there is no frame")?;
            if frames.next().is_some() {
                return Err("there is more than one frame".into());
            }
            frame.check(rest)
        }
        _ => header_check(response, check),
    }
}

/// `Name: value` or `Name ~ regex`
fn header_check(response: &Response, check: &str) -> Outcome<()> {
    let (name, pattern) = match (check.split_once(": "), check.split_once(" ~ ")) {
        (Some((name, _)), Some((shorter, pattern))) if shorter.len() < name.len() => {
            (shorter, Some(pattern))
        }
        (None, Some((name, pattern))) => (name, Some(pattern)),
        (Some((name, _)), _) => (name, None),
        (None, None) => (check.strip_suffix(':').ok_or(format!("not a check: {check}"))?, None),
    };
    let value = response.header(name).ok_or_else(|| format!("no header {name}"))?;
    match pattern {
        Some(pattern) => matches(pattern, value.as_bytes()),
        None => {
            let wanted = check.split_once(": ").map_or("", |(_, wanted)| wanted);
            if value == wanted { Ok(()) } else { Err(format!("{name}: {value}")) }
        }
    }
}

/// `path == value` on a JSON body; the path `status` is the HTTP status.
fn json_condition(response: &Response, condition: &str) -> Outcome<()> {
    let mut words = condition.trim().splitn(3, ' ');
    let (path, operator) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let wanted = words.next().unwrap_or_default().trim();
    let actual = if path == "status" {
        Value::from(response.status)
    } else {
        let body: Value = serde_json::from_slice(&response.body)
            .map_err(|error| format!("not JSON ({error}): {}", show(&response.body)))?;
        json_path(&body, path).ok_or_else(|| format!("no {path} in the answer"))?
    };
    let text = actual.as_str().map_or_else(|| actual.to_string(), str::to_owned);
    compare(path, &text, operator, wanted)
}

/// `series == value`; a name without labels is the sum of its series, and the value may be another series.
fn metrics_condition(response: &Response, condition: &str) -> Outcome<()> {
    let words: Vec<&str> = condition.split_whitespace().collect();
    let &[series, operator, wanted] = words.as_slice() else {
        return Err(format!("not a condition: {condition}"));
    };
    let body = String::from_utf8_lossy(&response.body);
    let value = |series: &str| -> Option<f64> {
        let of = |name: &str| name == series || name.split('{').next() == Some(series);
        let samples: Vec<f64> = body
            .lines()
            .filter_map(|line| line.rsplit_once(' '))
            .filter(|(name, _)| of(name))
            .filter_map(|(_, value)| value.parse().ok())
            .collect();
        (!samples.is_empty()).then(|| samples.iter().sum())
    };
    let actual = value(series).ok_or_else(|| format!("no {series} in the answer"))?;
    let wanted = value(wanted).map_or_else(|| wanted.to_owned(), |wanted| wanted.to_string());
    compare(series, &actual.to_string(), operator, &wanted)
}

fn compare(what: &str, text: &str, operator: &str, wanted: &str) -> Outcome<()> {
    let numbers = (text.parse::<f64>().ok(), wanted.parse::<f64>().ok());
    let holds = match (operator, numbers) {
        ("==", _) => text == wanted.trim_matches('"'),
        ("!=", _) => text != wanted.trim_matches('"'),
        (">=", (Some(actual), Some(wanted))) => actual >= wanted,
        ("<=", (Some(actual), Some(wanted))) => actual <= wanted,
        ("~", _) => regex(wanted)?.is_match(text),
        _ => return Err(format!("not a condition: {what} {operator} {wanted}")),
    };
    if holds { Ok(()) } else { Err(format!("{what} is {text}, not {operator} {wanted}")) }
}

/// `infos[0].channel`, `by_worker.length`
fn json_path(value: &Value, path: &str) -> Option<Value> {
    let mut value = value.clone();
    for step in path.split('.') {
        let (name, index) = match step.strip_suffix(']').and_then(|step| step.split_once('[')) {
            Some((name, index)) => (name, Some(index.parse::<usize>().ok()?)),
            None => (step, None),
        };
        value = match &value {
            Value::Array(list) if name == "length" => Value::from(list.len()),
            other => other.get(name)?.clone(),
        };
        if let Some(index) = index {
            value = value.get(index)?.clone();
        }
    }
    Some(value)
}

/// `900ms..2s`
fn took(took: Duration, range: &str) -> Outcome<()> {
    let (from, to) = range.split_once("..").ok_or("took FROM..TO")?;
    if (text::duration(from)?..=text::duration(to)?).contains(&took) {
        return Ok(());
    }
    Err(format!("took {took:?}"))
}

fn count_is(client: &Client, count: &str, needle: &[u8]) -> Outcome<()> {
    let wanted: usize = count.parse().map_err(|_| "count: not a number")?;
    let (mut found, mut from) = (0, 0);
    while let Some(at) = find(client.seen_from(from), needle) {
        found += 1;
        from += at + needle.len().max(1);
    }
    if found == wanted { Ok(()) } else { Err(format!("{} is there {found} times", show(needle))) }
}
