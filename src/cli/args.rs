//! The command line as it is typed.

mod values;

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use self::values::{
    body_size, connections, file_size, language, memory, operation, patience, period, person, threads, time_of_day,
    user, zone,
};
use super::log::{Level, LogFormat};
use crate::job::settings::Period;
use crate::model::language::Language;
use crate::model::operation::Operation;
use crate::model::time::Zone;
use crate::simulator::HURRY;

/// Cancels, refunds and creates Akulaku PayLater orders through DOKU from job files and CSV exports; never does a thing
/// twice, and reconciles with DOKU's notifications.
///
/// Exit codes: 0 done and reconciled; 1 done, but a person must look; 2 could not start, nothing was sent; 3 money is in
/// doubt, run again soon; 4 stopped part-way, run again; 5 another runner is at work.
#[derive(Debug, Parser)]
#[command(name = "rekon", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
    #[command(flatten)]
    pub(super) common: Common,
}

/// Flags of every command.
#[derive(Debug, Clone, Args)]
pub(super) struct Common {
    /// One JSON document on stdout instead of tables.
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// No progress and no notes; tables, faults and errors all the same.
    #[arg(long, global = true)]
    pub(super) quiet: bool,
    /// Colour on terminals only, always, or never.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// The log on stderr: lines for people, or one JSON object per line and nothing else.
    #[arg(long, global = true, value_name = "FORMAT", default_value = "text")]
    pub(super) log_format: LogFormat,
    /// How much of it: error, warn, info or debug, which has every attempt; else `REKON_LOG`, else info.
    #[arg(long, global = true, value_name = "LEVEL", hide_possible_values = true)]
    pub(super) log_level: Option<Level>,
    /// Journal: a path relative to the current directory, instead of the job's.
    #[arg(long, global = true, value_name = "URL")]
    pub(super) journal: Option<String>,
    /// The language of results (tables, Markdown, audit.xlsx, report.html), instead of the job's: en, or id for Bahasa Indonesia.
    #[arg(long, global = true, value_name = "LANGUAGE", value_parser = language)]
    pub(super) lang: Option<Language>,
    /// Business date in WIB that fills {date}; today if left out.
    #[arg(long, global = true, value_name = "2026-11-21")]
    pub(super) date: Option<String>,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Write a first job with sample orders, which runs as it is; replaces no file.
    Init(InitArgs),
    /// Plan, check the guards, send, settle, reconcile, report. Run it again and it continues.
    Run(PlannedArgs),
    /// Show what `run` would do, guard by guard; sends nothing.
    Plan {
        /// The job file.
        job: PathBuf,
        /// Saves the plan as a file that binds, to be approved and run with `rekon run JOB --plan FILE`.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
        #[command(flatten)]
        overrides: OverrideArgs,
        #[command(flatten)]
        paper: PaperArgs,
        /// Who makes the saved plan, and so cannot approve it. Left out: the user of the system; a job with approval bands needs it.
        #[arg(long, value_name = "NAME", requires = "out", value_parser = person)]
        maker: Option<String>,
    },
    /// Validate job files and every input row; lists all faults at once.
    Check {
        /// Job files.
        #[arg(required = true)]
        jobs: Vec<PathBuf>,
    },
    /// Look whether a run could start here: keys, clock, host, disk, journal, log; changes nothing.
    ///
    /// Exit code 0 if it could, with or without warnings; 2 if it could not.
    Doctor(DoctorArgs),
    /// Verdicts from orders, results or journal, and the notification log; sends nothing.
    Reconcile(ReconcileArgs),
    /// Settle unknown items of a job: the same key again inside the horizon, then a status inquiry.
    Resolve(RunArgs),
    /// Print the lines of cron or the units of systemd that run a job every day; nothing is installed.
    Schedule(ScheduleArgs),
    /// Print the JSON Schema of job files, for editors.
    Schema,
    /// Runs; one run; everything known about one invoice; or a saved plan.
    Show {
        /// A run, an invoice number, or a saved plan.json; nothing lists the runs.
        what: Option<String>,
        /// The job whose journal is looked at; else --journal, else .rekon/journal.db here. Of an audit: why an invoice has its
        /// verdict.
        #[arg(long, value_name = "JOB")]
        job: Option<PathBuf>,
        /// Fixes the clock of an audit: 2026-11-30T17:00:00Z.
        #[arg(long, value_name = "TIME", requires = "job")]
        as_of: Option<String>,
        /// The business days of an audit, instead of the job's, as `rekon reconcile` takes them.
        #[arg(long, value_name = "DAYS", value_parser = period, requires = "job")]
        period: Option<Period>,
        #[command(flatten)]
        paper: PaperArgs,
    },
    /// Rule about an order that only a person can settle any more; refused while it may still settle by itself.
    Rule(RuleArgs),
    /// Have refused orders sent anew by the next run whose orders have them, under a new key.
    Reopen(ReopenArgs),
    /// Look after the journal: check it, copy it.
    Journal {
        #[command(subcommand)]
        command: JournalCommand,
    },
    /// Refund the orders of a CSV file without a job file; keys from `DOKU_CLIENT_ID` and `DOKU_SECRET_KEY`.
    Refund(FlagArgs),
    /// Cancel the orders of a CSV file without a job file.
    Cancel(FlagArgs),
    /// Create the orders of a CSV file without a job file.
    Create(FlagArgs),
    /// DOKU's Akulaku API on loopback, with faults on request.
    Simulate(SimulateArgs),
    /// Receive DOKU's notifications: verify each, write it to the log, and only then answer 200.
    Listen(ListenArgs),
    /// Print a script that completes commands and flags, for a shell to read.
    Completions {
        /// Whose language it is in.
        shell: Shell,
    },
    /// Pages of the manual, one for each command.
    Man {
        /// Where to; older pages are replaced. Left out: all of them to stdout.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Job files; without one only this machine is looked at.
    pub(super) jobs: Vec<PathBuf>,
    /// Leaves the network out.
    #[arg(long)]
    pub(super) offline: bool,
}

#[derive(Debug, Args)]
pub(super) struct InitArgs {
    /// What the job is for.
    pub(super) kind: Kind,
    /// Where to; made if it is not there.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(super) folder: PathBuf,
}

/// What a first job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Gives money back.
    Refund,
    /// Cancels what was not paid.
    Cancel,
    /// Makes orders that customers can pay.
    Create,
    /// Holds the books against DOKU's notifications; sends nothing.
    Audit,
}

#[derive(Debug, Args)]
pub(super) struct PlannedArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// Shows customers' data in report.html instead of masking them; recorded in summary.json.
    #[arg(long)]
    pub(super) reveal: bool,
    /// Executes exactly this saved plan, or refuses; {date} in the name is the business date.
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The job file.
    pub(super) job: PathBuf,
    /// Needed for production, refused elsewhere.
    #[arg(long)]
    pub(super) live: bool,
    /// Fixes the clock of an audit: 2026-11-30T17:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) as_of: Option<String>,
    #[command(flatten)]
    pub(super) overrides: OverrideArgs,
}

/// Flags of a command that writes files.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct OutputArgs {
    /// Also writes results.safe.csv and so on: the CSV files for a spreadsheet, where nothing in them can become a formula.
    #[arg(long)]
    pub(super) spreadsheet_safe: bool,
    #[command(flatten)]
    pub(super) paper: PaperArgs,
}

/// Flags of a command whose result is told to others.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PaperArgs {
    /// Tables for a terminal, or Markdown to paste into a chat or an e-mail; not with --json.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Paper,
}

/// What stdout is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Paper {
    /// A terminal.
    Text,
    /// A message to others.
    Md,
}

/// Flags that loosen guards for one run.
#[derive(Debug, Clone, Default, Args)]
pub(super) struct OverrideArgs {
    /// Loosens one guard of the job for this run: `max_total=90000000`; may be repeated, and needs --reason.
    #[arg(long = "override", value_name = "GUARD=VALUE")]
    pub(super) overrides: Vec<String>,
    /// Why, in a line; goes into the journal and the summary.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReconcileArgs {
    /// The job file.
    pub(super) job: PathBuf,
    /// Fixes the clock, so that the same inputs give the same bytes: 2026-11-30T17:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(super) as_of: Option<String>,
    #[command(flatten)]
    pub(super) audit: AuditArgs,
    #[command(flatten)]
    pub(super) output: OutputArgs,
}

/// Flags of an audit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Args)]
pub(super) struct AuditArgs {
    /// Business days of an audit in WIB, instead of the job's: day, month, 2026-11-21, 2026-11, 2026-11-01..2026-11-15, all.
    #[arg(long, value_name = "DAYS", value_parser = period)]
    pub(super) period: Option<Period>,
    /// Do with about so much memory, and put the rest on disk: 512MiB.
    #[arg(long, value_name = "SIZE", value_parser = memory)]
    pub(super) memory: Option<u64>,
    /// Divides the work, for tests of that on small inputs.
    #[arg(long, hide = true, value_name = "NUMBER", value_parser = threads)]
    pub(super) parts: Option<usize>,
    /// On so many threads; on all cores if left out. The result is the same.
    #[arg(long, value_name = "NUMBER", value_parser = threads)]
    pub(super) threads: Option<usize>,
}

#[derive(Debug, Args)]
pub(super) struct ScheduleArgs {
    /// The job file.
    pub(super) job: PathBuf,
    /// For cron or for systemd.
    #[arg(long)]
    pub(super) format: ScheduleFormat,
    /// When, every day: 02:00. Left out: when the job's window opens, else 02:00.
    #[arg(long, value_name = "TIME", value_parser = time_of_day)]
    pub(super) at: Option<u16>,
    /// The zone of that time: Asia/Jakarta, Asia/Makassar, UTC, +07:00. Left out: the window's, else WIB.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(super) zone: Option<Zone>,
    /// The zone of the machine that cron runs on, if it is not this one.
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    pub(super) machine_zone: Option<Zone>,
    /// The user that owns the journal.
    #[arg(long, value_name = "NAME", default_value = "rekon", value_parser = user)]
    pub(super) user: String,
    /// Where rekon will be, if not where this one is.
    #[arg(long, value_name = "PATH")]
    pub(super) program: Option<PathBuf>,
    /// The saved plan that each run executes, with {date} in its name: plans/{date}.json.
    #[arg(long, value_name = "FILE")]
    pub(super) plan: Option<PathBuf>,
}

/// Who runs jobs at their time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ScheduleFormat {
    /// A crontab.
    Cron,
    /// A service and a timer.
    Systemd,
}

#[derive(Debug, Args)]
pub(super) struct RuleArgs {
    /// The invoice number.
    pub(super) invoice: String,
    /// create, cancel or refund.
    #[arg(long, value_parser = operation)]
    pub(super) operation: Operation,
    /// Whether the operation had its effect.
    #[arg(long = "as", value_name = "RULING")]
    pub(super) ruling: Ruling,
    /// Why, in a line.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// Where the proof can be seen: a ticket of DOKU's, a line of the bank statement.
    #[arg(long, value_name = "TEXT")]
    pub(super) evidence: String,
    /// The job whose journal and horizon count; else --journal, else .rekon/journal.db here.
    #[arg(long, value_name = "JOB")]
    pub(super) job: Option<PathBuf>,
    /// simulator, sandbox or production, if the journal knows the invoice in several.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
}

/// What a person may rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Ruling {
    /// The operation had its effect.
    Done,
    /// It had none, and will have none.
    NotDone,
}

#[derive(Debug, Args)]
pub(super) struct ReopenArgs {
    /// The invoice numbers: all of them, or none if one cannot be.
    #[arg(required = true)]
    pub(super) invoices: Vec<String>,
    /// create, cancel or refund.
    #[arg(long, value_parser = operation)]
    pub(super) operation: Operation,
    /// Why, in a line.
    #[arg(long, value_name = "TEXT")]
    pub(super) reason: String,
    /// The job whose journal counts; else --journal, else .rekon/journal.db here.
    #[arg(long, value_name = "JOB")]
    pub(super) job: Option<PathBuf>,
    /// simulator, sandbox or production, if the journal knows the invoice in several.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum JournalCommand {
    /// Compare the journal with its own log, to the last answer; while a runner is at work, too.
    Check {
        /// The job whose journal is checked; else --journal, else .rekon/journal.db here.
        #[arg(long, value_name = "JOB")]
        job: Option<PathBuf>,
        /// A head that was written down earlier (summary.json has one): says whether the log still holds it.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
    },
    /// Write a consistent, checked copy to a new file; while a runner is at work, too.
    Backup {
        /// The new file.
        file: PathBuf,
        /// The job whose journal is copied; else --journal, else .rekon/journal.db here.
        #[arg(long, value_name = "JOB")]
        job: Option<PathBuf>,
    },
    /// Copy a journal into a new one, a file or a database, and compare the two; nobody may be at work on it.
    Copy {
        /// The journal: a file, or the URL of a database.
        from: String,
        /// The new one, which must be empty.
        to: String,
    },
    /// Make the tables of a shared journal, or carry older ones over; let the role that the URL names run jobs, and no more.
    Migrate {
        /// The URL of the database, with the role that owns it.
        url: String,
    },
    /// Go on with a journal that was restored from an old copy, or that is ahead of the clock; recorded with the reason.
    Accept {
        /// Why it is safe.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// The job whose journal counts; else --journal, else .rekon/journal.db here.
        #[arg(long, value_name = "JOB")]
        job: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub(super) struct FlagArgs {
    /// The orders.
    pub(super) orders: PathBuf,
    /// simulator, sandbox or production.
    #[arg(long, value_name = "NAME")]
    pub(super) environment: String,
    /// Needed for production, refused elsewhere.
    #[arg(long)]
    pub(super) live: bool,
    /// Shows customers' data in report.html instead of masking them; recorded in summary.json.
    #[arg(long)]
    pub(super) reveal: bool,
    /// Replaces the environment's host: https, or http on loopback.
    #[arg(long, value_name = "URL")]
    pub(super) base_url: Option<String>,
    /// Our field and its header in the file, e.g. amount=Nominal; may be repeated.
    #[arg(long = "column", value_name = "FIELD=HEADER")]
    pub(super) columns: Vec<String>,
    /// auto, `,`, `;`, `|` or tab.
    #[arg(long)]
    pub(super) delimiter: Option<String>,
    /// utf-8, windows-1252, latin-1, utf-16le or utf-16be.
    #[arg(long)]
    pub(super) encoding: Option<String>,
    /// How amounts are written: plain, id (1.250.000) or us (1,250,000).
    #[arg(long)]
    pub(super) amounts: Option<String>,
    /// How times are written: iso (2026-11-21 18:02) or id (21/11/2026 18:02 as well).
    #[arg(long)]
    pub(super) times: Option<String>,
    /// Calls per time, e.g. 5/s or 90/m.
    #[arg(long)]
    pub(super) rate: Option<String>,
    /// Most orders to send; needed outside the simulator.
    #[arg(long)]
    pub(super) max_orders: Option<u64>,
    /// Most rupiah to send; needed outside the simulator.
    #[arg(long)]
    pub(super) max_total: Option<u64>,
    /// Refund: hold what has no verified SUCCESS notification.
    #[arg(long)]
    pub(super) require_paid: bool,
    /// Notification logs, relative to the orders file; may be repeated.
    #[arg(long, value_name = "FILE")]
    pub(super) notifications: Vec<String>,
    /// The Request-Target that DOKU signed notifications for.
    #[arg(long, value_name = "PATH")]
    pub(super) notification_path: Option<String>,
    /// Output folder, relative to the orders file.
    #[arg(long, value_name = "DIR")]
    pub(super) output: Option<String>,
    #[command(flatten)]
    pub(super) files: OutputArgs,
}

#[derive(Debug, Args)]
pub(super) struct SimulateArgs {
    /// Where to listen; loopback only.
    #[arg(long, default_value_t = 9090)]
    pub(super) port: u16,
    /// Starting orders, customers and faults, as YAML.
    #[arg(long, value_name = "FILE")]
    pub(super) state: Option<PathBuf>,
    /// More faults, as YAML: what a state file has under faults, seed and `status_lag`.
    #[arg(long, value_name = "FILE")]
    pub(super) faults: Option<PathBuf>,
    /// Keeps the effects across restarts.
    #[arg(long, value_name = "FILE")]
    pub(super) ledger: Option<PathBuf>,
    /// Where signed notifications are logged.
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Where signed notifications are posted.
    #[arg(long, value_name = "URL")]
    pub(super) notify: Option<String>,
    /// So many times faster than DOKU, which sends again what was not taken after 30 minutes, 6 and 12 hours.
    #[arg(long, value_name = "NUMBER", default_value_t = HURRY)]
    pub(super) notify_hurry: NonZeroU32,
}

#[derive(Debug, Args)]
pub(super) struct ListenArgs {
    /// The job file: its merchant, notifications.path, and notifications.files for the names of the log.
    pub(super) job: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(super) bind: SocketAddr,
    /// The folder of the log, relative to the current directory, instead of the job's.
    #[arg(long, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// Begins another file when this size is reached; every day in WIB has a new one anyway.
    #[arg(long, value_name = "SIZE", default_value = "256MiB", value_parser = file_size)]
    pub(super) rotate_at: u64,
    /// The longest body that is taken.
    #[arg(long, value_name = "SIZE", default_value = "64KiB", value_parser = body_size)]
    pub(super) max_body: usize,
    /// So many connections at a time; more wait.
    #[arg(long, value_name = "NUMBER", default_value = "512", value_parser = connections)]
    pub(super) max_connections: usize,
    /// How long the head of a request may take, and how long its body.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = patience)]
    pub(super) patience: Duration,
}

impl Command {
    /// The operation of a command that works by flags alone.
    pub(super) const fn by_flags(&self) -> Option<(Operation, &FlagArgs)> {
        match self {
            Self::Refund(args) => Some((Operation::Refund, args)),
            Self::Cancel(args) => Some((Operation::Cancel, args)),
            Self::Create(args) => Some((Operation::Create, args)),
            _ => None,
        }
    }
}
