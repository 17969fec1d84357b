//! Request-Ids as numbers: ours are UUIDs, and a million of them are read, compared and written as such.

use std::fmt;
use std::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;

use super::record::hash;

/// A Request-Id as it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestText<'a> {
    /// A UUID, but for the one that is all zeros.
    Uuid(u128),
    /// Any other text.
    Text(&'a str),
}

impl<'a> RequestText<'a> {
    /// Reads one.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        match uuid_of(text) {
            None | Some(0) => Self::Text(text),
            Some(number) => Self::Uuid(number),
        }
    }

    /// The number to find it by, see [`request_key`].
    #[must_use]
    pub fn key(self) -> u128 {
        match self {
            Self::Uuid(number) => number,
            Self::Text(text) => request_key(text),
        }
    }
}

impl fmt::Display for RequestText<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uuid(number) => {
                let mut text = Vec::with_capacity(36);
                push_uuid(*number, &mut text);
                out.write_str(&String::from_utf8_lossy(&text))
            }
            Self::Text(text) => out.write_str(text),
        }
    }
}

/// A Request-Id as a number: the UUID that ours are, or a hash of whatever else it is.
#[must_use]
pub fn request_key(text: &str) -> u128 {
    uuid_of(text).unwrap_or_else(|| {
        let mut second = FixedState::with_seed(1).build_hasher();
        second.write(text.as_bytes());
        u128::from(hash(text)) << 64 | u128::from(second.finish())
    })
}

/// The number of a UUID in its canonical form: lower case, with hyphens.
fn uuid_of(text: &str) -> Option<u128> {
    let text: &[u8; 36] = text.as_bytes().try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let eight = |first: usize, second: usize| {
        let mut digits = [0; 8];
        digits[..4].copy_from_slice(&text[first..first + 4]);
        digits[4..].copy_from_slice(&text[second..second + 4]);
        eight_digits(digits)
    };
    // All digits are read before it is asked whether each was one: a question per digit would cost more than the digits.
    let parts = [eight(0, 4), eight(9, 14), eight(19, 24), eight(28, 32)];
    let number = parts.iter().fold(0, |number, (part, _)| number << 32 | u128::from(*part));
    parts.iter().all(|(_, are_digits)| *are_digits).then_some(number)
}

/// The value of eight hexadecimal digits in lower case, and whether that is what they are; all eight at once, each in its
/// byte of one number.
const fn eight_digits(text: [u8; 8]) -> (u32, bool) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = EACH * 0x80;
    let text = u64::from_be_bytes(text);
    let low = text & !TOP;
    // 0 to 9 for a decimal digit, 1 to 6 for a letter; what is added to a byte sets its top bit if it is more, or 1 at least.
    let (decimal, letter) = (low ^ (EACH * 0x30), low ^ (EACH * 0x60));
    let is_decimal = !(decimal + EACH * (0x80 - 10));
    let is_letter = !(letter + EACH * (0x80 - 7)) & (letter + EACH * (0x80 - 1));
    let are_digits = (is_decimal | is_letter) & !text & TOP == TOP;
    // A letter has bit 6, and its low bits count from 1.
    let values = (low & (EACH * 0x0f)) + (low >> 6 & EACH) * 9;
    let pairs = (values | values >> 4) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    #[expect(clippy::cast_possible_truncation, reason = "the upper half was moved into the lower one")]
    ((fours | fours >> 16) as u32, are_digits)
}

/// The two hexadecimal digits of each byte.
const PAIRS: [[u8; 2]; 256] = {
    let digits = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [digits[byte / 16], digits[byte % 16]];
        byte += 1;
    }
    pairs
};

/// Appends the canonical form of a UUID.
pub fn push_uuid(number: u128, out: &mut Vec<u8>) {
    // Where the two digits of each byte stand; the hyphens are there.
    const PLACES: [usize; 16] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    let mut text = [b'-'; 36];
    for (byte, at) in number.to_be_bytes().into_iter().zip(PLACES) {
        [text[at], text[at + 1]] = PAIRS[usize::from(byte)];
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_uuid_is_its_own_number_and_everything_else_is_hashed() {
        let uuid = "00000000-0000-0000-0000-0000000000ff";
        assert_eq!(request_key(uuid), 255);
        let others = ["00000000-0000-0000-0000-0000000000fF", "00000000-0000-0000-0000-0000000000f", "N-1", ""];
        for text in others {
            assert!(uuid_of(text).is_none(), "{text}");
        }
        assert!(uuid_of("-0000000-0000-0000-0000-0000000000ff").is_none());
        assert_ne!(request_key("N-1"), request_key("N-2"));
    }

    #[test]
    fn a_request_id_is_written_as_it_was_read() {
        let zeros = "00000000-0000-0000-0000-000000000000";
        for text in [zeros, "01234567-89ab-cdef-fedc-ba9876543210", "01234567-89AB-cdef-fedc-ba9876543210", "N-1"] {
            assert_eq!(RequestText::of(text).to_string(), text);
            assert_eq!(RequestText::of(text).key(), request_key(text));
        }
        assert_eq!(RequestText::of(zeros), RequestText::Text(zeros), "no Request-Id at all is a zero as well");
    }

    #[test]
    fn each_byte_alone_is_a_digit_or_is_none() {
        for byte in 0..=u8::MAX {
            let digit = char::from(byte).to_digit(16).filter(|_| !byte.is_ascii_uppercase());
            for at in 0..8 {
                let mut text = *b"0a9f5b1c";
                text[at] = byte;
                let (value, are_digits) = eight_digits(text);
                assert_eq!(are_digits, digit.is_some(), "{byte} at {at}");
                if let Some(digit) = digit {
                    assert_eq!(value >> (28 - 4 * at) & 15, digit, "{byte} at {at}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_was_written(number: u128) {
            let mut written = Vec::new();
            push_uuid(number, &mut written);
            let written = String::from_utf8(written).unwrap();
            prop_assert_eq!(&written, &uuid::Uuid::from_u128(number).to_string());
            prop_assert_eq!(uuid_of(&written), Some(number));
        }
    }
}
