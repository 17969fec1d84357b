//! What another program writes to this one's standard input.

use std::io::Read;
use std::path::Path;

use super::read::{MOST_BYTES, ReadError};

/// Stands for a file's name in messages and reports.
pub const NAME: &str = "stdin";

/// It, as a stream that is as long as it likes.
#[must_use]
pub fn open() -> impl Read + Send {
    std::io::stdin()
}

/// All of it.
///
/// # Errors
/// It cannot be read, or it is larger than any log.
pub fn bytes() -> Result<Vec<u8>, ReadError> {
    let path = || Path::new(NAME).to_owned();
    let mut content = Vec::new();
    let read = std::io::stdin().lock().take(MOST_BYTES + 1).read_to_end(&mut content);
    read.map_err(|source| ReadError::Unreadable { path: path(), source })?;
    if content.len() as u64 > MOST_BYTES {
        return Err(ReadError::TooLarge { path: path(), most: MOST_BYTES });
    }
    Ok(content)
}
