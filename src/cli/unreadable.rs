//! A file that cannot be read, as a fault: where, why, and what to do.

use std::io::ErrorKind;

use super::exit::Failure;
use crate::edge::read::{Damage, ReadError};
use crate::model::fault::{Fault, Place};

/// A file that the user calls `name`.
pub(super) fn unreadable(name: &str, error: &ReadError) -> Failure {
    let again = "it is damaged, or was not yet written to its end: copy or export it again";
    let other = "check the name; paths in a job file are relative to it, and --date fills {date}";
    let (place, hint) = match error {
        ReadError::Damaged { line, column, why, .. } => {
            let hint = match why {
                Damage::Stranger(_) => "name it as what it is, or compress it",
                Damage::Cut => "it was not yet written or copied to its end: copy or export it again",
                Damage::Damaged => "copy or export it again",
            };
            (Place::new(name, *line, *column), hint)
        }
        ReadError::TooLarge { .. } => (Place::start(name), other),
        ReadError::NotAFile { .. } => (Place::file(name), other),
        ReadError::Unreadable { source, .. } => match source.kind() {
            ErrorKind::PermissionDenied => (Place::file(name), "let the user of this program read it"),
            ErrorKind::NotFound => (Place::file(name), other),
            _ => (Place::file(name), again),
        },
    };
    Failure::Faults(vec![Fault::new(place, why_unreadable(name, error)).hint(hint)])
}

/// Why, without the name.
fn why_unreadable(name: &str, error: &ReadError) -> String {
    if let ReadError::Damaged { why, .. } = error {
        return why.to_string();
    }
    let mut message = "cannot be read".to_owned();
    let mut source = std::error::Error::source(error);
    if source.is_none() {
        let whole = error.to_string();
        whole.strip_prefix(&format!("{name}: ")).unwrap_or(&whole).clone_into(&mut message);
    }
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}
