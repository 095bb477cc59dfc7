//! Many channels with a stored message each: what holding them costs, and whether the
//! sweeps delay a steady stream of messages to one subscriber.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (ch, secs, rate) = (c.num("c", 100000), c.num("secs", 10), c.num("rate", 500));
    let mut s = c.start(def, &[])?;
    let mut eng = s.engine(256);
    let ps = publishers(&mut eng, &s, 8)?;
    let m0 = s.mem();
    let (c0, t0) = (s.cpu(), now_ns());
    create(&mut eng, &s, &ps, ch)?;
    let mut o = Outcome::default();
    o.put("create_cpu_us_per_channel", s.cpu().since(&c0).ns as f64 / 1000.0 / ch as f64);
    o.put("creates_per_s", ch as f64 / ((now_ns() - t0) as f64 / 1e9));
    s.wait_idle(&mut eng);
    o.put("bytes_per_channel", (s.mem().pss as f64 - m0.pss as f64) / ch as f64);
    let (c1, t1) = (s.cpu(), now_ns());
    eng.drain(secs * 1000);
    o.put("idle_cpu_ms_per_s", s.cpu().since(&c1).ns as f64 / 1e6 / ((now_ns() - t1) as f64 / 1e9));
    subscribe(&mut eng, &s, Proto::Stream, 1, |_| 0)?;
    s.wait_idle(&mut eng);
    eng.reset_stats();
    eng.st.measure = true;
    let path = s.path("pub.store", "c0", 0).unwrap();
    let t2 = now_ns();
    let mut k = 0u64;
    while k < secs * rate {
        let due = t2 + k * 1_000_000_000 / rate;
        if now_ns() >= due && eng.conns[ps[0]].outstanding == 0 {
            eng.publish(ps[0], &path, 0, k as u32);
            k += 1;
        }
        eng.poll(if now_ns() < due { 1 } else { 0 });
        if now_ns() > t2 + (secs + 20) * 1_000_000_000 {
            break;
        }
    }
    eng.drain(300);
    latency(&mut o, &eng);
    check(&mut o, &eng, k);
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
