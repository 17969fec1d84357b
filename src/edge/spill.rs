//! Files for what does not fit into memory: parts to be worked on one at a time, and sorted runs to be merged again.
//!
//! They stand in a folder of their own, which goes with its last user, and which nobody else may read: orders are in it. What a
//! killed program leaves there is of no use to anybody, and [`sweep`](super::files::sweep) removes it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::{DirBuilder, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::environment;
use super::files::make_own;
use crate::model::listing::Elsewhere;

/// A folder for files that nobody keeps.
#[derive(Debug)]
pub struct Scrap {
    path: PathBuf,
    /// Locked as long as it is in use.
    _taken: File,
}

impl Scrap {
    /// Makes the folder, with a name of this process, inside of another one.
    ///
    /// # Errors
    /// The disk does not allow it.
    pub fn make(within: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(within)?;
        let place = |owner: &str| within.join(format!(".{owner}.parts"));
        let make = |path: &Path| DirBuilder::new().mode(0o700).create(path).and_then(|()| File::open(path));
        let (path, taken) = make_own(place, make)?;
        Ok(Self { path, _taken: taken })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scrap {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

/// There is no folder for a private copy; why, for each that was tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("; "))]
pub struct NoPlace(Vec<String>);

/// A file without a name: nobody else can change it, and it is gone with the program, however that ends.
#[derive(Debug)]
pub struct PrivateCopy {
    file: File,
    folder: PathBuf,
}

impl PrivateCopy {
    /// Makes one in the first of these folders that allows it.
    ///
    /// # Errors
    /// None of them does.
    pub fn make(folders: &[PathBuf]) -> Result<Self, NoPlace> {
        let make = |folder: &Path| -> io::Result<File> {
            let (path, file) = make_own(|owner| folder.join(format!(".{owner}.rekon-orders.part")), make_private)?;
            std::fs::remove_file(&path)?;
            Ok(file)
        };
        let mut whys = Vec::new();
        for folder in folders {
            match make(folder) {
                Ok(file) => return Ok(Self { file, folder: folder.clone() }),
                Err(why) => whys.push(format!("{}: {why}", folder.display())),
            }
        }
        Err(NoPlace(whys))
    }

    /// Writes on.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn write(&self, bytes: &[u8]) -> io::Result<()> {
        (&self.file).write_all(bytes)
    }

    /// Where it takes its room.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A file that a test has made.
    #[cfg(test)]
    pub(super) fn of(file: File, folder: &Path) -> Self {
        Self { file, folder: folder.to_owned() }
    }
}

/// A new file that nobody else may read.
fn make_private(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).create_new(true).mode(0o600).open(path)
}

impl Elsewhere for PrivateCopy {
    fn read(&self, at: u64, bytes: &mut [u8]) -> io::Result<()> {
        self.file.read_exact_at(bytes, at)
    }
}

/// Where files stand that nobody keeps: as `TMPDIR` says, else where the system has room for large ones.
#[must_use]
pub fn folders() -> Vec<PathBuf> {
    environment::variable("TMPDIR").map_or_else(|| vec!["/var/tmp".into(), "/tmp".into()], |named| vec![named.into()])
}

/// So many files, each written to its end before it is read.
#[derive(Debug)]
pub struct Parts {
    paths: Vec<PathBuf>,
    files: Vec<BufWriter<File>>,
}

impl Parts {
    /// Begins so many parts.
    ///
    /// # Errors
    /// The disk is full or does not allow it; as for the other functions here.
    pub fn begin(scrap: &Scrap, name: &str, count: usize) -> io::Result<Self> {
        let paths: Vec<PathBuf> = (0..count).map(|part| scrap.path.join(format!("{name}-{part}"))).collect();
        let files = paths.iter().map(|path| make_private(path).map(|file| BufWriter::with_capacity(1 << 15, file)));
        Ok(Self { files: files.collect::<io::Result<_>>()?, paths })
    }

    /// Appends to a part.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn write(&mut self, part: usize, bytes: &[u8]) -> io::Result<()> {
        self.files[part].write_all(bytes)
    }

    /// Ends the writing.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn close(&mut self) -> io::Result<()> {
        let files = std::mem::take(&mut self.files);
        files.into_iter().try_for_each(|file| file.into_inner().map(|_| ()).map_err(io::IntoInnerError::into_error))
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.paths.len()
    }

    /// The content of a part.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn read(&self, part: usize) -> io::Result<Vec<u8>> {
        std::fs::read(&self.paths[part])
    }
}

/// A file of entries in the order of their keys.
#[derive(Debug)]
pub struct RunWriter {
    path: PathBuf,
    file: BufWriter<File>,
}

impl RunWriter {
    /// Begins a run.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn begin(scrap: &Scrap, name: &str) -> io::Result<Self> {
        let path = scrap.path.join(name);
        Ok(Self { file: BufWriter::with_capacity(1 << 16, make_private(&path)?), path })
    }

    /// Appends an entry; its key is not smaller than the one before.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn add(&mut self, key: &[u8], values: [&[u8]; 2]) -> io::Result<()> {
        for text in [key, values[0], values[1]] {
            let length = u32::try_from(text.len()).map_err(io::Error::other)?;
            self.file.write_all(&length.to_le_bytes())?;
            self.file.write_all(text)?;
        }
        Ok(())
    }

    /// Ends the run.
    ///
    /// # Errors
    /// As of [`Parts::begin`].
    pub fn close(self) -> io::Result<Run> {
        self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Run(self.path))
    }
}

/// A run that was written to its end.
#[derive(Debug)]
pub struct Run(PathBuf);

/// An entry that is to be merged, the smallest key first, of equal ones that of the first run.
type Head = Reverse<(Vec<u8>, usize, [Vec<u8>; 2])>;

/// Hands over the entries of all runs in the order of their keys.
///
/// # Errors
/// As of [`Parts::begin`], or what `take` says.
pub fn merge<E: From<io::Error>>(
    runs: &[Run],
    mut take: impl FnMut(&[u8], &[Vec<u8>; 2]) -> Result<(), E>,
) -> Result<(), E> {
    let open = |run: &Run| File::open(&run.0).map(|file| BufReader::with_capacity(1 << 16, file));
    let mut files: Vec<BufReader<File>> = runs.iter().map(open).collect::<io::Result<_>>()?;
    let mut heads: BinaryHeap<Head> = BinaryHeap::new();
    for (run, file) in files.iter_mut().enumerate() {
        heads.extend(next(file, run)?);
    }
    while let Some(Reverse((key, run, values))) = heads.pop() {
        take(&key, &values)?;
        heads.extend(next(&mut files[run], run)?);
    }
    Ok(())
}

fn next(file: &mut BufReader<File>, run: usize) -> io::Result<Option<Head>> {
    let mut first = [0; 4];
    match file.read(&mut first[..1])? {
        0 => return Ok(None),
        _ => file.read_exact(&mut first[1..])?,
    }
    let key = text(file, first)?;
    let mut values = [Vec::new(), Vec::new()];
    for value in &mut values {
        let mut length = [0; 4];
        file.read_exact(&mut length)?;
        *value = text(file, length)?;
    }
    Ok(Some(Reverse((key, run, values))))
}

fn text(file: &mut BufReader<File>, length: [u8; 4]) -> io::Result<Vec<u8>> {
    let mut text = vec![0; u32::from_le_bytes(length) as usize];
    file.read_exact(&mut text).map(|()| text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_merged_in_the_order_of_their_keys_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let scrap = Scrap::make(folder.path()).unwrap();
        let run = |name: &str, keys: &[&str]| {
            let mut writer = RunWriter::begin(&scrap, name).unwrap();
            keys.iter().for_each(|key| writer.add(key.as_bytes(), [name.as_bytes(), b""]).unwrap());
            writer.close().unwrap()
        };
        let runs = [run("one", &["a", "c", "c", "x"]), run("two", &[]), run("three", &["b", "c", "y"])];
        let mut merged = String::new();
        merge(&runs, |key, [name, empty]| {
            assert!(empty.is_empty());
            for text in [key, name, b" "] {
                merged.push_str(&String::from_utf8_lossy(text));
            }
            Ok::<(), io::Error>(())
        })
        .unwrap();
        assert_eq!(merged, "aone bthree cone cone cthree xone ythree ");
        drop(scrap);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn nobody_else_reads_the_orders_that_are_kept_for_a_while_or_takes_them_away() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let scraps = [(); 2].map(|()| Scrap::make(folder.path()).unwrap());
        for scrap in &scraps {
            Parts::begin(scrap, "part", 2).unwrap();
            RunWriter::begin(scrap, "run").unwrap().close().unwrap();
        }
        crate::edge::files::sweep(folder.path());
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        for scrap in &scraps {
            assert_eq!(mode(&scrap.path), 0o700);
            let files: Vec<u32> =
                std::fs::read_dir(&scrap.path).unwrap().map(|file| mode(&file.unwrap().path())).collect();
            assert_eq!(files, [0o600; 3]);
        }
        drop(scraps);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_part_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let scrap = Scrap::make(folder.path()).unwrap();
        let mut parts = Parts::begin(&scrap, "part", 2).unwrap();
        parts.write(0, b"a").unwrap();
        parts.write(1, b"b").unwrap();
        parts.write(0, b"c").unwrap();
        parts.close().unwrap();
        assert_eq!((parts.read(0).unwrap(), parts.read(1).unwrap()), (b"ac".to_vec(), b"b".to_vec()));
    }
}
