//! The saved plan that a run executed, in words.

use crate::journal::history::PlanUse;
use crate::journal::log::short;

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
