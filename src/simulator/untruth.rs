//! What is said in place of the truth: an error, a page, or the honest body with one thing changed.
//!
//! A body without the part that would be changed stays as it is.

use std::time::Duration;

use serde_json::{Value, json};

use super::answer::Answer;
use super::faults::{Says, Untruth, Wait};
use crate::model::time::Timestamp;

/// What is said in place of the truth, and the headers that go with it.
pub(super) fn said(
    says: Says,
    truth: Option<Answer>,
    retry_after: Duration,
    now: Timestamp,
) -> (Answer, Vec<(&'static str, String)>) {
    // A mode that has nothing done has something else to say; a test goes through them.
    let truth = || truth.unwrap_or_else(|| error(500));
    let seconds = retry_after.as_millis().div_ceil(1000).to_string();
    match says {
        Says::Truth => (truth(), Vec::new()),
        Says::Untruth(untruth) => (told(untruth, truth()), Vec::new()),
        Says::Error(status) => (error(status), Vec::new()),
        Says::Unavailable => (error(503), vec![("Retry-After", seconds)]),
        Says::Throttle(wait) => {
            let wait = match wait {
                Wait::Seconds => seconds,
                Wait::Date => (now + retry_after).format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
                Wait::Absurd => "999999999".to_owned(),
            };
            (error(429), vec![("Retry-After", wait)])
        }
        Says::Page(status) => {
            let body = "<!doctype html><title>Maintenance</title><p>We will be back soon.</p>".to_owned();
            (Answer { status, body }, vec![("Content-Type", "text/html".to_owned())])
        }
        Says::Redirect(status) => {
            let elsewhere = "http://127.0.0.1:9/elsewhere".to_owned();
            (Answer { status, body: String::new() }, vec![("Location", elsewhere)])
        }
    }
}

fn error(status: u16) -> Answer {
    let (code, message) = match status {
        400 => ("invalid_parameter", "invalid parameter"),
        401 => ("invalid_signature", "Invalid Header Signature"),
        403 => ("forbidden", "not allowed"),
        404 => return Answer::order_not_found(),
        409 => ("request_in_progress", "the request is being processed"),
        429 => ("too_many_requests", "too many requests"),
        502 => ("bad_gateway", "bad gateway"),
        503 => ("unavailable", "temporarily unavailable"),
        504 => ("gateway_timeout", "gateway time-out"),
        _ => ("internal_error", "internal server error"),
    };
    Answer::error(status, code, message)
}

/// The answer as the untruth has it. What another request was answered is the desk's to know.
pub(super) fn told(untruth: Untruth, answer: Answer) -> Answer {
    let Answer { status, body } = answer;
    let json = |change: &dyn Fn(&mut Value)| match serde_json::from_str(&body) {
        Ok(mut value) => {
            change(&mut value);
            Answer { status, body: value.to_string() }
        }
        Err(_) => Answer { status, body: body.clone() },
    };
    match untruth {
        Untruth::Empty => Answer { status, body: String::new() },
        Untruth::NotJson => Answer { status, body: "status=SUCCESS".to_owned() },
        Untruth::Array => Answer { status, body: format!("[{body}]") },
        Untruth::Conflict => Answer { status: 409, body: "duplicate key value violates unique constraint".to_owned() },
        Untruth::Twice => Answer { status, body: twice(&body) },
        Untruth::OtherInvoice => json(&|value| {
            change(value, "/order/invoice_number", |number| {
                json!(format!("{}-X", number.as_str().unwrap_or_default()))
            });
        }),
        Untruth::OtherAmount => json(&|value| {
            change(value, "/order/amount", |amount| json!(amount.as_u64().unwrap_or_default() + 1));
        }),
        Untruth::OtherReference => json(&|value| {
            let pointer = format!("{}/merchant_unique_reference", part_of(value));
            change(value, &pointer, |_| json!("another-reference"));
        }),
        Untruth::Error => json(&|value| value["error"] = json!({"message": "Order Not Found"})),
        Untruth::Pending => json(&|value| change(value, "/payment/status", |_| json!("PENDING"))),
        Untruth::Failed => json(&|value| {
            let pointer = format!("{}/status", part_of(value));
            change(value, &pointer, |_| json!("FAILED"));
        }),
        Untruth::NewWord => json(&|value| {
            let pointer = format!("{}/status", part_of(value));
            change(value, &pointer, |_| json!("PROCESSING"));
        }),
        Untruth::AnotherAnswer => Answer { status, body },
    }
}

fn change(value: &mut Value, pointer: &str, to: impl Fn(&Value) -> Value) {
    if let Some(part) = value.pointer_mut(pointer) {
        *part = to(part);
    }
}

/// The part that tells what became of the request.
fn part_of(value: &Value) -> &'static str {
    let parts = ["/refund", "/cancel", "/transaction"];
    parts.into_iter().find(|part| value.pointer(part).is_some()).unwrap_or("/payment")
}

/// The body with its decisive part in it twice: a failure first, as a reader meets it, and then what is true.
fn twice(body: &str) -> String {
    let (Some(rest), Ok(mut value)) = (body.strip_prefix('{'), serde_json::from_str::<Value>(body)) else {
        return body.to_owned();
    };
    let part = part_of(&value);
    let Some(decisive) = value.pointer_mut(part).filter(|decisive| decisive.is_object()) else {
        return body.to_owned();
    };
    decisive["status"] = json!("FAILED");
    format!("{{\"{}\":{decisive},{rest}", part.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUND: &str = r#"{"order":{"amount":90000,"invoice_number":"INV-1"},"payment":{"status":"REFUNDED"},"refund":{"merchant_unique_reference":"XYZ-1","status":"SUCCESS"}}"#;
    const CREATION: &str = r#"{"order":{"amount":90000,"invoice_number":"INV-1"},"payment":{"merchant_unique_reference":"M","status":"PENDING"}}"#;

    fn told_of(untruth: Untruth, body: &str) -> String {
        told(untruth, Answer { status: 200, body: body.to_owned() }).body
    }

    #[test]
    fn one_thing_is_changed_and_nothing_else() {
        let cases = [
            (Untruth::OtherInvoice, "INV-1", "INV-1-X"),
            (Untruth::OtherAmount, "90000", "90001"),
            (Untruth::OtherReference, "XYZ-1", "another-reference"),
            (Untruth::Pending, "REFUNDED", "PENDING"),
            (Untruth::Failed, "SUCCESS", "FAILED"),
            (Untruth::NewWord, "SUCCESS", "PROCESSING"),
            (Untruth::Array, REFUND, &format!("[{REFUND}]")),
            (Untruth::Error, "{\"order", "{\"error\":{\"message\":\"Order Not Found\"},\"order"),
        ];
        for (untruth, from, to) in cases {
            assert_eq!(told_of(untruth, REFUND), REFUND.replace(from, to), "{untruth:?}");
        }
        assert_eq!(told_of(Untruth::NewWord, CREATION), CREATION.replace("PENDING", "PROCESSING"));
        assert_eq!(told_of(Untruth::OtherReference, CREATION), CREATION.replace("\"M\"", "\"another-reference\""));
    }

    #[test]
    fn the_decisive_part_stands_there_twice() {
        let failed = r#""refund":{"merchant_unique_reference":"XYZ-1","status":"FAILED"}"#;
        assert_eq!(told_of(Untruth::Twice, REFUND), REFUND.replacen('{', &format!("{{{failed},"), 1));
    }

    #[test]
    fn what_is_not_there_is_not_changed() {
        for untruth in [Untruth::OtherInvoice, Untruth::OtherAmount, Untruth::Pending, Untruth::Twice] {
            assert_eq!(told_of(untruth, r#"{"error":{}}"#), r#"{"error":{}}"#, "{untruth:?}");
            assert_eq!(told_of(untruth, "<html>"), "<html>", "{untruth:?}");
        }
    }
}
