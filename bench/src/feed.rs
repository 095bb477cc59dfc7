//! Publishing on one channel while its subscribers keep up: paced, pipelined, from several publishers.
use crate::engine::Engine;
use crate::sys::now_ns;

/// Publishes `m` messages on one channel over connection `p`.
/// `pace` paced: the next one when all `n` subscribers have got the last; otherwise up to
/// `depth` pipelined requests and at most `window` messages not yet delivered.
pub struct Feed {
    pub path: String,
    pub chan: u32,
    pub seq0: u32,
    pub m: u64,
    pub n: u64,
    pub paced: bool,
    pub depth: u64,
    pub window: u64,
    pub limit_s: f64,
}

pub fn feed(eng: &mut Engine, p: usize, f: &Feed) -> bool {
    let end = now_ns() + (f.limit_s * 1e9) as u64;
    let (r0, d0) = (eng.st.received, eng.st.pub_done);
    let mut sent = 0u64;
    loop {
        let got = eng.st.received - r0;
        let done = eng.st.pub_done - d0;
        if sent == f.m && done >= f.m && got >= f.m * f.n {
            return true;
        }
        let depth = if f.paced { 1 } else { f.depth };
        let window = if f.paced { 1 } else { f.window };
        while sent < f.m
            && sent - done < depth
            && (f.n == 0 || (sent + 1 - window.min(sent + 1)) * f.n <= got)
            && eng.is_open(p)
        {
            eng.publish(p, &f.path, f.chan, f.seq0 + sent as u32);
            sent += 1;
        }
        eng.poll(if sent == f.m { 20 } else { 5 });
        if now_ns() > end || !eng.is_open(p) {
            return false;
        }
    }
}

/// Several publishers, each sending its next message when the last was answered. `target` names the
/// path, the channel and the number of the i-th message. False when not all were answered in time.
pub fn publish_all(
    eng: &mut Engine,
    ps: &[usize],
    m: u64,
    limit_s: f64,
    mut target: impl FnMut(u64) -> (String, u32, u32),
) -> bool {
    let end = now_ns() + (limit_s * 1e9) as u64;
    let (mut sent, d0) = (0, eng.st.pub_done);
    while eng.st.pub_done - d0 < m && now_ns() < end {
        for &p in ps {
            if sent < m && eng.conns[p].outstanding == 0 && eng.is_open(p) {
                let (path, chan, seq) = target(sent);
                eng.publish(p, &path, chan, seq);
                sent += 1;
            }
        }
        eng.poll(5);
    }
    eng.st.pub_done - d0 >= m
}

/// Several publishers on one channel, each sending its next message when the last was
/// answered. The order between them is open, so the caller checks counts only.
pub fn feed_multi(eng: &mut Engine, ps: &[usize], f: &Feed) -> bool {
    let end = now_ns() + (f.limit_s * 1e9) as u64;
    let (r0, d0) = (eng.st.received, eng.st.pub_done);
    let mut sent = 0u64;
    loop {
        let got = eng.st.received - r0;
        if sent == f.m && eng.st.pub_done - d0 >= f.m && got >= f.m * f.n {
            return true;
        }
        for &p in ps {
            let room = (sent + 1).saturating_sub(f.window) * f.n <= got;
            if sent < f.m && room && eng.conns[p].outstanding == 0 && eng.is_open(p) {
                eng.publish(p, &f.path, f.chan, f.seq0 + sent as u32);
                sent += 1;
            }
        }
        eng.poll(if sent == f.m { 20 } else { 5 });
        if now_ns() > end {
            return false;
        }
    }
}
