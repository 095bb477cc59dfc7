//! How is a message compressed, and read back (RFC 7692 section 7.2)?
//!
//! Every message for itself, without context takeover: a message that goes to a thousand subscribers is compressed
//! once for each window size among them, and an idle connection holds no window. So one [`Compressor`] a window size and one
//! [`Inflater`] serve a whole worker.
//!
//! Cost: a compressor holds about 2 to 9 times its window and 128 KiB, the inflater 32 KiB and what it has inflated,
//! never more than the limit it was given.

use alloc::vec::Vec;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::frame;
use super::violation::Violation;

/// How each message ends on the wire, and therefore does not (section 7.2.1): an empty block.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The largest window, as a power of two: it reads what was compressed with any.
const MAX_WINDOW_BITS: u8 = 15;

/// The most memory that is kept for the next message, in bytes.
const KEPT: usize = 64 << 10;

/// What is made room for at first, in bytes.
const FIRST_ROOM: usize = 1024;

/// Compresses messages with one window size.
#[derive(Debug)]
pub struct Compressor {
    stream: Compress,
}

impl Compressor {
    /// A compressor whose window is a power of two, 9 to 15, as [negotiated](super::extension::Deflate::window_bits).
    #[must_use]
    pub fn new(window_bits: u8) -> Self {
        let window_bits = window_bits.clamp(9, MAX_WINDOW_BITS);
        Self { stream: Compress::new_with_window_bits(Compression::fast(), false, window_bits) }
    }

    /// A frame with the same message, compressed. `None` if that is shorter than `min_len` bytes or would not shrink, or if the frame
    /// carries no whole message.
    pub fn compress_frame(&mut self, whole: &[u8], min_len: usize) -> Option<Vec<u8>> {
        let (opcode, payload) = frame::parts(whole)?;
        if opcode.is_control() || payload.len() < min_len {
            return None;
        }
        let payload = self.compress(payload)?;
        let head = frame::head(opcode, true, payload.len());
        Some([&*head, &payload].concat())
    }

    /// The payload of a compressed frame. `None` if it would not be shorter than the message.
    pub fn compress(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        self.stream.reset();
        let mut out = Vec::with_capacity(message.len());
        loop {
            let taken = usize::try_from(self.stream.total_in()).ok()?;
            let rest = message.get(taken..)?;
            if out.len() == out.capacity() {
                if out.len() >= message.len().saturating_add(TAIL.len()) {
                    return None;
                }
                out.reserve_exact(TAIL.len() + 1);
            }
            self.stream.compress_vec(rest, &mut out, FlushCompress::Sync).ok()?;
            // Room is left: everything has been flushed.
            if out.len() < out.capacity() {
                break;
            }
        }
        let len = out.len().checked_sub(TAIL.len()).filter(|len| *len < message.len())?;
        if !out.ends_with(&TAIL) {
            return None;
        }
        out.truncate(len);
        Some(out)
    }
}

/// Inflates messages of any window size.
#[derive(Debug)]
pub struct Inflater {
    stream: Decompress,
    out: Vec<u8>,
}

impl Default for Inflater {
    fn default() -> Self {
        Self::new()
    }
}

impl Inflater {
    /// An inflater that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let stream = Decompress::new_with_window_bits(false, MAX_WINDOW_BITS);
        Self { stream, out: Vec::new() }
    }

    /// The message in the payload of a compressed frame.
    ///
    /// # Errors
    ///
    /// [`Violation::TooLarge`] for more than `limit` bytes, found after so many; [`Violation::InvalidDeflate`] for bytes that are no
    /// deflated data.
    pub fn inflate(&mut self, payload: &[u8], limit: usize) -> Result<&[u8], Violation> {
        self.stream.reset(false);
        self.out.clear();
        for part in [payload, &TAIL] {
            if self.push(part, limit)? {
                break;
            }
        }
        Ok(&self.out)
    }

    /// Lets go of the memory of the last message, if it was a large one.
    pub fn release(&mut self) {
        if self.out.capacity() > KEPT {
            self.out = Vec::new();
        }
    }

    /// Inflates a part; true = the data ends by its own word.
    fn push(&mut self, part: &[u8], limit: usize) -> Result<bool, Violation> {
        let start = self.stream.total_in();
        loop {
            if self.out.len() == self.out.capacity() {
                // One byte above the limit shows that there are too many.
                let room =
                    self.out.len().max(FIRST_ROOM).min(limit.saturating_add(1) - self.out.len());
                self.out.try_reserve_exact(room).map_err(|_| Violation::TooLarge)?;
            }
            let taken = usize::try_from(self.stream.total_in() - start).unwrap_or(usize::MAX);
            let rest = part.get(taken..).unwrap_or_default();
            let status = self.stream.decompress_vec(rest, &mut self.out, FlushDecompress::Sync);
            if self.out.len() > limit {
                return Err(Violation::TooLarge);
            }
            match status.map_err(|_| Violation::InvalidDeflate)? {
                Status::StreamEnd => return Ok(true),
                // Room is left: there was nothing more.
                Status::Ok | Status::BufError if self.out.len() < self.out.capacity() => {
                    return Ok(false);
                }
                Status::Ok | Status::BufError => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::Opcode;
    use crate::websocket::frame::RSV1;
    use std::vec;

    /// Compressed, and inflated again.
    fn round_trip(window_bits: u8, message: &[u8]) -> Option<usize> {
        let payload = Compressor::new(window_bits).compress(message)?;
        assert!(payload.len() < message.len());
        assert_eq!(Inflater::new().inflate(&payload, message.len()), Ok(message));
        Some(payload.len())
    }

    /// RFC 7692 section 7.2.3.
    #[test]
    fn reads_the_examples_of_the_rfc() {
        let mut inflater = Inflater::new();
        for payload in [
            &b"\xf2\x48\xcd\xc9\xc9\x07\x00"[..], // 7.2.3.1, one block
            b"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", // 7.2.3.3, not compressed
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",  // 7.2.3.4, a final block
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", // 7.2.3.5, two blocks
        ] {
            assert_eq!(
                inflater.inflate(payload, 5),
                Ok(&b"Hello"[..]),
                "{}",
                payload.escape_ascii()
            );
        }
    }

    #[test]
    fn messages_come_back_from_every_window() {
        let text: Vec<u8> = (0..20_000_u32).flat_map(|i| (i / 7).to_le_bytes()).collect();
        for window_bits in 9..=15 {
            for len in [64, 1000, 4096, 65_536, text.len()] {
                assert!(round_trip(window_bits, &text[..len]).is_some(), "{window_bits}, {len}");
            }
        }
    }

    #[test]
    fn a_frame_becomes_a_compressed_one_if_that_is_shorter() {
        let mut compressor = Compressor::new(10);
        for len in [64, 200, 70_000] {
            let (mut whole, text) = (vec![], vec![b'a'; len]);
            frame::frame(Opcode::Binary, &text, &mut whole);
            let compressed = compressor.compress_frame(&whole, 64).unwrap();
            assert_eq!(compressed[0], 0x82 | RSV1);
            let (opcode, payload) = frame::parts(&compressed).unwrap();
            assert_eq!(opcode, Opcode::Binary);
            assert_eq!(Inflater::new().inflate(payload, len), Ok(&text[..]));
            assert_eq!(compressor.compress_frame(&whole, len + 1), None);
        }
        assert_eq!(compressor.compress_frame(b"\x81\x03abc", 0), None);
        assert_eq!(compressor.compress_frame(&frame::ping(&[b'a'; 100]), 0), None);
    }

    #[test]
    fn a_compressor_remembers_nothing_of_the_last_message() {
        let mut compressor = Compressor::new(15);
        let message = b"the same words again and again and again and again";
        let first = compressor.compress(message);
        assert!(first.is_some());
        assert_eq!(compressor.compress(message), first);
    }

    #[test]
    fn what_does_not_shrink_is_not_compressed() {
        let mut seed = 1_u32;
        let noise: Vec<u8> = core::iter::repeat_with(|| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 24) as u8
        })
        .take(100_000)
        .collect();
        for len in [0, 1, 2, 100, 5000, noise.len()] {
            assert_eq!(round_trip(15, &noise[..len]), None, "{len}");
        }
    }

    #[test]
    fn the_output_may_fill_up_at_any_byte() {
        let mut seed = 7_u32;
        let mut mixed = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // Runs and noise: compressed and message are of about the same length.
            if seed & 0x3000 == 0 { (seed >> 24) as u8 } else { b'a' + (seed >> 30) as u8 }
        };
        let text: Vec<u8> = core::iter::repeat_with(&mut mixed).take(200_000).collect();
        let mut compressor = Compressor::new(9);
        for len in (0..700).chain([65_535, 65_536, 150_000, text.len()]) {
            if let Some(payload) = compressor.compress(&text[..len]) {
                assert_eq!(Inflater::new().inflate(&payload, len), Ok(&text[..len]), "{len}");
            }
        }
    }

    #[test]
    fn a_bomb_is_noticed_at_the_limit() {
        let zeros = vec![0; 10 << 20];
        let bomb = Compressor::new(15).compress(&zeros).unwrap();
        assert!(bomb.len() < zeros.len() / 50, "{}", bomb.len());
        let mut inflater = Inflater::new();
        assert_eq!(inflater.inflate(&bomb, 1 << 20), Err(Violation::TooLarge));
        assert!(inflater.out.capacity() <= (1 << 20) + 1);
        assert_eq!(inflater.inflate(&bomb, zeros.len()).map(<[u8]>::len), Ok(zeros.len()));
        inflater.release();
        assert_eq!(inflater.out.capacity(), 0);
    }

    #[test]
    fn what_is_not_deflated_is_refused() {
        let mut inflater = Inflater::new();
        for payload in [&b"\xff\xff\xff"[..], b"\x07", b"\x01\x01\x00\x00\x00x"] {
            assert_eq!(inflater.inflate(payload, 1000), Err(Violation::InvalidDeflate));
        }
        assert_eq!(inflater.inflate(b"", 0), Ok(&b""[..]));
    }
}
