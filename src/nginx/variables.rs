//! Variables that a module gives to the configuration, such as `$request_id`.
//!
//! They are defined before the http block is read, so that every directive can name them. nginx asks
//! for a value when something uses the variable: mostly the access log, when a request ends.

#![expect(unsafe_code, reason = "callback of nginx with a value to be filled in")]

use core::ptr;

use nginx_sys::{
    NGX_ERROR, NGX_HTTP_VAR_CHANGEABLE, NGX_HTTP_VAR_NOCACHEABLE, NGX_OK, ngx_http_add_variable,
    ngx_http_request_t, ngx_http_variable_value_t, ngx_int_t, ngx_pnalloc, ngx_str_t, ngx_uint_t,
};

use super::conf::{ConfRef, Reported};
use super::request::Request;

/// The longest value in bytes: nginx keeps the length in 28 bits.
const MAX_BYTES: usize = (1 << 28) - 1;

/// A variable.
pub(crate) struct Variable {
    /// Without the dollar sign, in lower case.
    pub(crate) name: &'static str,
    /// What it is in a request; `None`: nothing, which the access log shows as `-`. May be asked at any
    /// time of a request's life, also when its header could not be read.
    pub(crate) value: fn(&mut Request) -> Option<Vec<u8>>,
}

impl Variable {
    /// Defines the variable. To be called in preconfiguration.
    ///
    /// A configuration that gives this name a meaning of its own (`set`, `map`) may do so, and then
    /// that one counts.
    pub(crate) fn define(&'static self, cf: &ConfRef<'_>) -> Result<(), Reported> {
        let mut name = ngx_str_t { len: self.name.len(), data: self.name.as_ptr().cast_mut() };
        let flags = NGX_HTTP_VAR_CHANGEABLE | NGX_HTTP_VAR_NOCACHEABLE;
        // SAFETY: `cf` is live; nginx copies the name. What it returns is null or a definition in the
        // pool of the cycle, which nobody else looks at during this callback.
        let definition = unsafe {
            ngx_http_add_variable(cf.as_ptr(), &raw mut name, flags as ngx_uint_t).as_mut()
        };
        // nginx has said why.
        let definition = definition.ok_or(Reported)?;
        definition.get_handler = Some(ngx_http_push_stream_variable);
        definition.data = ptr::from_ref(self).expose_provenance();
        Ok(())
    }
}

/// nginx asks for the value of a variable.
unsafe extern "C" fn ngx_http_push_stream_variable(
    r: *mut ngx_http_request_t,
    v: *mut ngx_http_variable_value_t,
    data: usize,
) -> ngx_int_t {
    // SAFETY: `data` is what `define` put there: the address of a static. Request and value are those
    // of this callback (callback contract, point 2). Whatever nginx has not read of a request that
    // failed early is zero, which reads as a request without headers and arguments.
    let (variable, request, value) = unsafe {
        let variable = &*ptr::with_exposed_provenance::<Variable>(data);
        (variable, Request::from_ptr(r), &mut *v)
    };
    let filled = fill(value, request, variable.value);
    if filled { NGX_OK as ngx_int_t } else { NGX_ERROR as ngx_int_t }
}

/// Puts the value in place; false = the pool has no memory left.
fn fill(
    slot: &mut ngx_http_variable_value_t,
    request: &mut Request,
    value: fn(&mut Request) -> Option<Vec<u8>>,
) -> bool {
    let Some(value) = value(request).filter(|value| value.len() <= MAX_BYTES) else {
        slot.set_not_found(1);
        return true;
    };
    // SAFETY: the pool of a live request. One byte more than needed, so that nothing has an address.
    let data = unsafe { ngx_pnalloc(request.0.pool, value.len() + 1) }.cast::<u8>();
    if data.is_null() {
        return false;
    }
    // SAFETY: `data` has room for all of `value` and is new, so the two do not overlap.
    unsafe { data.copy_from_nonoverlapping(value.as_ptr(), value.len()) };
    slot.data = data;
    slot.set_len(u32::try_from(value.len()).unwrap_or_default());
    slot.set_valid(1);
    slot.set_no_cacheable(1);
    slot.set_not_found(0);
    true
}
