//! A plan as a file that binds: exactly what a run may send, under a digest.
//!
//! The file has one form only: JSON in UTF-8, keys sorted, no blanks, whole numbers, one line end. The *digest* is SHA-256,
//! in hex, over that form without the digest itself and without the line end. Nothing in it is secret and nothing is
//! personal: bodies are hashes, and so is the client id. What the plan rests on (job, input, version, approvers) is in it,
//! so that whoever signs the file signs that too.

use memchr::memmem;
use serde::{Deserialize, Serialize};
use serde_json::error::Category;
use sha2::{Digest as _, Sha256};

use crate::job::settings::Band;
use crate::journal::history::Overridden;
use crate::journal::log::sha256;
use crate::model::money::Tally;
use crate::model::time::{Timestamp, parse_instant};

/// The version of this form.
pub(super) const VERSION: u8 = 1;

/// The word under `plan`: tells our file from other JSON.
pub(super) const KIND: &str = "rekon";

/// How every plan begins, and what stands near its end: by one of them a plan is known that cannot be read any more.
const BEGINNING: &[u8] = b"{\"approval\":{";
const OURS: &[u8] = b",\"plan\":\"rekon\",";

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

/// Why a file is not a plan as it was made: it is something else, or somebody or something has changed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAsMade {
    /// Nothing is in it.
    #[error("the file is empty, and no plan")]
    Empty,
    /// It is something else.
    #[error("the file is no plan of `rekon plan --out`: {0}")]
    Foreign(String),
    /// It begins as a plan does, and ends too early.
    #[error("the plan is cut: it ends behind {0} bytes, and the rest is missing")]
    Cut(usize),
    /// Another version of the form.
    #[error("the plan is of the form {0}, and this program knows the form {VERSION}")]
    OtherForm(u8),
    /// It looks like a plan, and cannot be read as one any more.
    #[error("the plan was edited: {0}")]
    Unreadable(String),
    /// The same content, written in another way.
    #[error("the plan was edited: it is not written as rekon writes it")]
    OtherBytes,
    /// The content is not what the digest was made of.
    #[error("the plan was edited: its digest is {found}, but its content has {expected}")]
    Digest {
        /// What the file says.
        found: String,
        /// What it should say.
        expected: String,
    },
    /// A number that does not follow from the others.
    #[error("the plan was edited: its {0} do not agree")]
    Inconsistent(&'static str),
}

impl NotAsMade {
    /// Of a file that cannot be read as a plan.
    fn unread(file: &[u8], error: &serde_json::Error) -> Self {
        let begins = file.starts_with(BEGINNING);
        match error.classify() {
            _ if file.is_empty() => Self::Empty,
            Category::Eof if begins => Self::Cut(file.len()),
            _ if begins || memmem::find(file, OURS).is_some() => Self::Unreadable(error.to_string()),
            Category::Io | Category::Syntax | Category::Data | Category::Eof => Self::Foreign(error.to_string()),
        }
    }
}

impl Binding {
    /// The file: sealed with its digest.
    ///
    /// # Panics
    /// Never: it is text and whole numbers.
    #[must_use]
    pub fn sealed(mut self) -> (Self, Vec<u8>) {
        self.digest = self.expected_digest().1;
        let file = self.canonical();
        (self, file)
    }

    /// Reads a file, and refuses it if a single byte of it is not as it was written.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(file: &[u8]) -> Result<Self, NotAsMade> {
        let mut read: Self = serde_json::from_slice(file).map_err(|error| NotAsMade::unread(file, &error))?;
        if read.plan != KIND {
            return Err(NotAsMade::Unreadable(format!("plan is {:?}, and not {KIND:?}", read.plan)));
        }
        if read.version != VERSION {
            return Err(NotAsMade::OtherForm(read.version));
        }
        let (found, expected) = read.expected_digest();
        if found != expected {
            return Err(NotAsMade::Digest { found, expected });
        }
        read.digest = found;
        if read.canonical() != file {
            return Err(NotAsMade::OtherBytes);
        }
        read.agrees_with_itself()?;
        Ok(read)
    }

    /// Where the digest is right, this holds by itself; it is checked since anybody can make a digest.
    fn agrees_with_itself(&self) -> Result<(), NotAsMade> {
        let mut items = Items::default();
        self.items.iter().for_each(|item| items.take(item));
        self.agrees(items)
    }
}

impl<I: Serialize> Binding<I> {
    /// Takes the digest that is there away, and says what it should be.
    fn expected_digest(&mut self) -> (String, String) {
        let found = std::mem::take(&mut self.digest);
        let mut bare = self.canonical();
        bare.pop();
        (found, sha256(&bare))
    }

    pub(super) fn canonical(&self) -> Vec<u8> {
        let mut file = serde_json::to_vec(self).expect("text and whole numbers can be written as JSON");
        file.push(b'\n');
        file
    }
}

impl<I> Binding<I> {
    /// Whether its numbers follow from its items.
    pub(super) fn agrees(&self, items: Items) -> Result<(), NotAsMade> {
        let total = items.total.0.ok_or(NotAsMade::Inconsistent("amounts"))?;
        if total != self.total {
            return Err(NotAsMade::Inconsistent("items and total"));
        }
        if items.has_an_id_twice() {
            return Err(NotAsMade::Inconsistent("request ids"));
        }
        if self.approval.need != need(&self.approval.bands, self.total.rupiah) {
            return Err(NotAsMade::Inconsistent("total and approvals"));
        }
        if parse_instant(&self.made_at).is_none() || parse_instant(&self.expires_at).is_none() {
            return Err(NotAsMade::Inconsistent("times"));
        }
        Ok(())
    }

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

/// What has to be known of all items together.
#[derive(Default)]
pub(super) struct Items {
    total: Total,
    /// The beginning of the hash of each request id.
    ids: Vec<[u8; 16]>,
}

impl Items {
    /// Takes note of one.
    pub(super) fn take(&mut self, item: &BoundItem) {
        self.total.add(item);
        self.ids.extend(Sha256::digest(item.request_id.as_bytes()).first_chunk::<16>());
    }

    fn has_an_id_twice(mut self) -> bool {
        self.ids.sort_unstable();
        self.ids.windows(2).any(|pair| pair[0] == pair[1])
    }
}

/// What items add up to; `None`: more money than can be counted.
pub(super) struct Total(pub(super) Option<Sum>);

impl Default for Total {
    fn default() -> Self {
        Self(Some(Sum::default()))
    }
}

impl Total {
    /// Adds an item.
    pub(super) fn add(&mut self, item: &BoundItem) {
        let sum = self.0.take();
        self.0 = sum.and_then(|sum| Some(Sum { count: sum.count + 1, rupiah: sum.rupiah.checked_add(item.amount)? }));
    }
}

/// How many approvals a plan over so many rupiah needs: those of the last band that it is over.
#[must_use]
pub fn need(bands: &[BandLine], rupiah: u64) -> u32 {
    bands.iter().rev().find(|band| rupiah > band.over).map_or(0, |band| band.need)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

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
    fn a_plan_is_read_as_it_was_written() {
        let (binding, file) = testing::binding();
        assert_eq!(Binding::read(&file).unwrap(), binding);
        assert_eq!(file.last(), Some(&b'\n'));
    }

    #[test]
    fn the_file_has_sorted_keys_and_no_blanks_and_its_digest_can_be_made_without_us() {
        let (binding, file) = testing::binding();
        let text = String::from_utf8(file).unwrap();
        // serde_json's own map sorts its keys.
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{value}\n"), text);
        value.as_object_mut().unwrap().remove("digest");
        assert_eq!(sha256(value.to_string().as_bytes()), binding.digest);
    }

    #[test]
    fn no_byte_of_a_plan_can_be_changed_left_out_or_doubled() {
        let (_, file) = testing::binding();
        for index in 0..file.len() {
            for change in [1, 2, 4, 16, 32, 128] {
                let mut edited = file.clone();
                edited[index] ^= change;
                assert!(Binding::read(&edited).is_err(), "byte {index} changed by {change}");
            }
            let (mut without, mut doubled) = (file.clone(), file.clone());
            without.remove(index);
            doubled.insert(index, b' ');
            assert!(Binding::read(&without).is_err(), "byte {index} left out");
            assert!(Binding::read(&doubled).is_err(), "a blank at byte {index}");
            assert!(Binding::read(&file[..index]).is_err(), "cut at byte {index}");
        }
    }

    #[test]
    fn a_plan_that_was_sealed_by_somebody_else_must_still_agree_with_itself() {
        type Change = fn(&mut Binding);
        let sealed = |change: Change| {
            let (mut binding, _) = testing::binding();
            change(&mut binding);
            Binding::read(&binding.sealed().1)
        };
        let cases: [(Change, &str); 7] = [
            (|plan| plan.items[0].amount += 1, "the plan was edited: its items and total do not agree"),
            (|plan| plan.items[1].request_id = "id-1".into(), "the plan was edited: its request ids do not agree"),
            (|plan| plan.approval.need = 1, "the plan was edited: its total and approvals do not agree"),
            (|plan| plan.expires_at = "tomorrow".into(), "the plan was edited: its times do not agree"),
            (|plan| plan.version = 2, "the plan is of the form 2, and this program knows the form 1"),
            (|plan| plan.plan = "other".into(), "the plan was edited: plan is \"other\", and not \"rekon\""),
            (|plan| plan.items[0].amount = u64::MAX, "the plan was edited: its amounts do not agree"),
        ];
        for (change, expected) in cases {
            assert_eq!(sealed(change).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_plan_and_what_is_the_beginning_of_one_are_told_apart() {
        let (_, file) = testing::binding();
        for index in BEGINNING.len()..file.len() - 2 {
            assert_eq!(Binding::read(&file[..index]), Err(NotAsMade::Cut(index)));
        }
        assert_eq!(Binding::read(b""), Err(NotAsMade::Empty));
        let orders = Binding::read(b"invoice_number,amount\nINV-1,90000\n").unwrap_err();
        let other = Binding::read(b"{\"version\":1,\"rows\":").unwrap_err();
        assert!(matches!((&orders, &other), (NotAsMade::Foreign(_), NotAsMade::Foreign(_))), "{orders:?} {other:?}");
        for index in [0, file.len() / 2] {
            let mut edited = file.clone();
            edited[index] = b'#';
            let why = Binding::read(&edited).unwrap_err().to_string();
            assert!(why.starts_with("the plan was edited: "), "{why}");
        }
    }

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
