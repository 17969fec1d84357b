//! An entry of the journal's log in a few words, for the chain of an invoice.

use crate::journal::log::{Entry, Wire, sha256, short};
use crate::journal::state::Event;
use crate::model::fault::printable;
use crate::model::money::Rupiah;
use crate::model::outcome::Facts;

/// What an entry is.
pub(super) const fn kind_in_english(entry: &Entry) -> &'static str {
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

/// The same in Bahasa Indonesia.
pub(super) const fn kind_in_indonesian(entry: &Entry) -> &'static str {
    match entry {
        Entry::RunBegan { .. }
        | Entry::Overridden { .. }
        | Entry::RunStopped { .. }
        | Entry::RunEnded { .. }
        | Entry::Accepted { .. } => "proses",
        Entry::Made(_) | Entry::Carried(_) | Entry::TakenOver { .. } => "dicatat",
        Entry::Intended { .. } => "siap dikirim",
        Entry::Ended { .. } | Entry::AnswerCarried { .. } => "jawaban",
        Entry::Inquired { .. } => "tanya status",
        Entry::GaveUp => "batas waktu",
        Entry::Contradicted { .. } => "bertentangan",
        Entry::Ruled(_) => "keputusan",
    }
}

/// An entry in words; of a request, the how manieth it is.
pub(super) fn english(entry: &Entry, request: u32) -> String {
    match entry {
        Entry::RunBegan { run, .. }
        | Entry::Overridden { run, .. }
        | Entry::RunStopped { run, .. }
        | Entry::RunEnded { run, .. } => run.clone(),
        Entry::Accepted { found, .. } => found.clone(),
        Entry::Made(made) => {
            let reopened = made.reopened.as_ref();
            let reopened = reopened.map(|why| format!(", reopened by {}: {}", why.by, why.reason)).unwrap_or_default();
            format!(
                "{}, {}{reopened}",
                Rupiah::new(made.amount),
                body(&made.body_sha256, ["body not made yet", "body"])
            )
        }
        Entry::Carried(carried) => format!("as an older journal held it: {} {}", carried.state, carried.reason),
        Entry::TakenOver { run, amount, body_sha256, .. } => {
            let body = body(body_sha256, ["body not made yet", "body"]);
            format!("taken over by run {run}: {}, {body}", Rupiah::new(*amount))
        }
        Entry::Intended { run, .. } => format!("request {request}, in run {run}"),
        Entry::Ended { wire: Wire::NeverLeft, reason, facts, .. } => {
            format!("nothing left this machine ({reason}){}", said_in_english(facts))
        }
        Entry::Ended { event, reason, facts, .. } => {
            format!("{}{}", with_reason(concluded_in_english(*event), reason), said_in_english(facts))
        }
        Entry::AnswerCarried { attempt, .. } => format!("attempt {attempt}, of an older journal"),
        Entry::Inquired { event, facts, .. } => {
            format!("{}{}", concluded_in_english(*event), said_in_english(facts))
        }
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

/// The same in Bahasa Indonesia.
pub(super) fn indonesian(entry: &Entry, request: u32) -> String {
    match entry {
        Entry::RunBegan { run, .. }
        | Entry::Overridden { run, .. }
        | Entry::RunStopped { run, .. }
        | Entry::RunEnded { run, .. } => run.clone(),
        Entry::Accepted { found, .. } => found.clone(),
        Entry::Made(made) => {
            let reopened = made.reopened.as_ref();
            let reopened =
                reopened.map(|why| format!(", dibuka lagi oleh {}: {}", why.by, why.reason)).unwrap_or_default();
            format!(
                "{}, {}{reopened}",
                Rupiah::new(made.amount),
                body(&made.body_sha256, ["isi belum dibuat", "sidik isi"])
            )
        }
        Entry::Carried(carried) => format!("seperti di jurnal lama: {} {}", carried.state, carried.reason),
        Entry::TakenOver { run, amount, body_sha256, .. } => {
            let body = body(body_sha256, ["isi belum dibuat", "sidik isi"]);
            format!("diambil alih oleh proses {run}: {}, {body}", Rupiah::new(*amount))
        }
        Entry::Intended { run, .. } => format!("permintaan ke-{request}, dalam proses {run}"),
        Entry::Ended { wire: Wire::NeverLeft, reason, facts, .. } => {
            format!("tidak ada yang keluar dari mesin ini ({reason}){}", said_in_indonesian(facts))
        }
        Entry::Ended { event, reason, facts, .. } => {
            format!("{}{}", with_reason(concluded_in_indonesian(*event), reason), said_in_indonesian(facts))
        }
        Entry::AnswerCarried { attempt, .. } => format!("percobaan {attempt}, dari jurnal lama"),
        Entry::Inquired { event, facts, .. } => {
            format!("{}{}", concluded_in_indonesian(*event), said_in_indonesian(facts))
        }
        Entry::GaveUp => "sudah lewat tanpa bukti: perlu keputusan orang".to_owned(),
        Entry::Contradicted { status, notification, .. } => {
            format!("notifikasi {notification} menyebut {status}, bertentangan dengan bukti sebelumnya")
        }
        Entry::Ruled(ruled) => {
            let what = if ruled.event == Event::RuledDone { "sudah terjadi" } else { "tidak terjadi" };
            format!("{what}, oleh {}: {}; bukti: {}", ruled.by, ruled.reason, ruled.evidence)
        }
    }
}

/// What will be sent. Of what was reopened the run makes it that sends it.
fn body(sha256_of_it: &str, [unmade, made]: [&str; 2]) -> String {
    if sha256_of_it == sha256(b"") { unmade.to_owned() } else { format!("{made} {}", short(sha256_of_it)) }
}

fn with_reason(words: &str, reason: &str) -> String {
    if reason.is_empty() { words.to_owned() } else { format!("{words} ({})", printable(reason)) }
}

/// What an event concludes.
const fn concluded_in_english(event: Event) -> &'static str {
    match event {
        Event::Applied => "applied",
        Event::Already => "already done, not provably by us",
        Event::Refused | Event::TurnedAway => "refused",
        Event::NothingDone => "not looked at",
        Event::NoProof => "no proof",
        Event::Intended | Event::GivenUp | Event::RuledDone | Event::RuledNotDone => "",
    }
}

const fn concluded_in_indonesian(event: Event) -> &'static str {
    match event {
        Event::Applied => "berhasil",
        Event::Already => "sudah pernah dilakukan, belum tentu oleh kita",
        Event::Refused | Event::TurnedAway => "ditolak",
        Event::NothingDone => "tidak diproses",
        Event::NoProof => "tidak ada bukti",
        Event::Intended | Event::GivenUp | Event::RuledDone | Event::RuledNotDone => "",
    }
}

/// What an answer said, after what it proves.
fn said_in_english(facts: &Facts) -> String {
    said(facts, ["signature", "payment", "operation", "the first answer again"])
}

fn said_in_indonesian(facts: &Facts) -> String {
    let own =
        [("no answer in time", "tidak ada jawaban tepat waktu"), ("the answer did not end", "jawaban tidak berakhir")];
    let own = own.into_iter().find(|(english, _)| facts.message.as_deref() == Some(english));
    let message = own.map(|(_, word)| word.to_owned()).or_else(|| facts.message.clone());
    let facts = Facts { message, ..facts.clone() };
    said(&facts, ["tanda tangan", "pembayaran", "operasi", "diulang: sama dengan jawaban pertama"])
}

fn said(facts: &Facts, [signature, payment, operation, replayed]: [&str; 4]) -> String {
    let status = facts.http_status.map(|status| format!("HTTP {status}"));
    let signed = Some(facts.signature.word()).filter(|word| !word.is_empty()).map(|word| format!("{signature} {word}"));
    let payment = facts.payment_status.as_ref().map(|word| format!("{payment} {word}"));
    let operation = facts.operation_status.as_ref().map(|word| format!("{operation} {word}"));
    let replayed = facts.replayed.then(|| replayed.to_owned());
    let parts = [status, signed, payment, operation, replayed, facts.message.clone()];
    parts.into_iter().flatten().fold(String::new(), |text, part| text + ", " + &part)
}
