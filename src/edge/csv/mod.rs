//! Strict CSV reading: bytes become a [`Table`], or the list of everything that is wrong with them.
//!
//! The `csv` crate reads damage without complaint: an unclosed quote swallows the rows after it, text after a closing quote
//! is glued on, a `;` file is one column. So a scan of our own goes first and refuses whatever could be read in two ways;
//! the crate then splits only what has passed. Whether the fields make an order is not asked here.

mod decode;
mod delimiter;
mod faults;
mod layout;
mod listing;
mod scan;
mod stream;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

use crate::model::fault::Fault;
use crate::model::table::{Format, Table};

use decode::decode;
use faults::{Faults, Occurrences, Source};

pub use listing::{Listed, NotListed, list};
pub(super) use stream::open_by;
pub use stream::{NotRead, Stream, open, open_hashed};

/// Reads the bytes of a CSV file that the user calls `file`.
///
/// `known_headers` are the names that the header should have; [`Delimiter::Auto`](crate::model::table::Delimiter::Auto)
/// takes the delimiter that finds the most of them.
///
/// # Errors
/// Everything that is wrong with the file, in the order of its lines.
pub fn parse(file: &str, bytes: Vec<u8>, format: &Format, known_headers: &[&str]) -> Result<Table, Vec<Fault>> {
    let mut faults = Faults::default();
    let Some(text) = decode(file, bytes, format.encoding, &mut faults) else {
        return Err(faults.in_order());
    };
    let source = Source { file, text: &text };
    refuse_nuls(&source, &mut faults);
    let start = match delimiter::find(&source, format.delimiter, known_headers) {
        Ok(start) => start,
        Err(fault) => {
            faults.add(|| fault);
            return Err(faults.in_order());
        }
    };
    let layout = layout::check(&source, start, &mut faults);
    if faults.is_empty() { Ok(Table::checked(file, text, layout)) } else { Err(faults.in_order()) }
}

fn refuse_nuls(source: &Source<'_>, faults: &mut Faults) {
    let nuls: Occurrences = source.text.match_indices('\0').map(|(offset, _)| offset).collect();
    faults.add_repeated(source, &nuls, "a NUL character", "the file is damaged or no text: export it again");
}
