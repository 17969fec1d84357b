//! `rekon rule` and `rekon reopen`: what only a person can decide, written into the journal with the reason.

use std::path::Path;

use super::args::{Common, ReopenArgs, RuleArgs, Ruling};
use super::exit::{DONE, Failure};
use super::open::{Place, absent, failure, is_there, open};
use super::screen::Screen;
use super::words::words;
use crate::edge::clock::SystemClock;
use crate::edge::person;
use crate::journal::log::{Reopened, Ruled};
use crate::journal::record::Item;
use crate::journal::ruling::{NotNow, may_be_reopened, may_be_ruled};
use crate::journal::state::Event;
use crate::journal::store::Store;
use crate::journal::{Account, Journal as _};
use crate::model::fault::printable;
use crate::model::ids::{ClientId, InvoiceNumber};
use crate::model::operation::Operation;
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;

/// `rekon rule INVOICE --operation refund --as done --reason TEXT --evidence TEXT`.
pub(super) async fn rule(args: &RuleArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let reason = words("--reason", &args.reason)?;
    let evidence = words("--evidence", &args.evidence)?;
    let now = SystemClock.now();
    let meant = Meant::of(args.operation, args.job.as_deref(), args.environment.as_deref(), common)?;
    let journal = meant.open(screen).await?;
    journal.recover(now).await.map_err(failure)?;
    let item = meant.latest(&journal, &args.invoice).await?;
    // The longer of two horizons: the job's as it is now, and as it was when the item was sent.
    let sent_under = journal.horizon(&item.run).await.map_err(failure)?;
    let horizon = match (&meant.place.case, sent_under) {
        (Some(_), Some(sent_under)) => sent_under.max(meant.place.horizon),
        (None, Some(sent_under)) => sent_under,
        (_, None) => meant.place.horizon,
    };
    may_be_ruled(&item, horizon, now).map_err(|why| not_now(&item, &why))?;
    let event = match args.ruling {
        Ruling::Done => Event::RuledDone,
        Ruling::NotDone => Event::RuledNotDone,
    };
    let state =
        journal.rule(item.id, Ruled { event, reason, evidence, by: person::who() }, now).await.map_err(failure)?;
    let (invoice, account) = (&item.identity.invoice, &item.identity.account);
    let (screen, operation) = (meant.speaking(screen), account.operation);
    let words = screen.words();
    let title = words.title(invoice.as_str(), operation.word(), account.environment.word(), &item.amount.to_string());
    screen.say(&format!("{title}: {} -> {}", (words.item_state)(item.state), (words.item_state)(state)));
    if event == Event::RuledNotDone {
        let place = meant.place.flag();
        let command = format!("rekon reopen {invoice} --operation {operation} --reason TEXT {place}");
        let text = both(format!("to send it anew: {command}"), format!("untuk mengirimnya lagi: {command}"));
        screen.say(screen.told(&text));
    }
    let document = serde_json::json!({
        "version": 1, "invoice_number": invoice, "operation": account.operation, "before": item.state.word(),
        "state": state.word(), "exit_code": DONE,
    });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// `rekon reopen INVOICE... --operation refund --reason TEXT`: all of them, or none.
pub(super) async fn reopen(args: &ReopenArgs, common: &Common, screen: Screen) -> Result<u8, Failure> {
    let reason = words("--reason", &args.reason)?;
    let now = SystemClock.now();
    let meant = Meant::of(args.operation, args.job.as_deref(), args.environment.as_deref(), common)?;
    let journal = meant.open(screen).await?;
    let mut items: Vec<Item> = Vec::new();
    let mut wrong = Vec::new();
    for invoice in &args.invoices {
        let found = meant.latest(&journal, invoice).await;
        let checked = found.and_then(|item| match may_be_reopened(&item) {
            Ok(()) => Ok(item),
            Err(why) => Err(not_now(&item, &why)),
        });
        match checked {
            Ok(item) if items.iter().all(|other| other.id != item.id) => items.push(item),
            Ok(_) => {}
            Err(failure) => wrong.push(failure.to_string()),
        }
    }
    if !wrong.is_empty() {
        return Err(Failure::Refused(wrong.join("\n")));
    }
    let screen = meant.speaking(screen);
    let why = Reopened { reason, by: person::who() };
    let items = items.iter().map(|item| item.id).collect();
    let mut reopened = Vec::new();
    for next in journal.reopen(items, why, now).await.map_err(failure)? {
        let (invoice, operation) = (&next.identity.invoice, next.identity.account.operation);
        let (amount, generation, id) = (next.amount, next.identity.generation, &next.request_id);
        let what = (screen.words().operation)(operation.word());
        let text = both(
            format!(
                "{invoice} · {what} · {amount}: will be sent anew by the next run whose orders have it, as generation \
                 {generation} with Request-Id {id}"
            ),
            format!(
                "{invoice} · {what} · {amount}: akan dikirim lagi oleh proses berikutnya yang data masukannya memuat invoice ini, \
                 sebagai generasi {generation} dengan Request-Id {id}"
            ),
        );
        screen.say(screen.told(&text));
        reopened.push(serde_json::json!({
            "invoice_number": invoice, "operation": operation, "generation": next.identity.generation,
            "request_id": next.request_id,
        }));
    }
    let document = serde_json::json!({ "version": 1, "reopened": reopened, "exit_code": DONE });
    screen.document(document.to_string().as_bytes());
    Ok(DONE)
}

/// Whose items a person means, and where they are.
struct Meant<'a> {
    operation: Operation,
    /// What `--environment` says, else the job.
    environment: Option<&'a str>,
    /// The job's; keys that are not at hand narrow nothing.
    client_id: Option<ClientId>,
    place: Place,
}

impl<'a> Meant<'a> {
    fn of(
        operation: Operation,
        job: Option<&Path>,
        environment: Option<&'a str>,
        common: &Common,
    ) -> Result<Self, Failure> {
        let place = Place::of(job, common)?;
        let own = || place.case.as_ref().map(|case| case.job.merchant.environment.word());
        let keys = place.case.as_ref().and_then(|case| case.credentials().ok());
        let (environment, client_id) = (environment.or_else(own), keys.map(|keys| keys.client_id));
        Ok(Self { operation, environment, client_id, place })
    }

    /// A journal that is there already: a ruling makes none.
    async fn open(&self, screen: Screen) -> Result<Store, Failure> {
        if !is_there(&self.place.location).await? {
            return Err(absent(&self.place.location));
        }
        open(&self.place.location, self.place.horizon, SystemClock.now(), screen).await
    }

    /// The screen in the language of the job, if one is named.
    fn speaking(&self, screen: Screen) -> Screen {
        self.place.case.as_ref().map_or(screen, |case| screen.speaking(case.language))
    }

    /// Whether an account may be the one that is meant.
    fn is_meant(&self, account: &Account) -> bool {
        account.operation == self.operation
            && self.environment.is_none_or(|word| account.environment.word() == word)
            && self.client_id.as_ref().is_none_or(|client_id| account.client_id == *client_id)
    }

    /// The latest generation of an invoice's item; it must be the only one of its operation.
    async fn latest(&self, journal: &Store, invoice: &str) -> Result<Item, Failure> {
        let none = |known: &[Item]| {
            let known: Vec<String> = known
                .iter()
                .map(|item| &item.identity.account)
                .map(|account| {
                    format!("a {} in the {} for {}", account.operation, account.environment, account.client_id)
                })
                .collect();
            let but = if known.is_empty() { String::new() } else { format!("; it knows {}", known.join(", ")) };
            let invoice = printable(invoice);
            Failure::Refused(format!("{invoice}: the journal knows no {} of it{but}", self.operation))
        };
        let number = InvoiceNumber::new(invoice).or(Err(none(&[])))?;
        let story = journal.story(&number).await.map_err(failure)?;
        let known: Vec<Item> = story.items.into_iter().map(|(item, _)| item).collect();
        let meant = known.iter().filter(|item| self.is_meant(&item.identity.account));
        let last = meant.clone().max_by_key(|item| item.identity.generation).ok_or_else(|| none(&known))?;
        if meant.clone().any(|item| item.identity.account != last.identity.account) {
            return Err(Failure::Refused(format!(
                "{number}: the journal knows a {} of it in several environments or of several clients\n  \
                 hint: name the job that is meant with --job",
                self.operation
            )));
        }
        Ok(last.clone())
    }
}

fn not_now(item: &Item, why: &NotNow) -> Failure {
    let invoice = &item.identity.invoice;
    let hint = match why {
        NotNow::MaySettle { .. } => {
            "\n  hint: the same key is safe until then: run the job again, or rekon resolve JOB"
        }
        NotNow::NothingSent | NotNow::AtItsEnd(_) | NotNow::NotRefused(_) => "",
    };
    Failure::Refused(format!("{invoice}: {why}{hint}"))
}
