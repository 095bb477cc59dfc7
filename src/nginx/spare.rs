//! Records of requests that are used again: allocating and freeing one costs some hundred instructions where many requests come and go
//! together, because the allocator's own lists are short.

use core::cell::RefCell;
use core::ops::Deref;
use std::rc::Rc;

use super::local::Local;

/// Records that are kept for later requests, at most.
const KEPT: usize = 1024;

/// A reference-counted record that every request has.
pub(crate) trait Spare: Sized + 'static {
    /// Those that wait to be used again.
    fn spares() -> &'static Spares<Self>;

    /// Frees what the record owns.
    fn empty(&mut self);
}

/// Records that nobody uses, for this worker.
pub(crate) struct Spares<T>(Local<RefCell<Vec<Rc<T>>>>);

impl<T: Spare> Spares<T> {
    pub(crate) const fn new() -> Self {
        Self(Local::new(RefCell::new(Vec::new())))
    }

    /// The value in a new record, or in one that is used again.
    pub(crate) fn make(&self, value: T) -> Rc<T> {
        let Some(mut record) = self.0.borrow_mut().pop() else { return Rc::new(value) };
        match Rc::get_mut(&mut record) {
            Some(place) => {
                *place = value;
                record
            }
            None => Rc::new(value),
        }
    }
}

/// A reference that is normally the last one: then the record is kept for the next.
pub(crate) struct Last<T: Spare>(pub(crate) Rc<T>);

impl<T: Spare> Deref for Last<T> {
    type Target = Rc<T>;

    fn deref(&self) -> &Rc<T> {
        &self.0
    }
}

impl<T: Spare> Drop for Last<T> {
    fn drop(&mut self) {
        let Some(value) = Rc::get_mut(&mut self.0) else { return };
        value.empty();
        let mut spares = T::spares().0.borrow_mut();
        if spares.len() < KEPT {
            spares.push(Rc::clone(&self.0));
        }
    }
}
