//! The orders as a listing: those of a small file in memory, those of a large one in a private copy on the disk.
//!
//! A large file is copied, hashed and checked in one go, a block at a time. From then on only the copy is read: whoever edits
//! the file, or cuts it short, changes nothing of what was checked. Where the quick reading is silent, the file is read whole
//! and in memory, as a small one is, so that a fault has one text however it was found.

use std::io::{self, Chain, Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use super::stream::Surveyed;
use super::{NotRead, open_by, parse};
use crate::edge::read::{self, Opened, ReadError};
use crate::edge::spill::{NoPlace, PrivateCopy};
use crate::edge::{parallel, spill};
use crate::journal::log::hex;
use crate::model::listing::Listing;
use crate::model::table::Format;

/// The largest file that stays in memory, in bytes.
const SMALL: u64 = 4 << 20;

/// Why there is no listing.
#[derive(Debug)]
pub enum NotListed {
    /// It cannot be read, or is not strict CSV.
    NotRead(NotRead),
    /// There is no room in this folder for its copy.
    NoRoom(PathBuf, io::Error),
}

/// A file that was listed.
#[derive(Debug)]
pub struct Listed {
    /// Its rows.
    pub listing: Listing,
    /// SHA-256 of its content, in hex.
    pub sha256: String,
    /// Why a large file stays in memory; `None`: it does not, or is not large.
    pub uncopied: Option<NoPlace>,
}

/// The rows of a finished CSV file that the user calls `file`; otherwise as [`parse`].
///
/// # Errors
/// Everything that is wrong with the file, or that there is no room for a copy.
pub fn list(file: &str, path: &Path, format: Format, known_headers: &[&str]) -> Result<Listed, NotListed> {
    list_with(file, path, format, known_headers, SMALL, || PrivateCopy::make(&spill::folders()))
}

/// [`list`] with another limit of what is small, and another copy. Where none can be made, the file stays in memory.
pub(super) fn list_with(
    file: &str,
    path: &Path,
    format: Format,
    known_headers: &[&str],
    small: u64,
    make: impl FnOnce() -> Result<PrivateCopy, NoPlace>,
) -> Result<Listed, NotListed> {
    let unreadable = |error| NotListed::NotRead(NotRead::Unreadable(error));
    let mut opened = read::open_finished(path).map_err(unreadable)?;
    let mut beginning = Vec::new();
    let read = opened.by_ref().take(small + 1).read_to_end(&mut beginning);
    read.map_err(|error| unreadable(ReadError::of(path, error)))?;
    let copy = (beginning.len() as u64 > small).then(make).transpose();
    let uncopied = copy.as_ref().err().cloned();
    let Some(copy) = copy.ok().flatten().map(Arc::new) else {
        let rest = opened.read_to_end(&mut beginning);
        rest.map_err(|error| unreadable(ReadError::of(path, error)))?;
        let sha256 = hex(&Sha256::digest(&beginning));
        let table = parse(file, beginning, &format, known_headers);
        let listed = table.map(|table| Listed { listing: table.into(), sha256, uncopied });
        return listed.map_err(|faults| NotListed::NotRead(NotRead::Faulty(faults)));
    };
    let copying = Mutex::new(Copying { copy: Arc::clone(&copy), digest: Sha256::new(), failed: None });
    let first = Mutex::new(Some(Cursor::new(beginning).chain(opened)));
    let open = || match lock(&first).take() {
        Some(content) => Ok(Source { content, copying: Some(&copying) }),
        // What is read a second time is read for its faults only.
        None => Ok(Source { content: Cursor::default().chain(read::open_finished(path)?), copying: None }),
    };
    let stream = open_by(file, open, format, known_headers);
    let surveyed = stream.and_then(|stream| stream.survey(parallel::cores()));
    let Copying { digest, failed, .. } = copying.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Some(error) = failed {
        return Err(NotListed::NoRoom(copy.folder().to_owned(), error));
    }
    let listing = match surveyed.map_err(NotListed::NotRead)? {
        Surveyed::Whole(table) => table.into(),
        Surveyed::Blocks(head, survey) => Listing::elsewhere(head, survey, copy),
    };
    Ok(Listed { listing, sha256: hex(&digest.finalize()), uncopied: None })
}

/// A file that is copied as it is read.
struct Source<'c> {
    content: Chain<Cursor<Vec<u8>>, Opened>,
    /// `None`: it was copied before.
    copying: Option<&'c Mutex<Copying>>,
}

/// A copy on its way.
struct Copying {
    copy: Arc<PrivateCopy>,
    digest: Sha256,
    /// Why nothing more can be written.
    failed: Option<io::Error>,
}

impl Read for Source<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        if let Some(copying) = self.copying {
            let mut copying = lock(copying);
            copying.digest.update(&buffer[..read]);
            if let Err(error) = copying.copy.write(&buffer[..read]) {
                copying.failed = Some(error);
                return Err(io::Error::other("its copy cannot be written"));
            }
        }
        Ok(read)
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;
    use crate::journal::log::sha256;
    use crate::model::table::Encoding;

    const KNOWN: [&str; 2] = ["invoice", "amount"];

    fn orders(rows: usize) -> String {
        let mut text = "\u{feff}sep=;\r\ninvoice;amount;note\r\n".to_owned();
        for row in 0..rows {
            write!(text, "INV-{row:05};{};\"a \"\"b\"\";\n{row}\"\r\n", row + 1).unwrap();
        }
        text
    }

    /// Rows as a test compares them: number, line and text.
    fn rows(listing: &Listing) -> Vec<(u64, u64, String)> {
        let mut rows = Vec::new();
        for spot in listing.blocks() {
            listing.rows_from(spot, |row| rows.push((row.number, row.line, row.raw().to_owned()))).unwrap();
        }
        rows
    }

    /// What is listed with a copy, and what without.
    fn both(name: &str, bytes: &[u8], format: Format) -> [Result<Listed, String>; 2] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        [0, u64::MAX - 1].map(|small| {
            let make = || PrivateCopy::make(&[folder.path().to_owned()]);
            let listed = list_with("o.csv", &path, format, &KNOWN, small, make);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the copy has no name");
            listed.map_err(|error| format!("{error:?}"))
        })
    }

    #[test]
    fn a_large_file_is_listed_as_a_small_one_is() {
        let latin = Format { encoding: Encoding::Latin1, ..Format::default() };
        let text = orders(5000);
        let cut = text.trim_end().to_owned();
        let gzip = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
            encoder.finish().unwrap()
        };
        let utf8 = Format::default();
        let cases = [
            ("o.csv", text.as_bytes(), text.as_bytes(), utf8, true),
            ("o.csv", cut.as_bytes(), cut.as_bytes(), utf8, true),
            ("o.csv.gz", &gzip, text.as_bytes(), utf8, true),
            ("o.csv", &text.as_bytes()[3..], &text.as_bytes()[3..], latin, false),
        ];
        for (name, bytes, content, format, is_copied) in cases {
            let [copied, whole] = both(name, bytes, format).map(Result::unwrap);
            assert_eq!(copied.sha256, sha256(content));
            assert_eq!(copied.sha256, whole.sha256);
            assert_eq!(rows(&copied.listing), rows(&whole.listing));
            assert_eq!((copied.listing.rows(), copied.listing.head().header()), (5000, whole.listing.head().header()));
            assert_eq!(copied.listing.head().rows() == 0, is_copied, "{name}");
            assert_eq!(whole.listing.head().rows(), 5000);
        }
    }

    #[test]
    fn a_fault_has_one_text_however_the_file_was_read() {
        for (from, to) in [
            ("INV-04000;", "INV-04000;\""),
            ("INV-04001;", "INV\0"),
            ("INV-04002;", ""),
            ("invoice;", "invoice;invoice;"),
        ] {
            let text = orders(5000).replacen(from, to, 1);
            let [copied, whole] = both("o.csv", text.as_bytes(), Format::default()).map(Result::unwrap_err);
            assert_eq!(copied, whole);
            assert!(whole.contains("Faulty"), "{whole}");
        }
    }

    #[test]
    fn what_was_listed_stays_whatever_becomes_of_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.csv");
        let text = orders(5000);
        std::fs::write(&path, &text).unwrap();
        let make = || PrivateCopy::make(&[folder.path().to_owned()]);
        let listing = list_with("o.csv", &path, Format::default(), &KNOWN, 100, make).unwrap().listing;
        let before = rows(&listing);
        std::fs::write(&path, text.replace("INV-", "XXX-")).unwrap();
        assert_eq!(rows(&listing), before);
        std::fs::write(&path, "").unwrap();
        assert_eq!(rows(&listing), before);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(rows(&listing), before);
    }

    #[test]
    fn without_room_for_a_copy_it_says_so_and_without_a_place_it_does_without() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("o.csv");
        std::fs::write(&path, orders(5000)).unwrap();
        let full = || {
            let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
            Ok(PrivateCopy::of(full, Path::new("/dev")))
        };
        let error = list_with("o.csv", &path, Format::default(), &KNOWN, 100, full).unwrap_err();
        assert!(
            matches!(&error, NotListed::NoRoom(_, error) if error.kind() == io::ErrorKind::StorageFull),
            "{error:?}"
        );
        let [missing, file] = ["missing", "o.csv"].map(|name| folder.path().join(name));
        let nowhere = || PrivateCopy::make(&[missing.clone(), file.clone()]);
        let listed = list_with("o.csv", &path, Format::default(), &KNOWN, 100, nowhere).unwrap();
        assert_eq!(listed.listing.rows(), 5000);
        let (missing, file) = (missing.display(), file.display());
        assert_eq!(
            listed.uncopied.unwrap().to_string(),
            format!("{missing}: No such file or directory (os error 2); {file}: Not a directory (os error 20)")
        );
        let small = list_with("o.csv", &path, Format::default(), &KNOWN, SMALL, || panic!("it is small")).unwrap();
        assert_eq!(small.uncopied, None);
    }
}
