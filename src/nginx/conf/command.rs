//! The directive table: one line per directive, its setter chosen by the type of the field it sets.
//!
//! Three kinds of entries: [`slot`] hands the field to nginx's own setter, [`noted`] does the same
//! and tells the user something about it, [`custom`] calls a safe function.

use core::ffi::{CStr, c_char, c_void};
use core::ptr;

use nginx_sys::{
    NGX_HTTP_LIF_CONF, NGX_HTTP_LOC_CONF, NGX_HTTP_MAIN_CONF, NGX_HTTP_SRV_CONF, ngx_command_t,
    ngx_conf_t, ngx_str_t, ngx_uint_t,
};

use super::slot::{Setter, Slot};
use super::{ConfRef, FAILED, Refusal};

/// Where a directive may stand: the http block.
pub(crate) const HTTP: ngx_uint_t = NGX_HTTP_MAIN_CONF as ngx_uint_t;
/// Where a directive may stand: a location.
pub(crate) const LOCATION: ngx_uint_t = NGX_HTTP_LOC_CONF as ngx_uint_t;
/// Where a directive may stand: http, server and location.
pub(crate) const ANY_LEVEL: ngx_uint_t = HTTP | NGX_HTTP_SRV_CONF as ngx_uint_t | LOCATION;
/// Where a directive may stand: also an `if` block inside a location.
pub(crate) const OR_IF: ngx_uint_t = NGX_HTTP_LIF_CONF as ngx_uint_t;

/// A struct that holds the settings of one configuration level.
///
/// # Safety
///
/// `CONF_OFFSET` names the array of `ngx_http_conf_ctx_t` in which this module keeps a `Self`.
pub(crate) unsafe trait Settings: 'static {
    /// `NGX_HTTP_MAIN_CONF_OFFSET` or `NGX_HTTP_LOC_CONF_OFFSET`.
    const CONF_OFFSET: usize;
}

/// A field of a settings struct together with the setters that fit it. Made by [`field!`].
#[derive(Clone, Copy)]
pub(crate) struct Field {
    set: Setter,
    set_noted: Setter,
    arguments: ngx_uint_t,
    conf_offset: usize,
    offset: usize,
}

impl Field {
    /// # Safety
    ///
    /// `offset` is that of the field which the function (never called) picks.
    pub(crate) const unsafe fn new<C: Settings, S: Slot>(_: fn(&C) -> &S, offset: usize) -> Self {
        Self {
            set: S::SET,
            set_noted: ngx_http_push_stream_set_noted::<S>,
            arguments: S::ARGUMENTS,
            conf_offset: C::CONF_OFFSET,
            offset,
        }
    }
}

/// Names a field of a settings struct: `field!(LocationSettings, store_messages)`.
macro_rules! field {
    ($settings:ty, $field:ident) => {{
        // SAFETY: both name the same field of the same struct.
        unsafe {
            $crate::nginx::conf::command::Field::new(
                |settings: &$settings| &settings.$field,
                core::mem::offset_of!($settings, $field),
            )
        }
    }};
}
pub(crate) use field;

/// A setter written in safe Rust, with what it sets.
pub(crate) struct Custom<C>(pub(crate) fn(&ConfRef<'_>, &mut C) -> Result<(), Refusal>);

/// What a user should know about a directive that is accepted.
pub(crate) enum Note {
    /// A name of an older release (level notice); the text says what has taken its place.
    Deprecated(&'static str),
}

impl Note {
    /// Writes the note for the directive at hand.
    pub(crate) fn write(&self, cf: &ConfRef<'_>) {
        let (name, Self::Deprecated(advice)) = (cf.directive(), self);
        cf.notice(format_args!("the \"{name}\" directive is deprecated, {advice}"));
    }
}

const fn name_of(name: &'static CStr) -> ngx_str_t {
    // nginx compares names as C strings and never writes to them.
    ngx_str_t { len: name.count_bytes(), data: name.as_ptr().cast_mut().cast() }
}

/// A directive that nginx's own setter puts into `field`.
pub(crate) const fn slot(name: &'static CStr, contexts: ngx_uint_t, field: Field) -> ngx_command_t {
    ngx_command_t {
        name: name_of(name),
        type_: contexts | field.arguments,
        set: Some(field.set),
        conf: field.conf_offset,
        offset: field.offset,
        post: ptr::null_mut(),
    }
}

/// Like [`slot`], with a line in the log for each use.
pub(crate) const fn noted(
    name: &'static CStr,
    contexts: ngx_uint_t,
    field: Field,
    note: &'static Note,
) -> ngx_command_t {
    ngx_command_t {
        name: name_of(name),
        type_: contexts | field.arguments,
        set: Some(field.set_noted),
        conf: field.conf_offset,
        offset: field.offset,
        post: ptr::from_ref(note).cast_mut().cast(),
    }
}

/// A directive that a safe function sets; `kind` is contexts and number of arguments.
pub(crate) const fn custom<C: Settings>(
    name: &'static CStr,
    kind: ngx_uint_t,
    setter: &'static Custom<C>,
) -> ngx_command_t {
    ngx_command_t {
        name: name_of(name),
        type_: kind,
        set: Some(ngx_http_push_stream_set_custom::<C>),
        conf: C::CONF_OFFSET,
        offset: 0,
        post: ptr::from_ref(setter).cast_mut().cast(),
    }
}

/// The finished table, ended as nginx wants it.
#[repr(transparent)]
pub(crate) struct Commands<const N: usize>([ngx_command_t; N]);

// SAFETY: nobody writes to the table: not nginx, and there is no way to from here.
unsafe impl<const N: usize> Sync for Commands<N> {}

impl<const N: usize> Commands<N> {
    /// The last entry must be [`END`].
    pub(crate) const fn new(commands: [ngx_command_t; N]) -> Self {
        assert!(matches!(commands.last(), Some(last) if last.name.len == 0), "END is missing");
        Self(commands)
    }

    /// For `ngx_module_t::commands`.
    pub(crate) const fn as_ptr(&'static self) -> *mut ngx_command_t {
        self.0.as_ptr().cast_mut()
    }
}

/// `ngx_null_command`.
pub(crate) const END: ngx_command_t = ngx_command_t::empty();

/// The setter of [`custom`] entries.
///
/// # Safety
///
/// Called by nginx for an entry made by [`custom`] with the same `C`.
unsafe extern "C" fn ngx_http_push_stream_set_custom<C: Settings>(
    cf: *mut ngx_conf_t,
    cmd: *mut ngx_command_t,
    conf: *mut c_void,
) -> *mut c_char {
    // SAFETY: `cf` belongs to this callback; `post` is the setter that `custom` put there; `conf` is
    // this module's struct at the level `C::CONF_OFFSET` names, created before any directive is read.
    let parts = unsafe {
        (
            ConfRef::from_ptr(cf),
            cmd.as_ref().and_then(|cmd| cmd.post.cast::<Custom<C>>().as_ref()),
            conf.cast::<C>().as_mut(),
        )
    };
    let (Some(cf), Some(setter), Some(settings)) = parts else { return FAILED };
    match (setter.0)(&cf, settings) {
        Ok(()) => ptr::null_mut(),
        Err(Refusal::Because(text)) => text.as_ptr().cast_mut(),
        Err(Refusal::Reported) => FAILED,
    }
}

/// The setter of [`noted`] entries.
///
/// # Safety
///
/// Called by nginx for an entry made by [`noted`] from a field of type `S`.
unsafe extern "C" fn ngx_http_push_stream_set_noted<S: Slot>(
    cf: *mut ngx_conf_t,
    cmd: *mut ngx_command_t,
    conf: *mut c_void,
) -> *mut c_char {
    // SAFETY: `cf` belongs to this callback; `post` is the note that `noted` put there.
    let parts =
        unsafe { (ConfRef::from_ptr(cf), cmd.as_ref(), (*cmd).post.cast::<Note>().as_ref()) };
    let (Some(cf), Some(command), Some(note)) = parts else { return FAILED };
    note.write(&cf);
    // nginx's setters would take `post` for a hook of theirs.
    let mut plain = *command;
    plain.post = ptr::null_mut();
    // SAFETY: the entry was made from a field of type S at this offset of the struct at `conf`.
    unsafe { S::SET(cf.as_ptr(), &raw mut plain, conf) }
}
