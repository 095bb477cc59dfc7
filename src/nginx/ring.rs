//! Many sends with one system call, by Linux's io_uring.
//!
//! The kernel does the sends one after the other while it is asked to take them (`MSG_DONTWAIT`: what a socket cannot take is answered
//! with `EAGAIN`, nothing waits), so all is answered when [`Ring::send_all`] returns, as if each had been a `send`.
//!
//! Cost beside what the sends themselves cost: one system call for up to [`Ring::ENTRIES`], some 60 instructions each. A ring takes about
//! 12 KB of memory and one file descriptor.
//!
//! Wants Linux 6.1 or newer. Older kernels, containers whose seccomp filter forbids the calls, and the sysctl
//! `kernel.io_uring_disabled` make [`Ring::open`] fail.

#![expect(
    unsafe_code,
    reason = "gives the kernel memory to read, and counts for connections of nginx"
)]

use core::mem;
use core::ops::Range;
use std::io;

use io_uring::{IoUring, opcode, types};
use nginx_sys::{ngx_connection_t, off_t};

use super::bytes::Bytes;
use super::socket::{self, Gone, Verdict};

/// Sends that are done with one call, as the kernel counts them.
const ENTRIES: u32 = 128;
/// How often in a row the kernel may refuse to take sends, for want of memory.
const TRIES: u32 = 3;

/// Hands many sends to the kernel together.
pub(crate) struct Ring {
    ring: IoUring,
    /// Which of the sends have been answered.
    answered: [bool; Self::ENTRIES],
}

/// One of the sends. Until it has been done nothing else may be sent to the connection, and it may not be closed.
pub(crate) struct Outgoing<T, P> {
    /// Whom it is for.
    pub(crate) to: T,
    pub(crate) target: Target,
    pub(crate) part: P,
}

/// Which of the bytes a send is of.
pub(crate) trait Part: Copy + PartialEq {
    fn of<'b>(&self, bytes: &'b [Bytes]) -> &'b [u8];
}

/// All bytes at a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Whole(u32);

/// Some of the first bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
}

impl Whole {
    pub(crate) fn new(place: usize) -> Self {
        Self(u32::try_from(place).unwrap_or(u32::MAX))
    }

    pub(crate) fn place(self) -> usize {
        self.0 as usize
    }
}

impl Span {
    pub(crate) fn new(range: Range<usize>) -> Self {
        let word = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: word(range.start), end: word(range.end) }
    }
}

impl Part for Whole {
    fn of<'b>(&self, bytes: &'b [Bytes]) -> &'b [u8] {
        bytes.get(self.place()).map_or(&[], |bytes| bytes)
    }
}

impl Part for Span {
    fn of<'b>(&self, bytes: &'b [Bytes]) -> &'b [u8] {
        let range = self.start as usize..self.end as usize;
        bytes.first().and_then(|bytes| bytes.get(range)).unwrap_or_default()
    }
}

/// A connection on the plain path with nothing waiting to be sent before.
///
/// # Invariants
///
/// It is a connection of this worker's table, in which it stays, open or not (callback contract, point 3).
#[derive(Clone, Copy)]
pub(crate) struct Target(*mut ngx_connection_t);

impl Target {
    /// # Safety
    ///
    /// `c` is a live connection with a plain socket.
    pub(super) unsafe fn new(c: *mut ngx_connection_t) -> Self {
        Self(c)
    }
}

impl<T, P: Part> Outgoing<T, P> {
    /// Counts what has been sent for the connection.
    #[cold]
    fn account(&self, sent: Verdict, wanted: usize) -> Result<usize, Gone> {
        // SAFETY: `Target`'s invariant; it is open until the sends have been done (see `Outgoing`).
        unsafe { socket::account(self.target.0, sent, wanted, c"io_uring send failed") }
    }
}

/// What became of sends.
pub(crate) struct Outcome {
    /// Bytes that those took who took all.
    pub(crate) bytes: usize,
    /// The ring is of no use any more. Nothing is lost by that.
    pub(crate) failed: Option<io::Error>,
}

impl Ring {
    /// Sends that are done with one call.
    pub(crate) const ENTRIES: usize = ENTRIES as usize;

    /// A ring for this process.
    pub(crate) fn open() -> io::Result<Self> {
        let ring = IoUring::builder()
            // What came with Linux 6.1, and makes answers appear only when they are asked for: nothing interrupts the worker.
            .setup_single_issuer()
            .setup_defer_taskrun()
            .setup_submit_all()
            .build(ENTRIES)?;
        Ok(Self { ring, answered: [false; Self::ENTRIES] })
    }

    /// Does the sends, of which there are at most [`Ring::ENTRIES`]. The places of those that the socket has not taken as a whole are told to
    /// `short`, in whatever order, with how many bytes it took.
    pub(crate) fn send_all<T, P: Part>(
        &mut self,
        sends: &[Outgoing<T, P>],
        bytes: &[Bytes],
        mut short: impl FnMut(usize, Result<usize, Gone>),
    ) -> Outcome {
        let mut outcome = Outcome { bytes: 0, failed: None };
        let pushed = self.push(sends, bytes);
        for (place, send) in sends.iter().enumerate().skip(pushed) {
            short(place, send.account(Verdict::NOT_TRIED, send.part.of(bytes).len()));
        }
        let sends = sends.get(..pushed).unwrap_or_default();
        let mut waiting = pushed;
        let mut in_vain = 0;
        while waiting > 0 {
            // All that the kernel takes it has answered by then, so this waits for nothing.
            let submitted = self.ring.submit_and_wait(waiting);
            let before = waiting;
            for answer in self.ring.completion() {
                let place = usize::try_from(answer.user_data()).unwrap_or(usize::MAX);
                let (Some(send), Some(answered)) = (sends.get(place), self.answered.get_mut(place))
                else {
                    continue;
                };
                *answered = true;
                waiting -= 1;
                let wanted = send.part.of(bytes).len();
                if usize::try_from(answer.result()) == Ok(wanted) {
                    outcome.bytes += wanted;
                    // SAFETY: `Target`'s invariant.
                    unsafe { (*send.target.0).sent += off_t::from(answer.result()) };
                } else {
                    short(place, send.account(Verdict(answer.result()), wanted));
                }
            }
            let interrupted = |error: &io::Error| error.kind() == io::ErrorKind::Interrupted;
            if waiting < before || submitted.as_ref().is_err_and(interrupted) {
                in_vain = 0;
                continue;
            }
            in_vain += 1;
            if in_vain == TRIES {
                self.give_up(sends, bytes, short);
                let silent = || io::Error::other("no answer");
                outcome.failed = Some(submitted.err().unwrap_or_else(silent));
                break;
            }
        }
        outcome
    }

    /// Puts the sends into the ring, each under its place; answers how many.
    fn push<T, P: Part>(&mut self, sends: &[Outgoing<T, P>], bytes: &[Bytes]) -> usize {
        let mut queue = self.ring.submission();
        let mut pushed = 0;
        let mut last: Option<(P, &[u8])> = None;
        for (send, answered) in sends.iter().zip(&mut self.answered) {
            let text = match last {
                Some((part, text)) if part == send.part => text,
                _ => last.insert((send.part, send.part.of(bytes))).1,
            };
            // Longer ones are cut, and go on like any send of which a part was taken.
            let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
            // SAFETY: `Target`'s invariant.
            let fd = unsafe { (*send.target.0).fd };
            let entry = opcode::Send::new(types::Fd(fd), text.as_ptr(), len)
                .flags(libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT)
                .build()
                .user_data(pushed as u64);
            // SAFETY: the kernel only reads the text. It is borrowed until this send has been answered; where that is not known, `give_up`
            // sees to it that the text stays.
            if unsafe { queue.push(&entry) }.is_err() {
                break;
            }
            *answered = false;
            pushed += 1;
        }
        pushed
    }

    /// Tells of what the kernel has not answered: it takes the sends in their order, so those that it has not taken are the last ones, and
    /// nothing of them has been sent. Of others nobody knows.
    #[cold]
    fn give_up<T, P: Part>(
        &mut self,
        sends: &[Outgoing<T, P>],
        bytes: &[Bytes],
        mut short: impl FnMut(usize, Result<usize, Gone>),
    ) {
        let taken = sends.len().saturating_sub(self.ring.submission().len());
        for (place, (send, answered)) in sends.iter().zip(self.answered).enumerate() {
            if answered {
                continue;
            }
            let sent = if place < taken { Verdict::UNKNOWN } else { Verdict::NOT_TRIED };
            if place < taken {
                // The kernel may still read it.
                bytes.iter().for_each(|bytes| mem::forget(bytes.clone()));
            }
            short(place, send.account(sent, send.part.of(bytes).len()));
        }
    }
}
