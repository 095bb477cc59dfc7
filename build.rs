//! Tells the compiler which nginx it builds for and binds the headers that nginx-sys leaves out.
//!
//! The facts come from nginx-sys, whose build script reads the configured nginx tree and publishes
//! what it found as `DEP_NGINX_…` variables to its direct dependents: `cfg(ngx_feature = "…")`,
//! `cfg(ngx_os = "…")` and one `cfg(nginxA_B_C)` per version this tree distinguishes.

use std::error::Error;
use std::path::PathBuf;
use std::{env, io};

/// Versions from which nginx differs in a way the sources care about.
const VERSION_CHECKS: &[(u64, &str)] = &[
    (1_023_000, "nginx1_23_0"), // same-named request headers are linked lists, not arrays
    (1_025_001, "nginx1_25_1"), // HTTP/2 is a server flag (`http2 on`), no listen parameter
];

/// Headers of nginx that nginx-sys does not include, and what is wanted from them.
const EXTRA_HEADERS: &str = "#include <ngx_config.h>\n\
    #include <ngx_core.h>\n\
    #include <ngx_sha1.h>\n";
const EXTRA_ITEMS: &[&str] = &["ngx_sha1_.*"];

fn main() -> Result<(), Box<dyn Error>> {
    print_nginx_cfg("ngx_feature", "DEP_NGINX_FEATURES", "DEP_NGINX_FEATURES_CHECK");
    print_nginx_cfg("ngx_os", "DEP_NGINX_OS", "DEP_NGINX_OS_CHECK");
    print_version_cfg()?;
    bind_extra_headers()
}

/// Prints the values of `variable` (a comma list) as `cfg(name = "value")`, with the list of all
/// possible values so that a misspelt one is a warning.
fn print_nginx_cfg(name: &str, variable: &str, known: &str) {
    println!("cargo::rerun-if-env-changed={variable}");
    println!("cargo::rerun-if-env-changed={known}");
    let known = env::var(known).unwrap_or_else(|_| "any()".to_owned());
    println!("cargo::rustc-check-cfg=cfg({name}, values({known}))");
    for value in env::var(variable).unwrap_or_default().split(',').map(str::trim) {
        println!("cargo::rustc-cfg={name}=\"{value}\"");
    }
}

/// Prints a cfg for each version in [`VERSION_CHECKS`] that the nginx at hand has reached.
fn print_version_cfg() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=DEP_NGINX_VERSION_NUMBER");
    let version: u64 = env::var("DEP_NGINX_VERSION_NUMBER")?.parse()?;
    for (since, name) in VERSION_CHECKS {
        println!("cargo::rustc-check-cfg=cfg({name})");
        if version >= *since {
            println!("cargo::rustc-cfg={name}");
        }
    }
    Ok(())
}

/// Writes the bindings of [`EXTRA_HEADERS`] to `$OUT_DIR/nginx_extra.rs`. Types that nginx-sys
/// already has are taken from there, so that both sets of bindings fit together.
fn bind_extra_headers() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-env-changed=DEP_NGINX_INCLUDE");
    println!("cargo::rerun-if-env-changed=DEP_NGINX_CFLAGS");
    let include = env::var("DEP_NGINX_INCLUDE")?;
    let cflags = env::var("DEP_NGINX_CFLAGS").unwrap_or_default();
    let mut builder = bindgen::Builder::default()
        .header_contents("nginx_extra.h", EXTRA_HEADERS)
        .clang_args(env::split_paths(&include).map(|path| format!("-I{}", path.display())))
        .clang_args(cflags.split_whitespace())
        .layout_tests(false)
        .generate_comments(false)
        .use_core()
        .allowlist_recursively(true)
        .blocklist_type("u_char|__u_char");
    for item in EXTRA_ITEMS {
        builder = builder.allowlist_item(item);
    }
    let out = PathBuf::from(env::var("OUT_DIR")?).join("nginx_extra.rs");
    builder.generate().map_err(io::Error::other)?.write_to_file(out)?;
    Ok(())
}
