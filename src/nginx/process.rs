//! This process among nginx's processes, and nginx's cached clock.
//!
//! Asked by everybody, all of it a read of a global of nginx; only [`is_alive`] is a system call.

#![expect(unsafe_code, reason = "reads nginx's globals")]

use core::ffi::c_int;
use core::ptr;

use nginx_sys::{
    NGX_PROCESS_SINGLE, NGX_PROCESS_WORKER, ngx_core_conf_t, ngx_core_module, ngx_current_msec,
    ngx_cycle, ngx_cycle_t, ngx_exiting, ngx_pid, ngx_process, ngx_process_slot, ngx_terminate,
    ngx_test_config, ngx_time, ngx_uint_t,
};

/// Whether this process serves requests. False in the master and in the cache manager and loader,
/// whose `init_process` runs too.
pub(crate) fn is_worker() -> bool {
    // SAFETY: set before any callback runs (callback contract, point 7).
    let process = unsafe { ngx_process };
    process == NGX_PROCESS_WORKER as ngx_uint_t || process == NGX_PROCESS_SINGLE as ngx_uint_t
}

/// Whether nginx only tests its configuration (`nginx -t`): nothing may have side effects then.
pub(crate) fn is_configuration_test() -> bool {
    // SAFETY: set while the command line is read.
    unsafe { ngx_test_config != 0 }
}

/// The number that tells this process from the other live processes of the same master, across
/// reloads. (`ngx_worker` does not: old and new workers overlap while a reload goes on.)
pub(crate) fn process_slot() -> usize {
    // SAFETY: set before the fork that made this process (callback contract, point 7).
    usize::try_from(unsafe { ngx_process_slot }).unwrap_or_default()
}

/// The id of this process.
pub(crate) fn pid() -> u32 {
    // SAFETY: set at the start of each process (callback contract, point 7).
    u32::try_from(unsafe { ngx_pid }).unwrap_or_default()
}

/// Whether a process with this id exists. One system call; a process of another user counts as alive,
/// and so does one that has died and has not been waited for.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(pid) = c_int::try_from(pid) else { return false };
    if pid <= 0 {
        return false;
    }
    // SAFETY: signal 0 only asks whether the process could be signalled.
    let answer = unsafe { libc::kill(pid, 0) };
    answer == 0 || std::io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
}

/// Whether this process has been told to leave, be it at once or when its requests have ended.
pub(crate) fn leaves() -> bool {
    // SAFETY: set by nginx's signal handlers, on this thread.
    unsafe { ngx_exiting != 0 || ngx_terminate != 0 }
}

/// The machine's name as nginx knows it (`$hostname`).
pub(crate) fn hostname() -> &'static [u8] {
    // SAFETY: `ngx_cycle` is set, its strings live as long as it does, which in a worker is as long
    // as the process (callback contract, points 6 and 7).
    unsafe {
        let name = &(*ngx_cycle).hostname;
        if name.data.is_null() { &[] } else { core::slice::from_raw_parts(name.data, name.len) }
    }
}

/// Seconds since 1970 from nginx's clock, which is read once per turn of the event loop.
pub(crate) fn now() -> u32 {
    u32::try_from(ngx_time()).unwrap_or_default()
}

/// Milliseconds of nginx's monotonic clock, read once per turn of the event loop. The origin is
/// arbitrary; it is what timers count in.
pub(crate) fn now_msec() -> u64 {
    // SAFETY: a word that only this thread writes (callback contract, points 1 and 7).
    unsafe { ngx_current_msec as u64 }
}

/// Microseconds of the machine's monotonic clock, read now: some 30 ns, without a system call. All processes see the same.
pub(crate) fn now_micros() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to `now`; this clock is always there.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u64::try_from(now.tv_nsec).unwrap_or_default();
    seconds.wrapping_mul(1_000_000).wrapping_add(nanos / 1000)
}

/// How many workers the current configuration asks for; 1 without a master process.
pub(crate) fn worker_processes() -> usize {
    // SAFETY: set and live (callback contract, point 7).
    unsafe { worker_processes_of(ptr::from_ref(&*ngx_cycle)) }
}

/// # Safety
///
/// `cycle` is a live cycle whose configuration has been read.
pub(super) unsafe fn worker_processes_of(cycle: *const ngx_cycle_t) -> usize {
    // SAFETY: as the caller promises.
    let workers = unsafe { core_conf(cycle) }.map_or(1, |core| core.worker_processes);
    usize::try_from(workers).unwrap_or_default().max(1)
}

/// How long nginx waits for a worker that leaves (`worker_shutdown_timeout`), in milliseconds; `None`: for ever.
pub(crate) fn shutdown_timeout() -> Option<u64> {
    // SAFETY: set and live (callback contract, point 7).
    let core = unsafe { core_conf(ptr::from_ref(&*ngx_cycle)) };
    core.map(|core| core.shutdown_timeout as u64).filter(|msec| *msec > 0)
}

/// # Safety
///
/// `cycle` is a live cycle whose configuration has been read.
unsafe fn core_conf<'c>(cycle: *const ngx_cycle_t) -> Option<&'c ngx_core_conf_t> {
    // SAFETY: after reading, `conf_ctx` has an entry per module; the core module's is its conf.
    unsafe {
        let all = (*cycle).conf_ctx;
        if all.is_null() {
            return None;
        }
        (*all.add(ngx_core_module.index)).cast::<ngx_core_conf_t>().as_ref()
    }
}
