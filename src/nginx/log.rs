//! Writing to nginx's error log.
//!
//! A [`Log`] is where a line goes: the log of a request's connection, which adds client, server and
//! request line by itself, or the log of the cycle. The macros format only when the level is on,
//! into a buffer on the stack that is as long as the longest line nginx writes; what is longer is cut.

#![expect(unsafe_code, reason = "wraps nginx's log")]

use core::fmt;
use core::marker::PhantomData;
use core::mem::MaybeUninit;
use core::ptr::NonNull;

use nginx_sys::{
    NGX_LOG_ALERT, NGX_LOG_ERR, NGX_LOG_INFO, NGX_LOG_NOTICE, NGX_LOG_WARN, ngx_cycle, ngx_log_t,
    ngx_uint_t,
};
use ngx::log::{LOG_BUFFER_SIZE, write_fmt};

/// How bad it is; the names and the order are nginx's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Level {
    /// Something is broken inside: a bug, or a resource of the machine.
    Alert,
    /// A request or a message failed.
    Error,
    /// It went on, but somebody should look.
    Warn,
    /// Worth a line in normal operation.
    Notice,
    /// Only for who looks closely; client errors belong here.
    Info,
}

/// Where log lines go: a log that lives for `'a`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Log<'a>(Option<NonNull<ngx_log_t>>, PhantomData<&'a ngx_log_t>);

impl Log<'static> {
    /// The log of the current cycle, looked up when a line is written, so it may be kept.
    pub(crate) fn cycle() -> Self {
        Self(None, PhantomData)
    }
}

impl Log<'_> {
    /// # Safety
    ///
    /// `log` is null or a log that lives for `'a`.
    pub(super) unsafe fn from_ptr(log: *mut ngx_log_t) -> Self {
        Self(NonNull::new(log), PhantomData)
    }

    fn as_ptr(self) -> *mut ngx_log_t {
        match self.0 {
            Some(log) => log.as_ptr(),
            // SAFETY: `ngx_cycle` and its log are set (callback contract, point 7).
            None => unsafe { (*ngx_cycle).log },
        }
    }

    /// Whether lines of this level are written.
    pub(crate) fn has(self, level: Level) -> bool {
        let log = self.as_ptr();
        // SAFETY: the log lives, by the type's promise or as the cycle's.
        !log.is_null() && level.as_ngx() <= unsafe { (*log).log_level }
    }

    /// Writes one line, if the configured level lets it through.
    pub(crate) fn log(self, level: Level, text: fmt::Arguments<'_>) {
        if !self.has(level) {
            return;
        }
        let (level, log) = (level.as_ngx(), self.as_ptr());
        let mut buffer = [const { MaybeUninit::uninit() }; LOG_BUFFER_SIZE];
        let text = write_fmt(&mut buffer, text);
        // SAFETY: the log lives (see `has`); nginx copies the text before it returns.
        unsafe { ngx::log::log_error(level, log, 0, text) };
    }
}

impl Level {
    fn as_ngx(self) -> ngx_uint_t {
        let level = match self {
            Self::Alert => NGX_LOG_ALERT,
            Self::Error => NGX_LOG_ERR,
            Self::Warn => NGX_LOG_WARN,
            Self::Notice => NGX_LOG_NOTICE,
            Self::Info => NGX_LOG_INFO,
        };
        level as ngx_uint_t
    }
}

/// `log_alert!(log, "…", …)` writes a line of level alert.
macro_rules! log_alert {
    ($log:expr, $($text:tt)+) => {
        $log.log($crate::nginx::log::Level::Alert, ::core::format_args!($($text)+))
    };
}

/// `log_error!(log, "…", …)` writes a line of level error.
macro_rules! log_error {
    ($log:expr, $($text:tt)+) => {
        $log.log($crate::nginx::log::Level::Error, ::core::format_args!($($text)+))
    };
}

/// `log_warn!(log, "…", …)` writes a line of level warn.
macro_rules! log_warn {
    ($log:expr, $($text:tt)+) => {
        $log.log($crate::nginx::log::Level::Warn, ::core::format_args!($($text)+))
    };
}

/// `log_notice!(log, "…", …)` writes a line of level notice.
macro_rules! log_notice {
    ($log:expr, $($text:tt)+) => {
        $log.log($crate::nginx::log::Level::Notice, ::core::format_args!($($text)+))
    };
}

/// `log_info!(log, "…", …)` writes a line of level info.
macro_rules! log_info {
    ($log:expr, $($text:tt)+) => {
        $log.log($crate::nginx::log::Level::Info, ::core::format_args!($($text)+))
    };
}

// Under other names inside this file, because `warn` is also an attribute of the language.
pub(crate) use {
    log_alert as alert, log_error as error, log_info as info, log_notice as notice,
    log_warn as warn,
};
