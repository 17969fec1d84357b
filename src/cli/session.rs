//! What a command that may send holds in its hands from start to end: the job, the keys, the journal with its lock, and
//! the simulator where it is embedded.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

use super::busy::{Busy, with};
use super::closing::end_what_waits;
use super::embed::{self, Embedded};
use super::events;
use super::exit::{DOUBT, Failure, STOPPED};
use super::in_doubt::{IN_DOUBT, in_doubt_elsewhere};
use super::interrupt::{Leaving, Left, Stopping};
use super::left;
use super::load::{self, Case};
use super::meanwhile::{Earlier, Held};
use super::open;
use super::planning::make_plan;
use super::progress::Watch;
use super::screen::Screen;
use super::take_in::{refuse_old_keys, take_in};
use crate::doku::answer::PaymentPage;
use crate::doku::sign::Signer;
use crate::edge::clock::SystemClock;
use crate::edge::credentials::Credentials;
use crate::edge::http::HttpGateway;
use crate::journal::cause::Cause;
use crate::journal::history::PlanUse;
use crate::journal::history::Terms;
use crate::journal::record::{Item, NewRows, NewRun};
use crate::journal::sqlite::SqliteJournal;
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _, JournalError, Late};
use crate::model::fault::printable;
use crate::model::ids::{InvoiceNumber, RunId};
use crate::model::money::Tally;
use crate::model::operation::Operation;
use crate::model::time::Timestamp;
use crate::plan::Plan;
use crate::plan::{Input, precedent};
use crate::reconcile::contradict::contradictions;
use crate::reconcile::evidence::Log;
use crate::report::words::both::{self, Both, both};
use crate::report::words::speech::Unit;
use crate::runner::attempt::Desk;
use crate::runner::clock::{Clock as _, RunClock};
use crate::runner::dispatch::{Dispatch, Fresh, Rules, Stop};
use crate::runner::pace::gate::{Gate, LaneGate};
use crate::runner::pace::share::Share;
use crate::runner::pace::{Pacer, Seen};
use crate::runner::places::Places;
use crate::runner::progress::Progress;

/// What a run tries to settle.
const UNSETTLED: &[State] = &[State::Unknown];
/// Orders by the state in which they were settled.
pub(super) type Settled = BTreeMap<&'static str, Tally>;

/// One command's session.
pub(super) struct Session<'a> {
    pub(super) case: &'a Case,
    pub(super) account: Account,
    pub(super) journal: Arc<Store>,
    _held: Option<Held>,
    pub(super) started_at: Timestamp,
    /// Answers to requests of which this journal knows nothing.
    unknown_here: Vec<Late>,
    credentials: Credentials,
    embedded: Option<Embedded>,
    screen: Screen,
}

/// How the sending ended.
pub(super) struct Sent {
    /// Why it stopped before its end; `None` if it did not.
    pub(super) stop: Option<Stop>,
    /// What it has learned of the provider's limits.
    pub(super) seen: Seen,
    /// Whether somebody has asked to stop.
    pub(super) interrupted: watch::Receiver<bool>,
}

impl<'a> Session<'a> {
    /// Takes the journal's lock, marks what a stopped program left open as unknown, and starts the simulator if the job
    /// embeds it. Everything before this can be refused without a trace.
    pub(super) async fn open(
        case: &'a Case,
        operation: Operation,
        input: Option<&Input>,
        started_at: Timestamp,
        screen: Screen,
    ) -> Result<Self, Failure> {
        let credentials = case.credentials()?;
        // Orders may be in it, and it takes room.
        case.sweep();
        let is_free = case.journal.file().is_none_or(|path| !SqliteJournal::is_held(path));
        let held = is_free.then(|| case.told.hold.take());
        let journal = open::open(&case.journal, case.job.retries.horizon, started_at, screen).await.map(Arc::new)?;
        let unknown_here = take_in(case, &journal, screen).await?;
        end_what_waits(case, &journal, screen).await?;
        journal.recover(started_at).await.map_err(open::failure)?;
        let embedded =
            if case.job.embeds_simulator() { Some(embed::start(case, &credentials, input).await?) } else { None };
        let account = case.account(&credentials, operation);
        Ok(Self { case, account, journal, _held: held, started_at, unknown_here, credentials, embedded, screen })
    }

    /// What DOKU has said so far.
    pub(super) fn log(&self) -> Result<Log, Failure> {
        self.case.log(&self.credentials, self.embedded.as_ref().map(|embedded| embedded.log.as_path()))
    }

    /// Looks for notifications that contradict a refusal: two proofs that disagree are a conflict, and a person's matter.
    pub(super) async fn note_contradictions(&self, log: &Log) -> Result<(), Failure> {
        let refused = self.journal.refusals(&self.account).await.map_err(open::failure)?;
        for found in contradictions(&refused, &log.heard, SystemClock.now()) {
            self.journal.contradict(found).await.map_err(open::failure)?;
        }
        Ok(())
    }

    /// Decides about every row.
    pub(super) async fn plan(&self, input: Input, log: &Log) -> Result<Plan, Failure> {
        let _busy = Busy::with(self.screen, with::plan());
        make_plan(self.case, &self.account, input, log, Some(&self.journal), self.started_at).await
    }

    /// Refuses what DOKU may have forgotten that it was sent before. Since when the oldest of the others is under way, which the
    /// journal does not know.
    pub(super) fn refuse_old_keys(&self, plan: &Plan) -> Result<Option<Timestamp>, Failure> {
        refuse_old_keys((self.case, &self.account), plan, &self.unknown_here, SystemClock.now())
    }

    /// Makes the run and its rows durable.
    pub(super) async fn begin(&self, plan: &Arc<Plan>, used: Option<PlanUse>) -> Result<RunId, Failure> {
        let terms = Terms {
            input_sha256: plan.input_sha256.clone(),
            caps: self.case.guards().map(precedent::caps).unwrap_or_default(),
            overrides: self.case.overridden(plan),
        };
        let rows: Arc<dyn NewRows> = Arc::<Plan>::clone(plan);
        self.begin_with(plan.delimiter, plan.header.clone(), terms, rows, used).await
    }

    /// Makes a run without rows durable: one that only settles.
    pub(super) async fn begin_settling(&self) -> Result<RunId, Failure> {
        self.begin_with(b',', Vec::new(), Terms::default(), Arc::new(Vec::new()), None).await
    }

    async fn begin_with(
        &self,
        delimiter: u8,
        header: Vec<String>,
        terms: Terms,
        rows: Arc<dyn NewRows>,
        plan: Option<PlanUse>,
    ) -> Result<RunId, Failure> {
        let _busy = Busy::with(self.screen, both("writing the run into the journal", "menulis proses ke dalam jurnal"));
        let (job, account, started_at) = (self.case.job.name.to_string(), self.account.clone(), self.started_at);
        self.journal
            .begin_run(NewRun {
                job,
                account,
                started_at,
                horizon: self.case.job.retries.horizon,
                delimiter,
                header,
                terms,
                rows,
                plan,
            })
            .await
            .map_err(open::failure)
    }

    /// What earlier runs of the job left unknown.
    pub(super) async fn unsettled(&self) -> Result<Vec<Item>, Failure> {
        let job = self.case.job.name.as_str();
        self.journal.items_in(&self.account, job, UNSETTLED).await.map_err(open::failure)
    }

    /// Sends what is new and settles what is not, until it is done or has to stop.
    pub(super) async fn send_and_settle(
        &self,
        run: &RunId,
        fresh: Fresh,
        unsettled: Vec<Item>,
        under_way_since: Option<Timestamp>,
    ) -> Result<Sent, Failure> {
        let job = &self.case.job;
        let connections = job.limits.concurrency.get() as usize;
        let gateway = HttpGateway::new(&self.base_url(), job.limits.timeout, connections)
            .map_err(|error| Failure::Refused(error.to_string()))?;
        let share = Share::new(Arc::clone(&self.journal), &self.account, &job.limits, SystemClock).map(Arc::new);
        let clock = RunClock::begin(SystemClock);
        let (journal, backoff) = (Arc::clone(&self.journal), job.retries.backoff_first);
        let (places, window) = (Arc::<Places>::default(), job.window);
        let gateway =
            LaneGate::before(gateway, journal, share.clone(), clock.clone(), backoff, Arc::clone(&places), window);
        let gateway = Gate::before(gateway, &job.limits, SystemClock);
        let reach = Pacer::<SystemClock>::memory(&job.limits);
        let past = self.journal.past(&self.account, run, reach, SystemClock.now()).await.map_err(open::failure)?;
        // What only a file knows is as good as lost.
        let lost_since =
            self.journal.lost_since().await.map_err(open::failure)?.into_iter().chain(under_way_since).min();
        let desk = Desk {
            journal: Arc::clone(&self.journal),
            gateway,
            clock,
            signer: Signer::new(&self.credentials.secret_key),
            client_id: self.credentials.client_id.clone(),
            run: run.clone(),
            lost_since,
            horizon: job.retries.horizon,
            page: if job.merchant.is_on_loopback() { PaymentPage::Loopback } else { PaymentPage::Https },
            places,
        };
        let progress = Arc::clone(&self.case.told.progress);
        self.screen.log().of_run(run.as_str());
        events::listen(&progress, self.screen);
        let dispatch =
            Dispatch::new(desk, self.account.clone(), Rules::of(job), fresh, unsettled, Arc::clone(&progress));
        let watch = Watch::start(self.screen, &progress, job, self.journal.is_shared());
        let is_over = Arc::new(AtomicBool::new(false));
        let interrupted = self.case.told.signals.mean(self.stopping(run, &is_over));
        // On the thread of the calls, and not on that of the command, which each of them would have to wake.
        let dispatching = tokio::spawn(dispatch.in_lane(share).after(past).run(interrupted.clone()));
        let stop = dispatching.await.expect("the dispatcher does not panic");
        is_over.store(true, Ordering::Relaxed);
        drop(watch);
        Ok(Sent { stop, seen: progress.seen(), interrupted })
    }

    /// What the signals mean while calls may be under way, and once the dispatching is over.
    fn stopping(&self, run: &RunId, is_over: &Arc<AtomicBool>) -> Stopping {
        let (progress, is_over) = (Arc::clone(&self.case.told.progress), Arc::clone(is_over));
        let (settling, going_on) = (open::settling(self.case), open::going_on(self.case));
        let (journal, run, earlier) = (self.case.journal.clone(), run.clone(), Earlier::of(self.case).map(Arc::new));
        Stopping::Run(Arc::new(move || {
            let (is_over, progress) = (is_over.load(Ordering::Relaxed), Arc::clone(&progress));
            let (settling, going_on) = (settling.clone(), going_on.clone());
            let (journal, run, earlier) = (journal.clone(), run.clone(), earlier.clone());
            let at_once = Box::new(move || {
                let known = progress.in_doubt();
                if !is_over && Progress::get(&progress.under_way) > 0 {
                    return calls_left(known, &settling, Box::new(move || left::note(&journal, &run, Cause::AtOnce)));
                }
                // The orders of this run are not all that may be in doubt.
                let older = earlier.filter(|_| known.count == 0).and_then(Earlier::known);
                let known = older.unwrap_or(known);
                let next = if known.count == 0 { &going_on } else { &settling };
                nothing_under_way(known, next, Box::new(move || left::note(&journal, &run, Cause::Interrupted)))
            });
            Leaving { first: if is_over { behind_the_calls() } else { with_calls() }, at_once }
        }))
    }

    /// Why a run of the job stopped, for the record.
    pub(super) fn cause(&self, stop: Option<&Stop>) -> Option<Cause> {
        stop.map(|stop| stop.cause(self.case.job.window.as_ref()))
    }

    /// The end: the embedded simulator delivers what it has to tell the merchant.
    pub(super) async fn close(self) {
        if let Some(embedded) = self.embedded.filter(|_| self.case.job.merchant.notify.is_some()) {
            embedded.running.stop().await;
        }
    }

    fn base_url(&self) -> String {
        match (&self.case.job.merchant.base_url, &self.embedded) {
            (Some(url), _) => url.clone(),
            (None, Some(embedded)) => format!("http://{}", embedded.running.address()),
            (None, None) => self.case.job.merchant.environment.host().unwrap_or_default().to_owned(),
        }
    }

    /// Conflicts of other jobs of the account, which this run may have found, and the names of those jobs. What the plan
    /// counts already is left out.
    pub(super) async fn conflicts_of_other_jobs(&self, plan: &Plan) -> Result<(Tally, BTreeSet<String>), JournalError> {
        let counted: HashSet<&InvoiceNumber> = plan.doubts_elsewhere().collect();
        let (mut tally, mut jobs) = (Tally::default(), BTreeSet::new());
        for item in self.journal.doubts().await? {
            let other = item.state == State::Conflict && *item.job != *self.case.job.name.as_str();
            if other && item.identity.account == self.account && !counted.contains(&item.identity.invoice) {
                tally.add(item.amount);
                jobs.insert(item.job.to_string());
            }
        }
        Ok((tally, jobs))
    }

    /// Says that other jobs have left money in doubt: a job that was renamed, or is never run again, settles nothing.
    pub(super) async fn warn_of_other_doubts(&self, screen: Screen) {
        let Ok(doubts) = self.journal.doubts().await else { return };
        let (mut tally, mut jobs) = (Tally::default(), BTreeSet::new());
        for item in doubts.into_iter().filter(|item| *item.job != *self.case.job.name.as_str()) {
            tally.add(item.amount);
            jobs.insert(item.job.to_string());
        }
        if tally.count > 0 {
            let jobs: Vec<String> = jobs.into_iter().collect();
            let (jobs, rupiah) = (jobs.join(", "), tally.rupiah);
            let look = format!("rekon show --journal {}", printable(&load::named(&self.case.journal)));
            let Both { english, indonesian } = both::counted(tally.count, Unit::Items);
            screen.warn(&both(
                format!("also in doubt in this journal, left by other jobs ({jobs}): {english}, {rupiah}: {look}"),
                format!(
                    "di jurnal ini juga belum pasti, ditinggalkan job lain ({jobs}): {indonesian}, {rupiah}: {look}"
                ),
            ));
        }
    }

    /// All items of the job in doubt.
    pub(super) async fn doubts(&self) -> Result<Vec<Item>, JournalError> {
        self.journal.items_in(&self.account, self.case.job.name.as_str(), IN_DOUBT).await
    }

    /// How those of these items that are in doubt no longer were settled.
    pub(super) async fn settled(&self, doubts: Vec<Item>) -> Result<Settled, JournalError> {
        let invoices = doubts.iter().map(|item| item.identity.invoice.clone()).collect();
        let known = self.journal.known(&self.account, invoices).await?;
        let mut settled = Settled::new();
        for item in known.values().filter(|item| !IN_DOUBT.contains(&item.state)) {
            settled.entry(item.state.word()).or_default().add(item.amount);
        }
        Ok(settled)
    }

    /// Items of the job in doubt whose orders are not these.
    pub(super) async fn in_doubt_elsewhere(&self, here: &HashSet<InvoiceNumber>) -> Result<Tally, JournalError> {
        in_doubt_elsewhere(&self.case.job, &self.account, &self.journal, here).await
    }
}

/// What happens first once the dispatching is over: at most the report is missing, or other hosts are at work.
fn behind_the_calls() -> Both {
    both(
        "stopping: no calls are under way; the files are written, or other hosts go on; once more to stop at once",
        "sedang berhenti: tidak ada panggilan yang berjalan; berkas ditulis dahulu, atau host lain melanjutkan; sekali lagi \
         untuk berhenti seketika",
    )
}

/// The same before that.
fn with_calls() -> Both {
    both(
        "stopping: calls under way are finished, then the files are written; once more to stop at once",
        "sedang berhenti: panggilan yang sedang berjalan diselesaikan dahulu, lalu berkas ditulis; sekali lagi untuk \
         berhenti seketika",
    )
}

/// No call is under way, and this much is in doubt, of whatever run.
fn nothing_under_way(known: Tally, next: &Both, note: Box<dyn FnOnce() + Send>) -> Left {
    let (code, left) = if known.count == 0 {
        let files = both(
            "the files may be missing, and the next run writes them",
            "berkas mungkin belum ada, dan ditulis oleh proses berikutnya",
        );
        (STOPPED, files)
    } else {
        (DOUBT, both::spoken(|words| (words.items_in_doubt)(known)))
    };
    let said = both(
        format!("stopped at once, with no calls under way; {} (exit code {code})\n  {}", left.english, next.english),
        format!(
            "berhenti seketika, tanpa panggilan yang sedang berjalan; {} (kode keluar {code})\n  {}",
            left.indonesian, next.indonesian
        ),
    );
    Left { said, code, note }
}

/// Calls are under way whose outcome nobody will read.
fn calls_left(known: Tally, next: &Both, note: Box<dyn FnOnce() + Send>) -> Left {
    let Both { english, indonesian } = both::counted(known.count, Unit::Items);
    let [mut before, mut sebelumnya] = [String::new(), String::new()];
    if known.count > 0 {
        before = format!(", and {english}, {}, from before", known.rupiah);
        sebelumnya = format!(", ditambah {indonesian}, {}, dari sebelumnya", known.rupiah);
    }
    let said = both(
        format!(
            "stopped at once; MONEY IN DOUBT: the requests that were under way{before} (exit code {DOUBT})\n  {}",
            next.english
        ),
        format!(
            "berhenti seketika; UANG BELUM PASTI: permintaan yang sedang berjalan{sebelumnya} (kode keluar {DOUBT})\n  {}",
            next.indonesian
        ),
    );
    Left { said, code: DOUBT, note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::money::Rupiah;

    #[test]
    fn whoever_stops_at_once_is_told_of_calls_under_way_only_while_there_are_any() {
        let mut some = Tally::default();
        some.add(Rupiah::new(90_000));
        let (nothing, next) = (|| Box::new(|| {}), Both::same("rekon run job.yaml --live"));
        for (left, code, calls, money) in [
            (calls_left(Tally::default(), &next, nothing()), DOUBT, true, true),
            (calls_left(some, &next, nothing()), DOUBT, true, true),
            (nothing_under_way(Tally::default(), &next, nothing()), STOPPED, false, false),
            (nothing_under_way(some, &next, nothing()), DOUBT, false, true),
        ] {
            let said = &left.said.english;
            assert_eq!(left.code, code, "{said}");
            assert_eq!(said.contains("requests that were under way"), calls, "{said}");
            assert_eq!(said.contains("MONEY IN DOUBT"), money, "{said}");
            assert!(said.ends_with(&format!("(exit code {code})\n  rekon run job.yaml --live")), "{said}");
        }
    }
}
