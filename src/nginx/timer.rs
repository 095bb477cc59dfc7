//! A timer of this worker that calls a function once.
//!
//! Most timers here are cancelable in nginx's sense: a worker that has been told to leave does not wait
//! for them. One that is [`holding`](Timer::holding) keeps the worker until it has gone off. One timer costs two tree operations per [`Timer::set`]; it is meant for the few timers of
//! a worker, not for one per subscriber.

#![expect(unsafe_code, reason = "puts an event into nginx's timer tree")]

use core::cell::UnsafeCell;
use core::ffi::c_int;
use core::{mem, ptr};

use nginx_sys::{ngx_add_timer, ngx_cycle, ngx_del_timer, ngx_event_t, ngx_msec_t};

/// A timer. Dropping it cancels it.
///
/// # Invariants
///
/// The event's address does not change while it is in nginx's tree: it lives in a box.
pub(crate) struct Timer(Box<UnsafeCell<Inner>>);

/// The event and what nginx's debug log reads from an event's `data`: the beginning of a connection,
/// of which it prints the descriptor.
#[repr(C)]
struct Inner {
    data: *mut core::ffi::c_void,
    read: *mut ngx_event_t,
    write: *mut ngx_event_t,
    fd: c_int,
    event: ngx_event_t,
    on_expiry: fn(),
}

impl Timer {
    /// A timer that is not set. `on_expiry` runs in the event loop; it may set the timer again.
    pub(crate) fn new(on_expiry: fn()) -> Self {
        Self::with(on_expiry, true)
    }

    /// The same; a worker that has been told to leave stays as long as this is set.
    pub(crate) fn holding(on_expiry: fn()) -> Self {
        Self::with(on_expiry, false)
    }

    fn with(on_expiry: fn(), cancelable: bool) -> Self {
        // SAFETY: all zeroes are an event that is in no queue and no tree.
        let mut event: ngx_event_t = unsafe { mem::zeroed() };
        event.handler = Some(expire);
        event.set_cancelable(cancelable.into());
        let null = ptr::null_mut();
        let inner =
            Inner { data: null, read: null.cast(), write: null.cast(), fd: -1, event, on_expiry };
        let timer = Self(Box::new(UnsafeCell::new(inner)));
        // SAFETY: nobody else knows the box yet; the pointer stays inside it.
        unsafe { (*timer.0.get()).event.data = timer.0.get().cast() };
        timer
    }

    /// Calls the function in `msec` milliseconds from the start of this turn of the event loop,
    /// instead of when it was set to before.
    pub(crate) fn set(&self, msec: u64) {
        self.cancel();
        let msec =
            ngx_msec_t::try_from(msec).unwrap_or(ngx_msec_t::MAX / 4).min(ngx_msec_t::MAX / 4);
        // SAFETY: the event lives in the box and is not in the tree (cancelled above).
        unsafe {
            let event = self.event();
            (*event).log = (*ngx_cycle).log;
            ngx_add_timer(event, msec);
        }
    }

    /// Whether the function is going to be called.
    pub(crate) fn is_set(&self) -> bool {
        // SAFETY: the event lives in the box.
        unsafe { (*self.event()).timer_set() != 0 }
    }

    /// Makes sure that the function is not called.
    pub(crate) fn cancel(&self) {
        if self.is_set() {
            // SAFETY: the event is in the tree: `timer_set` says so.
            unsafe { ngx_del_timer(self.event()) };
        }
    }

    fn event(&self) -> *mut ngx_event_t {
        // SAFETY: only computes an address inside the box.
        unsafe { &raw mut (*self.0.get()).event }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// nginx's callback: takes the event from the tree, then calls this.
unsafe extern "C" fn expire(event: *mut ngx_event_t) {
    // SAFETY: only timers made above have this handler, and their `data` is their `Inner`, which lives
    // while the event is in the tree.
    let on_expiry = unsafe { (*(*event).data.cast::<Inner>()).on_expiry };
    on_expiry();
}
