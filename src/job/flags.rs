//! A job made of command-line flags instead of YAML: `rekon refund ORDERS.csv --environment NAME`.

use std::collections::BTreeMap;

use super::hosts::{base_url, is_loopback, wrong_host};
use super::limits::{RATE, parse_quota};
use super::orders::{DELIMITERS, ENCODINGS, STYLES, TIMES, field};
use super::places::Places;
use super::settings::{
    Approval, Breaker, Column, DEFAULT_JOURNAL, Job, Limits, Merchant, Notifications, OnInvalid, Orders, Output,
    Reconcile, Reference, Retries, STDIN, Source,
};
use crate::model::environment::Environment;
use crate::model::ids::JobName;
use crate::model::money::AmountStyle;
use crate::model::operation::{Operation, Task};
use crate::model::table::{Delimiter, Encoding, Format};
use crate::model::time::Zone;
use crate::model::time_style::TimeStyle;

/// The variables that hold the keys when there is no job file (`DESIGN` 3).
pub const VARIABLES: (&str, &str) = ("DOKU_CLIENT_ID", "DOKU_SECRET_KEY");

/// What the flags say, as text.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// `--environment`.
    pub environment: String,
    /// `--base-url`.
    pub base_url: Option<String>,
    /// `--column field=Header`.
    pub columns: Vec<String>,
    /// `--delimiter`.
    pub delimiter: Option<String>,
    /// `--encoding`.
    pub encoding: Option<String>,
    /// `--amounts`.
    pub amounts: Option<String>,
    /// `--times`.
    pub times: Option<String>,
    /// `--rate`.
    pub rate: Option<String>,
    /// `--notifications`.
    pub notifications: Vec<String>,
    /// `--notification-path`.
    pub notification_path: Option<String>,
    /// `--output`.
    pub output: Option<String>,
    /// Whether the keys are in the environment; the simulator may do without.
    pub keys: Keys,
}

/// Whether the merchant's keys were found in the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Keys {
    /// Both variables are set.
    Set,
    /// At least one is not.
    #[default]
    Absent,
}

/// Makes the job. It has no guards yet: those follow from further flags and from the file.
///
/// # Errors
/// Everything that is wrong with the flags.
pub fn job(operation: Operation, orders_file: &str, stem: &str, flags: &Flags) -> Result<Job, Vec<String>> {
    let mut faults = Vec::new();
    let environment = Environment::from_word(&flags.environment);
    if environment.is_none() {
        faults.push(format!("--environment {:?} is none of simulator, sandbox, production", flags.environment));
    }
    let base = flags.base_url.as_deref().map(|url| {
        let checked = base_url(url);
        if checked.is_none() {
            faults.push(format!("--base-url {url:?} is not an https URL, or http on loopback: a host, a port from 1 to 65535 if any, and no path"));
        }
        checked.unwrap_or_default()
    });
    if let (Some(environment), Some(url)) = (environment, &base)
        && let Some(why) = wrong_host(environment, url)
    {
        faults.push(format!("--base-url is not for the {environment}: {why}"));
    }
    let columns = read_columns(&flags.columns, &mut faults);
    let delimiter = word("--delimiter", flags.delimiter.as_deref(), &DELIMITERS, Delimiter::Auto, &mut faults);
    let encoding = word("--encoding", flags.encoding.as_deref(), &ENCODINGS, Encoding::Utf8, &mut faults);
    let amounts = word("--amounts", flags.amounts.as_deref(), &STYLES, AmountStyle::Plain, &mut faults);
    let times = word("--times", flags.times.as_deref(), &TIMES, TimeStyle::Iso, &mut faults);
    let on_loopback = base.as_deref().map_or(environment == Some(Environment::Simulator), is_loopback);
    let mut limits = Limits::default();
    match flags.rate.as_deref() {
        None => {}
        Some("unlimited") if on_loopback => limits.rate.clear(),
        Some("unlimited") => faults.push("--rate unlimited is for loopback only; give a rate such as 5/s".to_owned()),
        Some(rate) => match parse_quota(rate) {
            Some(quota) => limits.rate = vec![quota],
            None => faults.push(format!("--rate {rate:?} is not {RATE}")),
        },
    }
    let named = environment != Some(Environment::Simulator) || flags.keys == Keys::Set;
    let reference = |variable: &str| named.then(|| Reference::Env(variable.to_owned()));
    if flags.notifications.iter().any(|file| file == STDIN) {
        faults.push("--notifications - is for audits: what changes money reads its log twice; name a file".to_owned());
    }
    let mut notifications = Notifications { files: flags.notifications.clone(), ..Notifications::default() };
    if let Some(path) = &flags.notification_path {
        notifications.path.clone_from(path);
    }
    let mut output = Output::default();
    if let Some(directory) = &flags.output {
        output.directory.clone_from(directory);
    }
    let (Some(environment), true) = (environment, faults.is_empty()) else { return Err(faults) };
    Ok(Job {
        name: job_name(operation, stem),
        task: Task::Change(operation),
        merchant: Merchant {
            environment,
            client_id: reference(VARIABLES.0),
            secret_keys: reference(VARIABLES.1).into_iter().collect(),
            base_url: base,
            state: None,
            notify: None,
        },
        orders: Orders {
            source: Source::File(orders_file.to_owned()),
            format: Format { delimiter, encoding },
            amounts,
            times,
            columns,
            conditions: Vec::new(),
            statuses: Vec::new(),
            zone: Zone::WIB,
            on_invalid: OnInvalid::Refuse,
            control: None,
        },
        limits,
        retries: Retries::default(),
        guards: None,
        approval: Approval::default(),
        breaker: Breaker::default(),
        canary: None,
        window: None,
        notifications,
        reconcile: Reconcile::default(),
        output,
        healthcheck: None,
        settlement: Vec::new(),
        journal: DEFAULT_JOURNAL.to_owned(),
        places: Places::default(),
    })
}

/// `refund-orders` from the operation and the file's name, in the letters of a job name.
fn job_name(operation: Operation, stem: &str) -> JobName {
    let plain = |character: char| if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' };
    let name: String = operation.word().chars().chain(['-']).chain(stem.chars().map(plain)).take(64).collect();
    JobName::new(&name).expect("an operation, a hyphen and letters of a job name")
}

fn word<T: Copy>(flag: &str, text: Option<&str>, words: &[(&str, T)], default: T, faults: &mut Vec<String>) -> T {
    let Some(text) = text else { return default };
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
        return *value;
    }
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).filter(|word| *word != "\t").collect();
    faults.push(format!("{flag} {text:?} is none of {}", known.join(" ")));
    default
}

fn read_columns(columns: &[String], faults: &mut Vec<String>) -> BTreeMap<super::settings::Field, Column> {
    let mut map = BTreeMap::new();
    for text in columns {
        let parts = text.split_once('=').and_then(|(word, header)| Some((field(word)?, header)));
        match parts {
            Some((field, header)) if !header.is_empty() => {
                map.insert(field, Column::Header(header.to_owned()));
            }
            _ => faults.push(format!("--column {text:?} is not FIELD=HEADER with a field of the job file")),
        }
    }
    map
}
