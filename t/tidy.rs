//! House rules that no compiler or lint checks: who may use whom, where `unsafe` may stand, that
//! every module says what it is for, that every directive is documented and tested, and that every
//! file of `nginx-conf/` is a working configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use libtest_mimic::{Failed, Trial};
use regex_lite::Regex;

use crate::runner::{Outcome, Setup, nginx_accepts};

type Rule = fn(&Path) -> Outcome<()>;

pub(crate) fn trials(setup: &Setup) -> Vec<Trial> {
    let rules: [(&str, Rule); 6] = [
        ("every module says what it is for", modules_are_described),
        ("unsafe code stands where it may", unsafe_is_contained),
        ("layers use only what is below them", layers_point_down),
        ("no two service files use each other", service_has_no_cycles),
        ("every directive is documented", directives_are_documented),
        ("every directive is in a test", directives_are_tested),
    ];
    let rule = |(name, rule): (&str, Rule)| {
        let root = setup.root.clone();
        Trial::test(format!("tidy: {name}"), move || rule(&root).map_err(Failed::from))
    };
    let mut trials: Vec<Trial> = rules.into_iter().map(rule).collect();
    let configurations = files(&setup.root.join("nginx-conf"), "conf");
    trials.extend(configurations.into_iter().map(|path| {
        let (setup, name) = (setup.clone(), relative(&setup.root, &path));
        Trial::test(format!("tidy: nginx accepts {name}"), move || {
            nginx_accepts(&setup, &name).map_err(Failed::from)
        })
    }));
    trials
}

/// All files below a directory whose names end so, in order.
pub(crate) fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(directory) else { return found };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

pub(crate) fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

/// The sources of the three packages, by their path from the root.
pub(crate) fn sources(root: &Path) -> BTreeMap<String, String> {
    ["src", "crates/protocol/src", "crates/store/src"]
        .iter()
        .flat_map(|directory| files(&root.join(directory), "rs"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            (relative(root, &path), text)
        })
        .collect()
}

/// The code of a file without its comments and without its unit tests.
pub(crate) fn code(text: &str) -> String {
    let end = text.find("#[cfg(test)]").unwrap_or(text.len());
    let lines = text[..end].lines().map(|line| line.split("//").next().unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
}

pub(crate) fn verdict(problems: Vec<String>) -> Outcome<()> {
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

pub(crate) fn regex(pattern: &str) -> Outcome<Regex> {
    Regex::new(pattern).map_err(|error| error.to_string())
}

fn modules_are_described(root: &Path) -> Outcome<()> {
    let mut all = sources(root);
    for path in files(&root.join("t"), "rs").into_iter().chain([root.join("build.rs")]) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        all.insert(relative(root, &path), text);
    }
    let silent = |(name, text): (String, String)| (!text.starts_with("//! ")).then_some(name);
    verdict(all.into_iter().filter_map(silent).map(|name| format!("{name}: no //!")).collect())
}

/// The layer of a file of the root package: 4 module, 3 service, 2 nginx.
fn layer(name: &str) -> u8 {
    const TOP: [&str; 4] = ["lib", "directives", "variables", "callbacks"];
    let first = name.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default();
    if TOP.contains(&first) {
        4
    } else if first == "nginx" {
        2
    } else {
        3
    }
}

fn unsafe_is_contained(root: &Path) -> Outcome<()> {
    let word = regex(r"\bunsafe\b")?;
    // Besides the layers that may: the one place where raw memory becomes a store.
    let allowed = |name: &str| {
        let raw = name.starts_with("crates/store/src/raw") || name == "src/memory.rs";
        raw || (name.starts_with("src/") && layer(name) != 3)
    };
    let problems = sources(root)
        .into_iter()
        .filter(|(name, text)| !allowed(name) && word.is_match(&code(text)))
        .map(|(name, _)| format!("{name}: unsafe"))
        .collect();
    verdict(problems)
}

fn layers_point_down(root: &Path) -> Outcome<()> {
    let ffi = regex(r"\b(nginx_sys|ngx|libc)::")?;
    let upper = regex(r"\bcrate::(directives|variables|callbacks)\b")?;
    let outside = regex(r"\bcrate::([a-z_]+)")?;
    let members = regex(r"\b(store|protocol)::")?;
    let world = regex(r"\bstd::(net|fs|time|process|thread|env)\b|\bcore::time\b")?;
    let mut problems = Vec::new();
    for (name, text) in sources(root) {
        let code = code(&text);
        let mut forbid = |regex: &Regex, why: &str| {
            if let Some(found) = regex.find(&code) {
                problems.push(format!("{name}: {} ({why})", found.as_str()));
            }
        };
        if name.starts_with("crates/protocol") {
            forbid(&world, "the protocol does no I/O and has no clock");
            forbid(&ffi, "the protocol knows no nginx");
            forbid(&regex(r"\bstore::")?, "the store is above the protocol");
        } else if name.starts_with("crates/store") {
            forbid(&world, "the store does no I/O and has no clock");
            forbid(&ffi, "the store knows no nginx");
        } else if layer(&name) == 3 {
            forbid(&ffi, "only src/nginx speaks to nginx");
            forbid(&upper, "the service knows no tables");
        } else if layer(&name) == 2 {
            // Chunks are HTTP's, not ours.
            let code = code.replace("protocol::chunk::", "");
            if let Some(found) = members.find(&code) {
                let found = found.as_str();
                problems.push(format!("{name}: {found} (src/nginx knows nginx, not pub/sub)"));
            }
            let service = |found: &str| found != "crate::nginx";
            if let Some(found) = outside.find_iter(&code).find(|found| service(found.as_str())) {
                let found = found.as_str();
                problems.push(format!("{name}: {found} (src/nginx knows nginx, not pub/sub)"));
            }
        }
    }
    verdict(problems)
}

/// The module path of a file, such as `subscriber::attach`.
fn module_of(name: &str) -> String {
    name.trim_start_matches("src/").trim_end_matches(".rs").replace('/', "::")
}

fn service_has_no_cycles(root: &Path) -> Outcome<()> {
    let service: BTreeMap<String, String> = sources(root)
        .into_iter()
        .filter(|(name, _)| name.starts_with("src/") && layer(name) == 3)
        .map(|(name, text)| (module_of(&name), code(&text)))
        .collect();
    let path = regex(r"\bcrate::([a-z_0-9]+(?:::[a-z_0-9]+)*)")?;
    let mut uses: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, code) in &service {
        for found in path.captures_iter(code).filter_map(|captures| captures.get(1)) {
            // `a::b::function` is in the longest module path that begins it.
            let mut target = found.as_str();
            while !service.contains_key(target) {
                match target.rsplit_once("::") {
                    Some((shorter, _)) => target = shorter,
                    None => break,
                }
            }
            if let Some((target, _)) = service.get_key_value(target).filter(|(t, _)| *t != module) {
                uses.entry(module.as_str()).or_default().insert(target.as_str());
            }
        }
    }
    // What nothing in the rest uses, or what uses nothing in the rest, is in no cycle.
    let mut rest: BTreeSet<&str> = service.keys().map(String::as_str).collect();
    loop {
        let left = |module: &&str| {
            let of = |module: &str| uses.get(module).cloned().unwrap_or_default();
            let used = rest.iter().any(|other| of(other).contains(*module));
            used && of(module).iter().any(|target| rest.contains(target))
        };
        let next: BTreeSet<&str> = rest.iter().copied().filter(|module| left(module)).collect();
        if next.len() == rest.len() {
            break;
        }
        rest = next;
    }
    let arrow = |module: &&str| {
        let of = uses.get(module).cloned().unwrap_or_default();
        let targets: Vec<&str> = of.into_iter().filter(|target| rest.contains(target)).collect();
        format!("{module} uses {}", targets.join(", "))
    };
    verdict(rest.iter().map(arrow).collect())
}

/// Every directive the module knows.
fn directives(root: &Path) -> Outcome<BTreeSet<String>> {
    let name = regex(r#"c"(push_stream_[a-z_]+)""#)?;
    let table = std::fs::read_to_string(root.join("src/directives.rs"))
        .map_err(|error| format!("src/directives.rs: {error}"))?;
    let found: BTreeSet<String> = name
        .captures_iter(&code(&table))
        .filter_map(|captures| captures.get(1).map(|name| name.as_str().to_owned()))
        .collect();
    if found.len() < 20 { Err(format!("found only {found:?}")) } else { Ok(found) }
}

/// The names that do not stand in a text as whole words.
fn missing(names: BTreeSet<String>, text: &str) -> Outcome<Vec<String>> {
    let word = regex(r"push_stream_[a-z_]+")?;
    let there: BTreeSet<&str> = word.find_iter(text).map(|found| found.as_str()).collect();
    Ok(names.into_iter().filter(|name| !there.contains(name.as_str())).collect())
}

fn directives_are_documented(root: &Path) -> Outcome<()> {
    let text = std::fs::read_to_string(root.join("docs/directives.md"))
        .map_err(|error| format!("docs/directives.md: {error}"))?;
    verdict(missing(directives(root)?, &text)?)
}

fn directives_are_tested(root: &Path) -> Outcome<()> {
    let text: String = files(&root.join("t"), "t")
        .into_iter()
        .map(|path| std::fs::read_to_string(path).unwrap_or_default())
        .collect();
    verdict(missing(directives(root)?, &text)?)
}
