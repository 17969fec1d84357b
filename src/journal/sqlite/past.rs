//! Reading the calls of late, the newest first and no further back than they matter.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::look::{checked, facts_of};
use crate::doku::answer::{LONGEST_RETRY_AFTER, retry_after};
use crate::doku::exchange::Answer;
use crate::journal::Account;
use crate::journal::past::{Past, PastCall, Said};
use crate::model::ids::RunId;
use crate::model::outcome::{Facts, SignatureCheck};
use crate::model::time::{self, Timestamp, elapsed};

/// While a wait that was asked for is in force nothing more is sent, so that the answer that asked for it is among the last
/// ones: as many as can be under way at once, and more.
const ANSWERS: usize = 1024;

/// How far back is looked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reach {
    /// Calls count for this long ...
    pub(super) memory: Duration,
    /// ... and so many of them at most.
    pub(super) most: usize,
}

/// What is known of the account's calls before a run, whatever the operation.
pub(super) fn past(
    connection: &Connection,
    account: &Account,
    run: &RunId,
    reach: Reach,
    now: Timestamp,
) -> rusqlite::Result<Past> {
    let stopped = stopped(connection, account)?;
    let mut proved = false;
    let (mut calls, mut reached_stop) = (Vec::new(), stopped.is_none());
    let mut statement = connection.prepare(
        "SELECT a.run, a.kind, a.sent_at, a.ended_at, a.outcome, a.facts, a.answer_headers \
         FROM attempt a CROSS JOIN item i ON i.id = a.item \
         WHERE i.environment = ?1 AND i.client_id = ?2 ORDER BY a.id DESC",
    )?;
    let mut rows = statement.query(params![account.environment.word(), account.client_id.as_str()])?;
    while let Some(row) = rows.next()? {
        let sent_at = checked(row, 2, time::parse_instant)?;
        let age = elapsed(sent_at, now);
        let counts = age < reach.memory && calls.len() < reach.most;
        let may_hold = age < LONGEST_RETRY_AFTER + LONGEST_CALL && calls.len() < ANSWERS;
        if !(counts || may_hold || !reached_stop) {
            break;
        }
        let call = read(row, sent_at)?;
        if let Some((by, _)) = stopped.as_ref().filter(|_| !reached_stop) {
            reached_stop = row.get_ref(0)?.as_str()? == by;
            proved |= !reached_stop && call.said == Said::Well;
            reached_stop |= proved;
        }
        if counts || may_hold {
            calls.push(call);
        }
    }
    calls.reverse();
    let stopped = stopped.filter(|_| !proved).map(|(_, why)| why);
    Ok(Past { calls, was_cut_off: was_cut_off(connection, account, run)?, stopped })
}

/// A call takes at most about so long from its sending to its answer.
const LONGEST_CALL: Duration = Duration::from_secs(5 * 60);

fn read(row: &Row<'_>, sent_at: Timestamp) -> rusqlite::Result<PastCall> {
    let ended_at = row.get_ref(3)?.as_str_or_null()?.and_then(time::parse_instant);
    let outcome = row.get_ref(4)?.as_str()?;
    let facts = facts_of(row, 5)?;
    let said = match (outcome, facts.http_status) {
        (_, Some(429)) => Said::TooMany,
        ("applied" | "already" | "refused", _) => Said::Well,
        ("no_proof", Some(200 | 404)) if is_signed(&facts) => Said::Well,
        _ => Said::Else,
    };
    let mut wait = None;
    // Only few answers have the header, and only these are parsed.
    if let (Some(ended_at), Some(headers)) = (ended_at, row.get_ref(6)?.as_str_or_null()?)
        && headers.contains("retry-after")
    {
        let headers = checked(row, 6, |text| serde_json::from_str(text).ok())?;
        let answer = Answer { status: facts.http_status.unwrap_or_default(), headers, body: Vec::new() };
        wait = retry_after(&answer, ended_at);
    }
    // An answer whose time is that of the next start was not there: the run was cut off.
    let answered_at = ended_at.filter(|_| facts.http_status.is_some());
    Ok(PastCall { sent_at, answered_at, said, retry_after: wait })
}

fn is_signed(facts: &Facts) -> bool {
    facts.signature == SignatureCheck::Valid
}

/// The last run of the account that was stopped for the provider's sake, and why.
fn stopped(connection: &Connection, account: &Account) -> rusqlite::Result<Option<(String, String)>> {
    connection
        .prepare(
            "SELECT run.name, json_extract(e.data, '$.why') FROM event e \
             JOIN run ON run.name = json_extract(e.data, '$.run') \
             WHERE e.item IS NULL AND json_extract(e.data, '$.kind') = 'run_stopped' \
             AND run.environment = ?1 AND run.client_id = ?2 ORDER BY e.seq DESC LIMIT 1",
        )?
        .query_row(params![account.environment.word(), account.client_id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
}

/// Whether the account's last run before this one has no end.
fn was_cut_off(connection: &Connection, account: &Account, run: &RunId) -> rusqlite::Result<bool> {
    let before = connection
        .prepare(
            "SELECT finished_at IS NULL FROM run WHERE environment = ?1 AND client_id = ?2 AND name <> ?3 \
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![account.environment.word(), account.client_id.as_str(), run.as_str()], |row| row.get(0))
        .optional()?;
    Ok(before.unwrap_or(false))
}
