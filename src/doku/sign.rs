//! Signatures of requests, answers and notifications (`doku-api.md` 1.1).
//!
//! A message is signed over its *components*: `Client-Id`, `Request-Id`, a timestamp, `Request-Target` and, if it has a
//! body, `Digest`; one `name:value` per line, joined by LF, no LF at the end. The digest covers the exact bytes that
//! travel.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use super::sha256::{self, Hash, Start};
use crate::model::secret::Secret;

/// What stands before the base64 text in a `Signature` header.
const PREFIX: &str = "HMACSHA256=";

/// The length of a signature, and of a digest, in base64.
const CHARACTERS: usize = 44;

/// Most signed texts are no longer.
const USUAL_LENGTH: usize = 320;

/// A prepared key: signs and verifies.
#[derive(Clone)]
pub struct Signer {
    mac: Hmac<Sha256>,
    /// The same key for many lines at once (RFC 2104): it is in the first block of an inner and an outer hash.
    inner: Start,
    outer: Start,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Signer(***)")
    }
}

/// Which name the timestamp has in the signed text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampName {
    /// Requests and notifications.
    Request,
    /// Answers.
    Response,
}

/// The signed parts of a message.
#[derive(Debug, Clone, Copy)]
pub struct Components<'a> {
    /// `Client-Id` header.
    pub client_id: &'a str,
    /// `Request-Id` header; an answer's is that of its request.
    pub request_id: &'a str,
    /// The name of the timestamp.
    pub timestamp_name: TimestampName,
    /// The timestamp header's text.
    pub timestamp: &'a str,
    /// The path; neither host nor query.
    pub target: &'a str,
    /// The body's exact bytes; `None` leaves the digest line out (GET).
    pub body: Option<&'a [u8]>,
}

/// Why a signature does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// The header is absent or empty.
    #[error("there is no signature")]
    Missing,
    /// The header does not read `HMACSHA256=` and 44 characters of canonical base64.
    #[error("the signature is malformed")]
    Malformed,
    /// Well formed, but not made with this key over these parts.
    #[error("the signature does not match")]
    Mismatch,
}

/// Base64 of SHA-256 of the body: the `Digest` component.
#[must_use]
pub fn digest(body: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(body))
}

/// A hash in base64.
fn characters(hash: &Hash) -> [u8; CHARACTERS] {
    let mut characters = [0; CHARACTERS];
    STANDARD.encode_slice(hash, &mut characters).expect("32 bytes are 44 characters in base64");
    characters
}

impl Claim<'_> {
    /// What claims nothing.
    pub const NOTHING: Claim<'static> = Claim {
        components: Components {
            client_id: "",
            request_id: "",
            timestamp_name: TimestampName::Request,
            timestamp: "",
            target: "",
            body: None,
        },
        other_targets: &[],
        signature: "",
    };
}

impl Components<'_> {
    /// Appends the signed text; `digest` is that of the body, if there is one.
    fn write(&self, digest: Option<&[u8; CHARACTERS]>, text: &mut Vec<u8>) {
        let timestamp_name: &[u8] = match self.timestamp_name {
            TimestampName::Request => b"\nRequest-Timestamp:",
            TimestampName::Response => b"\nResponse-Timestamp:",
        };
        text.extend_from_slice(b"Client-Id:");
        text.extend_from_slice(self.client_id.as_bytes());
        text.extend_from_slice(b"\nRequest-Id:");
        text.extend_from_slice(self.request_id.as_bytes());
        text.extend_from_slice(timestamp_name);
        text.extend_from_slice(self.timestamp.as_bytes());
        text.extend_from_slice(b"\nRequest-Target:");
        text.extend_from_slice(self.target.as_bytes());
        if let Some(digest) = digest {
            text.extend_from_slice(b"\nDigest:");
            text.extend_from_slice(digest);
        }
    }
}

/// What a message claims.
#[derive(Debug)]
pub struct Claim<'a> {
    /// Its parts, with a target that may have been signed.
    pub components: Components<'a>,
    /// Other targets that may have been signed.
    pub other_targets: &'a [&'a str],
    /// Its `Signature` header.
    pub signature: &'a str,
}

/// Verifies `Signature` headers in constant time: any of the keys may have made each, over any of its targets. A body is
/// digested once, whatever the number of keys and targets. Two messages at once take less time than one after the other.
/// `texts` are buffers to use again and again.
pub fn verify_each<const N: usize>(
    signers: &[Signer],
    claims: [&Claim<'_>; N],
    texts: &mut [Vec<u8>; N],
) -> [Result<(), NotSigned>; N] {
    let mut bodies: [&[u8]; N] = [b""; N];
    for (body, claim) in bodies.iter_mut().zip(claims) {
        *body = claim.components.body.unwrap_or_default();
    }
    let mut digests = [[0; CHARACTERS]; N];
    for (digest, hash) in digests.iter_mut().zip(&sha256::hash_each([&Start::NEW; N], bodies)) {
        *digest = characters(hash);
    }
    let digest_of = |at: usize| claims[at].components.body.map(|_| &digests[at]);
    let mut parts: [&[u8]; N] = [b""; N];
    for (at, (part, text)) in parts.iter_mut().zip(&mut *texts).enumerate() {
        text.clear();
        claims[at].components.write(digest_of(at), text);
        *part = text;
    }
    // Nearly always this is the key and the target.
    let newest = signers.first().map_or([[0; CHARACTERS]; N], |signer| signer.signatures(parts));
    let mut verified = [Ok(()); N];
    for at in 0..N {
        verified[at] = claimed(claims[at].signature).and_then(|claimed| {
            let is_newest = !signers.is_empty() && is_same(&newest[at], claimed);
            if is_newest { Ok(()) } else { verify(signers, claims[at], digest_of(at), claimed, &mut texts[at]) }
        });
    }
    verified
}

/// Tries each key and each target.
#[cold]
fn verify(
    signers: &[Signer],
    claim: &Claim<'_>,
    digest: Option<&[u8; CHARACTERS]>,
    claimed: &[u8; CHARACTERS],
    text: &mut Vec<u8>,
) -> Result<(), NotSigned> {
    for target in std::iter::once(claim.components.target).chain(claim.other_targets.iter().copied()) {
        text.clear();
        Components { target, ..claim.components }.write(digest, text);
        if signers.iter().any(|signer| is_same(&signer.signatures([text])[0], claimed)) {
            return Ok(());
        }
    }
    Err(why_not(claimed))
}

/// What does not match may not be a signature at all.
fn why_not(claimed: &[u8; CHARACTERS]) -> NotSigned {
    let mut bytes = [0; size_of::<Hash>() + 1];
    let is_base64 = STANDARD.decode_slice(claimed, &mut bytes) == Ok(size_of::<Hash>());
    if is_base64 { NotSigned::Mismatch } else { NotSigned::Malformed }
}

/// The characters of a signature behind its prefix.
fn claimed(signature: &str) -> Result<&[u8; CHARACTERS], NotSigned> {
    if signature.is_empty() {
        return Err(NotSigned::Missing);
    }
    let encoded = signature.strip_prefix(PREFIX).and_then(|encoded| encoded.as_bytes().try_into().ok());
    encoded.ok_or(NotSigned::Malformed)
}

/// Takes the same time wherever they differ.
fn is_same(one: &[u8; CHARACTERS], other: &[u8; CHARACTERS]) -> bool {
    one.iter().zip(other).fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

impl Signer {
    /// Prepares the key: the secret's raw UTF-8 text, not decoded (`doku-api.md` 1.1).
    ///
    /// # Panics
    /// Never: HMAC takes keys of any length.
    #[must_use]
    pub fn new(secret: &Secret) -> Self {
        let secret = secret.expose().as_bytes();
        let mut key = [0; sha256::BLOCK];
        if let Some(start) = key.get_mut(..secret.len()) {
            start.copy_from_slice(secret);
        } else {
            let hash = Sha256::digest(secret);
            key[..hash.len()].copy_from_slice(&hash);
        }
        let begun_with = |pad: u8| Start::NEW.behind(&key.map(|byte| byte ^ pad));
        let mac = Hmac::new_from_slice(secret).expect("HMAC takes keys of any length");
        Self { mac, inner: begun_with(0x36), outer: begun_with(0x5c) }
    }

    /// The `Signature` header of a message.
    #[must_use]
    pub fn sign(&self, components: &Components<'_>) -> String {
        format!("{PREFIX}{}", STANDARD.encode(self.mac_of(components).finalize().into_bytes()))
    }

    /// Verifies a `Signature` header in constant time.
    ///
    /// # Errors
    /// Why it does not hold.
    pub fn verify(&self, components: &Components<'_>, signature: &str) -> Result<(), NotSigned> {
        let made = self.mac_of(components).finalize().into_bytes();
        let claimed = claimed(signature)?;
        if is_same(&characters(&made.into()), claimed) { Ok(()) } else { Err(why_not(claimed)) }
    }

    fn mac_of(&self, components: &Components<'_>) -> Hmac<Sha256> {
        let mut text = Vec::with_capacity(USUAL_LENGTH);
        let digest = components.body.map(|body| characters(&Sha256::digest(body).into()));
        components.write(digest.as_ref(), &mut text);
        let mut mac = self.mac.clone();
        mac.update(&text);
        mac
    }

    /// The signatures of some texts, without the prefix.
    fn signatures<const N: usize>(&self, texts: [&[u8]; N]) -> [[u8; CHARACTERS]; N] {
        let mut signatures = [[0; CHARACTERS]; N];
        for (signature, mac) in signatures.iter_mut().zip(&self.mac_each(texts)) {
            *signature = characters(mac);
        }
        signatures
    }

    fn mac_each<const N: usize>(&self, texts: [&[u8]; N]) -> [Hash; N] {
        let inner = sha256::hash_each([&self.inner; N], texts);
        let mut hashes: [&[u8]; N] = [b""; N];
        hashes.iter_mut().zip(&inner).for_each(|(hash, inner)| *hash = inner);
        sha256::hash_each([&self.outer; N], hashes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CLIENT: &str = "MCH-0001-10791114622547";
    const GENERATE: &str = r#"{"order":{"invoice_number":"INV-20210707-0001","amount":90000,"line_items":[{"name":"T-Shirt Red","price":30000,"quantity":2,"sku":"1002","category":"Shirt"},{"name":"Polo Navy","price":30000,"quantity":1,"sku":"1001","category":"Shirt"}],"callback_url":"https://merchant.com/return-url"},"payment":{"merchant_unique_reference":"MUR-20210707-0001"},"customer":{"id":"CUST-0001","name":"Anton Budiman","phone":"6285694566147","address":"Menara Mulia Lantai 8","city":"Jakarta Selatan","state":"DKI Jakarta","postcode":"120129"}}"#;
    const CANCEL: &str = r#"{"order":{"invoice_number":"MINV20201231468"},"payment":{"merchant_unique_reference":"ABC0001","identifier":[{"name":"AKULAKU_UNIQUE_REFERENCE","value":"MCH-12345678ABC0001"},{"name":"ORDER_ID","value":"893102"}]}}"#;
    const REFUND: &str = r#"{"order":{"invoice_number":"invoice-00000101123"},"payment":{"merchant_unique_reference":"REFUND-ABC-0001045","identifier":[{"name":"ORDER_ID","value":"1000043205"},{"name":"AKULAKU_UNIQUE_REFERENCE","value":"MCH-0001-10791114622547REFUND-ABC-0001045"}]},"refund":{"merchant_unique_reference":"XYZ-006456"}}"#;
    const ANSWER: &str = r#"{"order":{"invoice_number":"INV-20210707-0001","amount":90000},"payment":{"merchant_unique_reference":"MUR-20210707-0001","url":"https://test-mall.akulaku.com/v2/openPay.html?appId=15006801","status":"PENDING","identifier":[{"name":"ORDER_ID","value":"1000035148"},{"name":"AKULAKU_UNIQUE_REFERENCE","value":"MCH-0001-10791114622547MUR-20210707-0001"}]}}"#;
    const NOTIFICATION: &str = r#"{"service":{"id":"PEER_TO_PEER"},"acquirer":{"id":"AKULAKU"},"channel":{"id":"PEER_TO_PEER_AKULAKU"},"order":{"invoice_number":"INV-20210707-0001","amount":90000},"transaction":{"status":"SUCCESS","date":"2021-07-07T08:48:42Z","original_request_id":"baec7d95-f30a-4b78-b711-6ebe0ccdf50b"},"payment":{"merchant_unique_reference":"MUR-20210707-0001"}}"#;

    /// Vector, request id, timestamp name, timestamp, target, body, digest, signature (`doku-api.md` 1.3).
    type Vector = (
        &'static str,
        &'static str,
        TimestampName,
        &'static str,
        &'static str,
        Option<&'static str>,
        &'static str,
        &'static str,
    );

    const VECTORS: [Vector; 6] = [
        (
            "V1",
            "baec7d95-f30a-4b78-b711-6ebe0ccdf50b",
            TimestampName::Request,
            "2021-07-07T08:45:42Z",
            "/akulaku-peer-to-peer/v2/generate-order",
            Some(GENERATE),
            "Wr84xmpnsjP5VSpZP8jg0HcrZSIxVrUWwhd4MYN/jD8=",
            "gm9s9ymKkH/pc5FHPyO2cd4EQlRk27r4WTyaarLPHTk=",
        ),
        (
            "V2",
            "2dc5985e-adaa-4f82-b126-b09e9006da14",
            TimestampName::Request,
            "2020-08-11T08:45:42Z",
            "/akulaku-peer-to-peer/v2/cancel",
            Some(CANCEL),
            "nPIyaSGEM0yrVakLUso/KFVyNgWurXYsUw6BZXZh01A=",
            "CnlmR0G+8iJeQKIGucRSH6tg6mqfqvv1qPZiFewc2TU=",
        ),
        (
            "V3",
            "6cc9f8b1-d83d-4c24-b853-a3223f43a744",
            TimestampName::Request,
            "2020-08-12T09:45:42Z",
            "/akulaku-peer-to-peer/v2/refund",
            Some(REFUND),
            "ut79Cm5xqK4y9qPo2AgJFfNNcTaR+76YIJPqesFpx+g=",
            "ypL3yWmVhI/63qFvBir5gv0edf+Up9/kJS4EXXNmbuM=",
        ),
        (
            "V4",
            "d895fb53-479c-4f77-a76a-ab81b40d77cb",
            TimestampName::Request,
            "2020-08-11T08:45:42Z",
            "/orders/v1/status/INV-123123-12313",
            None,
            "",
            "uKufaiHbde+wRfBASZODSNX8tCkP4y6qJ7HlnAlqsA8=",
        ),
        (
            "V5",
            "baec7d95-f30a-4b78-b711-6ebe0ccdf50b",
            TimestampName::Response,
            "2021-07-07T08:45:42Z",
            "/akulaku-peer-to-peer/v2/generate-order",
            Some(ANSWER),
            "wv8QX5FAt46rktH5+Kexqs1k0Nx3Dcc11W5iNMBtdsM=",
            "eAsOx4t3XjO98x2aX3SgsVJyCU/N/6aGlLerSbUgLBg=",
        ),
        (
            "V6",
            "450ec2b0-5631-4876-a3ee-33a93ee39daa",
            TimestampName::Request,
            "2021-07-07T08:50:43Z",
            "/payments/notifications",
            Some(NOTIFICATION),
            "O9LTV+3BX9LBFZqqdHV+uvvVLyaD3ENHCgaW6ADIOks=",
            "6kvVcju3UlwqJmeMLXte5AeyP3dBeOo1ZxUYgU0vs7w=",
        ),
    ];

    fn signer() -> Signer {
        Signer::new(&Secret::new("SK-test-0123456789abcdef"))
    }

    fn components(vector: &Vector) -> Components<'static> {
        Components {
            client_id: CLIENT,
            request_id: vector.1,
            timestamp_name: vector.2,
            timestamp: vector.3,
            target: vector.4,
            body: vector.5.map(str::as_bytes),
        }
    }

    #[test]
    fn the_known_answers_come_out() {
        for vector in &VECTORS {
            if let Some(body) = vector.5 {
                assert_eq!(digest(body.as_bytes()), vector.6, "{}", vector.0);
            }
            assert_eq!(signer().sign(&components(vector)), format!("HMACSHA256={}", vector.7), "{}", vector.0);
            assert_eq!(
                signer().verify(&components(vector), &format!("HMACSHA256={}", vector.7)),
                Ok(()),
                "{}",
                vector.0
            );
        }
    }

    #[test]
    fn the_digest_is_over_utf_8() {
        let body = r#"{"customer":{"name":"Siti Nurbayä & Co. – 😀"}}"#;
        assert_eq!(digest(body.as_bytes()), "sLhFMzfmOv5nPlNDSKwt5ZndK4F0//6/jIBkzkawCgc=");
        assert_eq!(digest(b""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    #[test]
    fn a_change_of_any_signed_part_breaks_the_signature() {
        let good = components(&VECTORS[0]);
        let signature = signer().sign(&good);
        let changed = [
            Components { client_id: "MCH-0001-10791114622548", ..good },
            Components { request_id: "other", ..good },
            Components { timestamp: "2021-07-07T08:45:43Z", ..good },
            Components { timestamp_name: TimestampName::Response, ..good },
            Components { target: "/akulaku-peer-to-peer/v2/refund", ..good },
            Components { body: Some(b"{}"), ..good },
            Components { body: None, ..good },
        ];
        for parts in changed {
            assert_eq!(signer().verify(&parts, &signature), Err(NotSigned::Mismatch), "{parts:?}");
        }
    }

    #[test]
    fn only_the_exact_form_of_a_signature_is_read() {
        let good = components(&VECTORS[0]);
        let signature = signer().sign(&good);
        let base64 = signature.strip_prefix("HMACSHA256=").expect("the prefix");
        let cases = [
            (String::new(), NotSigned::Missing),
            (base64.to_owned(), NotSigned::Malformed),
            (format!("HMACSHA512={base64}"), NotSigned::Malformed),
            (format!("hmacsha256={base64}"), NotSigned::Malformed),
            (format!("HMACSHA256={}", base64.trim_end_matches('=')), NotSigned::Malformed),
            (format!("HMACSHA256= {base64}"), NotSigned::Malformed),
            ("HMACSHA256=".to_owned(), NotSigned::Malformed),
            ("HMACSHA256=B1cKBzk/aB1AXADCZkq135bnktxY1o02zmmdd2cVgf12=".to_owned(), NotSigned::Malformed),
        ];
        for (text, why) in cases {
            assert_eq!(signer().verify(&good, &text), Err(why), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn a_signature_is_what_the_library_makes(
            secret in "(|[ -~]{1,70}|[a-z]{60,140})",
            texts in prop::array::uniform2(prop::collection::vec(any::<u8>(), 0..300)),
        ) {
            let signer = Signer::new(&Secret::new(&secret));
            let expected = texts.each_ref().map(|text| {
                let mut library = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
                library.update(text);
                Hash::from(library.finalize().into_bytes())
            });
            prop_assert_eq!(signer.mac_each(texts.each_ref().map(Vec::as_slice)), expected);
            prop_assert_eq!(signer.mac_each([texts[1].as_slice()])[0], expected[1]);
        }

        #[test]
        fn messages_that_are_verified_together_are_verified_as_each_alone(
            bodies in prop::array::uniform2(prop::option::of(prop::collection::vec(any::<u8>(), 0..300))),
            targets in prop::array::uniform2(prop::sample::select(vec!["/a", "/a?b", "/c"])),
            wrong in prop::array::uniform2(prop::sample::select(vec!["", "HMACSHA256=", "x", "HMACSHA256=bm8="])),
            forged in prop::array::uniform2(0..3_u8),
        ) {
            let signers = ["SK-new", "SK"].map(|key| Signer::new(&Secret::new(key)));
            let parts = |at: usize, target| Components {
                client_id: CLIENT,
                request_id: ["R-1", "R-22"][at],
                timestamp_name: TimestampName::Request,
                timestamp: "2026-11-21T18:02:11Z",
                target,
                body: bodies[at].as_deref(),
            };
            let signatures: [String; 2] = std::array::from_fn(|at| match forged[at] {
                0 => wrong[at].to_owned(),
                signer => signers[usize::from(signer) - 1].sign(&parts(at, targets[at])),
            });
            let claims: [Claim<'_>; 2] = std::array::from_fn(|at| Claim {
                components: parts(at, "/a"),
                other_targets: &["/a?b"],
                signature: &signatures[at],
            });
            let together = verify_each(&signers, claims.each_ref(), &mut [Vec::new(), Vec::new()]);
            for at in 0..2 {
                let [alone] = verify_each(&signers, [&claims[at]], &mut [Vec::new()]);
                prop_assert_eq!(together[at], alone);
                prop_assert_eq!(alone.is_ok(), forged[at] > 0 && targets[at] != "/c");
            }
        }
    }
}
