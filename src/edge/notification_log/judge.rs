//! Whether a line is proof, whatever form it has.

use std::borrow::Cow;

use super::{Heard, Line, Unmatched, Verifier};
use crate::doku::notification::{self, Envelope, Said};
use crate::doku::sign::NotSigned;
use crate::model::moment::Moment;
use crate::model::time;
use crate::reconcile::evidence::UnmatchedReason;

/// The parts of a line, whatever its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts<'a> {
    /// As the line says.
    pub(super) received_at: Cow<'a, str>,
    /// Empty if the line has none.
    pub(super) path: Cow<'a, str>,
    /// `None` if the line has no headers at all; a header that is not there is empty.
    pub(super) headers: Option<Headers<'a>>,
    pub(super) body: Body<'a>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headers<'a> {
    pub(super) client_id: Cow<'a, str>,
    pub(super) request_id: Cow<'a, str>,
    pub(super) timestamp: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body<'a> {
    /// The text that arrived, and what it says, if that can be read.
    Text { text: Cow<'a, str>, said: Option<Said<'a>> },
    /// What somebody made of it; nobody can verify that.
    Json(String),
}

impl Body<'_> {
    /// The text that arrived.
    pub(super) fn text(text: String) -> Self {
        let said = notification::read_owned(&text);
        Self::Text { text: text.into(), said }
    }
}

/// Whether a line is proof.
pub(super) fn judge<'a>(parts: Parts<'a>, hash: u64, verifier: &Verifier<'_>, signed: &mut Vec<u8>) -> Line<'a> {
    let received_at = parts.received_at;
    let unproven = |reason, detail: Cow<'a, str>, said, received_at| {
        Line::Unmatched(Unmatched { reason, detail, said, received_at, hash })
    };
    let (body, said) = match parts.body {
        Body::Text { text, said } => (text, said),
        Body::Json(body) => {
            let said = notification::read_owned(&body);
            return unproven(UnmatchedReason::Unverifiable, "the body is not kept as text".into(), said, received_at);
        }
    };
    let Some(headers) = parts.headers else {
        return unproven(UnmatchedReason::Unverifiable, "no headers".into(), said, received_at);
    };
    if headers.signature.is_empty() || headers.request_id.is_empty() || headers.timestamp.is_empty() {
        return unproven(UnmatchedReason::Unverifiable, "headers are missing".into(), said, received_at);
    }
    if !headers.client_id.is_empty() && headers.client_id != verifier.client_id.as_str() {
        return unproven(UnmatchedReason::OtherClient, headers.client_id, said, received_at);
    }
    let envelope = Envelope {
        client_id: &headers.client_id,
        request_id: &headers.request_id,
        timestamp: &headers.timestamp,
        signature: &headers.signature,
        body: &body,
    };
    let (targets, count) = targets(verifier.path, &parts.path);
    match notification::verify(&envelope, verifier.signers, verifier.client_id, &targets[..count], signed) {
        Ok(()) => {}
        Err(NotSigned::Missing) => {
            return unproven(UnmatchedReason::Unverifiable, "no signature".into(), said, received_at);
        }
        Err(why @ (NotSigned::Malformed | NotSigned::Mismatch)) => {
            return unproven(UnmatchedReason::InvalidSignature, why.to_string().into(), said, received_at);
        }
    }
    let Some(said) = said else {
        let (reason, detail) = if speaks_of_a_payment(&body) {
            (UnmatchedReason::Unreadable, "signed by DOKU, but not a notification as we know it")
        } else {
            (UnmatchedReason::Malformed, "signed, but not a notification")
        };
        return unproven(reason, detail.into(), None, received_at);
    };
    Line::Heard(Heard {
        received_at: match verifier.fields {
            None => time::parse_moment(&received_at),
            Some(_) => time::parse_logged(&received_at).map(Moment::from),
        },
        request_id: headers.request_id,
        timestamp: headers.timestamp,
        said,
        hash,
    })
}

/// What DOKU may have signed for, each once, and how many there are: the job's path, the line's own path without its
/// query, and with it.
fn targets<'a>(of_job: &'a str, own: &'a str) -> ([&'a str; 3], usize) {
    let (mut targets, mut count) = ([of_job; 3], 1);
    for target in [own.split('?').next().unwrap_or_default(), own] {
        if !target.is_empty() && !targets[..count].contains(&target) {
            targets[count] = target;
            count += 1;
        }
    }
    (targets, count)
}

/// Whether a body that cannot be read says something about an order all the same: then money may hang on it.
fn speaks_of_a_payment(body: &str) -> bool {
    let body = serde_json::from_str::<serde_json::Value>(body).unwrap_or_default();
    ["order", "transaction"].iter().any(|part| !body[*part].is_null())
}
