//! The saved plan that a run executed, in words.

use crate::journal::history::PlanUse;

/// Which plan a run executed, and who released it.
#[must_use]
pub fn line(used: &PlanUse) -> String {
    let approved: Vec<String> =
        used.approved_by.iter().map(|one| format!("{} ({})", one.name, short(&one.key))).collect();
    let approved = if approved.is_empty() {
        "needed no approval".to_owned()
    } else {
        format!("approved by {}", approved.join(", "))
    };
    let continues = match used.continues.last() {
        Some(run) => format!("; continues run {run}"),
        None => String::new(),
    };
    format!("plan {}, made by {}, {approved}{continues}", short(&used.digest), used.made_by)
}

/// Enough of a digest or a fingerprint to tell it from others on a screen; documents for machines have it whole.
#[must_use]
pub fn short(digest: &str) -> String {
    let (algorithm, rest) = digest.split_once(':').map_or(("", digest), |(algorithm, rest)| (algorithm, rest));
    let colon = if algorithm.is_empty() { "" } else { ":" };
    format!("{algorithm}{colon}{}", rest.chars().take(12).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_told_by_their_first_twelve_characters() {
        assert_eq!(short("0123456789abcdef0123456789abcdef"), "0123456789ab");
        assert_eq!(short("SHA256:AbCdEfGhIjKlMnOp"), "SHA256:AbCdEfGhIjKl");
    }
}
