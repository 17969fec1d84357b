//! A scanner for ordinary JSON, several times faster than serde and *sure or silent*: what it reads is what serde would
//! read, and where it meets anything out of the ordinary (an escape, a fraction, deep nesting, whatever is not JSON) it
//! gives `None`, which means nothing but "ask serde".

/// Where a scan of a text stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The places of the quotes from here on, if they are known: then nothing in the text is escaped.
    quotes: &'a [usize],
}

/// Deeper nesting is not ordinary.
const DEEPEST: u32 = 8;

/// Longer numbers are not ordinary; these are in no danger of being too large for anybody.
const MOST_DIGITS: usize = 15;

impl<'a> Scan<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, quotes: &[] }
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
        let start = self.at;
        if let [_, end, rest @ ..] = self.quotes {
            (self.quotes, self.at) = (rest, end + 1);
            return self.text.get(start..*end);
        }
        self.string_from(start)
    }

    /// The same where nobody knows its end.
    fn string_from(&mut self, start: usize) -> Option<&'a str> {
        let bytes = self.text.as_bytes();
        while let Some(word) = bytes.get(self.at..).and_then(<[u8]>::first_chunk) {
            let special = special(u64::from_le_bytes(*word));
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return self.close(start);
            }
            self.at += 8;
        }
        while bytes.get(self.at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | ..0x20)) {
            self.at += 1;
        }
        self.close(start)
    }

    fn close(&mut self, start: usize) -> Option<&'a str> {
        let end = self.at;
        self.at += 1;
        (*self.text.as_bytes().get(end)? == b'"').then(|| self.text.get(start..end))?
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

    fn skip_within(&mut self, deepest: u32) -> Option<()> {
        let inside = deepest.checked_sub(1)?;
        match self.peek()? {
            b'"' => self.string().map(drop),
            b'{' => self.object(|scan, _| scan.skip_within(inside)),
            b'[' => self.list(|scan| scan.skip_within(inside)),
            b'0'..=b'9' => self.digits().map(drop),
            _ => {
                let word = ["true", "false", "null"].into_iter().find(|word| self.rest().starts_with(word))?;
                self.at += word.len();
                Some(())
            }
        }
    }
}

/// The text of a string that was written with escapes; its buffers are used again and again.
#[derive(Debug, Default)]
pub(crate) struct Unescaped {
    bytes: Vec<u8>,
    length: usize,
    quotes: Vec<usize>,
    /// Quotes that are known; none where something else was escaped as well.
    known: usize,
}

/// What is copied at once, though less may be meant.
const STRIDE: usize = 32;

impl Unescaped {
    /// Reads a string with its quotes.
    pub(crate) fn read(&mut self, scan: &mut Scan<'_>) -> Option<()> {
        if scan.peek()? != b'"' {
            return None;
        }
        let source = &scan.rest().as_bytes()[1..];
        // What is escaped like this is mostly the last field of a line: then it ends with the last quote.
        let last = memchr::memrchr(b'"', source)?;
        let read = match self.quotes_only(&source[..last]) {
            Some(()) => last,
            None => self.any(source)?,
        };
        scan.at += read + 2;
        Some(())
    }

    /// The text that was read.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes.get(..self.length)?).ok()
    }

    /// A scan of the text that was read.
    pub(crate) fn scan(&self) -> Option<Scan<'_>> {
        Some(Scan { text: self.text()?, at: 0, quotes: self.quotes.get(..self.known)? })
    }

    /// A text in which quotes are escaped, and nothing else is.
    pub(crate) fn quotes_only(&mut self, source: &[u8]) -> Option<()> {
        let first_is_good = source.first().is_none_or(|byte| *byte != b'"' && *byte >= 0x20);
        if !first_is_good || source.last() == Some(&b'\\') {
            return None;
        }
        let pairs = source.iter().zip(source.get(1..).unwrap_or_default());
        // Every backslash is followed by a quote, every quote follows a backslash, and nothing is a control character.
        let wrong = pairs.fold(0, |wrong, (byte, next)| {
            wrong | (u8::from(*byte == b'\\') ^ u8::from(*next == b'"')) | u8::from(*next < 0x20)
        });
        if wrong != 0 {
            return None;
        }
        self.make_room(source.len());
        let (mut from, mut written, mut known) = (0, 0, 0);
        for (number, block) in source.chunks(64).enumerate() {
            let mut found = backslashes(block);
            while found != 0 {
                let at = number * 64 + found.trailing_zeros() as usize;
                self.copy(source, from, at, written);
                written += at - from;
                self.quotes[known] = written;
                known += 1;
                from = at + 1;
                found &= found - 1;
            }
        }
        self.copy(source, from, source.len(), written);
        (self.length, self.known) = (written + source.len() - from, known);
        Some(())
    }

    /// A text with any escapes of one character, up to its closing quote; returns how long it is as written.
    fn any(&mut self, source: &[u8]) -> Option<usize> {
        self.make_room(source.len());
        let (mut read, mut written) = (0, 0);
        loop {
            let byte = match *source.get(read)? {
                b'"' => {
                    (self.length, self.known) = (written, 0);
                    return Some(read);
                }
                b'\\' => {
                    read += 1;
                    match *source.get(read)? {
                        same @ (b'"' | b'\\' | b'/') => same,
                        b'n' => b'\n',
                        b'r' => b'\r',
                        b't' => b'\t',
                        _ => return None,
                    }
                }
                ..0x20 => return None,
                byte => byte,
            };
            self.bytes[written] = byte;
            read += 1;
            written += 1;
        }
    }

    fn make_room(&mut self, length: usize) {
        if self.bytes.len() < length + STRIDE {
            self.bytes.resize(length + STRIDE, 0);
            self.quotes.resize(length / 2 + 1, 0);
        }
    }

    fn copy(&mut self, source: &[u8], from: usize, to: usize, written: usize) {
        let room = self.bytes.get_mut(written..).and_then(<[u8]>::first_chunk_mut::<STRIDE>);
        match (source.get(from..).and_then(<[u8]>::first_chunk), room) {
            (Some(stride), Some(room)) if to - from <= STRIDE => *room = *stride,
            _ => self.bytes[written..written + to - from].copy_from_slice(&source[from..to]),
        }
    }
}

/// Which of at most 64 bytes are backslashes, the first byte in the lowest bit.
fn backslashes(block: &[u8]) -> u64 {
    let (words, rest) = block.as_chunks();
    let mut found = 0;
    for (number, word) in words.iter().enumerate() {
        let other = u64::from_le_bytes(*word) ^ repeated(b'\\');
        // Exact for every byte, unlike in `special`: nothing is carried from one byte to the next.
        let backslash = !(((other & repeated(0x7f)) + repeated(0x7f)) | other | repeated(0x7f));
        // Gathers the highest bits of the eight bytes.
        let bits = (backslash >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        found |= bits << (number * 8);
    }
    for (number, byte) in rest.iter().enumerate() {
        found |= u64::from(*byte == b'\\') << (words.len() * 8 + number);
    }
    found
}

/// Puts a value where none is yet: a field that is there twice is not ordinary.
pub(crate) fn once<T>(field: &mut Option<T>, value: Option<T>) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = value;
    field.is_some().then_some(())
}

const fn repeated(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of the first byte that is a quote, a backslash or a control character is the lowest bit that is set;
/// the bits above it mean nothing.
const fn special(word: u64) -> u64 {
    const ONES: u64 = repeated(1);
    let quote = word ^ repeated(b'"');
    let backslash = word ^ repeated(b'\\');
    let zero = (quote.wrapping_sub(ONES) & !quote) | (backslash.wrapping_sub(ONES) & !backslash);
    (zero | (word.wrapping_sub(repeated(0x20)) & !word)) & repeated(0x80)
}
