//! Values of ours that live as long as a request, found again by their type.
//!
//! They hang on the cleanup list of the request's pool, so they are dropped with it, survive internal
//! redirects (which clear nginx's own per-module contexts) and need no slot of the module. Finding
//! one walks that list, which has a handful of entries. A subrequest shares the pool and the list of its main request, so each
//! value says whose it is.

use core::any::TypeId;
use core::ffi::c_void;
use core::ptr;

use nginx_sys::{NGX_ALIGNMENT, ngx_http_request_t, ngx_pool_cleanup_add};

use super::{NoMemory, Request};

/// What precedes each value.
struct Header {
    type_id: TypeId,
    /// Whose it is; only compared.
    request: *const ngx_http_request_t,
    /// Drops the value; its argument is the whole slot.
    drop: unsafe fn(*mut c_void),
}

#[repr(C)]
struct Slot<T> {
    header: Header,
    value: T,
}

impl Request {
    /// Keeps a value until the request's memory is freed. A later value of the same type hides it.
    pub(crate) fn set_context<T: 'static>(&mut self, value: T) -> Result<&mut T, NoMemory> {
        const { assert!(align_of::<Slot<T>>() <= NGX_ALIGNMENT) };
        // SAFETY: the pool of a live request; what it gives is aligned to `NGX_ALIGNMENT`.
        let cleanup = unsafe { ngx_pool_cleanup_add(self.0.pool, size_of::<Slot<T>>()) };
        // SAFETY: null or an entry of the pool that nobody else uses yet.
        let Some(cleanup) = (unsafe { cleanup.as_mut() }) else { return Err(NoMemory) };
        let slot = cleanup.data.cast::<Slot<T>>();
        let header =
            Header { type_id: TypeId::of::<T>(), request: &raw const self.0, drop: drop_slot::<T> };
        // SAFETY: `data` has room for a slot. The handler is set last: it drops what is there.
        unsafe {
            slot.write(Slot { header, value });
            cleanup.handler = Some(drop_context);
            Ok(&mut (*slot).value)
        }
    }

    /// The value of this type that was kept last.
    pub(crate) fn context<T: 'static>(&self) -> Option<&T> {
        let slot = self.find(TypeId::of::<T>())?;
        // SAFETY: the type id says that it is a `Slot<T>`; it lives as long as the request, whose borrow guards it.
        Some(unsafe { &(*slot.cast::<Slot<T>>()).value })
    }

    /// The same, to be changed.
    pub(crate) fn context_mut<T: 'static>(&mut self) -> Option<&mut T> {
        let slot = self.find(TypeId::of::<T>())?;
        // SAFETY: as above, and the borrow is exclusive.
        Some(unsafe { &mut (*slot.cast::<Slot<T>>()).value })
    }

    fn find(&self, type_id: TypeId) -> Option<*mut c_void> {
        // SAFETY: the pool of a live request. Its list of cleanups ends with null; entries live as long as it. An entry with our
        // handler begins with a `Header`.
        unsafe {
            let mut entry = (*self.0.pool).cleanup;
            while let Some(cleanup) = entry.as_ref() {
                let ours = cleanup.handler.is_some_and(|handler| {
                    ptr::fn_addr_eq(handler, drop_context as unsafe extern "C" fn(*mut c_void))
                });
                if ours {
                    let header = &*cleanup.data.cast::<Header>();
                    if ptr::eq(header.request, &raw const self.0) && header.type_id == type_id {
                        return Some(cleanup.data);
                    }
                }
                entry = cleanup.next;
            }
        }
        None
    }
}

/// nginx's callback when the pool is destroyed.
unsafe extern "C" fn drop_context(data: *mut c_void) {
    // SAFETY: only slots have this handler, and it is called once (callback contract, point 4).
    unsafe { ((*data.cast::<Header>()).drop)(data) };
}

/// # Safety
///
/// `slot` is a `Slot<T>` whose value has not been dropped.
unsafe fn drop_slot<T>(slot: *mut c_void) {
    // SAFETY: as the caller promises.
    unsafe { ptr::drop_in_place(&raw mut (*slot.cast::<Slot<T>>()).value) };
}
