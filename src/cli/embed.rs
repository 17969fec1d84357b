//! The simulator inside the program: for `environment: simulator` without a base URL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::exit::Failure;
use super::load::{Case, shown};
use super::unreadable::unreadable;
use crate::edge::clock::SystemClock;
use crate::edge::credentials::Credentials;
use crate::edge::read;
use crate::model::listing::Unread;
use crate::model::operation::{Operation, Task};
use crate::model::status::PaymentStatus;
use crate::plan::Input;
use crate::runner::clock::Clock as _;
use crate::simulator::{Config, Running, Simulator, StartingOrder, StartingState};

/// A simulator that runs inside this program, and the log that it writes.
pub(super) struct Embedded {
    pub(super) running: Running,
    pub(super) log: PathBuf,
}

/// Starts the simulator. Its ledger and its log stand beside the journal, so that effects outlive the program.
pub(super) async fn start(case: &Case, credentials: &Credentials, input: Option<&Input>) -> Result<Embedded, Failure> {
    let state = match &case.job.merchant.state {
        Some(template) => read_state(&case.path(template))?,
        None => input.map(|input| rehearsal(case.job.task, input)).transpose()?.unwrap_or_default(),
    };
    let log = file_of(case, "notifications");
    let config = Config {
        client_id: credentials.client_id.clone(),
        secret_key: credentials.secret_key.clone(),
        state,
        ledger: Some(file_of(case, "ledger")),
        notification_log: Some(log.clone()),
        notification_path: case.job.notifications.path.clone(),
        notification_url: case
            .job
            .merchant
            .notify
            .as_ref()
            .map(|host| format!("{host}{}", case.job.notifications.path)),
        ..Config::new(Arc::new(|| SystemClock.now()))
    };
    let running = Simulator::start(config).await.map_err(|error| Failure::Refused(format!("simulator: {error}")))?;
    Ok(Embedded { running, log })
}

fn file_of(case: &Case, what: &str) -> PathBuf {
    case.journal_folder().join("simulator").join(format!("{}-{what}.jsonl", case.job.name))
}

/// Whether the embedded simulator is made of the input.
pub(super) fn needs_input(case: &Case) -> bool {
    case.job.embeds_simulator() && case.job.merchant.state.is_none()
}

/// The log of the embedded simulator, for commands that only read; `None` if the job embeds none.
pub(super) fn log_of(case: &Case) -> Option<PathBuf> {
    case.job.embeds_simulator().then(|| file_of(case, "notifications"))
}

/// Reads a state file.
pub(super) fn read_state(path: &Path) -> Result<StartingState, Failure> {
    let file = shown(path);
    let bytes = read::bytes(path).map_err(|error| unreadable(&file, &error))?;
    let text = String::from_utf8_lossy(&bytes);
    StartingState::parse(&text, &file).map_err(Failure::Faults)
}

/// Without a state file the simulator takes the input's word: orders to refund are paid, orders to cancel are not.
fn rehearsal(task: Task, input: &Input) -> Result<StartingState, Unread> {
    let status = match task {
        Task::Change(Operation::Refund) => PaymentStatus::Success,
        Task::Change(Operation::Cancel) => PaymentStatus::Pending,
        Task::Change(Operation::Create) | Task::Audit => return Ok(StartingState::default()),
    };
    let orders = input.orders().map(|entry| {
        let order = entry?.order;
        Ok(StartingOrder {
            payment_reference: order.payment_reference,
            order_id: order.order_id,
            akulaku_reference: order.akulaku_reference,
            since: order.created_at,
            ..StartingOrder::new(order.invoice_number, order.amount, status)
        })
    });
    Ok(StartingState { orders: orders.collect::<Result<_, Unread>>()?, ..StartingState::default() })
}
