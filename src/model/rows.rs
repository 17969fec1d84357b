//! The rows of a CSV text one after the other, without a copy of anything: the strict scan for those who are in a hurry.
//!
//! It is sure or silent. It splits only what the strict reading (`edge::csv`) accepts, exactly as that does; at the first
//! thing that is not as it should be it stops and says no more than that, and the strict reading tells what it is. One row
//! can be taken out as a [`Table`] of its own, whose faults then have their lines and columns.

use std::borrow::Cow;

use wide::u8x16;

use super::fault::Fault;
use super::listing::Spot;
use super::table::{Table, Written};

/// Walks rows.
pub struct Rows<'a> {
    head: &'a Table,
    text: &'a str,
    special: Special<'a>,
    /// Where the next row, or a blank line before it, begins.
    at: usize,
    /// The line of `at`.
    line: u64,
    /// For rows of a job file: their places there.
    given: Option<&'a [Written]>,
    /// How many rows have been given out.
    number: u64,
    /// How many rows of the table are before the text.
    before: u64,
    /// Room for as many fields as the header has.
    spans: Vec<Span>,
    /// Whether a quote is written twice in one of them.
    doubled: bool,
    state: State,
}

/// Where a row begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Start {
    /// Its first byte, counted from the beginning of the text.
    pub at: usize,
    /// Its number among the rows, from 1.
    pub number: u64,
    /// Its line, from 1.
    pub line: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Sound,
    Damaged,
}

/// Where a field is in the text, without its quotes.
#[derive(Debug, Clone, Copy, Default)]
struct Span {
    start: usize,
    end: usize,
}

/// One row.
#[derive(Clone, Copy)]
pub struct Row<'r, 'a> {
    /// Its number among the rows of this text, from 1; blank lines do not count.
    pub number: u64,
    /// The line of the file on which it begins, from 1.
    pub line: u64,
    head: &'r Table,
    given: Option<&'a Written>,
    text: &'a str,
    /// From its first byte to behind its line end, if it has one.
    start: usize,
    end: usize,
    spans: &'r [Span],
    doubled: bool,
}

impl<'a> Rows<'a> {
    /// The rows of a table.
    #[must_use]
    pub fn of(table: &'a Table) -> Self {
        let (text, first_line, given) = table.body();
        let mut rows = Self::new(table, text, first_line, given);
        let _header = rows.next_row();
        rows.number = 0;
        rows
    }

    /// The rows of a block of the file that `head` is the header of, from one of them on; where it begins is counted from the
    /// beginning of the block. `given` are the places of all rows, if they are written in a job file.
    pub(super) fn within(head: &'a Table, text: &'a str, start: Start, given: Option<&'a [Written]>) -> Self {
        let before = usize::try_from(start.number - 1).unwrap_or(usize::MAX);
        let given = given.map(|rows| rows.get(before..).unwrap_or_default());
        let special = Special::from(start.at, text.as_bytes(), head.delimiter());
        Self { special, at: start.at, before: start.number - 1, ..Self::new(head, text, start.line, given) }
    }

    /// Their text.
    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    /// The rows of a part of the file that `head` is the header of: a text that begins on line `first_line`, and that
    /// nobody has checked.
    #[must_use]
    pub fn of_part(head: &'a Table, text: &'a str, first_line: u64) -> Self {
        Self::new(head, text, first_line, None)
    }

    fn new(head: &'a Table, text: &'a str, first_line: u64, given: Option<&'a [Written]>) -> Self {
        let special = Special::new(text.as_bytes(), head.delimiter());
        let spans = vec![Span::default(); head.header().len()];
        Self {
            head,
            text,
            special,
            at: 0,
            line: first_line,
            given,
            number: 0,
            before: 0,
            spans,
            doubled: false,
            state: State::Sound,
        }
    }

    /// The next row; `None` at the end, or where the text is damaged.
    pub fn next_row(&mut self) -> Option<Row<'_, 'a>> {
        self.skip_blank_lines();
        if self.at == self.text.len() {
            return None;
        }
        let (start, line) = (self.at, self.line);
        self.doubled = false;
        if self.split() != Some(self.spans.len()) {
            return self.stop();
        }
        self.number += 1;
        let given = self.given.and_then(|rows| rows.get(usize::try_from(self.number - 1).ok()?));
        let line = given.map_or(line, |row| row.start.0);
        Some(Row {
            number: self.before + self.number,
            line,
            head: self.head,
            given,
            text: self.text,
            start,
            end: self.at,
            spans: &self.spans,
            doubled: self.doubled,
        })
    }

    /// Passes all rows that are left. How many there were in all; `None` if the text is damaged anywhere.
    #[must_use]
    pub fn finish(mut self) -> Option<u64> {
        while self.next_row().is_some() {}
        (self.state == State::Sound).then_some(self.number)
    }

    fn stop<T>(&mut self) -> Option<T> {
        self.state = State::Damaged;
        self.at = self.text.len();
        None
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.text.as_bytes().get(at).copied()
    }

    fn skip_blank_lines(&mut self) {
        while let Some(b'\n' | b'\r') = self.byte(self.at) {
            if self.line_end().is_none() {
                self.stop::<()>();
            }
        }
    }

    /// Passes LF or CRLF; `None` for a carriage return alone.
    fn line_end(&mut self) -> Option<()> {
        if self.byte(self.at) == Some(b'\r') {
            self.special.advance();
            self.at += 1;
        }
        if self.byte(self.at) != Some(b'\n') {
            return None;
        }
        self.special.advance();
        self.at += 1;
        self.line += 1;
        Some(())
    }

    /// The fields up to the end of the row, and its line end. How many there are; `None` if they are damaged, or too many.
    fn split(&mut self) -> Option<usize> {
        let mut count = 0;
        loop {
            // Fields without quotes; one with quotes has a special byte before its delimiter.
            (self.at, count) = self.special.delimited(self.at, count, &mut self.spans)?;
            let quoted = self.special.at == self.at && self.byte(self.at) == Some(b'"');
            let span = if quoted { self.quoted_field()? } else { self.plain_field()? };
            *self.spans.get_mut(count)? = span;
            count += 1;
            self.at = span.end + usize::from(quoted);
            match self.byte(self.at) {
                None => return Some(count),
                Some(byte) if byte == self.special.delimiter => {
                    self.special.advance();
                    self.at += 1;
                }
                Some(_) => return self.line_end().map(|()| count),
            }
        }
    }

    fn plain_field(&mut self) -> Option<Span> {
        loop {
            match self.byte(self.special.at) {
                None => break,
                Some(byte) if byte == self.special.delimiter => break,
                Some(b'\n' | b'\r') => break,
                Some(b'"' | 0) => return None,
                Some(_) => self.special.advance(),
            }
        }
        Some(Span { start: self.at, end: self.special.at })
    }

    fn quoted_field(&mut self) -> Option<Span> {
        let start = self.at + 1;
        self.special.advance();
        loop {
            let at = self.special.at;
            let byte = self.byte(at)?;
            if byte == 0 {
                return None;
            }
            self.special.advance();
            self.line += u64::from(byte == b'\n');
            if byte == b'"' {
                if self.special.at != at + 1 || self.byte(at + 1) != Some(b'"') {
                    let closed = matches!(self.byte(at + 1), None | Some(b'\n' | b'\r'));
                    let closed = closed || self.byte(at + 1) == Some(self.special.delimiter);
                    return closed.then_some(Span { start, end: at });
                }
                self.doubled = true;
                self.special.advance();
            }
        }
    }
}

impl<'a> Row<'_, 'a> {
    /// A field as it stands in the text, without its quotes. `None` if it has to be unquoted first, see [`Row::field`], or
    /// if there is none.
    #[must_use]
    pub fn plain(&self, index: usize) -> Option<&'a str> {
        let span = self.spans.get(index)?;
        let text = &self.text[span.start..span.end];
        (!self.is_doubled(text)).then_some(text)
    }

    /// A field; empty if there is none.
    #[must_use]
    pub fn field(&self, index: usize) -> Cow<'a, str> {
        let Some(span) = self.spans.get(index) else { return Cow::Borrowed("") };
        let text = &self.text[span.start..span.end];
        if self.is_doubled(text) { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) }
    }

    /// Whether a quote is written twice in a field: no other quotes are in its text, and hardly any row has one.
    fn is_doubled(&self, text: &str) -> bool {
        self.doubled && text.contains('"')
    }

    /// Its text, without the line end.
    #[must_use]
    pub fn raw(&self) -> &'a str {
        self.text[self.start..self.end].trim_end_matches(['\r', '\n'])
    }

    /// Where it is in its block, if the text is one.
    #[must_use]
    pub fn spot(&self) -> Spot {
        Spot { number: self.number, at: u32::try_from(self.start).unwrap_or(u32::MAX) }
    }

    /// Where it begins.
    #[must_use]
    pub const fn start(&self) -> Start {
        Start { at: self.start, number: self.number, line: self.line }
    }

    /// Whether it may have been cut: it has no line end, and no closing quote at its end.
    #[must_use]
    pub fn may_be_cut(&self) -> bool {
        !self.text[self.start..self.end].ends_with(['\n', '"'])
    }

    /// Something wrong with a field: its place and line, and the message.
    ///
    /// # Panics
    /// Never: a row is a row.
    pub fn fault(&self, index: usize, message: impl Into<String>) -> Fault {
        let table = self.alone();
        let record = table.records().next().expect("a table of one row has one");
        table.fault(&record, index, message)
    }

    /// The row as a table of its own, which knows its lines in the file.
    #[must_use]
    pub fn alone(&self) -> Table {
        Table::of_row(self.head, &self.text[self.start..self.end], self.line, self.given)
    }
}

/// How many bytes are looked at together.
const WIDTH: usize = 64;

/// Finds the bytes that can mean something: quotes, delimiters and control characters, line ends among them.
struct Special<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// The place of the next one; the length of the text, if there is none.
    at: usize,
    /// Where the bytes begin that the bits are about: one bit for each of the next `WIDTH` bytes.
    from: usize,
    /// Special bytes that have not been passed.
    found: u64,
    /// Delimiters.
    delimiters: u64,
}

impl<'a> Special<'a> {
    fn new(bytes: &'a [u8], delimiter: u8) -> Self {
        Self::from(0, bytes, delimiter)
    }

    /// Those from one place on.
    fn from(from: usize, bytes: &'a [u8], delimiter: u8) -> Self {
        let mut special = Self { bytes, delimiter, at: from, from, found: 0, delimiters: 0 };
        special.look();
        special.stop();
        special
    }

    /// Goes to the next one.
    #[inline]
    fn advance(&mut self) {
        self.found &= self.found.wrapping_sub(1);
        self.stop();
    }

    /// Stops at the first one that has not been passed.
    #[inline]
    fn stop(&mut self) {
        while self.found == 0 {
            if !self.look_further() {
                self.at = self.bytes.len();
                return;
            }
        }
        self.at = self.from + self.found.trailing_zeros() as usize;
    }

    /// Notes the fields from `start` on that end with a delimiter, as long as no other special byte comes, behind the
    /// first `count`. Where the next field begins, and how many are noted now; `None`: more than there is room for.
    #[inline]
    fn delimited(&mut self, mut start: usize, mut count: usize, spans: &mut [Span]) -> Option<(usize, usize)> {
        loop {
            let other = self.found & !self.delimiters;
            // What is below the first other one; all, if there is none.
            let before = (other & other.wrapping_neg()).wrapping_sub(1);
            let mut fields = self.found & before;
            while fields != 0 {
                let end = self.from + fields.trailing_zeros() as usize;
                *spans.get_mut(count)? = Span { start, end };
                count += 1;
                start = end + 1;
                fields &= fields - 1;
            }
            self.found &= !before;
            if self.found != 0 || !self.look_further() {
                self.stop();
                return Some((start, count));
            }
        }
    }

    /// Looks at the next bytes; `false`: there are none.
    #[inline]
    fn look_further(&mut self) -> bool {
        if self.from + WIDTH >= self.bytes.len() {
            return false;
        }
        self.from += WIDTH;
        self.look();
        true
    }

    /// Looks at the bytes from `from` on.
    fn look(&mut self) {
        let rest = &self.bytes[self.from..];
        if let Some(block) = rest.first_chunk::<WIDTH>() {
            self.look_at(block);
        } else {
            let mut block = [b' '; WIDTH];
            block[..rest.len()].copy_from_slice(rest);
            self.look_at(&block);
        }
    }

    #[inline]
    fn look_at(&mut self, block: &[u8; WIDTH]) {
        let [delimiter, quote, control] = [self.delimiter, b'"', b' ' - 1].map(u8x16::splat);
        (self.delimiters, self.found) = (0, 0);
        for (chunk, first) in block.as_chunks::<16>().0.iter().zip((0..).step_by(16)) {
            let chunk = u8x16::new(*chunk);
            let delimiters = chunk.simd_eq(delimiter);
            let found = delimiters | chunk.simd_eq(quote) | chunk.simd_eq(chunk.min(control));
            self.delimiters |= u64::from(delimiters.to_bitmask()) << first;
            self.found |= u64::from(found.to_bitmask()) << first;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_byte_is_found_wherever_it_stands() {
        for delimiter in [b',', b'\t', b'|'] {
            for byte in 0..=255 {
                for at in [0, 1, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 100, 129] {
                    let mut bytes = vec![b'a'; 130];
                    bytes[at] = byte;
                    let special = Special::new(&bytes, delimiter);
                    let is_special = byte < b' ' || byte == b'"' || byte == delimiter;
                    assert_eq!(special.at, if is_special { at } else { 130 }, "{byte} at {at}");
                }
            }
        }
    }

    #[test]
    fn neighbours_do_not_disturb_each_other() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        let expected: Vec<usize> =
            (0..1000).filter(|at| bytes[*at] < b' ' || matches!(bytes[*at], b'"' | b';')).collect();
        let mut special = Special::new(&bytes, b';');
        let mut found = Vec::new();
        while special.at < bytes.len() {
            found.push(special.at);
            special.advance();
        }
        assert_eq!(found, expected);
    }
}
