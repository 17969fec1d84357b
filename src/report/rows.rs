//! The rows of reconciliation.csv, unmatched.csv, actions.csv and days.csv.

use std::fmt::Display;
use std::io::Write as _;

use crate::model::moment::Moment;
use crate::model::money::Rupiah;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::reconcile::evidence::DoneState;
use crate::reconcile::judge::Judged;
use crate::reconcile::reason::Key;
use crate::reconcile::record::StrayRecord;
use crate::reconcile::request::{RequestText, push_uuid};
use crate::reconcile::total::DayTotal;
use crate::report::action::Action;

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

/// The columns of actions.csv: what to do next, then the fields that an order of a job has.
pub const ACTIONS: [&str; 8] =
    ["action", "invoice_number", "amount", "payment_reference", "order_id", "akulaku_reference", "verdict", "reason"];

/// The columns of days.csv.
pub const DAYS: [&str; 5] = ["date", "of", "word", "count", "rupiah"];

/// A header as a line.
#[must_use]
pub fn header(names: &[&str]) -> Vec<u8> {
    let mut line = Line(Vec::new());
    names.iter().for_each(|name| line.text(name));
    line.end()
}

/// Appends an order's row of reconciliation.csv.
pub fn order(judged: &Judged<'_>, out: &mut Vec<u8>) {
    let entry = &judged.entry;
    let mut line = Line(std::mem::take(out));
    line.text(&judged.name());
    line.number(entry.amount.whole());
    line.word(entry.book.map_or("", BookStatus::word));
    line.word(judged.doku_status.map_or("", PaymentStatus::word));
    line.optional_number(judged.doku_amount.map(Rupiah::whole));
    match judged.difference {
        Some(difference) if !difference.is_zero() => line.plain(difference.whole()),
        difference => line.optional_number(difference.map(|_| 0)),
    }
    line.word(judged.verdict().word());
    match (judged.ageing(), judged.picture.key.and_then(Key::label)) {
        (None, None) => match judged.reason.words() {
            Some(words) => line.word(words),
            None => line.plain(judged.reason),
        },
        _ => line.text(&judged.reason_text()),
    }
    line.word(judged.result_state().map_or("", DoneState::word));
    match entry.done.and_then(|done| done.request_id) {
        Some(RequestText::Text(text)) => line.text(text),
        Some(RequestText::Uuid(number)) => line.uuid(number),
        None => line.word(""),
    }
    line.number(judged.picture.notifications);
    line.number(judged.picture.duplicates);
    line.times(judged.picture.first_received_at, judged.picture.last_received_at);
    line.optional_number(judged.age_hours());
    *out = line.end();
}

/// Appends an order's row of actions.csv, if there is something to do; only then it is asked what a refund needs.
pub fn action<'a>(judged: &Judged<'_>, identifiers: impl FnOnce() -> [&'a str; 3], out: &mut Vec<u8>) {
    let Some(action) = Action::of(judged) else { return };
    let mut line = Line(std::mem::take(out));
    line.word(action.word());
    line.text(&judged.name());
    line.number(judged.entry.amount.whole());
    identifiers().iter().for_each(|text| line.text(text));
    line.word(judged.verdict().word());
    line.text(&judged.reason_text());
    *out = line.end();
}

/// Appends a row of unmatched.csv.
pub fn unmatched(file: &str, stray: &StrayRecord<'_>, out: &mut Vec<u8>) {
    let mut line = Line(std::mem::take(out));
    line.text(file);
    line.number(stray.place.line);
    line.word(stray.reason.word());
    line.text(stray.invoice);
    line.optional_number(stray.amount.map(Rupiah::whole));
    line.text(stray.status);
    line.text(stray.received_at);
    *out = line.end();
}

/// Writes days.csv.
#[must_use]
pub fn days(days: &[DayTotal]) -> Vec<u8> {
    let mut out = header(&DAYS);
    for day in days {
        let mut line = Line(out);
        line.text(day.date.as_deref().unwrap_or_default());
        line.word(day.of);
        line.word(day.word);
        line.number(day.tally.count);
        line.number(day.tally.rupiah.whole());
        out = line.end();
    }
    out
}

/// Bytes to which a line of CSV is being added; every field ends with a comma until the line ends.
struct Line(Vec<u8>);

impl Line {
    /// What needs no quotes.
    fn plain(&mut self, value: impl Display) {
        write!(self.0, "{value},").expect("memory takes what is written");
    }

    /// A word of ours.
    fn word(&mut self, word: &str) {
        self.0.extend(word.as_bytes());
        self.0.push(b',');
    }

    fn number(&mut self, mut number: u64) {
        let mut digits = [b'0'; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] += u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.0.extend(&digits[first..]);
        self.0.push(b',');
    }

    fn optional_number(&mut self, number: Option<u64>) {
        match number {
            Some(number) => self.number(number),
            None => self.0.push(b','),
        }
    }

    fn uuid(&mut self, number: u128) {
        push_uuid(number, &mut self.0);
        self.0.push(b',');
    }

    fn time(&mut self, time: Option<Moment>) {
        if let Some(time) = time {
            time.push_wire(&mut self.0);
        }
        self.0.push(b',');
    }

    /// Two times, which are most often the same.
    fn times(&mut self, first: Option<Moment>, last: Option<Moment>) {
        let start = self.0.len();
        self.time(first);
        if first == last {
            self.0.extend_from_within(start..);
        } else {
            self.time(last);
        }
    }

    /// A text, in quotes where it must be (RFC 4180).
    fn text(&mut self, text: &str) {
        if text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
            self.0.push(b'"');
            self.0.extend(text.replace('"', "\"\"").into_bytes());
            self.0.push(b'"');
        } else {
            self.0.extend(text.as_bytes());
        }
        self.0.push(b',');
    }

    fn end(mut self) -> Vec<u8> {
        if let Some(last) = self.0.last_mut() {
            *last = b'\n';
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_with_all_its_digits() {
        let mut line = Line(Vec::new());
        [0, 7, 10, 90_000, u64::MAX].into_iter().for_each(|number| line.number(number));
        assert_eq!(line.end(), b"0,7,10,90000,18446744073709551615\n");
    }

    #[test]
    fn a_text_is_quoted_where_it_must_be_and_read_back_as_it_was() {
        let texts = ["plain", "", "a,b", "a \"b\"", "two\nlines", "cr\r", "row 7"];
        let mut line = Line(Vec::new());
        texts.iter().for_each(|text| line.text(text));
        let written = line.end();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(written.as_slice());
        let read: Vec<csv::StringRecord> = reader.records().map(|record| record.expect("it is CSV")).collect();
        assert_eq!(read, [csv::StringRecord::from(texts.to_vec())]);
    }
}
