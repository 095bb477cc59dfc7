//! Long-polling, each poll with the cursor of the last answer.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (n, m, size) = (c.num("n", 500), c.num("m", 100), c.num("size", 256));
    let paced = c.s("pace", "paced") == "paced";
    let warm = 3u64;
    // messages stored before the clients come (their cursor is at the end all the time)
    let prefill = c.num("prefill", 0);
    let mut s =
        c.start(def, &[("stored", c.s("stored", &(prefill + m + 100).to_string()).to_string())])?;
    let mut eng = s.engine(size as usize);
    let p = publishers(&mut eng, &s, 1)?[0];
    let path = s.path("pub.store", "c0", 0).ok_or("no publisher path")?;
    let mut f = Feed {
        path,
        chan: 0,
        seq0: 0,
        m: prefill,
        n: 0,
        paced: false,
        depth: 16,
        window: 1 << 40,
        limit_s: 30.0,
    };
    if prefill > 0 && !feed(&mut eng, p, &f) {
        return Err("could not store the history".into());
    }
    let ids = subscribe(&mut eng, &s, Proto::Lp, n as usize, |_| 0)?;
    s.wait_idle(&mut eng);
    for &i in &ids {
        eng.conns[i].next = prefill as u32;
    }
    f = Feed {
        seq0: prefill as u32,
        m: warm,
        n,
        paced: true,
        depth: 1,
        window: 1,
        limit_s: 20.0,
        ..f
    };
    eng.reset_stats();
    if !feed(&mut eng, p, &f) {
        return Err(format!(
            "warm-up not delivered: {} of {} {:?}",
            eng.st.received,
            warm * n,
            eng.fail
        ));
    }
    s.wait_idle(&mut eng);
    eng.reset_stats();
    eng.st.measure = true;
    let (c0, t0) = (s.cpu(), now_ns());
    f.seq0 = (prefill + warm) as u32;
    f.m = m;
    f.paced = paced;
    f.depth = 1;
    f.window = c.num("window", 1 << 40);
    f.limit_s = c.f("limit", 60.0);
    let ok = feed(&mut eng, p, &f);
    let t1 = eng.st.last_rx.max(t0 + 1);
    let cpu = s.cpu().since(&c0);
    eng.drain(200);
    let d = (eng.st.received as f64).max(1.0);
    let mut o = Outcome::default();
    o.put("cpu_us_per_delivery", cpu.ns as f64 / 1000.0 / d);
    o.put("user_share", cpu.user_share());
    o.put("deliveries_per_s", d / ((t1 - t0) as f64 / 1e9));
    o.put("polls_per_delivery", eng.st.polls as f64 / d);
    latency(&mut o, &eng);
    check(&mut o, &eng, n * m);
    if !ok {
        o.notes.push("not everything arrived within the limit".into());
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
