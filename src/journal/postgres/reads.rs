//! What the journal is asked: items, runs with their rows, and what guards want to know.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::look::{WIDTH, checked, facts_of, get, item_columns, natural, read_item};
use super::needs::{RUNS_OF_PLAN, asked};
use super::sheet::day_of;
use super::trouble::Undone;
use crate::doku::exchange::Answer;
use crate::journal::cause::Cause;
use crate::journal::history::{Asked, History, Overridden, PlanUse, SameInput};
use crate::journal::log::{Entry, hex};
use crate::journal::past::{LookingBack, Past, Reach, call};
use crate::journal::proof::{self, Proof};
use crate::journal::record::{Head, Item, ItemId, NewRow, PlanRun, RowFate, RowRecord, RunRecord};
use crate::journal::rules::date;
use crate::journal::rules::words::{dead, unsettled};
use crate::journal::state::State;
use crate::journal::story::{Logged, Mention, Story};
use crate::journal::{Account, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RequestId, RunId};
use crate::model::money::{Rupiah, Tally};
use crate::model::time::{self, Timestamp};

/// So many rows are asked for at once where there may be very many.
pub(super) const PIECE: i64 = 4096;

fn each<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, JournalError>) -> Result<Vec<T>, Undone> {
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The words of an account: environment, client and operation.
fn words(account: &Account) -> [&str; 3] {
    [account.environment.word(), account.client_id.as_str(), account.operation.word()]
}

/// The latest generation of each invoice that has one.
pub(super) async fn known(
    client: &Client,
    account: &Account,
    invoices: &[InvoiceNumber],
) -> Result<HashMap<InvoiceNumber, Item>, Undone> {
    let [environment, client_id, operation] = words(account);
    let statement = format!(
        "SELECT DISTINCT ON (i.invoice) {} FROM item i WHERE i.environment = $1 AND i.client_id = $2 AND i.operation = $3 \
         AND i.invoice = ANY($4) ORDER BY i.invoice, i.generation DESC",
        item_columns("i")
    );
    let invoices: Vec<&str> = invoices.iter().map(InvoiceNumber::as_str).collect();
    let rows = asked(client, &statement, &[&environment, &client_id, &operation, &invoices]).await?;
    let items = each(&rows, |row| read_item(row, 0))?;
    Ok(items.into_iter().map(|item| (item.identity.invoice.clone(), item)).collect())
}

/// The items of a job in one of these states, the oldest first.
pub(super) async fn of_job(
    client: &Client,
    account: &Account,
    job: &str,
    states: &[State],
) -> Result<Vec<Item>, Undone> {
    let [environment, client_id, operation] = words(account);
    let states: Vec<&str> = states.iter().map(|state| state.word()).collect();
    let statement = format!(
        "SELECT {} FROM item i WHERE i.job = $1 AND i.environment = $2 AND i.client_id = $3 AND i.operation = $4 \
         AND i.state = ANY($5) ORDER BY i.id",
        item_columns("i")
    );
    let rows = asked(client, &statement, &[&job, &environment, &client_id, &operation, &states]).await?;
    each(&rows, |row| read_item(row, 0))
}

/// Items in doubt of all jobs, the oldest first.
pub(super) async fn in_doubt(client: &Client) -> Result<Vec<Item>, Undone> {
    let statement = format!("SELECT {} FROM item i WHERE {} ORDER BY i.id", item_columns("i"), unsettled("i.state"));
    each(&asked(client, &statement, &[]).await?, |row| read_item(row, 0))
}

/// No later generation of an item is there.
const IS_LATEST: &str = "NOT EXISTS (SELECT 1 FROM item later WHERE later.environment = i.environment \
     AND later.client_id = i.client_id AND later.operation = i.operation AND later.invoice = i.invoice \
     AND later.generation > i.generation)";

/// Items of an account whose refusal is proved or ruled, the oldest first: of an order the latest generation only.
pub(super) async fn refused(client: &Client, account: &Account) -> Result<Vec<Item>, Undone> {
    let [environment, client_id, operation] = words(account);
    let statement = format!(
        "SELECT {} FROM item i WHERE {} AND i.operation = $1 AND i.environment = $2 AND i.client_id = $3 AND {IS_LATEST} \
         ORDER BY i.id",
        item_columns("i"),
        dead("i.state")
    );
    let rows = asked(client, &statement, &[&operation, &environment, &client_id]).await?;
    each(&rows, |row| read_item(row, 0))
}

/// The latest generation of everything that was done for a merchant: at most `most` items behind one.
pub(super) async fn latest(
    client: &Client,
    environment: Environment,
    client_id: &ClientId,
    after: Option<ItemId>,
    most: u32,
) -> Result<Vec<Item>, Undone> {
    let statement = format!(
        "SELECT {} FROM item i WHERE i.id > $3 AND i.environment = $1 AND i.client_id = $2 AND {IS_LATEST} \
         ORDER BY i.id LIMIT $4",
        item_columns("i")
    );
    let after = after.map_or(0, |item| item.0);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&environment.word(), &client_id.as_str(), &after, &i64::from(most)];
    each(&asked(client, &statement, &values).await?, |row| read_item(row, 0))
}

/// Everything known about an invoice.
pub(super) async fn story(client: &Client, invoice: &InvoiceNumber) -> Result<Story, Undone> {
    let statement = "SELECT r.number, r.line, r.raw, r.invoice, r.rupiah, r.fate, r.reason, run.name, run.started_at \
         FROM run_row r JOIN run ON run.id = r.run WHERE r.invoice = $1 ORDER BY r.run, r.number";
    let rows = asked(client, statement, &[&invoice.as_str()]).await?;
    let mentions = each(&rows, |row| {
        let run = checked(row, 7, |text| RunId::new(text).ok())?;
        Ok(Mention { run, at: checked(row, 8, time::parse_instant)?, row: read_row(row)? })
    })?;
    let statement = format!("SELECT {} FROM item i WHERE i.invoice = $1 ORDER BY i.id", item_columns("i"));
    let items = each(&asked(client, &statement, &[&invoice.as_str()]).await?, |row| read_item(row, 0))?;
    let mut told = Vec::new();
    for item in items {
        let rows = asked(client, "SELECT seq, at, data FROM event WHERE item = $1 ORDER BY seq", &[&item.id.0]).await?;
        let mut apart = Vec::new();
        for row in &rows {
            let (seq, at) = (get(row, 0)?, checked(row, 1, time::parse_instant)?);
            let entry: Entry = checked(row, 2, |text| serde_json::from_str(text).ok())?;
            let (entry, intended) = entry.apart();
            apart.push(Logged { seq, at, entry });
            apart.extend(intended.map(|entry| Logged { seq, at, entry }));
        }
        told.push((item, apart));
    }
    Ok(Story { mentions, items: told })
}

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

/// Reads the columns number, line, raw, invoice, rupiah, fate and reason, which come first.
pub(super) fn read_row(row: &Row) -> Result<NewRow, JournalError> {
    let fate = checked(row, 5, |word| RowFate::WORDS.iter().find(|(known, _)| *known == word).map(|(_, fate)| *fate))?;
    let invoice: Option<&str> = get(row, 3)?;
    Ok(NewRow {
        number: natural(row, 0)?,
        line: natural(row, 1)?,
        raw: get::<&str>(row, 2)?.into(),
        invoice: invoice.and_then(|text| InvoiceNumber::new(text).ok()),
        rupiah: Rupiah::new(natural(row, 4)?),
        fate,
        reason: get(row, 6)?,
    })
}

/// All runs, the newest first.
pub(super) async fn runs(client: &Client) -> Result<Vec<RunRecord>, Undone> {
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

/// The runs that executed a saved plan, the oldest first.
pub(super) async fn runs_of_plan(client: &Client, digest: &str) -> Result<Vec<PlanRun>, Undone> {
    each(&asked(client, RUNS_OF_PLAN, &[&digest]).await?, read_plan_run)
}

/// Reads a run of a plan: its name and its exit code.
pub(super) fn read_plan_run(row: &Row) -> Result<PlanRun, JournalError> {
    let exit_code: Option<i32> = get(row, 1)?;
    Ok(PlanRun { run: get(row, 0)?, exit_code: exit_code.and_then(|code| u8::try_from(code).ok()) })
}

/// Entries of no item of one kind, in their order; of one run, if one is named.
async fn entries(client: &Client, kind: &str, run: Option<&RunId>) -> Result<Vec<Entry>, Undone> {
    let statement = "SELECT data FROM event WHERE item IS NULL AND data::json ->> 'kind' = $1 \
         AND ($2::text IS NULL OR data::json ->> 'run' = $2) ORDER BY seq";
    let rows = asked(client, statement, &[&kind, &run.map(RunId::as_str)]).await?;
    each(&rows, |row| checked(row, 0, |text| serde_json::from_str(text).ok()))
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

/// All entries by which work went on with a journal that lacked some, or was ahead of the clock, in their order.
pub(super) async fn accepted(client: &Client) -> Result<Vec<Entry>, Undone> {
    entries(client, "accepted", None).await
}

/// The last entry.
pub(super) async fn head(client: &Client) -> Result<Option<Head>, Undone> {
    let rows = asked(client, "SELECT seq, at, hash FROM event ORDER BY seq DESC LIMIT 1", &[]).await?;
    let read = |row: &Row| {
        let at = checked(row, 1, time::parse_instant)?;
        Ok::<Head, JournalError>(Head { seq: get(row, 0)?, at, hash: hex(get(row, 2)?) })
    };
    Ok(rows.first().map(read).transpose()?)
}

/// Whether the log holds an entry of this hash, at this place if one is named.
pub(super) async fn holds(client: &Client, seq: Option<i64>, hash: &str) -> Result<bool, Undone> {
    let statement =
        "SELECT 1 FROM event WHERE encode(hash, 'hex') = lower($1) AND ($2::bigint IS NULL OR seq = $2) LIMIT 1";
    Ok(!asked(client, statement, &[&hash, &seq]).await?.is_empty())
}

/// What the journal remembers for the plan of a job.
pub(super) async fn history(client: &Client, account: &Account, wanted: &Asked) -> Result<History, Undone> {
    let today = day_of(account, wanted.now);
    let statement = "SELECT orders, rupiah FROM day \
         WHERE environment = $1 AND client_id = $2 AND operation = $3 AND date = $4";
    let rows = asked(client, statement, &[&today[0], &today[1], &today[2], &today[3]]).await?;
    let today = rows.first().map(read_tally).transpose()?.unwrap_or_default();
    let same_input = match &wanted.input_sha256 {
        Some(input) => same_input(client, account, &wanted.job, input).await?,
        None => None,
    };
    Ok(History { today, date: date(wanted.now), runs: sent_by_runs(client, account, wanted).await?, same_input })
}

fn read_tally(row: &Row) -> Result<Tally, JournalError> {
    Ok(Tally { count: natural(row, 0)?, rupiah: Rupiah::new(natural(row, 1)?) })
}

/// What the last runs of the job sent. A run that stopped part-way (exit code 4) or was cut off is no measure of what is
/// usual, and one that sent nothing neither.
async fn sent_by_runs(client: &Client, account: &Account, wanted: &Asked) -> Result<Vec<Tally>, Undone> {
    let [environment, client_id, operation] = words(account);
    let statement = "SELECT sent.orders, sent.rupiah FROM run r CROSS JOIN LATERAL \
             (SELECT count(*) AS orders, coalesce(sum(i.amount), 0)::bigint AS rupiah FROM item i \
             WHERE i.run = r.name AND i.state <> 'planned') sent \
         WHERE r.job = $1 AND r.environment = $2 AND r.client_id = $3 AND r.operation = $4 AND r.exit_code IN (0, 1, 3) \
             AND sent.orders > 0 ORDER BY r.id DESC LIMIT $5";
    let most = i64::from(wanted.runs);
    let rows = asked(client, statement, &[&wanted.job, &environment, &client_id, &operation, &most]).await?;
    each(&rows, read_tally)
}

/// The last finished run with an input, and how many of its rows are open.
async fn same_input(client: &Client, account: &Account, job: &str, input: &str) -> Result<Option<SameInput>, Undone> {
    let [environment, client_id, operation] = words(account);
    let statement = "SELECT id, name, finished_at FROM run WHERE job = $1 AND environment = $2 AND client_id = $3 \
         AND operation = $4 AND input_sha256 = $5 AND exit_code IN (0, 1) ORDER BY id DESC LIMIT 1";
    let rows = asked(client, statement, &[&job, &environment, &client_id, &operation, &input]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (id, run): (i64, _) = (get(row, 0)?, checked(row, 1, |text| RunId::new(text).ok())?);
    let finished_at = checked(row, 2, time::parse_instant)?;
    let settled: Vec<&str> = State::ALL.into_iter().filter(|state| state.is_terminal()).map(State::word).collect();
    let statement = "SELECT count(*) FROM run_row r WHERE r.run = $1 AND (r.fate = 'held' \
         OR r.fate IN ('send', 'settled', 'continue') AND coalesce((SELECT i.state FROM item i WHERE i.environment = $2 \
             AND i.client_id = $3 AND i.operation = $4 AND i.invoice = r.invoice ORDER BY i.generation DESC LIMIT 1), '') \
             <> ALL($5))";
    let rows = asked(client, statement, &[&id, &environment, &client_id, &operation, &settled]).await?;
    let open = rows.first().map(|row| natural(row, 0)).transpose()?.unwrap_or_default();
    Ok(Some(SameInput { run, finished_at, open }))
}

/// What is known of the account's calls before a run, whatever the operation.
pub(super) async fn past(
    client: &Client,
    account: &Account,
    run: &RunId,
    reach: Reach,
    now: Timestamp,
) -> Result<Past, Undone> {
    let (environment, client_id) = (account.environment.word(), account.client_id.as_str());
    let statement = "SELECT run.name, e.data::json ->> 'why' FROM event e JOIN run ON run.name = e.data::json ->> 'run' \
         WHERE e.item IS NULL AND e.data::json ->> 'kind' = 'run_stopped' \
         AND run.environment = $1 AND run.client_id = $2 ORDER BY e.seq DESC LIMIT 1";
    let rows = asked(client, statement, &[&environment, &client_id]).await?;
    let stopped = rows.first().map(|row| Ok::<_, JournalError>((get(row, 0)?, get(row, 1)?))).transpose()?;
    let mut looking = LookingBack::new(reach, now, stopped);
    let statement = "SELECT a.id, a.run, a.sent_at, a.ended_at, a.outcome, a.facts, a.answer_headers \
         FROM attempt a JOIN item i ON i.id = a.item \
         WHERE i.environment = $1 AND i.client_id = $2 AND a.id < $3 ORDER BY a.id DESC LIMIT $4";
    let mut before = i64::MAX;
    'back: loop {
        let rows = asked(client, statement, &[&environment, &client_id, &before, &PIECE]).await?;
        for row in &rows {
            let sent_at = checked(row, 2, time::parse_instant)?;
            if !looking.wants(sent_at) {
                break 'back;
            }
            let ended_at = get::<Option<&str>>(row, 3)?.and_then(time::parse_instant);
            let (facts, headers) = (facts_of(row, 5)?, get::<Option<&str>>(row, 6)?);
            let call = checked(row, 4, |outcome| call(sent_at, ended_at, outcome, &facts, headers))?;
            looking.take(get(row, 1)?, call);
            before = get(row, 0)?;
        }
        if rows.is_empty() {
            break;
        }
    }
    let statement = "SELECT finished_at IS NULL FROM run WHERE environment = $1 AND client_id = $2 AND name <> $3 \
         ORDER BY id DESC LIMIT 1";
    let rows = asked(client, statement, &[&environment, &client_id, &run.as_str()]).await?;
    let was_cut_off = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or(false);
    Ok(looking.finish(was_cut_off))
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

/// Shows every answer from which something was concluded, the oldest first.
pub(super) async fn proofs(client: &Client, mut show: impl FnMut(&Proof)) -> Result<(), Undone> {
    let statement = format!(
        "SELECT {}, a.kind, a.request_id, a.outcome, a.ended_at, a.facts, a.answer_headers, a.answer_body, a.id \
         FROM attempt a JOIN item i ON i.id = a.item \
         WHERE a.outcome IN ('applied', 'already', 'refused') AND a.id > $1 ORDER BY a.id LIMIT $2",
        item_columns("i")
    );
    let mut behind = 0_i64;
    loop {
        let rows = asked(client, &statement, &[&behind, &PIECE]).await?;
        let Some(last) = rows.last() else { return Ok(()) };
        behind = get(last, WIDTH + 7)?;
        for row in &rows {
            let request_id = checked(row, WIDTH + 1, |text| RequestId::new(text).ok())?;
            let is_inquiry = get::<&str>(row, WIDTH)? == "inquiry";
            let answer = Answer {
                status: facts_of(row, WIDTH + 4)?.http_status.unwrap_or_default(),
                headers: checked(row, WIDTH + 5, |text| serde_json::from_str(text).ok())?,
                body: get(row, WIDTH + 6)?,
            };
            show(&Proof {
                item: read_item(row, 0)?,
                asked: if is_inquiry { proof::Asked::Status(request_id) } else { proof::Asked::Operation },
                concluded: get(row, WIDTH + 2)?,
                answer,
                at: checked(row, WIDTH + 3, time::parse_instant)?,
            });
        }
    }
}
