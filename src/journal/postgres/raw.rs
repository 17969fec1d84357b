//! Reads the tables as they are, and fills those of a new journal, all of it or nothing.

use deadpool_postgres::{Client, Object};
use tokio_postgres::types::ToSql;

use super::address::Address;
use super::ask::{BEGIN, asked};
use super::connect::connect;
use super::flush::{Ready, execute};
use super::look::get;
use super::trouble::Undone;
use super::{PostgresJournal, unread};
use crate::journal::JournalError;
use crate::journal::raw::{Kind, PIECE, Row, Table, Value};

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &tokio_postgres::types::Type,
        out: &mut tokio_postgres::types::private::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Number(number) => number.to_sql(kind, out),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Bytes(bytes) => bytes.to_sql(kind, out),
        }
    }

    fn accepts(_: &tokio_postgres::types::Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

/// One moment of a journal, to be read table by table.
pub(in crate::journal) struct Reading {
    client: Client,
}

impl Reading {
    /// Begins to read.
    ///
    /// # Errors
    /// Runners are at work, or it cannot be read.
    pub(in crate::journal) async fn begin(journal: &PostgresJournal) -> Result<Self, JournalError> {
        if let Some(found) = journal.others_at_work().await?.first() {
            return Err(JournalError::Held { path: format!("{} (runner {})", found.host, found.number) });
        }
        let client = journal.client().await?;
        let begun = client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await;
        begun.map_err(|error| unread(error.into()))?;
        Ok(Self { client })
    }

    /// The next rows of a table behind one; none: the table is over.
    pub(in crate::journal) async fn rows(&self, table: &Table, behind: Option<&Row>) -> Result<Vec<Row>, JournalError> {
        self.read(table, behind).await.map_err(unread)
    }

    async fn read(&self, table: &Table, behind: Option<&Row>) -> Result<Vec<Row>, Undone> {
        let columns = table.columns.iter().map(|(name, kind)| match kind {
            Kind::Number => format!("{name}::bigint"),
            Kind::Text | Kind::Bytes => (*name).to_owned(),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let places = table.columns[..table.keys].iter().zip(1..).map(|((_, kind), place)| match kind {
            Kind::Number => format!("${place}::bigint"),
            Kind::Text => format!("${place}::text"),
            Kind::Bytes => format!("${place}::bytea"),
        });
        let keys = table.key_names();
        let places = places.collect::<Vec<_>>().join(", ");
        let condition = behind.map(|_| format!("WHERE {keys} > ({places})")).unwrap_or_default();
        let order = keys.trim_matches(['(', ')']).to_owned();
        let sql = format!("SELECT {columns} FROM {} {condition} ORDER BY {order} LIMIT {PIECE}", table.name);
        let values = behind.map(|row| &row[..table.keys]).unwrap_or_default();
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
        let mut rows = Vec::new();
        for row in asked(&self.client, &sql, &values).await? {
            let value = |(index, (_, kind)): (usize, &(&str, Kind))| -> Result<Value, JournalError> {
                Ok(match kind {
                    Kind::Number => Value::Number(get(&row, index)?),
                    Kind::Text => Value::Text(get(&row, index)?),
                    Kind::Bytes => Value::Bytes(get(&row, index)?),
                })
            };
            rows.push(table.columns.iter().enumerate().map(value).collect::<Result<Row, _>>()?);
        }
        Ok(rows)
    }

    /// Has read enough.
    pub(in crate::journal) fn end(self) {
        drop(Object::take(self.client));
    }
}

/// A new journal that is being filled. Nothing of it counts before [`Filling::commit`].
pub(in crate::journal) struct Filling {
    client: Client,
}

impl Filling {
    /// Makes the journal if it is not there. The role must be the one that makes the tables.
    ///
    /// # Errors
    /// It holds something already, or cannot be used.
    pub(in crate::journal) async fn begin(address: &Address) -> Result<Self, JournalError> {
        PostgresJournal::migrate(address).await?;
        let away = |error: Undone| error.unusable(address);
        let pool = connect(address).await?;
        let client = pool.get().await.map_err(|error| away(error.into()))?;
        let begun = Self::prepare(&client).await.map_err(away)?;
        if !begun {
            let reason = "it holds something already; a journal is copied into a new one only".to_owned();
            return Err(JournalError::Unusable { path: address.to_string(), reason });
        }
        Ok(Self { client })
    }

    /// Items come as they are, and not as they began; the guard is at work again before anything counts.
    async fn prepare(client: &Client) -> Result<bool, Undone> {
        client.batch_execute(BEGIN).await?;
        client.query("SELECT seq FROM head FOR UPDATE", &[]).await?;
        let filled = "SELECT EXISTS (SELECT 1 FROM event) OR EXISTS (SELECT 1 FROM run) OR EXISTS (SELECT 1 FROM item)";
        let is_filled: bool = get(&client.query_one(filled, &[]).await?, 0)?;
        if !is_filled {
            client.batch_execute("ALTER TABLE item DISABLE TRIGGER item_begins_lawfully").await?;
        }
        Ok(!is_filled)
    }

    /// Writes rows of a table.
    pub(in crate::journal) async fn fill(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError> {
        let places = table.columns.iter().zip(1..).map(|((_, kind), place)| match kind {
            Kind::Number => format!("${place}::bigint[]"),
            Kind::Text => format!("${place}::text[]"),
            Kind::Bytes => format!("${place}::bytea[]"),
        });
        let places = places.collect::<Vec<_>>().join(", ");
        let sql = format!("INSERT INTO {} ({}) SELECT * FROM unnest({places})", table.name, table.names());
        let mut ready = Ready::new(sql);
        for index in 0..table.columns.len() {
            ready = ready.with(rows.iter().map(|row| row[index].clone()).collect::<Vec<Value>>());
        }
        execute(&self.client, &[ready]).await.map(drop).map_err(unread)
    }

    /// Makes all of it durable, with the end of the log and the next number of a run.
    pub(in crate::journal) async fn commit(self) -> Result<(), JournalError> {
        let finished = "ALTER TABLE item ENABLE TRIGGER item_begins_lawfully; \
             UPDATE head SET seq = e.seq, hash = e.hash FROM (SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1) e; \
             SELECT setval(pg_get_serial_sequence('run', 'id'), (SELECT max(id) FROM run)) \
                 WHERE EXISTS (SELECT 1 FROM run); COMMIT";
        self.client.batch_execute(finished).await.map_err(|error| unread(error.into()))
    }
}
