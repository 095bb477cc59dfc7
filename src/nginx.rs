//! nginx, wrapped so that the layers above need no `unsafe`.
//!
//! This folder knows nginx and nothing of publishing and subscribing. One concept of nginx per file;
//! all calls of C functions of this module are here, apart from the shims of the module tables.
//!
//! # The callback contract
//!
//! What nginx promises to the code it calls. `SAFETY` comments cite these points by number.
//!
//! 1. **One thread.** Every callback of a process runs on its main thread, one after the other. Nothing
//!    here may be called from another thread.
//! 2. **The argument lives.** The request, connection, event, cycle or `ngx_conf_t` passed to a callback
//!    is initialised and stays valid until the callback returns or hands it back (next point).
//! 3. **Finalizing gives it back.** `ngx_http_finalize_request` may free a request before it returns,
//!    and so may `ngx_http_run_posted_requests`. Nothing of the request is touched after them.
//!    The connection structure itself stays readable: it belongs to the worker's (for HTTP/2 the
//!    connection's) table.
//! 4. **A held request stays.** With `r->main->count` raised, a request lives until its holder finalizes
//!    it or nginx terminates it. Before nginx frees it, it runs the request's cleanup handlers
//!    (`ngx_http_cleanup_add`), once; the memory goes later, when the pool is destroyed: first the
//!    pool's cleanup handlers run, once, then the memory is freed.
//! 5. **Terminating is deferred.** `ngx_http_finalize_request` of a main request that has a write handler
//!    and ends in an error runs the cleanup handlers at once and frees the request only in
//!    `ngx_http_run_posted_requests`. Output filters never free a request.
//! 6. **Pool memory.** What comes from a request's pool lives as long as the request, what comes from a
//!    cycle's pool as long as the cycle: in a worker process, until the process ends.
//! 7. **Globals are set.** `ngx_cycle`, `ngx_pid`, the cached times and the event queues are initialised
//!    before any callback of a module runs; in a worker `ngx_cycle` does not change.
//! 8. **Forked memory.** Shared zones are mapped and eventfds are made in the master before it forks, so
//!    they have the same address or number in every worker of every later generation.

pub(crate) mod body;
pub(crate) mod bytes;
mod collected;
mod composition;
pub(crate) mod conf;
mod counted;
pub(crate) mod held;
pub(crate) mod local;
pub(crate) mod log;
pub(crate) mod notify;
pub(crate) mod posted;
pub(crate) mod process;
pub(crate) mod request;
pub(crate) mod ring;
pub(crate) mod sha1;
mod socket;
mod text;
pub(crate) mod timer;
pub(crate) mod variables;
pub(crate) mod wire;
pub(crate) mod zone;
