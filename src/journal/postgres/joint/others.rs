//! What a runner hears of the others: how their calls ended, what the provider has proved to them, and whether one of them is gone.

use deadpool_postgres::Transaction;

use super::{Joint, asked, is_so};
use crate::journal::joint::{Ask, Heard};
use crate::journal::postgres::lease::{IS_ALIVE, IS_HERE};
use crate::journal::postgres::look::{facts_of, get, natural};
use crate::journal::postgres::trouble::Undone;
use crate::journal::record::ItemId;

/// Most ends of calls that are heard of at once: more than there are between two questions.
const MOST_HEARD: i64 = 1024;

impl Joint<'_> {
    /// How calls of others in the run have ended behind what was heard already, and up to which entry. What was closed for a
    /// runner that was lost says nothing of the provider.
    pub(super) async fn elsewhere(&self, tx: &Transaction<'_>, ask: &Ask) -> Result<(Vec<Heard>, i64), Undone> {
        let head = asked(tx, "SELECT seq FROM head", &[]).await?;
        let heard = head.first().map(|row| get::<i64>(row, 0)).transpose()?.unwrap_or_default();
        let statement = "SELECT a.item, a.kind, a.outcome, a.facts FROM \
                 (SELECT e.seq, (e.data::json ->> 'attempt')::bigint AS attempt FROM event e \
                 WHERE e.seq > $2 AND e.seq <= $3 AND e.item IS NOT NULL AND e.data::json ->> 'kind' IN ('ended', 'inquired') \
                 ORDER BY e.seq DESC LIMIT $4) ended JOIN attempt a ON a.id = ended.attempt \
             WHERE a.run = $1 AND a.runner <> $5 AND a.reason NOT IN ('crash', 'withheld') ORDER BY ended.seq";
        let rows = asked(tx, statement, &[&ask.run.as_str(), &ask.heard, &heard, &MOST_HEARD, &self.runner]).await?;
        let mut elsewhere = Vec::new();
        for row in &rows {
            elsewhere.extend(Heard::of(ItemId(get(row, 0)?), get(row, 1)?, get(row, 2)?, &facts_of(row, 3)?));
        }
        Ok((elsewhere, heard))
    }

    /// Whether the provider has proved in this run to be well, and how many canaries it still has to.
    pub(super) async fn what_is_proved(&self, tx: &Transaction<'_>, ask: &Ask) -> Result<(bool, u32), Undone> {
        let run = ask.run.as_str();
        let is_proved = "SELECT 1 FROM attempt a JOIN item i ON i.id = a.item \
             WHERE i.run = $1 AND a.run = $1 AND a.outcome IN ('applied', 'already', 'refused')";
        let is_proved = ask.is_half_open && is_so(tx, is_proved, &[&run]).await?;
        if ask.canaries == 0 {
            return Ok((is_proved, 0));
        }
        let wanted = i64::from(ask.canaries);
        let done = asked(
            tx,
            "SELECT count(*) FROM (SELECT 1 FROM item WHERE run = $1 AND state IN ('succeeded', 'already_done', 'ruled_done') \
             LIMIT $2) AS done",
            &[&run, &wanted],
        )
        .await?;
        let done = done.first().map(|row| natural(row, 0)).transpose()?.unwrap_or_default();
        Ok((is_proved, ask.canaries.saturating_sub(u32::try_from(done).unwrap_or(u32::MAX))))
    }

    /// Whether another runner that is at work has claimed something of the run.
    pub(super) async fn another_has_begun(&self, tx: &Transaction<'_>, run: &str) -> Result<bool, Undone> {
        let statement = format!(
            "SELECT 1 FROM member m JOIN runner r ON r.id = m.runner WHERE m.run = $1 AND m.runner <> $2 AND NOT m.idle \
             AND m.asked > 0 AND m.left_at IS NULL AND {IS_HERE}"
        );
        is_so(tx, &statement, &[&run, &self.runner]).await
    }

    /// Whether a runner was silent for longer than its lease and nobody has said so yet, or has left calls open.
    pub(in crate::journal::postgres) async fn somebody_is_gone(&self) -> Result<bool, Undone> {
        let client = self.pool.get().await?;
        let statement = client
            .prepare_cached(&format!(
                "SELECT EXISTS (SELECT 1 FROM runner r WHERE {IS_HERE} AND NOT ({IS_ALIVE})) \
                 OR EXISTS (SELECT 1 FROM attempt a JOIN runner r ON r.id = a.runner WHERE a.ended_at IS NULL \
                     AND NOT ({IS_HERE}))"
            ))
            .await?;
        let row = client.query_one(&statement, &[]).await?;
        Ok(get(&row, 0)?)
    }
}
