//! Reads the tables as they are, and fills those of a new journal, all of it or nothing.

use std::fs::File;
use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params_from_iter};

use super::file::unusable;
use super::{failed, open, schema, unread};
use crate::journal::JournalError;
use crate::journal::raw::{Kind, PIECE, Row, Table, Value};

/// The next rows of a table behind one; none: the table is over.
pub(super) fn rows(connection: &Connection, table: &Table, behind: Option<&Row>) -> rusqlite::Result<Vec<Row>> {
    let (names, keys) = (table.names(), table.key_names());
    let places: Vec<String> = (1..=table.keys).map(|place| format!("?{place}")).collect();
    let condition = behind.map(|_| format!("WHERE {keys} > ({})", places.join(", "))).unwrap_or_default();
    let order = keys.trim_matches(['(', ')']).to_owned();
    let mut statement = connection
        .prepare_cached(&format!("SELECT {names} FROM {} {condition} ORDER BY {order} LIMIT {PIECE}", table.name))?;
    let values = behind.map(|row| row[..table.keys].to_vec()).unwrap_or_default();
    let read = |row: &rusqlite::Row<'_>| -> rusqlite::Result<Row> {
        let kinds = table.columns.iter().enumerate();
        kinds
            .map(|(index, (_, kind))| {
                Ok(match kind {
                    Kind::Number => Value::Number(row.get(index)?),
                    Kind::Text => Value::Text(row.get(index)?),
                    Kind::Bytes => Value::Bytes(row.get(index)?),
                })
            })
            .collect()
    };
    statement.query_map(params_from_iter(values.iter()), read)?.collect()
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        let value = match self {
            Self::Number(number) => number.map_or(ValueRef::Null, ValueRef::Integer),
            Self::Text(text) => text.as_deref().map_or(ValueRef::Null, |text| ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => bytes.as_deref().map_or(ValueRef::Null, ValueRef::Blob),
        };
        Ok(rusqlite::types::ToSqlOutput::Borrowed(value))
    }
}

/// A new journal that is being filled. Nothing of it counts before [`Filling::commit`].
pub(in crate::journal) struct Filling {
    connection: Connection,
    _locks: (File, File),
}

impl Filling {
    /// Makes the journal if it is not there.
    ///
    /// # Errors
    /// It holds something already, or cannot be used.
    pub(in crate::journal) fn begin(path: &Path) -> Result<Self, JournalError> {
        let locks = open::lock(path)?;
        let connection = open::for_writing(path)?;
        let filled = "SELECT EXISTS (SELECT 1 FROM event) OR EXISTS (SELECT 1 FROM run) OR EXISTS (SELECT 1 FROM item)";
        if connection.query_row(filled, [], |row| row.get(0)).map_err(unread)? {
            return Err(unusable(path, &"it holds something already; a journal is copied into a new one only"));
        }
        // Items come as they are, and not as they began; the guard is there again before anything counts.
        connection.execute_batch("BEGIN IMMEDIATE; DROP TRIGGER item_begins_planned").map_err(failed)?;
        Ok(Self { connection, _locks: locks })
    }

    /// Writes rows of a table.
    pub(in crate::journal) fn fill(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError> {
        let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
        let sql = format!("INSERT INTO {} ({}) VALUES ({})", table.name, table.names(), places.join(", "));
        let mut statement = self.connection.prepare_cached(&sql).map_err(failed)?;
        for row in rows {
            statement.execute(params_from_iter(row.iter())).map_err(failed)?;
        }
        Ok(())
    }

    /// Makes all of it durable.
    pub(in crate::journal) fn commit(self) -> Result<(), JournalError> {
        let triggers = schema::triggers();
        let guard = triggers.split("CREATE TRIGGER ").find(|text| text.starts_with("item_begins_planned"));
        let guard = guard.expect("it is one of the triggers");
        self.connection
            .execute_batch(&format!("CREATE TRIGGER {}; COMMIT", guard.trim().trim_end_matches(';')))
            .map_err(failed)
    }
}
