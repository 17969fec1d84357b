//! A plan as a file that binds: exactly what a run may send, under a digest.
//!
//! The file has one form only: JSON in UTF-8, keys sorted, no blanks, whole numbers, one line end. The *digest* is SHA-256,
//! in hex, over that form without the digest itself and without the line end. Nothing in it is secret and nothing is
//! personal: bodies are hashes, and so is the client id. What the plan rests on (job, input, version, approvers) is in it,
//! so that whoever signs the file signs that too. [`super::sealing`] makes the file and tells whether one is as it was made.

use serde::{Deserialize, Serialize};

use crate::job::settings::Band;
use crate::journal::history::Overridden;
use crate::model::money::Tally;
use crate::model::time::{Timestamp, parse_instant};

/// The version of this form.
pub(super) const VERSION: u8 = 1;

/// The word under `plan`: tells our file from other JSON.
pub(super) const KIND: &str = "rekon";

/// A plan that binds. The fields stand in the order of the alphabet, which is the order of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Binding<I = Vec<BoundItem>> {
    /// Who may approve it, and how many must.
    pub approval: Release,
    /// SHA-256 of the client id, in hex.
    pub client_sha256: String,
    /// The business date that fills `{date}`.
    pub date: String,
    /// Over all the rest; empty until the plan is sealed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub digest: String,
    /// Rows and rupiah per disposition.
    pub dispositions: Parts,
    /// Simulator, sandbox or production.
    pub environment: String,
    /// It is not run after this.
    pub expires_at: String,
    /// Each guard with its headroom, as it was when the plan was made; a run reads them anew.
    pub guards: Vec<GuardLine>,
    /// The orders.
    pub input: InputFile,
    /// What is sent, in the order of the input.
    pub items: I,
    /// The job.
    pub job: JobFile,
    /// The journal, relative to the job file.
    pub journal: String,
    /// The journal's log when the plan was made; `None` while it was empty.
    pub journal_log: Option<LogHead>,
    /// When it was made. Conditions about ages are decided as of this time, whenever it is run.
    pub made_at: String,
    /// Who made it.
    pub made_by: Maker,
    /// What earlier runs of the job left unknown: a run asks again, with the same key.
    pub open: Vec<BoundItem>,
    /// Create, cancel or refund.
    pub operation: String,
    /// Guards that are loosened for this one plan.
    pub overrides: Vec<Override>,
    /// What this file is.
    pub plan: String,
    /// The version of the program that made it, and that alone may run it.
    pub rekon: String,
    /// What is sent, in sum.
    pub total: Sum,
    /// The version of this form.
    pub version: u8,
}

/// All of a plan but its items: those stay in the file, which may have a million of them. See [`super::pages`].
pub type Cover = Binding<[BoundItem; 0]>;

/// One order that is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundItem {
    /// Whole rupiah.
    pub amount: u64,
    /// SHA-256 of the exact bytes, in hex.
    pub body_sha256: String,
    /// 0, or what a person reopened.
    pub generation: u16,
    /// The order.
    pub invoice_number: String,
    /// Create, cancel or refund.
    pub operation: String,
    /// The key under which it is sent.
    pub request_id: String,
}

/// Who may approve a plan, and how many must.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Whose signatures count, in the order of the job.
    pub approvers: Vec<Key>,
    /// From more than so much on, so many.
    pub bands: Vec<BandLine>,
    /// How many this plan needs.
    pub need: u32,
}

/// An approver's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// The fingerprint: `SHA256:...`.
    pub key: String,
    /// What the job calls the person.
    pub name: String,
}

/// A band of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandLine {
    /// So many approvals.
    pub need: u32,
    /// Over so many rupiah.
    pub over: u64,
}

impl From<&Band> for BandLine {
    fn from(band: &Band) -> Self {
        Self { need: band.need, over: band.over.whole() }
    }
}

/// Rows and rupiah per disposition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parts {
    /// Kept back by a row guard.
    pub held: Sum,
    /// Bad.
    pub invalid: Sum,
    /// To be sent.
    pub send: Sum,
    /// Not meant, or done already.
    pub skip: Sum,
}

/// A number of things and the money in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// How many.
    pub count: u64,
    /// Whole rupiah.
    pub rupiah: u64,
}

impl From<Tally> for Sum {
    fn from(tally: Tally) -> Self {
        Self { count: tally.count, rupiah: tally.rupiah.whole() }
    }
}

/// A guard's reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardLine {
    /// What the plan has.
    pub found: String,
    /// The guard's key in the job.
    pub guard: String,
    /// What is left.
    pub headroom: String,
    /// What the job allows.
    pub limit: String,
}

/// The file of the orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InputFile {
    /// Its name as the job writes it, with its date; the job's own where the orders stand in the job.
    pub file: String,
    /// SHA-256 of its content, in hex; of a compressed one after decompression.
    pub sha256: String,
}

/// The job file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// The job's name.
    pub name: String,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
}

/// How far the journal's log went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// Number of entries.
    pub entries: i64,
    /// The hash of the last one, in hex.
    pub head: String,
}

/// Who made a plan: by their own account, and by the system's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maker {
    /// What the person said; the user's name if nothing was said.
    pub name: String,
    /// The user of the system.
    pub user: String,
}

impl Maker {
    /// Whether an approver of that name is the one who made the plan.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name == name || self.user == name
    }
}

/// A guard that is loosened for one plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Override {
    /// Who asked for it.
    pub by: String,
    /// The guard's key in the job.
    pub guard: String,
    /// What it allows instead.
    pub limit: String,
    /// Why, in the person's words.
    pub reason: String,
}

impl From<Overridden> for Override {
    fn from(found: Overridden) -> Self {
        Self { by: found.by, guard: found.guard, limit: found.to, reason: found.reason }
    }
}

impl<I> Binding<I> {
    /// When it was made.
    ///
    /// # Panics
    /// Never for a plan that was made or read here.
    #[must_use]
    pub fn made(&self) -> Timestamp {
        parse_instant(&self.made_at).expect("checked when it was read")
    }

    /// When it expires.
    ///
    /// # Panics
    /// Never for a plan that was made or read here.
    #[must_use]
    pub fn expires(&self) -> Timestamp {
        parse_instant(&self.expires_at).expect("checked when it was read")
    }
}

/// The last band that a plan over so many rupiah is over.
#[must_use]
pub fn band(bands: &[BandLine], rupiah: u64) -> Option<&BandLine> {
    bands.iter().rev().find(|band| rupiah > band.over)
}

/// How many approvals a plan over so many rupiah needs.
#[must_use]
pub fn need(bands: &[BandLine], rupiah: u64) -> u32 {
    band(bands, rupiah).map_or(0, |band| band.need)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;
    use crate::journal::log::sha256;

    /// A plan over two refunds, sealed.
    pub(crate) fn binding() -> (Binding, Vec<u8>) {
        let item = |number: u64| BoundItem {
            amount: number * 1000,
            body_sha256: sha256(&[]),
            generation: 0,
            invoice_number: format!("INV-{number}"),
            operation: "refund".into(),
            request_id: format!("id-{number}"),
        };
        let sum = Sum { count: 2, rupiah: 3000 };
        let binding = Binding {
            approval: Release { approvers: vec![], bands: vec![], need: 0 },
            client_sha256: sha256(b"MCH-1"),
            date: "2026-11-22".into(),
            digest: String::new(),
            dispositions: Parts { held: Sum::default(), invalid: Sum::default(), send: sum, skip: Sum::default() },
            environment: "simulator".into(),
            expires_at: "2026-11-23T08:00:00Z".into(),
            guards: vec![],
            input: InputFile { file: "orders.csv".into(), sha256: sha256(b"orders") },
            items: vec![item(1), item(2)],
            job: JobFile { name: "refund-nightly".into(), sha256: sha256(b"job") },
            journal: ".rekon/journal.db".into(),
            journal_log: None,
            made_at: "2026-11-22T08:00:00Z".into(),
            made_by: Maker { name: "siti".into(), user: "siti".into() },
            open: vec![],
            operation: "refund".into(),
            overrides: vec![],
            plan: KIND.into(),
            rekon: "0.1.0".into(),
            total: sum,
            version: VERSION,
        };
        binding.sealed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_band_that_the_money_is_over_says_how_many_must_approve() {
        let bands = [(0, 0), (10_000_000, 1), (100_000_000, 2)].map(|(over, need)| BandLine { need, over });
        for (rupiah, expected) in [(0, 0), (10_000_000, 0), (10_000_001, 1), (100_000_000, 1), (100_000_001, 2)] {
            assert_eq!(need(&bands, rupiah), expected, "{rupiah}");
        }
        assert_eq!(need(&[], u64::MAX), 0);
        assert_eq!(need(&[BandLine { need: 1, over: 0 }], 0), 0, "nothing needs nobody");
    }
}
