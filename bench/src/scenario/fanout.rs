//! One channel, N subscribers: CPU a delivery, latency, losses.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let proto = Proto::parse(c.s("proto", "stream")).ok_or("proto?")?;
    let (n, m, size) = (c.num("n", 1000), c.num("m", 200), c.num("size", 256));
    if short(size as usize) && proto == Proto::Sse {
        return Err(format!(
            "--size {size}: an event of an EventSource has 33 bytes at least here"
        ));
    }
    let paced = c.s("pace", "paced") == "paced";
    let warm = c.num("warm", 5);
    let mut s = c.start(def, &[])?;
    let mut eng = s.engine(size as usize);
    subscribe(&mut eng, &s, proto, n as usize, |_| 0)?;
    let multi = c.s("pace", "paced") == "multi";
    let ps = publishers(&mut eng, &s, if multi { c.num("pubs", 8) as usize } else { 1 })?;
    let p = ps[0];
    s.wait_idle(&mut eng);
    let path = s.path(pub_key(c), "c0", 0).ok_or("no publisher path")?;
    let mut f = Feed {
        path,
        chan: 0,
        seq0: 0,
        m: warm,
        n,
        paced: true,
        depth: 1,
        window: 1,
        limit_s: 60.0,
    };
    if warm > 0 && !feed(&mut eng, p, &f) {
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
    let (c0, cl0, t0) = (s.cpu(), self_cpu_ns(), now_ns());
    f.seq0 = warm as u32;
    f.m = m;
    f.paced = paced;
    f.depth = c.num("depth", 32);
    f.window = c.num("window", 64);
    f.limit_s = c.f("limit", 120.0);
    let ok = if multi { feed_multi(&mut eng, &ps, &f) } else { feed(&mut eng, p, &f) };
    let t1 = eng.st.last_rx.max(t0 + 1);
    let (c1, cl1) = (s.cpu(), self_cpu_ns());
    eng.drain(100);
    let mut o = Outcome::default();
    let d = (eng.st.received as f64).max(1.0);
    let cpu = c1.since(&c0);
    o.put("cpu_us_per_delivery", cpu.ns as f64 / 1000.0 / d);
    o.put("cpu_ns_per_kib", cpu.ns as f64 / d / (size as f64 / 1024.0));
    o.put("user_share", cpu.user_share());
    o.put("deliveries_per_s", d / ((t1 - t0) as f64 / 1e9));
    latency(&mut o, &eng);
    o.put("client_us", (cl1 - cl0) as f64 / 1000.0 / d);
    if multi {
        eng.st.ooo = 0;
    }
    check(&mut o, &eng, n * m);
    if !ok {
        o.notes.push("not everything arrived within the limit".into());
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
