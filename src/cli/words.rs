//! What a person says on the command line, for the record.

use super::exit::Failure;

/// The longest reason that is taken.
const LONGEST_REASON: usize = 500;

/// Words of a person for the record.
pub(super) fn words(flag: &str, text: &str) -> Result<String, Failure> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_REASON || text.chars().any(char::is_control) {
        return Err(Failure::Refused(format!("{flag} must be one line of 1 to {LONGEST_REASON} characters")));
    }
    Ok(text.to_owned())
}
