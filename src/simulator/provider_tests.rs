//! What the provider decides, request by request.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;
use super::call::Call;
use super::entry::Entry;
use super::orders::Orders;
use super::provider::{Memory, Provider, Request};
use super::state::{Customers, StartingOrder};
use super::{CLIENT_ID, samples};
use crate::model::ids::{ClientId, InvoiceNumber, RequestId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::time::{Timestamp, parse_instant};

fn time(text: &str) -> Timestamp {
    parse_instant(text).expect("a time")
}

fn invoice(text: &str) -> InvoiceNumber {
    InvoiceNumber::new(text).expect("an invoice number")
}

/// One order for each state, `INV-pending` and so on, each of Rp 90.000.
fn provider() -> Provider {
    let order = |status: PaymentStatus| {
        let invoice = invoice(&format!("INV-{}", status.word().to_lowercase()));
        StartingOrder::new(invoice, Rupiah::new(90_000), status)
    };
    let starting = PaymentStatus::ALL.map(order).to_vec();
    let client_id = ClientId::new(CLIENT_ID).expect("a client id");
    Provider::new(Orders::new(client_id, starting, time("2026-11-21T10:00:00Z")), Customers::default(), Duration::ZERO)
}

fn order_id(provider: &Provider, number: &str) -> String {
    provider.orders().get(&invoice(number)).expect("the order").order_id.to_string()
}

/// Decides and records, as the desk does.
fn sent(provider: &mut Provider, operation: Operation, request_id: &str, body: &Value) -> (Answer, Option<Entry>) {
    let call = Call::Change(operation);
    let body = body.to_string();
    let request_id = RequestId::new(request_id).expect("a request id");
    let request = Request { call, path: call.path(), id: request_id, body: body.as_bytes(), memory: Memory::default() };
    let decision = provider.decide(&request, time("2026-11-21T18:00:00Z"));
    if let Some(entry) = &decision.entry {
        provider.record(entry);
    }
    (decision.answer, decision.entry)
}

fn send(provider: &mut Provider, operation: Operation, request_id: &str, body: &Value) -> (u16, Value) {
    let (answer, _) = sent(provider, operation, request_id, body);
    (answer.status, serde_json::from_str(&answer.body).expect("JSON"))
}

fn inquire(provider: &Provider, asked: &str) -> (u16, Value) {
    let path = format!("/orders/v1/status/{asked}");
    let request_id = RequestId::new("inquiry").expect("a request id");
    let decision = provider.decide(
        &Request { call: Call::Inquiry, path: &path, id: request_id, body: b"", memory: Memory::default() },
        time("2026-11-21T19:00:00Z"),
    );
    assert!(decision.entry.is_none());
    (decision.answer.status, serde_json::from_str(&decision.answer.body).expect("JSON"))
}

fn refund_body(provider: &Provider, number: &str, reference: &str) -> Value {
    samples::refund(number, &order_id(provider, number), reference)
}

#[test]
fn a_cancel_goes_by_the_state_of_the_payment() {
    let cases = [
        ("INV-success", "SUCCESS", "FAILED"),
        ("INV-failed", "FAILED", "FAILED"),
        ("INV-expired", "FAILED", "FAILED"),
        ("INV-refunded", "SUCCESS", "FAILED"),
        ("INV-cancelled", "CANCELLED", "SUCCESS"),
        ("INV-pending", "CANCELLED", "SUCCESS"),
    ];
    for (number, payment_status, cancel_status) in cases {
        let mut provider = provider();
        let (status, body) = send(&mut provider, Operation::Cancel, "c-1", &samples::cancellation(number));
        assert_eq!(status, 200);
        assert_eq!(
            (&body["payment"]["status"], &body["cancel"]["status"]),
            (&json!(payment_status), &json!(cancel_status))
        );
        assert_eq!(body.get("error"), None);
        assert_eq!(provider.effects, u64::from(number == "INV-pending"), "{number}");
    }
}

#[test]
fn a_refund_goes_by_the_state_of_the_payment() {
    let cases = [
        ("INV-pending", "PENDING", "FAILED"),
        ("INV-failed", "FAILED", "FAILED"),
        ("INV-cancelled", "CANCELED", "FAILED"),
        ("INV-expired", "FAILED", "FAILED"),
        ("INV-refunded", "REFUNDED", "SUCCESS"),
        ("INV-success", "REFUNDED", "SUCCESS"),
    ];
    for (number, payment_status, refund_status) in cases {
        let mut provider = provider();
        let body = refund_body(&provider, number, "XYZ-1");
        let (status, body) = send(&mut provider, Operation::Refund, "r-1", &body);
        assert_eq!(status, 200);
        assert_eq!(
            (&body["payment"]["status"], &body["refund"]["status"]),
            (&json!(payment_status), &json!(refund_status))
        );
        assert_eq!(provider.effects, u64::from(number == "INV-success"), "{number}");
    }
}

#[test]
fn a_refund_is_answered_in_the_form_of_the_guide() {
    let mut provider = provider();
    let body = refund_body(&provider, "INV-success", "XYZ-1");
    let (_, body) = send(&mut provider, Operation::Refund, "r-1", &body);
    let expected = json!({
        "order": {"invoice_number": "INV-success", "amount": 90000},
        "payment": {
            "date": "2026-11-21T10:00:00Z",
            "status": "REFUNDED",
            "merchant_unique_reference": "INV-success",
            "identifier": [
                {"name": "ORDER_ID", "value": "1000000005"},
                {"name": "AKULAKU_UNIQUE_REFERENCE", "value": "MCH-0001-SIMULATORINV-success"}
            ]
        },
        "refund": {
            "date": "2026-11-21T18:00:00Z",
            "status": "SUCCESS",
            "merchant_unique_reference": "XYZ-1",
            "identifier": [{"name": "AKULAKU_UNIQUE_REFERENCE", "value": "REF-MCH-0001-SIMULATORXYZ-1"}]
        }
    });
    assert_eq!(body, expected);
}

#[test]
fn a_second_cancel_shows_the_first_one() {
    let mut provider = provider();
    let (_, first) = send(&mut provider, Operation::Cancel, "c-1", &samples::cancellation("INV-pending"));
    assert_eq!(first["cancel"], json!({"status": "SUCCESS", "date": "2026-11-21T18:00:00Z"}));
    let (status, second) = send(&mut provider, Operation::Cancel, "c-2", &samples::cancellation("INV-pending"));
    assert_eq!((status, second), (200, first));
    assert_eq!(provider.effects, 1);
}

#[test]
fn a_second_refund_shows_the_first_one() {
    let mut provider = provider();
    let first = refund_body(&provider, "INV-success", "XYZ-1");
    let second = refund_body(&provider, "INV-success", "XYZ-2");
    let (_, first) = send(&mut provider, Operation::Refund, "r-1", &first);
    let (status, second) = send(&mut provider, Operation::Refund, "r-2", &second);
    assert_eq!((status, second), (200, first));
    assert_eq!(provider.effects, 1);
}

#[test]
fn a_request_that_says_something_wrong_about_its_order_is_refused() {
    let fresh = provider();
    let good = refund_body(&fresh, "INV-success", "XYZ-1");
    let used = fresh.orders().get(&invoice("INV-refunded")).and_then(|order| order.refund.clone()).expect("a refund");
    let cases = [
        (
            "/payment/merchant_unique_reference",
            "MUR-1".to_owned(),
            "payment.merchant_unique_reference is MUR-1, but the order's is INV-success",
        ),
        (
            "/payment/identifier/0/value",
            "5".to_owned(),
            "payment.identifier.ORDER_ID is 5, but the order's is 1000000005",
        ),
        (
            "/payment/identifier/1/value",
            "A".to_owned(),
            "payment.identifier.AKULAKU_UNIQUE_REFERENCE is A, but the order's is MCH-0001-SIMULATORINV-success",
        ),
        (
            "/refund/merchant_unique_reference",
            "INV-success".to_owned(),
            "refund.merchant_unique_reference INV-success is not new",
        ),
        ("/refund/merchant_unique_reference", used.reference.to_string(), "is not new"),
    ];
    for (pointer, value, expected) in cases {
        let mut provider = provider();
        let mut body = good.clone();
        *body.pointer_mut(pointer).expect("the field") = json!(value);
        let (status, answer) = send(&mut provider, Operation::Refund, "r-1", &body);
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("invalid_parameter")));
        let message = answer["error"]["message"].as_str().expect("a message");
        assert!(message.ends_with(expected), "{message}");
        assert_eq!(provider.effects, 0);
    }
}

#[test]
fn an_unknown_invoice_is_not_found() {
    let mut provider = provider();
    let not_found = (404, json!({"error": {"message": "Order Not Found"}}));
    assert_eq!(send(&mut provider, Operation::Cancel, "c-1", &samples::cancellation("INV-9")), not_found);
    assert_eq!(send(&mut provider, Operation::Refund, "r-1", &samples::refund("INV-9", "1", "XYZ-1")), not_found);
    assert_eq!(inquire(&provider, "INV-9"), not_found);
    assert_eq!(inquire(&provider, "%zz"), not_found);
}

#[test]
fn a_new_order_waits_for_its_customer_and_cannot_be_made_twice() {
    let mut provider = provider();
    let (status, body) = send(&mut provider, Operation::Create, "n-1", &samples::creation("INV-1", 90_000));
    assert_eq!((status, &body["payment"]["status"]), (200, &json!("PENDING")));
    let url = body["payment"]["url"].as_str().expect("a url");
    assert!(
        url.starts_with(
            "https://test-mall.akulaku.com/v2/openPay.html?appId=15006801&refNo=MCH%2D0001%2DSIMULATORINV%2D1&sign="
        ),
        "{url}"
    );
    assert_eq!(body["payment"]["identifier"][0], json!({"name": "ORDER_ID", "value": "1000000007"}));
    let (status, body) = send(&mut provider, Operation::Create, "n-2", &samples::creation("INV-1", 90_000));
    assert_eq!((status, &body["error"]["code"]), (409, &json!("duplicate_invoice")));
    let mut reused = samples::creation("INV-2", 90_000);
    reused["payment"]["merchant_unique_reference"] = json!("INV-1");
    assert_eq!(send(&mut provider, Operation::Create, "n-3", &reused).0, 400);
    assert_eq!(provider.effects, 1);
}

#[test]
fn the_same_request_again_gets_the_first_answer_under_409() {
    let mut provider = provider();
    let body = refund_body(&provider, "INV-success", "XYZ-1");
    let (_, first) = send(&mut provider, Operation::Refund, "r-1", &body);
    assert_eq!(send(&mut provider, Operation::Refund, "r-1", &body), (409, first));
    assert_eq!(provider.effects, 1);
}

#[test]
fn a_request_id_with_another_body_or_path_is_never_carried_out() {
    let mut provider = provider();
    let body = refund_body(&provider, "INV-success", "XYZ-1");
    send(&mut provider, Operation::Refund, "r-1", &body);
    let other = samples::cancellation("INV-pending");
    for (operation, body) in
        [(Operation::Cancel, &other), (Operation::Refund, &refund_body(&provider, "INV-success", "XYZ-2"))]
    {
        let (status, answer) = send(&mut provider, operation, "r-1", body);
        assert_eq!((status, &answer["error"]["code"]), (409, &json!("request_id_reused")));
    }
    assert_eq!(provider.effects, 1);
}

#[test]
fn an_inquiry_finds_an_order_by_invoice_number_or_request_id() {
    let mut provider = provider();
    send(&mut provider, Operation::Create, "n-1", &samples::creation("INV/2026/1", 90_000));
    let expected = json!({
        "service": {"id": "PEER_TO_PEER"}, "acquirer": {"id": "AKULAKU"}, "channel": {"id": "PEER_TO_PEER_AKULAKU"},
        "order": {"invoice_number": "INV/2026/1", "amount": 90000},
        "transaction": {"status": "PENDING", "date": "2026-11-21T18:00:00Z", "original_request_id": "n-1"},
        "payment": {"merchant_unique_reference": "INV/2026/1"}
    });
    for asked in ["INV%2F2026%2F1", "INV/2026/1", "n-1"] {
        assert_eq!(inquire(&provider, asked), (200, expected.clone()), "{asked}");
    }
}

#[test]
fn an_inquiry_sees_an_effect_only_after_the_lag() {
    let mut provider = provider();
    provider.status_lag = Duration::from_secs(3601);
    let body = refund_body(&provider, "INV-success", "XYZ-1");
    send(&mut provider, Operation::Refund, "r-1", &body);
    send(&mut provider, Operation::Create, "n-1", &samples::creation("INV-1", 90_000));
    let status = |provider: &Provider, asked| inquire(provider, asked).1["transaction"]["status"].clone();
    // The inquiry comes an hour after the effects.
    assert_eq!((status(&provider, "INV-success"), inquire(&provider, "n-1").0), (json!("SUCCESS"), 404));
    assert_eq!(status(&provider, "INV-refunded"), json!("REFUNDED"), "what was so from the start is seen at once");
    provider.status_lag = Duration::from_secs(3600);
    assert_eq!((status(&provider, "INV-success"), inquire(&provider, "n-1").0), (json!("REFUNDED"), 200));
}

#[test]
fn an_inquiry_has_no_word_for_cancelled() {
    let provider = provider();
    for (number, status) in [
        ("INV-pending", "PENDING"),
        ("INV-success", "SUCCESS"),
        ("INV-failed", "FAILED"),
        ("INV-cancelled", "FAILED"),
        ("INV-expired", "EXPIRED"),
        ("INV-refunded", "REFUNDED"),
    ] {
        assert_eq!(inquire(&provider, number).1["transaction"]["status"], json!(status), "{number}");
    }
}

proptest::proptest! {
    #[test]
    fn a_provider_rebuilt_from_its_entries_is_the_same_and_nothing_happens_twice(
        requests in proptest::collection::vec((0..3_usize, 0..3_usize, 0..8_u8), 0..40)
    ) {
        let (mut live, mut entries) = (provider(), Vec::new());
        for (operation, order, request) in requests {
            let operation = Operation::ALL[operation];
            let number = ["INV-success", "INV-pending", "INV-1"][order];
            let body = match operation {
                Operation::Create => samples::creation(number, 90_000),
                Operation::Cancel => samples::cancellation(number),
                Operation::Refund => samples::refund(number, ["1000000005", "1000000001", "1000000007"][order], &format!("XYZ-{request}")),
            };
            entries.extend(sent(&mut live, operation, &format!("r-{request}"), &body).1);
        }
        let mut rebuilt = provider();
        for entry in &entries {
            rebuilt.record(entry);
        }
        proptest::prop_assert_eq!(format!("{live:?}"), format!("{rebuilt:?}"));
        let mut done = std::collections::BTreeSet::new();
        for entry in entries {
            if let Entry::Effect(effect) = entry {
                proptest::prop_assert!(done.insert((effect.operation, effect.invoice_number)));
            }
        }
    }
}
