//! Counts of system calls, by strace: how many a delivery takes, and how often a worker waits for the
//! zone's lock.
use crate::engine::*;
use crate::feed::*;
use crate::scenario::*;
use crate::server::*;
use crate::sys::*;
use std::fs;
use std::process::{Command, Stdio};

/// Runs `work` while strace -c follows the server; returns calls by name.
fn traced(
    s: &Server,
    eng: &mut Engine,
    work: &mut dyn FnMut(&mut Engine) -> bool,
) -> Result<Vec<(String, f64)>, String> {
    let out = s.dir.join("strace.txt");
    let mut cmd = Command::new("strace");
    cmd.args(["-c", "-f", "-q", "-U", "name,calls", "-o"]).arg(&out);
    for p in s.workers() {
        cmd.arg("-p").arg(p.to_string());
    }
    let mut tr = cmd
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| format!("strace: {e}"))?;
    eng.drain(700);
    let ok = work(eng);
    eng.drain(100);
    kill(tr.id() as i32, libc::SIGINT);
    let _ = tr.wait();
    if !ok {
        return Err("not all delivered under strace".into());
    }
    let text = fs::read_to_string(&out).map_err(|e| e.to_string())?;
    let mut v = calls_by_name(&text);
    if v.is_empty() {
        return Err("strace counted nothing: may it attach here (kernel.yama.ptrace_scope)?".into());
    }
    v.sort_by(|a, b| b.1.total_cmp(&a.1));
    Ok(v)
}

/// Counts how often a worker waits for the zone's lock while several publish at full rate, as the
/// difference between runs of different length. Where the lock is taken, nginx spins first and sleeps
/// on a semaphore then: a call of futex, and one of who wakes it.
pub fn locks(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let m = c.num("m", 20000);
    let less = m / 10;
    let waits = waits(c, def, m)? - waits(c, def, less)?;
    let mut o = Outcome::default();
    o.put("waits_per_1000_publishes", waits.max(0.0) / (m - less) as f64 * 1000.0);
    Ok(o)
}

fn waits(c: &Ctx, def: &Def, m: u64) -> Result<f64, String> {
    let ch = c.num("c", 100);
    let out = lab().join("futex.txt");
    fs::create_dir_all(lab()).map_err(|e| e.to_string())?;
    let _ = fs::remove_file(&out);
    // Only what is counted stops a worker, so that they meet as they do without strace. accept4 is
    // called in any case: without it nothing was counted.
    let strace =
        "strace -D -c -f -q --seccomp-bpf -e trace=futex,sched_yield,accept4 -U name,calls -o";
    let mut wrap: Vec<String> = strace.split(' ').map(String::from).collect();
    wrap.push(out.display().to_string());
    let mut s = c.start_in(def, &[], &wrap)?;
    let mut eng = s.engine(c.num("size", 256) as usize);
    let ps = publishers(&mut eng, &s, c.num("pubs", 8) as usize)?;
    let path = |x: u64| s.path("pub.store", &format!("c{x}"), 0).unwrap();
    let ok = publish_all(&mut eng, &ps, m, 60.0, |i| (path(i % ch), (i % ch) as u32, i as u32));
    eng.close_all();
    s.stop();
    if !ok {
        return Err("not all publishes were answered".into());
    }
    // strace ends by itself, behind the last worker
    let end = now_ns() + 5_000_000_000;
    loop {
        let calls = calls_by_name(&fs::read_to_string(&out).unwrap_or_default());
        let count = |name: &str| calls.iter().find(|call| call.0 == name).map(|call| call.1);
        if count("accept4").is_some() {
            return Ok(count("futex").unwrap_or(0.0) / 2.0 + count("sched_yield").unwrap_or(0.0));
        }
        if now_ns() > end {
            return Err("strace counted nothing".into());
        }
        sleep_ms(50);
    }
}

/// What `strace -c -U name,calls` has written.
fn calls_by_name(text: &str) -> Vec<(String, f64)> {
    let line = |line: &str| {
        let (name, calls) = line.trim().split_once(char::is_whitespace)?;
        let calls = calls.trim().parse().ok()?;
        (name != "total").then(|| (name.to_string(), calls))
    };
    text.lines().filter_map(line).collect()
}

pub fn syscalls(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let mut o = Outcome::default();
    let (n, m) = (c.num("n", 200), c.num("m", 50));
    for w in c.s("what", "stream,lp,pub").split(',') {
        let mut s = c.start(def, &[("connections", "4096".into())])?;
        let mut eng = s.engine(c.num("size", 256) as usize);
        let (proto, n) = match w {
            "pub" => (Proto::Stream, 0),
            x => (Proto::parse(x).ok_or("what?")?, n),
        };
        if n > 0 && !def.supports(proto) {
            continue;
        }
        let m = if w == "pub" { 500 } else { m };
        subscribe(&mut eng, &s, proto, n as usize, |_| 0)?;
        let p = publishers(&mut eng, &s, 1)?[0];
        s.wait_idle(&mut eng);
        let path = s.path("pub.store", "c0", 0).ok_or("no publisher path")?;
        let mut f = Feed {
            path,
            chan: 0,
            seq0: 0,
            m: 3,
            n,
            paced: true,
            depth: 1,
            window: 1,
            limit_s: 60.0,
        };
        feed(&mut eng, p, &f);
        f.seq0 = 3;
        f.m = m;
        let v = traced(&s, &mut eng, &mut |e| feed(e, p, &f))?;
        let div = if n == 0 { m } else { n * m } as f64;
        let total: f64 = v.iter().map(|x| x.1).sum();
        o.put(
            &match w {
                "stream" => "per_delivery".into(),
                "pub" => "per_publish".into(),
                x => format!("per_delivery_{x}"),
            },
            total / div,
        );
        let top: Vec<String> = v
            .iter()
            .filter(|x| x.1 / div >= 0.01)
            .map(|x| format!("{} {:.3}", x.0, x.1 / div))
            .collect();
        o.notes.push(format!("{w}: {}", top.join(", ")));
        eng.close_all();
        s.stop();
    }
    Ok(o)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_read_from_the_summary() {
        let text = "syscall              calls\n---------------- ---------\naccept4                  9\n\
                    futex                   17\n---------------- ---------\ntotal                   26\n";
        assert_eq!(calls_by_name(text), [("accept4".into(), 9.0), ("futex".into(), 17.0)]);
        assert_eq!(calls_by_name(""), []);
    }
}
