//! The conditions of `where`: which rows are meant. They compare the file's own words (`DESIGN` 11.15).

use super::columns::Columns;
use crate::job::settings::{Condition, Orders, Test};
use crate::model::money::Rupiah;
use crate::model::table::Record;
use crate::model::time::{self, Timestamp, span_text};

/// Why a row is not meant; `None` if all conditions hold.
pub(super) fn not_selected(
    orders: &Orders,
    columns: &Columns,
    record: &Record<'_>,
    amount: Rupiah,
    now: Timestamp,
) -> Option<String> {
    orders.conditions.iter().find_map(|condition| {
        let text = columns.text(record, condition.field).unwrap_or_default();
        let time = || time::parse_local(text, orders.zone);
        fails(condition, text, amount, now, time)
    })
}

/// Why a condition does not hold for the text of its field; `None` if it does.
pub(super) fn fails(
    condition: &Condition,
    text: &str,
    amount: Rupiah,
    now: Timestamp,
    time: impl Fn() -> Option<Timestamp>,
) -> Option<String> {
    let word = condition.field.word();
    match &condition.test {
        Test::OneOf(words) => (!words.iter().any(|word| word == text)).then(|| format!("{word} is {text:?}")),
        Test::Amount { at_least, at_most } => {
            if at_least.is_some_and(|least| amount < least) {
                return Some(format!("amount is under {}", at_least.unwrap_or_default()));
            }
            let over = at_most.filter(|most| amount > *most);
            over.map(|most| format!("amount is over {most}"))
        }
        Test::OlderThan(span) => match time() {
            Some(then) if then <= now && time::elapsed(then, now) > *span => None,
            Some(_) => Some(format!("{word} is not older than {}", span_text(*span))),
            None => Some(format!("{word} is {text:?}")),
        },
        Test::Within(span) => match time() {
            Some(then) if then > now || time::elapsed(then, now) <= *span => None,
            Some(_) => Some(format!("{word} is not within {}", span_text(*span))),
            None => Some(format!("{word} is {text:?}")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::settings::Field;
    use std::time::Duration;

    fn holds(field: Field, test: Test, text: &str, amount: u64) -> bool {
        let now = time::parse_instant("2026-11-22T08:00:00Z").unwrap();
        fails(&Condition { field, test }, text, Rupiah::new(amount), now, || time::parse_instant(text)).is_none()
    }

    #[test]
    fn conditions_compare_words_amounts_and_ages() {
        let words = || Test::OneOf(vec!["PAID".into(), "LUNAS".into()]);
        let range = || Test::Amount { at_least: Some(Rupiah::new(10)), at_most: Some(Rupiah::new(20)) };
        let older = || Test::OlderThan(Duration::from_secs(7200));
        let within = || Test::Within(Duration::from_secs(7200));
        let cases = [
            (Field::BookStatus, words(), "paid", 0, false),
            (Field::BookStatus, words(), "", 0, false),
            (Field::BookStatus, words(), "LUNAS", 0, true),
            (Field::Amount, range(), "", 9, false),
            (Field::Amount, range(), "", 21, false),
            (Field::Amount, range(), "", 10, true),
            (Field::Amount, range(), "", 20, true),
            (Field::ExpiresAt, older(), "2026-11-22T06:00:00Z", 0, false),
            (Field::ExpiresAt, older(), "2026-11-22T09:00:00Z", 0, false),
            (Field::ExpiresAt, older(), "", 0, false),
            (Field::ExpiresAt, older(), "2026-11-22T05:59:59Z", 0, true),
            (Field::ExpiresAt, within(), "2026-11-22T05:59:59Z", 0, false),
            (Field::ExpiresAt, within(), "2026-11-22T06:00:00Z", 0, true),
            (Field::ExpiresAt, within(), "2026-11-22T09:00:00Z", 0, true),
        ];
        for (field, test, text, amount, expected) in cases {
            assert_eq!(holds(field, test.clone(), text, amount), expected, "{test:?} {text:?} {amount}");
        }
    }
}
