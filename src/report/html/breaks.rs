//! The orders that need a person, as rows of a table that sorts and filters. It stands in the page as it is to be read without
//! a script: the worst first, then the largest.

use std::collections::BTreeSet;

use super::Page;
use super::tables::tone_of_verdict;
use crate::model::fault::printable;
use crate::model::status::PaymentStatus;
use crate::model::verdict::Verdict;
use crate::reconcile::evidence::DoneState;
use crate::reconcile::reason::Ageing;
use crate::report::action::Action;
use crate::report::highlights::Break;
use crate::report::mask::Cell;

/// The table.
pub(super) struct Breaks {
    pub(super) rows: Vec<Row>,
    /// What is said of those that are left out.
    pub(super) left_out: Option<String>,
    /// Where they are.
    pub(super) file: Option<&'static str>,
    /// Words of the filters, and their names.
    pub(super) verdicts: Vec<(&'static str, &'static str)>,
    pub(super) states: Vec<(&'static str, &'static str)>,
    pub(super) actions: Vec<(&'static str, &'static str)>,
    /// Whether some column has anything to show.
    pub(super) has_difference: bool,
    pub(super) has_book: bool,
    pub(super) has_age: bool,
}

/// An order.
pub(super) struct Row {
    pub(super) invoice: String,
    pub(super) tone: &'static str,
    pub(super) verdict: &'static str,
    pub(super) verdict_name: &'static str,
    pub(super) state: &'static str,
    pub(super) state_name: &'static str,
    pub(super) action: &'static str,
    pub(super) action_name: &'static str,
    /// The numbers of reason and age in their lists, for the addresses of the totals.
    pub(super) reason_number: usize,
    pub(super) age_number: Option<usize>,
    pub(super) reason: String,
    pub(super) amount: String,
    pub(super) amount_whole: u64,
    pub(super) doku_amount: String,
    pub(super) doku_whole: u64,
    pub(super) difference: String,
    pub(super) difference_whole: i128,
    pub(super) book: &'static str,
    pub(super) doku: &'static str,
    pub(super) hours: Option<u64>,
    pub(super) age: String,
    pub(super) cells: Vec<Cell>,
    /// The addresses whose first row this is: without a script a link of the totals leads here.
    pub(super) first_of_verdict: bool,
    pub(super) first_of_state: bool,
    pub(super) first_of_action: bool,
}

/// Lays the table out.
pub(super) fn of(page: &Page<'_>) -> Breaks {
    let words = page.words();
    let orders = &page.highlights.breaks;
    let all = page.highlights.broken.count;
    let (mut verdicts, mut states, mut actions) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut rows = Vec::with_capacity(orders.len());
    for order in orders {
        rows.push(Row {
            first_of_verdict: verdicts.insert(order.verdict),
            first_of_state: states.insert(order.state),
            first_of_action: order.action.is_some_and(|action| actions.insert(action)),
            ..row(page, order)
        });
    }
    let file = Some("reconciliation.csv").filter(|file| page.has(file));
    let left_out = (all > rows.len() as u64).then(|| {
        let (here, all) = (page.language.count(rows.len() as u64), page.language.count(all));
        if file.is_some() { (words.shown)(&here, &all) } else { (words.shown_no_file)(&here, &all) }
    });
    let named = |verdict: Verdict| (verdict.word(), page.verdict_name(verdict));
    Breaks {
        left_out,
        file,
        verdicts: Verdict::ALL.into_iter().filter(|verdict| verdicts.contains(verdict)).map(named).collect(),
        states: states.into_iter().map(|state: DoneState| (state.word(), page.state_name(state))).collect(),
        actions: actions.into_iter().map(|action: Action| (action.word(), (words.action_name)(action))).collect(),
        has_difference: orders.iter().any(|order| order.difference.is_some_and(|difference| !difference.is_zero())),
        has_book: orders.iter().any(|order| order.book.is_some()),
        has_age: orders.iter().any(|order| order.hours.is_some()),
        rows,
    }
}

fn row(page: &Page<'_>, order: &Break) -> Row {
    let (words, language) = (page.words(), page.language);
    let name = order.invoice.as_deref().map(printable);
    let mut reason = (words.reason_text)(order.reason);
    let ageing = order.ageing.map(words.ageing_name);
    let key = order.key.map(words.key).filter(|label| !label.is_empty());
    for more in [ageing, key].into_iter().flatten() {
        reason.push_str("; ");
        reason.push_str(more);
    }
    Row {
        invoice: name.unwrap_or_else(|| (words.row)(&language.count(order.row))),
        tone: tone_of_verdict(order.verdict),
        verdict: order.verdict.word(),
        verdict_name: page.verdict_name(order.verdict),
        state: order.state.word(),
        // A whole column of "nothing" would hide the few orders that a run of ours has touched.
        state_name: if page.is_audit() && order.state == DoneState::Skipped {
            ""
        } else {
            page.state_name(order.state)
        },
        action: order.action.map_or("", Action::word),
        action_name: order.action.map_or("", words.action_name),
        reason_number: order.reason.index(),
        age_number: order.ageing.and_then(|ageing| Ageing::ALL.iter().position(|known| *known == ageing)),
        reason,
        amount: language.rupiah(order.amount),
        amount_whole: order.amount.whole(),
        doku_amount: order.doku_amount.map(|amount| language.rupiah(amount)).unwrap_or_default(),
        doku_whole: order.doku_amount.map_or(0, crate::model::money::Rupiah::whole),
        difference: order
            .difference
            .filter(|difference| !difference.is_zero())
            .map(|difference| language.difference(difference))
            .unwrap_or_default(),
        difference_whole: order.difference.map_or(0, crate::model::money::Difference::whole),
        book: order.book.map_or("", words.book_name),
        doku: order.doku.map_or("", PaymentStatus::word),
        hours: order.hours,
        age: order.hours.map(|hours| (words.hours_old)(&language.count(hours))).unwrap_or_default(),
        cells: page.cells.get(&order.row).cloned().unwrap_or_default(),
        first_of_verdict: false,
        first_of_state: false,
        first_of_action: false,
    }
}
