//! Strict CSV reading in a stream, on all cores: the header first, and then the rows block by block.
//!
//! The blocks are walked by `model::rows`, which is sure or silent. Where it is silent, the file is read again whole by the
//! strict reading, so that a fault has one text whichever way it was found. So is a file in another encoding than UTF-8.

use std::convert::Infallible;
use std::io::{self, Read};
use std::path::Path;

use super::decode::says_another_encoding;
use super::faults::{Faults, Source};
use super::{delimiter, layout, parse};
use crate::edge::blocks::{BLOCK_BYTES, Cut, Stopped, in_blocks_of};
use crate::edge::digest::{Digest, Hashed};
use crate::edge::read::{self, Opened, ReadError};
use crate::model::fault::Fault;
use crate::model::listing::Survey;
use crate::model::rows::{Row, Rows};
use crate::model::table::{Encoding, Format, Table};

/// The longest beginning of a file that is searched for the header.
const HEAD_BYTES: u64 = 64 << 10;

/// Why there are no rows.
#[derive(Debug)]
pub enum NotRead {
    /// The file is not to be had.
    Unreadable(ReadError),
    /// It is not strict CSV: everything that is wrong with it.
    Faulty(Vec<Fault>),
}

/// A file whose rows have all been gone through.
pub(super) enum Surveyed {
    /// It had to be read whole.
    Whole(Table),
    /// Its header, and where its rows are; in bytes from the beginning of the file.
    Blocks(Table, Survey),
}

/// A CSV file whose header has been read.
pub struct Stream<O, S> {
    file: String,
    format: Format,
    known_headers: Vec<String>,
    open: O,
    head: Table,
    body: Body<S>,
}

enum Body<S> {
    /// What follows the header: the beginning, the rest of the file, and the byte and the line on which it begins.
    Streamed { beginning: Vec<u8>, rest: S, first_at: usize, first_line: u64 },
    /// The table above has all rows.
    Whole,
}

/// Opens a finished CSV file that the user calls `file`, and reads its header; otherwise as [`parse`].
///
/// # Errors
/// The file cannot be read, or something is wrong with it so far; then everything that is wrong with it.
pub fn open<'p>(
    file: &str,
    path: &'p Path,
    format: &Format,
    known_headers: &[&str],
) -> Result<Stream<impl Fn() -> Result<Opened, ReadError> + use<'p>, Opened>, NotRead> {
    open_by(file, || read::open_finished(path), *format, known_headers)
}

/// A stream whose file goes into a digest.
type HashedStream<O> = Stream<O, Hashed<Opened>>;
type Opening = Result<Hashed<Opened>, ReadError>;

/// As [`open`], and makes the digest of the file's content: it counts once all rows have been read.
///
/// # Errors
/// As [`open`].
pub fn open_hashed<'p>(
    file: &str,
    path: &'p Path,
    format: &Format,
    known_headers: &[&str],
    digest: &Digest,
) -> Result<HashedStream<impl Fn() -> Opening + use<'p>>, NotRead> {
    let digest = digest.clone();
    open_by(file, move || Ok(digest.of(read::open_finished(path)?)), *format, known_headers)
}

/// As [`open`], with a file that `open` opens, twice if need be.
pub(in crate::edge) fn open_by<S: Read, O: Fn() -> Result<S, ReadError>>(
    file: &str,
    open: O,
    format: Format,
    known_headers: &[&str],
) -> Result<Stream<O, S>, NotRead> {
    open_with(file, open, format, known_headers, HEAD_BYTES)
}

/// [`open_by`] with another length of the beginning.
pub(super) fn open_with<S: Read, O: Fn() -> Result<S, ReadError>>(
    file: &str,
    open: O,
    format: Format,
    known_headers: &[&str],
    head_bytes: u64,
) -> Result<Stream<O, S>, NotRead> {
    let mut rest = open().map_err(NotRead::Unreadable)?;
    let mut beginning = Vec::new();
    let read = rest.by_ref().take(head_bytes).read_to_end(&mut beginning);
    let length = read.map_err(|error| unreadable(file, error))? as u64;
    let ends = if length < head_bytes { Ends::Here } else { Ends::Later };
    let (head, body) = if let Some((head, behind)) = read_head(file, &beginning, ends, format, known_headers) {
        let first_line = head.lines() + 1;
        beginning.drain(..behind);
        (head, Body::Streamed { beginning, rest, first_at: behind, first_line })
    } else {
        rest.read_to_end(&mut beginning).map_err(|error| unreadable(file, error))?;
        (parse(file, beginning, &format, known_headers).map_err(NotRead::Faulty)?, Body::Whole)
    };
    let known_headers = known_headers.iter().map(|name| (*name).to_owned()).collect();
    Ok(Stream { file: file.to_owned(), format, known_headers, open, head, body })
}

impl<O: Fn() -> Result<S, ReadError>, S: Read + Send> Stream<O, S> {
    /// The table as far as it is known: its header, and rows or none.
    #[must_use]
    pub fn head(&self) -> &Table {
        &self.head
    }

    /// Hands all rows to `work`, some thousand at a time, on `threads` threads; and what it makes of them to `take`, in the
    /// order of the file. Rows are numbered from 1 in each part; `work` may count them, for `take` to add up.
    ///
    /// # Errors
    /// The file cannot be read, or is not strict CSV; results that have been taken before do not count then. Or what `take`
    /// says.
    pub fn rows<R: Send, E>(
        self,
        threads: usize,
        work: impl Fn(&mut Rows<'_>) -> R + Sync,
        take: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), Stopped<NotRead, E>> {
        self.rows_by(BLOCK_BYTES, threads, work, take)
    }

    /// Goes through all rows, on `threads` threads, to know where they are.
    ///
    /// # Errors
    /// As [`Stream::rows`].
    pub(super) fn survey(self, threads: usize) -> Result<Surveyed, NotRead> {
        let first_at = match self.body {
            Body::Streamed { first_at, .. } => first_at,
            Body::Whole => return Ok(Surveyed::Whole(self.head)),
        };
        let head = self.head.clone();
        let mut survey = Survey { length: first_at, ..Survey::default() };
        let take = |part| {
            survey.add(part);
            Ok::<(), Infallible>(())
        };
        match self.rows(threads, Survey::of, take) {
            Ok(()) => Ok(Surveyed::Blocks(head, survey)),
            Err(Stopped::Reading(error)) => Err(error),
        }
    }

    /// Looks at the rows that begin on these lines, which are in order; what it makes of them, in the order of the file.
    ///
    /// # Errors
    /// As [`Stream::rows`].
    pub fn rows_on<R: Send>(
        self,
        lines: &[u64],
        threads: usize,
        look: impl Fn(&Row<'_, '_>) -> R + Sync,
    ) -> Result<Vec<R>, NotRead> {
        let work = |rows: &mut Rows<'_>| {
            let mut seen = Vec::new();
            while let Some(row) = rows.next_row() {
                if lines.binary_search(&row.line).is_ok() {
                    seen.push(look(&row));
                }
            }
            seen
        };
        let mut all = Vec::new();
        let take = |seen| {
            all.extend::<Vec<R>>(seen);
            Ok::<(), Infallible>(())
        };
        match self.rows(threads, work, take) {
            Ok(()) => Ok(all),
            Err(Stopped::Reading(error)) => Err(error),
        }
    }

    /// [`Stream::rows`] with blocks of another size.
    pub(super) fn rows_by<R: Send, E>(
        self,
        block_bytes: usize,
        threads: usize,
        work: impl Fn(&mut Rows<'_>) -> R + Sync,
        mut take: impl FnMut(R) -> Result<(), E>,
    ) -> Result<(), Stopped<NotRead, E>> {
        let Self { file, format, known_headers, open, head, body } = self;
        let Body::Streamed { beginning, rest, first_line, .. } = body else {
            return take(work(&mut Rows::of(&head))).map_err(Stopped::Taking);
        };
        let source = beginning.chain(rest);
        let stopped = in_blocks_of(
            block_bytes,
            source,
            Cut::Records,
            threads,
            |block| {
                let text = simdutf8::basic::from_utf8(block.bytes).ok()?;
                let mut rows = Rows::of_part(&head, text, first_line + block.first_line - 1);
                let result = work(&mut rows);
                rows.finish().map(|_| result)
            },
            |result| take(result.ok_or(Silent::Damaged)?).map_err(Silent::Taking),
        );
        match stopped {
            Ok(()) => Ok(()),
            Err(Stopped::Reading(error)) => Err(Stopped::Reading(unreadable(&file, error))),
            Err(Stopped::Taking(Silent::Taking(error))) => Err(Stopped::Taking(error)),
            Err(Stopped::Taking(Silent::Damaged)) => {
                Err(Stopped::Reading(what_is_wrong(&file, open, format, &known_headers)))
            }
        }
    }
}

/// Why the results end.
enum Silent<E> {
    /// Some rows are not as they should be.
    Damaged,
    /// Who takes them wants no more.
    Taking(E),
}

fn unreadable(file: &str, error: io::Error) -> NotRead {
    NotRead::Unreadable(ReadError::of(Path::new(file), error))
}

/// Reads the file again, whole, for the careful reading to say what is wrong with it.
fn what_is_wrong<S: Read>(
    file: &str,
    open: impl Fn() -> Result<S, ReadError>,
    format: Format,
    known_headers: &[String],
) -> NotRead {
    let mut bytes = Vec::new();
    let known_headers: Vec<&str> = known_headers.iter().map(String::as_str).collect();
    let read = match open() {
        Ok(mut source) => source.read_to_end(&mut bytes),
        Err(error) => return NotRead::Unreadable(error),
    };
    match read.map(|_| parse(file, bytes, &format, &known_headers)) {
        Err(error) => unreadable(file, error),
        Ok(Err(faults)) => NotRead::Faulty(faults),
        // A moment ago it was damaged.
        Ok(Ok(_)) => unreadable(file, io::Error::other("it changed while it was read")),
    }
}

/// Whether the beginning of a file is all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Here,
    Later,
}

/// The header as a table without rows, and where the rows begin. `None` if the beginning of the file is not enough to be
/// sure, or not as it should be.
fn read_head(
    file: &str,
    beginning: &[u8],
    ends: Ends,
    format: Format,
    known_headers: &[&str],
) -> Option<(Table, usize)> {
    if format.encoding != Encoding::Utf8 || says_another_encoding(beginning) {
        return None;
    }
    let marked = beginning.strip_prefix("\u{feff}".as_bytes()).unwrap_or(beginning);
    let text = match std::str::from_utf8(marked) {
        Ok(text) => text,
        // A character may be cut where the beginning ends.
        Err(error) => std::str::from_utf8(&marked[..error.valid_up_to()]).ok()?,
    };
    let start = delimiter::find(&Source { file, text }, format.delimiter, known_headers).ok()?;
    let end = start.header_at + delimiter::header_record(&text[start.header_at..]).len();
    let line_end = match text.as_bytes()[end..] {
        [b'\n', ..] => 1,
        [b'\r', b'\n', ..] => 2,
        [] if ends == Ends::Here && text.len() == marked.len() => 0,
        _ => return None,
    };
    let head = &text[..end + line_end];
    let mut faults = Faults::default();
    let layout = layout::check(&Source { file, text: head }, start, &mut faults);
    let sound = faults.is_empty() && layout.rows == 0 && !head.contains('\0');
    sound.then(|| (Table::checked(file, head.to_owned(), layout), beginning.len() - marked.len() + head.len()))
}
