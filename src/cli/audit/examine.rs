//! Why an order of an audit has its verdict: the book, what we did, what DOKU said line by line, and what decided.

use super::{Audit, Evidence, Options};
use crate::cli::chain::entry_document;
use crate::cli::exit::Failure;
use crate::cli::load::Case;
use crate::cli::room::NoRoom;
use crate::cli::screen::{Screen, Tone};
use crate::journal::log::Entry;
use crate::journal::store::Store as Journal;
use crate::journal::story::Logged;
use crate::journal::{Journal as _, JournalError};
use crate::model::fault::printable;
use crate::model::ids::InvoiceNumber;
use crate::model::language::Language;
use crate::model::moment::Moment;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::parse_instant;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::{DoneState, UnmatchedReason};
use crate::reconcile::judge::{Bench, Judged, Notified, Rules};
use crate::reconcile::ledger::Outcome;
use crate::reconcile::record::StrayRecord;
use crate::reconcile::settle::settle;
use crate::reconcile::strays::united;
use crate::reconcile::verdict::Moved;
use crate::report::action::Action;
use crate::report::table;
use crate::report::words::both::{Both, both};
use crate::report::words::speech::Speech;

/// A piece of evidence: when, from where, and what it says.
type Piece = (Option<Moment>, String, String);

/// Shows an order of the audit; `false` if there is none with this invoice.
pub(in crate::cli) async fn examine(
    case: &Case,
    invoice: &str,
    options: Options,
    screen: Screen,
) -> Result<bool, Failure> {
    let (audit, words) = (Audit::of(case, options, screen)?, screen.words());
    let Evidence { store, files, .. } = audit.read(None, None).await?;
    let mut ledger = store.into_ledger();
    settle(&mut ledger).map_err(NoRoom::from)?;
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
    let is_there = |reason: &UnmatchedReason| strays.iter().any(|line| line.reason == *reason);
    let unclear = [UnmatchedReason::Unreadable, UnmatchedReason::Ambiguous].into_iter().find(is_there);
    let name = |number: u16| files.get(usize::from(number)).map_or("", String::as_str);
    let rulings = rulings(&audit, invoice).await?;

    let mut pieces = vec![book(case, &judged, screen)];
    pieces.extend(done.iter().map(|outcome| done_piece(outcome, &judged, screen)));
    pieces.extend(rulings.iter().map(|Logged { at, entry, .. }| {
        (Some(Moment::from(*at)), (words.kind)(entry).to_owned(), (words.entry)(entry, 0))
    }));
    pieces.extend(notified.iter().map(|line| heard_piece(line, name(line.file), &judged, screen)));
    let copied =
        |line: &Notified| (line.received_at, (words.line_name)(line.as_copy), said(line, name(line.file), words));
    pieces.extend(copies.iter().map(copied));
    pieces.sort_by_key(|(at, ..)| *at);
    let stray = |line: &&StrayRecord<'_>| {
        let text = format!("{} {}:{}", line.status, name(line.place.file), line.place.line);
        (None, (words.line_name)(line.reason), text)
    };
    pieces.extend(strays.iter().map(stray));

    print(case, &judged, unclear, pieces, screen);
    let mut document = document(&judged, &done, &notified, &copies, &name);
    document["rulings"] = rulings.iter().map(entry_document).collect();
    screen.document(document.to_string().as_bytes());
    Ok(true)
}

/// What people have ruled about the merchant's operations on an order, as the journal of this host has it.
async fn rulings(audit: &Audit<'_>, invoice: &str) -> Result<Vec<Logged>, Failure> {
    let refused = |error: JournalError| Failure::Refused(error.to_string());
    let journal = Journal::open_to_read(&audit.case.journal).await.map_err(refused)?;
    let (Some(journal), Ok(invoice)) = (journal, InvoiceNumber::new(invoice)) else { return Ok(Vec::new()) };
    let (environment, client_id) = (audit.case.job.merchant.environment, &audit.credentials.client_id);
    let items = journal.story(&invoice).await.map_err(refused)?.items.into_iter();
    let of_merchant = items.filter(|(item, _)| {
        let account = &item.identity.account;
        account.environment == environment && account.client_id == *client_id
    });
    let entries = of_merchant.flat_map(|(_, entries)| entries);
    Ok(entries.filter(|logged| matches!(logged.entry, Entry::Ruled(_))).collect())
}

/// Whether a line that proves nothing names an invoice, be it as one of several candidates.
fn speaks_of(line: &StrayRecord<'_>, invoice: &str) -> bool {
    let candidates = line.status.split_once("; candidates ").map_or("", |(_, candidates)| candidates);
    line.invoice == invoice || candidates.split(' ').any(|candidate| candidate == invoice)
}

/// What the logs say about an invoice that no order has; whether they say anything.
fn show_strays(invoice: &str, strays: &[u8], files: &[String], screen: Screen) -> bool {
    let (strays, words) = (united(strays), screen.words());
    let rows: Vec<Vec<String>> = strays
        .iter()
        .filter(|line| speaks_of(line, invoice))
        .map(|line| {
            let file = files.get(usize::from(line.place.file)).map_or("", String::as_str);
            let amount = line.amount.map(|amount| amount.to_string()).unwrap_or_default();
            let place = printable(&format!("{file}:{}", line.place.line));
            let received_at = parse_instant(line.received_at);
            let received_at = received_at.map_or_else(|| line.received_at.to_owned(), words.time);
            vec![received_at, (words.line_name)(line.reason), line.status.to_owned(), amount, place]
        })
        .collect();
    if rows.is_empty() {
        return false;
    }
    let text = both(
        "no order of the input has this invoice; the logs speak of it:",
        "invoice ini tidak ada di data masukan; yang ada di log tentangnya:",
    );
    screen.say(&format!("{}\n{}\n", screen.tone(Tone::Title, invoice), screen.told(&text)));
    let header = match screen.language() {
        Language::English => ["received", "what", "status", "rupiah", "where"],
        Language::Indonesian => ["diterima", "apa", "status", "rupiah", "tempat"],
    };
    screen.say(&table::plain(&header, rows, 3..4));
    screen.document(
        serde_json::json!({ "version": 1, "invoice_number": invoice, "verdict": null }).to_string().as_bytes(),
    );
    true
}

/// Why DOKU may have said something that proves nothing, if it did.
type Unclear = Option<UnmatchedReason>;

fn print(case: &Case, judged: &Judged<'_>, unclear: Unclear, pieces: Vec<Piece>, screen: Screen) {
    let words = screen.words();
    let title = format!("{} · {} · audit {}", judged.name(), judged.entry.amount, case.job.name);
    let tone = if judged.verdict().needs_a_person() { Tone::Bad } else { Tone::Good };
    let reason = (words.reason)(judged.reason, judged.ageing(), judged.picture.key);
    let verdict = format!("{}: {reason}", words.audited(judged.verdict()));
    screen.say(&format!(
        "{}\n{}\n{}\n",
        screen.tone(Tone::Title, &printable(&title)),
        screen.tone(tone, &verdict),
        screen.told(&two_sides(judged, unclear))
    ));
    let rows = pieces
        .into_iter()
        .map(|(at, what, text)| vec![at.map(|at| (words.time)(at.time())).unwrap_or_default(), what, printable(&text)]);
    let [when, what] = words.chain;
    screen.say(&table::plain(&[when, what, ""], rows.collect(), 0..0));
    screen.say(&format!("\n{}", screen.told(&next(judged, unclear))));
}

/// What the book says, what DOKU says, and for how long proof has been awaited.
fn two_sides(judged: &Judged<'_>, unclear: Unclear) -> Both {
    let hours = judged.age.filter(|_| judged.ageing().is_some()).map(|age| age.as_secs() / 3600);
    let [english, indonesian] = hours.map_or_else(Default::default, |hours| {
        [format!("; proof awaited for {hours} h"), format!("; bukti ditunggu sejak {hours} jam lalu")]
    });
    let (book, doku) = (judged.entry.book, judged.doku_status);
    let silence = match unclear {
        Some(UnmatchedReason::Unreadable) => {
            ["something that this program cannot read", "ada, tetapi tidak terbaca oleh program ini"]
        }
        Some(_) => ["something that could be about another order", "ada, tetapi bisa jadi tentang pesanan lain"],
        None => ["nothing", "belum ada kabar"],
    };
    let [heard, kabar] = silence.map(|silence| doku.map_or(silence, PaymentStatus::word));
    let word = book.map_or("nothing", BookStatus::word);
    let buku = book.map_or_else(|| "kosong".to_owned(), Speech::of(Language::Indonesian).book_name);
    both(
        format!("book says {word}, DOKU says {heard}{english}"),
        format!("menurut buku: {buku}; menurut DOKU: {kabar}{indonesian}"),
    )
}

/// What to do about it.
fn next(judged: &Judged<'_>, unclear: Unclear) -> Both {
    let is_missing = judged.verdict() == Verdict::Missing;
    match Action::of(judged) {
        None => both("nothing is to be done", "tidak ada yang perlu dilakukan"),
        Some(Action::Refund) => both(
            "next: refund it; actions.csv has the row for a refund job",
            "berikutnya: kembalikan dananya; barisnya untuk job refund ada di actions.csv",
        ),
        Some(Action::ResendNotification) => both(
            "next: have DOKU's Back Office send the notification again",
            "berikutnya: minta kirim ulang notifikasinya melalui Back Office DOKU",
        ),
        Some(Action::FindRefund) => both(
            "next: look for the refund in DOKU's Back Office; add the results of the job that made it, or refund",
            "berikutnya: cari pengembalian dananya di Back Office DOKU; tambahkan hasil job yang melakukannya, atau kembalikan \
             dananya",
        ),
        Some(Action::Resolve) => both(
            "next: run the job that sent it again where it was sent, or rekon resolve THAT-JOB",
            "berikutnya: jalankan lagi job yang mengirimnya, di mesin yang sama, atau rekon resolve JOB-ITU",
        ),
        Some(Action::Rule) => both(
            "next: find out at DOKU, then, with the journal of the job that sent it: rekon rule",
            "berikutnya: tanyakan kepada DOKU, lalu, dengan jurnal job yang mengirimnya: rekon rule",
        ),
        Some(Action::Review) if is_missing && unclear == Some(UnmatchedReason::Unreadable) => both(
            "next: compare what DOKU sent, the line above, with its Back Office; sent again, it would be no easier to read",
            "berikutnya: bandingkan yang dikirim DOKU, baris di atas, dengan Back Office DOKU; dikirim ulang pun tetap \
             tidak terbaca",
        ),
        Some(Action::Review) if is_missing => both(
            "next: find the payment in DOKU's Back Office by the reference that the line names; sent again, the \
             notification could again be of several orders",
            "berikutnya: cari pembayarannya di Back Office DOKU menurut referensi yang disebut baris itu; dikirim ulang \
             pun notifikasinya tetap bisa milik beberapa pesanan",
        ),
        Some(Action::Review) => both(
            "next: a person decides; compare the lines above with DOKU's Back Office",
            "berikutnya: perlu keputusan orang; bandingkan baris-baris di atas dengan Back Office DOKU",
        ),
    }
}

fn book(case: &Case, judged: &Judged<'_>, screen: Screen) -> Piece {
    let (entry, file) = (&judged.entry, case.orders_name());
    let (amount, row) = (entry.amount, entry.row);
    let word = entry.book.map(screen.words().book_name);
    let text = both(
        format!("{}, {amount}, data row {row} of {file}", word.as_deref().unwrap_or("no status")),
        format!("{}, {amount}, baris data ke-{row} di {file}", word.as_deref().unwrap_or("tanpa status")),
    );
    (entry.created_at, screen.told(&both("book", "buku")).to_owned(), screen.told(&text).to_owned())
}

fn done_piece(outcome: &Outcome<'_>, judged: &Judged<'_>, screen: Screen) -> Piece {
    let words = screen.words();
    let id = outcome.request_id.map(|id| format!(", request id {id}")).unwrap_or_default();
    let more = weighed(outcome, judged);
    let (what, state) = ((words.operation)(outcome.operation.word()), (words.state_name)(outcome.state));
    let answered = |said: &str| outcome.payment_status.map(|status| format!(", {said} {status}")).unwrap_or_default();
    let ruled = |said: &str| if outcome.ruled { format!(", {said}") } else { String::new() };
    let text = both(
        format!("{what} {state}{}{}{id}{}", ruled("as a person ruled"), answered("answered"), more.english),
        format!("{what}: {state}{}{}{id}{}", ruled("menurut keputusan orang"), answered("dijawab"), more.indonesian),
    );
    (outcome.settled_at, screen.told(&both("result", "hasil")).to_owned(), screen.told(&text).to_owned())
}

/// What is to be said of a result, held against the book and against our other results.
fn weighed(outcome: &Outcome<'_>, judged: &Judged<'_>) -> Both {
    let deciding = judged.entry.done;
    let is_answer = !outcome.ruled && (outcome.state.is_done() || outcome.state == DoneState::Refused);
    let disputed = |other: Outcome<'_>| {
        let of_request = (other.operation, other.request_id) == (outcome.operation, outcome.request_id);
        other.state == DoneState::Conflict && of_request
    };
    let is_refund = outcome.operation == Operation::Refund && outcome.state == DoneState::Succeeded;
    let weights = [
        (outcome.other_amount, both("; over another amount than the book's", "; nominalnya berbeda dari buku")),
        (
            is_answer && deciding.is_some_and(disputed),
            both(
                "; another result of this request contradicts it",
                "; hasil lain dari permintaan ini bertentangan dengannya",
            ),
        ),
        (
            is_refund && judged.entry.moved == Moved::Twice,
            both("; one of several refunds", "; salah satu dari beberapa pengembalian dana"),
        ),
        (deciding.as_ref() == Some(outcome), both("; what we did last", "; yang terakhir kita lakukan")),
    ];
    let weights = weights.into_iter().filter(|(holds, _)| *holds);
    weights.fold(both("", ""), |all, (_, more)| both(all.english + more.english, all.indonesian + more.indonesian))
}

fn said(line: &Notified, file: &str, words: &Speech) -> String {
    (words.said_over)(&line.status.to_string(), line.amount, &format!("{file}:{}", line.line))
}

fn heard_piece(line: &Notified, file: &str, judged: &Judged<'_>, screen: Screen) -> Piece {
    let words = screen.words();
    let is_word = Some(line.status) == judged.doku_status;
    let is_amount = judged.picture.other_amount == Some(line.amount);
    let decides = match (is_word, is_amount) {
        (_, true) => both("; another amount than the book's", "; nominalnya berbeda dari buku"),
        (true, false) => both("; DOKU's last word", "; kabar terakhir dari DOKU"),
        (false, false) => both("", ""),
    };
    (line.received_at, words.notified.to_owned(), said(line, file, words) + screen.told(&decides))
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
            "ruled": outcome.ruled, "other_amount": outcome.other_amount, "request_id": outcome.request_id.map(|id| id.to_string()),
            "settled_at": outcome.settled_at.map(Moment::wire),
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
