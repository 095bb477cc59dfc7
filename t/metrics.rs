//! What Prometheus and Grafana are given: checked by promtool, and name by name against what the module exports.
//!
//! Without promtool (`tools/promtool.sh` fetches it) its checks are skipped, and say so.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};
use regex_lite::Regex;
use serde_json::Value;

use crate::runner::client::Client;
use crate::runner::{Conf, Nginx, Outcome, STANDARD, Setup};

type Test = fn(&Setup) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    let tests: [(&str, Test); 5] = [
        ("promtool accepts what is exported", exported_is_accepted),
        ("promtool accepts scrape configuration and alert rules", configuration_is_accepted),
        ("the dashboard shows what is exported", dashboard_is_up_to_date),
        ("alert rules ask for what is exported", rules_are_up_to_date),
        ("docs/metrics.md has every metric, and no other", metrics_are_documented),
    ];
    let trial = |(name, test): (&str, Test)| {
        let setup = setup.clone();
        Trial::test(format!("metrics: {name}"), move || test(&setup).map_err(Failed::from))
    };
    tests.into_iter().map(trial).collect()
}

/// The metrics of a server with a few messages and a subscriber.
fn exported(setup: &Setup) -> Outcome<String> {
    let location = "location /metrics { push_stream_channels_statistics prometheus; }";
    let conf = Conf { server: format!("{STANDARD}{location}"), workers: 2, ..Conf::default() };
    let nginx = Nginx::start(setup, &conf)?;
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut subscriber = Client::connect(nginx.port)?;
    subscriber.ask(b"GET /sub/x HTTP/1.1\r\nHost: x\r\n\r\n", false, false)?;
    let mut client = Client::connect(nginx.port)?;
    for _ in 0..3 {
        let publish = b"POST /pub?id=x HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nm";
        client.ask(publish, false, false)?;
        client.complete(deadline)?;
    }
    client.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", false, false)?;
    let response = client.complete(deadline)?;
    String::from_utf8(response.body.clone()).map_err(|error| error.to_string())
}

/// The names of the families.
fn families(text: &str) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next().map(str::to_owned))
        .collect()
}

/// Every name of a metric in a text, without what a histogram appends to its own.
fn named(text: &str) -> Outcome<BTreeSet<String>> {
    let name = Regex::new(r"\bpush_stream_[a-z_]+").map_err(|error| error.to_string())?;
    Ok(name
        .find_iter(text)
        .map(|found| {
            let name = found.as_str();
            let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            base.unwrap_or(name).to_owned()
        })
        .collect())
}

/// Where promtool is; looked for, and fetched if need be, once.
static PROMTOOL: OnceLock<Outcome<PathBuf>> = OnceLock::new();

fn find_promtool(setup: &Setup) -> Outcome<PathBuf> {
    let script = setup.root.join("tools/promtool.sh");
    let found = Command::new(&script).output().map_err(|e| format!("{}: {e}", script.display()))?;
    if !found.status.success() {
        return Err(String::from_utf8_lossy(&found.stderr).trim().to_owned());
    }
    Ok(String::from_utf8_lossy(&found.stdout).trim().into())
}

/// Runs promtool; anything it complains of is an error.
fn check(setup: &Setup, arguments: &[&str], input: &str) -> Outcome<()> {
    let promtool = match PROMTOOL.get_or_init(|| find_promtool(setup)) {
        Ok(promtool) => promtool,
        Err(reason) => {
            eprintln!("SKIPPED: promtool {}: {reason}", arguments.join(" "));
            return Ok(());
        }
    };
    let mut child = Command::new(promtool)
        .args(arguments)
        .current_dir(setup.root.join("contrib"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("promtool: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).map_err(|error| error.to_string())?;
    }
    let done = child.wait_with_output().map_err(|error| error.to_string())?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if done.status.success() {
        return Ok(());
    }
    Err(format!("promtool {}: {} {}", arguments.join(" "), said(&done.stdout), said(&done.stderr)))
}

fn read(setup: &Setup, name: &str) -> Outcome<String> {
    std::fs::read_to_string(setup.root.join(name)).map_err(|error| format!("{name}: {error}"))
}

fn exported_is_accepted(setup: &Setup) -> Outcome<()> {
    check(setup, &["check", "metrics"], &exported(setup)?)
}

fn configuration_is_accepted(setup: &Setup) -> Outcome<()> {
    check(setup, &["check", "rules", "prometheus-alerts.yml"], "")?;
    check(setup, &["check", "config", "prometheus.yml"], "")
}

/// All that is named in a file must be exported.
fn is_exported(setup: &Setup, file: &str, text: &str) -> Outcome<()> {
    let exported = families(&exported(setup)?);
    let asked = named(text)?;
    if asked.is_empty() {
        return Err(format!("{file} names no metric"));
    }
    let unknown: Vec<_> = asked.difference(&exported).cloned().collect();
    if unknown.is_empty() { Ok(()) } else { Err(format!("{file}: {}", unknown.join(", "))) }
}

fn dashboard_is_up_to_date(setup: &Setup) -> Outcome<()> {
    let name = "contrib/grafana-dashboard.json";
    let dashboard: Value =
        serde_json::from_str(&read(setup, name)?).map_err(|error| format!("{name}: {error}"))?;
    let mut expressions = Vec::new();
    for panel in dashboard["panels"].as_array().ok_or("no panels")? {
        if panel["type"] == "row" {
            continue;
        }
        let title = panel["title"].as_str().ok_or("a panel without title")?;
        let targets = panel["targets"].as_array().ok_or(format!("{title}: no targets"))?;
        for target in targets {
            let expression = target["expr"].as_str().ok_or(format!("{title}: no expr"))?;
            expressions.push(expression.to_owned());
        }
    }
    is_exported(setup, name, &expressions.join("\n"))?;
    // promtool parses expressions only inside of rules.
    let rules: Vec<Value> = expressions
        .iter()
        .enumerate()
        .map(|(index, expression)| {
            let expression = expression.replace("$__rate_interval", "5m").replace("$__range", "1h");
            serde_json::json!({ "record": format!("panel_{index}"), "expr": expression })
        })
        .collect();
    let rules = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    std::fs::write(file.path(), rules.to_string()).map_err(|error| error.to_string())?;
    check(setup, &["check", "rules", &file.path().to_string_lossy()], "")
}

fn rules_are_up_to_date(setup: &Setup) -> Outcome<()> {
    let name = "contrib/prometheus-alerts.yml";
    let rules = read(setup, name)?;
    // Descriptions speak of directives, too.
    let expressions: Vec<&str> =
        rules.lines().filter(|line| line.trim_start().starts_with("expr:")).collect();
    is_exported(setup, name, &expressions.join("\n"))
}

fn metrics_are_documented(setup: &Setup) -> Outcome<()> {
    let page = read(setup, "docs/metrics.md")?;
    // The tables: a row begins with the name.
    let first: String = page
        .lines()
        .filter(|line| line.starts_with("| `push_stream_"))
        .filter_map(|line| line.split('|').nth(1))
        .collect();
    let (documented, exported) = (named(&first)?, families(&exported(setup)?));
    let missing: Vec<_> = exported.symmetric_difference(&documented).cloned().collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("not in both: {}", missing.join(", "))) }
}
