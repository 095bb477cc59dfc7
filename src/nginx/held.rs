//! A request that stays open: a subscriber waiting for messages.
//!
//! The life of one: [`Request::hold`], the handler returns [`Status::DONE`], then either
//! - a stream: [`Held::send_head`], any number of [`Held::write`] (plain path) or [`Held::filter`]
//!   (through nginx's filters), [`Held::finish`];
//! - a WebSocket: [`Held::upgrade`], then the same, and [`Held::read`];
//! - a poll: [`Held::finish_with`] one complete answer.
//!
//! [`super::wire`] decides which path a stream takes; [`super::socket`] is the plain one, [`filter`] the other. On the plain one a stream or a
//! WebSocket can give its request back to nginx and go on as a bare connection, [`lean`].
//!
//! The client may leave at any instant. nginx then ends the request and [`HeldHooks::gone`] is called,
//! perhaps from inside a call of this module; after that every method of the [`Held`] answers
//! [`Gone`] or does nothing, and its memory is safe to drop. A `Held` that is dropped before that leaves
//! the request open until the client goes: finish it.
//!
//! Cost: a record of 64 bytes and a small pool entry per held request. A `write` on
//! the plain path is one `send` or `writev` and nothing else: no allocation, no copy, no lock.

#![expect(unsafe_code, reason = "keeps requests of nginx and writes to their sockets")]

mod filter;
pub(crate) mod lean;
pub(crate) mod together;
mod upgraded;

use core::cell::{Cell, OnceCell, RefCell};
use core::ffi::c_void;
use core::ptr;
use std::collections::VecDeque;
use std::io::IoSlice;
use std::rc::Rc;

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_CLIENT_CLOSED_REQUEST, NGX_OK, ngx_add_timer, ngx_connection_t,
    ngx_connection_tcp_nodelay_e_NGX_TCP_NODELAY_UNSET as NODELAY_UNSET, ngx_del_timer,
    ngx_event_t, ngx_handle_read_event, ngx_handle_write_event, ngx_http_cleanup_add,
    ngx_http_core_loc_conf_t, ngx_http_discarded_request_body_handler, ngx_http_finalize_request,
    ngx_http_post_request, ngx_http_request_t, ngx_http_run_posted_requests, ngx_http_test_reading,
    ngx_int_t, ngx_msec_t, ngx_post_event, ngx_posted_events, ngx_posted_next_events,
    ngx_tcp_nodelay,
};
use ngx::http::{HttpModuleLocationConf, NgxHttpCoreModule};

use self::filter::Filtered;
use super::bytes::Bytes;
use super::counted::{Counted, Pool, Pooled};
use super::log::{self, Log};
use super::request::{NoMemory, Request, Status};
use super::ring::Target;
use super::socket;
pub(crate) use super::socket::Gone;
use super::wire::{self, Wire};

/// What a held request tells its holder, who finds it by the token of [`Held::set_token`].
pub(crate) struct HeldHooks {
    /// nginx is about to end the request: the client left, or the worker closes. The last chance to leave something with it, for its line in
    /// the access log; nothing may be written to it or finished any more.
    /// May be called from inside any call into nginx. Not called after `finish`, `finish_with` or `abort`.
    pub(crate) gone: fn(token: u64),
    /// The socket takes bytes again. Called once for each [`Held::wait_writable`].
    pub(crate) writable: fn(token: u64),
    /// The socket has taken nothing for `send_timeout`, counted from [`Held::wait_writable`]. nginx has
    /// logged it; the holder should abort.
    pub(crate) timed_out: fn(token: u64),
    /// The client of an upgraded request has sent something, or closed its side: [`Held::read`] until it says 0.
    pub(crate) readable: fn(token: u64),
}

/// A request kept open.
#[must_use = "finish or abort it"]
pub(crate) struct Held(Counted<Link>);

/// What [`Held`], the cleanup handler and the event handlers of a request share. The request's list of cleanups owns one reference; once
/// it has been run, the event handlers find none any more.
///
/// # Invariants
///
/// `request` is null or a request that is held: its count is raised and nobody has finalized it, so it
/// is live (callback contract, point 4), or nginx is just ending it and [`HeldHooks::gone`] runs, after which its memory is freed;
/// `connection` is its own then. With a `connection` but no request
/// the link is [`lean`]: the connection is open and its `data` owns a reference to the link.
struct Link {
    request: Cell<*mut ngx_http_request_t>,
    connection: Cell<*mut ngx_connection_t>,
    /// The settings of the request's location.
    core: Cell<Option<&'static ngx_http_core_loc_conf_t>>,
    hooks: &'static HeldHooks,
    token: Cell<u64>,
    wire: Cell<Wire>,
    /// The holder waits for `writable`.
    waiting: Cell<bool>,
    /// Nothing waits inside nginx before what is written on the plain path, as the head has gone; and nginx has nothing else to do for a
    /// client that has left.
    flows: Cell<bool>,
    /// HTTP is over: no filters, and the holder reads.
    upgraded: Cell<bool>,
    /// The client has sent more than its request, and nobody will read it.
    unread: Cell<bool>,
    /// What the filters hold. The request's pool owns a reference too: nginx may send from it until its memory is freed.
    filtered: OnceCell<Rc<RefCell<Filtered>>>,
}

static LINKS: Pool<Link> = Pool::new();

impl Pooled for Link {
    fn pool() -> &'static Pool<Self> {
        &LINKS
    }
}

impl Request {
    /// Keeps the request open after the handler has returned [`Status::DONE`]. Refuse subrequests before.
    ///
    /// The body has been discarded or read; the header has not been sent. The holder tells its token with [`Held::set_token`] before the
    /// handler returns.
    pub(crate) fn hold(&mut self, hooks: &'static HeldHooks) -> Result<Held, NoMemory> {
        debug_assert!(self.is_main(), "a subrequest cannot be held");
        let r = self.as_ptr();
        let link = Counted::new(Link {
            request: Cell::new(ptr::null_mut()),
            connection: Cell::new(ptr::null_mut()),
            core: Cell::new(None),
            hooks,
            token: Cell::new(0),
            wire: Cell::new(Wire::Filtered),
            waiting: Cell::new(false),
            flows: Cell::new(false),
            upgraded: Cell::new(false),
            unread: Cell::new(false),
            filtered: OnceCell::new(),
        });
        // SAFETY: a live request; the entry is new, and owns the reference that it is given.
        unsafe {
            let cleanup = ngx_http_cleanup_add(r, 0);
            let Some(cleanup) = cleanup.as_mut() else { return Err(NoMemory) };
            cleanup.data = link.clone().into_raw();
            cleanup.handler = Some(on_cleanup);
        }
        link.request.set(r);
        link.connection.set(self.connection());
        // SAFETY: a live request has a connection with both events. Raising the count keeps the request
        // (callback contract, point 4). The check for a client that has left already runs from the queue.
        // The settings of a location live in the cycle's pool, as long as any connection is open.
        unsafe {
            link.core.set(NgxHttpCoreModule::location_conf(&*r).map(|core| &*ptr::from_ref(core)));
            let main = &mut *(*r).main;
            main.set_count(main.count() + 1);
            (*r).read_event_handler = Some(on_readable);
            (*r).write_event_handler = Some(on_writable);
            let c = &mut *(*r).connection;
            (*c.log).action = c"sending to client".as_ptr().cast_mut();
            if c.tcp_nodelay() == NODELAY_UNSET && (*r).stream.is_null() && c.udp.is_null() {
                // It logs a failure itself; without it messages are only slower.
                ngx_tcp_nodelay(c);
            }
            if (*r).discard_body() != 0 {
                // When the handler returns, nginx will watch the rest of the body and nothing else:
                // have `on_writable` put that right afterwards.
                ngx_http_post_request(r, ptr::null_mut());
            }
            if (*c.read).ready() != 0 {
                ngx_post_event(c.read, &raw mut ngx_posted_events);
            } else if ngx_handle_read_event(c.read, 0) != NGX_OK as ngx_int_t {
                c.set_error(1);
                ngx_post_event(c.read, &raw mut ngx_posted_events);
            }
        }
        Ok(Held(link))
    }
}

impl Held {
    /// What the hooks are called with.
    pub(crate) fn set_token(&self, token: u64) {
        self.0.token.set(token);
    }

    /// The request; `None` once it has ended.
    pub(crate) fn request(&mut self) -> Option<&mut Request> {
        let r = self.0.request.get();
        // SAFETY: live while it is not null (Link's invariant). Whoever ends it needs a callback or a
        // method of this `Held`, and the borrow of `self` excludes both.
        (!r.is_null()).then(|| unsafe { Request::from_ptr(r) })
    }

    /// The same, to be looked at.
    pub(crate) fn peek(&self) -> Option<&Request> {
        let r = self.0.request.get();
        // SAFETY: as above; nothing that the borrow of `self` allows ends it.
        (!r.is_null()).then(|| unsafe { &*Request::from_ptr(r) })
    }

    /// Whether nothing waits inside nginx that would have to be written first.
    fn is_all_out(&self) -> bool {
        self.peek().is_none_or(|request| request.0.out.is_null())
    }

    /// The connection, with a request or without.
    fn connection(&self) -> Result<*mut ngx_connection_t, Gone> {
        let c = self.0.connection.get();
        if c.is_null() { Err(Gone) } else { Ok(c) }
    }

    /// The log of the connection; without one, that of the cycle.
    pub(crate) fn log(&self) -> Log<'_> {
        // SAFETY: live while it is not null (Link's invariant); a connection has a log.
        self.connection().map_or_else(|_| Log::cycle(), |c| unsafe { Log::from_ptr((*c).log) })
    }

    /// How bytes get to the client. Known after [`Held::send_head`], `Filtered` before.
    pub(crate) fn wire(&self) -> Wire {
        self.0.wire.get()
    }

    /// Bytes that the socket has taken from this connection, on either path: it changes with every progress.
    pub(crate) fn sent(&self) -> u64 {
        // SAFETY: live while it is not null (Link's invariant).
        let sent = self.connection().map(|c| unsafe { (*c).sent });
        sent.ok().and_then(|sent| u64::try_from(sent).ok()).unwrap_or_default()
    }

    /// Gives the header to nginx and decides the path. The bytes wait for the first pieces, so that they
    /// leave in one write with them; if none are at hand, call [`Held::flush`].
    ///
    /// On failure the request is still held: [`Held::finish_with`] the status.
    pub(crate) fn send_head(&mut self) -> Result<Wire, Status> {
        let Some(request) = self.request() else { return Err(Status::ERROR) };
        let result = request.send_header();
        if result.is_failure() {
            return Err(result);
        }
        let wire = wire::choose(request);
        self.0.wire.set(wire);
        Ok(wire)
    }

    /// Sends what waits inside nginx, on either path. `Ok(false)`: not all of it, [`Held::wait_writable`].
    pub(crate) fn flush(&mut self) -> Result<bool, Gone> {
        match self.wire() {
            Wire::Filtered => self.flush_filters(),
            Wire::PlainChunked | Wire::PlainRaw => {
                self.connection()?;
                if !self.is_all_out() {
                    self.write(&[])?;
                }
                Ok(self.is_all_out())
            }
        }
    }

    /// Plain path: writes the pieces to the socket with one system call. `Ok(n)` says how many bytes of
    /// them it took, from the front; fewer than there are means [`Held::wait_writable`]. At most 1024
    /// pieces are looked at.
    pub(crate) fn write(&mut self, pieces: &[IoSlice<'_>]) -> Result<usize, Gone> {
        debug_assert_ne!(self.wire(), Wire::Filtered, "the filters want these bytes");
        let c = self.connection()?;
        // SAFETY: both are live while they are not null (Link's invariant), and the connection is the request's.
        unsafe { socket::write(c, self.request(), pieces) }
    }

    /// Whether [`Held::write_on`] has only to write.
    pub(crate) fn flows(&self) -> bool {
        self.0.flows.get()
    }

    /// The same for a socket that has taken everything so far, as its holder knows: it is thought to take more.
    ///
    /// Cost beside the system call: of the connection only the words that the call needs are touched.
    pub(crate) fn write_on(&mut self, pieces: &[IoSlice<'_>]) -> Result<usize, Gone> {
        if !self.0.flows.get() {
            let written = self.write(pieces)?;
            // While it does a `post_action`, the request is still held.
            let is_last = self.0.core.get().is_some_and(|core| core.post_action.len == 0);
            self.0.flows.set(self.is_all_out() && is_last);
            return Ok(written);
        }
        // SAFETY: live while it is not null (Link's invariant), and on the plain path: its head has been written there.
        unsafe { socket::write_to_socket(self.connection()?, pieces) }
    }

    /// The connection for sends that are done together, if it [`flows`](Self::flows).
    pub(crate) fn target(&self) -> Option<Target> {
        let c = self.0.connection.get();
        // SAFETY: live while it is not null (Link's invariant), and on the plain path: its head has been written there.
        (self.0.flows.get() && !c.is_null()).then(|| unsafe { Target::new(c) })
    }

    /// Has [`HeldHooks::writable`] called when the socket takes bytes again, or [`HeldHooks::timed_out`].
    /// A second call while waiting changes nothing: the timeout measures lack of progress.
    pub(crate) fn wait_writable(&mut self) -> Result<(), Gone> {
        if self.0.waiting.replace(true) {
            return Ok(());
        }
        let c = self.connection()?;
        // SAFETY: live while it is not null (Link's invariant); a connection has a write event.
        unsafe {
            let event = &mut *(*c).write;
            if event.delayed() == 0 {
                // `delayed`: the timer is limit_rate's.
                ngx_add_timer(event, self.0.send_timeout());
            }
            if ngx_handle_write_event(event, 0) != NGX_OK as ngx_int_t {
                return Err(Gone);
            }
            if event.ready() != 0 && event.delayed() == 0 {
                // Edge-triggered methods do not report what is known already.
                ngx_post_event(event, &raw mut ngx_posted_next_events);
            }
        }
        Ok(())
    }

    /// Ends a stream. On the plain path all bytes have been written, the last chunk among them; on the
    /// other the end of the body is sent here. The connection goes on to its next request if client
    /// and configuration allow it.
    pub(crate) fn finish(self) {
        if self.is_lean() {
            return self.finish_lean(VecDeque::new());
        }
        match self.wire() {
            Wire::Filtered if !self.0.upgraded.get() => self.finish_with(Request::send_last),
            _ => self.finish_with(|_| Status::OK),
        }
    }

    /// Ends a stream whose last bytes the socket has not taken: nginx sends them, and watches
    /// `send_timeout`, while the holder forgets the request. On the plain path `rest` holds the last chunk.
    pub(crate) fn finish_after(self, rest: VecDeque<Bytes>) {
        if self.is_lean() {
            return self.finish_lean(rest);
        }
        let link = self.0.clone();
        self.finish_with(|request| filter::send_rest(request, &link, rest));
    }

    /// Ends the request with what `answer` gives, normally [`Request::respond`]'s result.
    pub(crate) fn finish_with(self, answer: impl FnOnce(&mut Request) -> Status) {
        let upgraded = self.0.upgraded.get();
        let Some(r) = self.release() else { return };
        // SAFETY: it was held until `release`, so it is live until it is finalized; it is not touched afterwards.
        unsafe {
            let request = Request::from_ptr(r);
            if upgraded {
                request.linger();
            }
            let status = answer(request);
            finalize(r, status);
        }
    }

    /// Drops the client: the connection (for HTTP/2 the stream) is closed without an end of the body.
    pub(crate) fn abort(self) {
        if self.is_lean() {
            return self.abort_lean();
        }
        self.finish_with(|_| Status::ERROR);
    }

    /// Takes the request away from the link, so that no hook is called any more.
    fn release(self) -> Option<*mut ngx_http_request_t> {
        let r = self.0.request.replace(ptr::null_mut());
        self.0.connection.set(ptr::null_mut());
        self.0.waiting.set(false);
        (!r.is_null()).then_some(r)
    }
}

impl Link {
    fn send_timeout(&self) -> ngx_msec_t {
        // 60 s is nginx's default, for a request without a location, which does not happen.
        self.core.get().map_or(60_000, |core| core.send_timeout)
    }
}

/// Ends a request outside of its own handlers.
///
/// # Safety
///
/// `r` is live. It is not touched afterwards.
unsafe fn finalize(r: *mut ngx_http_request_t, status: Status) {
    // SAFETY: as the caller promises; afterwards only its connection is touched (callback contract, point 3).
    unsafe {
        let c = (*r).connection;
        ngx_http_finalize_request(r, status.0);
        ngx_http_run_posted_requests(c);
    }
}

/// The link of a request that is or was held.
///
/// # Safety
///
/// `r` is a live request.
unsafe fn link_of(r: *mut ngx_http_request_t) -> Option<Counted<Link>> {
    // SAFETY: as the caller promises. The entries of the list live as long as the request; one with our handler owns a reference, as it
    // has not been run: then the list would be empty.
    unsafe {
        let mut entry = (*r).cleanup;
        while let Some(cleanup) = entry.as_ref() {
            let ours = cleanup.handler.is_some_and(|handler| {
                ptr::fn_addr_eq(handler, on_cleanup as unsafe extern "C" fn(*mut c_void))
            });
            if ours {
                return Some(Counted::of_raw(cleanup.data));
            }
            entry = cleanup.next;
        }
    }
    None
}

/// nginx's callback when the request ends (callback contract, point 4).
unsafe extern "C" fn on_cleanup(data: *mut c_void) {
    // SAFETY: the reference that `hold` has given to this entry, which nginx runs once.
    let link = unsafe { Counted::<Link>::from_raw(data) };
    if link.request.get().is_null() {
        return;
    }
    // The request is still there for it, and its line in the access log has still to be written.
    (link.hooks.gone)(link.token.get());
    link.request.set(ptr::null_mut());
    link.connection.set(ptr::null_mut());
}

/// nginx's callback: the client has sent something, or closed its side.
unsafe extern "C" fn on_readable(r: *mut ngx_http_request_t) {
    // SAFETY: a live request (callback contract, point 2). It is held, so what these functions finalize
    // in it only counts down or terminates, which is deferred (point 5): it is live to the end of this.
    unsafe {
        let c = (*r).connection;
        if (*r).discard_body() != 0 {
            ngx_http_discarded_request_body_handler(r);
            if (*r).discard_body() != 0
                || link_of(r).is_none_or(|link| link.request.get().is_null())
            {
                return;
            }
            // It has set a handler that does not notice a client that leaves, and left its timer.
            (*r).read_event_handler = Some(on_readable);
            if (*(*c).read).timer_set() != 0 {
                ngx_del_timer((*c).read);
            }
        }
        let link = link_of(r).filter(|link| link.upgraded.get() && !link.request.get().is_null());
        if (*c).error() != 0 {
            ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST as ngx_int_t);
        } else if let Some(link) = link {
            (link.hooks.readable)(link.token.get());
        } else {
            ngx_http_test_reading(r);
        }
    }
}

/// nginx's callback: the socket takes bytes, or has taken none for too long.
unsafe extern "C" fn on_writable(r: *mut ngx_http_request_t) {
    // SAFETY: a live request (callback contract, point 2). Not touched after a hook was called.
    let Some(link) = (unsafe { link_of(r) }) else { return };
    if link.request.get().is_null() {
        return;
    }
    // SAFETY: as above.
    unsafe { (*r).read_event_handler = Some(on_readable) };
    // SAFETY: as above.
    let event = unsafe { (*(*r).connection).write };
    // SAFETY: a live connection has a write event.
    if unsafe { (*event).error() } != 0 {
        // How HTTP/3 tells that the client wants no more of this stream.
        // SAFETY: as above; not touched afterwards.
        unsafe { ngx_http_finalize_request(r, NGX_HTTP_CLIENT_CLOSED_REQUEST as ngx_int_t) };
        return;
    }
    if link.tell_writable() {
        return;
    }
    // SAFETY: as above. Level-triggered methods are to be quiet, or to report again.
    if unsafe { ngx_handle_write_event(event, 0) } != NGX_OK as ngx_int_t {
        // SAFETY: as above; not touched afterwards.
        unsafe { ngx_http_finalize_request(r, NGX_ERROR as ngx_int_t) };
    }
}

impl Link {
    /// Tells the holder what the write event of the connection, which is live, says. True if it has been told; the connection
    /// may have ended by then.
    fn tell_writable(&self) -> bool {
        // SAFETY: a live connection has a write event and a log.
        let (c, event): (_, &mut ngx_event_t) = unsafe {
            let c = &mut *self.connection.get();
            let event = c.write;
            (c, &mut *event)
        };
        if event.timedout() != 0 {
            event.set_timedout(0);
            c.set_timedout(1);
            // SAFETY: as above.
            log::info!(unsafe { Log::from_ptr(c.log) }, "client timed out");
            self.waiting.set(false);
            (self.hooks.timed_out)(self.token.get());
            return true;
        }
        if event.delayed() == 0 && event.ready() != 0 && self.waiting.replace(false) {
            if event.timer_set() != 0 {
                // SAFETY: the event is in the tree: `timer_set` says so.
                unsafe { ngx_del_timer(event) };
            }
            (self.hooks.writable)(self.token.get());
            return true;
        }
        false
    }
}
