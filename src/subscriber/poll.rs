//! Polling: answer now, with what is stored or with 304. And the answers of long polls.

use std::rc::Rc;

use protocol::cursor::{Cursor, etag};
use protocol::refusal::Refusal;

use super::history::{Replay, due};
use super::{Wish, admission};
use crate::conf::{LocationConf, MainConf};
use crate::nginx::bytes::Bytes;
use crate::nginx::request::{NoMemory, Request, Status};
use crate::render::Piece;
use crate::{answer, worker};

/// Answers a poll.
pub(crate) fn serve(
    request: &mut Request,
    main: &Rc<MainConf>,
    location: &Rc<LocationConf>,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    let mut found = Vec::with_capacity(wish.path.len());
    let due = worker::with_store(|store| {
        admission::admit(store, &wish.path, main, location, &mut found)?;
        Ok(due(store, wish, &found, store.clock()))
    });
    match due.unwrap_or(Err(Refusal::OutOfMemory)) {
        Err(refusal) => Ok(answer::refuse(request, refusal, main)),
        Ok(None) => tell_nothing(request, location, wish),
        Ok(Some(due)) => {
            let pieces = read_all(due.replay, location);
            tell(request, location, &pieces, due.newest)
        }
    }
}

/// All messages of a replay.
pub(crate) fn read_all(mut replay: Replay, location: &LocationConf) -> Vec<Piece> {
    let mut pieces = Vec::new();
    worker::enter(|worker| {
        let zone = Rc::clone(&worker.zone);
        let template = &location.message_template;
        while replay.pull(&zone, &mut worker.batch, template, |piece| pieces.push(piece)) {}
    });
    pieces
}

/// 304 with the cursor of the request.
fn tell_nothing(
    request: &mut Request,
    location: &LocationConf,
    wish: &Wish,
) -> Result<Status, NoMemory> {
    set_content_type(request, location)?;
    if let Some(time) = wish.time {
        request.set_last_modified(time.into());
    }
    if let Some(tag) = wish.tag {
        request.push_header("Etag", &etag(tag))?;
    }
    request.disable_not_modified();
    Ok(answer::head_only(request, 304))
}

/// 200 with messages: header template, messages, footer template, a chunk each.
pub(crate) fn tell(
    request: &mut Request,
    location: &LocationConf,
    pieces: &[Piece],
    cursor: Cursor,
) -> Result<Status, NoMemory> {
    set_content_type(request, location)?;
    set_cursor(request, cursor)?;
    request.set_status(200);
    let bodies: Vec<Bytes> = pieces.iter().map(Piece::body).collect();
    let mut chunks: Vec<&[u8]> = Vec::with_capacity(bodies.len() + 2);
    chunks.push(&location.header_template);
    chunks.extend(bodies.iter().map(|body| -> &[u8] { body }));
    chunks.push(&location.footer_template);
    chunks.retain(|chunk| !chunk.is_empty());
    Ok(request.respond_chunks(&chunks))
}

fn set_cursor(request: &mut Request, cursor: Cursor) -> Result<(), NoMemory> {
    request.set_last_modified(cursor.time.into());
    request.disable_not_modified();
    request.push_header("Etag", &etag(cursor.tag))
}

/// The location's own type, or what nginx says about the URI.
pub(crate) fn set_content_type(
    request: &mut Request,
    location: &LocationConf,
) -> Result<(), NoMemory> {
    match &location.legacy_content_type {
        Some(content_type) => request.set_content_type(content_type),
        None => request.set_default_content_type(),
    }
}

/// The answer of a long poll that has waited.
pub(crate) struct LongPollAnswer {
    pub(crate) location: Rc<LocationConf>,
    pub(crate) cursor: Cursor,
    /// 200 with this piece (which may be empty), or 304.
    pub(crate) piece: Option<Option<Piece>>,
}

impl LongPollAnswer {
    /// Sends it.
    pub(crate) fn send(&self, request: &mut Request) -> Status {
        let sent = match &self.piece {
            Some(piece) => tell(request, &self.location, piece.as_slice(), self.cursor),
            None => self.send_nothing(request),
        };
        sent.unwrap_or(Status::ERROR)
    }

    fn send_nothing(&self, request: &mut Request) -> Result<Status, NoMemory> {
        set_content_type(request, &self.location)?;
        set_cursor(request, self.cursor)?;
        request.set_status(304);
        Ok(request.respond(&[]))
    }
}
