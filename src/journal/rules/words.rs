//! The state machine as conditions in SQL, for the indexes and triggers of every store: made of the same table as the program's
//! own checks.

use std::collections::BTreeSet;

use crate::journal::state::{Event, State, next};

/// Proof, or a ruling, that there is no effect.
const DEAD: [State; 2] = [State::Refused, State::RuledNotDone];

/// That an item is in doubt, as the index `item_unsettled` says it: a query finds the index by these very words.
pub(in crate::journal) fn unsettled(column: &str) -> String {
    among(column, [State::Intent, State::Unknown, State::Review, State::Conflict])
}

/// The same for items without an effect and the index `item_refused`.
pub(in crate::journal) fn dead(column: &str) -> String {
    among(column, DEAD)
}

/// That an item is live or done: an order has one such item at most.
pub(in crate::journal) fn live(column: &str) -> String {
    DEAD.map(|state| format!("{column} <> '{}'", state.word())).join(" AND ")
}

/// The same of an item.
pub(in crate::journal) fn is_live(state: State) -> bool {
    !DEAD.contains(&state)
}

/// That a column says one of these states.
pub(in crate::journal) fn among(column: &str, states: impl IntoIterator<Item = State>) -> String {
    let each: Vec<_> = states.into_iter().map(|state| format!("{column} = '{}'", state.word())).collect();
    format!("({})", each.join(" OR "))
}

/// Whether some event allows a change of state: `CASE OLD.state WHEN 'planned' THEN (NEW.state = 'intent') ... END`.
pub(in crate::journal) fn legal_changes(otherwise: &str) -> String {
    let of = |before: State| -> BTreeSet<State> {
        Event::ALL.into_iter().filter_map(|event| next(before, event).ok()).filter(|after| *after != before).collect()
    };
    let cases = State::ALL.into_iter().map(|before| (before, of(before))).filter(|(_, after)| !after.is_empty());
    let cases = cases.map(|(before, after)| format!("WHEN '{}' THEN {}", before.word(), among("NEW.state", after)));
    format!("CASE OLD.state {} ELSE {otherwise} END", cases.collect::<Vec<_>>().join(" "))
}
