//! Runs scenarios on several servers in turn, and files with many such lines.
use crate::report::{self, Row};
use crate::scenario::{self, Ctx};
use crate::server::Def;
use crate::{Params, arguments, engine::Proto, folder, machine, page};
use std::path::Path;

/// What says how to compare, not what is measured.
const HOW: [&str; 14] = [
    "servers", "add", "repeat", "ref", "out", "title", "show", "only", "page", "page-out", "lab",
    "axis", "at", "needs",
];

/// A scenario measured on some servers.
pub struct Comparison {
    pub scenario: String,
    pub title: String,
    /// The metrics that count.
    pub show: Vec<String>,
    /// The servers to compare with.
    pub refs: Vec<String>,
    pub params: Params,
    pub rows: Vec<Row>,
}

impl Comparison {
    /// What a line of a scaling table varies, and its value there.
    pub fn step(&self) -> Option<(&str, &str)> {
        Some((self.params.get("axis")?, self.params.get("at")?))
    }
}

fn words(params: &Params, key: &str, default: &str) -> Vec<String> {
    let text = params.get(key).map_or(default, String::as_str);
    text.split(',').filter(|word| !word.is_empty()).map(String::from).collect()
}

/// Parameters that say what is measured, as they stand on a command line.
fn command_line(params: &Params) -> String {
    let own = params.iter().filter(|(k, _)| {
        !HOW.contains(&k.as_str()) && !k.starts_with("set.") && !k.starts_with("page.")
    });
    let quoted = |(k, v): (&String, &String)| match v.contains(' ') {
        true => format!("--{k} \"{v}\""),
        false => format!("--{k} {v}"),
    };
    own.map(quoted).collect::<Vec<_>>().join(" ")
}

/// Whether a server can do what is measured.
fn takes_part(def: &Def, scenario: &str, params: &Params) -> bool {
    let proto = params.get("proto").and_then(|name| Proto::parse(name));
    let proto = if scenario == "longpoll" { Some(Proto::Lp) } else { proto };
    let one = params.get("workers").is_none_or(|workers| workers == "1");
    let pings = scenario != "ping" || def.get("ping.conf").is_some();
    let needs = params.get("needs").is_none_or(|directive| knows(def, directive));
    pings
        && needs
        && proto.is_none_or(|proto| def.supports(proto))
        && (one || def.get("workers") != Some("one"))
}

/// Whether a server's module has this directive. Of a module that is not there nobody knows.
fn knows(def: &Def, directive: &str) -> bool {
    let Some(Ok(module)) = def.get("module").map(std::fs::read) else { return true };
    memchr::memmem::find(&module, format!("{directive}\0").as_bytes()).is_some()
}

/// Runs one scenario on all servers, interleaved A B A B, and prints the table.
pub fn compare(scenario: &str, params: &Params) -> Result<Comparison, String> {
    let mut names = words(params, "servers", "floor,nchan,push-stream");
    names.extend(words(params, "add", ""));
    let repeat: usize = params.get("repeat").and_then(|s| s.parse().ok()).unwrap_or(3);
    let refs = words(params, "ref", "floor,nchan");
    let mut rows = vec![];
    for name in &names {
        let def = Def::load(folder(), name, params)?;
        if takes_part(&def, scenario, params) {
            rows.push((def, Row { server: name.clone(), ..Row::default() }));
        }
    }
    let ctx = Ctx { bench: folder().to_path_buf(), p: params.clone() };
    let show = match params.get("show") {
        Some(_) => words(params, "show", ""),
        None => scenario::primary(scenario).iter().map(|key| key.to_string()).collect(),
    };
    for turn in 1..=repeat {
        for (def, row) in &mut rows {
            let label = format!("[{scenario} {turn}/{repeat}] {}", def.name);
            // once more: a busy machine may miss a deadline
            let result = scenario::run(&ctx, scenario, def).or_else(|error| {
                eprintln!("{label}: {error}; once more");
                scenario::run(&ctx, scenario, def)
            });
            match result {
                Ok(outcome) => {
                    let value = |key: &String| Some(format!("{key}={:.2}", outcome.get(key)?));
                    let values: Vec<String> = show.iter().filter_map(value).collect();
                    eprintln!("{label}: {}", values.join(" "));
                    row.reps.push(outcome);
                }
                Err(error) => {
                    eprintln!("{label}: ERROR {error}");
                    row.errors.push(error);
                }
            }
        }
    }
    let rows: Vec<Row> = rows.into_iter().map(|(_, row)| row).collect();
    let what = format!("{scenario} {}", command_line(params));
    let title = match (params.get("title"), params.get("axis"), params.get("at")) {
        (Some(title), ..) => title.clone(),
        (None, Some(axis), Some(at)) => format!("{at} {axis}"),
        _ => what.clone(),
    };
    let done = Comparison {
        scenario: scenario.to_string(),
        title,
        show,
        refs,
        params: params.clone(),
        rows,
    };
    if repeat > 0 && !done.rows.is_empty() {
        println!("## {}\n`{what}`, median of {repeat}\n{}", done.title, report::table(&done));
    }
    Ok(done)
}

fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// The words of a line; in double quotes they may hold blanks.
fn words_of(line: &str) -> Vec<String> {
    let mut words = vec![];
    for (i, part) in line.split('"').enumerate() {
        match i % 2 {
            1 => words.push(part.to_string()),
            _ => words.extend(part.split_whitespace().map(String::from)),
        }
    }
    words
}

/// Whether a line is wanted: by its scenario's name or by that of its file, without `.suite`.
fn wanted(scenario: &str, file: &str, params: &Params) -> bool {
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    let only = words(params, "only", "");
    !params.contains_key("only") || only.iter().any(|name| name == scenario || name == stem)
}

/// Runs the lines of files, `SCENARIO --key value ...`; a comma is between their names.
pub fn run(files: &str, params: &Params) -> Result<(), String> {
    println!("{}\n", machine::line());
    let watch = machine::Watch::start();
    let (mut done, mut texts) = (vec![], vec![]);
    for file in files.split(',') {
        let text = std::fs::read_to_string(file).map_err(|e| format!("{file}: {e}"))?;
        done.extend(run_lines(&text, file, params)?);
        texts.push(text);
    }
    save(&done, params)?;
    if let (Some(template), Some(out)) = (params.get("page"), params.get("page-out")) {
        page::write(template, out, &done, &texts.join("\n"), params, &watch)?;
    }
    Ok(())
}

fn run_lines(text: &str, file: &str, params: &Params) -> Result<Vec<Comparison>, String> {
    let mut done = vec![];
    for line in lines(text) {
        let (rest, mut own) = arguments(&words_of(line))?;
        let scenario = rest.first().ok_or(format!("{file}: no scenario: {line}"))?;
        if !wanted(scenario, file, params) {
            continue;
        }
        for (key, value) in params {
            // what a line says about its servers and repeats stands, unless nothing is to run
            let stands = matches!(key.as_str(), "servers" | "repeat") && value != "0";
            if !(stands && own.contains_key(key)) {
                own.insert(key.clone(), value.clone());
            }
        }
        done.push(compare(scenario, &own).map_err(|error| format!("{line}: {error}"))?);
    }
    Ok(done)
}

/// Keeps all figures, one line of JSON for each scenario, where `--out` says.
pub fn save(done: &[Comparison], params: &Params) -> Result<(), String> {
    let Some(out) = params.get("out") else { return Ok(()) };
    let text: String = done.iter().map(|done| format!("{}\n", report::json(done))).collect();
    std::fs::write(out, text).map_err(|e| format!("{out}: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The comparisons of a file without running them.
    fn planned(file: &str) -> Vec<Comparison> {
        let text = std::fs::read_to_string(folder().join(file)).unwrap();
        let plan = |line| {
            let (rest, mut params) = arguments(&words_of(line)).unwrap();
            params.insert("repeat".into(), "0".into());
            compare(&rest[0], &params).unwrap()
        };
        lines(&text).map(plan).collect()
    }

    #[test]
    fn every_line_of_the_suites_names_servers_that_exist_and_metrics_to_show() {
        let suites = ["short.suite", "scaling.suite", "full.suite"];
        for done in suites.into_iter().flat_map(planned) {
            assert!(!done.show.is_empty(), "{}", done.title);
            assert!(done.rows.iter().any(|row| row.server == "push-stream"), "{}", done.title);
            // a line may leave servers out: then the columns of ratios to them stay empty
            let whole = !["workers", "servers"].iter().any(|key| done.params.contains_key(*key));
            for server in done.refs.iter().filter(|_| whole && done.scenario != "ping") {
                let there = done.rows.iter().any(|row| row.server == *server);
                assert!(there, "{}: {server}", done.title);
            }
        }
    }

    #[test]
    fn each_table_of_the_page_has_its_lines_in_the_suite_of_scaling() {
        let done = planned("scaling.suite");
        let page = std::fs::read_to_string(folder().join("page.md")).unwrap();
        let mut axes: Vec<&str> = done.iter().map(|done| done.step().expect("a step").0).collect();
        axes.dedup();
        for axis in &axes {
            assert!(page.contains(&format!("\n@{{axis.{axis}}}\n")), "{axis}");
            let table = page::axis(&done, axis);
            let cells: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            let steps = done.iter().filter_map(Comparison::step).filter(|step| step.0 == *axis);
            let steps: std::collections::BTreeSet<&str> = steps.map(|step| step.1).collect();
            assert_eq!(cells.len(), 2 + steps.len(), "{table}");
            assert!(cells.iter().all(|&n| n == cells[0]), "{table}");
        }
        assert_eq!(page.matches("@{axis.").count(), axes.len());
        assert!(page::axis(&planned("short.suite"), axes[0]).contains("Not in this run"));
    }

    #[test]
    fn lines_are_chosen_by_scenario_or_suite() {
        let only = |names: &str| Params::from([("only".into(), names.into())]);
        for (only, there) in [
            (Params::new(), true),
            (only("idle,fanout"), true),
            (only("scaling"), true),
            (only("idle,short"), false),
            (only("scal"), false),
        ] {
            assert_eq!(wanted("fanout", "bench/scaling.suite", &only), there, "{only:?}");
        }
    }

    #[test]
    fn a_line_may_need_a_directive() {
        let module = std::env::temp_dir().join(format!("psbench-{}.so", std::process::id()));
        std::fs::write(&module, b"\x7fELF\0push_stream_some\0push_stream_other_thing\0").unwrap();
        let path = module.display().to_string();
        let def = |path: &str| {
            let over = Params::from([("set.push-stream.module".into(), path.into())]);
            Def::load(folder(), "push-stream", &over).unwrap()
        };
        assert!(knows(&def(&path), "push_stream_some"));
        assert!(!knows(&def(&path), "push_stream_other"));
        std::fs::remove_file(&module).unwrap();
        assert!(knows(&def(&path), "push_stream_other"));
    }

    #[test]
    fn the_pool_settings_are_those_of_the_documentation() {
        let text = std::fs::read_to_string(folder().join("../docs/sizing.md")).unwrap();
        let documented = text.lines().filter(|line| line.starts_with("request_pool_size "));
        let documented: Vec<&str> =
            documented.map(|line| line.split('#').next().unwrap().trim()).collect();
        let used: Vec<String> = planned("short.suite")
            .iter()
            .filter_map(|done| {
                done.params.get("http_extra").filter(|text| text.contains("pool")).cloned()
            })
            .collect();
        assert!(!used.is_empty() && !documented.is_empty());
        assert!(
            used.iter().all(|used| documented.iter().any(|line| used.contains(line)))
                && documented.iter().all(|line| used.iter().any(|used| used.contains(line))),
            "{used:?} {documented:?}"
        );
    }

    #[test]
    fn the_page_has_a_full_row_for_each_metric() {
        let done = planned("short.suite");
        let table = page::table(&done);
        let cells: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
        assert_eq!(cells.len(), 2 + done.iter().map(|done| done.show.len()).sum::<usize>());
        assert!(cells.iter().all(|&n| n == cells[0]), "{table}");
    }
}
