//! What the journal is asked of items: as they are, how they came to be so, and on what evidence.

use std::collections::HashMap;

use deadpool_postgres::Client;

use super::ask::{PIECE, asked, each, words};
use super::look::{WIDTH, checked, facts_of, get, item_columns, read_item, read_row};
use super::trouble::Undone;
use crate::doku::exchange::Answer;
use crate::journal::Account;
use crate::journal::log::Entry;
use crate::journal::proof::{Asked, Proof};
use crate::journal::record::{Item, ItemId};
use crate::journal::rules::words::{dead, unsettled};
use crate::journal::state::State;
use crate::journal::story::{Logged, Mention, Story};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, RequestId, RunId};
use crate::model::time;

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
                asked: if is_inquiry { Asked::Status(request_id) } else { Asked::Operation },
                concluded: get(row, WIDTH + 2)?,
                answer,
                at: checked(row, WIDTH + 3, time::parse_instant)?,
            });
        }
    }
}
