//! The content handlers that nginx calls in a location with a role: they look up what the location
//! means and hand the request to the service.

use std::rc::Rc;

use nginx_sys::{ngx_http_request_t, ngx_int_t};
use ngx::http::{HttpModuleLocationConf as _, HttpModuleMainConf as _};

use crate::answer::INTERNAL_ERROR;
use crate::callbacks::Module;
use crate::conf::{LocationConf, MainConf};
use crate::nginx::body::BodyHandler;
use crate::nginx::conf::ContentHandler;
use crate::nginx::request::{Request, Status};
use crate::publisher::{self, Begun};
use crate::{statistics, subscribe};

pub(super) const PUBLISHER: ContentHandler = Some(ngx_http_push_stream_publisher_handler);
pub(super) const SUBSCRIBER: ContentHandler = Some(ngx_http_push_stream_subscriber_handler);
pub(super) const STATISTICS: ContentHandler = Some(ngx_http_push_stream_statistics_handler);

unsafe extern "C" fn ngx_http_push_stream_publisher_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    serve_with_settings(unsafe { Request::from_ptr(r) }, |request, main, location| {
        match publisher::begin(request, main, location) {
            Begun::Answered(status) => status,
            Begun::Publishes => request.read_body::<Publish>(),
            Begun::Deletes => request.read_body::<Delete>(),
        }
    })
    .0
}

unsafe extern "C" fn ngx_http_push_stream_subscriber_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    serve_with_settings(unsafe { Request::from_ptr(r) }, subscribe::serve).0
}

unsafe extern "C" fn ngx_http_push_stream_statistics_handler(
    r: *mut ngx_http_request_t,
) -> ngx_int_t {
    // SAFETY: the request of this callback (callback contract, point 2).
    serve_with_settings(unsafe { Request::from_ptr(r) }, statistics::serve).0
}

struct Publish;

impl BodyHandler for Publish {
    fn handle(request: &mut Request) -> Status {
        serve_with_settings(request, |request, main, location| {
            publisher::publish(request, main, location)
        })
    }
}

struct Delete;

impl BodyHandler for Delete {
    fn handle(request: &mut Request) -> Status {
        serve_with_settings(request, |request, main, _| publisher::delete(request, main))
    }
}

/// Has `answer` serve the request with what the configuration says where it is.
fn serve_with_settings(
    request: &mut Request,
    answer: fn(&mut Request, &Rc<MainConf>, &Rc<LocationConf>) -> Status,
) -> Status {
    let r = request.as_ptr();
    // SAFETY: a live request. The settings live in the pool of the cycle, longer than any request, so they are not part of what the
    // request borrows.
    let (main, location) = unsafe {
        let main = Module::main_conf(&*r).and_then(|main| main.resolved.as_ref());
        let location = Module::location_conf(&*r).and_then(|location| location.resolved.as_ref());
        (main, location)
    };
    match (main, location) {
        (Some(main), Some(location)) => answer(request, main, location),
        _ => INTERNAL_ERROR,
    }
}
