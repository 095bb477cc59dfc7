//! Regular expressions of the configuration, compiled by the PCRE that nginx links.

use core::ptr::{self, NonNull};

use nginx_sys::{
    NGX_MAX_CONF_ERRSTR, NGX_OK, ngx_int_t, ngx_regex_compile, ngx_regex_compile_t, ngx_regex_exec,
    ngx_regex_t, ngx_str_t,
};

use super::ConfRef;
use crate::nginx::text::bytes_of;

/// A compiled pattern: case-sensitive, not anchored.
///
/// # Invariants
///
/// Compiled by nginx into the pool of the cycle: it lives as long as the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Regex(NonNull<ngx_regex_t>);

impl Regex {
    /// Compiles a pattern; the error is PCRE's own text.
    pub(crate) fn compile(cf: &ConfRef<'_>, pattern: &[u8]) -> Result<Self, String> {
        let no_memory = || "no memory".to_owned();
        let mut error = [0_u8; NGX_MAX_CONF_ERRSTR as usize];
        // SAFETY: plain data of numbers and pointers, for which zero is "nothing".
        let mut compile: ngx_regex_compile_t = unsafe { core::mem::zeroed() };
        compile.pattern = cf.copy_to_pool(pattern).ok_or_else(no_memory)?;
        compile.pool = cf.conf().pool;
        compile.err = ngx_str_t { len: error.len(), data: error.as_mut_ptr() };
        // SAFETY: pattern, pool and a buffer for the error text are set, as nginx asks.
        if unsafe { ngx_regex_compile(&raw mut compile) } != NGX_OK as ngx_int_t {
            // SAFETY: nginx has set `err` to the text it wrote into the buffer.
            let text = unsafe { bytes_of(&compile.err) };
            return Err(String::from_utf8_lossy(text).into_owned());
        }
        NonNull::new(compile.regex).map(Self).ok_or_else(no_memory)
    }

    /// Whether the pattern occurs in `text`.
    pub(crate) fn is_match(self, text: &[u8]) -> bool {
        let mut subject = ngx_str_t { len: text.len(), data: text.as_ptr().cast_mut() };
        // SAFETY: compiled by `compile`; the subject is only read, and no captures are asked for.
        unsafe { ngx_regex_exec(self.0.as_ptr(), &raw mut subject, ptr::null_mut(), 0) >= 0 }
    }
}
