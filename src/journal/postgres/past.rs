//! Reading the calls of late, the newest first and no further back than they matter.

use deadpool_postgres::Client;

use super::ask::{PIECE, asked};
use super::look::{checked, facts_of, get};
use super::trouble::Undone;
use crate::journal::past::{LookingBack, Past, Reach, call};
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;
use crate::model::time::{self, Timestamp};

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
