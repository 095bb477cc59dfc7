//! Slow readers: a part of the subscribers stops reading, later reads on.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (n, m, size) = (c.num("n", 500), c.num("m", 2000), c.num("size", 1024));
    let part = c.f("part", 0.1);
    let lo = format!("{} sndbuf=32k", c.s("listen_opts", ""));
    let mut s = c.start(
        def,
        &[
            ("listen_opts", lo),
            ("sndbuf", "32768".into()),
            ("stored", c.s("stored", "100").to_string()),
        ],
    )?;
    let mut eng = s.engine(size as usize);
    let nslow = ((n as f64) * part) as usize;
    let fast = subscribe(&mut eng, &s, Proto::Stream, n as usize - nslow, |_| 0)?;
    let path = s.path("sub.stream", "c0", 0).ok_or("no streaming")?;
    let slow: Vec<usize> = (0..nslow)
        .map(|_| {
            let i = eng.add(Proto::Stream, s.port, &path, 0);
            eng.set_rcvbuf(i, 8192);
            i
        })
        .collect();
    if nslow > 0 && !eng.open_many(&slow, 64, 30) {
        return Err("slow subscribers failed".into());
    }
    for &i in &slow {
        eng.conns[i].paused = true;
    }
    let p = publishers(&mut eng, &s, 1)?[0];
    s.wait_idle(&mut eng);
    let pp = s.path(pub_key(c), "c0", 0).ok_or("no publisher path")?;
    let (m0, k0, c0, t0) = (s.mem(), tcp_mem(), s.cpu(), now_ns());
    eng.reset_stats();
    eng.st.measure = true;
    let f = Feed {
        path: pp,
        chan: 0,
        seq0: 0,
        m,
        n: fast.len() as u64,
        paced: true,
        depth: 1,
        window: 1,
        limit_s: c.f("limit", 90.0),
    };
    let ok = feed(&mut eng, p, &f);
    let cpu = s.cpu().since(&c0);
    let wall = (now_ns() - t0) as f64 / 1e9;
    let (m1, k1) = (s.mem(), tcp_mem());
    let mut o = Outcome::default();
    let fast_got = eng.st.received;
    let ended_fast = fast.iter().filter(|&&i| !eng.is_open(i)).count();
    o.put("cpu_us_per_delivery", cpu.ns as f64 / 1000.0 / (fast_got as f64).max(1.0));
    o.put("fast_deliveries_per_s", fast_got as f64 / wall);
    latency(&mut o, &eng);
    if nslow > 0 {
        let ns = nslow as f64;
        o.put("growth_kib_per_slow", (m1.pss as f64 - m0.pss as f64) / 1024.0 / ns);
        o.put("of_it_private_kib", (m1.anon as f64 - m0.anon as f64) / 1024.0 / ns);
        o.put("kernel_kib_per_slow", (k1 as f64 - k0 as f64) / 1024.0 / ns);
    }
    o.put("fast_lost", (m * fast.len() as u64).saturating_sub(fast_got) as f64);
    if !ok {
        o.notes.push("not everything arrived at the fast ones within the limit".into());
    }
    // wait as asked, then let the slow ones read what is left for them
    let wait = c.f("resume_after", 0.0);
    eng.drain((wait * 1000.0) as u64);
    eng.st.measure = false;
    // messages published after the wait: may they overwrite what the slow ones still wait for?
    let late = c.num("late", 0);
    if late > 0 {
        let f = Feed { seq0: m as u32, m: late, ..f };
        feed(&mut eng, p, &f);
    }
    let m = m + late;
    let (r0, b0) = (eng.st.received, eng.st.corrupt + eng.st.framing);
    for &i in &slow {
        eng.resume(i);
    }
    let end = now_ns() + 15_000_000_000;
    let want = r0 + m * nslow as u64;
    while eng.st.received < want && now_ns() < end {
        eng.poll(20);
    }
    if nslow > 0 {
        o.put("slow_lost", want.saturating_sub(eng.st.received) as f64);
        o.put("slow_corrupt", (eng.st.corrupt + eng.st.framing - b0) as f64);
        o.put("slow_closed", slow.iter().filter(|&&i| !eng.is_open(i)).count() as f64);
    }
    if ended_fast > 0 {
        o.notes.push(format!("{ended_fast} fast connections were closed"));
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
