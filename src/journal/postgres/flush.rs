//! Writing a sheet: a handful of statements however many changes, sent at once, and behind them the commit.

use std::collections::{BTreeMap, HashMap};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use deadpool_postgres::Client;
use tokio_postgres::types::ToSql;

use super::sheet::{Day, End, Head, NewAttempt, Pages, Written};
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::record::{AttemptId, Finished, Item, ItemId};
use crate::journal::rules::{ended_before, facts_text};
use crate::journal::state::State;
use crate::model::ids::MerchantReference;
use crate::model::time;

/// A statement with its values, one array for each column.
pub(super) struct Ready {
    sql: String,
    values: Vec<Box<dyn ToSql + Send + Sync>>,
}

impl Ready {
    pub(super) fn new(sql: impl Into<String>) -> Self {
        Self { sql: sql.into(), values: Vec::new() }
    }

    /// The next value.
    pub(super) fn with(mut self, value: impl ToSql + Send + Sync + 'static) -> Self {
        self.values.push(Box::new(value));
        self
    }
}

/// Writes what a group has come to, behind the lock on the log's end; the caller commits. `runner` has in hand from now on
/// what is open.
pub(super) async fn flush(
    client: &Client,
    runner: Option<i64>,
    (before, after): (Head, Head),
    pages: Pages,
) -> Result<(), Undone> {
    if before == after {
        return Ok(());
    }
    let mut all = vec![move_head(before, after)];
    if !pages.new_items.is_empty() {
        all.push(insert_items(runner, &pages.new_items));
    }
    let mut bodies = pages.bodies;
    all.extend(waves(&pages.steps).iter().map(|wave| update_items(runner, wave, &mut bodies)));
    if !pages.new_attempts.is_empty() {
        all.push(insert_attempts(runner, &pages.new_attempts));
    }
    if !pages.ended_attempts.is_empty() {
        all.push(end_attempts(&pages.ended_attempts));
    }
    all.push(insert_events(&pages.entries));
    if !pages.days.is_empty() {
        all.extend(count_days(&pages.days));
    }
    all.extend(pages.ended_runs.iter().map(end_run));
    let written = execute(client, &all).await?;
    if written.first() != Some(&1) {
        return Err(JournalError::Write("the end of the log is not where it was".into()).into());
    }
    // Whoever ended one of them before has held the lock before.
    let ended = &written[written.len() - pages.ended_runs.len()..];
    match pages.ended_runs.iter().zip(ended).find(|(_, rows)| **rows != 1) {
        None => Ok(()),
        Some((finished, _)) => Err(ended_before(&finished.run).into()),
    }
}

/// Sends statements one behind the other without waiting in between; returns how many rows each has written. All are prepared
/// before the first is sent, for what is ready would overtake what is not.
pub(super) async fn execute(client: &Client, all: &[Ready]) -> Result<Vec<u64>, Undone> {
    let mut prepared = Vec::with_capacity(all.len());
    for ready in all {
        prepared.push(client.prepare_cached(&ready.sql).await?);
    }
    let values: Vec<Vec<&(dyn ToSql + Sync)>> =
        all.iter().map(|ready| ready.values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect()).collect();
    let calls = prepared.iter().zip(&values);
    let calls = calls.map(|(statement, values)| Box::pin(client.execute(statement, values)) as Call<'_>);
    // The first failure is the cause; those behind it only say that there was one.
    Ok(in_order(calls.collect()).await.into_iter().collect::<Result<Vec<u64>, tokio_postgres::Error>>()?)
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<u64, tokio_postgres::Error>> + Send + 'a>>;

/// Begins all calls in their order, and waits for all of them.
async fn in_order(mut calls: Vec<Call<'_>>) -> Vec<Result<u64, tokio_postgres::Error>> {
    let mut results: Vec<Option<Result<u64, tokio_postgres::Error>>> = calls.iter().map(|_| None).collect();
    poll_fn(|context| {
        for (call, result) in calls.iter_mut().zip(&mut results) {
            if result.is_none()
                && let Poll::Ready(done) = call.as_mut().poll(context)
            {
                *result = Some(done);
            }
        }
        if results.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    results.into_iter().flatten().collect()
}

/// The steps of items in as many waves as some item has steps, for the triggers look at each step.
fn waves(steps: &[Item]) -> Vec<Vec<&Item>> {
    let mut waves: Vec<Vec<&Item>> = Vec::new();
    let mut taken: HashMap<ItemId, usize> = HashMap::new();
    for item in steps {
        let wave = taken.entry(item.id).or_default();
        if waves.len() == *wave {
            waves.push(Vec::new());
        }
        waves[*wave].push(item);
        *wave += 1;
    }
    waves
}

fn move_head(before: Head, after: Head) -> Ready {
    Ready::new("UPDATE head SET seq = $2, hash = $3 WHERE seq = $1")
        .with(before.seq)
        .with(after.seq)
        .with(after.hash.to_vec())
}

/// Who has an item in hand: whoever wrote it last, as long as it is not at its end and no person's matter.
fn in_hand(item: &Item, runner: Option<i64>) -> Option<i64> {
    runner.filter(|_| matches!(item.state, State::Planned | State::Intent | State::Unknown))
}

fn insert_items(runner: Option<i64>, items: &[(Item, Vec<u8>)]) -> Ready {
    let text = |read: fn(&Item) -> String| items.iter().map(|(item, _)| read(item)).collect::<Vec<_>>();
    let number = |read: fn(&Item) -> i64| items.iter().map(|(item, _)| read(item)).collect::<Vec<_>>();
    Ready::new(
        "INSERT INTO item (id, environment, client_id, operation, invoice, generation, amount, request_id, \
         payment_reference, refund_reference, body, body_sha256, state, reason, attempts, first_intent_at, last_sent_at, \
         facts, job, run, runner) \
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::integer[], $7::bigint[], \
         $8::text[], $9::text[], $10::text[], $11::bytea[], $12::text[], $13::text[], $14::text[], $15::bigint[], \
         $16::text[], $17::text[], $18::text[], $19::text[], $20::text[], $21::bigint[])",
    )
    .with(number(|item| item.id.0))
    .with(text(|item| item.identity.account.environment.word().to_owned()))
    .with(text(|item| item.identity.account.client_id.to_string()))
    .with(text(|item| item.identity.account.operation.word().to_owned()))
    .with(text(|item| item.identity.invoice.to_string()))
    .with(items.iter().map(|(item, _)| i32::from(item.identity.generation)).collect::<Vec<_>>())
    .with(number(|item| item.amount.whole().cast_signed()))
    .with(text(|item| item.request_id.to_string()))
    .with(text(|item| item.payment_reference.to_string()))
    .with(items.iter().map(|(item, _)| item.refund_reference.as_ref().map(MerchantReference::to_string)).collect::<Vec<_>>())
    .with(items.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>())
    .with(text(|item| item.body_sha256.to_string()))
    .with(text(|item| item.state.word().to_owned()))
    .with(text(|item| item.reason.clone()))
    .with(number(|item| item.attempts.into()))
    .with(text(|item| time::stored(item.first_intent_at)))
    .with(text(|item| time::stored(item.last_sent_at)))
    .with(text(|item| facts_text(&item.facts)))
    .with(text(|item| item.job.to_string()))
    .with(text(|item| item.run.to_string()))
    .with(items.iter().map(|(item, _)| in_hand(item, runner)).collect::<Vec<_>>())
}

fn update_items(runner: Option<i64>, items: &[&Item], bodies: &mut BTreeMap<ItemId, Vec<u8>>) -> Ready {
    let text = |read: fn(&Item) -> String| items.iter().map(|item| read(item)).collect::<Vec<_>>();
    let number = |read: fn(&Item) -> i64| items.iter().map(|item| read(item)).collect::<Vec<_>>();
    Ready::new(
        "UPDATE item i SET amount = u.amount, payment_reference = u.payment_reference, body = coalesce(u.body, i.body), \
         body_sha256 = u.body_sha256, state = u.state, reason = u.reason, attempts = u.attempts, \
         first_intent_at = u.first_intent_at, last_sent_at = u.last_sent_at, settled_at = u.settled_at, facts = u.facts, \
         job = u.job, run = u.run, runner = u.runner \
         FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::text[], $8::bigint[], \
         $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[]) \
         AS u(id, amount, payment_reference, body, body_sha256, state, reason, attempts, first_intent_at, last_sent_at, \
         settled_at, facts, job, run, runner) WHERE i.id = u.id",
    )
    .with(number(|item| item.id.0))
    .with(number(|item| item.amount.whole().cast_signed()))
    .with(text(|item| item.payment_reference.to_string()))
    // Its first step from now on has the new bytes, and all others keep them.
    .with(items.iter().map(|item| bodies.remove(&item.id)).collect::<Vec<_>>())
    .with(text(|item| item.body_sha256.to_string()))
    .with(text(|item| item.state.word().to_owned()))
    .with(text(|item| item.reason.clone()))
    .with(number(|item| item.attempts.into()))
    .with(text(|item| time::stored(item.first_intent_at)))
    .with(text(|item| time::stored(item.last_sent_at)))
    .with(items.iter().map(|item| item.settled_at.map(time::stored)).collect::<Vec<_>>())
    .with(text(|item| facts_text(&item.facts)))
    .with(text(|item| item.job.to_string()))
    .with(text(|item| item.run.to_string()))
    .with(items.iter().map(|item| in_hand(item, runner)).collect::<Vec<_>>())
}

fn insert_attempts(runner: Option<i64>, attempts: &[NewAttempt]) -> Ready {
    let text = |read: fn(&NewAttempt) -> String| attempts.iter().map(read).collect::<Vec<_>>();
    let ended = |read: fn(&End) -> String| {
        attempts.iter().map(|attempt| attempt.end.as_ref().map(read)).collect::<Vec<Option<String>>>()
    };
    let or = |values: Vec<Option<String>>, otherwise: &str| {
        values.into_iter().map(|value| value.unwrap_or_else(|| otherwise.to_owned())).collect::<Vec<String>>()
    };
    Ready::new(
        "INSERT INTO attempt (id, item, run, kind, request_id, sent_at, ended_at, outcome, reason, facts, answer_headers, \
         answer_body, runner) \
         SELECT *, $13::bigint FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], \
         $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[])",
    )
    .with(attempts.iter().map(|attempt| attempt.id.0).collect::<Vec<_>>())
    .with(attempts.iter().map(|attempt| attempt.item.0).collect::<Vec<_>>())
    .with(text(|attempt| attempt.run.to_string()))
    .with(text(|attempt| attempt.kind.to_owned()))
    .with(text(|attempt| attempt.request_id.clone()))
    .with(text(|attempt| time::stored(attempt.sent_at)))
    .with(ended(|end| time::stored(end.at)))
    .with(or(ended(|end| end.outcome.clone()), ""))
    .with(or(ended(|end| end.reason.clone()), ""))
    .with(or(ended(|end| end.facts.clone()), "{}"))
    .with(attempts.iter().map(|attempt| attempt.end.as_ref().and_then(|end| end.headers.clone())).collect::<Vec<_>>())
    .with(attempts.iter().map(|attempt| attempt.end.as_ref().and_then(|end| end.body.clone())).collect::<Vec<_>>())
    .with(runner)
}

fn end_attempts(ended: &[(AttemptId, End)]) -> Ready {
    let text = |read: fn(&End) -> String| ended.iter().map(|(_, end)| read(end)).collect::<Vec<_>>();
    Ready::new(
        "UPDATE attempt a SET ended_at = u.ended_at, outcome = u.outcome, reason = u.reason, facts = u.facts, \
         answer_headers = u.answer_headers, answer_body = u.answer_body \
         FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[]) \
         AS u(id, ended_at, outcome, reason, facts, answer_headers, answer_body) WHERE a.id = u.id",
    )
    .with(ended.iter().map(|(attempt, _)| attempt.0).collect::<Vec<_>>())
    .with(text(|end| time::stored(end.at)))
    .with(text(|end| end.outcome.clone()))
    .with(text(|end| end.reason.clone()))
    .with(text(|end| end.facts.clone()))
    .with(ended.iter().map(|(_, end)| end.headers.clone()).collect::<Vec<_>>())
    .with(ended.iter().map(|(_, end)| end.body.clone()).collect::<Vec<_>>())
}

fn insert_events(entries: &[Written]) -> Ready {
    Ready::new(
        "INSERT INTO event (seq, at, item, data, hash) \
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bytea[])",
    )
    .with(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>())
    .with(entries.iter().map(|entry| entry.at.clone()).collect::<Vec<_>>())
    .with(entries.iter().map(|entry| entry.item.map(|item| item.0)).collect::<Vec<_>>())
    .with(entries.iter().map(|entry| entry.data.clone()).collect::<Vec<_>>())
    .with(entries.iter().map(|entry| entry.hash.to_vec()).collect::<Vec<_>>())
}

/// Adds what has changed to the sums, of which the program need not know more. A day that is new begins with nothing.
fn count_days(days: &BTreeMap<Day, (i64, i64)>) -> [Ready; 2] {
    let column = |index: usize| days.keys().map(|day| day[index].clone()).collect::<Vec<_>>();
    let of_days = |sql: &str| Ready::new(sql).with(column(0)).with(column(1)).with(column(2)).with(column(3));
    let begin = "INSERT INTO day (environment, client_id, operation, date, orders, rupiah) \
         SELECT *, 0, 0 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING";
    let add = "UPDATE day d SET orders = d.orders + u.orders, rupiah = d.rupiah + u.rupiah \
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) \
         AS u(environment, client_id, operation, date, orders, rupiah) WHERE d.environment = u.environment \
         AND d.client_id = u.client_id AND d.operation = u.operation AND d.date = u.date";
    let add = of_days(add)
        .with(days.values().map(|(orders, _)| *orders).collect::<Vec<_>>())
        .with(days.values().map(|(_, rupiah)| *rupiah).collect::<Vec<_>>());
    [of_days(begin), add]
}

fn end_run(finished: &Finished) -> Ready {
    Ready::new("UPDATE run SET finished_at = $2, exit_code = $3 WHERE name = $1 AND finished_at IS NULL")
        .with(finished.run.to_string())
        .with(time::stored(finished.at))
        .with(i16::from(finished.exit_code))
}
