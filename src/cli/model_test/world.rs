//! The machine on which the program runs: its folder with the job, the orders, the journal and the notification log; its
//! clock; a person who rules. Every command of a story happens here.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::exit::Failure;
use super::super::load::{Case, testing};
use super::super::open::open_at;
use super::commands::{Command, Memory, Story};
use super::provider::Truth;
use super::time::ModelClock;
use super::witness::{Promise, Promises};
use super::words::{Words, amount, invoice};
use crate::doku::sign::Signer;
use crate::edge::credentials::Credentials;
use crate::job;
use crate::journal::log::{Reopened, Ruled};
use crate::journal::record::{Acceptance, Item};
use crate::journal::ruling::{may_be_reopened, may_be_ruled};
use crate::journal::state::{Event, State};
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _};
use crate::model::ids::InvoiceNumber;
use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use crate::model::time::{BusinessDate, parse_instant};
use crate::runner::clock::Clock as _;

/// What was last seen of each item.
pub(super) type Seen = HashMap<(String, u16), State>;

/// Everything there is.
pub(super) struct World {
    folder: tempfile::TempDir,
    pub(super) case: Case,
    pub(super) credentials: Credentials,
    pub(super) account: Account,
    pub(super) words: Words,
    pub(super) clock: ModelClock,
    pub(super) truth: Arc<Mutex<Truth>>,
    pub(super) promises: Promises,
    pub(super) seen: Seen,
    pub(super) runs: usize,
    pub(super) kills: usize,
    /// True time at the end.
    pub(super) lasted: Duration,
    /// The journal was replaced, and no run has gone on with it yet.
    is_missing: bool,
    /// Some run went on although entries were missing.
    pub(super) has_lost: bool,
    /// What was promised by, and seen of, the journal that was replaced.
    before_loss: (HashMap<String, Promise>, Seen),
    notified: u64,
}

impl World {
    pub(super) fn new(story: &Story) -> Self {
        let in_memory = tempfile::tempdir_in(Path::new("/dev/shm"));
        let folder = in_memory.or_else(|_| tempfile::tempdir()).unwrap();
        let operation = story.operation;
        let text = format!(
            "job: model\noperation: {operation}\nmerchant: {{environment: simulator}}\n\
             orders: {{file: orders.csv, on_invalid: skip}}\nlimits: {{rate: 5/s, concurrency: 3}}\n\
             retries: {{attempts: 3, horizon: 24h, settle_for: 4m}}\n\
             guards: {{max_orders: 100, max_total: 100000000}}\nnotifications: {{files: [notifications.jsonl]}}\n"
        );
        let job = job::parse("job.yaml", &text).unwrap();
        let clock = ModelClock::start();
        let memory = match story.memory {
            Memory::Forever => None,
            Memory::Horizon => Some(job.retries.horizon + Duration::from_secs(3_600)),
        };
        let (root, date) = (folder.path().to_owned(), BusinessDate::of(clock.now()));
        let case = testing::case(job, &root, date);
        let credentials = case.credentials().unwrap();
        let (signer, client_id) = (Signer::new(&credentials.secret_key), credentials.client_id.clone());
        fs::write(case.path("notifications.jsonl"), "").unwrap();
        Self {
            account: case.account(&credentials, operation),
            words: Words { operation, signer, client_id },
            truth: Arc::new(Mutex::new(Truth::remembering(memory))),
            promises: Arc::default(),
            seen: Seen::new(),
            runs: 0,
            kills: 0,
            lasted: Duration::ZERO,
            is_missing: false,
            has_lost: false,
            before_loss: Default::default(),
            notified: 0,
            folder,
            case,
            credentials,
            clock,
        }
    }

    /// Lets a command happen.
    ///
    /// # Errors
    /// What it did that it must never do.
    pub(super) async fn happen(&mut self, command: &Command) -> Result<(), String> {
        match command {
            Command::Run { orders, hazard } => self.run(orders, *hazard).await.map(drop)?,
            Command::Resolve { hazard } => self.resolve(*hazard).await.map(drop)?,
            Command::Wait { seconds } => tokio::time::advance(Duration::from_secs(*seconds)).await,
            Command::SetClock { seconds } => self.clock.set_by(*seconds),
            Command::Faults(faults) => self.truth.lock().unwrap().faults.clone_from(faults),
            Command::Heal => self.truth.lock().unwrap().faults.clear(),
            Command::Notify { order, status, copies } => self.notify(*order, *status, *copies),
            Command::Rule { order } => self.rule(*order).await,
            Command::Reopen { order } => self.reopen(*order).await,
            Command::Accept => self.accept().await,
            Command::Backup => self.back_up().await,
            Command::Restore if self.copy().exists() => self.replace(Some(&self.copy())),
            Command::Restore => {}
            Command::Delete => self.replace(None),
        }
        Ok(())
    }

    /// The file that the journal is.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Opens the journal as every command that writes does.
    pub(super) async fn open(&mut self) -> Result<Store, Failure> {
        let horizon = self.case.job.retries.horizon;
        let (journal, loss) = open_at(&self.case.journal, horizon, self.clock.now()).await?;
        self.is_missing = false;
        self.has_lost |= loss.is_some();
        Ok(journal)
    }

    /// Writes the orders of these numbers into the file of the job.
    pub(super) fn export(&self, orders: &[u8]) {
        let (header, more) = match self.account.operation {
            Operation::Refund => ("order_id,akulaku_reference", "1000,2000"),
            Operation::Cancel => ("book_status", "x"),
            Operation::Create => (
                "line_items.price,line_items.name,line_items.quantity,line_items.sku,line_items.category,callback_url,\
                 customer.id,customer.name,customer.phone",
                "Shirt,1,S,C,https://shop.example/r,C-1,Siti,6281122334455",
            ),
        };
        let mut text = format!("invoice_number,amount,{header}\n");
        for order in orders {
            let (invoice, amount) = (invoice(*order), amount(&invoice(*order)));
            let price = if self.account.operation == Operation::Create { format!("{amount},") } else { String::new() };
            writeln!(text, "{invoice},{amount},{price}{more}").unwrap();
        }
        fs::write(self.case.path("orders.csv"), text).unwrap();
    }

    fn notify(&mut self, order: u8, status: PaymentStatus, copies: u8) {
        self.notified += 1;
        let id = format!("N-{}", self.notified);
        let line = self.words.notification(&id, &invoice(order), status, self.clock.true_now());
        let path = self.case.path("notifications.jsonl");
        let known = fs::read_to_string(&path).unwrap();
        fs::write(path, format!("{known}{}", line.repeat(copies.into()))).unwrap();
    }

    /// The latest generation of an order's item.
    async fn latest(&self, journal: &Store, order: u8) -> Option<Item> {
        let invoice = InvoiceNumber::new(&invoice(order)).unwrap();
        journal.known(&self.account, vec![invoice.clone()]).await.unwrap().remove(&invoice)
    }

    /// A person compares with the Back Office, and rules what is the case. What is still on its way is not ruled about.
    pub(super) async fn rule(&mut self, order: u8) {
        let Ok(journal) = self.open().await else { return };
        let now = self.clock.now();
        journal.recover(now).await.unwrap();
        let Some(item) = self.latest(&journal, order).await else { return };
        if may_be_ruled(&item, self.case.job.retries.horizon, now).is_err() {
            return;
        }
        let event = {
            let mut truth = self.truth.lock().unwrap();
            truth.ripen(self.clock.elapsed());
            if truth.knows_of(&invoice(order)) { Event::RuledDone } else { Event::RuledNotDone }
        };
        let words = || "the Back Office".to_owned();
        let ruled = Ruled { event, reason: words(), evidence: words(), by: "model".into() };
        journal.rule(item.id, ruled, now).await.unwrap();
    }

    /// A person has an order sent anew. Who has lost a journal looks into the Back Office first.
    async fn reopen(&mut self, order: u8) {
        let Ok(journal) = self.open().await else { return };
        let Some(item) = self.latest(&journal, order).await else { return };
        let was_done = self.truth.lock().unwrap().knows_of(&invoice(order));
        if may_be_reopened(&item).is_ok() && !(self.has_lost && was_done) {
            let why = Reopened { reason: "the model".into(), by: "model".into() };
            journal.reopen(vec![item.id], why, self.clock.now()).await.unwrap();
        }
    }

    /// `rekon journal accept`, for a clock that was ahead, or a loss that was young once and is old now. A loss that is old
    /// when it is found is not accepted: see [`World::put_back`].
    pub(super) async fn accept(&mut self) {
        let journal = Store::open(&self.case.journal).await.unwrap();
        if journal.loss().is_some() {
            return;
        }
        let lost_since = journal.lost_since().await.unwrap();
        if lost_since.is_some() {
            // A person compares with the Back Office; the model has no other word for it.
            self.truth.lock().unwrap().remember_for_ever();
        }
        let acceptance = Acceptance { found: "the model".into(), lost_since, reason: "the model".into() };
        journal.accept(acceptance, self.clock.now()).await.unwrap();
    }

    /// Whether an item's first intent is in the future of the clock, or so old that its horizon passes within an hour.
    pub(super) fn was_past_or_future(&self, item: i64) -> bool {
        let journal = rusqlite::Connection::open(self.journal()).unwrap();
        let question = "SELECT first_intent_at FROM item WHERE id = ?1";
        let first: String = journal.query_row(question, [item], |row| row.get(0)).unwrap();
        let age = (self.clock.now() - parse_instant(&first).unwrap()).num_seconds();
        !(1_800..21 * 3_600).contains(&age)
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy.db")
    }

    fn attic(&self) -> PathBuf {
        self.folder.path().join("attic.db")
    }

    async fn back_up(&self) {
        if let Ok(Some(journal)) = Store::open_to_read(&self.case.journal).await {
            let _ = fs::remove_file(self.copy());
            journal.backup(&self.copy()).unwrap();
        }
    }

    /// Something else takes the place of the journal, or nothing. The lock file stays.
    fn replace(&mut self, by: Option<&Path>) {
        if !self.is_missing && self.journal().exists() {
            let journal = rusqlite::Connection::open(self.journal()).unwrap();
            let _ = fs::remove_file(self.attic());
            journal.execute("VACUUM INTO ?1", [self.attic().to_string_lossy()]).unwrap();
            self.before_loss = (self.promises.lock().unwrap().clone(), self.seen.clone());
            self.is_missing = true;
        }
        self.put(by);
        self.promises.lock().unwrap().clear();
        self.seen.clear();
    }

    /// A person puts the newer journal back, because the program asked for it.
    pub(super) fn put_back(&mut self) {
        if self.is_missing {
            self.put(Some(&self.attic()));
            let (promises, seen) = std::mem::take(&mut self.before_loss);
            *self.promises.lock().unwrap() = promises;
            self.seen = seen;
            self.is_missing = false;
        }
    }

    fn put(&self, what: Option<&Path>) {
        for suffix in ["", "-wal", "-shm"] {
            let mut path = self.journal().as_os_str().to_owned();
            path.push(suffix);
            let _ = fs::remove_file(path);
        }
        if let Some(what) = what {
            fs::copy(what, self.journal()).unwrap();
        }
    }
}
