//! A file to which lines are only ever added: the ledger and the notification log. Nothing else here touches the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// What to do with a last line that has no end, left by a writer that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TornEnd {
    /// Remove it: whoever wrote it had not acted on it yet.
    CutOff,
    /// Leave it and begin a new line after it: others read the file and count its bytes.
    Keep,
}

/// The file, open at its end.
#[derive(Debug)]
pub(super) struct Lines(File);

impl Lines {
    /// Opens the file, or makes it and its folder, and returns the complete lines that it holds.
    pub(super) fn open(path: &Path, torn: TornEnd) -> io::Result<(Vec<String>, Self)> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let complete = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |index| index + 1);
        if complete < bytes.len() {
            match torn {
                TornEnd::CutOff => {
                    file.set_len(u64::try_from(complete).map_err(io::Error::other)?)?;
                    file.seek(SeekFrom::End(0))?;
                }
                TornEnd::Keep => file.write_all(b"\n")?,
            }
        }
        let text = String::from_utf8_lossy(&bytes[..complete]);
        Ok((text.lines().map(str::to_owned).collect(), Self(file)))
    }

    /// Adds a line in one write; when this returns, other readers of the file see it.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        self.0.write_all(format!("{line}\n").as_bytes())?;
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_a_torn_line(torn: TornEnd) -> (Vec<String>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/lines.jsonl");
        let (lines, mut file) = Lines::open(&path, torn).expect("a new file");
        assert!(lines.is_empty());
        file.append("one").expect("a line");
        drop(file);
        std::fs::OpenOptions::new().append(true).open(&path).expect("the file").write_all(b"tor").expect("a torn line");
        let (lines, mut file) = Lines::open(&path, torn).expect("the file again");
        file.append("two").expect("a line");
        (lines, std::fs::read_to_string(&path).expect("the text"))
    }

    #[test]
    fn a_torn_line_is_cut_off_or_kept_but_never_read() {
        let one = vec!["one".to_owned()];
        assert_eq!(after_a_torn_line(TornEnd::CutOff), (one.clone(), "one\ntwo\n".into()));
        assert_eq!(after_a_torn_line(TornEnd::Keep), (one, "one\ntor\ntwo\n".into()));
    }
}
