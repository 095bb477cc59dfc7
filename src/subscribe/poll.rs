//! Polling: answer now, with what is stored or with 304.

use std::rc::Rc;

use protocol::Few;
use protocol::refusal::Refusal;
use store::WakeSet;

use super::admission;
use crate::conf::{LocationConf, MainConf};
use crate::nginx::request::{NoMemory, Request, Status};
use crate::render::{Message, Piece};
use crate::subscriber::form::Form;
use crate::subscriber::history::{Replay, due, has_gap};
use crate::subscriber::wish::Wish;
use crate::{answer, worker};

/// Answers a poll.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    let path = &wish.story.path;
    let mut found = Few::with_capacity(path.len());
    let mut wake = WakeSet::default();
    let due = worker::with_store(|store| {
        admission::admit(store, path, main, location, &mut found, &mut wake)?;
        Ok((due(store, wish, &found, store.clock()), has_gap(store, wish, &found)))
    });
    worker::wake(&mut wake);
    match due.unwrap_or(Err(Refusal::OutOfMemory)) {
        Err(refusal) => Ok(answer::refuse(request, refusal, main)),
        Ok((None, gap)) => {
            Form::new(main, location, wish, gap).tell_nothing(request, wish.time, wish.tag)
        }
        Ok((Some(due), gap)) => {
            let pieces = read_all(due.replay, location);
            Form::new(main, location, wish, gap).tell(request, &pieces, due.newest)
        }
    }
}

/// All messages of a replay.
pub(crate) fn read_all(mut replay: Replay, location: &LocationConf) -> Vec<Piece> {
    let mut pieces = Vec::new();
    worker::enter_in_handler(|worker| {
        let zone = Rc::clone(&worker.zone);
        let template = &location.message_template;
        let mut render =
            |cursor, message: &Message<'_>| pieces.extend(template.render(cursor, message));
        while replay.pull(&zone, &mut worker.batch, &mut render) {}
    });
    pieces
}
