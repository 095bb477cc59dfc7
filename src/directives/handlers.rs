//! The content handlers that nginx calls in a location with a role: they look up what the location
//! means and hand the request to the service.

use std::rc::Rc;

use nginx_sys::{NGX_HTTP_INTERNAL_SERVER_ERROR, ngx_http_request_t, ngx_int_t};
use ngx::http::{HttpModuleLocationConf as _, HttpModuleMainConf as _};

use crate::callbacks::Module;
use crate::conf::{LocationConf, MainConf};
use crate::nginx::conf::ContentHandler;
use crate::nginx::request::{Request, Status};
use crate::{publisher, statistics, subscribe};

pub(super) const PUBLISHER: ContentHandler = Some(ngx_http_push_stream_publisher_handler);
pub(super) const SUBSCRIBER: ContentHandler = Some(ngx_http_push_stream_subscriber_handler);
pub(super) const STATISTICS: ContentHandler = Some(ngx_http_push_stream_statistics_handler);

unsafe extern "C" fn ngx_http_push_stream_publisher_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    unsafe { serve(r, publisher::serve) }
}

unsafe extern "C" fn ngx_http_push_stream_subscriber_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    unsafe { serve(r, subscribe::serve) }
}

unsafe extern "C" fn ngx_http_push_stream_statistics_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    unsafe { serve(r, statistics::serve) }
}

/// # Safety
///
/// `r` is live and nobody else refers to it: nginx has just called a content handler with it.
unsafe fn serve(
    r: *mut ngx_http_request_t,
    answer: fn(&mut Request, &Rc<MainConf>, &Rc<LocationConf>) -> Status,
) -> ngx_int_t {
    // SAFETY: as the caller promises. The settings live in the pool of the cycle, longer than any
    // request, so they are not part of what the request borrows.
    let (request, main, location) = unsafe {
        let main = Module::main_conf(&*r).and_then(|main| main.resolved.as_ref());
        let location = Module::location_conf(&*r).and_then(|location| location.resolved.as_ref());
        (Request::from_ptr(r), main, location)
    };
    match (main, location) {
        (Some(main), Some(location)) => answer(request, main, location).0,
        _ => NGX_HTTP_INTERNAL_SERVER_ERROR as ngx_int_t,
    }
}
