//! The plain path: bytes of streams and of complete answers go to the socket with one system call, past nginx's filters.
//!
//! What nginx's write filter does for a connection is done here too: the head that it still keeps goes
//! first, sent bytes are counted, and a full socket marks the write event as not ready.
//!
//! A single piece goes by `send`: the kernel's way is shorter than that of `writev`, by more than it costs to copy a few small pieces
//! into one.

#![expect(unsafe_code, reason = "writes to the sockets of nginx's connections")]

use core::ffi::{CStr, c_int};
use core::mem::MaybeUninit;
use std::io::{self, IoSlice};

use nginx_sys::{
    NGX_HTTP_WRITE_BUFFERED, ngx_chain_t, ngx_chain_update_sent, ngx_connection_error,
    ngx_connection_t, off_t,
};

use smallvec::SmallVec;

use super::composition::Composition;
use super::request::Request;

/// The request has ended by itself; there is nobody to send to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// `IOV_MAX` of Linux: more pieces than this are left for the next call.
const MAX_PIECES: usize = 1024;

/// Head and pieces of up to so many bytes are copied into one.
pub(super) const JOINED: usize = 2048;

/// Writes the pieces, behind what is left of the request's head. Says how many bytes of the pieces were taken.
///
/// # Safety
///
/// `c` is a live connection on the plain path, that of the request if there is one.
pub(super) unsafe fn write(
    c: *mut ngx_connection_t,
    request: Option<&mut Request>,
    pieces: &[IoSlice<'_>],
) -> Result<usize, Gone> {
    // SAFETY: a connection has a write event.
    let (error, ready) = unsafe { ((*c).error() != 0, (*(*c).write).ready() != 0) };
    if error {
        return Err(Gone);
    }
    if !ready {
        return Ok(0);
    }
    match request {
        Some(request) if !request.0.out.is_null() => write_after_head(request, pieces),
        // SAFETY: as the caller promises; writable, as far as is known.
        _ => unsafe { write_to_socket(c, pieces) },
    }
}

/// One `send` or `writev`, counted in `$bytes_sent` and `$body_bytes_sent`.
///
/// # Safety
///
/// `c` is a live connection, a plain socket that is thought to be writable.
pub(super) unsafe fn write_to_socket(
    c: *mut ngx_connection_t,
    pieces: &[IoSlice<'_>],
) -> Result<usize, Gone> {
    let pieces = pieces.get(..MAX_PIECES).unwrap_or(pieces);
    let wanted: usize = pieces.iter().map(|piece| piece.len()).sum();
    if wanted == 0 {
        return Ok(0);
    }
    let count = c_int::try_from(pieces.len()).unwrap_or_default();
    loop {
        // SAFETY: the kernel only reads the bytes; `IoSlice` has the layout of `iovec`.
        let written = unsafe {
            match pieces {
                // The kernel's way is shorter here.
                [piece] => libc::send((*c).fd, piece.as_ptr().cast(), piece.len(), 0),
                _ => libc::writev((*c).fd, pieces.as_ptr().cast(), count),
            }
        };
        if let Ok(written) = usize::try_from(written) {
            // SAFETY: as the caller promises.
            unsafe { took(c, written, wanted) };
            return Ok(written);
        }
        let error = io::Error::last_os_error();
        if error.kind() == io::ErrorKind::Interrupted {
            continue;
        }
        let failed = if count == 1 { c"send() failed" } else { c"writev() failed" };
        // SAFETY: as the caller promises.
        return unsafe { refused(c, error.raw_os_error().unwrap_or_default(), failed) };
    }
}

/// What the kernel answers to a send that it was not asked for by `send`: the number of bytes, or an error as a negative number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict(pub(super) i32);

impl Verdict {
    /// Nothing has been sent, and the socket may take something.
    pub(super) const NOT_TRIED: Self = Self(-libc::EINTR);
    /// Nobody knows what has been sent.
    pub(super) const UNKNOWN: Self = Self(-libc::EIO);
}

/// Counts a send like [`write_to_socket`] does.
///
/// # Safety
///
/// `c` is a live connection, a plain socket.
pub(super) unsafe fn account(
    c: *mut ngx_connection_t,
    verdict: Verdict,
    wanted: usize,
    failed: &'static CStr,
) -> Result<usize, Gone> {
    match usize::try_from(verdict.0) {
        Ok(written) => {
            // SAFETY: as the caller promises.
            unsafe { took(c, written, wanted) };
            Ok(written)
        }
        Err(_) if verdict.0 == Verdict::NOT_TRIED.0 => Ok(0),
        // SAFETY: as the caller promises.
        Err(_) => unsafe { refused(c, -verdict.0, failed) },
    }
}

/// The socket has taken so many bytes of those that it was offered.
///
/// # Safety
///
/// `c` is a live connection.
unsafe fn took(c: *mut ngx_connection_t, written: usize, wanted: usize) {
    // SAFETY: as the caller promises; a connection has a write event.
    unsafe {
        (*c).sent += off_t::try_from(written).unwrap_or_default();
        if written < wanted {
            (*(*c).write).set_ready(0);
        }
    }
}

/// The socket has taken nothing: it is full, or broken.
///
/// # Safety
///
/// `c` is a live connection.
#[cold]
unsafe fn refused(
    c: *mut ngx_connection_t,
    code: c_int,
    failed: &'static CStr,
) -> Result<usize, Gone> {
    // SAFETY: as the caller promises; a connection has a write event.
    let (c, event) = unsafe { (&mut *c, &mut *(*c).write) };
    if code == libc::EAGAIN {
        event.set_ready(0);
        return Ok(0);
    }
    event.set_error(1);
    c.set_error(1);
    // It chooses the level: a client that left is no error.
    // SAFETY: a live connection and a static text.
    unsafe { ngx_connection_error(c, code, failed.as_ptr().cast_mut()) };
    Err(Gone)
}

/// Writes what of the head waits in `r->out` together with the pieces.
fn write_after_head(request: &mut Request, pieces: &[IoSlice<'_>]) -> Result<usize, Gone> {
    let mut room = [MaybeUninit::uninit(); JOINED];
    let mut joined = Composition::new(&mut room);
    let has_head = waiting(request).all(|bytes| joined.push(bytes));
    let head = if has_head { joined.text().len() } else { waiting(request).map(<[u8]>::len).sum() };
    let written = if has_head && pieces.iter().all(|piece| joined.push(piece)) {
        // SAFETY: the connection of a live request on the plain path, writable: the caller has looked.
        unsafe { write_to_socket(request.connection(), &[IoSlice::new(joined.text())]) }
    } else {
        let all = waiting(request).map(IoSlice::new).chain(pieces.iter().copied());
        let slices: SmallVec<[IoSlice<'_>; 16]> = all.take(MAX_PIECES).collect();
        // SAFETY: as above.
        unsafe { write_to_socket(request.connection(), &slices) }
    }?;
    drop_sent(request, written.min(head));
    Ok(written.saturating_sub(head))
}

/// What waits in `r->out`.
pub(super) fn waiting(request: &Request) -> impl Iterator<Item = &[u8]> {
    // SAFETY: `out` is the chain of buffers that the write filter keeps for a live request; on the plain
    // path they are in memory, and stay unchanged until they are dropped from it.
    let links =
        core::iter::successors(unsafe { request.0.out.as_ref() }, |link: &&ngx_chain_t| unsafe {
            link.next.as_ref()
        });
    links.filter_map(|link| {
        // SAFETY: as above.
        let (pos, last) = unsafe { ((*link.buf).pos, (*link.buf).last) };
        let len = (last as usize).saturating_sub(pos as usize);
        // SAFETY: as above.
        (len > 0).then(|| unsafe { core::slice::from_raw_parts(pos, len) })
    })
}

/// Takes `count` bytes off the front of `r->out`, as the write filter does after sending.
pub(super) fn drop_sent(request: &mut Request, count: usize) {
    // SAFETY: the write filter's own chain; the links come from the request's pool and go back to its
    // list of free ones (`ngx_free_chain`).
    unsafe {
        let rest = ngx_chain_update_sent(request.0.out, off_t::try_from(count).unwrap_or_default());
        let mut link = request.0.out;
        while !link.is_null() && link != rest {
            let next = (*link).next;
            (*link).next = (*request.0.pool).chain;
            (*request.0.pool).chain = link;
            link = next;
        }
        request.0.out = rest;
        let c = &mut *request.0.connection;
        let buffered = c.buffered() & !NGX_HTTP_WRITE_BUFFERED;
        c.set_buffered(if rest.is_null() { buffered } else { buffered | NGX_HTTP_WRITE_BUFFERED });
    }
}
