//! Typed settings that nginx's own setters fill in, so that their error texts are nginx's own.
//!
//! A setting is "unset" until its directive has been read; what that looks like in memory is nginx's
//! affair (all ones, a null pointer) and stays in this file. Everybody else sees `Option`.

use core::ffi::{c_char, c_void};
use core::ptr::{self, NonNull};
use core::time::Duration;

use nginx_sys::{
    NGX_CONF_FLAG, NGX_CONF_TAKE1, ngx_command_t, ngx_conf_set_flag_slot, ngx_conf_set_msec_slot,
    ngx_conf_set_num_slot, ngx_conf_set_sec_slot, ngx_conf_set_size_slot, ngx_conf_set_str_slot,
    ngx_conf_t, ngx_flag_t, ngx_http_complex_value_t, ngx_http_set_complex_value_slot, ngx_int_t,
    ngx_msec_t, ngx_str_t, ngx_uint_t, time_t,
};

use super::{ComplexValue, ConfRef, Refusal};
use crate::nginx::text::bytes_of;

/// A setter as nginx calls it.
pub(crate) type Setter =
    unsafe extern "C" fn(*mut ngx_conf_t, *mut ngx_command_t, *mut c_void) -> *mut c_char;

/// A field of a settings struct that one of nginx's setters writes.
///
/// # Safety
///
/// `SET` reads and writes exactly one `Self` at `conf + cmd->offset`, takes the value of `Default`
/// for "not set yet", and ignores a null `cmd->post`.
pub(crate) unsafe trait Slot: Copy + Default {
    /// nginx's setter for this type.
    const SET: Setter;
    /// How many arguments, as bits of `ngx_command_t::type`.
    const ARGUMENTS: ngx_uint_t;

    /// Whether the directive was given on this level.
    fn is_set(&self) -> bool;

    /// Takes the outer level's value where this level sets none.
    fn inherit(&mut self, outer: &Self) {
        if !self.is_set() {
            *self = *outer;
        }
    }
}

macro_rules! number_slot {
    ($(#[$doc:meta])* $name:ident($raw:ty) = $setter:ident, $arguments:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        #[repr(transparent)]
        pub(crate) struct $name($raw);

        impl $name {
            /// `NGX_CONF_UNSET` and its relatives: all ones in every width.
            const UNSET: $raw = !0;
        }

        impl Default for $name {
            fn default() -> Self {
                Self(Self::UNSET)
            }
        }

        // SAFETY: nginx's setter for this type of field; its "unset" is all ones.
        unsafe impl Slot for $name {
            const SET: Setter = $setter;
            const ARGUMENTS: ngx_uint_t = $arguments as ngx_uint_t;

            fn is_set(&self) -> bool {
                self.0 != Self::UNSET
            }
        }
    };
}

number_slot! {
    /// `on` or `off`.
    Flag(ngx_flag_t) = ngx_conf_set_flag_slot, NGX_CONF_FLAG
}
number_slot! {
    /// A plain number, not negative.
    Number(ngx_int_t) = ngx_conf_set_num_slot, NGX_CONF_TAKE1
}
number_slot! {
    /// A time in whole seconds.
    Seconds(time_t) = ngx_conf_set_sec_slot, NGX_CONF_TAKE1
}
number_slot! {
    /// A time in milliseconds.
    Milliseconds(ngx_msec_t) = ngx_conf_set_msec_slot, NGX_CONF_TAKE1
}
number_slot! {
    /// A number of bytes, with nginx's suffixes k and m.
    Size(usize) = ngx_conf_set_size_slot, NGX_CONF_TAKE1
}

impl Flag {
    /// The value, if set.
    pub(crate) fn value(self) -> Option<bool> {
        self.is_set().then_some(self.0 != 0)
    }
}

impl Number {
    /// The value, if set.
    pub(crate) fn value(self) -> Option<usize> {
        usize::try_from(self.0).ok()
    }
}

impl Seconds {
    /// The value, if set.
    pub(crate) fn value(self) -> Option<Duration> {
        u64::try_from(self.0).ok().map(Duration::from_secs)
    }
}

impl Milliseconds {
    /// The value, if set.
    pub(crate) fn value(self) -> Option<Duration> {
        self.is_set().then(|| Duration::from_millis(self.0 as u64))
    }
}

impl Size {
    /// The value in bytes, if set.
    pub(crate) fn value(self) -> Option<usize> {
        self.is_set().then_some(self.0)
    }
}

/// A string without variables; the empty string counts as set.
///
/// # Invariants
///
/// Null, or a string in the pool of the cycle in which the settings struct itself lives.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Text(ngx_str_t);

impl Text {
    /// The value, if set.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        // SAFETY: the string lives as long as the struct it is borrowed from: type invariant.
        self.is_set().then(|| unsafe { bytes_of(&self.0) })
    }

    /// Sets a value that does not stand in the configuration itself.
    pub(crate) fn set(&mut self, cf: &ConfRef<'_>, value: &[u8]) -> Result<(), Refusal> {
        // INVARIANT: `cf` belongs to the cycle whose configuration is being built.
        self.0 = cf.copy_to_pool(value).ok_or(Refusal::Because(c"is too long for the memory"))?;
        Ok(())
    }
}

impl Default for Text {
    fn default() -> Self {
        Self(ngx_str_t { len: 0, data: ptr::null_mut() })
    }
}

// SAFETY: `ngx_conf_set_str_slot` writes an `ngx_str_t`; its "unset" is null data.
unsafe impl Slot for Text {
    const SET: Setter = ngx_conf_set_str_slot;
    const ARGUMENTS: ngx_uint_t = NGX_CONF_TAKE1 as ngx_uint_t;

    fn is_set(&self) -> bool {
        !self.0.data.is_null()
    }
}

/// A value that may hold variables.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Complex(*mut ngx_http_complex_value_t);

impl Complex {
    /// The value, if set.
    pub(crate) fn value(self) -> Option<ComplexValue> {
        // SAFETY: nginx's setter compiled it, in the pool of the cycle.
        NonNull::new(self.0).map(|value| unsafe { ComplexValue::from_ptr(value) })
    }
}

impl Default for Complex {
    fn default() -> Self {
        Self(ptr::null_mut())
    }
}

// SAFETY: `ngx_http_set_complex_value_slot` writes a pointer to a complex value; its "unset" is null.
unsafe impl Slot for Complex {
    const SET: Setter = ngx_http_set_complex_value_slot;
    const ARGUMENTS: ngx_uint_t = NGX_CONF_TAKE1 as ngx_uint_t;

    fn is_set(&self) -> bool {
        !self.0.is_null()
    }
}
