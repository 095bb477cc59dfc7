//! The memory with which nginx begins a request.
//!
//! nginx takes it from the server that is the default of the address, before it has read a header: `request_pool_size`, by default 4k. The
//! request itself, its two lists of headers and the tables of modules and variables are more than that in an nginx with the usual
//! modules, so it takes a second block as large as the first, and leaves most of it empty. Where requests wait for long that is
//! a third of what they take, and wherever they come it is one allocation more.
//!
//! Not over TLS: OpenSSL leaves holes in the memory of the process that blocks of 4 KB fill, and larger ones do not.

use core::ptr;

use nginx_sys::{
    ngx_http_conf_addr_t, ngx_http_conf_port_t, ngx_http_core_main_conf_t,
    ngx_http_core_srv_conf_t, ngx_http_max_module, ngx_http_request_t, ngx_http_variable_value_t,
    ngx_pool_t, ngx_table_elt_t,
};
use ngx::http::{HttpModuleMainConf as _, HttpModuleServerConf as _, NgxHttpCoreModule};

use super::{ConfRef, elements};

/// nginx's default of `request_pool_size`, in bytes.
const DEFAULT: usize = 4096;
/// Headers for which nginx makes room at a time: in the request's own list, again when that is full, and in the response's.
const HEADERS: usize = 20;
/// The same for trailers.
const TRAILERS: usize = 4;
/// Bytes for what modules and handlers take, the head of the response among it: a subscriber some 550, with headers for other origins and one
/// of `add_header` 1050.
const HANDLING: usize = 1536;

/// Bytes of a request with up to 40 headers, from its beginning to the head of its response. Who has more takes a second block, which is
/// as large: so this rather has some room left.
fn needed(modules: usize, variables: usize) -> usize {
    let lists = (3 * HEADERS + TRAILERS) * size_of::<ngx_table_elt_t>();
    let tables =
        modules * size_of::<*const ()>() + variables * size_of::<ngx_http_variable_value_t>();
    let request = size_of::<ngx_pool_t>() + size_of::<ngx_http_request_t>();
    (request + lists + tables + HANDLING).next_multiple_of(64)
}

/// The addresses at which nginx will listen. All are known when the first settings are merged.
fn addresses(core: &ngx_http_core_main_conf_t) -> impl Iterator<Item = &ngx_http_conf_addr_t> {
    // SAFETY: null, if there is no server, or an array of ports that is complete.
    let ports: &[ngx_http_conf_port_t] = unsafe { elements(core.ports) };
    // SAFETY: each has its array of addresses, which is complete too.
    ports.iter().flat_map(|port| unsafe { elements(&raw const port.addrs) })
}

/// Whether clients come to this address over TLS.
fn is_tls(address: &ngx_http_conf_addr_t) -> bool {
    #[cfg(nginx1_25_1)]
    let otherwise = address.opt.quic() != 0;
    // `ssl on;` in the default server.
    #[cfg(all(ngx_feature = "http_ssl", not(nginx1_25_1)))]
    // SAFETY: every address has a default server, which has its settings.
    let otherwise = unsafe { (*address.default_server).ctx.as_ref() }
        .and_then(ngx::http::NgxHttpSslModule::server_conf)
        .is_some_and(|settings| settings.enable == 1);
    #[cfg(not(any(nginx1_25_1, ngx_feature = "http_ssl")))]
    let otherwise = false;
    address.opt.ssl() != 0 || otherwise
}

/// Whether requests at this address may be for this server.
fn leads_to(address: &ngx_http_conf_addr_t, server: *const ngx_http_core_srv_conf_t) -> bool {
    // SAFETY: the array of the servers of the address, which is complete.
    let servers: &[*const ngx_http_core_srv_conf_t] =
        unsafe { elements(&raw const address.servers) };
    servers.contains(&server)
}

impl ConfRef<'_> {
    /// Has requests that may be for the server whose settings are being merged begin with the memory that they need, unless
    /// the configuration says how much. (Who says 4k says nothing: nginx does not tell the default from the same number.)
    pub(crate) fn fit_request_pool(&self) {
        let conf = self.conf();
        let Some(core) = NgxHttpCoreModule::main_conf(conf) else { return };
        let Some(server) = NgxHttpCoreModule::server_conf(conf).map(ptr::from_ref) else { return };
        // SAFETY: set before any settings are merged.
        let needed = needed(unsafe { ngx_http_max_module }, core.variables.nelts);
        if needed <= DEFAULT {
            return;
        }
        let own = addresses(core).filter(|address| leads_to(address, server));
        for default in own.map(|address| address.default_server) {
            // SAFETY: every address has a default server; nothing else refers to this number of it.
            let size = unsafe { &mut (*default).request_pool_size };
            let has_tls =
                || addresses(core).any(|address| is_tls(address) && leads_to(address, default));
            if *size == DEFAULT && !has_tls() {
                *size = needed;
            }
        }
    }
}
