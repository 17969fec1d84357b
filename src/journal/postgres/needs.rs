//! What a group of changes needs to be read, found out before any of them runs; and the reading, in one round trip however large
//! the group.

use std::collections::{BTreeSet, HashMap};

use deadpool_postgres::Client;
use tokio_postgres::Row;

use super::ask::{BEGIN, asked};
use super::lease::{Fence, Holds, bury};
use super::look::{WIDTH, checked, get, hash_of, item_columns, read_item};
use super::memo;
use super::runs;
use super::sheet::{Head, Loaded, began};
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::history::PlanUse;
use crate::journal::identity::Identity;
use crate::journal::record::{AttemptId, Intent, ItemId};
use crate::journal::rules::words::unsettled;
use crate::journal::rules::{Began, Change, date};
use crate::model::ids::RunId;

/// What a group asks for.
#[derive(Default)]
pub(super) struct Needs {
    items: BTreeSet<i64>,
    attempts: BTreeSet<i64>,
    orders: BTreeSet<[String; 4]>,
    runs: BTreeSet<String>,
    dates: BTreeSet<String>,
    contradicted: BTreeSet<i64>,
    plan: Option<String>,
    left_open: bool,
    in_doubt: bool,
    /// Outcomes that are late: the number of each attempt, and the key of its request.
    late: Vec<(AttemptId, String)>,
}

impl Needs {
    /// Adds what one change reads.
    pub(super) fn of(&mut self, change: &Change, known: &HashMap<RunId, Began>) {
        match change {
            Change::BeginRun(run) => self.plan = run.plan.as_ref().map(|PlanUse { digest, .. }| digest.clone()),
            Change::Intend(intent) => {
                let (run, at) = match intent {
                    Intent::First(first) => {
                        self.order(&first.identity);
                        (&first.run, first.at)
                    }
                    Intent::Again { run, item, at } => {
                        self.items.insert(item.0);
                        (run, *at)
                    }
                };
                if !known.contains_key(run) {
                    self.runs.insert(run.to_string());
                }
                self.dates.insert(date(at));
            }
            Change::Close(record) => {
                self.attempts.insert(record.attempt.0);
            }
            Change::Inquire(inquiry) => {
                self.items.insert(inquiry.item.0);
            }
            Change::GiveUp(item, _) | Change::Rule(item, ..) => {
                self.items.insert(item.0);
            }
            Change::TakeIn(late) => {
                self.attempts.insert(late.attempt().0);
                self.runs.insert(late.run().to_owned());
                self.late.push((late.attempt(), late.request_id().to_owned()));
            }
            Change::Recover(_) => self.left_open = true,
            Change::Stop { .. } | Change::Finish(_) => {}
            Change::Contradict(found) => {
                self.items.insert(found.item.0);
                self.contradicted.insert(found.item.0);
            }
            Change::Reopen(items, ..) => self.items.extend(items.iter().map(|item| item.0)),
            Change::Accept(acceptance, _) => {
                self.left_open |= !acceptance.reason.is_empty();
                self.in_doubt |= !acceptance.reason.is_empty();
            }
        }
    }

    fn order(&mut self, identity: &Identity) {
        let account = &identity.account;
        self.orders.insert(
            [
                identity.invoice.as_str(),
                account.operation.word(),
                account.client_id.as_str(),
                account.environment.word(),
            ]
            .map(str::to_owned),
        );
    }

    /// Begins a transaction, unless one is open; takes the lock on the log's end, which all writers wait for, and reads
    /// everything under it.
    pub(super) async fn read(
        &self,
        client: &Client,
        is_open: bool,
        fence: &Fence,
        known: Option<Head>,
        runs: &HashMap<RunId, Began>,
    ) -> Result<(Loaded, Holds), Undone> {
        let mut loaded = Loaded { runs: runs.clone(), ..Loaded::default() };
        // All of them are sent at once, in this order. Each statement sees what was committed when it begins, and each but
        // the first begins behind the lock; so that one must not have to be prepared while others are ready.
        let lock = client.prepare_cached("SELECT seq, hash FROM head FOR UPDATE").await?;
        let (opened, head, holds, is_whole, last, items, attempts, begun, days, events) = tokio::join!(
            biased;
            open(client, is_open),
            client.query(&lock, &[]),
            fence.look(client),
            memo::holds(client, known),
            asked(client, LAST, &[]),
            self.items(client),
            self.attempts(client),
            self.runs(client),
            self.days(client),
            self.contradictions(client),
        );
        opened?;
        let head = head?;
        if !is_whole? {
            return Err(JournalError::Behind.into());
        }
        let holds = holds?;
        let head = head.first().ok_or_else(|| JournalError::Read("the journal has no head".into()))?;
        loaded.head = Head { seq: get(head, 0)?, hash: hash_of(get(head, 1)?)? };
        for row in last? {
            (loaded.last_item, loaded.last_attempt) = (get(&row, 0)?, get(&row, 1)?);
        }
        for row in items? {
            let item = read_item(&row, 0)?;
            loaded.items.insert(item.id, (item, get(&row, WIDTH)?));
        }
        for row in attempts? {
            loaded.attempts.insert(AttemptId(get(&row, 0)?), (ItemId(get(&row, 1)?), get(&row, 2)?));
        }
        for row in begun? {
            let run = checked(&row, 0, |text| RunId::new(text).ok())?;
            loaded.runs.insert(run, began(get(&row, 1)?, get(&row, 2)?, get(&row, 3)?));
        }
        for row in days? {
            let day = [get(&row, 0)?, get(&row, 1)?, get(&row, 2)?, get(&row, 3)?];
            loaded.days.insert(day, (get(&row, 4)?, get(&row, 5)?));
        }
        for row in events? {
            loaded.contradicted.insert((ItemId(get(&row, 0)?), get(&row, 1)?));
        }
        if self.left_open {
            bury(client).await?;
        }
        self.read_what_few_ask_for(client, &mut loaded).await?;
        Ok((loaded, holds))
    }

    async fn read_what_few_ask_for(&self, client: &Client, loaded: &mut Loaded) -> Result<(), Undone> {
        if let Some(digest) = &self.plan {
            loaded.runs_of_plan = runs::of_plan(client, digest).await?;
        }
        for (attempt, key) in &self.late {
            let known = loaded.attempts.get(attempt).and_then(|(item, _)| loaded.items.get(item));
            if known.is_none_or(|(item, _)| item.request_id.as_str() != key) {
                // No index is kept for what happens to a journal that was put back.
                let statement = format!("SELECT {}, i.body FROM item i WHERE i.request_id = $1", item_columns("i"));
                for row in asked(client, &statement, &[key]).await? {
                    let item = read_item(&row, 0)?;
                    loaded.items.insert(item.id, (item, get(&row, WIDTH)?));
                }
            }
        }
        if !self.late.is_empty() {
            let items: Vec<i64> = loaded.items.keys().map(|item| item.0).collect();
            for row in asked(client, ANSWERS, &[&items]).await? {
                loaded.answers.insert((ItemId(get(&row, 0)?), get(&row, 1)?));
            }
        }
        let mut further = Vec::new();
        if self.left_open {
            for row in asked(client, LEFT_OPEN, &[]).await? {
                let item: i64 = get(&row, 1)?;
                loaded.left_open.push((AttemptId(get(&row, 0)?), ItemId(item)));
                further.push(item);
            }
        }
        if self.in_doubt {
            let statement = format!("SELECT id FROM item WHERE {} ORDER BY id", unsettled("state"));
            for row in asked(client, &statement, &[]).await? {
                let item: i64 = get(&row, 0)?;
                loaded.in_doubt.push(ItemId(item));
                further.push(item);
            }
        }
        further.retain(|item| !loaded.items.contains_key(&ItemId(*item)));
        if !further.is_empty() {
            let statement = format!("SELECT {}, i.body FROM item i WHERE i.id = ANY($1)", item_columns("i"));
            for row in asked(client, &statement, &[&further]).await? {
                let item = read_item(&row, 0)?;
                loaded.items.insert(item.id, (item, get(&row, WIDTH)?));
            }
        }
        Ok(())
    }

    async fn items(&self, client: &Client) -> Result<Vec<Row>, Undone> {
        let columns = item_columns("i");
        let (items, attempts) = (list(&self.items), list(&self.attempts));
        if self.orders.is_empty() {
            if items.is_empty() && attempts.is_empty() {
                return Ok(Vec::new());
            }
            let statement = format!(
                "SELECT {columns}, i.body FROM item i \
                 WHERE i.id = ANY($1 || ARRAY(SELECT a.item FROM attempt a WHERE a.id = ANY($2)))"
            );
            return asked(client, &statement, &[&items, &attempts]).await;
        }
        let column = |index: usize| self.orders.iter().map(|order| order[index].as_str()).collect::<Vec<_>>();
        let statement = format!(
            "SELECT {columns}, i.body FROM item i \
             WHERE i.id = ANY($1 || ARRAY(SELECT a.item FROM attempt a WHERE a.id = ANY($2)) || ARRAY(SELECT o.id FROM item o \
                 JOIN unnest($3::text[], $4::text[], $5::text[], $6::text[]) AS w(invoice, operation, client_id, environment) \
                 ON o.invoice = w.invoice AND o.operation = w.operation AND o.client_id = w.client_id \
                 AND o.environment = w.environment))"
        );
        asked(client, &statement, &[&items, &attempts, &column(0), &column(1), &column(2), &column(3)]).await
    }

    async fn attempts(&self, client: &Client) -> Result<Vec<Row>, Undone> {
        if self.attempts.is_empty() {
            return Ok(Vec::new());
        }
        let statement = "SELECT id, item, ended_at IS NOT NULL FROM attempt WHERE id = ANY($1)";
        asked(client, statement, &[&list(&self.attempts)]).await
    }

    async fn runs(&self, client: &Client) -> Result<Vec<Row>, Undone> {
        if self.runs.is_empty() {
            return Ok(Vec::new());
        }
        let statement = "SELECT name, job, most_orders_per_day, most_rupiah_per_day FROM run WHERE name = ANY($1)";
        asked(client, statement, &[&texts(&self.runs)]).await
    }

    async fn days(&self, client: &Client) -> Result<Vec<Row>, Undone> {
        if self.dates.is_empty() {
            return Ok(Vec::new());
        }
        let statement = "SELECT environment, client_id, operation, date, orders, rupiah FROM day WHERE date = ANY($1)";
        asked(client, statement, &[&texts(&self.dates)]).await
    }

    async fn contradictions(&self, client: &Client) -> Result<Vec<Row>, Undone> {
        if self.contradicted.is_empty() {
            return Ok(Vec::new());
        }
        let statement = "SELECT item, data::json ->> 'status' FROM event \
                         WHERE item = ANY($1) AND data::json ->> 'kind' = 'contradicted'";
        asked(client, statement, &[&list(&self.contradicted)]).await
    }
}

async fn open(client: &Client, is_open: bool) -> Result<(), tokio_postgres::Error> {
    if is_open { Ok(()) } else { client.batch_execute(BEGIN).await }
}

/// The last numbers that were given.
const LAST: &str = "SELECT coalesce((SELECT max(id) FROM item), 0), coalesce((SELECT max(id) FROM attempt), 0)";

/// The answers that the log has of items.
const ANSWERS: &str = "SELECT item, data::json ->> 'answer_sha256' FROM event \
     WHERE item = ANY($1) AND data::json ->> 'answer_sha256' IS NOT NULL";

/// Attempts without an end whose runner is at work no more.
const LEFT_OPEN: &str = "SELECT a.id, a.item FROM attempt a LEFT JOIN runner r ON r.id = a.runner \
     WHERE a.ended_at IS NULL AND (r.id IS NULL OR r.left_at IS NOT NULL OR r.lost_at IS NOT NULL) ORDER BY a.id";

fn list(numbers: &BTreeSet<i64>) -> Vec<i64> {
    numbers.iter().copied().collect()
}

fn texts(texts: &BTreeSet<String>) -> Vec<&str> {
    texts.iter().map(String::as_str).collect()
}
