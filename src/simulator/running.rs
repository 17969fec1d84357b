//! Starting and stopping a simulator, and what can be asked of one that runs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::desk::Desk;
use super::entry::{Effect, Violation};
use super::ledger::{Ledger, LedgerError};
use super::notify::{Notification, NotificationLog, Notifier};
use super::orders::Orders;
use super::provider::Provider;
use super::script::FaultScript;
use super::server::{Shared, accept, put_off};
use super::state::StartingState;
use super::{CLIENT_ID, Clock, SECRET_KEY, courier};
use crate::doku::sign::Signer;
use crate::model::ids::ClientId;
use crate::model::secret::Secret;

/// What a simulator is started with.
pub struct Config {
    /// Where to listen; on loopback. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The one merchant that the simulator knows.
    pub client_id: ClientId,
    /// The merchant's key.
    pub secret_key: Secret,
    /// Orders, customers and faults.
    pub state: StartingState,
    /// Where the ledger is kept; absent: only in memory.
    pub ledger: Option<PathBuf>,
    /// Where notifications are logged; absent: nowhere.
    pub notification_log: Option<PathBuf>,
    /// Where notifications are sent; absent: nowhere.
    pub notification_url: Option<String>,
    /// So many times faster than DOKU a notification that was not taken is sent again.
    pub notification_hurry: NonZeroU32,
    /// Where `payment.url` of a new order leads.
    pub payment_pages: PaymentPages,
    /// The path that notifications are signed for, unless there is a URL, whose path it is then.
    pub notification_path: String,
    /// Tells the present.
    pub clock: Clock,
}

impl Config {
    /// A free port on loopback, the simulator's own keys, no orders and no files.
    ///
    /// # Panics
    /// Never: [`CLIENT_ID`] is a client id.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: ClientId::new(CLIENT_ID).expect("the constant is a client id"),
            secret_key: Secret::new(SECRET_KEY),
            state: StartingState::default(),
            ledger: None,
            notification_log: None,
            notification_url: None,
            notification_hurry: HURRY,
            payment_pages: PaymentPages::AsInTheGuide,
            notification_path: "/payments/notifications".to_owned(),
            clock,
        }
    }
}

/// Half an hour is a second.
pub const HURRY: NonZeroU32 = NonZeroU32::new(1800).expect("it is not zero");

/// Where `payment.url` of a new order leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentPages {
    /// Nowhere: it has the form of the guide's sample, the same wherever the simulator listens.
    AsInTheGuide,
    /// To a page of the simulator, where a person pays or rejects the order.
    Here,
}

/// Why a simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address can be reached from elsewhere.
    #[error("{0} is not on loopback: the simulator serves this machine only")]
    NotLoopback(SocketAddr),
    /// The address cannot be listened on.
    #[error("{address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The ledger cannot be used.
    #[error("ledger: {0}")]
    Ledger(#[from] LedgerError),
    /// The notification log cannot be used.
    #[error("notification log: {}: {source}", path.display())]
    NotificationLog {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The merchant's URL is none.
    #[error("notification url {url:?} is not a web address")]
    NotificationUrl {
        /// The text.
        url: String,
    },
    /// No HTTP client can be made.
    #[error("notifications cannot be sent: {0}")]
    Courier(#[source] reqwest::Error),
}

/// The simulator before it runs.
pub struct Simulator;

/// A simulator that runs, until it is stopped or dropped.
pub struct Running {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: watch::Sender<()>,
    server: JoinHandle<()>,
    /// Absent: there is no URL.
    courier: Option<JoinHandle<()>>,
}

/// How long the courier may go on once the simulator has stopped.
const COURIER_GRACE: Duration = Duration::from_secs(2);

impl Simulator {
    /// Reads the files, tells the merchant what it has not been told, and listens.
    ///
    /// # Errors
    /// The address, a file or the URL cannot be used. Nothing is listened on then.
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address: config.listen, source })?;
        let url = config.notification_url.as_deref().map(web_address).transpose()?;
        let path = url.as_ref().map_or(config.notification_path.clone(), |url| url.path().to_owned());
        let (sender, courier) = url
            .map(|url| courier::start(url, config.notification_hurry))
            .transpose()
            .map_err(StartError::Courier)?
            .unzip();
        let clock = Arc::clone(&config.clock);
        let shared = Arc::new(Shared::new(open_desk(config, address, path, sender)?, clock));
        let (stop, stopped) = watch::channel(());
        put_off(&shared, &stopped);
        let server = tokio::spawn(accept(listener, address, Arc::clone(&shared), stopped));
        Ok(Running { address, shared, stop, server, courier })
    }
}

/// The desk as it was left: starting state, then the ledger, then the notifications that are still due.
fn open_desk(
    config: Config,
    address: SocketAddr,
    notification_path: String,
    courier: Option<UnboundedSender<Notification>>,
) -> Result<Desk, StartError> {
    let now = (config.clock)();
    let signer = Signer::new(&config.secret_key);
    let notifier = Notifier { client_id: config.client_id.clone(), signer, path: notification_path };
    let ledger = config.ledger.as_deref().map(Ledger::open).transpose()?.unwrap_or_default();
    let StartingState { orders, customers, faults, seed, status_lag } = config.state;
    let mut orders = Orders::new(config.client_id, orders, now);
    if config.payment_pages == PaymentPages::Here {
        orders.page_host = format!("http://{address}");
    }
    let mut provider = Provider::new(orders, customers, status_lag);
    for entry in ledger.entries() {
        provider.record(entry);
    }
    let log_path = config.notification_log;
    let log = log_path.as_deref().map(NotificationLog::open).transpose();
    let log_fault = |source| StartError::NotificationLog { path: log_path.clone().unwrap_or_default(), source };
    let log = log.map_err(log_fault)?.unwrap_or_default();
    let mut desk = Desk {
        provider,
        script: FaultScript::new(faults, seed),
        ledger,
        notifier,
        log,
        courier,
        held: None,
        later: Vec::new(),
        last: None,
    };
    desk.tell_all(now).map_err(log_fault)?;
    Ok(desk)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    if !address.ip().is_loopback() {
        return Err(StartError::NotLoopback(address));
    }
    TcpListener::bind(address).await.map_err(|source| StartError::Listen { address, source })
}

fn web_address(text: &str) -> Result<Url, StartError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| StartError::NotificationUrl { url: text.to_owned() })
}

impl Running {
    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The effects so far, those of earlier lives included.
    #[must_use]
    pub fn ledger(&self) -> Vec<Effect> {
        self.shared.desk().ledger.effects()
    }

    /// The breaches of the protocol so far, those of earlier lives included.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        self.shared.desk().ledger.violations()
    }

    /// How many requests have arrived in this life, whatever became of them.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.shared.request_count()
    }

    /// Stops listening, lets open requests and notifications finish for a moment, and ends.
    pub async fn stop(self) {
        let Self { shared, stop, server, courier, .. } = self;
        drop(stop);
        server.await.ok();
        drop(shared.desk().courier.take());
        if let Some(mut courier) = courier
            && tokio::time::timeout(COURIER_GRACE, &mut courier).await.is_err()
        {
            courier.abort();
        }
    }
}
