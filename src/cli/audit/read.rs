//! Reads the inputs of an audit into a [`Store`]: orders, results, journal, notification logs; each in one pass, on all cores.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::Audit;
use super::store::{Aim, Batch, Ready, Store};
use crate::cli::exit::Failure;
use crate::cli::in_doubt::IN_DOUBT;
use crate::cli::load::shown;
use crate::cli::room::NoRoom;
use crate::cli::unreadable::unreadable;
use crate::doku::notification::Glimpse;
use crate::edge::blocks::{Block, Cut, Stopped, in_blocks};
use crate::edge::digest::Digest;
use crate::edge::notification_log::{self, Line, Lines, Scratches, Verifier};
use crate::edge::results::ResultsReader;
use crate::edge::{csv, piped, read, results};
use crate::job::settings::{Field, STDIN, Source};
use crate::journal::Journal as _;
use crate::model::fault::printable;
use crate::model::rows::Rows;
use crate::model::status::BookStatus;
use crate::model::table::Table;
use crate::plan::book::{BadRow, BookReader, BookRow};
use crate::plan::select::Meant;
use crate::reconcile::ends::done_of;
use crate::reconcile::evidence::Expectation;
use crate::reconcile::ledger::TooMany;
use crate::reconcile::record::{HeardRecord, LinePlace, OrderRecord, Standing, StrayRecord, hash};
use crate::reconcile::subject::done_record;
use crate::report::inputs::Span;
use crate::report::words::both::{Both, both, counted};
use crate::report::words::speech::Unit;

/// What was seen of the orders.
#[derive(Debug, Default)]
pub(super) struct OrdersSeen {
    /// The rows that are bad.
    pub(super) bad_rows: Vec<BadRow>,
    /// Whether any row is meant.
    pub(super) meant: Meant,
    /// When those were made that are judged.
    pub(super) created_at: Span,
    /// SHA-256 of the file, in hex; `None`: there is none.
    pub(super) sha256: Option<String>,
}

impl OrdersSeen {
    fn merge(&mut self, other: Self) {
        self.bad_rows.extend(other.bad_rows);
        self.meant.merge(other.meant);
        self.created_at.merge(other.created_at);
    }
}

/// Reads the orders.
pub(super) fn orders(audit: &Audit<'_>, store: &mut Store) -> Result<OrdersSeen, Failure> {
    let job = &audit.case.job;
    let mut all = OrdersSeen::default();
    let mut digest = None;
    store.orders(|aim, take| {
        let mut take = |part: Result<(Ready, OrdersSeen), TooMany>| {
            audit.case.told.signals.still_wanted()?;
            let (ready, seen) = part?;
            all.merge(seen);
            take(ready)
        };
        match &job.orders.source {
            Source::Rows(inline) => {
                let table =
                    Table::from_rows(&audit.case.file, inline.start, inline.header.clone(), inline.rows.clone());
                let reader = BookReader::new(job, &table, audit.now).map_err(Failure::Faults)?;
                Ok(take(read_rows(audit, &reader, &mut Rows::of(&table), aim))?)
            }
            Source::File(template) => {
                let path = audit.case.path(template);
                let name = shown(&path);
                let headers = audit.case.known_headers();
                let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
                let stream =
                    csv::open_hashed(&name, &path, &job.orders.format, &headers, digest.insert(Digest::default()))
                        .map_err(|error| audit.case.named_by("orders.file", not_read(&name, error)))?;
                let head = stream.head().clone();
                let reader = BookReader::new(job, &head, audit.now).map_err(Failure::Faults)?;
                let work = |rows: &mut Rows<'_>| read_rows(audit, &reader, rows, aim);
                stream.rows(audit.threads, work, take).map_err(|stopped| whole_or_not(&name, stopped))
            }
        }
    })?;
    all.sha256 = digest.map(|digest| digest.hex());
    Ok(all)
}

fn whole_or_not(name: &str, stopped: Stopped<csv::NotRead, NoRoom>) -> Failure {
    match stopped {
        Stopped::Reading(error) => not_read(name, error),
        Stopped::Taking(error) => error.into(),
    }
}

fn not_read(name: &str, error: csv::NotRead) -> Failure {
    match error {
        csv::NotRead::Unreadable(error) => unreadable(name, &error),
        csv::NotRead::Faulty(faults) => Failure::Faults(faults),
    }
}

fn read_rows(
    audit: &Audit<'_>,
    reader: &BookReader<'_>,
    rows: &mut Rows<'_>,
    aim: Aim<'_>,
) -> Result<(Ready, OrdersSeen), TooMany> {
    let (mut batch, mut seen) = (Batch::new(aim), OrdersSeen::default());
    while let Some(row) = rows.next_row() {
        match reader.read(&row) {
            Ok(good) => {
                seen.meant.note(good.not_selected.as_deref());
                let order = order(audit, &good);
                if order.standing == Standing::Judged {
                    order.created_at.into_iter().for_each(|at| seen.created_at.take(at));
                }
                batch.order(&order)?;
            }
            Err(bad) => {
                batch.order(&bad_order(&bad))?;
                seen.bad_rows.push(bad);
            }
        }
    }
    Ok((batch.finish()?, seen))
}

fn order<'a>(audit: &Audit<'_>, row: &BookRow<'a>) -> OrderRecord<'a> {
    let outside = |(first, last): (u16, u16)| {
        let made_on = row.created_at.and_then(|time| audit.case.job.reconcile.cutoff.day(time));
        made_on.is_some_and(|day| !(first..=last).contains(&day))
    };
    let standing = if row.not_selected.is_some() {
        Standing::NotSelected
    } else if audit.period.is_some_and(outside) {
        Standing::OutsidePeriod
    } else {
        Standing::Judged
    };
    OrderRecord {
        row: row.number,
        invoice: Some(row.invoice),
        amount: row.amount,
        book: row.book,
        created_at: row.created_at,
        expectation: Expectation::Book(row.book),
        reference: row.payment_reference.map(hash),
        agreement: row.agreement,
        identifiers: if row.book == Some(BookStatus::Cancelled) { row.identifiers } else { [""; 3] },
        standing,
    }
}

fn bad_order(row: &BadRow) -> OrderRecord<'_> {
    OrderRecord {
        row: row.number,
        invoice: row.invoice.as_ref().map(crate::model::ids::InvoiceNumber::as_str),
        amount: row.amount.unwrap_or_default(),
        book: None,
        created_at: None,
        expectation: Expectation::Book(None),
        reference: None,
        agreement: 0,
        identifiers: [""; 3],
        standing: Standing::Invalid,
    }
}

/// Reads what runs have done: these results of runs that this journal has not seen, and the journal. Returns how many items
/// of the journal are in doubt.
pub(super) async fn done(audit: &Audit<'_>, results: &[PathBuf], store: &mut Store) -> Result<u64, Failure> {
    for path in results {
        results_of(audit, path, store)?;
    }
    let refused = |error: crate::journal::JournalError| Failure::Refused(error.to_string());
    let journal = crate::journal::store::Store::open_to_read(&audit.case.journal).await.map_err(refused)?;
    let Some(journal) = journal else { return Ok(0) };
    let (environment, client_id) = (audit.case.job.merchant.environment, &audit.credentials.client_id);
    let (mut after, mut in_doubt) = (None, 0);
    loop {
        let items = journal.latest_items(environment, client_id, after, ITEMS_AT_ONCE).await.map_err(refused)?;
        let Some(last) = items.last() else { return Ok(in_doubt) };
        after = Some(last.id);
        in_doubt += items.iter().filter(|item| IN_DOUBT.contains(&item.state)).count() as u64;
        store.done(|aim, take| {
            let done: Vec<_> = items.iter().map(done_of).collect();
            let mut batch = Batch::new(aim);
            for (item, done) in items.iter().zip(&done) {
                batch.done(done_record(&item.identity.invoice, done));
            }
            take(batch.finish()?)
        })??;
    }
}

/// How many items of the journal are read in one go.
const ITEMS_AT_ONCE: u32 = 10_000;

/// Reads a results.csv.
fn results_of(audit: &Audit<'_>, path: &Path, store: &mut Store) -> Result<(), Failure> {
    let name = shown(path);
    let stream = results::open(&name, path).map_err(|error| not_read(&name, error))?;
    let (case, head) = (&audit.case, stream.head());
    let reader = ResultsReader::new(head, case.header(Field::InvoiceNumber)).map_err(Failure::Faults)?;
    let reader = reader.with_amounts(head, case.header(Field::Amount));
    let (mut faults, mut without_amount) = (Vec::new(), 0);
    store
        .done(|aim, take| {
            let work = |rows: &mut Rows<'_>| {
                let (mut batch, mut faults, mut without_amount) = (Batch::new(aim), Vec::new(), 0);
                while let Some(row) = rows.next_row() {
                    match reader.read(&row) {
                        Ok(None) => {}
                        Ok(Some(done)) => {
                            without_amount += u64::from(done.state.is_done() && done.amount.is_none());
                            batch.done(done);
                        }
                        Err(fault) => faults.push(fault),
                    }
                }
                (batch.finish(), faults, without_amount)
            };
            stream.rows(audit.threads, work, |(ready, found, count)| {
                audit.case.told.signals.still_wanted()?;
                faults.extend(found);
                without_amount += count;
                take(ready?)
            })
        })?
        .map_err(|stopped| whole_or_not(&name, stopped))?;
    if without_amount > 0 {
        warn_of_amounts(audit, &name, without_amount);
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::Faults(faults)) }
}

/// Reads one notification log.
pub(super) fn log(
    audit: &Audit<'_>,
    path: &Path,
    file: u16,
    verifier: &Verifier<'_>,
    store: &mut Store,
) -> Result<(), Failure> {
    if path == Path::new(STDIN) {
        return lines(audit, (path, piped::open()), file, verifier, store);
    }
    let source = read::open(path)
        .map_err(|error| audit.case.named_by("notifications.files", unreadable(&shown(path), &error)))?;
    lines(audit, (path, source), file, verifier, store)
}

fn lines(
    audit: &Audit<'_>,
    (path, source): (&Path, impl Read + Send),
    file: u16,
    verifier: &Verifier<'_>,
    store: &mut Store,
) -> Result<(), Failure> {
    let scratches = Scratches::default();
    store
        .heard(|aim, take| {
            let work = |block: Block<'_>| {
                let (mut batch, mut all) = (Batch::new(aim), Ok(()));
                let lines = Lines { bytes: block.bytes, offset: block.offset, first_line: block.first_line };
                scratches.with(|scratch| {
                    notification_log::read_block(lines, verifier, scratch, &mut |line, said| {
                        all = all.and_then(|()| add_line(audit, &mut batch, file, line, &said));
                    });
                });
                all.and_then(|()| batch.finish())
            };
            in_blocks(source, Cut::Lines, audit.threads, work, |ready| {
                audit.case.told.signals.still_wanted()?;
                take(ready?)
            })
        })?
        .map_err(|stopped: Stopped<std::io::Error, NoRoom>| match stopped {
            Stopped::Reading(error) => unreadable(&shown(path), &read::ReadError::of(path, error)),
            Stopped::Taking(error) => error.into(),
        })
}

fn add_line<'r>(
    audit: &Audit<'_>,
    batch: &mut Batch<'_, 'r>,
    file: u16,
    line: u64,
    said: &Line<'r>,
) -> Result<(), TooMany> {
    let cutoff = audit.case.job.reconcile.cutoff;
    match said {
        Line::Heard(heard) => {
            let place = LinePlace { file, line, hash: heard.hash };
            match heard.lent_receipt(place) {
                Some(receipt) => batch.heard(HeardRecord::of(&receipt, cutoff))?,
                None => batch.heard_in_passing(HeardRecord::of(&heard.receipt(place), cutoff)),
            }
        }
        Line::Unmatched(unmatched) => {
            let Glimpse { invoice, amount, status } = &unmatched.said;
            batch.stray(StrayRecord {
                place: LinePlace { file, line, hash: unmatched.hash },
                reason: unmatched.reason,
                amount: *amount,
                invoice,
                status: if status.is_empty() { &unmatched.detail } else { status },
                received_at: &unmatched.received_at,
                told: None,
            });
        }
    }
    Ok(())
}

fn warn_of_amounts(audit: &Audit<'_>, name: &str, count: u64) {
    let (name, column) = (printable(name), audit.case.header(Field::Amount));
    let Both { english, indonesian } = counted(count, Unit::Rows);
    audit.screen.warn(&both(
        format!(
            "warning: {name}: there is no amount in a column {column:?} or \"amount\" for {english} of what was done; whether it is \
             that of the order was not compared"
        ),
        format!(
            "peringatan: {name}: tidak ada nominal di kolom {column:?} atau \"amount\" untuk {indonesian} yang sudah dilakukan; \
             kesamaannya dengan nominal pesanan tidak diperiksa"
        ),
    ));
}
