//! Making the tables, once, whoever comes first; carrying those of an older version over; and whether those that are there are
//! the ones that this program knows.
//!
//! One step leads from each version to the next, and none leads back. All of them, and the guards of the present version, are
//! one transaction, in which nobody else writes or registers. Behind it a guard refuses to register whoever was made for other
//! tables, also a program that had looked at them before.

use std::collections::BTreeSet;

use deadpool_postgres::Client;

use super::address::Address;
use super::ask::asked;
use super::lease::{at_work, bury};
use super::look::get;
use super::trouble::Undone;
use super::{Runner, guards, intact, schema};
use crate::journal::JournalError;

/// `rekn` in ASCII: whoever makes or changes the tables holds this lock of the database's.
const LOCK: i64 = 0x7265_6b6e;

/// From each version to the next, from 1 on.
const STEPS: [&str; 2] = [FROM_VERSION_1, FROM_VERSION_2];

/// Version 1 knew no lower rate that all hosts share.
const FROM_VERSION_1: &str = "
ALTER TABLE limiter
    ADD COLUMN share integer NOT NULL DEFAULT 1000 CHECK (share BETWEEN 1 AND 1000),
    ADD COLUMN well bigint NOT NULL DEFAULT 0,
    ADD COLUMN falls_from timestamptz NOT NULL DEFAULT '-infinity';
";

/// Up to version 2 no runner said for which tables it was made.
const FROM_VERSION_2: &str = "ALTER TABLE runner ADD COLUMN version integer;";

/// What is in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// No table of ours.
    Nothing,
    /// Tables of an older version.
    Older(i32),
    /// Tables of this program's version.
    Present,
}

/// What was done to the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrated {
    /// They were made.
    Made,
    /// They were carried over.
    CarriedOver {
        /// From this version ...
        from: i32,
        /// ... to this one.
        to: i32,
    },
    /// Nothing: they are those of this program.
    Present,
}

/// Looks for the tables.
///
/// # Errors
/// [`JournalError::Unusable`] if they are another program's, or of a newer version.
pub(super) async fn look(client: &Client, address: &Address) -> Result<Found, Undone> {
    // One look at all of them: they are made together, perhaps at this moment.
    let statement = "SELECT c.relname::text FROM pg_catalog.pg_class c \
         WHERE c.relname = ANY($1) AND pg_catalog.pg_table_is_visible(c.oid)";
    let there = asked(client, statement, &[&schema::TABLES.as_slice()]).await?;
    let there = there.iter().map(|row| get(row, 0)).collect::<Result<Vec<String>, _>>()?;
    if !there.iter().any(|name| name == "journal") {
        return match there.first() {
            None => Ok(Found::Nothing),
            Some(name) => Err(unusable(
                address,
                format!("it has a table {name} of somebody else; name a database of the journal's own"),
            )),
        };
    }
    let row = client.query_opt("SELECT version FROM journal", &[]).await?;
    let version: i32 = row.map(|row| get(&row, 0)).transpose()?.unwrap_or_default();
    match version {
        schema::VERSION => Ok(Found::Present),
        1..schema::VERSION => Ok(Found::Older(version)),
        _ => Err(unusable(
            address,
            format!(
                "its tables have version {version}, this program knows {}; use the program that made them",
                schema::VERSION
            ),
        )),
    }
}

/// Why tables of an older version are not used, and what to type.
pub(super) fn refuse_older(version: i32, address: &Address) -> JournalError {
    let reason = format!(
        "its tables have version {version}, this program needs {}\n  hint: once nobody is at work on it, with the role that owns \
         the tables: rekon journal migrate \"{}\"",
        schema::VERSION,
        address.of_somebody("OWNER")
    );
    JournalError::Unusable { path: address.to_string(), reason }
}

fn unusable(address: &Address, reason: String) -> Undone {
    JournalError::Unusable { path: address.to_string(), reason }.into()
}

/// Makes the tables if they are missing, or carries them over if they are older, in one transaction, and allows the role of the
/// URL to run jobs.
///
/// # Errors
/// The role may not do that, somebody is at work, or tables of somebody else are in the way: then nothing was done.
pub(super) async fn migrate(client: &Client, address: &Address) -> Result<Migrated, Undone> {
    let migrated = in_one_transaction(client, address).await;
    if migrated.is_err() {
        // Others wait for its locks. If the connection is gone, so are they.
        let _ = client.batch_execute("ROLLBACK").await;
    }
    migrated
}

async fn in_one_transaction(client: &Client, address: &Address) -> Result<Migrated, Undone> {
    client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = '60s'").await?;
    client.query("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let migrated = match look(client, address).await? {
        Found::Present => Migrated::Present,
        Found::Nothing => {
            client.batch_execute(&schema::create()).await?;
            Migrated::Made
        }
        Found::Older(from) => {
            keep_others_out(client, address).await?;
            carry_over(client, from).await?;
            Migrated::CarriedOver { from, to: schema::VERSION }
        }
    };
    if let Some(role) = address.runner_role() {
        client.batch_execute(&schema::grants(role)).await?;
    }
    client.batch_execute("COMMIT").await?;
    Ok(migrated)
}

/// Whoever is at work has begun with the tables as they are. Nobody writes or registers until the end of the transaction; who was
/// not heard of for its lease is lost for good, whatever the server's clock says later.
async fn keep_others_out(client: &Client, address: &Address) -> Result<(), Undone> {
    // In the order in which a writer takes them.
    client.query("SELECT seq FROM head FOR UPDATE", &[]).await?;
    client.batch_execute("LOCK TABLE runner IN SHARE ROW EXCLUSIVE MODE").await?;
    bury(client).await?;
    match at_work(client).await?.first() {
        None => Ok(()),
        Some(Runner { host, .. }) => {
            Err(unusable(address, format!("{host} is at work on it; carry it over when that is done")))
        }
    }
}

/// Goes the steps from a version to the present one. What guards the tables may have been another thing then.
async fn carry_over(client: &Client, version: i32) -> Result<(), Undone> {
    for (from, step) in (1..).zip(STEPS) {
        if from >= version {
            client.batch_execute(step).await?;
        }
    }
    let statement = "SELECT format('DROP TRIGGER %I ON %I', t.tgname, c.relname), format('DROP FUNCTION %s', t.tgfoid::regprocedure) \
         FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid \
         WHERE t.tgname = ANY($1) AND c.relname = ANY($2) AND pg_table_is_visible(c.oid)";
    let mut functions = BTreeSet::new();
    for row in client.query(statement, &[&intact::triggers(), &schema::TABLES.as_slice()]).await? {
        client.batch_execute(get(&row, 0)?).await?;
        functions.insert(get::<String>(&row, 1)?);
    }
    for drop_function in &functions {
        client.batch_execute(drop_function).await?;
    }
    client.batch_execute(&guards::all()).await?;
    client.execute("UPDATE journal SET version = $1", &[&schema::VERSION]).await?;
    Ok(())
}
