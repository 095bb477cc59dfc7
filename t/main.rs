//! `cargo test --test t`: the behaviour of the module, seen through sockets.
//!
//! Seven kinds of tests share one run and one report (libtest-mimic):
//! - every block of every `t/*.t` file (the format is described in `t/README.md`),
//! - the functions of `load.rs`, for what needs thousands of clients or random timing,
//! - the short form of `torture.rs`: crashes, reloads, slow readers, churn (`make torture` has the long one),
//! - `metrics.rs`, which asks Prometheus' own tool,
//! - the real clients of `wire.rs`,
//! - the house rules of `tidy.rs`,
//! - the commands and configurations of the documentation, by `docs.rs`.
//!
//! Cargo does not build a cdylib for an integration test, so this program first runs
//! `cargo build` itself, unless `MODULE` names a library. Knobs: `MODULE`, `PROFILE`
//! (`release` unless set), `NGINX` (binary), `KEEP=1` (leave the directories of failed blocks).
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking; its numbers are its own"
)]

mod docs;
mod load;
mod metrics;
mod runner;
mod tidy;
mod torture;
mod wire;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};

use runner::Setup;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // `TESTS=t/x.t` of the Makefile and shell completion give a path; test names begin with "x: ".
    if let Some(filter) = &mut arguments.filter
        && let Some(stem) = filter.strip_prefix("t/").and_then(|name| name.strip_suffix(".t"))
    {
        *filter = format!("{stem}: ");
    }
    arguments.test_threads.get_or_insert(6);

    let module = if arguments.list { Ok(PathBuf::new()) } else { built_module() };
    let module = match module {
        Ok(module) => module,
        Err(reason) => {
            eprintln!("t: {reason}");
            return ExitCode::FAILURE;
        }
    };
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let nginx = std::env::var_os("NGINX").unwrap_or_else(|| "/usr/sbin/nginx".into()).into();
    let setup = Setup { root, module, nginx };

    let mut trials: Vec<Trial> = Vec::new();
    match runner::trials(&setup) {
        Ok(blocks) => trials.extend(blocks),
        Err(reason) => {
            eprintln!("t: {reason}");
            return ExitCode::FAILURE;
        }
    }
    trials.extend(load::trials(&setup));
    trials.extend(torture::trials(&setup));
    trials.extend(metrics::trials(&setup));
    trials.extend(tidy::trials(&setup));
    trials.extend(docs::trials(&setup));
    trials.extend(wire::trials(&setup));
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The library to load: `MODULE`, or what `cargo build` makes of the root package.
fn built_module() -> Result<PathBuf, String> {
    if let Some(module) = std::env::var_os("MODULE") {
        return Ok(module.into());
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target directory")?;
    let profile = std::env::var("PROFILE").unwrap_or_else(|_| "release".into());
    let directory = if profile == "dev" { "debug" } else { &profile };
    let status = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["build", "--quiet", "--profile", &profile, "--target-dir"])
        .arg(target)
        .status()
        .map_err(|error| format!("cargo build: {error}"))?;
    if !status.success() {
        return Err("cargo build failed".into());
    }
    let module = target.join(directory).join("libngx_http_push_stream_module.so");
    if module.exists() { Ok(module) } else { Err(format!("{} is not there", module.display())) }
}
