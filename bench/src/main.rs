//! psbench measures HTTP publish/subscribe servers side by side on loopback: README.md tells how
//! to use it and how to read its numbers.
mod engine;
mod feed;
mod floor;
mod hist;
mod instr;
mod machine;
mod page;
mod proc;
mod report;
mod scenario;
mod server;
mod strace;
mod suite;
mod sys;

use std::collections::BTreeMap;
use std::path::Path;

/// Parameters by name: of the command line, of a line of a suite, of a server.
pub type Params = BTreeMap<String, String>;

const USAGE: &str = "usage:
  psbench compare SCENARIO [--servers A,B] [--add C] [--repeat R] [--ref A,B] [--KEY VALUE ...]
  psbench suite FILE.suite[,FILE.suite] [--servers A,B] [--repeat R] [--only SCENARIO|SUITE,..] [--page TEMPLATE --page-out FILE.md]
  psbench floor --port P [--mode send|batch|writev|uring] [--keep N] [--sndbuf B] [--nodelay off]
  psbench list
scenarios: fanout channels pubonly longpoll memory history slow churn ping idle held locks instr syscalls
--out FILE.json keeps all figures; --set.KEY VALUE and --set.SERVER.KEY VALUE set a parameter of a server
";

/// Splits arguments into words and `--key value` or `--key=value`.
pub fn arguments(words: &[String]) -> Result<(Vec<String>, Params), String> {
    let (mut rest, mut params) = (vec![], Params::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let Some(key) = word.strip_prefix("--") else {
            rest.push(word.clone());
            continue;
        };
        let (key, value) = match key.split_once('=') {
            Some((key, value)) => (key, value.to_string()),
            None => (key, words.next().ok_or(format!("--{key} needs a value"))?.clone()),
        };
        params.insert(key.to_string(), value);
    }
    Ok((rest, params))
}

/// The folder of the rig, with `servers/` and `templates/`.
pub fn folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn main() {
    sys::raise_nofile(200_000);
    let words: Vec<String> = std::env::args().skip(1).collect();
    let code = command(&words).unwrap_or_else(|error| {
        eprintln!("psbench: {error}");
        2
    });
    std::process::exit(code);
}

fn command(words: &[String]) -> Result<i32, String> {
    let (rest, params) = arguments(words)?;
    let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
    match rest[..] {
        ["floor"] => return floor::run(&params),
        ["list"] => list()?,
        ["compare", scenario] => {
            println!("{}\n", machine::line());
            let done = suite::compare(scenario, &params)?;
            suite::save(&[done], &params)?;
        }
        ["suite", file] => suite::run(file, &params)?,
        _ => {
            eprint!("{USAGE}");
            return Ok(2);
        }
    }
    Ok(0)
}

fn list() -> Result<(), String> {
    let entries = std::fs::read_dir(folder().join("servers")).map_err(|e| e.to_string())?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.strip_suffix(".server").map(String::from))
        .collect();
    names.sort();
    for name in names {
        let def = server::Def::load(folder(), &name, &Params::new())?;
        println!("{name:<14} {}", def.get("label").unwrap_or_default());
    }
    Ok(())
}
