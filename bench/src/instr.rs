//! Repeatable counts of user-space instructions (valgrind --tool=callgrind): differences between runs
//! of different length, so that start-up, connecting and shut-down cancel out.
use crate::Params;
use crate::engine::*;
use crate::feed::*;
use crate::scenario::*;
use crate::server::*;
use crate::sys::*;
use std::fs;

/// One run under callgrind of `work`; returns the instructions executed.
fn counted(
    c: &Ctx,
    def: &Def,
    tag: &str,
    work: &dyn Fn(&Server, &mut Engine) -> Result<(), String>,
) -> Result<f64, String> {
    let out = lab().join("callgrind");
    let _ = fs::create_dir_all(&out);
    let pat = out.join(format!("{}-{tag}.out", def.name));
    let _ = fs::remove_file(&pat);
    let wrap: Vec<String> =
        ["valgrind", "--tool=callgrind", "--error-limit=no", "--dump-instr=no", "--num-callers=40"]
            .iter()
            .map(|s| s.to_string())
            .chain([format!("--callgrind-out-file={}", pat.display())])
            .collect();
    let mut v = Params::new();
    v.insert("master".into(), "off".into());
    v.insert("connections".into(), "2048".into());
    for k in ["stored", "http_extra", "sub_extra", "listen_opts"] {
        if let Some(x) = c.p.get(k) {
            v.insert(k.into(), x.clone());
        }
    }
    v.entry("shm".into()).or_insert("64m".into());
    let mut s = Server::start(&c.bench, def, &v, &wrap)?;
    let mut eng = s.engine(c.num("size", 256) as usize);
    let r = work(&s, &mut eng);
    if std::env::var_os("PSBENCH_DEBUG").is_some() {
        eprintln!(
            "{} {tag}: received {} polls {} pub {} gap {} ooo {} fail {:?}",
            def.name,
            eng.st.received,
            eng.st.polls,
            eng.st.pub_done,
            eng.st.gap,
            eng.st.ooo,
            eng.fail
        );
    }
    eng.close_all();
    sleep_ms(300);
    s.stop();
    r?;
    let text = fs::read_to_string(&pat).map_err(|e| format!("{}: {e}", pat.display()))?;
    for l in text.lines().rev() {
        if let Some(x) = l.strip_prefix("totals: ").or_else(|| l.strip_prefix("summary: ")) {
            return x
                .split_whitespace()
                .next()
                .and_then(|n| n.parse().ok())
                .ok_or("bad totals".to_string());
        }
    }
    Err("callgrind wrote no totals".into())
}

fn fan(
    s: &Server,
    eng: &mut Engine,
    proto: Proto,
    n: usize,
    m: u64,
    key: &str,
) -> Result<(), String> {
    subscribe(eng, s, proto, n, |_| 0)?;
    let p = publishers(eng, s, 1)?[0];
    eng.drain(if proto == Proto::Lp { 600 } else { 200 });
    let path = s.path(key, "c0", 0).ok_or("no publisher path")?;
    let f = Feed {
        path,
        chan: 0,
        seq0: 0,
        m,
        n: n as u64,
        paced: true,
        depth: 1,
        window: 1,
        limit_s: 60.0,
    };
    if !feed(eng, p, &f) {
        return Err(format!(
            "not all delivered under valgrind: {} of {} {:?}",
            eng.st.received,
            m * n as u64,
            eng.fail
        ));
    }
    Ok(())
}

fn replay(s: &Server, eng: &mut Engine, stored: u64, k: usize) -> Result<(), String> {
    let p = publishers(eng, s, 1)?[0];
    let path = s.path("pub.store", "c0", 0).ok_or("no publisher path")?;
    let f = Feed {
        path,
        chan: 0,
        seq0: 0,
        m: stored,
        n: 0,
        paced: false,
        depth: 8,
        window: 1 << 40,
        limit_s: 60.0,
    };
    if !feed(eng, p, &f) {
        return Err("history not stored".into());
    }
    let hp = s.path("sub.history", "c0", stored).ok_or("no history path")?;
    let ids: Vec<usize> = (0..k).map(|_| eng.add(Proto::Stream, s.port, &hp, 0)).collect();
    eng.open_many(&ids, 4, 60);
    let end = now_ns() + 60_000_000_000;
    while eng.st.received < stored * k as u64 && now_ns() < end {
        eng.poll(20);
    }
    if eng.st.received < stored * k as u64 {
        return Err(format!("replayed {} of {}", eng.st.received, stored * k as u64));
    }
    Ok(())
}

pub fn instr(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let mut o = Outcome::default();
    let what = c.s("what", "stream,sse,ws,lp,pub,subscribe,history");
    let (n1, n2) = (c.num("n1", 20) as usize, c.num("n2", 120) as usize);
    let (m1, m2) = (c.num("m1", 50), c.num("m2", 150));
    for w in what.split(',') {
        let r: Result<(), String> = (|| {
            match w {
                "stream" | "sse" | "ws" => {
                    let proto = Proto::parse(w).unwrap();
                    if !def.supports(proto) {
                        return Ok(());
                    }
                    let mut per_msg = vec![];
                    for n in [n1, n2] {
                        let a = counted(c, def, &format!("{w}-{n}-{m1}"), &|s, e| {
                            fan(s, e, proto, n, m1, "pub.store")
                        })?;
                        let b = counted(c, def, &format!("{w}-{n}-{m2}"), &|s, e| {
                            fan(s, e, proto, n, m2, "pub.store")
                        })?;
                        per_msg.push((b - a) / (m2 - m1) as f64);
                    }
                    let d = (per_msg[1] - per_msg[0]) / (n2 - n1) as f64;
                    let key = if w == "stream" {
                        "instr_per_delivery".to_string()
                    } else {
                        format!("instr_per_delivery_{w}")
                    };
                    o.put(&key, d);
                    if w == "stream" {
                        o.put("instr_per_publish", per_msg[0] - d * n1 as f64);
                    }
                }
                "lp" => {
                    if !def.supports(Proto::Lp) {
                        return Ok(());
                    }
                    let mut per_msg = vec![];
                    for n in [n1, n2] {
                        let a = counted(c, def, &format!("lp-{n}-{m1}"), &|s, e| {
                            fan(s, e, Proto::Lp, n, m1, "pub.store")
                        })?;
                        let b = counted(c, def, &format!("lp-{n}-{m2}"), &|s, e| {
                            fan(s, e, Proto::Lp, n, m2, "pub.store")
                        })?;
                        per_msg.push((b - a) / (m2 - m1) as f64);
                    }
                    o.put("instr_per_poll", (per_msg[1] - per_msg[0]) / (n2 - n1) as f64);
                }
                "pub" => {
                    for (k, key) in [("store", "pub.store"), ("nostore", "pub.nostore")] {
                        if def.get(key).is_none() {
                            continue;
                        }
                        let a = counted(c, def, &format!("pub{k}-1"), &|s, e| {
                            fan(s, e, Proto::Stream, 0, 200, key)
                        })?;
                        let b = counted(c, def, &format!("pub{k}-2"), &|s, e| {
                            fan(s, e, Proto::Stream, 0, 1200, key)
                        })?;
                        o.put(&format!("instr_pubonly_{k}"), (b - a) / 1000.0);
                    }
                }
                "subscribe" => {
                    let f = |s: &Server, e: &mut Engine, n: usize| {
                        subscribe(e, s, Proto::Stream, n, |_| 0).map(|_| ())
                    };
                    let a = counted(c, def, "subscribe-1", &|s, e| f(s, e, 100))?;
                    let b = counted(c, def, "subscribe-2", &|s, e| f(s, e, 600))?;
                    o.put("instr_per_subscribe", (b - a) / 500.0);
                }
                "history" => {
                    if def.get("sub.history").is_none() {
                        return Ok(());
                    }
                    let a = counted(c, def, "history-1", &|s, e| replay(s, e, 200, 5))?;
                    let b = counted(c, def, "history-2", &|s, e| replay(s, e, 200, 30))?;
                    o.put("instr_per_replayed", (b - a) / 25.0 / 200.0);
                }
                _ => return Err(format!("what={w}?")),
            }
            Ok(())
        })();
        if let Err(e) = r {
            o.notes.push(format!("{w}: {e}"));
        }
    }
    Ok(o)
}
