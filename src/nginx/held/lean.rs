//! A held request without the request: a stream or a WebSocket that needs nothing of HTTP any more gives it back to nginx, which
//! logs it and frees its memory. The bare connection stays, with the [`Link`] in place of the request.
//!
//! Only on the plain path, where this module writes to the socket itself: nothing of nginx looks at the bytes. From then on the
//! handlers here are the connection's, and it ends as [`ending`] says; it never goes on to a next request.
//!
//! nginx frees a request while others of its functions still look at it; none of them may be on the stack when a request is
//! given back. So that is done by a posted event, see [`Lean::run`].
//!
//! Cost: freeing the request once. A `write` is what it was before.

mod ending;

use core::ptr;

use nginx_sys::{
    NGX_OK, ngx_chain_t, ngx_connection_t, ngx_del_timer, ngx_event_t, ngx_handle_read_event,
    ngx_handle_write_event, ngx_http_connection_t, ngx_http_free_request, ngx_http_log_ctx_t,
    ngx_int_t, ngx_pfree, ngx_post_event, ngx_posted_events,
};
use ngx::http::{HttpModuleLocationConf, NgxHttpCoreModule};

use self::ending::close;
use super::{Held, Link};
use crate::nginx::counted::Counted;
use crate::nginx::request::{HttpVersion, Request};
use crate::nginx::wire::{Wire, has_plain_connection};

/// Whether a held request can be given back to nginx.
pub(crate) enum Readiness {
    /// Now.
    Ready(Lean),
    /// When the holder has read what it can.
    Later,
    /// Not as things are: it is on the filter path, something waits to be sent, or others need it.
    No,
}

/// A request to be given back to nginx.
#[must_use = "run it"]
pub(crate) struct Lean(Counted<Link>);

impl Request {
    /// Whether the connection is one that can do without its request.
    pub(crate) fn may_become_lean(&self) -> bool {
        let version = self.version();
        (version == HttpVersion::Http10 || version == HttpVersion::Http11)
            && self.0.stream.is_null()
            && has_plain_connection(self)
    }
}

impl Held {
    /// Whether the request has been given back; the connection is open.
    pub(crate) fn is_lean(&self) -> bool {
        self.0.request.get().is_null() && self.connection().is_ok()
    }

    /// Whether the request can be given back at this moment.
    pub(crate) fn lean(&mut self) -> Readiness {
        let link = self.0.clone();
        let Some(request) = self.request() else { return Readiness::No };
        if link.wire.get() == Wire::Filtered || link.waiting.get() || !is_alone(request) {
            return Readiness::No;
        }
        if link.upgraded.get() && request.kept() > 0 {
            return Readiness::Later;
        }
        Readiness::Ready(Lean(link))
    }
}

/// Whether nobody but the holder waits for anything from the request.
fn is_alone(request: &Request) -> bool {
    let r = &request.0;
    // SAFETY: a live request has a connection.
    let c = unsafe { &*request.connection() };
    let has_post_action =
        NgxHttpCoreModule::location_conf(r).is_none_or(|core| !core.post_action.data.is_null());
    request.is_main()
        && r.count() == 1
        && r.blocked() == 0
        && r.aio() == 0
        && r.discard_body() == 0
        && r.reading_body() == 0
        && r.out.is_null()
        && r.postponed.is_null()
        && r.posted_requests.is_null()
        && r.buffered() == 0
        && c.buffered() == 0
        && c.error() == 0
        && c.close() == 0
        && !has_post_action
        && has_plain_connection(request)
}

impl Lean {
    /// Gives the request back. To be called from a posted event: never inside a handler of a request, and not while anything of
    /// the holder is borrowed, since nginx runs log and cleanup handlers of all modules.
    pub(crate) fn run(self) {
        let link = self.0;
        let r = link.request.replace(ptr::null_mut());
        let c = link.connection.get();
        if r.is_null() || c.is_null() {
            return;
        }
        // SAFETY: the request was live until `replace`, and nobody but its holder had a hand in it (`is_alone`). It is not touched
        // after it has been freed. Its cleanup owned a reference to the link; the connection owns one from here on. The connection
        // and its log live, and the log's `data` is what nginx gave every HTTP connection.
        unsafe {
            let hc = (*r).http_connection;
            link.unread.set(Request::from_ptr(r).kept() > 0);
            for event in [(*c).read, (*c).write] {
                if (*event).timer_set() != 0 {
                    ngx_del_timer(event);
                }
            }
            ngx_http_free_request(r, 0);
            free_buffers(c, hc);
            (*c).set_destroyed(0);
            (*c).data = link.into_raw();
            (*(*c).read).handler = Some(on_read);
            (*(*c).write).handler = Some(on_write);
            let log = &mut *(*c).log;
            log.action = c"serving a lean subscriber".as_ptr().cast_mut();
            (*log.data.cast::<ngx_http_log_ctx_t>()).current_request = ptr::null_mut();
            let armed = ngx_handle_read_event((*c).read, 0) == NGX_OK as ngx_int_t;
            if !armed {
                (*c).set_error(1);
            }
            if !armed || (*(*c).read).ready() != 0 {
                ngx_post_event((*c).read, &raw mut ngx_posted_events);
            }
        }
    }
}

/// Frees the buffers that the heads of requests were read into.
///
/// # Safety
///
/// `c` is a live connection without a request, and `hc` what nginx keeps in its pool.
unsafe fn free_buffers(c: *mut ngx_connection_t, hc: *mut ngx_http_connection_t) {
    // SAFETY: buffers from the connection's pool. `ngx_pfree` frees those that have memory of their own, and leaves the others.
    unsafe {
        if let Some(buffer) = (*c).buffer.as_ref() {
            ngx_pfree((*c).pool, buffer.start.cast());
            (*c).buffer = ptr::null_mut();
        }
        for first in [&raw mut (*hc).free, &raw mut (*hc).busy] {
            let mut link: *const ngx_chain_t = first.replace(ptr::null_mut());
            while let Some(chain) = link.as_ref() {
                ngx_pfree((*c).pool, (*chain.buf).start.cast());
                link = chain.next;
            }
        }
        (*hc).nbusy = 0;
    }
}

/// The link of a lean connection.
///
/// # Safety
///
/// `c` is a live connection whose handlers are those of this file or of [`ending`].
unsafe fn link_of(c: *mut ngx_connection_t) -> Counted<Link> {
    // SAFETY: the connection's `data` owns a reference (Link's invariant).
    unsafe { Counted::of_raw((*c).data) }
}

/// nginx's callback: the client has sent something or closed its side, or nginx closes the connection.
unsafe extern "C" fn on_read(event: *mut ngx_event_t) {
    // SAFETY: the read event of a live connection with these handlers (callback contract, point 2). It is not touched after a
    // hook was called.
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        let link = link_of(c);
        if (*c).close() != 0 || (*c).error() != 0 {
            lose(c, &link);
        } else if link.upgraded.get() {
            (link.hooks.readable)(link.token.get());
        } else if has_closed(c) {
            lose(c, &link);
        }
    }
}

/// nginx's callback: the socket takes bytes, or has taken none for too long.
unsafe extern "C" fn on_write(event: *mut ngx_event_t) {
    // SAFETY: the write event of a live connection with these handlers (callback contract, point 2). It is not touched after
    // the holder has been told.
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        let link = link_of(c);
        if !link.tell_writable() && ngx_handle_write_event(event, 0) != NGX_OK as ngx_int_t {
            lose(c, &link);
        }
    }
}

/// The client has gone: tells the holder, while the connection's log can still be written to, and closes the connection.
///
/// # Safety
///
/// `c` is the live connection of the lean link. It is not touched afterwards.
unsafe fn lose(c: *mut ngx_connection_t, link: &Link) {
    // SAFETY: as the caller promises. With `error` set nothing is written any more.
    unsafe { (*c).set_error(1) };
    (link.hooks.gone)(link.token.get());
    // SAFETY: `gone` lets go of the `Held` and does not close the connection.
    unsafe { close(c) };
}

/// Whether the client has closed its side. What it sends is left where it is.
///
/// # Safety
///
/// `c` is a live connection with a plain socket.
unsafe fn has_closed(c: *mut ngx_connection_t) -> bool {
    // SAFETY: as the caller promises; the kernel writes at most one byte into `byte`.
    unsafe {
        if (*(*c).read).pending_eof() != 0 {
            return true;
        }
        let mut byte = 0_u8;
        let count = libc::recv((*c).fd, (&raw mut byte).cast(), 1, libc::MSG_PEEK);
        if count == 0 || count < 0 && !would_block() {
            return true;
        }
        // Level-triggered methods are to be quiet.
        ngx_handle_read_event((*c).read, 0) != NGX_OK as ngx_int_t
    }
}

fn would_block() -> bool {
    let kind = std::io::Error::last_os_error().kind();
    matches!(kind, std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted)
}
