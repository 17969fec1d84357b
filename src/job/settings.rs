//! The ready job: every value checked, every default filled in. The defaults stand here and nowhere else in the code;
//! `jobs/template.yaml` writes them out, and a test keeps the two equal.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

pub use super::approval::{Approval, Approver, ApproverKey, Band};
pub use super::growth::{FEWEST_RUNS, Factor, Growth};
use super::hosts::is_loopback;
use super::places::Places;
pub use super::reconcile::{Period, Reconcile, Severity, Threshold};
use crate::model::environment::Environment;
use crate::model::fault::Place;
use crate::model::ids::JobName;
use crate::model::language::Language;
use crate::model::moment::Moment;
use crate::model::money::{AmountStyle, Rupiah};
use crate::model::operation::Task;
use crate::model::order::Settlement;
use crate::model::status::BookStatus;
use crate::model::table::{Format, Position, Written};
use crate::model::time::Zone;
use crate::model::time_style::{NotATime, TimeStyle};

/// One YAML file: what to do, for which merchant, to which orders, within which limits.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// Names the output folder.
    pub name: JobName,
    /// What is done.
    pub task: Task,
    /// For whom, and where calls go.
    pub merchant: Merchant,
    /// Which orders.
    pub orders: Orders,
    /// How fast.
    pub limits: Limits,
    /// How often, and for how long.
    pub retries: Retries,
    /// What a plan must satisfy; `None` only where no money changes.
    pub guards: Option<Guards>,
    /// Who must approve a plan, and how long it is good for.
    pub approval: Approval,
    /// When to stop because the provider is ill.
    pub breaker: Breaker,
    /// So many orders are sent first, and the others only once all of them are proven. `None`: all alike.
    pub canary: Option<NonZeroU32>,
    /// When to send; `None`: at any time.
    pub window: Option<Window>,
    /// What DOKU said.
    pub notifications: Notifications,
    /// How to judge.
    pub reconcile: Reconcile,
    /// What to write.
    pub output: Output,
    /// Where the URL of a health check is, which is a secret. `None`: none is pinged.
    pub healthcheck: Option<Reference>,
    /// Split settlement, sent with every creation.
    pub settlement: Vec<Settlement>,
    /// Path or URL of the journal, relative to the job file.
    pub journal: String,
    /// Where all of this stands.
    pub places: Places,
}

/// Whose orders, and where calls go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merchant {
    /// Part of the identity of every item.
    pub environment: Environment,
    /// Where the client id is; the simulator may do without.
    pub client_id: Option<Reference>,
    /// Where the secret keys are, newest first: the first signs, and any of them proves a notification. Empty: the
    /// simulator's own.
    pub secret_keys: Vec<Reference>,
    /// Replaces the environment's host; without a trailing slash.
    pub base_url: Option<String>,
    /// The embedded simulator's starting state; a path relative to the job file.
    pub state: Option<String>,
    /// Where the embedded simulator posts notifications: scheme, host and port, on loopback; the path is
    /// [`Notifications::path`].
    pub notify: Option<String>,
}

impl Merchant {
    /// Whether calls stay on this machine.
    #[must_use]
    pub fn is_on_loopback(&self) -> bool {
        self.base_url.as_deref().map_or(self.environment == Environment::Simulator, is_loopback)
    }
}

/// Where a credential is; never the credential itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// In an environment variable.
    Env(String),
    /// In a file, relative to the job file.
    File(String),
}

/// Which orders, and how to read them.
#[derive(Debug, Clone, PartialEq)]
pub struct Orders {
    /// Where they are.
    pub source: Source,
    /// How the file is written.
    pub format: Format,
    /// How its amounts are written.
    pub amounts: AmountStyle,
    /// How its times are written.
    pub times: TimeStyle,
    /// Our field: their column. Fields left out have the same name in the file, if it has them.
    pub columns: BTreeMap<Field, Column>,
    /// All must hold; rows for which one does not are skipped.
    pub conditions: Vec<Condition>,
    /// Their status word: ours.
    pub statuses: Vec<(String, BookStatus)>,
    /// The zone of times without one.
    pub zone: Zone,
    /// What to do with bad rows.
    pub on_invalid: OnInvalid,
    /// What the file must add up to. `None`: no check.
    pub control: Option<Control>,
}

impl Orders {
    /// A time as the file writes them.
    ///
    /// # Errors
    /// It is none.
    pub fn time(&self, text: &str) -> Result<Moment, NotATime> {
        self.times.read(text, self.zone)
    }

    /// A status of the book in our words; `None` if it is neither mapped nor one of them.
    #[must_use]
    pub fn book_status(&self, word: &str) -> Option<BookStatus> {
        let mapped = self.statuses.iter().find(|(theirs, _)| theirs == word).map(|(_, ours)| *ours);
        mapped.or_else(|| BookStatus::from_word(word))
    }
}

/// Where the orders are.
#[derive(Debug, Clone, PartialEq)]
pub enum Source {
    /// A file; `{date}` is not filled in yet.
    File(String),
    /// In the job itself.
    Rows(InlineRows),
}

/// A handful of orders written into the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineRows {
    /// Where they begin in the job file.
    pub start: Position,
    /// All keys that occur.
    pub header: Vec<String>,
    /// For each row its places in the job file and its values, in the order of the header; absent ones are empty.
    pub rows: Vec<(Written, Vec<String>)>,
}

/// A field of ours that a column can be mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names are the words of the job file")]
pub enum Field {
    InvoiceNumber,
    Amount,
    PaymentReference,
    OrderId,
    AkulakuReference,
    BookStatus,
    CreatedAt,
    ExpiresAt,
    CallbackUrl,
    LineItemName,
    LineItemPrice,
    LineItemQuantity,
    LineItemSku,
    LineItemCategory,
    CustomerId,
    CustomerName,
    CustomerPhone,
    CustomerAddress,
    CustomerCity,
    CustomerState,
    CustomerPostcode,
}

impl Field {
    /// All fields with their words.
    pub const WORDS: [(&'static str, Self); 21] = [
        ("invoice_number", Self::InvoiceNumber),
        ("amount", Self::Amount),
        ("payment_reference", Self::PaymentReference),
        ("order_id", Self::OrderId),
        ("akulaku_reference", Self::AkulakuReference),
        ("book_status", Self::BookStatus),
        ("created_at", Self::CreatedAt),
        ("expires_at", Self::ExpiresAt),
        ("callback_url", Self::CallbackUrl),
        ("line_items.name", Self::LineItemName),
        ("line_items.price", Self::LineItemPrice),
        ("line_items.quantity", Self::LineItemQuantity),
        ("line_items.sku", Self::LineItemSku),
        ("line_items.category", Self::LineItemCategory),
        ("customer.id", Self::CustomerId),
        ("customer.name", Self::CustomerName),
        ("customer.phone", Self::CustomerPhone),
        ("customer.address", Self::CustomerAddress),
        ("customer.city", Self::CustomerCity),
        ("customer.state", Self::CustomerState),
        ("customer.postcode", Self::CustomerPostcode),
    ];

    /// The word in job files; also the default name of the column.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, field)| *field == self).map_or("", |(word, _)| word)
    }

    /// Whether this is one line of an order rather than the order itself.
    #[must_use]
    pub const fn is_line_item(self) -> bool {
        matches!(
            self,
            Self::LineItemName
                | Self::LineItemPrice
                | Self::LineItemQuantity
                | Self::LineItemSku
                | Self::LineItemCategory
        )
    }
}

/// Where a field's value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// The column of that header.
    Header(String),
    /// The same for every row.
    Value(String),
}

/// One condition of `where`. It compares the file's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// Of which field.
    pub field: Field,
    /// What must hold.
    pub test: Test,
    /// Where the job says so.
    pub place: Place,
}

/// What must hold for a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// It is one of these words.
    OneOf(Vec<String>),
    /// The amount is in this range, both ends included.
    Amount {
        /// `None`: no lower end.
        at_least: Option<Rupiah>,
        /// `None`: no upper end.
        at_most: Option<Rupiah>,
    },
    /// The time is more than this ago.
    OlderThan(Duration),
    /// The time is at most this ago, or still to come.
    Within(Duration),
}

/// What to do with bad rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnInvalid {
    /// Refuse the whole file.
    Refuse,
    /// Leave them out and say so.
    Skip,
}

/// What the file must add up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Control {
    /// Number of rows. `None`: not checked.
    pub rows: Option<u64>,
    /// Sum of the amounts. `None`: not checked.
    pub amount: Option<Rupiah>,
}

/// How fast.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// All quotas hold together; empty: unlimited, on loopback only.
    pub rate: Vec<Quota>,
    /// How many calls may follow each other at once.
    pub burst: NonZeroU32,
    /// How many calls may be under way at once.
    pub concurrency: NonZeroU32,
    /// The longest that one call may take as a whole.
    pub timeout: Duration,
}

/// So many calls in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Calls.
    pub calls: NonZeroU32,
    /// In this time: a second, a minute or an hour.
    pub per: Duration,
}

/// How often, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retries {
    /// Requests on the wire per item and run, inquiries not counted.
    pub attempts: NonZeroU32,
    /// The least time before the first resend of the same key.
    pub backoff_first: Duration,
    /// The most that it grows to.
    pub backoff_most: Duration,
    /// After this time from the first intent the same key is never sent again.
    pub horizon: Duration,
    /// The least time between the last request and a status inquiry.
    pub inquire_after: Duration,
    /// How long a run goes on settling unknown items after its last send.
    pub settle_for: Duration,
}

/// What a plan must satisfy before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guards {
    /// Most orders to send in one run.
    pub max_orders: u64,
    /// Most rupiah to send in one run.
    pub max_total: Rupiah,
    /// Most rupiah of one order; a larger one is held. `None`: no limit.
    pub max_order: Option<Rupiah>,
    /// Most percent of the input's rows, when it has 40 or more. `None`: no limit.
    pub max_share: Option<u8>,
    /// How much larger than the job's last runs. `None`: no limit.
    pub max_growth: Option<Growth>,
    /// Most orders of one business day, over all jobs and runs of the account. `None`: no limit.
    pub max_orders_per_day: Option<u64>,
    /// Most rupiah of one business day, over all jobs and runs of the account. `None`: no limit.
    pub max_total_per_day: Option<Rupiah>,
    /// What to do with an input that a run of the job has finished already.
    pub duplicate_input: DuplicateInput,
    /// Refund: hold what has no verified SUCCESS notification.
    pub require_paid: bool,
    /// Cancel: hold what has a verified SUCCESS notification.
    pub refuse_paid: bool,
}

/// What to do with an input that a run of the job has finished already; the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DuplicateInput {
    /// Refuse the plan.
    Refuse,
    /// Say so.
    Warn,
    /// Nothing: what is done is not done again in any case.
    Allow,
}

impl DuplicateInput {
    /// All of them with their words.
    pub const WORDS: [(&'static str, Self); 3] =
        [("refuse", Self::Refuse), ("warn", Self::Warn), ("allow", Self::Allow)];

    /// The word in job files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Warn => "warn",
            Self::Allow => "allow",
        }
    }
}

/// When to stop because the provider is ill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Breaker {
    /// So many failures in a row.
    pub consecutive: NonZeroU32,
    /// So many percent ...
    pub failures: u8,
    /// ... of the last so many attempts.
    pub of_last: NonZeroU32,
}

/// The hours in which calls may be made. `from` later than `until` spans midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Opens, in minutes after midnight.
    pub from: u16,
    /// Closes, in minutes after midnight.
    pub until: u16,
    /// Whose midnight.
    pub zone: Zone,
}

/// What DOKU said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notifications {
    /// Globs relative to the job file; `{date}` is not filled in yet. [`STDIN`] is standard input.
    pub files: Vec<String>,
    /// The Request-Target that DOKU signed.
    pub path: String,
    /// Where the parts of a line are in a log that is not of our own form. `None`: it is.
    pub fields: Option<LogFields>,
}

/// The name of standard input among the files of a log.
pub const STDIN: &str = "-";

/// Which keys of a log's lines hold what. A key inside others is written as a path: `request.headers`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogFields {
    /// When the notification was received.
    pub received_at: String,
    /// The path that it was sent to.
    pub path: String,
    /// Its headers.
    pub headers: LogHeaders,
    /// Its body.
    pub body: String,
}

/// Where the headers of a logged notification are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogHeaders {
    /// All below one key, under their own names.
    Map(String),
    /// Each under a key of its own.
    Each {
        /// `Client-Id`; the docs promise it, and nothing depends on it.
        client_id: Option<String>,
        /// `Request-Id`.
        request_id: String,
        /// `Request-Timestamp`.
        request_timestamp: String,
        /// `Signature`.
        signature: String,
    },
}

impl Default for LogFields {
    fn default() -> Self {
        Self {
            received_at: "received_at".into(),
            path: "path".into(),
            headers: LogHeaders::Map("headers".into()),
            body: "body".into(),
        }
    }
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Relative to the job file.
    pub directory: String,
    /// Which files; results.csv and summary.json are always written.
    pub formats: Vec<OutputFormat>,
    /// Of report.html.
    pub language: Language,
    /// Where the metrics of the latest run go, relative to the job file. `None`: nowhere.
    pub metrics: Option<String>,
}

/// A kind of file that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// results.csv, reconciliation.csv, unmatched.csv.
    Csv,
    /// summary.json.
    Json,
    /// report.html.
    Html,
    /// audit.xlsx, which is made of the CSV files: who wants it has these too.
    Xlsx,
}

const fn count(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("a default is not zero")
}

impl Default for Limits {
    fn default() -> Self {
        let rate = vec![Quota { calls: count(5), per: Duration::from_secs(1) }];
        Self { rate, burst: count(1), concurrency: count(4), timeout: Duration::from_secs(30) }
    }
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            attempts: count(6),
            backoff_first: Duration::from_secs(5),
            backoff_most: Duration::from_secs(60),
            horizon: Duration::from_secs(24 * 3600),
            inquire_after: Duration::from_secs(60),
            settle_for: Duration::from_secs(5 * 60),
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self { consecutive: count(5), failures: 30, of_last: count(20) }
    }
}

impl Default for Notifications {
    fn default() -> Self {
        Self { files: Vec::new(), path: "/payments/notifications".into(), fields: None }
    }
}

impl Default for Output {
    fn default() -> Self {
        let formats = vec![OutputFormat::Csv, OutputFormat::Json, OutputFormat::Html];
        Self { directory: "out".into(), formats, language: Language::English, metrics: None }
    }
}

impl Guards {
    /// Guards with these limits and the default for everything else.
    #[must_use]
    pub const fn new(max_orders: u64, max_total: Rupiah) -> Self {
        Self {
            max_orders,
            max_total,
            max_order: None,
            max_share: None,
            max_growth: None,
            max_orders_per_day: None,
            max_total_per_day: None,
            duplicate_input: DuplicateInput::Allow,
            require_paid: false,
            refuse_paid: true,
        }
    }
}

/// Where the journal is unless the job or the command line says otherwise.
pub const DEFAULT_JOURNAL: &str = ".rekon/journal.db";

impl Job {
    /// Whether the simulator runs inside this program.
    #[must_use]
    pub const fn embeds_simulator(&self) -> bool {
        matches!(self.merchant.environment, Environment::Simulator) && self.merchant.base_url.is_none()
    }
}
