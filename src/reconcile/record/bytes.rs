//! Records as bytes: a byte for the kind, numbers of fixed length, texts with theirs.

use super::{DoneRecord, HeardRecord, LinePlace, OrderRecord, Record, Standing, StrayRecord, Told};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::reconcile::evidence::{DoneState, Expectation, UnmatchedReason};
use crate::reconcile::packed::{Reader, code, decode, millis, optional_code, time_of, write_text};
use crate::reconcile::request::RequestText;

impl<'a> Record<'a> {
    /// Appends the record's bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::RowsBefore(rows) => {
                out.push(0);
                out.extend(rows.to_le_bytes());
            }
            Self::Order(order) => order.write(out),
            Self::Done(done) => done.write(out),
            Self::Heard(heard) => heard.write(out),
            Self::Stray(stray) => stray.write(out),
        }
    }

    /// Takes the next record off the bytes; `None` at their end, or if they are none of ours.
    #[must_use]
    pub fn read(bytes: &mut &'a [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let record = match reader.byte()? {
            0 => Self::RowsBefore(reader.number()?),
            1 => Self::Order(OrderRecord::read(&mut reader)?),
            2 => Self::Done(DoneRecord::read(&mut reader)?),
            3 => Self::Heard(HeardRecord::read(&mut reader)?),
            4 => Self::Stray(StrayRecord::read(&mut reader)?),
            _ => return None,
        };
        *bytes = reader.0;
        Some(record)
    }
}

impl<'a> OrderRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let (kind, word) = match self.expectation {
            Expectation::Effect(operation) => (0, code(&Operation::ALL, operation)),
            Expectation::Book(book) => (1, optional_code(&BookStatus::ALL, book)),
        };
        let book = optional_code(&BookStatus::ALL, self.book);
        out.extend([1, kind, word, book, self.standing as u8, u8::from(self.invoice.is_some())]);
        out.extend(self.row.to_le_bytes());
        out.extend(self.amount.whole().to_le_bytes());
        out.extend(millis(self.created_at).to_le_bytes());
        out.extend(self.reference.unwrap_or_default().to_le_bytes());
        out.extend(self.agreement.to_le_bytes());
        write_text(self.invoice.unwrap_or_default(), out);
        self.identifiers.iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [kind, word, book, standing, readable] = reader.array()?;
        let expectation = match kind {
            0 => Expectation::Effect(decode(&Operation::ALL, word)?),
            _ => Expectation::Book(decode(&BookStatus::ALL, word)),
        };
        let standing =
            decode(&[Standing::Judged, Standing::NotSelected, Standing::OutsidePeriod, Standing::Invalid], standing)?;
        Some(Self {
            expectation,
            standing,
            book: decode(&BookStatus::ALL, book),
            row: reader.number()?,
            amount: Rupiah::new(reader.number()?),
            created_at: time_of(reader.millis()?),
            reference: Some(reader.number()?).filter(|hash| *hash != 0),
            agreement: reader.number()?,
            invoice: Some(reader.text()?).filter(|_| readable == 1),
            identifiers: [reader.text()?, reader.text()?, reader.text()?],
        })
    }
}

impl<'a> DoneRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let operation = code(&Operation::ALL, self.operation);
        let state = code(&DoneState::ALL, self.state);
        let status = optional_code(&PaymentStatus::ALL, self.payment_status);
        let (kind, number, text) = match self.request_id {
            None => (0, 0, ""),
            Some(RequestText::Uuid(number)) => (1, number, ""),
            Some(RequestText::Text(text)) => (2, 0, text),
        };
        out.extend([2, operation, state, status, kind, u8::from(self.ruled)]);
        out.extend(self.amount.unwrap_or_default().whole().to_le_bytes());
        out.extend(millis(self.settled_at).to_le_bytes());
        out.extend(number.to_le_bytes());
        write_text(self.invoice, out);
        write_text(text, out);
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [operation, state, status, kind, ruled] = reader.array()?;
        // No order has an amount of zero.
        let amount = Some(Rupiah::new(reader.number()?)).filter(|amount| *amount != Rupiah::ZERO);
        let settled_at = time_of(reader.millis()?);
        let number = u128::from_le_bytes(reader.array()?);
        let (invoice, text) = (reader.text()?, reader.text()?);
        Some(Self {
            invoice,
            operation: decode(&Operation::ALL, operation)?,
            state: decode(&DoneState::ALL, state)?,
            amount,
            request_id: match kind {
                0 => None,
                1 => Some(RequestText::Uuid(number)),
                _ => Some(RequestText::Text(text)),
            },
            payment_status: decode(&PaymentStatus::ALL, status),
            settled_at,
            ruled: ruled == 1,
        })
    }
}

impl LinePlace {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.file.to_le_bytes());
        out.extend(self.line.to_le_bytes());
        out.extend(self.hash.to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { file: u16::from_le_bytes(reader.array()?), line: reader.number()?, hash: reader.number()? })
    }
}

impl<'a> HeardRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let status = code(&PaymentStatus::ALL, self.status);
        out.extend([3, status, u8::from(self.late), u8::from(self.stale)]);
        self.place.write(out);
        out.extend(self.amount.whole().to_le_bytes());
        out.extend(millis(self.received_at).to_le_bytes());
        out.extend(self.day.unwrap_or_default().to_le_bytes());
        out.extend(self.id.to_le_bytes());
        out.extend(self.date.to_le_bytes());
        out.extend(self.request.unwrap_or_default().to_le_bytes());
        out.extend(self.reference.unwrap_or_default().to_le_bytes());
        write_text(self.invoice, out);
        self.identifiers.iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [status, late, stale] = reader.array()?;
        Some(Self {
            status: decode(&PaymentStatus::ALL, status)?,
            late: late == 1,
            stale: stale == 1,
            place: LinePlace::read(reader)?,
            amount: Rupiah::new(reader.number()?),
            received_at: time_of(reader.millis()?),
            day: Some(u16::from_le_bytes(reader.array()?)).filter(|day| *day != 0),
            id: reader.number()?,
            date: reader.number()?,
            request: Some(u128::from_le_bytes(reader.array()?)).filter(|key| *key != 0),
            reference: Some(reader.number()?).filter(|hash| *hash != 0),
            invoice: reader.text()?,
            identifiers: [reader.text()?, reader.text()?, reader.text()?],
        })
    }
}

impl Told {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([code(&PaymentStatus::ALL, self.status), u8::from(self.stale)]);
        out.extend(millis(self.received_at).to_le_bytes());
        out.extend(self.id.to_le_bytes());
        out.extend(self.date.to_le_bytes());
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let [status, stale] = reader.array()?;
        Some(Self {
            status: decode(&PaymentStatus::ALL, status)?,
            stale: stale == 1,
            received_at: time_of(reader.millis()?),
            id: reader.number()?,
            date: reader.number()?,
        })
    }
}

impl<'a> StrayRecord<'a> {
    fn write(&self, out: &mut Vec<u8>) {
        let reason = code(&UnmatchedReason::ALL, self.reason);
        out.extend([4, reason, u8::from(self.amount.is_some()), u8::from(self.told.is_some())]);
        self.place.write(out);
        self.told.iter().for_each(|told| told.write(out));
        out.extend(self.amount.unwrap_or_default().whole().to_le_bytes());
        [self.invoice, self.status, self.received_at].iter().for_each(|text| write_text(text, out));
    }

    fn read(reader: &mut Reader<'a>) -> Option<Self> {
        let [reason, has_amount, has_told] = reader.array()?;
        Some(Self {
            reason: decode(&UnmatchedReason::ALL, reason)?,
            place: LinePlace::read(reader)?,
            told: if has_told == 1 { Some(Told::read(reader)?) } else { None },
            amount: Some(Rupiah::new(reader.number()?)).filter(|_| has_amount == 1),
            invoice: reader.text()?,
            status: reader.text()?,
            received_at: reader.text()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::parse_moment;

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let at = parse_moment("2026-11-21T10:00:00.250Z");
        let order = OrderRecord {
            row: 7,
            invoice: Some("INV/1"),
            amount: Rupiah::new(90_000),
            book: Some(BookStatus::Paid),
            created_at: at,
            expectation: Expectation::Book(Some(BookStatus::Paid)),
            reference: Some(5),
            agreement: 9,
            identifiers: ["P", "", "A"],
            standing: Standing::OutsidePeriod,
        };
        let place = LinePlace { file: 3, line: 70_000, hash: 11 };
        let done = DoneRecord {
            invoice: "INV/1",
            operation: Operation::Refund,
            state: DoneState::Unknown,
            amount: Some(Rupiah::new(90_000)),
            request_id: Some(RequestText::Text("r")),
            payment_status: None,
            settled_at: at,
            ruled: true,
        };
        let heard = HeardRecord {
            place,
            invoice: "INV/1",
            amount: Rupiah::new(90_000),
            status: PaymentStatus::Success,
            received_at: at,
            day: Some(3),
            id: 1,
            date: 2,
            request: Some(u128::MAX),
            reference: None,
            late: true,
            stale: false,
            identifiers: ["P-1", "", "A-1"],
        };
        let records = [
            Record::RowsBefore(9),
            Record::Order(order),
            Record::Order(OrderRecord {
                invoice: None,
                expectation: Expectation::Effect(Operation::Refund),
                created_at: None,
                ..order
            }),
            Record::Done(done),
            Record::Done(DoneRecord { request_id: Some(RequestText::Uuid(7)), ..done }),
            Record::Done(DoneRecord { amount: None, request_id: None, settled_at: None, ..done }),
            Record::Heard(heard),
            Record::Heard(HeardRecord { day: None, request: None, received_at: None, ..heard }),
            Record::Stray(StrayRecord {
                place,
                reason: UnmatchedReason::Orphan,
                amount: None,
                invoice: "",
                status: "torn",
                received_at: "21 Nov",
                told: None,
            }),
            Record::Stray(StrayRecord {
                place,
                reason: UnmatchedReason::Orphan,
                amount: Some(Rupiah::new(5)),
                invoice: "INV/2",
                status: "SUCCESS",
                received_at: "",
                told: Some(Told::of(&heard)),
            }),
        ];
        let mut bytes = Vec::new();
        records.iter().for_each(|record| record.write(&mut bytes));
        let mut rest = bytes.as_slice();
        let read: Vec<Record<'_>> = std::iter::from_fn(|| Record::read(&mut rest)).collect();
        assert_eq!(read, records);
        for end in 0..bytes.len() {
            let mut cut = &bytes[..end];
            while Record::read(&mut cut).is_some() {}
        }
    }
}
