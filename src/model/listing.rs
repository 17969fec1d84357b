//! The rows of a table wherever their text stands: in memory, or elsewhere, from where it is read block by block.
//!
//! A *block* is some hundred whole rows. Nearly all reading goes through the rows in their order, and so needs one block at a
//! time; whoever looks at a single row reads its block. What is read from elsewhere is compared with a hash of what was
//! written there: rows that were checked once stay what they were, or are not to be had.

use std::fmt::Debug;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::quality::FixedState;

use super::rows::{Row, Rows, Start};
use super::table::{Table, Written};

/// A text that stands elsewhere than in memory, and that nobody changes.
pub trait Elsewhere: Debug + Send + Sync {
    /// Fills `bytes` with what stands there from byte `at` on.
    ///
    /// # Errors
    /// It cannot be read, or ends before.
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()>;
}

/// The text could not be read again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: its private copy cannot be read any more: {why}")]
pub struct Unread {
    /// The file that it is a copy of.
    pub file: String,
    /// What the system says.
    pub why: String,
}

/// How large a block is, in bytes; it ends with the row that reaches this.
const BLOCK_BYTES: usize = 32 << 10;

/// The rows of a table.
#[derive(Debug)]
pub struct Listing {
    /// The header, with all rows if they are in memory.
    head: Table,
    rows: u64,
    blocks: Vec<Block>,
    text: Text,
}

/// Some whole rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Where its first row begins; in bytes from the beginning of the text.
    pub start: Start,
    /// Where it ends.
    pub end: usize,
    /// Of its text.
    hash: u64,
}

/// Where a row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    /// Its number, from 1.
    pub number: u64,
    /// Its first byte, counted from the first of its block.
    pub at: u32,
}

#[derive(Debug)]
enum Text {
    /// In the table.
    Here,
    /// Elsewhere, with the block that was read last.
    Elsewhere(Arc<dyn Elsewhere>, Mutex<Option<(usize, Arc<str>)>>),
}

/// What a part of a text is divided into.
#[derive(Debug, Default)]
pub struct Survey {
    /// Its blocks.
    pub blocks: Vec<Block>,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes.
    pub length: usize,
}

impl Survey {
    /// Goes through all rows of a text, which nobody need have checked.
    #[must_use]
    pub fn of(rows: &mut Rows<'_>) -> Self {
        let (text, mut starts, mut count) = (rows.text(), Vec::<Start>::new(), 0);
        while let Some(row) = rows.next_row() {
            let start = row.start();
            if starts.last().is_none_or(|last| start.at - last.at >= BLOCK_BYTES) {
                starts.push(start);
            }
            count += 1;
        }
        let ends = starts.iter().skip(1).map(|next| next.at).chain([text.len()]);
        let block = |(start, end): (&Start, usize)| Block { start: *start, end, hash: hash(&text[start.at..end]) };
        Self { blocks: starts.iter().zip(ends).map(block).collect(), rows: count, length: text.len() }
    }

    /// Adds the survey of what follows in the text.
    pub fn add(&mut self, next: Self) {
        let Self { rows, length, .. } = *self;
        self.blocks.extend(next.blocks.into_iter().map(|Block { start, end, hash }| {
            let Start { at, number, line } = start;
            Block { start: Start { at: length + at, number: rows + number, line }, end: length + end, hash }
        }));
        self.rows += next.rows;
        self.length += next.length;
    }
}

fn hash(text: &str) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    hasher.write(text.as_bytes());
    hasher.finish()
}

impl From<Table> for Listing {
    /// The rows of a table in memory.
    fn from(table: Table) -> Self {
        let Survey { blocks, rows, .. } = Survey::of(&mut Rows::of(&table));
        assert_eq!(rows, table.rows(), "the table has passed the strict reading");
        Self { head: table, rows, blocks, text: Text::Here }
    }
}

impl Listing {
    /// The rows of a table that was checked, of which the header is here and the text elsewhere. `survey` is of that text.
    #[must_use]
    pub fn elsewhere(head: Table, survey: Survey, text: Arc<dyn Elsewhere>) -> Self {
        let Survey { blocks, rows, .. } = survey;
        Self { head, rows, blocks, text: Text::Elsewhere(text, Mutex::default()) }
    }

    /// The header as a table; with all rows or without.
    #[must_use]
    pub fn head(&self) -> &Table {
        &self.head
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Where each block begins.
    pub fn blocks(&self) -> impl Iterator<Item = Spot> {
        self.blocks.iter().map(|block| Spot { number: block.start.number, at: 0 })
    }

    /// Shows the rows of a block from one of them on.
    ///
    /// # Errors
    /// It cannot be read; some rows may have been shown.
    pub fn rows_from(&self, spot: Spot, mut show: impl FnMut(&Row<'_, '_>)) -> Result<(), Unread> {
        let Some(place) = self.place_of(spot.number) else { return Ok(()) };
        let next = self.blocks.get(place + 1).map_or(self.rows + 1, |next| next.start.number);
        self.with_block(place, |text, start, given| {
            let mut rows = Rows::within(&self.head, text, at(text, start, spot), given);
            let mut shown = 0;
            while let Some(row) = rows.next_row() {
                show(&row);
                shown += 1;
            }
            if spot.number + shown == next { Ok(()) } else { Err(self.unread(&"it is not what was written")) }
        })?
    }

    /// Looks at one row.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn look<R>(&self, spot: Spot, look: impl FnOnce(&Row<'_, '_>) -> R) -> Result<R, Unread> {
        let gone = || self.unread(&"it is not what was written");
        let place = self.place_of(spot.number).ok_or_else(gone)?;
        self.with_block(place, |text, start, given| {
            let mut rows = Rows::within(&self.head, text, at(text, start, spot), given);
            rows.next_row().map(|row| look(&row)).ok_or_else(gone)
        })?
    }

    /// Gives up all rows; the header stays.
    pub fn forget(&mut self) {
        self.head = self.head.without_rows();
        (self.blocks, self.rows, self.text) = (Vec::new(), 0, Text::Here);
    }

    /// The block of a row; `None` if there is no such row.
    fn place_of(&self, number: u64) -> Option<usize> {
        self.blocks.partition_point(|block| block.start.number <= number).checked_sub(1)
    }

    /// Shows a block: its text, where that begins, and for rows of a job file their lines there.
    fn with_block<R>(
        &self,
        place: usize,
        show: impl FnOnce(&str, Start, Option<&[Written]>) -> R,
    ) -> Result<R, Unread> {
        let Block { start, end, .. } = self.blocks[place];
        Ok(match &self.text {
            Text::Here => {
                let (text, _, given) = self.head.body();
                show(&text[start.at..end], start, given)
            }
            Text::Elsewhere(text, last) => {
                let lock = || last.lock().unwrap_or_else(PoisonError::into_inner);
                let known = lock().as_ref().filter(|(known, _)| *known == place).map(|(_, text)| Arc::clone(text));
                let block = match known {
                    Some(block) => block,
                    None => self.read(&**text, self.blocks[place])?,
                };
                *lock() = Some((place, Arc::clone(&block)));
                show(&block, start, None)
            }
        })
    }

    fn read(&self, text: &dyn Elsewhere, block: Block) -> Result<Arc<str>, Unread> {
        let mut bytes = vec![0; block.end - block.start.at];
        text.read(block.start.at as u64, &mut bytes).map_err(|error| self.unread(&error))?;
        let text = String::from_utf8(bytes).ok().filter(|text| hash(text) == block.hash);
        text.map(Arc::from).ok_or_else(|| self.unread(&"it is not what was written"))
    }

    fn unread(&self, why: &impl ToString) -> Unread {
        Unread { file: self.head.file().to_owned(), why: why.to_string() }
    }
}

/// Where a row begins in the text of its block, and on which line.
fn at(text: &str, block: Start, spot: Spot) -> Start {
    let at = spot.at as usize;
    let lines = text.as_bytes().get(..at).map_or(0, |before| memchr::memchr_iter(b'\n', before).count());
    Start { at, number: spot.number, line: block.line + lines as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::table::Layout;

    #[derive(Debug)]
    struct Copied(Mutex<Vec<u8>>);

    impl Elsewhere for Copied {
        fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
            let at = usize::try_from(at).unwrap();
            let copy = self.0.lock().unwrap();
            let found = copy.get(at..at + bytes.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
            bytes.copy_from_slice(found);
            Ok(())
        }
    }

    const HEADER: &str = "invoice,note\n";

    /// Rows with quotes, line breaks inside fields, and blank lines between them.
    fn text(count: usize) -> String {
        let row = |number: usize| match number % 4 {
            0 => format!("INV-{number},\"two\r\nlines\"\r\n"),
            1 => format!("INV-{number},\"say \"\"{number}\"\"\"\n\n\n"),
            2 => format!("\"INV-{number}\",{}\n", "x".repeat(number % 300)),
            _ => format!("INV-{number},\n"),
        };
        let rows: String = (1..=count).map(row).collect();
        format!("{HEADER}{rows}INV-last,no line end")
    }

    fn table(text: &str, rows: u64) -> Table {
        let header = vec!["invoice".to_owned(), "note".to_owned()];
        Table::checked("orders.csv", text.to_owned(), Layout { delimiter: b',', header_at: 0, header, rows })
    }

    /// The same rows in memory and elsewhere, there read in two parts.
    fn both(text: &str, rows: u64) -> (Listing, Listing, Arc<Copied>) {
        let head = table(HEADER, 0);
        let cut = text.len() / 2 + text[text.len() / 2..].find("\nINV-").unwrap_or(text.len() / 2 - 1) + 1;
        let mut survey = Survey { length: HEADER.len(), ..Survey::default() };
        let line = |before: &str| before.matches('\n').count() as u64 + 1;
        for (part, first_line) in [(&text[HEADER.len()..cut], 2), (&text[cut..], line(&text[..cut]))] {
            survey.add(Survey::of(&mut Rows::of_part(&head, part, first_line)));
        }
        let copy = Arc::new(Copied(Mutex::new(text.as_bytes().to_vec())));
        let elsewhere = Listing::elsewhere(head, survey, Arc::<Copied>::clone(&copy));
        (table(text, rows).into(), elsewhere, copy)
    }

    type Seen = (u64, u64, String, Spot);

    fn all(listing: &Listing) -> Vec<Seen> {
        let mut seen = Vec::new();
        for spot in listing.blocks() {
            listing.rows_from(spot, |row| seen.push((row.number, row.line, row.raw().to_owned(), row.spot()))).unwrap();
        }
        seen
    }

    #[test]
    fn rows_are_the_same_wherever_their_text_stands() {
        let text = text(3000);
        let (here, elsewhere, _) = both(&text, 3001);
        let table = table(&text, 3001);
        let expected: Vec<(u64, u64, String)> =
            table.records().map(|record| (record.number, record.line, record.raw.to_owned())).collect();
        assert!(here.blocks().count() > 5 && elsewhere.blocks().count() > 5, "several blocks");
        for listing in [&here, &elsewhere] {
            let seen = all(listing);
            let told: Vec<_> = seen.iter().map(|(number, line, raw, _)| (*number, *line, raw.clone())).collect();
            assert_eq!(told, expected);
            for (number, line, raw, spot) in seen.iter().step_by(7).rev() {
                let looked = listing.look(*spot, |row| (row.number, row.line, row.raw().to_owned())).unwrap();
                assert_eq!(looked, (*number, *line, raw.clone()));
            }
            let (from, mut rest) = (seen[1000].3, Vec::new());
            listing.rows_from(from, |row| rest.push(row.number)).unwrap();
            assert_eq!(rest.first(), Some(&1001));
            assert_eq!(listing.rows(), 3001);
        }
    }

    #[test]
    fn a_copy_that_was_changed_or_cut_is_not_read() {
        let text = text(3000);
        let (_, listing, copy) = both(&text, 3001);
        let blocks: Vec<Spot> = listing.blocks().collect();
        let (first, last) = (blocks[0], blocks[blocks.len() - 1]);
        // A good row still: INV-0 instead of INV-1.
        copy.0.lock().unwrap()[HEADER.len() + 4] ^= 1;
        let error = listing.rows_from(first, |_| panic!("nothing of it is shown")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "orders.csv: its private copy cannot be read any more: it is not what was written"
        );
        listing.rows_from(last, |_| {}).unwrap();
        copy.0.lock().unwrap().truncate(text.len() - 1);
        listing.rows_from(last, |_| {}).unwrap();
        listing.rows_from(blocks[1], |_| {}).unwrap();
        assert!(listing.rows_from(last, |_| {}).is_err(), "it was in memory only as long as it was the last one read");
    }

    #[test]
    fn rows_of_a_job_file_keep_their_lines_and_forgotten_rows_are_gone() {
        let written = |line| Written { start: (line, 5), fields: Vec::new() };
        let rows =
            (1..=2000).map(|number| (written(number * 3), vec![format!("INV-{number}"), "x".repeat(40)])).collect();
        let mut listing =
            Listing::from(Table::from_rows("job.yaml", (2, 3), vec!["invoice".into(), "note".into()], rows));
        let seen = all(&listing);
        assert!(listing.blocks().count() > 1);
        assert!(
            seen.iter().zip(1..).all(|((number, line, ..), expected)| (*number, *line) == (expected, expected * 3))
        );
        let spot = seen[1500].3;
        assert_eq!(listing.look(spot, |row| row.line), Ok(1501 * 3));
        listing.forget();
        assert!(listing.look(spot, |_| ()).is_err());
        assert_eq!(listing.blocks().count(), 0);
        assert_eq!(listing.head().header(), ["invoice", "note"]);
    }
}
