//! Reference-counted records that come and go with requests.
//!
//! A [`Counted`] reference is an [`Rc`](std::rc::Rc) whose record lies in a block of many: making and dropping one costs some twenty instructions, where
//! the allocator takes some hundred as soon as many requests come and go together, and it takes no bytes of the allocator.
//! Blocks are kept: a worker has room for as many records as it once had at a time.

#![expect(unsafe_code, reason = "shares records that it allocates in blocks")]

use core::cell::{Cell, RefCell};
use core::ffi::c_void;
use core::mem::MaybeUninit;
use core::ops::Deref;
use core::ptr::{self, NonNull};

use super::local::Local;

/// Records that are allocated together. AddressSanitizer is to see each of them come and go.
const BLOCK: usize = if cfg!(sanitized) { 1 } else { 64 };

/// What is shared, and where its records come from.
pub(crate) trait Pooled: Sized + 'static {
    fn pool() -> &'static Pool<Self>;
}

/// The records of this worker that nobody uses.
///
/// # Invariants
///
/// Each of them has room for a record, is never freed, and stands here once.
pub(crate) struct Pool<T>(Local<RefCell<Vec<NonNull<Record<T>>>>>);

struct Record<T> {
    references: Cell<usize>,
    value: T,
}

impl<T: Pooled> Pool<T> {
    pub(crate) const fn new() -> Self {
        Self(Local::new(RefCell::new(Vec::new())))
    }

    fn take(&self) -> NonNull<Record<T>> {
        let mut free = self.0.borrow_mut();
        if let Some(record) = free.pop() {
            return record;
        }
        let [first, others @ ..]: &mut [MaybeUninit<Record<T>>; BLOCK] =
            Box::leak(Box::new([const { MaybeUninit::uninit() }; BLOCK]));
        free.extend(others.iter_mut().map(|record| NonNull::from(record).cast()));
        NonNull::from(first).cast()
    }

    /// # Safety
    ///
    /// The record is one of [`Pool::take`], and its value has been dropped.
    unsafe fn give_back(&self, record: NonNull<Record<T>>) {
        if cfg!(sanitized) {
            // SAFETY: a block of this one record, which nobody uses.
            drop(unsafe {
                Box::from_raw(record.cast::<[MaybeUninit<Record<T>>; BLOCK]>().as_ptr())
            });
        } else {
            self.0.borrow_mut().push(record);
        }
    }
}

/// A reference to a record, which lives as long as there is one.
///
/// # Invariants
///
/// It points to a record of the pool whose count it is a part of.
pub(crate) struct Counted<T: Pooled>(NonNull<Record<T>>);

impl<T: Pooled> Counted<T> {
    /// The value in a record of its own.
    pub(crate) fn new(value: T) -> Self {
        let record = T::pool().take();
        // SAFETY: room for a record that nobody else uses (the pool's invariant).
        unsafe { record.write(Record { references: Cell::new(1), value }) };
        Self(record)
    }

    /// The reference as a pointer that nginx keeps, until [`Counted::from_raw`] takes it back.
    pub(crate) fn into_raw(self) -> *mut c_void {
        let record = self.0.as_ptr().cast();
        core::mem::forget(self);
        record
    }

    /// Takes a reference back.
    ///
    /// # Safety
    ///
    /// The pointer is that of [`Counted::into_raw`] of the same type, and it is not used any more.
    pub(crate) unsafe fn from_raw(record: *mut c_void) -> Self {
        // SAFETY: as the caller promises.
        Self(unsafe { NonNull::new_unchecked(record.cast()) })
    }

    /// Another reference beside that which nginx keeps.
    ///
    /// # Safety
    ///
    /// The pointer is that of [`Counted::into_raw`] of the same type, and the reference has not been taken back.
    pub(crate) unsafe fn of_raw(record: *mut c_void) -> Self {
        // SAFETY: as the caller promises. It is forgotten, so the kept one stays.
        let kept = core::mem::ManuallyDrop::new(unsafe { Self::from_raw(record) });
        (*kept).clone()
    }

    fn record(&self) -> &Record<T> {
        // SAFETY: the record lives (invariant), and is only ever referred to as shared.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Pooled> Clone for Counted<T> {
    fn clone(&self) -> Self {
        let references = &self.record().references;
        // There are never more than the memory has room for.
        references.set(references.get() + 1);
        Self(self.0)
    }
}

impl<T: Pooled> Deref for Counted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.record().value
    }
}

impl<T: Pooled> Drop for Counted<T> {
    fn drop(&mut self) {
        let left = self.record().references.get() - 1;
        self.record().references.set(left);
        if left > 0 {
            return;
        }
        // SAFETY: this was the last reference, so nobody uses the value or its record any more.
        unsafe {
            ptr::drop_in_place(&raw mut (*self.0.as_ptr()).value);
            T::pool().give_back(self.0);
        }
    }
}
