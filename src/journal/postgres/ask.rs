//! How the server is asked.

use deadpool_postgres::Client;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::trouble::Undone;
use crate::journal::{Account, JournalError};

/// Whatever the server does by itself, each statement must see what was committed when it begins.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE";

/// So many rows are asked for at once where there may be very many.
pub(super) const PIECE: i64 = 4096;

/// A statement that is prepared once per connection.
pub(super) async fn asked(
    client: &Client,
    statement: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Undone> {
    let prepared = client.prepare_cached(statement).await?;
    Ok(client.query(&prepared, values).await?)
}

/// Reads each row of an answer.
pub(super) fn each<T>(rows: &[Row], read: impl Fn(&Row) -> Result<T, JournalError>) -> Result<Vec<T>, Undone> {
    Ok(rows.iter().map(read).collect::<Result<_, _>>()?)
}

/// The words of an account: environment, client and operation.
pub(super) fn words(account: &Account) -> [&str; 3] {
    [account.environment.word(), account.client_id.as_str(), account.operation.word()]
}
