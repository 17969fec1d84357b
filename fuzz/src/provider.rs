//! What the provider says: answers, answers to inquiries, notifications. Only a signature that we can make ourselves, over
//! these bytes, may prove anything; and only about our order.
//!
//! An answer's input is written as a letter: `refund 200 signed`, header lines, a blank line, the body. The first line says
//! what was asked, the status and who signs; the target makes the signature, so that a mutated body can be a signed one.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use rekon::doku::answer::{self, Expected, PaymentPage, Reading};
use rekon::doku::exchange::{self, Answer, Exchange};
use rekon::doku::sign::{Components, Signer, TimestampName};
use rekon::doku::status::{self, Inquiry};
use rekon::edge::notification_log::{self, Verifier};
use rekon::model::ids::{ClientId, InvoiceNumber, MerchantReference, RequestId};
use rekon::model::money::Rupiah;
use rekon::model::operation::Operation;
use rekon::model::outcome::{Outcome, Refusal, SignatureCheck};
use rekon::model::secret::Secret;
use rekon::model::time::{self, Cutoff};
use rekon::reconcile::evidence::{Done, DoneState, Log};
use rekon::reconcile::judge::{Bench, Rules};
use rekon::reconcile::subject::{Subject, book};
use rekon::simulator::{CLIENT_ID, SECRET_KEY};
use serde_json::Value;
use serde_json::value::RawValue;

use super::now;

const INVOICE: &str = "INV-1";
const AMOUNT: u64 = 90_000;
const REQUEST: &str = "810e4c3d-52d1-8b42-ac92-b2194b21430f";
const TIMESTAMP: &str = "2026-11-22T08:00:01Z";

/// The ids of what was asked.
struct Asked {
    client: ClientId,
    request: RequestId,
    invoice: InvoiceNumber,
    payment: MerchantReference,
    refund: MerchantReference,
}

impl Asked {
    fn new() -> Self {
        Self {
            client: ClientId::new(CLIENT_ID).expect("an id"),
            request: RequestId::new(REQUEST).expect("an id"),
            invoice: InvoiceNumber::new(INVOICE).expect("an id"),
            payment: MerchantReference::new("P-1").expect("an id"),
            refund: MerchantReference::new("F-1").expect("an id"),
        }
    }

    fn expected(&self, operation: Operation, amount: u64) -> Expected<'_> {
        Expected {
            operation,
            client_id: &self.client,
            request_id: &self.request,
            invoice: &self.invoice,
            amount: Rupiah::new(amount),
            payment_reference: &self.payment,
            refund_reference: (operation == Operation::Refund).then_some(&self.refund),
            first_intent_at: now(),
            page: PaymentPage::Https,
        }
    }
}

/// A letter as it was read.
struct Letter {
    operation: Operation,
    answer: Answer,
}

/// The signature over an answer's body.
fn signature(key: &str, request: &str, timestamp: &str, target: &str, body: Option<&[u8]>) -> String {
    Signer::new(&Secret::new(key)).sign(&Components {
        client_id: CLIENT_ID,
        request_id: request,
        timestamp_name: TimestampName::Response,
        timestamp,
        target,
        body,
    })
}

impl Letter {
    fn read(bytes: &[u8], target: impl Fn(Operation) -> String) -> Option<Self> {
        let end = bytes.windows(2).position(|pair| pair == b"\n\n").unwrap_or(bytes.len());
        let body = bytes.get(end + 2..).unwrap_or_default().to_vec();
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.lines();
        let mut words = lines.next()?.split(' ');
        let operation = Operation::from_word(words.next()?)?;
        let status: u16 = words.next()?.parse().ok().filter(|status| (100..=999).contains(status))?;
        let pair = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        let mut headers: Vec<(String, String)> = lines.filter_map(pair).collect();
        let target = target(operation);
        let sealed = match words.next()? {
            "signed" => signature(SECRET_KEY, REQUEST, TIMESTAMP, &target, Some(&body)),
            "without_digest" => signature(SECRET_KEY, REQUEST, TIMESTAMP, &target, None),
            "wrong_key" => signature("SK-of-a-forger", REQUEST, TIMESTAMP, &target, Some(&body)),
            "other_request" => signature(SECRET_KEY, "R-2", TIMESTAMP, &target, Some(&body)),
            _ => String::new(),
        };
        if !sealed.is_empty() {
            headers.push(("response-timestamp".to_owned(), TIMESTAMP.to_owned()));
            headers.push(("signature".to_owned(), sealed));
        }
        Some(Self { operation, answer: Answer { status, headers, body } })
    }

    /// Whether each header is there once and the signature is the one that the key makes over one of these bodies.
    fn is_signed(&self, target: &str, bodies: &[Option<&[u8]>]) -> bool {
        let once = |name: &str| {
            let values: Vec<_> = self.answer.headers.iter().filter(|(key, _)| key == name).collect();
            if let [(_, value)] = values[..] { Some(value.clone()) } else { None }
        };
        let (Some(found), Some(timestamp)) = (once("signature"), once("response-timestamp")) else { return false };
        bodies.iter().any(|body| found == signature(SECRET_KEY, REQUEST, &timestamp, target, *body))
    }

    /// The body, whatever else it says, if it is about our invoice and amount.
    fn about_ours(&self) -> Option<Body> {
        let body = Body(String::from_utf8_lossy(&self.answer.body).into_owned());
        let amount = match body.field("order", "amount") {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text,
            _ => return None,
        };
        let whole = amount.split('.').next().unwrap_or_default().trim_start_matches('0');
        let cents = amount.split_once('.').map_or("", |(_, cents)| cents);
        let ours = whole == AMOUNT.to_string() && cents.bytes().all(|digit| digit == b'0');
        (ours && body.field("order", "invoice_number") == INVOICE).then_some(body)
    }
}

/// A body of which only the fields that are asked for are looked at; what else it says may be nonsense.
struct Body(String);

impl Body {
    /// A field of a part, null if it is not there.
    fn field(&self, part: &str, name: &str) -> Value {
        let part = members(&self.0).remove(part);
        let field = part.and_then(|part| members(part.get()).remove(name));
        field.and_then(|field| serde_json::from_str(field.get()).ok()).unwrap_or_default()
    }

    fn text(&self, part: &str, name: &str) -> String {
        self.field(part, name).as_str().unwrap_or_default().to_owned()
    }

    fn has_error(&self) -> bool {
        members(&self.0).get("error").is_some_and(|error| error.get() != "null")
    }
}

fn members(object: &str) -> HashMap<String, &RawValue> {
    serde_json::from_str(object).unwrap_or_default()
}

/// Whether the outcome claims to know what became of the money.
fn is_proof(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Applied | Outcome::Already | Outcome::Refused(_))
}

/// No outcome without a signature, none about another order, and the same under 200 and 409.
pub fn answer(bytes: &[u8]) {
    let Some(letter) = Letter::read(bytes, |operation| exchange::target(operation).to_owned()) else { return };
    let (asked, signer) = (Asked::new(), Signer::new(&Secret::new(SECRET_KEY)));
    let read = |amount, status| -> Reading {
        let answer = Answer { status, ..letter.answer.clone() };
        answer::read(&asked.expected(letter.operation, amount), &signer, &Exchange::Answered(answer), now())
    };
    let status = letter.answer.status;
    let reading = read(AMOUNT, status);
    let signed = letter.is_signed(exchange::target(letter.operation), &[Some(&letter.answer.body)]);
    assert_eq!(reading.facts.signature == SignatureCheck::Valid, signed, "{:?}", letter.answer.headers);
    assert!(reading.retry_after.is_none_or(|wait| wait <= Duration::from_secs(900)));
    assert!(!is_proof(&reading.outcome) || signed, "{:?} without a signature", reading.outcome);
    match &reading.outcome {
        Outcome::Refused(Refusal::Http(refused)) => assert!(*refused == status && matches!(status, 400..=404 | 422)),
        proof @ (Outcome::Applied | Outcome::Already | Outcome::Refused(_)) => {
            assert!(matches!(status, 200 | 409), "{proof:?} under {status}");
            let body = letter.about_ours().unwrap_or_else(|| panic!("{proof:?} about another order"));
            if let Outcome::Applied | Outcome::Already = proof {
                assert_says(&body, letter.operation);
            }
            let other = read(AMOUNT + 1, status).outcome;
            assert!(!is_proof(&other), "{other:?} about another amount");
        }
        Outcome::Throttled(_) => assert_eq!(status, 429),
        Outcome::NotSent(_) => panic!("an answer that was never asked for"),
        Outcome::Ambiguous(_) => {}
    }
    let (first, repeated) = (read(AMOUNT, 200).outcome, read(AMOUNT, 409).outcome);
    assert_eq!(is_proof(&first), is_proof(&repeated), "the body decides, never the number");
    assert!(!is_proof(&first) || first == repeated, "the body decides, never the number");
}

/// An effect is claimed only by a body in which everything agrees.
fn assert_says(body: &Body, operation: Operation) {
    let payment = body.text("payment", "status");
    let agrees = match operation {
        Operation::Create => {
            matches!(payment.as_str(), "PENDING" | "TIMEOUT" | "REDIRECT")
                && body.text("payment", "url").starts_with("https://")
        }
        Operation::Cancel => {
            body.text("cancel", "status") == "SUCCESS" && matches!(payment.as_str(), "CANCELLED" | "CANCELED")
        }
        Operation::Refund => body.text("refund", "status") == "SUCCESS" && payment == "REFUNDED",
    };
    assert!(agrees && !body.has_error(), "an effect out of {}", body.0);
}

/// An inquiry proves an effect only if its answer is signed and says so about our order; it never proves absence.
pub fn inquiry(bytes: &[u8]) {
    let asked = Asked::new();
    let target = status::target(&asked.invoice);
    let Some(letter) = Letter::read(bytes, |_| target.clone()) else { return };
    let signer = Signer::new(&Secret::new(SECRET_KEY));
    let exchange = Exchange::Answered(letter.answer.clone());
    let read = |amount| status::read(&asked.expected(letter.operation, amount), &signer, &asked.request, &exchange);
    let (proved, facts) = read(AMOUNT);
    let signed = letter.is_signed(&target, &[Some(&letter.answer.body), None]);
    assert_eq!(facts.signature == SignatureCheck::Valid, signed, "{:?}", letter.answer.headers);
    if proved == Inquiry::NoProof {
        return;
    }
    assert!(signed && letter.answer.status == 200, "{proved:?} under {}, signed: {signed}", letter.answer.status);
    let body = letter.about_ours().unwrap_or_else(|| panic!("{proved:?} about another order"));
    let word = body.text("transaction", "status");
    let says = match letter.operation {
        Operation::Create => word != "FAILED",
        Operation::Cancel => matches!(word.as_str(), "CANCELLED" | "CANCELED"),
        Operation::Refund => word == "REFUNDED",
    };
    assert!(says, "{proved:?} of a {} out of {word}", letter.operation);
    if proved == Inquiry::Applied && letter.operation == Operation::Refund {
        assert_eq!(body.text("refund", "merchant_unique_reference"), "F-1");
    }
    assert_eq!(read(AMOUNT + 1).0, Inquiry::NoProof, "about another amount");
}

/// A wait is never longer than fifteen minutes, and whole seconds are heeded.
pub fn retry_after(bytes: &[u8]) {
    const LONGEST: u64 = 15 * 60;
    let text = String::from_utf8_lossy(bytes).into_owned();
    let (asked, signer) = (Asked::new(), Signer::new(&Secret::new(SECRET_KEY)));
    for status in [429, 503, 200] {
        let headers = vec![("retry-after".to_owned(), text.clone())];
        let answer = Exchange::Answered(Answer { status, headers, body: Vec::new() });
        let reading = answer::read(&asked.expected(Operation::Refund, AMOUNT), &signer, &answer, now());
        assert!(!is_proof(&reading.outcome));
        let wait = reading.retry_after;
        assert!(wait.is_none_or(|wait| wait <= Duration::from_secs(LONGEST)), "{text:?} is {wait:?}");
        if !text.is_empty() && text.len() <= 19 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let seconds: u64 = text.parse().expect("19 digits are a number");
            assert_eq!(wait, Some(Duration::from_secs(seconds.min(LONGEST))), "{text:?}");
        }
    }
}

/// What is heard was signed with our key over exactly this text; every other line is named, and none is lost.
///
/// Where a line's signature reads `SEAL`, the target puts the right one there.
pub fn notification_log(bytes: &[u8]) {
    check_log(bytes);
    let sealed: Vec<Vec<u8>> =
        bytes.split(|byte| *byte == b'\n').map(|line| seal(line).unwrap_or(line.to_vec())).collect();
    check_log(&sealed.join(&b'\n'));
}

fn check_log(bytes: &[u8]) {
    let (client, signers) = (ClientId::new(CLIENT_ID).expect("an id"), [Signer::new(&Secret::new(SECRET_KEY))]);
    let verifier = Verifier { signers: &signers, client_id: &client, path: "/payments/notifications", fields: None };
    let log = notification_log::read_lines("log.jsonl", bytes, &verifier);
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let blank = |line: &[u8]| line.iter().all(u8::is_ascii_whitespace);
    let written = lines.iter().filter(|line| !blank(line)).count();
    assert_eq!(log.heard.len() + log.unmatched.len(), written, "every line is somewhere");
    for heard in &log.heard {
        let number = usize::try_from(heard.line).expect("a line");
        let line: Value = serde_json::from_slice(lines[number - 1]).expect("what is heard is JSON");
        let text = line["body"].as_str().expect("the body is kept as text");
        let header = |name: &str| {
            let headers = line["headers"].as_object().expect("headers");
            let found = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
            found.and_then(|(_, value)| value.as_str()).unwrap_or_default()
        };
        let own = line["path"].as_str().unwrap_or_default();
        let targets = ["/payments/notifications", own, own.split('?').next().unwrap_or_default()];
        let (id, timestamp) = (header("Request-Id"), header("Request-Timestamp"));
        let ours = targets.into_iter().any(|target| told(id, timestamp, target, text) == header("Signature"));
        assert!(ours, "line {number} was heard and is not signed");
        let body: Value = serde_json::from_str(text).expect("what is heard is JSON");
        assert_eq!(body["order"]["invoice_number"], heard.notification.invoice.as_str());
    }
    let mut backwards = log.clone();
    backwards.heard.reverse();
    assert_eq!(verdicts(&log), verdicts(&backwards), "the order of the lines matters");
    for heard in &log.heard {
        let _ = (heard.received_at.map(time::stored), heard.notification.happened_at().map(time::for_people));
    }
}

/// What is made of a log, for an order of which it may speak.
fn verdicts(log: &Log) -> Vec<String> {
    let invoices: BTreeSet<&InvoiceNumber> = log.heard.iter().map(|heard| &heard.notification.invoice).collect();
    let done = Done {
        operation: Operation::Refund,
        state: DoneState::Succeeded,
        amount: None,
        request_id: None,
        payment_status: None,
        settled_at: None,
        ruled: false,
    };
    let subject = |(invoice, row): (&InvoiceNumber, u64)| Subject {
        row,
        invoice: Some(invoice.clone()),
        amount: Rupiah::new(90_000),
        book: None,
        created_at: None,
        payment_reference: None,
        done: done.clone(),
    };
    let subjects: Vec<Subject> = invoices.into_iter().zip(1..).map(subject).collect();
    let book = book(&subjects, log, Cutoff::MIDNIGHT).expect("it is not too many");
    let rules =
        Rules { grace: std::time::Duration::ZERO, now: time::parse_instant("2026-11-30T17:00:00Z").expect("a time") };
    let mut bench = Bench::new(&book.ledger, rules);
    let judged = book.ledger.in_order().into_iter().map(|order| bench.judge(order));
    judged.map(|order| format!("{} {:?}", order.reason_text(), order.picture)).collect()
}

/// The signature of a notification.
fn told(request: &str, timestamp: &str, target: &str, body: &str) -> String {
    Signer::new(&Secret::new(SECRET_KEY)).sign(&Components {
        client_id: CLIENT_ID,
        request_id: request,
        timestamp_name: TimestampName::Request,
        timestamp,
        target,
        body: Some(body.as_bytes()),
    })
}

/// The line with its signature, if it asks for one.
fn seal(line: &[u8]) -> Option<Vec<u8>> {
    let mut line: Value = serde_json::from_slice(line).ok()?;
    let headers = line.get("headers")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (headers["Signature"] == "SEAL").then_some(())?;
    let (id, timestamp) = (text(&headers["Request-Id"]), text(&headers["Request-Timestamp"]));
    let signature = told(&id, &timestamp, "/payments/notifications", line["body"].as_str()?);
    line["headers"]["Signature"] = signature.into();
    Some(line.to_string().into_bytes())
}
