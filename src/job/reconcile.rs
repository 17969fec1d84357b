//! `reconcile`: how to judge, which days, and how bad a verdict is.

use std::collections::BTreeMap;
use std::time::Duration;

use super::guards::read_rupiah;
use super::limits::{parse_minutes, read_span};
use super::reader::Reader;
use super::values::{check_templates, whole};
use super::yaml::{Node, Value};
use crate::model::money::Rupiah;
use crate::model::operation::Task;
use crate::model::time::{BusinessDate, Cutoff};
use crate::model::verdict::Verdict;

/// How to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reconcile {
    /// Younger and unproven is pending, older is missing.
    pub grace: Duration,
    /// Globs of results of runs that this journal has not seen.
    pub results: Vec<String>,
    /// Which business days an audit is about.
    pub period: Period,
    /// When a business day ends.
    pub cutoff: Cutoff,
    /// How bad each verdict is, where the job does not leave it at [`Severity::of`].
    pub severity: BTreeMap<Verdict, Severity>,
}

/// Which business days an audit is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// All of them.
    Whole,
    /// The business date of the command.
    Day,
    /// Its month.
    Month,
    /// From one day to another, both included.
    Between(BusinessDate, BusinessDate),
}

impl Period {
    /// Reads `all`, `day`, `month`, `2026-11-21`, `2026-11` or `2026-11-01..2026-11-15`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "all" => return Some(Self::Whole),
            "day" => return Some(Self::Day),
            "month" => return Some(Self::Month),
            _ => {}
        }
        if let Some((from, until)) = text.split_once("..") {
            let (from, until) = (BusinessDate::parse(from)?, BusinessDate::parse(until)?);
            return (from <= until).then_some(Self::Between(from, until));
        }
        if let Some(day) = BusinessDate::parse(text) {
            return Some(Self::Between(day, day));
        }
        let first = BusinessDate::parse(&format!("{text}-01"))?;
        let (from, until) = first.month();
        Some(Self::Between(from, until))
    }

    /// The first and the last day; `None`: all days. `date` is the business date of the command.
    #[must_use]
    pub fn days(self, date: BusinessDate) -> Option<(BusinessDate, BusinessDate)> {
        match self {
            Self::Whole => None,
            Self::Day => Some((date, date)),
            Self::Month => Some(date.month()),
            Self::Between(from, until) => Some((from, until)),
        }
    }
}

/// When a verdict is worth a warning, and when it sets the exit code. `None`: never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Severity {
    /// A warning.
    pub warn_if: Option<Threshold>,
    /// Exit code 1.
    pub error_if: Option<Threshold>,
}

impl Severity {
    /// What holds for a verdict unless the job says otherwise: one that needs a person is an error at once.
    #[must_use]
    pub fn of(verdict: Verdict) -> Self {
        let once = Threshold { count: Some(1), rupiah: None, age: None };
        Self { warn_if: None, error_if: verdict.needs_a_person().then_some(once) }
    }
}

/// Reached if any of its limits is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Threshold {
    /// So many orders. `None`: any number.
    pub count: Option<u64>,
    /// So much money in all. `None`: any sum.
    pub rupiah: Option<Rupiah>,
    /// One of them so old. `None`: any age.
    pub age: Option<Duration>,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            grace: Duration::from_secs(18 * 3600),
            results: Vec::new(),
            period: Period::Whole,
            cutoff: Cutoff::MIDNIGHT,
            severity: BTreeMap::new(),
        }
    }
}

impl Reconcile {
    /// How bad a verdict is.
    #[must_use]
    pub fn severity(&self, verdict: Verdict) -> Severity {
        self.severity.get(&verdict).copied().unwrap_or_else(|| Severity::of(verdict))
    }
}

const KEYS: [&str; 5] = ["grace", "results", "period", "cutoff", "severity"];
const PERIOD: &str = "all, day, month, 2026-11-21, 2026-11 or 2026-11-01..2026-11-15";

pub(super) fn read(reader: &mut Reader<'_>, node: Option<&Node>, task: Option<Task>) -> Reconcile {
    let mut reconcile = Reconcile::default();
    let Some(section) = node.and_then(|node| reader.section(node, "reconcile", &KEYS)) else {
        return reconcile;
    };
    read_span(reader, &section, "reconcile", "grace", &mut reconcile.grace);
    if let Some(results) = section.get("results").and_then(|node| reader.texts(node, "reconcile.results")) {
        check_templates(reader, &section, "results", &results);
        reconcile.results = results;
    }
    if let Some(node) = section.get("period")
        && let Some(period) = reader.parse(node, "reconcile.period", PERIOD, Period::parse)
    {
        reconcile.period = period;
        if period != Period::Whole && matches!(task, Some(Task::Change(_))) {
            reader.fault(node, "reconcile.period is for audits; a run judges all of its orders", "leave it out here");
        }
    }
    let cutoff = |text: &str| parse_minutes(text).and_then(Cutoff::at);
    if let Some(cutoff) = section
        .get("cutoff")
        .and_then(|node| reader.parse(node, "reconcile.cutoff", "a time of day in WIB such as \"23:00\"", cutoff))
    {
        reconcile.cutoff = cutoff;
    }
    if let Some(node) = section.get("severity") {
        reconcile.severity = read_severity(reader, node);
    }
    reconcile
}

fn read_severity(reader: &mut Reader<'_>, node: &Node) -> BTreeMap<Verdict, Severity> {
    let words = Verdict::ALL.map(Verdict::word);
    let Some(section) = reader.section(node, "reconcile.severity", &words) else { return BTreeMap::new() };
    let mut severities = BTreeMap::new();
    for (verdict, word) in Verdict::ALL.into_iter().zip(words) {
        let Some(node) = section.get(word) else { continue };
        let what = format!("reconcile.severity.{word}");
        let Some(limits) = reader.section(node, &what, &["warn_if", "error_if"]) else { continue };
        let mut severity = Severity::of(verdict);
        for (key, threshold) in [("warn_if", &mut severity.warn_if), ("error_if", &mut severity.error_if)] {
            if let Some(node) = limits.get(key) {
                *threshold = read_threshold(reader, node, &format!("{what}.{key}"));
            }
        }
        if verdict == Verdict::InDoubt
            && let Some(node) = limits.get("error_if")
        {
            let hint = "leave error_if out; warn_if can stand here";
            reader.fault(node, "money in doubt always ends with exit code 3", hint);
        }
        severities.insert(verdict, severity);
    }
    severities
}

/// `never`, or limits of which one is enough.
fn read_threshold(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Threshold> {
    if matches!(&node.value, Value::Scalar(text) if text == "never") {
        return None;
    }
    let section = reader.section(node, what, &["count", "rupiah", "age"])?;
    let mut threshold = Threshold::default();
    if let Some(node) = section.get("count") {
        let count = |text: &str| whole(text).filter(|count| *count > 0);
        threshold.count = reader.parse(node, &format!("{what}.count"), "a number of orders, at least 1", count);
    }
    if let Some(node) = section.get("rupiah") {
        threshold.rupiah = read_rupiah(reader, node, &format!("{what}.rupiah"));
    }
    if section.get("age").is_some() {
        let mut age = Duration::ZERO;
        read_span(reader, &section, what, "age", &mut age);
        threshold.age = Some(age);
    }
    if section.entries().is_empty() {
        reader.fault(node, format!("{what} has no limit"), "give count, rupiah or age, or write never");
    }
    Some(threshold)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_a_day_a_month_or_from_one_day_to_another() {
        let today = BusinessDate::parse("2026-02-11").unwrap();
        let days = |text: &str| {
            let (from, until) = Period::parse(text)?.days(today)?;
            Some(format!("{from} {until}"))
        };
        assert_eq!(Period::parse("all"), Some(Period::Whole));
        assert_eq!(days("day").as_deref(), Some("2026-02-11 2026-02-11"));
        assert_eq!(days("month").as_deref(), Some("2026-02-01 2026-02-28"));
        assert_eq!(days("2026-12").as_deref(), Some("2026-12-01 2026-12-31"));
        assert_eq!(days("2026-11-21").as_deref(), Some("2026-11-21 2026-11-21"));
        assert_eq!(days("2026-11-21..2026-12-01").as_deref(), Some("2026-11-21 2026-12-01"));
        for wrong in ["", "week", "2026", "2026-13", "2026-12-01..2026-11-21", "2026-11-21..", "21/11/2026"] {
            assert_eq!(Period::parse(wrong), None, "{wrong}");
        }
    }
}
