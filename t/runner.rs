//! The runner of `t/*.t`: finds the blocks, gives each its own nginx, runs its script, and looks
//! at the error log afterwards. The format of the files is described in `t/README.md`.
//!
//! `block` reads files, `nginx` owns processes, `client` owns connections, `websocket` knows frames,
//! `steps` joins them.

pub(crate) mod block;
pub(crate) mod client;
pub(crate) mod nginx;
pub(crate) mod steps;
pub(crate) mod text;
pub(crate) mod websocket;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use regex_lite::Regex;

use block::{Block, Section};
pub(crate) use nginx::{Conf, Nginx, Setup};
use steps::World;

/// Ordinary tests share the machine; one that measures or floods it takes it for itself.
pub(crate) static MACHINE: RwLock<()> = RwLock::new(());

/// Whether nginx and the module are built with AddressSanitizer: slower, larger, and without nginx's pools.
pub(crate) fn is_sanitized() -> bool {
    std::env::var("BUILD").is_ok_and(|build| build == "sanitize")
}

/// A failure is a sentence for the report.
pub(crate) type Outcome<T> = Result<T, String>;

/// The locations a block gets when it has no `config` of its own.
pub(crate) const STANDARD: &str = r"
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; }
location /pub {
    push_stream_publisher admin;
    push_stream_channels_path $arg_id;
    push_stream_store_messages on;
    client_max_body_size 64m;
}
location ~ ^/sub/(.*)$ { push_stream_subscriber; push_stream_channels_path $1; }
location ~ ^/lp/(.*)$ { push_stream_subscriber long-polling; push_stream_channels_path $1; }
location ~ ^/poll/(.*)$ { push_stream_subscriber polling; push_stream_channels_path $1; }
";

/// Where the rows of `--- nginx_t` put their directives when the block shows no configuration.
const SLOTS_HTTP: &str = "{http}";
const SLOTS_SERVER: &str = r"
{server}
location /stats { push_stream_channels_statistics; push_stream_channels_path $arg_id; {statistics} }
location /pub { push_stream_publisher admin; push_stream_channels_path $arg_id; {publisher} }
location /sub { push_stream_subscriber; push_stream_channels_path $arg_id; {subscriber} }
location /plain { {location} if ($arg_x) { {if} } }
";

/// One trial for every block of every `t/*.t`.
pub(crate) fn trials(setup: &Setup) -> Outcome<Vec<Trial>> {
    let directory = setup.root.join("t");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .map_err(|error| format!("{}: {error}", directory.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "t"))
        .collect();
    files.sort();
    let mut trials = Vec::new();
    for file in files {
        for block in block::read(&file)? {
            let (setup, name) = (setup.clone(), block.name.clone());
            let file = block.text("conf_file").map(|file| replaced(&setup, file.trim(), ""));
            let missing = file.and_then(|text| nginx::missing_module(&setup, &text.ok()?));
            if let Some(reason) = &missing {
                eprintln!("t: SKIPPED {name}: {reason}");
            }
            let pending = missing.is_some() || block.section("pending").is_some();
            let trial = Trial::test(name, move || judged(&setup, &block));
            trials.push(trial.with_ignored_flag(pending));
        }
    }
    Ok(trials)
}

/// Runs a block; one with `--- fails: text` must fail, and say so.
fn judged(setup: &Setup, block: &Block) -> Result<(), Failed> {
    let _shared = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
    match (run(setup, block), block.text("fails")) {
        (Ok(()), None) => Ok(()),
        (Err(reason), None) => Err(reason.into()),
        (Ok(()), Some(text)) => Err(format!("should have failed with: {text}").into()),
        (Err(reason), Some(text)) if reason.contains(text.trim()) => Ok(()),
        (Err(reason), Some(text)) => Err(format!("failed, but not with {text}: {reason}").into()),
    }
}

fn run(setup: &Setup, block: &Block) -> Outcome<()> {
    for section in block.sections.iter().filter(|section| section.key == "nginx_t") {
        run_nginx_t(setup, block, section)?;
    }
    let scripts: Vec<&Section> =
        block.sections.iter().filter(|s| matches!(s.key.as_str(), "steps" | "table")).collect();
    if scripts.is_empty() {
        return Ok(());
    }
    let conf = configuration(setup, block)?;
    let total = block.text("timeout").map_or(Ok(Duration::from_secs(40)), text::duration)?;
    let nginx = Nginx::start(setup, &conf)?;
    let changed = changed_configuration(block, &conf);
    let mut world = World::new(nginx, changed, Instant::now() + total);
    // A panic must not skip the look at the log, which tells most.
    let ran =
        catch_unwind(AssertUnwindSafe(|| scripts.iter().try_for_each(|script| world.run(script))))
            .unwrap_or_else(|_| Err("the runner panicked".into()));
    let left = finish(world, block);
    match (ran, left) {
        (Ok(()), Ok(())) => Ok(()),
        (Err(reason), Ok(())) => Err(reason),
        (Ok(()), Err(reason)) => Err(reason),
        (Err(first), Err(second)) => Err(format!("{first}\n{second}")),
    }
}

/// Quits nginx with the subscribers still connected, then judges exit and log.
fn finish(world: World, block: &Block) -> Outcome<()> {
    let World { mut nginx, clients, .. } = world;
    let waiting: Vec<_> = clients.into_values().filter(client::Client::is_waiting).collect();
    let mut problems = Vec::new();
    if !nginx.has_exited() {
        nginx.signal(rustix::process::Signal::QUIT)?;
        if nginx.wait_exit(Instant::now() + Duration::from_secs(1)).is_err() {
            drop(waiting);
            if let Err(reason) = nginx.wait_exit(Instant::now() + Duration::from_secs(5)) {
                problems.push(format!("after QUIT: {reason}"));
            }
        }
    }
    let allowed: Vec<Regex> = block
        .all("allow_error_log")
        .flat_map(str::lines)
        .map(|line| Regex::new(line.trim()).map_err(|error| error.to_string()))
        .collect::<Outcome<_>>()?;
    problems.extend(nginx.complaints(&allowed).into_iter().map(|line| format!("log: {line}")));
    let log = nginx.log();
    for text in block.all("error_log").flat_map(str::lines).map(str::trim) {
        if !log.contains(text) {
            problems.push(format!("not in the error log: {text}"));
        }
    }
    for text in block.all("no_error_log").flat_map(str::lines).map(str::trim) {
        if log.contains(text) {
            problems.push(format!("in the error log: {text}"));
        }
    }
    if problems.is_empty() {
        return Ok(());
    }
    if std::env::var_os("KEEP").is_some() {
        problems.extend(nginx.keep().map(|path| format!("kept {}", path.display())));
    }
    Err(problems.join("\n"))
}

fn configuration(setup: &Setup, block: &Block) -> Outcome<Conf> {
    let text = |key: &str| block.text(key).unwrap_or_default().to_owned();
    let standard = if block.section("no_module").is_some() { "" } else { STANDARD };
    let server = block.text("config").unwrap_or(standard).to_owned() + &text("extra_config");
    let file = match block.text("conf_file") {
        Some(name) => Some(replaced(setup, name.trim(), &text("replace"))?),
        None => None,
    };
    let workers = block.text("workers").map_or(Ok(1), |count| count.trim().parse());
    Ok(Conf {
        main: text("main_config"),
        events: text("events"),
        http: text("http_config"),
        server,
        listen: text("listen"),
        workers: workers.map_err(|_| "workers: not a number")?,
        no_module: block.section("no_module").is_some(),
        no_zone: block.section("no_zone").is_some(),
        file,
    })
}

/// What `! reload changed` switches to.
fn changed_configuration(block: &Block, conf: &Conf) -> Conf {
    let mut changed = conf.clone();
    if let Some(http) = block.text("reload_http_config") {
        http.clone_into(&mut changed.http);
    }
    if let Some(server) = block.text("reload_config") {
        server.clone_into(&mut changed.server);
    }
    changed
}

/// A file of the tree with the replacements (`old => new`) of the block; each must be found.
fn replaced(setup: &Setup, name: &str, replacements: &str) -> Outcome<String> {
    let path = setup.root.join(name);
    let mut text =
        std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    for line in replacements.lines().filter(|line| !line.trim().is_empty()) {
        let (old, new) = line.split_once(" => ").ok_or_else(|| format!("no => in: {line}"))?;
        if !text.contains(old.trim()) {
            return Err(format!("{name} has no {old}"));
        }
        text = text.replace(old.trim(), new.trim());
    }
    Ok(text)
}

/// Rows `slot | directives -> ok [text]` or `-> fails text`, each its own `nginx -t`.
fn run_nginx_t(setup: &Setup, block: &Block, section: &Section) -> Outcome<()> {
    let http = block.text("http_config").unwrap_or(SLOTS_HTTP);
    let server = block.text("config").unwrap_or(SLOTS_SERVER);
    let mut problems = Vec::new();
    for (index, row) in section.body.lines().enumerate() {
        let row = row.trim();
        if row.is_empty() || row.starts_with('#') {
            continue;
        }
        let line = section.line + index;
        let parsed = row.rsplit_once(" -> ").and_then(|(left, right)| {
            left.split_once('|').map(|(slot, directives)| (slot.trim(), directives, right.trim()))
        });
        let (slots, directives, expected) =
            parsed.ok_or_else(|| format!("line {line}: not a row: {row}"))?;
        let mut conf = Conf {
            http: http.to_owned(),
            server: server.to_owned(),
            workers: 1,
            no_module: block.section("no_module").is_some(),
            no_zone: block.section("no_zone").is_some(),
            main: block.text("main_config").unwrap_or_default().to_owned(),
            ..Conf::default()
        };
        for (slot, directives) in slots.split(',').zip(directives.split(" || ")) {
            let marker = format!("{{{}}}", slot.trim());
            if slot.trim() == "main" {
                conf.main.push_str(directives);
            } else if !conf.http.contains(&marker) && !conf.server.contains(&marker) {
                return Err(format!("line {line}: no slot {marker}"));
            }
            conf.http = conf.http.replace(&marker, directives);
            conf.server = conf.server.replace(&marker, directives);
        }
        let empty = Regex::new(r"\{[a-z]+\}").map_err(|error| error.to_string())?;
        conf.http = empty.replace_all(&conf.http, "").into_owned();
        conf.server = empty.replace_all(&conf.server, "").into_owned();
        let tested = nginx::test_configuration(setup, &conf, &[("header.html", "<html>\n")])?;
        let (ok, text) = match expected.split_once(' ') {
            Some(("fails", text)) => (false, text),
            Some(("ok", text)) => (true, text),
            None if expected == "ok" => (true, ""),
            _ => return Err(format!("line {line}: expected ok or fails: {row}")),
        };
        if tested.ok != ok || !tested.output.contains(text.trim()) {
            problems.push(format!("line {line}: {row}\n    nginx -t: {}", tested.output.trim()));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// `nginx -t` on a whole file of the tree, for the tests of `nginx-conf/`.
pub(crate) fn nginx_accepts(setup: &Setup, name: &str) -> Outcome<()> {
    let file = replaced(setup, name, "")?;
    if let Some(reason) = nginx::missing_module(setup, &file) {
        eprintln!("t: SKIPPED nginx -t of {name}: {reason}");
        return Ok(());
    }
    let conf = Conf { file: Some(file), workers: 1, ..Conf::default() };
    let tested = nginx::test_configuration(setup, &conf, &[])?;
    if tested.ok { Ok(()) } else { Err(format!("{name}: {}", tested.output)) }
}
