//! Two stores that were told the same say the same, to the last hash.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use super::*;
use crate::doku::status::Inquiry;
use crate::journal::history::{Asked, PlanUse};
use crate::journal::log::Reopened;
use crate::journal::record::{Acceptance, Contradiction, InquiryResult};
use crate::journal::state::State;
use crate::model::ids::RequestId;

const DIGEST: &str = "aa";

/// A run of everything, what a person and DOKU said of it later, and a second run, with a plan, that was cut off.
async fn told(ground: &Ground) -> Store {
    drop(eventful(ground).await);
    let journal = ground.open().await;
    journal.recover(at(20)).await.unwrap();
    let of = async |number: u32| item(&journal, number).await.id;
    let (notification, status) = ("N-1".to_owned(), "REFUNDED".to_owned());
    let found = Contradiction { item: of(3).await, notification, status, event: Event::Already, at: at(21) };
    journal.contradict(found).await.unwrap();
    journal.rule(of(3).await, ruled(Event::RuledNotDone), at(22)).await.unwrap();
    let why = Reopened { reason: "told by phone".into(), by: "budi".into() };
    journal.reopen(vec![of(3).await], why, at(23)).await.unwrap();
    let plan = PlanUse { digest: DIGEST.into(), made_by: "ani".into(), approved_by: Vec::new(), continues: Vec::new() };
    let second = NewRun { started_at: at(30), plan: Some(plan), ..new_run("job", &[3, 5, 7, 8]) };
    let run = journal.begin_run(second).await.unwrap();
    let asked = |item| InquiryResult {
        item,
        run: run.clone(),
        request_id: RequestId::new("inquiry-1").unwrap(),
        inquiry: Inquiry::Applied,
        facts: Facts { http_status: Some(200), signature: SignatureCheck::Valid, ..Facts::default() }.into(),
        exchange: Exchange::Answered(Answer { status: 200, headers: Vec::new(), body: b"{}".to_vec() }),
        sent_at: at(31),
        at: at(32),
    };
    journal.record_inquiry(asked(of(5).await)).await.unwrap();
    journal.give_up(of(7).await, at(33)).await.unwrap();
    let sent = journal.record_intent(first(&run, 8, "body")).await.unwrap();
    journal.record_outcome(answered(sent.attempt(), Outcome::Throttled(SignatureCheck::Valid))).await.unwrap();
    journal.stop_run(run.clone(), "breaker".into(), at(35)).await.unwrap();
    let acceptance = Acceptance { found: "some".into(), lost_since: Some(at(5)), reason: String::new() };
    journal.accept(acceptance, at(36)).await.unwrap();
    journal
}

/// What a journal answers to everything that it is asked.
#[derive(Default)]
struct Said(Vec<(String, String)>);

impl Said {
    fn note(&mut self, what: impl Into<String>, said: &impl Debug) {
        self.0.push((what.into(), format!("{said:#?}")));
    }
}

async fn said(journal: &Store) -> Vec<(String, String)> {
    let mut said = Said::default();
    let account = account();
    said.note("check", &journal.check().await.unwrap());
    let runs = journal.runs().await.unwrap();
    said.note("runs", &runs);
    for run in runs.iter().map(|record| &record.run) {
        said.note(format!("rows of {run}"), &journal.rows(run).await.unwrap());
        said.note(format!("rows of {run} behind"), &journal.rows_behind(run, 1, 2).await.unwrap());
        said.note(format!("plan of {run}"), &journal.plan_of(run).await.unwrap());
        said.note(format!("last sent of {run}"), &journal.last_sent(run).await.unwrap());
        said.note(format!("horizon of {run}"), &journal.horizon(run).await.unwrap());
        said.note(format!("overrides of {run}"), &journal.overrides(run).await.unwrap());
        let past = journal.past(&account, run, (Duration::from_secs(3600), 100), at(40)).await.unwrap();
        said.note(format!("past of {run}"), &past);
    }
    let times = journal.times(&runs[0].run, |times: &mut Vec<_>, sent, ended| times.push((sent, ended))).await;
    said.note("times", &times.unwrap());
    let all: Vec<InvoiceNumber> = (1..=9).map(invoice).collect();
    let known: BTreeMap<_, _> = journal.known(&account, all.clone()).await.unwrap().into_iter().collect();
    said.note("known", &known);
    for invoice in &all {
        said.note(format!("story of {invoice}"), &journal.story(invoice).await.unwrap());
    }
    said.note(
        "items",
        &journal.items_in(&account, "job", &[State::Unknown, State::Review, State::Conflict]).await.unwrap(),
    );
    said.note("doubts", &journal.doubts().await.unwrap());
    said.note("refusals", &journal.refusals(&account).await.unwrap());
    let latest = journal.latest_items(account.environment, &account.client_id, None, 3).await.unwrap();
    let behind = latest.last().map(|item| item.id);
    said.note("latest", &latest);
    said.note("further", &journal.latest_items(account.environment, &account.client_id, behind, 3).await.unwrap());
    said.note("lost since", &journal.lost_since().await.unwrap());
    said.note("runs of a plan", &journal.runs_of_plan(DIGEST).await.unwrap());
    let asked = Asked { job: "job".into(), runs: 3, input_sha256: None, now: at(40) };
    said.note("history", &journal.history(&account, asked).await.unwrap());
    let head = journal.head().await.unwrap().unwrap();
    said.note("head", &head);
    said.note("holds it", &journal.holds(&head.hash).await.unwrap());
    let at_its_place = (journal.holds_at(head.seq, &head.hash).await, journal.holds_at(1, &head.hash).await);
    said.note("holds it at its place", &(at_its_place.0.unwrap(), at_its_place.1.unwrap()));
    let mut proofs = Vec::new();
    journal.proofs(|proof| proofs.push(proof.clone())).await.unwrap();
    said.note("proofs", &proofs);
    said.0
}

#[tokio::test]
async fn two_stores_that_were_told_the_same_say_the_same() {
    let Some(database) = Ground::in_postgres() else { return };
    let (one, two) = (told(&Ground::in_sqlite()).await, told(&database).await);
    let (one, two) = (said(&one).await, said(&two).await);
    for ((what, one), (_, two)) in one.iter().zip(&two) {
        assert_eq!(one, two, "{what}");
    }
    assert_eq!(one.len(), two.len());
}
