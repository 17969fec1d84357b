//! results.csv: the input's columns and rows in their order, then what became of each.

use crate::journal::record::RowRecord;
use crate::model::operation::Operation;
use crate::model::time::{Timestamp, wire};
use crate::reconcile::ends::state_of;

/// Our columns, in their order (`DESIGN` 6).
pub const COLUMNS: [&str; 17] = [
    "rekon_operation",
    "rekon_state",
    "rekon_reason",
    "rekon_request_id",
    "rekon_attempts",
    "rekon_http_status",
    "rekon_payment_status",
    "rekon_operation_status",
    "rekon_order_id",
    "rekon_akulaku_reference",
    "rekon_refund_reference",
    "rekon_payment_url",
    "rekon_replayed",
    "rekon_signature",
    "rekon_sent_at",
    "rekon_settled_at",
    "rekon_message",
];

/// The input as the journal keeps it.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    /// The header.
    pub header: &'a [String],
    /// The delimiter of the rows' text.
    pub delimiter: u8,
}

/// results.csv, piece by piece: UTF-8, commas. `rekon_*` columns of the input give way to ours (`DESIGN` 11.3).
#[derive(Debug)]
pub struct Results {
    operation: Operation,
    delimiter: u8,
    /// The columns of the input that stay.
    own: Vec<usize>,
    header: Vec<u8>,
}

/// What is written into memory is taken.
const MEMORY: &str = "memory takes what is written";

impl Results {
    /// The results of rows under a header.
    ///
    /// # Panics
    /// Never: writing into memory takes everything.
    #[must_use]
    pub fn new(operation: Operation, input: Input<'_>) -> Self {
        let own: Vec<usize> =
            (0..input.header.len()).filter(|index| !COLUMNS.contains(&input.header[*index].as_str())).collect();
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(own.iter().map(|index| input.header[*index].as_str()).chain(COLUMNS)).expect(MEMORY);
        Self { operation, delimiter: input.delimiter, own, header: writer.into_inner().expect(MEMORY) }
    }

    /// The first line.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The lines of these rows.
    ///
    /// # Panics
    /// Never: writing into memory takes everything.
    #[must_use]
    pub fn rows(&self, records: &[RowRecord]) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let text = joined(records);
        let mut reader = csv::ReaderBuilder::new();
        let mut reader = reader.has_headers(false).flexible(true).delimiter(self.delimiter).from_reader(&text[..]);
        let mut cells = csv::StringRecord::new();
        for record in records {
            // The rows have passed the strict reading; one that somebody damaged in the journal still shows its state.
            let _ = reader.read_record(&mut cells);
            let kept = self.own.iter().map(|index| cells.get(*index).unwrap_or_default());
            writer.write_record(kept.chain(outcome(self.operation, record).iter().map(String::as_str))).expect(MEMORY);
        }
        writer.into_inner().expect(MEMORY)
    }
}

/// All rows as one text, so that one reader splits them all.
fn joined(records: &[RowRecord]) -> Vec<u8> {
    let mut text = Vec::with_capacity(records.iter().map(|record| record.row.raw.len() + 1).sum());
    for record in records {
        text.extend_from_slice(record.row.raw.as_bytes());
        text.push(b'\n');
    }
    text
}

fn outcome(operation: Operation, record: &RowRecord) -> [String; 17] {
    let (state, reason) = state_of(record);
    let word = |text: &Option<String>| text.clone().unwrap_or_default();
    let time = |time: Option<Timestamp>| time.map(wire).unwrap_or_default();
    let own = [operation.word().to_owned(), state.word().to_owned(), reason];
    let Some(item) = &record.item else {
        let mut cells = own.into_iter();
        return std::array::from_fn(|_| cells.next().unwrap_or_default());
    };
    let facts = &item.facts;
    let our_refund = || item.refund_reference.as_ref().map(ToString::to_string).unwrap_or_default();
    let [operation, state, reason] = own;
    [
        operation,
        state,
        reason,
        item.request_id.to_string(),
        item.attempts.to_string(),
        facts.http_status.map(|status| status.to_string()).unwrap_or_default(),
        word(&facts.payment_status),
        word(&facts.operation_status),
        word(&facts.order_id),
        word(&facts.akulaku_reference),
        facts.refund_reference.clone().unwrap_or_else(our_refund),
        word(&facts.payment_url),
        facts.http_status.map(|_| facts.replayed.to_string()).unwrap_or_default(),
        facts.signature.word().to_owned(),
        if item.attempts > 0 { wire(item.last_sent_at) } else { String::new() },
        time(item.settled_at),
        word(&facts.message),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::record::testing::item;
    use crate::journal::record::{NewRow, RowFate};
    use crate::journal::state::State;
    use crate::model::money::Rupiah;
    use crate::model::outcome::{Outcome, SignatureCheck, Unsent};
    use crate::reconcile::evidence::DoneState;

    fn record(raw: &str, fate: RowFate, state: Option<State>) -> RowRecord {
        RowRecord {
            row: NewRow {
                number: 1,
                line: 2,
                raw: raw.into(),
                invoice: None,
                rupiah: Rupiah::new(1),
                fate,
                reason: "why".into(),
            },
            item: state.map(|state| crate::journal::record::Item { state, ..item() }),
        }
    }

    #[test]
    fn the_inputs_columns_stay_and_ours_are_never_doubled() {
        let header = ["nama".to_owned(), "rekon_state".to_owned(), "jumlah".to_owned()];
        let input = Input { header: &header, delimiter: b';' };
        let rows = [record("\"Siti; \"\"X\"\"\";old;5", RowFate::Skip, None)];
        let results = Results::new(Operation::Refund, input);
        let text = String::from_utf8([results.header(), &results.rows(&rows)].concat()).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next().unwrap(), format!("nama,jumlah,{}", COLUMNS.join(",")));
        assert_eq!(lines.next().unwrap(), "\"Siti; \"\"X\"\"\",5,refund,skipped,why,,,,,,,,,,,,,,");
    }

    #[test]
    fn a_planned_item_is_not_attempted_and_an_open_intent_is_unknown() {
        let cases = [
            (RowFate::Send, None, "not_attempted"),
            (RowFate::Send, Some(State::Planned), "not_attempted"),
            (RowFate::Send, Some(State::Intent), "unknown"),
            (RowFate::Continue, Some(State::Unknown), "unknown"),
            (RowFate::Send, Some(State::Succeeded), "succeeded"),
            (RowFate::Continue, Some(State::Refused), "refused"),
            (RowFate::Held, None, "held"),
        ];
        for (fate, state, word) in cases {
            assert_eq!(state_of(&record("x", fate, state)).0.word(), word, "{fate:?} {state:?}");
        }
    }

    #[test]
    fn what_was_not_attempted_says_how_far_it_came_in_words_that_the_guide_has() {
        let outcomes = [
            Outcome::NotSent(Unsent::Withheld),
            Outcome::NotSent(Unsent::Connect),
            Outcome::Throttled(SignatureCheck::Valid),
        ];
        let of_item = |outcome: &Outcome| {
            let mut record = record("x", RowFate::Send, Some(State::Planned));
            record.item.as_mut().unwrap().reason = outcome.reason();
            state_of(&record)
        };
        let no_item = state_of(&record("x", RowFate::Send, None));
        let ends: Vec<(DoneState, String)> = std::iter::once(no_item).chain(outcomes.iter().map(of_item)).collect();
        let reasons: Vec<&str> = ends.iter().map(|(_, reason)| &**reason).collect();
        assert_eq!(reasons, ["the run stopped before it", "withheld", "connect_failed", "throttled"]);
        assert!(ends.iter().all(|(state, _)| *state == DoneState::NotAttempted));
        let guide = include_str!("../../docs/pace.md");
        let rows = guide.lines().skip_while(|line| !line.starts_with("| reason | means | in the journal")).skip(2);
        let told: Vec<&str> = rows.map_while(|row| row.strip_prefix("| `")?.split('`').next()).collect();
        assert_eq!(told, reasons);
    }
}
