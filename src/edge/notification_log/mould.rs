//! The moulds of lines. A log repeats itself: the same keys in the same order, line after line. A line that has been read
//! once is a mould for the next ones, which are held against it instead of being taken apart.
//!
//! A line makes two moulds: one in which only the values that somebody asks for are open, and one in which all are. A line
//! fits if it differs from the mould in nothing but plain values that are open: texts without quotes, backslashes and control
//! characters where the mould has a text, whole numbers where it has a number. Then it is JSON of the same structure, and
//! every field is where it was. Whatever does not fit says nothing: sure or silent, as [`crate::doku::scan`].

use std::cell::RefCell;
use std::ops::Range;

use super::cast::{Cast, Piece};
use super::judge::{Body, Headers, Parts};
use super::ordinary;
use crate::doku::notification::{self, Texts};
use crate::doku::scan::{Scan, Unescaped, place};

/// The moulds that a log has shown so far.
#[derive(Debug, Default)]
pub(super) struct Moulds(Vec<Mould>);

/// More forms than this are no habit.
const MOST: usize = 16;

/// Which values of a line may be others in a line that fits its mould.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Those that somebody asks for. The rest, such as the name of the channel, is the same in nearly every line, and what
    /// stays is held against a line as a whole.
    Asked,
    /// All.
    All,
}

/// A line without its values.
#[derive(Debug, PartialEq, Eq)]
struct Mould {
    /// What stands before each value, and the value.
    steps: Vec<(Fixed, Value)>,
    /// What stands behind the last one.
    end: Fixed,
    has_headers: bool,
}

/// A text that stays.
#[derive(Debug, PartialEq, Eq)]
struct Fixed {
    /// As it is written.
    line: String,
    /// What it is in the body.
    body: Piece,
}

/// A place for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Value {
    kind: Kind,
    is_in_body: bool,
    /// `None`: nobody asks for it.
    field: Option<Field>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Number,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    ReceivedAt,
    Path,
    ClientId,
    RequestId,
    Timestamp,
    Signature,
    Invoice,
    Amount,
    Status,
    Date,
    OriginalRequestId,
    PaymentReference,
    OrderId,
    AkulakuReference,
}

/// The fields of a line.
#[derive(Debug, Default)]
struct Found<'a>([Option<&'a str>; 14]);

impl<'a> Found<'a> {
    const fn get(&self, field: Field) -> Option<&'a str> {
        self.0[field as usize]
    }
}

impl Moulds {
    /// The parts of a line that fits one of them; the text of its body goes into `body`.
    pub(super) fn read<'a, 'b>(&mut self, line: &'a str, body: &'b mut Cast) -> Option<Parts<'a, 'b>> {
        let fits = |(at, mould): (usize, &Mould)| Some((at, mould.has_headers, mould.fit(line, body)?));
        let (at, has_headers, found) = self.0.iter().enumerate().find_map(fits)?;
        // What fits often comes to the front.
        self.0.swap(at, at.saturating_sub(1));
        parts(&found, has_headers, body.text())
    }

    /// Makes moulds of a line that has been read, with these parts.
    pub(super) fn learn(&mut self, line: &str, read: &Parts<'_, '_>) {
        for open in [Open::Asked, Open::All] {
            let mut new = Self(Mould::of(line, open).into_iter().collect());
            let is_known = self.0.len() == MOST || new.0.iter().any(|mould| self.0.contains(mould));
            if !is_known && new.read(line, &mut Cast::default()).as_ref() == Some(read) {
                self.0.append(&mut new.0);
            }
        }
    }
}

fn parts<'a, 'b>(found: &Found<'a>, has_headers: bool, body: &'b [u8]) -> Option<Parts<'a, 'b>> {
    let text = |field| found.get(field).unwrap_or_default().into();
    let texts = Texts {
        invoice: found.get(Field::Invoice)?,
        amount: found.get(Field::Amount)?,
        status: found.get(Field::Status)?,
        date: found.get(Field::Date),
        original_request_id: found.get(Field::OriginalRequestId),
        payment_reference: found.get(Field::PaymentReference),
        order_id: found.get(Field::OrderId),
        akulaku_reference: found.get(Field::AkulakuReference),
    };
    Some(Parts {
        received_at: text(Field::ReceivedAt),
        path: text(Field::Path),
        headers: has_headers.then(|| Headers {
            client_id: text(Field::ClientId),
            request_id: text(Field::RequestId),
            timestamp: text(Field::Timestamp),
            signature: text(Field::Signature),
        }),
        body: Body::Text { text: body.into(), said: Some(texts.said()?) },
    })
}

impl Mould {
    /// The fields of a line that fits, and the text of its body.
    fn fit<'a>(&self, line: &'a str, body: &mut Cast) -> Option<Found<'a>> {
        // What is written in a line is never shorter than what it means.
        body.begin(line.len());
        let (mut scan, mut found) = (Scan::new(line), Found::default());
        for (before, value) in &self.steps {
            scan.literal(&before.line)?;
            body.put(&before.body);
            let rest = scan.rest().as_bytes();
            let text = match value.kind {
                Kind::Text => scan.plain()?,
                // A space before it would be part of what was signed.
                Kind::Number => scan.digits_here()?,
            };
            if value.is_in_body {
                body.copy(rest, text.len());
            }
            if let Some(field) = value.field {
                found.0[field as usize] = Some(text);
            }
        }
        scan.literal(&self.end.line)?;
        body.put(&self.end.body);
        scan.rest().is_empty().then_some(found)
    }

    /// The mould of an ordinary line.
    fn of(line: &str, open: Open) -> Option<Self> {
        let (outside, inside) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
        let mut buffer = Unescaped::default();
        let Parts { received_at, path, headers, body: _ } =
            ordinary::parts(Scan::new(line).noting(&outside), &mut buffer)?;
        let (received_at, path, has_headers) = (place(line, &received_at), place(line, &path), headers.is_some());
        let [client_id, request_id, timestamp, signature] = headers.map_or([const { None }; 4], |headers| {
            [&headers.client_id, &headers.request_id, &headers.timestamp, &headers.signature]
                .map(|header| place(line, header))
        });
        let (source, body) = (buffer.source(), buffer.text());
        let texts = notification::texts(Scan::new(body).noting(&inside))?;
        // A quote in the body is two characters of the line; a body with other escapes is no mould.
        let quotes = body.bytes().filter(|byte| *byte == b'"').count();
        if source.len() != body.len() + quotes {
            return None;
        }
        let in_line = |part: Range<usize>| {
            let quotes_before = body[..part.start].bytes().filter(|byte| *byte == b'"').count();
            let start = source.start + part.start + quotes_before;
            start..start + part.len()
        };
        let in_body = |part: Option<&str>| part.and_then(|part| place(body, part)).map(in_line);
        let fields = [
            (Field::ReceivedAt, received_at),
            (Field::Path, path),
            (Field::ClientId, client_id),
            (Field::RequestId, request_id),
            (Field::Timestamp, timestamp),
            (Field::Signature, signature),
            (Field::Invoice, in_body(Some(texts.invoice))),
            (Field::Amount, in_body(Some(texts.amount))),
            (Field::Status, in_body(Some(texts.status))),
            (Field::Date, in_body(texts.date)),
            (Field::OriginalRequestId, in_body(texts.original_request_id)),
            (Field::PaymentReference, in_body(texts.payment_reference)),
            (Field::OrderId, in_body(texts.order_id)),
            (Field::AkulakuReference, in_body(texts.akulaku_reference)),
        ];
        let asked = fields.into_iter().filter_map(|(field, place)| Some((place?, Some(field))));
        let skipped = outside.into_inner().into_iter().chain(inside.into_inner().into_iter().map(in_line));
        let skipped = skipped.map(|place| (place, None)).filter(|_| open == Open::All);
        Self::around(line, &source, asked.chain(skipped).collect(), has_headers)
    }

    /// The mould that these values leave in a line.
    fn around(
        line: &str,
        body: &Range<usize>,
        mut values: Vec<(Range<usize>, Option<Field>)>,
        has_headers: bool,
    ) -> Option<Self> {
        values.sort_unstable_by_key(|(place, _)| place.start);
        let fixed = |start: usize, end: usize| {
            let inside = line.get(start.max(body.start)..end.min(body.end)).unwrap_or_default();
            Some(Fixed { line: line.get(start..end)?.to_owned(), body: Piece::new(&inside.replace("\\\"", "\"")) })
        };
        let (mut steps, mut at) = (Vec::new(), 0);
        for (place, field) in values {
            let is_text = line.as_bytes().get(place.start.checked_sub(1)?) == Some(&b'"');
            let kind = if is_text { Kind::Text } else { Kind::Number };
            let is_in_body = body.contains(&place.start);
            steps.push((fixed(at, place.start)?, Value { kind, is_in_body, field }));
            at = place.end;
        }
        Some(Self { steps, end: fixed(at, line.len())?, has_headers })
    }
}
