//! The input's own columns beside an order: which of them a page shows, and how customers' data are masked.
//!
//! What the job maps to a reference, a status, a time or a number is shown as it is. Everything else may be about a person:
//! customers' fields, names of goods, and every column that the job does not know.

use std::collections::BTreeMap;

use crate::job::settings::{Column, Field};
use crate::model::fault::printable;

/// Fields of which no person can be told by.
const IMPERSONAL: [Field; 9] = [
    Field::PaymentReference,
    Field::OrderId,
    Field::AkulakuReference,
    Field::BookStatus,
    Field::CreatedAt,
    Field::ExpiresAt,
    Field::LineItemPrice,
    Field::LineItemQuantity,
    Field::LineItemSku,
];

/// What a page has already.
const SHOWN_ELSEWHERE: [Field; 2] = [Field::InvoiceNumber, Field::Amount];

/// Whether customers' data are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Personal {
    /// Only the first letter of each word.
    Masked,
    /// As they are: somebody asked for it.
    Revealed,
}

/// The columns of an input that a page shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    delimiter: u8,
    kept: Vec<Kept>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Kept {
    index: usize,
    header: String,
    is_masked: bool,
}

/// A cell of the input: its header, and what a page shows of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The header.
    pub header: String,
    /// The text.
    pub text: String,
}

impl Columns {
    /// The columns of an input whose fields are mapped so.
    #[must_use]
    pub fn new(header: &[String], delimiter: u8, mapped: &BTreeMap<Field, Column>, personal: Personal) -> Self {
        let is_of = |field: &Field, header: &str| match mapped.get(field) {
            Some(Column::Header(name)) => name == header,
            Some(Column::Value(_)) => false,
            None => field.word() == header,
        };
        let of_any = |fields: &[Field], header: &str| fields.iter().any(|field| is_of(field, header));
        let kept = header
            .iter()
            .enumerate()
            .filter(|(_, header)| !of_any(&SHOWN_ELSEWHERE, header) && !header.starts_with("rekon_"))
            .map(|(index, header)| Kept {
                index,
                header: printable(header),
                is_masked: personal == Personal::Masked && !of_any(&IMPERSONAL, header),
            });
        Self { delimiter, kept: kept.collect() }
    }

    /// The same columns of rows that could not be read: a cell of theirs may hold what belongs to another column.
    #[must_use]
    pub fn of_bad_rows(&self, personal: Personal) -> Self {
        let kept = self.kept.iter().map(|kept| Kept { is_masked: personal == Personal::Masked, ..kept.clone() });
        Self { delimiter: self.delimiter, kept: kept.collect() }
    }

    /// The cells of a row that are not empty.
    #[must_use]
    pub fn cells(&self, raw: &str) -> Vec<Cell> {
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).delimiter(self.delimiter).from_reader(raw.as_bytes());
        let mut record = csv::StringRecord::new();
        // A row that somebody damaged in the journal has no cells to show.
        if !matches!(reader.read_record(&mut record), Ok(true)) {
            return Vec::new();
        }
        let cells = self.kept.iter().filter_map(|kept| {
            let text = record.get(kept.index).filter(|text| !text.trim().is_empty())?;
            let text = if kept.is_masked { masked(text) } else { printable(text) };
            Some(Cell { header: kept.header.clone(), text })
        });
        cells.collect()
    }
}

/// The first letter of each word, and three stars whatever its length: `B*** S***`. Of a word with a digit nothing stays, for
/// the first digits of a number tell more than a letter.
#[must_use]
pub fn masked(text: &str) -> String {
    let word = |word: &str| {
        let first = word.chars().next().filter(|first| first.is_alphabetic());
        let is_plain = !word.chars().any(|character| character.is_numeric() || character == '@');
        let first = first.filter(|_| is_plain).map(String::from).unwrap_or_default();
        first + "***"
    };
    // How many words there are tells nobody apart; a whole address would make the page wide.
    text.split_whitespace().take(3).map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masked_text_keeps_no_more_than_first_letters() {
        let cases = [
            ("Budi Santoso", "B*** S***"),
            ("6281234567890", "***"),
            ("siti@example.com", "***"),
            ("Jl. Merdeka No. 17 RT 03", "J*** M*** N***"),
            ("a", "a***"),
            ("<script>", "***"),
            ("\u{202e}x", "***"),
        ];
        for (text, expected) in cases {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn only_what_the_job_maps_to_something_impersonal_is_shown_as_it_is() {
        let header = ["No Invoice", "amount", "order_id", "Ref", "Nama", "Catatan", "payment_reference", "rekon_state"];
        let header = header.map(str::to_owned);
        let mapped = BTreeMap::from([
            (Field::InvoiceNumber, Column::Header("No Invoice".into())),
            (Field::PaymentReference, Column::Header("Ref".into())),
            (Field::CustomerName, Column::Header("Nama".into())),
        ]);
        let shown = |personal| {
            let cells = Columns::new(&header, b';', &mapped, personal)
                .cells("INV-1;5;1000;MUR-1;Budi Santoso;\"call; me\";x;held");
            cells.into_iter().map(|cell| format!("{}={}", cell.header, cell.text)).collect::<Vec<_>>()
        };
        assert_eq!(
            shown(Personal::Masked),
            ["order_id=1000", "Ref=MUR-1", "Nama=B*** S***", "Catatan=c*** m***", "payment_reference=x***"]
        );
        assert_eq!(
            shown(Personal::Revealed),
            ["order_id=1000", "Ref=MUR-1", "Nama=Budi Santoso", "Catatan=call; me", "payment_reference=x"]
        );
    }
}
