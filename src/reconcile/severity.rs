//! How bad a verdict is: `warn_if` and `error_if` of the job, by count, rupiah or age.

use super::total::Totals;
use crate::job::settings::{Severity, Threshold};
use crate::model::verdict::Verdict;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nothing that the job asks to be told of.
    Fine,
    /// The job asks to be told.
    Warning,
    /// A person must look: exit code 1.
    Error,
}

/// The level of one verdict.
#[must_use]
pub fn level(verdict: Verdict, totals: &Totals, severity: &Severity) -> Level {
    let reached = |threshold: Option<Threshold>| threshold.is_some_and(|threshold| reaches(verdict, totals, threshold));
    if reached(severity.error_if) {
        Level::Error
    } else if reached(severity.warn_if) {
        Level::Warning
    } else {
        Level::Fine
    }
}

/// Any of the limits that are given is enough.
fn reaches(verdict: Verdict, totals: &Totals, threshold: Threshold) -> bool {
    let tally = totals.verdict(verdict);
    let count = threshold.count.is_some_and(|count| tally.count >= count);
    let rupiah = threshold.rupiah.is_some_and(|rupiah| tally.rupiah >= rupiah);
    let age = threshold.age.is_some_and(|age| totals.oldest(verdict).is_some_and(|oldest| oldest >= age));
    tally.count > 0 && (count || rupiah || age)
}
