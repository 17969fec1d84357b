//! The statements with which the rules read and write items, attempts and the log.

use rusqlite::{OptionalExtension as _, params};

use super::failed;
use super::look;
use super::pen::Pen;
use super::runs;
use crate::journal::identity::Identity;
use crate::journal::log::Entry;
use crate::journal::record::{AttemptId, Finished, Item, ItemId, NewRun, PlanRun};
use crate::journal::rules::{Asked, Began, Desk, Ended, Standing};
use crate::journal::{Account, JournalError};
use crate::model::ids::{MerchantReference, RunId};
use crate::model::money::Tally;
use crate::model::time::Timestamp;

/// A new item that the unique indexes refuse: the invoice has one that is live or done.
fn taken(error: rusqlite::Error) -> JournalError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::ConstraintViolation) => JournalError::Taken,
        _ => failed(error),
    }
}

impl Desk for Pen {
    fn load(&self, item: ItemId) -> Result<Item, JournalError> {
        Self::load(self, item)
    }

    fn find(&self, identity: &Identity) -> Result<Option<Item>, JournalError> {
        look::find(self.connection(), identity)
    }

    fn body(&self, item: ItemId) -> Result<Vec<u8>, JournalError> {
        self.connection()
            .prepare_cached("SELECT body FROM item WHERE id = ?1")
            .and_then(|mut statement| statement.query_row([item.0], |row| row.get(0)))
            .map_err(failed)
    }

    fn item_of(&self, attempt: AttemptId) -> Result<Item, JournalError> {
        Self::item_of(self, attempt)
    }

    fn attempt(&self, attempt: AttemptId) -> Result<Option<(Item, Standing)>, JournalError> {
        let found: Option<(i64, bool)> = self
            .connection()
            .query_row("SELECT item, ended_at IS NOT NULL FROM attempt WHERE id = ?1", [attempt.0], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()
            .map_err(failed)?;
        let Some((item, has_ended)) = found else { return Ok(None) };
        Ok(Some((Self::load(self, ItemId(item))?, if has_ended { Standing::Ended } else { Standing::Open })))
    }

    fn of_key(&self, request_id: &str) -> Result<Option<Item>, JournalError> {
        let found =
            self.connection().query_row("SELECT id FROM item WHERE request_id = ?1", [request_id], |row| row.get(0));
        let found: Option<i64> = found.optional().map_err(failed)?;
        found.map(|item| Self::load(self, ItemId(item))).transpose()
    }

    fn knows_answer(&self, item: ItemId, sha256: &str) -> Result<bool, JournalError> {
        let statement =
            "SELECT EXISTS (SELECT 1 FROM event WHERE item = ?1 AND json_extract(data, '$.answer_sha256') = ?2)";
        self.connection().query_row(statement, params![item.0, sha256], |row| row.get(0)).map_err(failed)
    }

    fn began(&self, run: &RunId) -> Result<Began, JournalError> {
        Self::began(self, run)
    }

    fn begun(&self, account: &Account, at: Timestamp) -> Result<Tally, JournalError> {
        Self::begun(self, account, at)
    }

    /// Nobody else is at work: whatever is open was left by a program that is gone.
    fn left_open(&self) -> Result<Vec<(AttemptId, ItemId)>, JournalError> {
        self.connection()
            .prepare("SELECT id, item FROM attempt WHERE ended_at IS NULL ORDER BY id")
            .and_then(|mut statement| {
                statement.query_map([], |row| Ok((AttemptId(row.get(0)?), ItemId(row.get(1)?))))?.collect()
            })
            .map_err(failed)
    }

    fn in_doubt(&self) -> Result<Vec<Item>, JournalError> {
        look::in_doubt(self.connection()).map_err(failed)
    }

    fn was_contradicted(&self, item: ItemId, status: &str) -> Result<bool, JournalError> {
        self.connection()
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM event WHERE item = ?1 AND json_extract(data, '$.kind') = 'contradicted' \
                 AND json_extract(data, '$.status') = ?2)",
            )
            .and_then(|mut statement| statement.query_row(params![item.0, status], |row| row.get(0)))
            .map_err(failed)
    }

    fn runs_of_plan(&self, digest: &str) -> Result<Vec<PlanRun>, JournalError> {
        runs::of_plan(self.connection(), digest).map_err(failed)
    }

    fn insert_run(&self, run: &NewRun) -> Result<(RunId, String), JournalError> {
        runs::insert(self.connection(), run)
    }

    fn end_run(&self, finished: &Finished) -> Result<(), JournalError> {
        runs::end(self.connection(), finished)
    }

    fn next_item(&self) -> Result<ItemId, JournalError> {
        Self::next_item(self)
    }

    fn insert(&self, item: &Item, body: &[u8]) -> Result<(), JournalError> {
        let identity = &item.identity;
        self.connection()
            .prepare_cached(
                "INSERT OR FAIL INTO item (environment, client_id, operation, invoice, generation, amount, request_id, \
                 payment_reference, refund_reference, body, body_sha256, state, reason, attempts, first_intent_at, \
                 last_sent_at, facts, job, run) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    identity.account.environment.word(),
                    identity.account.client_id.as_str(),
                    identity.account.operation.word(),
                    identity.invoice.as_str(),
                    identity.generation,
                    item.amount.whole().cast_signed(),
                    item.request_id.as_str(),
                    item.payment_reference.as_str(),
                    item.refund_reference.as_ref().map(MerchantReference::as_str),
                    body,
                    item.body_sha256,
                    item.state.word(),
                    item.reason,
                    item.attempts,
                    self.stored(item.first_intent_at),
                    self.stored(item.last_sent_at),
                    self.facts(&item.facts),
                    item.job,
                    item.run.as_str(),
                ])
            })
            .map_err(taken)?;
        if self.connection().last_insert_rowid() != item.id.0 {
            return Err(JournalError::Write("an item has another number than was to be expected".into()));
        }
        self.numbered(item.id);
        self.wrote(item);
        Ok(())
    }

    /// What stays is not written: each column that is would be looked at by its triggers, and put into its indexes anew.
    fn update(&self, before: &Item, after: &Item) -> Result<(), JournalError> {
        self.wrote(after);
        if (&after.job, &after.run, after.amount, &after.payment_reference)
            != (&before.job, &before.run, before.amount, &before.payment_reference)
        {
            self.connection()
                .prepare_cached(
                    "UPDATE OR FAIL item SET job = ?2, run = ?3, amount = ?4, payment_reference = ?5 WHERE id = ?1",
                )
                .and_then(|mut statement| {
                    statement.execute(params![
                        after.id.0,
                        after.job,
                        after.run.as_str(),
                        after.amount.whole().cast_signed(),
                        after.payment_reference.as_str(),
                    ])
                })
                .map_err(failed)?;
        }
        if (after.first_intent_at, after.last_sent_at) != (before.first_intent_at, before.last_sent_at) {
            self.connection()
                .prepare_cached("UPDATE OR FAIL item SET first_intent_at = ?2, last_sent_at = ?3 WHERE id = ?1")
                .and_then(|mut statement| {
                    let (first, last) = (self.stored(after.first_intent_at), self.stored(after.last_sent_at));
                    statement.execute(params![after.id.0, first, last])
                })
                .map_err(failed)?;
        }
        self.connection()
            .prepare_cached(
                "UPDATE OR FAIL item SET state = ?2, reason = ?3, attempts = ?4, settled_at = ?5, facts = ?6 \
                 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    after.id.0,
                    after.state.word(),
                    after.reason,
                    after.attempts,
                    after.settled_at.map(|at| self.stored(at)),
                    self.facts(&after.facts),
                ])
            })
            .map(drop)
            .map_err(failed)
    }

    fn replace_body(&self, item: ItemId, body: &[u8], sha256: &str) -> Result<(), JournalError> {
        self.connection()
            .execute("UPDATE item SET body = ?2, body_sha256 = ?3 WHERE id = ?1", params![item.0, body, sha256])
            .map(drop)
            .map_err(failed)
    }

    fn count(&self, item: &Item, by: i64) -> Result<(), JournalError> {
        Self::count(self, item, by)
    }

    fn open_attempt(&self, item: &Item, run: &RunId, at: Timestamp) -> Result<AttemptId, JournalError> {
        self.connection()
            .prepare_cached(
                "INSERT OR FAIL INTO attempt (item, run, kind, request_id, sent_at) VALUES (?1, ?2, 'send', ?3, ?4)",
            )
            .and_then(|mut statement| {
                statement.execute(params![item.id.0, run.as_str(), item.request_id.as_str(), self.stored(at)])
            })
            .map_err(failed)?;
        let attempt = AttemptId(self.connection().last_insert_rowid());
        self.opened(attempt, item.id);
        Ok(attempt)
    }

    fn end_attempt(&self, attempt: AttemptId, end: &Ended<'_>) -> Result<(), JournalError> {
        self.connection()
            .prepare_cached(
                "UPDATE OR FAIL attempt SET ended_at = ?2, outcome = ?3, reason = ?4, facts = ?5, answer_headers = ?6, \
                 answer_body = ?7 WHERE id = ?1",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    attempt.0,
                    self.stored(end.at),
                    end.outcome,
                    end.reason,
                    self.facts(end.facts),
                    end.answer.headers,
                    end.answer.body
                ])
            })
            .map(drop)
            .map_err(failed)
    }

    fn add_ended(&self, attempt: &Asked<'_>, end: &Ended<'_>) -> Result<AttemptId, JournalError> {
        self.connection()
            .execute(
                "INSERT INTO attempt (item, run, kind, request_id, sent_at, ended_at, outcome, reason, facts, \
                 answer_headers, answer_body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                params![
                    attempt.item.0,
                    attempt.run.as_str(),
                    attempt.kind,
                    attempt.request_id.as_str(),
                    self.stored(attempt.sent_at),
                    self.stored(end.at),
                    end.outcome,
                    end.reason,
                    self.facts(end.facts),
                    end.answer.headers,
                    end.answer.body
                ],
            )
            .map_err(failed)?;
        Ok(AttemptId(self.connection().last_insert_rowid()))
    }

    fn append(&self, at: Timestamp, item: Option<ItemId>, entry: &Entry) -> Result<(), JournalError> {
        Self::append(self, at, item, entry)
    }
}
