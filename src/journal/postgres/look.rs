//! From a row of a table to a checked value: items, rows of the input, hashes.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::journal::identity::Identity;
use crate::journal::log;
use crate::journal::record::{Item, ItemId, NewRow, RowFate};
use crate::journal::state::State;
use crate::journal::{Account, JournalError};
use crate::model::environment::Environment;
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RequestId, RunId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::Facts;
use crate::model::time;

use super::connect::told;

/// The columns of an item, in the order in which they are read.
const COLUMNS: [&str; 20] = [
    "id",
    "environment",
    "client_id",
    "operation",
    "invoice",
    "generation",
    "amount",
    "request_id",
    "payment_reference",
    "refund_reference",
    "state",
    "reason",
    "attempts",
    "first_intent_at",
    "last_sent_at",
    "settled_at",
    "facts",
    "job",
    "run",
    "body_sha256",
];

/// So many columns.
pub(super) const WIDTH: usize = COLUMNS.len();

/// The columns of an item under the name of its table in a query.
pub(super) fn item_columns(table: &str) -> String {
    COLUMNS.map(|column| format!("{table}.{column}")).join(", ")
}

/// A value of a row; a journal that somebody edited by hand gives an error, not a panic.
pub(super) fn get<'a, T: FromSql<'a>>(row: &'a Row, index: usize) -> Result<T, JournalError> {
    row.try_get(index).map_err(|error| JournalError::Read(told(&error)))
}

/// A text column as a checked value.
pub(super) fn checked<T>(row: &Row, index: usize, read: impl FnOnce(&str) -> Option<T>) -> Result<T, JournalError> {
    let text: &str = get(row, index)?;
    read(text).ok_or_else(|| JournalError::Read(format!("the journal holds {text:?} where it should not")))
}

/// A whole number that is never below zero.
pub(super) fn natural(row: &Row, index: usize) -> Result<u64, JournalError> {
    let number: i64 = get(row, index)?;
    u64::try_from(number).or(Err(JournalError::Read(format!("the journal holds {number} where it should not"))))
}

/// Facts as they are stored.
pub(super) fn facts_of(row: &Row, index: usize) -> Result<Facts, JournalError> {
    checked(row, index, |text| serde_json::from_str(text).ok())
}

/// Reads an item whose columns begin at `first`.
pub(super) fn read_item(row: &Row, first: usize) -> Result<Item, JournalError> {
    let text = |index: usize| get::<String>(row, first + index);
    let odd = |what: &str| JournalError::Read(format!("the journal holds an item with an impossible {what}"));
    let account = Account {
        environment: checked(row, first + 1, Environment::from_word)?,
        client_id: checked(row, first + 2, |text| ClientId::new(text).ok())?,
        operation: checked(row, first + 3, Operation::from_word)?,
    };
    let invoice = checked(row, first + 4, |text| InvoiceNumber::new(text).ok())?;
    let generation: i32 = get(row, first + 5)?;
    let attempts: i64 = get(row, first + 12)?;
    let refund_reference: Option<&str> = get(row, first + 9)?;
    let settled_at: Option<&str> = get(row, first + 15)?;
    Ok(Item {
        id: ItemId(get(row, first)?),
        identity: Identity { account, invoice, generation: u16::try_from(generation).or(Err(odd("generation")))? },
        amount: Rupiah::new(natural(row, first + 6)?),
        request_id: checked(row, first + 7, |text| RequestId::new(text).ok())?,
        payment_reference: checked(row, first + 8, |text| MerchantReference::new(text).ok())?,
        refund_reference: match refund_reference {
            None => None,
            Some(text) => Some(MerchantReference::new(text).or(Err(odd("refund reference")))?),
        },
        state: checked(row, first + 10, State::from_word)?,
        reason: text(11)?,
        attempts: u32::try_from(attempts).or(Err(odd("number of attempts")))?,
        first_intent_at: checked(row, first + 13, time::parse_instant)?,
        last_sent_at: checked(row, first + 14, time::parse_instant)?,
        settled_at: settled_at.and_then(time::parse_instant),
        facts: facts_of(row, first + 16)?.into(),
        job: text(17)?.into(),
        run: checked(row, first + 18, |text| RunId::new(text).ok())?,
        body_sha256: text(19)?.into(),
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

/// A hash as it is stored.
pub(super) fn hash_of(bytes: &[u8]) -> Result<log::Hash, JournalError> {
    bytes.try_into().or(Err(JournalError::Read("the journal holds a hash that is none".into())))
}
