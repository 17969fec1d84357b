//! What came back for a request, as it is kept.

use crate::doku::exchange::Exchange;
use crate::journal::log;
use crate::model::outcome::Facts;

/// Headers and body of an answer; neither if there was none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::journal) struct Evidence<'a> {
    pub(in crate::journal) headers: Option<&'a str>,
    pub(in crate::journal) body: Option<&'a [u8]>,
}

impl<'a> Evidence<'a> {
    /// No answer.
    pub(super) const NONE: Self = Self { headers: None, body: None };

    /// The answer of an exchange, whose headers are these.
    pub(super) fn of(exchange: &'a Exchange, headers: Option<&'a str>) -> Self {
        match exchange {
            Exchange::Answered(answer) => Self { headers, body: Some(answer.body.as_slice()) },
            Exchange::NotSent(_)
            | Exchange::Withheld(_)
            | Exchange::TimedOut
            | Exchange::Lost(_)
            | Exchange::TooLong => Self::NONE,
        }
    }

    /// Its SHA-256; `None` if there was no answer.
    pub(super) fn sha256(&self) -> Option<String> {
        answer_sha256(self.headers, self.body)
    }
}

/// The headers of an answer as they are kept.
pub(super) fn headers_text(exchange: &Exchange) -> Option<String> {
    match exchange {
        Exchange::Answered(answer) => Some(serde_json::to_string(&answer.headers).expect("headers are pairs of texts")),
        Exchange::NotSent(_) | Exchange::Withheld(_) | Exchange::TimedOut | Exchange::Lost(_) | Exchange::TooLong => {
            None
        }
    }
}

/// The SHA-256 of an answer as it is kept; `None` if there was none.
pub(in crate::journal) fn answer_sha256(headers: Option<&str>, body: Option<&[u8]>) -> Option<String> {
    let (headers, body) = (headers?, body?);
    Some(log::sha256(&[headers.as_bytes(), b"\0", body].concat()))
}

/// Facts as they are kept.
pub(in crate::journal) fn facts_text(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("facts are text and numbers")
}
