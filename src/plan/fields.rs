//! The fields of one row: each is read into its value, and every fault is noted.

use super::columns::Columns;
use crate::job::settings::{Field, Orders};
use crate::model::fault::Fault;
use crate::model::ids::{NotAnId, check_cell, check_identifier_cell};
use crate::model::money::{AmountStyle, NotAnAmount, Rupiah};
use crate::model::operation::Task;
use crate::model::status::BookStatus;
use crate::model::table::{Record, Table};
use crate::model::time::{Timestamp, Zone};
use crate::model::time_style::{NotATime, TimeStyle};

/// So many characters of a value are shown in a message.
pub(super) const MOST_SHOWN: usize = 64;

/// Reads the fields of one row and collects its faults.
pub(super) struct RowReader<'a, 'r> {
    orders: &'a Orders,
    columns: &'a Columns,
    table: &'a Table,
    record: &'a Record<'r>,
    faults: Vec<Fault>,
    misread: bool,
}

impl<'a, 'r> RowReader<'a, 'r> {
    pub(super) const fn new(
        orders: &'a Orders,
        columns: &'a Columns,
        table: &'a Table,
        record: &'a Record<'r>,
    ) -> Self {
        Self { orders, columns, table, record, faults: Vec::new(), misread: false }
    }

    /// All faults, in the order in which the fields were read, and whether one of them shows that good rows are misread too.
    pub(super) fn into_faults(self) -> (Vec<Fault>, bool) {
        (self.faults, self.misread)
    }

    /// A field's text; `None` if it is empty or the file has no such column.
    pub(super) fn text(&self, field: Field) -> Option<&'a str> {
        self.columns.text(self.record, field)
    }

    /// What is wrong with a row that is none.
    pub(super) fn no_row(&self) -> Option<Fault> {
        let fault = |message: &str, hint: &str| Some(self.table.fault(self.record, 0, message).hint(hint));
        let fields = &self.record.fields;
        if fields.iter().all(str::is_empty) {
            return fault("the row is empty", "delete the empty rows of the sheet, and export it again");
        }
        // A file that is put behind another one may begin with a byte order mark.
        let plain = |field: &str| field.trim_start_matches('\u{feff}').to_owned();
        if fields.iter().map(plain).eq(self.table.header().iter().cloned()) {
            return fault("the header stands here again", "delete it: one file has one header");
        }
        None
    }

    /// A mandatory field's text.
    pub(super) fn required(&mut self, field: Field) -> Option<&'a str> {
        let text = self.text(field);
        if text.is_none() {
            let message = format!("{} is empty", field.word());
            let fault = self.table.fault(self.record, self.columns.index(field), message);
            self.faults.push(fault.hint("fill it in the export"));
        }
        text
    }

    /// Notes a fault of a field: `<field> "<text>" <message>`.
    pub(super) fn fault(&mut self, field: Field, message: &str, hint: &str) {
        let text = self.text(field).unwrap_or_default();
        let shown: String = text.chars().take(MOST_SHOWN).collect();
        let message = format!("{} {shown:?} {message}", field.word());
        self.faults.push(self.table.fault(self.record, self.columns.index(field), message).hint(hint));
    }

    /// A mandatory amount in the job's style.
    pub(super) fn amount(&mut self, field: Field) -> Option<Rupiah> {
        let text = self.required(field)?;
        match Rupiah::parse_amount(text, self.orders.amounts) {
            Ok(amount) => Some(amount),
            Err(why) => {
                let (what, hint) = match check_cell(text) {
                    Err(shown @ NotAnId::Error) => (shown.to_string(), MEND.to_owned()),
                    Err(shown @ NotAnId::Narrow) => (shown.to_string(), WIDEN.to_owned()),
                    _ => (why.to_string(), amount_hint(text, self.orders.amounts, why)),
                };
                self.fault(field, &what, &hint);
                None
            }
        }
    }

    /// An id, if the row has one.
    pub(super) fn id<T>(&mut self, field: Field, read: impl Fn(&str) -> Result<T, NotAnId>) -> Option<T> {
        let text = self.text(field)?;
        let checked = match field {
            Field::OrderId | Field::AkulakuReference => check_identifier_cell(text),
            _ => check_cell(text),
        };
        match checked.and_then(|()| read(text)) {
            Ok(id) => Some(id),
            Err(why) => {
                let hint = match why {
                    NotAnId::Scientific | NotAnId::Fraction | NotAnId::Separated => {
                        "export the column as text, so that no digit is lost"
                    }
                    NotAnId::Truth => "export the column as text, so that the word stays as it was written",
                    NotAnId::Total => "leave rows of sums out of the export",
                    NotAnId::Nothing | NotAnId::Blank => "leave the cell empty, or the row out",
                    NotAnId::Signed => {
                        "export what DOKU gave; where there is none, leave the cell empty, or the row out"
                    }
                    NotAnId::Narrow => WIDEN,
                    NotAnId::Error => MEND,
                    NotAnId::Formula(_) => "remove the sign; an export for spreadsheets is no input",
                    NotAnId::TooLong { .. } => "check that this is the right column",
                    NotAnId::DotDot => "remove it; the number becomes part of a web address",
                    NotAnId::Character { .. } if read(text.trim()).is_ok() => "remove the blanks before or behind it",
                    NotAnId::Character { character: '\'', position: 1 } => {
                        "remove the apostrophe, by which spreadsheets mark a text"
                    }
                    NotAnId::Empty | NotAnId::Character { .. } => {
                        "use printable ASCII without spaces, quotes, \\, < and >"
                    }
                };
                self.fault(field, &why.to_string(), hint);
                None
            }
        }
    }

    pub(super) fn time(&mut self, field: Field) -> Option<Timestamp> {
        let text = self.text(field)?;
        match self.orders.time(text) {
            Ok(time) => Some(time.time()),
            Err(why) => {
                self.misread |= why == NotATime::MonthFirst;
                self.fault(field, &why.to_string(), &time_hint(text, self.orders.times, why));
                None
            }
        }
    }

    /// The book's word in our words. A word that is not mapped says nothing, except in an audit, which lives by it.
    pub(super) fn book_status(&mut self, task: Task) -> Option<BookStatus> {
        let text = self.text(Field::BookStatus)?;
        let status = self.orders.book_status(text);
        if status.is_none() && task == Task::Audit {
            let words = BookStatus::ALL.map(BookStatus::word).join(", ");
            self.fault(Field::BookStatus, "is not mapped", &format!("map it under orders.statuses to one of {words}"));
        }
        status
    }

    /// A file that ends without a line end may have been cut in the middle of its last field. If that is a number or an
    /// id of ours, or a status that decides, what is left of it is another one. A closing quote rules that out; control totals do so for the amount they add up.
    pub(super) fn check_last_field(&mut self) {
        let is_last = self.record.number == self.table.rows();
        let last = self.table.header().len() - 1;
        let complete = self.table.terminated() || self.record.raw.ends_with('"');
        let may_be_cut = last_field_matters(self.orders, self.columns, self.table);
        if is_last && !complete && may_be_cut {
            let message = "the file ends here without a line end, so this value may have been cut";
            let fault = self.table.fault(self.record, last, message);
            self.faults.push(fault.hint("export the file again, to its end; or end it with a line end if it is whole"));
        }
    }
}

/// Whether it would matter if the file were cut in its last field.
pub(super) fn last_field_matters(orders: &Orders, columns: &Columns, table: &Table) -> bool {
    let controlled = orders.control.is_some_and(|control| control.rows.is_some() && control.amount.is_some());
    // Of a status nothing but a condition makes anything: `REFUND`, which is meant, may be what is left of `REFUNDED`.
    let conditional = orders.conditions.iter().any(|condition| condition.field == Field::BookStatus);
    columns.last(table).any(|field| match field {
        Field::BookStatus => conditional,
        Field::Amount => !controlled,
        _ => true,
    })
}

/// What to do about a cell that a spreadsheet could not show.
const WIDEN: &str = "widen the column, and export again";
const MEND: &str = "mend the formula of that cell, and export again";

/// What to do about a time that cannot be read.
fn time_hint(text: &str, style: TimeStyle, why: NotATime) -> String {
    let forms = match style {
        TimeStyle::Iso => "write 2026-11-21 18:02:11, or with an offset 2026-11-21T18:02:11+07:00",
        TimeStyle::Id => "write 21/11/2026 18:02:11, 21-11-2026 18.02 or 2026-11-21 18:02:11",
    };
    let again = "in a spreadsheet, format the column as yyyy-mm-dd hh:mm and export again";
    match why {
        NotATime::Form => match (style, TimeStyle::Id.read(text, Zone::WIB)) {
            (TimeStyle::Iso, Ok(_) | Err(NotATime::Early)) => {
                format!("{forms}; if the day comes first in all of the file, declare format: {{times: id}}")
            }
            // `11/21/2026`, or the days since 1900.
            _ if text.starts_with(|first: char| first.is_ascii_digit()) => format!("{forms}; {again}"),
            _ => forms.to_owned(),
        },
        NotATime::None => "correct it in the export".to_owned(),
        NotATime::ShortYear => format!("write the year with four digits; {again}"),
        NotATime::MonthFirst => format!("so times: id misreads the other dates of this file as well; {again}"),
        NotATime::Early => "leave the cell empty".to_owned(),
    }
}

/// What to do about an amount that cannot be read.
fn amount_hint(text: &str, style: AmountStyle, why: NotAnAmount) -> String {
    let other = [(AmountStyle::Plain, "plain"), (AmountStyle::Id, "id"), (AmountStyle::Us, "us")]
        .into_iter()
        .find(|(other, _)| *other != style && Rupiah::parse_amount(text, *other).is_ok());
    match (why, other) {
        (NotAnAmount::Form, Some((_, name))) => {
            format!("export without separators and decimals, or declare format: {{amounts: {name}}}")
        }
        (NotAnAmount::Form, None) if text.starts_with('=') => {
            "export the value of that cell, and not its formula: digits only".into()
        }
        (NotAnAmount::Form, None) if Rupiah::parse_amount(text.trim(), style).is_ok() => {
            "remove the blanks before or behind it".into()
        }
        (NotAnAmount::Form, None) if Rupiah::parse_amount(text.trim_start_matches('0'), style).is_ok() => {
            "remove the zeros in front of it".into()
        }
        (NotAnAmount::Form, None) => "export whole rupiah: digits only, no sign, no decimals".into(),
        (NotAnAmount::Zero, _) => "remove the row; there is no money in it".into(),
        (NotAnAmount::TooLong, _) => "the provider takes at most 12 digits".into(),
    }
}
