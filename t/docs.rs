//! The documentation is true: its commands run and print what it shows, nginx accepts its
//! configurations, its links lead somewhere, and every line that the module logs is explained.
//!
//! In a page (`README.md`, `docs/*.md`):
//! - ```` ```sh run ```` is run by bash. `make run CONF=…` in it starts that example, here with a port of its own.
//! - ```` ```sh run open ```` is a subscriber: it is started and goes on until the end of the page.
//! - ```` ```text ```` right behind is what it prints; `…` stands for anything, alone for any lines.
//! - ```` ```nginx ```` is a whole configuration or what may stand in http, server or a location.
//! - Other `sh` blocks are not run: what they do is not for a test (installing, a service, another machine).

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use regex_lite::Regex;

use crate::runner::nginx::{missing_module, test_configuration};
use crate::runner::{Conf, MACHINE, Nginx, Outcome, Setup};
use crate::tidy::{code, files, regex, relative, sources, verdict};

const PATIENCE: Duration = Duration::from_secs(5);

type Test = fn(&Setup, &Page) -> Outcome<()>;
type Rule = fn(&Path) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    let mut trials = Vec::new();
    for page in pages(&setup.root) {
        let kinds: [(&str, &str, Test); 2] = [
            ("sh run", "the commands of", run_commands),
            ("nginx", "nginx accepts what is in", check_configurations),
        ];
        for (info, what, test) in kinds {
            if page.fences.iter().any(|fence| fence.info.starts_with(info)) {
                let (setup, page) = (setup.clone(), page.clone());
                trials.push(Trial::test(format!("docs: {what} {}", page.name), move || {
                    let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
                    test(&setup, &page).map_err(Failed::from)
                }));
            }
        }
    }
    let rules: [(&str, Rule); 2] = [
        ("links lead somewhere", links_lead_somewhere),
        ("every line of the error log is explained", log_lines_are_explained),
    ];
    trials.extend(rules.into_iter().map(|(name, rule)| {
        let root = setup.root.clone();
        Trial::test(format!("docs: {name}"), move || rule(&root).map_err(Failed::from))
    }));
    trials
}

/// A fenced block of a page.
#[derive(Clone)]
struct Fence {
    info: String,
    text: String,
    /// Of the opening and of the closing line, counted from 1.
    lines: (usize, usize),
}

#[derive(Clone)]
struct Page {
    name: String,
    text: String,
    fences: Vec<Fence>,
}

fn pages(root: &Path) -> Vec<Page> {
    let mut paths = files(&root.join("docs"), "md");
    paths.push(root.join("README.md"));
    let page = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        Page { name: relative(root, &path), fences: fences(&text), text }
    };
    paths.into_iter().map(page).collect()
}

fn fences(text: &str) -> Vec<Fence> {
    let mut found: Vec<Fence> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate().map(|(index, line)| (index + 1, line)) {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            match found.last_mut().filter(|_| inside) {
                Some(fence) => fence.lines.1 = number,
                None => {
                    let (info, text) = (info.trim().to_owned(), String::new());
                    found.push(Fence { info, text, lines: (number, number) });
                }
            }
            inside = !inside;
        } else if let Some(fence) = found.last_mut().filter(|_| inside) {
            fence.text.push_str(line);
            fence.text.push('\n');
        }
    }
    found
}

// ---- commands ----

/// An example that runs, and the subscribers that a page has opened on it.
struct Example {
    nginx: Nginx,
    open: Vec<Subscriber>,
}

struct Subscriber {
    child: Child,
    output: PathBuf,
    expected: Regex,
    line: usize,
}

fn run_commands(setup: &Setup, page: &Page) -> Outcome<()> {
    let mut example: Option<Example> = None;
    let mut skipping = false;
    for (index, fence) in page.fences.iter().enumerate() {
        if !fence.info.starts_with("sh run") {
            continue;
        }
        let line = fence.lines.0;
        if let Some(arguments) = fence.text.strip_prefix("make run") {
            if let Some(example) = example.take() {
                example.finish()?;
            }
            let conf = arguments.split_whitespace().find_map(|word| word.strip_prefix("CONF="));
            example = Example::start(setup, conf.unwrap_or("nginx-conf/quickstart.conf"))?;
            skipping = example.is_none();
            continue;
        }
        if skipping {
            continue;
        }
        let next = page.fences.get(index + 1);
        let shown = next.filter(|next| next.info == "text" && next.lines.0 <= fence.lines.1 + 2);
        let shown = shown.ok_or_else(|| format!("line {line}: no text block to compare with"))?;
        let expected = pattern(&shown.text)?;
        let example =
            example.as_mut().ok_or_else(|| format!("line {line}: make run comes first"))?;
        example.run(setup, fence, expected).map_err(|why| format!("line {line}: {why}"))?;
    }
    example.map_or(Ok(()), Example::finish)
}

/// The text of a page as a pattern.
fn pattern(shown: &str) -> Outcome<Regex> {
    let line = |line: &str| match line.trim() {
        "…" => "(?:.*\n)*".to_owned(),
        line => {
            let parts: Vec<String> = line.split('…').map(regex_lite::escape).collect();
            parts.join(".*") + "\n"
        }
    };
    regex(&format!("^{}$", shown.lines().map(line).collect::<String>()))
}

/// Output as it is compared: without CRs and blanks at the ends of lines.
fn comparable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().map(|line| line.trim().to_owned() + "\n").collect()
}

impl Example {
    /// Nothing when the example loads a module that this nginx cannot load.
    fn start(setup: &Setup, name: &str) -> Outcome<Option<Example>> {
        let path = setup.root.join(name);
        let text = std::fs::read_to_string(path).map_err(|error| format!("{name}: {error}"))?;
        if let Some(reason) = missing_module(setup, &text) {
            eprintln!("t: SKIPPED the commands for {name}: {reason}");
            return Ok(None);
        }
        // A place of ours to count subscribers at, and a socket for an example's second port.
        let counter = "http {\nserver { listen unix:${PREFIX}/counter; location / { \
                       push_stream_channels_statistics; push_stream_channels_path $arg_none; } }";
        let text = text.replacen("http {", counter, 1);
        let text = text.replace("127.0.0.1:9081", "unix:${PREFIX}/second");
        let conf = Conf { file: Some(text), workers: 2, ..Conf::default() };
        Ok(Some(Example { nginx: Nginx::start(setup, &conf)?, open: Vec::new() }))
    }

    fn run(&mut self, setup: &Setup, fence: &Fence, expected: Regex) -> Outcome<()> {
        let prefix = self.nginx.prefix().to_path_buf();
        let port = self.nginx.port;
        let connect = format!("connect-to = \"127.0.0.1:9080:127.0.0.1:{port}\"\nmax-time = 20\n");
        std::fs::write(prefix.join(".curlrc"), connect).map_err(|error| error.to_string())?;
        let script = format!(
            "curl() {{ case \"$*\" in *:9081/*) command curl --unix-socket {0}/second \"$@\" ;; \
             *) command curl \"$@\" ;; esac }}\nset -e\n{1}",
            prefix.display(),
            fence.text.replace("target/run/", &format!("{}/", prefix.display()))
        );
        let output = prefix.join(format!("output-{}", fence.lines.0));
        let file = std::fs::File::create(&output).map_err(|error| error.to_string())?;
        let before = self.subscribers()?;
        let mut child = Command::new("bash")
            .args(["-c", &script])
            .current_dir(&setup.root)
            .env("CURL_HOME", &prefix)
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(Stdio::inherit())
            .spawn()
            .map_err(|error| format!("bash: {error}"))?;
        if fence.info.contains("open") {
            let line = fence.lines.0;
            let deadline = Instant::now() + PATIENCE;
            while self.subscribers()? <= before && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(10));
            }
            self.open.push(Subscriber { child, output, expected, line });
            return Ok(());
        }
        let status = child.wait().map_err(|error| error.to_string())?;
        let printed = comparable(&std::fs::read(&output).map_err(|error| error.to_string())?);
        match expected.is_match(&printed) {
            true if status.success() => Ok(()),
            _ => Err(format!("{status}, it printed:\n{printed}")),
        }
    }

    /// How many subscribers the example has.
    fn subscribers(&self) -> Outcome<u64> {
        let mut answer = String::new();
        let mut ask = || -> std::io::Result<usize> {
            let mut socket = UnixStream::connect(self.nginx.prefix().join("counter"))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
            socket.read_to_string(&mut answer)
        };
        ask().map_err(|error| format!("counter: {error}"))?;
        let count = regex(r#""subscribers": (\d+), "uptime""#)?;
        let count = count.captures(&answer).and_then(|found| found.get(1)?.as_str().parse().ok());
        count.ok_or_else(|| format!("counter: {answer}"))
    }

    /// Waits until every subscriber has printed what the page shows, then quits nginx.
    fn finish(mut self) -> Outcome<()> {
        let mut problems = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        for subscriber in &self.open {
            let printed = || comparable(&std::fs::read(&subscriber.output).unwrap_or_default());
            while !subscriber.expected.is_match(&printed()) {
                if Instant::now() > deadline {
                    problems.push(format!("line {}: it printed:\n{}", subscriber.line, printed()));
                    break;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        // Streams end with nginx, and the clients with them.
        let Example { nginx, open } = &mut self;
        let children: Vec<Child> = open.drain(..).map(|subscriber| subscriber.child).collect();
        nginx.signal(rustix::process::Signal::QUIT)?;
        nginx.wait_exit(Instant::now() + PATIENCE)?;
        problems.extend(nginx.complaints(&[]));
        for mut child in children {
            // It can only fail when the client is gone already.
            let _ = child.kill();
            let _ = child.wait();
        }
        verdict(problems)
    }
}

// ---- configurations ----

fn check_configurations(setup: &Setup, page: &Page) -> Outcome<()> {
    let mut problems = Vec::new();
    for fence in page.fences.iter().filter(|fence| fence.info == "nginx") {
        let mut said = BTreeSet::new();
        let mut accepted = false;
        for conf in readings(&fence.text) {
            let tested = test_configuration(setup, &conf, &[])?;
            if tested.ok {
                accepted = true;
                break;
            }
            said.extend(
                tested.output.lines().filter(|line| line.contains("[emerg]")).map(str::to_owned),
            );
        }
        if !accepted {
            let said: Vec<String> = said.into_iter().collect();
            problems.push(format!("line {}:\n    {}", fence.lines.0, said.join("\n    ")));
        }
    }
    verdict(problems)
}

/// Where a piece of configuration may be meant to stand; one of them must work.
fn readings(text: &str) -> Vec<Conf> {
    // Log files go where the test may write; a server without "listen" would take port 80.
    let mut text = text.replace(" logs/", " ");
    if !text.contains("listen ") {
        text = text.replace("server {", "server { listen 127.0.0.1:${PORT};");
    }
    let conf = || Conf { workers: 1, ..Conf::default() };
    let in_http = |text: &str| Conf { http: text.to_owned(), ..conf() };
    let in_server = |text: &str| Conf { server: text.to_owned(), ..conf() };
    let in_location = |role: &str| in_server(&format!("location /x {{ {role} {text} }}"));
    // Directives of http, then a location.
    let split = text.find("\nlocation").map(|middle| text.split_at(middle));
    let split = split.map(|(http, server)| Conf { http: http.to_owned(), ..in_server(server) });
    let mut readings = vec![
        Conf { file: Some(text.clone()), ..conf() },
        Conf { file: Some(format!("events {{}}\n{text}")), ..conf() },
        in_http(&text),
        in_server(&text),
        in_location("push_stream_subscriber; push_stream_channels_path x;"),
        in_location("push_stream_publisher; push_stream_channels_path x;"),
        in_location("proxy_pass http://127.0.0.1:9;"),
    ];
    readings.extend(split);
    readings
}

// ---- words ----

/// What a heading is called in links, as web pages of repositories make it.
fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text: String = heading.trim().to_lowercase().chars().filter(kept).collect();
    text.replace(' ', "-")
}

fn anchors(text: &str) -> BTreeSet<String> {
    let prose = without_fences(text);
    let heading = |line: &str| line.starts_with('#').then(|| anchor(line.trim_start_matches('#')));
    prose.lines().filter_map(heading).collect()
}

fn without_fences(text: &str) -> String {
    let mut inside = false;
    let mut prose = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

fn links_lead_somewhere(root: &Path) -> Outcome<()> {
    let link = regex(r"\]\(([^)\s#]*)(?:#([^)\s]*))?\)")?;
    let mut problems = Vec::new();
    for page in pages(root) {
        let folder = root.join(&page.name).parent().unwrap_or(root).to_path_buf();
        for found in link.captures_iter(&without_fences(&page.text)) {
            let target = found.get(1).map_or("", |target| target.as_str());
            if target.contains("://") {
                continue;
            }
            let path = match target {
                "" => root.join(&page.name),
                target => folder.join(target),
            };
            let place = found.get(2).map(|place| place.as_str());
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if !path.exists() || place.is_some_and(|place| !anchors(&text).contains(place)) {
                problems.push(format!("{}: {}", page.name, &found[0]));
            }
        }
    }
    verdict(problems)
}

fn log_lines_are_explained(root: &Path) -> Outcome<()> {
    let explained = std::fs::read_to_string(root.join("docs/operations.md"))
        .map_err(|error| format!("docs/operations.md: {error}"))?;
    let line = regex(r#"(?s)\b(?:alert|error|warn|notice)!\([^"]*?"((?:[^"\\]|\\.)*)""#)?;
    let hole = regex(r"\{[^}]*\}")?;
    let broken = regex(r"\\\n\s*")?;
    let mut problems = Vec::new();
    let mut count = 0;
    for (name, text) in sources(root).into_iter().filter(|(name, _)| name.starts_with("src/")) {
        for found in line.captures_iter(&code(&text)).filter_map(|captures| captures.get(1)) {
            let text = broken.replace_all(found.as_str(), "").replace("\\\"", "\"");
            let text = text.trim_start_matches("push stream module: ");
            // What stands between the values; a line of nothing but a value says what it means itself.
            let longest = hole.split(text).map(str::trim).max_by_key(|part| part.len());
            let longest = longest.filter(|part| part.len() > 4).unwrap_or_default();
            count += 1;
            if !explained.contains(longest) {
                problems.push(format!("{name}: {text}"));
            }
        }
    }
    if count < 20 {
        problems.push(format!("found only {count} lines"));
    }
    verdict(problems)
}
