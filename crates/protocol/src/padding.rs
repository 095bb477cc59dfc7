//! How much filler gets a short piece past a browser's buffering?
//!
//! Steps of 100 bytes, but the largest size of the whole configuration is met exactly: as long as pages exist that count on it.

use alloc::vec::Vec;

/// Length of the filler behind a piece of `len` bytes where `min` are wanted; `largest` is the largest such number of the configuration.
#[must_use]
pub const fn filler_len(min: usize, len: usize, largest: usize) -> usize {
    let missing = min.saturating_sub(len);
    if missing == 0 {
        return 0;
    }
    let hundreds = missing / 100;
    if hundreds == largest / 100 { largest } else { (hundreds + 1) * 100 }
}

/// Filler of a stream: line breaks, cut at the front if the length is odd.
#[must_use]
pub fn line_breaks(len: usize) -> Vec<u8> {
    (0..len).map(|at| if (len - at).is_multiple_of(2) { b'\r' } else { b'\n' }).collect()
}

/// Filler of a stream of events: a comment without a message.
#[must_use]
pub fn comment(len: usize) -> Vec<u8> {
    let last = len.saturating_sub(1);
    (0..len).map(|at| if at == last { b'\n' } else { b':' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filler_comes_in_hundreds_except_the_largest() {
        for (min, len, largest, filler) in [
            (1024, 10, 4097, 1100),
            (4097, 10, 4097, 4097),
            (545, 1, 545, 545),
            (545, 105, 545, 500),
            (545, 550, 545, 0),
            (0, 0, 4097, 0),
        ] {
            assert_eq!(filler_len(min, len, largest), filler, "{min} {len} {largest}");
        }
    }

    #[test]
    fn line_breaks_end_whole() {
        assert_eq!(line_breaks(4), b"\r\n\r\n");
        assert_eq!(line_breaks(3), b"\n\r\n");
        assert_eq!(line_breaks(0), b"");
        assert_eq!(comment(4), b":::\n");
        assert_eq!(comment(0), b"");
    }
}
