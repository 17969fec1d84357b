//! Where DOKU's notifications contradict a refusal: the order is done that was proved, or ruled, not to be.
//!
//! Only notifications that came after our request count; an order that was refunded before was rightly refused. An effect
//! that was proved is contradicted by nothing that DOKU notifies: no notification says that a refund was taken back.

use std::collections::HashMap;

use super::evidence::Heard;
use crate::journal::record::{Contradiction, Item};
use crate::journal::state::{Event, State};
use crate::model::ids::InvoiceNumber;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::time::{Timestamp, stored};

/// The clock of the server that received it may be behind ours by this much, and its log may know whole seconds only.
const SKEW: chrono::Duration = chrono::Duration::minutes(1);

/// The first contradiction of every refused item.
#[must_use]
pub fn contradictions(refused: &[Item], heard: &[Heard], now: Timestamp) -> Vec<Contradiction> {
    let mut of_invoice: HashMap<&InvoiceNumber, Vec<&Heard>> = HashMap::new();
    if !refused.is_empty() {
        for line in heard {
            of_invoice.entry(&line.notification.invoice).or_default().push(line);
        }
    }
    let contradiction = |item: &Item| {
        let lines = of_invoice.get(&item.identity.invoice)?;
        let against = lines.iter().filter(|line| contradicts(item, line));
        // Of several the first, whatever their order in the logs.
        let line = against.min_by_key(|line| (line.received_at.map(stored), &line.request_id))?;
        Some(Contradiction {
            item: item.id,
            notification: line.request_id.clone(),
            status: line.notification.status.word().to_owned(),
            event: Event::Already,
            at: now,
        })
    };
    refused.iter().filter_map(contradiction).collect()
}

fn contradicts(item: &Item, line: &Heard) -> bool {
    let said = &line.notification;
    let after_us = line.received_at.is_none_or(|at| at + SKEW >= item.first_intent_at);
    let ours = said.original_request_id.as_deref() == Some(item.request_id.as_str());
    let exists = match item.identity.account.operation {
        Operation::Create => ours && said.status != PaymentStatus::Failed,
        Operation::Cancel => said.status == PaymentStatus::Cancelled,
        Operation::Refund => said.status == PaymentStatus::Refunded,
    };
    matches!(item.state, State::Refused | State::RuledNotDone) && after_us && exists
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doku::notification::Notification;
    use crate::journal::record::testing::item;
    use crate::model::money::Rupiah;
    use crate::model::time::parse_instant;

    fn line(id: &str, status: PaymentStatus, received: &str) -> Heard {
        Heard {
            file: "log".into(),
            line: 1,
            received_at: parse_instant(received),
            request_id: id.into(),
            signed_at: received.into(),
            hash: 0,
            notification: Notification {
                invoice: InvoiceNumber::new("INV-1").unwrap(),
                amount: Rupiah::new(90_000),
                status,
                date: "d".into(),
                original_request_id: Some("somebody's".into()),
                payment_reference: None,
                order_id: None,
                akulaku_reference: None,
            },
        }
    }

    fn found(state: State, operation: Operation, line: Heard) -> bool {
        let mut item = Item { state, ..item() };
        item.identity.account.operation = operation;
        !contradictions(&[item], &[line], parse_instant("2026-11-23T00:00:00Z").unwrap()).is_empty()
    }

    #[test]
    fn a_refusal_is_contradicted_by_what_came_after_it_only() {
        use Operation::{Cancel, Create, Refund};
        use PaymentStatus::{Cancelled, Refunded, Success};
        let (before, after) = ("2026-11-22T07:00:00Z", "2026-11-22T09:00:00Z");
        let cases = [
            (State::Refused, Refund, Refunded, before, false),
            (State::Refused, Refund, Success, after, false),
            (State::Succeeded, Refund, Refunded, after, false),
            (State::Unknown, Refund, Refunded, after, false),
            (State::Refused, Create, Success, after, false),
            (State::Refused, Refund, Refunded, after, true),
            (State::RuledNotDone, Refund, Refunded, after, true),
            (State::Refused, Cancel, Cancelled, after, true),
        ];
        for (state, operation, status, received, expected) in cases {
            let line = line("N-1", status, received);
            assert_eq!(found(state, operation, line), expected, "{state} {operation} {status} {received}");
        }
    }

    #[test]
    fn an_order_that_our_own_refused_request_made_is_a_contradiction() {
        let mut paid = line("N-1", PaymentStatus::Success, "2026-11-22T09:00:00Z");
        let mut refused = Item { state: State::Refused, ..item() };
        refused.identity.account.operation = Operation::Create;
        paid.notification.original_request_id = Some(refused.request_id.to_string());
        assert_eq!(contradictions(&[refused], &[paid], parse_instant("2026-11-23T00:00:00Z").unwrap()).len(), 1);
    }

    #[test]
    fn of_several_the_first_is_told_whatever_their_order() {
        let now = parse_instant("2026-11-23T00:00:00Z").unwrap();
        let refused = Item { state: State::Refused, ..item() };
        let mut lines = vec![
            line("N-2", PaymentStatus::Refunded, "2026-11-22T10:00:00Z"),
            line("N-1", PaymentStatus::Refunded, "2026-11-22T09:00:00Z"),
        ];
        let forward = contradictions(std::slice::from_ref(&refused), &lines, now);
        lines.reverse();
        assert_eq!(contradictions(&[refused], &lines, now), forward);
        assert_eq!(forward[0].notification, "N-1");
    }
}
