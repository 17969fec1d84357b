//! What this host knew of the log when it looked last, in a file beside the job: a database that was restored from an old copy,
//! or made anew, does not hold it. Each host has memos of its own, one for each URL; what one of them has found missing, and a
//! person or the program has noted in the log, is news to no other.
//!
//! A memo speaks of a database that is reached by its URL, whatever it holds now, and of every journal with its first entry,
//! whatever it is called now: the server has several names, and a copy may be put back under another one.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use deadpool_postgres::Client;

use super::address::Address;
use super::ask::asked;
use super::log;
use super::look::{get, hash_of};
use super::sheet::Head;
use super::trouble::Undone;
use crate::journal::Loss;
use crate::journal::log::{hex, sha256};
use crate::journal::memo::Memo;
use crate::model::time;

/// So much of the digest of the journal's place is in the name of its file.
const NAME: usize = 16;

/// The memos of a folder, of which one is written.
pub(super) struct Keeper {
    folder: PathBuf,
    /// The file for the URL of this program.
    own: PathBuf,
    /// Hash and time of the first entry, once they are known.
    first: Option<(String, String)>,
    /// Whether a memo says what the log lacks, and nobody has accepted that yet: then its own stays as it is.
    stands: bool,
    /// The last entry that this program has seen or written.
    known: Option<Head>,
}

impl Keeper {
    /// The memos in a folder of a journal.
    pub(super) fn beside(folder: &Path, address: &Address) -> Self {
        // Whoever asks, it is the same journal.
        let place = sha256(address.of_somebody("").to_string().as_bytes());
        let own = folder.join(format!("head-{}.json", place.get(..NAME).unwrap_or_default()));
        Self { folder: folder.to_owned(), own, first: None, stands: false, known: None }
    }

    /// What the log lacks of the memos; `None` if nothing, if there is no memo, or if that is noted in the log.
    pub(super) async fn loss(&mut self, client: &Client) -> Result<Option<Loss>, Undone> {
        let first = entry(client, 1).await?.map(|(hash, _)| hash);
        let mut whole: Option<Loss> = None;
        for memo in self.memos(first.as_deref()) {
            let Some(loss) = lacked(client, &memo, first.as_deref()).await? else { continue };
            let known = whole.unwrap_or(loss);
            whole = Some(Loss { since: known.since.min(loss.since), until: known.until.max(loss.until) });
        }
        self.stands = whole.is_some();
        Ok(whole)
    }

    /// The memos that speak of a journal with this first entry.
    fn memos(&self, first: Option<&str>) -> Vec<Memo> {
        let files = fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|file| file.path());
        let memos = files.filter_map(|path| {
            let is_memo = path.file_name()?.to_str()?.starts_with("head-");
            let text = is_memo.then(|| fs::read_to_string(&path).ok())??;
            let memo: Memo = serde_json::from_str(&text).ok()?;
            (path == self.own || first == Some(memo.first.as_str())).then_some(memo)
        });
        memos.collect()
    }

    /// What is lost is accepted.
    pub(super) const fn accept(&mut self) {
        self.stands = false;
    }

    /// The last entry that this program has seen or written: whatever happens, the log holds it.
    pub(super) const fn known(&self) -> Option<Head> {
        self.known
    }

    /// The log has lost what we know of it: the memo says so to the next program.
    pub(super) const fn keep_as_it_is(&mut self) {
        self.stands = true;
    }

    /// Writes down how far the log goes now.
    pub(super) async fn look(&mut self, client: &Client) -> Result<(), Undone> {
        if !holds(client, self.known).await? {
            self.keep_as_it_is();
        }
        let rows = asked(client, "SELECT seq, at, hash FROM event ORDER BY seq DESC LIMIT 1", &[]).await?;
        let Some(row) = rows.first() else { return Ok(()) };
        let head = Head { seq: get(row, 0)?, hash: hash_of(get(row, 2)?)? };
        self.note(client, head, get(row, 1)?).await
    }

    /// Writes down how far the log goes after a commit, whose last entry is of then.
    pub(super) async fn note(&mut self, client: &Client, head: Head, at: String) -> Result<(), Undone> {
        self.known = Some(head);
        if self.stands {
            return Ok(());
        }
        if self.first.is_none() {
            self.first = entry(client, 1).await?;
        }
        let Some((first, since)) = self.first.clone() else { return Ok(()) };
        // A memo that cannot be written is a memo that is missing.
        let _ = self.put(&Memo { first, since, seq: head.seq, at, hash: hex(&head.hash) });
        Ok(())
    }

    fn put(&self, memo: &Memo) -> std::io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(&self.own)?;
        // Another program of this host may be at it, and knows as much.
        if File::try_lock(&file).is_err() {
            return Ok(());
        }
        let mut text = serde_json::to_vec(memo)?;
        text.push(b'\n');
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&text)?;
        file.set_len(text.len() as u64)
    }
}

/// What the log lacks of a memo, and nobody has noted there yet.
async fn lacked(client: &Client, memo: &Memo, first: Option<&str>) -> Result<Option<Loss>, Undone> {
    if entry(client, memo.seq).await?.is_some_and(|(hash, _)| hash == memo.hash) {
        return Ok(None);
    }
    // What was written since the journal was put back is younger than what it lacks.
    let before = "SELECT at FROM event WHERE seq < $1 AND at <= $2 ORDER BY seq DESC LIMIT 1";
    let before = asked(client, before, &[&memo.seq, &memo.at]).await?;
    let last_at = before.first().map(|row| get(row, 0)).transpose()?;
    let Some(loss) = memo.loss(first, last_at) else { return Ok(None) };
    let noted = "SELECT 1 FROM event WHERE item IS NULL AND data::json ->> 'kind' = 'accepted' AND at >= $1 \
         AND data::json ->> 'lost_since' <= $2 LIMIT 1";
    let noted = asked(client, noted, &[&memo.at, &time::stored(loss.since)]).await?;
    Ok(noted.is_empty().then_some(loss))
}

/// Whether the log holds an entry that it held once.
pub(super) async fn holds(client: &Client, known: Option<Head>) -> Result<bool, Undone> {
    match known {
        Some(known) => log::holds(client, Some(known.seq), &known.hash).await,
        None => Ok(true),
    }
}

/// Hash and time of an entry.
async fn entry(client: &Client, seq: i64) -> Result<Option<(String, String)>, Undone> {
    let rows = asked(client, "SELECT hash, at FROM event WHERE seq = $1", &[&seq]).await?;
    rows.first().map(|row| Ok::<_, Undone>((hex(get(row, 0)?), get(row, 1)?))).transpose()
}
