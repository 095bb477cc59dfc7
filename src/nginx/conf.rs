//! Reading the configuration: safe access to the `ngx_conf_t` of a directive or a merge.
//!
//! The parts: [`slot`] holds the typed settings that nginx's own setters fill in, [`command`] builds
//! the directive table from them, [`regex`] compiles patterns with the library nginx links,
//! [`request_pool`] sees to the memory of requests. All of it runs while a configuration is read, in
//! the master, before any request of that configuration.

#![expect(unsafe_code, reason = "wraps the configuration structures of nginx")]

pub(crate) mod command;
pub(crate) mod regex;
mod request_pool;
pub(crate) mod slot;

use core::ffi::{CStr, c_char};
use core::fmt;
use core::marker::PhantomData;
use core::ptr::{self, NonNull};
use core::slice;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nginx_sys::{
    NGX_LOG_EMERG, NGX_LOG_ERR, NGX_LOG_INFO, NGX_LOG_NOTICE, NGX_LOG_WARN, ngx_array_t,
    ngx_conf_log_error, ngx_conf_t, ngx_hash_key_t, ngx_http_complex_value_t, ngx_http_conf_ctx_t,
    ngx_http_get_variable_index, ngx_http_handler_pt, ngx_http_script_copy_capture_code_t,
    ngx_http_script_copy_capture_len_code, ngx_http_script_copy_var_len_code,
    ngx_http_script_engine_t, ngx_http_script_var_code_t, ngx_int_t, ngx_module_t, ngx_pagesize,
    ngx_parse_offset, ngx_pnalloc, ngx_str_t, ngx_uint_t,
};
use ngx::http::{HttpModuleLocationConf, HttpModuleMainConf, NgxHttpCoreModule};

use super::text::bytes_of;

/// `NGX_CONF_ERROR`: a message has been written.
const FAILED: *mut c_char = ptr::without_provenance_mut(usize::MAX);

/// `NGX_HTTP_IMS_OFF`: a macro of `ngx_http_core_module.h` that the bindings do not carry.
const IF_MODIFIED_SINCE_OFF: ngx_uint_t = 0;

/// The configuration being read, as a directive's setter or a merge callback sees it.
///
/// # Invariants
///
/// The pointer is the `ngx_conf_t` that nginx passed to the callback, live for `'a`, the time of that
/// callback; `cycle`, `pool`, `log` and `args` in it are set.
pub(crate) struct ConfRef<'a> {
    cf: NonNull<ngx_conf_t>,
    callback: PhantomData<&'a ngx_conf_t>,
}

/// What was wrong has been written to the log; nothing is left to say but "failed".
#[derive(Debug)]
pub(crate) struct Reported;

/// Why a setter refuses its directive.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// nginx prints `"NAME" directive` and this text behind it, at level emerg.
    Because(&'static CStr),
    /// The setter has written its own message.
    Reported,
}

impl From<Reported> for Refusal {
    fn from(_: Reported) -> Self {
        Self::Reported
    }
}

/// A value with variables, compiled when the configuration was read, evaluated for each request.
///
/// Most are one variable (`$arg_id`) or what one group of the location's pattern has matched (`$1`), and nothing else: those
/// are taken from where they are. The others nginx puts together in the pool of the request.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ComplexValue {
    /// One variable.
    Variable(VariableIndex),
    /// One group: the place of its beginning in `r->captures`; its end is the next.
    Capture(usize),
    /// Something else.
    Composed(Composed),
}

/// A value of several parts, or without variables.
///
/// # Invariants
///
/// Points at a value that `ngx_http_compile_complex_value` filled in, in the pool of the cycle: it
/// lives as long as any request of that configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Composed(NonNull<ngx_http_complex_value_t>);

impl Composed {
    /// The value for `ngx_http_complex_value`.
    pub(crate) fn as_ptr(self) -> *mut ngx_http_complex_value_t {
        self.0.as_ptr()
    }
}

impl ComplexValue {
    /// # Safety
    ///
    /// As [`Composed`] has it.
    unsafe fn from_ptr(value: NonNull<ngx_http_complex_value_t>) -> Self {
        // INVARIANT: as the caller promises.
        let composed = Self::Composed(Composed(value));
        // Two words as well: the function, and the place.
        const _: () = assert!(
            size_of::<ngx_http_script_var_code_t>()
                == size_of::<ngx_http_script_copy_capture_code_t>()
        );
        // SAFETY: as the caller promises. `lengths` is null if there are no variables, otherwise the program that adds the length of the
        // value up: codes that begin with the address of a function, and behind the last of them a word that is null. The
        // codes of these two functions have a second word, so behind it there is at least the word that is null.
        unsafe {
            let program: *const ngx_http_script_var_code_t = value.as_ref().lengths.cast();
            if program.is_null() {
                return composed;
            }
            let first = (&raw const (*program).code).read();
            let is = |code: unsafe extern "C" fn(*mut ngx_http_script_engine_t) -> usize| {
                first.is_some_and(|first| first as usize == code as usize)
            };
            let only = || {
                let is_only = program.add(1).cast::<usize>().read() == 0;
                is_only.then(|| (&raw const (*program).index).read())
            };
            let found = if is(ngx_http_script_copy_var_len_code) {
                only().map(|index| Self::Variable(VariableIndex(index)))
            } else if is(ngx_http_script_copy_capture_len_code) {
                only().map(Self::Capture)
            } else {
                None
            };
            found.unwrap_or(composed)
        }
    }
}

/// The place of a variable in the request's array of indexed variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct VariableIndex(pub(crate) ngx_uint_t);

/// Wraps a content handler for [`ConfRef::set_content_handler`].
pub(crate) type ContentHandler = ngx_http_handler_pt;

impl<'a> ConfRef<'a> {
    /// # Safety
    ///
    /// `cf` is what nginx passed to the callback that is running, and `'a` ends with that callback.
    pub(crate) unsafe fn from_ptr(cf: *mut ngx_conf_t) -> Option<Self> {
        NonNull::new(cf).map(|cf| Self { cf, callback: PhantomData })
    }

    /// The raw structure, for the tables of layer 4 and the other files of this layer.
    pub(crate) fn as_ptr(&self) -> *mut ngx_conf_t {
        self.cf.as_ptr()
    }

    /// The raw structure, to look up a module's settings in.
    pub(crate) fn conf(&self) -> &ngx_conf_t {
        // SAFETY: live for 'a by the type's invariant; nginx changes nothing during the callback.
        unsafe { self.cf.as_ref() }
    }

    /// Name and arguments of the directive at hand. Empty outside a setter.
    fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        // SAFETY: `args` is null or an array of `ngx_str_t` that nginx filled for this directive.
        let words: &'a [ngx_str_t] = unsafe { elements(self.conf().args) };
        // SAFETY: each word is a string in the pool of the cycle, which outlives 'a.
        words.iter().map(|word| unsafe { bytes_of(word) })
    }

    /// The directive's arguments, without its name.
    pub(crate) fn args(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.words().skip(1)
    }

    /// The directive's name as it is written in the configuration.
    pub(crate) fn directive(&self) -> &'a str {
        self.words().next().and_then(|name| str::from_utf8(name).ok()).unwrap_or_default()
    }

    /// Name of the location whose settings are being merged. `None` for the http and server levels, and in a setter, whose
    /// directive has a line of its own.
    pub(crate) fn merged_location(&self) -> Option<&'a str> {
        if self.words().next().is_some_and(|word| word != b"http") {
            return None;
        }
        let core = NgxHttpCoreModule::location_conf(self.conf())?;
        // SAFETY: a name in the pool of the cycle, which outlives 'a.
        let name = unsafe { bytes_of(&core.name) };
        str::from_utf8(name).ok().filter(|name| !name.is_empty())
    }

    /// Whether `limit_conn` applies to the location whose settings are being merged.
    ///
    /// nginx does not tell, and the settings of its module are its own: they begin with the array of the limits (nginx 1.1.8 and
    /// later), and are merged before those of a module that is loaded.
    pub(crate) fn has_limit_conn(&self) -> bool {
        // SAFETY: the cycle's list of modules ends with null; modules and their names are static. While the http block is merged
        // `ctx` points at its `ngx_http_conf_ctx_t`, with settings for every HTTP module.
        unsafe {
            let mut next: *const *mut ngx_module_t = (*self.conf().cycle).modules;
            while let Some(module) = (*next).as_ref() {
                if CStr::from_ptr(module.name) == c"ngx_http_limit_conn_module" {
                    let http = self.conf().ctx.cast::<ngx_http_conf_ctx_t>();
                    let limits = (*(*http).loc_conf.add(module.ctx_index)).cast::<ngx_array_t>();
                    return limits
                        .as_ref()
                        .is_some_and(|limits| !limits.elts.is_null() && limits.nelts > 0);
                }
                next = next.add(1);
            }
        }
        false
    }

    fn log(&self, level: u32, text: fmt::Arguments<'_>) {
        let text = text.to_string();
        // SAFETY: `%*s` takes a length and that many bytes; nginx copies them before it returns.
        unsafe {
            ngx_conf_log_error(
                level as ngx_uint_t,
                self.as_ptr(),
                0,
                c"%*s".as_ptr(),
                text.len(),
                text.as_ptr(),
            );
        }
    }

    /// Writes an emerg line with file and line number.
    pub(crate) fn emerg(&self, text: fmt::Arguments<'_>) -> Reported {
        self.log(NGX_LOG_EMERG, text);
        Reported
    }

    /// Writes an error line with file and line number.
    pub(crate) fn error(&self, text: fmt::Arguments<'_>) -> Reported {
        self.log(NGX_LOG_ERR, text);
        Reported
    }

    /// Writes a warning with file and line number. The result says "failed"; drop it to go on.
    pub(crate) fn warn(&self, text: fmt::Arguments<'_>) -> Reported {
        self.log(NGX_LOG_WARN, text);
        Reported
    }

    /// Writes a notice with file and line number.
    pub(crate) fn notice(&self, text: fmt::Arguments<'_>) {
        self.log(NGX_LOG_NOTICE, text);
    }

    /// Writes an info line with file and line number.
    pub(crate) fn info(&self, text: fmt::Arguments<'_>) {
        self.log(NGX_LOG_INFO, text);
    }

    /// Copies bytes into the pool of the cycle.
    fn copy_to_pool(&self, bytes: &[u8]) -> Option<ngx_str_t> {
        // SAFETY: `pool` is the cycle's pool. One byte more than needed: an empty copy gets an
        // address too, which is how a setting knows that it was set.
        let data = unsafe { ngx_pnalloc(self.conf().pool, bytes.len() + 1) }.cast::<u8>();
        if data.is_null() {
            return None;
        }
        // SAFETY: `data` has room for all of `bytes` and is new, so the two do not overlap.
        unsafe { data.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Some(ngx_str_t { len: bytes.len(), data })
    }

    /// A path as nginx reads paths: relative ones start at nginx's prefix.
    pub(crate) fn prefixed(&self, path: &Path) -> PathBuf {
        // SAFETY: `cycle` is set and its prefix was read before the configuration.
        let prefix = unsafe { self.conf().cycle.as_ref().map(|cycle| bytes_of(&cycle.prefix)) };
        let prefix = std::ffi::OsStr::from_bytes(prefix.unwrap_or_default());
        Path::new(prefix).join(path)
    }

    /// Where the variable is to be found in a request, if anything in the configuration that has been
    /// read so far defines it (`set`, `map`, a named capture …).
    ///
    /// Asking for the index of an undefined variable would make nginx refuse the configuration, so
    /// its list of definitions is searched first. That list is complete once the http block has
    /// been parsed and is thrown away after the last module's postconfiguration.
    pub(crate) fn variable_if_defined(&self, name: &str) -> Option<VariableIndex> {
        let core = NgxHttpCoreModule::main_conf(self.conf())?;
        // SAFETY: null or nginx's list of definitions, an array of `ngx_hash_key_t`.
        let defined: &[ngx_hash_key_t] = unsafe {
            core.variables_keys.as_ref().map_or(&[], |all| elements(&raw const all.keys))
        };
        // SAFETY: keys are strings in the pool of the cycle.
        if !defined.iter().any(|known| unsafe { bytes_of(&known.key) } == name.as_bytes()) {
            return None;
        }
        let mut name = self.copy_to_pool(name.as_bytes())?;
        // SAFETY: `cf` is live and `name` a string in its pool.
        let index = unsafe { ngx_http_get_variable_index(self.as_ptr(), &raw mut name) };
        ngx_uint_t::try_from(index).ok().map(VariableIndex)
    }

    /// Makes `handler` answer the requests of the location whose block is being read.
    pub(crate) fn set_content_handler(&self, handler: ContentHandler) {
        if let Some(core) = NgxHttpCoreModule::location_conf_mut(self.conf()) {
            core.handler = handler;
        }
    }

    /// Keeps nginx's own conditional processing away from the location whose block is being read.
    pub(crate) fn switch_off_if_modified_since(&self) {
        if let Some(core) = NgxHttpCoreModule::location_conf_mut(self.conf()) {
            core.if_modified_since = IF_MODIFIED_SINCE_OFF;
        }
    }
}

/// The elements of an array of nginx; none if there is no array.
///
/// # Safety
///
/// `array` is null or an array of elements of type `T`, and neither it nor they change during `'a`.
unsafe fn elements<'a, T>(array: *const ngx_array_t) -> &'a [T] {
    // SAFETY: as the caller promises; `nelts` of them are there.
    unsafe {
        match array.as_ref() {
            Some(array) if array.nelts > 0 => slice::from_raw_parts(array.elts.cast(), array.nelts),
            _ => &[],
        }
    }
}

/// A number of bytes with an optional suffix k, m or g in either case.
pub(crate) fn parse_size(text: &[u8]) -> Option<usize> {
    let mut line = ngx_str_t { len: text.len(), data: text.as_ptr().cast_mut() };
    // SAFETY: `line` describes `text`, which nginx only reads.
    let size = unsafe { ngx_parse_offset(&raw mut line) };
    usize::try_from(size).ok()
}

/// Bytes of one memory page.
pub(crate) fn page_size() -> usize {
    // SAFETY: set once at start, before any configuration is read.
    unsafe { ngx_pagesize }
}

/// nginx's `ngx_int_t` for a callback's result.
pub(crate) fn as_ngx_int(ok: bool) -> ngx_int_t {
    if ok { nginx_sys::NGX_OK as ngx_int_t } else { nginx_sys::NGX_ERROR as ngx_int_t }
}

/// nginx's `char *` for the result of a merge callback.
pub(crate) fn as_conf_result(result: Result<(), Reported>) -> *mut c_char {
    match result {
        Ok(()) => ptr::null_mut(),
        Err(Reported) => FAILED,
    }
}
