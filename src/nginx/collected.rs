//! Complete answers that wait for each other, so that one system call sends them ([`Ring`]).
//!
//! While an answer is made for one of the requests that end together ([`super::held::together`]), the place where its last bytes would go to
//! the socket puts them here instead, behind what waits of the head.

#![expect(unsafe_code, reason = "looks at requests and sends to their connections")]

use core::cell::RefCell;
use core::mem;
use core::ptr;
use std::io;

use nginx_sys::ngx_http_request_t;

use super::bytes::Bytes;
use super::composition::Composition;
use super::local::Local;
use super::request::Request;
use super::ring::{Outgoing, Ring, Target};
use super::socket::{self, Gone};

/// The answer that is being made belongs to these.
static OPEN: Local<RefCell<Option<Open>>> = Local::new(RefCell::new(None));

struct Open {
    request: *mut ngx_http_request_t,
    collected: Collected,
}

/// Answers that wait.
#[derive(Default)]
pub(super) struct Collected {
    answers: Vec<Answer>,
    /// Heads and bodies, one behind the other.
    text: Vec<u8>,
}

struct Answer {
    target: Target,
    /// Where it ends in the text.
    end: usize,
    /// Bytes of it that are head; nginx keeps them too.
    head: usize,
}

impl Collected {
    /// Room for so many.
    pub(super) fn with_capacity(answers: usize) -> Self {
        Self { answers: Vec::with_capacity(answers), text: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    /// Collects the answer that `make` sends for this request, if it goes the plain path.
    pub(super) fn while_open<T>(
        &mut self,
        request: *mut ngx_http_request_t,
        make: impl FnOnce() -> T,
    ) -> T {
        let collected = mem::take(self);
        OPEN.replace(Some(Open { request, collected }));
        let made = make();
        if let Some(open) = OPEN.take() {
            *self = open.collected;
        }
        made
    }

    /// Sends them, and tells of each in turn how many bytes of it the socket took, how many of them are head, and all of them. Without a
    /// ring nothing is sent; the error is the ring's.
    pub(super) fn send(
        self,
        ring: Option<&mut Ring>,
        mut each: impl FnMut(Result<usize, Gone>, usize, &[u8]),
    ) -> Option<io::Error> {
        let text = Bytes::from(self.text);
        let mut start = 0;
        let mut texts = Vec::with_capacity(self.answers.len());
        for answer in &self.answers {
            texts.push(text.slice(start..answer.end));
            start = answer.end;
        }
        let mut taken: Vec<Result<usize, Gone>> =
            texts.iter().map(|text| Ok(if ring.is_some() { text.len() } else { 0 })).collect();
        let failed = ring.and_then(|ring| {
            let sends = self.answers.iter().enumerate();
            let sends: Vec<_> =
                sends.map(|(place, answer)| Outgoing::new((), answer.target, place)).collect();
            let sent = ring.send_all(&sends, &texts, |send, sent| {
                if let Some(taken) = taken.get_mut(send.what()) {
                    *taken = sent;
                }
            });
            sent.failed
        });
        for ((answer, text), taken) in self.answers.iter().zip(&texts).zip(taken) {
            each(taken, answer.head, text);
        }
        failed
    }
}

/// Takes the last bytes of an answer, `len` at most, which `write` writes, if they are to wait for others; false = they are to be sent.
pub(super) fn collect(
    request: &mut Request,
    len: usize,
    write: impl FnOnce(&mut Composition<'_>),
) -> bool {
    let mut open = OPEN.borrow_mut();
    let Some(Open { request: expected, collected }) = &mut *open else { return false };
    if !ptr::eq(*expected, request.as_ptr()) || collected.answers.len() >= Ring::ENTRIES {
        return false;
    }
    let c = request.connection();
    // SAFETY: a live request has a connection, a connection has a write event.
    let is_ready = unsafe { (*c).error() == 0 && (*(*c).write).ready() != 0 };
    let head: usize = socket::waiting(request).map(<[u8]>::len).sum();
    if !is_ready || head + len > socket::JOINED {
        return false;
    }
    let text = &mut collected.text;
    if text.capacity() == 0 {
        // The others mostly have as much.
        text.reserve((head + len) * collected.answers.capacity());
    }
    socket::waiting(request).for_each(|bytes| text.extend_from_slice(bytes));
    Composition::append(text, len, write);
    // SAFETY: the connection of a live request on the plain path.
    let target = unsafe { Target::new(c) };
    collected.answers.push(Answer { target, end: text.len(), head });
    true
}
