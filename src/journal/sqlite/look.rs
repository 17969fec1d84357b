//! Reading items: from a row of the table to a checked value.

use std::collections::HashMap;

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::failed;
use crate::doku::exchange::Answer;
use crate::journal::identity::Identity;
use crate::journal::proof::{Asked, Proof};
use crate::journal::record::{Item, ItemId};
use crate::journal::rules::words::{dead, unsettled};
use crate::journal::state::State;
use crate::journal::story::Logged;
use crate::journal::{Account, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RequestId, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::Facts;
use crate::model::time;

pub(super) const ITEM_COLUMNS: &str = "id, environment, client_id, operation, invoice, generation, amount, \
     request_id, payment_reference, refund_reference, state, reason, attempts, first_intent_at, last_sent_at, \
     settled_at, facts, job, run, body_sha256";

pub(super) fn find(connection: &Connection, identity: &Identity) -> Result<Option<Item>, JournalError> {
    let Account { environment, client_id, operation } = &identity.account;
    connection
        .prepare_cached(&format!(
            "SELECT {ITEM_COLUMNS} FROM item WHERE invoice = ?1 AND operation = ?2 AND client_id = ?3 \
             AND environment = ?4 AND generation = ?5"
        ))
        .and_then(|mut statement| {
            let (invoice, generation) = (identity.invoice.as_str(), identity.generation);
            let key = params![invoice, operation.word(), client_id.as_str(), environment.word(), generation];
            statement.query_row(key, read_item).optional()
        })
        .map_err(failed)
}

pub(super) fn load(connection: &Connection, item: ItemId) -> Result<Item, JournalError> {
    connection
        .prepare_cached(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE id = ?1"))
        .and_then(|mut statement| statement.query_row([item.0], read_item))
        .map_err(failed)
}

/// The latest generation of each invoice that has one.
pub(super) fn known(
    connection: &Connection,
    account: &Account,
    invoices: &[InvoiceNumber],
) -> rusqlite::Result<HashMap<InvoiceNumber, Item>> {
    // One moment for all of them; without it each query would take and give back SQLite's locks.
    let moment = connection.unchecked_transaction()?;
    let has_any: bool = moment.query_row("SELECT EXISTS (SELECT 1 FROM item)", [], |row| row.get(0))?;
    if !has_any {
        return Ok(HashMap::new());
    }
    let mut statement = moment.prepare_cached(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND invoice = ?4 \
         ORDER BY generation DESC LIMIT 1"
    ))?;
    let mut found = HashMap::new();
    for invoice in invoices {
        let key =
            params![account.environment.word(), account.client_id.as_str(), account.operation.word(), invoice.as_str()];
        if let Some(item) = statement.query_row(key, read_item).optional()? {
            found.insert(invoice.clone(), item);
        }
    }
    Ok(found)
}

/// The items of a job in one of these states, the oldest first.
pub(super) fn of_job(
    connection: &Connection,
    account: &Account,
    job: &str,
    states: &[State],
) -> rusqlite::Result<Vec<Item>> {
    let words = states.iter().map(|state| format!("'{}'", state.word())).collect::<Vec<_>>().join(", ");
    let mut statement = connection.prepare(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE environment = ?1 AND client_id = ?2 AND operation = ?3 AND job = ?4 \
         AND state IN ({words}) AND {} ORDER BY id",
        unsettled("state")
    ))?;
    let key = params![account.environment.word(), account.client_id.as_str(), account.operation.word(), job];
    statement.query_map(key, read_item)?.collect()
}

/// Items in doubt of all jobs, the oldest first.
pub(super) fn in_doubt(connection: &Connection) -> rusqlite::Result<Vec<Item>> {
    let mut statement =
        connection.prepare(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE {} ORDER BY id", unsettled("state")))?;
    statement.query_map([], read_item)?.collect()
}

/// Items of an account whose refusal is proved or ruled, the oldest first. Of an order that was reopened only the latest
/// generation counts: what DOKU notifies may be the doing of that one, and one order has one live item.
pub(super) fn refused(connection: &Connection, account: &Account) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE {} AND operation = ?1 \
         AND environment = ?2 AND client_id = ?3 AND NOT EXISTS (SELECT 1 FROM item later \
             WHERE later.environment = ?2 AND later.client_id = ?3 AND later.operation = ?1 \
             AND later.invoice = item.invoice AND later.generation > item.generation) ORDER BY id",
        dead("state")
    ))?;
    let key = [account.operation.word(), account.environment.word(), account.client_id.as_str()];
    statement.query_map(key, read_item)?.collect()
}

/// The latest generation of everything that was done for a merchant, in the order of the items: at most `most` of them behind
/// one.
pub(super) fn latest(
    connection: &Connection,
    environment: Environment,
    client_id: &ClientId,
    after: Option<ItemId>,
    most: u32,
) -> rusqlite::Result<Vec<Item>> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {ITEM_COLUMNS} FROM item WHERE id > ?3 AND environment = ?1 AND client_id = ?2 AND NOT EXISTS \
             (SELECT 1 FROM item later WHERE later.environment = ?1 AND later.client_id = ?2 \
             AND later.operation = item.operation AND later.invoice = item.invoice \
             AND later.generation > item.generation) ORDER BY id LIMIT ?4"
    ))?;
    let after = after.map_or(0, |item| item.0);
    statement.query_map(params![environment.word(), client_id.as_str(), after, most], read_item)?.collect()
}

/// All items for an invoice with their entries, in order.
pub(super) fn story(connection: &Connection, invoice: &InvoiceNumber) -> rusqlite::Result<Vec<(Item, Vec<Logged>)>> {
    let mut items = connection.prepare(&format!("SELECT {ITEM_COLUMNS} FROM item WHERE invoice = ?1 ORDER BY id"))?;
    let items: Vec<Item> = items.query_map([invoice.as_str()], read_item)?.collect::<rusqlite::Result<_>>()?;
    let mut entries = connection.prepare("SELECT seq, at, data FROM event WHERE item = ?1 ORDER BY seq")?;
    let read = |row: &Row<'_>| {
        let entry = checked(row, 2, |text| serde_json::from_str(text).ok())?;
        Ok(Logged { seq: row.get(0)?, at: checked(row, 1, time::parse_instant)?, entry })
    };
    items
        .into_iter()
        .map(|item| {
            let mut apart = Vec::new();
            for logged in entries.query_map([item.id.0], read)? {
                let Logged { seq, at, entry } = logged?;
                let (entry, intended) = entry.apart();
                apart.push(Logged { seq, at, entry });
                apart.extend(intended.map(|entry| Logged { seq, at, entry }));
            }
            Ok((item, apart))
        })
        .collect()
}

/// The columns of an item under another name of its table.
pub(super) fn item_columns(table: &str) -> String {
    let columns = ITEM_COLUMNS.split(", ").map(|column| format!("{table}.{}", column.trim()));
    columns.collect::<Vec<_>>().join(", ")
}

/// Shows every answer from which something was concluded, the oldest first.
pub(super) fn proofs(connection: &Connection, mut show: impl FnMut(&Proof)) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(&format!(
        "SELECT {}, a.kind, a.request_id, a.outcome, a.ended_at, a.facts, a.answer_headers, a.answer_body \
         FROM attempt a JOIN item i ON i.id = a.item \
         WHERE a.outcome IN ('applied', 'already', 'refused') ORDER BY a.id",
        item_columns("i")
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let request_id = checked(row, 21, |text| RequestId::new(text).ok())?;
        let is_inquiry = row.get_ref(20)?.as_str()? == "inquiry";
        let answer = Answer {
            status: facts_of(row, 24)?.http_status.unwrap_or_default(),
            headers: checked(row, 25, |text| serde_json::from_str(text).ok())?,
            body: row.get(26)?,
        };
        show(&Proof {
            item: read_item(row)?,
            asked: if is_inquiry { Asked::Status(request_id) } else { Asked::Operation },
            concluded: row.get(22)?,
            answer,
            at: checked(row, 23, time::parse_instant)?,
        });
    }
    Ok(())
}

/// Facts as they are stored.
pub(super) fn facts_of(row: &Row<'_>, index: usize) -> rusqlite::Result<Facts> {
    checked(row, index, |text| serde_json::from_str(text).ok())
}

pub(super) fn read_item(row: &Row<'_>) -> rusqlite::Result<Item> {
    read_item_at(row, 0)
}

/// Reads an item whose columns begin at `first`.
pub(super) fn read_item_at(row: &Row<'_>, first: usize) -> rusqlite::Result<Item> {
    let text = |index: usize| row.get::<_, String>(first + index);
    let account = Account {
        environment: checked(row, first + 1, Environment::from_word)?,
        client_id: checked(row, first + 2, |text| ClientId::new(text).ok())?,
        operation: checked(row, first + 3, Operation::from_word)?,
    };
    let invoice = checked(row, first + 4, |text| InvoiceNumber::new(text).ok())?;
    Ok(Item {
        id: ItemId(row.get(first)?),
        identity: Identity { account, invoice, generation: row.get(first + 5)? },
        amount: Rupiah::new(row.get::<_, i64>(first + 6)?.cast_unsigned()),
        request_id: checked(row, first + 7, |text| RequestId::new(text).ok())?,
        payment_reference: checked(row, first + 8, |text| MerchantReference::new(text).ok())?,
        refund_reference: match row.get_ref(first + 9)? {
            rusqlite::types::ValueRef::Null => None,
            _ => Some(checked(row, first + 9, |text| MerchantReference::new(text).ok())?),
        },
        state: checked(row, first + 10, State::from_word)?,
        reason: text(11)?,
        attempts: row.get(first + 12)?,
        first_intent_at: checked(row, first + 13, time::parse_instant)?,
        last_sent_at: checked(row, first + 14, time::parse_instant)?,
        settled_at: row.get::<_, Option<String>>(first + 15)?.as_deref().and_then(time::parse_instant),
        facts: facts_of(row, first + 16)?.into(),
        job: text(17)?.into(),
        run: checked(row, first + 18, |text| RunId::new(text).ok())?,
        body_sha256: text(19)?.into(),
    })
}

/// A text column as a checked value; a journal that somebody edited by hand gives an error, not a panic.
pub(super) fn checked<T>(row: &Row<'_>, index: usize, read: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text = row.get_ref(index)?.as_str()?;
    read(text).ok_or_else(|| {
        let message = format!("the journal holds {text:?} where it should not");
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, message.into())
    })
}
