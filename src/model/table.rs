//! A CSV table that has passed the strict reading: the text as it is, and how to walk it row by row.
//!
//! The table keeps the text and no fields, so that it needs about as much memory as the file; a record is split when it is
//! asked for, and lines and columns are counted only when a fault is shown. What the fields mean is not known here, and the
//! strict reading itself is `edge::csv`.

use super::fault::{Fault, Place};

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Format {
    /// What stands between two fields.
    pub delimiter: Delimiter,
    /// How characters are written as bytes.
    pub encoding: Encoding,
}

/// What stands between two fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Delimiter {
    /// The one of [`DELIMITERS`] that splits the header into known columns.
    #[default]
    Auto,
    /// This one of [`DELIMITERS`].
    Is(u8),
}

/// Every delimiter that a table may have.
pub const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How characters are written as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    #[default]
    Utf8,
    /// What Excel writes as plain "CSV" on a western European or Indonesian Windows.
    Windows1252,
    /// ISO 8859-1, where 0x80 to 0x9F are no characters.
    Latin1,
    /// UTF-16, low byte first: Excel's "Unicode text".
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// Every encoding.
    pub const ALL: [Self; 5] = [Self::Utf8, Self::Windows1252, Self::Latin1, Self::Utf16Le, Self::Utf16Be];

    /// The name in a job file and in messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Windows1252 => "windows-1252",
            Self::Latin1 => "latin-1",
            Self::Utf16Le => "utf-16le",
            Self::Utf16Be => "utf-16be",
        }
    }
}

/// A checked table: a header with distinct names, and rows that have exactly as many fields.
#[derive(Debug, Clone)]
pub struct Table {
    file: String,
    text: String,
    layout: Layout,
    lines: Lines,
}

/// What the strict scan has found out about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    /// What stands between two fields.
    pub(crate) delimiter: u8,
    /// Where the header begins, in bytes: after a `sep=` line, if there is one.
    pub(crate) header_at: usize,
    /// The names in the header.
    pub(crate) header: Vec<String>,
    /// How many records follow the header.
    pub(crate) rows: u64,
}

/// Where a row is on a line of the file that the user edits.
#[derive(Debug, Clone)]
enum Lines {
    /// The text is the file: count.
    Counted,
    /// The text is a part of the file, under a header of its own: count from this line on.
    From(u64),
    /// The rows are written in a job file, at these places.
    Given(Given),
}

/// Where the rows of a job file are written in it.
#[derive(Debug, Clone)]
struct Given {
    /// Where the first of them would be.
    start: Position,
    rows: Vec<Written>,
}

/// A line and a column in characters, both from 1.
pub type Position = (u64, u64);

/// Where one row is written in a job file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it begins.
    pub start: Position,
    /// Where the value of each field begins. The row's beginning, or nothing at the end of the list: it has no such key.
    pub fields: Vec<Position>,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Record<'a> {
    /// Its number among the rows, from 1; neither header nor blank lines count.
    pub number: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its text, without the line end. Several lines, where a quoted field has line breaks.
    pub raw: &'a str,
    /// Its fields, unquoted; as many as the header has.
    pub fields: csv::StringRecord,
}

impl Table {
    /// A text and what the strict scan, and nothing else, has found out about it.
    pub(crate) fn checked(file: &str, text: String, layout: Layout) -> Self {
        Self { file: file.to_owned(), text, layout, lines: Lines::Counted }
    }

    /// A table whose rows are written in a job file, from `start` on: each with its place and one field per name of the header.
    ///
    /// # Panics
    /// If a row has not as many fields as the header; who reads the job file has made them so.
    #[must_use]
    pub fn from_rows(file: &str, start: Position, header: Vec<String>, rows: Vec<(Written, Vec<String>)>) -> Self {
        let same = "every row was made with the header's fields, and memory takes all that is written";
        // Quoting everything keeps a row of one empty field from becoming a blank line.
        let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Always).from_writer(Vec::new());
        writer.write_record(&header).expect(same);
        for (_, fields) in &rows {
            writer.write_record(fields).expect(same);
        }
        let text = String::from_utf8(writer.into_inner().expect(same)).expect("fields are text, and so is their CSV");
        let rows: Vec<Written> = rows.into_iter().map(|(written, _)| written).collect();
        let count = rows.len() as u64;
        let layout = Layout { delimiter: b',', header_at: 0, header, rows: count };
        Self { file: file.to_owned(), text, layout, lines: Lines::Given(Given { start, rows }) }
    }

    /// One row of the table `head` as a table of its own: its text with its line end, if it has one, and its line. `given`,
    /// if the row is written in a job file.
    pub(super) fn of_row(head: &Self, row: &str, line: u64, given: Option<&Written>) -> Self {
        // The names are in the layout; the text needs no more of the header than its number of fields.
        let delimiter = char::from(head.layout.delimiter);
        let mut text = "x".to_owned();
        (1..head.layout.header.len()).for_each(|_| text.extend([delimiter, 'x']));
        text.push('\n');
        text.push_str(row);
        let layout = Layout { header_at: 0, rows: 1, ..head.layout.clone() };
        let given = given.map(|row| Lines::Given(Given { start: row.start, rows: vec![row.clone()] }));
        Self { file: head.file.clone(), text, layout, lines: given.unwrap_or(Lines::From(line)) }
    }

    /// The header of the table without its rows.
    #[must_use]
    pub fn without_rows(&self) -> Self {
        let mut head = Self::of_row(self, "", 1, None);
        head.layout.rows = 0;
        head
    }

    /// The file as the user named it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The names in the header: distinct, and none of them empty.
    #[must_use]
    pub fn header(&self) -> &[String] {
        &self.layout.header
    }

    /// What stands between two fields.
    #[must_use]
    pub fn delimiter(&self) -> u8 {
        self.layout.delimiter
    }

    /// How many records there are; the last one has this number.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.layout.rows
    }

    /// Whether the last line has a line end. Without one, the last field of the last record may have been cut.
    #[must_use]
    pub fn terminated(&self) -> bool {
        self.text.ends_with('\n')
    }

    /// How many lines its text has.
    pub(crate) fn lines(&self) -> u64 {
        newlines(&self.text)
    }

    /// The rows in their order, split one at a time.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        let mut records = self.every_record();
        // The header goes through the same reader, so that an extra byte order mark cannot be stripped from a row.
        records.split();
        if let Lines::From(first) = self.lines {
            records.line = first;
        }
        records
    }

    /// The header and the rows.
    fn every_record(&self) -> Records<'_> {
        let rest = &self.text[self.layout.header_at..];
        let reader =
            csv::ReaderBuilder::new().has_headers(false).delimiter(self.layout.delimiter).from_reader(rest.as_bytes());
        let lines_before = newlines(&self.text[..self.layout.header_at]);
        Records { table: self, rest, reader, offset: 0, line: lines_before + 1, number: 0 }
    }

    /// What there is to walk: the text from the header on, the line of the header, and for rows of a job file their places
    /// there.
    pub(super) fn body(&self) -> (&str, u64, Option<&[Written]>) {
        let given = match &self.lines {
            Lines::Given(given) => Some(&given.rows[..]),
            Lines::Counted | Lines::From(_) => None,
        };
        let (before, text) = self.text.split_at(self.layout.header_at);
        (text, newlines(before) + 1, given)
    }

    /// Where a field of a record begins.
    #[must_use]
    pub fn place(&self, record: &Record<'_>, field: usize) -> Place {
        match &self.lines {
            Lines::Counted | Lines::From(_) => {
                let spot = self.spot(record, field);
                Place::new(&self.file, record.line + spot.line - 1, spot.column)
            }
            Lines::Given(given) => {
                let row = &given.rows[index(record.number - 1)];
                let (line, column) = row.fields.get(field).copied().unwrap_or(row.start);
                Place::new(&self.file, line, column)
            }
        }
    }

    /// The line on which a field of a record begins. `None` for rows of a job file, whose text is not kept here, and for a
    /// line that is too long to show.
    #[must_use]
    pub fn excerpt<'a>(&self, record: &Record<'a>, field: usize) -> Option<&'a str> {
        match self.lines {
            Lines::Counted | Lines::From(_) => self.spot(record, field).excerpt,
            Lines::Given(_) => None,
        }
    }

    /// Something wrong with a field of a record: its place and line, and the message.
    pub fn fault(&self, record: &Record<'_>, field: usize, message: impl Into<String>) -> Fault {
        let excerpt = self.excerpt(record, field).map(str::to_owned);
        Fault { excerpt, ..Fault::new(self.place(record, field), message) }
    }

    /// Something that the header lacks: the place where it ends, its line, and the message. For rows of a job file: where they
    /// begin.
    pub fn fault_of_header(&self, message: impl Into<String>) -> Fault {
        if let Lines::Given(Given { start: (line, column), .. }) = self.lines {
            return Fault::new(Place::new(&self.file, line, column), message);
        }
        let (_, header, _) = self.every_record().split().unwrap_or_default();
        let spot = Spot::of(&self.text, self.layout.header_at + header.len());
        let place = Place::new(&self.file, spot.line, spot.column);
        Fault { excerpt: spot.excerpt.map(str::to_owned), ..Fault::new(place, message) }
    }

    fn spot<'a>(&self, record: &Record<'a>, field: usize) -> Spot<'a> {
        Spot::of(record.raw, field_start(record.raw, self.layout.delimiter, field))
    }
}

/// The rows of a table, see [`Table::records`].
pub struct Records<'a> {
    table: &'a Table,
    /// The table's text from the header on.
    rest: &'a str,
    reader: csv::Reader<&'a [u8]>,
    /// Where the next record, or a blank line before it, begins in `rest`.
    offset: usize,
    /// The line of `offset`.
    line: u64,
    /// How many records have been given out.
    number: u64,
}

impl<'a> Records<'a> {
    /// The next record's fields, text and line, the header's first of all.
    fn split(&mut self) -> Option<(csv::StringRecord, &'a str, u64)> {
        let mut fields = csv::StringRecord::new();
        let found = self.reader.read_record(&mut fields);
        if !found.expect("the text is UTF-8, and the strict scan has counted the fields of every record") {
            return None;
        }
        let end = usize::try_from(self.reader.position().byte()).expect("an offset into a text in memory");
        // The reader leaves the LF of a CRLF, and blank lines, to the record that follows.
        let with_line_ends = &self.rest[self.offset..end];
        let from_start = with_line_ends.trim_start_matches(['\r', '\n']);
        let line = self.line + newlines(&with_line_ends[..with_line_ends.len() - from_start.len()]);
        self.line = line + newlines(from_start);
        self.offset = end;
        Some((fields, from_start.trim_end_matches(['\r', '\n']), line))
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        let (fields, raw, counted) = self.split()?;
        let line = match &self.table.lines {
            Lines::Counted | Lines::From(_) => counted,
            Lines::Given(given) => given.rows[index(self.number)].start.0,
        };
        self.number += 1;
        Some(Record { number: self.number, line, raw, fields })
    }
}

/// The index of a row in a list of them.
fn index(rows_before: u64) -> usize {
    usize::try_from(rows_before).expect("an index into a list in memory")
}

/// Where field `index` of a well-quoted record begins, in bytes; the record's end, if it has not so many.
pub(crate) fn field_start(record: &str, delimiter: u8, index: usize) -> usize {
    let mut quoted = false;
    let mut field = 0;
    for (at, byte) in record.bytes().enumerate() {
        if field == index {
            return at;
        }
        match byte {
            b'"' => quoted = !quoted,
            _ if byte == delimiter && !quoted => field += 1,
            _ => {}
        }
    }
    record.len()
}

/// An offset in a text, as a person sees it.
pub(crate) struct Spot<'a> {
    /// The line, from 1; LF ends a line.
    pub(crate) line: u64,
    /// The column in characters, from 1.
    pub(crate) column: u64,
    /// The line itself, without its end. `None` if it is longer than anybody would read.
    pub(crate) excerpt: Option<&'a str>,
}

/// The longest line that is kept with a fault, in bytes; a file without line feeds is one line.
const LONGEST_EXCERPT: usize = 64 * 1024;

impl<'a> Spot<'a> {
    /// The spot of a byte offset.
    pub(crate) fn of(text: &'a str, offset: usize) -> Self {
        let (before, after) = text.split_at(offset);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = after.find('\n').map_or(text.len(), |newline| offset + newline);
        Self {
            line: newlines(before) + 1,
            column: before[start..].chars().count() as u64 + 1,
            excerpt: Some(text[start..end].trim_end_matches('\r')).filter(|line| line.len() <= LONGEST_EXCERPT),
        }
    }
}

fn newlines(text: &str) -> u64 {
    text.bytes().filter(|byte| *byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str, rows: u64) -> Table {
        let header = vec!["invoice".to_owned(), "note".to_owned()];
        Table::checked("orders.csv", text.to_owned(), Layout { delimiter: b';', header_at: 0, header, rows })
    }

    #[test]
    fn a_field_is_found_on_its_own_line_and_counted_in_characters() {
        let table = table("invoice;note\r\n\r\n\"é\nü;\";\"x\"\r\nB;y", 2);
        let records: Vec<Record<'_>> = table.records().collect();
        let places: Vec<String> = (0..2)
            .flat_map(|field| records.iter().map(move |record| (record, field)))
            .map(|(record, field)| table.fault(record, field, "here").to_string())
            .collect();
        let expected = [
            "orders.csv:3:1: here\n     3 | \"é\n       | ^",
            "orders.csv:5:1: here\n     5 | B;y\n       | ^",
            "orders.csv:4:5: here\n     4 | ü;\";\"x\"\n       |     ^",
            "orders.csv:5:3: here\n     5 | B;y\n       |   ^",
        ];
        assert_eq!(places, expected);
        assert_eq!(records[0].raw, "\"é\nü;\";\"x\"");
        assert_eq!(records[0].fields, vec!["é\nü;", "x"]);
        assert_eq!((records[1].number, records[1].line), (2, 5));
        assert!(!table.terminated());
    }

    #[test]
    fn rows_of_a_job_file_have_its_places_and_no_excerpt() {
        let header = vec!["invoice_number".to_owned()];
        let written = |line| Written { start: (line, 5), fields: vec![(line + 1, 23)] };
        let rows = vec![(written(12), vec![String::new()]), (written(15), vec!["A \"b\",\r\nc".to_owned()])];
        let table = Table::from_rows("refund.yaml", (11, 5), header, rows);
        let records: Vec<Record<'_>> = table.records().collect();
        assert_eq!(table.rows(), 2);
        assert_eq!(records[0].fields, vec![""]);
        assert_eq!(records[1].fields, vec!["A \"b\",\r\nc"]);
        assert_eq!(table.fault(&records[1], 0, "here").to_string(), "refund.yaml:16:23: here");
        assert_eq!(table.fault_of_header("here").to_string(), "refund.yaml:11:5: here");
        assert!(table.terminated());
    }

    #[test]
    fn a_line_too_long_to_show_is_not_kept() {
        let text = format!("invoice;note\n{};x\n", "A".repeat(LONGEST_EXCERPT));
        let table = table(&text, 1);
        let record = table.records().next().unwrap();
        assert_eq!(table.excerpt(&record, 1), None);
        assert_eq!(table.place(&record, 1).to_string(), "orders.csv:2:65538");
    }
}
