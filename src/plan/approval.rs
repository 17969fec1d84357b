//! Signatures under a plan: which of them count.
//!
//! An approval is what `ssh-keygen -Y sign -n rekon` writes: a signature over the exact bytes of the plan file, in the
//! namespace `rekon`, by the key of an approver who did not make the plan. One key is one person and counts once.

use base64::Engine as _;
use sha2::{Digest as _, Sha256, Sha512};
use signature::Verifier as _;
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, SshSig};

use super::binding::{Key, Maker};
use crate::journal::history::ApprovedBy;

/// The namespace of approvals: a signature that was made for anything else does not count.
pub const NAMESPACE: &str = "rekon";

/// A signature file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Its name.
    pub file: String,
    /// Its content.
    pub content: Vec<u8>,
}

/// The bytes of a plan as signatures are over them: `ssh-keygen` signs a hash, so that the plan itself need not be in memory.
#[derive(Debug, Clone, Default)]
pub struct Hashes {
    sha256: Sha256,
    sha512: Sha512,
}

impl Hashes {
    /// Those of a plan in memory.
    #[cfg(test)]
    fn of(plan: &[u8]) -> Self {
        let mut hashes = Self::default();
        hashes.update(plan);
        hashes
    }

    /// Takes the next bytes of the plan.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha512.update(bytes);
    }

    /// What is signed under the namespace of approvals (openssh-portable, `PROTOCOL.sshsig`); `None` for a hash that is not
    /// known here.
    fn signed_data(&self, algorithm: HashAlg) -> Option<Vec<u8>> {
        let hash = match algorithm {
            HashAlg::Sha256 => self.sha256.clone().finalize().to_vec(),
            HashAlg::Sha512 => self.sha512.clone().finalize().to_vec(),
            _ => return None,
        };
        let mut data = b"SSHSIG".to_vec();
        for text in [NAMESPACE.as_bytes(), b"", algorithm.as_str().as_bytes(), &hash] {
            data.extend(u32::try_from(text.len()).ok()?.to_be_bytes());
            data.extend(text);
        }
        Some(data)
    }
}

/// A signature file and what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Its name.
    pub file: String,
    /// The approver, or why it does not count.
    pub verdict: Result<ApprovedBy, Worthless>,
}

/// Why a signature does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Worthless {
    /// Not what `ssh-keygen -Y sign` writes.
    #[error("is no signature that ssh-keygen -Y sign writes")]
    NoSignature,
    /// A kind of key that is not known here.
    #[error("is by a key of the kind {0}, and only ssh-ed25519 is known here")]
    OtherKind(String),
    /// The key is nobody's.
    #[error("is by the key {0}, which is no approver's")]
    Stranger(String),
    /// It was made for something else.
    #[error("by {name} is for the namespace {found:?}, not for {NAMESPACE:?}")]
    Namespace {
        /// The approver.
        name: String,
        /// What it was made for.
        found: String,
    },
    /// It is a signature over something else.
    #[error("by {0} is not over this plan as it is")]
    OtherBytes(String),
    /// Who makes a plan cannot approve it.
    #[error("by {0} does not count, for {0} made the plan")]
    Maker(String),
    /// One person, two files.
    #[error("by {0} is a second one of the same person")]
    Again(String),
}

/// Judges all signatures under a plan.
#[must_use]
pub fn judge(plan: &Hashes, approvers: &[Key], maker: &Maker, signatures: Vec<Signed>) -> Vec<Judged> {
    let mut judged: Vec<Judged> = Vec::new();
    for Signed { file, content } in signatures {
        let mut verdict = judge_one(plan, approvers, maker, &content);
        if let Ok(approver) = &verdict
            && judged.iter().any(|earlier| earlier.verdict.as_ref().is_ok_and(|known| known.key == approver.key))
        {
            verdict = Err(Worthless::Again(approver.name.clone()));
        }
        judged.push(Judged { file, verdict });
    }
    judged
}

/// The approvers whose signatures count, each once.
#[must_use]
pub fn approvals(judged: &[Judged]) -> Vec<ApprovedBy> {
    judged.iter().filter_map(|one| one.verdict.clone().ok()).collect()
}

fn judge_one(plan: &Hashes, approvers: &[Key], maker: &Maker, content: &[u8]) -> Result<ApprovedBy, Worthless> {
    let signature = SshSig::from_pem(content).or(Err(Worthless::NoSignature))?;
    let is_ordinary = signature.version() == SshSig::VERSION && signature.reserved().is_empty();
    // The crate passes over lengths that lead beyond the end: a signature has one form here.
    let again = signature.to_pem(LineEnding::LF).or(Err(Worthless::NoSignature))?;
    if !is_ordinary || inner(again.as_bytes()) != inner(content) {
        return Err(Worthless::NoSignature);
    }
    for algorithm in [signature.public_key().algorithm(), signature.algorithm()] {
        if algorithm != Algorithm::Ed25519 {
            return Err(Worthless::OtherKind(algorithm.to_string()));
        }
    }
    let key = PublicKey::from(signature.public_key().clone());
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let Some(approver) = approvers.iter().find(|approver| approver.key == fingerprint) else {
        return Err(Worthless::Stranger(fingerprint));
    };
    let name = approver.name.clone();
    if signature.namespace() != NAMESPACE {
        return Err(Worthless::Namespace { name, found: signature.namespace().to_owned() });
    }
    let signed = plan.signed_data(signature.hash_alg());
    let is_over_it = signed.is_some_and(|signed| key.key_data().verify(&signed, signature.signature()).is_ok());
    if !is_over_it {
        return Err(Worthless::OtherBytes(name));
    }
    if maker.is(&name) {
        return Err(Worthless::Maker(name));
    }
    Ok(ApprovedBy { name, key: fingerprint })
}

/// What stands between the two lines of a signature file.
fn inner(content: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(content).ok()?;
    let lines = text.lines().map(str::trim_end).filter(|line| !line.starts_with("-----"));
    base64::engine::general_purpose::STANDARD.decode(lines.collect::<String>()).ok()
}

/// The fingerprint of an approver's key.
#[must_use]
pub fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::approval::public_key;

    const PLAN: &[u8] = include_bytes!("../../tests/signatures/plan.json");

    fn maker(name: &str) -> Maker {
        Maker { name: name.into(), user: "rekon".into() }
    }

    fn approvers() -> Vec<Key> {
        let keys = [
            ("siti", include_str!("../../tests/signatures/siti.pub")),
            ("budi", include_str!("../../tests/signatures/budi.pub")),
        ];
        let key = |(name, text): (&str, &str)| Key { key: fingerprint(&public_key(text).unwrap()), name: name.into() };
        keys.into_iter().map(key).collect()
    }

    macro_rules! signed {
        ($($name:literal),*) => {
            vec![$(Signed {
                file: $name.into(),
                content: include_bytes!(concat!("../../tests/signatures/", $name)).to_vec(),
            }),*]
        };
    }

    fn told(judged: &[Judged]) -> Vec<String> {
        let text = |one: &Judged| match &one.verdict {
            Ok(approved) => approved.name.clone(),
            Err(why) => why.to_string(),
        };
        judged.iter().map(text).collect()
    }

    #[test]
    fn what_is_signed_is_what_the_crate_says_of_the_plan_in_memory() {
        for plan in [PLAN, b"", &[7; 1000]] {
            let mut pieces = Hashes::default();
            plan.chunks(64).for_each(|piece| pieces.update(piece));
            for algorithm in [HashAlg::Sha256, HashAlg::Sha512] {
                let expected = SshSig::signed_data(NAMESPACE, algorithm, plan).unwrap();
                assert_eq!(pieces.signed_data(algorithm), Some(expected));
            }
        }
    }

    #[test]
    fn what_ssh_keygen_signs_counts_once_for_each_person() {
        let signed = signed!["siti.sig", "siti-crlf.sig", "budi-sha256.sig"];
        let judged = judge(&Hashes::of(PLAN), &approvers(), &maker("rina"), signed);
        assert_eq!(told(&judged), ["siti", "by siti is a second one of the same person", "budi"]);
        assert_eq!(approvals(&judged).len(), 2);
    }

    #[test]
    fn what_does_not_count_says_why() {
        let signed = signed!["siti-namespace-file.sig", "siti-other-bytes.sig", "rina-rsa.sig", "README.md"];
        let judged = judge(&Hashes::of(PLAN), &approvers(), &maker("rina"), signed);
        assert_eq!(
            told(&judged),
            [
                "by siti is for the namespace \"file\", not for \"rekon\"",
                "by siti is not over this plan as it is",
                "is by a key of the kind ssh-rsa, and only ssh-ed25519 is known here",
                "is no signature that ssh-keygen -Y sign writes",
            ]
        );
        let judged = judge(&Hashes::of(PLAN), &approvers()[1..], &maker("rina"), signed!["siti.sig"]);
        assert!(told(&judged)[0].ends_with("which is no approver's"), "{judged:?}");
    }

    #[test]
    fn who_made_the_plan_does_not_approve_it_under_either_name() {
        let by_user = Maker { name: "rina".into(), user: "siti".into() };
        for maker in [maker("siti"), by_user] {
            let judged = judge(&Hashes::of(PLAN), &approvers(), &maker, signed!["siti.sig", "budi-sha256.sig"]);
            assert_eq!(told(&judged), ["by siti does not count, for siti made the plan", "budi"]);
        }
    }

    #[test]
    fn a_signature_with_any_byte_changed_does_not_count() {
        let signature = signed!["siti.sig"].remove(0);
        let body = 30..signature.content.len() - 30;
        for index in body {
            let mut content = signature.content.clone();
            if content[index] == b'\n' {
                continue;
            }
            content[index] = if content[index] == b'A' { b'B' } else { b'A' };
            let judged =
                judge(&Hashes::of(PLAN), &approvers(), &maker("rina"), vec![Signed { file: String::new(), content }]);
            assert_eq!(approvals(&judged), [], "byte {index}");
        }
    }

    #[test]
    fn no_byte_of_the_plan_can_be_changed_under_a_signature() {
        for index in 0..PLAN.len() {
            let mut plan = PLAN.to_vec();
            plan[index] ^= 1;
            let judged = judge(&Hashes::of(&plan), &approvers(), &maker("rina"), signed!["siti.sig"]);
            assert_eq!(told(&judged), ["by siti is not over this plan as it is"], "byte {index}");
        }
    }
}
