//! Why an order of an audit has its verdict: the book, what we did, what DOKU said line by line, and what decided.

use super::{Audit, Evidence, Options};
use crate::cli::exit::Failure;
use crate::cli::load::Case;
use crate::cli::screen::{Screen, Tone};
use crate::model::fault::printable;
use crate::model::moment::Moment;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::for_people;
use crate::reconcile::judge::{Bench, Judged, Notified, Rules};
use crate::reconcile::ledger::Outcome;
use crate::reconcile::record::StrayRecord;
use crate::reconcile::settle::settle;
use crate::reconcile::strays::united;
use crate::report::action::Action;
use crate::report::table;

/// A piece of evidence: when, from where, and what it says.
type Piece = (Option<Moment>, &'static str, String);

/// Shows an order of the audit; `false` if there is none with this invoice.
pub(in crate::cli) async fn examine(
    case: &Case,
    invoice: &str,
    options: Options,
    screen: Screen,
) -> Result<bool, Failure> {
    let audit = Audit::of(case, options, screen)?;
    let Evidence { store, files, .. } = audit.read(None, None).await?;
    let mut ledger = store.into_ledger();
    settle(&mut ledger).map_err(super::room::NoRoom::from)?;
    let Some(order) = ledger.find(invoice) else {
        return Ok(show_strays(invoice, ledger.strays(), &files, screen));
    };
    ledger.seal();
    let mut bench = Bench::new(&ledger, Rules { grace: case.job.reconcile.grace, now: audit.now });
    let judged = bench.judge(order);
    let (done, notified, copies) =
        (ledger.outcomes(order), bench.notified().collect::<Vec<_>>(), bench.copies().collect::<Vec<_>>());
    let strays = united(ledger.strays());
    let strays: Vec<&StrayRecord<'_>> = strays.iter().filter(|line| speaks_of(line, invoice)).collect();
    let name = |number: u16| files.get(usize::from(number)).map_or("", String::as_str);

    let mut pieces = vec![book(case, &judged)];
    pieces.extend(done.iter().map(|outcome| done_piece(outcome, &judged)));
    pieces.extend(notified.iter().map(|line| heard_piece(line, name(line.file), &judged)));
    let copied = |line: &Notified| (line.received_at, line.as_copy.word(), said(line, name(line.file)));
    pieces.extend(copies.iter().map(copied));
    pieces.sort_by_key(|(at, ..)| *at);
    let stray = |line: &&StrayRecord<'_>| {
        let text = format!("{} {}:{}", line.status, name(line.place.file), line.place.line);
        (None, line.reason.word(), text)
    };
    pieces.extend(strays.iter().map(stray));

    print(case, &judged, pieces, screen);
    screen.document(document(&judged, &done, &notified, &copies, &name).to_string().as_bytes());
    Ok(true)
}

/// Whether a line that proves nothing names an invoice, be it as one of several candidates.
fn speaks_of(line: &StrayRecord<'_>, invoice: &str) -> bool {
    let candidates = line.status.split_once("; candidates ").map_or("", |(_, candidates)| candidates);
    line.invoice == invoice || candidates.split(' ').any(|candidate| candidate == invoice)
}

/// What the logs say about an invoice that no order has; whether they say anything.
fn show_strays(invoice: &str, strays: &[u8], files: &[String], screen: Screen) -> bool {
    let strays = united(strays);
    let rows: Vec<Vec<String>> = strays
        .iter()
        .filter(|line| speaks_of(line, invoice))
        .map(|line| {
            let file = files.get(usize::from(line.place.file)).map_or("", String::as_str);
            let amount = line.amount.map(|amount| amount.to_string()).unwrap_or_default();
            let place = printable(&format!("{file}:{}", line.place.line));
            vec![line.received_at.to_owned(), line.reason.word().to_owned(), line.status.to_owned(), amount, place]
        })
        .collect();
    if rows.is_empty() {
        return false;
    }
    screen.say(&format!(
        "{}\nno order of the input has this invoice; the logs speak of it:\n",
        screen.tone(Tone::Title, invoice)
    ));
    screen.say(&table::plain(&["received", "what", "status", "rupiah", "where"], rows, 3..4));
    screen.document(
        serde_json::json!({ "version": 1, "invoice_number": invoice, "verdict": null }).to_string().as_bytes(),
    );
    true
}

fn print(case: &Case, judged: &Judged<'_>, pieces: Vec<Piece>, screen: Screen) {
    let title = format!("{} · {} · audit {}", judged.name(), judged.entry.amount, case.job.name);
    let tone = if judged.verdict().needs_a_person() { Tone::Bad } else { Tone::Good };
    let verdict = format!("{}: {}", judged.verdict(), judged.reason_text());
    let awaited = judged.age.filter(|_| judged.ageing().is_some());
    let age = awaited.map_or_else(String::new, |age| format!("; proof awaited for {} h", age.as_secs() / 3600));
    let book = judged.entry.book.map_or("nothing", BookStatus::word);
    let doku = judged.doku_status.map_or("nothing", PaymentStatus::word);
    screen.say(&format!(
        "{}\n{}\nbook says {book}, DOKU says {doku}{age}\n",
        screen.tone(Tone::Title, &printable(&title)),
        screen.tone(tone, &verdict)
    ));
    let rows = pieces.into_iter().map(|(at, what, text)| {
        vec![at.map(|at| for_people(at.time())).unwrap_or_default(), what.to_owned(), printable(&text)]
    });
    screen.say(&table::plain(&["when", "what", ""], rows.collect(), 0..0));
    screen.say(&format!("\n{}", next(judged)));
}

/// What to do about it.
fn next(judged: &Judged<'_>) -> &'static str {
    match Action::of(judged) {
        None => "nothing is to be done",
        Some(Action::Refund) => "next: refund it; actions.csv has the row for a refund job",
        Some(Action::ResendNotification) => "next: have DOKU's Back Office send the notification again",
        Some(Action::FindRefund) => {
            "next: look for the refund in DOKU's Back Office; add the results of the job that made it, or refund"
        }
        Some(Action::Resolve) => "next: run the job that sent it again where it was sent, or rekon resolve THAT-JOB",
        Some(Action::Rule) => "next: find out at DOKU, then rekon rule with the journal of the job that sent it",
        Some(Action::Review) => "next: a person decides; compare the lines above with DOKU's Back Office",
    }
}

fn book(case: &Case, judged: &Judged<'_>) -> Piece {
    let entry = &judged.entry;
    let word = entry.book.map_or("no status", BookStatus::word);
    (entry.created_at, "book", format!("{word}, {}, row {} of {}", entry.amount, entry.row, case.orders_name()))
}

fn done_piece(outcome: &Outcome<'_>, judged: &Judged<'_>) -> Piece {
    let id = outcome.request_id.map(|id| format!(", request id {id}")).unwrap_or_default();
    let decides = if judged.entry.done.as_ref() == Some(outcome) { "; what we did last" } else { "" };
    let answered = outcome.payment_status.map(|status| format!(", answered {status}")).unwrap_or_default();
    let text = format!("{} {}{answered}{id}{decides}", outcome.operation, outcome.state.word());
    (outcome.settled_at, "result", text)
}

fn said(line: &Notified, file: &str) -> String {
    format!("{} over {}, {file}:{}", line.status, line.amount, line.line)
}

fn heard_piece(line: &Notified, file: &str, judged: &Judged<'_>) -> Piece {
    let is_word = Some(line.status) == judged.doku_status;
    let is_amount = judged.picture.other_amount == Some(line.amount);
    let decides = match (is_word, is_amount) {
        (_, true) => "; another amount than the book's",
        (true, false) => "; DOKU's last word",
        (false, false) => "",
    };
    (line.received_at, "notified", said(line, file) + decides)
}

fn document<'a>(
    judged: &Judged<'_>,
    done: &[Outcome<'_>],
    notified: &[Notified],
    copies: &[Notified],
    name: &dyn Fn(u16) -> &'a str,
) -> serde_json::Value {
    let line = |line: &Notified| {
        serde_json::json!({
            "file": name(line.file), "line": line.line, "status": line.status.word(), "amount": line.amount,
            "received_at": line.received_at.map(Moment::wire),
        })
    };
    let result = |outcome: &Outcome<'_>| {
        serde_json::json!({
            "operation": outcome.operation, "state": outcome.state.word(),
            "request_id": outcome.request_id.map(|id| id.to_string()), "settled_at": outcome.settled_at.map(Moment::wire),
        })
    };
    serde_json::json!({
        "version": 1, "invoice_number": judged.name(), "amount": judged.entry.amount, "row": judged.entry.row,
        "book_status": judged.entry.book.map(BookStatus::word),
        "doku_status": judged.doku_status.map(PaymentStatus::word), "doku_amount": judged.doku_amount,
        "verdict": judged.verdict().word(), "reason": judged.reason_text(),
        "action": Action::of(judged).map(Action::word),
        "results": done.iter().map(result).collect::<Vec<_>>(),
        "notifications": notified.iter().map(line).collect::<Vec<_>>(),
        "copies": copies.iter().map(line).collect::<Vec<_>>(),
    })
}
