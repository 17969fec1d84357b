//! Everything known about one invoice, in the order in which it became known: rows, plan, intent, every attempt, every piece
//! of evidence, and the verdict.

use super::at_work::AtWork;
use super::embed;
use super::exit::Failure;
use super::load::{Case, for_a_shell};
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::journal::log::Entry;
use crate::journal::record::{Item, RunRecord};
use crate::journal::state::State;
use crate::journal::story::{Logged, Mention, Story};
use crate::model::fault::printable;
use crate::model::language::Language;
use crate::model::time::{Cutoff, Timestamp};
use crate::model::verdict::Verdict;
use crate::reconcile::ends::done_of;
use crate::reconcile::evidence::Log;
use crate::reconcile::judge::{Bench, Rules};
use crate::reconcile::reason::{Ageing, Key, Reason};
use crate::reconcile::subject::{self, Subject};
use crate::report::table;
use crate::report::words::both::{Both, both};
use crate::report::words::speech::Speech;
use crate::runner::clock::Clock as _;

/// A link of the chain: when, what, and the rest in words.
type Link = (Timestamp, &'static str, String);

/// The story of what the journal does not know.
pub(super) const fn nothing() -> Story {
    Story { mentions: Vec::new(), items: Vec::new() }
}

/// Prints the chain. With a job, its notification log is read and the verdict given; `flag` names the journal in what is to
/// be typed.
pub(super) fn show(
    invoice: &str,
    story: &Story,
    (runs, at_work): (&[RunRecord], &AtWork),
    (case, flag): (Option<&Case>, &str),
    (words, screen): (&Speech, Screen),
) {
    let heard = case.map(|case| heard(case, invoice));
    let mentioned = || story.mentions.iter().map(|mention| mentioned(mention, runs, words));
    if story.items.is_empty() {
        screen.say(&format!("{}\n{}\n", screen.tone(Tone::Title, invoice), words.no_request));
        screen.say(&links_table(mentioned().collect(), words));
    }
    let mut documents = Vec::new();
    for (item, entries) in &story.items {
        screen.say(&format!("{}\n", head(item, entries, (words, screen))));
        let mut links: Vec<Link> = mentioned().collect();
        let mut requests = 0;
        links.extend(entries.iter().map(|logged| {
            requests += u32::from(matches!(logged.entry, Entry::Intended { .. }));
            (logged.at, (words.kind)(&logged.entry), (words.entry)(&logged.entry, requests))
        }));
        if let Some(Ok(log)) = &heard {
            links.extend(log.heard.iter().map(|line| {
                let said = &line.notification;
                let place = format!("{}:{}", line.file, line.line);
                let text = (words.said_over)(&said.status.to_string(), said.amount, &place);
                (line.received_at.unwrap_or(item.first_intent_at), words.notified, text)
            }));
        }
        links.sort_by_key(|(at, ..)| *at);
        screen.say(&links_table(links, words));
        // Somebody waits for the answer: there is nothing to conclude yet.
        let log = heard.as_ref().and_then(|heard| heard.as_ref().ok()).filter(|_| !at_work.has(item));
        let judged = log.map(|log| judge(item, log, case));
        let stands = if at_work.has(item) {
            format!("{}\n", screen.told(&under_way(item, at_work)))
        } else {
            verdict(item, heard.as_ref(), judged.as_ref(), (words, screen))
        };
        screen.say(&stands);
        let is_latest = story.items.iter().all(|(other, _)| {
            other.identity.account != item.identity.account || other.identity.generation <= item.identity.generation
        });
        if item.state == State::Refused && is_latest {
            screen.say(&format!("{}\n", screen.told(&reopening(item, flag))));
        }
        let mut document = item_document(item);
        document["under_way"] = at_work.has(item).into();
        document["entries"] = entries.iter().map(entry_document).collect();
        document["verdict"] = judged.map_or(serde_json::Value::Null, |(verdict, ..)| verdict.word().into());
        documents.push(document);
    }
    let rows: Vec<serde_json::Value> = story.mentions.iter().map(row_document).collect();
    screen.document(serde_json::json!({ "version": 1, "rows": rows, "items": documents }).to_string().as_bytes());
}

/// What an item is, and how it stands.
fn head(item: &Item, entries: &[Logged], (words, screen): (&Speech, Screen)) -> String {
    let account = &item.identity.account;
    let (operation, environment) = ((words.operation)(account.operation.word()), account.environment);
    let mut title = format!("{} · {operation} · {environment} · {}", item.identity.invoice, item.amount);
    if item.identity.generation > 0 {
        title = format!("{title} · {}", (words.generation)(item.identity.generation));
    }
    let ruled = entries.iter().rev().find_map(|logged| match &logged.entry {
        Entry::Ruled(ruled) => Some((words.ruled_by)(&ruled.by)),
        _ => None,
    });
    let reason = match (item.state, ruled) {
        (State::RuledDone | State::RuledNotDone, Some(by)) => by,
        _ if item.reason.is_empty() => String::new(),
        _ => (words.state_reason)(&item.reason),
    };
    let state = format!("{}{reason}", (words.item_state)(item.state));
    let stands = (words.item)(&state, &item.job, item.run.as_str(), item.request_id.as_str());
    format!("{}\n{stands}", screen.tone(Tone::Title, &title))
}

fn links_table(links: Vec<Link>, words: &Speech) -> String {
    let rows = links.into_iter().map(|(at, what, text)| vec![(words.time)(at), what.to_owned(), text]);
    let [when, what] = words.chain;
    format!("{}\n", table::plain(&[when, what, ""], rows.collect(), 0..0))
}

fn mentioned(mention: &Mention, runs: &[RunRecord], words: &Speech) -> Link {
    let row = &mention.row;
    let run = runs.iter().find(|run| run.run == mention.run);
    let operation = run.map(|run| (words.operation)(&run.operation)).unwrap_or_default();
    let what = (words.mentioned)(operation, mention.run.as_str(), row);
    let text = match row.reason.as_str() {
        "" => what,
        reason => format!("{what}: {}", (words.row_reason)(reason)),
    };
    (mention.at, words.planned, text)
}

/// The notifications about an invoice; what the log says of others is left out.
fn heard(case: &Case, invoice: &str) -> Result<Log, Failure> {
    let credentials = case.credentials()?;
    let mut log = case.log(&credentials, embed::log_of(case).as_deref())?;
    log.heard.retain(|line| line.notification.invoice.as_str() == invoice);
    log.unmatched.retain(|line| line.invoice == invoice);
    Ok(log)
}

/// A verdict with its reason, and what stands behind that.
type Conclusion = (Verdict, Reason, Option<Ageing>, Option<Key>);

/// The verdict about an item, as its run would have it.
fn judge(item: &Item, log: &Log, case: Option<&Case>) -> Conclusion {
    let subject = Subject {
        row: 1,
        invoice: Some(item.identity.invoice.clone()),
        amount: item.amount,
        book: None,
        created_at: None,
        payment_reference: None,
        done: done_of(item),
    };
    let rules = Rules { grace: case.map(|case| case.job.reconcile.grace).unwrap_or_default(), now: SystemClock.now() };
    let book = subject::book(&[subject], log, Cutoff::MIDNIGHT).expect("one order is not too many");
    let mut bench = Bench::new(&book.ledger, rules);
    let judged = bench.judge(0);
    (judged.verdict(), judged.reason, judged.ageing(), judged.picture.key)
}

fn verdict(
    item: &Item,
    heard: Option<&Result<Log, Failure>>,
    judged: Option<&Conclusion>,
    (words, screen): (&Speech, Screen),
) -> String {
    let tone = if item.state.is_in_doubt() { Tone::Bad } else { Tone::Good };
    let [in_doubt, nothing_done, known] = words.known;
    let journal = if item.state.is_in_doubt() {
        in_doubt
    } else if item.state == State::Planned {
        nothing_done
    } else {
        known
    };
    let verdict = match (judged, heard) {
        (Some((verdict, reason, ageing, key)), _) => {
            (words.concluded)(*verdict, &(words.reason)(*reason, *ageing, *key))
        }
        (None, Some(Err(failure))) => (words.no_verdict)(&failure.to_string()),
        (None, _) => words.name_the_job.to_owned(),
    };
    format!("{}\n{verdict}\n", screen.tone(tone, journal))
}

/// The first request for an order has left, or is about to.
fn under_way(item: &Item, at_work: &AtWork) -> Both {
    let who = at_work.who(Some(&item.run));
    let since = |language: Language| (Speech::of(language).time)(item.last_sent_at);
    both(
        format!(
            "under way since {} in run {} ({}): not in doubt until that has ended",
            since(Language::English),
            item.run,
            who.english
        ),
        format!(
            "sedang dikerjakan sejak {} dalam proses {} ({}): baru bisa disebut belum pasti setelah proses itu berakhir",
            since(Language::Indonesian),
            item.run,
            who.indonesian
        ),
    )
}

/// How to have an order sent again under a new key.
fn reopening(item: &Item, flag: &str) -> Both {
    let (invoice, operation) = (for_a_shell(item.identity.invoice.as_str()), item.identity.account.operation);
    let command = format!("rekon reopen {} --operation {operation} --reason TEXT {flag}", printable(&invoice));
    both(
        format!("no run sends it again by itself; to send it anew: {command}"),
        format!("tidak dikirim lagi dengan sendirinya; untuk mengirimnya lagi: {command}"),
    )
}

/// An item for machines.
pub(super) fn item_document(item: &Item) -> serde_json::Value {
    serde_json::json!({
        "invoice_number": item.identity.invoice, "operation": item.identity.account.operation,
        "environment": item.identity.account.environment.word(), "generation": item.identity.generation,
        "state": item.state.word(), "reason": item.reason, "amount": item.amount, "request_id": item.request_id,
        "job": item.job, "run": item.run, "attempts": item.attempts, "facts": item.facts,
    })
}

/// An entry for machines.
pub(super) fn entry_document(logged: &Logged) -> serde_json::Value {
    serde_json::json!({ "seq": logged.seq, "at": for_machines(logged.at), "entry": logged.entry })
}

fn row_document(mention: &Mention) -> serde_json::Value {
    serde_json::json!({
        "run": mention.run, "number": mention.row.number, "line": mention.row.line, "fate": mention.row.fate.word(),
        "reason": mention.row.reason,
    })
}

fn for_machines(at: Timestamp) -> String {
    crate::model::time::stored(at)
}
