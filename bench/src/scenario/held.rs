//! Many channels: what creating one, publishing to one and subscribing to one costs beside the others.
use super::*;

/// Neighbours in number lie far apart: the next channel is in no cache. A prime, so that all come once.
const STRIDE: u64 = 2_654_435_761;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let (ch, m, k, secs) =
        (c.num("c", 100000), c.num("m", 20000), c.num("k", 1000), c.num("secs", 3));
    // a publish drops the message before it, so all cost the same and the zone stays as it is
    let mut s = c.start(def, &[("stored", "1".into())])?;
    let mut eng = s.engine(c.num("size", 256) as usize);
    let ps = publishers(&mut eng, &s, 8)?;
    let mut o = Outcome::default();
    let us_each = |s: &Server, since: &Cpu, n: u64| us(s.cpu().since(since).ns) / n as f64;
    let nth = |i: u64| i * STRIDE % ch + 1;
    let path = |x: u64| s.path("pub.store", &format!("c{x}"), 0).unwrap();

    let (m0, c0) = (s.mem(), s.cpu());
    create(&mut eng, &s, &ps, ch)?;
    if ch >= k {
        o.put("cpu_us_per_create", us_each(&s, &c0, ch));
    }
    s.wait_idle(&mut eng);
    if ch >= k {
        o.put("bytes_per_channel", (s.mem().pss as f64 - m0.pss as f64) / ch as f64);
    }
    let (c1, t1) = (s.cpu(), now_ns());
    eng.drain(secs * 1000);
    o.put("idle_cpu_ms_per_s", us(s.cpu().since(&c1).ns) / 1e3 / ((now_ns() - t1) as f64 / 1e9));

    let c2 = s.cpu();
    let number = |i: u64| i as u32 + 1;
    let taken = publish_all(&mut eng, &ps, m, 60.0, |i| (path(nth(i)), nth(i) as u32, number(i)));
    if !taken || eng.st.pub_fail > 0 {
        return Err("not all publishes were taken in time".into());
    }
    o.put("cpu_us_per_publish_stored", us_each(&s, &c2, m));

    // one subscriber on each of k channels; then only these get messages
    if ch >= k {
        s.wait_idle(&mut eng);
        let c3 = s.cpu();
        subscribe(&mut eng, &s, Proto::Stream, k as usize, |i| nth(i as u64) as u32)?;
        s.wait_idle(&mut eng);
        o.put("cpu_us_per_subscribe", us_each(&s, &c3, k));
        eng.reset_stats();
        let c4 = s.cpu();
        let number = |i: u64| number(m + i);
        let nth = |i: u64| nth(i % k);
        publish_all(&mut eng, &ps, m, 60.0, |i| (path(nth(i)), nth(i) as u32, number(i)));
        o.put("cpu_us_per_publish_delivered", us_each(&s, &c4, m));
        eng.drain(200);
        check(&mut o, &eng, m);
    }
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
