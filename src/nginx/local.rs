//! State of this process: like a `thread_local!`, for the one thread that there is.
//!
//! A library that is loaded late finds its thread-local variables by a call each time, some of them several times for every
//! request. nginx runs all callbacks of a process in one thread, so an ordinary static does.

#![expect(unsafe_code, reason = "shares cells between threads that do not exist")]

use core::ops::Deref;

/// A value that only nginx's thread touches.
pub(crate) struct Local<T>(T);

// SAFETY: all code of this module runs in callbacks of nginx, on one thread (callback contract, point 1), and starts none.
unsafe impl<T> Sync for Local<T> {}

impl<T> Local<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }

    pub(crate) fn with<R>(&self, act: impl FnOnce(&T) -> R) -> R {
        act(&self.0)
    }
}

impl<T> Deref for Local<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
