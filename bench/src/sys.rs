//! Thin wrappers over the system calls and /proc files which the rig needs.
use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::RawFd;

pub fn now_ns() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

pub fn sleep_ms(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}

/// Raises the open-file limit as far as root may (fs.nr_open).
pub fn raise_nofile(want: u64) {
    unsafe {
        let r = libc::rlimit { rlim_cur: want, rlim_max: want };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &r) != 0 {
            let mut cur: libc::rlimit = std::mem::zeroed();
            libc::getrlimit(libc::RLIMIT_NOFILE, &mut cur);
            cur.rlim_cur = cur.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &cur);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

pub fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

pub fn addr(a: [u8; 4], port: u16) -> libc::sockaddr_in {
    let mut s: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    s.sin_family = libc::AF_INET as u16;
    s.sin_port = port.to_be();
    s.sin_addr.s_addr = u32::from_ne_bytes(a);
    s
}

pub fn setopt(fd: RawFd, level: i32, name: i32, v: i32) {
    unsafe {
        libc::setsockopt(fd, level, name, &v as *const i32 as *const _, 4);
    }
}

const IP_BIND_ADDRESS_NO_PORT: i32 = 24;

/// Starts a non-blocking connect from `src` (a 127.0.0.0/8 address) to 127.0.0.1:port.
pub fn connect_nb(src: [u8; 4], port: u16, rcvbuf: i32) -> io::Result<RawFd> {
    unsafe {
        let fd = libc::socket(
            libc::AF_INET,
            libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
            0,
        );
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        setopt(fd, libc::IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        setopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
        if rcvbuf > 0 {
            setopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, rcvbuf);
        }
        let s = addr(src, 0);
        if libc::bind(fd, &s as *const _ as *const _, 16) != 0 {
            let e = io::Error::last_os_error();
            libc::close(fd);
            return Err(e);
        }
        let d = addr([127, 0, 0, 1], port);
        let r = libc::connect(fd, &d as *const _ as *const _, 16);
        if r != 0 && errno() != libc::EINPROGRESS {
            let e = io::Error::last_os_error();
            libc::close(fd);
            return Err(e);
        }
        Ok(fd)
    }
}

pub fn listen_nb(port: u16, backlog: i32) -> io::Result<RawFd> {
    unsafe {
        let fd = libc::socket(
            libc::AF_INET,
            libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC,
            0,
        );
        setopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1);
        let s = addr([127, 0, 0, 1], port);
        if libc::bind(fd, &s as *const _ as *const _, 16) != 0 || libc::listen(fd, backlog) != 0 {
            let e = io::Error::last_os_error();
            libc::close(fd);
            return Err(e);
        }
        Ok(fd)
    }
}

pub fn close(fd: RawFd) {
    unsafe { libc::close(fd) };
}

/// Closes with RST so that big scenarios leave no TIME_WAIT behind.
pub fn close_rst(fd: RawFd) {
    unsafe {
        let l = libc::linger { l_onoff: 1, l_linger: 0 };
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, &l as *const _ as *const _, 8);
        libc::close(fd);
    }
}

pub fn ep_ctl(ep: RawFd, op: i32, fd: RawFd, events: u32, data: u64) {
    let mut ev = libc::epoll_event { events, u64: data };
    unsafe { libc::epoll_ctl(ep, op, fd, &mut ev) };
}

pub fn port_free(port: u16) -> bool {
    match listen_nb(port, 1) {
        Ok(fd) => {
            close(fd);
            true
        }
        Err(_) => false,
    }
}

/// All live processes below and including `root`.
pub fn tree(root: i32) -> Vec<i32> {
    let mut kids: HashMap<i32, Vec<i32>> = HashMap::new();
    if let Ok(rd) = fs::read_dir("/proc") {
        for e in rd.flatten() {
            let Some(pid) = e.file_name().to_str().and_then(|s| s.parse::<i32>().ok()) else {
                continue;
            };
            if let Ok(s) = fs::read_to_string(format!("/proc/{pid}/stat"))
                && let Some(r) = s.rfind(')') {
                    let f: Vec<&str> = s[r + 2..].split(' ').collect();
                    if let Ok(pp) = f[1].parse::<i32>() {
                        kids.entry(pp).or_default().push(pid);
                    }
                }
        }
    }
    let mut out = vec![root];
    let mut i = 0;
    while i < out.len() {
        if let Some(k) = kids.get(&out[i]) {
            out.extend(k);
        }
        i += 1;
    }
    out
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Cpu {
    /// exact run time of the processes (process CPU clock)
    pub ns: u64,
    /// user and system ticks (10 ms), for the split only
    pub user: u64,
    pub sys: u64,
}

impl Cpu {
    pub fn since(&self, o: &Cpu) -> Cpu {
        Cpu {
            ns: self.ns.saturating_sub(o.ns),
            user: self.user.saturating_sub(o.user),
            sys: self.sys.saturating_sub(o.sys),
        }
    }
    pub fn user_share(&self) -> f64 {
        let t = self.user + self.sys;
        if t == 0 { 0.0 } else { self.user as f64 / t as f64 }
    }
}

pub fn cpu(pids: &[i32]) -> Cpu {
    let mut c = Cpu::default();
    for &p in pids {
        let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)
        let clk = (!(p as i64) << 3) | 2;
        if unsafe { libc::clock_gettime(clk as i32, &mut ts) } == 0 {
            c.ns += ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64;
        }
        if let Ok(s) = fs::read_to_string(format!("/proc/{p}/stat"))
            && let Some(r) = s.rfind(')') {
                let f: Vec<&str> = s[r + 2..].split(' ').collect();
                c.user += f[11].parse::<u64>().unwrap_or(0);
                c.sys += f[12].parse::<u64>().unwrap_or(0);
            }
    }
    c
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Mem {
    pub rss: u64,
    pub pss: u64,
    pub anon: u64,
    pub shmem: u64,
}

pub fn mem(pids: &[i32]) -> Mem {
    let mut m = Mem::default();
    for &p in pids {
        if let Ok(s) = fs::read_to_string(format!("/proc/{p}/smaps_rollup")) {
            for l in s.lines() {
                let mut it = l.split_whitespace();
                let (Some(k), Some(v)) = (it.next(), it.next()) else { continue };
                let v = v.parse::<u64>().unwrap_or(0) * 1024;
                match k {
                    "Rss:" => m.rss += v,
                    "Pss:" => m.pss += v,
                    "Pss_Anon:" => m.anon += v,
                    "Pss_Shmem:" => m.shmem += v,
                    _ => {}
                }
            }
        }
    }
    m
}

/// Kernel TCP buffer memory in bytes (whole machine).
pub fn tcp_mem() -> u64 {
    let s = fs::read_to_string("/proc/net/sockstat").unwrap_or_default();
    for l in s.lines() {
        if l.starts_with("TCP:") {
            let f: Vec<&str> = l.split_whitespace().collect();
            for w in f.windows(2) {
                if w[0] == "mem" {
                    return w[1].parse::<u64>().unwrap_or(0) * 4096;
                }
            }
        }
    }
    0
}

pub fn self_cpu_ns() -> u64 {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut ts) };
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

/// The CPUs that this process was allowed when it started.
fn allowed() -> &'static libc::cpu_set_t {
    static ALLOWED: std::sync::OnceLock<libc::cpu_set_t> = std::sync::OnceLock::new();
    ALLOWED.get_or_init(|| {
        let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) };
        set
    })
}

/// How many CPUs there are for the rig and its servers.
pub fn cpus() -> usize {
    unsafe { libc::CPU_COUNT(allowed()) as usize }
}

/// Binds this process, and what it starts from now on, to the n-th of its CPUs; `None` and where
/// there are fewer: to all of them.
pub fn pin(n: Option<usize>) {
    let all = allowed();
    let mut set = *all;
    let mut cpus =
        (0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, all) });
    if let Some(cpu) = n.and_then(|n| cpus.nth(n)) {
        unsafe {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(cpu, &mut set);
        }
    }
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) };
}

/// CPU seconds of this process and of its ended children, with theirs.
pub fn run_time() -> f64 {
    let mut sum = 0.0;
    for who in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN] {
        let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
        unsafe { libc::getrusage(who, &mut usage) };
        for time in [usage.ru_utime, usage.ru_stime] {
            sum += time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        }
    }
    sum
}

/// The unit of the times in /proc.
pub fn ticks_per_second() -> f64 {
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}
