//! A run that begins, with all its rows: they are written before anybody waits for the lock on the log's end, in the same
//! transaction, so that a run of a million rows holds nobody up.

use deadpool_postgres::Client;
use tokio::sync::mpsc::channel;

use super::ask::BEGIN;
use super::flush::{Ready, execute};
use super::look::get;
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::record::{NewRow, NewRun};
use crate::journal::rules::{RowsDigest, name};
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::time;

/// So many rows are sent at once.
const PIECE: usize = 4096;

/// Writes a run and its rows; returns its name and the SHA-256 over the rows. Leaves the transaction open.
pub(super) async fn insert(client: &Client, run: &NewRun) -> Result<(RunId, String), Undone> {
    client.batch_execute(BEGIN).await?;
    let caps = run.terms.caps;
    let row = client
        .query_one(
            "INSERT INTO run (job, environment, client_id, operation, started_at, delimiter, header, rows, horizon_seconds, \
             input_sha256, most_orders_per_day, most_rupiah_per_day) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
            &[
                &run.job,
                &run.account.environment.word(),
                &run.account.client_id.as_str(),
                &run.account.operation.word(),
                &time::stored(run.started_at),
                &i16::from(run.delimiter),
                &serde_json::to_string(&run.header).expect("a list of texts"),
                &run.rows.count().cast_signed(),
                &run.horizon.as_secs().cast_signed(),
                &run.terms.input_sha256,
                &caps.orders.map(u64::cast_signed),
                &caps.rupiah.map(u64::cast_signed),
            ],
        )
        .await?;
    let id: i64 = get(&row, 0)?;
    let name = name(run.started_at, id);
    client.execute("UPDATE run SET name = $2 WHERE id = $1", &[&id, &name.as_str()]).await?;
    let digest = insert_rows(client, run, id).await?;
    Ok((name, digest))
}

/// The rows are shown one by one by somebody who cannot wait; a thread of its own hands them over in pieces.
async fn insert_rows(client: &Client, run: &NewRun, id: i64) -> Result<String, Undone> {
    let rows = std::sync::Arc::clone(&run.rows);
    let (sender, mut receiver) = channel::<Vec<NewRow>>(2);
    let showing = tokio::task::spawn_blocking(move || {
        let mut digest = RowsDigest::default();
        let mut piece = Vec::new();
        let gone = |_| JournalError::Write("nobody takes the rows of the run".into());
        rows.each(&mut |row| {
            digest.take(row);
            piece.push(row.clone());
            if piece.len() == PIECE {
                return sender.blocking_send(std::mem::take(&mut piece)).map_err(gone);
            }
            Ok(())
        })?;
        if !piece.is_empty() {
            sender.blocking_send(piece).map_err(gone)?;
        }
        Ok::<String, JournalError>(digest.hex())
    });
    while let Some(piece) = receiver.recv().await {
        execute(client, &[inserted(id, piece)]).await?;
    }
    Ok(showing.await.map_err(|error| JournalError::Write(error.to_string()))??)
}

fn inserted(run: i64, rows: Vec<NewRow>) -> Ready {
    let number = |read: fn(&NewRow) -> u64| rows.iter().map(|row| read(row).cast_signed()).collect::<Vec<_>>();
    Ready::new(
        "INSERT INTO run_row (run, number, line, raw, invoice, rupiah, fate, reason) \
         SELECT $1::bigint, * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[])",
    )
    .with(run)
    .with(number(|row| row.number))
    .with(number(|row| row.line))
    .with(rows.iter().map(|row| row.raw.to_string()).collect::<Vec<_>>())
    .with(rows.iter().map(|row| row.invoice.as_ref().map(InvoiceNumber::to_string)).collect::<Vec<_>>())
    .with(number(|row| row.rupiah.whole()))
    .with(rows.iter().map(|row| row.fate.word()).collect::<Vec<_>>())
    .with(rows.into_iter().map(|row| row.reason).collect::<Vec<_>>())
}
