//! The body of a request: read to its end by nginx, then handed out as one piece.
//!
//! nginx keeps it in memory up to `client_body_buffer_size` and in a temporary file beyond, in several
//! buffers of either kind; the file is gone when the request is. Reading a file back blocks the
//! worker for that long.

#![expect(unsafe_code, reason = "walks the buffers in which nginx keeps the body")]

use std::borrow::Cow;

use nginx_sys::{
    ngx_buf_t, ngx_chain_t, ngx_http_finalize_request, ngx_http_read_client_request_body,
    ngx_http_request_t, ngx_read_file, off_t,
};

use super::request::{Request, Status};

/// What is to be done with a request whose body has been read.
pub(crate) trait BodyHandler {
    /// The result ends the request ([`Status::DONE`] if it has been held).
    fn handle(request: &mut Request) -> Status;
}

/// Why there is no body to work with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It does not fit into memory: refuse the request.
    NoMemory,
    /// The temporary file could not be read; nginx has logged why.
    Unreadable,
}

impl Request {
    /// Has nginx read the body, then calls the handler, perhaps before this returns, and ends the request
    /// with its result. The result here is the content handler's: `DONE`, or the status nginx answers because the body is too large
    /// or broken.
    pub(crate) fn read_body<H: BodyHandler>(&mut self) -> Status {
        // SAFETY: a live request in its content phase.
        let result =
            unsafe { ngx_http_read_client_request_body(self.as_ptr(), Some(on_body::<H>)) };
        // 300 is NGX_HTTP_SPECIAL_RESPONSE: from there on nginx has given the count back.
        if result >= 300 { Status(result) } else { Status::DONE }
    }

    /// The body, which has been read. Borrowed where nginx has it in one piece in memory.
    pub(crate) fn body(&self) -> Result<Cow<'_, [u8]>, BodyError> {
        let buffers = self.body_buffers();
        let mut few = buffers.clone();
        if let (Some(only), None) = (few.next(), few.next())
            && only.in_file() == 0
        {
            return Ok(Cow::Borrowed(in_memory(only)));
        }
        let length = buffers.clone().map(length).sum();
        let mut body = Vec::new();
        body.try_reserve_exact(length).map_err(|_| BodyError::NoMemory)?;
        for buffer in buffers {
            if buffer.in_file() == 0 {
                body.extend_from_slice(in_memory(buffer));
            } else {
                read_file(buffer, &mut body)?;
            }
        }
        Ok(Cow::Owned(body))
    }

    fn body_buffers(&self) -> impl Iterator<Item = &ngx_buf_t> + Clone {
        // SAFETY: null before a body was read and for requests without one; otherwise nginx's chain
        // of buffers, in the request's pool, which nobody changes after the last byte.
        let first: Option<&ngx_chain_t> =
            unsafe { self.0.request_body.as_ref().and_then(|body| body.bufs.as_ref()) };
        // SAFETY: as above.
        core::iter::successors(first, |link| unsafe { link.next.as_ref() })
            // SAFETY: as above.
            .filter_map(|link| unsafe { link.buf.as_ref() })
    }
}

fn length(buffer: &ngx_buf_t) -> usize {
    if buffer.in_file() != 0 {
        usize::try_from(buffer.file_last - buffer.file_pos).unwrap_or_default()
    } else {
        in_memory(buffer).len()
    }
}

fn in_memory(buffer: &ngx_buf_t) -> &[u8] {
    let length = (buffer.last as usize).saturating_sub(buffer.pos as usize);
    if buffer.pos.is_null() || length == 0 {
        return &[];
    }
    // SAFETY: a buffer's data lies between `pos` and `last`, and lives with it.
    unsafe { core::slice::from_raw_parts(buffer.pos, length) }
}

/// Appends the buffer's part of the temporary file. The memory has been reserved.
fn read_file(buffer: &ngx_buf_t, body: &mut Vec<u8>) -> Result<(), BodyError> {
    let mut wanted = length(buffer);
    let mut offset: off_t = buffer.file_pos;
    body.try_reserve(wanted).map_err(|_| BodyError::NoMemory)?;
    while wanted > 0 {
        let room = body.spare_capacity_mut().as_mut_ptr().cast::<u8>();
        // SAFETY: `wanted` bytes of room were reserved above; a buffer in a file has its file.
        let count = unsafe { ngx_read_file(buffer.file, room, wanted, offset) };
        let Ok(count @ 1..) = usize::try_from(count) else { return Err(BodyError::Unreadable) };
        let count = count.min(wanted);
        // SAFETY: nginx has filled `count` bytes of the room in.
        unsafe { body.set_len(body.len() + count) };
        offset += off_t::try_from(count).unwrap_or_default();
        wanted -= count;
    }
    Ok(())
}

/// nginx's callback when the body has been read.
unsafe extern "C" fn on_body<H: BodyHandler>(r: *mut ngx_http_request_t) {
    // SAFETY: a live request (callback contract, point 2), not touched elsewhere before the handler returns.
    let status = H::handle(unsafe { Request::from_ptr(r) });
    // SAFETY: live until here; not touched afterwards (callback contract, point 3).
    unsafe { ngx_http_finalize_request(r, status.0) };
}
