//! Faults on demand, for tests: a stop before the n-th write, a failure of the n-th allocation; and a count of reads.
//!
//! Without the feature `fault` all functions are empty and cost nothing.

#[cfg(feature = "fault")]
mod armed {
    use core::cell::Cell;

    std::thread_local! {
        static WRITES_LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        static ALLOCATIONS_LEFT: Cell<Option<u64>> = const { Cell::new(None) };
        static READS: Cell<u64> = const { Cell::new(0) };
    }

    /// What a stopped operation unwinds with.
    #[derive(Debug)]
    pub struct Stopped;

    /// Lets `writes` further writes of this thread happen, then unwinds with [`Stopped`]; `None` disarms.
    pub fn stop_after(writes: Option<u64>) {
        WRITES_LEFT.set(writes);
    }

    /// Lets `allocations` further allocations of this thread succeed; all later ones fail. `None` disarms.
    pub fn fail_allocations_after(allocations: Option<u64>) {
        ALLOCATIONS_LEFT.set(allocations);
    }

    /// Words that this thread has read.
    pub fn reads() -> u64 {
        READS.get()
    }

    pub(crate) fn read() {
        READS.set(READS.get() + 1);
    }

    pub(crate) fn step() {
        if let Some(left) = WRITES_LEFT.get() {
            if left == 0 {
                std::panic::resume_unwind(Box::new(Stopped));
            }
            WRITES_LEFT.set(Some(left - 1));
        }
    }

    pub(crate) fn allocation_fails() -> bool {
        match ALLOCATIONS_LEFT.get() {
            None => false,
            Some(0) => true,
            Some(left) => {
                ALLOCATIONS_LEFT.set(Some(left - 1));
                false
            }
        }
    }
}

#[cfg(feature = "fault")]
pub use armed::{Stopped, fail_allocations_after, reads, stop_after};
#[cfg(feature = "fault")]
pub(crate) use armed::{allocation_fails, read, step};

#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(crate) fn step() {}

#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(crate) fn read() {}

#[cfg(not(feature = "fault"))]
#[inline(always)]
pub(crate) fn allocation_fails() -> bool {
    false
}
