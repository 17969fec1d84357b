//! The conditions of `where`: which rows are meant. They compare the file's own words (`DESIGN` 11.15).

use crate::job::settings::{Condition, Test};
use crate::model::fault::Fault;
use crate::model::money::Rupiah;
use crate::model::time::{Timestamp, elapsed, span_text};

/// Why a condition does not hold for the text of its field; `None` if it does. `time` is the first and the last moment that the
/// text may mean: of a date without a time nothing is selected that a time might leave out.
pub(super) fn fails(
    condition: &Condition,
    text: &str,
    amount: Rupiah,
    now: Timestamp,
    time: impl Fn() -> Option<(Timestamp, Timestamp)>,
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
            Some((_, last)) if last <= now && elapsed(last, now) > *span => None,
            Some(_) => Some(format!("{word} is not older than {}", span_text(*span))),
            None => Some(format!("{word} is {text:?}")),
        },
        Test::Within(span) => match time() {
            Some(day) if [day.0, day.1].iter().all(|end| elapsed(now.min(*end), now.max(*end)) <= *span) => None,
            Some(_) => Some(format!("{word} is not within {}", span_text(*span))),
            None => Some(format!("{word} is {text:?}")),
        },
    }
}

/// So many reasons are told.
const FEW: usize = 3;

/// Whether any row is meant, and why the first ones are not.
#[derive(Debug, Default)]
pub struct Meant {
    kept: u64,
    left_out: u64,
    reasons: Vec<String>,
}

impl Meant {
    /// Counts a row with the reason for which it is not meant, if there is one.
    pub fn note(&mut self, not_selected: Option<&str>) {
        let Some(reason) = not_selected else {
            self.kept += 1;
            return;
        };
        self.left_out += 1;
        if self.reasons.len() < FEW && !self.reasons.iter().any(|known| known == reason) {
            self.reasons.push(reason.to_owned());
        }
    }

    /// Counts the rows of a later part of the file.
    pub fn merge(&mut self, later: Self) {
        self.kept += later.kept;
        self.left_out += later.left_out;
        for reason in later.reasons {
            if self.reasons.len() < FEW && !self.reasons.contains(&reason) {
                self.reasons.push(reason);
            }
        }
    }

    /// What to say if `where` leaves out every row: a mistyped word ends just as green as a night without work.
    #[must_use]
    pub fn warning(&self, conditions: &[Condition]) -> Option<Fault> {
        let first = conditions.first().filter(|_| self.kept == 0 && self.left_out > 0)?;
        let (count, reasons) = (self.left_out, self.reasons.join(", "));
        let message = format!("orders.where leaves out every order of the file, {count} of {count}: {reasons}");
        let wanted: Vec<String> = conditions.iter().map(wanted).collect();
        Some(Fault::new(first.place.clone(), message).hint(format!("it wants {}", wanted.join(", and "))))
    }
}

/// A condition in words.
fn wanted(condition: &Condition) -> String {
    let word = condition.field.word();
    let test = match &condition.test {
        Test::OneOf(words) => words.iter().map(|word| format!("{word:?}")).collect::<Vec<_>>().join(" or "),
        Test::Amount { at_least, at_most } => {
            let ends = [("at least", at_least), ("at most", at_most)];
            let ends = ends.iter().filter_map(|(end, amount)| amount.map(|amount| format!("{end} {amount}")));
            ends.collect::<Vec<_>>().join(" and ")
        }
        Test::OlderThan(span) => format!("older than {}", span_text(*span)),
        Test::Within(span) => format!("within {}", span_text(*span)),
    };
    format!("{word} {test}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::settings::Field;
    use crate::model::fault::Place;
    use crate::model::time::{Zone, parse_instant};
    use crate::model::time_style::TimeStyle;
    use std::time::Duration;

    fn holds(field: Field, test: Test, text: &str, amount: u64) -> bool {
        let now = parse_instant("2026-11-22T08:00:00Z").unwrap();
        let condition = Condition { field, test, place: Place::default() };
        fails(&condition, text, Rupiah::new(amount), now, || TimeStyle::Iso.read_span(text, Zone::WIB)).is_none()
    }

    #[test]
    fn only_a_file_of_which_nothing_is_meant_is_warned_of() {
        let condition = Condition {
            field: Field::BookStatus,
            test: Test::OneOf(vec!["APPROVED".into(), "RETUR".into()]),
            place: Place::new("a.yaml", 9, 4),
        };
        let conditions = [condition];
        let mut meant = Meant::default();
        assert_eq!(meant.warning(&conditions), None, "an empty file");
        let (mut first, mut later) = (Meant::default(), Meant::default());
        first.note(Some("book_status is \"A\""));
        for word in ["A", "B", "C", "D"] {
            later.note(Some(&format!("book_status is {word:?}")));
        }
        meant.merge(first);
        meant.merge(later);
        assert_eq!(
            meant.warning(&conditions).unwrap().to_string(),
            "a.yaml:9:4: orders.where leaves out every order of the file, 5 of 5: book_status is \"A\", book_status is \"B\", \
             book_status is \"C\"\n  hint: it wants book_status \"APPROVED\" or \"RETUR\""
        );
        assert_eq!(meant.warning(&[]), None);
        meant.note(None);
        assert_eq!(meant.warning(&conditions), None);
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
            (Field::ExpiresAt, within(), "2026-11-22T10:00:00Z", 0, true),
            (Field::ExpiresAt, within(), "2026-11-22T10:00:01Z", 0, false),
            // Without a time it is 15:00 of the 22nd: one that expires today may still be paid.
            (Field::ExpiresAt, older(), "2026-11-22", 0, false),
            (Field::ExpiresAt, older(), "2026-11-21", 0, true),
            (Field::CreatedAt, within(), "2026-11-22", 0, false),
            (Field::CreatedAt, Test::Within(Duration::from_secs(15 * 3600)), "2026-11-22", 0, true),
            (Field::CreatedAt, Test::Within(Duration::from_secs(15 * 3600 - 1)), "2026-11-22", 0, false),
            (Field::ExpiresAt, Test::Within(Duration::from_secs(9 * 3600)), "2026-11-23", 0, false),
            (Field::ExpiresAt, Test::Within(Duration::from_secs(33 * 3600)), "2026-11-23", 0, true),
        ];
        for (field, test, text, amount, expected) in cases {
            assert_eq!(holds(field, test.clone(), text, amount), expected, "{test:?} {text:?} {amount}");
        }
    }
}
