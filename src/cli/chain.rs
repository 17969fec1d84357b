//! Everything known about one invoice, in the order in which it became known: rows, plan, intent, every attempt, every piece
//! of evidence, and the verdict.

use super::embed;
use super::exit::Failure;
use super::load::Case;
use super::screen::{Screen, Tone};
use crate::edge::clock::SystemClock;
use crate::journal::log::{Entry, Wire, sha256, short};
use crate::journal::record::Item;
use crate::journal::state::{Event, State};
use crate::journal::story::{Logged, Mention, Story};
use crate::model::fault::printable;
use crate::model::money::Rupiah;
use crate::model::outcome::Facts;
use crate::model::time::{Cutoff, Timestamp, for_people};
use crate::model::verdict::Verdict;
use crate::reconcile::ends::done_of;
use crate::reconcile::evidence::Log;
use crate::reconcile::judge::{Bench, Rules};
use crate::reconcile::subject::{self, Subject};
use crate::report::table;
use crate::runner::clock::Clock as _;

/// A link of the chain: when, what, and the rest in words.
type Link = (Timestamp, &'static str, String);

/// The story of what the journal does not know.
pub(super) const fn nothing() -> Story {
    Story { mentions: Vec::new(), items: Vec::new() }
}

/// Prints the chain. With a job, its notification log is read and the verdict given.
pub(super) fn show(invoice: &str, story: &Story, case: Option<&Case>, screen: Screen) {
    let heard = case.map(|case| heard(case, invoice));
    if story.items.is_empty() {
        screen.say(&format!("{}\nno request was ever made for it\n", screen.tone(Tone::Title, invoice)));
        screen.say(&links_table(story.mentions.iter().map(mentioned).collect()));
    }
    let mut documents = Vec::new();
    for (item, entries) in &story.items {
        let account = &item.identity.account;
        let generation = match item.identity.generation {
            0 => String::new(),
            generation => format!(" · generation {generation}"),
        };
        let title = format!(
            "{} · {} · {} · {}{generation}",
            item.identity.invoice, account.operation, account.environment, item.amount
        );
        let ruled = entries.iter().rev().find_map(|logged| match &logged.entry {
            Entry::Ruled(ruled) => Some(format!(" by {}", printable(&ruled.by))),
            _ => None,
        });
        let reason = match (item.state, ruled) {
            (State::RuledDone | State::RuledNotDone, Some(by)) => by,
            _ if item.reason.is_empty() => String::new(),
            _ => format!(" ({})", item.reason),
        };
        screen.say(&format!(
            "{}\nstate {}{reason}\njob {}, run {}\nrequest id {}\n",
            screen.tone(Tone::Title, &title),
            item.state,
            item.job,
            item.run,
            item.request_id
        ));
        let mut links: Vec<Link> = story.mentions.iter().map(mentioned).collect();
        let mut requests = 0;
        links.extend(entries.iter().map(|logged| {
            requests += u32::from(matches!(logged.entry, Entry::Intended { .. }));
            (logged.at, kind(&logged.entry), words(&logged.entry, requests))
        }));
        if let Some(Ok(log)) = &heard {
            links.extend(log.heard.iter().map(|line| {
                let said = &line.notification;
                let text = format!("{} over {}, {}:{}", said.status, said.amount, line.file, line.line);
                (line.received_at.unwrap_or(item.first_intent_at), "notified", text)
            }));
        }
        links.sort_by_key(|(at, ..)| *at);
        screen.say(&links_table(links));
        let judged = heard.as_ref().and_then(|heard| heard.as_ref().ok()).map(|log| judge(item, log, case));
        screen.say(&verdict(item, heard.as_ref(), judged.as_ref(), screen));
        let mut document = item_document(item);
        document["entries"] = entries.iter().map(entry_document).collect();
        document["verdict"] = judged.map_or(serde_json::Value::Null, |(verdict, _)| verdict.word().into());
        documents.push(document);
    }
    let rows: Vec<serde_json::Value> = story.mentions.iter().map(row_document).collect();
    screen.document(serde_json::json!({ "version": 1, "rows": rows, "items": documents }).to_string().as_bytes());
}

fn links_table(links: Vec<Link>) -> String {
    let rows = links.into_iter().map(|(at, what, text)| vec![for_people(at), what.to_owned(), text]);
    format!("{}\n", table::plain(&["when", "what", ""], rows.collect(), 0..0))
}

fn mentioned(mention: &Mention) -> Link {
    let row = &mention.row;
    let reason = if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) };
    let text = format!("run {}, row {} in line {}: {}{reason}", mention.run, row.number, row.line, row.fate.word());
    (mention.at, "planned", text)
}

const fn kind(entry: &Entry) -> &'static str {
    match entry {
        Entry::RunBegan { .. }
        | Entry::Overridden { .. }
        | Entry::RunStopped { .. }
        | Entry::RunEnded { .. }
        | Entry::Accepted { .. } => "run",
        Entry::Made(_) | Entry::Carried(_) | Entry::TakenOver { .. } => "item",
        Entry::Intended { .. } => "intent",
        Entry::Ended { .. } | Entry::AnswerCarried { .. } => "answer",
        Entry::Inquired { .. } => "inquiry",
        Entry::GaveUp => "given up",
        Entry::Contradicted { .. } => "conflict",
        Entry::Ruled(_) => "ruling",
    }
}

/// An entry in words; of a request, the how manieth it is.
fn words(entry: &Entry, request: u32) -> String {
    match entry {
        Entry::RunBegan { run, .. }
        | Entry::Overridden { run, .. }
        | Entry::RunStopped { run, .. }
        | Entry::RunEnded { run, .. } => run.clone(),
        Entry::Accepted { found, .. } => found.clone(),
        Entry::Made(made) => {
            let reopened = made.reopened.as_ref();
            let reopened = reopened.map(|why| format!(", reopened by {}: {}", why.by, why.reason)).unwrap_or_default();
            format!("{}, {}{reopened}", Rupiah::new(made.amount), body(&made.body_sha256))
        }
        Entry::Carried(carried) => format!("as an older journal held it: {} {}", carried.state, carried.reason),
        Entry::TakenOver { run, amount, body_sha256, .. } => {
            format!("taken over by run {run}: {}, {}", Rupiah::new(*amount), body(body_sha256))
        }
        Entry::Intended { run, .. } => format!("request {request}, in run {run}"),
        Entry::Ended { wire: Wire::NeverLeft, reason, facts, .. } => {
            format!("nothing left this machine ({reason}){}", said(facts))
        }
        Entry::Ended { event, reason, facts, .. } => format!("{}{}", concluded(*event, reason), said(facts)),
        Entry::AnswerCarried { attempt, .. } => format!("attempt {attempt}, of an older journal"),
        Entry::Inquired { event, facts, .. } => format!("{}{}", concluded(*event, ""), said(facts)),
        Entry::GaveUp => "the horizon has passed without proof: a person decides".to_owned(),
        Entry::Contradicted { status, notification, .. } => {
            format!("notification {notification} says {status}, against what was proved")
        }
        Entry::Ruled(ruled) => {
            let what = if ruled.event == Event::RuledDone { "done" } else { "not done" };
            format!("{what}, by {}: {}; evidence: {}", ruled.by, ruled.reason, ruled.evidence)
        }
    }
}

/// What will be sent. Of what was reopened the run makes it that sends it.
fn body(sha256_of_it: &str) -> String {
    if sha256_of_it == sha256(b"") { "body not made yet".to_owned() } else { format!("body {}", short(sha256_of_it)) }
}

/// What an event concludes, in a few words.
fn concluded(event: Event, reason: &str) -> String {
    let words = match event {
        Event::Applied => "applied",
        Event::Already => "already done, not provably by us",
        Event::Refused | Event::TurnedAway => "refused",
        Event::NothingDone => "not looked at",
        Event::NoProof => "no proof",
        Event::Intended | Event::GivenUp | Event::RuledDone | Event::RuledNotDone => "",
    };
    if reason.is_empty() { words.to_owned() } else { format!("{words} ({reason})") }
}

/// What an answer said, after what it proves.
fn said(facts: &Facts) -> String {
    let status = facts.http_status.map(|status| format!("HTTP {status}"));
    let signature =
        Some(facts.signature.word()).filter(|word| !word.is_empty()).map(|word| format!("signature {word}"));
    let payment = facts.payment_status.as_ref().map(|word| format!("payment {word}"));
    let operation = facts.operation_status.as_ref().map(|word| format!("operation {word}"));
    let replayed = facts.replayed.then(|| "the first answer again".to_owned());
    let parts = [status, signature, payment, operation, replayed, facts.message.clone()];
    parts.into_iter().flatten().fold(String::new(), |text, part| text + ", " + &part)
}

/// The notifications about an invoice; what the log says of others is left out.
fn heard(case: &Case, invoice: &str) -> Result<Log, Failure> {
    let credentials = case.credentials()?;
    let mut log = case.log(&credentials, embed::log_of(case).as_deref())?;
    log.heard.retain(|line| line.notification.invoice.as_str() == invoice);
    log.unmatched.retain(|line| line.invoice == invoice);
    Ok(log)
}

/// The verdict about an item, as its run would have it.
fn judge(item: &Item, log: &Log, case: Option<&Case>) -> (Verdict, String) {
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
    let judged = Bench::new(&book.ledger, rules).judge(0);
    (judged.verdict(), judged.reason_text())
}

fn verdict(
    item: &Item,
    heard: Option<&Result<Log, Failure>>,
    judged: Option<&(Verdict, String)>,
    screen: Screen,
) -> String {
    let tone = if item.state.is_in_doubt() { Tone::Bad } else { Tone::Good };
    let journal = if item.state.is_in_doubt() {
        "the money of this order is in doubt"
    } else if item.state == State::Planned {
        "nothing was done under this key; the next run of the job sends it"
    } else {
        "what became of this order is known"
    };
    let verdict = match (judged, heard) {
        (Some((verdict, _)), _) if item.state == State::RuledNotDone => {
            format!("verdict {verdict} (a person ruled that it was not done)")
        }
        (Some((verdict, reason)), _) => format!("verdict {verdict} ({reason})"),
        (None, Some(Err(failure))) => format!("no verdict: {failure}"),
        (None, _) => "name the job with --job for the notifications and the verdict".to_owned(),
    };
    format!("{}\n{verdict}\n", screen.tone(tone, journal))
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

fn entry_document(logged: &Logged) -> serde_json::Value {
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
