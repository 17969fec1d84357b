//! A sieve of keys: it says "surely not here" or "perhaps", in two bytes per key.
//!
//! Whether a notification could belong to another order than the one that it names would need every key of every order
//! in memory. The sieve answers that for nearly all of them; the few for which it says "perhaps" are looked up.

/// The sieve.
#[derive(Debug, Clone)]
pub struct Sieve {
    /// A power of two of words.
    words: Vec<u64>,
}

/// Bits per key; of the word that a key belongs to four are set, and fewer than one key in a hundred is "perhaps" for nothing.
const BITS_PER_KEY: u64 = 16;

impl Sieve {
    /// An empty sieve for about so many keys; more make it say "perhaps" more often.
    ///
    /// # Panics
    /// If it would not fit into memory.
    #[must_use]
    pub fn for_keys(keys: u64) -> Self {
        let words = (keys.saturating_mul(BITS_PER_KEY) / 64).max(64).next_power_of_two();
        Self { words: vec![0; usize::try_from(words).expect("as many bits as memory has")] }
    }

    /// Puts a key in.
    pub fn insert(&mut self, key: u64) {
        let (word, bits) = self.place(key);
        self.words[word] |= bits;
    }

    /// Whether the key may have been put in.
    #[must_use]
    pub fn may_hold(&self, key: u64) -> bool {
        let (word, bits) = self.place(key);
        self.words[word] & bits == bits
    }

    /// The word of a key, one look at memory away, and its bits in it.
    fn place(&self, key: u64) -> (usize, u64) {
        // Keys are hashes already, or UUIDs folded to 64 bits; this spreads what they have to all bits.
        let mixed = (key ^ key.rotate_left(29)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = mixed ^ mixed >> 31;
        let bits = (0..4).fold(0, |bits, probe| bits | 1 << (mixed >> (6 * probe) & 63));
        let word = usize::try_from(mixed >> 24).expect("an address has as many bits") & (self.words.len() - 1);
        (word, bits)
    }
}

/// A wide key folded for the sieve.
#[must_use]
pub const fn folded(key: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
    let (high, low) = ((key >> 64) as u64, key as u64);
    high.wrapping_mul(0xff51_afd7_ed55_8ccd) ^ low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reconcile::record::hash;

    #[test]
    fn what_was_put_in_is_never_surely_absent_and_little_else_is_perhaps() {
        let mut sieve = Sieve::for_keys(20_000);
        let key = |number: u64| hash(&format!("INV/{number}"));
        (0..20_000).for_each(|number| sieve.insert(key(number)));
        assert!((0..20_000).all(|number| sieve.may_hold(key(number))));
        let perhaps = (20_000..60_000).filter(|number| sieve.may_hold(key(*number))).count();
        assert!(perhaps < 400, "{perhaps} of 40000");
    }
}
