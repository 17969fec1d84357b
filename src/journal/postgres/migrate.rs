//! Making the tables, once, whoever comes first; and whether those that are there are the ones that this program knows.

use deadpool_postgres::Client;

use super::address::Address;
use super::look::get;
use super::needs::asked;
use super::schema;
use super::trouble::Undone;
use crate::journal::JournalError;

/// `rekn` in ASCII: whoever makes or changes the tables holds this lock of the database's.
const LOCK: i64 = 0x7265_6b6e;

/// What is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No table of ours.
    Nothing,
    /// Tables of this program's version.
    Present,
}

/// Looks for the tables.
///
/// # Errors
/// [`JournalError::Unusable`] if they are another program's, or of another version.
pub(super) async fn look(client: &Client, address: &Address) -> Result<Found, Undone> {
    let unusable = |reason: String| Undone::from(JournalError::Unusable { path: address.to_string(), reason });
    // One look at all of them: they are made together, perhaps at this moment.
    let statement = "SELECT c.relname::text FROM pg_catalog.pg_class c \
         WHERE c.relname = ANY($1) AND pg_catalog.pg_table_is_visible(c.oid)";
    let there = asked(client, statement, &[&schema::TABLES.as_slice()]).await?;
    let there = there.iter().map(|row| get(row, 0)).collect::<Result<Vec<String>, _>>()?;
    if !there.iter().any(|name| name == "journal") {
        return match there.first() {
            None => Ok(Found::Nothing),
            Some(name) => {
                Err(unusable(format!("it has a table {name} of somebody else; name a database of the journal's own")))
            }
        };
    }
    let row = client.query_opt("SELECT version FROM journal", &[]).await?;
    let version: i32 = row.map(|row| get(&row, 0)).transpose()?.unwrap_or_default();
    if version != schema::VERSION {
        let newest = schema::VERSION;
        return Err(unusable(format!(
            "its tables have version {version}, this program knows {newest}; use the program that made them"
        )));
    }
    Ok(Found::Present)
}

/// Makes the tables if they are missing, in one transaction, and allows the role of the URL to run jobs.
///
/// # Errors
/// The role may not make tables, or tables of somebody else are in the way.
pub(super) async fn migrate(client: &Client, address: &Address) -> Result<Found, Undone> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '60s'").await?;
    client.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let found = look(client, address).await?;
    if found == Found::Nothing {
        client.batch_execute(&schema::create()).await?;
    }
    if let Some(role) = address.runner_role() {
        client.batch_execute(&schema::grants(role)).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(found)
}
