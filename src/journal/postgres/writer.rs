//! Group commit over the network: one thread takes whatever changes are waiting, runs them on a sheet under the lock on the
//! log's end, writes and commits, and answers them all after the commit.
//!
//! While the server is away everybody waits, as long as the runner's lease lasts: intents, so that nothing is sent, and
//! outcomes, which are written when the server is back. A commit of which nobody knows whether it was carried out is looked
//! for in the log first: whoever holds the lock knows that nobody is still at it.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use deadpool_postgres::{Client, Object, Pool};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{interval, timeout};

use super::address::Address;
use super::ask::BEGIN;
use super::begin;
use super::connect::connect;
use super::emergency;
use super::flush::flush;
use super::lease::{Holds, Lease};
use super::log;
use super::memo::Keeper;
use super::needs::Needs;
use super::sheet::{Head, Sheet};
use super::trouble::Undone;
use crate::journal::JournalError;
use crate::journal::record::{AttemptId, Intent, Item};
use crate::journal::rules::{Began, Change, Done, Late};
use crate::model::ids::RunId;

/// At most so many changes share a commit.
const LARGEST_GROUP: usize = 256;

/// Between two tries to reach a server that is away.
pub(super) const PAUSE: Duration = Duration::from_millis(200);

/// A run of very many rows takes its time.
const LONGEST_BEGINNING: Duration = Duration::from_secs(900);

/// What is waited for at the end, when nothing is under way any more.
const FAREWELL: Duration = Duration::from_secs(3);

/// A change that waits for its turn, and who waits for it.
struct Waiting {
    change: Change,
    sender: oneshot::Sender<Result<Done, JournalError>>,
}

impl Waiting {
    fn answer(self, result: Result<Done, JournalError>) {
        // Nobody waits any more if the caller was dropped; the change stands all the same.
        let _ = self.sender.send(result);
    }
}

/// The writing end of a shared journal.
pub(super) struct Writer {
    /// `None` only while it is dropped.
    sender: Option<UnboundedSender<Waiting>>,
    thread: Option<JoinHandle<()>>,
    pub(super) lease: Arc<Lease>,
}

impl Drop for Writer {
    /// Waits for the last change; the lease is given back behind it.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Writer {
    /// Makes a runner known and starts its thread, which ends when the writer is dropped and all work is done.
    pub(super) async fn start(
        address: Address,
        beside: PathBuf,
        host: String,
        keeper: Keeper,
    ) -> Result<Self, JournalError> {
        let (sender, receiver) = unbounded_channel();
        let (ready, started) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = match Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready.send(Err(JournalError::Write(error.to_string())))),
            };
            runtime.block_on(async {
                match Clerk::begin(&address, beside, &host, keeper).await {
                    Ok(clerk) => {
                        // Whoever asked has gone; then nobody sends anything, and the loop ends at once.
                        let _ = ready.send(Ok(Arc::clone(&clerk.lease)));
                        clerk.run(receiver).await;
                    }
                    Err(error) => drop(ready.send(Err(error))),
                }
            });
            // All is written; the server's name may still be being looked up.
            runtime.shutdown_background();
        });
        let lease = started.await.unwrap_or_else(|_| Err(stopped()))?;
        Ok(Self { sender: Some(sender), thread: Some(thread), lease })
    }

    /// Lets a change happen in the next group and returns when its commit is durable. If it fails, only its own writes are
    /// undone.
    pub(super) async fn write(&self, change: Change) -> Result<Done, JournalError> {
        let (sender, receiver) = oneshot::channel();
        self.sender.as_ref().ok_or_else(stopped)?.send(Waiting { change, sender }).or(Err(stopped()))?;
        receiver.await.unwrap_or_else(|_| Err(stopped()))
    }
}

fn stopped() -> JournalError {
    JournalError::Write("its writer has stopped".into())
}

/// The writing thread.
struct Clerk {
    pool: Pool,
    lease: Arc<Lease>,
    /// A run keeps what it began with.
    runs: HashMap<RunId, Began>,
    /// The requests that were allowed to leave, with their runs and items.
    under_way: HashMap<AttemptId, (RunId, Item)>,
    /// The folder for what cannot be written.
    beside: PathBuf,
    /// What this host knows of the log.
    keeper: Keeper,
    /// Why nothing is written any more.
    ended: Option<JournalError>,
}

/// A commit that was asked for, and of which nobody has heard.
struct Tried {
    head: Head,
    results: Vec<Result<Done, JournalError>>,
}

impl Clerk {
    async fn begin(address: &Address, beside: PathBuf, host: &str, mut keeper: Keeper) -> Result<Self, JournalError> {
        let pool = connect(address).await?;
        let away = |error: Undone| error.unusable(address);
        let client = pool.get().await.map_err(|error| away(error.into()))?;
        let lease = Lease::begin(&client, host, std::process::id(), address.lease()).await.map_err(away)?;
        // What cannot be remembered is missing, and harms nobody.
        let _ = keeper.look(&client).await;
        drop(client);
        let (runs, under_way) = (HashMap::new(), HashMap::new());
        Ok(Self { pool, lease: Arc::new(lease), runs, under_way, beside, keeper, ended: None })
    }

    async fn run(mut self, mut receiver: UnboundedReceiver<Waiting>) {
        let renewing = tokio::spawn(renew(self.pool.clone(), Arc::clone(&self.lease)));
        let mut next = None;
        loop {
            let first = match next.take() {
                Some(waiting) => Some(waiting),
                None => receiver.recv().await,
            };
            let Some(first) = first else { break };
            let mut group = vec![first];
            // A run begins with all its rows; nobody waits for them who need not.
            while group.len() < LARGEST_GROUP && !matches!(group[0].change, Change::BeginRun(_)) {
                match receiver.try_recv() {
                    Ok(waiting) if matches!(waiting.change, Change::BeginRun(_)) => {
                        next = Some(waiting);
                        break;
                    }
                    Ok(waiting) => group.push(waiting),
                    Err(_) => break,
                }
            }
            self.serve(group).await;
        }
        renewing.abort();
        let leave = async {
            let client = self.pool.get().await?;
            // Others have written too; or the log has lost something, and nobody may be told otherwise.
            let _ = self.keeper.look(&client).await;
            self.lease.leave(&client).await
        };
        // A lease that cannot be given back runs out.
        let _ = timeout(FAREWELL, leave).await;
    }

    async fn serve(&mut self, group: Vec<Waiting>) {
        match self.commit_at_last(&group).await {
            Ok(results) => {
                for (waiting, result) in group.into_iter().zip(results) {
                    let result = result.map_err(|error| self.kept_aside(&waiting.change, error));
                    self.follow(&waiting.change, &result);
                    waiting.answer(result);
                }
            }
            Err(error) if self.ended.is_some() || group.len() == 1 => {
                for waiting in group {
                    let error = self.kept_aside(&waiting.change, error.clone());
                    waiting.answer(Err(error));
                }
            }
            // One of them is at fault, and the others are not.
            Err(_) => {
                for waiting in group {
                    Box::pin(self.serve(vec![waiting])).await;
                }
            }
        }
    }

    /// Remembers which requests are under way.
    fn follow(&mut self, change: &Change, result: &Result<Done, JournalError>) {
        match (change, result) {
            (Change::Intend(intent), Ok(Done::Intended(item, attempt, _))) => {
                let run = match intent {
                    Intent::First(first) => first.run.clone(),
                    Intent::Again { run, .. } => run.clone(),
                };
                self.under_way.insert(*attempt, (run, Item::clone(item)));
            }
            (Change::Close(record), _) => drop(self.under_way.remove(&record.attempt)),
            _ => {}
        }
    }

    /// Keeps what has happened, and cannot be written, in a file; says so with the error.
    fn kept_aside(&mut self, change: &Change, error: JournalError) -> JournalError {
        let Change::Close(record) = change else { return error };
        let Some((run, item)) = self.under_way.remove(&record.attempt) else { return error };
        let kept = emergency::keep(&self.beside, &run, self.lease.runner, &Late::of(record, &run, &item));
        match kept {
            Ok(path) => JournalError::KeptAside(format!(
                "{error}; what came back is kept in {}, for the next run of the job to take in",
                path.display()
            )),
            Err(why) => JournalError::Away(format!(
                "{error}; what came back could not be kept in {}: {why}",
                self.beside.display()
            )),
        }
    }

    /// Commits a group, however often the server goes away, until the lease has run out.
    async fn commit_at_last(&mut self, group: &[Waiting]) -> Result<Vec<Result<Done, JournalError>>, JournalError> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let mut tried = None;
        let mut ticks = interval(PAUSE);
        loop {
            ticks.tick().await;
            match self.commit(group, &mut tried).await {
                Ok(results) => return Ok(results),
                Err(Undone::Stopped(error @ (JournalError::Fenced | JournalError::Behind))) => {
                    if matches!(error, JournalError::Behind) {
                        self.keeper.keep_as_it_is();
                    }
                    self.lease.lose();
                    self.ended = Some(error.clone());
                    return Err(error);
                }
                Err(Undone::Stopped(error)) => {
                    // Whether the group was written cannot be found out: nobody may write it as if it were new.
                    if tried.is_some() {
                        self.ended = Some(error.clone());
                    }
                    return Err(error);
                }
                Err(Undone::Away(reason)) if self.lease.has_ended() => {
                    let error = JournalError::Away(format!("the shared journal is out of reach: {reason}"));
                    self.ended = Some(error.clone());
                    return Err(error);
                }
                Err(Undone::Away(_)) => {}
            }
        }
    }

    /// Tries once, on one connection, which is given up if anything goes wrong.
    async fn commit(
        &mut self,
        group: &[Waiting],
        tried: &mut Option<Tried>,
    ) -> Result<Vec<Result<Done, JournalError>>, Undone> {
        let client = self.pool.get().await?;
        let limit = match group {
            [Waiting { change: Change::BeginRun(_), .. }] => LONGEST_BEGINNING,
            _ => self.lease.pause(),
        };
        let done = timeout(limit, Box::pin(self.commit_on(&client, group, tried))).await;
        match done {
            Ok(Ok(results)) => Ok(results),
            Ok(Err(error)) => {
                drop(Object::take(client));
                Err(error)
            }
            Err(_) => {
                drop(Object::take(client));
                Err(Undone::Away("it does not answer".into()))
            }
        }
    }

    async fn commit_on(
        &mut self,
        client: &Client,
        group: &[Waiting],
        tried: &mut Option<Tried>,
    ) -> Result<Vec<Result<Done, JournalError>>, Undone> {
        if let Some(results) = committed_already(client, tried).await? {
            return Ok(results);
        }
        let mut needs = Needs::default();
        group.iter().for_each(|waiting| needs.of(&waiting.change, &self.runs));
        let mut begun = None;
        if let [Waiting { change: Change::BeginRun(run), .. }] = group {
            begun = Some(begin::insert(client, run).await?);
        }
        let (mut loaded, holds) =
            needs.read(client, begun.is_some(), &self.lease.fence(), self.keeper.known(), &self.runs).await?;
        let sends = group.iter().any(|waiting| !waiting.change.has_happened());
        match holds {
            Holds::Nothing => return Err(JournalError::Fenced.into()),
            Holds::Little if sends => {
                client.batch_execute("ROLLBACK").await?;
                self.lease.renew(client).await?;
                return Err(Undone::Away("its lease was about to end".into()));
            }
            Holds::Little | Holds::Enough => {}
        }
        if let Some((run, _)) = &begun {
            // Behind the lock: the rows of a large run take longer than a renewal may wait.
            self.lease.works_on(client, run).await?;
        }
        loaded.begun = begun;
        let sheet = Sheet::new(loaded);
        let results: Vec<_> = group.iter().map(|waiting| sheet.apply(&waiting.change)).collect();
        let (before, after, pages, runs) = sheet.finish();
        let last_at = pages.entries.last().map(|entry| entry.at.clone()).unwrap_or_default();
        // A run that did not begin leaves no rows.
        if before == after && results.iter().all(Result::is_err) {
            client.batch_execute("ROLLBACK").await?;
            return Ok(results);
        }
        flush(client, Some(self.lease.runner), (before, after), pages).await?;
        if before != after {
            *tried = Some(Tried { head: after, results });
            client.batch_execute("COMMIT").await?;
            self.runs = runs;
            let accepts = |waiting: &Waiting| matches!(waiting.change, Change::Accept(..));
            if group.iter().any(accepts) {
                self.keeper.accept();
            }
            let _ = self.keeper.note(client, after, last_at).await;
            return Ok(tried.take().map(|tried| tried.results).unwrap_or_default());
        }
        client.batch_execute("COMMIT").await?;
        Ok(results)
    }
}

/// What came of a commit that was asked for before the connection was lost, if it was carried out. The lock on the log's end is
/// taken for that: the server has finished with the lost connection then.
async fn committed_already(
    client: &Client,
    tried: &mut Option<Tried>,
) -> Result<Option<Vec<Result<Done, JournalError>>>, Undone> {
    let Some(Tried { head, .. }) = tried else { return Ok(None) };
    client.batch_execute(BEGIN).await?;
    client.query("SELECT seq FROM head FOR UPDATE", &[]).await?;
    let is_there = log::holds(client, Some(head.seq), &head.hash).await?;
    client.batch_execute("ROLLBACK").await?;
    let tried = tried.take();
    Ok(tried.filter(|_| is_there).map(|tried| tried.results))
}

/// Renews the lease until it is lost.
async fn renew(pool: Pool, lease: Arc<Lease>) {
    let mut ticks = interval(lease.pause());
    ticks.tick().await;
    loop {
        ticks.tick().await;
        // A server that is away is tried again and again, for as long as there is something to renew.
        let mut tries = interval(PAUSE);
        loop {
            tries.tick().await;
            let renewed = timeout(lease.pause(), async {
                let client = pool.get().await?;
                lease.renew(&client).await
            });
            match renewed.await {
                Ok(Ok(())) => break,
                Ok(Err(Undone::Stopped(JournalError::Fenced))) => return lease.lose(),
                Ok(Err(_)) | Err(_) if lease.has_ended() => return lease.lose(),
                Ok(Err(_)) | Err(_) => {}
            }
        }
    }
}
