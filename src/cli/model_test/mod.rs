//! The model test: the real plan, dispatcher, journal and reconciliation against a provider that keeps the truth, in virtual
//! time, through random stories of runs, kills, faults, clocks, notifications, rulings and lost journals. After every
//! command the invariants P1 to P17 of `failure-modes.md` 3 are checked (P8 and P9 have tests of their own), and at
//! the end the world is healed and must come to rest.
//!
//! [`commands`] is what can happen, [`world`] where it happens, [`run`] the program, [`provider`] the other side;
//! [`invariants`], [`proof`] and [`healing`] are what must hold. `REKON_MODEL_CASES=20000` tells more stories than CI does,
//! `REKON_MODEL_SEED=7` others; with `--nocapture` the figures are printed.

mod commands;
mod healing;
mod invariants;
mod proof;
mod provider;
mod run;
mod time;
mod witness;
mod words;
mod world;

use std::collections::BTreeSet;
use std::sync::Mutex;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::model::operation::Operation;
use crate::model::status::PaymentStatus;
use commands::{Command, Fault, Hazard, Memory, ORDERS, Story, When, stories};
use healing::ALL;
use run::End;
use words::invoice;
use world::World;

/// What was tried, over all cases.
#[derive(Debug, Default)]
struct Figures {
    cases: usize,
    commands: usize,
    runs: usize,
    kills: usize,
    requests: usize,
    effects: usize,
    doubles: usize,
    virtual_hours: u64,
}

impl Figures {
    fn add(&mut self, world: &World, commands: usize) {
        let truth = world.truth.lock().unwrap();
        let orders: BTreeSet<&str> = truth.effects.iter().map(|effect| effect.invoice.as_str()).collect();
        self.cases += 1;
        self.commands += commands;
        self.runs += world.runs;
        self.kills += world.kills;
        self.requests += truth.arrivals.len();
        self.effects += truth.effects.len();
        self.doubles += truth.effects.len() - orders.len();
        self.virtual_hours += world.lasted.as_secs() / 3_600;
    }
}

#[test]
fn whatever_happens_nothing_is_done_twice_and_nothing_is_lost() {
    let figures = Mutex::new(Figures::default());
    check(100, &stories(), |story| {
        let world = in_virtual_time(tell(story))?;
        figures.lock().unwrap().add(&world, story.commands.len());
        Ok(())
    });
    show(&figures.into_inner().unwrap());
}

/// Found by the model: the refusal of the first generation cannot become a conflict beside the second one.
#[test]
fn an_order_that_was_reopened_and_refunded_stops_no_run_when_doku_says_so() {
    let run = || Command::Run { orders: vec![0], hazard: Hazard::None };
    let refunded = || Command::Notify { order: 0, status: PaymentStatus::Refunded, copies: 1 };
    for before_it_is_sent in [true, false] {
        let mut commands =
            vec![Command::Faults(vec![Fault::Refuse]), run(), Command::Heal, Command::Reopen { order: 0 }];
        commands.extend(if before_it_is_sent { [refunded(), run()] } else { [run(), refunded()] });
        commands.push(run());
        let story = Story { operation: Operation::Refund, memory: Memory::Forever, commands };
        assert_eq!(in_virtual_time(tell(&story)).map(drop), Ok(()), "{story:?}");
    }
}

/// Lets everything of a story happen, and heals the world in the end.
async fn tell(story: &Story) -> Result<World, String> {
    let mut world = World::new(story);
    for command in &story.commands {
        world.happen(command).await?;
        invariants::always(&mut world).await?;
    }
    healing::heal(&mut world).await?;
    world.lasted = world.clock.elapsed();
    Ok(world)
}

/// P15.
#[test]
fn a_run_that_is_killed_again_and_again_ends_like_one_that_is_not() {
    let fate = prop_oneof![Just(Fault::Fine), Just(Fault::Refuse), Just(Fault::TimeOut(When::Before))];
    let cases = (vec(fate, usize::from(ORDERS)), vec(1..40_u32, 0..8));
    check(20, &cases, |(fates, kills)| {
        in_virtual_time(async {
            let story = Story { operation: Operation::Refund, memory: Memory::Horizon, commands: Vec::new() };
            let mut ends = Vec::new();
            for kills in [&[][..], kills] {
                let mut world = World::new(&story);
                let fates = (0..).zip(fates).map(|(order, fate)| (invoice(order), *fate));
                world.truth.lock().unwrap().fates = fates.collect();
                for step in kills {
                    world.run(&ALL, Hazard::Kill { step: *step }).await?;
                    invariants::always(&mut world).await?;
                }
                let end = world.run(&ALL, Hazard::None).await?;
                invariants::always(&mut world).await?;
                let items = invariants::items(&world);
                let items: Vec<_> = items.into_iter().map(|item| (item.request_id, item.state)).collect();
                let done = world.truth.lock().unwrap().effects.iter().map(|effect| effect.request_id.clone()).collect();
                ends.push((end, items, done));
            }
            let _: &Vec<(End, _, BTreeSet<String>)> = &ends;
            if ends[0] == ends[1] {
                Ok(())
            } else {
                Err(format!("P15: {:?} without kills, {:?} with", ends[0], ends[1]))
            }
        })
    });
}

/// Time is paused: it passes when everybody waits.
fn in_virtual_time<T>(story: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(story)
}

/// Tries `cases` cases, or as many as the environment asks for, the same each time; shows the shortest one that fails.
fn check<S: Strategy>(cases: u32, strategy: &S, test: impl Fn(&S::Value) -> Result<(), String>) {
    let cases = asked("REKON_MODEL_CASES").map_or(cases, |asked| u32::try_from(asked).unwrap());
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&asked("REKON_MODEL_SEED").unwrap_or_default().to_le_bytes());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let tried = runner.run(strategy, |case| test(&case).map_err(TestCaseError::fail));
    if let Err(failed) = tried {
        panic!("{failed}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how much a test tries is said from outside")]
fn asked(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[expect(clippy::print_stdout, reason = "cargo shows it when it is asked to")]
fn show(figures: &Figures) {
    println!("{figures:#?}");
}
