//! What chains an entry to the one before, and how hashes are shown.

use sha2::{Digest as _, Sha256};

use crate::journal::record::ItemId;

/// The hash of an entry.
pub type Hash = [u8; 32];

/// What the first entry is chained to.
pub const GENESIS: Hash = [0; 32];

/// The hash of an entry as it is stored, chained to the one before. The parts cannot run into each other: numbers have a
/// fixed length, and the time none of the bytes of the text.
#[must_use]
pub fn chained(before: &Hash, seq: i64, at: &str, item: Option<ItemId>, data: &str) -> Hash {
    let mut hash = Sha256::new();
    hash.update(b"rekon/log/v1\0");
    hash.update(before);
    hash.update(seq.to_be_bytes());
    hash.update(item.map_or(-1, |item| item.0).to_be_bytes());
    hash.update(at.as_bytes());
    hash.update(b"\0");
    hash.update(data.as_bytes());
    hash.finalize().into()
}

/// A hash as people and files show it.
#[must_use]
pub fn hex(hash: &[u8]) -> String {
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    hash.iter().fold(String::with_capacity(2 * hash.len()), |mut text, byte| {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
        text
    })
}

/// The SHA-256 of some bytes as the log shows it.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Enough of a digest or a fingerprint to tell it from others on a screen; documents for machines have it whole.
///
/// `short("0123456789abcdef")` is `0123456789ab`, `short("SHA256:AbCdEfGhIjKlMnOp")` is `SHA256:AbCdEfGhIjKl`.
#[must_use]
pub fn short(digest: &str) -> &str {
    let begins = digest.find(':').map_or(0, |colon| colon + 1);
    digest.get(..begins + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn digests_are_told_by_their_first_twelve_characters() {
        assert_eq!(short("0123456789abcdef0123456789abcdef"), "0123456789ab");
        assert_eq!(short("SHA256:AbCdEfGhIjKlMnOp"), "SHA256:AbCdEfGhIjKl");
        assert_eq!(short("0123"), "0123");
    }
}
