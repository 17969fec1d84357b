//! What a saved plan is made of: the orders as they would be sent, and what they rest on.

use super::binding::{
    BandLine, BoundItem, Cover, GuardLine, InputFile, JobFile, KIND, Key, LogHead, Maker, Override, Parts, Release,
    Sum, VERSION, need,
};
use super::guard::Verdict;
use super::made::Plan;
use crate::journal::Account;
use crate::journal::identity::Identity;
use crate::journal::log::sha256;
use crate::journal::record::Item;
use crate::model::listing::Unread;
use crate::model::order::Settlement;
use crate::model::time::{Timestamp, wire};

/// What a plan rests on: whatever differs when it is run makes it stale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// Whose signatures count; `need` is not looked at.
    pub approvers: Vec<Key>,
    /// From more than so much on, so many.
    pub bands: Vec<BandLine>,
    /// SHA-256 of the client id.
    pub client_sha256: String,
    /// The business date.
    pub date: String,
    /// Simulator, sandbox or production.
    pub environment: String,
    /// The orders.
    pub input: InputFile,
    /// The job.
    pub job: JobFile,
    /// The journal, relative to the job file.
    pub journal: String,
    /// Create, cancel or refund.
    pub operation: String,
    /// The version of the program.
    pub rekon: String,
}

/// What is said when, by whom, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occasion {
    /// Who.
    pub made_by: Maker,
    /// When.
    pub made_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
    /// The journal's log.
    pub journal_log: Option<LogHead>,
    /// What earlier runs left unknown.
    pub open: Vec<BoundItem>,
    /// Guards that are loosened.
    pub overrides: Vec<Override>,
}

/// Binds a plan to what it rests on: all of it but its digest and its items.
#[must_use]
pub fn cover(plan: &Plan, ground: Ground, occasion: Occasion) -> Cover {
    let dispositions = plan.dispositions();
    let total = Sum::from(plan.total());
    let guards = plan.guards.iter().map(|reading| GuardLine {
        found: reading.found.to_string(),
        guard: match reading.verdict {
            Verdict::Holds => reading.guard.to_owned(),
            Verdict::Broken => format!("{} (broken)", reading.guard),
        },
        headroom: reading.headroom.to_string(),
        limit: reading.limit.to_string(),
    });
    Cover {
        approval: Release { need: need(&ground.bands, total.rupiah), approvers: ground.approvers, bands: ground.bands },
        client_sha256: ground.client_sha256,
        date: ground.date,
        digest: String::new(),
        dispositions: Parts {
            held: dispositions.held.into(),
            invalid: dispositions.invalid.into(),
            send: dispositions.send.into(),
            skip: dispositions.skip.into(),
        },
        environment: ground.environment,
        expires_at: wire(occasion.expires_at),
        guards: guards.collect(),
        input: ground.input,
        items: [],
        job: ground.job,
        journal: ground.journal,
        journal_log: occasion.journal_log,
        made_at: wire(occasion.made_at),
        made_by: occasion.made_by,
        open: occasion.open,
        operation: ground.operation,
        overrides: occasion.overrides,
        plan: KIND.to_owned(),
        rekon: ground.rekon,
        total,
        version: VERSION,
    }
}

/// What a plan would send, order by order, as the runner would send it.
pub fn items<'a>(
    plan: &'a Plan,
    account: &'a Account,
    settlement: &'a [Settlement],
) -> impl Iterator<Item = Result<BoundItem, Unread>> + use<'a> {
    plan.to_send().map(move |ready| {
        let ready = ready?;
        let invoice = ready.order.invoice_number.clone();
        let stored = plan.stored_bodies.get(&invoice).cloned();
        let identity = Identity { account: account.clone(), invoice, generation: ready.generation };
        let body = || ready.call.body(&ready.order, &ready.payment_reference, &identity.refund_reference(), settlement);
        Ok(BoundItem {
            amount: ready.order.amount.whole(),
            body_sha256: stored.unwrap_or_else(|| sha256(&body())),
            generation: ready.generation,
            invoice_number: identity.invoice.to_string(),
            operation: account.operation.word().to_owned(),
            request_id: identity.request_id().to_string(),
        })
    })
}

/// An item of the journal that is asked about again.
#[must_use]
pub fn open_item(item: &Item) -> BoundItem {
    BoundItem {
        amount: item.amount.whole(),
        body_sha256: item.body_sha256.to_string(),
        generation: item.identity.generation,
        invoice_number: item.identity.invoice.to_string(),
        operation: item.identity.account.operation.word().to_owned(),
        request_id: item.request_id.to_string(),
    }
}
