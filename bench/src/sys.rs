//! The system calls of the rig, and all of its unsafe code but the floor's io_uring. File
//! descriptors are plain numbers, as epoll's events hold them: who opens one closes it.
#![expect(unsafe_code, reason = "system calls")]
use std::io;
use std::os::fd::RawFd;
use std::sync::OnceLock;

pub use libc::epoll_event as Event;

/// Reading is worth it: data, an end or an error.
pub const READABLE: u32 =
    (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
pub const WRITABLE: u32 = libc::EPOLLOUT as u32;
/// Everything, each change once.
const EDGES: u32 = (libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLRDHUP | libc::EPOLLET) as u32;

// ---- time and processes ----

fn clock_ns(clock: libc::clockid_t) -> Option<u64> {
    let mut ts = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `ts` is a timespec that the call fills.
    let ok = unsafe { libc::clock_gettime(clock, &mut ts) } == 0;
    ok.then_some(ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64)
}

pub fn now_ns() -> u64 {
    clock_ns(libc::CLOCK_MONOTONIC).unwrap_or(0)
}

/// The exact run time of a process; 0 when it is gone.
pub fn process_ns(pid: i32) -> u64 {
    // the kernel's MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED)
    clock_ns((!pid << 3) | 2).unwrap_or(0)
}

pub fn self_cpu_ns() -> u64 {
    clock_ns(libc::CLOCK_PROCESS_CPUTIME_ID).unwrap_or(0)
}

pub fn sleep_ms(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}

/// Raises the limit of open files as far as it goes, and ignores SIGPIPE.
pub fn raise_nofile(want: u64) {
    let mut limit = libc::rlimit { rlim_cur: want, rlim_max: want };
    // SAFETY: `limit` is a rlimit, read by setrlimit and filled by getrlimit; SIG_IGN is a handler.
    unsafe {
        if libc::setrlimit(libc::RLIMIT_NOFILE, &limit) != 0
            && libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) == 0
        {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_IGN);
    }
}

/// CPU seconds of this process and of its ended children, with theirs.
pub fn run_time() -> f64 {
    let mut sum = 0.0;
    for who in [libc::RUSAGE_SELF, libc::RUSAGE_CHILDREN] {
        // SAFETY: a rusage is numbers, zeros are fine; the call fills it.
        let usage = unsafe {
            let mut usage: libc::rusage = std::mem::zeroed();
            libc::getrusage(who, &mut usage);
            usage
        };
        for time in [usage.ru_utime, usage.ru_stime] {
            sum += time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
        }
    }
    sum
}

/// The unit of the times in /proc.
pub fn ticks_per_second() -> f64 {
    // SAFETY: no pointers.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

pub fn is_root() -> bool {
    // SAFETY: no pointers.
    unsafe { libc::geteuid() == 0 }
}

/// Signals a process that this program has started.
pub fn kill(pid: i32, signal: i32) {
    // SAFETY: no pointers.
    unsafe { libc::kill(pid, signal) };
}

/// Ends this process when its parent ends.
pub fn end_with_parent() {
    // SAFETY: the option takes a signal's number.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) };
}

/// The CPUs that this process was allowed when it started.
fn allowed() -> &'static libc::cpu_set_t {
    static ALLOWED: OnceLock<libc::cpu_set_t> = OnceLock::new();
    // SAFETY: a cpu_set_t is bits, zeros are fine; the call fills it, its size is given.
    ALLOWED.get_or_init(|| unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set);
        set
    })
}

/// How many CPUs there are for the rig and its servers.
pub fn cpus() -> usize {
    // SAFETY: the set is a valid reference.
    unsafe { libc::CPU_COUNT(allowed()) as usize }
}

/// Binds this process, and what it starts from now on, to the n-th of its CPUs; `None`, and where
/// there are fewer: to all of them.
pub fn pin(n: Option<usize>) {
    let mut set = *allowed();
    // SAFETY: the numbers are below CPU_SETSIZE; the call reads a set whose size is given.
    unsafe {
        let mut cpus = (0..libc::CPU_SETSIZE as usize).filter(|&n| libc::CPU_ISSET(n, allowed()));
        if let Some(cpu) = n.and_then(|n| cpus.nth(n)) {
            libc::CPU_ZERO(&mut set);
            libc::CPU_SET(cpu, &mut set);
        }
        libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set);
    }
}

// ---- sockets ----

pub fn errno() -> i32 {
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// An address of 127.0.0.0/8.
fn address(ip: [u8; 4], port: u16) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes(ip) },
        sin_zero: [0; 8],
    }
}

pub fn setopt(fd: RawFd, level: i32, name: i32, value: i32) {
    // SAFETY: the value is an int, and so long.
    unsafe { libc::setsockopt(fd, level, name, (&raw const value).cast(), 4) };
}

/// A new TCP socket that never blocks, made ready by `prepare`; closed again when that fails.
fn socket(prepare: impl FnOnce(RawFd) -> bool) -> io::Result<RawFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let fd = unsafe { libc::socket(libc::AF_INET, kind, 0) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    if prepare(fd) {
        return Ok(fd);
    }
    let error = io::Error::last_os_error();
    close(fd);
    Err(error)
}

fn bind(fd: RawFd, ip: [u8; 4], port: u16) -> bool {
    let address = address(ip, port);
    // SAFETY: a sockaddr_in is 16 bytes.
    unsafe { libc::bind(fd, (&raw const address).cast(), 16) == 0 }
}

/// Starts to connect from `source` (an address of 127.0.0.0/8) to 127.0.0.1:port.
pub fn connect_nb(source: [u8; 4], port: u16, rcvbuf: i32) -> io::Result<RawFd> {
    socket(|fd| {
        setopt(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
        setopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1);
        if rcvbuf > 0 {
            setopt(fd, libc::SOL_SOCKET, libc::SO_RCVBUF, rcvbuf);
        }
        let to = address([127, 0, 0, 1], port);
        // SAFETY: a sockaddr_in is 16 bytes.
        let connected = || unsafe { libc::connect(fd, (&raw const to).cast(), 16) == 0 };
        bind(fd, source, 0) && (connected() || errno() == libc::EINPROGRESS)
    })
}

pub fn listen_nb(port: u16, backlog: i32) -> io::Result<RawFd> {
    socket(|fd| {
        setopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1);
        // SAFETY: no pointers.
        bind(fd, [127, 0, 0, 1], port) && unsafe { libc::listen(fd, backlog) == 0 }
    })
}

pub fn port_free(port: u16) -> bool {
    listen_nb(port, 1).map(close).is_ok()
}

/// The next waiting connection.
pub fn accept_nb(listener: RawFd) -> Option<RawFd> {
    let (none, flags) = (std::ptr::null_mut(), libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC);
    // SAFETY: without an address to fill, both pointers may be null.
    let fd = unsafe { libc::accept4(listener, none, std::ptr::null_mut(), flags) };
    (fd >= 0).then_some(fd)
}

pub fn close(fd: RawFd) {
    // SAFETY: no pointers; the caller has opened it and forgets it.
    unsafe { libc::close(fd) };
}

/// Closes with RST so that big scenarios leave no TIME_WAIT behind.
pub fn close_rst(fd: RawFd) {
    let linger = libc::linger { l_onoff: 1, l_linger: 0 };
    // SAFETY: a linger is 8 bytes.
    unsafe {
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_LINGER, (&raw const linger).cast(), 8);
    }
    close(fd);
}

/// Sends what goes now; how many bytes that were, 0 on an error.
#[inline]
pub fn send(fd: RawFd, data: &[u8]) -> usize {
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the bytes of the slice.
    let n = unsafe { libc::send(fd, data.as_ptr().cast(), data.len(), flags) };
    n.max(0) as usize
}

/// The same in one call for three pieces.
#[inline]
pub fn send3(fd: RawFd, data: [&[u8]; 3]) -> usize {
    let pieces =
        data.map(|p| libc::iovec { iov_base: p.as_ptr().cast_mut().cast(), iov_len: p.len() });
    // SAFETY: three pieces, each the bytes of a slice; writev only reads them.
    let n = unsafe { libc::writev(fd, pieces.as_ptr(), 3) };
    n.max(0) as usize
}

/// Reads what is there; `Some(0)` is the end, `None` nothing yet.
#[inline]
pub fn recv(fd: RawFd, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    let (to, room) = (buffer.as_mut_ptr().cast(), buffer.len());
    // SAFETY: fills at most the slice.
    let n = unsafe { libc::recv(fd, to, room, libc::MSG_DONTWAIT) };
    match n {
        0.. => Ok(Some(n as usize)),
        _ if matches!(errno(), libc::EAGAIN | libc::EINTR) => Ok(None),
        _ => Err(io::Error::last_os_error()),
    }
}

pub fn epoll() -> RawFd {
    // SAFETY: no pointers.
    unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) }
}

/// Watches a connection for every change (edge-triggered); its events carry `data`.
pub fn watch(epoll: RawFd, fd: RawFd, data: u64) {
    control(epoll, fd, EDGES, data);
}

/// Watches a listening socket for as long as connections wait.
pub fn watch_listener(epoll: RawFd, fd: RawFd, data: u64) {
    control(epoll, fd, libc::EPOLLIN as u32, data);
}

fn control(epoll: RawFd, fd: RawFd, events: u32, data: u64) {
    let mut event = Event { events, u64: data };
    // SAFETY: the event is read during the call only.
    unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event) };
}

/// Waits for events, -1: without an end; how many there are.
#[inline]
pub fn wait(epoll: RawFd, events: &mut [Event], timeout_ms: i32) -> usize {
    let room = events.len() as i32;
    // SAFETY: fills at most the slice.
    let n = unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), room, timeout_ms) };
    n.max(0) as usize
}
