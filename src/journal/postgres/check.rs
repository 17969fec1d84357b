//! Shows the tables to the check, in one moment for all statements, while runners may be writing.

use std::collections::HashMap;

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::ask::{PIECE, asked};
use super::intact;
use super::look::{WIDTH, checked, get, item_columns, natural, read_item, read_row};
use super::trouble::Undone;
use crate::journal::check::{Answered, Checked, Terms};
use crate::journal::history::DayCaps;
use crate::journal::record::{Item, ItemId};
use crate::journal::rules::{DaySum, RowsDigest, Sums, answer_sha256};
use crate::journal::{JournalError, log};
use crate::model::time;

/// Checks the whole journal.
pub(super) async fn check(client: &Client) -> Result<Checked, Undone> {
    client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    let (mut checked, mut began) = (Checked::begin(), HashMap::new());
    intact::flaws(client).await?.into_iter().for_each(|flaw| checked.flaw(flaw));
    chain(&mut checked, client, &mut began).await?;
    items(&mut checked, client).await?;
    rows(&mut checked, client, began).await?;
    attempts(&mut checked, client).await?;
    client.batch_execute("ROLLBACK").await?;
    Ok(checked)
}

async fn chain(checked: &mut Checked, client: &Client, began: &mut HashMap<String, Terms>) -> Result<(), Undone> {
    let statement = "SELECT seq, at, item, data, hash FROM event WHERE seq > $1 ORDER BY seq LIMIT $2";
    let mut behind = 0_i64;
    loop {
        let rows = asked(client, statement, &[&behind, &PIECE]).await?;
        let Some(last) = rows.last() else { break };
        behind = get(last, 0)?;
        let mut answers = Vec::new();
        for row in &rows {
            let (seq, item): (i64, Option<i64>) = (get(row, 0)?, get(row, 2)?);
            let data = get(row, 3)?;
            checked.link(seq, get(row, 1)?, item.map(ItemId), data, get(row, 4)?);
            answers.extend(checked.read(seq, data, began));
        }
        let attempts: Vec<i64> = answers.iter().map(|(attempt, _)| *attempt).collect();
        let statement = "SELECT id, answer_headers, answer_body FROM attempt WHERE id = ANY($1)";
        let mut found = HashMap::new();
        for row in asked(client, statement, &[&attempts]).await? {
            found.insert(get::<i64>(&row, 0)?, Answered(answer_sha256(get(&row, 1)?, get(&row, 2)?)));
        }
        for (attempt, expected) in answers {
            checked.answer(attempt, found.get(&attempt).cloned(), expected.as_deref());
        }
    }
    let rows = asked(client, "SELECT seq, encode(hash, 'hex') FROM head", &[]).await?;
    let head = rows.first().map(|row| Ok::<(i64, String), JournalError>((get(row, 0)?, get(row, 1)?))).transpose()?;
    if head != Some((checked.entries(), checked.head())) {
        checked.flaw("head: is not the last entry of the log".to_owned());
    }
    Ok(())
}

/// Every item is the sum of its entries. Items and their entries are read in the same order, a piece of each at a time.
async fn items(checked: &mut Checked, client: &Client) -> Result<(), Undone> {
    let events = "SELECT item, seq, at, data FROM event WHERE (item, seq) > ($1, $2) AND item IS NOT NULL \
         ORDER BY item, seq LIMIT $3";
    let (mut folding, mut sums): (Option<Item>, Sums) = (None, Sums::default());
    let (mut behind, mut last_item) = ((0_i64, 0_i64), 0_i64);
    loop {
        let rows = asked(client, events, &[&behind.0, &behind.1, &PIECE]).await?;
        let mut whole = Vec::new();
        for row in &rows {
            let (item, seq): (i64, i64) = (get(row, 0)?, get(row, 1)?);
            behind = (item, seq);
            whole.extend(folding.take_if(|folding| folding.id != ItemId(item)));
            let when = (seq, checked_time(row)?);
            folding = checked.fold(folding.take(), ItemId(item), when, get(row, 3)?);
            if folding.is_none() {
                return Ok(());
            }
        }
        let is_over = rows.is_empty();
        if is_over {
            whole.extend(folding.take());
        }
        last_item = compare(checked, client, &whole, last_item).await?;
        whole.iter().for_each(|item| sums.take(item));
        if is_over {
            break;
        }
    }
    let statement = "SELECT id FROM item WHERE id > $1 ORDER BY id LIMIT 1";
    for row in asked(client, statement, &[&last_item]).await? {
        checked.strange_item(get(&row, 0)?);
    }
    let mut kept: Vec<DaySum> = Vec::new();
    for row in asked(client, "SELECT environment, client_id, operation, date, orders, rupiah FROM day", &[]).await? {
        kept.push(([get(&row, 0)?, get(&row, 1)?, get(&row, 2)?, get(&row, 3)?], (get(&row, 4)?, get(&row, 5)?)));
    }
    checked.days(sums, kept);
    Ok(())
}

fn checked_time(row: &Row) -> Result<time::Timestamp, JournalError> {
    checked(row, 2, time::parse_instant)
}

/// Compares items with the table, from behind the last that was compared; returns the last one of these.
async fn compare(checked: &mut Checked, client: &Client, logged: &[Item], behind: i64) -> Result<i64, Undone> {
    let Some(last) = logged.last().map(|item| item.id.0) else { return Ok(behind) };
    let statement =
        format!("SELECT {}, i.body FROM item i WHERE i.id > $1 AND i.id <= $2 ORDER BY i.id", item_columns("i"));
    let mut found = HashMap::new();
    for row in asked(client, &statement, &[&behind, &last]).await? {
        let body_sha256 = log::sha256(get(&row, WIDTH)?);
        found.insert(get::<i64>(&row, 0)?, (read_item(&row, 0).map_err(|error| error.to_string()), Some(body_sha256)));
    }
    for item in logged {
        checked.compare(item, found.remove(&item.id.0));
    }
    found.keys().for_each(|item| checked.strange_item(*item));
    Ok(last)
}

/// Every attempt is in the log, and belongs to the item that the log says.
async fn attempts(checked: &mut Checked, client: &Client) -> Result<(), Undone> {
    let statement = "SELECT a.id FROM attempt a WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.item = a.item \
         AND (e.data::json ->> 'attempt')::bigint = a.id) ORDER BY a.id LIMIT 20";
    for row in asked(client, statement, &[]).await? {
        checked.strange_attempt(get(&row, 0)?);
    }
    Ok(())
}

/// The rows of every run are those that it began with.
async fn rows(checked: &mut Checked, client: &Client, mut logged: HashMap<String, Terms>) -> Result<(), Undone> {
    let statement = "SELECT id, name, input_sha256, most_orders_per_day, most_rupiah_per_day FROM run ORDER BY id";
    for row in asked(client, statement, &[]).await? {
        let (id, name): (i64, String) = (get(&row, 0)?, get(&row, 1)?);
        let caps: (Option<i64>, Option<i64>) = (get(&row, 3)?, get(&row, 4)?);
        let found = Terms {
            rows_sha256: digest(client, id).await?,
            input_sha256: get(&row, 2)?,
            caps: DayCaps { orders: caps.0.map(i64::cast_unsigned), rupiah: caps.1.map(i64::cast_unsigned) },
        };
        checked.run(&name, &found, &mut logged);
    }
    checked.missing_runs(&logged);
    Ok(())
}

async fn digest(client: &Client, run: i64) -> Result<String, Undone> {
    let statement = "SELECT number, line, raw, invoice, rupiah, fate, reason FROM run_row \
         WHERE run = $1 AND number > $2 ORDER BY number LIMIT $3";
    let (mut digest, mut behind) = (RowsDigest::default(), 0_i64);
    loop {
        let rows = asked(client, statement, &[&run, &behind, &PIECE]).await?;
        let Some(last) = rows.last() else { return Ok(digest.hex()) };
        behind = natural(last, 0)?.cast_signed();
        for row in &rows {
            digest.take(&read_row(row)?);
        }
    }
}
