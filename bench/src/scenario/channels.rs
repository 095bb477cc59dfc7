//! Many channels with few subscribers each, publishing at full rate.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let proto = Proto::parse(c.s("proto", "stream")).ok_or("proto?")?;
    let (ch, k, m, size) = (c.num("c", 2000), c.num("k", 2), c.num("m", 20000), c.num("size", 256));
    let pubs = c.num("pubs", 8) as usize;
    let mut s = c.start(def, &[])?;
    let mut eng = s.engine(size as usize);
    subscribe(&mut eng, &s, proto, (ch * k) as usize, |i| (i as u64 % ch) as u32)?;
    let ps = publishers(&mut eng, &s, pubs)?;
    s.wait_idle(&mut eng);
    let paths: Vec<String> =
        (0..ch).map(|i| s.path(pub_key(c), &format!("c{i}"), 0).unwrap()).collect();
    let mut seqs = vec![0u32; ch as usize];
    let mut next: Vec<u64> = (0..pubs as u64).collect();
    let mut o = Outcome::default();
    for (round, m) in [(0, (ch.min(m / 4)).max(1)), (1, m)] {
        eng.reset_stats();
        eng.st.measure = true;
        let (c0, t0) = (s.cpu(), now_ns());
        let mut sent = 0u64;
        let end = t0 + (c.f("limit", 120.0) * 1e9) as u64;
        let ok = loop {
            for (pi, &p) in ps.iter().enumerate() {
                if sent < m && eng.conns[p].outstanding == 0 && eng.is_open(p) {
                    let x = next[pi];
                    next[pi] = if x + pubs as u64 >= ch { pi as u64 } else { x + pubs as u64 };
                    let x = x as usize % ch as usize;
                    eng.publish(p, &paths[x], x as u32, seqs[x]);
                    seqs[x] += 1;
                    sent += 1;
                }
            }
            if sent == m && eng.st.pub_done >= m && eng.st.received >= m * k {
                break true;
            }
            if now_ns() > end {
                break false;
            }
            eng.poll(if sent == m { 20 } else { 5 });
        };
        let wall = (eng.st.last_rx.max(t0 + 1) - t0) as f64 / 1e9;
        let cpu = s.cpu().since(&c0);
        if round == 1 {
            eng.drain(100);
            o.put("cpu_us_per_publish", cpu.ns as f64 / 1000.0 / m as f64);
            o.put("user_share", cpu.user_share());
            o.put("publishes_per_s", m as f64 / wall);
            latency(&mut o, &eng);
            check(&mut o, &eng, m * k);
            if !ok {
                o.notes.push("not everything arrived within the limit".into());
            }
        }
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
