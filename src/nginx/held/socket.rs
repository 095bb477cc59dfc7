//! The fast path of a stream: bytes go to the socket with one system call, past nginx's filters.
//!
//! What nginx's write filter does for a connection is done here too: the head that it still keeps goes
//! first, sent bytes are counted, and a full socket marks the write event as not ready.

use core::ffi::c_int;
use std::io::{self, IoSlice};

use nginx_sys::{
    NGX_HTTP_WRITE_BUFFERED, ngx_chain_t, ngx_chain_update_sent, ngx_connection_error,
    ngx_connection_t, off_t,
};

use super::Gone;
use crate::nginx::request::Request;

/// `IOV_MAX` of Linux: more pieces than this are left for the next call.
const MAX_PIECES: usize = 1024;

/// More pieces than this do not leave together with the response's head.
const MAX_PIECES_WITH_HEAD: usize = 64;

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

/// One `writev`, counted in `$bytes_sent` and `$body_bytes_sent`.
///
/// # Safety
///
/// `c` is a live connection, a plain socket that is thought to be writable.
unsafe fn write_to_socket(c: *mut ngx_connection_t, pieces: &[IoSlice<'_>]) -> Result<usize, Gone> {
    let pieces = pieces.get(..MAX_PIECES).unwrap_or(pieces);
    let wanted: usize = pieces.iter().map(|piece| piece.len()).sum();
    if wanted == 0 {
        return Ok(0);
    }
    let count = c_int::try_from(pieces.len()).unwrap_or_default();
    loop {
        // SAFETY: `IoSlice` has the layout of `iovec`; the kernel only reads.
        let written = unsafe { libc::writev((*c).fd, pieces.as_ptr().cast(), count) };
        // SAFETY: as the caller promises.
        let (c, event) = unsafe { (&mut *c, &mut *(*c).write) };
        if let Ok(written) = usize::try_from(written) {
            c.sent += off_t::try_from(written).unwrap_or_default();
            if written < wanted {
                event.set_ready(0);
            }
            return Ok(written);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            io::ErrorKind::Interrupted => {}
            io::ErrorKind::WouldBlock => {
                event.set_ready(0);
                return Ok(0);
            }
            _ => {
                event.set_error(1);
                c.set_error(1);
                let code = error.raw_os_error().unwrap_or_default();
                // It chooses the level: a client that left is no error.
                // SAFETY: a live connection and a static text.
                unsafe { ngx_connection_error(c, code, c"writev() failed".as_ptr().cast_mut()) };
                return Err(Gone);
            }
        }
    }
}

/// Writes what of the head waits in `r->out` together with the pieces.
fn write_after_head(request: &mut Request, pieces: &[IoSlice<'_>]) -> Result<usize, Gone> {
    let mut slices = [IoSlice::new(&[]); MAX_PIECES_WITH_HEAD];
    let mut used = 0;
    let mut head = 0;
    let mut complete = true;
    let mut room = slices.iter_mut();
    // SAFETY: `out` is the chain of buffers that the write filter keeps for a live request; on the plain
    // path they are in memory, and stay unchanged until they are sent below.
    unsafe {
        let mut link: *const ngx_chain_t = request.0.out;
        while let Some(chain) = link.as_ref() {
            let buffer = &*chain.buf;
            let length = (buffer.last as usize).saturating_sub(buffer.pos as usize);
            if length > 0 {
                let Some(slot) = room.next() else {
                    complete = false;
                    break;
                };
                *slot = IoSlice::new(core::slice::from_raw_parts(buffer.pos, length));
                head += length;
                used += 1;
            }
            link = chain.next;
        }
    }
    if complete {
        for (slot, piece) in room.zip(pieces) {
            *slot = IoSlice::new(piece);
            used += 1;
        }
    }
    // SAFETY: the connection of a live request on the plain path, writable: the caller has looked.
    let written =
        unsafe { write_to_socket(request.connection(), slices.get(..used).unwrap_or_default()) }?;
    drop_sent(request, written.min(head));
    Ok(written.saturating_sub(head))
}

/// Takes `count` bytes off the front of `r->out`, as the write filter does after sending.
fn drop_sent(request: &mut Request, count: usize) {
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
