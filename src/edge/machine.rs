//! What this machine has room for: space on a disk, open files, and whether a folder takes a file at all.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

use super::files::of_this_process;

/// How many files and connections this program may have open at once; `None`: as many as it likes.
#[must_use]
pub fn open_files() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

/// The space on the disk of a folder that is left to this program, in bytes.
///
/// # Errors
/// The folder is not there, or the system does not say.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Makes a small file durable in a folder, and takes it away again.
///
/// # Errors
/// Nothing can be written there.
pub fn try_to_write(folder: &Path) -> io::Result<()> {
    let path = folder.join(format!(".rekon-doctor.{}", of_this_process()));
    let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
    let written = file.write_all(b"rekon doctor\n").and_then(|()| file.sync_all());
    std::fs::remove_file(&path)?;
    written
}

/// The last bytes of a file as it is on the disk, from the beginning of a line; all of a short one.
///
/// # Errors
/// It cannot be read.
pub fn last_lines(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    if start > 0 {
        let first = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
        bytes.drain(..first);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_whole_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "one\ntwo\nthree\n").unwrap();
        assert_eq!(last_lines(&path, 100).unwrap(), b"one\ntwo\nthree\n");
        assert_eq!(last_lines(&path, 8).unwrap(), b"three\n");
    }

    #[test]
    fn a_folder_that_takes_a_file_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        try_to_write(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(try_to_write(&folder.path().join("none")).is_err());
    }
}
