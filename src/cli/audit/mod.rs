//! An audit: the merchant's book, what we did and what DOKU said become one verdict per order, a file at a time and in as
//! little memory as is asked for.

pub(super) mod examine;
mod read;
mod store;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::books::{Books, How};
use super::busy::{Busy, with};
use super::conclude::{Ending, conclude};
use super::exit::{Completion, Failure};
use super::load::{Case, shown};
use super::room::NoRoom;
use super::screen::Screen;
use super::slips;
use crate::edge::credentials::Credentials;
use crate::edge::notification_log::Verifier;
use crate::edge::spill::Scrap;
use crate::edge::{parallel, piped};
use crate::job::settings::{Notifications, OnInvalid, Period, STDIN, Source};
use crate::model::fault::{Fault, Place, printable};
use crate::model::money::Tally;
use crate::model::time::{BusinessDate, Timestamp, wire};
use crate::plan::book::BadRow;
use crate::reconcile::dated::Dated;
use crate::reconcile::ledger::{Contradiction, Ledger};
use crate::reconcile::settle::{Found, Search, settle_with};
use crate::report::inputs::{Book, Inputs, LogFile, Settings, Warning};
use crate::report::sheet::Rows;
use crate::report::summary::LogLines;
use crate::report::words;
use crate::report::words::both::{Both, both};
use read::OrdersSeen;
use store::{Kept, LogSeen, Store};

/// How an audit is asked for, beside its job.
#[derive(Debug, Clone, Copy)]
pub(super) struct Options {
    /// The present.
    pub(super) now: Timestamp,
    /// Which business days; `None`: as the job says.
    pub(super) period: Option<Period>,
    /// How many bytes of memory it should do with. `None`: as many as it needs.
    pub(super) memory: Option<u64>,
    /// Into how many parts it is divided; `None`: as many as the memory asks for.
    pub(super) parts: Option<usize>,
    /// On how many threads; `None`: on all cores.
    pub(super) threads: Option<usize>,
}

/// An audit under way.
pub(super) struct Audit<'a> {
    case: &'a Case,
    credentials: Credentials,
    now: Timestamp,
    /// The first and the last business day; `None`: every day.
    days: Option<(BusinessDate, BusinessDate)>,
    /// The same in days from 1970-01-01.
    period: Option<(u16, u16)>,
    threads: usize,
    screen: Screen,
}

/// Everything that an audit has read.
struct Evidence {
    store: Store,
    rows: Tally,
    /// The logs, by number.
    files: Vec<String>,
    /// What was read.
    inputs: Inputs,
    /// How many items of the journal are in doubt.
    journal_doubts: u64,
}

/// Reads everything, judges every order, writes the files and prints the tables.
pub(super) async fn run(case: &Case, options: Options, screen: Screen) -> Result<u8, Failure> {
    let audit = Audit::of(case, options, screen)?;
    let busy =
        Busy::with(screen, both("reading orders, results and notifications", "membaca pesanan, hasil, dan notifikasi"));
    let Evidence { store, rows, files, mut inputs, journal_doubts } = audit.read(options.memory, options.parts).await?;
    drop(busy);
    let busy = Busy::with(screen, with::report());
    let books = audit.books(store, &files)?;
    inputs.dated = books.totals.dated;
    inputs.note_warnings();
    audit.warn_of_inputs(&inputs);
    let ending = Ending {
        period: audit.days,
        log: Some(inputs.lines()),
        inputs: Some(inputs),
        journal_doubts: Some(journal_doubts),
        completion: Completion::Audit,
        ..Ending::read_only(rows, books, options.now)
    };
    let mut conclusion = conclude(case, ending);
    conclusion.publish(case).await?;
    drop(busy);
    conclusion.print(case, screen);
    Ok(conclusion.summary.exit_code)
}

/// What a byte of input needs in memory, in percent: invoices, references and hashes of the orders and of the lines about
/// them, without all that nobody asks for.
const ORDERS_PERCENT: u64 = 100;
const RESULTS_PERCENT: u64 = 25;
const LOGS_PERCENT: u64 = 15;
/// The most files that a divided audit opens at once.
const MOST_PARTS: u64 = 512;
/// How much larger a compressed file is, at most, as a rule.
const COMPRESSION: u64 = 12;
/// The shortest row of an export, in bytes.
const SHORTEST_ROW: u64 = 100;
/// A usual row of an export, and of a results.csv. Shorter ones make the sieve say "perhaps" more often.
const USUAL_ROW: u64 = 120;
const USUAL_RESULT: u64 = 300;

impl<'a> Audit<'a> {
    fn of(case: &'a Case, options: Options, screen: Screen) -> Result<Self, Failure> {
        let days = options.period.unwrap_or(case.job.reconcile.period).days(case.date);
        let period = match days {
            None => None,
            Some((first, last)) => Some(first.day().zip(last.day()).ok_or_else(|| {
                Failure::Refused(format!("the period {first} to {last} is beyond all orders: is the year right?"))
            })?),
        };
        Ok(Self {
            case,
            credentials: case.credentials()?,
            now: options.now,
            days,
            period,
            threads: options.threads.unwrap_or_else(parallel::cores),
            screen,
        })
    }

    async fn read(&self, memory: Option<u64>, parts: Option<usize>) -> Result<Evidence, Failure> {
        let mut logs = self.case.logs()?;
        logs.extend(self.case.is_piped().then(|| PathBuf::from(STDIN)));
        let mut store = self.store(memory, parts, &logs)?;
        let orders = read::orders(self, &mut store)?;
        let rows = store.rows();
        self.refuse(&orders.bad_rows, store.ledger().map(Ledger::contradictions).unwrap_or_default())?;
        let out_of_control = self.case.out_of_control(rows);
        if !out_of_control.is_empty() {
            return Err(Failure::Faults(out_of_control));
        }
        slips::warn_of_nothing_meant(self.case, &orders.meant, self.screen);
        if rows.count == 0 {
            let orders = printable(&self.case.orders_name());
            self.screen.warn(&both(
                format!("warning: {orders} has no orders, and so there is nothing to audit"),
                format!("peringatan: {orders} tidak memuat pesanan, jadi tidak ada yang diaudit"),
            ));
        }
        slips::warn_of_empty_globs(self.case, self.screen)?;
        let results = self.case.results(self.screen)?;
        let journal_doubts = read::done(self, &results, &mut store).await?;
        self.read_logs(&logs, &mut store)?;
        let inputs = self.inputs(orders, &results, &logs, &store);
        self.warn_of_unproved(inputs.lines());
        let named = |path: &PathBuf| if is_piped(path) { piped::NAME.to_owned() } else { shown(path) };
        Ok(Evidence { store, rows, files: logs.iter().map(named).collect(), inputs, journal_doubts })
    }

    /// What was read, without what only the judged orders tell.
    fn inputs(&self, orders: OrdersSeen, results: &[PathBuf], logs: &[PathBuf], store: &Store) -> Inputs {
        let job = &self.case.job;
        let book = match &job.orders.source {
            Source::File(template) => self.within(&self.case.path(template)),
            Source::Rows(_) => self.within(Path::new(&self.case.file)),
        };
        let log = |(path, seen): (&PathBuf, &LogSeen)| LogFile {
            file: self.within(path),
            lines: seen.lines.read,
            verified: seen.lines.verified,
            received_at: seen.received_at,
        };
        Inputs {
            orders: Book { file: book, sha256: orders.sha256, rows: store.rows().count, created_at: orders.created_at },
            logs: logs.iter().zip(store.logs()).map(log).collect(),
            results: results.iter().map(|path| self.within(path)).collect(),
            settings: Settings {
                as_of: wire(self.now),
                period: self.days.map(|(first, last)| (first.to_string(), last.to_string())),
                cutoff: job.reconcile.cutoff.to_string(),
                grace: span(job.reconcile.grace),
                zone: job.orders.zone.to_string(),
                logs: job.notifications.files.clone(),
            },
            dated: Dated::default(),
            warnings: Vec::new(),
        }
    }

    /// A path from the folder of the job, where it lies within that.
    fn within(&self, path: &Path) -> String {
        if is_piped(path) {
            piped::NAME.to_owned()
        } else {
            shown(path.strip_prefix(&self.case.folder).unwrap_or(path))
        }
    }

    /// What a reader must know before the figures; that a log is empty was said when it was read.
    fn warn_of_inputs(&self, inputs: &Inputs) {
        let file = printable(&self.case.file);
        for warning in inputs.warnings.iter().filter(|warning| **warning != Warning::LogEmpty) {
            let Both { english, indonesian } = words::inputs::warning(inputs, *warning);
            self.screen.warn(&both(format!("warning: {file}: {english}"), format!("peringatan: {file}: {indonesian}")));
        }
    }

    /// Logs of which nothing, or hardly anything, verifies are more often a slip in the job than the work of a forger.
    fn warn_of_unproved(&self, lines: LogLines) {
        let names_log = !self.case.job.notifications.files.is_empty();
        let [english, indonesian] = if lines.read == 0 && names_log {
            ["the notification logs are empty", "log notifikasi kosong"]
        } else if lines.verified * 2 < lines.read {
            [
                "most lines of the notification logs are not signed by DOKU: look at their reasons in unmatched.csv, and check \
                 merchant.secret_key (a list holds former keys too), merchant.client_id, notifications.path and notifications.fields",
                "sebagian besar baris log notifikasi tidak ditandatangani DOKU: lihat alasannya di unmatched.csv, dan periksa \
                 merchant.secret_key (boleh berupa daftar beserta kunci lama), merchant.client_id, notifications.path dan \
                 notifications.fields",
            ]
        } else {
            return;
        };
        let file = printable(&self.case.file);
        self.screen.warn(&both(format!("warning: {file}: {english}"), format!("peringatan: {file}: {indonesian}")));
    }

    /// In memory, or in as many parts as the limit asks for.
    fn store(&self, memory: Option<u64>, parts: Option<usize>, logs: &[PathBuf]) -> Result<Store, Failure> {
        let orders = match &self.case.job.orders.source {
            Source::Rows(rows) => rows.rows.len() as u64 * SHORTEST_ROW,
            Source::File(template) => size(&self.case.path(template)),
        };
        let results: u64 = self
            .case
            .matching("reconcile.results", &self.case.job.reconcile.results)?
            .iter()
            .map(|path| size(path))
            .sum();
        let logs: u64 = logs.iter().map(|path| size(path)).sum();
        let keys = orders / USUAL_ROW + results / USUAL_RESULT;
        let needed = orders / 100 * ORDERS_PERCENT + results / 100 * RESULTS_PERCENT + logs / 100 * LOGS_PERCENT;
        // Each thread has a part in its hands, and as much again to read it.
        let asked = |limit: u64| (needed * 4 * self.threads as u64 / limit).clamp(2, MOST_PARTS);
        let by_memory = memory.filter(|limit| needed > *limit).map(asked).and_then(|parts| usize::try_from(parts).ok());
        let Some(parts) = parts.or(by_memory) else {
            return Ok(Store::in_memory(orders / SHORTEST_ROW, self.period));
        };
        let folder = self.case.path(&self.case.fill(&self.case.job.output.directory));
        let scrap = Scrap::make(&folder.join(self.case.job.name.as_str())).map_err(NoRoom::from)?;
        Ok(Store::on_disk(scrap, parts, keys, self.period)?)
    }

    /// Bad rows refuse the audit, or are told, as the job says.
    fn refuse(&self, bad_rows: &[BadRow], contradictions: Vec<Contradiction>) -> Result<(), Failure> {
        if bad_rows.is_empty() && contradictions.is_empty() {
            return Ok(());
        }
        let misread = bad_rows.iter().any(|row| row.misread);
        if misread || self.case.job.orders.on_invalid == OnInvalid::Refuse {
            // Read again as a whole, for the faults with all that is known about them.
            return Err(Failure::Faults(self.case.input(self.now)?.faults()));
        }
        self.screen.left_out(bad_rows.iter().flat_map(|row| &row.faults));
        for Contradiction { row, earlier } in contradictions {
            let message = format!("rows {earlier} and {row} are of one invoice and do not agree; both are left out");
            self.screen.warn(&Fault::new(Place::file(&self.case.orders_name()), message).to_string());
        }
        Ok(())
    }

    fn read_logs(&self, logs: &[PathBuf], store: &mut Store) -> Result<(), Failure> {
        let signers = self.credentials.signers();
        let Notifications { path, fields, .. } = &self.case.job.notifications;
        let (client_id, fields) = (&self.credentials.client_id, fields.as_ref());
        let verifier = Verifier { signers: &signers, client_id, path, fields };
        for (number, log) in logs.iter().enumerate() {
            let too_many = || Failure::Refused(format!("{} logs are more than 65536", logs.len()));
            let number = u16::try_from(number).ok().ok_or_else(too_many)?;
            read::log(self, log, number, &verifier, store)?;
        }
        Ok(())
    }

    /// Judges what has been read.
    fn books(&self, store: Store, files: &[String]) -> Result<Books, Failure> {
        let how = How { now: self.now, rows: Rows::WithOrders, threads: self.threads };
        match store.close()? {
            Kept::Whole(mut ledger) => {
                let look = |search: &Search, ledger: &Ledger| find_on_threads(search, ledger, self.threads);
                settle_with(&mut ledger, look).map_err(NoRoom::from)?;
                ledger.seal();
                let books = Books::of_ledger(self.case, &ledger, files, how)?;
                parallel::let_go(ledger);
                Ok(books)
            }
            Kept::Divided(divided, sieve) => {
                let survey = divided.survey(&sieve, self.threads)?;
                self.refuse(&[], survey.contradictions.clone())?;
                Ok(divided.books(self.case, &survey, &sieve, files, how)?)
            }
        }
    }
}

/// Looks through the orders of a ledger, each thread through as many.
fn find_on_threads(search: &Search, ledger: &Ledger, threads: usize) -> Vec<Found> {
    let (count, each) = (ledger.orders(), ledger.orders().div_ceil(threads).max(1));
    let find = |piece: usize| search.find(ledger, piece * each..count.min((piece + 1) * each));
    let mut all = Vec::new();
    parallel::all_in_order(count.div_ceil(each), threads, find, |found| all.extend(found));
    all
}

fn is_piped(path: &Path) -> bool {
    path.as_os_str() == STDIN
}

/// A time as a job writes it: `18h`.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds if seconds % 86_400 == 0 && seconds > 0 => format!("{}d", seconds / 86_400),
        seconds if seconds % 3_600 == 0 => format!("{}h", seconds / 3_600),
        seconds if seconds % 60 == 0 => format!("{}m", seconds / 60),
        seconds => format!("{seconds}s"),
    }
}

/// The size of a file as it will be when it is read; of what is not there, nothing.
fn size(path: &Path) -> u64 {
    let is_compressed = path.extension().is_some_and(|extension| extension == "gz" || extension == "zst");
    crate::edge::files::size(path) * if is_compressed { COMPRESSION } else { 1 }
}
