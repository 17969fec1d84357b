//! SHA-256 of several texts at once, block by block in turn. A block needs the one before it of its own text, so that the
//! processor mostly waits; with another text between them it has something to do. The blocks themselves are the library's
//! (`sha2`).

use sha2::block_api::compress256;

/// How many bytes a block has.
pub(super) const BLOCK: usize = 64;

/// A hash.
pub(super) type Hash = [u8; 32];

/// A hash that has begun: the state, and how many bytes are in it, whole blocks of them.
#[derive(Clone, Copy)]
pub(super) struct Start {
    state: [u32; 8],
    length: u64,
}

impl Start {
    /// Before the first byte (FIPS 180-4, 5.3.3).
    pub(super) const NEW: Self = Self {
        state: [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
        length: 0,
    };

    /// Behind one block more.
    pub(super) fn behind(mut self, block: &[u8; BLOCK]) -> Self {
        compress256(&mut self.state, std::slice::from_ref(block));
        self.length += BLOCK as u64;
        self
    }
}

/// The end of a text as blocks: its last bytes, a one, zeros and the length in bits (FIPS 180-4, 5.1.1).
#[derive(Clone, Copy)]
struct Tail {
    blocks: [[u8; BLOCK]; 2],
    count: usize,
}

impl Tail {
    const EMPTY: Self = Self { blocks: [[0; BLOCK]; 2], count: 0 };

    fn fill(&mut self, rest: &[u8], length: u64) {
        self.blocks[0][..rest.len()].copy_from_slice(rest);
        self.blocks[0][rest.len()] = 0x80;
        self.count = if rest.len() + 1 + size_of::<u64>() <= BLOCK { 1 } else { 2 };
        self.blocks[self.count - 1][BLOCK - size_of::<u64>()..].copy_from_slice(&(length * 8).to_be_bytes());
    }
}

/// Hashes each of some texts behind its start. Everything is made where it stays: arrays of arrays are copied otherwise.
#[inline]
pub(super) fn hash_each<const N: usize>(starts: [&Start; N], texts: [&[u8]; N]) -> [Hash; N] {
    let (mut states, mut tails, mut most) = ([[0; 8]; N], [Tail::EMPTY; N], 0);
    for at in 0..N {
        let (whole, rest) = texts[at].as_chunks::<BLOCK>();
        states[at] = starts[at].state;
        tails[at].fill(rest, starts[at].length + texts[at].len() as u64);
        most = most.max(whole.len() + tails[at].count);
    }
    for number in 0..most {
        for at in 0..N {
            let (whole, tail) = (texts[at].as_chunks::<BLOCK>().0, &tails[at]);
            let block = whole.get(number).or_else(|| tail.blocks[..tail.count].get(number - whole.len()));
            if let Some(block) = block {
                compress256(&mut states[at], std::slice::from_ref(block));
            }
        }
    }
    let mut hashes = [[0; 32]; N];
    for (hash, state) in hashes.iter_mut().zip(&states) {
        for (bytes, word) in hash.as_chunks_mut::<4>().0.iter_mut().zip(state) {
            *bytes = word.to_be_bytes();
        }
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    proptest! {
        #[test]
        fn each_hash_is_what_the_library_makes(texts in prop::array::uniform3(prop::collection::vec(any::<u8>(), 0..300))) {
            let expected = texts.each_ref().map(|text| Hash::from(Sha256::digest(text)));
            prop_assert_eq!(hash_each([&Start::NEW; 3], texts.each_ref().map(Vec::as_slice)), expected);
        }
    }

    #[test]
    fn every_length_around_a_block_is_padded_as_it_must_be() {
        for length in 0..=4 * BLOCK {
            let text = vec![b'a'; length];
            assert_eq!(hash_each([&Start::NEW], [&text]), [Hash::from(Sha256::digest(&text))], "{length}");
        }
    }
}
