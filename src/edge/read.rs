//! Reading a file, whole or in a stream, decompressed if its name says so.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// The largest file that is read, in bytes after decompression: more than ten million orders, and less than what a
/// decompression bomb would want.
pub(super) const MOST_BYTES: u64 = 8 << 30;

/// A log may grow while it is read, and whoever rotates it must not take away what was not read yet.
const CUT_SHORT: &str = "it was emptied or cut short while it was read; read it again, with the rotated one beside it";

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

impl ReadError {
    /// Why [`Opened`] could not be read.
    #[must_use]
    pub fn of(path: &Path, error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|source| Self::Unreadable { path: path.to_owned(), source })
    }
}

/// The content of a file; that of `.gz` and `.zst` decompressed and its checksum verified.
///
/// # Errors
/// The file is missing, no regular file, damaged, or larger than 8 GiB.
pub fn bytes(path: &Path) -> Result<Vec<u8>, ReadError> {
    whole(open(path)?)
}

/// The content of a file that nobody may be writing: a job, or an export. A log grows while it is read; these must not.
///
/// # Errors
/// The same as of [`bytes`], and that the file changed while it was read.
pub fn finished(path: &Path) -> Result<Vec<u8>, ReadError> {
    whole(open_finished(path)?)
}

fn whole(mut opened: Opened) -> Result<Vec<u8>, ReadError> {
    let mut content = Vec::new();
    let read = opened.read_to_end(&mut content);
    read.map_err(|error| ReadError::of(&opened.path, error))?;
    Ok(content)
}

/// The last bytes of a file as it is on the disk, from the beginning of a line; all of a short one.
///
/// # Errors
/// It cannot be read.
pub fn last_lines(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if start > 0 {
        let first = memchr::memchr(b'\n', &bytes).map_or(bytes.len(), |end| end + 1);
        bytes.drain(..first);
    }
    Ok(bytes)
}

/// The content of a file in a stream, as [`bytes`] gives it whole.
///
/// # Errors
/// The file is missing or no regular file. That it is damaged or too large is found while it is read, see
/// [`ReadError::of`].
pub fn open(path: &Path) -> Result<Opened, ReadError> {
    at_most(path, MOST_BYTES)
}

/// The content of a file that nobody may be writing in a stream, as [`finished`] gives it whole.
///
/// # Errors
/// The same as of [`open`]; that the file changed is found at its end.
pub fn open_finished(path: &Path) -> Result<Opened, ReadError> {
    let stamp = Stamp::of(path);
    Ok(Opened { stamp: Some(stamp), ..open(path)? })
}

/// A file that is being read, decompressed if its name says so.
///
/// Its errors are those of this module, as [`ReadError::of`] gets them back; the content counts only if its end was reached
/// without one, for checksums come last.
pub struct Opened {
    path: PathBuf,
    content: Content,
    /// How many bytes it has given.
    given: u64,
    most: u64,
    /// What the file looked like when it was opened. `None`: it may change.
    stamp: Option<Stamp>,
}

/// Size and time of the last change, where the system tells both; equal stamps are taken for the same content.
#[derive(Debug, PartialEq, Eq)]
struct Stamp(Option<(u64, SystemTime)>);

impl Stamp {
    fn of(path: &Path) -> Self {
        Self(path.metadata().and_then(|found| Ok((found.len(), found.modified()?))).ok())
    }
}

fn at_most(path: &Path, most: u64) -> Result<Opened, ReadError> {
    let unreadable = |source| ReadError::Unreadable { path: path.to_owned(), source };
    // Asked before opening: to open a pipe would wait for its writer.
    if !path.metadata().map_err(unreadable)?.is_file() {
        return Err(ReadError::NotAFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(unreadable)?;
    let content = match path.extension() {
        Some(extension) if extension.eq_ignore_ascii_case("gz") => {
            Content::Gzip(Box::new(MultiGzDecoder::new(BufReader::new(file))))
        }
        Some(extension) if extension.eq_ignore_ascii_case("zst") => {
            Content::Zstd(Box::new(Frames { file: Some((BufReader::new(file), FrameDecoder::new())), frame: None }))
        }
        _ => Content::Plain(file),
    };
    Ok(Opened { path: path.to_owned(), content, given: 0, most, stamp: None })
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Plain(file) => file.read(buffer),
            Content::Gzip(members) => members.read(buffer),
            Content::Zstd(frames) => frames.read(buffer),
        }?;
        self.given += read as u64;
        if self.given > self.most {
            return Err(io::Error::other(ReadError::TooLarge { path: self.path.clone(), most: self.most }));
        }
        let at_end = read == 0 && !buffer.is_empty();
        if at_end
            && let Content::Plain(file) = &self.content
            && file.metadata()?.len() < self.given
        {
            return Err(io::Error::other(CUT_SHORT));
        }
        if at_end && self.stamp.as_ref().is_some_and(|stamp| *stamp != Stamp::of(&self.path)) {
            return Err(io::Error::other("it changed while it was read"));
        }
        Ok(read)
    }
}

enum Content {
    Plain(File),
    Gzip(Box<MultiGzDecoder<BufReader<File>>>),
    Zstd(Box<Frames>),
}

/// Zstd frames, one after the other: the decoder neither goes on to the next frame nor compares the checksum.
struct Frames {
    /// The file and a decoder for the next frame; between two frames only.
    file: Option<(BufReader<File>, FrameDecoder)>,
    /// Inside a frame only.
    frame: Option<StreamingDecoder<BufReader<File>, FrameDecoder>>,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some((mut file, decoder)) = self.file.take() {
                if file.fill_buf()?.is_empty() {
                    self.file = Some((file, decoder));
                    return Ok(0);
                }
                let frame = StreamingDecoder::new_with_decoder(file, decoder).map_err(io::Error::other)?;
                self.frame = Some(frame);
            }
            // After an error there is neither, and nothing more to be had.
            let Some(mut frame) = self.frame.take() else { return Err(io::Error::other("it is damaged")) };
            let read = frame.read(buffer)?;
            if read > 0 {
                self.frame = Some(frame);
                return Ok(read);
            }
            let (file, decoder) = frame.into_parts();
            let written = decoder.get_checksum_from_data();
            if written.is_some() && written != decoder.get_calculated_checksum() {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the zstd checksum does not match"));
            }
            self.file = Some((file, decoder));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io::Write as _;

    #[test]
    fn the_last_lines_are_whole_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(super::last_lines(&path, 100).unwrap(), b"one\ntwo\nthree\n");
        assert_eq!(super::last_lines(&path, 8).unwrap(), b"three\n");
    }

    #[test]
    fn an_export_that_is_still_being_written_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("orders.csv");
        std::fs::write(&path, "invoice_number,amount\n").expect("a file");
        assert!(finished(&path).is_ok());
        let mut opened = open_finished(&path).expect("a file");
        opened.read_exact(&mut [0; 22]).expect("all that there is");
        std::fs::write(&path, "invoice_number,amount\nINV-1,1000\n").expect("more");
        let error = whole(opened).expect_err("it grew");
        assert_eq!(error.source().expect("why").to_string(), "it changed while it was read");
    }

    #[test]
    fn a_log_may_grow_while_it_is_read_and_must_not_be_emptied() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.jsonl");
        std::fs::write(&path, "one\ntwo\n").expect("a file");
        let mut opened = open(&path).expect("a file");
        opened.read_exact(&mut [0; 4]).expect("a line");
        std::fs::write(&path, "one\ntwo\nthree\n").expect("it grows");
        assert_eq!(whole(opened).expect("the rest"), b"two\nthree\n");
        let mut opened = open(&path).expect("a file");
        opened.read_exact(&mut [0; 8]).expect("two lines");
        std::fs::write(&path, "four\n").expect("it was emptied and goes on");
        let error = whole(opened).expect_err("nobody has read the third line");
        assert_eq!(error.source().expect("why").to_string(), CUT_SHORT);
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
            let refused = whole(at_most(&path, 100).unwrap()).unwrap_err().to_string();
            assert_eq!(refused, format!("{}: is larger than 100 bytes", path.display()));
            assert_eq!(whole(at_most(&path, 101).unwrap()).unwrap(), [b'x'; 101]);
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
