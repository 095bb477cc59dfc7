//! How long answers of polls go on: a batch in each turn of the event loop, as their sockets take them.

use crate::nginx::held::Gone;
use crate::render::Piece;
use crate::tables::LongAnswerKey;
use crate::worker::{Ending, Worker};

impl Worker {
    /// Begins with what has been read already.
    pub(crate) fn begin_answering(&mut self, key: LongAnswerKey, read: &[Piece]) {
        let Some(answer) = self.long_answers.get_mut(key) else { return };
        match answer.begin(read) {
            Ok(()) => self.go_on_answering(key),
            Err(Gone) => self.abort_answer(key),
        }
    }

    /// Sends the next batch.
    pub(crate) fn go_on_answering(&mut self, key: LongAnswerKey) {
        let Some(answer) = self.long_answers.get_mut(key) else { return };
        match answer.go_on(&mut self.reader) {
            Ok(false) => {}
            Ok(true) => {
                let Some(mut answer) = self.long_answers.remove(key) else { return };
                self.endings.push_back(Ending::Finish(answer.held, answer.outbox.take()));
            }
            Err(Gone) => self.abort_answer(key),
        }
    }

    /// The client is gone, or has taken nothing for too long.
    pub(crate) fn abort_answer(&mut self, key: LongAnswerKey) {
        let Some(answer) = self.long_answers.remove(key) else { return };
        self.endings.push_back(Ending::Abort(answer.held));
    }
}
