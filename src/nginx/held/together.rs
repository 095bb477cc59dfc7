//! Requests that end together, each with a complete answer: a message for many long polls.
//!
//! Cost beside that of a single answer: 150 bytes and a copy of the answer until they have been sent.
//!
//! All answers are made first, then those that go the plain path are sent with one system call, then the requests are finalized.

use std::io;

use nginx_sys::ngx_http_request_t;

use super::{Held, finalize};
use crate::nginx::collected::Collected;
use crate::nginx::request::{Request, Status};
use crate::nginx::ring::Ring;

/// Requests that end together. At most [`Ring::ENTRIES`].
#[must_use = "send and finish them"]
pub(crate) struct Together {
    ended: Vec<Ended>,
    collected: Collected,
}

/// # Invariants
///
/// `request` was held and has been released; nobody has finalized it, so it is live (callback contract, point 4).
struct Ended {
    request: *mut ngx_http_request_t,
    status: Status,
    /// Its answer waits.
    waits: bool,
}

impl Together {
    /// Room for so many.
    pub(crate) fn with_capacity(requests: usize) -> Self {
        let collected = Collected::with_capacity(requests);
        Self { ended: Vec::with_capacity(requests), collected }
    }

    /// Has `answer` give the request's answer, normally with [`Request::respond_chunks`]. Nothing may be upgraded here.
    pub(crate) fn add(&mut self, held: Held, answer: impl FnOnce(&mut Request) -> Status) {
        let Some(request) = held.release() else { return };
        let before = self.collected.len();
        let status = self.collected.while_open(request, || {
            // SAFETY: it was held until `release`, so it is live until it is finalized.
            answer(unsafe { Request::from_ptr(request) })
        });
        let waits = self.collected.len() > before;
        self.ended.push(Ended { request, status, waits });
    }

    /// How many answers wait to be sent.
    pub(crate) fn waiting(&self) -> usize {
        self.collected.len()
    }

    /// Sends what waits. The error is the ring's: it is of no use any more, and nothing is lost by that.
    pub(crate) fn send(&mut self, ring: Option<&mut Ring>) -> Option<io::Error> {
        let mut waiting = self.ended.iter_mut().filter(|ended| ended.waits);
        core::mem::take(&mut self.collected).send(ring, |taken, head, answer| {
            let Some(ended) = waiting.next() else { return };
            // SAFETY: live (Ended's invariant).
            let request = unsafe { Request::from_ptr(ended.request) };
            ended.status =
                taken.map_or(Status::ERROR, |taken| request.finish_answer(taken, head, answer));
        })
    }

    /// Ends the requests.
    pub(crate) fn finish(self) {
        for Ended { request, status, .. } in self.ended {
            // SAFETY: live (Ended's invariant), and not touched afterwards.
            unsafe { finalize(request, status) };
        }
    }
}
