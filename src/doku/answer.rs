//! What an answer proves: the classification of every exchange, as one table.
//!
//! An answer counts only if its signature verifies and it echoes our invoice and amount; after that the operation's
//! status and the payment's status must agree. Whatever is not listed proves nothing and is ambiguous
//! (`failure-modes.md` 2.5). A 409 is never judged by its number: DOKU answers a repeat with the first answer's body
//! under it (`doku-api.md` 2).

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::exchange::{Answer, Exchange, target};
use super::json::{Object, OrderAnswer, StatusPart, error_message, object, object_if_any};
use super::sign::{Components, NotSigned, Signer, TimestampName};
use crate::model::ids::{ClientId, InvoiceNumber, MerchantReference, RequestId};
use crate::model::money::Rupiah;
use crate::model::operation::Operation;
use crate::model::outcome::{Doubt, Facts, Outcome, Refusal, SignatureCheck, Unsent};
use crate::model::status::PaymentStatus;
use crate::model::time::{self, Timestamp};

/// What we asked for; an answer must echo it.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// What was asked.
    pub operation: Operation,
    /// Whose account.
    pub client_id: &'a ClientId,
    /// The idempotency key.
    pub request_id: &'a RequestId,
    /// The order.
    pub invoice: &'a InvoiceNumber,
    /// Its full amount.
    pub amount: Rupiah,
    /// The payment's reference.
    pub payment_reference: &'a MerchantReference,
    /// Our reference of the refund; present exactly for refunds.
    pub refund_reference: Option<&'a MerchantReference>,
    /// When the first intent became durable; an effect dated before it is not ours.
    pub first_intent_at: Timestamp,
    /// Whether the payment page may be plain HTTP; only on loopback.
    pub page: PaymentPage,
}

/// Which payment pages are acceptable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentPage {
    /// `https` only.
    Https,
    /// `http` as well: the simulator's page.
    Loopback,
}

/// The conclusion from one exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// What it proves.
    pub outcome: Outcome,
    /// What was said, for the journal and the result files.
    pub facts: Arc<Facts>,
    /// Whether the run should stop. `None`: it may go on.
    pub halt: Option<Halt>,
    /// How long the provider asked everybody to wait; any answer may.
    pub retry_after: Option<Duration>,
}

/// An answer that says the next ones will be no better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Halt {
    /// A signed 401 or 403: the credentials or the clock are wrong.
    Credentials,
    /// An unsigned 401 or 403, or a redirect: something stands between us and the provider.
    Gateway,
}

/// Clocks of two parties may differ by this much before a date proves anything.
const SKEW: chrono::Duration = chrono::Duration::minutes(5);

/// `Retry-After` is heeded up to this much (`failure-modes.md` N4).
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(15 * 60);

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default, deserialize_with = "object")]
    order: OrderAnswer<'a>,
    #[serde(default, deserialize_with = "object_if_any")]
    payment: Option<StatusPart>,
    #[serde(default, deserialize_with = "object_if_any")]
    cancel: Option<StatusPart>,
    #[serde(default, deserialize_with = "object_if_any")]
    refund: Option<StatusPart>,
    error: Option<Value>,
}

/// Reads one exchange.
#[must_use]
pub fn read(expected: &Expected<'_>, signer: &Signer, exchange: &Exchange, now: Timestamp) -> Reading {
    let answer = match exchange {
        Exchange::Answered(answer) => answer,
        Exchange::NotSent(message) => return unanswered(Outcome::NotSent(Unsent::Connect), message),
        Exchange::Withheld(why) => return unanswered(Outcome::NotSent(Unsent::Withheld), why),
        Exchange::TimedOut => return unanswered(Outcome::Ambiguous(Doubt::Timeout), "no answer in time"),
        Exchange::Lost(message) => return unanswered(Outcome::Ambiguous(Doubt::ConnectionLost), message),
        Exchange::TooLong => return unanswered(Outcome::Ambiguous(Doubt::TooLong), "the answer did not end"),
    };
    let signature = check_signature(expected, signer, answer);
    let mut facts = Facts { http_status: Some(answer.status), signature, ..Facts::default() };
    facts.message = error_message(&answer.body);
    let signed = signature == SignatureCheck::Valid;
    let (outcome, halt) = match answer.status {
        200 | 409 if signed => (read_body(expected, answer, &mut facts), None),
        200 | 409 => (Outcome::Ambiguous(unproven(signature)), None),
        status @ (400 | 404 | 422) if signed => (Outcome::Refused(Refusal::Http(status)), None),
        status @ (401 | 403) if signed => (Outcome::Refused(Refusal::Http(status)), Some(Halt::Credentials)),
        status @ (400 | 404 | 422) => (Outcome::Ambiguous(Doubt::UnsignedError(status)), None),
        status @ (401 | 403) => (Outcome::Ambiguous(Doubt::UnsignedError(status)), Some(Halt::Gateway)),
        429 => (Outcome::Throttled(signature), None),
        status @ 300..=399 => (Outcome::Ambiguous(Doubt::Redirect(status)), Some(Halt::Gateway)),
        status => (Outcome::Ambiguous(Doubt::Http(status)), None),
    };
    Reading { outcome, facts: facts.into(), halt, retry_after: retry_after(answer, now) }
}

fn unanswered(outcome: Outcome, message: &str) -> Reading {
    Reading {
        outcome,
        facts: Facts { message: Some(message.to_owned()), ..Facts::default() }.into(),
        halt: None,
        retry_after: None,
    }
}

/// An answer is signed with the ids of its request and its own timestamp (`doku-api.md` 1.1).
fn check_signature(expected: &Expected<'_>, signer: &Signer, answer: &Answer) -> SignatureCheck {
    let (Some(signature), Some(timestamp)) = (answer.header("signature"), answer.header("response-timestamp")) else {
        return SignatureCheck::Missing;
    };
    let components = Components {
        client_id: expected.client_id.as_str(),
        request_id: expected.request_id.as_str(),
        timestamp_name: TimestampName::Response,
        timestamp,
        target: target(expected.operation),
        body: Some(&answer.body),
    };
    match signer.verify(&components, signature) {
        Ok(()) => SignatureCheck::Valid,
        Err(NotSigned::Missing) => SignatureCheck::Missing,
        Err(NotSigned::Malformed | NotSigned::Mismatch) => SignatureCheck::Invalid,
    }
}

const fn unproven(signature: SignatureCheck) -> Doubt {
    match signature {
        SignatureCheck::None | SignatureCheck::Missing => Doubt::Unsigned,
        SignatureCheck::Invalid | SignatureCheck::Valid => Doubt::BadSignature,
    }
}

/// Reads a signed 200 or 409.
fn read_body(expected: &Expected<'_>, answer: &Answer, facts: &mut Facts) -> Outcome {
    let no_outcome = if answer.status == 409 { Doubt::ConflictWithoutReplay } else { Doubt::Unreadable };
    let Ok(Object(body)) = serde_json::from_slice::<Object<Body<'_>>>(&answer.body) else {
        return Outcome::Ambiguous(no_outcome);
    };
    let (Some(payment), Some(invoice)) = (&body.payment, &body.order.invoice_number) else {
        return Outcome::Ambiguous(no_outcome);
    };
    let operation_part = match expected.operation {
        Operation::Create => None,
        Operation::Cancel => body.cancel.as_ref(),
        Operation::Refund => body.refund.as_ref(),
    };
    facts.replayed = answer.status == 409;
    facts.payment_status.clone_from(&payment.status);
    facts.operation_status = operation_part.and_then(|part| part.status.clone());
    facts.amount = body.order.rupiah().map(Rupiah::whole);
    facts.order_id = payment.identifier("ORDER_ID").map(str::to_owned);
    facts.akulaku_reference = payment.identifier("AKULAKU_UNIQUE_REFERENCE").map(str::to_owned);
    facts.payment_reference = payment.reference().map(str::to_owned);
    facts.refund_reference = body.refund.as_ref().and_then(|part| part.reference()).map(str::to_owned);
    facts.payment_url.clone_from(&payment.url);

    let echoes = invoice == expected.invoice.as_str()
        && body.order.rupiah() == Some(expected.amount)
        && payment.reference().is_none_or(|reference| reference == expected.payment_reference.as_str());
    if !echoes {
        facts.message.get_or_insert_with(|| {
            let amount = body.order.rupiah().map_or_else(|| "no amount".to_owned(), |amount| amount.to_string());
            format!(
                "the answer is about {invoice} and {amount}, we asked about {} and {}",
                expected.invoice, expected.amount
            )
        });
        return Outcome::Ambiguous(Doubt::EchoMismatch);
    }
    let said = Said {
        operation: expected.operation,
        operation_status: operation_part.and_then(|part| part.status.as_deref()),
        payment_status: payment.status.as_deref().and_then(PaymentStatus::from_word),
        error: if body.error.is_some() { ErrorPart::Present } else { ErrorPart::Absent },
    };
    match conclude(&said) {
        Outcome::Applied if expected.operation == Operation::Refund && !is_our_refund(expected, operation_part) => {
            Outcome::Already
        }
        Outcome::Applied if expected.operation == Operation::Create && !is_page(payment, expected.page) => {
            Outcome::Ambiguous(Doubt::Unreadable)
        }
        outcome => outcome,
    }
}

/// The decisive fields of a signed answer that echoes our order.
#[derive(Debug, Clone, Copy)]
struct Said<'a> {
    operation: Operation,
    operation_status: Option<&'a str>,
    payment_status: Option<PaymentStatus>,
    error: ErrorPart,
}

/// Whether the answer holds an `error` part; the guide's own cancel sample has one beside a success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ErrorPart {
    Absent,
    Present,
}

/// The table: operation, its status, the payment's status, an error part. Anything else is a contradiction.
fn conclude(said: &Said<'_>) -> Outcome {
    use ErrorPart::Absent;
    use PaymentStatus::{Cancelled, Failed, Pending, Refunded};
    match (said.operation, said.operation_status, said.payment_status, said.error) {
        (Operation::Create, None, Some(Pending), Absent)
        | (Operation::Cancel, Some("SUCCESS"), Some(Cancelled), Absent)
        | (Operation::Refund, Some("SUCCESS"), Some(Refunded), Absent) => Outcome::Applied,
        (Operation::Create, None, Some(Failed), _) | (Operation::Refund, Some("FAILED"), Some(Failed), _) => {
            Outcome::Refused(Refusal::PaymentFailed)
        }
        (Operation::Refund, Some("FAILED"), Some(Cancelled), _) => Outcome::Refused(Refusal::PaymentCancelled),
        (Operation::Refund, Some("FAILED"), Some(Pending), _) => Outcome::Refused(Refusal::PaymentPending),
        // "Failed" beside an order that is cancelled does not say that nothing happened.
        (Operation::Cancel, Some("FAILED"), Some(Cancelled), _) => Outcome::Ambiguous(Doubt::Contradiction),
        (Operation::Cancel, Some("FAILED"), _, _) => Outcome::Refused(Refusal::ByProvider),
        _ => Outcome::Ambiguous(Doubt::Contradiction),
    }
}

/// A refund is ours if it bears our reference, or none and a date after our first intent.
fn is_our_refund(expected: &Expected<'_>, refund: Option<&StatusPart>) -> bool {
    let Some(refund) = refund else { return false };
    match (refund.reference(), expected.refund_reference) {
        (Some(theirs), Some(ours)) => theirs == ours.as_str(),
        (None, _) => {
            let date = refund.date.as_deref().and_then(time::parse_instant);
            date.is_some_and(|date| date >= expected.first_intent_at - SKEW)
        }
        (Some(_), None) => false,
    }
}

/// A created order without a page to pay on is of no use, and a page elsewhere is a danger to the customer.
fn is_page(payment: &StatusPart, page: PaymentPage) -> bool {
    let Some(url) = payment.url.as_deref() else { return false };
    match page {
        PaymentPage::Https => url.starts_with("https://"),
        PaymentPage::Loopback => url.starts_with("https://") || url.starts_with("http://"),
    }
}

/// `Retry-After` in seconds or as a date, capped; `None` if it is absent or unreadable. How long it is to a date is told by
/// the answer's own `Date` as well as by our clock, and the longer one counts: one of the two clocks may be wrong.
#[must_use]
pub fn retry_after(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let wait = if is_number {
        // More digits than a number can hold are a very long time.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let (until, theirs) = (http_date(text)?, answer.header("date").and_then(http_date));
        time::elapsed(now, until).max(theirs.map_or(Duration::ZERO, |sent| time::elapsed(sent, until)))
    };
    Some(wait.min(LONGEST_RETRY_AFTER))
}

/// A date of HTTP in its usual form or one of the two old ones (RFC 9110, 5.6.7).
#[must_use]
pub fn http_date(text: &str) -> Option<Timestamp> {
    let old = |form| chrono::NaiveDateTime::parse_from_str(text, form).ok().map(|time| time.and_utc());
    let usual = chrono::DateTime::parse_from_rfc2822(text).ok().map(|time| time.to_utc());
    usual.or_else(|| old("%A, %d-%b-%y %H:%M:%S GMT")).or_else(|| old("%a %b %e %H:%M:%S %Y"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::secret::Secret;

    const INVOICE: &str = "INV-1";

    fn now() -> Timestamp {
        time::parse_instant("2026-11-22T08:00:00Z").unwrap()
    }

    /// Reads an answer of `status` and `body`, signed with `key`, to an operation on INV-1 over 90.000.
    fn read_signed(operation: Operation, status: u16, body: &str, key: &str) -> Reading {
        let ours = Signer::new(&Secret::new("SK-ours"));
        let client_id = ClientId::new("MCH-1").unwrap();
        let request_id = RequestId::new("R-1").unwrap();
        let invoice = InvoiceNumber::new(INVOICE).unwrap();
        let payment_reference = MerchantReference::new("P-1").unwrap();
        let refund_reference = MerchantReference::new("F-1").unwrap();
        let expected = Expected {
            operation,
            client_id: &client_id,
            request_id: &request_id,
            invoice: &invoice,
            amount: Rupiah::new(90_000),
            payment_reference: &payment_reference,
            refund_reference: (operation == Operation::Refund).then_some(&refund_reference),
            first_intent_at: now(),
            page: PaymentPage::Https,
        };
        let timestamp = "2026-11-22T08:00:01Z";
        let signature = Signer::new(&Secret::new(key)).sign(&Components {
            client_id: "MCH-1",
            request_id: "R-1",
            timestamp_name: TimestampName::Response,
            timestamp,
            target: target(operation),
            body: Some(body.as_bytes()),
        });
        let mut headers = vec![("response-timestamp".to_owned(), timestamp.to_owned())];
        if !key.is_empty() {
            headers.push(("signature".to_owned(), signature));
        }
        let answer = Answer { status, headers, body: body.as_bytes().to_vec() };
        read(&expected, &ours, &Exchange::Answered(answer), now())
    }

    fn refund(refund_status: &str, payment_status: &str, reference: &str) -> String {
        format!(
            r#"{{"order":{{"invoice_number":"INV-1","amount":90000}},"payment":{{"status":"{payment_status}","merchant_unique_reference":"P-1"}},"refund":{{"status":"{refund_status}","date":"2026-11-22T08:00:01Z"{reference}}}}}"#
        )
    }

    fn cancel(cancel_status: &str, payment_status: &str, more: &str) -> String {
        format!(
            r#"{{"order":{{"invoice_number":"INV-1","amount":90000}},"payment":{{"status":"{payment_status}","merchant_unique_reference":"P-1"}},"cancel":{{"status":"{cancel_status}"}}{more}}}"#
        )
    }

    fn create(payment_status: &str, more: &str) -> String {
        format!(
            r#"{{"order":{{"invoice_number":"INV-1","amount":90000}},"payment":{{"status":"{payment_status}","merchant_unique_reference":"P-1"{more}}}}}"#
        )
    }

    const OURS: &str = r#","merchant_unique_reference":"F-1""#;
    const URL: &str = r#","url":"https://pay.example/1""#;

    #[test]
    fn the_table_of_signed_answers() {
        use Operation::{Cancel, Create, Refund};
        let contradiction = Outcome::Ambiguous(Doubt::Contradiction);
        let cases = [
            (Refund, refund("SUCCESS", "PENDING", OURS), contradiction.clone()),
            (Refund, refund("SUCCESS", "SUCCESS", OURS), contradiction.clone()),
            (Refund, refund("FAILED", "REFUNDED", OURS), contradiction.clone()),
            (Refund, refund("FAILED", "SUCCESS", OURS), contradiction.clone()),
            (Refund, refund("NEW_WORD", "REFUNDED", OURS), contradiction.clone()),
            (Refund, refund("SUCCESS", "NEW_WORD", OURS), contradiction.clone()),
            (Refund, cancel("SUCCESS", "REFUNDED", ""), contradiction.clone()),
            (Refund, refund("SUCCESS", "REFUNDED", r#","merchant_unique_reference":"F-9""#), Outcome::Already),
            (Refund, refund("SUCCESS", "REFUNDED", "").replace("2026", "2025"), Outcome::Already),
            (Refund, refund("SUCCESS", "REFUNDED", ""), Outcome::Applied),
            (Refund, refund("SUCCESS", "REFUNDED", OURS), Outcome::Applied),
            (Refund, refund("FAILED", "FAILED", OURS), Outcome::Refused(Refusal::PaymentFailed)),
            (Refund, refund("FAILED", "CANCELED", OURS), Outcome::Refused(Refusal::PaymentCancelled)),
            (Refund, refund("FAILED", "CANCELLED", OURS), Outcome::Refused(Refusal::PaymentCancelled)),
            (Refund, refund("FAILED", "PENDING", OURS), Outcome::Refused(Refusal::PaymentPending)),
            (
                Cancel,
                cancel("SUCCESS", "CANCELLED", r#","error":{"message":"Order Not Found"}"#),
                contradiction.clone(),
            ),
            (Cancel, cancel("SUCCESS", "SUCCESS", ""), contradiction.clone()),
            (Cancel, cancel("SUCCESS", "REFUNDED", ""), contradiction.clone()),
            (Cancel, cancel("FAILED", "CANCELLED", ""), contradiction.clone()),
            (Cancel, cancel("FAILED", "CANCELED", r#","error":{"message":"x"}"#), contradiction.clone()),
            (Cancel, cancel("FAILED", "SUCCESS", ""), Outcome::Refused(Refusal::ByProvider)),
            (Cancel, cancel("SUCCESS", "CANCELED", ""), Outcome::Applied),
            (Cancel, cancel("SUCCESS", "CANCELLED", ""), Outcome::Applied),
            (Create, create("SUCCESS", URL), contradiction.clone()),
            (Create, create("PENDING", ""), Outcome::Ambiguous(Doubt::Unreadable)),
            (Create, create("PENDING", r#","url":"http://pay.example""#), Outcome::Ambiguous(Doubt::Unreadable)),
            (Create, create("FAILED", ""), Outcome::Refused(Refusal::PaymentFailed)),
            (Create, create("PENDING", URL), Outcome::Applied),
        ];
        for (operation, body, outcome) in cases {
            for status in [200, 409] {
                let reading = read_signed(operation, status, &body, "SK-ours");
                assert_eq!(reading.outcome, outcome, "{operation} {status} {body}");
                assert_eq!(reading.facts.replayed, status == 409);
            }
        }
    }

    #[test]
    fn without_a_valid_signature_nothing_is_proved() {
        for (key, doubt) in [("", Doubt::Unsigned), ("SK-other", Doubt::BadSignature)] {
            for status in [200, 409] {
                let reading = read_signed(Operation::Refund, status, &refund("SUCCESS", "REFUNDED", OURS), key);
                assert_eq!(reading.outcome, Outcome::Ambiguous(doubt));
            }
            for status in [400, 404, 422] {
                let reading = read_signed(Operation::Refund, status, "{}", key);
                assert_eq!(reading.outcome, Outcome::Ambiguous(Doubt::UnsignedError(status)));
                assert_eq!(reading.halt, None);
            }
            for status in [401, 403] {
                let reading = read_signed(Operation::Refund, status, "{}", key);
                assert_eq!(reading.outcome, Outcome::Ambiguous(Doubt::UnsignedError(status)));
                assert_eq!(reading.halt, Some(Halt::Gateway));
            }
        }
    }

    #[test]
    fn statuses_that_decide_by_themselves() {
        let cases = [
            (400, Outcome::Refused(Refusal::Http(400)), None),
            (401, Outcome::Refused(Refusal::Http(401)), Some(Halt::Credentials)),
            (403, Outcome::Refused(Refusal::Http(403)), Some(Halt::Credentials)),
            (404, Outcome::Refused(Refusal::Http(404)), None),
            (422, Outcome::Refused(Refusal::Http(422)), None),
            (302, Outcome::Ambiguous(Doubt::Redirect(302)), Some(Halt::Gateway)),
            (307, Outcome::Ambiguous(Doubt::Redirect(307)), Some(Halt::Gateway)),
            (408, Outcome::Ambiguous(Doubt::Http(408)), None),
            (429, Outcome::Throttled(SignatureCheck::Valid), None),
            (201, Outcome::Ambiguous(Doubt::Http(201)), None),
            (500, Outcome::Ambiguous(Doubt::Http(500)), None),
            (503, Outcome::Ambiguous(Doubt::Http(503)), None),
            (504, Outcome::Ambiguous(Doubt::Http(504)), None),
        ];
        for (status, outcome, halt) in cases {
            let reading = read_signed(Operation::Refund, status, r#"{"error":{"message":"no"}}"#, "SK-ours");
            assert_eq!((reading.outcome, reading.halt), (outcome, halt), "{status}");
        }
    }

    #[test]
    fn a_409_without_the_first_answer_is_no_outcome() {
        for body in ["", "[]", "<html>", "{}", r#"{"error":{"message":"duplicate invoice"}}"#] {
            let reading = read_signed(Operation::Create, 409, body, "SK-ours");
            assert_eq!(reading.outcome, Outcome::Ambiguous(Doubt::ConflictWithoutReplay), "{body}");
        }
    }

    #[test]
    fn an_answer_about_something_else_proves_nothing() {
        let good = refund("SUCCESS", "REFUNDED", OURS);
        let elsewhere = [
            (good.replace("INV-1", "INV-2"), Doubt::EchoMismatch),
            (good.replace("90000", "90001"), Doubt::EchoMismatch),
            (good.replace("90000", "90000.50"), Doubt::EchoMismatch),
            (good.replace("90000", "null"), Doubt::EchoMismatch),
            (good.replace("P-1", "P-2"), Doubt::EchoMismatch),
            (good.replace(r#""amount":90000"#, r#""amount":90000,"amount":90000"#), Doubt::Unreadable),
            (good.replace(r#"{"invoice_number":"INV-1","amount":90000}"#, r#"["INV-1",90000]"#), Doubt::Unreadable),
            (
                r#"[{"invoice_number":"INV-1","amount":90000},{"status":"REFUNDED"},null,{"status":"SUCCESS"},null]"#
                    .into(),
                Doubt::Unreadable,
            ),
            (format!("[{good}]"), Doubt::Unreadable),
            (format!("{good}{good}"), Doubt::Unreadable),
            (String::new(), Doubt::Unreadable),
        ];
        for (body, doubt) in elsewhere {
            let reading = read_signed(Operation::Refund, 200, &body, "SK-ours");
            assert_eq!(reading.outcome, Outcome::Ambiguous(doubt), "{body}");
        }
    }

    #[test]
    fn amounts_may_be_text_or_have_zero_decimals() {
        for amount in ["90000", "\"90000\"", "90000.00"] {
            let body = refund("SUCCESS", "REFUNDED", OURS).replace("90000", amount);
            assert_eq!(read_signed(Operation::Refund, 200, &body, "SK-ours").outcome, Outcome::Applied, "{amount}");
        }
    }

    #[test]
    fn a_date_is_as_far_off_as_the_clock_says_that_is_further_from_it() {
        let wait = |date: &str| {
            let header = |name: &str, text: &str| (name.to_owned(), text.to_owned());
            let headers = vec![header("retry-after", "Sun, 22 Nov 2026 08:00:30 GMT"), header("date", date)];
            retry_after(&Answer { status: 503, headers, body: Vec::new() }, now())
        };
        assert_eq!(wait("Sun, 22 Nov 2026 07:59:40 GMT"), Some(Duration::from_secs(50)));
        assert_eq!(wait("Sun, 22 Nov 2026 08:00:10 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("yesterday"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_date_and_capped() {
        let wait = |text: &str| {
            let headers = vec![("retry-after".to_owned(), text.to_owned())];
            retry_after(&Answer { status: 429, headers, body: Vec::new() }, now())
        };
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Sun, 22 Nov 2026 08:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun, 22 Nov 2020 08:00:30 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("Sunday, 22-Nov-26 08:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(wait("Sun Nov 22 08:00:30 2026"), Some(Duration::from_secs(30)));
        for absurd in ["99999999", "99999999999999999999999", "Mon, 22 Nov 2066 08:00:30 GMT"] {
            assert_eq!(wait(absurd), Some(LONGEST_RETRY_AFTER), "{absurd}");
        }
        assert_eq!(wait(""), None);
        assert_eq!(wait("-1"), None);
        assert_eq!(wait("soon"), None);
    }
}
