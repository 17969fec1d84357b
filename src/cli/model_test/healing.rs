//! P16: once the provider is well, the clock right and the journal there, everything comes to its end in bounded time; what
//! is older than the horizon comes before a person, whose ruling ends it; and then nothing is sent any more.

use super::commands::{Hazard, ORDERS};
use super::invariants::{self, Found};
use super::run::End;
use super::world::World;
use crate::journal::state::State;

/// All orders of the world.
pub(super) const ALL: [u8; ORDERS as usize] = [0, 1, 2];

/// Heals the world and sees it through.
pub(super) async fn heal(world: &mut World) -> Result<(), String> {
    world.truth.lock().unwrap().faults.clear();
    world.clock.set_right();
    if world.open().await.is_err() {
        world.put_back();
    }
    if world.open().await.is_err() {
        world.accept().await;
    }
    drop(world.open().await.map_err(|failure| format!("P16: the journal stays closed: {failure}"))?);
    // Whatever came late has come.
    pass(300).await;
    for _ in 0..4 {
        // A loss that was young may become old at any time; a person accepts it then.
        if world.open().await.is_err() {
            world.accept().await;
        }
        run(world).await?;
        pass(1_800).await;
        if !has_open(world) {
            break;
        }
    }
    let late = |item: &&Found| item.state == State::Unknown && !is_excused(world, item);
    if let Some(item) = invariants::items(world).iter().find(late) {
        return Err(format!("P16: {} is still {} ({})", item.invoice, item.state, item.reason));
    }
    // Longer than any clock of a story was ahead, and a horizon. A loss that was young is old after that.
    pass(21 * 86_400).await;
    if world.open().await.is_err() {
        world.accept().await;
    }
    for _ in 0..2 {
        if has_open(world) {
            run(world).await?;
        }
    }
    let undecided = |item: &&Found| matches!(item.state, State::Unknown | State::Intent);
    if let Some(item) = invariants::items(world).iter().find(undecided) {
        return Err(format!("P16: beyond the horizon, {} is {} ({})", item.invoice, item.state, item.reason));
    }
    for order in ALL {
        world.rule(order).await;
    }
    let end = run(world).await?;
    let sent = world.truth.lock().unwrap().arrivals.len();
    let again = run(world).await?;
    if !matches!(end, End::Code(0 | 1)) || again != end {
        return Err(format!("P16: after all rulings a run ends with {end:?}, and the next with {again:?}"));
    }
    if world.truth.lock().unwrap().arrivals.len() != sent {
        return Err("P16: something is sent though everything is at its end".into());
    }
    known(world)
}

fn has_open(world: &World) -> bool {
    invariants::items(world).iter().any(|item| matches!(item.state, State::Unknown | State::Intent | State::Planned))
}

/// Requests that were turned away are only asked about, and so are those that a wrong clock has written: they wait for
/// the horizon. So does what the horizon has passed for already.
fn is_excused(world: &World, item: &Found) -> bool {
    let turned_away = ["http_400", "http_401", "http_403", "http_404", "http_422"].contains(&item.reason.as_str());
    turned_away || world.was_past_or_future(item.id)
}

/// Every effect is known as one.
fn known(world: &World) -> Result<(), String> {
    let items = invariants::items(world);
    let truth = world.truth.lock().unwrap();
    let is_known = |invoice: &str| {
        let latest = items.iter().rev().find(|item| item.invoice == invoice);
        latest.is_some_and(|item| matches!(item.state, State::Succeeded | State::AlreadyDone | State::RuledDone))
    };
    match truth.effects.iter().find(|effect| !is_known(&effect.invoice)) {
        Some(effect) if !world.has_lost => Err(format!("P16: nobody knows of the effect {effect:?}")),
        _ => Ok(()),
    }
}

async fn run(world: &mut World) -> Result<End, String> {
    let end = world.run(&ALL, Hazard::None).await?;
    invariants::always(world).await?;
    Ok(end)
}

async fn pass(seconds: u64) {
    tokio::time::advance(std::time::Duration::from_secs(seconds)).await;
}
