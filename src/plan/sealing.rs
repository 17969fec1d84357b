//! A plan under its digest: the file as it is made, and whether one that is read is as it was made.

use memchr::memmem;
use serde::Serialize;
use serde_json::error::Category;
use sha2::{Digest as _, Sha256};

use super::binding::{Binding, BoundItem, KIND, Sum, VERSION, need};
use crate::journal::log::sha256;
use crate::model::time::parse_instant;

/// How every plan begins, and what stands near its end: by one of them a plan is known that cannot be read any more.
const BEGINNING: &[u8] = b"{\"approval\":{";
const OURS: &[u8] = b",\"plan\":\"rekon\",";

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::binding::testing;

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
}
