//! The callbacks of the module: nginx's pointers become references, the rest is somebody else's.

#![expect(unsafe_code, reason = "called by nginx with raw pointers")]

use core::ffi::{c_char, c_void};
use std::rc::Rc;

use nginx_sys::{NGX_LOG_NOTICE, ngx_conf_t, ngx_cycle_t, ngx_int_t, ngx_module_t};
use ngx::core::{CoreModuleMainConf as _, NgxCoreModule};
use ngx::http::{HttpModule, HttpModuleLocationConf, HttpModuleMainConf};

use crate::conf::MainConf;
use crate::conf::settings::{LocationSettings, MainSettings};
use crate::nginx::conf::{ConfRef, Reported, as_conf_result, as_ngx_int};
use crate::nginx::log::{Log, alert};
use crate::nginx::{notify, process};
use crate::{conf, memory, ngx_http_push_stream_module, turns, variables};

/* settings */

/// The module, as a name for its settings.
pub(crate) struct Module;

impl HttpModule for Module {
    fn module() -> &'static ngx_module_t {
        let module = &raw const ngx_http_push_stream_module;
        // SAFETY: nginx writes to it only while it loads the module, before any callback.
        unsafe { &*module }
    }
}

// SAFETY: `create_main_conf` makes a `MainSettings`.
unsafe impl HttpModuleMainConf for Module {
    type MainConf = MainSettings;
}

// SAFETY: `create_loc_conf` makes a `LocationSettings`.
unsafe impl HttpModuleLocationConf for Module {
    type LocationConf = LocationSettings;
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_preconfiguration(
    cf: *mut ngx_conf_t,
) -> ngx_int_t {
    // SAFETY: `cf` belongs to this callback.
    let cf = unsafe { ConfRef::from_ptr(cf) };
    as_ngx_int(cf.is_some_and(|cf| variables::define(&cf).is_ok()))
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_init_main_conf(
    cf: *mut ngx_conf_t,
    conf: *mut c_void,
) -> *mut c_char {
    // SAFETY: `cf` belongs to this callback; `conf` is what `create_main_conf` made.
    let parts = unsafe { (ConfRef::from_ptr(cf), conf.cast::<MainSettings>().as_mut()) };
    as_conf_result(match parts {
        (Some(cf), Some(main)) => conf::complete(&cf, main, variables::legacy(&cf)),
        _ => Err(Reported),
    })
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_merge_loc_conf(
    cf: *mut ngx_conf_t,
    outer: *mut c_void,
    inner: *mut c_void,
) -> *mut c_char {
    // SAFETY: `cf` belongs to this callback; the other two are different structs, both made by
    // `create_loc_conf`.
    let parts = unsafe {
        (
            ConfRef::from_ptr(cf),
            outer.cast::<LocationSettings>().as_ref(),
            inner.cast::<LocationSettings>().as_mut(),
        )
    };
    as_conf_result(match parts {
        (Some(cf), Some(outer), Some(inner)) => Module::main_conf_mut(cf.conf())
            .ok_or(Reported)
            .and_then(|main| conf::merge(&cf, main, outer, inner)),
        _ => Err(Reported),
    })
}

/* life of the processes */

/// The settings of the http block, if any location has a role.
///
/// # Safety
///
/// `cycle` is the cycle that nginx passed to a callback.
unsafe fn main_conf<'c>(cycle: *mut ngx_cycle_t) -> Option<&'c Rc<MainConf>> {
    // SAFETY: as the caller promises; without an http block there are no settings.
    let main = Module::main_conf(unsafe { cycle.as_ref()? })?;
    main.resolved.as_ref()
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_init_module(
    cycle: *mut ngx_cycle_t,
) -> ngx_int_t {
    // SAFETY: nginx calls this with the new cycle, whose log is open. `ngx_cycle` is still the old one.
    let main = unsafe { main_conf(cycle) };
    if main.is_none() {
        // SAFETY: as above.
        let log = unsafe { (*cycle).log };
        ngx::ngx_log_error!(
            NGX_LOG_NOTICE,
            log,
            "ngx_http_push_stream_module will not be used with this configuration."
        );
    }
    // SAFETY: as above; its core settings are complete.
    let workers =
        NgxCoreModule::main_conf(unsafe { &*cycle }).map_or(1, |core| core.worker_processes);
    as_ngx_int(init_module(main, usize::try_from(workers).unwrap_or(1)))
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_init_process(
    cycle: *mut ngx_cycle_t,
) -> ngx_int_t {
    // SAFETY: nginx calls this with the process's cycle.
    as_ngx_int(init_process(unsafe { main_conf(cycle) }))
}

pub(crate) unsafe extern "C" fn ngx_http_push_stream_exit_process(_cycle: *mut ngx_cycle_t) {
    exit_process();
}

/// In the master, for every configuration that is taken over; `nginx -t` comes here as well, so
/// nothing outside this process may change.
fn init_module(main: Option<&Rc<MainConf>>, worker_processes: usize) -> bool {
    report_panics();
    if main.is_some()
        && let Err(err) = notify::create(memory::slots_for(worker_processes))
    {
        alert!(Log::cycle(), "push stream module: {err} while making eventfds for wake-ups");
    }
    if let Some(main) = main {
        memory::begin_cycle(main.zone);
    }
    true
}

/// In every process forked from the master: workers, but also the cache manager and loader.
fn init_process(main: Option<&Rc<MainConf>>) -> bool {
    let Some(main) = main.filter(|_| process::is_worker()) else { return true };
    let Some(store) = memory::open(main.zone) else { return false };
    turns::start(Rc::clone(main), store);
    true
}

/// In every such process when it leaves.
fn exit_process() {
    turns::stop();
}

/// A panic ends the process; its words go to the error log, where the operator looks.
fn report_panics() {
    std::panic::set_hook(Box::new(|info| alert!(Log::cycle(), "push stream module: {info}")));
}
