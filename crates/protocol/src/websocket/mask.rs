//! How are the bytes of a client made readable again (RFC 6455 section 5.3)?
//!
//! Byte `i` of a payload was combined with byte `i mod 4` of the frame's key by exclusive or. A
//! payload arrives in pieces of any length, so the mask remembers where in the key it is.

/// The masking key of one frame, turned so that its first byte belongs to the next byte of payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mask([u8; 4]);

impl Mask {
    /// What unmasked frames have: every byte stays as it is.
    pub(super) const NONE: Self = Self([0; 4]);

    pub(super) const fn new(key: [u8; 4]) -> Self {
        Self(key)
    }

    /// Unmasks the next bytes of the payload in place, eight at a time.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) {
        if *self == Self::NONE {
            return;
        }
        let Self([a, b, c, d]) = *self;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let turn = bytes.len() % self.0.len();
        let (words, tail) = bytes.as_chunks_mut();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, key) in tail.iter_mut().zip(self.0.iter().cycle()) {
            *byte ^= key;
        }
        self.0.rotate_left(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    /// The formula of RFC 6455 section 5.3, word for word.
    fn naive(key: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        bytes.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect()
    }

    #[test]
    fn agrees_with_the_formula_for_every_length_and_every_cut() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        let payload: Vec<u8> = (0..=40).map(|i: u8| i.wrapping_mul(29)).collect();
        for len in 0..=payload.len() {
            let expected = naive(key, &payload[..len]);
            for cut in 0..=len {
                let mut bytes = payload[..len].to_vec();
                let (first, second) = bytes.split_at_mut(cut);
                let mut mask = Mask::new(key);
                mask.apply(first);
                mask.apply(second);
                assert_eq!(bytes, expected, "{len} bytes cut at {cut}");
            }
        }
    }

    #[test]
    fn without_a_key_nothing_changes() {
        let mut bytes = *b"as it was sent";
        Mask::new([0; 4]).apply(&mut bytes);
        assert_eq!(&bytes, b"as it was sent");
    }
}
