//! Which messages and control frames are in the bytes that arrived?
//!
//! A location feeds what it read, in pieces of any size, and gets one [`Event`] after the other; a
//! frame that came with the handshake is fed first. The events depend on the bytes only, not on how
//! the network cut them. What is wrong is found at the earliest byte that shows it: a bad opcode when
//! the first two bytes of its frame are there, bad UTF-8 in the middle of a message.
//!
//! After a close frame or a violation everything else is swallowed: a connection in its last moments
//! must not be read as anything, HTTP least of all.

use alloc::vec::Vec;

use super::Opcode;
use super::event::{Event, Kind, Message};
use super::frame::{FIN, RSV1};
use super::mask::Mask;
use super::utf8::Utf8;
use super::violation::Violation;

/// The most memory that an idle connection keeps for its next message, in bytes.
const KEPT: usize = 4096;

/// The bits of the first byte that extensions may use (RFC 6455 section 5.2).
const RESERVED: u8 = 0x70;

/// What a location takes from its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether what most servers forgive is refused: unmasked frames, lengths in more bytes than they
    /// need, half a close code.
    pub strict: bool,
    /// Whether there are binary messages.
    pub binary: bool,
    /// Whether permessage-deflate was negotiated.
    pub deflate: bool,
    /// Whether messages are wanted. Otherwise they are checked, but not kept: their events are without
    /// bytes, and take no memory.
    pub keep: bool,
    /// The largest message, in bytes. A compressed message may arrive an eighth longer, which is what
    /// deflate can cost; whoever inflates it has the last word on its size.
    pub limit: usize,
}

/// Decodes the frames of one client.
///
/// ```
/// # use protocol::websocket::decoder::{Decoder, Rules};
/// # use protocol::websocket::event::{Event, Kind, Message};
/// let rules = Rules { strict: false, binary: false, deflate: false, keep: true, limit: 1 << 20 };
/// let mut decoder = Decoder::new(rules);
/// let mut input = &b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58\x89\x01rest"[..];
/// let hello = Message { kind: Kind::Text, compressed: false, bytes: b"Hello" };
/// assert_eq!(decoder.feed(&mut input), Some(Event::Message(hello)));
/// assert_eq!(input, b"\x89\x01rest"); // the next call goes on here
/// assert_eq!(decoder.feed(&mut input), Some(Event::Ping(b"r")));
/// ```
#[derive(Debug)]
pub struct Decoder {
    rules: Rules,
    stage: Stage,
    /// The bytes so far of the number that the stage waits for, and how many they are.
    number: u64,
    gathered: u8,
    mask: Mask,
    /// The message whose last fragment has not come yet.
    open: Option<Open>,
    /// The bytes of that message; without one, those of the last event until the next call.
    message: Vec<u8>,
    /// Whether the text so far is UTF-8.
    utf8: Utf8,
    /// The payload of the current or last control frame.
    control: Vec<u8>,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The two bytes that every frame begins with.
    Opening,
    /// A length of `width` bytes.
    Length { head: Head, width: u8 },
    /// The masking key.
    Key { head: Head, len: usize },
    /// Payload, with so much to come.
    Payload { head: Head, left: usize },
    /// Of no interest.
    Finished,
}

/// What is known about a frame from its first two bytes.
#[derive(Clone, Copy, Debug)]
struct Head {
    opcode: Opcode,
    is_last: bool,
    is_masked: bool,
}

/// A message that has begun.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: Kind,
    compressed: bool,
    /// The announced lengths of its frames, in bytes.
    len: usize,
}

/// A frame that completes an event.
enum Complete {
    Message(Open),
    Control(Opcode),
}

impl Decoder {
    /// A decoder for a connection whose handshake has just been accepted.
    #[must_use]
    pub const fn new(rules: Rules) -> Self {
        Self {
            rules,
            stage: Stage::Opening,
            number: 0,
            gathered: 0,
            mask: Mask::NONE,
            open: None,
            message: Vec::new(),
            utf8: Utf8::new(),
            control: Vec::new(),
        }
    }

    /// Takes bytes from the front of `input` until there is an event, or none are left. To be called
    /// until it returns `None`; that call also lets go of the memory of the last message.
    pub fn feed(&mut self, input: &mut &[u8]) -> Option<Event<'_>> {
        if self.open.is_none() {
            self.release();
        }
        let complete = match self.advance(input) {
            Ok(complete) => complete?,
            Err(violation) => return Some(self.fail(violation, input)),
        };
        match complete {
            Complete::Message(Open { kind, compressed, .. }) => {
                Some(Event::Message(Message { kind, compressed, bytes: &self.message }))
            }
            Complete::Control(Opcode::Ping) => Some(Event::Ping(&self.control)),
            Complete::Control(Opcode::Close) => {
                self.stage = Stage::Finished;
                *input = &[];
                Some(Event::close(&self.control, self.rules.strict))
            }
            Complete::Control(_) => Some(Event::Pong(&self.control)),
        }
    }

    /// Whether a close frame or a violation has ended the conversation.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        matches!(self.stage, Stage::Finished)
    }

    /// How much memory the decoder holds besides itself, in bytes.
    #[must_use]
    pub const fn memory(&self) -> usize {
        self.message.capacity() + self.control.capacity()
    }

    fn fail(&mut self, violation: Violation, input: &mut &[u8]) -> Event<'static> {
        self.stage = Stage::Finished;
        *input = &[];
        self.open = None;
        self.release();
        Event::Violation(violation)
    }

    fn release(&mut self) {
        self.message.clear();
        if self.message.capacity() > KEPT {
            self.message = Vec::new();
        }
    }

    /// Goes from stage to stage.
    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Complete>, Violation> {
        loop {
            self.stage = match self.stage {
                Stage::Opening => {
                    let Some(opening) = self.gather(2, input) else { return Ok(None) };
                    let [.., first, second] = opening.to_be_bytes();
                    self.begin(first, second)?
                }
                Stage::Length { head, width } => {
                    let Some(len) = self.gather(width, input) else { return Ok(None) };
                    self.measure(head, width, len)?
                }
                Stage::Key { head, len } => {
                    let Some(key) = self.gather(4, input) else { return Ok(None) };
                    let [.., a, b, c, d] = key.to_be_bytes();
                    self.mask = Mask::new([a, b, c, d]);
                    Stage::Payload { head, left: len }
                }
                Stage::Payload { head, left } => {
                    let (fresh, rest) = input.split_at_checked(left).unwrap_or((input, &[]));
                    *input = rest;
                    self.absorb(head, fresh)?;
                    if left > fresh.len() {
                        self.stage = Stage::Payload { head, left: left - fresh.len() };
                        return Ok(None);
                    }
                    self.stage = Stage::Opening;
                    if let Some(complete) = self.end(head)? {
                        return Ok(Some(complete));
                    }
                    Stage::Opening
                }
                Stage::Finished => {
                    *input = &[];
                    return Ok(None);
                }
            };
        }
    }

    /// A big-endian number of `width` bytes, as soon as they are all there.
    fn gather(&mut self, width: u8, input: &mut &[u8]) -> Option<u64> {
        while self.gathered < width {
            let (&byte, rest) = input.split_first()?;
            *input = rest;
            self.number = self.number << 8 | u64::from(byte);
            self.gathered += 1;
        }
        self.gathered = 0;
        Some(core::mem::take(&mut self.number))
    }

    /// Judges the first two bytes of a frame. The opcode comes first: bytes that are no frame at all
    /// should be told from frames with a flaw.
    fn begin(&mut self, first: u8, second: u8) -> Result<Stage, Violation> {
        // Section 5.2: reserved opcodes.
        let number = first & 0x0f;
        let opcode = Opcode::from_number(number).ok_or(Violation::ReservedOpcode(number))?;
        if opcode == Opcode::Binary && !self.rules.binary {
            return Err(Violation::BinaryNotAllowed);
        }
        let kind = match opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        // Section 5.2, RFC 7692 section 6: the first frame of a message may be marked as deflated.
        let allowed = if self.rules.deflate && kind.is_some() { RSV1 } else { 0 };
        if first & RESERVED & !allowed != 0 {
            return Err(Violation::ReservedBits);
        }
        let head = Head { opcode, is_last: first & FIN != 0, is_masked: second & 0x80 != 0 };
        let len = second & 0x7f;
        // Section 5.1: a server must not take unmasked frames.
        if self.rules.strict && !head.is_masked {
            return Err(Violation::NotMasked);
        }
        if opcode.is_control() {
            // Section 5.5: control frames are short and whole. They may come between fragments.
            if usize::from(len) > Opcode::MAX_CONTROL_LEN {
                return Err(Violation::ControlTooLong);
            }
            if !head.is_last {
                return Err(Violation::ControlFragmented);
            }
            self.control.clear();
        } else {
            // Section 5.4: one message after the other.
            self.open = match (self.open, kind) {
                (Some(_), Some(_)) => return Err(Violation::MessageUnfinished),
                (None, None) => return Err(Violation::NothingToContinue),
                (Some(open), None) => Some(open),
                (None, Some(kind)) => Some(Open { kind, compressed: first & RSV1 != 0, len: 0 }),
            };
        }
        match len {
            126 => Ok(Stage::Length { head, width: 2 }),
            127 => Ok(Stage::Length { head, width: 8 }),
            _ => self.admit(head, u64::from(len)),
        }
    }

    /// Judges an extended length (section 5.2).
    fn measure(&mut self, head: Head, width: u8, len: u64) -> Result<Stage, Violation> {
        if len > i64::MAX as u64 {
            return Err(Violation::InvalidLength);
        }
        let least = if width == 2 { 126 } else { 1 << 16 };
        if self.rules.strict && len < least {
            return Err(Violation::LengthNotMinimal);
        }
        self.admit(head, len)
    }

    /// Adds a frame to its message if the message stays within the limit.
    fn admit(&mut self, head: Head, len: u64) -> Result<Stage, Violation> {
        let len = usize::try_from(len).map_err(|_| Violation::TooLarge)?;
        if let Some(open) = self.open.as_mut().filter(|_| !head.opcode.is_control()) {
            let limit = self.rules.limit;
            // Bytes that do not compress take nine bits each in deflate's fixed code.
            let slack = if open.compressed { limit / 8 + 16 } else { 0 };
            open.len = open.len.checked_add(len).ok_or(Violation::TooLarge)?;
            if open.len > limit.saturating_add(slack) {
                return Err(Violation::TooLarge);
            }
        }
        self.mask = Mask::NONE;
        Ok(if head.is_masked {
            Stage::Key { head, len }
        } else {
            Stage::Payload { head, left: len }
        })
    }

    /// Takes payload in and checks it. Memory grows with what has arrived.
    fn absorb(&mut self, head: Head, fresh: &[u8]) -> Result<(), Violation> {
        let is_control = head.opcode.is_control();
        let payload = if is_control { &mut self.control } else { &mut self.message };
        let start = payload.len();
        payload.try_reserve(fresh.len()).map_err(|_| Violation::TooLarge)?;
        payload.extend_from_slice(fresh);
        let fresh = payload.get_mut(start..).unwrap_or_default();
        self.mask.apply(fresh);
        if is_control {
            return Ok(());
        }
        if self.open.is_some_and(Open::is_plain_text) {
            self.utf8.push(fresh)?;
        }
        if !self.rules.keep {
            self.release();
        }
        Ok(())
    }

    /// What the end of a frame completes.
    fn end(&mut self, head: Head) -> Result<Option<Complete>, Violation> {
        if head.opcode.is_control() {
            return Ok(Some(Complete::Control(head.opcode)));
        }
        if !head.is_last {
            return Ok(None);
        }
        let Some(open) = self.open.take() else { return Ok(None) };
        if open.is_plain_text() {
            self.utf8.finish()?;
        }
        Ok(Some(Complete::Message(open)))
    }
}

impl Open {
    const fn is_plain_text(self) -> bool {
        matches!(self, Self { kind: Kind::Text, compressed: false, .. })
    }
}
