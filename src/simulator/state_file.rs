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
//! ```

use std::collections::BTreeSet;
use std::fmt::Display;

use serde::Deserialize;
use serde_yaml::Spanned;

use super::call::Call;
use super::faults::{DEFAULT_RETRY_AFTER, FaultMode, FaultRule};
use super::state::{Customers, StartingOrder, StartingState};
use crate::model::fault::{Fault, Place};
use crate::model::ids::{Identifier, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::nearest::nearest;
use crate::model::status::{BookStatus, PaymentStatus};
use crate::model::time::{parse_instant, parse_span};

/// Enough for half a million orders; the YAML reader's own limit is 250,000 nodes, which a rehearsal at scale exceeds.
const MOST_NODES: usize = 10_000_000;

/// A scalar as written; what it means is decided here, so that one bad value does not hide the next.
type Scalar = Option<Spanned<String>>;

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawState {
    customers: RawCustomers,
    orders: Vec<Spanned<RawOrder>>,
    faults: Vec<Spanned<RawRule>>,
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

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct RawRule {
    operation: Scalar,
    invoice_number: Scalar,
    nth: Scalar,
    times: Scalar,
    fault: Scalar,
    retry_after: Scalar,
}

impl StartingState {
    /// Reads a state file's text; `file` is its name in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn parse(text: &str, file: &str) -> Result<Self, Vec<Fault>> {
        let options = serde_yaml::options! {
            budget: serde_yaml::budget! { max_nodes: MOST_NODES, max_events: 2 * MOST_NODES },
        };
        let raw: RawState =
            serde_yaml::from_str_with_options(text, options).map_err(|error| vec![syntax_fault(&error, text, file)])?;
        let mut reading = Reading { text, file, faults: Vec::new() };
        let customers = reading.customers(&raw.customers);
        let orders = reading.orders(&raw.orders);
        let faults = raw.faults.iter().filter_map(|rule| reading.rule(rule)).collect();
        if reading.faults.is_empty() {
            Ok(Self { orders, customers, faults })
        } else {
            reading.faults.sort();
            Err(reading.faults)
        }
    }
}

/// What the YAML reader says, with the place moved to where our messages have it.
fn syntax_fault(error: &serde_yaml::Error, text: &str, file: &str) -> Fault {
    let full = error.without_snippet().to_string();
    let message = full.split(" at line ").next().unwrap_or(&full).split(", set DuplicateKeyPolicy").next();
    let (line, column) = error.location().map_or((0, 0), |location| (location.line(), location.column()));
    fault_at(text, file, (line, column), message.unwrap_or(&full))
}

fn fault_at(text: &str, file: &str, (line, column): (u64, u64), message: &str) -> Fault {
    let fault = Fault::new(Place::new(file, line, column), message);
    let index = usize::try_from(line).ok().and_then(|line| line.checked_sub(1));
    match index.and_then(|index| text.lines().nth(index)) {
        Some(excerpt) => fault.excerpt(excerpt),
        None => fault,
    }
}

/// The file and the faults found in it so far.
struct Reading<'a> {
    text: &'a str,
    file: &'a str,
    faults: Vec<Fault>,
}

impl Reading<'_> {
    fn fault<T>(&mut self, at: &Spanned<T>, message: &str, hint: Option<String>) {
        let place = (at.referenced.line(), at.referenced.column());
        let fault = fault_at(self.text, self.file, place, message);
        self.faults.push(match hint {
            Some(hint) => fault.hint(hint),
            None => fault,
        });
    }

    /// The value of a key that may be left out. `None` also if it is bad; that is then a fault.
    fn optional<T, E: Display>(&mut self, key: &str, raw: &Scalar, read: impl Fn(&str) -> Result<T, E>) -> Option<T> {
        let raw = raw.as_ref()?;
        match read(&raw.value) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(raw, &format!("{key} {:?} {why}", raw.value), None);
                None
            }
        }
    }

    /// The value of a key that must be there.
    fn required<T, E: Display, M>(
        &mut self,
        key: &str,
        raw: &Scalar,
        owner: &Spanned<M>,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if raw.is_none() {
            self.fault(owner, &format!("{key} is missing"), None);
        }
        self.optional(key, raw, read)
    }

    /// A word out of a list, with the nearest one as a hint.
    fn word<T>(&mut self, key: &str, raw: &Scalar, known: &[&'static str], read: fn(&str) -> Option<T>) -> Option<T> {
        let raw = raw.as_ref()?;
        let value = read(&raw.value);
        if value.is_none() {
            let message = format!("{key} {:?} is none of {}", raw.value, known.join(", "));
            let hint = nearest(&raw.value, known.iter().copied()).map(|word| format!("did you mean {word}?"));
            self.fault(raw, &message, hint);
        }
        value
    }

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

    fn rule(&mut self, item: &Spanned<RawRule>) -> Option<FaultRule> {
        let raw = &item.value;
        if raw.fault.is_none() {
            self.fault(item, "fault is missing", None);
        }
        let mode = self.word("fault", &raw.fault, &FaultMode::ALL.map(FaultMode::word), FaultMode::from_word);
        let call = self.word("operation", &raw.operation, &Call::ALL.map(Call::word), Call::from_word);
        let invoice_number = self.optional("invoice_number", &raw.invoice_number, InvoiceNumber::new);
        let count = |text: &str| match text.parse::<u32>() {
            Ok(number) if number > 0 => Ok(number),
            _ => Err("is not a whole number from 1"),
        };
        let nth = self.optional("nth", &raw.nth, count);
        let times = self.optional("times", &raw.times, count);
        let span = |text: &str| parse_span(text).ok_or("is not a span such as 250ms, 1s or 2m");
        let retry_after = self.optional("retry_after", &raw.retry_after, span);
        Some(FaultRule {
            call,
            invoice_number,
            nth: nth.unwrap_or(1),
            times: times.unwrap_or(1),
            mode: mode?,
            retry_after: retry_after.unwrap_or(DEFAULT_RETRY_AFTER),
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
            "state.yaml:8:39: fault \"timeout\" is none of timeout_before, timeout_after, error_before, error_after, \
             throttle, wrong_signature, unsigned, reset_before, reset_after, not_a_replay_409, html, html_after",
            "state.yaml:9:5: fault is missing",
        ];
        assert_eq!(faults(text), expected);
    }

    #[test]
    fn what_is_no_yaml_of_ours_is_one_fault() {
        let cases = [
            ("order: []", "state.yaml:1:1: unknown field `order`, expected one of customers, orders, faults"),
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
            mode: FaultMode::from_word("throttle").expect("a mode"),
            retry_after: Duration::from_secs(90),
        };
        assert_eq!(state.faults[0], expected);
        assert_eq!((state.faults[1].nth, state.faults[1].times, state.faults[1].call), (1, 1, None));
    }

    #[test]
    fn an_empty_file_is_an_empty_start() {
        let state = StartingState::parse("", "state.yaml").expect("a good file");
        assert!(state.orders.is_empty() && state.faults.is_empty());
        assert_eq!(state.customers, Customers::default());
    }
}
