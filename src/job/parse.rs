//! A whole job file: the top level, the merchant, and what is read and written.

use std::path::Path;

use super::hosts::{self, wrong_host};
use super::places::Places;
use super::reader::Reader;
use super::settings::{DEFAULT_JOURNAL, Job, Merchant, Output, OutputFormat, Reference};
use super::values::{check_template, whole};
use super::yaml::{self, Node, Value};
use super::{approval, guards, limits, notifications, orders, reconcile};
use crate::model::environment::Environment;
use crate::model::fault::Fault;
use crate::model::ids::JobName;
use crate::model::language::Language;
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::operation::{Operation, Task};
use crate::model::order::{Settlement, Share};

const KEYS: [&str; 17] = [
    "job",
    "operation",
    "merchant",
    "orders",
    "limits",
    "retries",
    "guards",
    "approval",
    "breaker",
    "canary",
    "window",
    "notifications",
    "reconcile",
    "output",
    "healthcheck",
    "settlement",
    "journal",
];

const TASKS: [(&str, Task); 4] = [
    ("create", Task::Change(Operation::Create)),
    ("cancel", Task::Change(Operation::Cancel)),
    ("refund", Task::Change(Operation::Refund)),
    ("audit", Task::Audit),
];

/// Reads a job file.
///
/// # Errors
/// Everything that is wrong with it, in the order of the file.
pub fn parse(file: &str, text: &str) -> Result<Job, Vec<Fault>> {
    let root = yaml::parse(file, text).map_err(|fault| vec![fault])?;
    let mut reader = Reader::new(file, text);
    let job = read_job(&mut reader, &root);
    let faults = reader.into_faults();
    match job {
        Some(job) if faults.is_empty() => Ok(job),
        _ => Err(faults),
    }
}

fn read_job(reader: &mut Reader<'_>, root: &Node) -> Option<Job> {
    let top = reader.section(root, "", &KEYS)?;
    let name = reader.required(&top, "", "job", "name it, e.g. `job: refund-nightly`");
    let name = name
        .and_then(|node| reader.parse(node, "job", "a name of 1 to 64 a-z, 0-9 and -, the first not -", JobName::new));
    let task = reader.required(&top, "", "operation", "one of create, cancel, refund, audit");
    let task = task.and_then(|node| reader.word(node, "operation", &TASKS));
    let merchant = reader.required(&top, "", "merchant", "at least `merchant: {environment: simulator}`");
    let merchant = merchant.and_then(|node| read_merchant(reader, node));
    let orders = reader.required(&top, "", "orders", "at least `orders: {file: orders.csv}`");
    let orders = orders.and_then(|node| orders::read(reader, node));
    let limits = limits::read_limits(reader, top.get("limits"));
    let retries = limits::read_retries(reader, top.get("retries"));
    let breaker = limits::read_breaker(reader, top.get("breaker"));
    let canary = top.get("canary").and_then(|node| limits::read_canary(reader, node));
    let window = top.get("window").and_then(|node| limits::read_window(reader, node));
    let guards = guards::read(reader, &top, task);
    let approval = approval::read(reader, top.get("approval"), task);
    let notifications = notifications::read(reader, top.get("notifications"), task);
    let reconcile = reconcile::read(reader, top.get("reconcile"), task);
    let output = read_output(reader, top.get("output"));
    let healthcheck = top.get("healthcheck").and_then(|node| read_healthcheck(reader, node));
    let settlement = top.get("settlement").map(|node| read_settlement(reader, node, task)).unwrap_or_default();
    let journal = top.get("journal").and_then(|node| reader.text(node, "journal")).unwrap_or(DEFAULT_JOURNAL);
    let (name, task, merchant, orders) = (name?, task?, merchant?, orders?);
    if limits.rate.is_empty() && !merchant.is_on_loopback() {
        let node = top.get("limits").unwrap_or(root);
        reader.fault(node, "limits.rate unlimited is for loopback only", "give a rate such as 5/s");
    }
    if merchant.environment != Environment::Simulator && retries.inquire_after < limits::SOONEST_INQUIRY {
        let node = top.get("retries").unwrap_or(root);
        reader.fault(node, "retries.inquire_after is under 60s", "DOKU asks to wait 60 s before a status inquiry");
    }
    Some(Job {
        name,
        task,
        merchant,
        orders,
        limits,
        retries,
        guards,
        approval,
        breaker,
        canary,
        window,
        notifications,
        reconcile,
        output,
        healthcheck,
        settlement,
        journal: journal.to_owned(),
        places: Places::of(root),
    })
}

fn read_merchant(reader: &mut Reader<'_>, node: &Node) -> Option<Merchant> {
    let keys = ["environment", "client_id", "secret_key", "base_url", "state", "notify"];
    let section = reader.section(node, "merchant", &keys)?;
    let words = Environment::ALL.map(|environment| (environment.word(), environment));
    let environment = reader.required(&section, "merchant", "environment", "one of simulator, sandbox, production");
    let environment = environment.and_then(|node| reader.word(node, "merchant.environment", &words));
    let client_id =
        section.get("client_id").and_then(|node| read_reference(reader, node, "merchant.client_id", Key::Public));
    let secret_keys = section.get("secret_key").map(|node| read_secret_keys(reader, node)).unwrap_or_default();
    let base_url = section.get("base_url").and_then(|node| {
        reader.parse(
            node,
            "merchant.base_url",
            "an https URL, or http on loopback: a host, a port from 1 to 65535 if any, and no path",
            hosts::base_url,
        )
    });
    let state = section.get("state").and_then(|node| {
        let state = reader.text(node, "merchant.state")?;
        check_template(reader, node, state);
        Some(state.to_owned())
    });
    let notify = section.get("notify").and_then(|node| {
        let expected = "http on loopback without a path, e.g. http://127.0.0.1:8080; the path is notifications.path";
        let here = |text: &str| hosts::base_url(text).filter(|url| url.starts_with("http://"));
        reader.parse(node, "merchant.notify", expected, here)
    });
    let environment = environment?;
    if environment != Environment::Simulator {
        for key in ["client_id", "secret_key"] {
            reader.required(&section, "merchant", key, "name where it is: `env:NAME` or `file:PATH`");
        }
    }
    for key in ["state", "notify"] {
        if let Some(node) = section.get(key)
            && (environment != Environment::Simulator || base_url.is_some())
        {
            reader.fault(node, format!("merchant.{key} is for the embedded simulator"), "leave it out here");
        }
    }
    if let Some(url) = &base_url
        && let Some(why) = wrong_host(environment, url)
        && let Some(node) = section.get("base_url")
    {
        reader.fault(
            node,
            format!("merchant.base_url is not for the {environment}: {why}"),
            "make environment and base_url agree",
        );
    }
    Some(Merchant { environment, client_id, secret_keys, base_url, state, notify })
}

/// One key, or several, newest first.
fn read_secret_keys(reader: &mut Reader<'_>, node: &Node) -> Vec<Reference> {
    let what = "merchant.secret_key";
    let Value::List(items) = &node.value else {
        return read_reference(reader, node, what, Key::Secret).into_iter().collect();
    };
    if items.is_empty() {
        reader.fault(node, format!("{what} is an empty list"), "name where the key is: `env:NAME` or `file:PATH`");
    }
    items.iter().filter_map(|item| read_reference(reader, item, what, Key::Secret)).collect()
}

/// Whether a message may show the line that holds it.
#[derive(Clone, Copy)]
enum Key {
    Public,
    Secret,
}

/// `env:NAME` or `file:PATH`. The message does not repeat the text: it may be the secret itself.
fn read_reference(reader: &mut Reader<'_>, node: &Node, what: &str, key: Key) -> Option<Reference> {
    if let (Key::Secret, Value::List(_) | Value::Map(_)) = (key, &node.value) {
        let hint = "name where each key is: `env:NAME` or `file:PATH`";
        reader.fault_at_secret(node, format!("{what} is not a single value"), hint);
        return None;
    }
    let text = reader.text(node, what)?;
    let reference = match text.split_once(':') {
        Some(("env", name)) if is_variable(name) => Some(Reference::Env(name.to_owned())),
        Some(("file", path)) if !path.is_empty() => Some(Reference::File(path.to_owned())),
        _ => None,
    };
    if reference.is_none() {
        let message = format!("{what} is neither env:NAME nor file:PATH");
        let hint = "a job file never holds a key; put it into an environment variable or a file and name that";
        match key {
            Key::Public => reader.fault(node, message, hint),
            Key::Secret => reader.fault_at_secret(node, message, hint),
        }
    }
    reference
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn read_output(reader: &mut Reader<'_>, node: Option<&Node>) -> Output {
    let mut output = Output::default();
    let Some(section) =
        node.and_then(|node| reader.section(node, "output", &["directory", "formats", "language", "metrics"]))
    else {
        return output;
    };
    if let Some(node) = section.get("directory")
        && let Some(directory) = reader.text(node, "output.directory")
    {
        directory.clone_into(&mut output.directory);
        check_template(reader, node, directory);
    }
    let words = [
        ("csv", OutputFormat::Csv),
        ("json", OutputFormat::Json),
        ("html", OutputFormat::Html),
        ("xlsx", OutputFormat::Xlsx),
    ];
    if let Some(items) = section.get("formats").and_then(|node| reader.list(node, "output.formats")) {
        output.formats = items.iter().filter_map(|item| reader.word(item, "output.formats", &words)).collect();
        if output.formats.contains(&OutputFormat::Xlsx) && !output.formats.contains(&OutputFormat::Csv) {
            output.formats.push(OutputFormat::Csv);
        }
    }
    if let Some(node) = section.get("language") {
        output.language = reader.word(node, "output.language", &Language::WORDS).unwrap_or_default();
    }
    if let Some(node) = section.get("metrics") {
        // The textfile collector reads no other name, and a date in it would leave old files behind that never change.
        let is_read = |text: &str| Path::new(text).extension().is_some_and(|end| end == "prom") && !text.contains('{');
        let expected = "a path that ends in .prom, without {date}";
        output.metrics = reader.parse(node, "output.metrics", expected, |text| is_read(text).then(|| text.to_owned()));
    }
    output
}

/// Where the URL is that tells a monitoring service how runs end. Whoever knows the URL can say so in our place.
fn read_healthcheck(reader: &mut Reader<'_>, node: &Node) -> Option<Reference> {
    if let Value::Scalar(_) = node.value {
        let hint = "write healthcheck: {url: env:HC_URL}; the URL is a secret";
        reader.fault_at_secret(node, "healthcheck is not a map", hint);
        return None;
    }
    let section = reader.section(node, "healthcheck", &["url"])?;
    let url = reader.required(&section, "healthcheck", "url", "name where the URL is: `env:HC_URL` or `file:PATH`")?;
    read_reference(reader, url, "healthcheck.url", Key::Secret)
}

fn read_settlement(reader: &mut Reader<'_>, node: &Node, task: Option<Task>) -> Vec<Settlement> {
    if task.is_some_and(|task| task != Task::Change(Operation::Create)) {
        reader.fault(node, "settlement is for create jobs", "leave it out here");
    }
    let Some(items) = reader.list(node, "settlement") else { return Vec::new() };
    let mut entries: Vec<Settlement> = Vec::new();
    for item in items {
        let Some(entry) = read_settlement_entry(reader, item) else { continue };
        if entries.iter().any(|known| known.account == entry.account) {
            reader.fault(item, format!("account {:?} is there twice", entry.account), "one entry per account");
        }
        entries.push(entry);
    }
    let percent: u32 = entries
        .iter()
        .map(|entry| if let Share::Percentage(percent) = entry.share { u32::from(percent) } else { 0 })
        .sum();
    if percent > 100 {
        reader.fault(node, format!("the settlement gives away {percent} percent"), "at most 100 percent in all");
    }
    entries
}

fn read_settlement_entry(reader: &mut Reader<'_>, node: &Node) -> Option<Settlement> {
    let section = reader.section(node, "settlement", &["bank_account_settlement_id", "value", "type"])?;
    let account = reader
        .required(&section, "settlement", "bank_account_settlement_id", "the Bank Settlement ID of the Back Office")
        .and_then(|node| reader.text(node, "settlement.bank_account_settlement_id"));
    let kind = reader.required(&section, "settlement", "type", "PERCENTAGE or FIX");
    let kind = kind.and_then(|node| reader.word(node, "settlement.type", &[("PERCENTAGE", true), ("FIX", false)]));
    let value = reader.required(&section, "settlement", "value", "percent or rupiah")?;
    let share = if kind? {
        let percent = |text: &str| whole(text).filter(|percent| (1..=100).contains(percent));
        Share::Percentage(reader.parse(value, "settlement.value", "a whole number of percent, 1 to 100", percent)?)
    } else {
        let amount = |text: &str| Rupiah::parse_amount(text, AmountStyle::Plain).ok();
        Share::Fix(reader.parse(value, "settlement.value", "whole rupiah without separators", amount)?)
    };
    Some(Settlement { account: account?.to_owned(), share })
}
