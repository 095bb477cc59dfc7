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
use super::ring::{Outgoing, Part, Ring, Span, Target};
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
    answers: Vec<Outgoing<Head, Span>>,
    /// Heads and bodies, one behind the other.
    text: Vec<u8>,
}

/// Bytes of an answer that are head; nginx keeps them too.
struct Head(usize);

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
        let text = [Bytes::from(self.text)];
        let are_sent = ring.is_some();
        let mut short = Vec::new();
        let failed = ring.and_then(|ring| {
            ring.send_all(&self.answers, &text, |place, taken| short.push((place, taken))).failed
        });
        for (place, Outgoing { to: Head(head), part, .. }) in self.answers.iter().enumerate() {
            let answer = part.of(&text);
            // There are hardly ever any.
            let taken = match short.iter().find(|(of, _)| *of == place) {
                Some((_, taken)) => *taken,
                None => Ok(if are_sent { answer.len() } else { 0 }),
            };
            each(taken, *head, answer);
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
    let start = text.len();
    socket::waiting(request).for_each(|bytes| text.extend_from_slice(bytes));
    Composition::append(text, len, write);
    // SAFETY: the connection of a live request on the plain path.
    let target = unsafe { Target::new(c) };
    let part = Span::new(start..text.len());
    collected.answers.push(Outgoing { to: Head(head), target, part });
    true
}
