//! History replay: clients which ask one channel for its last messages.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (k, h, size, w) = (
        c.num("clients", 200),
        c.num("history", 1000),
        c.num("size", 256),
        c.num("window", 8) as usize,
    );
    let mut s = c.start(def, &[("stored", h.to_string())])?;
    let mut eng = s.engine(size as usize);
    let p = publishers(&mut eng, &s, 1)?[0];
    let path = s.path("pub.store", "c0", 0).ok_or("no publisher path")?;
    let f = Feed {
        path,
        chan: 0,
        seq0: 0,
        m: h,
        n: 0,
        paced: false,
        depth: 16,
        window: 1 << 40,
        limit_s: 30.0,
    };
    if !feed(&mut eng, p, &f) {
        return Err("could not store the history".into());
    }
    let hp = s.path("sub.history", "c0", h).ok_or("no history path")?;
    s.wait_idle(&mut eng);
    let mut o = Outcome::default();
    for (round, k) in [(0u64, k / 10 + 1), (1, k)] {
        eng.reset_stats();
        let ids: Vec<usize> = (0..k).map(|_| eng.add(Proto::Stream, s.port, &hp, 0)).collect();
        let (c0, t0) = (s.cpu(), now_ns());
        let (mut next, mut live): (usize, Vec<usize>) = (0, vec![]);
        let end = t0 + (c.f("limit", 60.0) * 1e9) as u64;
        let mut t1 = t0;
        while (next < ids.len() || !live.is_empty()) && now_ns() < end {
            while next < ids.len() && live.len() < w {
                eng.open(ids[next]);
                live.push(ids[next]);
                next += 1;
            }
            eng.poll(5);
            live.retain(|&i| {
                let done = eng.conns[i].got as u64 >= h;
                if done {
                    eng.close(i, true);
                    t1 = now_ns();
                }
                !done
            });
        }
        let cpu = s.cpu().since(&c0);
        if round == 1 {
            let d = (eng.st.received as f64).max(1.0);
            o.put("cpu_us_per_message", cpu.ns as f64 / 1000.0 / d);
            o.put("cpu_us_per_client", cpu.ns as f64 / 1000.0 / k as f64);
            o.put("user_share", cpu.user_share());
            o.put("messages_per_s", d / ((t1.max(t0 + 1) - t0) as f64 / 1e9));
            check(&mut o, &eng, k * h);
        }
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
