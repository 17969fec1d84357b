//! What the journal is asked of runs: their rows, how they went, and the plans that they executed.

use std::time::Duration;

use deadpool_postgres::Client;

use super::ask::{PIECE, asked, each};
use super::log::entries;
use super::look::{checked, get, item_columns, natural, read_item, read_row};
use super::trouble::Undone;
use crate::journal::cause::Cause;
use crate::journal::history::{Overridden, PlanUse};
use crate::journal::log::Entry;
use crate::journal::record::{PlanRun, RowRecord, RunRecord};
use crate::journal::rules::words::unsettled;
use crate::model::ids::RunId;
use crate::model::time::{self, Timestamp};

/// The rows of a run with the latest generation of their items: at most `most` of them behind a row.
pub(super) async fn rows(client: &Client, run: &RunId, behind: u64, most: u32) -> Result<Vec<RowRecord>, Undone> {
    let statement = format!(
        "SELECT r.number, r.line, r.raw, r.invoice, r.rupiah, r.fate, r.reason, {} \
         FROM run JOIN run_row r ON r.run = run.id \
         LEFT JOIN LATERAL (SELECT * FROM item l WHERE r.fate IN ('send', 'settled', 'continue') \
             AND l.environment = run.environment AND l.client_id = run.client_id AND l.operation = run.operation \
             AND l.invoice = r.invoice ORDER BY l.generation DESC LIMIT 1) i ON true \
         WHERE run.name = $1 AND r.number > $2 ORDER BY r.number LIMIT $3",
        item_columns("i")
    );
    let rows = asked(client, &statement, &[&run.as_str(), &behind.cast_signed(), &i64::from(most)]).await?;
    each(&rows, |row| {
        let has_item = get::<Option<i64>>(row, 7)?.is_some();
        Ok(RowRecord { row: read_row(row)?, item: if has_item { Some(read_item(row, 7)?) } else { None } })
    })
}

/// All runs, the newest first.
pub(super) async fn all(client: &Client) -> Result<Vec<RunRecord>, Undone> {
    let statement = format!(
        "WITH doubt AS (SELECT a.run, count(DISTINCT a.item) AS items FROM item i JOIN attempt a ON a.item = i.id \
             WHERE {} GROUP BY a.run), \
         told AS (SELECT DISTINCT ON (run, kind) data::json ->> 'run' AS run, data::json ->> 'kind' AS kind, \
                 data::json ->> 'stopped' AS stopped, data::json ->> 'why' AS why FROM event \
             WHERE item IS NULL AND data::json ->> 'kind' IN ('run_ended', 'run_stopped') ORDER BY run, kind, seq DESC) \
         SELECT name, job, operation, environment, started_at, finished_at, exit_code, rows, coalesce(doubt.items, 0), \
             ended.stopped, noted.why \
         FROM run LEFT JOIN doubt ON doubt.run = run.name \
             LEFT JOIN told ended ON ended.run = run.name AND ended.kind = 'run_ended' \
             LEFT JOIN told noted ON noted.run = run.name AND noted.kind = 'run_stopped' ORDER BY id DESC",
        unsettled("i.state")
    );
    each(&asked(client, &statement, &[]).await?, |row| {
        let exit_code = get::<Option<i16>>(row, 6)?.and_then(|code| u8::try_from(code).ok());
        let stopped = get::<Option<&str>>(row, 9)?.and_then(|text| serde_json::from_str(text).ok());
        let noted = get::<Option<String>>(row, 10)?.filter(|_| exit_code != Some(0));
        Ok(RunRecord {
            run: checked(row, 0, |text| RunId::new(text).ok())?,
            job: get(row, 1)?,
            operation: get(row, 2)?,
            environment: get(row, 3)?,
            started_at: checked(row, 4, time::parse_instant)?,
            finished_at: get::<Option<&str>>(row, 5)?.and_then(time::parse_instant),
            exit_code,
            stopped: stopped.or(noted.map(|word| Cause::Noted { word })),
            rows: natural(row, 7)?,
            in_doubt: natural(row, 8)?,
        })
    })
}

/// When the last request of a run left; `None` if none did.
pub(super) async fn last_sent(client: &Client, run: &RunId) -> Result<Option<Timestamp>, Undone> {
    let rows = asked(client, "SELECT max(sent_at) FROM attempt WHERE run = $1", &[&run.as_str()]).await?;
    let last = rows.first().map(|row| get::<Option<&str>>(row, 0)).transpose()?;
    Ok(last.flatten().and_then(time::parse_instant))
}

/// The horizon of a run; `None` if it is not known.
pub(super) async fn horizon(client: &Client, run: &RunId) -> Result<Option<Duration>, Undone> {
    let rows = asked(client, "SELECT horizon_seconds FROM run WHERE name = $1", &[&run.as_str()]).await?;
    Ok(rows.first().map(|row| natural(row, 0)).transpose()?.map(Duration::from_secs))
}

/// The runs that executed a saved plan, the oldest first, as the log has them.
const RUNS_OF_PLAN: &str = "SELECT b.data::json ->> 'run', (SELECT (e.data::json ->> 'exit_code')::int FROM event e \
         WHERE e.item IS NULL AND e.data::json ->> 'kind' = 'run_ended' \
         AND e.data::json ->> 'run' = b.data::json ->> 'run' ORDER BY e.seq DESC LIMIT 1) \
     FROM event b WHERE b.item IS NULL AND b.data::json ->> 'kind' = 'run_began' \
     AND b.data::json -> 'plan' ->> 'digest' = $1 ORDER BY b.seq";

/// The runs that executed a saved plan, the oldest first.
pub(super) async fn of_plan(client: &Client, digest: &str) -> Result<Vec<PlanRun>, Undone> {
    each(&asked(client, RUNS_OF_PLAN, &[&digest]).await?, |row| {
        let exit_code: Option<i32> = get(row, 1)?;
        Ok(PlanRun { run: get(row, 0)?, exit_code: exit_code.and_then(|code| u8::try_from(code).ok()) })
    })
}

/// The saved plan that a run executed; `None` if it made its own.
pub(super) async fn plan_of(client: &Client, run: &RunId) -> Result<Option<PlanUse>, Undone> {
    Ok(entries(client, "run_began", Some(run)).await?.into_iter().find_map(|entry| match entry {
        Entry::RunBegan { plan, .. } => plan.map(|plan| *plan),
        _ => None,
    }))
}

/// The guards that were loosened for a run.
pub(super) async fn overrides(client: &Client, run: &RunId) -> Result<Vec<Overridden>, Undone> {
    let entries = entries(client, "overridden", Some(run)).await?;
    let what = |entry| match entry {
        Entry::Overridden { what, .. } => Some(what),
        _ => None,
    };
    Ok(entries.into_iter().filter_map(what).collect())
}

/// When the requests of a run were sent and answered, the newest first.
pub(super) async fn times(
    client: &Client,
    run: &RunId,
    mut show: impl FnMut(Timestamp, Option<Timestamp>),
) -> Result<(), Undone> {
    let statement = "SELECT id, sent_at, CASE WHEN answer_headers IS NOT NULL THEN ended_at END FROM attempt \
         WHERE run = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    let mut before = i64::MAX;
    loop {
        let rows = asked(client, statement, &[&run.as_str(), &before, &PIECE]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        before = get(last, 0)?;
        for row in &rows {
            show(checked(row, 1, time::parse_instant)?, get::<Option<&str>>(row, 2)?.and_then(time::parse_instant));
        }
    }
}
