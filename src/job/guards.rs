//! The section `guards`: mandatory where money changes.

use super::limits::read_percent;
use super::reader::{Reader, Section};
use super::settings::Guards;
use super::yaml::Node;
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::operation::{Operation, Task};

const KEYS: [&str; 6] = ["max_orders", "max_total", "max_order", "max_share", "require_paid", "refuse_paid"];

const MISSING: &str = "say how much a run may do at most: `guards: {max_orders: 500, max_total: 75000000}`";

pub(super) fn read(reader: &mut Reader<'_>, top: &Section<'_>, task: Option<Task>) -> Option<Guards> {
    let node = match task {
        Some(Task::Change(_)) => reader.required(top, "", "guards", MISSING)?,
        Some(Task::Audit) | None => top.get("guards")?,
    };
    let section = reader.section(node, "guards", &KEYS)?;
    let orders = |text: &str| text.parse::<u64>().ok().filter(|orders| *orders > 0);
    let max_orders = reader
        .required(&section, "guards", "max_orders", MISSING)
        .and_then(|node| reader.parse(node, "guards.max_orders", "a whole number from 1", orders));
    let max_total = reader
        .required(&section, "guards", "max_total", MISSING)
        .and_then(|node| read_rupiah(reader, node, "guards.max_total"));
    let mut guards = Guards::new(max_orders.unwrap_or(1), max_total.unwrap_or(Rupiah::ZERO));
    guards.max_order = section.get("max_order").and_then(|node| read_rupiah(reader, node, "guards.max_order"));
    guards.max_share = section.get("max_share").and_then(|node| read_percent(reader, node, "guards.max_share"));
    read_flag(reader, &section, "require_paid", (task, Operation::Refund), &mut guards.require_paid);
    read_flag(reader, &section, "refuse_paid", (task, Operation::Cancel), &mut guards.refuse_paid);
    Some(guards)
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
    let total = |text: &str| {
        Rupiah::parse_amount(text, AmountStyle::Plain)
            .ok()
            .or_else(|| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok().map(Rupiah::new))?)
    };
    reader.parse(node, what, "whole rupiah without separators", total)
}
