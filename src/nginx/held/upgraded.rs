//! A request that has become a WebSocket: HTTP is over, its bytes belong to the holder in both directions.
//!
//! nginx has no word for this, so the request is told that its head has been sent (status 101, as the access log
//! shows it) and the head goes out as the first bytes of the holder. No filter of nginx sees any of them but the one that
//! writes, so TLS and `limit_rate` work as ever, and nothing else changes a byte.
//!
//! Cost: a read is one system call into a buffer of the caller; nothing is kept here.

use core::ptr;

use nginx_sys::{
    NGX_AGAIN, NGX_OK, ngx_buf_t, ngx_chain_t, ngx_handle_read_event, ngx_http_write_filter,
    ngx_int_t, ngx_pcalloc, ngx_post_event, ngx_posted_events, ngx_posted_next_events, ngx_uint_t,
};

use super::{Gone, Held, Wire, wire};
use crate::nginx::process;
use crate::nginx::request::{Request, Status};

const SWITCHING_PROTOCOLS: ngx_uint_t = 101;

impl Held {
    /// Ends HTTP on this connection, instead of [`Held::send_head`]: `head_len` bytes of head will be the first that are
    /// written. What the client sends from now on, or has sent already, is told by [`HeldHooks::readable`](super::HeldHooks::readable).
    pub(crate) fn upgrade(&mut self, head_len: usize) -> Result<Wire, Gone> {
        let link = self.0.clone();
        let request = self.request().ok_or(Gone)?;
        request.switch_protocols(head_len);
        link.upgraded.set(true);
        link.wire.set(wire::choose_upgraded(request));
        // Frames may have come together with the request; nobody would tell of them.
        // SAFETY: a live request has a connection with a read event.
        unsafe { ngx_post_event((*request.connection()).read, &raw mut ngx_posted_events) };
        Ok(link.wire.get())
    }

    /// Reads what the client has sent: the bytes behind its request first, then from the socket. `Ok(0)`: nothing more now,
    /// [`HeldHooks::readable`](super::HeldHooks::readable) tells of more.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Gone> {
        let kept = self.request().map_or(0, |request| request.take_kept(buffer));
        if kept > 0 {
            return Ok(kept);
        }
        let c = self.connection()?;
        // SAFETY: live while it is not null (Link's invariant). A connection has a read event and a function that receives, which
        // writes at most as many bytes into the buffer as it is told.
        let received = unsafe {
            let Some(receive) = (*c).recv else { return Err(Gone) };
            receive(c, buffer.as_mut_ptr(), buffer.len())
        };
        match usize::try_from(received) {
            Ok(0) => Err(Gone),
            Ok(count) => Ok(count),
            Err(_) if received == NGX_AGAIN as isize => {
                // SAFETY: as above.
                let armed = unsafe { ngx_handle_read_event((*c).read, 0) };
                if armed == NGX_OK as ngx_int_t { Ok(0) } else { Err(Gone) }
            }
            Err(_) => Err(Gone),
        }
    }

    /// Has [`HeldHooks::readable`](super::HeldHooks::readable) called in the next turn of the event loop: the holder has left bytes unread.
    pub(crate) fn read_later(&mut self) {
        let Ok(c) = self.connection() else { return };
        // SAFETY: live while it is not null (Link's invariant); a connection has a read event.
        unsafe { ngx_post_event((*c).read, &raw mut ngx_posted_next_events) };
    }
}

impl Request {
    /// Ends HTTP on this connection and sends these bytes, a head of `head_len` and what follows it; the connection is closed then. The
    /// result is the content handler's.
    pub(crate) fn respond_upgraded(&mut self, bytes: &[u8], head_len: usize) -> Status {
        self.switch_protocols(head_len);
        self.linger();
        let Ok(text) = self.copy_to_pool(bytes) else { return Status::ERROR };
        // SAFETY: zeroed memory from the pool of a live request is an empty buffer; its bytes are in the pool too.
        unsafe {
            let buffer = ngx_pcalloc(self.0.pool, size_of::<ngx_buf_t>()).cast::<ngx_buf_t>();
            let Some(buf) = buffer.as_mut() else { return Status::ERROR };
            buf.pos = text.data;
            buf.last = text.data.add(text.len);
            buf.set_memory(1);
            buf.set_last_buf(1);
            buf.set_last_in_chain(1);
            let mut chain = ngx_chain_t { buf: buffer, next: ptr::null_mut() };
            Status(ngx_http_write_filter(self.as_ptr(), &raw mut chain))
        }
    }

    /// What the access log and nginx's own functions are to believe from now on.
    fn switch_protocols(&mut self, head_len: usize) {
        let r = &mut self.0;
        r.headers_out.status = SWITCHING_PROTOCOLS;
        r.err_status = 0; // of an `error_page` that has led here
        r.header_size = head_len;
        r.set_header_sent(1);
        r.set_keepalive(0);
    }

    /// Has nginx read on for a while after the last byte was sent, so that a client which is still sending gets that byte and not
    /// a reset. Not while the worker leaves, which would wait for it.
    pub(super) fn linger(&mut self) {
        self.0.set_lingering_close(u32::from(!process::leaves()));
    }

    /// How many bytes nginx has read behind the head of the request.
    pub(super) fn kept(&self) -> usize {
        // SAFETY: `header_in` of a live request holds unread bytes between `pos` and `last`.
        let kept = unsafe { self.0.header_in.as_ref() };
        kept.map_or(0, |kept| (kept.last as usize).saturating_sub(kept.pos as usize))
    }

    /// Takes some of them.
    fn take_kept(&mut self, buffer: &mut [u8]) -> usize {
        let length = self.kept().min(buffer.len());
        if length > 0 {
            // SAFETY: `header_in` has so many unread bytes from `pos` on.
            unsafe {
                let kept = &mut *self.0.header_in;
                let bytes = core::slice::from_raw_parts(kept.pos, length);
                buffer.get_mut(..length).unwrap_or_default().copy_from_slice(bytes);
                kept.pos = kept.pos.add(length);
            }
        }
        length
    }
}
