//! What a WebSocket has besides a stream: its client talks back.

use protocol::websocket::close::CloseCode;
use protocol::websocket::decoder::{Decoder, Rules};
use protocol::websocket::deflate::Inflater;
use protocol::websocket::frame::{self, EMPTY_CLOSE};

use crate::conf::WebSocketConf;
use crate::nginx::bytes::Bytes;
use crate::render::Deflation;
use crate::story::CloseReason;

/// The client's side of a WebSocket.
pub(crate) struct WebSocket {
    pub(crate) decoder: Decoder,
    /// Milliseconds of nginx's clock when bytes last came from the client.
    pub(crate) heard: u64,
    /// When it was last sent a ping; 0 = not yet.
    pub(crate) pinged: u64,
    /// When it was sent the first ping since then; 0 = none is open.
    pub(crate) asked: u64,
    /// The answer to the last ping that came while the socket was full (RFC 6455 section 5.5.3: the others need none).
    pub(crate) owed_pong: Option<Bytes>,
    /// How messages are compressed, if at all.
    pub(crate) deflation: Option<Deflation>,
}

impl WebSocket {
    pub(crate) fn new(conf: &WebSocketConf, deflation: Option<Deflation>, now: u64) -> Self {
        let rules = Rules {
            strict: conf.strict,
            binary: conf.binary,
            deflate: deflation.is_some(),
            keep: conf.allow_publish,
            limit: conf.max_message_size,
        };
        Self {
            decoder: Decoder::new(rules),
            heard: now,
            pinged: 0,
            asked: 0,
            owed_pong: None,
            deflation,
        }
    }

    /// Bytes have come from the client.
    pub(crate) fn hear(&mut self, now: u64) {
        (self.heard, self.asked) = (now, 0);
    }

    /// The socket takes bytes again, so the client has got some. A ping behind them may not have left yet.
    pub(crate) fn progress(&mut self, now: u64) {
        if self.asked > 0 {
            self.asked = now;
        }
    }

    /// A ping is sent.
    pub(crate) fn ask(&mut self, now: u64) {
        self.pinged = now;
        if self.asked == 0 {
            self.asked = now;
        }
    }
}

/// What reading needs and all sockets of a worker share.
#[derive(Default)]
pub(crate) struct Reading {
    pub(crate) buffer: Vec<u8>,
    pub(crate) inflater: Inflater,
    pub(crate) pongs: Pongs,
}

/// The answers to the pings of one read; no longer than they were.
#[derive(Default)]
pub(crate) struct Pongs {
    frames: Vec<u8>,
    /// Where the last one begins.
    last: usize,
}

impl Pongs {
    pub(crate) fn push(&mut self, pong: &[u8]) {
        self.last = self.frames.len();
        self.frames.extend_from_slice(pong);
    }

    pub(crate) fn clear(&mut self) {
        self.frames.clear();
        self.last = 0;
    }

    pub(crate) fn all(&self) -> Bytes {
        Bytes::from(self.frames.as_slice())
    }

    /// Empty if there is none.
    pub(crate) fn last(&self) -> Bytes {
        Bytes::from(self.frames.get(self.last..).unwrap_or_default())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }
}

/// The close frame for an end that was not the client's doing. Ends that clients have always been told without a code are.
pub(crate) fn close_frame(reason: CloseReason) -> Bytes {
    match reason {
        CloseReason::Shutdown => closing(CloseCode::GOING_AWAY),
        CloseReason::Slow => closing(CloseCode::TRY_AGAIN_LATER),
        _ => Bytes::from(&EMPTY_CLOSE[..]),
    }
}

/// A close frame with this code.
pub(crate) fn closing(code: CloseCode) -> Bytes {
    Bytes::from(&*frame::close(code, ""))
}
