//! The page with the results of a suite, from a template: docs/benchmark.md is made by it.
mod axis;

use crate::report::{Row, num};
use crate::suite::Comparison;
use crate::{Params, machine, server, sys};
use std::collections::BTreeSet;
use std::fmt::Write;

pub use axis::axis;

/// The server that the page is about.
const SUBJECT: &str = "push-stream";

/// Figures are not to be trusted when others take more of the machine than this.
const QUIET: f64 = 0.05;

/// Fills the template's `@{name}` and writes the page.
pub fn write(
    template: &str,
    out: &str,
    done: &[Comparison],
    suite: &str,
    params: &Params,
    watch: &machine::Watch,
) -> Result<(), String> {
    let text = std::fs::read_to_string(template).map_err(|e| format!("{template}: {e}"))?;
    let measured = done.iter().flat_map(|done| &done.rows).any(|row| !row.reps.is_empty());
    let mut values = Params::new();
    for (key, value) in params {
        if let Some(key) = key.strip_prefix("page.") {
            values.insert(key.to_string(), value.clone());
        }
    }
    values.insert("table".into(), table(done).trim_end().into());
    for name in text.split("@{axis.").skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)) {
        values.insert(format!("axis.{name}"), axis(done, name).trim_end().into());
    }
    values.insert("suite".into(), suite.trim_end().into());
    let (where_, checks, missing) = match measured {
        true => (place(&values, watch), checks(done), missing(done)),
        false => {
            let none = "**Not measured yet.** The table is empty until `make bench` has run.";
            (none.into(), "Nothing was measured yet.".into(), String::new())
        }
    };
    values.insert("where".into(), where_.trim_end().into());
    values.insert("checks".into(), checks.trim_end().into());
    values.insert("missing".into(), missing);
    std::fs::write(out, server::expand(&text, &values)).map_err(|e| format!("{out}: {e}"))
}

/// Where, when and with what it was measured.
fn place(values: &Params, watch: &machine::Watch) -> String {
    let value = |key: &str| values.get(key).cloned().unwrap_or_default();
    let others = watch.taken_by_others();
    let lines = [
        ("date", machine::first_line("date", &["-u", "+%Y-%m-%d %H:%M UTC"])),
        ("command", format!("`{}`", value("command"))),
        ("took", format!("{:.1} minutes", watch.elapsed().as_secs_f64() / 60.0)),
        ("machine", format!("{} CPUs ({})", sys::cpus(), machine::cpu_model())),
        ("memory", format!("{:.1} GiB", machine::memory())),
        ("kernel", machine::first_line("uname", &["-sr"])),
        ("nginx", machine::nginx()),
        ("this module", value("module")),
        ("nchan", value("nchan")),
        ("floor", format!("built into the rig, {}", value("rust"))),
        ("taken by other programs", format!("{:.0} % of the CPUs during the run", others * 100.0)),
    ];
    let mut out = String::from("| | |\n|---|---|\n");
    for (key, value) in lines.iter().filter(|(_, value)| !value.is_empty()) {
        let _ = writeln!(out, "| {key} | {value} |");
    }
    if others > QUIET {
        let _ = write!(
            out,
            "\n**The machine was busy with other work: do not trust these figures.** Run it again \
             when nothing else runs.\n"
        );
    }
    out
}

/// The servers of these comparisons: the limits of the machine first.
fn columns<'a>(done: &[&'a Comparison]) -> Vec<&'a str> {
    let mut names: Vec<&str> = vec![];
    for row in done.iter().flat_map(|done| &done.rows) {
        if !names.contains(&row.server.as_str()) {
            names.push(&row.server);
        }
    }
    names.sort_by_key(|name| match *name {
        name if name.starts_with("floor") => 0,
        "nginx-min" => 1,
        SUBJECT => 3,
        _ => 2,
    });
    names
}

fn heading(server: &str) -> &str {
    if server == SUBJECT { "this module" } else { server }
}

fn cell(server: &str, value: Option<f64>) -> String {
    match value {
        Some(value) if server == SUBJECT => format!(" **{}** |", num(value)),
        Some(value) => format!(" {} |", num(value)),
        None => " |".into(),
    }
}

fn ratio(value: Option<f64>, base: Option<f64>) -> String {
    match (value, base) {
        (Some(value), Some(base)) if base > 1e-9 => format!(" {:.2} |", value / base),
        _ => " |".into(),
    }
}

/// One line for each metric that counts, but for the lines of scaling.
pub fn table(done: &[Comparison]) -> String {
    let done: Vec<&Comparison> =
        done.iter().filter(|done| done.step().is_none() && !done.rows.is_empty()).collect();
    if done.is_empty() {
        return "*Not in this run.*\n".into();
    }
    let columns = columns(&done);
    let mut out = String::from("| |");
    for name in &columns {
        let _ = write!(out, " {} |", heading(name));
    }
    let _ = writeln!(out, " / floor | / nchan |\n|---|{}", "---:|".repeat(columns.len() + 2));
    for comparison in done {
        let row = |name: &str| comparison.rows.iter().find(|row| row.server == name);
        for metric in &comparison.show {
            let value = |name: &str| row(name).and_then(|row| row.median(metric));
            let subject = value(SUBJECT);
            let _ = write!(out, "| {}: {} |", comparison.title, words(metric));
            for name in &columns {
                out += &cell(name, value(name));
            }
            for index in 0..2 {
                out += &ratio(subject, comparison.refs.get(index).and_then(|name| value(name)));
            }
            out.push('\n');
        }
    }
    out
}

/// What a metric is called in a sentence.
fn words(metric: &str) -> String {
    let known = match metric {
        "cpu_us_per_delivery" => "CPU µs a delivery",
        "cpu_us_per_publish" => "CPU µs a message published and delivered",
        "cpu_us_per_publish_stored" => "CPU µs a publish",
        "cpu_us_per_publish_delivered" => "CPU µs a publish and its delivery",
        "cpu_us_per_create" => "CPU µs to create a channel",
        "cpu_us_per_subscribe" => "CPU µs a subscriber that comes",
        "cpu_ns_per_kib" => "CPU ns a KiB delivered",
        "waits_per_1000_publishes" => "waits for the lock in 1,000 publishes",
        "cpu_us_per_request" => "CPU µs a publish",
        "cpu_us_per_message" => "CPU µs a message replayed",
        "idle_cpu_ms_per_s" => "idle CPU, ms a second",
        "per_delivery" => "a delivery",
        "per_delivery_lp" => "a long-poll cycle",
        "per_publish" => "a publish",
        "p50_us" => "median, µs",
        "p99_us" => "99th percentile, µs",
        "max_us" => "longest delay of a message, µs",
        "instr_per_delivery" => "a delivery, streaming",
        "instr_per_delivery_sse" => "a delivery, EventSource",
        "instr_per_delivery_ws" => "a delivery, WebSocket",
        "instr_per_publish" => "a publish with subscribers",
        "instr_pubonly_store" => "a publish, stored",
        "instr_per_poll" => "a long-poll cycle",
        "instr_per_subscribe" => "a subscriber",
        "instr_per_replayed" => "a message replayed",
        metric => return metric.replace('_', " "),
    };
    known.into()
}

/// Whether all arrived as it was sent.
fn checks(done: &[Comparison]) -> String {
    const COUNTS: [(&str, &str); 6] = [
        ("lost", "lost"),
        ("fast_lost", "lost by quick readers"),
        ("slow_lost", "not given to slow readers"),
        ("dup_ooo", "repeated or out of order"),
        ("corrupt", "damaged"),
        ("slow_corrupt", "damaged for slow readers"),
    ];
    let mut out = String::new();
    for (comparison, row) in rows(done) {
        for (key, what) in COUNTS {
            let counts = row.reps.iter().filter_map(|outcome| outcome.get(key));
            let worst = counts.fold(0.0, f64::max);
            if worst > 0.0 {
                let title = &comparison.title;
                let _ = writeln!(out, "- {}, {title}: {} messages {what}", row.server, num(worst));
            }
        }
    }
    match out.as_str() {
        "" => "No message was lost, repeated, out of order or damaged by any server.\n".into(),
        list => format!("The most in one run (everything else arrived once, in order):\n\n{list}"),
    }
}

/// What failed, and what servers complained of.
fn missing(done: &[Comparison]) -> String {
    let mut lines = BTreeSet::new();
    for (comparison, row) in rows(done) {
        let (name, title) = (&row.server, &comparison.title);
        for error in &row.errors {
            lines.insert(format!("- {name}, {title}: failed: {}\n", plain(error)));
        }
        for note in row.reps.iter().flat_map(|outcome| &outcome.notes) {
            // system calls by name are for the table on the terminal
            if comparison.scenario != "syscalls" {
                lines.insert(format!("- {name}, {title}: {}\n", plain(note)));
            }
        }
    }
    match lines.is_empty() {
        true => String::new(),
        false => format!("\nWhat went wrong in this run:\n\n{}", Vec::from_iter(lines).concat()),
    }
}

fn rows(done: &[Comparison]) -> impl Iterator<Item = (&Comparison, &Row)> {
    done.iter().flat_map(|comparison| comparison.rows.iter().map(move |row| (comparison, row)))
}

/// A line from a log, as plain text of a page.
fn plain(text: &str) -> String {
    format!("`{}`", text.replace(['`', '\n'], " "))
}
