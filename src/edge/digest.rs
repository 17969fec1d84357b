//! SHA-256 of what is read, made while it is read, so that no file is read twice for it.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::journal::log::hex;

/// The digest of the content that was read last with it; it counts once that was read to its end.
#[derive(Debug, Clone, Default)]
pub struct Digest(Arc<Mutex<Sha256>>);

/// Content on its way into a digest.
#[derive(Debug)]
pub struct Hashed<R> {
    content: R,
    digest: Digest,
}

impl Digest {
    /// Content that goes into this digest, from its beginning.
    pub(super) fn of<R: Read>(&self, content: R) -> Hashed<R> {
        *self.state() = Sha256::new();
        Hashed { content, digest: self.clone() }
    }

    /// The digest, in hex.
    #[must_use]
    pub fn hex(&self) -> String {
        hex(&self.state().clone().finalize())
    }

    fn state(&self) -> MutexGuard<'_, Sha256> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<R: Read> Read for Hashed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.digest.state().update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::log::sha256;

    #[test]
    fn it_is_of_the_content_that_was_read_last() {
        let digest = Digest::default();
        for text in ["abc", "a longer one"] {
            let mut read = Vec::new();
            digest.of(text.as_bytes()).read_to_end(&mut read).unwrap();
            assert_eq!((read.as_slice(), digest.hex()), (text.as_bytes(), sha256(text.as_bytes())));
        }
    }
}
