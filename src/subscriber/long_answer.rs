//! The answer of a poll that is too much for one go: like the history of a stream it is pulled as the socket takes it.
//!
//! Its client is no subscriber: it is in no count and gets nothing that is published meanwhile.

use protocol::jsonp;

use super::form::Form;
use super::history::{Reader, Replay};
use crate::nginx::bytes::Bytes;
use crate::nginx::held::{Gone, Held};
use crate::nginx::wire::Wire;
use crate::outbox::{HISTORY_AT_ONCE, Outbox, PIECE};
use crate::render::{Piece, last_chunk};
use crate::story::Story;

/// An answer that is on its way.
pub(crate) struct LongAnswer {
    pub(crate) held: Held,
    pub(crate) outbox: Outbox,
    form: Form,
    replay: Box<Replay>,
    /// What stands between two messages of a script.
    separator: Option<Piece>,
    /// There is a message before the next one.
    begun: bool,
}

impl LongAnswer {
    /// The head of the answer is complete, and waits to be sent.
    pub(crate) fn new(held: Held, form: Form, replay: Box<Replay>) -> Self {
        let separator = form.callback().and_then(|_| form.piece(jsonp::SEPARATOR));
        Self { held, outbox: Outbox::default(), form, replay, separator, begun: false }
    }

    /// Gives the head to nginx, and queues what has been read already behind it.
    pub(crate) fn begin(&mut self, read: &[Piece]) -> Result<(), Gone> {
        let wire = self.held.send_head().map_err(|_| Gone)?;
        let Self { form, outbox, separator, begun, .. } = self;
        for piece in form.opening().iter().filter_map(|chunk| form.piece(chunk)) {
            outbox.extend(piece.on(wire));
        }
        for piece in form.gap_piece().into_iter().chain(read) {
            let separator = separator.iter().filter(|_| std::mem::replace(begun, true));
            outbox.extend(separator.chain([piece]).flat_map(|piece| piece.on(wire)));
        }
        self.count(read.iter().filter(|piece| piece.is_message).count());
        Ok(())
    }

    /// Sends what is queued; once the socket has taken all of it, queues what comes next. True = the end of it is queued.
    pub(crate) fn go_on(&mut self, reader: &mut Reader) -> Result<bool, Gone> {
        let wire = self.held.wire();
        if !self.outbox.send(&mut self.held)? || self.pull(wire, reader) {
            // Even if the socket takes more at once, others have their turn first; and nginx does not exit meanwhile.
            self.held.wait_writable()?;
            return Ok(false);
        }
        let Self { form, outbox, .. } = self;
        for piece in form.closing().iter().filter_map(|chunk| form.piece(chunk)) {
            outbox.extend(piece.on(wire));
        }
        outbox.extend(last_chunk(wire));
        Ok(true)
    }

    /// Queues the next messages; false = there are no more.
    fn pull(&mut self, wire: Wire, reader: &mut Reader) -> bool {
        let Self { form, replay, outbox, separator, begun, .. } = self;
        let template = &form.location.message_template;
        let (mut cost, mut told) = (0, 0);
        let mut more = true;
        while more && cost < HISTORY_AT_ONCE {
            let mut joint = Vec::new();
            let mut messages = 0;
            more = replay.pull(reader, |cursor, message| {
                cost += PIECE;
                let Some(piece) = template.render(cursor, message) else { return };
                messages += usize::from(piece.is_message);
                let separator = separator.iter().filter(|_| std::mem::replace(begun, true));
                for bytes in separator.chain([&piece]).flat_map(|piece| piece.on(wire)) {
                    match wire {
                        Wire::Filtered => outbox.push(bytes),
                        Wire::PlainChunked | Wire::PlainRaw => joint.extend_from_slice(&bytes),
                    }
                }
                cost += piece.len();
            });
            outbox.push(Bytes::from(joint));
            told += messages;
        }
        self.count(told);
        more
    }

    fn count(&mut self, messages: usize) {
        if let Some(story) = self.held.request().and_then(Story::of_mut) {
            story.count(messages);
        }
    }
}
