//! Complete answers: status, headers and a body that is known when it is sent.
//!
//! Length and date are written here and not by nginx, whose formatted printing of the two is a tenth of the work of a poll; they stand
//! in the list of headers like those that a proxied server has sent, where nginx and its filters find and change them.
//!
//! Cost: one `send` or `writev` for an answer whose header stays under `postpone_output` (1460 bytes unless
//! configured), because nothing is flushed before the body. Bodies pass by the body filters where those would only pass them on; what the
//! socket does not take of them is copied into the request's pool.
//!
//! What is answered here never meets `error_page`: the status goes into the header that is sent, and
//! the handler returns what sending gave.

use core::mem::MaybeUninit;
use core::ptr;
use std::io::IoSlice;

use nginx_sys::{
    NGX_HTTP_LAST, NGX_OK, ngx_buf_t, ngx_chain_t, ngx_http_discard_request_body,
    ngx_http_output_filter, ngx_http_send_header, ngx_http_send_special, ngx_http_set_content_type,
    ngx_http_write_filter, ngx_int_t, ngx_list_push, ngx_pcalloc, ngx_pnalloc, ngx_str_t,
    ngx_table_elt_t, ngx_uint_t, off_t, time_t,
};
use protocol::chunk::{CHUNK_TAIL, LAST_CHUNK, chunk_head, framed_len};

use super::{NoMemory, Request, Status};
use crate::nginx::collected;
use crate::nginx::composition::Composition;
use crate::nginx::socket::{self, Gone};
use crate::nginx::wire::{self, Wire};

impl Request {
    /// The status of the answer.
    pub(crate) fn set_status(&mut self, status: u16) {
        self.0.headers_out.status = ngx_uint_t::from(status);
        self.0.headers_out.status_line.len = 0;
    }

    /// The `Content-Type` of the answer. nginx's `charset` directive adds to it unless it names one.
    pub(crate) fn set_content_type(&mut self, value: &'static str) {
        let text = ngx_str_t { len: value.len(), data: value.as_ptr().cast_mut() };
        self.note_content_type(value.as_bytes(), text);
    }

    /// The same for a value that is copied.
    pub(crate) fn copy_content_type(&mut self, value: &[u8]) -> Result<(), NoMemory> {
        let text = self.copy_to_pool(value)?;
        self.note_content_type(value, text);
        Ok(())
    }

    fn note_content_type(&mut self, value: &[u8], text: ngx_str_t) {
        let end = memchr::memchr(b';', value).unwrap_or(value.len());
        let media_type = value.get(..end).unwrap_or_default();
        let headers = &mut self.0.headers_out;
        headers.content_type = text;
        // What the `…_types` directives are compared with.
        headers.content_type_len = media_type.trim_ascii_end().len();
        headers.content_type_lowcase = ptr::null_mut();
    }

    /// The `Content-Type` that nginx's `types` and `default_type` give for this request's path.
    pub(crate) fn set_default_content_type(&mut self) -> Result<(), NoMemory> {
        // SAFETY: a live request.
        let result = unsafe { ngx_http_set_content_type(self.as_ptr()) };
        if result == NGX_OK as ngx_int_t { Ok(()) } else { Err(NoMemory) }
    }

    /// The `Content-Length` of the answer; without one it is chunked (HTTP/1.1) or ends with the
    /// connection (HTTP/1.0).
    fn set_content_length(&mut self, length: Option<u64>) -> Result<(), NoMemory> {
        // With 204 nginx drops only what it would have written itself.
        let written = match length.filter(|_| self.final_status() != 204) {
            Some(n) => {
                self.push_copy("Content-Length", itoa::Buffer::new().format(n).as_bytes())?
            }
            None => ptr::null_mut(),
        };
        let headers = &mut self.0.headers_out;
        headers.content_length_n = length.map_or(-1, |n| off_t::try_from(n).unwrap_or(off_t::MAX));
        // SAFETY: null or a header in the request's list.
        unsafe { replace(&mut headers.content_length, written) };
        Ok(())
    }

    /// The `Last-Modified` of the answer: a time, and how it is written as an HTTP date.
    pub(crate) fn set_last_modified(
        &mut self,
        unix_seconds: u32,
        date: &[u8],
    ) -> Result<(), NoMemory> {
        // With another status nginx drops only what it would have written itself.
        let written = match self.0.err_status {
            0 | 200 | 206 | 304 => self.push_copy("Last-Modified", date)?,
            _ => ptr::null_mut(),
        };
        let headers = &mut self.0.headers_out;
        headers.last_modified_time = time_t::from(unix_seconds);
        // SAFETY: null or a header in the request's list.
        unsafe { replace(&mut headers.last_modified, written) };
        Ok(())
    }

    /// The status that is sent: an `error_page` that led here may have set another than ours.
    fn final_status(&self) -> ngx_uint_t {
        if self.0.err_status == 0 { self.0.headers_out.status } else { self.0.err_status }
    }

    /// Keeps nginx from answering 304 (or 412) by itself, because a 200 has a `Last-Modified` and the
    /// request has conditions: they are a cursor here, not a cache's question.
    pub(crate) fn disable_not_modified(&mut self) {
        self.0.set_disable_not_modified(1);
    }

    /// Adds a header behind those that are there; its value is copied. Also for names that nginx
    /// knows: `Etag` spelled so is an ordinary header to it.
    pub(crate) fn push_header(&mut self, name: &'static str, value: &[u8]) -> Result<(), NoMemory> {
        self.push_copy(name, value).map(|_| ())
    }

    fn push_copy(
        &mut self,
        name: &'static str,
        value: &[u8],
    ) -> Result<*mut ngx_table_elt_t, NoMemory> {
        let value = self.copy_to_pool(value)?;
        self.push(name, value)
    }

    /// The same for a value that is always there, and therefore not copied.
    pub(crate) fn push_static(
        &mut self,
        name: &'static str,
        value: &'static [u8],
    ) -> Result<(), NoMemory> {
        self.push(name, ngx_str_t { len: value.len(), data: value.as_ptr().cast_mut() }).map(|_| ())
    }

    /// Adds a header. It stays at its place in the list.
    fn push(
        &mut self,
        name: &'static str,
        value: ngx_str_t,
    ) -> Result<*mut ngx_table_elt_t, NoMemory> {
        let key = ngx_str_t { len: name.len(), data: name.as_ptr().cast_mut() };
        let header = ngx_table_elt_t {
            hash: 1, // anything but 0: it is to be sent
            key,
            value,
            lowcase_key: ptr::null_mut(),
            #[cfg(nginx1_23_0)]
            next: ptr::null_mut(),
        };
        // SAFETY: the list of a live request; a new element is memory for one header.
        unsafe {
            let element =
                ngx_list_push(&raw mut self.0.headers_out.headers).cast::<ngx_table_elt_t>();
            if element.is_null() {
                return Err(NoMemory);
            }
            element.write(header);
            Ok(element)
        }
    }

    /// `false`: the connection is closed after the answer. `true` leaves it as the client and the
    /// configuration have it.
    pub(crate) fn set_keepalive(&mut self, on: bool) {
        if !on {
            self.0.set_keepalive(0);
        }
    }

    /// Has nginx read and throw away the request's body. Before every answer that does not need it:
    /// otherwise its bytes would be taken for the next request.
    pub(crate) fn discard_body(&mut self) -> Result<(), Status> {
        // SAFETY: a live request in its content phase.
        let result = Status(unsafe { ngx_http_discard_request_body(self.as_ptr()) });
        if result == Status::OK { Ok(()) } else { Err(result) }
    }

    /// Sends header and body. An empty body gives `Content-Length: 0`. The result is the content handler's.
    pub(crate) fn respond(&mut self, body: &[u8]) -> Status {
        if let Err(failure) = self.set_content_length(u64::try_from(body.len()).ok()) {
            return failure.into();
        }
        let result = self.send_header();
        if result.is_failure() || self.0.header_only() != 0 {
            return result;
        }
        if body.is_empty() {
            return self.send_last();
        }
        let mut taken = 0;
        let is_plain = wire::choose(self) != Wire::Filtered;
        if is_plain {
            match self.write(body) {
                Ok(len) if len == body.len() => return Status::OK,
                Ok(len) => taken = len,
                Err(Gone) => return Status::ERROR,
            }
        }
        match self.copy_to_pool(body) {
            Ok(text) if is_plain => self.finish_write(taken, text),
            Ok(text) => self.output(text, true),
            Err(NoMemory) => Status::ERROR,
        }
    }

    /// Sends a header without length, then the pieces, each as an HTTP/1.1 chunk of its own (where the
    /// answer is chunked at all and no filter rearranges the body). None of them is empty.
    pub(crate) fn respond_chunks(&mut self, pieces: &[&[u8]]) -> Status {
        if let Err(failure) = self.set_content_length(None) {
            return failure.into();
        }
        let mut result = self.send_header();
        if result.is_failure() || self.0.header_only() != 0 {
            return result;
        }
        debug_assert!(pieces.iter().all(|piece| !piece.is_empty()), "an empty chunk ends the body");
        if pieces.is_empty() {
            return self.send_last();
        }
        let wire = wire::choose(self);
        if wire != Wire::Filtered {
            let chunked = wire == Wire::PlainChunked;
            let len = pieces.iter().map(|piece| framed_len(piece.len())).sum::<usize>();
            let len = len + LAST_CHUNK.len();
            let write = |whole: &mut Composition<'_>| {
                for piece in pieces {
                    if chunked {
                        whole.push(&chunk_head(piece.len()));
                    }
                    whole.push(piece);
                    if chunked {
                        whole.push(CHUNK_TAIL);
                    }
                }
                if chunked {
                    whole.push(LAST_CHUNK);
                }
            };
            if collected::collect(self, len, write) {
                return Status::OK;
            }
            return self.compose(len, write).map_or(Status::ERROR, |whole| self.write_last(whole));
        }
        // nginx makes one chunk of what one call of the filters gets. Only the last is flushed.
        let last = pieces.len() - 1;
        for (place, piece) in pieces.iter().enumerate() {
            let Ok(text) = self.copy_to_pool(piece) else { return Status::ERROR };
            result = self.output(text, place == last);
            if result.is_failure() {
                return result;
            }
        }
        result
    }

    /// Sends the header into the filters. It may wait there for the body.
    pub(in crate::nginx) fn send_header(&mut self) -> Status {
        // SAFETY: a live main request whose header has not been sent.
        Status(unsafe { ngx_http_send_header(self.as_ptr()) })
    }

    /// The end of the body.
    pub(in crate::nginx) fn send_last(&mut self) -> Status {
        // SAFETY: a live request whose header has been sent.
        Status(unsafe { ngx_http_send_special(self.as_ptr(), NGX_HTTP_LAST as ngx_uint_t) })
    }

    /// Sends `text`, which is not empty and lies in the request's pool, through the filters.
    fn output(&mut self, text: ngx_str_t, last: bool) -> Status {
        let Ok(buffer) = self.buffer(text, last) else { return Status::ERROR };
        let mut link = ngx_chain_t { buf: buffer, next: ptr::null_mut() };
        // SAFETY: filters copy the links they keep; the buffer lives in the pool.
        Status(unsafe { ngx_http_output_filter(self.as_ptr(), &raw mut link) })
    }

    /// The same for the end of a body that all filters but the last would only pass on. That last one is asked for help only if the socket
    /// does not take everything at once.
    fn write_last(&mut self, text: ngx_str_t) -> Status {
        // SAFETY: a text in the request's pool.
        let taken = self.write(unsafe { core::slice::from_raw_parts(text.data, text.len) });
        taken.map_or(Status::ERROR, |taken| self.finish_write(taken, text))
    }

    /// Plain path: sends the head, if it still waits, and these bytes behind it. Says how many of them were taken.
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Gone> {
        // SAFETY: the connection is that of the request, on the plain path.
        unsafe { socket::write(self.connection(), Some(&mut *self), &[IoSlice::new(bytes)]) }
    }

    /// So many bytes of a whole answer have been sent beside nginx: it sends the rest. The first `head` of them it still keeps.
    pub(in crate::nginx) fn finish_answer(
        &mut self,
        taken: usize,
        head: usize,
        answer: &[u8],
    ) -> Status {
        let of_head = taken.min(head);
        if of_head > 0 {
            socket::drop_sent(self, of_head);
        }
        let rest = self.copy_to_pool(answer.get(taken.max(head)..).unwrap_or_default());
        rest.map_or(Status::ERROR, |rest| self.finish_write(0, rest))
    }

    /// The same for a body in the request's pool, of which so many bytes have been sent.
    fn finish_write(&mut self, taken: usize, mut text: ngx_str_t) -> Status {
        if taken >= text.len {
            return Status::OK;
        }
        text.len -= taken;
        // SAFETY: the text was longer.
        text.data = unsafe { text.data.add(taken) };
        let Ok(buffer) = self.buffer(text, true) else { return Status::ERROR };
        let mut link = ngx_chain_t { buf: buffer, next: ptr::null_mut() };
        // SAFETY: as above.
        Status(unsafe { ngx_http_write_filter(self.as_ptr(), &raw mut link) })
    }

    fn buffer(&mut self, text: ngx_str_t, last: bool) -> Result<*mut ngx_buf_t, NoMemory> {
        // SAFETY: zeroed memory from the pool of a live request is an empty buffer.
        let buffer =
            unsafe { ngx_pcalloc(self.0.pool, size_of::<ngx_buf_t>()) }.cast::<ngx_buf_t>();
        // SAFETY: null or the buffer just made.
        let Some(buf) = (unsafe { buffer.as_mut() }) else { return Err(NoMemory) };
        buf.pos = text.data;
        // SAFETY: the end of the text's own memory.
        buf.last = unsafe { text.data.add(text.len) };
        buf.set_temporary(1);
        if last {
            buf.set_last_buf(u32::from(self.is_main()));
            buf.set_last_in_chain(1);
        }
        Ok(buffer)
    }

    /// A text in the request's pool, of at most `len` bytes.
    fn compose(
        &mut self,
        len: usize,
        write: impl FnOnce(&mut Composition<'_>),
    ) -> Result<ngx_str_t, NoMemory> {
        // SAFETY: the pool of a live request.
        let data = unsafe { ngx_pnalloc(self.0.pool, len) }.cast::<MaybeUninit<u8>>();
        if data.is_null() {
            return Err(NoMemory);
        }
        // SAFETY: `len` bytes that nobody else uses.
        let room = unsafe { core::slice::from_raw_parts_mut(data, len) };
        let mut composition = Composition::new(room);
        write(&mut composition);
        Ok(ngx_str_t { len: composition.text().len(), data: data.cast() })
    }

    pub(in crate::nginx) fn copy_to_pool(&mut self, bytes: &[u8]) -> Result<ngx_str_t, NoMemory> {
        if bytes.is_empty() {
            return Ok(ngx_str_t { len: 0, data: ptr::null_mut() });
        }
        // SAFETY: the pool of a live request.
        let data = unsafe { ngx_pnalloc(self.0.pool, bytes.len()) }.cast::<u8>();
        if data.is_null() {
            return Err(NoMemory);
        }
        // SAFETY: `data` has room for the bytes and is new, so the two do not overlap.
        unsafe { data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(ngx_str_t { len: bytes.len(), data })
    }
}

/// Takes a header out of the request's list, and notes another in its place.
///
/// # Safety
///
/// `known` is null or a header in that list.
unsafe fn replace(known: &mut *mut ngx_table_elt_t, by: *mut ngx_table_elt_t) {
    // SAFETY: as the caller promises.
    if let Some(header) = unsafe { known.as_mut() } {
        // nginx's convention.
        header.hash = 0;
    }
    *known = by;
}
