//! Waking another worker: "look, there is something for you".
//!
//! One eventfd per process slot of nginx, made in the master, so every worker of every generation has
//! inherited all of them; a worker listens on the one of its own slot. A wake-up carries no data, and
//! several before the worker looks are one. Cost: a `write` for who wakes, an epoll event and a `read`
//! for who is woken, about 35 µs from one to the other.
//!
//! What a slot's eventfd counts survives the worker in it: a successor may be woken once for nothing.
//! A slot beyond those that were made when a worker forked cannot be woken by it ([`wake`] says so);
//! such a worker has to look by itself from time to time.
//!
//! The listening connection is marked idle, which is how a worker hears that it shall leave: nginx calls
//! the handlers of idle connections then. Everything has to be ended in that call: the worker exits
//! as soon as no timer holds it.

#![expect(unsafe_code, reason = "puts a descriptor on nginx's event loop")]

use core::cell::Cell;
use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, Ordering};
use std::io;

use nginx_sys::{
    NGX_MAX_PROCESSES, NGX_OK, ngx_connection_t, ngx_cycle, ngx_event_process_posted, ngx_event_t,
    ngx_free_connection, ngx_get_connection, ngx_handle_read_event, ngx_int_t, ngx_posted_events,
};

use super::local::Local;
use super::log::{self, Log};
use super::process;

/// No eventfd has been made for the slot.
const NONE: c_int = -1;

/// The eventfd of each process slot. Written in the master, inherited by fork.
static DESCRIPTORS: [AtomicI32; NGX_MAX_PROCESSES as usize] =
    [const { AtomicI32::new(NONE) }; NGX_MAX_PROCESSES as usize];

#[derive(Clone, Copy)]
struct Listener {
    on_wake: fn(),
    on_shutdown: fn(),
}

/// Whom to call in this worker.
static LISTENER: Local<Cell<Option<Listener>>> = Local::new(Cell::new(None));

/// Makes eventfds for the slots below `count` that have none yet. In the master, before workers are
/// forked; does nothing when the configuration is only tested.
pub(crate) fn create(count: usize) -> io::Result<()> {
    if process::is_configuration_test() {
        return Ok(());
    }
    for descriptor in DESCRIPTORS.iter().take(count) {
        if descriptor.load(Ordering::Relaxed) == NONE {
            // SAFETY: no memory is involved.
            let made = unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) };
            if made < 0 {
                return Err(io::Error::last_os_error());
            }
            descriptor.store(made, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Wakes the process in that slot. `false` if this process has no eventfd for it.
pub(crate) fn wake(process_slot: usize) -> bool {
    let Some(descriptor) = descriptor_of(process_slot) else { return false };
    let one = 1_u64.to_ne_bytes();
    // SAFETY: reads eight bytes of `one`. The only failure of a write to a live eventfd is EAGAIN, when
    // it has counted 2^64 - 2 wake-ups: then it is readable anyway.
    unsafe { libc::write(descriptor, one.as_ptr().cast(), one.len()) };
    true
}

/// Wakes every process that listens: somebody may owe them a wake-up and be dead.
pub(crate) fn wake_all() {
    for slot in 0..DESCRIPTORS.len() {
        wake(slot);
    }
}

/// Listens for wake-ups of this worker. Both functions run in the event loop; `on_shutdown` once, when
/// the worker has been told to leave gracefully: what it does not end synchronously, or by events
/// posted to the current turn, is cut off. `Ok(false)` if this slot has no eventfd.
pub(crate) fn listen(on_wake: fn(), on_shutdown: fn()) -> Result<bool, NotListening> {
    let Some(descriptor) = descriptor_of(process::process_slot()) else { return Ok(false) };
    LISTENER.set(Some(Listener { on_wake, on_shutdown }));
    // SAFETY: `ngx_cycle` is this worker's cycle, its event module is initialised before ours (callback
    // contract, point 7). A connection has both events.
    unsafe {
        let log = (*ngx_cycle).log;
        let connection = ngx_get_connection(descriptor, log);
        let Some(c) = connection.as_mut() else { return Err(NotListening) };
        c.set_idle(1);
        c.log = log;
        (*c.read).set_channel(1); // else nginx complains about an open socket at exit
        (*c.read).handler = Some(on_event);
        (*c.read).log = log;
        (*c.write).handler = Some(on_nothing);
        (*c.write).log = log;
        if ngx_handle_read_event(c.read, 0) != NGX_OK as ngx_int_t {
            ngx_free_connection(connection);
            return Err(NotListening);
        }
    }
    Ok(true)
}

/// The worker has no connection left for its wake-ups; nginx has logged it.
#[derive(Debug)]
pub(crate) struct NotListening;

fn descriptor_of(slot: usize) -> Option<c_int> {
    let descriptor = DESCRIPTORS.get(slot)?.load(Ordering::Relaxed);
    (descriptor != NONE).then_some(descriptor)
}

/// nginx's callback: the eventfd can be read, or the worker shall leave.
unsafe extern "C" fn on_event(event: *mut ngx_event_t) {
    let Some(listener) = LISTENER.get() else { return };
    // SAFETY: the event is the read event of the connection made above, which is never closed.
    let connection = unsafe { &mut *(*event).data.cast::<ngx_connection_t>() };
    if connection.close() != 0 {
        connection.set_close(0);
        connection.set_idle(0);
        (listener.on_shutdown)();
        // nginx looks whether it may exit before it runs posted events again; ended HTTP/2 connections
        // are closed by such events.
        // SAFETY: called between two turns of the event loop, never from inside a posted event.
        unsafe { ngx_event_process_posted(ngx_cycle, &raw mut ngx_posted_events) };
        return;
    }
    drain(connection.fd);
    (listener.on_wake)();
    // SAFETY: as above; level-triggered methods want to be told again.
    let result = unsafe { ngx_handle_read_event(event, 0) };
    if result != NGX_OK as ngx_int_t {
        log::alert!(Log::cycle(), "this worker cannot be woken any more");
    }
}

/// Sets the count back to zero. One read does it: an eventfd gives all it has counted.
fn drain(descriptor: c_int) {
    let mut counted = [0_u8; size_of::<u64>()];
    loop {
        // SAFETY: writes at most eight bytes into `counted`.
        let read = unsafe { libc::read(descriptor, counted.as_mut_ptr().cast(), counted.len()) };
        if read >= 0 || io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return;
        }
    }
}

/// An eventfd is always writable: nobody asks for that event.
unsafe extern "C" fn on_nothing(_event: *mut ngx_event_t) {}
