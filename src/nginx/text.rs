//! nginx's strings as slices.

#![expect(unsafe_code, reason = "reads strings of nginx")]

use core::slice;

use nginx_sys::ngx_str_t;

/// # Safety
///
/// `text` is empty or its `data` points at `len` bytes that live and stay unchanged for `'t`.
pub(super) unsafe fn bytes_of<'t>(text: &ngx_str_t) -> &'t [u8] {
    if text.len == 0 || text.data.is_null() {
        return &[];
    }
    // SAFETY: as the caller promises.
    unsafe { slice::from_raw_parts(text.data, text.len) }
}
