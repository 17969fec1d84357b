//! Joint runs: whose [turn] it is to begin one, which rows of it are whose ([`claims`]), what a runner hears of the [others], and
//! who closes it ([`closing`]).
//!
//! Everything here happens under a lock on the run's row in `joint_run`, so that the runners of one run ask one after the other;
//! the lock on the log's end is not needed, for nothing that is claimed is part of the log. A claim that was committed and not
//! heard of is answered again: each question has a number, and its answer stays with its asker until the next.

mod claims;
mod closing;
mod others;
#[cfg(test)]
mod tests;
mod turn;

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::lease::IS_ALIVE;
use super::look::get;
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::joint::Closed;
use crate::model::ids::RunId;
pub(super) use closing::hosts;

/// The tables of joint runs.
pub(super) const TABLES: &str = "
CREATE TABLE at_work (
    job text NOT NULL,
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    runner bigint NOT NULL REFERENCES runner,
    alone boolean NOT NULL,
    run text,
    PRIMARY KEY (job, environment, client_id, operation)
);

CREATE TABLE joint_run (
    run text PRIMARY KEY REFERENCES run (name),
    job_sha256 text NOT NULL,
    input_sha256 text NOT NULL,
    rows_sha256 text NOT NULL,
    decided bytea NOT NULL,
    stopped text,
    closer bigint REFERENCES runner,
    report text NOT NULL DEFAULT ''
);

CREATE TABLE member (
    run text NOT NULL REFERENCES joint_run,
    runner bigint NOT NULL REFERENCES runner,
    idle boolean NOT NULL DEFAULT false,
    left_at timestamptz,
    freed boolean NOT NULL DEFAULT false,
    asked bigint NOT NULL DEFAULT 0,
    rows bigint[] NOT NULL DEFAULT '{}',
    items bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (run, runner)
);

CREATE TABLE claimed_item (
    run text NOT NULL REFERENCES joint_run,
    item bigint NOT NULL REFERENCES item,
    runner bigint NOT NULL REFERENCES runner,
    PRIMARY KEY (run, item)
);

CREATE INDEX run_row_free ON run_row (run, number) WHERE runner IS NULL AND fate = 'send' AND rupiah > 0;
";

/// One runner's view of joint runs.
pub(super) struct Joint<'a> {
    pub(super) pool: &'a Pool,
    pub(super) runner: i64,
}

async fn asked(tx: &Transaction<'_>, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Undone> {
    let prepared = tx.prepare_cached(statement).await?;
    Ok(tx.query(&prepared, values).await?)
}

async fn is_so(tx: &Transaction<'_>, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<bool, Undone> {
    let rows = asked(tx, &format!("SELECT EXISTS ({statement})"), values).await?;
    Ok(rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default())
}

/// A joint run whose row is locked until the end of the transaction.
struct Locked {
    stopped: Option<String>,
    closer: Option<i64>,
    /// Whether whoever closes it is at work.
    has_closer: bool,
    closed: Option<Closed>,
}

impl Locked {
    /// For a runner that is at work; one that is lost has nothing to say any more.
    async fn take(tx: &Transaction<'_>, run: &RunId, runner: i64) -> Result<Self, Undone> {
        let statement = "SELECT stopped, closer, report FROM joint_run WHERE run = $1 FOR UPDATE";
        let rows = asked(tx, statement, &[&run.as_str()]).await?;
        let row = rows.first().ok_or_else(|| JournalError::Read(format!("{run} is no joint run")))?;
        let closer: Option<i64> = get(row, 1)?;
        let alive = format!("SELECT 1 FROM runner r WHERE r.id = $1 AND {IS_ALIVE}");
        if !is_so(tx, &alive, &[&runner]).await? {
            return Err(JournalError::Fenced.into());
        }
        let has_closer = closer.is_some() && is_so(tx, &alive, &[&closer]).await?;
        let statement = "SELECT exit_code FROM run WHERE name = $1 AND finished_at IS NOT NULL";
        let ended = asked(tx, statement, &[&run.as_str()]).await?;
        let closed = match ended.first() {
            None => None,
            Some(ended) => {
                let exit_code =
                    get::<Option<i16>>(ended, 0)?.and_then(|code| u8::try_from(code).ok()).unwrap_or_default();
                Some(Closed { exit_code, report: get(row, 2)? })
            }
        };
        Ok(Self { stopped: get(row, 0)?, closer, has_closer, closed })
    }
}
