//! The strict scan: where records begin and how many fields they have, by the quotes alone.
//!
//! A field that begins with a quote ends with one, and inside it a quote is written twice; any other field has none. After
//! a quote that breaks this rule the scan goes on with the next line, so that one mistake does not hide another.

use super::faults::Occurrences;

/// The records of a text, blank lines left out.
pub(super) struct Rows<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// The next byte.
    at: usize,
    /// Where a line ended, outside quotes, with a carriage return alone.
    pub(super) lone_returns: Occurrences,
}

/// One well-quoted record.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Row {
    /// The offset of its first byte.
    pub(super) start: usize,
    /// How many fields it has.
    pub(super) fields: usize,
}

/// A quote where none can be, or none where one must be; with offsets.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misquoted {
    /// The text ends inside the quotes that opened here.
    Unclosed { opened: usize },
    /// Neither delimiter nor line end follows the closing quote.
    TextAfter { at: usize, opened: usize },
    /// A quote inside a field that does not begin with one.
    Inside { at: usize },
}

impl<'a> Rows<'a> {
    /// The records from offset `start` on.
    pub(super) fn new(text: &'a str, start: usize, delimiter: u8) -> Self {
        Self { bytes: text.as_bytes(), delimiter, at: start, lone_returns: Occurrences::default() }
    }

    fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    fn next_is(&self, byte: u8) -> bool {
        self.rest().first() == Some(&byte)
    }

    /// Fields up to the end of the record; their number.
    fn fields(&mut self) -> Result<usize, Misquoted> {
        let mut fields = 1;
        self.field()?;
        while self.next_is(self.delimiter) {
            self.at += 1;
            fields += 1;
            self.field()?;
        }
        Ok(fields)
    }

    /// One field, up to its delimiter, its line end or the end of the text.
    fn field(&mut self) -> Result<(), Misquoted> {
        if self.next_is(b'"') { self.quoted_field() } else { self.plain_field() }
    }

    fn plain_field(&mut self) -> Result<(), Misquoted> {
        let ends = |byte: &u8| *byte == self.delimiter || matches!(byte, b'\n' | b'\r' | b'"');
        self.at += self.rest().iter().position(ends).unwrap_or(self.rest().len());
        if self.next_is(b'"') { Err(Misquoted::Inside { at: self.at }) } else { Ok(()) }
    }

    fn quoted_field(&mut self) -> Result<(), Misquoted> {
        let opened = self.at;
        self.at += 1;
        loop {
            let quote = self.rest().iter().position(|byte| *byte == b'"').ok_or(Misquoted::Unclosed { opened })?;
            self.at += quote + 1;
            if !self.next_is(b'"') {
                break;
            }
            self.at += 1;
        }
        match self.rest().first() {
            None | Some(b'\n' | b'\r') => Ok(()),
            Some(byte) if *byte == self.delimiter => Ok(()),
            Some(_) => Err(Misquoted::TextAfter { at: self.at, opened }),
        }
    }

    /// Passes a line end, if one is next.
    fn line_end(&mut self) -> bool {
        self.at += match self.rest() {
            [b'\n', ..] => 1,
            [b'\r', b'\n', ..] => 2,
            [b'\r', ..] => {
                self.lone_returns.add(self.at);
                1
            }
            _ => return false,
        };
        true
    }

    /// Goes to the end of the line of the quote that is to blame. An unclosed quote is thus scanned twice, but only once
    /// in a text: no odd quote can come after it.
    fn skip_line(&mut self, wrong: &Misquoted) {
        self.at = match wrong {
            Misquoted::Unclosed { opened: at } | Misquoted::TextAfter { at, .. } | Misquoted::Inside { at } => *at,
        };
        self.at += self.rest().iter().position(|byte| *byte == b'\n').unwrap_or(self.rest().len());
    }
}

impl Iterator for Rows<'_> {
    type Item = Result<Row, Misquoted>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.line_end() {}
        if self.rest().is_empty() {
            return None;
        }
        let start = self.at;
        let row = self.fields().map(|fields| Row { start, fields });
        if let Err(wrong) = &row {
            self.skip_line(wrong);
        }
        Some(row)
    }
}
