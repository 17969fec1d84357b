//! Which rows of a run are whose, and who settles its unknown items.

use deadpool_postgres::Transaction;

use super::{Joint, Locked, asked, is_so};
use crate::journal::JournalError;
use crate::journal::joint::{Ask, Claimed, Work};
use crate::journal::postgres::lease::IS_HERE;
use crate::journal::postgres::look::{get, item_columns, read_item};
use crate::journal::postgres::trouble::Undone;

/// Most items that are claimed at once.
const MOST_ITEMS: i64 = 64;

impl Joint<'_> {
    /// Claims a part of a run.
    pub(in crate::journal::postgres) async fn claim(&self, ask: &Ask) -> Result<Claimed, Undone> {
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
