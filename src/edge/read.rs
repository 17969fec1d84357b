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
    /// What was compressed is not to be had beyond this place of its text.
    #[error("{path}:{line}:{column}: {why}", path = path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The line of the text that was reached, from 1.
        line: u64,
        /// The column in characters, from 1.
        column: u64,
        /// What is wrong with it.
        why: Damage,
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

/// What is wrong with a compressed file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Its first bytes are others.
    #[error("is not compressed with {0}, as its name says")]
    Stranger(&'static str),
    /// It ends before its end.
    #[error("the compressed file ends here, before its text does")]
    Cut,
    /// It contradicts itself.
    #[error("the compressed data are damaged, here or before")]
    Damaged,
}

impl Damage {
    /// What a decompressor means; `None`: the system could not read the file. Their own words are for their makers.
    fn of(error: &io::Error) -> Option<Self> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(error);
        while let Some(cause) = next {
            let io = cause.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.raw_os_error().is_some()) {
                return None;
            }
            if io.is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof) {
                return Some(Self::Cut);
            }
            // The source of an I/O error is not what it holds, but the source of that.
            next = match io.and_then(io::Error::get_ref) {
                Some(held) => Some(held),
                None => cause.source(),
            };
        }
        Some(Self::Damaged)
    }
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
    /// How far the text of a compressed file was read. `None`: the file is its text.
    reached: Option<Reached>,
    /// What the file looked like when it was opened. `None`: it may change.
    stamp: Option<Stamp>,
}

/// A place of a text that is read on.
struct Reached {
    line: u64,
    column: u64,
}

impl Reached {
    const START: Self = Self { line: 1, column: 1 };

    /// Behind more of the text.
    fn pass(&mut self, read: &[u8]) {
        let last_line = match memchr::memrchr(b'\n', read) {
            Some(end) => {
                self.line += memchr::memchr_iter(b'\n', read).count() as u64;
                self.column = 1;
                &read[end + 1..]
            }
            None => read,
        };
        let begins_a_character = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
        self.column += last_line.iter().filter(begins_a_character).count() as u64;
    }
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
    let named = |name: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(name));
    let compressed = |file, with, magic: &[u8]| {
        let mut file = BufReader::new(file);
        let first = file.fill_buf().map_err(unreadable)?;
        if first.iter().zip(magic).all(|(found, expected)| found == expected) {
            Ok(file)
        } else {
            let Reached { line, column } = Reached::START;
            Err(ReadError::Damaged { path: path.to_owned(), line, column, why: Damage::Stranger(with) })
        }
    };
    let content = if named("gz") {
        Content::Gzip(Box::new(MultiGzDecoder::new(compressed(file, "gzip", b"\x1F\x8B")?)))
    } else if named("zst") {
        let file = compressed(file, "zstd", b"\x28\xB5\x2F\xFD")?;
        Content::Zstd(Box::new(Frames { file: Some((file, FrameDecoder::new())), frame: None, last: None }))
    } else {
        Content::Plain(file)
    };
    let reached = if let Content::Plain(_) = content { None } else { Some(Reached::START) };
    Ok(Opened { path: path.to_owned(), content, given: 0, most, reached, stamp: None })
}

impl Opened {
    /// The decompressor's error as one of ours, at the place that was reached.
    fn damage(&self, error: io::Error) -> io::Error {
        match (&self.reached, Damage::of(&error)) {
            (Some(Reached { line, column }), Some(why)) => {
                io::Error::other(ReadError::Damaged { path: self.path.clone(), line: *line, column: *column, why })
            }
            _ => error,
        }
    }
}

impl Read for Opened {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.content {
            Content::Plain(file) => file.read(buffer),
            Content::Gzip(members) => members.read(buffer),
            Content::Zstd(frames) => frames.read(buffer),
        };
        let read = read.map_err(|error| self.damage(error))?;
        if let Some(reached) = &mut self.reached {
            reached.pass(&buffer[..read]);
        }
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
    /// Behind the last good block only: what of it was not given yet, and why there are no more.
    last: Option<(FrameDecoder, io::Error)>,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some((mut decoder, error)) = self.last.take() {
                let read = decoder.read(buffer)?;
                if read == 0 {
                    return Err(error);
                }
                self.last = Some((decoder, error));
                return Ok(read);
            }
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
            // How much a call asks for must not decide how far a damaged file can be read.
            let read = match frame.read(buffer) {
                Ok(read) => read,
                Err(error) => {
                    self.last = Some((frame.into_parts().1, error));
                    continue;
                }
            };
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

    fn damage(path: &Path) -> (u64, u64, Damage) {
        match bytes(path) {
            Err(ReadError::Damaged { line, column, why, .. }) => (line, column, why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_damaged_file_is_refused_at_the_place_of_its_text_that_was_reached() {
        let first = "invoice\nINV-\u{e9}".as_bytes();
        for (name, [whole, more], cut) in
            [("a.gz", [gzip(first), gzip(b"INV-2\n")], 5), ("a.zst", [zstd(first), zstd(b"INV-2\n")], 7)]
        {
            let (_folder, path) = file(name, &[&whole, &more[..cut]].concat());
            assert_eq!(damage(&path), (2, 6, Damage::Cut), "{name}");
            let mut damaged = [whole.as_slice(), &more].concat();
            damaged[whole.len()] ^= 0xFF;
            let (_folder, path) = file(name, &damaged);
            assert_eq!(damage(&path), (2, 6, Damage::Damaged), "{name}");
        }
        let rows = (0..100_000).map(|row| format!("INV-{row},{}\n", row * 7919 % 10_007));
        let long = rows.collect::<Vec<String>>().concat();
        for (name, whole) in [("a.gz", gzip(long.as_bytes())), ("a.zst", zstd(long.as_bytes()))] {
            let (_folder, path) = file(name, &whole[..whole.len() / 2]);
            let expected = damage(&path);
            assert!(expected.0 > 1, "{name}: {expected:?}");
            for size in [1, 1000, 1 << 20] {
                let (mut opened, mut buffer) = (open(&path).unwrap(), vec![0; size]);
                let error = std::iter::repeat_with(|| opened.read(&mut buffer)).find_map(Result::err).unwrap();
                let ReadError::Damaged { line, column, why, .. } = ReadError::of(&path, error) else {
                    panic!("{name}")
                };
                assert_eq!((line, column, why), expected, "{name} in reads of {size} bytes");
            }
        }
        for (name, with) in [("a.gz", "gzip"), ("a.zst", "zstd")] {
            let (_folder, path) = file(name, b"invoice,amount\n");
            assert_eq!(damage(&path), (1, 1, Damage::Stranger(with)), "{name}");
        }
    }

    #[test]
    fn every_cut_of_a_compressed_file_is_refused() {
        for (name, whole) in [("a.gz", gzip(b"invoice,amount\nA,1\n")), ("a.zst", zstd(b"invoice,amount\nA,1\n"))] {
            for length in 1..whole.len() {
                let (_folder, path) = file(name, &whole[..length]);
                assert_eq!(damage(&path).2, Damage::Cut, "{name} cut to {length} of {}", whole.len());
            }
        }
    }

    #[test]
    fn a_wrong_checksum_is_refused() {
        for (name, mut content, position) in [("a.gz", gzip(b"A,1"), 8), ("a.zst", zstd(b"A,1"), 1)] {
            let checksum = content.len() - position;
            content[checksum] ^= 1;
            let (_folder, path) = file(name, &content);
            assert_eq!(damage(&path), (1, 4, Damage::Damaged), "{name}");
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
