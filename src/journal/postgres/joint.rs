//! Joint runs: who is at work on a job, which rows of a run are whose, and who closes it.
//!
//! Everything here happens under a lock on the run's row in `joint_run`, so that the runners of one run ask one after the other;
//! the lock on the log's end is not needed, for nothing that is claimed is part of the log. A claim that was committed and not
//! heard of is answered again: each question has a number, and its answer stays with its asker until the next.

use deadpool_postgres::{Pool, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::lease::{IS_ALIVE, IS_HERE};
use super::look::{checked, facts_of, get, item_columns, natural, read_item};
use super::trouble::Undone;
use crate::journal::joint::{
    Ask, AtWork, Claimed, Closed, Draft, Heard, Host, Joined, Leaving, OpenRun, Shared, Standing, Turn, Work,
};
use crate::journal::record::ItemId;
use crate::journal::{Account, JournalError};
use crate::model::ids::RunId;
use crate::model::time;

/// Most items that are claimed at once.
const MOST_ITEMS: i64 = 64;

/// Most ends of calls that are heard of at once: more than there are between two questions.
const MOST_HEARD: i64 = 1024;

/// The tables of joint runs.
pub(super) const TABLES: &str = "
CREATE TABLE at_work (
    job text NOT NULL,
    environment text NOT NULL,
    client_id text NOT NULL,
    operation text NOT NULL,
    runner bigint NOT NULL REFERENCES runner,
    alone boolean NOT NULL,
    run text,
    PRIMARY KEY (job, environment, client_id, operation)
);

CREATE TABLE joint_run (
    run text PRIMARY KEY REFERENCES run (name),
    job_sha256 text NOT NULL,
    input_sha256 text NOT NULL,
    rows_sha256 text NOT NULL,
    decided bytea NOT NULL,
    stopped text,
    closer bigint REFERENCES runner,
    report text NOT NULL DEFAULT ''
);

CREATE TABLE member (
    run text NOT NULL REFERENCES joint_run,
    runner bigint NOT NULL REFERENCES runner,
    idle boolean NOT NULL DEFAULT false,
    left_at timestamptz,
    freed boolean NOT NULL DEFAULT false,
    asked bigint NOT NULL DEFAULT 0,
    rows bigint[] NOT NULL DEFAULT '{}',
    items bigint[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (run, runner)
);

CREATE TABLE claimed_item (
    run text NOT NULL REFERENCES joint_run,
    item bigint NOT NULL REFERENCES item,
    runner bigint NOT NULL REFERENCES runner,
    PRIMARY KEY (run, item)
);

CREATE INDEX run_row_free ON run_row (run, number) WHERE runner IS NULL AND fate = 'send' AND rupiah > 0;
";

/// One runner's view of joint runs.
pub(super) struct Joint<'a> {
    pub(super) pool: &'a Pool,
    pub(super) runner: i64,
}

async fn asked(tx: &Transaction<'_>, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<Vec<Row>, Undone> {
    let prepared = tx.prepare_cached(statement).await?;
    Ok(tx.query(&prepared, values).await?)
}

async fn is_so(tx: &Transaction<'_>, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<bool, Undone> {
    let rows = asked(tx, &format!("SELECT EXISTS ({statement})"), values).await?;
    Ok(rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default())
}

fn account_words(account: &Account) -> [&str; 3] {
    [account.environment.word(), account.client_id.as_str(), account.operation.word()]
}

impl Joint<'_> {
    /// Takes the turn to begin a run of a job, or says who has it.
    pub(super) async fn turn(&self, job: &str, account: &Account, is_alone: bool) -> Result<Turn, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let [environment, client_id, operation] = account_words(account);
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
    pub(super) async fn share(&self, run: &RunId, shared: &Shared) -> Result<(), Undone> {
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
    pub(super) async fn join(&self, run: &RunId) -> Result<Joined, Undone> {
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

    /// Claims a part of a run.
    pub(super) async fn claim(&self, ask: &Ask) -> Result<Claimed, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let claimed = self.claim_in(&tx, ask).await?;
        tx.commit().await?;
        Ok(claimed)
    }

    async fn claim_in(&self, tx: &Transaction<'_>, ask: &Ask) -> Result<Claimed, Undone> {
        let run = ask.run.as_str();
        let locked = Locked::take(tx, &ask.run, self.runner).await?;
        if let Some(why) = locked.stopped {
            return Ok(Claimed::Stopped(why));
        }
        if locked.closed.is_some() || locked.has_closer {
            return Ok(Claimed::Over);
        }
        let statement = "SELECT asked, rows, items FROM member WHERE run = $1 AND runner = $2";
        let member = asked(tx, statement, &[&run, &self.runner]).await?;
        let member = member.first().ok_or_else(|| JournalError::Read("this program has not joined the run".into()))?;
        free_what_the_gone_had(tx, run).await?;
        let (is_proved, canaries) = self.what_is_proved(tx, ask).await?;
        let others_prove = (canaries > 0 || ask.is_half_open && !is_proved) && self.another_has_begun(tx, run).await?;
        let number = i64::try_from(ask.number).unwrap_or(i64::MAX);
        let (rows, items): (Vec<i64>, Vec<i64>) = if get::<i64>(member, 0)? == number {
            (get(member, 1)?, get(member, 2)?)
        } else if others_prove {
            (Vec::new(), Vec::new())
        } else {
            (self.rows(tx, run, ask.most).await?, self.items(tx, run).await?)
        };
        let is_idle = ask.is_idle && rows.is_empty() && items.is_empty();
        asked(
            tx,
            "UPDATE member SET asked = $3, rows = $4, items = $5, idle = $6 WHERE run = $1 AND runner = $2",
            &[&run, &self.runner, &number, &rows, &items, &is_idle],
        )
        .await?;
        if is_idle && nothing_is_left(tx, run).await? {
            return Ok(Claimed::Over);
        }
        let statement = format!("SELECT {} FROM item i WHERE i.id = ANY($1) ORDER BY i.id", item_columns("i"));
        let items = if items.is_empty() { Vec::new() } else { asked(tx, &statement, &[&items]).await? };
        let (elsewhere, heard) = self.elsewhere(tx, ask).await?;
        Ok(Claimed::Work(Work {
            elsewhere,
            heard,
            rows: rows.into_iter().map(i64::cast_unsigned).collect(),
            items: items.iter().map(|row| read_item(row, 0)).collect::<Result<_, _>>()?,
            canaries,
            is_proved,
        }))
    }

    /// How calls of others in the run have ended behind what was heard already, and up to which entry. What was closed for a
    /// runner that was lost says nothing of the provider.
    async fn elsewhere(&self, tx: &Transaction<'_>, ask: &Ask) -> Result<(Vec<Heard>, i64), Undone> {
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
    async fn what_is_proved(&self, tx: &Transaction<'_>, ask: &Ask) -> Result<(bool, u32), Undone> {
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
    async fn another_has_begun(&self, tx: &Transaction<'_>, run: &str) -> Result<bool, Undone> {
        let statement = format!(
            "SELECT 1 FROM member m JOIN runner r ON r.id = m.runner WHERE m.run = $1 AND m.runner <> $2 AND NOT m.idle \
             AND m.asked > 0 AND m.left_at IS NULL AND {IS_HERE}"
        );
        is_so(tx, &statement, &[&run, &self.runner]).await
    }

    async fn rows(&self, tx: &Transaction<'_>, run: &str, most: u32) -> Result<Vec<i64>, Undone> {
        if most == 0 {
            return Ok(Vec::new());
        }
        let statement = "UPDATE run_row w SET runner = $2 FROM ( \
                 SELECT f.run, f.number FROM run_row f WHERE f.run = (SELECT id FROM run WHERE name = $1) \
                 AND f.runner IS NULL AND f.fate = 'send' AND f.rupiah > 0 \
                 ORDER BY f.number FOR UPDATE SKIP LOCKED LIMIT $3) AS free \
             WHERE w.run = free.run AND w.number = free.number RETURNING w.number";
        let rows = asked(tx, statement, &[&run, &self.runner, &i64::from(most)]).await?;
        let mut numbers = rows.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Unknown items of the job that nobody at work has in hand: by the last call that was made for each, and by what was
    /// claimed. Whose it is in the item's own row does not count: whoever marks an item as unknown need not settle it.
    async fn items(&self, tx: &Transaction<'_>, run: &str) -> Result<Vec<i64>, Undone> {
        let statement = format!(
            "INSERT INTO claimed_item AS c (run, item, runner) \
             SELECT $1, i.id, $2 FROM item i JOIN run ON run.name = $1 AND i.job = run.job \
                 AND i.environment = run.environment AND i.client_id = run.client_id AND i.operation = run.operation \
             WHERE i.state = 'unknown' \
                 AND NOT EXISTS (SELECT 1 FROM claimed_item k JOIN runner r ON r.id = k.runner \
                     WHERE k.run = $1 AND k.item = i.id AND {IS_HERE}) \
                 AND NOT EXISTS (SELECT 1 FROM runner r WHERE {IS_HERE} AND r.id = \
                     (SELECT a.runner FROM attempt a WHERE a.item = i.id ORDER BY a.id DESC LIMIT 1)) \
             ORDER BY i.id LIMIT $3 \
             ON CONFLICT (run, item) DO UPDATE SET runner = excluded.runner RETURNING item"
        );
        let rows = asked(tx, &statement, &[&run, &self.runner, &MOST_ITEMS]).await?;
        Ok(rows.iter().map(|row| get(row, 0)).collect::<Result<_, _>>()?)
    }

    /// How we stand to a run for which we have nothing more to do.
    pub(super) async fn close(&self, run: &RunId) -> Result<Standing, Undone> {
        let mut client = self.pool.get().await?;
        let tx = client.transaction().await?;
        let locked = Locked::take(&tx, run, self.runner).await?;
        let standing = self.standing(&tx, run, locked, false).await?;
        tx.commit().await?;
        Ok(standing)
    }

    /// Leaves a run before it is over; the last one who leaves closes it.
    pub(super) async fn leave(&self, run: &RunId, leaving: &Leaving) -> Result<Standing, Undone> {
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
    pub(super) async fn stop(&self, run: &RunId, why: &str) -> Result<(), Undone> {
        let client = self.pool.get().await?;
        let statement = "UPDATE joint_run SET stopped = coalesce(stopped, $2) WHERE run = $1";
        client.execute(statement, &[&run.as_str(), &why]).await?;
        Ok(())
    }

    /// Says where the report of a run is that we close.
    pub(super) async fn reported(&self, run: &RunId, report: &str) -> Result<(), Undone> {
        let client = self.pool.get().await?;
        let statement = "UPDATE joint_run SET report = (SELECT host FROM runner WHERE id = $2) || ':' || $3::text \
             WHERE run = $1 AND closer = $2";
        client.execute(statement, &[&run.as_str(), &self.runner, &report]).await?;
        Ok(())
    }

    /// What became of a report that a runner had made before the end of its run was recorded.
    pub(super) async fn draft(&self, run: &RunId, runner: i64) -> Result<Draft, Undone> {
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

    /// Whether a runner was silent for longer than its lease and nobody has said so yet, or has left calls open.
    pub(super) async fn somebody_is_gone(&self) -> Result<bool, Undone> {
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

/// Everybody who has worked on a run, in the order in which they came.
pub(super) async fn hosts(pool: &Pool, run: &RunId) -> Result<Vec<Host>, Undone> {
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

/// A joint run whose row is locked until the end of the transaction.
struct Locked {
    stopped: Option<String>,
    closer: Option<i64>,
    /// Whether whoever closes it is at work.
    has_closer: bool,
    closed: Option<Closed>,
}

impl Locked {
    /// For a runner that is at work; one that is lost has nothing to say any more.
    async fn take(tx: &Transaction<'_>, run: &RunId, runner: i64) -> Result<Self, Undone> {
        let statement = "SELECT stopped, closer, report FROM joint_run WHERE run = $1 FOR UPDATE";
        let rows = asked(tx, statement, &[&run.as_str()]).await?;
        let row = rows.first().ok_or_else(|| JournalError::Read(format!("{run} is no joint run")))?;
        let closer: Option<i64> = get(row, 1)?;
        let alive = format!("SELECT 1 FROM runner r WHERE r.id = $1 AND {IS_ALIVE}");
        if !is_so(tx, &alive, &[&runner]).await? {
            return Err(JournalError::Fenced.into());
        }
        let has_closer = closer.is_some() && is_so(tx, &alive, &[&closer]).await?;
        let statement = "SELECT exit_code FROM run WHERE name = $1 AND finished_at IS NOT NULL";
        let ended = asked(tx, statement, &[&run.as_str()]).await?;
        let closed = match ended.first() {
            None => None,
            Some(ended) => {
                let exit_code =
                    get::<Option<i16>>(ended, 0)?.and_then(|code| u8::try_from(code).ok()).unwrap_or_default();
                Some(Closed { exit_code, report: get(row, 2)? })
            }
        };
        Ok(Self { stopped: get(row, 0)?, closer, has_closer, closed })
    }
}

/// Rows of runners that are gone are free again, unless something was begun for them: that is an item, and is settled as one.
async fn free_what_the_gone_had(tx: &Transaction<'_>, run: &str) -> Result<(), Undone> {
    let statement = "UPDATE member m SET freed = true FROM runner r WHERE m.run = $1 AND r.id = m.runner AND NOT m.freed \
         AND (m.left_at IS NOT NULL OR r.left_at IS NOT NULL OR r.lost_at IS NOT NULL) RETURNING m.runner";
    let gone = asked(tx, statement, &[&run]).await?;
    let gone = gone.iter().map(|row| get(row, 0)).collect::<Result<Vec<i64>, _>>()?;
    if gone.is_empty() {
        return Ok(());
    }
    let statement = "UPDATE run_row w SET runner = NULL FROM run WHERE run.name = $1 AND w.run = run.id AND w.runner = ANY($2) \
         AND w.fate = 'send' AND NOT EXISTS (SELECT 1 FROM item i WHERE i.environment = run.environment \
             AND i.client_id = run.client_id AND i.operation = run.operation AND i.invoice = w.invoice \
             AND i.run = run.name AND i.state <> 'planned')";
    asked(tx, statement, &[&run, &gone]).await.map(drop)
}

/// Whether no row is free and nobody at work has anything in hand.
async fn nothing_is_left(tx: &Transaction<'_>, run: &str) -> Result<bool, Undone> {
    let statement = format!(
        "SELECT 1 FROM member m JOIN runner r ON r.id = m.runner \
         WHERE m.run = $1 AND NOT m.idle AND m.left_at IS NULL AND {IS_HERE} \
         UNION ALL SELECT 1 FROM run_row f WHERE f.run = (SELECT id FROM run WHERE name = $1) \
         AND f.runner IS NULL AND f.fate = 'send' AND f.rupiah > 0"
    );
    Ok(!is_so(tx, &statement, &[&run]).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Journal as _;
    use crate::journal::conformance::{Ground, answered, at, first, new_run};
    use crate::journal::joint::Health;
    use crate::journal::record::Finished;
    use crate::journal::state::State;
    use crate::journal::store::Store;
    use crate::model::outcome::{Doubt, Outcome, Refusal, SignatureCheck, Unsent};

    /// Two runners on a run of seven orders; `None`: PostgreSQL is not installed.
    async fn two_runners() -> Option<(Ground, Store, Store, RunId)> {
        let ground = Ground::in_postgres()?;
        let (one, two) = (ground.open().await, ground.open().await);
        let run = one.begin_run(new_run("job", &[1, 2, 3, 4, 5, 6, 7])).await.unwrap();
        let text = String::new;
        let shared = Shared { job_sha256: text(), input_sha256: text(), rows_sha256: text(), decided: Vec::new() };
        one.share(&run, &shared).await.unwrap();
        assert_eq!(two.join(&run).await.unwrap(), Joined::Yes);
        Some((ground, one, two, run))
    }

    fn ask(run: &RunId, number: u64, most: u32) -> Ask {
        let (run, is_idle) = (run.clone(), most > 99);
        Ask { run, most, canaries: 0, is_half_open: false, is_idle, heard: 0, number, at: at(1) }
    }

    fn work(claimed: Result<Claimed, JournalError>) -> Work {
        let Ok(Claimed::Work(work)) = claimed else { panic!("{claimed:?}") };
        Work { elsewhere: Vec::new(), heard: 0, ..work }
    }

    #[tokio::test]
    async fn whoever_has_heard_of_more_than_the_log_holds_is_behind() {
        let Some((_ground, one, _two, run)) = two_runners().await else { return };
        let Ok(Claimed::Work(Work { heard, .. })) = one.claim(ask(&run, 1, 3)).await else { panic!("there is work") };
        let told = one.claim(Ask { heard: heard + 1, ..ask(&run, 2, 3) }).await;
        assert!(matches!(told, Err(JournalError::Behind)), "{told:?}");
    }

    #[tokio::test]
    async fn a_row_is_claimed_once_and_the_same_question_has_the_same_answer() {
        let Some((_ground, one, two, run)) = two_runners().await else { return };
        assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3]);
        assert_eq!(work(two.claim(ask(&run, 1, 3)).await).rows, [4, 5, 6]);
        assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3], "its answer was not heard");
        assert_eq!(work(one.claim(ask(&run, 2, 3)).await).rows, [7]);
    }

    #[tokio::test]
    async fn each_runner_hears_once_how_the_calls_of_the_others_ended() {
        let Some((_ground, one, two, run)) = two_runners().await else { return };
        let outcomes = [
            Outcome::Applied,
            Outcome::Ambiguous(Doubt::Timeout),
            Outcome::Throttled(SignatureCheck::Valid),
            Outcome::NotSent(Unsent::Connect),
            Outcome::Refused(Refusal::PaymentPending),
        ];
        let mut items = Vec::new();
        for (number, outcome) in (1..).zip(outcomes) {
            let intent = one.record_intent(first(&run, number, "body")).await.unwrap();
            items.push(intent.item().id);
            one.record_outcome(answered(intent.attempt(), outcome)).await.unwrap();
        }
        let all = [
            Heard::Send(items[0], Health::Good),
            Heard::Send(items[1], Health::Bad),
            Heard::Send(items[3], Health::Bad),
            Heard::Send(items[4], Health::Good),
        ];
        let hears = async |journal: &Store, heard: i64, number: u64| match journal
            .claim(Ask { heard, ..ask(&run, number, 0) })
            .await
        {
            Ok(Claimed::Work(work)) => (work.elsewhere, work.heard),
            other => panic!("{other:?}"),
        };
        let (elsewhere, heard) = hears(&two, 0, 1).await;
        assert_eq!(elsewhere, all);
        assert_eq!(hears(&two, 0, 1).await.0, all, "its answer was not heard");
        assert_eq!(hears(&two, heard, 2).await, (Vec::new(), heard), "once");
        assert_eq!(hears(&one, 0, 1).await.0, [], "it knows of its own");
        let intent = two.record_intent(first(&run, 6, "body")).await.unwrap();
        two.record_outcome(answered(intent.attempt(), Outcome::Applied)).await.unwrap();
        assert_eq!(hears(&one, heard, 2).await.0, [Heard::Send(intent.item().id, Health::Good)]);
    }

    #[tokio::test]
    async fn what_a_lost_runner_had_not_begun_is_free_and_what_it_had_is_settled_by_another() {
        let Some((ground, one, two, run)) = two_runners().await else { return };
        assert_eq!(work(one.claim(ask(&run, 1, 3)).await).rows, [1, 2, 3]);
        one.record_intent(first(&run, 2, "body")).await.unwrap();
        let Ground::Database(database) = &ground else { panic!("it is one") };
        database.sql("UPDATE runner SET lease_until = clock_timestamp() - interval '1 s' WHERE id = (SELECT min(id) FROM runner)");
        let taken_over = work(two.claim(ask(&run, 1, 9)).await);
        assert_eq!(taken_over.rows, [1, 3, 4, 5, 6, 7]);
        let items: Vec<_> = taken_over.items.iter().map(|item| (item.identity.invoice.as_str(), item.state)).collect();
        assert_eq!(items, [("INV-2", State::Unknown)]);
        assert_eq!(work(two.claim(ask(&run, 2, 9)).await), Work::default(), "it has all of it");
        assert!(matches!(one.record_intent(first(&run, 3, "body")).await, Err(JournalError::Fenced)));
        assert!(matches!(one.claim(ask(&run, 2, 9)).await, Err(JournalError::Fenced)), "it has nothing to claim");
        assert!(matches!(one.leave(&run, &Leaving::Alone).await, Err(JournalError::Fenced)));
        let lost: Vec<bool> = two.hosts(&run).await.unwrap().iter().map(|host| host.is_lost).collect();
        assert_eq!(lost, [true, false]);
    }

    #[tokio::test]
    async fn a_runner_that_is_buried_before_it_shares_a_run_is_told_what_has_become_of_it() {
        let Some((ground, one, _two, run)) = two_runners().await else { return };
        let Ground::Database(database) = &ground else { panic!("it is one") };
        database.sql("UPDATE runner SET lost_at = clock_timestamp() WHERE id = (SELECT min(id) FROM runner)");
        let text = String::new;
        let shared = Shared { job_sha256: text(), input_sha256: text(), rows_sha256: text(), decided: Vec::new() };
        let told = one.share(&run, &shared).await;
        assert!(matches!(told, Err(JournalError::Fenced)), "{told:?}");
    }

    #[tokio::test]
    async fn it_is_over_when_nobody_has_anything_left_and_one_of_them_closes_it() {
        let Some((_ground, one, two, run)) = two_runners().await else { return };
        assert_eq!(work(one.claim(ask(&run, 1, 9)).await).rows.len(), 7);
        assert_eq!(work(two.claim(ask(&run, 1, 100)).await), Work::default(), "the other one has something left");
        assert_eq!(one.claim(ask(&run, 2, 100)).await.unwrap(), Claimed::Over);
        assert_eq!(two.claim(ask(&run, 2, 100)).await.unwrap(), Claimed::Over);
        assert_eq!(one.close(&run).await.unwrap(), Standing::Closes);
        assert_eq!(two.close(&run).await.unwrap(), Standing::Waits);
        assert_eq!(two.join(&run).await.unwrap(), Joined::TooLate);
        one.reported(&run, "out/job").await.unwrap();
        one.finish_run(Finished { run: run.clone(), at: at(9), exit_code: 1, stopped: None }).await.unwrap();
        let Standing::Closed(Closed { exit_code, report }) = two.close(&run).await.unwrap() else { panic!("it is") };
        assert!(exit_code == 1 && report.ends_with(":out/job"), "{report}");
    }

    #[tokio::test]
    async fn whoever_stops_a_run_for_all_stops_it_for_all() {
        let Some((_ground, one, two, run)) = two_runners().await else { return };
        one.stop_run(run.clone(), "breaker".into(), at(2)).await.unwrap();
        assert_eq!(two.claim(ask(&run, 1, 9)).await.unwrap(), Claimed::Stopped("breaker".into()));
        assert_eq!(one.leave(&run, &Leaving::ForAll("breaker".into())).await.unwrap(), Standing::Waits);
        assert_eq!(two.leave(&run, &Leaving::Alone).await.unwrap(), Standing::Closes, "the last one");
    }

    #[tokio::test]
    async fn a_turn_that_another_takes_at_this_moment_is_his() {
        let Some((ground, one, two, _run)) = two_runners().await else { return };
        let account = crate::journal::conformance::account();
        assert_eq!(one.turn("job", &account, false).await.unwrap(), Turn::Ours);
        drop(one);
        let Ground::Database(database) = &ground else { panic!("it is one") };
        let address =
            crate::journal::postgres::address::Address::parse(&database.url(), std::path::Path::new("/"), &|_| None);
        let pool = crate::journal::postgres::connect::connect(&address.unwrap()).await.unwrap();
        // A third runner registers and is about to take the turn, and none of it is committed yet.
        let third = pool.get().await.unwrap();
        third
            .batch_execute(
                "BEGIN; INSERT INTO runner (id, host, pid, lease_until) VALUES (99, 'third', 3, clock_timestamp() + interval '1 min'); \
                 SELECT 1 FROM at_work FOR UPDATE",
            )
            .await
            .unwrap();
        let committing = async {
            let waits =
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
            while pool.get().await.unwrap().query(waits, &[]).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
            third.batch_execute("UPDATE at_work SET runner = 99, run = NULL; COMMIT").await.unwrap();
        };
        let (turn, ()) = tokio::join!(two.turn("job", &account, false), committing);
        let Turn::Theirs(at_work) = turn.unwrap() else { panic!("two have the turn") };
        assert_eq!(at_work.host, "third");
    }

    #[tokio::test]
    async fn one_runner_at_a_time_has_the_turn_of_a_job() {
        let Some((_ground, one, two, run)) = two_runners().await else { return };
        let account = crate::journal::conformance::account();
        assert_eq!(one.turn("job", &account, false).await.unwrap(), Turn::Ours);
        let Turn::Theirs(at_work) = two.turn("job", &account, false).await.unwrap() else { panic!("it is taken") };
        assert_eq!((at_work.is_alone, at_work.run), (false, None), "its run was shared before it took the turn");
        assert_eq!(two.turn("other", &account, true).await.unwrap(), Turn::Ours, "another job");
        drop(one);
        assert_eq!(two.turn("job", &account, true).await.unwrap(), Turn::Ours, "whoever had it has gone");
        assert_eq!(two.hosts(&run).await.unwrap().len(), 2);
    }
}
