//! The results.csv of an earlier refund run, made on another host: the journal of this one has not seen it.

use chrono::TimeDelta;
use rekon::journal::Account;
use rekon::journal::identity::Identity;
use rekon::model::environment::Environment;
use rekon::model::ids::{ClientId, InvoiceNumber};
use rekon::model::operation::Operation;
use rekon::model::time::wire;
use rekon::simulator::CLIENT_ID;

use crate::audit::with_commas;
use crate::shop::{Sale, after};

/// The columns of that run's orders, then ours (`DESIGN` 6).
pub(crate) const HEADER: [&str; 22] = [
    "Order Number",
    "Grand Total",
    "Payment Reference",
    "ORDER_ID",
    "Refund",
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

/// How a row of the earlier run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Earlier {
    Succeeded,
    AlreadyDone,
    Refused,
    Held,
    Skipped,
    NotAttempted,
}

/// One row.
pub(crate) fn row(sale: &Sale, earlier: Earlier) -> Vec<String> {
    let (state, reason) = match earlier {
        Earlier::Succeeded => ("succeeded", ""),
        Earlier::AlreadyDone => ("already_done", ""),
        Earlier::Refused => ("refused", "payment_failed"),
        Earlier::Held => ("held", "max_order"),
        Earlier::Skipped => ("skipped", "book_status is \"PENDING\""),
        Earlier::NotAttempted => ("not_attempted", "the run stopped before it"),
    };
    let word = if earlier == Earlier::Skipped { "PENDING" } else { "APPROVED" };
    let given = [sale.invoice.clone(), with_commas(sale.amount), sale.reference.clone(), sale.order_id.to_string()];
    let ended = ["refund", state, reason].map(str::to_owned);
    given.into_iter().chain([word.to_owned()]).chain(ended).chain(exchange(sale, earlier)).collect()
}

/// The columns that only a request has.
fn exchange(sale: &Sale, earlier: Earlier) -> [String; 14] {
    let (payment, refund) = match earlier {
        Earlier::Succeeded | Earlier::AlreadyDone => ("REFUNDED", "SUCCESS"),
        Earlier::Refused => ("FAILED", "FAILED"),
        Earlier::Held | Earlier::Skipped | Earlier::NotAttempted => return Default::default(),
    };
    let identity = Identity {
        account: Account {
            environment: Environment::Simulator,
            client_id: ClientId::new(CLIENT_ID).expect("the constant is a client id"),
            operation: Operation::Refund,
        },
        invoice: InvoiceNumber::new(&sale.invoice).expect("an invoice number of ours"),
        generation: 0,
    };
    let second = i64::try_from(sale.order_id % 47).expect("less than a minute");
    let sent = after("2026-11-29T18:00:00Z", 0) + TimeDelta::seconds(second);
    let settled = sent + TimeDelta::seconds(1);
    [
        identity.request_id().to_string(),
        "1".to_owned(),
        "200".to_owned(),
        payment.to_owned(),
        refund.to_owned(),
        sale.order_id.to_string(),
        sale.akulaku_reference(),
        identity.refund_reference().to_string(),
        String::new(),
        "false".to_owned(),
        "valid".to_owned(),
        wire(sent),
        wire(settled),
        String::new(),
    ]
}
