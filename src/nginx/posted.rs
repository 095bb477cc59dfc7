//! Work put off to the end of this turn of the event loop, or to the next one.
//!
//! nginx runs posted events after it has handled the events and timers of a turn. Posting twice before
//! the function has run calls it once: that is how a burst of publishes becomes one delivery.
//!
//! Two traps. nginx does not look at [`Posted::post`]'s queue before it goes to sleep: what is posted
//! outside of an event or a timer (in `init_process`) may wait for the next event; use
//! [`Posted::post_next`] there. And the worker's notice to leave comes outside of events too; what is
//! posted in it is run by [`notify`](super::notify) before the worker may exit.

#![expect(unsafe_code, reason = "puts an event into nginx's queues of posted events")]

use core::cell::UnsafeCell;
use core::mem;

use nginx_sys::{
    ngx_cycle, ngx_delete_posted_event, ngx_event_t, ngx_post_event, ngx_posted_events,
    ngx_posted_next_events,
};

/// A function that can be posted. Dropping it takes it back.
///
/// # Invariants
///
/// The event's address does not change while it is in a queue: it lives in a box.
pub(crate) struct Posted(Box<UnsafeCell<Inner>>);

#[repr(C)]
struct Inner {
    event: ngx_event_t,
    call: fn(),
}

impl Posted {
    /// `call` runs in the event loop; it may post itself again.
    pub(crate) fn new(call: fn()) -> Self {
        // SAFETY: all zeroes are an event that is in no queue and no tree.
        let mut event: ngx_event_t = unsafe { mem::zeroed() };
        event.handler = Some(run);
        let posted = Self(Box::new(UnsafeCell::new(Inner { event, call })));
        // SAFETY: nobody else knows the box yet; the pointer stays inside it.
        unsafe { (*posted.0.get()).event.data = posted.0.get().cast() };
        posted
    }

    /// Runs the function at the end of this turn, or, if this is the end, right after what is
    /// posted already.
    pub(crate) fn post(&self) {
        // SAFETY: the event lives in the box; the queue is set up (callback contract, point 7).
        unsafe {
            (*self.event()).log = (*ngx_cycle).log;
            ngx_post_event(self.event(), &raw mut ngx_posted_events);
        }
    }

    /// Runs the function at the end of the next turn, which starts without sleeping: events that are
    /// waiting come first. What is posted already stays where it is.
    pub(crate) fn post_next(&self) {
        // SAFETY: as in `post`.
        unsafe {
            (*self.event()).log = (*ngx_cycle).log;
            ngx_post_event(self.event(), &raw mut ngx_posted_next_events);
        }
    }

    fn event(&self) -> *mut ngx_event_t {
        // SAFETY: only computes an address inside the box.
        unsafe { &raw mut (*self.0.get()).event }
    }
}

impl Drop for Posted {
    fn drop(&mut self) {
        // SAFETY: the event lives; `posted` says whether it is in a queue.
        unsafe {
            if (*self.event()).posted() != 0 {
                ngx_delete_posted_event(self.event());
            }
        }
    }
}

/// nginx's callback: takes the event from the queue, then calls this.
unsafe extern "C" fn run(event: *mut ngx_event_t) {
    // SAFETY: only events made above have this handler, and their `data` is their `Inner`, which lives
    // while the event is in a queue.
    let call = unsafe { (*(*event).data.cast::<Inner>()).call };
    call();
}
