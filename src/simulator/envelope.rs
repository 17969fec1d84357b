//! The signed envelope: which requests are let in, and how answers are signed (`doku-api.md` 1.1).

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::answer::Answer;
use crate::doku::sign::{Components, Signer, TimestampName};
use crate::model::ids::{ClientId, RequestId};
use crate::model::time::{Timestamp, parse_instant, wire};

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) method: String,
    /// The raw path; the query is no part of what is signed.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// What goes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Message {
    /// The one line of a header. `None` if it is absent, there twice, or not text.
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.headers.get_all(name).iter();
        let line = lines.next()?.to_str().ok()?;
        lines.next().is_none().then_some(line)
    }

    /// The body as the signature covers it: a GET has none (`doku-api.md` 1.1, second row).
    fn signed_body(&self) -> Option<&[u8]> {
        (self.method != "GET").then_some(&*self.body)
    }
}

/// Lets a request in: one line of each header, a timestamp to the second in UTC, our client, a signature that holds.
///
/// The age of the timestamp is not checked, for the accepted skew is unknown (`doku-api.md` 1.1).
pub(super) fn open(message: &Message, client_id: &ClientId, signer: &Signer) -> Result<RequestId, String> {
    let line = |name| message.header(name).ok_or_else(|| format!("there must be exactly one {name} header"));
    let (sender, request_id) = (line("Client-Id")?, line("Request-Id")?);
    let (timestamp, signature) = (line("Request-Timestamp")?, line("Signature")?);
    if sender != client_id.as_str() {
        return Err(format!("Client-Id {sender} is not known"));
    }
    let known_request_id = RequestId::new(request_id).map_err(|why| format!("Request-Id {request_id:?} {why}"))?;
    if parse_instant(timestamp).map(wire).as_deref() != Some(timestamp) {
        return Err(format!("Request-Timestamp {timestamp:?} is not of the form 2020-08-11T08:45:42Z"));
    }
    let components = Components {
        client_id: sender,
        request_id,
        timestamp_name: TimestampName::Request,
        timestamp,
        target: &message.path,
        body: message.signed_body(),
    };
    signer.verify(&components, signature).map_err(|why| format!("Invalid Header Signature: {why}"))?;
    Ok(known_request_id)
}

/// Signs an answer. `Client-Id` and `Request-Id` are those of the request, empty where it had none.
///
/// The answer to a GET is signed over its body as well; whether DOKU does so is unknown (`doku-api.md` 1.1).
pub(super) fn seal(answer: Answer, message: &Message, signer: &Signer, now: Timestamp) -> Reply {
    let request_id = message.header("Request-Id").unwrap_or_default();
    seal_as(request_id, answer, message, signer, now)
}

/// The same, as the answer to a request with that id.
pub(super) fn seal_as(request_id: &str, answer: Answer, message: &Message, signer: &Signer, now: Timestamp) -> Reply {
    let client_id = message.header("Client-Id").unwrap_or_default();
    let timestamp = wire(now);
    let components = Components {
        client_id,
        request_id,
        timestamp_name: TimestampName::Response,
        timestamp: &timestamp,
        target: &message.path,
        body: Some(answer.body.as_bytes()),
    };
    let signature = signer.sign(&components);
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Client-Id", client_id.to_owned()),
        ("Request-Id", request_id.to_owned()),
        ("Response-Timestamp", timestamp),
        ("Signature", signature),
    ];
    Reply { status: answer.status, headers, body: answer.body }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;
    use crate::model::secret::Secret;

    const PATH: &str = "/akulaku-peer-to-peer/v2/cancel";

    fn client_id() -> ClientId {
        ClientId::new("MCH-1").expect("a client id")
    }

    fn signer() -> Signer {
        Signer::new(&Secret::new("SK-test"))
    }

    fn message(method: &str, timestamp: &str) -> Message {
        let body = Bytes::from_static(b"{}");
        let components = Components {
            client_id: "MCH-1",
            request_id: "r-1",
            timestamp_name: TimestampName::Request,
            timestamp,
            target: PATH,
            body: (method == "POST").then_some(&*body),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("client-id", "MCH-1"),
            ("request-id", "r-1"),
            ("request-timestamp", timestamp),
            ("signature", &signer().sign(&components)),
        ] {
            headers.insert(name, HeaderValue::from_str(value).expect("a header"));
        }
        Message { method: method.into(), path: PATH.into(), headers, body }
    }

    fn refusal(message: &Message) -> String {
        open(message, &client_id(), &signer()).expect_err("the message is not let in")
    }

    #[test]
    fn a_request_without_exactly_one_line_of_each_header_is_not_let_in() {
        for name in ["client-id", "request-id", "request-timestamp", "signature"] {
            let mut absent = message("POST", "2020-08-11T08:45:42Z");
            absent.headers.remove(name);
            assert!(refusal(&absent).starts_with("there must be exactly one"), "{name}");
            let mut twice = message("POST", "2020-08-11T08:45:42Z");
            let value = twice.headers[name].clone();
            twice.headers.append(name, value);
            assert!(refusal(&twice).starts_with("there must be exactly one"), "{name}");
        }
    }

    #[test]
    fn a_timestamp_must_be_utc_to_the_second() {
        for timestamp in
            ["2020-08-11T08:45:42.000Z", "2020-08-11T15:45:42+07:00", "20200811154542", "2020-08-11 08:45:42"]
        {
            assert!(refusal(&message("POST", timestamp)).starts_with("Request-Timestamp"), "{timestamp}");
        }
    }

    #[test]
    fn a_changed_body_path_or_client_breaks_the_signature() {
        let good = message("POST", "2020-08-11T08:45:42Z");
        assert_eq!(open(&good, &client_id(), &signer()).map(|id| id.to_string()), Ok("r-1".into()));
        let body = Message { body: Bytes::from_static(b"{ }"), ..message("POST", "2020-08-11T08:45:42Z") };
        assert_eq!(refusal(&body), "Invalid Header Signature: the signature does not match");
        let path = Message { path: "/other".into(), ..message("POST", "2020-08-11T08:45:42Z") };
        assert_eq!(refusal(&path), "Invalid Header Signature: the signature does not match");
        let other = ClientId::new("MCH-2").expect("a client id");
        assert_eq!(open(&good, &other, &signer()), Err("Client-Id MCH-1 is not known".to_owned()));
    }

    #[test]
    fn a_get_is_signed_without_a_digest() {
        assert!(open(&message("GET", "2020-08-11T08:45:42Z"), &client_id(), &signer()).is_ok());
        let with_digest = Message { method: "GET".into(), ..message("POST", "2020-08-11T08:45:42Z") };
        assert_eq!(refusal(&with_digest), "Invalid Header Signature: the signature does not match");
    }

    #[test]
    fn an_answer_is_signed_over_the_requests_ids_and_its_own_time() {
        let answer = Answer { status: 200, body: "{\"a\":1}".into() };
        let now = parse_instant("2020-08-11T08:45:43Z").expect("a time");
        let reply = seal(answer, &message("POST", "2020-08-11T08:45:42Z"), &signer(), now);
        let expected = signer().sign(&Components {
            client_id: "MCH-1",
            request_id: "r-1",
            timestamp_name: TimestampName::Response,
            timestamp: "2020-08-11T08:45:43Z",
            target: PATH,
            body: Some(b"{\"a\":1}"),
        });
        assert_eq!(reply.headers.last(), Some(&("Signature", expected)));
    }
}
