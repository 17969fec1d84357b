//! The state file: YAML as written -> [`StartingState`], or all faults at once.
//!
//! ```yaml
//! customers: {pay: 60, fail: 10}         # percent of newly created orders; left out: nobody pays
//! orders:
//!   - {invoice_number: INV-1, amount: 90000, status: paid}
//!   - invoice_number: INV-2
//!     amount: 125000
//!     status: refunded                   # pending | paid | failed | expired | cancelled | refunded
//!     payment_reference: MUR-2           # these six may be left out
//!     order_id: 1000035148
//!     akulaku_reference: MCH-0001-SIMULATORMUR-2
//!     request_id: baec7d95-f30a-4b78-b711-6ebe0ccdf50b
//!     refund_reference: XYZ-2
//!     since: 2026-11-20T10:00:00Z
//! faults:
//!   - {operation: refund, invoice_number: INV-1, nth: 1, times: 1, fault: timeout_after}
//!   - {operation: inquiry, fault: throttle, retry_after: 1s}
//! seed: 7                                # these, and all about the faults: `script_file.rs`
//! status_lag: 2s
//! ```

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_yaml::Spanned;

use super::reading::{Reading, Scalar, or_none, raw};
use super::script_file::RawRule;
use super::state::{Customers, StartingOrder, StartingState};
use crate::model::fault::Fault;
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::parse_instant;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawState {
    customers: RawCustomers,
    #[serde(deserialize_with = "or_none")]
    orders: Vec<Spanned<RawOrder>>,
    #[serde(deserialize_with = "or_none")]
    faults: Vec<Spanned<RawRule>>,
    seed: Scalar,
    status_lag: Scalar,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawCustomers {
    pay: Scalar,
    fail: Scalar,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawOrder {
    invoice_number: Scalar,
    amount: Scalar,
    status: Scalar,
    payment_reference: Scalar,
    order_id: Scalar,
    akulaku_reference: Scalar,
    request_id: Scalar,
    refund_reference: Scalar,
    since: Scalar,
}

impl StartingState {
    /// Reads a state file's text; `file` is its name in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Fault>> {
        let raw: RawState = raw(text, file)?;
        let mut reading = Reading::new(text, file);
        let customers = reading.customers(&raw.customers);
        let orders = reading.orders(&raw.orders);
        let faults = reading.rules(&raw.faults);
        let seed = reading.seed(&raw.seed).unwrap_or_default();
        let status_lag = reading.span("status_lag", &raw.status_lag).unwrap_or_default();
        reading.finish(Self { orders, customers, faults, seed, status_lag })
    }
}

impl Reading<'_> {
    fn customers(&mut self, raw: &RawCustomers) -> Customers {
        let percent = |text: &str| text.parse::<u8>().or(Err("is not a whole percentage from 0 to 100"));
        let pay = self.optional("pay", &raw.pay, percent).unwrap_or_default();
        let fail = self.optional("fail", &raw.fail, percent).unwrap_or_default();
        let customers = Customers::new(pay, fail);
        if let (None, Some(at)) = (customers, raw.pay.as_ref().or(raw.fail.as_ref())) {
            self.fault(at, &format!("pay {pay} and fail {fail} are more than 100 percent"), None);
        }
        customers.unwrap_or_default()
    }

    fn orders(&mut self, raw: &[Spanned<RawOrder>]) -> Vec<StartingOrder> {
        let mut seen = BTreeSet::new();
        let mut orders = Vec::with_capacity(raw.len());
        for item in raw {
            let Some(order) = self.order(item) else { continue };
            if !seen.insert(order.invoice_number.clone()) {
                self.fault(item, &format!("invoice_number {} is there twice", order.invoice_number), None);
            }
            orders.push(order);
        }
        orders
    }

    fn order(&mut self, item: &Spanned<RawOrder>) -> Option<StartingOrder> {
        let raw = &item.value;
        let amount = |text: &str| Rupiah::parse_amount(text, AmountStyle::Plain);
        let invoice_number = self.required("invoice_number", &raw.invoice_number, item, InvoiceNumber::new);
        let amount = self.required("amount", &raw.amount, item, amount);
        if raw.status.is_none() {
            self.fault(item, "status is missing", None);
        }
        let status = self.word("status", &raw.status, &BookStatus::ALL.map(BookStatus::word), BookStatus::from_word);
        let payment_reference = self.optional("payment_reference", &raw.payment_reference, MerchantReference::new);
        let order_id = self.optional("order_id", &raw.order_id, Identifier::new);
        let akulaku_reference = self.optional("akulaku_reference", &raw.akulaku_reference, Identifier::new);
        let request_id = self.optional("request_id", &raw.request_id, RequestId::new);
        let refund_reference = self.optional("refund_reference", &raw.refund_reference, MerchantReference::new);
        let instant = |text: &str| parse_instant(text).ok_or("is not a time such as 2026-11-20T10:00:00Z");
        let since = self.optional("since", &raw.since, instant);
        Some(StartingOrder {
            payment_reference,
            order_id,
            akulaku_reference,
            request_id,
            refund_reference,
            since,
            ..StartingOrder::new(invoice_number?, amount?, at_doku(status?))
        })
    }
}

/// DOKU's word for what a state file says in the merchant's words.
const fn at_doku(status: BookStatus) -> PaymentStatus {
    match status {
        BookStatus::Pending => PaymentStatus::Pending,
        BookStatus::Paid => PaymentStatus::Success,
        BookStatus::Failed => PaymentStatus::Failed,
        BookStatus::Expired => PaymentStatus::Expired,
        BookStatus::Cancelled => PaymentStatus::Cancelled,
        BookStatus::Refunded => PaymentStatus::Refunded,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::operation::Operation;
    use crate::simulator::{Call, FaultMode, FaultRule};

    fn faults(text: &str) -> Vec<String> {
        let faults = StartingState::parse(text, "state.yaml").err().unwrap_or_default();
        faults.iter().map(|fault| format!("{}: {}", fault.place, fault.message)).collect()
    }

    #[test]
    fn all_faults_of_a_file_are_listed_with_their_places() {
        let text = "\
customers: {pay: 60, fail: 50}
orders:
  - {invoice_number: INV 1, amount: 90.000, status: payed}
  - {amount: 0}
  - {invoice_number: INV-2, amount: 5, status: paid}
  - {invoice_number: INV-2, amount: 5, status: paid, since: yesterday}
faults:
  - {operation: audit, nth: 0, fault: timeout}
  - {operation: refund}
";
        let expected = [
            "state.yaml:1:18: pay 60 and fail 50 are more than 100 percent",
            "state.yaml:3:22: invoice_number \"INV 1\" has ' ' at position 4",
            "state.yaml:3:37: amount \"90.000\" is not whole rupiah",
            "state.yaml:3:53: status \"payed\" is none of pending, paid, failed, expired, cancelled, refunded",
            "state.yaml:4:5: invoice_number is missing",
            "state.yaml:4:5: status is missing",
            "state.yaml:4:14: amount \"0\" is zero",
            "state.yaml:6:5: invoice_number INV-2 is there twice",
            "state.yaml:6:61: since \"yesterday\" is not a time such as 2026-11-20T10:00:00Z",
            "state.yaml:8:17: operation \"audit\" is none of create, cancel, refund, inquiry",
            "state.yaml:8:29: nth \"0\" is not a whole number from 1",
            "state.yaml:8:39: fault \"timeout\" is not known",
            "state.yaml:9:5: fault is missing",
        ];
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn what_is_no_yaml_of_ours_is_one_fault() {
        let cases = [
            (
                "order: []",
                "state.yaml:1:1: unknown field `order`, expected one of customers, orders, faults, seed, status_lag",
            ),
            (
                "orders: [{invoice_number: a, invoice_number: b}]",
                "state.yaml:1:30: duplicate mapping key: invoice_number",
            ),
            ("orders: 'x", "state.yaml:1:9: unclosed quote"),
            ("- a", "state.yaml:1:1: expected mapping start"),
        ];
        for (text, expected) in cases {
            assert_eq!(faults(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_misspelt_word_gets_a_hint_and_its_line() {
        let text = "orders:\n  - {invoice_number: INV-1, amount: 5, status: payd}\n";
        let faults = StartingState::parse(text, "state.yaml").expect_err("a fault");
        let shown = faults[0].to_string();
        assert!(shown.contains("     2 |   - {invoice_number: INV-1, amount: 5, status: payd}"), "{shown}");
        assert!(shown.ends_with("hint: did you mean paid?"), "{shown}");
    }

    #[test]
    fn a_good_file_is_read_whole() {
        let text = "\
customers: {pay: 60, fail: 10}
orders:
  - {invoice_number: INV-1, amount: 90000, status: paid, order_id: 1000035148, since: 2026-11-20T10:00:00Z}
  - {invoice_number: INV-2, amount: 5, status: refunded, refund_reference: XYZ-2}
faults:
  - {operation: refund, invoice_number: INV-1, nth: 2, times: 3, fault: throttle, retry_after: 90s}
  - {fault: html}
";
        let state = StartingState::parse(text, "state.yaml").expect("a good file");
        assert_eq!(Some(state.customers), Customers::new(60, 10));
        assert_eq!(state.orders[0].status, PaymentStatus::Success);
        assert_eq!(state.orders[0].order_id, Identifier::new("1000035148").ok());
        assert_eq!(state.orders[0].since, parse_instant("2026-11-20T10:00:00Z"));
        assert_eq!(state.orders[1].refund_reference, MerchantReference::new("XYZ-2").ok());
        let expected = FaultRule {
            call: Some(Call::Change(Operation::Refund)),
            invoice_number: InvoiceNumber::new("INV-1").ok(),
            nth: 2,
            times: 3,
            probability: None,
            mode: FaultMode::from_word("throttle").expect("a mode"),
            retry_after: Duration::from_secs(90),
            delay: Duration::from_secs(1),
        };
        assert_eq!(state.faults[0], expected);
        assert_eq!((state.faults[1].nth, state.faults[1].times, state.faults[1].call), (1, 1, None));
    }

    #[test]
    fn an_empty_file_is_an_empty_start() {
        let state = StartingState::parse("", "state.yaml").expect("a good file");
        assert!(state.orders.is_empty() && state.faults.is_empty());
        let state = StartingState::parse("orders:\nfaults:\n  # - {fault: throttle}\n", "state.yaml").expect("a state");
        assert!(state.orders.is_empty() && state.faults.is_empty());
        assert_eq!(state.customers, Customers::default());
    }
}
