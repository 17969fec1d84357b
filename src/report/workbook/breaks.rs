//! The sheet of the orders that need a person: their rows of reconciliation.csv and of actions.csv, joined. Both are sorted
//! alike, so one pass over each is enough, however many there are.

use csv::StringRecord;

use super::reasons::Reasons;
use super::{Cell, Reader};
use crate::model::status::BookStatus;
use crate::model::time::parse_instant;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::DoneState;
use crate::reconcile::reason::LEFT_OUT;
use crate::report::action::Action;

/// Where the columns of reconciliation.csv are that are asked for by name here.
const VERDICT: usize = 6;
const REASON: usize = 7;
const STATE: usize = 8;

/// Finds the rows.
#[derive(Debug)]
pub struct Breaks {
    reader: Reader,
    /// Verdicts in words, by their codes.
    verdicts: [(&'static str, String); Verdict::ALL.len()],
    reasons: Reasons,
    /// The next row of actions.csv that no order has claimed.
    pending: Option<StringRecord>,
}

impl Breaks {
    /// For a reader, who calls verdicts so.
    #[must_use]
    pub fn new(reader: Reader, name: impl Fn(Verdict) -> String) -> Self {
        let verdicts = Verdict::ALL.map(|one| (one.word(), name(one)));
        Self { reader, verdicts, reasons: Reasons::new(reader.speech), pending: None }
    }

    /// The row of the sheet for a row of reconciliation.csv; `None` if its order needs nobody. `next` gives the rows of
    /// actions.csv one by one.
    pub fn row(&mut self, order: &StringRecord, next: impl FnMut() -> Option<StringRecord>) -> Option<Vec<Cell>> {
        if !needs_a_person(order) {
            return None;
        }
        self.pending = self.pending.take().or_else(next);
        let action = self.pending.take_if(|action| action.get(1) == order.get(0)).unwrap_or_default();
        let text = |index: usize| Cell::text(order.get(index).unwrap_or_default());
        let done = |index: usize| Cell::text(action.get(index).unwrap_or_default());
        let rupiah =
            |index: usize| order.get(index).and_then(|text| text.parse().ok()).map_or(Cell::Empty, Cell::Rupiah);
        let count = |index: usize| order.get(index).and_then(|text| text.parse().ok()).map_or(Cell::Empty, Cell::Count);
        let time = |index: usize| order.get(index).and_then(parse_instant).map_or(Cell::Empty, Cell::Time);
        let speech = self.reader.speech;
        let code = |record: &StringRecord, index: usize| record.get(index).unwrap_or_default().to_owned();
        let named = |code: String, name: Option<String>| Cell::text(name.unwrap_or(code));
        let verdict = code(order, VERDICT);
        let verdict_name = self.verdicts.iter().find(|(code, _)| *code == verdict).map(|(_, name)| name.clone());
        let to_do = code(&action, 0);
        let to_do_name = Action::ALL.into_iter().find(|one| one.word() == to_do).map(speech.action_name);
        let book = code(order, 2);
        let book_name = BookStatus::from_word(&book).map(speech.book_name);
        let state = code(order, STATE);
        let state_name = DoneState::ALL.into_iter().find(|one| one.word() == state).map(speech.state_name);
        Some(vec![
            text(0),
            rupiah(1),
            named(verdict, verdict_name),
            Cell::text(self.reasons.told(order.get(REASON).unwrap_or_default())),
            named(to_do, to_do_name),
            named(book, book_name),
            text(3),
            rupiah(4),
            rupiah(5),
            named(state, state_name),
            done(3),
            done(4),
            done(5),
            text(9),
            count(10),
            count(11),
            time(12),
            time(13),
            count(14),
        ])
    }
}

/// As report.html has it; the job's severities set the exit code, and leave nothing out here.
fn needs_a_person(order: &StringRecord) -> bool {
    let verdict = |word: &str| Verdict::ALL.into_iter().find(|verdict| verdict.word() == word);
    let state = |word: &str| DoneState::ALL.into_iter().find(|state| state.word() == word);
    let left_out = LEFT_OUT.iter().any(|reason| order.get(REASON) == reason.words());
    order.get(VERDICT).and_then(verdict).is_some_and(Verdict::needs_a_person)
        || (!left_out && order.get(STATE).and_then(state).is_some_and(DoneState::needs_a_person))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::language::Language;
    use crate::report::rows::{ACTIONS, RECONCILIATION};

    fn order(invoice: &str, verdict: &str, state: &str) -> StringRecord {
        let mut cells = [""; RECONCILIATION.len()];
        (cells[0], cells[1], cells[5], cells[6], cells[8], cells[12]) =
            (invoice, "999999999999", "-5", verdict, state, "2026-11-21T18:02:11Z");
        StringRecord::from(cells.to_vec())
    }

    #[test]
    fn the_columns_that_are_asked_for_are_where_the_files_have_them() {
        let names = |indices: &[usize]| indices.iter().map(|index| RECONCILIATION[*index]).collect::<Vec<_>>();
        assert_eq!(names(&[VERDICT, REASON, STATE, 14]), ["verdict", "reason", "result_state", "age_hours"]);
        assert_eq!(names(&[2, 3, 4, 5]), ["book_status", "doku_status", "doku_amount", "difference"]);
        assert_eq!(names(&[9, 10, 12]), ["request_id", "notifications", "first_received_at"]);
        assert_eq!(
            ACTIONS[..6],
            ["action", "invoice_number", "amount", "payment_reference", "order_id", "akulaku_reference"]
        );
    }

    #[test]
    fn orders_that_need_nobody_are_left_out_and_each_of_the_others_gets_its_own_action() {
        let held = order("F", "not_sent", "held");
        let left_out = held.iter().enumerate().map(|(at, cell)| if at == REASON { "outside the period" } else { cell });
        let left_out = left_out.collect();
        let orders = [
            order("A", "matched", ""),
            order("B", "missing", ""),
            order("C", "not_sent", "held"),
            order("D", "not_sent", "skipped"),
            order("E", "in_doubt", "unknown"),
            // Held, and of another month.
            left_out,
        ];
        let mut actions = ["resend_notification,B,1,p-b,,,missing,x", "resolve,E,1,p-e,,,in_doubt,x"]
            .iter()
            .map(|line| StringRecord::from(line.split(',').collect::<Vec<_>>()));
        let reader = Reader::of(Language::English);
        let mut breaks = Breaks::new(reader, reader.speech.verdict_name);
        let rows: Vec<Vec<Cell>> = orders.iter().filter_map(|order| breaks.row(order, || actions.next())).collect();
        let shown: Vec<[&Cell; 3]> = rows.iter().map(|row| [&row[0], &row[4], &row[10]]).collect();
        let text = |text: &str| Cell::Text(text.to_owned());
        assert_eq!(
            shown,
            [
                [&text("B"), &text("resend_notification"), &text("p-b")],
                [&text("C"), &Cell::Empty, &Cell::Empty],
                [&text("E"), &text("resolve"), &text("p-e")],
            ]
        );
        assert_eq!((&rows[0][1], &rows[0][8]), (&Cell::Rupiah(999_999_999_999), &Cell::Rupiah(-5)));
        assert_eq!(rows[0][16], Cell::Time(parse_instant("2026-11-21T18:02:11Z").expect("a time")));
        assert!(rows.iter().all(|row| row.len() == reader.breaks().columns.len()));
    }
}
