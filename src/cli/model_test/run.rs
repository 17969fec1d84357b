//! `rekon run` and `rekon resolve` as `cli::run` and `cli::resolve` tell them, but in virtual time, against the provider of
//! the model, and cut off where the hazard says.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::conclude::{Ending, conclude};
use super::super::exit::{Completion, Failure};
use super::super::illustrate::Illustrated;
use super::super::in_doubt::in_doubt_elsewhere;
use super::super::judgement::Room;
use super::super::other_amounts::{OtherAmounts, in_input};
use super::super::planning::make_plan;
use super::super::read_back::ReadBack;
use super::super::resolve::exit_code;
use super::commands::Hazard;
use super::invariants;
use super::provider::Provider;
use super::time::{ModelClock, Steps};
use super::witness::Witness;
use super::world::World;
use crate::doku::answer::PaymentPage;
use crate::journal::history::Terms;
use crate::journal::record::{Finished, Item, NewRows, NewRun};
use crate::journal::state::State;
use crate::journal::store::Store;
use crate::journal::{Journal as _, JournalError};
use crate::model::ids::RunId;
use crate::plan::Plan;
use crate::plan::Sending;
use crate::reconcile::contradict::contradictions;
use crate::reconcile::evidence::Log;
use crate::runner::attempt::Desk;
use crate::runner::clock::{Clock as _, RunClock};
use crate::runner::dispatch::{Dispatch, Fresh, Rules, Stop};
use crate::runner::progress::Progress;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It did not begin, and sent nothing.
    Refused,
    /// It was killed.
    Killed,
    /// With this exit code.
    Code(u8),
}

/// What the parts of a run share.
struct Sitting<'a> {
    world: &'a World,
    journal: Arc<Store>,
    witness: Arc<Witness>,
    steps: Steps,
    number: usize,
}

impl World {
    /// `rekon run` with these orders in the file.
    pub(super) async fn run(&mut self, orders: &[u8], hazard: Hazard) -> Result<End, String> {
        self.export(orders);
        self.sit(hazard, true).await
    }

    /// `rekon resolve`.
    pub(super) async fn resolve(&mut self, hazard: Hazard) -> Result<End, String> {
        self.sit(hazard, false).await
    }

    async fn sit(&mut self, hazard: Hazard, is_run: bool) -> Result<End, String> {
        let Ok(journal) = self.open().await.map(Arc::new) else { return Ok(End::Refused) };
        self.runs += 1;
        let steps = Steps::of_run(&self.clock, hazard);
        let witness = Witness::new(Arc::clone(&journal), steps.clone(), Arc::clone(&self.promises));
        let (witness, number) = (Arc::new(witness), self.runs);
        let sitting = Sitting { world: self, journal: Arc::clone(&journal), witness, steps: steps.clone(), number };
        let told = async { if is_run { sitting.run().await } else { sitting.resolve().await } };
        let end = tokio::select! {
            biased;
            () = steps.killed() => Ok(End::Killed),
            end = told => end,
        };
        drop(sitting);
        if end == Ok(End::Killed) {
            self.kills += 1;
        }
        self.close(journal, end == Ok(End::Killed)).await;
        end
    }

    /// Waits until nobody has the journal any more. A killed program does not write down what it knew.
    async fn close(&self, mut journal: Arc<Store>, killed: bool) {
        let lock = self.case.path("journal.db.lock");
        let memo = std::fs::read(&lock).unwrap();
        let journal = loop {
            match Arc::try_unwrap(journal) {
                Ok(journal) => break journal,
                Err(shared) => journal = shared,
            }
            tokio::task::yield_now().await;
            std::thread::yield_now();
        };
        drop(journal);
        if killed {
            std::fs::write(lock, memo).unwrap();
        }
    }
}

impl Sitting<'_> {
    const fn clock(&self) -> &ModelClock {
        &self.world.clock
    }

    /// As `cli::run::run`.
    async fn run(&self) -> Result<End, String> {
        let (world, started_at) = (self.world, self.clock().now());
        let case = &world.case;
        let held = Store::open(&case.journal).await;
        if !matches!(held, Err(JournalError::Held { .. })) {
            return Err("P17: a second runner was let in".into());
        }
        self.witness.recover(started_at).await.map_err(told)?;
        let input = case.input(started_at).map_err(failed)?;
        let log = case.log(&world.credentials, None).map_err(failed)?;
        self.note_contradictions(&log).await?;
        let plan =
            make_plan(case, &world.account, input, &log, Some(&self.journal), started_at).await.map_err(failed)?;
        if !plan.may_run() {
            return Ok(End::Refused);
        }
        let plan = Arc::new(plan);
        let rows: Arc<dyn NewRows> = Arc::<Plan>::clone(&plan);
        let run = self.begin(plan.header.clone(), rows).await?;
        let amounts = in_input(&self.unsettled().await?, &plan);
        let fresh = Fresh::of(plan.total(), Sending::of(Arc::clone(&plan))).with(amounts);
        let stop = self.send_and_settle(&run, fresh).await?;
        self.report(run, &plan, &log, stop.as_ref()).await
    }

    /// As `cli::resolve::job`.
    async fn resolve(&self) -> Result<End, String> {
        let world = self.world;
        self.witness.recover(self.clock().now()).await.map_err(told)?;
        self.note_contradictions(&world.case.log(&world.credentials, None).map_err(failed)?).await?;
        let run = self.begin(Vec::new(), Arc::new(Vec::new())).await?;
        let stop = self.send_and_settle(&run, Fresh::none()).await?;
        let left =
            in_doubt_elsewhere(&world.case.job, &world.account, &self.journal, &HashSet::new()).await.map_err(told)?;
        let exit_code = exit_code(stop.as_ref(), left);
        let finished = Finished { run, at: self.clock().now(), exit_code, stopped: None };
        self.witness.finish_run(finished).await.map_err(told)?;
        Ok(End::Code(exit_code))
    }

    async fn note_contradictions(&self, log: &Log) -> Result<(), String> {
        let refused = self.journal.refusals(&self.world.account).await.map_err(told)?;
        for found in contradictions(&refused, &log.heard, self.clock().now()) {
            self.witness.contradict(found).await.map_err(told)?;
        }
        Ok(())
    }

    async fn begin(&self, header: Vec<String>, rows: Arc<dyn NewRows>) -> Result<RunId, String> {
        let (job, account) = (self.world.case.job.name.to_string(), self.world.account.clone());
        let new = NewRun {
            job,
            account,
            started_at: self.clock().now(),
            horizon: self.world.case.job.retries.horizon,
            delimiter: b',',
            header,
            terms: Terms::default(),
            rows,
            plan: None,
        };
        self.witness.begin_run(new).await.map_err(told)
    }

    async fn unsettled(&self) -> Result<Vec<Item>, String> {
        let (account, job) = (&self.world.account, self.world.case.job.name.as_str());
        self.journal.items_in(account, job, &[State::Unknown]).await.map_err(told)
    }

    async fn send_and_settle(&self, run: &RunId, fresh: Fresh) -> Result<Option<Stop>, String> {
        let (world, steps) = (self.world, self.steps.clone());
        let job = &world.case.job;
        let unsettled = self.unsettled().await?;
        let gateway = Provider {
            truth: Arc::clone(&world.truth),
            words: world.words.clone(),
            clock: world.clock.clone(),
            steps,
            journal: world.journal(),
            run: self.number,
        };
        let desk = Desk {
            journal: Arc::clone(&self.witness),
            gateway,
            clock: RunClock::begin(world.clock.clone()),
            signer: world.words.signer.clone(),
            client_id: world.words.client_id.clone(),
            run: run.clone(),
            lost_since: self.journal.lost_since().await.map_err(told)?,
            horizon: job.retries.horizon,
            page: PaymentPage::Loopback,
            places: Arc::default(),
        };
        let (account, progress) = (world.account.clone(), Arc::new(Progress::default()));
        let dispatch = Dispatch::new(desk, account, Rules::of(job), fresh, unsettled, progress);
        match dispatch.run(self.steps.interrupted()).await {
            Some(Stop::Journal(error)) => Err(format!("the runner asked the journal for what it refuses: {error}")),
            stop => Ok(stop),
        }
    }

    /// As `cli::run::report`, but nothing is printed and no file written.
    async fn report(&self, run: RunId, plan: &Plan, before: &Log, stop: Option<&Stop>) -> Result<End, String> {
        let (world, now) = (self.world, self.clock().now());
        self.note_contradictions(before).await?;
        let records = self.journal.rows(&run).await.map_err(told)?;
        let job = &world.case.job;
        let mut read = ReadBack::begin(&world.case, plan, Room::Disk).map_err(|error| error.to_string())?;
        read.take(plan, &records).map_err(|error| error.to_string())?;
        let elsewhere = in_doubt_elsewhere(job, &world.account, &self.journal, &read.in_doubt);
        let in_doubt_earlier = elsewhere.await.map_err(told)?;
        let books = read.books(&world.case, before, now).map_err(|error| error.to_string())?;
        let ending = Ending {
            hosts: Vec::new(),
            plan: None,
            run: Some(run.to_string()),
            input: plan.input_tally(),
            books,
            dispositions: plan.dispositions(),
            guards: plan.guards.clone(),
            overrides: Vec::new(),
            illustrated: Illustrated::default(),
            in_doubt_earlier,
            earlier: Vec::new(),
            period: None,
            log: None,
            inputs: None,
            journal: None,
            journal_doubts: None,
            limits: None,
            other_jobs: std::collections::BTreeSet::default(),
            other_amounts: OtherAmounts::default(),
            started_at: now,
            now,
            completion: if stop.is_some() { Completion::PartWay } else { Completion::Whole },
            stopped: stop.map(|stop| stop.cause(None)),
        };
        let summary = conclude(&world.case, ending).summary;
        invariants::closing(world, &self.journal, plan, &records, &summary, before).await?;
        let exit_code = summary.exit_code;
        self.witness.finish_run(Finished { run, at: now, exit_code, stopped: None }).await.map_err(told)?;
        Ok(End::Code(exit_code))
    }
}

/// What the journal refused, though nobody has harmed it.
#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn told(error: JournalError) -> String {
    format!("the journal refused: {error}")
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands it over")]
fn failed(failure: Failure) -> String {
    format!("a run could not begin: {failure}")
}
