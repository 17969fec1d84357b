//! What guards ask: what was done today, what the last runs of a job sent, and whether its input is known.

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::ask::{asked, each, words};
use super::look::{checked, get, natural};
use super::sheet::day_of;
use super::trouble::Undone;
use crate::journal::history::{Asked, History, SameInput};
use crate::journal::rules::date;
use crate::journal::state::State;
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;
use crate::model::money::{Rupiah, Tally};
use crate::model::time;

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
