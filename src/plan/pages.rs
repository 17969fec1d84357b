//! The file of a saved plan, an item at a time: a million orders are never in memory together.
//!
//! It is the file of [`super::sealing`], to the byte. What stands before the items and behind them is small, and is the plan's
//! [`Cover`]. The reading is sure or silent: it takes only what is written as it would be written here, and of anything else
//! [`Binding::read`](super::binding::Binding::read), which has all of it in memory, says what is wrong with it.

use std::io::{self, Read};

use memchr::memmem;
use sha2::{Digest as _, Sha256};

use super::binding::{BoundItem, Cover, KIND, VERSION};
use super::sealing::{Items, Total};
use crate::journal::log::hex;

/// What stands before the items. No text of the file can hold it, for a quote inside a text has a backslash before it.
const ITEMS: &[u8] = b",\"items\":[";

/// What stands before the digest.
const DIGEST: &[u8] = b",\"digest\":\"";

/// Written in place of the digest until it is known.
const NO_DIGEST: [u8; 64] = [b'0'; 64];

/// Pieces that are written or read at once, in bytes.
const PIECE: usize = 1 << 16;

/// No item is as long, in bytes.
const LONGEST_ITEM: usize = 1 << 12;

/// Nor is what stands before the items.
const LONGEST_BEGINNING: usize = 1 << 20;

/// A plan that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// All of it but its items, with its digest.
    pub cover: Cover,
    /// Where the digest belongs in the file, which has 64 zeros there.
    pub digest_at: u64,
}

/// Writes a plan of this cover, which has no digest yet; `out` gets the bytes of the file one after another, and the digest is
/// to be put into its place at the end.
///
/// # Errors
/// What an item says.
///
/// # Panics
/// If the items do not add up to the cover's total.
pub fn write<E>(
    mut cover: Cover,
    items: impl IntoIterator<Item = Result<BoundItem, E>>,
    mut out: impl FnMut(&[u8]),
) -> Result<Sealed, E> {
    let (bare, after) = around(&cover);
    cover.digest = String::from_utf8_lossy(&NO_DIGEST).into_owned();
    let (before, _) = around(&cover);
    let digest_at = memmem::find(&before, DIGEST).expect("it was put there") + DIGEST.len();
    let mut digest = Sha256::new_with_prefix(bare);
    out(&before);
    let mut total = Total::default();
    let mut piece = Vec::with_capacity(PIECE + LONGEST_ITEM);
    let mut is_first = true;
    for item in items {
        let item = item?;
        total.add(&item);
        if !std::mem::take(&mut is_first) {
            piece.push(b',');
        }
        serde_json::to_writer(&mut piece, &item).expect("text and whole numbers can be written as JSON");
        if piece.len() >= PIECE {
            digest.update(&piece);
            out(&piece);
            piece.clear();
        }
    }
    digest.update(&piece);
    out(&piece);
    digest.update(&after[..after.len() - 1]);
    out(&after);
    cover.digest = hex(&digest.finalize());
    assert_eq!(Some(cover.total), total.0, "a plan sends what it counts");
    Ok(Sealed { cover, digest_at: digest_at as u64 })
}

/// Reads a plan to its end and hands over its items. `None`: a byte of it is not as it was written, and the items do not count.
///
/// # Errors
/// It cannot be read.
pub fn read(source: impl Read, mut take: impl FnMut(BoundItem)) -> io::Result<Option<Cover>> {
    let mut items = Items::default();
    let cover = walk(source, |item| {
        items.take(&item);
        take(item);
    })?;
    Ok(cover.filter(|cover| cover.agrees(items).is_ok()))
}

/// Reads a plan that was read before, as [`read`] does. Whether it is the same: the digest is over all that the file says.
///
/// # Errors
/// It cannot be read.
pub fn read_again(source: impl Read, known: &Cover, take: impl FnMut(BoundItem)) -> io::Result<bool> {
    Ok(walk(source, take)?.as_ref() == Some(known))
}

/// Reads a plan of which nobody has asked whether it agrees with itself.
fn walk(source: impl Read, mut take: impl FnMut(BoundItem)) -> io::Result<Option<Cover>> {
    let mut window = Window { source, bytes: Vec::new(), at: 0, is_over: false };
    let Some(before) = window.beginning()? else { return Ok(None) };
    let mut bare = before.clone();
    if let Some(at) = memmem::find(&bare, DIGEST) {
        // With its quote; the comma before it goes in place of the one behind it.
        bare.drain(at..bare.len().min(at + DIGEST.len() + NO_DIGEST.len() + 1));
    }
    let (mut digest, mut written, mut is_first) = (Sha256::new_with_prefix(&bare), Vec::new(), true);
    while window.ahead(LONGEST_ITEM)?.first() != Some(&b']') {
        written.clear();
        if !std::mem::take(&mut is_first) {
            written.push(b',');
        }
        let ahead = window.ahead(LONGEST_ITEM)?;
        let Some(text) = ahead.strip_prefix(&written[..]) else { return Ok(None) };
        let mut parsed = serde_json::Deserializer::from_slice(text).into_iter::<BoundItem>();
        let Some(Ok(item)) = parsed.next() else { return Ok(None) };
        serde_json::to_writer(&mut written, &item)?;
        if !ahead.starts_with(&written) {
            return Ok(None);
        }
        digest.update(&written);
        window.at += written.len();
        take(item);
    }
    let after = window.rest()?;
    let Ok(mut cover) = serde_json::from_slice::<Cover>(&[&before[..], &after[..]].concat()) else { return Ok(None) };
    digest.update(&after[..after.len() - 1]);
    let is_ours = cover.plan == KIND && cover.version == VERSION && cover.digest == hex(&digest.finalize());
    if !is_ours || around(&cover) != (before, after.clone()) {
        return Ok(None);
    }
    let found = std::mem::take(&mut cover.digest);
    if around(&cover) != (bare, after) {
        return Ok(None);
    }
    cover.digest = found;
    Ok(Some(cover))
}

/// What the file of a cover has before its items and behind them.
fn around(cover: &Cover) -> (Vec<u8>, Vec<u8>) {
    let mut before = cover.canonical();
    let items = memmem::find(&before, ITEMS).expect("it is a field of every plan");
    let after = before.split_off(items + ITEMS.len());
    (before, after)
}

/// A file of which a piece is in memory.
struct Window<R> {
    source: R,
    bytes: Vec<u8>,
    /// What was read before this is done with.
    at: usize,
    is_over: bool,
}

impl<R: Read> Window<R> {
    /// Reads another piece.
    fn grow(&mut self) -> io::Result<()> {
        self.bytes.drain(..std::mem::take(&mut self.at));
        let read = self.source.by_ref().take(PIECE as u64).read_to_end(&mut self.bytes)?;
        self.is_over = read == 0;
        Ok(())
    }

    /// What comes next: at least so many bytes, unless the file ends before.
    fn ahead(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.bytes.len() - self.at < count && !self.is_over {
            self.grow()?;
        }
        Ok(&self.bytes[self.at..])
    }

    /// All before the items; `None` if that does not come.
    fn beginning(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(items) = memmem::find(&self.bytes, ITEMS) {
                self.at = items + ITEMS.len();
                return Ok(Some(self.bytes[..self.at].to_vec()));
            }
            if self.is_over || self.bytes.len() > LONGEST_BEGINNING {
                return Ok(None);
            }
            self.grow()?;
        }
    }

    /// All that is left.
    fn rest(mut self) -> io::Result<Vec<u8>> {
        self.bytes.drain(..self.at);
        self.source.read_to_end(&mut self.bytes)?;
        Ok(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::super::binding::{Binding, Sum, testing};
    use super::*;
    use crate::journal::log::sha256;

    /// A plan over so many orders, unsealed.
    fn plan(count: u64) -> Binding {
        let item = |number: u64| BoundItem {
            amount: number,
            body_sha256: sha256(&number.to_be_bytes()),
            generation: 0,
            invoice_number: format!("INV/\u{e9}\"\\,\"items\":[/{number}"),
            operation: "refund".into(),
            request_id: format!("id-{number}"),
        };
        let (plan, _) = testing::binding();
        let items: Vec<BoundItem> = (1..=count).map(item).collect();
        let total = Sum { count, rupiah: items.iter().map(|item| item.amount).sum() };
        Binding { items, total, digest: String::new(), ..plan }
    }

    fn cover(plan: &Binding) -> Cover {
        let Binding { digest, .. } = plan.clone();
        let mut value = serde_json::to_value(plan).unwrap();
        value["items"] = serde_json::json!([]);
        Cover { digest, ..serde_json::from_value(value).unwrap() }
    }

    /// The file as a shell writes it.
    fn written(plan: &Binding) -> (Cover, Vec<u8>) {
        let mut file = Vec::new();
        let items = plan.items.iter().cloned().map(Ok::<_, ()>);
        let sealed = write(cover(plan), items, |bytes| file.extend_from_slice(bytes)).unwrap();
        let at = usize::try_from(sealed.digest_at).unwrap();
        file[at..at + 64].copy_from_slice(sealed.cover.digest.as_bytes());
        (sealed.cover, file)
    }

    fn read_all(mut file: &[u8]) -> Option<(Cover, Vec<BoundItem>)> {
        let mut items = Vec::new();
        let cover = read(&mut file, |item| items.push(item)).unwrap()?;
        assert!(file.is_empty(), "it was read to its end");
        Some((cover, items))
    }

    #[test]
    fn a_plan_written_in_pieces_is_the_one_made_in_memory_to_the_byte() {
        for count in [0, 1, 2, 3, 500, 2000] {
            let plan = plan(count);
            let (whole, file) = plan.clone().sealed();
            let (sealed, pieces) = written(&plan);
            assert_eq!(String::from_utf8(pieces).unwrap(), String::from_utf8(file.clone()).unwrap(), "{count}");
            assert_eq!(sealed.digest, whole.digest);
            assert_eq!(read_all(&file), Some((sealed.clone(), whole.items)), "{count}");
            assert!(read_again(&file[..], &sealed, drop).unwrap());
            assert!(!read_again(&self::plan(4).sealed().1[..], &sealed, drop).unwrap());
            assert!(!read_again(&file[1..], &sealed, drop).unwrap());
        }
    }

    #[test]
    fn what_is_refused_whole_is_refused_in_pieces() {
        let (_, file) = plan(3).sealed();
        for index in 0..file.len() {
            for change in [1, 2, 4, 16, 32, 128] {
                let mut edited = file.clone();
                edited[index] ^= change;
                assert_eq!(read_all(&edited), None, "byte {index} changed by {change}");
            }
            let (mut without, mut doubled) = (file.clone(), file.clone());
            without.remove(index);
            doubled.insert(index, b' ');
            for edited in [&without[..], &doubled, &file[..index]] {
                assert_eq!(read_all(edited), None, "byte {index}");
            }
        }
        assert_eq!(read_all(&[&file[..], b"\n"].concat()), None);
        // The same content at the same length, and so under the same digest.
        let text = String::from_utf8(file).unwrap();
        let reordered = text.replacen("\"amount\":1,\"body_sha256\":", "\"body_sha256\":", 1);
        let reordered = reordered.replacen("\",\"generation\":0,", "\",\"amount\":1,\"generation\":0,", 1);
        assert!(reordered.len() == text.len() && reordered != text);
        assert_eq!(read_all(reordered.as_bytes()), None);
    }

    #[test]
    fn a_plan_sealed_by_somebody_else_must_agree_with_itself_in_pieces_too() {
        type Change = fn(&mut Binding);
        let cases: [Change; 9] = [
            |plan| plan.items[0].amount += 1,
            |plan| plan.items[1].request_id = "id-1".into(),
            |plan| plan.approval.need = 1,
            |plan| plan.expires_at = "tomorrow".into(),
            |plan| plan.version = 2,
            |plan| plan.plan = "other".into(),
            |plan| plan.items[0].amount = u64::MAX,
            |plan| plan.items.clear(),
            |plan| plan.total.count = 1,
        ];
        for (number, change) in cases.into_iter().enumerate() {
            let mut plan = plan(3);
            change(&mut plan);
            let (_, file) = plan.sealed();
            assert!(Binding::read(&file).is_err(), "{number}");
            assert_eq!(read_all(&file), None, "{number}");
        }
    }
}
