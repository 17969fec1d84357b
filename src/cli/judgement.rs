//! The orders of a run on their way to judgement: into a ledger in memory, or, if they are many, into parts on the disk, as an
//! audit with `--memory` does it.

use super::books::{Books, How};
use super::divided::Divided;
use super::load::Case;
use super::room::{NoRoom, add};
use crate::edge::parallel;
use crate::edge::spill::{Parts, Scrap};
use crate::model::time::Timestamp;
use crate::reconcile::evidence::Log;
use crate::reconcile::sieve::Sieve;
use crate::reconcile::subject::{Subject, Subjects, key_of, numbers, records, records_of_log};
use crate::report::sheet::Rows;

/// More orders than these are divided.
const MANY: u64 = 1 << 17;

/// So many of those are in memory together, whatever the number of threads that each have a part in their hands.
const TOGETHER: u64 = 1 << 16;

/// The most files that are open at once.
const MOST_PARTS: u64 = 512;

/// So many bytes of the log's records wait before they are written.
const PIECE: usize = 1 << 20;

/// Where the orders go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// To the disk, if they are many.
    Disk,
    /// Into memory, however many they are.
    Memory,
}

/// Orders that are to be judged.
#[derive(Debug)]
pub(super) enum Judgement {
    Whole(Box<Subjects>),
    Divided(Box<Divided>, Sieve),
}

impl Judgement {
    /// None of about so many yet.
    ///
    /// # Errors
    /// The disk is full or does not allow it; as for the other functions here.
    pub(super) fn begin(case: &Case, count: u64, room: Room) -> Result<Self, NoRoom> {
        let parts = match room {
            Room::Disk if count > MANY => count.saturating_mul(parallel::cores() as u64).div_ceil(TOGETHER),
            Room::Disk | Room::Memory => 1,
        };
        Self::in_parts(case, count, usize::try_from(parts.min(MOST_PARTS)).unwrap_or(1))
    }

    fn in_parts(case: &Case, count: u64, parts: usize) -> Result<Self, NoRoom> {
        if parts < 2 {
            return Ok(Self::Whole(Box::new(Subjects::for_about(count))));
        }
        let scrap = Scrap::make(&case.output_folder())?;
        let parts = Parts::begin(&scrap, "part", parts)?;
        let divided = Divided { parts, scrap, period: None };
        Ok(Self::Divided(Box::new(divided), Sieve::for_keys(count.saturating_mul(2))))
    }

    /// Takes the next ones.
    pub(super) fn take(&mut self, subjects: &[Subject]) -> Result<(), NoRoom> {
        match self {
            Self::Whole(all) => Ok(all.add(subjects)?),
            Self::Divided(divided, sieve) => {
                let mut parts = vec![Vec::new(); divided.parts.count()];
                records(subjects, |record| {
                    key_of(record).into_iter().for_each(|key| sieve.insert(key));
                    add(record, &mut parts);
                });
                divided.write(&[], &parts)
            }
        }
    }

    /// Judges them against the log. Where their rows ended, who has read them knows.
    pub(super) fn books(self, case: &Case, log: &Log, now: Timestamp) -> Result<Books, NoRoom> {
        let (cutoff, threads) = (case.job.reconcile.cutoff, parallel::cores());
        let how = How { now, rows: Rows::Elsewhere, threads };
        let (mut divided, sieve) = match self {
            Self::Whole(all) => {
                let book = all.book(log, cutoff)?;
                return Books::of_ledger(case, &book.ledger, &book.files, how);
            }
            Self::Divided(divided, sieve) => (divided, sieve),
        };
        let numbers = numbers(log);
        let mut parts = vec![Vec::new(); divided.parts.count()];
        records_of_log(log, &numbers, cutoff, |record| {
            add(record, &mut parts);
            if parts.iter().map(Vec::len).sum::<usize>() > PIECE {
                divided.write(&[], &parts)?;
                parts.iter_mut().for_each(Vec::clear);
            }
            Ok::<(), NoRoom>(())
        })?;
        divided.write(&[], &parts)?;
        divided.parts.close()?;
        let files: Vec<String> = numbers.into_keys().map(str::to_owned).collect();
        let survey = divided.survey(&sieve, threads)?;
        divided.books(case, &survey, &sieve, &files, how)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::load::testing;
    use crate::doku::notification::Notification;
    use crate::job;
    use crate::model::ids::{InvoiceNumber, MerchantReference, RequestId};
    use crate::model::money::Rupiah;
    use crate::model::operation::Operation;
    use crate::model::status::PaymentStatus;
    use crate::model::time::{BusinessDate, parse_instant};
    use crate::reconcile::evidence::{Done, DoneState, Heard, Unmatched, UnmatchedReason};

    const ORDERS: u64 = 3000;

    fn request_id(order: u64) -> String {
        format!("00000000-0000-5000-8000-{order:012}")
    }

    fn subject(order: u64) -> Subject {
        let states = [DoneState::Succeeded, DoneState::Refused, DoneState::Unknown, DoneState::Invalid];
        let (state, amount) = (states[usize::try_from(order % 37).unwrap().min(3)], Rupiah::new(order * 10));
        Subject {
            row: order,
            // Not in the order of their numbers, and some without one.
            invoice: (!order.is_multiple_of(211))
                .then(|| InvoiceNumber::new(&format!("INV-{}", order * 7919 % 10_007)).unwrap()),
            amount,
            book: None,
            created_at: None,
            payment_reference: Some(MerchantReference::new(&format!("PAY-{order}")).unwrap()),
            done: Done {
                operation: Operation::Create,
                state: if order.is_multiple_of(211) { DoneState::Invalid } else { state },
                amount: Some(amount),
                request_id: Some(RequestId::new(&request_id(order)).unwrap()),
                payment_status: None,
                settled_at: parse_instant("2026-11-22T08:00:00Z"),
                ruled: false,
            },
        }
    }

    /// What DOKU says: in the usual way, under a Request-Id or a payment reference of another order, about nobody, twice.
    fn log() -> Log {
        let said = |line: u64| {
            let order = line * 13 % ORDERS + 1;
            let invoice = match (line % 5, subject(order).invoice) {
                (0..=2, Some(invoice)) => invoice,
                _ => InvoiceNumber::new(&format!("OTHER-{line}")).unwrap(),
            };
            let notification = Notification {
                invoice,
                amount: Rupiah::new(order * 10 + u64::from(line.is_multiple_of(19))),
                status: if line.is_multiple_of(17) { PaymentStatus::Failed } else { PaymentStatus::Success },
                date: "2026-11-22T09:00:00Z".into(),
                original_request_id: (line.is_multiple_of(3)).then(|| request_id(order)),
                payment_reference: (line.is_multiple_of(2)).then(|| format!("PAY-{order}")),
                order_id: None,
                akulaku_reference: None,
            };
            Heard {
                file: format!("log-{}.jsonl", line % 2),
                line,
                received_at: parse_instant("2026-11-22T09:00:01Z"),
                request_id: format!("N-{}", line % 900),
                signed_at: "2026-11-22T09:00:00Z".into(),
                hash: line,
                notification,
            }
        };
        let stray = |line: u64| Unmatched {
            file: "log-0.jsonl".into(),
            line,
            reason: UnmatchedReason::Malformed,
            detail: "torn".into(),
            invoice: String::new(),
            amount: None,
            status: String::new(),
            received_at: String::new(),
            hash: line,
        };
        Log { heard: (1..2000).map(said).collect(), unmatched: (2001..2010).map(stray).collect() }
    }

    #[test]
    fn a_run_is_judged_the_same_in_memory_and_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let text = "job: parts\noperation: create\nmerchant: {environment: simulator}\norders: {file: orders.csv}\n\
                    guards: {max_orders: 1, max_total: 1}\noutput: {formats: [csv]}\n";
        let now = parse_instant("2026-11-23T08:00:00Z").unwrap();
        let case = testing::case(job::parse("job.yaml", text).unwrap(), folder.path(), BusinessDate::of(now));
        let subjects: Vec<Subject> = (1..=ORDERS).map(subject).collect();
        let judged = |parts: usize| {
            let mut judgement = Judgement::in_parts(&case, ORDERS, parts).unwrap();
            assert_eq!(matches!(judgement, Judgement::Divided(..)), parts > 1);
            subjects.chunks(700).for_each(|some| judgement.take(some).unwrap());
            let mut books = judgement.books(&case, &log(), now).unwrap();
            let said = format!("{:?} {:?} {}", books.totals, books.highlights, books.digest);
            let out = folder.path().join(format!("out-{parts}"));
            books.keep(&out).unwrap();
            let read = |name: &str| std::fs::read_to_string(out.join(name)).unwrap();
            (said, ["reconciliation.csv", "unmatched.csv", "actions.csv"].map(read))
        };
        let (said, files) = judged(1);
        assert!(files.iter().all(|file| file.lines().count() > 5), "every file says something");
        for parts in [2, 7] {
            let (others, other_files) = judged(parts);
            assert_eq!(others, said, "{parts}");
            assert_eq!(other_files, files, "{parts}");
        }
        let left = std::fs::read_dir(case.output_folder()).unwrap().count();
        assert_eq!(left, 0, "nothing is left of the parts");
    }
}
