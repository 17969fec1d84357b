//! A file to which lines are only ever added: the ledger and the notification log. Nothing else here touches the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

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
pub(super) struct Lines {
    file: File,
    path: PathBuf,
    /// Whether the last line has no end.
    torn: bool,
}

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
        Ok((text.lines().map(str::to_owned).collect(), Self { file, path: path.to_owned(), torn: false }))
    }

    /// Adds a line in one write; when this returns, other readers of the file see it.
    pub(super) fn append(&mut self, line: &str) -> io::Result<()> {
        let end = if std::mem::take(&mut self.torn) { "\n" } else { "" };
        self.file.write_all(format!("{end}{line}\n").as_bytes())?;
        self.file.flush()
    }

    /// Adds the beginning of a line, as a writer does that is killed meanwhile; the next line begins after it.
    pub(super) fn append_torn(&mut self, beginning: &[u8]) -> io::Result<()> {
        self.torn = true;
        self.file.write_all(beginning)?;
        self.file.flush()
    }

    /// Gives the file the name that it has after a rotation, and begins a new one.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        std::fs::rename(&self.path, self.rotated())?;
        self.file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        self.torn = false;
        Ok(())
    }

    /// Copies the file to where a rotation puts it, and empties it, as logrotate's `copytruncate` does.
    pub(super) fn copy_and_empty(&mut self) -> io::Result<()> {
        std::fs::copy(&self.path, self.rotated())?;
        self.torn = false;
        self.file.set_len(0)
    }

    /// `log.jsonl` becomes `log.1.jsonl`, or the next number that is free.
    fn rotated(&self) -> PathBuf {
        let numbered = (1_u32..).map(|number| {
            let extension = self.path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            self.path.with_extension(format!("{number}.{extension}"))
        });
        numbered.into_iter().find(|path| !path.exists()).expect("a free number")
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
