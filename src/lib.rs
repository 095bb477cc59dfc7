//! nginx push stream: channels of messages over HTTP, as a dynamic module of nginx.
//!
//! This file is what nginx sees: the module's tables. Its callbacks are in [`callbacks`], its
//! directives in [`directives`]; everything else is below them. See ARCHITECTURE.md for the map.

mod answer;
mod answering;
mod callbacks;
mod channels;
mod cohort;
mod conf;
mod counters;
mod dates;
mod delivery;
mod directives;
mod directory;
mod drain;
mod ending;
mod events;
mod floods;
mod frames;
mod leaving;
mod memory;
mod nginx;
mod outbox;
mod pages;
mod publisher;
mod render;
mod salvo;
mod statistics;
mod story;
mod subscribe;
mod subscriber;
mod tables;
mod timeouts;
mod turns;
mod variables;
mod worker;
mod zone;

use nginx_sys::{NGX_HTTP_MODULE, ngx_http_module_t, ngx_module_t, ngx_uint_t};
use ngx::http::HttpModule as _;

use crate::callbacks::Module;

static MODULE_CONTEXT: ngx_http_module_t = ngx_http_module_t {
    preconfiguration: Some(callbacks::ngx_http_push_stream_preconfiguration),
    postconfiguration: None,
    create_main_conf: Some(Module::create_main_conf),
    init_main_conf: Some(callbacks::ngx_http_push_stream_init_main_conf),
    create_srv_conf: None,
    merge_srv_conf: None,
    create_loc_conf: Some(Module::create_loc_conf),
    merge_loc_conf: Some(callbacks::ngx_http_push_stream_merge_loc_conf),
};

/// The module as nginx knows it.
#[expect(unsafe_code, reason = "nginx finds it by its name")]
#[unsafe(no_mangle)]
pub static mut ngx_http_push_stream_module: ngx_module_t = ngx_module_t {
    ctx: (&raw const MODULE_CONTEXT).cast_mut().cast(),
    commands: directives::COMMANDS.as_ptr(),
    type_: NGX_HTTP_MODULE as ngx_uint_t,
    init_module: Some(callbacks::ngx_http_push_stream_init_module),
    init_process: Some(callbacks::ngx_http_push_stream_init_process),
    exit_process: Some(callbacks::ngx_http_push_stream_exit_process),
    ..ngx_module_t::default()
};

/// What nginx looks for in a dynamic module.
#[cfg(feature = "export-modules")]
mod exports {
    use super::ngx_http_push_stream_module;

    ngx::ngx_modules!(ngx_http_push_stream_module);
}
