//! Subscribe and disconnect, over and over.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (k, cycles, ch) = (c.num("k", 32), c.num("cycles", 20000), c.num("c", 1));
    let mut s = c.start(def, &[])?;
    let mut eng = s.engine(256);
    let proto = "sub.stream";
    let ids: Vec<usize> = (0..k)
        .map(|i| {
            let x = (i % ch) as u32;
            let p = s.path(proto, &format!("c{x}"), 0).unwrap();
            eng.add(Proto::Churn, s.port, &p, x)
        })
        .collect();
    let mut o = Outcome::default();
    let mut m0 = Mem::default();
    for (round, cycles) in [(0, cycles / 5), (1, cycles)] {
        eng.reset_stats();
        eng.churning = true;
        let (c0, t0) = (s.cpu(), now_ns());
        for &i in &ids {
            if !eng.is_open(i) {
                eng.open(i);
            }
        }
        let end = t0 + (c.f("limit", 60.0) * 1e9) as u64;
        while eng.st.cycles < cycles && now_ns() < end {
            eng.poll(5);
        }
        eng.churning = false;
        let wall = (now_ns() - t0) as f64 / 1e9;
        let got = (eng.st.cycles as f64).max(1.0);
        eng.drain(200);
        let cpu = s.cpu().since(&c0);
        if round == 0 {
            m0 = s.mem();
        } else {
            o.put("cpu_us_per_cycle", cpu.ns as f64 / 1000.0 / got);
            o.put("user_share", cpu.user_share());
            o.put("cycles_per_s", got / wall);
            s.wait_idle(&mut eng);
            let m1 = s.mem();
            o.put("growth_kib", (m1.pss as f64 - m0.pss as f64) / 1024.0);
            o.put("ended", eng.st.ended as f64);
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
