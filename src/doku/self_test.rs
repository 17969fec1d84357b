//! Known answers for this very build: a program that signs otherwise than the guide says is refused every call.

use super::sign::{Components, Signer, TimestampName, digest};
use crate::model::secret::Secret;

/// The vectors V2, V4 and V6 of `doku-api.md` 1.3: a request with a body, one without, and a notification. The key is invented.
const KEY: &str = "SK-test-0123456789abcdef";
const CLIENT: &str = "MCH-0001-10791114622547";
const CANCEL: &str = r#"{"order":{"invoice_number":"MINV20201231468"},"payment":{"merchant_unique_reference":"ABC0001","identifier":[{"name":"AKULAKU_UNIQUE_REFERENCE","value":"MCH-12345678ABC0001"},{"name":"ORDER_ID","value":"893102"}]}}"#;
const NOTIFICATION: &str = r#"{"service":{"id":"PEER_TO_PEER"},"acquirer":{"id":"AKULAKU"},"channel":{"id":"PEER_TO_PEER_AKULAKU"},"order":{"invoice_number":"INV-20210707-0001","amount":90000},"transaction":{"status":"SUCCESS","date":"2021-07-07T08:48:42Z","original_request_id":"baec7d95-f30a-4b78-b711-6ebe0ccdf50b"},"payment":{"merchant_unique_reference":"MUR-20210707-0001"}}"#;

/// Request-Id, timestamp, target, body, digest, signature.
type Vector = (&'static str, &'static str, &'static str, Option<&'static str>, &'static str, &'static str);

const VECTORS: [Vector; 3] = [
    (
        "2dc5985e-adaa-4f82-b126-b09e9006da14",
        "2020-08-11T08:45:42Z",
        "/akulaku-peer-to-peer/v2/cancel",
        Some(CANCEL),
        "nPIyaSGEM0yrVakLUso/KFVyNgWurXYsUw6BZXZh01A=",
        "HMACSHA256=CnlmR0G+8iJeQKIGucRSH6tg6mqfqvv1qPZiFewc2TU=",
    ),
    (
        "d895fb53-479c-4f77-a76a-ab81b40d77cb",
        "2020-08-11T08:45:42Z",
        "/orders/v1/status/INV-123123-12313",
        None,
        "",
        "HMACSHA256=uKufaiHbde+wRfBASZODSNX8tCkP4y6qJ7HlnAlqsA8=",
    ),
    (
        "450ec2b0-5631-4876-a3ee-33a93ee39daa",
        "2021-07-07T08:50:43Z",
        "/payments/notifications",
        Some(NOTIFICATION),
        "O9LTV+3BX9LBFZqqdHV+uvvVLyaD3ENHCgaW6ADIOks=",
        "HMACSHA256=6kvVcju3UlwqJmeMLXte5AeyP3dBeOo1ZxUYgU0vs7w=",
    ),
];

/// How many known answers come out, and of how many.
#[must_use]
pub fn known_answers() -> (usize, usize) {
    let signer = Signer::new(&Secret::new(KEY));
    let comes_out = |vector: &&Vector| {
        let (request_id, timestamp, target, body, expected_digest, signature) = **vector;
        let components = Components {
            client_id: CLIENT,
            request_id,
            timestamp_name: TimestampName::Request,
            timestamp,
            target,
            body: body.map(str::as_bytes),
        };
        let digests = body.is_none_or(|body| digest(body.as_bytes()) == expected_digest);
        digests && signer.sign(&components) == signature && signer.verify(&components, signature).is_ok()
    };
    (VECTORS.iter().filter(comes_out).count(), VECTORS.len())
}

#[cfg(test)]
mod tests {
    #[test]
    fn all_known_answers_come_out() {
        assert_eq!(super::known_answers(), (3, 3));
    }
}
