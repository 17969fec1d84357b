//! The text that a mould gives: pieces put one behind another. Most are shorter than a call to copy them takes, so they are
//! copied in steps of one length, which takes no call; what that copies too much, the next piece covers.

/// How many bytes are copied at a time: two instructions.
const STEP: usize = 32;

/// A text of which no more can be asked than has been put in.
#[derive(Debug, Default)]
pub(super) struct Cast {
    /// With room behind the text.
    bytes: Vec<u8>,
    length: usize,
}

/// A piece that is put in again and again.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// With zeros behind it, up to a whole number of steps.
    bytes: Vec<u8>,
    length: usize,
}

impl Piece {
    pub(super) fn new(text: &str) -> Self {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(text.len().next_multiple_of(STEP), 0);
        Self { bytes, length: text.len() }
    }
}

impl Cast {
    /// Begins a text of at most so many bytes.
    pub(super) fn begin(&mut self, most: usize) {
        self.length = 0;
        if self.bytes.len() < most + STEP {
            self.bytes.resize(most + STEP, 0);
        }
    }

    /// Appends a piece.
    pub(super) fn put(&mut self, piece: &Piece) {
        self.copy(&piece.bytes, piece.length);
    }

    /// Appends the first `length` bytes of what begins with them.
    pub(super) fn copy(&mut self, from: &[u8], length: usize) {
        let to = &mut self.bytes[self.length..];
        let mut done = 0;
        while done < length {
            let step = from.get(done..).and_then(<[u8]>::first_chunk::<STEP>);
            if let Some((step, to)) = step.zip(to.get_mut(done..).and_then(<[u8]>::first_chunk_mut::<STEP>)) {
                *to = *step;
                done += STEP;
            } else {
                to[done..length].copy_from_slice(&from[done..length]);
                done = length;
            }
        }
        self.length += length;
    }

    /// The text.
    pub(super) fn text(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_text_is_what_was_put_in(texts in prop::collection::vec(prop::collection::vec("(|[a-c]{0,9}|[a-cé]{20,99})", 0..9), 1..4)) {
            let mut cast = Cast::default();
            for pieces in texts {
                let expected = pieces.concat();
                // What stands behind a piece must not come with it.
                let (behind, mut at) = (format!("{expected}{}", "x".repeat(pieces.len() * 7)), 0);
                cast.begin(expected.len());
                for (number, piece) in pieces.iter().enumerate() {
                    if number % 2 == 0 {
                        cast.put(&Piece::new(piece));
                    } else {
                        cast.copy(&behind.as_bytes()[at..], piece.len());
                    }
                    at += piece.len();
                }
                prop_assert_eq!(cast.text(), expected.as_bytes());
            }
        }
    }
}
