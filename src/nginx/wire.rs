//! Which way the bytes of a body go: straight to the socket, or through nginx's filters.
//!
//! The plain path is open where the filters would only pass the bytes on. That cannot be asked of nginx,
//! so it is concluded: every HTTP module of the cycle is one that is known here, or has no callback in
//! which it could install a filter; and none of those that change bodies has left its mark on the
//! request. Any other module closes the plain path for the whole worker: slower, never wrong. The log
//! says so once per worker, at level notice.

#![expect(unsafe_code, reason = "looks into requests, connections and modules of nginx")]

use core::cell::RefCell;
use core::ffi::CStr;
use core::ptr;

use nginx_sys::{
    NGX_HTTP_MODULE, ngx_cycle, ngx_cycle_t, ngx_http_complex_value_size, ngx_http_module_t,
    ngx_io, ngx_module_t, ngx_uint_t,
};
use ngx::http::{HttpModuleLocationConf, NgxHttpCoreModule};

use crate::nginx::local::Local;
use crate::nginx::log::{self, Log};
use crate::nginx::request::{HttpVersion, Request};

/// How the bytes of a body reach the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Straight to the socket, each piece framed as an HTTP/1.1 chunk by us.
    PlainChunked,
    /// Straight to the socket as they are; the end of the connection ends the body, or its known length.
    PlainRaw,
    /// Through nginx's filters, which do all framing.
    Filtered,
}

/// The way for a request whose header has just been given to nginx.
pub(in crate::nginx) fn choose(request: &mut Request) -> Wire {
    if !is_plain(request) {
        Wire::Filtered
    } else if request.0.chunked() != 0 {
        Wire::PlainChunked
    } else {
        Wire::PlainRaw
    }
}

/// The way for a request that has been upgraded: no filter but the one that writes sees its bytes.
pub(in crate::nginx) fn choose_upgraded(request: &mut Request) -> Wire {
    if has_plain_connection(request) && !is_limited(request) {
        Wire::PlainRaw
    } else {
        Wire::Filtered
    }
}

fn is_plain(request: &mut Request) -> bool {
    let version = request.version();
    let r = &request.0;
    (version == HttpVersion::Http10 || version == HttpVersion::Http11)
        && request.is_main()
        && r.stream.is_null()
        && r.postponed.is_null()
        && r.header_only() == 0
        && r.expect_trailers() == 0
        && r.buffered() == 0
        && r.filter_need_in_memory() == 0
        && r.main_filter_need_in_memory() == 0
        && r.filter_need_temporary() == 0
        && r.headers_out.content_encoding.is_null()
        && has_plain_connection(request)
        && modules_leave_body_alone(request)
        && !is_limited(request)
}

/// A socket that nginx itself would write to with `writev`.
pub(super) fn has_plain_connection(request: &Request) -> bool {
    // SAFETY: a live request has a connection; `ngx_io` is set when the event module starts.
    unsafe {
        let c = &*request.connection();
        let plain = match (c.send_chain, (*ptr::addr_of!(ngx_io)).send_chain) {
            (Some(own), Some(usual)) => ptr::fn_addr_eq(own, usual),
            _ => false,
        };
        plain && c.ssl.is_null() && c.udp.is_null() && (*c.write).delayed() == 0
    }
}

fn is_limited(request: &mut Request) -> bool {
    if request.0.limit_rate_set() != 0 {
        return request.0.limit_rate != 0;
    }
    let Some(limit) = NgxHttpCoreModule::location_conf(&request.0).map(|core| core.limit_rate)
    else {
        return false;
    };
    // SAFETY: null or a value compiled for the configuration of this live request.
    unsafe { ngx_http_complex_value_size(request.as_ptr(), limit, 0) != 0 }
}

/// Known modules with a body filter, which have a context on the request when they want the body.
const BODY_FILTERS: &[&CStr] = &[
    c"ngx_http_addition_filter_module",
    c"ngx_http_charset_filter_module",
    c"ngx_http_gunzip_filter_module",
    c"ngx_http_gzip_filter_module",
    c"ngx_http_image_filter_module",
    c"ngx_http_range_body_filter_module",
    c"ngx_http_slice_filter_module",
    c"ngx_http_ssi_filter_module",
    c"ngx_http_sub_filter_module",
    c"ngx_http_xslt_filter_module",
];

/// Known modules that leave bodies alone: those of nginx 1.22 to 1.28, and this one. The chunked, copy
/// and postpone filters are among them: what they do for a stream is done here too, or not needed.
const HARMLESS: &[&CStr] = &[
    c"ngx_http_access_module",
    c"ngx_http_auth_basic_module",
    c"ngx_http_auth_request_module",
    c"ngx_http_autoindex_module",
    c"ngx_http_browser_module",
    c"ngx_http_chunked_filter_module",
    c"ngx_http_copy_filter_module",
    c"ngx_http_core_module",
    c"ngx_http_dav_module",
    c"ngx_http_degradation_module",
    c"ngx_http_empty_gif_module",
    c"ngx_http_fastcgi_module",
    c"ngx_http_flv_module",
    c"ngx_http_geo_module",
    c"ngx_http_geoip_module",
    c"ngx_http_grpc_module",
    c"ngx_http_gzip_static_module",
    c"ngx_http_header_count_module", // Debian's own, with a security fix
    c"ngx_http_header_filter_module",
    c"ngx_http_headers_filter_module",
    c"ngx_http_index_module",
    c"ngx_http_limit_conn_module",
    c"ngx_http_limit_req_module",
    c"ngx_http_log_module",
    c"ngx_http_map_module",
    c"ngx_http_memcached_module",
    c"ngx_http_mirror_module",
    c"ngx_http_mp4_module",
    c"ngx_http_not_modified_filter_module",
    c"ngx_http_perl_module",
    c"ngx_http_postpone_filter_module",
    c"ngx_http_proxy_module",
    c"ngx_http_push_stream_module",
    c"ngx_http_random_index_module",
    c"ngx_http_range_header_filter_module",
    c"ngx_http_realip_module",
    c"ngx_http_referer_module",
    c"ngx_http_rewrite_module",
    c"ngx_http_scgi_module",
    c"ngx_http_secure_link_module",
    c"ngx_http_split_clients_module",
    c"ngx_http_ssl_module",
    c"ngx_http_static_module",
    c"ngx_http_stub_status_module",
    c"ngx_http_try_files_module",
    c"ngx_http_upstream_hash_module",
    c"ngx_http_upstream_ip_hash_module",
    c"ngx_http_upstream_keepalive_module",
    c"ngx_http_upstream_least_conn_module",
    c"ngx_http_upstream_module",
    c"ngx_http_upstream_random_module",
    c"ngx_http_upstream_zone_module",
    c"ngx_http_userid_filter_module",
    c"ngx_http_uwsgi_module",
    c"ngx_http_v2_filter_module",
    c"ngx_http_v2_module",
    c"ngx_http_v3_filter_module",
    c"ngx_http_v3_module",
    c"ngx_http_write_filter_module",
];

/// What the modules of a cycle mean for the plain path.
struct Survey {
    cycle: *const ngx_cycle_t,
    all_known: bool,
    /// Context indexes of the body filters that the cycle has, `used` of them.
    body_filters: [ngx_uint_t; BODY_FILTERS.len()],
    used: usize,
}

static SURVEY: Local<RefCell<Option<Survey>>> = Local::new(RefCell::new(None));

fn modules_leave_body_alone(request: &Request) -> bool {
    let mut known = SURVEY.borrow_mut();
    // SAFETY: `ngx_cycle` is set (callback contract, point 7).
    let cycle: *const ngx_cycle_t = unsafe { ngx_cycle };
    let known = &mut *known;
    let survey = match known {
        Some(survey) if ptr::eq(survey.cycle, cycle) => survey,
        _ => known.insert(Survey::of(cycle)),
    };
    let filters = survey.body_filters.get(..survey.used).unwrap_or_default();
    // All are null mostly: they are looked at together.
    // SAFETY: a live request has a context pointer for each HTTP module of its cycle.
    let contexts = filters.iter().map(|&index| unsafe { *request.0.ctx.add(index) }.addr());
    survey.all_known && contexts.fold(0, |all, context| all | context) == 0
}

impl Survey {
    /// Made once for a cycle, that is, once in a worker.
    fn of(cycle: *const ngx_cycle_t) -> Self {
        let mut survey =
            Self { cycle, all_known: true, body_filters: [0; BODY_FILTERS.len()], used: 0 };
        // SAFETY: the cycle is nginx's current one, whose list of modules ends with null; modules and their names are static.
        unsafe {
            let mut next: *const *mut ngx_module_t = (*cycle).modules;
            while let Some(module) = (*next).as_ref() {
                if module.type_ == NGX_HTTP_MODULE as ngx_uint_t {
                    survey.note(CStr::from_ptr(module.name), module);
                }
                next = next.add(1);
            }
        }
        survey
    }

    fn note(&mut self, name: &CStr, module: &ngx_module_t) {
        if BODY_FILTERS.contains(&name) {
            if let Some(slot) = self.body_filters.get_mut(self.used) {
                *slot = module.ctx_index;
                self.used += 1;
            }
        } else if !HARMLESS.contains(&name) && can_install_filters(module) {
            let name = name.to_string_lossy();
            log::notice!(Log::cycle(), "streams go through all output filters because of {name}");
            self.all_known = false;
        }
    }
}

/// Filters are installed when the configuration has been read, or when nginx starts.
fn can_install_filters(module: &ngx_module_t) -> bool {
    // SAFETY: the context of an HTTP module is its static table of callbacks.
    let callbacks = unsafe { module.ctx.cast::<ngx_http_module_t>().as_ref() };
    module.init_module.is_some()
        || module.init_process.is_some()
        || callbacks.is_none_or(|callbacks| {
            callbacks.preconfiguration.is_some() || callbacks.postconfiguration.is_some()
        })
}
