//! reconciliation.csv and unmatched.csv.

use crate::model::time::wire;
use crate::reconcile::evidence::Unmatched;
use crate::reconcile::judge::Judged;

/// The columns of reconciliation.csv (`DESIGN` 6).
pub const RECONCILIATION: [&str; 15] = [
    "invoice_number",
    "amount",
    "book_status",
    "doku_status",
    "doku_amount",
    "difference",
    "verdict",
    "reason",
    "result_state",
    "request_id",
    "notifications",
    "duplicates",
    "first_received_at",
    "last_received_at",
    "age_hours",
];

/// The columns of unmatched.csv (`DESIGN` 6).
pub const UNMATCHED: [&str; 7] = ["file", "line", "reason", "invoice_number", "amount", "status", "received_at"];

/// Writes reconciliation.csv: one row per order.
///
/// # Panics
/// Never: writing into memory takes everything.
#[must_use]
pub fn reconciliation(orders: &[Judged]) -> Vec<u8> {
    table(
        &RECONCILIATION,
        orders.iter().map(|judged| {
            let subject = &judged.subject;
            let done = subject.done.as_ref();
            [
                subject.invoice.clone(),
                subject.amount.whole().to_string(),
                text(subject.book),
                text(judged.doku_status),
                judged.doku_amount.map(|amount| amount.whole().to_string()).unwrap_or_default(),
                judged.difference.map(|difference| difference.whole().to_string()).unwrap_or_default(),
                judged.verdict.word().to_owned(),
                judged.reason.to_owned(),
                done.map(|done| done.state.word().to_owned()).unwrap_or_default(),
                text(done.and_then(|done| done.request_id.as_ref())),
                judged.picture.notifications.to_string(),
                judged.picture.duplicates.to_string(),
                judged.picture.first_received_at.map(wire).unwrap_or_default(),
                judged.picture.last_received_at.map(wire).unwrap_or_default(),
                judged.age.map(|age| (age.as_secs() / 3600).to_string()).unwrap_or_default(),
            ]
        }),
    )
}

/// Writes unmatched.csv: one row per line of a log that proves nothing about an order of the input.
///
/// # Panics
/// Never: writing into memory takes everything.
#[must_use]
pub fn unmatched(lines: &[Unmatched]) -> Vec<u8> {
    table(
        &UNMATCHED,
        lines.iter().map(|line| {
            [
                line.file.clone(),
                line.line.to_string(),
                line.reason.word().to_owned(),
                line.invoice.clone(),
                line.amount.map(|amount| amount.whole().to_string()).unwrap_or_default(),
                if line.status.is_empty() { line.detail.clone() } else { line.status.clone() },
                line.received_at.clone(),
            ]
        }),
    )
}

fn text(value: Option<impl std::fmt::Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn table<const N: usize>(header: &[&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let memory = "memory takes what is written";
    writer.write_record(header).expect(memory);
    rows.for_each(|row| writer.write_record(row).expect(memory));
    writer.into_inner().expect(memory)
}
