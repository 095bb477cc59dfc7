//! Polling: answer now, with what is stored or with 304.

use std::rc::Rc;

use protocol::Few;
use protocol::refusal::Refusal;
use slotmap::{Key as _, KeyData};
use store::WakeSet;

use super::admission;
use crate::conf::{LocationConf, MainConf};
use crate::nginx::held::HeldHooks;
use crate::nginx::request::{NoMemory, Request, Status};
use crate::outbox::{HISTORY_AT_ONCE, PIECE};
use crate::render::Piece;
use crate::story::Story;
use crate::subscriber::form::Form;
use crate::subscriber::history::{Due, Replay, look};
use crate::subscriber::long_answer::LongAnswer;
use crate::subscriber::wish::Wish;
use crate::tables::LongAnswerKey;
use crate::{answer, worker};

static HOOKS: HeldHooks = HeldHooks {
    gone: |token| worker::on_answer_gone(key_of(token)),
    writable: |token| worker::on_answer_writable(key_of(token)),
    timed_out: |token| worker::on_answer_timeout(key_of(token)),
    readable: |_| {},
};

fn key_of(token: u64) -> LongAnswerKey {
    KeyData::from_ffi(token).into()
}

/// Answers a poll.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    let path = Story::path_of(request)?;
    let mut found = Few::with_capacity(path.len());
    let mut wake = WakeSet::default();
    let due = worker::with_store(|store| {
        admission::admit(store, path, main, location, &mut found, &mut wake)?;
        Ok(look(store, wish, path, &found, store.clock()))
    });
    worker::wake(&mut wake);
    match due.unwrap_or(Err(Refusal::OutOfMemory)) {
        Err(refusal) => Ok(answer::refuse(request, refusal, main)),
        Ok((None, gap)) => {
            Form::new(main, location, wish, gap).tell_nothing(request, wish.time, wish.tag)
        }
        Ok((Some(due), gap)) => tell(request, Form::new(main, location, wish, gap), due),
    }
}

/// Tells what is due: at once if it is not much, otherwise as the socket takes it.
pub(crate) fn tell(request: &mut Request, mut form: Form, due: Due) -> Result<Status, NoMemory> {
    let Due { mut replay, newest } = due;
    let (pieces, is_all) = read(&mut replay, &form.location);
    if replay.has_gap() {
        form.set_gap();
    }
    if is_all {
        return form.tell(request, &pieces, newest);
    }
    form.begin(request, newest)?;
    worker::enter_in_handler(|worker| {
        let held = request.hold(&HOOKS)?;
        let key = worker.long_answers.insert_with_key(|key| {
            held.set_token(key.data().as_ffi());
            LongAnswer::new(held, form, replay)
        });
        worker.begin_answering(key, &pieces);
        Ok(Status::DONE)
    })
    .unwrap_or(Err(NoMemory))
}

/// The first messages of a replay, as many as may be queued for one client; true = that is all, and little enough to be copied.
fn read(replay: &mut Replay, location: &LocationConf) -> (Vec<Piece>, bool) {
    let mut pieces = Vec::new();
    let mut cost = 0;
    worker::enter_in_handler(|worker| {
        let mut more = true;
        while more && cost < HISTORY_AT_ONCE {
            more = replay.pull(&mut worker.reader, |cursor, message| {
                let piece = location.message_template.render(cursor, message);
                cost += PIECE + piece.as_ref().map_or(0, Piece::len);
                pieces.extend(piece);
            });
        }
    });
    (pieces, cost < HISTORY_AT_ONCE)
}
