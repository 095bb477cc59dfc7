//! A request, as the service sees it: what the client asked, and what it is answered.
//!
//! This file reads the request; [`answer`] sends complete answers and [`context`] keeps values of ours
//! with the request. A request that stays open is [`super::held`], its body [`super::body`].
//!
//! Nothing here finalizes a request: content handlers and body callbacks return a [`Status`] and the
//! shim hands it to nginx. So a `&mut Request` is valid as long as it can be named.

#![expect(unsafe_code, reason = "wraps the request structure of nginx")]

pub(crate) mod answer;
pub(crate) mod context;

use core::slice;

use nginx_sys::{
    NGX_DONE, NGX_ERROR, NGX_HTTP_DELETE, NGX_HTTP_GET, NGX_HTTP_HEAD, NGX_HTTP_OPTIONS,
    NGX_HTTP_POST, NGX_HTTP_PUT, NGX_OK, ngx_connection_t, ngx_http_arg, ngx_http_complex_value,
    ngx_http_get_flushed_variable, ngx_http_request_t, ngx_int_t, ngx_list_part_t, ngx_str_t,
    ngx_table_elt_t,
};

use super::conf::{ComplexValue, Composed, VariableIndex};
use super::log::Log;
use super::text::bytes_of;

/// The result of a handler in nginx's terms: one of the constants, or an HTTP status of 300 or more,
/// for which nginx writes the answer itself (its error pages apply).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "nginx has to be told"]
pub(crate) struct Status(pub(crate) ngx_int_t);

impl Status {
    /// The request is answered.
    pub(crate) const OK: Self = Self(NGX_OK as ngx_int_t);
    /// The connection is lost or unusable: nginx closes it.
    pub(crate) const ERROR: Self = Self(NGX_ERROR as ngx_int_t);
    /// Somebody else ends the request: it is held, or its body is being read.
    pub(crate) const DONE: Self = Self(NGX_DONE as ngx_int_t);
    /// nginx writes the answer for this HTTP status (300 or more).
    pub(crate) fn http(status: u16) -> Self {
        Self(ngx_int_t::try_from(status).unwrap_or_default())
    }

    /// Whether nothing more can be sent for this request: an error, or an answer nginx has to write.
    pub(crate) fn is_failure(self) -> bool {
        self == Self::ERROR || self.0 > 0
    }
}

/// The pool of the request has no memory left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMemory;

impl From<NoMemory> for Status {
    fn from(_: NoMemory) -> Self {
        Self::http(500)
    }
}

/// The method of a request, by the names of RFC 9110 section 9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Other,
}

/// The protocol version of a request, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HttpVersion {
    Http09,
    Http10,
    Http11,
    Http2,
    Http3,
}

/// A request of nginx.
///
/// # Invariants
///
/// Only exists behind a reference made by [`Request::from_ptr`] from a live request whose header has
/// been read.
#[repr(transparent)]
pub(crate) struct Request(pub(super) ngx_http_request_t);

impl Request {
    /// # Safety
    ///
    /// `r` is a live request (callback contract, points 2 to 4) for all of `'a`, and nothing that the
    /// caller does during `'a` hands it back to nginx.
    pub(crate) unsafe fn from_ptr<'a>(r: *mut ngx_http_request_t) -> &'a mut Self {
        // SAFETY: as the caller promises; the types have the same layout.
        unsafe { &mut *r.cast() }
    }

    /// The raw request, for calls into nginx.
    pub(crate) fn as_ptr(&mut self) -> *mut ngx_http_request_t {
        &raw mut self.0
    }

    /// The request's method.
    pub(crate) fn method(&self) -> Method {
        match u32::try_from(self.0.method) {
            Ok(NGX_HTTP_GET) => Method::Get,
            Ok(NGX_HTTP_HEAD) => Method::Head,
            Ok(NGX_HTTP_POST) => Method::Post,
            Ok(NGX_HTTP_PUT) => Method::Put,
            Ok(NGX_HTTP_DELETE) => Method::Delete,
            Ok(NGX_HTTP_OPTIONS) => Method::Options,
            _ => Method::Other,
        }
    }

    /// The request's protocol version. nginx writes major * 1000 + minor.
    pub(crate) fn version(&self) -> HttpVersion {
        match self.0.http_version {
            ..1000 => HttpVersion::Http09,
            1000 => HttpVersion::Http10,
            1001..2000 => HttpVersion::Http11,
            2000..3000 => HttpVersion::Http2,
            _ => HttpVersion::Http3,
        }
    }

    /// Whether this is the client's request itself, not a subrequest of another module.
    pub(crate) fn is_main(&self) -> bool {
        core::ptr::eq(&raw const self.0, self.0.main)
    }

    /// The value of the first header of that name, which is compared without regard to case.
    pub(crate) fn header(&self, name: &str) -> Option<&[u8]> {
        // Not the iterator below: this is asked several times for every request, and mostly in vain.
        let mut part: Option<&ngx_list_part_t> = Some(&self.0.headers_in.headers.part);
        while let Some(list) = part {
            // SAFETY: the list of headers is filled in (type's invariant): its parts are linked and end with null, each has `nelts`
            // elements, and the strings in them live in the request's pool.
            for header in unsafe { elements(list) } {
                if header.key.len != name.len() {
                    continue;
                }
                // SAFETY: as above.
                let (key, value) = unsafe { (bytes_of(&header.key), bytes_of(&header.value)) };
                // Mostly it is written as here, and that is compared faster.
                if key == name.as_bytes() || key.eq_ignore_ascii_case(name.as_bytes()) {
                    return Some(value);
                }
            }
            // SAFETY: as above.
            part = unsafe { list.next.as_ref() };
        }
        None
    }

    /// The value of the first `If-Modified-Since`.
    pub(crate) fn if_modified_since(&self) -> Option<&[u8]> {
        // SAFETY: what nginx has found in this live request.
        unsafe { value_of(self.0.headers_in.if_modified_since) }
    }

    /// The value of the first `Content-Type`.
    pub(crate) fn content_type(&self) -> Option<&[u8]> {
        // SAFETY: as above.
        unsafe { value_of(self.0.headers_in.content_type) }
    }

    /// The value of the first `If-None-Match`.
    pub(crate) fn if_none_match(&self) -> Option<&[u8]> {
        // SAFETY: as above.
        unsafe { value_of(self.0.headers_in.if_none_match) }
    }

    /// The values of all headers of that name, in the order of the request.
    pub(crate) fn headers<'r>(&'r self, name: &str) -> impl Iterator<Item = &'r [u8]> {
        let first = &self.0.headers_in.headers.part;
        // SAFETY: the list of headers is filled in (type's invariant): its parts are linked and end with null, each has `nelts`
        // elements, and the strings in them live in the request's pool.
        let parts = core::iter::successors(Some(first), |part| unsafe { part.next.as_ref() });
        // SAFETY: as above.
        let all = parts.flat_map(|part| unsafe { elements(part) });
        // SAFETY: as above.
        all.map(|header| unsafe { (bytes_of(&header.key), bytes_of(&header.value)) })
            .filter(move |(key, _)| key.eq_ignore_ascii_case(name.as_bytes()))
            .map(|(_, value)| value)
    }

    /// The value of an indexed variable; `None` if it has none in this request.
    pub(crate) fn variable(&mut self, index: VariableIndex) -> Option<&[u8]> {
        // SAFETY: the index was given out while this request's configuration was read; the value is
        // valid until the next call of nginx, which the exclusive borrow keeps away.
        unsafe {
            let value = ngx_http_get_flushed_variable(self.as_ptr(), index.0).as_ref()?;
            (value.not_found() == 0).then(|| value.as_bytes())
        }
    }

    /// The value of a text with variables; `None` if the pool has no memory left.
    pub(crate) fn evaluate(&mut self, value: ComplexValue) -> Option<&[u8]> {
        match value {
            ComplexValue::Variable(index) => Some(self.variable(index).unwrap_or_default()),
            ComplexValue::Capture(place) => Some(self.captured(place)),
            ComplexValue::Composed(value) => self.evaluate_composed(value),
        }
    }

    /// What a group of the last pattern that matched the request has taken of it; nothing if there is no such group.
    fn captured(&self, place: usize) -> &[u8] {
        if place >= self.0.ncaptures {
            return &[];
        }
        // SAFETY: nginx has `ncaptures` numbers in the array, an even number: begin and end of each group in the text at `captures_data`,
        // which lives as long as the request; both are -1 for a group that was not used. The place is that of a begin, so its end is there too.
        unsafe {
            let [start, end] = [place, place + 1].map(|at| *self.0.captures.add(at));
            match (usize::try_from(start), usize::try_from(end)) {
                (Ok(start), Ok(end)) if start < end => {
                    slice::from_raw_parts(self.0.captures_data.add(start), end - start)
                }
                _ => &[],
            }
        }
    }

    fn evaluate_composed(&mut self, value: Composed) -> Option<&[u8]> {
        let mut text = ngx_str_t { len: 0, data: core::ptr::null_mut() };
        // SAFETY: the value was compiled for the configuration of this request (its type's invariant);
        // nginx points `text` at bytes in the request's pool or in the configuration, which stay as long as the request is not
        // handed back to nginx.
        unsafe {
            let result = ngx_http_complex_value(self.as_ptr(), value.as_ptr(), &raw mut text);
            (result == NGX_OK as ngx_int_t).then(|| bytes_of(&text))
        }
    }

    /// The first query argument of that name, ASCII case-insensitive, as it was sent.
    pub(crate) fn arg(&self, name: &str) -> Option<&[u8]> {
        let mut value = ngx_str_t::empty();
        // SAFETY: nginx reads the request's arguments and the name, and changes neither.
        let found = unsafe {
            ngx_http_arg(
                (&raw const self.0).cast_mut(),
                name.as_ptr().cast_mut(),
                name.len(),
                &raw mut value,
            )
        };
        // SAFETY: on success the value points into the request's arguments, which live as long as it.
        (found == NGX_OK as ngx_int_t).then(|| unsafe { bytes_of(&value) })
    }

    /// The log of the request's connection: lines name the client, the server and the request.
    pub(crate) fn log(&self) -> Log<'_> {
        // SAFETY: a live request has a connection, a connection has a log.
        unsafe { Log::from_ptr((*self.0.connection).log) }
    }

    pub(super) fn connection(&self) -> *mut ngx_connection_t {
        self.0.connection
    }
}

/// # Safety
///
/// `header` is null or a header in the list of a request that lives as long as the value is used.
unsafe fn value_of<'r>(header: *const ngx_table_elt_t) -> Option<&'r [u8]> {
    // SAFETY: as the caller promises.
    unsafe { header.as_ref().map(|header| bytes_of(&header.value)) }
}

/// # Safety
///
/// `part` belongs to a list of `ngx_table_elt_t`.
unsafe fn elements(part: &ngx_list_part_t) -> &[ngx_table_elt_t] {
    if part.nelts == 0 {
        return &[];
    }
    // SAFETY: a part's `elts` points at `nelts` elements.
    unsafe { slice::from_raw_parts(part.elts.cast(), part.nelts) }
}
