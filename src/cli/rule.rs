//! `rekon rule` and `rekon reopen`: what only a person can decide, written into the journal with the reason.

use std::path::Path;

use super::args::{Common, ReopenArgs, RuleArgs, Ruling};
use super::exit::{DONE, Failure};
use super::open::{absent, failure, open, place};
use super::screen::Screen;
use crate::edge::clock::SystemClock;
use crate::edge::person;
use crate::journal::Journal as _;
use crate::journal::log::{Reopened, Ruled};
use crate::journal::record::Item;
use crate::journal::ruling::{NotNow, may_be_reopened, may_be_ruled};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::state::Event;
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::operation::Operation;
use crate::runner::clock::Clock as _;

/// The longest reason that is taken.
const LONGEST_REASON: usize = 500;

/// `rekon rule INVOICE --operation refund --as done --reason TEXT --evidence TEXT`.
pub(super) async fn rule(args: &RuleArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let reason = words("--reason", &args.reason)?;
    let evidence = words("--evidence", &args.evidence)?;
    let now = SystemClock.now();
    let (path, horizon) = place(args.job.as_deref(), common)?;
    let journal = open_existing(&path, horizon, screen).await?;
    journal.recover(now).await.map_err(failure)?;
    let item = latest(&journal, &args.invoice, args.operation, args.environment.as_deref()).await?;
    may_be_ruled(&item, horizon, now).map_err(|why| not_now(&item, &why))?;
    let event = match args.ruling {
        Ruling::Done => Event::RuledDone,
        Ruling::NotDone => Event::RuledNotDone,
    };
    let state =
        journal.rule(item.id, Ruled { event, reason, evidence, by: person::who() }, now).await.map_err(failure)?;
    let (invoice, account) = (&item.identity.invoice, &item.identity.account);
    screen.say(&format!(
        "{invoice} · {} · {} · {}: {} -> {state}",
        account.operation, account.environment, item.amount, item.state
    ));
    if event == Event::RuledNotDone {
        screen.say(&format!("to send it anew: rekon reopen {invoice} --operation {} --reason TEXT", account.operation));
    }
    let document = serde_json::json!({
        "version": 1, "invoice_number": invoice, "operation": account.operation, "before": item.state.word(),
        "state": state.word(), "exit_code": DONE,
    });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// `rekon reopen INVOICE... --operation refund --reason TEXT`: all of them, or none.
pub(super) async fn reopen(args: &ReopenArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let reason = words("--reason", &args.reason)?;
    let now = SystemClock.now();
    let (path, horizon) = place(args.job.as_deref(), common)?;
    let journal = open_existing(&path, horizon, screen).await?;
    let mut items: Vec<Item> = Vec::new();
    let mut wrong = Vec::new();
    for invoice in &args.invoices {
        let found = latest(&journal, invoice, args.operation, args.environment.as_deref()).await;
        let checked = found.and_then(|item| match may_be_reopened(&item) {
            Ok(()) => Ok(item),
            Err(why) => Err(not_now(&item, &why)),
        });
        match checked {
            Ok(item) if items.iter().all(|other| other.id != item.id) => items.push(item),
            Ok(_) => {}
            Err(failure) => wrong.push(failure.to_string()),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::Refused(wrong.join("\n")));
    }
    let mut reopened = Vec::new();
    for item in items {
        let why = Reopened { reason: reason.clone(), by: person::who() };
        let next = journal.reopen(item.id, why, now).await.map_err(failure)?;
        let (invoice, operation) = (&next.identity.invoice, next.identity.account.operation);
        screen.say(&format!(
            "{invoice} · {operation} · {}: will be sent anew by the next run, as generation {} with Request-Id {}",
            next.amount, next.identity.generation, next.request_id
        ));
        reopened.push(serde_json::json!({
            "invoice_number": invoice, "operation": operation, "generation": next.identity.generation,
            "request_id": next.request_id,
        }));
    }
    let document = serde_json::json!({ "version": 1, "reopened": reopened, "exit_code": DONE });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// A journal that is there already: a ruling makes none.
async fn open_existing(path: &Path, horizon: std::time::Duration, screen: Screen) -> Result<SqliteJournal, Failure> {
    if !path.exists() {
        return Err(absent(path));
    }
    open(path, horizon, SystemClock.now(), screen).await
}

/// The latest generation of an invoice's item; it must be the only one of its operation.
async fn latest(
    journal: &SqliteJournal,
    invoice: &str,
    operation: Operation,
    environment: Option<&str>,
) -> Result<Item, Failure> {
    let none = || Failure::Refused(format!("{}: the journal knows no {operation} of it", printable(invoice)));
    let number = InvoiceNumber::new(invoice).or(Err(none()))?;
    let story = journal.story(&number).await.map_err(failure)?;
    let mut items: Vec<Item> = story
        .items
        .into_iter()
        .map(|(item, _)| item)
        .filter(|item| item.identity.account.operation == operation)
        .filter(|item| environment.is_none_or(|word| item.identity.account.environment.word() == word))
        .collect();
    items.sort_by_key(|item| item.identity.generation);
    let last = items.pop().ok_or_else(none)?;
    if items.iter().any(|item| item.identity.account != last.identity.account) {
        return Err(Failure::Refused(format!(
            "{number}: the journal knows a {operation} of it in several environments or of several clients\n  \
             hint: name the one that is meant with --environment"
        )));
    }
    Ok(last)
}

fn not_now(item: &Item, why: &NotNow) -> Failure {
    let invoice = &item.identity.invoice;
    let hint = match why {
        NotNow::MaySettle { .. } => {
            "\n  hint: run the job again, or rekon resolve JOB: the same key is safe until then"
        }
        NotNow::NothingSent | NotNow::AtItsEnd(_) | NotNow::NotRefused(_) => "",
    };
    Failure::Refused(format!("{invoice}: {why}{hint}"))
}

/// Words of a person for the record.
fn words(flag: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        return Err(Failure::Refused(format!("{flag} must be one line of 1 to {LONGEST_REASON} characters")));
    }
    Ok(text.to_owned())
}
