//! A scanner for ordinary JSON, several times faster than serde and *sure or silent*: what it reads is what serde would
//! read, and where it meets anything out of the ordinary (an escape, a fraction, deep nesting, whatever is not JSON) it
//! gives `None`, which means nothing but "ask serde".

use std::cell::RefCell;
use std::ops::Range;

use wide::u8x16;

/// Where a scan of a text stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The places of texts and numbers that were skipped, if somebody wants to know them.
    skipped: Option<&'a RefCell<Vec<Range<usize>>>>,
}

/// Deeper nesting is not ordinary.
const DEEPEST: u32 = 8;

/// Longer numbers are not ordinary; these are in no danger of being too large for anybody.
const MOST_DIGITS: usize = 15;

impl<'a> Scan<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, skipped: None }
    }

    /// The same, noting the places of the texts and numbers that it skips.
    pub(crate) const fn noting(self, skipped: &'a RefCell<Vec<Range<usize>>>) -> Self {
        Self { skipped: Some(skipped), ..self }
    }

    /// The next byte that is no space, which stays.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        if byte > b' ' { Some(byte) } else { self.peek_after_spaces() }
    }

    /// What a machine writes has no spaces.
    #[cold]
    fn peek_after_spaces(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// The next byte that is no space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    #[inline]
    fn take(&mut self, expected: u8) -> Option<()> {
        (self.next()? == expected).then_some(())
    }

    /// Whether nothing is left.
    pub(crate) fn end(mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// A string without escapes.
    #[inline]
    pub(crate) fn string(&mut self) -> Option<&'a str> {
        self.take(b'"')?;
        let text = self.plain()?;
        (self.raw()? == b'"').then_some(text)
    }

    /// The next byte, whatever it is.
    #[inline]
    fn raw(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn go_to_special(&mut self) {
        let bytes = self.text.as_bytes();
        while let Some(chunk) = bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let special = special(chunk);
            if special != 0 {
                self.at += special.trailing_zeros() as usize;
                return;
            }
            self.at += chunk.len();
        }
        while bytes.get(self.at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)) {
            self.at += 1;
        }
    }

    /// The text from here to the next quote, backslash or control character, which stays.
    #[inline]
    pub(crate) fn plain(&mut self) -> Option<&'a str> {
        let start = self.at;
        self.go_to_special();
        self.text.get(start..self.at)
    }

    /// Takes exactly this text.
    #[inline]
    pub(crate) fn literal(&mut self, expected: &str) -> Option<()> {
        let end = self.at + expected.len();
        is_same(self.text.as_bytes().get(self.at..end)?, expected.as_bytes()).then(|| self.at = end)
    }

    /// Goes through the entries of an object: `entry` is called after each key and takes the value.
    pub(crate) fn object(&mut self, mut entry: impl FnMut(&mut Self, &'a str) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            let key = self.string()?;
            self.take(b':')?;
            entry(self, key)?;
            match self.next()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Goes through the items of a list.
    pub(crate) fn list(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            self.at += 1;
            return Some(());
        }
        loop {
            item(self)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A whole number that is not negative, as it is written. A fraction or an exponent stays, and nobody expects it.
    pub(crate) fn digits(&mut self) -> Option<&'a str> {
        self.peek()?;
        self.digits_here()
    }

    /// The same, with nothing before it.
    #[inline]
    pub(crate) fn digits_here(&mut self) -> Option<&'a str> {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let plain = (1..=MOST_DIGITS).contains(&count) && (rest[0] != b'0' || count == 1);
        let start = self.at;
        self.at += count;
        plain.then(|| self.text.get(start..self.at))?
    }

    /// Any ordinary value.
    pub(crate) fn skip(&mut self) -> Option<()> {
        self.skip_within(DEEPEST)
    }

    fn note(&self, value: &str) {
        if let Some((skipped, place)) = self.skipped.zip(place(self.text, value)) {
            skipped.borrow_mut().push(place);
        }
    }

    fn skip_within(&mut self, deepest: u32) -> Option<()> {
        let inside = deepest.checked_sub(1)?;
        match self.peek()? {
            b'"' => self.string().map(|text| self.note(text)),
            b'{' => self.object(|scan, _| scan.skip_within(inside)),
            b'[' => self.list(|scan| scan.skip_within(inside)),
            b'0'..=b'9' => self.digits().map(|digits| self.note(digits)),
            _ => {
                let word = ["true", "false", "null"].into_iter().find(|word| self.rest().starts_with(word))?;
                self.at += word.len();
                Some(())
            }
        }
    }
}

/// The text of a string that was written with escapes; its buffer is used again and again.
#[derive(Debug, Default)]
pub(crate) struct Unescaped {
    text: String,
    /// Where it stands, as it is written and without its quotes, in the text that was scanned.
    source: Range<usize>,
}

impl Unescaped {
    /// Reads a string with its quotes, and with any escapes of one character.
    pub(crate) fn read(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        scan.take(b'"')?;
        self.source = scan.at..scan.at;
        self.text.clear();
        loop {
            self.text.push_str(scan.plain()?);
            match scan.raw()? {
                b'"' => {
                    self.source.end = scan.at - 1;
                    return Some(());
                }
                b'\\' => self.text.push(match scan.raw()? {
                    same @ (b'"' | b'\\' | b'/') => char::from(same),
                    b'n' => '\n',
                    b'r' => '\r',
                    b't' => '\t',
                    _ => return None,
                }),
                _ => return None,
            }
        }
    }

    /// The text that was read.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands, as it is written and without its quotes, in the text that was scanned.
    pub(crate) fn source(&self) -> Range<usize> {
        self.source.clone()
    }
}

/// Whether two texts are the same: the end first, then from the beginning, with whole words. Most texts are shorter than a
/// call to compare them takes.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    by_words::<16>(one, other).or_else(|| by_words::<8>(one, other)).unwrap_or_else(|| one == other)
}

/// `None`: the texts are shorter than a word.
#[inline]
fn by_words<const WIDTH: usize>(one: &[u8], other: &[u8]) -> Option<bool> {
    let ends = one.last_chunk::<WIDTH>()? == other.last_chunk::<WIDTH>()?;
    let (ones, others) = (one.as_chunks::<WIDTH>().0, other.as_chunks::<WIDTH>().0);
    Some(ends && one.len() == other.len() && ones.iter().zip(others).all(|(one, other)| one == other))
}

/// Where a part stands in a text that it is a part of; `None` if it is none.
pub(crate) fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (start + part.len() <= text.len()).then_some(start..start + part.len())
}

/// Puts a value where none is yet: a field that is there twice is not ordinary.
pub(crate) fn once<T>(field: &mut Option<T>, value: Option<T>) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = value;
    field.is_some().then_some(())
}

/// One bit for each quote, backslash and control character.
#[inline]
fn special(chunk: &[u8; 16]) -> u32 {
    let chunk = u8x16::new(*chunk);
    let control = chunk.simd_eq(chunk.min(u8x16::splat(b' ' - 1)));
    (control | chunk.simd_eq(u8x16::splat(b'"')) | chunk.simd_eq(u8x16::splat(b'\\'))).to_bitmask()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn texts_are_the_same_if_every_byte_is(
            text in prop::collection::vec(0..3_u8, 0..70),
            change in prop::option::of((any::<prop::sample::Index>(), 0..3_u8)),
            longer in 0..2_usize,
        ) {
            let mut other = text.clone();
            if let Some((at, byte)) = change.filter(|_| !text.is_empty()) {
                other[at.index(text.len())] = byte;
            }
            other.truncate(text.len() - longer.min(text.len()));
            prop_assert_eq!(is_same(&text, &other), text == other);
            prop_assert_eq!(is_same(&text, &text), true);
        }
    }
    #[test]
    fn a_byte_that_differs_is_found_wherever_it_stands() {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65] {
            let text = vec![b'a'; length];
            assert!(is_same(&text, &vec![b'a'; length]), "{length}");
            assert!(!is_same(&text, &vec![b'a'; length + 1]), "{length}");
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'b';
                assert!(!is_same(&text, &other), "{length}, {at}");
            }
        }
    }
    #[test]
    fn what_ends_a_plain_text_is_found_wherever_it_stands() {
        for at in [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65] {
            for byte in 0..0x80_u8 {
                let mut text = "a".repeat(66);
                text.replace_range(at..=at, char::from(byte).encode_utf8(&mut [0]));
                let ends = byte < b' ' || matches!(byte, b'"' | b'\\');
                let expected = if ends { at } else { text.len() };
                assert_eq!(Scan::new(&text).plain().map(str::len), Some(expected), "{byte} at {at}");
            }
        }
    }
}
