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

/// The signal that a program gets for a file beyond the size that the system allows it.
#[cfg(unix)]
pub(super) const FILE_TOO_LARGE: i32 = rustix::process::Signal::XFSZ.as_raw();

/// Whether this program is to outlive its terminal: who started it has SIGHUP ignored, as `nohup` does. Where the system does not
/// say, it is not.
#[must_use]
pub fn outlives_its_terminal() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // The first signal is the lowest bit.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 == 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_takes_a_file_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        try_to_write(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        assert!(free_bytes(folder.path()).unwrap() > 0);
        assert!(try_to_write(&folder.path().join("none")).is_err());
    }
}
