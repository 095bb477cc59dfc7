//! Memory: bytes an idle subscriber, a channel, a stored message.
use super::*;

pub(super) fn run(c: &Ctx, def: &Def) -> Result<Outcome, String> {
    let proto = Proto::parse(c.s("proto", "stream")).ok_or("proto?")?;
    let n = c.num("n", 10000) as usize;
    let stored = c.num("messages", 20000);
    let mut o = Outcome::default();
    let mut per_sub = 0.0;
    let what = c.s("what", "subscriber,channel,message");
    let wanted = |part: &str| what.split(',').any(|name| name == part);
    // a: all on one channel; b: each on its own channel
    for own in [false, true] {
        if own && !wanted("channel") {
            continue;
        }
        let mut s = c.start(def, &[])?;
        let mut eng = s.engine(256);
        subscribe(&mut eng, &s, proto, 50, |_| 60000)?;
        s.wait_idle(&mut eng);
        let (m0, c0) = (s.mem(), s.cpu());
        subscribe(&mut eng, &s, proto, n, |i| if own { i as u32 } else { 60000 })?;
        s.wait_idle(&mut eng);
        let (m1, c1) = (s.mem(), s.cpu());
        let d = |a: u64, b: u64| (b as f64 - a as f64) / n as f64;
        if !own {
            per_sub = d(m0.pss, m1.pss);
            o.put("base_mib", m0.pss as f64 / 1048576.0);
            o.put("bytes_per_subscriber", per_sub);
            o.put("of_it_private", d(m0.anon, m1.anon));
            o.put("of_it_shared", d(m0.shmem, m1.shmem));
            o.put("cpu_us_per_subscribe", c1.since(&c0).ns as f64 / 1000.0 / n as f64);
        } else {
            o.put("bytes_per_channel", d(m0.pss, m1.pss) - per_sub);
        }
        if eng.st.ended > 0 || eng.st.bad_status > 0 {
            o.notes.push(format!("{} ended, {} bad statuses", eng.st.ended, eng.st.bad_status));
        }
        o.notes.extend(s.complaints());
        eng.close_all();
        s.stop();
    }
    for (name, ch) in [("bytes_per_stored_message", 1u64), ("bytes_per_msg_1000ch", 1000)] {
        if !wanted("message") {
            continue;
        }
        let mut s = c.start(def, &[("stored", (stored + 100).to_string())])?;
        let mut eng = s.engine(256);
        let ps = publishers(&mut eng, &s, 4)?;
        let run = |eng: &mut Engine, m: u64, at: u64| {
            publish_all(eng, &ps, m, 60.0, |i| {
                let x = (at + i) % ch;
                let path = s.path("pub.store", &format!("c{x}"), 0).unwrap();
                (path, x as u32, (at + i) as u32)
            });
        };
        run(&mut eng, ch.max(200), 0);
        s.wait_idle(&mut eng);
        let m0 = s.mem();
        run(&mut eng, stored, ch.max(200));
        s.wait_idle(&mut eng);
        let m1 = s.mem();
        o.put(name, (m1.pss as f64 - m0.pss as f64) / stored as f64);
        if eng.st.pub_fail > 0 {
            o.notes
                .push(format!("{} publishes failed (status {})", eng.st.pub_fail, eng.st.last_bad));
        }
        o.notes.extend(s.complaints());
        eng.close_all();
        s.stop();
    }
    Ok(o)
}
