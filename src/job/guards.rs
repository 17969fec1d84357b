//! The section `guards`: mandatory where money changes.

use super::growth::{Factor, Growth, MOST_RUNS};
use super::limits::read_percent;
use super::reader::{Reader, Section};
use super::settings::{DuplicateInput, Guards};
use super::values::whole;
use super::yaml::Node;
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::operation::{Operation, Task};

pub(super) const KEYS: [&str; 10] = [
    "max_orders",
    "max_total",
    "max_order",
    "max_share",
    "max_growth",
    "max_orders_per_day",
    "max_total_per_day",
    "duplicate_input",
    "require_paid",
    "refuse_paid",
];

const MISSING: &str = "say how much a run may do at most: `guards: {max_orders: 500, max_total: 75000000}`";

/// What the values of the guards are, for `is not ...`.
pub(super) const COUNT: &str = "a whole number from 1";
pub(super) const RUPIAH: &str = "whole rupiah without separators";
pub(super) const FACTOR: &str = "a factor from 1 to 1000 such as 3 or 1.5";

const GROWTH: &str = "give both: `max_growth: {runs: 7, factor: 3}`";

pub(super) fn read(reader: &mut Reader<'_>, top: &Section<'_>, task: Option<Task>) -> Option<Guards> {
    let node = match task {
        Some(Task::Change(_)) => reader.required(top, "", "guards", MISSING)?,
        Some(Task::Audit) | None => top.get("guards")?,
    };
    let section = reader.section(node, "guards", &KEYS)?;
    let max_orders = reader
        .required(&section, "guards", "max_orders", MISSING)
        .and_then(|node| reader.parse(node, "guards.max_orders", COUNT, parse_count));
    let max_total = reader
        .required(&section, "guards", "max_total", MISSING)
        .and_then(|node| read_rupiah(reader, node, "guards.max_total"));
    let mut guards = Guards::new(max_orders.unwrap_or(1), max_total.unwrap_or(Rupiah::ZERO));
    guards.max_order = section.get("max_order").and_then(|node| read_rupiah(reader, node, "guards.max_order"));
    guards.max_share = section.get("max_share").and_then(|node| read_percent(reader, node, "guards.max_share"));
    guards.max_growth = section.get("max_growth").and_then(|node| read_growth(reader, node));
    guards.max_orders_per_day = section
        .get("max_orders_per_day")
        .and_then(|node| reader.parse(node, "guards.max_orders_per_day", COUNT, parse_count));
    guards.max_total_per_day =
        section.get("max_total_per_day").and_then(|node| read_rupiah(reader, node, "guards.max_total_per_day"));
    if let Some(word) = section
        .get("duplicate_input")
        .and_then(|node| reader.word(node, "guards.duplicate_input", &DuplicateInput::WORDS))
    {
        guards.duplicate_input = word;
    }
    read_flag(reader, &section, "require_paid", (task, Operation::Refund), &mut guards.require_paid);
    read_flag(reader, &section, "refuse_paid", (task, Operation::Cancel), &mut guards.refuse_paid);
    Some(guards)
}

fn read_growth(reader: &mut Reader<'_>, node: &Node) -> Option<Growth> {
    let what = "guards.max_growth";
    let section = reader.section(node, what, &["runs", "factor"])?;
    let runs = reader.required(&section, what, "runs", GROWTH);
    let runs =
        runs.and_then(|node| reader.parse(node, "guards.max_growth.runs", "a whole number from 3 to 100", parse_runs));
    let factor = reader.required(&section, what, "factor", GROWTH);
    let factor = factor.and_then(|node| reader.parse(node, "guards.max_growth.factor", FACTOR, Factor::parse));
    Some(Growth { runs: runs?, factor: factor? })
}

/// With fewer than three runs the guard would never apply.
fn parse_runs(text: &str) -> Option<u32> {
    parse_count(text).and_then(|runs| u32::try_from(runs).ok()).filter(|runs| (3..=MOST_RUNS).contains(runs))
}

pub(super) fn parse_count(text: &str) -> Option<u64> {
    whole(text).filter(|count| *count > 0)
}

pub(super) fn parse_rupiah(text: &str) -> Option<Rupiah> {
    Rupiah::parse_amount(text, AmountStyle::Plain).ok().or_else(|| whole(text).map(Rupiah::new))
}

/// A switch that means something for one operation only.
fn read_flag(
    reader: &mut Reader<'_>,
    section: &Section<'_>,
    key: &str,
    (task, operation): (Option<Task>, Operation),
    value: &mut bool,
) {
    let Some(node) = section.get(key) else { return };
    if let Some(flag) = reader.word(node, &format!("guards.{key}"), &[("true", true), ("false", false)]) {
        *value = flag;
    }
    if *value && task.is_some_and(|task| task != Task::Change(operation)) {
        reader.fault(node, format!("guards.{key} is for {operation} jobs"), "leave it out here");
    }
}

pub(super) fn read_rupiah(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Rupiah> {
    let text = reader.text(node, what)?;
    let amount = parse_rupiah(text);
    if amount.is_none() {
        let mut styles = [AmountStyle::Id, AmountStyle::Us].into_iter();
        let meant = styles.find_map(|style| Rupiah::parse_amount(text, style).ok());
        let hint = meant.map(|meant| format!("write {}", meant.whole())).unwrap_or_default();
        reader.fault(node, format!("{what} {text:?} is not {RUPIAH}"), hint);
    }
    amount
}
