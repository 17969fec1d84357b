//! Opening a shared journal, and refusing one that is not ours, not safe, or not what its last writer left.

use std::path::Path;

use deadpool_postgres::{Client, Pool};

use super::PostgresJournal;
use super::address::Address;
use super::connect::connect;
use super::intact;
use super::look::get;
use super::memo::Keeper;
use super::migrate::{Found, Migrated, look, migrate, refuse_older};
use super::trouble::Undone;
use super::writer::Writer;
use crate::journal::{JournalError, Loss};

impl PostgresJournal {
    /// Opens the journal for a command that writes: makes it if it is not there and the role may, and makes this runner known.
    /// What comes back and cannot be written is kept in the folder `beside`.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, not ours, or not safe.
    pub async fn open(address: &Address, beside: &Path) -> Result<Self, JournalError> {
        let (pool, client) = reach(address).await?;
        let mut keeper = Keeper::beside(beside, address);
        let loss = to_write(&client, address, &mut keeper).await.map_err(|error| error.unusable(address))?;
        drop(client);
        let writer = Writer::start(address.clone(), beside.to_owned(), host(), keeper).await?;
        Ok(Self { pool, writer: Some(writer), loss })
    }

    /// Opens an existing journal to look at it; `None` if there is none. Changes nothing. What this host knew of it last stands in
    /// the folder `beside`.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, or not ours.
    pub async fn open_to_read(address: &Address, beside: &Path) -> Result<Option<Self>, JournalError> {
        let (pool, client) = reach(address).await?;
        let loss = to_read(&client, address, &mut Keeper::beside(beside, address)).await;
        let loss = loss.map_err(|error| error.unusable(address))?;
        Ok(loss.map(|loss| Self { pool, writer: None, loss }))
    }

    /// Makes the tables if they are missing, carries them over if they are older, and allows the role that the URL names to run
    /// jobs.
    ///
    /// # Errors
    /// [`JournalError::Unusable`] if it is out of reach, not ours, or the role may not make tables.
    pub async fn migrate(address: &Address) -> Result<Migrated, JournalError> {
        let (_pool, client) = reach(address).await?;
        migrate(&client, address).await.map_err(|error| error.unusable(address))
    }
}

async fn reach(address: &Address) -> Result<(Pool, Client), JournalError> {
    let pool = connect(address).await?;
    let client = pool.get().await.map_err(|error| Undone::from(error).unusable(address))?;
    Ok((pool, client))
}

/// What the journal lacks, once nothing keeps a runner from writing into it.
async fn to_write(client: &Client, address: &Address, keeper: &mut Keeper) -> Result<Option<Loss>, Undone> {
    if !is_there(client, address).await? {
        migrate(client, address).await?;
    }
    refuse_unguarded(client, address).await?;
    refuse_torn_end(client, address).await?;
    keeper.loss(client).await
}

/// What the journal lacks; `None` if there is none.
async fn to_read(client: &Client, address: &Address, keeper: &mut Keeper) -> Result<Option<Option<Loss>>, Undone> {
    let is_there = is_there(client, address).await?;
    Ok(if is_there { Some(keeper.loss(client).await?) } else { None })
}

/// Whether the tables of this program are there.
async fn is_there(client: &Client, address: &Address) -> Result<bool, Undone> {
    match look(client, address).await? {
        Found::Nothing => Ok(false),
        Found::Present => Ok(true),
        Found::Older(version) => Err(refuse_older(version, address).into()),
    }
}

/// Without its guards the database refuses nothing, and with those of others it may do something else.
async fn refuse_unguarded(client: &Client, address: &Address) -> Result<(), Undone> {
    let flaws = intact::flaws(client).await?;
    let Some(flaw) = flaws.first() else { return Ok(()) };
    let more = match flaws.len() - 1 {
        0 => String::new(),
        more => format!("; rekon journal check names {more} more"),
    };
    Err(JournalError::Unusable { path: address.to_string(), reason: format!("{flaw}{more}") }.into())
}

/// The last entry is the one that the head names. `rekon journal check` looks at all of them.
async fn refuse_torn_end(client: &Client, address: &Address) -> Result<(), Undone> {
    let statement = "SELECT count(*) FROM head h WHERE h.seq = (SELECT coalesce(max(seq), 0) FROM event) \
         AND (h.seq = 0 OR h.hash = (SELECT e.hash FROM event e WHERE e.seq = h.seq))";
    let row = client.query_one(statement, &[]).await?;
    if get::<i64>(&row, 0)? == 1 {
        return Ok(());
    }
    let reason = "the end of its log is not what its last writer left: look with rekon journal check".to_owned();
    Err(JournalError::Unusable { path: address.to_string(), reason }.into())
}

/// The name of this machine, for people.
fn host() -> String {
    let named = ["/etc/hostname", "/proc/sys/kernel/hostname"].into_iter().find_map(|path| {
        let text = std::fs::read_to_string(path).ok()?;
        let name: String = text.trim().chars().filter(|character| !character.is_control()).take(64).collect();
        (!name.is_empty()).then_some(name)
    });
    named.unwrap_or_else(|| "unknown".to_owned())
}
