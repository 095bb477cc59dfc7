//! Publishing without subscribers.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (m, size, ch) = (c.num("m", 50000), c.num("size", 256), c.num("c", 100));
    let pubs = c.num("pubs", 8) as usize;
    let mut s = c.start(def, &[])?;
    let mut eng = s.engine(size as usize);
    let ps = publishers(&mut eng, &s, pubs)?;
    let paths: Vec<String> =
        (0..ch).map(|i| s.path(pub_key(c), &format!("c{i}"), 0).unwrap()).collect();
    let mut o = Outcome::default();
    for (round, m) in [(0, m / 10), (1, m)] {
        eng.reset_stats();
        eng.st.measure = true;
        let (c0, t0) = (s.cpu(), now_ns());
        publish_all(&mut eng, &ps, m, c.f("limit", 60.0), |i| {
            let x = (i % ch) as usize;
            (paths[x].clone(), x as u32, i as u32)
        });
        let wall = (now_ns() - t0) as f64 / 1e9;
        let cpu = s.cpu().since(&c0);
        if round == 1 {
            let d = (eng.st.pub_done as f64).max(1.0);
            o.put("cpu_us_per_request", cpu.ns as f64 / 1000.0 / d);
            o.put("user_share", cpu.user_share());
            o.put("requests_per_s", d / wall);
            o.put("p50_us", us(eng.st.pub_hist.q(0.5)));
            o.put("p99_us", us(eng.st.pub_hist.q(0.99)));
            o.put("lost", m as f64 - d + eng.st.pub_fail as f64);
            if eng.st.bad_status > 0 {
                o.notes
                    .push(format!("{} bad statuses (last {})", eng.st.bad_status, eng.st.last_bad));
            }
        }
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
