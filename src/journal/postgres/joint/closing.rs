//! The end of a run: who closes it, how it is stopped for all, where its report is, and who has worked on it.

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::Row;

use super::{Joint, Locked, asked, is_so};
use crate::journal::JournalError;
use crate::journal::joint::{Draft, Host, Leaving, Standing};
use crate::journal::postgres::lease::IS_ALIVE;
use crate::journal::postgres::look::get;
use crate::journal::postgres::trouble::Undone;
use crate::model::ids::RunId;

impl Joint<'_> {
    /// How we stand to a run for which we have nothing more to do.
    pub(in crate::journal::postgres) async fn close(&self, run: &RunId) -> Result<Standing, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let locked = Locked::take(&tx, run, self.runner).await?;
        let standing = self.standing(&tx, run, locked, false).await?;
        tx.commit().await?;
        Ok(standing)
    }

    /// Leaves a run before it is over; the last one who leaves closes it.
    pub(in crate::journal::postgres) async fn leave(&self, run: &RunId, leaving: &Leaving) -> Result<Standing, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let locked = Locked::take(&tx, run, self.runner).await?;
        let statement = "UPDATE member SET left_at = coalesce(left_at, clock_timestamp()), idle = true \
             WHERE run = $1 AND runner = $2";
        asked(&tx, statement, &[&run.as_str(), &self.runner]).await?;
        if let Leaving::ForAll(why) = leaving {
            let statement = "UPDATE joint_run SET stopped = coalesce(stopped, $2) WHERE run = $1";
            asked(&tx, statement, &[&run.as_str(), why]).await?;
        }
        let others = format!(
            "SELECT 1 FROM member m JOIN runner r ON r.id = m.runner \
             WHERE m.run = $1 AND m.runner <> $2 AND m.left_at IS NULL AND {IS_ALIVE}"
        );
        let others_go_on = is_so(&tx, &others, &[&run.as_str(), &self.runner]).await?;
        let standing = self.standing(&tx, run, locked, others_go_on).await?;
        tx.commit().await?;
        Ok(standing)
    }

    /// Closes a run, unless somebody else does, has done, or is to do so.
    async fn standing(
        &self,
        tx: &Transaction<'_>,
        run: &RunId,
        locked: Locked,
        others_go_on: bool,
    ) -> Result<Standing, Undone> {
        let is_being_closed = locked.has_closer && locked.closer != Some(self.runner);
        match locked.closed {
            Some(closed) => Ok(Standing::Closed(closed)),
            None if is_being_closed || others_go_on => Ok(Standing::Waits),
            None => {
                asked(tx, "UPDATE joint_run SET closer = $2 WHERE run = $1", &[&run.as_str(), &self.runner]).await?;
                Ok(Standing::Closes)
            }
        }
    }

    /// Stops a run for all who work on it, if it is a joint one.
    pub(in crate::journal::postgres) async fn stop(&self, run: &RunId, why: &str) -> Result<(), Undone> {
        let client = self.pool.get().await?;
        let statement = "UPDATE joint_run SET stopped = coalesce(stopped, $2) WHERE run = $1";
        client.execute(statement, &[&run.as_str(), &why]).await?;
        Ok(())
    }

    /// Says where the report of a run is that we close.
    pub(in crate::journal::postgres) async fn reported(&self, run: &RunId, report: &str) -> Result<(), Undone> {
        let client = self.pool.get().await?;
        let statement = "UPDATE joint_run SET report = (SELECT host FROM runner WHERE id = $2) || ':' || $3::text \
             WHERE run = $1 AND closer = $2";
        client.execute(statement, &[&run.as_str(), &self.runner, &report]).await?;
        Ok(())
    }

    /// What became of a report that a runner had made before the end of its run was recorded.
    pub(in crate::journal::postgres) async fn draft(&self, run: &RunId, runner: i64) -> Result<Draft, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        // Behind the lock: whoever is about to record the end of the run has done so, or cannot any more.
        tx.query("SELECT seq FROM head FOR UPDATE", &[]).await?;
        let statement = format!(
            "SELECT run.finished_at IS NOT NULL AND j.closer = $2, EXISTS (SELECT 1 FROM runner r WHERE r.id = $2 AND {IS_ALIVE}) \
             FROM run JOIN joint_run j ON j.run = run.name WHERE run.name = $1"
        );
        let row = tx.query_opt(&statement, &[&run.as_str(), &runner]).await?;
        tx.rollback().await?;
        let Some(row) = row else {
            return Ok(Draft::Unknown);
        };
        Ok(match (get::<Option<bool>>(&row, 0)?, get(&row, 1)?) {
            (Some(true), _) => Draft::Accepted,
            (_, true) => Draft::Pending,
            (_, false) => Draft::Void,
        })
    }
}

/// Everybody who has worked on a run, in the order in which they came.
pub(in crate::journal::postgres) async fn hosts(pool: &Pool, run: &RunId) -> Result<Vec<Host>, Undone> {
    let client = pool.get().await?;
    let statement = "SELECT r.host, r.pid, r.lost_at IS NOT NULL FROM member m JOIN runner r ON r.id = m.runner \
         WHERE m.run = $1 ORDER BY r.id";
    let read = |row: &Row| {
        let pid = u32::try_from(get::<i64>(row, 1)?).unwrap_or_default();
        Ok(Host { host: get(row, 0)?, pid, is_lost: get(row, 2)? })
    };
    let rows = client.query(statement, &[&run.as_str()]).await?;
    Ok(rows.iter().map(read).collect::<Result<_, JournalError>>()?)
}
