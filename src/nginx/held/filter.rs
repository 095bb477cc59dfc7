//! The slow path of a stream: pieces go through nginx's output filters, as any response does. For
//! TLS, HTTP/2, HTTP/3, gzip, and whatever other filter wants to see the bytes.
//!
//! nginx keeps pointers to the bytes until the client has taken them, so each piece is kept here until
//! its buffer has left nginx's busy chain. Buffers and chain links are recycled: a stream that has sent
//! a million messages has taken no more memory from its pool than one that has sent 64.
//!
//! An upgraded request goes past all filters but the last one, which writes: to TLS, or as slowly as `limit_rate` wants it.
//!
//! New pieces are taken only when everything before them is gone. That bounds what nginx holds for one
//! client, and it keeps the gzip filter right, which may still look at a buffer whose bytes it has
//! already consumed.

use core::cell::{RefCell, RefMut};
use core::ptr;
use std::collections::VecDeque;
use std::rc::Rc;

use nginx_sys::{
    NGX_HTTP_FLUSH, NGX_HTTP_WRITE_BUFFERED, NGX_LOWLEVEL_BUFFERED, ngx_alloc_chain_link,
    ngx_buf_t, ngx_buf_tag_t, ngx_chain_get_free_buf, ngx_chain_t, ngx_chain_update_chains,
    ngx_http_output_filter, ngx_http_send_special, ngx_http_write_filter, ngx_pcalloc, ngx_uint_t,
};

use super::{Gone, Held, Link, Wire};
use crate::nginx::bytes::Bytes;
use crate::nginx::request::{NoMemory, Request, Status};

/// Pieces given to the filters at once; bounds buffers and links per stream.
const BATCH: usize = 64;

/// Its address marks our buffers.
static TAG: u8 = 0;

/// What the filters hold for one request.
///
/// # Invariants
///
/// The chains are empty or in the request's pool. `in_flight` owns the bytes of the buffers in `busy`, in
/// the same order.
pub(super) struct Filtered {
    free: *mut ngx_chain_t,
    busy: *mut ngx_chain_t,
    in_flight: VecDeque<Bytes>,
}

impl Default for Filtered {
    fn default() -> Self {
        Self { free: ptr::null_mut(), busy: ptr::null_mut(), in_flight: VecDeque::new() }
    }
}

impl Held {
    /// Filter path: gives pieces from the front of the queue to nginx, each as a chunk of its own where
    /// chunks are used, flushed after the last. `Ok(true)`: all of them have left. `Ok(false)`: nginx still
    /// holds some, or has not even taken all of them; [`Held::wait_writable`], then call this again with
    /// what is in the queue by then.
    pub(crate) fn filter(&mut self, pieces: &mut VecDeque<Bytes>) -> Result<bool, Gone> {
        let link = self.0.clone();
        let request = self.request().ok_or(Gone)?;
        if !link.is_drained(request) && !link.drain(request)? {
            return Ok(false);
        }
        pieces.retain(|piece| !piece.is_empty()); // the write filter takes them for a bug
        loop {
            let mut batch = pieces.len().min(BATCH);
            if link.upgraded.get() {
                link.give_raw(request, pieces.drain(..batch))?;
                batch = 0;
            }
            for left in (0..batch).rev() {
                let Some(piece) = pieces.pop_front() else { break };
                link.give(request, piece, left == 0)?;
                // A filter may well keep what has not been flushed yet; only a full socket is a reason to stop.
                if left > 0 && is_socket_full(request) {
                    break;
                }
            }
            if !link.is_drained(request) {
                return Ok(false);
            }
            if pieces.is_empty() {
                return Ok(true);
            }
        }
    }

    pub(super) fn flush_filters(&mut self) -> Result<bool, Gone> {
        let link = self.0.clone();
        let request = self.request().ok_or(Gone)?;
        link.flush(request)
    }
}

impl Link {
    /// What the filters hold; it takes memory only where they are used.
    fn filtered(&self, request: &mut Request) -> Result<RefMut<'_, Filtered>, NoMemory> {
        if let Some(filtered) = self.filtered.get() {
            return Ok(filtered.borrow_mut());
        }
        let filtered = Rc::new(RefCell::new(Filtered::default()));
        request.set_context(Rc::clone(&filtered))?;
        Ok(self.filtered.get_or_init(|| filtered).borrow_mut())
    }

    /// What has still to be sent where there is no request any more, and so no filter.
    pub(super) fn rest(&self) -> RefMut<'_, VecDeque<Bytes>> {
        let filtered = self.filtered.get_or_init(Rc::default);
        RefMut::map(filtered.borrow_mut(), |filtered| &mut filtered.in_flight)
    }

    /// Gives one piece, which is not empty, to the filters.
    fn give(&self, request: &mut Request, piece: Bytes, flush: bool) -> Result<(), Gone> {
        let r = request.as_ptr();
        let mut filtered = self.filtered(request).map_err(|_| Gone)?;
        // SAFETY: the pool of a held request; `free` holds links made here.
        let chain = unsafe { ngx_chain_get_free_buf((*r).pool, &raw mut filtered.free) };
        // SAFETY: null or a link with a buffer that nobody uses.
        unsafe {
            let Some(chain) = chain.as_mut() else { return Err(Gone) };
            fill(chain.buf, &piece);
            (*chain.buf).set_flush(u32::from(flush));
            chain.next = ptr::null_mut();
        }
        filtered.in_flight.push_back(piece);
        // Not borrowed across the call: nginx may call back.
        drop(filtered);
        // SAFETY: a held request whose header has been sent; the bytes stay in `in_flight`.
        let result = Status(unsafe { ngx_http_output_filter(r, chain) });
        self.collect(request, chain);
        self.after(result)
    }

    /// Gives pieces, none of them empty, to the filter that writes, past all others and in one call.
    fn give_raw(
        &self,
        request: &mut Request,
        pieces: impl DoubleEndedIterator<Item = Bytes>,
    ) -> Result<(), Gone> {
        let r = request.as_ptr();
        let mut filtered = self.filtered(request).map_err(|_| Gone)?;
        let sent_before = filtered.in_flight.len();
        filtered.in_flight.extend(pieces);
        let mut first = ptr::null_mut::<ngx_chain_t>();
        let Filtered { free, in_flight, .. } = &mut *filtered;
        for piece in in_flight.range(sent_before..).rev() {
            // SAFETY: the pool of a held request; `free` holds links made here, each with a buffer that nobody uses.
            unsafe {
                let Some(chain) = ngx_chain_get_free_buf((*r).pool, free).as_mut() else {
                    return Err(Gone);
                };
                fill(chain.buf, piece);
                (*chain.buf).set_flush(u32::from(first.is_null()));
                chain.next = first;
                first = chain;
            }
        }
        drop(filtered);
        if first.is_null() {
            return Ok(());
        }
        // SAFETY: a held request whose header has been sent; the bytes stay in `in_flight`.
        let result = Status(unsafe { ngx_http_write_filter(r, first) });
        self.collect(request, first);
        self.after(result)
    }

    /// Has nginx send what it holds. Says whether all of it is gone.
    fn drain(&self, request: &mut Request) -> Result<bool, Gone> {
        let (r, nothing) = (request.as_ptr(), ptr::null_mut());
        // SAFETY: a held request whose header has been sent; no chain means "go on".
        let result = Status(unsafe {
            if self.upgraded.get() {
                ngx_http_write_filter(r, nothing)
            } else {
                ngx_http_output_filter(r, nothing)
            }
        });
        self.collect(request, ptr::null_mut());
        self.after(result)?;
        if self.is_drained(request) || is_socket_full(request) {
            return Ok(self.is_drained(request));
        }
        // The socket is free, but a filter keeps bytes: the last batch was cut off before its flush.
        self.flush(request)
    }

    /// Has the filters give up what they keep.
    fn flush(&self, request: &mut Request) -> Result<bool, Gone> {
        if self.upgraded.get() {
            return Ok(self.is_drained(request)); // each batch is flushed
        }
        // SAFETY: a held request whose header has been sent.
        let flush =
            unsafe { ngx_http_send_special(request.as_ptr(), NGX_HTTP_FLUSH as ngx_uint_t) };
        self.after(Status(flush))?;
        self.collect(request, ptr::null_mut());
        Ok(self.is_drained(request))
    }

    /// Moves what has been sent to the free chain and lets go of its bytes. `new` was given just now.
    fn collect(&self, request: &mut Request, mut new: *mut ngx_chain_t) {
        let Some(filtered) = self.filtered.get() else { return };
        let Filtered { free, busy, in_flight } = &mut *filtered.borrow_mut();
        // SAFETY: chains of this request with our tag; a sent buffer is an empty one.
        unsafe {
            ngx_chain_update_chains(request.0.pool, free, busy, &raw mut new, tag());
            let mut unsent = 0;
            let mut link: *const ngx_chain_t = *busy;
            while let Some(chain) = link.as_ref() {
                unsent += 1;
                link = chain.next;
            }
            while in_flight.len() > unsent {
                in_flight.pop_front();
            }
        }
    }

    fn after(&self, result: Status) -> Result<(), Gone> {
        if result.is_failure() || self.request.get().is_null() { Err(Gone) } else { Ok(()) }
    }

    /// Whether nginx holds nothing of this response.
    fn is_drained(&self, request: &Request) -> bool {
        self.filtered.get().is_none_or(|filtered| filtered.borrow().busy.is_null())
            && !self.is_stuck(request)
    }

    /// Whether a filter or the socket waits.
    fn is_stuck(&self, request: &Request) -> bool {
        request.0.buffered() != 0 || buffered(request) != 0
    }
}

/// Whether bytes wait for the socket, and not only inside a filter such as gzip's, which uses a bit of its own.
fn is_socket_full(request: &Request) -> bool {
    buffered(request) & (NGX_LOWLEVEL_BUFFERED | NGX_HTTP_WRITE_BUFFERED) != 0
}

/// The bits of those who keep bytes of the response.
fn buffered(request: &Request) -> u32 {
    // SAFETY: a held request has a connection.
    unsafe { (*request.connection()).buffered() }
}

/// Gives the last pieces of a response and its end to nginx, which sends them by itself. Their buffers
/// do not come back; the bytes are kept until the request's pool is destroyed.
pub(super) fn send_rest(request: &mut Request, link: &Link, rest: VecDeque<Bytes>) -> Status {
    let mut rest = rest;
    rest.retain(|piece| !piece.is_empty());
    let filters = link.wire.get() == Wire::Filtered && !link.upgraded.get();
    let mut chain = ptr::null_mut::<ngx_chain_t>();
    for piece in rest.iter().rev() {
        // SAFETY: the pool of a live request; the bytes are kept below.
        chain = unsafe {
            let Some(first) = new_link(request.0.pool) else { return Status::ERROR };
            fill((*first).buf, piece);
            (*first).next = chain;
            first
        };
    }
    match link.filtered(request) {
        Ok(mut filtered) => filtered.in_flight.extend(rest),
        Err(NoMemory) => return Status::ERROR,
    }
    if !filters {
        // These pieces are framed: only the filter that writes may see them. The end of the response
        // is for that filter's sake, it sends at once then.
        return write_framed(request, chain);
    }
    while !chain.is_null() {
        // SAFETY: a live request whose header has been sent. One call makes one chunk, as in `give`; the
        // filters copy the links they keep.
        let result = unsafe {
            let next = (*chain).next;
            (*chain).next = ptr::null_mut();
            let result = ngx_http_output_filter(request.as_ptr(), chain);
            chain = next;
            Status(result)
        };
        if result.is_failure() {
            return result;
        }
    }
    request.send_last()
}

/// Hands a chain to the write filter, with the end of the response behind it.
fn write_framed(request: &mut Request, mut chain: *mut ngx_chain_t) -> Status {
    let mut end = &raw mut chain;
    // SAFETY: links just made in the pool of a live request, the last one with null.
    unsafe {
        while !(*end).is_null() {
            end = &raw mut (**end).next;
        }
        let Some(last) = new_link(request.0.pool) else { return Status::ERROR };
        (*(*last).buf).set_last_buf(1);
        (*(*last).buf).set_last_in_chain(1);
        *end = last;
        Status(ngx_http_write_filter(request.as_ptr(), chain))
    }
}

/// # Safety
///
/// `pool` is the pool of a live request.
unsafe fn new_link(pool: *mut nginx_sys::ngx_pool_t) -> Option<*mut ngx_chain_t> {
    // SAFETY: as the caller promises; zeroed memory is an empty buffer.
    unsafe {
        let chain = ngx_alloc_chain_link(pool);
        let buffer = ngx_pcalloc(pool, size_of::<ngx_buf_t>()).cast::<ngx_buf_t>();
        if chain.is_null() || buffer.is_null() {
            return None;
        }
        chain.write(ngx_chain_t { buf: buffer, next: ptr::null_mut() });
        Some(chain)
    }
}

/// Has the buffer point at the bytes, which live longer than it is busy.
///
/// # Safety
///
/// `buffer` is a buffer that nobody uses.
unsafe fn fill(buffer: *mut ngx_buf_t, bytes: &Bytes) {
    // SAFETY: as the caller promises; all zeroes are an empty buffer. `memory` says that nobody writes.
    unsafe {
        let range = bytes.as_ptr_range();
        buffer.write(core::mem::zeroed());
        (*buffer).start = range.start.cast_mut();
        (*buffer).pos = range.start.cast_mut();
        (*buffer).last = range.end.cast_mut();
        (*buffer).end = range.end.cast_mut();
        (*buffer).tag = tag();
        (*buffer).set_memory(1);
    }
}

fn tag() -> ngx_buf_tag_t {
    (&raw const TAG).cast_mut().cast()
}
