//! Whether a line is proof, whatever form it has.

use std::borrow::Cow;

use super::{Heard, Line, Unmatched, Verifier};
use crate::doku::notification::{self, Envelope, Glimpse, Said};
use crate::doku::sign::{self, Claim, NotSigned};
use crate::model::moment::Moment;
use crate::model::time;
use crate::reconcile::evidence::UnmatchedReason;

/// The parts of a line, whatever its form, in the line's text; the body's text may stand elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parts<'a, 'b> {
    /// As the line says.
    pub(super) received_at: Cow<'a, str>,
    /// Empty if the line has none.
    pub(super) path: Cow<'a, str>,
    /// `None` if the line has no headers at all; a header that is not there is empty.
    pub(super) headers: Option<Headers<'a>>,
    pub(super) body: Body<'a, 'b>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Headers<'a> {
    pub(super) client_id: Cow<'a, str>,
    pub(super) request_id: Cow<'a, str>,
    pub(super) timestamp: Cow<'a, str>,
    pub(super) signature: Cow<'a, str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Body<'a, 'b> {
    /// The text that arrived, and what it says, if that can be read.
    Text { text: Cow<'b, [u8]>, said: Option<Said<'a>> },
    /// What somebody made of it; nobody can verify that.
    Json(String),
}

impl Body<'_, '_> {
    /// The text that arrived.
    pub(super) fn text(text: String) -> Self {
        let said = notification::read_owned(&text);
        Self::Text { text: text.into_bytes().into(), said }
    }
}

/// Why a line is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// The body is what somebody made of it.
    NoText,
    /// It has no headers.
    NoHeaders,
    /// Headers are missing without which nothing can be verified.
    HeadersMissing,
    /// It was sent to another account.
    OtherClient,
    /// Its signature does not hold.
    NotSigned(NotSigned),
}

/// Which of some lines are proof; `signed` are buffers to use again and again. The parts stay where they are: they are large.
pub(super) fn judge_each<const N: usize>(
    parts: [&Parts<'_, '_>; N],
    verifier: &Verifier<'_>,
    signed: &mut [Vec<u8>; N],
) -> [Result<(), Objection>; N] {
    let targets = parts.map(|parts| targets(verifier.path, &parts.path));
    let (mut proofs, mut claims) = ([Ok(()); N], [const { Claim::NOTHING }; N]);
    for at in 0..N {
        let (targets, count) = &targets[at];
        match envelope(parts[at], verifier) {
            Ok(envelope) => claims[at] = notification::claim(&envelope, verifier.client_id, &targets[..*count]),
            Err(objection) => proofs[at] = Err(objection),
        }
    }
    let verified = sign::verify_each(verifier.signers, claims.each_ref(), signed);
    for (proof, verified) in proofs.iter_mut().zip(verified) {
        *proof = proof.and(verified.map_err(Objection::NotSigned));
    }
    proofs
}

/// What is to be verified.
fn envelope<'s>(parts: &'s Parts<'_, '_>, verifier: &Verifier<'_>) -> Result<Envelope<'s>, Objection> {
    let Body::Text { text: body, .. } = &parts.body else { return Err(Objection::NoText) };
    let Headers { client_id, request_id, timestamp, signature } = parts.headers.as_ref().ok_or(Objection::NoHeaders)?;
    if signature.is_empty() || request_id.is_empty() || timestamp.is_empty() {
        return Err(Objection::HeadersMissing);
    }
    if !client_id.is_empty() && client_id != verifier.client_id.as_str() {
        return Err(Objection::OtherClient);
    }
    Ok(Envelope { client_id, request_id, timestamp, signature, body })
}

/// What a line is, now that it is known whether it is proof.
pub(super) fn line<'a>(
    parts: Parts<'a, '_>,
    proof: Result<(), Objection>,
    hash: u64,
    verifier: &Verifier<'_>,
) -> Line<'a> {
    let Parts { received_at, headers, body, .. } = parts;
    let unproven = |reason, detail: Cow<'a, str>, said, received_at| {
        Line::Unmatched(Unmatched { reason, detail, said, received_at, hash })
    };
    let unverifiable = UnmatchedReason::Unverifiable;
    let (body, said) = match body {
        Body::Text { text, said } => (text, said),
        Body::Json(body) => (Cow::default(), notification::read_owned(&body)),
    };
    let headers = headers.unwrap_or_default();
    let (reason, detail) = match proof {
        Ok(()) => {
            let Some(said) = said else {
                let (reason, detail) = if speaks_of_a_payment(&body) {
                    (UnmatchedReason::Unreadable, "signed by DOKU, but not a notification as we know it")
                } else {
                    (UnmatchedReason::Malformed, "signed, but not a notification")
                };
                return unproven(reason, detail.into(), notification::glimpse(&body), received_at);
            };
            return Line::Heard(Heard {
                received_at: match verifier.fields {
                    None => time::parse_moment(&received_at),
                    Some(_) => time::parse_logged(&received_at).map(Moment::from),
                },
                request_id: headers.request_id,
                timestamp: headers.timestamp,
                said,
                hash,
            });
        }
        Err(Objection::NoText) => (unverifiable, "the body is not kept as text".into()),
        Err(Objection::NoHeaders) => (unverifiable, "no headers".into()),
        Err(Objection::HeadersMissing) => (unverifiable, "headers are missing".into()),
        Err(Objection::OtherClient) => (UnmatchedReason::OtherClient, headers.client_id),
        Err(Objection::NotSigned(NotSigned::Missing)) => (unverifiable, "no signature".into()),
        Err(Objection::NotSigned(why)) => (UnmatchedReason::InvalidSignature, why.to_string().into()),
    };
    unproven(reason, detail, said.map(Glimpse::from).unwrap_or_default(), received_at)
}

/// What DOKU may have signed for, each once, and how many there are: the job's path, the line's own path without its
/// query, and with it.
fn targets<'a>(of_job: &'a str, own: &'a str) -> ([&'a str; 3], usize) {
    let (mut targets, mut count) = ([of_job; 3], 1);
    if own == of_job && memchr::memchr(b'?', own.as_bytes()).is_none() {
        return (targets, count);
    }
    for target in [own.split('?').next().unwrap_or_default(), own] {
        if !target.is_empty() && !targets[..count].contains(&target) {
            targets[count] = target;
            count += 1;
        }
    }
    (targets, count)
}

/// Whether a body that cannot be read says something about an order all the same: then money may hang on it.
fn speaks_of_a_payment(body: &[u8]) -> bool {
    let body = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    ["order", "transaction"].iter().any(|part| !body[*part].is_null())
}
