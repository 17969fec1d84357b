//! Reading a file whole, decompressed if its name says so.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// The largest file that is read, in bytes after decompression: more than ten million orders, and less than what a
/// decompression bomb would want.
pub(super) const MOST_BYTES: u64 = 8 << 30;

/// Why a file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file, or what it decompresses to, is not to be had.
    #[error("{path}: cannot be read", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or the decompressor says.
        source: io::Error,
    },
    /// A directory, a pipe or a device: nothing that a second run could read again.
    #[error("{path}: is not a regular file", path = path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Larger than anything that was meant.
    #[error("{path}: is larger than {most} bytes", path = path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit, in bytes after decompression.
        most: u64,
    },
}

/// The content of a file; that of `.gz` and `.zst` decompressed and its checksum verified.
///
/// # Errors
/// The file is missing, no regular file, damaged, or larger than 8 GiB.
pub fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    at_most(path, MOST_BYTES)
}

/// The content of a file that nobody may be writing: a job, or an export. A log grows while it is read; these must not.
///
/// # Errors
/// The same as of [`bytes`], and that the file changed while it was read.
pub fn finished(path: &Path) -> Result<Vec<u8>, ReadError> {
    unless_it_changes(path, || bytes(path))
}

fn unless_it_changes<T>(path: &Path, read: impl FnOnce() -> Result<T, ReadError>) -> Result<T, ReadError> {
    let stamp = || path.metadata().and_then(|found| Ok((found.len(), found.modified()?))).ok();
    let before = stamp();
    let content = read()?;
    if stamp() == before {
        return Ok(content);
    }
    let source = io::Error::other("it changed while it was read");
    Err(ReadError::Unreadable { path: path.to_owned(), source })
}

fn at_most(path: &Path, most: u64) -> Result<Vec<u8>, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
    // Asked before opening: to open a pipe would wait for its writer.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned() });
    }
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    // One byte more than allowed is enough to know.
    let wanted = most.saturating_add(1);
    let mut content = Vec::new();
    match Compression::of(path) {
        Compression::None => file.take(wanted).read_to_end(&mut content).map(|_| ()),
        Compression::Gzip => MultiGzDecoder::new(file).take(wanted).read_to_end(&mut content).map(|_| ()),
        Compression::Zstd => read_zstd(file, wanted, &mut content),
    }
    .map_err(unreadable)?;
    if content.len() as u64 > most {
        return Err(ReadError::TooLarge { path: path.to_owned(), most });
    }
    Ok(content)
}

enum Compression {
    None,
    Gzip,
    Zstd,
}

impl Compression {
    fn of(path: &Path) -> Self {
        match path.extension() {
            Some(extension) if extension.eq_ignore_ascii_case("gz") => Self::Gzip,
            Some(extension) if extension.eq_ignore_ascii_case("zst") => Self::Zstd,
            _ => Self::None,
        }
    }
}

/// Frame after frame until the file ends or `wanted` bytes are there. The decoder neither goes on to the next frame nor
/// compares the checksum.
fn read_zstd(mut file: impl BufRead, wanted: u64, content: &mut Vec<u8>) -> io::Result<()> {
    while !file.fill_buf()?.is_empty() {
        let mut frame = StreamingDecoder::new(&mut file).map_err(io::Error::other)?;
        let left = wanted - content.len() as u64;
        frame.by_ref().take(left).read_to_end(content)?;
        if content.len() as u64 == wanted {
            return Ok(());
        }
        let decoder = frame.into_frame_decoder();
        let written = decoder.get_checksum_from_data();
        if written.is_some() && written != decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the zstd checksum does not match"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::Write as _;

    #[test]
    fn an_export_that_is_still_being_written_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("orders.csv");
        std::fs::write(&path, "invoice_number,amount\n").expect("a file");
        assert!(finished(&path).is_ok());
        let grows = || {
            let read = bytes(&path);
            std::fs::write(&path, "invoice_number,amount\nINV-1,1000\n").expect("more");
            read
        };
        let error = unless_it_changes(&path, grows).expect_err("it grew");
        assert_eq!(error.source().expect("why").to_string(), "it changed while it was read");
    }

    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        (folder, path)
    }

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(content: &[u8]) -> Vec<u8> {
        compress_to_vec(content, CompressionLevel::Fastest)
    }

    #[test]
    fn every_cut_of_a_compressed_file_is_refused() {
        for (name, whole) in [("a.gz", gzip(b"invoice,amount\nA,1\n")), ("a.zst", zstd(b"invoice,amount\nA,1\n"))] {
            for length in 1..whole.len() {
                let (_folder, path) = file(name, &whole[..length]);
                assert!(bytes(&path).is_err(), "{name} cut to {length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        for (name, mut content, position) in [("a.gz", gzip(b"A,1"), 8), ("a.zst", zstd(b"A,1"), 1)] {
            let checksum = content.len() - position;
            content[checksum] ^= 1;
            let (_folder, path) = file(name, &content);
            assert!(matches!(bytes(&path), Err(ReadError::Unreadable { .. })), "{name}");
        }
    }

    #[test]
    fn more_than_the_limit_is_refused_compressed_or_not() {
        let content = [b'x'; 101];
        for (name, content) in [("a.csv", content.to_vec()), ("a.gz", gzip(&content)), ("a.zst", zstd(&content))] {
            let (_folder, path) = file(name, &content);
            let refused = at_most(&path, 100).unwrap_err().to_string();
            assert_eq!(refused, format!("{}: is larger than 100 bytes", path.display()));
            assert_eq!(at_most(&path, 101).unwrap(), [b'x'; 101]);
        }
    }

    #[test]
    fn what_is_missing_or_no_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let shown = folder.path().display();
        let directory = bytes(folder.path()).unwrap_err();
        assert_eq!(directory.to_string(), format!("{shown}: is not a regular file"));
        let missing = bytes(&folder.path().join("no.csv")).unwrap_err();
        assert_eq!(missing.to_string(), format!("{shown}/no.csv: cannot be read"));
        assert!(missing.source().is_some());
    }

    #[test]
    fn frames_and_members_that_follow_each_other_are_one_file() {
        let gz = [gzip(b"one\n"), gzip(b"two\n")].concat();
        let zst = [zstd(b"one\n"), zstd(b"two\n")].concat();
        for (name, content) in [("a.csv", b"one\ntwo\n".to_vec()), ("a.GZ", gz), ("a.zst", zst)] {
            let (_folder, path) = file(name, &content);
            assert_eq!(bytes(&path).unwrap(), b"one\ntwo\n", "{name}");
        }
    }
}
