//! Whose turn it is to begin a run of a job, and who joins the run of another.

use deadpool_postgres::Transaction;
use tokio_postgres::types::ToSql;

use super::{Joint, Locked, asked};
use crate::journal::Account;
use crate::journal::joint::{AtWork, Joined, OpenRun, Shared, Turn};
use crate::journal::postgres::ask::words;
use crate::journal::postgres::lease::IS_ALIVE;
use crate::journal::postgres::look::{checked, get};
use crate::journal::postgres::trouble::Undone;
use crate::model::ids::RunId;
use crate::model::time;

impl Joint<'_> {
    /// Takes the turn to begin a run of a job, or says who has it.
    pub(in crate::journal::postgres) async fn turn(
        &self,
        job: &str,
        account: &Account,
        is_alone: bool,
    ) -> Result<Turn, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let [environment, client_id, operation] = words(account);
        let all: [&(dyn ToSql + Sync); 6] = [&job, &environment, &client_id, &operation, &self.runner, &is_alone];
        let statement = "INSERT INTO at_work (job, environment, client_id, operation, runner, alone) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
        asked(&tx, statement, &all).await?;
        // The lock comes first: whoever had it was registered before that, and what is asked from here on knows of it.
        let of_job = "w.job = $1 AND w.environment = $2 AND w.client_id = $3 AND w.operation = $4";
        asked(&tx, &format!("SELECT 1 FROM at_work w WHERE {of_job} FOR UPDATE"), &all[..4]).await?;
        let statement = format!(
            "UPDATE at_work w SET runner = $5, alone = $6, run = NULL WHERE {of_job} AND (w.runner = $5 \
                 OR NOT EXISTS (SELECT 1 FROM runner r WHERE r.id = w.runner AND {IS_ALIVE}) \
                 AND NOT EXISTS (SELECT 1 FROM member m JOIN runner r ON r.id = m.runner \
                     WHERE m.run = w.run AND m.left_at IS NULL AND {IS_ALIVE})) \
             RETURNING runner"
        );
        let taken = asked(&tx, &statement, &all).await?;
        if !taken.is_empty() {
            tx.commit().await?;
            return Ok(Turn::Ours);
        }
        let statement = format!(
            "SELECT o.host, w.alone, run.name, run.started_at, j.job_sha256, j.input_sha256, j.rows_sha256, j.decided \
             FROM at_work w JOIN runner o ON o.id = w.runner LEFT JOIN (joint_run j JOIN run ON run.name = j.run \
                 AND run.finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM runner r WHERE r.id = j.closer AND {IS_ALIVE})) \
                 ON j.run = w.run \
             WHERE w.job = $1 AND w.environment = $2 AND w.client_id = $3 AND w.operation = $4"
        );
        let rows = asked(&tx, &statement, &[&job, &environment, &client_id, &operation]).await?;
        let Some(row) = rows.first() else { return Err(Undone::Away("whoever was at work has just gone".into())) };
        let run = match get::<Option<String>>(row, 2)? {
            None => None,
            Some(_) => Some(OpenRun {
                run: checked(row, 2, |text| RunId::new(text).ok())?,
                started_at: checked(row, 3, time::parse_instant)?,
                shared: Shared {
                    job_sha256: get(row, 4)?,
                    input_sha256: get(row, 5)?,
                    rows_sha256: get(row, 6)?,
                    decided: get(row, 7)?,
                },
            }),
        };
        Ok(Turn::Theirs(AtWork { host: get(row, 0)?, is_alone: get(row, 1)?, run }))
    }

    /// Lets others join a run that we have just begun, and are the first to work on.
    pub(in crate::journal::postgres) async fn share(&self, run: &RunId, shared: &Shared) -> Result<(), Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let Shared { job_sha256, input_sha256, rows_sha256, decided } = shared;
        asked(
            &tx,
            "INSERT INTO joint_run (run, job_sha256, input_sha256, rows_sha256, decided) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
            &[&run.as_str(), job_sha256, input_sha256, rows_sha256, decided],
        )
        .await?;
        self.enter(&tx, run).await?;
        asked(&tx, "UPDATE at_work SET run = $2 WHERE runner = $1 AND run IS NULL", &[&self.runner, &run.as_str()])
            .await?;
        Ok(tx.commit().await?)
    }

    async fn enter(&self, tx: &Transaction<'_>, run: &RunId) -> Result<(), Undone> {
        let statement = "INSERT INTO member (run, runner) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        asked(tx, statement, &[&run.as_str(), &self.runner]).await?;
        asked(tx, "UPDATE runner SET run = $1 WHERE id = $2", &[&run.as_str(), &self.runner]).await?;
        Ok(())
    }

    /// Joins a run.
    pub(in crate::journal::postgres) async fn join(&self, run: &RunId) -> Result<Joined, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let locked = Locked::take(&tx, run, self.runner).await?;
        if let Some(why) = locked.stopped {
            return Ok(Joined::Stopped(why));
        }
        if locked.closed.is_some() || locked.has_closer {
            return Ok(Joined::TooLate);
        }
        self.enter(&tx, run).await?;
        tx.commit().await?;
        Ok(Joined::Yes)
    }
}
