//! The shared zone: one piece of memory that all workers of all generations see, and its lock.
//!
//! The life of a zone is declared → mapped → ready. Declaring happens while the configuration is read;
//! nginx maps the memory before it forks and calls back here. A fresh zone gives all its pages to one
//! run, which layer 4 formats; nginx's slab allocator is never called again. A zone kept over a
//! reload (same name, same size) is not touched at all: the master must not wait for a lock that a dead
//! worker may hold.
//!
//! The picture, low addresses first: slab header with the mutex | page table | the run | slack below
//! one page. `data` in the header points at the run and says that it is formatted; where the run ends
//! follows from the page table, which never changes. So nothing of the run is needed to find it.
//!
//! The lock is the slab pool's own mutex because nginx's master releases exactly that one when a worker
//! dies (it logs `shared memory zone "…" was locked by PID`). It spins, then sleeps on a semaphore; it
//! is not recursive.

#![expect(unsafe_code, reason = "maps and locks shared memory")]

use core::ffi::c_void;
use core::marker::PhantomData;
use core::mem;
use core::ptr::NonNull;

use nginx_sys::{
    NGX_ERROR, NGX_OK, ngx_cycle, ngx_cycle_t, ngx_int_t, ngx_list_part_t, ngx_pagesize,
    ngx_palloc, ngx_shared_memory_add, ngx_shm_zone_t, ngx_shmtx_lock, ngx_shmtx_unlock,
    ngx_slab_alloc_locked, ngx_slab_pool_t, ngx_str_t,
};

use super::conf::ConfRef;
use super::log::{self, Log};
use super::process;
use super::text::bytes_of;

/// Its address tells our zones from those of other modules with the same name.
static TAG: u8 = 0;

/// Fresh memory to be formatted: zeroes, aligned to a page, seen by nobody else yet.
pub(crate) struct Fresh {
    /// Where it starts.
    pub(crate) base: NonNull<u8>,
    /// How many bytes it has.
    pub(crate) len: usize,
    /// How many workers the configuration asks for.
    pub(crate) worker_processes: usize,
}

/// Formats fresh memory. The error is a fragment for the log line that refuses the configuration.
pub(crate) type Format = fn(Fresh) -> Result<(), &'static str>;

/// A shared zone.
///
/// # Invariants
///
/// Points at an element of a cycle's list of zones, declared by [`Zone::declare`]. It is kept only by
/// that cycle's configuration and by its workers, so the cycle lives (callback contract, point 6).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Zone(NonNull<ngx_shm_zone_t>);

/// What nginx hands to the zone's callback through `data`.
struct Declared {
    cycle: *const ngx_cycle_t,
    format: Format,
}

impl Zone {
    /// Declares a zone of that name for the configuration being read. `format` runs in the master when
    /// the memory is fresh, not when it is kept over a reload. `None`: nginx has logged why.
    pub(crate) fn declare(
        conf: &ConfRef<'_>,
        name: &'static str,
        size: usize,
        format: Format,
    ) -> Option<Self> {
        let mut name = ngx_str_t { len: name.len(), data: name.as_ptr().cast_mut() };
        let cf = conf.as_ptr();
        // SAFETY: `cf` is live by its type's invariant; the name is static. The zone is an element of
        // the new cycle's list, the declaration lies in the new cycle's pool.
        unsafe {
            let zone = ngx_shared_memory_add(cf, &raw mut name, size, tag());
            let zone = NonNull::new(zone)?;
            let declared =
                ngx_palloc((*(*cf).cycle).pool, size_of::<Declared>()).cast::<Declared>();
            let declared = NonNull::new(declared)?;
            declared.write(Declared { cycle: (*cf).cycle, format });
            (*zone.as_ptr()).data = declared.as_ptr().cast();
            (*zone.as_ptr()).init = Some(on_mapped);
            Some(Self(zone))
        }
    }

    /// The size that the running configuration gives to the zone of that name; `None` if it has none.
    /// While a configuration is read that is the old one, whose memory is kept if the size is the same.
    pub(crate) fn running_size(name: &str) -> Option<usize> {
        // SAFETY: `ngx_cycle` is set (callback contract, point 7); at the first start its list is empty.
        // Each part has `nelts` zones.
        unsafe {
            let mut part: *const ngx_list_part_t = &raw const (*ngx_cycle).shared_memory.part;
            while let Some(zones) = part.as_ref() {
                for index in 0..zones.nelts {
                    let zone = &*zones.elts.cast::<ngx_shm_zone_t>().add(index);
                    if zone.tag == tag() && bytes_of(&zone.shm.name) == name.as_bytes() {
                        return Some(zone.shm.size);
                    }
                }
                part = zones.next;
            }
        }
        None
    }

    /// The run: where it starts and how many bytes it has, the same in all processes. `None` before the
    /// zone is ready. Looking into it needs the lock, except for what is made for looking at without.
    pub(crate) fn memory(self) -> Option<(NonNull<u8>, usize)> {
        // SAFETY: the zone's cycle lives (type's invariant); once `addr` is set it is the mapped slab.
        unsafe {
            let pool = self.0.as_ref().shm.addr.cast::<ngx_slab_pool_t>();
            run_of(pool.as_ref()?)
        }
    }

    /// Waits for the lock. `None` before the zone is ready. Never in the master, never twice: it would
    /// wait for itself.
    pub(crate) fn lock(self) -> Option<Locked<'static>> {
        self.memory()?;
        // SAFETY: ready, so `addr` is the mapped slab with its mutex.
        let pool = unsafe { self.0.as_ref() }.shm.addr.cast::<ngx_slab_pool_t>();
        // SAFETY: as above. Only the thread of callbacks gets here (callback contract, point 1).
        unsafe { ngx_shmtx_lock(&raw mut (*pool).mutex) };
        Some(Locked { pool, not_send: PhantomData })
    }
}

/// The lock is held. It is given back when this is dropped.
pub(crate) struct Locked<'zone> {
    pool: *mut ngx_slab_pool_t,
    not_send: PhantomData<&'zone *mut ()>,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // SAFETY: this process holds the mutex since `lock`.
        unsafe { ngx_shmtx_unlock(&raw mut (*self.pool).mutex) };
    }
}

fn tag() -> *mut c_void {
    (&raw const TAG).cast_mut().cast()
}

/// The run of a zone, if it has been formatted. Reads only words that never change afterwards.
fn run_of(pool: &ngx_slab_pool_t) -> Option<(NonNull<u8>, usize)> {
    let base = NonNull::new(pool.data.cast::<u8>())?;
    Some((base, run_length(pool)))
}

/// Bytes in all pages of a slab pool.
fn run_length(pool: &ngx_slab_pool_t) -> usize {
    // SAFETY: set once at start.
    let page = unsafe { ngx_pagesize };
    let table = (pool.last as usize).saturating_sub(pool.pages as usize);
    (table / mem::size_of_val(&pool.free)).saturating_mul(page)
}

/// nginx's callback, in the master, when the zone is mapped; `old` is the `data` of the kept zone.
unsafe extern "C" fn on_mapped(zone: *mut ngx_shm_zone_t, old: *mut c_void) -> ngx_int_t {
    // SAFETY: a zone declared above, mapped (callback contract, points 2 and 8).
    let (pool, declared) = unsafe {
        (&mut *(*zone).shm.addr.cast::<ngx_slab_pool_t>(), &*(*zone).data.cast::<Declared>())
    };
    if !old.is_null() && !pool.data.is_null() {
        return NGX_OK as ngx_int_t;
    }
    match format(pool, declared) {
        Ok(()) => NGX_OK as ngx_int_t,
        Err(why) => {
            // SAFETY: the name of a mapped zone.
            let name = unsafe { bytes_of(&(*zone).shm.name) };
            log::alert!(Log::cycle(), "zone \"{}\" {why}", name.escape_ascii());
            NGX_ERROR as ngx_int_t
        }
    }
}

/// Takes all pages of a fresh pool and has them formatted.
fn format(pool: &mut ngx_slab_pool_t, declared: &Declared) -> Result<(), &'static str> {
    pool.set_log_nomem(0);
    let len = run_length(pool);
    // SAFETY: a fresh pool, which nobody else sees yet, so the mutex need not be held. All its pages
    // are one free run.
    let base = unsafe { ngx_slab_alloc_locked(pool, len) }.cast::<u8>();
    let base = NonNull::new(base).ok_or("is too small")?;
    // SAFETY: the cycle whose configuration declared the zone; it has been read by now.
    let worker_processes = unsafe { process::worker_processes_of(declared.cycle) };
    (declared.format)(Fresh { base, len, worker_processes })?;
    pool.data = base.as_ptr().cast();
    Ok(())
}
