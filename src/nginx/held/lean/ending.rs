//! The end of a lean connection: its last bytes are sent, the socket is read empty if the client may still be sending, as nginx does
//! after a request (`lingering_close`), and it is closed. The holder has let go by then.

use core::ptr;
use std::collections::VecDeque;
use std::io::IoSlice;

use nginx_sys::{
    NGX_AGAIN, NGX_HTTP_LINGERING_ALWAYS, NGX_HTTP_LINGERING_BUFFER_SIZE, NGX_HTTP_LINGERING_OFF,
    NGX_OK, ngx_add_timer, ngx_connection_t, ngx_del_timer, ngx_event_t, ngx_handle_read_event,
    ngx_handle_write_event, ngx_http_close_connection, ngx_int_t, ngx_reusable_connection,
    ngx_uint_t,
};

use super::super::{Gone, Held, Link, socket};
use super::{has_closed, link_of};
use crate::nginx::bytes::Bytes;
use crate::nginx::counted::Counted;
use crate::nginx::process;

const LINGERING_OFF: ngx_uint_t = NGX_HTTP_LINGERING_OFF as ngx_uint_t;
const LINGERING_ALWAYS: ngx_uint_t = NGX_HTTP_LINGERING_ALWAYS as ngx_uint_t;

/// Pieces in one write.
const MAX_PIECES: usize = 64;

impl Held {
    /// Sends the rest and closes the lean connection in order.
    pub(in crate::nginx::held) fn finish_lean(self, mut rest: VecDeque<Bytes>) {
        let Some(c) = self.release_lean() else { return };
        rest.retain(|piece| !piece.is_empty());
        *self.0.rest() = rest;
        // SAFETY: a live connection; its handlers are these from now on.
        unsafe {
            (*(*c).read).handler = Some(on_read);
            (*(*c).write).handler = Some(on_write);
            send_rest(c);
        }
    }

    /// Closes the lean connection.
    pub(in crate::nginx::held) fn abort_lean(self) {
        if let Some(c) = self.release_lean() {
            // SAFETY: a live connection, and not touched afterwards.
            unsafe { close(c) };
        }
    }

    /// Takes the connection away from the link, so that no hook is called any more.
    fn release_lean(&self) -> Option<*mut ngx_connection_t> {
        let c = self.0.connection.replace(ptr::null_mut());
        self.0.waiting.set(false);
        (!c.is_null()).then_some(c)
    }
}

/// Closes the connection at once.
///
/// # Safety
///
/// `c` is a live lean connection. It is not touched afterwards.
pub(super) unsafe fn close(c: *mut ngx_connection_t) {
    // SAFETY: the connection's `data` owns a reference to the link, which is taken from it here.
    unsafe {
        let link = Counted::<Link>::from_raw((*c).data);
        (*c).data = ptr::null_mut();
        link.connection.set(ptr::null_mut());
        let resets = link.core.get().is_some_and(|core| core.reset_timedout_connection != 0);
        if (*c).timedout() != 0 && resets {
            let linger = libc::linger { l_onoff: 1, l_linger: 0 };
            let size = libc::socklen_t::try_from(size_of::<libc::linger>()).unwrap_or_default();
            let option = (&raw const linger).cast();
            // Without it the connection is closed in order, which is no worse.
            libc::setsockopt((*c).fd, libc::SOL_SOCKET, libc::SO_LINGER, option, size);
        }
        ngx_http_close_connection(c);
    }
}

/// Sends what is left as far as the socket takes it; then goes on to the end.
///
/// # Safety
///
/// `c` is a live lean connection that its holder has let go of. It is not touched afterwards.
unsafe fn send_rest(c: *mut ngx_connection_t) {
    // SAFETY: as the caller promises.
    unsafe {
        let link = link_of(c);
        match write_rest(c, &link) {
            Err(Gone) => close(c),
            Ok(true) => end(c, &link),
            Ok(false) => {
                ngx_add_timer((*c).write, link.send_timeout());
                if ngx_handle_write_event((*c).write, 0) != NGX_OK as ngx_int_t {
                    close(c);
                }
            }
        }
    }
}

/// Whether all has been written.
///
/// # Safety
///
/// `c` is the live connection of the link.
unsafe fn write_rest(c: *mut ngx_connection_t, link: &Link) -> Result<bool, Gone> {
    let mut rest = link.rest();
    while !rest.is_empty() {
        let slices: Vec<_> =
            rest.iter().take(MAX_PIECES).map(|piece| IoSlice::new(piece)).collect();
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        // SAFETY: as the caller promises; a lean connection is on the plain path.
        let mut taken = unsafe { socket::write(c, None, &slices) }?;
        let is_full = taken < offered;
        while let Some(front) = rest.front_mut().filter(|_| taken > 0) {
            let length = front.len().min(taken);
            front.advance(length);
            taken -= length;
            if front.is_empty() {
                rest.pop_front();
            }
        }
        if is_full {
            return Ok(false);
        }
    }
    Ok(true)
}

/// All has been written: closes the connection, or waits for the client to stop sending, so that it gets the last bytes and not a reset.
///
/// # Safety
///
/// As for [`send_rest`].
unsafe fn end(c: *mut ngx_connection_t, link: &Link) {
    // SAFETY: as the caller promises.
    unsafe {
        let core = link.core.get();
        let lingers = match core.map_or(LINGERING_OFF, |core| core.lingering_close) {
            LINGERING_OFF => false,
            LINGERING_ALWAYS => true,
            _ => {
                link.unread.get()
                    || (*(*c).read).ready() != 0
                    || link.upgraded.get() && !process::leaves()
            }
        };
        let Some(core) = core.filter(|_| lingers) else { return close(c) };
        if libc::shutdown((*c).fd, libc::SHUT_WR) != 0 {
            return close(c);
        }
        (*(*c).read).handler = Some(on_linger);
        (*(*c).write).handler = Some(on_linger_end);
        if (*(*c).write).timer_set() != 0 {
            ngx_del_timer((*c).write);
        }
        // The one timer for each silence of the client, the other for all of it.
        ngx_add_timer((*c).read, core.lingering_timeout);
        ngx_add_timer((*c).write, core.lingering_time);
        ngx_reusable_connection(c, 1);
        on_linger((*c).read);
    }
}

/// nginx's callback: the client has sent something, or closed its side, or nginx closes the connection.
unsafe extern "C" fn on_read(event: *mut ngx_event_t) {
    // SAFETY: the read event of a live connection with these handlers (callback contract, point 2).
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        if (*c).close() != 0 || (*c).error() != 0 || has_closed(c) {
            close(c);
        }
    }
}

/// nginx's callback: the socket takes bytes, or has taken none for too long.
unsafe extern "C" fn on_write(event: *mut ngx_event_t) {
    // SAFETY: the write event of a live connection with these handlers (callback contract, point 2).
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        if (*event).timedout() != 0 {
            (*c).set_timedout(1);
            return close(c);
        }
        send_rest(c);
    }
}

/// nginx's callback: bytes to be thrown away, the end of them, or too long a silence.
unsafe extern "C" fn on_linger(event: *mut ngx_event_t) {
    // SAFETY: the read event of a live connection with these handlers (callback contract, point 2), which has a function that
    // receives.
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        let Some(receive) = (*c).recv.filter(|_| (*event).timedout() == 0 && (*c).close() == 0)
        else {
            return close(c);
        };
        let mut buffer = [0_u8; NGX_HTTP_LINGERING_BUFFER_SIZE as usize];
        let mut came = false;
        while (*event).ready() != 0 {
            let count = receive(c, buffer.as_mut_ptr(), buffer.len());
            if count == NGX_AGAIN as isize {
                break;
            }
            if count <= 0 {
                return close(c);
            }
            came = true;
        }
        if ngx_handle_read_event(event, 0) != NGX_OK as ngx_int_t {
            return close(c);
        }
        if let Some(core) = link_of(c).core.get().filter(|_| came) {
            ngx_add_timer(event, core.lingering_timeout);
        }
    }
}

/// nginx's callback: the time to wait for the client is up. Otherwise the socket takes bytes, of which there are none.
unsafe extern "C" fn on_linger_end(event: *mut ngx_event_t) {
    // SAFETY: the write event of a live connection with these handlers (callback contract, point 2).
    unsafe {
        let c = (*event).data.cast::<ngx_connection_t>();
        if (*event).timedout() != 0 || ngx_handle_write_event(event, 0) != NGX_OK as ngx_int_t {
            close(c);
        }
    }
}
