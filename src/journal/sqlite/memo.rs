//! The [memo](crate::journal::memo) of a file journal, which stands in the lock file beside it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};

use rusqlite::{Connection, OptionalExtension as _};

use super::log::head;
use crate::journal::Loss;
use crate::journal::log::hex;
use crate::journal::memo::Memo;

/// Writes down the journal's head.
pub(super) fn write(connection: &Connection, mut lock: &File) {
    let Ok(Some(memo)) = memo_of(connection) else { return };
    let Ok(text) = serde_json::to_vec(&memo) else { return };
    // A memo that cannot be written is a memo that is missing.
    let _ = lock.seek(SeekFrom::Start(0)).and_then(|_| lock.write_all(&text));
    let _ = lock.set_len(text.len() as u64);
}

fn memo_of(connection: &Connection) -> rusqlite::Result<Option<Memo>> {
    let last = head(connection)?;
    let Some((first, since)) = entry(connection, 1)? else { return Ok(None) };
    Ok(Some(Memo { first, since, seq: last.seq, at: last.at.to_string(), hash: hex(&last.hash) }))
}

/// Hash and time of an entry.
fn entry(connection: &Connection, seq: i64) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .prepare_cached("SELECT hash, at FROM event WHERE seq = ?1")?
        .query_row([seq], |row| Ok((hex(&row.get::<_, Vec<u8>>(0)?), row.get(1)?)))
        .optional()
}

/// What the journal lacks of the memo; `None` if it lacks nothing, or if there is no memo.
pub(super) fn loss(connection: &Connection, mut lock: &File) -> rusqlite::Result<Option<Loss>> {
    let mut text = String::new();
    let read = lock.seek(SeekFrom::Start(0)).and_then(|_| lock.read_to_string(&mut text));
    let Ok(memo) = read.map_err(drop).and_then(|_| serde_json::from_str::<Memo>(&text).map_err(drop)) else {
        return Ok(None);
    };
    if entry(connection, memo.seq)?.is_some_and(|(hash, _)| hash == memo.hash) {
        return Ok(None);
    }
    let first = entry(connection, 1)?.map(|(hash, _)| hash);
    Ok(memo.loss(first.as_deref(), Some(head(connection)?.at.to_string())))
}
