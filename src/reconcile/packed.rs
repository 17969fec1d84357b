//! Words, times and texts in few bytes.

use crate::model::moment::Moment;

/// No point in time; none that can be written is as early.
pub(super) const NO_TIME: i64 = i64::MIN;

/// A point in time in milliseconds.
pub(super) fn millis(time: Option<Moment>) -> i64 {
    time.map_or(NO_TIME, Moment::millis)
}

/// The point in time of those milliseconds.
pub(super) fn time_of(millis: i64) -> Option<Moment> {
    (millis != NO_TIME).then(|| Moment::from_millis(millis))
}

const NOTHING: u8 = u8::MAX;

/// The place of a word in its list.
pub(super) fn code<T: PartialEq + Copy>(all: &[T], word: T) -> u8 {
    all.iter().position(|known| *known == word).and_then(|place| u8::try_from(place).ok()).unwrap_or(NOTHING)
}

pub(super) fn optional_code<T: PartialEq + Copy>(all: &[T], word: Option<T>) -> u8 {
    word.map_or(NOTHING, |word| code(all, word))
}

pub(super) fn decode<T: Copy>(all: &[T], code: u8) -> Option<T> {
    all.get(usize::from(code)).copied()
}

/// A text with its length; longer than any that is asked for is cut at a character.
pub(super) fn write_text(text: &str, out: &mut Vec<u8>) {
    let mut end = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let length = u16::try_from(end).unwrap_or(u16::MAX);
    out.extend(length.to_le_bytes());
    out.extend(&text.as_bytes()[..end]);
}

/// Takes things off the front of some bytes; `None` where there are not enough.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*head)
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Milliseconds, for [`time_of`].
    pub(super) fn millis(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    pub(super) fn text(&mut self) -> Option<&'a str> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}
