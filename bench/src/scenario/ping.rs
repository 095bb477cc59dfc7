//! Keep-alive pings to idle subscribers, one a second each.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let proto = Proto::parse(c.s("proto", "sse")).ok_or("proto?")?;
    let (n, secs) = (c.num("n", 5000), c.num("secs", 6));
    let conf = def.get("ping.conf").ok_or("no ping.conf")?.replace("{s}", "1");
    let mut s = c.start(def, &[("server_extra", conf)])?;
    let mut eng = s.engine(256);
    subscribe(&mut eng, &s, proto, n as usize, |_| 0)?;
    eng.drain(1500);
    eng.reset_stats();
    let (c0, t0) = (s.cpu(), now_ns());
    eng.drain(secs * 1000);
    let wall = (now_ns() - t0) as f64 / 1e9;
    let cpu = s.cpu().since(&c0);
    let mut o = Outcome::default();
    o.put("cpu_us_per_subscriber_second", cpu.ns as f64 / 1000.0 / (n as f64 * wall));
    o.put("user_share", cpu.user_share());
    o.put("bytes_per_subscriber_second", eng.st.bytes as f64 / (n as f64 * wall));
    o.put("ended", eng.st.ended as f64);
    o.notes.extend(s.complaints());
    eng.close_all();
    s.stop();
    Ok(o)
}
