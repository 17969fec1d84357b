//! `rekon simulate`: DOKU's Akulaku API on loopback until it is interrupted.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::args::SimulateArgs;
use super::embed::read_state;
use super::exit::{DONE, Failure};
use super::interrupt::{Signals, Stopping};
use super::load::shown;
use super::screen::Screen;
use super::unreadable::unreadable;
use crate::edge::clock::SystemClock;
use crate::edge::credentials;
use crate::edge::read;
use crate::job::settings::{Merchant, Reference};
use crate::model::environment::Environment;
use crate::report::words::both::both;
use crate::runner::clock::Clock as _;
use crate::simulator::{CLIENT_ID, Config, PaymentPages, SECRET_KEY, Simulator, StartingState};

/// Serves until a signal comes.
pub(super) async fn simulate(args: &SimulateArgs, screen: Screen) -> Result<u8, Failure> {
    let state = starting_state(args)?;
    let named = credentials::in_environment(crate::job::flags::VARIABLES);
    let reference = |variable: &str| named.then(|| Reference::Env(variable.to_owned()));
    let merchant = Merchant {
        environment: Environment::Simulator,
        client_id: reference(crate::job::flags::VARIABLES.0),
        secret_keys: reference(crate::job::flags::VARIABLES.1).into_iter().collect(),
        base_url: None,
        state: None,
        notify: None,
    };
    let keys = credentials::read(&merchant, std::path::Path::new("."), (CLIENT_ID, SECRET_KEY))
        .map_err(|error| Failure::Refused(error.to_string()))?;
    let config = Config {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        client_id: keys.client_id,
        secret_key: keys.secret_key,
        state,
        ledger: args.ledger.clone(),
        notification_log: args.log.clone(),
        notification_url: args.notify.clone(),
        notification_hurry: args.notify_hurry,
        payment_pages: PaymentPages::Here,
        ..Config::new(Arc::new(|| SystemClock.now()))
    };
    let running = Simulator::start(config).await.map_err(|error| Failure::Refused(error.to_string()))?;
    let mut interrupted = Signals::listen(Stopping::Server, screen).asked();
    let address = running.address();
    let listens = both(format!("listening on http://{address}"), format!("mendengarkan di http://{address}"));
    screen.say(screen.told(&listens));
    screen.note(&both(
        "the keys are those of DOKU_CLIENT_ID and DOKU_SECRET_KEY, or the simulator's own if they are not set",
        "kuncinya DOKU_CLIENT_ID dan DOKU_SECRET_KEY, atau milik simulator sendiri bila keduanya tidak diisi",
    ));
    while !*interrupted.borrow_and_update() && interrupted.changed().await.is_ok() {}
    let (requests, effects, violations) = (running.request_count(), running.ledger().len(), running.violations().len());
    screen.note(&both(
        format!("{requests} requests, {effects} effects, {violations} violations"),
        format!("{requests} permintaan, {effects} berdampak, {violations} pelanggaran"),
    ));
    running.stop().await;
    Ok(DONE)
}

/// The state file, and the script of faults beside it. Whatever is wrong with either is told at once.
fn starting_state(args: &SimulateArgs) -> Result<StartingState, Failure> {
    let read_script = |state: &mut StartingState| {
        let Some(path) = &args.faults else { return Ok(()) };
        let file = shown(path);
        let bytes = read::bytes(path).map_err(|error| unreadable(&file, &error))?;
        state.add_script(&String::from_utf8_lossy(&bytes), &file).map_err(Failure::Faults)
    };
    let state = args.state.as_deref().map(read_state).transpose();
    match state.map(Option::unwrap_or_default) {
        Ok(mut state) => read_script(&mut state).map(|()| state),
        Err(Failure::Faults(mut faults)) => {
            if let Err(Failure::Faults(more)) = read_script(&mut StartingState::default()) {
                faults.extend(more);
            }
            Err(Failure::Faults(faults))
        }
        Err(failure) => Err(failure),
    }
}
